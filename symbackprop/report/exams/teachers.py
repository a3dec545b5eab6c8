"""The teacher's own texts: where LaTeX stands in them, and what is said of it."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Final

from symbackprop.exams.model import Exam, Student, in_language
from symbackprop.report.escape import printable
from symbackprop.report.exams.dates import dated
from symbackprop.report.files import OutputError
from symbackprop.report.render import FORMATS
from symbackprop.report.setting import Setter

_TEX: Final = re.compile(r"[\\${}~]|--|``|''")
_SHOWN: Final = 5
_EMPTY_LINES: Final = re.compile(r"\n\s*\n")


class TeachersWarning(UserWarning):
    """Something that a teacher wrote does not come out as it was meant."""


class TexInTypst(TeachersWarning):
    """A teacher's text has LaTeX in it, which Typst prints as it stands."""


class TexOnPlatforms(TeachersWarning):
    """A teacher's text has LaTeX in it, and goes to no platform."""


class UnprintableName(TeachersWarning):
    """A student's name has letters for which our fonts have no picture."""


class TexAtFault(OutputError):
    """A paper came out wrong, and the teacher's own LaTeX may be the cause."""


@contextmanager
def blamed(exam: Exam, language: str) -> Iterator[None]:
    """What goes wrong in typesetting, with the places of the teacher's own LaTeX. Raises TexAtFault where
    there is some, else what was raised."""
    from symbackprop.report.exams.splitting import PapersError
    from symbackprop.report.pdf import TypesettingError

    try:
        yield
    except (PapersError, TypesettingError) as error:
        places = latex_texts(exam, language)
        if not places:
            raise
        several = ", ".join(places)
        raise TexAtFault(f"{error}. Look at your own LaTeX, which is in: {several}") from error


def teachers_texts(exam: Exam, language: str) -> Iterator[tuple[str, str]]:
    """What the teacher wrote: where, and the text."""
    for name in ("title", "course", "instructions"):
        yield name, in_language(getattr(exam, name), language)
    yield "date", exam.date
    for question in exam.questions:
        yield f"questions.{question.id}.title", in_language(question.title, language)
        yield f"questions.{question.id}.text", in_language(question.text, language)


def latex_texts(exam: Exam, language: str) -> tuple[str, ...]:
    """Where the teacher's texts have LaTeX in them, which Typst would print as it stands."""
    return tuple(where for where, text in teachers_texts(exam, language) if _TEX.search(text))


def own(text: str, form: str) -> str:
    """A teacher's text in a format: LaTeX as it is, anything else as plain text, paragraph by paragraph; a
    per cent sign would be the end of a line."""
    if form == "tex" and _TEX.search(text):
        return text
    return "\n\n".join(map(FORMATS[form].escape, paragraphs_of(text)))


def paragraphs_of(text: str) -> list[str]:
    """The paragraphs of a text, between which there are empty lines."""
    return [part.strip() for part in _EMPTY_LINES.split(text.strip())]


def own_date(text: str, setter: Setter) -> str:
    """The date of an exam: in figures with the name of its month, anything else as it was written."""
    return dated(text, setter) or own(text, setter.format.name)


def warn_of_latex(exam: Exam, language: str) -> None:
    """A warning (TexInTypst) for each text that Typst prints with its LaTeX."""
    for where in latex_texts(exam, language):
        warnings.warn(f"{where} has LaTeX in it, which Typst prints as it stands", TexInTypst, stacklevel=3)


def warn_of_names(students: Iterable[Student]) -> None:
    """A warning (UnprintableName) that names the students whose names are printed as numbers of letters."""
    found = [one for one in students if printable(one.name).count("[U+") > one.name.count("[U+")]
    if found:
        some = ", ".join(f"{one.name} ({one.id})" for one in found[:_SHOWN])
        more = f" and {len(found) - _SHOWN:,} more" if len(found) > _SHOWN else ""
        message = f"letters that no font here has are printed by their numbers in the names of {some}{more}"
        warnings.warn(message, UnprintableName, stacklevel=3)
