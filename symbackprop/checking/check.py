"""A whole derivation checked: from a text and its exercises to the findings, line by line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from symbackprop import limits
from symbackprop.checking.examples import alike
from symbackprop.checking.findings import Checked, Finding
from symbackprop.checking.fragments import decimal_comma, fragments
from symbackprop.checking.session import Session
from symbackprop.checking.settings import Settings
from symbackprop.exercise.faults import ExerciseError, Fault
from symbackprop.exercise.model import Exercise
from symbackprop.notation.hand.read import macros_of

__all__ = ["Settings", "check_text"]


def check_text(
    text: str,
    exercises: Sequence[Exercise],
    *,
    name: str = "-",
    suffix: str = "",
    settings: Settings | None = None,
) -> Checked:
    """The findings of a derivation in `text`, in order.

    `suffix` says how to read it (`.tex`, `.md`, `.txt`, `.ipynb`, `.py`; "" looks at the content). Of several
    exercises the first holds until the text gives values, or sizes, that are another's. Raises ValueError for
    no exercise or a text that is no notebook, ExerciseError for a model of too many equations, NotCertified
    for one without a random point.
    """
    if not exercises:
        raise ValueError("a derivation is checked against an exercise: give one at least")
    for exercise in exercises:
        if len(exercise.equations) > limits.HAND_EQUATIONS:
            raise ExerciseError([_too_deep(exercise)])
    chosen = settings or Settings()
    comma = chosen.decimals == "comma" or (chosen.decimals == "auto" and decimal_comma(text))
    pieces = fragments(text, suffix)
    macros = macros_of(text)

    def read(per_example: Mapping[str, int], *, rows: bool = False) -> Session:
        session = Session(
            exercises, chosen, comma=comma, per_example=per_example, macros=macros, text=text, rows=rows
        )
        if any(piece.kind == "code" for piece in pieces):
            from symbackprop.checking.code_outline import Outline  # a text may have no code

            session.program.outline = Outline.of(pieces)
        for piece in pieces:
            session.take(piece)
        return session

    session = read({})
    if session.scaled:
        for meant in (alike(session.desk, session.scaled), session.scaled):
            again = read(meant)
            if _explains(session.findings, again.findings):
                session = again
                break
    if chosen.layout == "gradient" and _turned(session.findings):
        again = read({}, rows=True)
        session = again if _is_better(session.findings, again.findings) else session
    return Checked(source=name, exercises=tuple(exercises), findings=tuple(session.findings))


def _too_deep(exercise: Exercise) -> Fault:
    return Fault(
        file=exercise.key, key="model",
        message=f"there are {len(exercise.equations)} equations; lines are checked against "
        f"{limits.HAND_EQUATIONS} at most",
        suggestion="Check them against a model of fewer layers.",
    )  # fmt: skip


def _turned(findings: Sequence[Finding]) -> bool:
    """Whether a text has gradients as rows, and then lines that do not hold."""
    rows = any(one.key == "check.transposed" for finding in findings for one in finding.reasons)
    return rows and any(finding.verdict in ("wrong", "carried") for finding in findings)


def _is_better(before: Sequence[Finding], after: Sequence[Finding]) -> bool:
    """Whether fewer lines are wrong, and none that was not."""
    wrong = [[one.verdict in ("wrong", "carried") for one in findings] for findings in (before, after)]
    return sum(wrong[1]) < sum(wrong[0]) and not any(
        now and not then for then, now in zip(*wrong, strict=True)
    )


def _explains(before: Sequence[Finding], after: Sequence[Finding]) -> bool:
    """Whether gradients are meant per example, as 1/m stands in most of the later ones: besides the line that
    began it, more lines become right than wrong. Of one that lacks 1/m beside others, that one is wrong."""
    wrong = [sum(one.verdict in ("wrong", "carried") for one in findings) for findings in (before, after)]
    return wrong[1] < wrong[0] - 1
