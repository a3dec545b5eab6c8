"""The command as a whole process: what somebody waits for."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import symbackprop

OURS = ("-m", "symbackprop")
IMPORTS = ("-c", "import sympy, jinja2")


def wall(arguments: Sequence[str], folder: Path) -> float:
    """Seconds of one process of this Python, as it is installed: it may keep its compiled modules, and
    finds the package that is measured. Raises CalledProcessError."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPATH"] = str(Path(symbackprop.__file__).resolve().parent.parent)
    start = time.perf_counter()
    subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, check=True,
        stdin=subprocess.DEVNULL, capture_output=True,
    )  # fmt: skip
    return time.perf_counter() - start


def shortest(commands: Sequence[Sequence[str]], repeat: int) -> list[float]:
    """The shortest time of each command, run in turn, after one run that does not count."""
    best = [float("inf")] * len(commands)
    for turn in range(repeat + 1):
        for place, command in enumerate(commands):
            with tempfile.TemporaryDirectory() as folder:
                taken = wall(command, Path(folder))
            if turn:
                best[place] = min(best[place], taken)
    return best


def commands() -> dict[str, tuple[str, ...]]:
    """What is measured, by name."""
    derive = (*OURS, "derive", "neurona")
    return {
        "imports": IMPORTS,
        "tex": (*derive, "--to", "tex"),
        "pdf": (*derive, "--to", "pdf", "--engine", "typst"),
        "help": (*OURS, "--help"),
    }
