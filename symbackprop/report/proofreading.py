"""The report proofreads itself: its own LaTeX is read back and judged, before it is written.

Nothing of the derivation is looked at but the model and its values: gradients come from the checker's own
dual numbers. What is no claim says so in the document, and is the only thing that is skipped:

- `\\supposed{…}`: a condition (`z = 0` at a kink), a mistake in a remark, a letter that stands for any name;
- code and comments; pictures, but for what stands in their boxes and beside their arrows;
- columns of a table that its comment (`% rows: …`) does not name: words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from time import process_time

from symbackprop import limits
from symbackprop.algebra.functions import TABLE, Function
from symbackprop.algebra.values.apply import formula
from symbackprop.checking.findings import Finding
from symbackprop.checking.fragment_spans import scan_tex
from symbackprop.checking.fragments import Fragment
from symbackprop.checking.session import Session
from symbackprop.checking.settings import Settings
from symbackprop.checking.widen import widened
from symbackprop.exercise.model import Exercise
from symbackprop.notation import tree
from symbackprop.notation.hand.read import macros_of
from symbackprop.notation.tree import Node
from symbackprop.report.proof_changes import Change, Dotted, EachLoss, Steps, with_numbers
from symbackprop.report.proof_descent import Walk
from symbackprop.report.proof_tables import Claim, claims_of, sized
from symbackprop.report.words import Words

HELD = frozenset({"definition", "correct", "correct for this example", "rounded"})
"""Verdicts with which a formula of ours holds."""

CONVENTIONS = frozenset({"check.local_factor", "check.one_neuron", "check.kink_same"})
"""What a report says on purpose and only by convention: `xᵀ` under ∂z/∂W, the factor beside dz; a product
that is one for one neuron; the slope at a kink, which is the exercise's own."""

_BODY = "\\begin{document}"
_LABEL = re.compile(r"\\label\{sec:([a-z-]+)\}")
_ABOUT = re.compile(r"^% (sizes|values): (\w+)$", re.MULTILINE)
_SUPPOSED = re.compile(r"\\supposed\{")
_PICTURE = re.compile(r"\\begin\{tikzpicture\}.*?\\end\{tikzpicture\}", re.DOTALL)
_IN_PICTURE = re.compile(r"\$([^$]+)\$")
_OUTER_FIT = re.compile(r"\\fit(?:\[[^\]]*\])?\{\s*\$\\displaystyle")
_LAYOUT = frozenset({"fit", "step", "topic"})
_WIDE = frozenset({"levels"})
"""Sections about layers of any size: there k and n are whatever they are."""


def function_words(exercise: Exercise, words: Words) -> dict[str, str]:
    """The words for functions in a report of one language: `CE` for cross_entropy, `media` for mean.

    Of two functions with one word it is the one that the exercise uses; a single letter is only a word where
    that is used, for it may be what the report calls the activation.
    """
    table = {**TABLE, **exercise.functions}
    used = _used(exercise, table)
    shown = {name: row.latex for name, row in table.items()}
    shown |= {name: rf"\operatorname{{{word}}}" for name, word in words.functions.items()}
    found: dict[str, str] = {}
    for name in sorted(shown, key=lambda one: one in used):
        operator = _OPERATOR.fullmatch(shown[name])
        if operator is not None and (len(operator.group(1)) > 1 or name in used):
            found[operator.group(1)] = name
    for name in ("mean", "sum", "softmax", "log_softmax"):
        spoken = words.functions.get(name, name)
        for axis, key in ((0, "columns"), (1, "rows")):
            for word in (spoken, name):
                found[f"{word}_{words.formula[key]}"] = f"{name} axis {axis}"
    return found


def _used(exercise: Exercise, table: Mapping[str, Function]) -> set[str]:
    """The functions that the exercise calls, and those that their formulas are made of."""
    waiting = [one.body for one in exercise.equations]
    found: set[str] = set()
    while waiting:
        for part in tree.walk(waiting.pop()):
            if isinstance(part, tree.Call) and part.function not in found:
                found.add(part.function)
                row = table.get(part.function)
                pieces = () if row is None else row.pieces
                waiting += [formula(piece.formula, frozenset(exercise.functions)) for piece in pieces]
    return found


