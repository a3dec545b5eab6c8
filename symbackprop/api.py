"""symbackprop from Python: derive an exercise, look at its gradients, write its report.

import symbackprop as sb

worked = sb.derive("neurona")              # a bundled exercise, a file, a dict, an Exercise
worked["dW"].symbolic                      # dz*x.T, in SymPy's matrix symbols
worked["dW"].value                         # Matrix([[-4, 0, -8]])
print(worked.to_markdown(language="en"))
worked.to_pdf("neurona.pdf")
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from symbackprop import limits
from symbackprop.exercise import from_dict, load
from symbackprop.exercise.layers import with_marks
from symbackprop.exercise.model import Exercise
from symbackprop.report.outputs import DEFAULT_DETAIL, DETAILS, ENGINES, Outputs, language_of, one_of

if TYPE_CHECKING:
    from symbackprop.algebra.values.floating.atoms import Floats
    from symbackprop.checking.findings import Checked, Finding
    from symbackprop.derivation.descending import Descending
    from symbackprop.derivation.floats import Approximate
    from symbackprop.derivation.results import Result
    from symbackprop.derivation.steps import Check, Derivation
    from symbackprop.exams.model import Exam, Variant
    from symbackprop.report.checked.outputs import CheckedOutputs


def derive(
    exercise: Exercise | str | Path | Mapping[str, Any], digits: int = 4, layers: str | None = None
) -> Worked:
    """Derive every wanted gradient, prove it, and put the numbers in.

    `digits` are the decimals, after the point, of what has to be rounded. `layers` says how layers are
    marked: "W_1", "W^[1]" or "W^(1)"; without it the exercise says. Raises ExerciseError
    with every fault of the exercise, ValueError for digits out of range, DomainProblem where the
    model has no value at the example (`log(0)`), CannotDerive where the calculus does not reach,
    and CertificateFailed where a proof fails, which is a fault of this program.
    """
    from symbackprop.derivation.derive import derive as derivation_of

    if isinstance(digits, bool) or not isinstance(digits, int) or not 0 <= digits <= limits.DIGITS_ASKED:
        raise ValueError(f"digits is a number from 0 to {limits.DIGITS_ASKED}, not {digits!r}")
    found = _exercise(exercise) if layers is None else with_marks(_exercise(exercise), layers)
    return Worked(derivation_of(found, digits=digits))


def descend(
    exercise: Exercise | str | Path | Mapping[str, Any],
    rate: Any = None,
    steps: int | None = None,
    optimizer: str | None = None,
    parameters: Sequence[str] | None = None,
    digits: int = 4,
    **options: Any,
) -> Worked:
    """Derive the gradients and go down them: `descend("neurona", rate="1/10", steps=5).descent`.

    What is given here goes before what the exercise says under [descent]; `options` are those of the
    optimiser (`momentum`, `beta1` …). A rate is exact: "1/10", and 0.1 is 1/10 too. Raises what
    `derive` raises, ExerciseError also for a descent that cannot be, and NotCertified where no
    precision settles the digits.
    """
    from symbackprop.exercise.descent import with_descent

    asked = {"rate": rate, "steps": steps, "optimizer": optimizer, "parameters": parameters, **options}
    found = with_descent(_exercise(exercise), **asked)
    if found.descent is None:
        raise ValueError(f'{found.key} asks for no descent: give a rate, rate = "1/10"')
    return derive(found, digits)


def check(
    derivation: str | Path,
    *exercises: Exercise | str | Path | Mapping[str, Any],
    language: str | None = None,
    **settings: Any,
) -> CheckedDerivation:
    """Judge a derivation that somebody wrote: `sb.check(Path("notes.md"), "neurona", "capa")`.

    A Path is read as a file; a str is the text itself. `settings` are those of `checking.settings`: `strict`,
    `dy`, `marks`, `layout`, `decimals`, `dot`, `delta`, `examples`. Raises ExerciseError for an exercise
    at fault, ValueError for a file that cannot be read, no exercise, or a setting that is none.
    """
    from symbackprop.checking.check import check_text
    from symbackprop.checking.source import read_source
    from symbackprop.report.checked.outputs import settings_of
    from symbackprop.report.checked.voice import language_of as spoken_by
    from symbackprop.report.words import languages

    if not exercises:
        raise ValueError("which exercise is the derivation about? check(text, exercise)")
    loaded = tuple(map(_exercise, exercises))
    spoken = one_of("language", spoken_by(loaded, language), languages())
    is_file = isinstance(derivation, Path)
    name, text, suffix = read_source(derivation) if is_file else ("-", str(derivation), "")
    made = check_text(
        text, loaded, name=name, suffix=suffix, settings=settings_of({**settings, "language": spoken})
    )
    return CheckedDerivation(made, spoken)


@dataclass(frozen=True, slots=True, repr=False)
class CheckedDerivation:
    """A judged derivation; `findings` are its statements in order, `str()` the report as text."""

    checked: Checked
    language: str

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The statements, each with its `verdict`, in the order of the text."""
        return self.checked.findings

    @property
    def counts(self) -> Mapping[str, int]:
        """How many statements have each verdict."""
        return {verdict: count for verdict, count in self.checked.counts.items()}  # noqa: C416 - wider keys

    def to_json(self) -> str:
        """The JSON text; the contract is documented in `report.checked.contract`."""
        return self._outputs().json

    def to_markdown(self) -> str:
        """The report as Markdown."""
        return self._outputs().md

    def to_html(self) -> str:
        """The report as a web page that needs nothing beside itself."""
        return self._outputs().html

    def to_pdf(self, path: str | Path, engine: str = "auto", force: bool = False) -> Path:
        """Write the report as a PDF, whole or not at all. Raises as `Worked.to_pdf` does."""
        from symbackprop.report.files import check_writable, write_whole

        target = Path(path)
        one_of("engine", engine, ENGINES)
        if target.suffix != ".pdf":
            raise ValueError(f"the name of a PDF ends in .pdf: {target}")
        check_writable([target], force=force)
        return write_whole(target, self._outputs(engine).pdf, force=force)

    def _outputs(self, engine: str = "auto") -> CheckedOutputs:
        from symbackprop.report.checked.outputs import CheckedOutputs

        return CheckedOutputs(
            self.checked, self.language,
            engine=engine,  # type: ignore[arg-type]  # it is one of them: just looked at
        )  # fmt: skip

    def __str__(self) -> str:
        return self._outputs().text

    def __repr__(self) -> str:
        shown = ", ".join(f"{count} {verdict}" for verdict, count in self.counts.items() if count)
        return f"<CheckedDerivation {self.checked.source!r}: {shown or 'nothing'}>"


