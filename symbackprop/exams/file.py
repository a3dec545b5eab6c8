"""From a TOML text to an Exam, with every fault of meaning at once.

id = "retro-2026"; title = { es = "…", en = "…" }; course, date, instructions, language
[conventions.kinks]            for all questions
[paper]                        large_print, anonymous
[marking]                      method, mistake: shares of a step's points
[questions.capa]               its id; title, text; exercise = "capa", or
[questions.capa.model]         … and shapes, functions, assume, style as in an exercise
[questions.capa.values]        what is the same for everybody
[questions.capa.draw]          W = { from = -5, to = 5, step = "1/2", zero, ones, distinct }
[questions.capa.rules]         see `rules.py`
[questions.capa.points]        z = 2, dW = 3 …: what is asked, in order
[questions.capa.derive]        of = ["dW"], points = 4: a derivation in general
[questions.capa.mistake]       of = ["dz", "dW"], points = 3: a mistake to be found
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from symbackprop import limits
from symbackprop.derivation.model import Model
from symbackprop.exams.draws import draws_of, entries_of
from symbackprop.exams.gates import gated_names
from symbackprop.exams.model import Exam, Part, Question, Rules
from symbackprop.exams.rules_read import rules_of
from symbackprop.exercise import ExerciseError, Fault, bundled, file_and_text, text_of
from symbackprop.exercise.build import build
from symbackprop.exercise.faults import Collected, nearest
from symbackprop.exercise.faults import Path as Keys
from symbackprop.exercise.model import Exercise
from symbackprop.exercise.numbers import exact_array, number_at
from symbackprop.exercise.sections import known_keys, language_of, table
from symbackprop.exercise.source import read_source
from symbackprop.notation.tree import Shape

_TOP: Final = (
    "id", "title", "course", "date", "instructions", "language", "conventions", "paper", "marking",
    "questions",
)  # fmt: skip
_EXERCISE: Final = ("model", "shapes", "functions", "assume", "style", "values")
_QUESTION: Final = ("title", "text", "exercise", *_EXERCISE, "draw", "rules", "points", "derive", "mistake")
_ID: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,39}")
_FOLDER: Final = Path(__file__).resolve().parent / "bundled"


def bundled_exams() -> Mapping[str, Path]:
    """The exams that come with the program, by name."""
    return MappingProxyType({path.stem: path for path in sorted(_FOLDER.glob("*.toml"))})


def load_exam(path_or_name: str | Path) -> Exam:
    """The exam in a file, or the bundled one of this name. Raises ExerciseError with every fault."""
    exam, _ = exam_and_text(path_or_name)
    return exam


def exam_and_text(path_or_name: str | Path) -> tuple[Exam, str]:
    """The same, and the text that it was made of. Raises ExerciseError."""
    path = Path(bundled_exams().get(str(path_or_name), path_or_name))
    text = text_of(path, _near)
    shown = path.name if str(path_or_name) in bundled_exams() else str(path)
    return exam_of(text, key=path.stem, file=shown, folder=path.parent), text


def _near(path: Path) -> str:
    """What may have been meant by a file that is not there."""
    beside = path.with_name(path.name + ".toml")
    if beside.is_file():
        return f"Did you mean {beside}?"
    known = bundled_exams()
    near = nearest(path.stem, known)
    return f"Did you mean {' or '.join(near)}?" if near else f"Bundled exams: {', '.join(known)}."


def exam_of(
    text: str, *, key: str = "exam", file: str = "", folder: Path = Path(),
    exercises: Mapping[str, str] | None = None,
) -> Exam:  # fmt: skip
    """The exam that a TOML text says; its key is its `id`, else `key`.

    Exercises that it takes models from are those of `exercises`, by what the text calls them, else bundled
    ones, else files beside the exam's, in `folder`. Raises ExerciseError.
    """
    source = read_source(text, file or f"{key}.toml")
    collected = Collected(file or f"{key}.toml", source.lines)
    return _Reading(source.data, collected, key, folder, dict(exercises or {})).exam()


class _Reading:
    """One file being read."""

    def __init__(
        self, data: Mapping[str, Any], collected: Collected, key: str, folder: Path, known: dict[str, str]
    ) -> None:
        self.data = data
        self.collected = collected
        self.key = key
        self.folder = folder
        self.known = known
        self.taken: dict[str, str] = {}

    def exam(self) -> Exam:
        data, collected = self.data, self.collected
        known_keys(data, _TOP, (), collected)
        language = language_of(data, collected) or "en"
        paper = self._table(data, ("paper",), ("large_print", "anonymous"))
        marking = self._table(data, ("marking",), ("method", "mistake"))
        made = Exam(
            key=self._id(data.get("id", self.key), ("id",)),
            title=self._title(language),
            course=self.texts(data.get("course", ""), ("course",), language),
            date=str(data.get("date", "")),
            instructions=self.texts(data.get("instructions", ""), ("instructions",), language),
            language=language,
            questions=tuple(self._questions(language)),
            large_print=self.switch(paper, "large_print", ("paper",)),
            anonymous=self.switch(paper, "anonymous", ("paper",)),
            method=self._share(marking, "method"),
            mistake=self._share(marking, "mistake"),
            exercises=self.taken,
        )
        collected.stop_if_any()
        return made

    # --- small things

    def _id(self, raw: Any, path: Keys) -> str:
        if isinstance(raw, str) and _ID.fullmatch(raw):
            return raw
        advice = 'A letter, then letters, digits, - and _, at most 40 in all: id = "retro-2026".'
        self.collected.add(path, f"{str(raw)[:40]!r} cannot name files", advice)
        return "exam"

    def texts(self, raw: Any, path: Keys, language: str) -> dict[str, str]:
        """A text by language; one string is in the exam's language."""
        if isinstance(raw, str):
            return {language: raw} if raw else {}
        if isinstance(raw, Mapping) and all(isinstance(value, str) for value in raw.values()):
            return {str(key): str(value) for key, value in raw.items()}
        self.collected.add(path, "a text belongs here", f'Write {path[-1]} = {{ es = "…", en = "…" }}.')
        return {}

    def _title(self, language: str) -> dict[str, str]:
        """The exam's title, which may be left out, but not empty."""
        raw = self.data.get("title", {})
        told = raw if isinstance(raw, Mapping) else {"": raw}
        empty = [str(key) for key, text in told.items() if isinstance(text, str) and not text.strip()]
        for key in empty if told or "title" not in self.data else [""]:
            path = ("title", key) if key else ("title",)
            self.collected.add(path, "the title is empty", 'Write title = "…", or take the line away.')
        return self.texts(raw, ("title",), language)

    def switch(self, data: Mapping[str, Any], name: str, path: Keys) -> bool:
        """true or false."""
        raw = data.get(name, False)
        if not isinstance(raw, bool):
            self.collected.add((*path, name), f"{raw!r} is neither true nor false")
        return raw is True

    def _share(self, data: Mapping[str, Any], name: str) -> Fraction:
        value = self.number(data.get(name, "1/2"), ("marking", name))
        if value is not None and 0 <= value <= 1:
            return value
        self.collected.add(("marking", name), "a share lies between 0 and 1", f'Write {name} = "1/2".')
        return Fraction(1, 2)

    def number(self, raw: Any, path: Keys) -> Fraction | None:
        """An exact number."""
        return number_at(raw, path, self.collected)

    def _table(self, data: Mapping[str, Any], path: Keys, known: tuple[str, ...]) -> Mapping[str, Any]:
        found = table(data, path, self.collected)
        known_keys(found, known, path, self.collected)
        return found

    # --- questions

    def _questions(self, language: str) -> Iterator[Question]:
        raw = table(self.data, ("questions",), self.collected)
        if not raw:
            advice = "Write [questions.one] and what it asks under it; symbackprop list names bundled exams."
            self.collected.add(("questions",), "the exam has no questions", advice)
        if len(raw) > limits.EXAM_QUESTIONS:
            self.collected.add(("questions",), f"more than {limits.EXAM_QUESTIONS} questions")
            return
        taken: dict[str, str] = {}
        for name in raw:
            path = ("questions", str(name))
            self._id(str(name), path)
            other = taken.setdefault(str(name).lower(), str(name))
            if other != name:
                message = f"{name} and {other} are one name where files have no capitals"
                self.collected.add(path, message, "Give questions ids that differ in other letters.")
            found = self._question(str(name), self._table(raw, path, _QUESTION), language)
            if found is not None:
                yield found

    def _question(self, name: str, data: Mapping[str, Any], language: str) -> Question | None:
        path = ("questions", name)
        before = len(self.collected.faults)
        exercise = self._exercise(name, data)
        if exercise is not None and not any(key in data for key in ("points", "mistake")):
            exercise = replace(exercise, values={})
        rules = rules_of(table(data, (*path, "rules"), self.collected), (*path, "rules"), self.collected)
        if exercise is None:
            return None
        parts = tuple(self._parts(data, path, exercise))
        asked = (name[1:] for part in parts for name in part.names)
        more = (name for name in asked if name in exercise.given)
        exercise = replace(exercise, wanted=tuple(dict.fromkeys((*exercise.wanted, *more))))
        draws = {}
        if any(part.kind != "derive" for part in parts):
            self._check_sizes(exercise, rules, path)
            draws = draws_of(table(data, (*path, "draw"), self.collected), exercise, path, self.collected)
        if len(self.collected.faults) > before:
            return None
        return Question(
            id=name, title=self.texts(data.get("title", ""), (*path, "title"), language),
            text=self.texts(data.get("text", ""), (*path, "text"), language), exercise=exercise,
            fixed=exercise.values, draws=draws, rules=rules, parts=parts,
        )  # fmt: skip

    def _exercise(self, name: str, data: Mapping[str, Any]) -> Exercise | None:
        """The model of a question: its own, or an exercise's with other numbers."""
        path = ("questions", name)
        made: dict[str, Any] = {}
        if "exercise" in data:
            if "model" in data:
                self.collected.add((*path, "exercise"), "there is a model too", "Take one of them away.")
                return None
            made = self._borrowed(data["exercise"], (*path, "exercise"))
            if not made:
                return None
        elif "model" not in data:
            advice = f'Write exercise = "neurona", or [questions.{name}.model] and its equations.'
            self.collected.add(path, "there is no model", advice)
            return None
        for key in _EXERCISE:
            if key in data:
                own = data[key]
                both = isinstance(own, Mapping) and isinstance(made.get(key), Mapping)
                made[key] = {**made[key], **own} if both and key != "values" else own
        kinks = table(self.data, ("conventions",), self.collected).get("kinks")
        if kinks is not None:
            made["conventions"] = {"kinks": kinks}
        try:
            return build(made, Collected(self.collected.file), name)
        except ExerciseError as error:
            for fault in error.faults:
                self._moved(fault, path)
            return None

    def _borrowed(self, raw: Any, path: Keys) -> dict[str, Any]:
        """The model of an exercise, and the sizes of its numbers."""
        name = str(raw)
        try:
            text = self.known.get(name)
            if text is None:
                _, text = file_and_text(name if name in bundled() else self.folder / name)
            self.taken[name] = text
            data = read_source(text, name).data
        except ExerciseError as error:
            for fault in error.faults:
                self.collected.add(path, fault.message, fault.suggestion)
            return {}
        made = {key: data[key] for key in (*_EXERCISE, "conventions") if key in data and key != "values"}
        sizes = {name: list(exact_array(value).shape) for name, value in dict(data.get("values", {})).items()}
        return {**made, "shapes": {**sizes, **dict(data.get("shapes", {}))}}

    def _moved(self, fault: Fault, path: Keys) -> None:
        """A fault of a question's exercise, at its place in the exam."""
        keys = (*path, *fault.key.split(".")) if fault.key else path
        self.collected.add(keys, fault.message, fault.suggestion, fault.text, fault.span)

    # --- parts

    def _parts(self, data: Mapping[str, Any], path: Keys, exercise: Exercise) -> Iterator[Part]:
        asked = table(data, (*path, "points"), self.collected)
        known = _quantities(exercise)
        count = 0
        for name, raw in asked.items():
            count += 1
            if str(name) not in known:
                self.collected.unknown((*path, "points", str(name)), "the model has no", str(name), known)
                continue
            yield Part(
                id=str(name), kind="value", names=(str(name),),
                points=self._points(raw, (*path, "points", str(name))),
            )  # fmt: skip
        for kind in ("derive", "mistake"):
            if kind in data:
                count += 1
                yield from self._written(kind, data, (*path, kind), exercise)
        if asked and "mistake" in data:
            advice = "Make two questions of it: each has numbers of its own."
            message = "the derivation with a mistake in it would print answers that are asked too"
            self.collected.add((*path, "mistake"), message, advice)
        if count > limits.EXAM_PARTS:
            message = f"{count} parts; a question has at most {limits.EXAM_PARTS}, which are lettered"
            self.collected.add(path, message, "Make two questions of it.")
        if not count:
            advice = f"Write [questions.{path[1]}.points] and, under it, dW = 3."
            self.collected.add(path, "nothing is asked", advice)

    def _written(self, kind: Any, data: Mapping[str, Any], path: Keys, exercise: Exercise) -> Iterator[Part]:
        """A part that asks for a derivation, or for the mistake in one."""
        raw = self._table(data, path, ("of", "points"))
        known = [name for name in _quantities(exercise) if name.startswith("d")]
        names = raw.get("of", [name for name in known if name[1:] in (*exercise.computed, *exercise.wanted)])
        if not isinstance(names, list) or not names:
            self.collected.add((*path, "of"), "gradients belong here", 'Write of = ["dW", "db"].')
            return
        strange = [str(name) for name in names if name not in known]
        for name in strange:
            self.collected.unknown((*path, "of"), "the model has no gradient", name, known)
        if not strange:
            yield Part(
                id=kind, kind=kind, names=tuple(map(str, names)),
                points=self._points(raw.get("points", 1), (*path, "points")),
            )  # fmt: skip

    def _points(self, raw: Any, path: Keys) -> Fraction:
        value = self.number(raw, path)
        if value is not None and not 0 < value <= limits.EXAM_POINTS:
            self.collected.add(path, f"points lie between 0 and {limits.EXAM_POINTS}", "Write 2 or 0.5.")
        return value or Fraction(1)

    def _check_active(self, exercise: Exercise, rules: Rules, path: Keys) -> None:
        """As many units can be active as a layer has."""
        active = rules.number("active")
        for name in sorted(gated_names(Model.of(exercise))):
            count = entries_of(exercise.shapes[name])
            if active is not None and active > count:
                message = f"{active} units are to be active, and {name} has {count}"
                self.collected.add((*path, "rules", "active"), message, f"Write active = {count} or less.")
                return

    def _check_sizes(self, exercise: Exercise, rules: Rules, path: Keys) -> None:
        """Every size is a number; n ≠ k, unless it is asked for; and it can be worked out by hand."""
        letters = [name for name, shape in exercise.shapes.items() if not _is_known(shape)]
        if letters:
            advice = f"Write [questions.{path[1]}.shapes] with numbers: {letters[0]} = [2, 3]."
            self.collected.add(path, f"the sizes of {', '.join(letters)} are no numbers", advice)
            return
        entries = sum(entries_of(shape) for shape in exercise.shapes.values())
        if entries > limits.EXAM_ENTRIES:
            message = f"the arrays have {entries} numbers; nobody works out more than {limits.EXAM_ENTRIES}"
            self.collected.add(path, message)
        self._check_active(exercise, rules, path)
        for name in exercise.given:
            shape = exercise.shapes[name]
            if len(shape) == 2 and shape[0] == shape[1] != 1 and not rules.number("square"):
                advice = "Choose n ≠ k, or write square = true under rules."
                message = f"{name} is {shape[0]}×{shape[1]}: a missing transpose would fit"
                self.collected.add((*path, "shapes", name), message, advice)


def _quantities(exercise: Exercise) -> tuple[str, ...]:
    """What can be asked: every computed name, and the gradients of all that the loss hangs on."""
    reached = Model.of(exercise).reaching() - {exercise.loss}
    rest = (name for name in (*exercise.computed[::-1], *exercise.given) if name in reached)
    return (*exercise.computed, *("d" + name for name in rest))


def _is_known(shape: Shape) -> bool:
    return all(isinstance(size, int) for size in shape)
