"""Checking derivations of sixty lines in which everything holds: as a whole process, and a line at a time."""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

from symbackprop.checking.check import check_text
from symbackprop.checking.findings import Checked
from symbackprop.exercise import load
from tests import derivations

from . import processes

LINES = 60
DOCUMENTS = {"a neuron, then a layer": ("neurona", "capa"), "a network": ("red",)}
"""The exercises of each document, in order."""

SYMPY = ("-c", "import sympy")


def document(exercises: Sequence[str]) -> str:
    """A Markdown text of at least `LINES` statements, the same number about each exercise."""
    text, wanted = "", LINES // len(exercises)
    for name in exercises:
        lines = 0
        for seed in count():
            if lines >= wanted:
                break
            sample = derivations.right(name, seed)
            if sample.suffix == ".md":
                text += sample.text + "\n"
                lines += len(sample.lines)
    return text


def checked(name: str) -> Checked:
    """A document checked in this process."""
    exercises = DOCUMENTS[name]
    return check_text(document(exercises), [load(one) for one in exercises], suffix=".md")


def milliseconds_a_line(name: str, repeat: int = 5) -> float:
    """The shortest time that a line takes in a process that has begun."""
    exercises = [load(one) for one in DOCUMENTS[name]]
    text = document(DOCUMENTS[name])
    best = float("inf")
    for _ in range(repeat):
        start = time.process_time()
        found = check_text(text, exercises, suffix=".md")
        best = min(best, (time.process_time() - start) / len(found.findings))
    return best * 1000


def processor_time(arguments: Sequence[str], folder: Path) -> float:
    """Seconds of processor time, as the machine may be busy with other things. Raises CalledProcessError."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    processes.wall(arguments, folder)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def ratios(repeat: int = 7) -> dict[str, float]:
    """Of each document the time of `symbackprop check`, against that of `import sympy`: the shortest of
    each, run in turn, after one run that does not count."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        commands = {"": SYMPY}
        for place, (title, exercises) in enumerate(DOCUMENTS.items()):
            path = folder / f"{place}.md"
            path.write_text(document(exercises), "utf-8")
            options = [word for one in exercises for word in ("--exercise", one)]
            commands[title] = (*processes.OURS, "check", str(path), *options)
        best = dict.fromkeys(commands, float("inf"))
        for turn in range(repeat + 1):
            for title, command in commands.items():
                taken = processor_time(command, folder)
                best[title] = min(best[title], taken) if turn else best[title]
    return {title: taken / best[""] for title, taken in best.items() if title}


if __name__ == "__main__":
    try:
        for title, ratio in ratios().items():
            print(f"{title}: {ratio:.2f} times import sympy, {milliseconds_a_line(title):.1f} ms a line")
    except subprocess.CalledProcessError as error:
        sys.exit(f"{error}: {error.stderr.decode()}{error.stdout.decode()[-2000:]}")
