"""The papers of an exam as one text, LaTeX or Typst, and its solutions.

The templates are filled once for an exam, a language and a format, with marks in place of whatever differs
between students. A paper is then made by joining strings: neither SymPy nor Jinja runs for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import ceil
from pathlib import Path
from typing import Any, Final

from symbackprop.exams.model import Exam, Part, Sheet, Texts, Variant, in_language
from symbackprop.notation.node import Plain
from symbackprop.report.exams.answers import has_key, key_line
from symbackprop.report.exams.codes import Codes, Form, SecretMac, drawn, payload, variant_code
from symbackprop.report.exams.marks import Marks, Skeleton
from symbackprop.report.exams.questions import Asked
from symbackprop.report.exams.teachers import own, own_date, teachers_texts, warn_of_latex
from symbackprop.report.exams.worked import Worked, number_text, points_text
from symbackprop.report.page import spoken
from symbackprop.report.render import FORMATS
from symbackprop.report.setting import Setter
from symbackprop.report.templating import fill
from symbackprop.report.texts import Text
from symbackprop.report.words import Words, load_words

Fields = dict[str, Any]

_ROOM: Final = {False: 41.5, True: 27.0}  # em of a line in a question, in usual and in large print
_INSIDE: Final = 0.88  # of it, in the frame of a solution
_PAGE: Final = {False: 62.0, True: 40.0}  # em of height
_HEAD: Final = 9.0  # em of the words of a question up to its first box
_KEY: Final = 3.0  # em of all answers in one line, or two
_SOLUTION: Final = 11.0  # em of a solution that stay together with what is asked
_UNBROKEN: Final = {("tex", True): 14.0}  # more of it where LaTeX cannot break its first lines
_FOUND: Final = 7.0  # em of the solution of a mistake to be found, with its right line
_LESS: Final = 0.8  # hands do not grow with the print
_BETWEEN: Final = 0.1  # em between the lines of a derivation with a mistake in it
_NUMBERED: Final = {"tex": r"\numbered{{{0}}}{{{1}em}}{{{2}}}", "typ": "#numbered({0}, {1}em, ${2}$)"}
_UNKNOWN: Final = {
    "tex": (r"\pageref{end-\paperid}", r"\label{end-\paperid}"),
    "typ": ('page-of(id, locate(label("end-" + id)))', '[#metadata(none) #label("end-" + id)]'),
}
_APART: Final = "\x1e"  # between the solutions of two parts


def paper_text(
    exam: Exam,
    variants: Sequence[Variant],
    *,
    language: str,
    form: Form,
    secret_mac: SecretMac,
    solutions: bool = False,
    templates: Path | None = None,
    pages: int | None = None,
) -> str:
    """The papers of all variants, one after another, as one document in LaTeX (`tex`) or Typst (`typ`).

    `secret_mac` gives the code of a text under the exam's secret, in letters and digits. `pages` is how many
    a paper has; without it the typesetter finds out, which takes LaTeX a second run. `solutions` gives the
    worked solutions in place of the empty boxes. A teacher's texts go to LaTeX as they are; in Typst they are
    set as plain text, with a warning (TexInTypst) where they have LaTeX in them.
    Raises WordsError, TemplateError, and ValueError for a question without sizes.
    """
    papers = Papers(exam, language, form, secret_mac, solutions=solutions, templates=templates)
    return papers.document(variants, pages)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class _Question(Plain):
    """A question and the places of its data, of its lines with a mistake, and of its solutions."""

    asked: Asked
    worked: Worked
    data: int  # the place of the first given name
    lines: Mapping[str, int]  # by part: the place of the height that it needs; that of its lines follows
    key: int  # the place of all answers in one line
    solutions: int  # the place of the first part's


@dataclass(frozen=True, eq=False, repr=False)
class Papers:
    """The papers of an exam in a language and a format, ready to be made for any student."""

    exam: Exam
    language: str
    form: Form
    secret_mac: SecretMac
    solutions: bool = False
    templates: Path | None = None
    _drawers: dict[int, Codes] = field(default_factory=dict)

    @cached_property
    def words(self) -> Words:
        """The words of the language."""
        return load_words(self.language, self.templates)

    @cached_property
    def marks(self) -> Marks:
        """The places of this exam."""
        return Marks.avoiding([text for _, text in teachers_texts(self.exam, self.language)])

    @cached_property
    def asked(self) -> tuple[Asked, ...]:
        """The questions."""
        room = _ROOM[self.exam.large_print]
        return tuple(
            Asked.spoken(question, self.form, self.language, self.templates, room)
            for question in self.exam.questions
        )

    @property
    def most_pages(self) -> int:
        """More pages than a paper can have, from the heights of what is on it."""
        boxes = sum(asked.box(part) + 6 for asked in self.asked for part in asked.question.parts)
        return 3 + len(self.asked) + ceil(2 * boxes / _PAGE[self.exam.large_print])

    # --- the text, once ------------------------------------------------------------------

    @cached_property
    def _made(self) -> tuple[Skeleton, Skeleton, tuple[_Question, ...]]:
        """The document with a place for the papers, a paper with its places, and which they are."""
        marks = self.marks
        student, code, codes, pages, papers, who, end, files = (marks.new() for _ in range(8))
        questions, fields = [], []
        for asked, question in zip(self.asked, self.exam.questions, strict=True):
            one, shown = self._question(asked, marks)
            questions.append(one)
            fields.append(shown | self._texts(question))
        document = self._document() | {"papers": papers, "pages": pages, "end": end, "files": files}
        paper = {
            **document,
            "student": student,
            "who": who,
            "code": code,
            "codes": codes,
            "questions": fields,
        }
        outer = marks.split(fill(f"exam/papers.{self.form}", document, self.templates))
        inner = marks.split(fill(f"exam/paper.{self.form}", paper, self.templates))
        return outer, inner, tuple(questions)

    def _document(self) -> Fields:
        exam = self.exam
        title = self._text(exam.title)
        return {
            "title": title, "course": self._text(exam.course), "date": own_date(exam.date, self._setter),
            "instructions": self._text(exam.instructions),
            "large": exam.large_print, "page": _PAGE[exam.large_print] - 2,
            "anonymous": exam.anonymous, "solutions": self.solutions,
            **spoken(self.words, self._format),
            "uses": ["equation", "paragraph"], "foot": "", "about": self._format.string(exam.key),
            "grades": [
                {"number": at, "points": number_text(question.points, self._setter)}
                for at, question in enumerate(exam.questions, 1)
            ],
            "total": number_text(exam.points, self._setter),
        }  # fmt: skip

    @property
    def _format(self) -> Any:
        return FORMATS[self.form]

    @property
    def _setter(self) -> Setter:
        return self.asked[0].setter

    def _text(self, texts: Texts) -> str:
        return own(in_language(texts, self.language), self.form)

    def _texts(self, question: Any) -> Fields:
        return {"title": self._text(question.title), "text": self._text(question.text)}

    def _question(self, asked: Asked, marks: Marks) -> tuple[_Question, Fields]:
        data = len(marks.given)
        fields: Fields = {
            "points": points_text(asked.question.points, asked.setter),
            "model_lead": asked.setter.text(asked.lead()),
            "model": asked.model(),
            "data_lead": asked.setter.text(Text("exam.data")) if asked.names else "",
            "data": asked.data(marks),
        }
        lines = {}
        parts = []
        for part in asked.question.parts:
            room, shown = str(self._box(asked, part)), ""
            if part.kind == "mistake":
                lines[part.id] = len(marks.given)
                room, shown = marks.new(), marks.new()
            parts.append(
                {
                    "points": points_text(part.points, asked.setter),
                    "prompt": asked.setter.text(asked.prompt(part)),
                    "lines": shown,
                    "box": self._box(asked, part),
                    "room": room,
                }
            )
        key = len(marks.given)
        fields["key"] = marks.new() if self.solutions and has_key(asked.question) else ""
        solutions = len(marks.given)
        for shown_part in parts:
            shown_part["solution"] = marks.new() if self.solutions else ""
        made = _Question(
            asked=asked,
            worked=Worked(asked, _INSIDE * asked.setter.room, self.exam.method),
            data=data,
            lines=lines,
            key=key,
            solutions=solutions,
        )
        text = in_language(asked.question.text, self.language)
        head = (
            _HEAD
            + 1.3 * ceil(len(text) / 2 / asked.setter.room)
            + sum(line["height"] for line in fields["model"])
        )
        head += _KEY if fields["key"] else 0.0
        heights = sum(line["height"] for line in fields["data"])
        return made, fields | {"parts": parts, "room": round(head + heights, 2)}

    def _box(self, asked: Asked, part: Part) -> float:
        """em of height of the box for a part's answer; of a solution as much as stays with its question."""
        if self.solutions:
            kept = _UNBROKEN.get((self.form, self.exam.large_print), _SOLUTION)
            return _FOUND if part.kind == "mistake" else kept
        return round(asked.box(part) * (_LESS if self.exam.large_print else 1.0), 2)

    @cached_property
    def _warned(self) -> None:
        """Once, of what Typst cannot set."""
        if self.form == "typ":
            warn_of_latex(self.exam, self.language)

    # --- a paper, for each student ---------------------------------------------------------

    def document(self, variants: Sequence[Variant], pages: int | None = None) -> str:
        """The papers of these students, one after another."""
        outer, _, _ = self._made
        _ = self._warned
        solved = self._solved(variants) if self.solutions else [()] * len(variants)
        papers = [self._paper(one, pages, texts) for one, texts in zip(variants, solved, strict=True)]
        strings = [""] * len(self.marks.given)
        strings[3], strings[6] = self._pages(pages)
        strings[4] = "\n".join(papers)
        strings[7] = "" if pages is None else r"\nofiles"  # else LaTeX would ask for a second run
        return outer.filled(strings)

    def paper(self, variant: Variant, pages: int | None = None) -> str:
        """The part of the document that is one student's."""
        solved = self._solved([variant])[0] if self.solutions else ()
        return self._paper(variant, pages, solved)

    def code(self, variant: Variant) -> str:
        """The anonymous number of a student's paper."""
        return variant_code(self.exam.key, variant.student.id, self.secret_mac)

    def _paper(self, variant: Variant, pages: int | None, solved: Sequence[str]) -> str:
        _, inner, questions = self._made
        strings = [""] * len(self.marks.given)
        code = self.code(variant)
        strings[0] = self._student(variant, code)
        strings[5] = "" if self.exam.anonymous else strings[0]
        strings[1] = code
        strings[2] = self._codes(code, 0 if self.solutions else pages or self.most_pages)
        strings[3], strings[6] = self._pages(pages)
        done = 0
        for question, sheet in zip(questions, variant.sheets, strict=True):
            self._put_numbers(strings, question, sheet)
            if self.solutions:
                line = key_line(question.asked, sheet)
                strings[question.key] = self._format.escape(line)
                count = len(question.asked.question.parts)
                strings[question.solutions : question.solutions + count] = solved[done : done + count]
                done += count
        return inner.filled(strings)

    def _put_numbers(self, strings: list[str], question: _Question, sheet: Sheet) -> None:
        """A sheet's numbers, and its lines with a mistake, in their places."""
        asked = question.asked
        for place, name in enumerate(asked.names, question.data):
            strings[place] = asked.numbers[name].text(sheet.values[name])
        for part in asked.question.parts:
            if part.kind == "mistake":
                place = question.lines[part.id]
                lines = sheet.faulty[part.id].lines
                heights = [asked.line_height(line.name) for line in lines]
                strings[place] = str(round(self._box(asked, part) + sum(heights) + _BETWEEN * len(lines), 2))
                strings[place + 1] = "\n".join(
                    _NUMBERED[asked.setter.format.name].format(at, height, asked.line(line))
                    for at, (height, line) in enumerate(zip(heights, lines, strict=True), 1)
                )

    def _student(self, variant: Variant, code: str) -> str:
        """The name, the anonymous number, or nothing where the student is to write the name."""
        if self.exam.anonymous:
            return code
        return str(self._format.escape(variant.student.name))

    def _pages(self, pages: int | None) -> tuple[str, str]:
        """The number of a paper's pages, and what stands at its end for it to be found out."""
        return _UNKNOWN[self.form] if pages is None else (str(pages), "")

    def _codes(self, code: str, pages: int) -> str:
        """The QR codes of a paper's pages."""
        drawings = []
        for page in range(1, pages + 1):
            text = payload(self.exam.key, code, page, self.secret_mac)
            made = self._drawer(text)
            drawings.append(drawn(made.squares(text), made.size, self.form))
        if self.form == "typ":
            return f"({''.join(drawing + ', ' for drawing in drawings)})"
        none_left = r"\else\errmessage{a page has no code}" if drawings else ""
        return "".join(rf"\or\squares {drawing};%" + "\n" for drawing in drawings) + none_left

    def _drawer(self, text: str) -> Codes:
        """What makes the codes of texts as long as this one."""
        length = len(text.encode())
        if length not in self._drawers:
            self._drawers[length] = Codes(text)
        return self._drawers[length]

    def _solved(self, variants: Sequence[Variant]) -> list[tuple[str, ...]]:
        """The solutions of every student's parts, through the template at once."""
        _, _, questions = self._made
        blocks = [
            [
                part
                for question, sheet in zip(questions, variant.sheets, strict=True)
                for part in question.worked.parts(sheet)
            ]
            for variant in variants
        ]
        fields = {**self._document(), "parts": [part for one in blocks for part in one], "apart": _APART}
        texts = iter(fill(f"exam/solution.{self.form}", fields, self.templates).split(_APART))
        return [tuple(next(texts).strip("\n") for _ in one) for one in blocks]
