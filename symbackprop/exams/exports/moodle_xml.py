"""Moodle's XML, as far as all kinds of questions share it: written as text, read back strictly."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from symbackprop.exams.exports.html import html, mathjax, paragraphs
from symbackprop.exams.exports.packing import parsed
from symbackprop.exams.exports.pool import Choice, Essay, ExportError, Files, Pool, PoolQuestion, PoolVariant

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_MOST_NAME = 255  # Moodle cuts longer names off, and then they may be the same
_GRADE_PLACES = 7


# --- writing ---------------------------------------------------------------------------------------


def document(questions: Iterable[str]) -> bytes:
    """A whole file. ExportError for signs that no XML file can hold."""
    text = '<?xml version="1.0" encoding="UTF-8"?>\n<quiz>\n' + "".join(questions) + "</quiz>\n"
    bad = _NOT_XML.search(text)
    if bad:
        raise ExportError(f"a text holds the control sign U+{ord(bad.group()):04X}, which XML cannot hold")
    return text.encode("utf-8")


def cdata(text: str) -> str:
    """Text as it is, whatever is in it: `]]>` is split between two sections."""
    return "<![CDATA[" + text.replace("]]>", "]]]]><![CDATA[>") + "]]>"


def text_field(tag: str, html_text: str) -> str:
    """An element with HTML in it."""
    return f'<{tag} format="html"><text>{cdata(html_text)}</text></{tag}>\n'


def grade(points: Fraction) -> str:
    """Points or a share with seven decimals, correctly rounded."""
    scaled = round(points * 10**_GRADE_PLACES)
    whole, rest = divmod(abs(scaled), 10**_GRADE_PLACES)
    return f"{'-' if scaled < 0 else ''}{whole}.{rest:0{_GRADE_PLACES}d}"


def category(pool: Pool, question: PoolQuestion) -> str:
    """What puts the questions after it in a category of their own: exam, then question."""
    path = "/".join(name.replace("/", "//") for name in (pool.key, question.id))
    return (
        f'<question type="category"><category><text>{cdata(f"$course$/top/{path}")}</text></category>'
        "</question>\n"
    )


def name_of(pool: Pool, question: PoolQuestion, *more: str) -> str:
    """The name that Moodle knows a question by: exam, question, variant, part."""
    return " ".join((pool.key, question.id, *more))


def question_xml(kind: str, name: str, text: str, points: Fraction, body: str) -> str:
    """One question; `text` is HTML, `body` what only this kind has."""
    return (
        f'<question type="{kind}">\n<name><text>{cdata(name)}</text></name>\n'
        + text_field("questiontext", text)
        + text_field("generalfeedback", "")
        + f"<defaultgrade>{grade(points)}</defaultgrade>\n<penalty>0.0000000</penalty>\n<hidden>0</hidden>\n"
        + body
        + "</question>\n"
    )


def own_questions(pool: Pool, question: PoolQuestion, variant: PoolVariant) -> Iterator[str]:
    """The parts of a variant that are no arrays of numbers, each as a question with the variant's text.

    A derivation in general is the same for all numbers: there is one essay, with the first variant's text.
    """
    for part in variant.parts:
        if isinstance(part, Choice) or (isinstance(part, Essay) and variant is question.variants[0]):
            name = name_of(pool, question, variant.name, part.slug)
            text = paragraphs((*variant.text, part.prompt), mathjax)
            yield _choice(name, text, part) if isinstance(part, Choice) else _essay(name, text, part)


def _choice(name: str, text: str, part: Choice) -> str:
    if sum(option.right for option in part.options) != 1:
        raise ExportError(f"{name}: exactly one option must be right")
    answers = "".join(
        f'<answer fraction="{100 if option.right else 0}" format="html">'
        f"<text>{cdata(html(option.text, mathjax))}</text>\n"
        f"{text_field('feedback', html(option.feedback, mathjax))}</answer>\n"
        for option in part.options
    )
    body = (  # the options keep their order: they may be the lines of a derivation
        "<single>true</single>\n<shuffleanswers>false</shuffleanswers>\n"
        "<answernumbering>abc</answernumbering>\n<showstandardinstruction>0</showstandardinstruction>\n"
        + "".join(text_field(f"{kind}feedback", "") for kind in ("correct", "partiallycorrect", "incorrect"))
    )
    return question_xml(
        "multichoice", name, text + paragraphs(part.shown, mathjax), part.points, body + answers
    )


def _essay(name: str, text: str, part: Essay) -> str:
    graders = paragraphs((*part.model, *part.rubric), mathjax)
    body = (  # a derivation is written by hand: one photograph or scan may stand for the text
        "<responseformat>editor</responseformat>\n<responserequired>0</responserequired>\n"
        "<responsefieldlines>20</responsefieldlines>\n<attachments>1</attachments>\n"
        "<attachmentsrequired>0</attachmentsrequired>\n"
        + text_field("graderinfo", graders)
        + text_field("responsetemplate", "")
    )
    return question_xml("essay", name, text, part.points, body)


# --- reading ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """One question of a file: its kind, its name, the last step of its category, and its element of lxml."""

    file: str
    kind: str
    name: str
    category: str
    element: Any

    @property
    def where(self) -> str:
        """Its file and its name, for messages."""
        return f"{self.file}: {self.name}"

    def text(self, path: str) -> str:
        """The text at a path of tags, "" when it is empty; ExportError unless there is exactly one."""
        found = self.element.findall(path)
        if len(found) != 1:
            raise ExportError(f"{self.where}: {len(found)} elements {path}, where one belongs")
        return found[0].text or ""


def read(files: Files, kinds: frozenset[str]) -> Iterator[Read]:
    """The questions of all files, strictly.

    ExportError for what is no XML, has a DTD, holds questions of no kind in `kinds`, names that Moodle would
    take for the same question, names too long, or a choice without exactly one right option.
    """
    seen: set[str] = set()
    for file, content in files.items():
        place = ""
        for element in _root(file, content):
            kind = element.get("type")
            if element.tag != "question" or not (kind == "category" or kind in kinds):
                raise ExportError(f"{file}: <{element.tag}> {kind!r} is none of {', '.join(sorted(kinds))}")
            if kind == "category":
                place = _last_step(element.findtext("category/text") or "")
                continue
            name = element.findtext("name/text") or ""
            if not name or len(name) > _MOST_NAME or name in seen:
                what = "twice the same name" if name in seen else f"no name of 1 to {_MOST_NAME} signs"
                raise ExportError(f"{file}: {what}: {name!r}; Moodle knows questions by their names")
            seen.add(name)
            found = Read(file=file, kind=kind, name=name, category=place, element=element)
            if kind == "multichoice":
                _check_choice(found)
            yield found


def _root(file: str, content: bytes) -> Any:
    root = parsed(file, content)
    if root.tag != "quiz":
        raise ExportError(f"{file}: a Moodle file is a <quiz>")
    return root


def _last_step(path: str) -> str:
    """`$course$/top/exam/question` → `question`; a slash that belongs to a name is doubled."""
    return re.split(r"(?<!/)/(?!/)", path)[-1].replace("//", "/")


def _check_choice(question: Read) -> None:
    fractions = [answer.get("fraction", "") for answer in question.element.findall("answer")]
    if sorted(fractions) != ["0"] * (len(fractions) - 1) + ["100"] or len(fractions) < 2:
        raise ExportError(f"{question.where}: of {fractions} one must be 100, the rest 0")
