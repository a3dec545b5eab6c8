"""How far an index runs, and whether a place that it stands in can leave its array.

Places, bounds and guards are linear forms of indices and size names. What holds for all sizes is
decided by putting an index's ends in for it, innermost index first, and by adding up guards; sizes
are at least 1. That proves all that a course writes; what it cannot prove counts as not proved.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from symbackprop.notation import sizes, tree
from symbackprop.notation.node import Plain
from symbackprop.notation.sizes import Linear
from symbackprop.notation.tree import Node, Size

_MOST_GUARDS = 6  # whose sums are tried; every subset is looked at
_DEEP = 3


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Range(Plain):
    """What an index runs over, both ends included; an end is None where it is not known.

    `from_shapes` says that the arrays it stands in say the range, not whoever wrote the formula.
    """

    low: Linear | None
    high: Linear | None
    from_shapes: bool = False


Ranges = Mapping[str, Range]
"""The ranges of the indices that are bound somewhere, from the outermost to the innermost."""


def plus(first: Linear, second: Linear, count: int = 1) -> Linear:
    """`first + count · second`."""
    total = dict(first[0])
    for name, own in second[0].items():
        total[name] = total.get(name, 0) + count * own
    return {name: own for name, own in total.items() if own}, first[1] + count * second[1]


def with_sizes(form: Linear, table: Mapping[str, Size]) -> Linear:
    """A form with size names replaced by what they stand for."""
    total: Linear = ({}, form[1])
    for name, count in form[0].items():
        own: Linear = sizes.linear(table[name]) if name in table else ({name: 1}, 0)
        total = plus(total, own, count)
    return total


def extreme(form: Linear, ranges: Ranges, *, largest: bool) -> Linear | None:
    """The largest (or smallest) value of a form, in sizes alone; None where an end is not known."""
    for name in reversed(list(ranges)):
        count = form[0].get(name, 0)
        if not count:
            continue
        end = ranges[name].high if (count > 0) == largest else ranges[name].low
        if end is None:
            return None
        form = plus(plus(form, ({name: 1}, 0), -count), end, count)
    return form


def proved(form: Linear, ranges: Ranges, guards: Sequence[Linear], known: Iterable[Size] = ()) -> bool:
    """Whether `form ≥ 0` wherever all `guards` are ≥ 0; `known` are sizes of arrays, so at least 1."""
    positive = [plus(sizes.linear(size), ({}, -1)) for size in known if isinstance(size, str)]
    used = [guard for one in guards for guard in _multiples(one, form)][:_MOST_GUARDS]
    for count in range(len(used) + 1):
        for chosen in combinations(used, count):
            left = form
            for guard in chosen:
                left = plus(left, guard, -1)
            least = extreme(left, ranges, largest=False)
            if least is not None and _never_negative(least, positive, _DEEP):
                return True
    return False


def _multiples(guard: Linear, form: Linear) -> list[Linear]:
    """A guard as often as it takes to meet an index of the form; none where it has no name of it."""
    shared = guard[0].keys() & form[0].keys()
    times = {abs(form[0][name] // guard[0][name]) for name in shared} - {0}
    return [plus(({}, 0), guard, count) for count in sorted(times | {1})] if shared else []


def _never_negative(form: Linear, positive: Sequence[Linear], depth: int) -> bool:
    """Whether a form of sizes is ≥ 0 for all sizes from 1 on for which all of `positive` are ≥ 0."""
    coefficients, constant = form
    below = {name for name, count in coefficients.items() if count < 0}
    if not below:
        return sum(coefficients.values()) + constant >= 0
    return depth > 0 and any(
        _never_negative(plus(form, one, -1), positive, depth - 1)
        for one in positive
        if len(one[0]) > 1 and any(one[0].get(name, 0) < 0 for name in below)
    )


# --- guards -----------------------------------------------------------------------------


def guards_of(condition: Node) -> list[Linear] | None:
    """The forms that are ≥ 0 where a condition (`1 ≤ i + a − 2 ≤ m`) holds; None if it is no such chain."""
    if not isinstance(condition, tree.Chain):
        return None
    forms = [sizes.linear_form(member) for member in condition.members]
    made: list[Linear] = []
    for first, relation, second in zip(forms, condition.relations, forms[1:], strict=False):
        if first is None or second is None or relation not in {"<", "≤", ">", "≥", "="}:
            return None
        difference = plus(second, first, -1)
        if relation in {"≤", "<", "="}:
            made.append(plus(difference, ({}, -(relation == "<"))))
        if relation in {"≥", ">", "="}:
            made.append(plus(({}, -(relation == ">")), difference, -1))
    return made


def is_guarded(form: Linear, guards: Sequence[Linear], ranges: Iterable[str]) -> bool:
    """Whether some guard speaks of what a place speaks of: the same indices in the same proportion."""
    own = _indices(form, ranges)
    return bool(own) and any(
        _indices(guard, ranges) in (own, {name: -count for name, count in own.items()}) for guard in guards
    )


def _indices(form: Linear, ranges: Iterable[str]) -> dict[str, int]:
    return {name: count for name in ranges if (count := form[0].get(name, 0))}


# --- the largest range --------------------------------------------------------------------


def largest_end(index: str, form: Linear, size: Size, ranges: Ranges) -> Size | None:
    """How far an index may run so that the place `form` stays within 1 to `size`.

    None where other ends are not known, or where the end is no whole multiple (`(m − 1)/2`).
    """
    count = form[0][index]
    rest = plus(form, ({index: 1}, 0), -count)
    if count > 0:
        most = extreme(rest, ranges, largest=True)
        room = None if most is None else plus(sizes.linear(size), most, -1)
    else:
        least = extreme(rest, ranges, largest=False)
        room = None if least is None else plus(least, ({}, -1))
    if room is None or any(name in ranges or own % count for name, own in room[0].items()):
        return None
    step = abs(count)
    return sizes.canonical({name: own // step for name, own in room[0].items()}, room[1] // step)


def smallest(ends: Sequence[Size]) -> Size | None:
    """The smallest of several ends, where they differ by numbers only; else None."""
    least = ends[0]
    for end in ends[1:]:
        gap = sizes.subtract(end, least)
        if not isinstance(gap, int):
            return None
        least = end if gap < 0 else least
    return least
