"""From what was read to points: full, method, value, what follows from one's own answers, known mistakes.

Numbers alone are worth the whole part. Beside a formula they are worth the value, and the formula the method:
who writes the right numbers after a wrong formula has not shown the method. A number other than 0 where a 0
must be takes away a share of what the others earn; where a known mistake gives it, a part of that is given
back. An array that is as a whole what a mistake gives, in another shape, earns the mistake's share. What
follows from the student's own earlier answers is right; of it, too, zeros are worth nothing by themselves.
Where an answer may follow from one that could not be read, it is a person who marks it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from symbackprop.algebra.values.arrays import Array, form
from symbackprop.checking.findings import Named
from symbackprop.exams.follow import Following
from symbackprop.exams.grading_model import Answer, Cell, PartMark
from symbackprop.exams.grading_numbers import Numbers, Written
from symbackprop.exams.grading_ranges import Range
from symbackprop.exams.manifest import Planted
from symbackprop.exams.marks import loss, whole_share
from symbackprop.exams.model import Exam, Sheet, Slip
from symbackprop.exams.rubric import RubricMistake, RubricStep
from symbackprop.notation.node import Node

Arrays = dict[str, Array[Fraction]]
Nodes = Mapping[tuple[str, str, str, str], tuple[Node | None, Node | None]]
"""By quantity, mistake, and the two parts of its formula as text: those parts as trees."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Marking:
    """What is needed to mark one question. `nodes` are the parts of formulas that mistakes are about."""

    exam: Exam
    following: Following
    nodes: Nodes

    def named(self, name: str, wrong: Slip | Planted) -> Named:
        """The mistake in a quantity, with the parts of the formula that it is about."""
        key = (name, wrong.mistake, wrong.about, wrong.instead)
        about, instead = self.nodes.get(key, (None, None))
        return Named(id=wrong.mistake, about=about, instead=instead)


@dataclass(slots=True)
class Earlier:
    """A student's own answers so far: those that were read whole, with what they may have been rounded from,
    and those that could not be."""

    arrays: Arrays
    unread: set[str]
    ranges: dict[str, Array[Range]] = field(default_factory=dict)

    def take(self, name: str, mark: PartMark, due: Array[Fraction]) -> None:
        """Remember the answer to a part."""
        if mark.points is None:
            self.unread.add(name)
        numbers = None if mark.answer is None else mark.answer.numbers
        if numbers is not None and not mark.shape and len(numbers.cells) == len(due.entries):
            array, ranges = numbers.array(due.shape), numbers.ranges(due.shape)
            if array is not None and ranges is not None:
                self.arrays[name], self.ranges[name] = array, ranges


@dataclass(frozen=True, slots=True)
class _Worth:
    """What an array of numbers earns, and why."""

    points: Fraction
    cells: tuple[Cell, ...]
    slip: Slip | None = None
    explained: int = 0
    shape: bool = False


def mark_value(
    marking: Marking, step: RubricStep, answer: Answer, sheet: Sheet, earlier: Earlier
) -> PartMark:
    """The mark of numbers of one quantity."""
    name = step.part.name
    worth = _worth(marking, step, answer, sheet, earlier)
    formula = answer.formula(name)
    share = worth.points / step.points
    points = {
        "none": worth.points,
        "right": step.method + step.value * share,
        "method": step.method + step.value * share,
        "wrong": step.value * share,
    }[formula]
    doubtful = earlier.unread & set(step.follows)
    if doubtful and not _settled(worth) and answer.numbers is not None and not answer.numbers.empty:
        return PartMark(step=step, answer=answer, points=None, cells=worth.cells)
    named = answer.named
    if worth.slip is not None:
        named = (marking.named(worth.slip.part, worth.slip),)
    elif formula != "wrong" and (_settled(worth) or _is_coarse(answer.numbers, step.key)):
        named = ()
    return PartMark(
        step=step, answer=answer, points=points, cells=worth.cells, mistakes=named,
        explained=worth.explained, shape=worth.shape,
    )  # fmt: skip


def _settled(worth: _Worth) -> bool:
    return all(cell in ("right", "rounded", "follows") for cell in worth.cells) and not worth.shape