def exam_variants(
    exam: Exam | str | Path, students: int | Sequence[str] = 1, secret: bytes = b""
) -> Sequence[Variant]:
    """Everybody's exam: `sb.exam_variants("examen-capa", 30, secret)[0].sheets[0].key["dW"]`.

    `exam` is a file, a bundled name or an Exam, `students` how many (with ids 1, 2 …) or their ids. Arrays
    have a shape and exact entries. Every key is found twice; numbers are those that the command line makes.
    Raises ExerciseError for an exam at fault, ValueError for no students or two with one id, Unsatisfiable
    where no numbers obey its rules, KeyMismatch where a key is found to be wrong, which is our fault.
    """
    from symbackprop.exams.file import load_exam
    from symbackprop.exams.model import Exam, Student
    from symbackprop.exams.roll import rolled
    from symbackprop.exams.variants import Maker, anonymous

    found = exam if isinstance(exam, Exam) else load_exam(exam)
    if isinstance(students, int):
        everybody = tuple(anonymous(students))
    else:
        everybody = tuple(Student(id=one, number=at) for at, one in enumerate(students, start=1))
    if len({one.id for one in everybody}) != len(everybody) or not everybody:
        raise ValueError("students: each has an id of their own, and there is one at least")
    return rolled(Maker.of(found), everybody, secret)


