"""A PDF of many papers taken apart into one for each student, and put together again for printing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from io import BytesIO
from itertools import pairwise
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pikepdf import Pdf

_MARK: Final = "paper-"
_NOT_COPIED: Final = ("/StructParents", "/Tabs", "/Annots", "/AA", "/PieceInfo")
"""What a page says of the document that it stood in."""


class PapersError(RuntimeError):
    """A typesetter made other pages than were asked for."""


def page_count(data: bytes) -> int:
    """The pages of a PDF."""
    from pikepdf import Pdf

    with Pdf.open(BytesIO(data)) as pdf:
        return len(pdf.pages)


def papers_in(
    data: bytes, codes: Sequence[str], pages: int | None, *, title: str, language: str
) -> list[bytes]:
    """The PDF of each paper, in order; nothing of the others is in it.

    `codes` are the papers' own. Each begins at a page that bears its mark; each has as many `pages`, where
    that is known. Raises PapersError where a mark is missing or out of order, or a paper has other pages.
    """
    from pikepdf import Pdf

    with Pdf.open(BytesIO(data)) as pdf:
        return [_paper(pdf, start, end, title, language) for start, end in _spans(pdf, codes, pages)]


def bundle(batches: Iterator[tuple[bytes, Sequence[str]]], *, title: str, language: str) -> bytes:
    """All papers in one PDF for printing on both sides: each begins on an odd page.

    `batches` are the PDFs as they were typeset, so that each font is in it once a batch, with their codes.
    """
    from pikepdf import Pdf

    made = Pdf.new()
    kept = []  # pikepdf copies what pages hold only when it writes them
    for data, codes in batches:
        pdf = Pdf.open(BytesIO(data))
        kept.append(pdf)
        for start, end in _spans(pdf, codes, None):
            made.pages.extend(pdf.pages[start:end])
            if (end - start) % 2:
                _, _, width, height = made.pages[-1].mediabox
                made.add_blank_page(page_size=(float(width), float(height)))
    return _saved(made, title, language)


def _spans(pdf: Pdf, codes: Sequence[str], pages: int | None) -> list[tuple[int, int]]:
    """The first page of each paper and the one after its last."""
    marks = _marks(pdf)
    missing = [code for code in codes if code not in marks]
    if missing or len(marks) != len(codes):
        raise PapersError(f"{len(codes)} papers were typeset, and {len(marks)} begin in the PDF")
    starts = [marks[code] for code in codes]
    spans = list(pairwise([*starts, len(pdf.pages)]))
    for code, (start, end) in zip(codes, spans, strict=True):
        if end <= start or (pages is not None and end - start != pages):
            expected = "pages" if pages is None else f"{pages} pages"
            raise PapersError(f"the paper {code} has {end - start} pages, and not {expected}")
    if spans[0][0] != 0:
        raise PapersError("there are pages before the first paper")
    return spans


def _marks(pdf: Pdf) -> dict[str, int]:
    """The first page of each paper, by its code."""
    from pikepdf import Array, NameTree

    numbers = {page.obj.objgen: at for at, page in enumerate(pdf.pages)}
    names = pdf.Root.get("/Names")
    if names is None or "/Dests" not in names:
        return {}
    found = {}
    for name, target in NameTree(names.Dests).items():
        if name.startswith(_MARK):
            place = target if isinstance(target, Array) else target.D
            found[name.removeprefix(_MARK)] = numbers[place[0].objgen]
    return found


def _paper(pdf: Pdf, start: int, end: int, title: str, language: str) -> bytes:
    from pikepdf import Pdf as NewPdf

    made = NewPdf.new()
    made.pages.extend(pdf.pages[start:end])
    return _saved(made, title, language)


def joined(parts: Sequence[bytes], *, title: str, language: str) -> bytes:
    """The pages of several PDFs as one."""
    from pikepdf import Pdf as NewPdf

    made = NewPdf.new()
    kept = [NewPdf.open(BytesIO(part)) for part in parts]  # pages are copied only when they are written
    for pdf in kept:
        made.pages.extend(pdf.pages)
    return _saved(made, title, language)


def _saved(made: Pdf, title: str, language: str) -> bytes:
    from pikepdf import Dictionary, ObjectStreamMode, String

    for page in made.pages:
        for key in _NOT_COPIED:
            if key in page.obj:
                del page.obj[key]
    made.docinfo["/Title"] = String(title)
    made.Root.Lang = String(language)
    made.Root.ViewerPreferences = Dictionary(DisplayDocTitle=True)
    out = BytesIO()
    made.save(out, deterministic_id=True, object_stream_mode=ObjectStreamMode.generate)
    return out.getvalue()
