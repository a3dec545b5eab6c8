"""A pool exported to a platform, and its keys read back from what was written."""

from __future__ import annotations

from symbackprop.exams.exports import exporter
from symbackprop.exams.exports.pool import Files, Numbers, Pool
from symbackprop.exams.variants import KeyMismatch


def exported(pool: Pool, platform: str) -> tuple[Files, int]:
    """The files of a platform, and how many keys were read back from them and compared.

    Raises ExportError for a pool that the platform cannot take, KeyMismatch where a file says another key.
    """
    module = exporter(platform)
    files = module.export(pool)
    module.lint(files)
    right = {
        (question.id, variant.name, part.slug): part
        for question in pool.questions
        for variant in question.variants
        for part in variant.parts
        if isinstance(part, Numbers)
    }
    found = set()
    count = 0
    for read in module.read_back(files):
        place = (read.question, read.variant, read.slug)
        part = right.get(place)
        if part is None:
            raise KeyMismatch(f"{platform}: a key of {'/'.join(place)}, which is not in the exam")
        every = tuple(cell.key for cell in part.cells)
        asked = tuple(cell.key for cell in part.cells if not cell.forced)
        if read.keys not in (every, asked):
            raise KeyMismatch(f"{platform}: {'/'.join(place)} has the keys {read.keys}, and not {every}")
        found.add(place)
        count += len(read.keys)
    missing = set(right) - found
    if missing:
        raise KeyMismatch(f"{platform}: the keys of {'/'.join(sorted(missing)[0])} are not in the files")
    return files, count