def _worth(marking: Marking, step: RubricStep, answer: Answer, sheet: Sheet, earlier: Earlier) -> _Worth:
    key = step.key
    assert key is not None, "a part that asks for numbers has a key"
    numbers = answer.numbers
    count = len(key.entries)
    if numbers is None or numbers.empty:
        if answer.settled:
            return _Worth(step.points, all_cells("right", count))
        return _Worth(Fraction(0), all_cells("blank", count))
    if _is_misshapen(numbers, key):
        if answer.settled:
            return _Worth(step.points, all_cells("right", count))
        slip = _whole_slip(step, numbers)
        points = Fraction(0) if slip is None else whole_share(step.points, marking.exam.mistake, slip.array)
        return _Worth(
            points, all_cells("wrong", len(numbers.cells)), slip, 0 if slip is None else count, True
        )
    worth = _entries(marking, step, numbers, sheet, earlier)
    if answer.settled and not _settled(worth) and not _is_coarse(numbers, key):
        return _Worth(step.points, all_cells("right", count))
    return worth


def _is_coarse(numbers: Numbers | None, key: Array[Fraction] | None) -> bool:
    """Whether a number is rounded more than counts here; for who checks a derivation it is rounded still."""
    if numbers is None or key is None or len(numbers.cells) != len(key.entries):
        return False
    pairs = zip(numbers.cells, key.entries, strict=True)
    return any(cell is not None and cell.is_coarse(due) for cell, due in pairs)


def all_cells(cell: Cell, count: int) -> tuple[Cell, ...]:
    """The same fate for so many numbers."""
    return (cell,) * count


def _is_misshapen(numbers: Numbers, key: Array[Fraction]) -> bool:
    """Whether the numbers are those of an array of another shape; rows that are not shown fit any."""
    if len(numbers.cells) != len(key.entries):
        return True
    return numbers.shape is not None and form(numbers.shape) != form(key.shape)


def _nonzero(values: Sequence[Fraction]) -> int:
    return sum(1 for value in values if value)


# --- number by number --------------------------------------------------------------------------


def _entries(marking: Marking, step: RubricStep, numbers: Numbers, sheet: Sheet, earlier: Earlier) -> _Worth:
    key = step.key
    assert key is not None
    cells = _fates(numbers, key)
    earned = [
        points if cell in ("right", "rounded") else Fraction(0)
        for cell, points in zip(cells, step.numbers, strict=True)
    ]
    if "wrong" not in cells:
        return _Worth(sum(earned, Fraction(0)), tuple(cells))
    followed = marking.following.followed(step.part.name, sheet, earlier.arrays)
    if followed is not None:
        worths = _shared(step.points, followed)
        allowed = marking.following.allowed(step.part.name, sheet, earlier.ranges)
        ranges = ((due, due) for due in followed.entries) if allowed is None else allowed.entries
        for at, (cell, due, bounds) in enumerate(zip(numbers.cells, followed.entries, ranges, strict=True)):
            if cells[at] != "wrong" or cell is None or not (cell.agrees(due) or _is_within(cell, bounds)):
                continue
            right = bounds[0] <= key.entries[at] <= bounds[1]  # it is wrong by rounding alone
            cells[at], earned[at] = (
                "rounded" if right else "follows",
                step.numbers[at] if right else worths[at],
            )
    found = _explained(step.mistakes, numbers, cells)
    places = [at for at, cell in enumerate(cells) if cell == "mistake"]
    if found is not None and found.credit:
        for at in places:
            earned[at] = found.credit[at]
    slip = None if found is None else found.slip
    taken = sum(_taken(marking, step, cells), Fraction(0))
    points = min(step.points, max(Fraction(0), sum(earned, Fraction(0)) - taken))
    if found is not None and not found.credit:
        points = max(points, found.whole)
    return _Worth(points, tuple(cells), slip, len(places))


def _fates(numbers: Numbers, key: Array[Fraction]) -> list[Cell]:
    """What becomes of each number by itself."""
    pairs = zip(numbers.cells, key.entries, strict=True)
    return ["blank" if cell is None else cell.agrees(due) or "wrong" for cell, due in pairs]


