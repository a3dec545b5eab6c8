"""What the reader said, in English, of what it could not read: as a sentence of the language files.

The reader's messages are those of the section `[reader]` of the English file; each is found by its own words,
and what fills its places is carried over: `the formula has more than 5,000 signs`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from symbackprop.report.texts import Part, Text
from symbackprop.report.words import Sentence, load_words

PREFIX: Final = "reader."
_GROUPED: Final = re.compile(r"\d{1,3}(,\d{3})*")


def said(detail: str) -> tuple[Text, ...]:
    """A message and its hint; empty where the message is not among those known."""
    if not detail:
        return ()
    whole = _found(detail)
    if whole is not None:
        return (whole,)
    for stop in re.finditer(r"\. ", detail):
        message, hint = _found(detail[: stop.start()]), _found(detail[stop.end() :])
        if message is not None:
            return (message,) if hint is None else (message, hint)
    return ()


def _found(message: str) -> Text | None:
    for key, pattern in _patterns():
        match = pattern.fullmatch(message)
        if match is not None:
            return Text(key, {name: _part(value) for name, value in match.groupdict().items()})
    return None


def _part(value: str) -> Part:
    """A number as a number, which each language writes in its way."""
    return int(value.replace(",", "")) if _GROUPED.fullmatch(value) else value


@lru_cache(maxsize=1)
def _patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """The messages in their order in the file: what is more special stands first."""
    english = load_words("en")
    return tuple(
        (key, re.compile("".join(_piece(forms["other"])), re.DOTALL))
        for key, forms in english.sentences.items() if key.startswith(PREFIX)
    )  # fmt: skip


def _piece(sentence: Sentence) -> Iterator[str]:
    """A sentence as the reader says it: with a small letter, without the full stop."""
    for at, segment in enumerate(sentence):
        if segment.kind == "place":
            yield f"(?P<{segment.value}>.+)"
            continue
        words = segment.value.removesuffix(".") if at == len(sentence) - 1 else segment.value
        if at == 0:
            yield f"(?i:{re.escape(words[:1])}){re.escape(words[1:])}"
        else:
            yield re.escape(words)
