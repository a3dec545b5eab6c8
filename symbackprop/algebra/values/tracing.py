"""Numbers that remember how they were made: evaluating a formula over them gives straight-line code.

A traced number has a value, and is a constant or has a place in a list of operations. Where a formula
looks at the sign of one (a ReLU), the sign is noted as a *guard*: the operations are right for all inputs for
which every guard has the same sign. Only what stays rational can be traced.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

from symbackprop.algebra.values.arrays import Array
from symbackprop.algebra.values.domain import Domain, DomainProblem

Kind = Literal["add", "sub", "mul", "neg", "scale", "shift"]
"""`scale` and `shift`: times, and plus, a constant."""

Operand = int | Fraction
"""The place of a number, or a constant."""


class NotStraight(ArithmeticError):
    """What was to be traced is no chain of exact operations: a root, a logarithm, a variable divisor."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """Straight-line code over `inputs` numbers, at places 0, 1 …; each operation makes the next place.

    `guards` are (place, sign); `outputs` places or constants.
    """

    inputs: int
    operations: tuple[tuple[Kind, int, Operand], ...]
    guards: tuple[tuple[int, int], ...]
    outputs: tuple[Operand, ...]


class Traced:
    """One number: its value, and its place (None for a constant)."""

    __slots__ = ("place", "value")

    def __init__(self, value: Fraction, place: int | None = None) -> None:
        self.value = value
        self.place = place


class Tracing(Domain[Traced]):
    """The domain of traced numbers; `program` is what has been done with them."""

    zero = Traced(Fraction(0))
    one = Traced(Fraction(1))

    def __init__(self) -> None:
        self.inputs: list[Traced] = []
        self._operations: list[tuple[Kind, int, Operand]] = []
        self._known: dict[tuple[Kind, int, Operand], Traced] = {}
        self._guards: dict[int, int] = {}

    def input_array(self, array: Array[Fraction]) -> Array[Traced]:
        """Numbers from outside; all of them come before the first operation."""
        if self._operations:
            raise ValueError("inputs come first")
        made = [Traced(value, len(self.inputs) + at) for at, value in enumerate(array.entries)]
        self.inputs += made
        return array.with_entries(made)

    def program(self, outputs: Iterable[Traced]) -> Program:
        """The code for these numbers: only the operations that they and the guards need, renumbered."""
        wanted = [one.value if one.place is None else one.place for one in outputs]
        needed = {place for place in wanted if type(place) is int} | set(self._guards)
        first = len(self.inputs)
        for place in range(first + len(self._operations) - 1, first - 1, -1):
            if place in needed:
                _, left, right = self._operations[place - first]
                needed.add(left)
                if type(right) is int:
                    needed.add(right)
        kept = [place for place in range(first, first + len(self._operations)) if place in needed]
        new = {**{place: place for place in range(first)}, **{old: first + at for at, old in enumerate(kept)}}

        def moved(operand: Operand) -> Operand:
            return new[operand] if type(operand) is int else operand

        return Program(
            inputs=first,
            operations=tuple(
                (kind, new[left], moved(right))
                for kind, left, right in (self._operations[place - first] for place in kept)
            ),
            guards=tuple((new[place], sign) for place, sign in sorted(self._guards.items())),
            outputs=tuple(moved(one) for one in wanted),
        )

    def _made(self, kind: Kind, left: int, right: Operand, value: Fraction) -> Traced:
        key = (kind, left, right)
        found = self._known.get(key)
        if found is None:
            found = Traced(value, len(self.inputs) + len(self._operations))
            self._operations.append(key)
            self._known[key] = found
        return found

    # --- arithmetic

    def from_fraction(self, value: Fraction) -> Traced:
        return Traced(value)

    def add(self, a: Traced, b: Traced) -> Traced:
        value = a.value + b.value
        if a.place is None and b.place is None:
            return Traced(value)
        if a.place is None:
            a, b = b, a
        assert a.place is not None
        if b.place is None:
            return a if not b.value else self._made("shift", a.place, b.value, value)
        left, right = sorted((a.place, b.place))
        return self._made("add", left, right, value)

    def sub(self, a: Traced, b: Traced) -> Traced:
        if b.place is None:
            return self.add(a, Traced(-b.value))
        if a.place is None:
            return self.add(self.neg(b), a)
        if a.place == b.place:
            return self.zero
        return self._made("sub", a.place, b.place, a.value - b.value)

    def neg(self, a: Traced) -> Traced:
        return Traced(-a.value) if a.place is None else self._made("neg", a.place, a.place, -a.value)

    def mul(self, a: Traced, b: Traced) -> Traced:
        value = a.value * b.value
        if a.place is None and b.place is None:
            return Traced(value)
        if a.place is None:
            a, b = b, a
        assert a.place is not None
        if b.place is None:
            if not b.value:
                return self.zero
            return a if b.value == 1 else self._made("scale", a.place, b.value, value)
        left, right = sorted((a.place, b.place))
        return self._made("mul", left, right, value)

    def div(self, a: Traced, b: Traced) -> Traced:
        if b.place is not None:
            raise NotStraight("a division by a number that is not the same in every variant")
        if not b.value:
            raise DomainProblem("/", str(a.value))
        return self.mul(a, Traced(1 / b.value))

    def power(self, a: Traced, exponent: Fraction) -> Traced:
        if a.place is None and exponent.denominator == 1 and (a.value or exponent >= 0):
            return Traced(a.value ** int(exponent))
        if exponent.denominator != 1 or exponent < 0:
            raise NotStraight("a root or a negative power")
        made = self.one
        for _ in range(int(exponent)):
            made = self.mul(made, a)
        return made

    def atom(self, name: str, a: Traced) -> Traced:
        raise NotStraight(f"{name}, which is not exact")

    def pi(self) -> Traced:
        raise NotStraight("π, which is not rational")

    # --- what is asked of a number

    def sign(self, a: Traced) -> int:
        found = (a.value > 0) - (a.value < 0)
        if a.place is not None:
            self._guards[a.place] = found
        return found

    def is_zero(self, a: Traced) -> bool:
        return a.place is None and not a.value

    def rational(self, a: Traced) -> Fraction | None:
        return a.value if a.place is None else None

    def generic(self, name: str, orders: tuple[int, ...], args: Sequence[Traced]) -> Traced:
        raise NotStraight(f"{name}, which has no formula")

    def show(self, a: Traced) -> str:
        return str(a.value)


def as_data(program: Program) -> list[Any]:
    """A program as JSON takes it; constants become text."""

    def plain(operand: Operand) -> int | str:
        return operand if type(operand) is int else str(operand)

    return [
        program.inputs,
        [[kind, left, plain(right)] for kind, left, right in program.operations],
        [list(guard) for guard in program.guards],
        [plain(one) for one in program.outputs],
    ]


def from_data(data: Sequence[Any]) -> Program:
    """The program that `as_data` made into data. Raises ValueError for anything else."""
    try:
        inputs, operations, guards, outputs = data
        made = Program(
            inputs=int(inputs),
            operations=tuple((_KINDS[kind], int(left), _operand(right)) for kind, left, right in operations),
            guards=tuple((int(place), int(sign)) for place, sign in guards),
            outputs=tuple(_operand(one) for one in outputs),
        )
    except (KeyError, TypeError, ValueError, ZeroDivisionError) as error:
        raise ValueError(f"no straight-line program: {error}") from None
    _check_places(made)
    return made


_KINDS: dict[str, Kind] = {
    "add": "add", "sub": "sub", "mul": "mul", "neg": "neg", "scale": "scale", "shift": "shift",
}  # fmt: skip


def _operand(data: Any) -> Operand:
    return data if type(data) is int else Fraction(str(data))


def _check_places(program: Program) -> None:
    """Every operation uses what was made before it."""
    for at, (_, left, right) in enumerate(program.operations):
        here = program.inputs + at
        if not 0 <= left < here or (type(right) is int and not 0 <= right < here):
            raise ValueError("no straight-line program: it uses a number before it is made")
    last = program.inputs + len(program.operations)
    used = [place for place, _ in program.guards]
    used += [one for one in program.outputs if type(one) is int]
    if not all(0 <= place < last for place in used):
        raise ValueError("no straight-line program: it has no such number")