def derive_floats(exercise: str | Path | Mapping[str, Any], key: str = "exercise") -> InFloats:
    """The gradients in floating point: `derive_floats("mlp.toml")["dW"]` is a NumPy array.

    Formulas are derived and certified as always, once for a model; the numbers are approximate, and
    no number is certified. In a mapping, values may be NumPy arrays; `key` names its output. Every
    name needs a value. Raises what `derive` raises, but no DomainProblem: where a function has no
    value, the result is no number, and `warnings` say so. Raises NeedsExtra without NumPy.
    """
    from symbackprop.derivation.floats import approximate  # NumPy is an extra
    from symbackprop.exercise.floats import float_source

    return InFloats(approximate(float_source(exercise, key)))


@dataclass(frozen=True, slots=True, repr=False)
class InFloats:
    """The numbers of an exercise in floating point; nothing here is exact, and nothing certified."""

    numbers: Approximate

    def __getitem__(self, name: str) -> Floats:
        """The quantity `z` or `dW` as an array of its own. Raises KeyError."""
        return self.numbers.values[name].copy()

    def __iter__(self) -> Iterator[str]:
        """The names of all quantities."""
        return iter(self.numbers.values)

    @property
    def gradients(self) -> tuple[str, ...]:
        """The gradients that were asked for: `("dW", "db")`."""
        return self.numbers.wanted

    @property
    def warnings(self) -> tuple[str, ...]:
        """Which numbers are infinite, none at all, or too large to be of use."""
        return self.numbers.warnings

    def to_json(self, detail: str = "answer") -> str:
        """The JSON text; the contract is documented in `report.floats`."""
        from symbackprop.report.floats import to_json

        one_of("detail", detail, DETAILS)
        return to_json(self.numbers, detail=detail)

    def __repr__(self) -> str:
        return f"<InFloats {self.numbers.plan.exercise.key!r}: {', '.join(self.gradients)}>"


def _exercise(source: Exercise | str | Path | Mapping[str, Any]) -> Exercise:
    if isinstance(source, Exercise):
        return source
    if isinstance(source, str | Path):
        return load(source)
    if isinstance(source, Mapping):
        return from_dict(source)
    raise TypeError(f"an exercise, a name, a path or a dict is needed, not {type(source).__name__}")


