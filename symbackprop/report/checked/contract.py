"""Findings as JSON: a public contract. Version 1.

One object, in this order. Formulas are plain text in the notation of exercise files, with canonical
names (`yhat`) and a decimal point in every language. New keys may come without a new version; a key's
meaning never changes, and none goes, without one.

`generator`    only in a file: which program wrote it, and a hash that tells whether it was edited
`contract`     "symbackprop.check"
`version`      1
`source`       the name of the file that was read
`exercises`    the exercises it was checked against: the names of their files, or of bundled ones
`language`     the language of the sentences in `reason`
`summary`      verdict -> how many lines have it; all eight verdicts, from best to worst: "definition",
               "correct", "correct for this example", "rounded", "convention", "carried", "wrong",
               "not read"
`lines`        the statements, in the order of the file

A line:
`line` `column`  where it begins in the file (in a notebook, in its cell), from 1
`cell`         in a notebook the number of the cell, from 1; else null
`text`         what was written
`reading`      how it was understood; null where it was not read
`verdict`      one of the eight words above, the same in every language
`mistake`      the ids of the mistakes that explain it, equally well where there are several; perhaps none
`reason`       sentences in `language`: why the verdict is so, and what each mistake is
`expected`     the right line, where there is one to show; else null
`detail`       what the reader said, in English, of what it could not read; else null
`place`        the part of `text` that is wrong, or where reading stopped: `start` and `end`, in characters
               from 0, the end not included; null where it is the whole or nothing
"""

from __future__ import annotations

import json
from typing import Any, Final

from symbackprop.checking.findings import Finding
from symbackprop.notation.node import Node
from symbackprop.notation.write import to_plain
from symbackprop.report.checked.sentences import reasons, source
from symbackprop.report.checked.voice import Voice

CONTRACT: Final = "symbackprop.check"
VERSION: Final = 1


def to_json(voice: Voice) -> str:
    """The JSON text, indented by two."""
    return json.dumps(as_dict(voice), ensure_ascii=False, indent=2) + "\n"


def as_dict(voice: Voice) -> dict[str, Any]:
    """The contract as a dict of strings, numbers, lists and dicts."""
    checked = voice.checked
    return {
        "contract": CONTRACT,
        "version": VERSION,
        "source": _text(source(checked)),
        "exercises": [exercise.key for exercise in checked.exercises],
        "language": voice.language,
        "summary": dict(checked.counts),
        "lines": [_line(finding, voice) for finding in checked.findings],
    }


def _line(finding: Finding, voice: Voice) -> dict[str, Any]:
    place = finding.place
    return {
        "line": finding.line,
        "column": finding.column,
        "cell": finding.cell,
        "text": _text(finding.text),
        "reading": _formula(finding.reading) or _text(finding.reading_text) or None,
        "verdict": finding.verdict,
        "mistake": [mistake.id for mistake in finding.mistakes],
        "reason": [voice.text.text(sentence) for sentence in reasons(finding)],
        "expected": _formula(finding.expected),
        "detail": finding.detail or None,
        "place": None if place is None else {"start": place.start, "end": place.end},
    }


def _formula(node: Node | None) -> str | None:
    return None if node is None else _text(to_plain(node).strip())


def _text(text: str) -> str:
    """A lone surrogate, which no UTF-8 file can hold, by its mark."""
    return text.encode("utf-8", "replace").decode("utf-8")
