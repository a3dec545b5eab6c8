"""Gradients in floats as JSON: a public contract of its own. Version 1.

It shares keys with the contract of exact derivations (`report.contract`) where they mean the same; the
numbers never do: exact ones are text there, floats are JSON numbers here, and only under the key `float`.
What is infinite or no number is null.

`generator`    only in a file: which program wrote it, and a hash that tells whether it was edited
`contract`     "symbackprop.floats"
`version`      1
`exercise` `title` `model` `shapes` `wanted` `facts`   as in the contract of exact derivations
`sizes`        the sizes that the formulas name, as numbers
`numbers`      "binary64": approximate; no number here is certified
`quantities`   name -> quantity: the loss and the gradients that were asked for (at another detail than
               answer: every computed name and every gradient), in the order of the derivation
`checks`       what was checked of the formulas, once, at random points
`warnings`     where numbers are infinite, none at all, or near the end of what floats can be

A quantity: `kind` ("computed" or "gradient"), `of` (of a gradient: the name it belongs to), `shape`,
`text` (the formula, certified, as plain text) and `float` (a number, a list, or lists of lists).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from symbackprop.algebra.values.floating.atoms import Floats
from symbackprop.derivation.floats import Approximate, Formula, Plan, approximate
from symbackprop.exercise import ExerciseError, in_file
from symbackprop.exercise.floats import float_source
from symbackprop.exercise.model import Exercise
from symbackprop.notation.write import to_plain
from symbackprop.report.contract import check_data, written
from symbackprop.report.files import check_writable, write_whole
from symbackprop.report.float_text import as_json
from symbackprop.report.terminal import HEADINGS, aligned, shape_text

VERSION: Final = 1
CONTRACT: Final = "symbackprop.floats"
KIND: Final = "json"
"""The only file there is of floats: reports are exact."""

_SHOWN: Final = 8  # entries of a value on the command line


def to_json(numbers: Approximate, *, detail: str = "answer") -> str:
    """The text of the JSON file, ending in a newline."""
    head, formulas, tail = _frame(numbers.plan, detail)
    cells = ",\n".join(f"{before}{as_json(numbers.values[name])}}}" for name, before in formulas)
    warnings = json.dumps(list(numbers.warnings), ensure_ascii=False)
    return f'{head}{cells}\n  }},\n{tail}  "warnings": {warnings}\n}}\n'


@lru_cache(maxsize=32)
def _frame(plan: Plan, detail: str) -> tuple[str, tuple[tuple[str, str], ...], str]:
    """Everything but the numbers: before them, before each of them by name, after them."""
    exercise = plan.exercise
    data = {
        "contract": CONTRACT,
        "version": VERSION,
        "exercise": exercise.key,
        "title": exercise.title_in("en"),
        "model": {one.name: to_plain(one.body) for one in exercise.equations},
        "shapes": {name: list(shape) for name, shape in exercise.shapes.items()},
        "wanted": list(exercise.wanted),
        "facts": [fact.text for fact in exercise.facts],
        "sizes": dict(plan.sizes),
        "numbers": "binary64",
    }
    shown = [one for one in plan.formulas if detail != "answer" or _is_answer(one, exercise)]
    before = tuple((one.name, _before(one)) for one in shown)
    checks = written([check_data(plan.check)], "  ").rstrip("\n")
    return _lines(data) + '  "quantities": {\n', before, f'  "checks": {checks},\n'


def written_lines(
    name: str, kinds: Sequence[str], detail: str, folder: Path, *, force: bool, warn: Callable[[str], None]
) -> Iterator[str]:
    """Write the JSON of an exercise; what the command line prints about it, line by line.

    Raises ValueError for another kind of file, and what `approximate` and `write_whole` raise.
    """
    if list(kinds) != [KIND]:
        raise ValueError("--floats writes numbers only, and no report: say --to json")
    source = float_source(name)
    path = folder / f"{source.key}-floats.json"
    check_writable([path], force=force)
    try:
        numbers = approximate(source)
    except ExerciseError as error:
        raise in_file(error, name) from None
    for warning in (*numbers.plan.exercise.warnings, *numbers.warnings):
        warn(f"warning: {warning}")
    yield f"wrote {write_whole(path, to_json(numbers, detail=detail), force=force)}"
    yield ""
    yield from aligned([HEADINGS, *_rows(numbers)])


def _rows(numbers: Approximate) -> Iterator[tuple[str, ...]]:
    """The gradients that were asked for, as in the table of exact ones; the values are about right."""
    for one in numbers.plan.formulas:
        if one.name in numbers.wanted:
            values = numbers.values[one.name]
            few = values.size <= _SHOWN
            yield (
                one.name,
                to_plain(one.node),
                shape_text(one.shape),
                f"≈ {_nested(values) if few else '(…)'}",
            )


def _nested(values: Floats) -> str:
    """Six digits of each number, and 0 without a sign."""
    if values.ndim:
        return "[" + ", ".join(map(_nested, values)) + "]"
    return f"{float(values) + 0.0:.6g}"


def _is_answer(one: Formula, exercise: Exercise) -> bool:
    return one.target in exercise.wanted if one.gradient else one.name == exercise.loss


def _lines(data: dict[str, Any]) -> str:
    """The keys of an object that goes on, each with a comma behind it."""
    return "{\n" + "".join(
        f"  {json.dumps(key)}: {written(value, '  ').rstrip()},\n" for key, value in data.items()
    )


def _before(one: Formula) -> str:
    data: dict[str, Any] = {"kind": "gradient" if one.gradient else "computed"}
    data |= {"of": one.target} if one.gradient else {}
    data |= {"shape": list(one.shape), "text": to_plain(one.node)}
    inner = json.dumps(data, ensure_ascii=False)[:-1]
    return f'    {json.dumps(one.name, ensure_ascii=False)}: {inner}, "float": '
