"""Straight-line programs as Python functions over integers.

A program's numbers are rational with denominators that are known beforehand: inputs come as numerators over
given denominators, and the denominator of every other number follows. So all that is done at run time is
the addition, subtraction and multiplication of integers, and it is exact.

The function is compiled from text in which there are generated names (`v12`), signs and integers, and
nothing else: no name or text of a person's. This is the only module that compiles anything.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import gcd, lcm
from typing import Any, Final

from symbackprop.algebra.values.tracing import Operand, Program

Run = Callable[[Sequence[int]], tuple[int, ...] | None]

_LINE: Final = re.compile(r"(?: (?:v\d+|if v\d+ (?:<=|>=|!=|==) 0: return None|!=|[-+*=(),>]|\d+|return))*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Straight:
    """`run` takes the inputs' numerators and gives those of the outputs, over `denominators`; None where a
    guard has another sign than it had when the program was traced.

    A function compiled with `work` gives two more numbers at the end: how many multiplications have no
    factor 0, 1 or −1, and how many have a product beyond the bound.
    """

    run: Run
    denominators: tuple[int, ...]


def compiled(
    program: Program, denominators: Sequence[int], *, work: bool = False, bound: int = 0
) -> Straight:
    """The function of a program whose inputs have these denominators; see `Straight` for `work`, `bound`."""
    text = _Text(program, denominators)
    names: dict[str, Any] = {"__builtins__": {}}
    exec(compile(text.source(bound if work else None), "<straight-line code>", "exec"), names)
    return Straight(run=names["run"], denominators=tuple(text.below(one) for one in program.outputs))


class _Text:
    """The text of the function."""

    def __init__(self, program: Program, denominators: Sequence[int]) -> None:
        if len(denominators) != program.inputs:
            raise ValueError(f"{program.inputs} denominators are needed, not {len(denominators)}")
        self.program = program
        self.scales = list(denominators)
        self.lines: list[str] = []

    def source(self, bound: int | None) -> str:
        """The definition of `run`, line by line; with a bound it counts multiplications."""
        program = self.program
        guards = dict(program.guards)
        if program.inputs:
            self.lines.append(" ( " + " ".join(f"v{at} ," for at in range(program.inputs)) + " ) = v")
        for at in range(program.inputs):
            self._guard(at, guards)
        for at, (kind, left, right) in enumerate(program.operations, start=program.inputs):
            made, scale = self._operation(kind, left, right)
            self.scales.append(scale)
            self.lines.append(f" v{at} = {made}")
            self._guard(at, guards)
        outputs = [self._output(one) for one in program.outputs]
        if bound is not None:
            outputs += self._counts(bound)
        self.lines.append(" return ( " + "".join(f"{one} , " for one in outputs) + ")")
        for line in self.lines[1 if program.inputs else 0 :]:
            if not _LINE.fullmatch(line):
                raise AssertionError(f"not straight-line code: {line}")
        return "def run(v):\n" + "\n".join(self.lines) + "\n"

    def below(self, operand: Operand) -> int:
        """The denominator of an operand."""
        return self.scales[operand] if type(operand) is int else Fraction(operand).denominator

    def _output(self, operand: Operand) -> str:
        return f"v{operand}" if type(operand) is int else _integer(Fraction(operand).numerator)

    def _guard(self, place: int, guards: dict[int, int]) -> None:
        """Leave where the sign is another one."""
        if place in guards:
            other = {1: "<=", -1: ">=", 0: "!="}[guards[place]]
            self.lines.append(f" if v{place} {other} 0: return None")

    def _operation(self, kind: str, left: int, right: Operand) -> tuple[str, int]:
        """The text and the denominator of a number."""
        scale = self.scales[left]
        if kind == "neg":
            return f"- v{left}", scale
        if kind == "mul" and type(right) is int:
            return f"v{left} * v{right}", scale * self.scales[right]
        if kind == "scale":
            constant = Fraction(right)
            common = gcd(constant.numerator, scale)
            factor, below = constant.numerator // common, scale // common * constant.denominator
            return _times(f"v{left}", factor), below
        if kind == "shift":
            constant = Fraction(right)
            both = lcm(scale, constant.denominator)
            added = constant.numerator * (both // constant.denominator)
            return f"{_times(f'v{left}', both // scale)} + {_integer(added)}", both
        assert type(right) is int
        both = lcm(scale, self.scales[right])
        first = _times(f"v{left}", both // scale)
        second = _times(f"v{right}", both // self.scales[right])
        return f"{first} {'+' if kind == 'add' else '-'} {second}", both

    def _counts(self, bound: int) -> tuple[str, str]:
        """How many multiplications are no trivial ones, and how many products are beyond the bound."""
        work, large = ["0"], ["0"]
        for at, (kind, left, right) in enumerate(self.program.operations, start=self.program.inputs):
            if kind == "mul" and type(right) is int:
                work.append(f"{self._nontrivial(left)} * {self._nontrivial(right)}")
                large.append(f"( v{at} * v{at} > {(bound * self.scales[at]) ** 2} )")
        return " + ".join(work), " + ".join(large)

    def _nontrivial(self, place: int) -> str:
        """Whether a number is not 0, 1 or −1."""
        scale = self.scales[place]
        if scale == 1:
            return f"( v{place} * v{place} > 1 )"
        return f"( v{place} != 0 ) * ( v{place} * v{place} != {scale * scale} )"


def _times(name: str, factor: int) -> str:
    return name if factor == 1 else f"{name} * {_integer(factor)}"


def _integer(value: int) -> str:
    return str(value) if value >= 0 else f"( - {-value} )"
