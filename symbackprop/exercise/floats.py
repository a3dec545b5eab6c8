"""Exercises whose values are floats: the numbers apart from everything else.

A file with 16,000 numbers takes TOML's reader, and exact arithmetic, a tenth of a second. Here the arrays of
[values] are cut out of the text and read by JSON's reader, which is a hundred times faster; what is left is
short, and the same for every set of numbers of one model. Whatever is not plainly an array of numbers stays
where it is, for the exact reader and its messages.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from symbackprop import limits
from symbackprop.algebra.values.arrays import RANK, Array
from symbackprop.algebra.values.floating import np
from symbackprop.algebra.values.floating.atoms import Floats
from symbackprop.exercise import file_and_text
from symbackprop.exercise.build import build
from symbackprop.exercise.faults import Collected, ExerciseError, Fault
from symbackprop.exercise.model import Exercise
from symbackprop.exercise.numbers import Elsewhere
from symbackprop.exercise.source import read_source
from symbackprop.notation.read import canonical_name

_HEADER = re.compile(r"^[ \t]*\[[ \t]*values[ \t]*\][ \t]*(?:#[^\n]*)?$", re.MULTILINE)
_LINE = re.compile(
    r"""^[ \t]*(?:(?P<key>[A-Za-z0-9_-]+)[ \t]*=[ \t]*(?=\[)|(?P<end>\[[ \t]*["'A-Za-z_]))""", re.MULTILINE
)
_REST_OF_LINE = re.compile(r"[ \t]*(?:#[^\n]*)?(?:\n|\Z)")
_TO_THE_END = re.compile(r"[^\n]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class FloatSource:
    """An exercise without the numbers of its values (`rest`, a text or a mapping), and those numbers.

    `values` are under their keys as written. Two sources with one `identity` differ in numbers only.
    """

    key: str
    file: str
    rest: str | Mapping[str, Any]
    values: Mapping[str, Floats]

    @property
    def identity(self) -> str:
        """What the exercise is, apart from its numbers."""
        shapes = {key: array.shape for key, array in self.values.items()}
        return f"{self.key}\0{self.file}\0{self.rest}\0{shapes}"

    def exercise(self) -> tuple[Exercise, Mapping[str, Floats]]:
        """The exercise without values, and the values that were not cut out. Raises ExerciseError."""
        lines: Mapping[tuple[str, ...], int] = {}
        if isinstance(self.rest, str):
            source = read_source(self.rest, self.file)
            data, lines = dict(source.data), source.lines
        else:
            data = dict(self.rest)
        if self.values:
            shapes = {key: Elsewhere(array.shape) for key, array in self.values.items()}
            data["values"] = {**data.get("values", {}), **shapes}
        made = build(data, Collected(self.file, lines), self.key)
        constants = {name: self._floats(name, array) for name, array in made.values.items()}
        return replace(made, values={}), constants

    def _floats(self, name: str, array: Array[Any]) -> Floats:
        try:
            return np.array([float(entry) for entry in array.entries]).reshape(array.shape)
        except OverflowError:
            message = f"{name} has a number beyond what a float can be"
            raise ExerciseError([Fault(file=self.file, key=f"values.{name}", message=message)]) from None

    def named(self) -> Iterator[tuple[str, Floats]]:
        """The numbers under the names that the model has for them (`yhat` for `ŷ`)."""
        for key, array in self.values.items():
            yield canonical_name(key), array


def float_source(source: str | Path | Mapping[str, Any], key: str = "exercise") -> FloatSource:
    """The exercise in a file, a bundled one by its name, or a mapping with the keys of a file.

    In a mapping, values may also be NumPy's arrays. Raises ExerciseError where there is no such file; what
    is wrong inside is said when the exercise is built.
    """
    if isinstance(source, Mapping):
        return _from_mapping(source, key)
    file, text = file_and_text(source)
    rest, values = _cut(text)
    return FloatSource(key=file.stem, file=str(file), rest=rest, values=values)


def _from_mapping(source: Mapping[str, Any], key: str) -> FloatSource:
    values = source.get("values", {})
    if not isinstance(values, Mapping):
        return FloatSource(key=key, file=key, rest=source, values={})
    read = {str(name): _array(raw) for name, raw in values.items()}
    left = {name: raw for name, raw in values.items() if read[str(name)] is None}
    rest = {**source, "values": left}
    found = {name: array for name, array in read.items() if array is not None}
    return FloatSource(key=key, file=key, rest=rest, values=found)


# --- cutting numbers out of a text -----------------------------------------------------------------


def _cut(text: str) -> tuple[str, dict[str, Floats]]:
    """The text with `[0]` for every plain array under [values], lines kept, and the arrays."""
    header = _HEADER.search(text)
    if header is None or '"""' in text or "'''" in text:
        return text, {}
    reader = json.JSONDecoder(parse_constant=_refused)
    pieces, values, done, at = [], dict[str, Floats](), 0, header.end()
    while (found := _LINE.search(text, at)) is not None and found["end"] is None:
        array, end = _read(reader, text, found.end())
        if array is None or found["key"] in values:
            at = _end_of_line(text, found.end())
            continue
        values[found["key"]] = array
        pieces += [text[done : found.end()], "[0", "\n" * text.count("\n", found.end(), end), "]"]
        done = at = end
    return "".join((*pieces, text[done:])), values


def _refused(word: str) -> Any:
    """`NaN` is JSON to Python's reader, and no TOML."""
    raise ValueError(word)


def _end_of_line(text: str, at: int) -> int:
    found = _TO_THE_END.match(text, at)
    return len(text) if found is None else found.end()


def _read(reader: json.JSONDecoder, text: str, start: int) -> tuple[Floats | None, int]:
    """The array that begins at `start` and where it ends; None if it is no plain one."""
    try:
        raw, end = reader.raw_decode(text, start)
    except (ValueError, RecursionError):
        return None, start
    if _REST_OF_LINE.match(text, end) is None:
        return None, start
    if text.find("t", start, end) >= 0 or text.find("s", start, end) >= 0:  # true, false
        return None, start
    return _array(raw), end


def _array(raw: Any) -> Floats | None:
    """Plain numbers as an array; None for what the exact reader should look at."""
    try:
        array = np.asarray(raw)
    except ValueError:  # rows of different lengths
        return None
    fits = 1 <= array.size <= limits.ENTRIES and array.ndim <= RANK
    if array.dtype.kind not in "if" or not fits or max(array.shape, default=1) > limits.SIZE:
        return None
    made = array.astype(np.float64)
    return made if math.isfinite(float(np.abs(made).max())) else None
