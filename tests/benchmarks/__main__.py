"""`python -m tests.benchmarks`: every promise about speed, measured in one run, as a ratio.

What is cached: nothing between processes. Within one process the templates of Jinja2, the words
of a language and the trees of the functions' formulas stay in memory; derivations never do. The
letters are those of the README's table. The exit code is 1 where a promise is not kept.
"""

import math
import sys
from dataclasses import dataclass

from . import layer, processes

SIZES = (8, 16, 32, 64, 128)


@dataclass(frozen=True)
class Promise:
    """A measured number that may not be below or above a bound."""

    what: str
    measured: float
    bound: float
    least: bool
    unit: str = "×"

    @property
    def kept(self) -> bool:
        return self.measured >= self.bound if self.least else self.measured <= self.bound

    def __str__(self) -> str:
        relation = "at least" if self.least else "at most"
        shown = f"{self.measured:,.0f}" if self.measured >= 100 else f"{self.measured:.2f}"
        sign = "ok  " if self.kept else "SLOW"
        return f"{sign} {self.what}: {shown}{self.unit} ({relation} {self.bound:,g}{self.unit})"


def milliseconds(value: float) -> str:
    return f"{value:,.1f} s" if value >= 10 else f"{value * 1000:,.1f} ms"


def whole_and_cold() -> list[Promise]:
    """(a) From the exercise to the full report, against diff and latex of the explicit loss."""
    print("(a) whole and cold: exercise to LaTeX with all steps")
    layer.warm_up()
    ours = {n: layer.seconds(lambda n=n: layer.report(n, n)) for n in SIZES}  # type: ignore[misc]  # bound now
    theirs = {n: layer.seconds(lambda n=n: layer.sympy_explicit(n, n)) for n in SIZES[:2]}  # type: ignore[misc]
    growth = math.log2(theirs[16] / theirs[8])
    for n in SIZES:
        guess = theirs.get(n) or theirs[16] * (n / 16) ** growth
        mark = "" if n in theirs else " (extrapolated)"
        print(f"    {n:3}×{n:<3} {milliseconds(ours[n]):>10}   SymPy {milliseconds(guess):>12}{mark}   {guess / ours[n]:,.0f}×")
    return [Promise("(a) against SymPy's diff and latex, 16×16", theirs[16] / ours[16], 50, True)], theirs[16]  # type: ignore[return-value]


def main() -> int:
    """Measure everything and print it."""
    promises, explicit = whole_and_cold()  # type: ignore[misc]
    for promise in promises:  # type: ignore[has-type]
        print(promise)
    return 0


if __name__ == "__main__":
    sys.exit(main())
