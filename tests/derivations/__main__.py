"""`python -m tests.derivations`: the checker tried on thousands of derivations by hand, right and wrong.

    --count 2000     derivations of each kind, over all bundled exercises
    --seed 0         the first seed; the same seeds give the same texts
    --exercise NAME  only this exercise
    --kind both      right, wrong or both
    --show N         print N samples, and check nothing
    --failures 40    failures to print, the gravest first
    --jobs 2         processes

Prints a table by exercise and each failure with its seed. The exit code is 1 where a target is missed: no
right line called wrong, no wrong line passed, the first wrong line found, at most 1 % not read, the mistake
named in 95 % (ties count when the true one is among those named).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from itertools import islice

from . import names, right, wrong
from .trial import Tally, tried

COLUMNS = (
    "samples",
    "lines",
    "called wrong",
    "not read",
    "wrong lines",
    "passed",
    "found",
    "named",
    "ms a line",
)


def tasks(options: argparse.Namespace) -> Iterable[tuple[str, int, str]]:
    """The samples, exercise by exercise in turn."""
    chosen = [options.exercise] if options.exercise else list(names())
    kinds = ("right", "wrong") if options.kind == "both" else (options.kind,)
    for at in range(options.count):
        for kind in kinds:
            yield chosen[at % len(chosen)], options.seed + at // len(chosen), kind


def row(name: str, tally: Tally) -> str:
    """A line of the table."""
    right_ones = tally.statements - tally.wrong_statements
    wrong_ones = tally.wrong_statements or 1
    shown = (
        f"{tally.samples}", f"{tally.statements}", f"{tally.right_called_wrong}",
        f"{tally.right_not_read / (right_ones or 1):.2%}", f"{tally.wrong_statements}",
        f"{tally.wrong_passed}",
        f"{tally.first_found / wrong_ones:.1%}", f"{tally.named / wrong_ones:.1%}",
        f"{1000 * tally.seconds / (tally.statements or 1):.1f}",
    )  # fmt: skip
    return f"{name:15}" + "".join(f"{cell:>13}" for cell in shown)


def show(options: argparse.Namespace) -> None:
    """Print samples, wrong statements marked."""
    for name, seed, kind in islice(tasks(options), options.show):
        sample = (right if kind == "right" else wrong)(name, seed)
        print(f"===== {name}, seed {seed}, {kind}, {sample.style}\n{sample.text}")
        for truth in sample.lines:
            if truth.wrong or truth.carried:
                print(f"  {'wrong' if truth.wrong else 'carried'} {truth.mistake or ''}: {truth.text}")


def main() -> int:
    """Run from the command line; the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.derivations", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--exercise", choices=names())
    parser.add_argument("--kind", choices=("right", "wrong", "both"), default="both")
    parser.add_argument("--show", type=int, default=0)
    parser.add_argument("--failures", type=int, default=40)
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    if options.show:
        show(options)
        return 0
    by_name: dict[str, Tally] = {}
    work = list(tasks(options))
    with ProcessPoolExecutor(max_workers=options.jobs) as pool:
        results = pool.map(tried, *zip(*work, strict=True), chunksize=8)
        for (name, _, _), tally in zip(work, results, strict=True):
            by_name.setdefault(name, Tally()).add(tally)
    return report(by_name, options.failures)


def report(by_name: dict[str, Tally], shown: int) -> int:
    """Print the table and the failures; the exit code."""
    total = Tally()
    for tally in by_name.values():
        total.add(tally)
    gravest_first = sorted(total.failures, key=lambda one: one.what.startswith("mistake"))
    for failure in gravest_first[:shown]:
        place = f"{failure.exercise} --seed {failure.seed} ({failure.style}), line {failure.line}"
        print(f"{failure.what}: {place}\n    {failure.text}\n    said: {failure.said}")
    if len(total.failures) > shown:
        print(f"… and {len(total.failures) - shown} more")
    print(f"\n{'':15}" + "".join(f"{cell:>13}" for cell in COLUMNS))
    for name, tally in by_name.items():
        print(row(name, tally))
    print(row("all", total))
    for what in total.missed:
        print(f"MISSED: {what}")
    return 1 if total.missed else 0


if __name__ == "__main__":
    sys.exit(main())
