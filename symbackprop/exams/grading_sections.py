"""Which question a derivation is about, line by line: by the headings that the student wrote."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise
from typing import Any, Final

from symbackprop.exams.grading_numbers import Unread
from symbackprop.exams.grading_places import Parts, folded
from symbackprop.exams.model import Exam, Question

_MARKUP: Final = re.compile(r"\\[a-zA-Z]+\*?\s*\{?|[#*_%/{}=>~-]+")
_HEADING: Final = re.compile(
    r"\s*(?:question|pregunta|ejercicio|problema|exercise|problem)\b\s*(?:n\W*\w?\W+)?(\d{1,3}|[\w-]+)", re.I
)
_NUMBERED: Final = re.compile(r"(\d{1,2})\s*(?:[.):]+)?(?:\s+[^\W\d_][^\n$]{0,80})?")
_BEFORE: Final = re.compile(r"^\d{1,2}\s*[.):]+\s*")
_MARKED: Final = re.compile(r"\s*(?:#|\\(?:sub)*section)")
_LINE: Final = re.compile(r"[\s*_]*(?:\\\w+\s*\{\s*)*\d{1,2}\s*[.)]")
_LONGEST: Final = 120  # characters of a heading


def sections(text: str, suffix: str, exam: Exam) -> dict[str, str] | None:
    """By question the text about it, with everything else left blank, so that lines keep their numbers.

    What comes before the first heading belongs to all. None where no heading names a question.
    """
    parts = Parts(exam)
    if suffix == ".ipynb" or text.lstrip().startswith("{"):
        notebook = _notebook(text)
        if notebook is not None:
            return _split_cells(notebook, parts)
    lines = text.split("\n")
    owners = list(_owners(lines, parts))
    if all(owner is None for owner in owners):
        return None
    return {
        question.id: "\n".join(
            line if owner in (None, question.id) else ""
            for line, owner in zip(lines, owners, strict=True)
        )
        for question in exam.questions
        if question.id in owners
    }  # fmt: skip


def proses(text: str, suffix: str) -> list[tuple[int, str]]:
    """What is no code in a derivation: by cell (from 1) of a notebook, else all of it as 0."""
    if suffix == ".py":
        return []
    notebook = _notebook(text) if suffix == ".ipynb" else None
    if notebook is None:
        return [(0, text)]
    return [
        (at, _source(one))
        for at, one in enumerate(notebook["cells"], 1)
        if one.get("cell_type") == "markdown"
    ]


def _owners(lines: Sequence[str], parts: Parts) -> Iterator[str | None]:
    """The question that each line is about; None before the first heading."""
    heads = [_headed(line, parts) for line in lines]
    numbered = _numbered(lines, parts)
    if all(head is None or head is other for head, other in zip(heads, numbered, strict=True)):
        heads = numbered
    current: str | None = None
    for found in heads:
        current = current if found is None else found.id
        yield current


def _numbered(lines: Sequence[str], parts: Parts) -> list[Question | None]:
    """Headings that are numbers: `1. One neuron`, `2)`, `## 3`. They are some where the exam has as many
    questions, and they come in order; marked as headings, some may be left out."""
    questions = parts.exam.questions
    plain = ["" if "=" in line else _MARKUP.sub(" ", line).strip() for line in lines]
    found = [_NUMBERED.fullmatch(line) for line in plain]
    for wanted in (_MARKED, _LINE):
        numbers = [
            int(match[1]) if match is not None and wanted.match(line) else 0
            for match, line in zip(found, lines, strict=True)
        ]
        order = [number for number in numbers if number]
        whole = order == list(range(1, len(questions) + 1)) and len(questions) > 1
        if whole or (wanted is _MARKED and order and _is_rising(order) and order[-1] <= len(questions)):
            return [questions[number - 1] if number else None for number in numbers]
    return [None] * len(lines)


def _is_rising(numbers: Sequence[int]) -> bool:
    return all(one < two for one, two in pairwise(numbers))


def _headed(line: str, parts: Parts) -> Question | None:
    """The question that a line is the heading of: `## Ejercicio 2`, or its title."""
    if not line.strip() or len(line) > _LONGEST:
        return None
    plain = _MARKUP.sub(" ", line).strip()
    bare = _BEFORE.sub("", plain)
    for question in parts.exam.questions:
        if folded(bare) in {folded(title) for title in question.title.values()} - {""}:
            return question
    match = _HEADING.match(plain)
    if match is None:
        return None
    try:
        return parts.question(match[1])
    except Unread:
        return None


def _notebook(text: str) -> dict[str, Any] | None:
    """A notebook as JSON, with its list of cells; None if it is none."""
    try:
        data: dict[str, Any] = json.loads(text)
        cells = data["cells"]
    except (ValueError, RecursionError, KeyError, TypeError):
        return None
    return data if isinstance(cells, list) and all(isinstance(cell, dict) for cell in cells) else None


def _split_cells(notebook: dict[str, Any], parts: Parts) -> dict[str, str] | None:
    cells = notebook["cells"]
    prose = [_source(cell).split("\n") if cell.get("cell_type") == "markdown" else [] for cell in cells]
    by_line = list(_owners([line for lines in prose for line in lines], parts))
    ends = accumulate(map(len, prose))
    owners = [by_line[end - 1] if end else None for end in ends]
    if all(owner is None for owner in owners):
        return None
    made = {}
    for question in parts.exam.questions:
        if question.id in owners:
            kept = [
                cell if owner in (None, question.id) else {**cell, "source": ""}
                for cell, owner in zip(cells, owners, strict=True)
            ]
            made[question.id] = json.dumps({**notebook, "cells": kept}, ensure_ascii=False)
    return made


def _source(cell: dict[str, Any]) -> str:
    raw = cell.get("source", "")
    return "".join(map(str, raw)) if isinstance(raw, list) else str(raw)
