"""An exam as data for other programs: a public contract. Version 1. Numbers are text, exact ("-4", "1/2").

`contract` "symbackprop.exam.variants", `version` 1, `exam` its key, `points` of the whole
`variants`   for each student `code` (no id, no name) and `questions`: `question`, `values` by name (an
             array is `[shape, entries]`), and `parts`: `part`, `kind`, `points`, `method`, `value`.
             Of numbers also `key`, `numbers` (the points of each), `follows`, and `mistakes`: `mistake`,
             `about`, `instead`, `array`, `credit` (of each number; empty where the shape is another one).
             Of a mistake to be found `line` (from 1), `mistake`, `about`, `instead`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Any, Final

from symbackprop.algebra.values.arrays import Array
from symbackprop.exams.model import Exam, Sheet, Variant
from symbackprop.exams.rubric import RubricMistake, Rubrics, RubricStep

CONTRACT: Final = "symbackprop.exam.variants"
VERSION: Final = 1


def exam_json(exam: Exam, variants: Iterable[tuple[Variant, str]], rubrics: Rubrics) -> Iterator[str]:
    """The text of the JSON file, a piece for each variant, which is a line. They come with their codes."""
    head = {"contract": CONTRACT, "version": VERSION, "exam": exam.key, "points": str(exam.points)}
    lines = [f'  "{key}": {json.dumps(value)},' for key, value in head.items()]
    yield "{\n" + "\n".join(lines) + '\n  "variants": ['
    for at, (one, code) in enumerate(variants):
        yield f"{',' if at else ''}\n    {json.dumps(_variant(one, code, rubrics), ensure_ascii=False)}"
    yield "\n  ]\n}\n"


def _variant(variant: Variant, code: str, rubrics: Rubrics) -> dict[str, Any]:
    steps = rubrics.steps(variant)
    return {
        "code": code,
        "questions": [
            {
                "question": sheet.question,
                "values": {name: _array(array) for name, array in sheet.values.items()},
                "parts": [_part(step, sheet) for step in steps if step.question == sheet.question],
            }
            for sheet in variant.sheets
        ],
    }


def _part(step: RubricStep, sheet: Sheet) -> dict[str, Any]:
    part = step.part
    made: dict[str, Any] = {
        "part": part.id, "kind": part.kind, "points": str(step.points), "method": str(step.method),
        "value": str(step.value),
    }  # fmt: skip
    if step.key is not None:
        made |= {
            "key": _array(step.key), "numbers": _texts(step.numbers), "follows": list(step.follows),
            "mistakes": list(map(_mistake, step.mistakes)),
        }  # fmt: skip
    if part.kind == "mistake":
        faulty = sheet.faulty[part.id]
        made |= {
            "line": faulty.at + 1, "mistake": faulty.mistake, "about": faulty.about,
            "instead": faulty.instead,
        }  # fmt: skip
    return made


def _mistake(one: RubricMistake) -> dict[str, Any]:
    slip = one.slip
    return {
        "mistake": slip.mistake, "about": slip.about, "instead": slip.instead, "array": _array(slip.array),
        "credit": _texts(one.credit), "whole": str(one.whole),
    }  # fmt: skip


def _array(array: Array[Fraction]) -> list[Any]:
    return [list(array.shape), _texts(array.entries)]


def _texts(values: Iterable[Fraction]) -> list[str]:
    return [str(value) for value in values]