_OPERATOR = re.compile(r"\\operatorname\{([A-Za-z]+)\}")


class ProofError(ArithmeticError):
    """A formula of a finished report does not hold: the report is wrong, and is not written."""

    def __init__(self, finding: Finding) -> None:
        why = ", ".join(one.key.removeprefix("check.").replace("_", " ") for one in finding.reasons)
        super().__init__(
            f"a formula of the report does not hold when it is read back (line {finding.line} of its LaTeX"
            f"{f': {why}' if why else ''}): {' '.join(finding.text.split())[:SHOWN]}. This is a bug in "
            "symbackprop, not in the exercise: please report it with the exercise file. Nothing was written."
        )
        self.finding = finding


SHOWN = 300
"""Characters of a formula in a message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What proofreading found: how many formulas hold, which were not read, and which are wrong.

    `skipped` is how many formulas the document says are no claims; `late`: time ran out, and the rest of
    the formulas, which are among the `unread`, was not looked at.
    """

    held: int
    skipped: int
    unread: tuple[Finding, ...]
    wrong: tuple[Finding, ...]
    late: bool = False


def proofread(
    tex: str, exercise: Exercise, *, functions: Mapping[str, str], comma: bool, seconds: float | None = None
) -> Proof:
    """Read a report's LaTeX back and judge every formula in it.

    `exercise` has names for all parts that the report names; `functions` are the words for functions in
    its language; `comma`: its decimals have one. Raises NotCertified for a model without a random point.
    """
    reader = _Reader(tex, exercise, functions, comma)
    end = process_time() + (limits.PROOFREADING_SECONDS if seconds is None else seconds)
    claims = sorted(reader.claims(), key=lambda one: one.fragment.line)
    for place, claim in enumerate(claims):
        if process_time() > end:
            reader.late(claims[place:])
            break
        reader.judge(claim)
    return reader.proof(late=process_time() > end)


def refuse_wrong(proof: Proof) -> None:
    """Raise ProofError for the first wrong formula, where the reader understood all of the report.

    Where it did not, a formula may seem wrong that was misread: then it is named, and stops nobody's work.
    """
    if proof.wrong and not proof.unread:
        raise ProofError(proof.wrong[0])


def proof_lines(proof: Proof | None) -> Iterator[str]:
    """What a person is told of it: how much was read back, and what was not."""
    if proof is None:
        yield "the report was not read back: nothing in it can be judged"
        return
    yield f"{proof.held} formula{'s' * (proof.held != 1)} read back"
    for one in proof.wrong:
        yield (
            f"does not hold as it is read: line {one.line} of the LaTeX: {' '.join(one.text.split())[:80]}; "
            "please report it with the exercise file"
        )
    if proof.late:
        yield f"not proofread: {len(proof.unread)} formulas, for want of time"
        return
    for one in proof.unread[:MOST_NAMED]:
        yield f"not proofread: line {one.line} of the LaTeX: {' '.join(one.text.split())[:80]}"
    if len(proof.unread) > MOST_NAMED:
        yield f"not proofread: {len(proof.unread) - MOST_NAMED} more"


MOST_NAMED = 5
"""Formulas that were not read which are named one by one."""


