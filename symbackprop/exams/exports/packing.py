"""What exporters share: names that are safe, zip archives that are the same bytes every time, strict XML."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Mapping
from typing import Any

from symbackprop.exams.exports.pool import ExportError, Files, Pool

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_SLUG = re.compile(r"[A-Za-z][A-Za-z0-9]*")
_OLDEST = (1980, 1, 1, 0, 0, 0)


def check_names(pool: Pool) -> None:
    """ExportError for a name that can be neither a file nor an identifier, or that is there twice."""
    _named(_NAME, "the exam's key", [pool.key])
    _named(_NAME, "a question's id", [question.id for question in pool.questions])
    for question in pool.questions:
        where = f"question {question.id}"
        if not question.variants:
            raise ExportError(f"{where} has no variants")
        _named(_NAME, f"{where}: a variant's name", [variant.name for variant in question.variants])
        for variant in question.variants:
            slugs = [part.slug for part in variant.parts]
            _named(_SLUG, f"{where}, {variant.name}: a part's slug", slugs)


def _named(pattern: re.Pattern[str], what: str, names: list[str]) -> None:
    for name in names:
        if not pattern.fullmatch(name):
            raise ExportError(f"{what} must be ASCII letters and digits, a letter first, not {name!r}")
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ExportError(f"{what} must not be there twice: {', '.join(twice)}")


def archive(entries: Files) -> bytes:
    """A zip archive of files, in their order: no dates, and stored, for not every zlib packs alike."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression=zipfile.ZIP_STORED) as packed:
        for path, content in entries.items():
            entry = zipfile.ZipInfo(path, date_time=_OLDEST)
            entry.create_system = 3  # the same on every machine
            entry.external_attr = 0o644 << 16
            packed.writestr(entry, content)
    return stream.getvalue()


def unarchive(name: str, content: bytes) -> dict[str, bytes]:
    """The files of a zip archive. ExportError for one that is damaged or has a path twice."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            paths = packed.namelist()
            entries = {path: packed.read(path) for path in paths}
    except zipfile.BadZipFile as fault:
        raise ExportError(f"{name} is no zip archive: {fault}") from None
    if len(entries) != len(paths):
        raise ExportError(f"{name} has two files of one name")
    return entries


def parsed(name: str, content: bytes) -> Any:
    """The root element of an XML file. ExportError when it is not well-formed, or has a DTD or entities."""
    from lxml import etree

    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True)
    try:
        root = etree.fromstring(content, parser)
    except etree.XMLSyntaxError as fault:
        raise ExportError(f"{name} is not well-formed: {fault}") from None
    if root.getroottree().docinfo.doctype:
        raise ExportError(f"{name} has a document type, which no platform needs")
    return root


def entry(entries: Mapping[str, bytes], path: str, name: str) -> bytes:
    """One file of a package. ExportError when it is not there."""
    if path not in entries:
        raise ExportError(f"{name} has no {path}")
    return entries[path]
