"""Faults that are found after the file was read, given its name and the line of their key."""

from dataclasses import replace
from pathlib import Path

from symbackprop.exercise.faults import ExerciseError, Fault
from symbackprop.exercise.source import read_source


def located(error: ExerciseError, file: Path, text: str) -> ExerciseError:
    """`error` with the file's name and lines in the faults that have no line; `text` is the file's.

    A fault whose key the file does not have takes the line of the section that it would stand in.
    """
    lines = {".".join(path): line for path, line in read_source(text, str(file)).lines.items()}

    def placed(fault: Fault) -> Fault:
        if fault.line is not None:
            return fault
        above = [key for key in lines if fault.key == key or fault.key.startswith(f"{key}.")]
        line = lines[max(above, key=len)] if above else None
        return replace(fault, file=str(file), line=line)

    return ExerciseError(placed(fault) for fault in error.faults)