class _Reader:
    """One report being read; a session for the exercise, and one for the same model with any sizes."""

    def __init__(self, tex: str, exercise: Exercise, functions: Mapping[str, str], comma: bool) -> None:
        start = tex.find(_BODY)
        own = macros_of(tex[:start])
        self.macros = {name: macro for name, macro in own.items() if name not in _LAYOUT}
        self.exercise = exercise
        self.text, self.skipped = _without_supposed(_blanked(tex, start))
        self.functions = functions
        self.comma = comma
        self.own = self._session(exercise)
        self._general: Session | None = None
        self.found: list[Finding] = []
        self._changes: dict[int, tuple[Change, ...]] = {}
        self._about = [(one.start(), one.group(1), one.group(2)) for one in _ABOUT.finditer(self.text)]
        self._stepped: Session | None = None
        self._walk: Walk | None = None
        self._layer = 0

    def _session(self, exercise: Exercise) -> Session:
        return Session(
            [exercise], Settings(dy="y", proof=True, strict=True), comma=self.comma, macros=self.macros,
            functions=self.functions, explain=False,
        )  # fmt: skip

    @property
    def general(self) -> Session:
        """The session about any sizes; the exercise's own where the model has no such form."""
        if self._general is None:
            self._general = self._session(_unnamed(widened(self.exercise) or self.exercise))
        return self._general

    # --- finding

    def claims(self) -> Iterator[Claim]:
        """All formulas that claim something, those of a row of a table put together."""
        tables, rest = claims_of(self.text)
        yield from tables
        unfitted = _unfitted(rest)
        for start, end, kind in [*_regions(unfitted), *_pictured(rest)]:
            section, layer, step = self._where(start)
            yield Claim(
                _fragment(unfitted, start, end, kind), wide=section in _WIDE, sizes=layer,
                step=step if section == "descent" else "",
            )  # fmt: skip

    def _where(self, place: int) -> tuple[str, int, str]:
        """The section at a place, and what it is about there: which layer, and after which step."""
        labels = [found.group(1) for found in _LABEL.finditer(self.text, 0, place)]
        about = [one for one in self._about if one[0] < place]
        layers = sum(kind == "sizes" for _, kind, _ in about)
        step = next((which for _, kind, which in reversed(about) if kind == "values"), "")
        return (labels[-1] if labels else ""), layers, step

    # --- judging

    def judge(self, claim: Claim) -> None:
        """Judge a formula, in the session that it is about."""
        if claim.kind == "sizes":
            self.found.append(sized(claim, self.own))
            return
        session = self._session_of(claim)
        if session is None:
            self.late([claim])
            return
        before = len(session.findings)
        try:
            session.take(claim.fragment, self._meaning(session, claim))
        except (ArithmeticError, ValueError, LookupError, TypeError, AttributeError):
            # a fault of the reader's, not of the report's: the formula counts as one that was not read
            del session.findings[before:]
            self.late([claim])
            return
        self.found += session.findings[before:]

    def _session_of(self, claim: Claim) -> Session | None:
        """The session that a formula is judged in; None for one after a step that is not walked."""
        if claim.step:
            return self._after(claim.step)
        if claim.wide and claim.sizes != self._layer:
            self._layer = claim.sizes
            self.general.desk.context = replace(self.general.desk.context, sizes={})
        return self.general if claim.wide else self.own

    def _after(self, step: str) -> Session | None:
        """The session about the model after a step of the descent."""
        plan = self.exercise.descent
        if plan is None:
            return None
        if self._stepped is None:
            self._stepped = self._session(self.exercise)
            self._walk = Walk(plan, self._stepped.desk.worlds.example)
        assert self._walk is not None
        numbers = self._walk.at(plan.steps if step == "last" else int(step))
        if numbers is None:
            return None
        self._stepped.desk.given = dict(numbers)
        return self._stepped

    def _meaning(self, session: Session, claim: Claim) -> Change:
        """What a statement stands for."""
        changes = self._changes.setdefault(
            id(session), (EachLoss(self.exercise.loss), Steps(), Dotted(session.desk))
        )
        numbers = with_numbers(claim.instance or {})

        def meant(node: Node) -> Iterator[Node]:
            made = list(numbers(node))
            for change in changes:
                made = [one for part in made for one in change(part)]
            yield from made

        return meant

    def late(self, claims: Sequence[Claim]) -> None:
        """What there was no time for."""
        for one in claims:
            fragment = one.fragment
            self.found.append(
                Finding(line=fragment.line, column=fragment.column, text=fragment.text, verdict="not read")
            )

    def proof(self, *, late: bool) -> Proof:
        """All that was found."""
        symbols = any(name not in self.exercise.values for name in self.exercise.given)
        found = [_perhaps_misread(_strict(one), symbols=symbols) for one in self.found]
        return Proof(
            held=sum(one.verdict in HELD or one.verdict == "convention" for one in found),
            skipped=self.skipped, late=late,
            unread=tuple(one for one in found if one.verdict == "not read"),
            wrong=tuple(one for one in found if one.verdict in ("wrong", "carried")),
        )  # fmt: skip


_MISREAD = frozenset({"check.shape_misfit", "check.no_shape", "check.shape", "check.outside"})
"""Reasons that say more of the reading than of the formula."""


