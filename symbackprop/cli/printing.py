"""Standard output and standard error, with nothing in them that would move a terminal's cursor."""

import os
import sys
from contextlib import suppress


def put(text: str, end: str = "\n") -> None:
    """On standard output."""
    from symbackprop.exercise.faults import visible

    lines = text.split("\n")
    sys.stdout.write("\n".join(visible(line) for line in lines) + end)


def say(text: str) -> None:
    """On standard error, where nobody may be listening."""
    from symbackprop.exercise.faults import visible

    with suppress(OSError, ValueError):
        sys.stderr.write("\n".join(visible(line) for line in text.split("\n")) + "\n")
        sys.stderr.flush()


def is_terminal() -> bool:
    """Whether standard output is a screen that somebody looks at."""
    return sys.stdout.isatty()


def mute() -> None:
    """Standard output goes nowhere, so that closing it does not fail a second time."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