@dataclass(frozen=True, slots=True, repr=False)
class Worked:
    """A worked exercise. `worked["dW"]` is a gradient, `worked["z"]` a value; nothing changes it.

    `language` is "es" or "en"; without it the exercise's own is taken, else English. `detail` is
    "answer", "exam", "student", "full" or "worksheet". Both raise ValueError where they are
    something else, as does `engine`. `templates` is a folder whose files go before ours. With `plots`
    the report has a plot of each activation and its derivative.
    """

    derivation: Derivation

    @property
    def exercise(self) -> Exercise:
        """The exercise as it was read: `shapes`, `values`, `equations`."""
        return self.derivation.exercise

    @property
    def checks(self) -> tuple[Check, ...]:
        """What was checked and how."""
        return self.derivation.checks

    def __getitem__(self, name: str) -> Result:
        """The quantity `z`, `dW`, `dyhat` (also `dŷ`). Raises KeyError."""
        found: Result = self.derivation[name]
        return found

    def __iter__(self) -> Iterator[str]:
        """The names of all quantities: given, computed, gradients."""
        return iter(self.derivation.quantities)

    def __len__(self) -> int:
        return len(self.derivation.quantities)

    def __contains__(self, name: object) -> bool:
        return name in self.derivation.quantities

    @property
    def gradients(self) -> tuple[str, ...]:
        """The gradients that were asked for, as the exercise lists them: `("dW", "db", "dx")`."""
        return tuple("d" + name for name in self.exercise.wanted)

    @property
    def descent(self) -> Descending | None:
        """The gradient descent that was asked for: losses and parameters after each step."""
        from symbackprop.derivation.descending import Descending

        made = self.derivation.descent
        return None if made is None else Descending(self.derivation, made)

    def to_latex(
        self,
        language: str | None = None,
        detail: str = DEFAULT_DETAIL,
        templates: Path | None = None,
        plots: bool = False,
    ) -> str:
        """The report as a LaTeX file."""
        return self._outputs(language, detail, templates, plots=plots).tex

    def to_typst(
        self,
        language: str | None = None,
        detail: str = DEFAULT_DETAIL,
        templates: Path | None = None,
        plots: bool = False,
    ) -> str:
        """The report as a Typst file."""
        return self._outputs(language, detail, templates, plots=plots).typ

    def to_markdown(
        self,
        language: str | None = None,
        detail: str = DEFAULT_DETAIL,
        templates: Path | None = None,
        plots: bool = False,
    ) -> str:
        """The report as Markdown, with formulas between dollar signs."""
        return self._outputs(language, detail, templates, plots=plots).md

    def entries(self, name: str, sizes: Mapping[str, int] | None = None) -> str:
        """The gradient `dW` in LaTeX, written out entry by entry for `sizes` such as {"n": 3, "k": 2}.

        Entries are instances of the one formula that was derived for any sizes. Raises KeyError for
        an unknown gradient, ValueError for sizes that are missing or do not fit.
        """
        from symbackprop.report.instances import entries

        return entries(self.derivation, name, sizes)

    def to_json(self, language: str | None = None, templates: Path | None = None) -> str:
        """The whole derivation as JSON; the contract is documented in `report.contract`."""
        return self._outputs(language, DEFAULT_DETAIL, templates).json

    def to_pdf(
        self,
        path: str | Path,
        language: str | None = None,
        detail: str = DEFAULT_DETAIL,
        engine: str = "auto",
        templates: Path | None = None,
        force: bool = False,
        plots: bool = False,
    ) -> Path:
        """Write the report as a PDF at `path`, whole or not at all; returns the path.

        `engine` is "pdflatex", "typst", or "auto": pdflatex where it is installed. Raises
        NotOursError (a FileExistsError) where somebody else's file, or one of ours that was edited,
        is in the way, unless `force`; OutputError where the place cannot be written;
        TypesettingError.
        """
        from symbackprop.report.files import check_writable, write_whole

        target = Path(path)
        made = self._outputs(language, detail, templates, engine, plots)
        if target.suffix != ".pdf":
            raise ValueError(f"the name of a PDF ends in .pdf: {target}")
        check_writable([target], force=force)
        _ = made.proof  # a report that is wrong is not written
        return write_whole(target, made.pdf, force=force)

    def _outputs(
        self,
        language: str | None,
        detail: str,
        templates: Path | None,
        engine: str = "auto",
        plots: bool = False,
    ) -> Outputs:
        from symbackprop.report.words import languages

        spoken = language_of(self.exercise, language)
        one_of("language", spoken, languages(templates))
        one_of("detail", detail, DETAILS)
        one_of("engine", engine, ENGINES)
        return Outputs(
            self.derivation, language=spoken, detail=detail, templates=templates, plots=plots,
            engine=engine,  # type: ignore[arg-type]  # it is one of them: just looked at
        )  # fmt: skip

    def _repr_markdown_(self) -> str:
        """What a notebook shows: the summary."""
        return self.to_markdown(detail="answer")

    def __repr__(self) -> str:
        shown = ", ".join(f"{name} = {self[name].text}" for name in self.gradients[:6])
        more = ", …" if len(self.gradients) > 6 else ""
        return f"<Worked {self.exercise.key!r}: {shown}{more}>"