def _perhaps_misread(finding: Finding, *, symbols: bool) -> Finding:
    """A finding that is wrong by its shapes, or by rounded numbers beside symbols, is none: nobody knows."""
    if finding.verdict not in ("wrong", "carried"):
        return finding
    rounded = symbols and finding.reading is not None and any(
        isinstance(part, tree.Number) and "." in part.text for part in tree.walk(finding.reading)
    )  # fmt: skip
    if rounded or any(one.key in _MISREAD for one in finding.reasons):
        return replace(finding, verdict="not read")
    return finding


def _strict(finding: Finding) -> Finding:
    """A finding of a formula of ours: no convention counts but our own."""
    if finding.verdict != "convention" or all(one.key in CONVENTIONS for one in finding.reasons):
        return finding
    return replace(finding, verdict="wrong")


def _unnamed(exercise: Exercise) -> Exercise:
    """The exercise with names for its sizes that no text uses: there the letters are the text's."""
    sizes = {name for shape in exercise.shapes.values() for size in shape if isinstance(size, str)
             for name in re.findall(r"[A-Za-z]\w*", size)}  # fmt: skip
    if not sizes:
        return exercise

    def renamed(size: int | str) -> int | str:
        return size if isinstance(size, int) else re.sub(r"[A-Za-z]\w*", r"\g<0>_", size)

    table: dict[str, Node] = {name: tree.Name(f"{name}_") for name in sizes - exercise.shapes.keys()}
    return replace(
        exercise,
        shapes={name: tuple(map(renamed, shape)) for name, shape in exercise.shapes.items()},
        equations=tuple(replace(one, body=tree.replace_names(one.body, table)) for one in exercise.equations),
        declared_sizes={},
    )


# --- the text ---------------------------------------------------------------------------------------


def _blanked(tex: str, start: int) -> str:
    """The text with its preamble blank, so that lines and columns stay."""
    return re.sub(r"[^\n]", " ", tex[:start]) + tex[start:]


def _without_supposed(text: str) -> tuple[str, int]:
    """The text with what is only supposed blank, and how many formulas that were."""
    count, at, made = 0, 0, []
    for found in _SUPPOSED.finditer(text):
        if found.start() < at:
            continue
        end = _closed(text, found.end())
        made += [text[at : found.start()], re.sub(r"[^\n]", " ", text[found.start() : end])]
        at, count = end, count + 1
    return "".join([*made, text[at:]]), count


def _closed(text: str, start: int) -> int:
    """Where the braces close that stand open at `start`."""
    level, place = 1, start
    while level and place < len(text):
        if text[place] == "\\":
            place += 1
        else:
            level += (text[place] == "{") - (text[place] == "}")
        place += 1
    return place


def _regions(text: str) -> Iterator[tuple[int, int, str]]:
    """Displayed and inline formulas."""
    for region in scan_tex(text).regions:
        if region.kind in ("display", "inline"):
            yield region.start, region.end, region.kind


def _unfitted(text: str) -> str:
    """The text without what shrinks a wide formula inside a display, `\\fit{$\\displaystyle …$}`."""
    made = text
    for found in _OUTER_FIT.finditer(text):
        end = _closed(text, text.index("{", found.start()) + 1)
        blank = " " * len(found.group())
        made = made[: found.start()] + blank + made[found.end() : end - 2] + "  " + made[end:]
    return made


def _pictured(text: str) -> Iterator[tuple[int, int, str]]:
    """Formulas in boxes and beside arrows."""
    for picture in _PICTURE.finditer(text):
        for found in _IN_PICTURE.finditer(text, picture.start(), picture.end()):
            if "=" in found.group(1) or "\\in" in found.group(1):
                yield found.start(1), found.end(1), "inline"


def _fragment(text: str, start: int, end: int, kind: str) -> Fragment:
    content = text[start:end]
    start += len(content) - len(content.lstrip())
    line = text.count("\n", 0, start) + 1
    column = start - text.rfind("\n", 0, start)
    return Fragment(
        text=content.strip(), line=line, column=column, latex=True,
        kind="display" if kind == "display" else "inline",
    )  # fmt: skip
