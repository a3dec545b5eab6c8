"""Everything that grading gives, as files: lists, one feedback a student, a report on the class.

Contents by relative path, made one after another and written by nobody here. Nothing hangs on the clock or on
what is there already: the same answers give the same bytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final, Literal

from symbackprop.exams.grading import grade
from symbackprop.exams.grading_model import Graded, StudentMarks
from symbackprop.exams.manifest import Manifest
from symbackprop.notation.node import Plain
from symbackprop.report.document import Document
from symbackprop.report.exams.feedback import Feedback
from symbackprop.report.exams.feedback_class import ClassReport
from symbackprop.report.exams.feedback_lists import marks_csv, review_csv
from symbackprop.report.exams.feedback_voice import Voice
from symbackprop.report.pdf import FORM, Engine, chosen, to_pdf
from symbackprop.report.words import load_words

Kind = Literal["md", "pdf"]

MARKS: Final = "marks.csv"
REVIEW: Final = "to-review.csv"
CLASS: Final = "class-report"
FOLDER: Final = "feedback"


def grade_in(
    answers: Path | Sequence[Path],
    manifest: Manifest,
    language: str | None = None,
    templates: Path | None = None,
) -> Graded:
    """Grade tables and folders, with decimals as in a language: the exam's own, if none is given.

    Raises WordsError for an unknown language, and what `grade` raises.
    """
    spoken = language or manifest.read().language
    return grade(answers, manifest, decimal_mark=load_words(spoken, templates).decimal_mark)


def feedback_path(marks: StudentMarks, kind: Kind) -> str:
    """`feedback/0017-3f2a9c1b77de.md`: called as the student's paper is, by place and code and no name."""
    code = re.sub(r"[^A-Za-z0-9_-]", "", marks.code)[:64]
    return f"{FOLDER}/{marks.student.number:04}{f'-{code}' if code else ''}.{kind}"


def stale(known: Iterable[str], written: Iterable[str]) -> list[str]:
    """Of the paths of a folder that are known, feedback and reports that are not written this time."""
    now = set(written)
    return sorted(
        path for path in known
        if path not in now and path.startswith((f"{FOLDER}/", f"{CLASS}."))
    )  # fmt: skip


@dataclass(frozen=True, eq=False, repr=False)
class GradedOutputs(Plain):
    """The files of a graded exam in a language. `kind` is that of feedback and report; the lists are CSV.

    PDFs take a run of the typesetter each, `jobs` at a time; Markdown takes none. Raises WordsError for an
    unknown language, TemplateError for a template at fault, TypesettingError where no PDF could be made.
    """

    graded: Graded
    language: str
    kind: Kind = "md"
    engine: Engine = "auto"
    templates: Path | None = None
    jobs: int = 1

    @cached_property
    def voice(self) -> Voice:
        """Words and look."""
        return Voice(self.graded, self.language, self.templates)

    @property
    def present(self) -> list[StudentMarks]:
        """Those who get feedback."""
        return [one for one in self.graded.students if one.present]

    def paths(self) -> list[str]:
        """The paths of all files, in the order in which `files` gives them."""
        return [
            MARKS,
            REVIEW,
            f"{CLASS}.{self.kind}",
            *(feedback_path(one, self.kind) for one in self.present),
        ]

    def files(self) -> Iterator[tuple[str, str | bytes]]:
        """Every file, by its path, one by one."""
        yield MARKS, marks_csv(self.voice)
        yield REVIEW, review_csv(self.voice)
        report = ClassReport(self.voice, plots=self.kind == "pdf").document()
        yield f"{CLASS}.{self.kind}", self._content(report)
        feedback = Feedback(self.voice)
        paths = [feedback_path(one, self.kind) for one in self.present]
        documents = map(feedback.document, self.present)
        if self.kind == "md" or self.jobs <= 1:
            yield from zip(paths, map(self._content, documents), strict=True)
            return
        with ThreadPoolExecutor(self.jobs) as pool:
            try:
                yield from zip(paths, pool.map(self._content, documents), strict=True)
            finally:
                pool.shutdown(cancel_futures=True)

    def _content(self, document: Document) -> str | bytes:
        if self.kind == "md":
            return self.voice.rendered(document, "md")
        engine = chosen(self.engine)
        return to_pdf(self.voice.rendered(document, FORM[engine]), engine=engine)
