"""`python -m tests.fuzzing`: lines that people wrote, mutated, through the checker.

    --count 100000   lines
    --seed 0         the same seed gives the same lines
    --first 0        the number of the first line
    --jobs 2         processes
    --show 20        failures that are printed whole

Each line is checked against its own exercise or a bundled one, in turn. The exit code is 1 where one crashes
or takes more than a second of processor time.
"""

from __future__ import annotations

import argparse
import sys
from concurrent.futures import ProcessPoolExecutor
from functools import partial

from .corpus import lines
from .trial import SECONDS, Tally, Trial, exercises, judged, tried


def warmed() -> None:
    """What a process loads once is not counted: the samples, the exercises, SymPy behind a wrong line."""
    lines()
    for exercise in exercises().values():
        name = exercise.equations[0].name
        judged(f"$${name} = 2 {name}$$", exercise, suffix=".md")


def main() -> int:
    """Try them all and print what came of it."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzzing")
    for option, default in (("count", 100_000), ("seed", 0), ("first", 0), ("jobs", 2), ("show", 20)):
        parser.add_argument(f"--{option}", type=int, default=default)
    options = parser.parse_args()
    tally, failures = Tally(), []  # type: Tally, list[Trial]
    with ProcessPoolExecutor(options.jobs, initializer=warmed) as pool:
        for trial in pool.map(
            partial(tried, options.seed), range(options.first, options.first + options.count), chunksize=50
        ):
            tally.take(trial)
            if trial.failed:
                failures.append(trial)
                if len(failures) <= options.show:
                    print(_shown(trial), flush=True)
            if tally.lines % 10_000 == 0:
                print(f"{tally.lines:,} lines, {len(failures)} failures", flush=True)
    print(
        f"{tally.lines:,} lines: {tally.crashed} crashed, {tally.slow} over {SECONDS:g} s, "
        f"the slowest {tally.slowest:.2f} s, {1000 * tally.seconds / (tally.lines or 1):.1f} ms a line"
    )
    print(", ".join(f"{verdict}: {count:,}" for verdict, count in tally.verdicts.most_common()))
    return 1 if failures else 0


def _shown(trial: Trial) -> str:
    text = trial.text if len(trial.text) <= 600 else trial.text[:400] + " … " + trial.text[-200:]
    end = trial.error.strip().splitlines()[-6:]
    return (
        f"--- {trial.number} {trial.exercise} {trial.suffix!r} {trial.seconds:.2f} s\n{text!r}\n"
        + "\n".join(end)
    )


if __name__ == "__main__":
    sys.exit(main())
