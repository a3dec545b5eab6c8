"""The words of a report: one TOML file per language, in `templates/words/`.

    [language]                     how the language does things (read by the program)
    [functions]                    operators that have a name of their own (sin = "sen")
    [formula]                      words inside formulas: if, otherwise, example …
    [page]                         words of the page itself: of, adjust …
    [anything else]                sentences, flat; the section only groups them

A sentence holds `{places}` that the document fills; a literal brace is doubled. `**words**` are
bold, `^^words^^` take the colour of gradients, and `` `words` `` are code, in every format. The
place `{section:levels}` is the number of the section labelled `levels`. A sentence that depends
on a count is a table `{ one = "…", other = "…" }`, chosen by its place `{count}`.
"""

import difflib
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Final, Literal

from symbackprop.notation.node import Plain
from symbackprop.report.places import WORDS_FOLDER, find_file, list_files


class WordsError(ValueError):
    """A language file or an exercise's [words] is at fault; the message says where and what."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Segment(Plain):
    """Plain words, a place to fill, or a mark that turns bold, red or code on and off."""

    kind: Literal["words", "place", "mark"]
    value: str


Sentence = tuple[Segment, ...]

_TOKEN: Final = re.compile(r"\{\{|\}\}|\{(?P<place>[^{}]*)\}|(?P<brace>[{}])|(?P<mark>\*\*|\^\^|`)")
_PLACE: Final = re.compile(r"[a-z][a-z0-9_]*|section:[a-z0-9_.-]+", re.IGNORECASE)
_MARKS: Final = {"**": "bold", "^^": "red", "`": "code"}
_OWN: Final = ("language", "functions", "formula", "page")
_LANGUAGE_KEYS: Final = frozenset(
    ("name", "decimal_mark", "and", "and_before_i", "babel", "latex_setup", "hyphenation")
)


def read_sentence(text: str) -> Sentence:
    """Split a sentence at its places and marks. Raises WordsError for a stray brace or mark."""
    pieces: list[Segment] = []
    words = ""
    last = 0
    for match in _TOKEN.finditer(text):
        words += text[last : match.start()]
        last = match.end()
        if match.group() in ("{{", "}}"):
            words += match.group()[0]
            continue
        if match["brace"] or (match["place"] is not None and not _PLACE.fullmatch(match["place"])):
            raise WordsError(
                f"{text!r}: {match.group()!r} is no place; write {{name}}, or a doubled brace for a brace"
            )
        pieces += [Segment("words", words)] if words else []
        words = ""
        mark = match["mark"]
        pieces.append(Segment("mark", _MARKS[mark]) if mark else Segment("place", match["place"]))
    words += text[last:]
    pieces += [Segment("words", words)] if words else []
    _check_marks(text, pieces)
    return tuple(pieces)


def _check_marks(text: str, pieces: Sequence[Segment]) -> None:
    """Marks come in pairs and do not cross."""
    opened: list[str] = []
    for piece in pieces:
        if piece.kind == "mark":
            if opened and opened[-1] == piece.value:
                opened.pop()
            elif piece.value in opened:
                raise WordsError(f"{text!r}: the marks of bold, red or code cross")
            else:
                opened.append(piece.value)
    if opened:
        raise WordsError(f"{text!r}: a mark for {opened[-1]} words is not closed")


def places_of(sentence: Sentence) -> frozenset[str]:
    """The places of a sentence."""
    return frozenset(piece.value for piece in sentence if piece.kind == "place")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Words(Plain):
    """All the words of one language, checked.

    `sentences` holds a sentence, or its two forms by `one` and `other`. `formula`, `functions`
    and `page` are plain words.
    """

    code: str
    name: str
    decimal_mark: str
    last_and: str
    last_and_before_i: str
    babel: str
    latex_setup: str
    hyphenation: bool
    functions: Mapping[str, str]
    formula: Mapping[str, str]
    page: Mapping[str, str]
    sentences: Mapping[str, Mapping[str, Sentence]]

    def sentence(self, key: str, count: int | None = None) -> Sentence:
        """The sentence of `key`, in the form that fits `count`. Raises WordsError if there is none."""
        forms = self.sentences.get(key)
        if forms is None:
            raise WordsError(f"words/{self.code}.toml has no sentence {key!r}{_nearest(key, self.sentences)}")
        return forms["one" if count == 1 and "one" in forms else "other"]

    def places(self, key: str) -> frozenset[str]:
        """The places that a sentence may use, in any of its forms."""
        return frozenset().union(*(places_of(form) for form in self.sentences[key].values()))


def languages(templates: Path | None = None) -> tuple[str, ...]:
    """The codes of all languages that have a file, in alphabetical order."""
    return tuple(sorted(Path(name).stem for name in list_files(WORDS_FOLDER, ".toml", templates)))


def load_words(
    language: str, templates: Path | None = None, overrides: Mapping[str, str] | None = None
) -> Words:
    """The words of `language`; `overrides` are an exercise's own sentences, by key.

    Raises WordsError for an unknown language, a file at fault, an override of a sentence that
    does not exist (the nearest key is named), or one with a place that the sentence has not.
    """
    words = _load(language, templates)
    return _overridden(words, overrides) if overrides else words


@lru_cache(maxsize=16)
def _load(language: str, templates: Path | None) -> Words:
    known = languages(templates)
    if language not in known:
        raise WordsError(f"no language {language!r}; known are {', '.join(known)}")
    path = find_file(f"{WORDS_FOLDER}/{language}.toml", templates)
    try:
        return _read(language, tomllib.loads(path.read_text("utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, WordsError) as error:
        raise WordsError(f"{path}: {error}") from error


def _read(language: str, table: Mapping[str, object]) -> Words:
    about = _plain(table, "language")
    missing = sorted(_LANGUAGE_KEYS - set(about))
    if missing:
        raise WordsError(f"[language] lacks {', '.join(missing)}")
    return Words(
        code=language,
        name=about["name"],
        decimal_mark=about["decimal_mark"],
        last_and=about["and"],
        last_and_before_i=about["and_before_i"],
        babel=about["babel"],
        latex_setup=about["latex_setup"],
        hyphenation=about["hyphenation"] == "yes",
        functions=_plain(table, "functions"),
        formula=_plain(table, "formula"),
        page=_plain(table, "page"),
        sentences=MappingProxyType(_sentences(table)),
    )


def _plain(table: Mapping[str, object], section: str) -> dict[str, str]:
    found = table.get(section)
    if not isinstance(found, dict):
        raise WordsError(f"the section [{section}] is missing")
    for key, value in found.items():
        if not isinstance(value, str) or "\n" in value:
            raise WordsError(f"[{section}] {key}: one line of text is needed")
    return dict(found)


def _sentences(table: Mapping[str, object]) -> dict[str, Mapping[str, Sentence]]:
    sentences: dict[str, Mapping[str, Sentence]] = {}
    for section, entries in table.items():
        if section in _OWN:
            continue
        if not isinstance(entries, dict):
            raise WordsError(f"{section}: sentences stand in a section, such as [report]")
        for key, value in entries.items():
            if key in sentences:
                raise WordsError(f"[{section}] {key}: the key stands in another section too")
            sentences[key] = _forms(f"[{section}] {key}", value)
    return sentences


def _forms(where: str, value: object) -> Mapping[str, Sentence]:
    forms = {"other": value} if isinstance(value, str) else value
    if not isinstance(forms, dict) or not {"other"} <= set(forms) <= {"one", "other"}:
        hint = "; a key with dots needs quotes" if isinstance(value, dict) else ""
        raise WordsError(f'{where}: a sentence is needed, or {{ one = "…", other = "…" }}{hint}')
    made: dict[str, Sentence] = {}
    for form, text in forms.items():
        if not isinstance(text, str) or "\n" in text or not text.strip():
            raise WordsError(f"{where}: one line of text is needed")
        made[form] = read_sentence(text)
    return MappingProxyType(made)


def _overridden(words: Words, overrides: Mapping[str, str]) -> Words:
    sentences = dict(words.sentences)
    for key, text in overrides.items():
        where = f"words.{words.code}, {key!r}"
        try:
            sentences[key] = MappingProxyType({"other": _own_sentence(words, key, text)})
        except WordsError as error:
            raise WordsError(f"{where}: {error}") from None
    return _with_sentences(words, sentences)


def _own_sentence(words: Words, key: str, text: str) -> Sentence:
    if key not in words.sentences:
        raise WordsError(f"there is no such sentence{_nearest(key, words.sentences)}")
    if not isinstance(text, str) or "\n" in text or not text.strip():
        raise WordsError("one line of text is needed")
    sentence = read_sentence(text)
    allowed = words.places(key)
    for place in sorted(places_of(sentence) - allowed):
        have = ", ".join(f"{{{name}}}" for name in sorted(allowed)) or "none"
        raise WordsError(f"the sentence has no place {{{place}}}; its places: {have}")
    return sentence


def override_faults(
    overrides: Mapping[str, Mapping[str, str]], templates: Path | None = None
) -> Iterator[tuple[str, str]]:
    """What is wrong with an exercise's own sentences (language -> key -> sentence), in all languages:
    the keys that lead there, as in `words.es.forward.title`, and the message."""
    known = languages(templates)
    for code, sentences in overrides.items():
        if code not in known:
            yield f"words.{code}", f"there is no language {code!r}; there are {', '.join(known)}"
            continue
        words = load_words(code, templates)
        for key, text in sentences.items():
            try:
                _own_sentence(words, key, text)
            except WordsError as error:
                yield f"words.{code}.{key}", str(error)


def _with_sentences(words: Words, sentences: Mapping[str, Mapping[str, Sentence]]) -> Words:
    values = {name: getattr(words, name) for name in Words.__slots__}
    return Words(**{**values, "sentences": MappingProxyType(dict(sentences))})


def _nearest(key: str, known: Mapping[str, object]) -> str:
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.4)
    return f". Did you mean {near[0]!r}?" if near else ""


def differences(first: Words, second: Words) -> list[str]:
    """What one language has and the other lacks: keys, and places of the same sentence."""
    return list(_differences(first, second))


def _differences(first: Words, second: Words) -> Iterator[str]:
    for part in ("functions", "formula", "page", "sentences"):
        one, two = getattr(first, part), getattr(second, part)
        for key in sorted(one.keys() - two.keys()):
            yield f"{second.code} lacks {key!r} ({part})"
        for key in sorted(two.keys() - one.keys()):
            yield f"{first.code} lacks {key!r} ({part})"
    for key in sorted(first.sentences.keys() & second.sentences.keys()):
        if first.places(key) != second.places(key):
            yield f"{key!r}: places differ: {sorted(first.places(key))} and {sorted(second.places(key))}"
