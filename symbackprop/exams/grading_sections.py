"""Which question a derivation is about, line by line: by the headings that the student wrote."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

from symbackprop.exams.grading_numbers import Unread
from symbackprop.exams.grading_places import Parts, folded
from symbackprop.exams.model import Exam, Question

_MARKUP: Final = re.compile(r"\\[a-zA-Z]+\*?\s*\{?|[#*_%/{}=>~-]+")
_HEADING: Final = re.compile(
    r"\s*(?:question|pregunta|ejercicio|problema|exercise|problem)\b\s*(?:n\W*\w?\W+)?(\d{1,3}|[\w-]+)", re.I
)
_LINE: Final = re.compile(
    r"(?:l[ií]nea|line|rengl[oó]n|paso|step)\s*(?:n[.ºo°]*\s*)?(?:n[uú]mero|number)?\s*\(?\s*(\d{1,3})", re.I
)
_LONGEST: Final = 120  # characters of a heading


def sections(text: str, suffix: str, exam: Exam) -> dict[str, str] | None:
    """By question the text about it, with everything else left blank, so that lines keep their numbers.

    What comes before the first heading belongs to all. None where no heading names a question.
    """
    parts = Parts(exam)
    if suffix == ".ipynb" or text.lstrip().startswith("{"):
        cells = _cells(text)
        if cells is not None:
            return _split_cells(text, cells, parts)
    owners = list(_owners(text.split("\n"), parts))
    if all(owner is None for owner in owners):
        return None
    lines = text.split("\n")
    return {
        question.id: "\n".join(
            line if owner in (None, question.id) else ""
            for line, owner in zip(lines, owners, strict=True)
        )
        for question in exam.questions
        if question.id in owners
    }  # fmt: skip


def _owners(lines: Sequence[str], parts: Parts) -> Iterator[str | None]:
    """The question that each line is about; None before the first heading."""
    current: str | None = None
    for line in lines:
        found = _headed(line, parts)
        current = current if found is None else found.id
        yield current


def _headed(line: str, parts: Parts) -> Question | None:
    """The question that a line is the heading of: `## Ejercicio 2`, or its title."""
    if not line.strip() or len(line) > _LONGEST:
        return None
    plain = _MARKUP.sub(" ", line).strip()
    for question in parts.exam.questions:
        if folded(plain) in {folded(title) for title in question.title.values()} - {""}:
            return question
    match = _HEADING.match(plain)
    if match is None:
        return None
    try:
        return parts.question(match[1])
    except Unread:
        return None


def _cells(text: str) -> list[dict[str, Any]] | None:
    """The cells of a notebook; None if it is none."""
    try:
        data = json.loads(text)
        cells = data["cells"]
    except (ValueError, RecursionError, KeyError, TypeError):
        return None
    return cells if isinstance(cells, list) and all(isinstance(cell, dict) for cell in cells) else None


def _split_cells(text: str, cells: Sequence[dict[str, Any]], parts: Parts) -> dict[str, str] | None:
    owners: list[str | None] = []
    current: str | None = None
    for cell in cells:
        for owner in _owners(_source(cell).split("\n") if cell.get("cell_type") == "markdown" else [], parts):
            current = owner or current
        owners.append(current)
    if all(owner is None for owner in owners):
        return None
    notebook = json.loads(text)
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


def line_named(text: str) -> int | None:
    """The number of the line that a text calls wrong; None if it names none, or more than one."""
    found = {int(match[1]) for match in _LINE.finditer(text)}
    return found.pop() if len(found) == 1 else None