def _is_within(cell: Written, bounds: Range) -> bool:
    """Whether a number, or what it was rounded from, lies between two numbers."""
    low, high = cell.possible
    return low <= bounds[1] and bounds[0] <= high


def _taken(marking: Marking, step: RubricStep, cells: Sequence[Cell]) -> Iterator[Fraction]:
    """What numbers that must be 0 and are not take away."""
    assert step.key is not None, "a part that asks for numbers has a key"
    for cell, due, worth in zip(cells, step.key.entries, step.numbers, strict=True):
        if cell in ("wrong", "mistake") and not due:
            share = marking.exam.mistake if cell == "mistake" else Fraction(0)
            yield (1 - share) * loss(step.points, len(cells), worth)


def _shared(points: Fraction, followed: Array[Fraction]) -> list[Fraction]:
    """What each number is worth that follows: equal shares, and zeros nothing."""
    count = _nonzero(followed.entries)
    return [points / count if value else Fraction(0) for value in followed.entries]


def _explained(
    mistakes: Sequence[RubricMistake], numbers: Numbers, cells: list[Cell]
) -> RubricMistake | None:
    """The mistake that explains most of the wrong numbers, of those that explain as many the one that agrees
    with the others too; `cells` become its own. One of another shape explains all numbers or none."""
    wrong = [at for at, cell in enumerate(cells) if cell == "wrong"]
    best: tuple[tuple[int, int], RubricMistake, list[int]] | None = None
    for one in mistakes:
        if len(one.slip.array.entries) != len(cells):
            continue
        agrees = list(map(_agree, numbers.cells, one.slip.array.entries))
        places = [at for at in wrong if agrees[at]]
        if not any(one.slip.array.entries[at] for at in places) or not (one.credit or all(agrees)):
            continue  # zeros tell nothing
        rank = (len(places), sum(agrees))
        if best is None or rank > best[0]:
            best = (rank, one, places)
    if best is None:
        return None
    for at in best[2]:
        cells[at] = "mistake"
    return best[1]


def _whole_slip(step: RubricStep, numbers: Numbers) -> Slip | None:
    """The mistake that gives exactly these numbers, in another shape than the right ones."""
    return next((one.slip for one in step.mistakes if is_slip(one.slip.array, numbers)), None)


def is_slip(array: Array[Fraction], numbers: Numbers) -> bool:
    """Whether numbers are exactly those that a mistake gives."""
    return (
        len(array.entries) == len(numbers.cells)
        and (numbers.shape is None or form(numbers.shape) == form(array.shape))
        and all(map(_agree, numbers.cells, array.entries))
    )


def _agree(cell: Written | None, due: Fraction) -> bool:
    return cell is not None and cell.agrees(due) is not None


# --- what is written in words and formulas -------------------------------------------------------


def mark_derived(step: RubricStep, answer: Answer) -> PartMark:
    """The mark of a derivation in general: each of its gradients the same; code shows the method only."""
    worth = {"right": step.points, "method": step.method}
    earned = [worth.get(answer.formula(name), Fraction(0)) for name in step.part.names]
    points = sum(earned, Fraction(0)) / len(earned)
    return PartMark(step=step, answer=answer, points=points, mistakes=answer.named)


def mark_found(marking: Marking, step: RubricStep, answer: Answer, planted: Planted) -> PartMark:
    """The mark of a mistake that was to be found: the line, and the line as it should be.

    The line alone is worth its share; who corrects it has shown the reason too. A person marks what is said
    in words about it, and a right correction of another line.
    """
    key = planted.value
    numbers = answer.numbers
    cells = () if numbers is None or _is_misshapen(numbers, key) else tuple(_fates(numbers, key))
    hit = answer.wrong_line == planted.at + 1
    mended = bool(cells) and all(cell in ("right", "rounded") for cell in cells)
    points: Fraction | None = Fraction(0)
    if hit != mended and (mended or answer.reasoned):
        points = None
    elif hit:
        assert step.found is not None, "a mistake to be found has its shares"
        points = step.points if mended else step.found.line
    return PartMark(
        step=step, answer=answer, points=points, cells=cells, planted=planted,
        mistakes=(marking.named(planted.name, planted),),
    )  # fmt: skip
