"""Question files for learning platforms: a module each, named in one table.

A module has `export(pool) -> Files`, `lint(files)`, which refuses what the platform would swallow, and
`read_back(files)`, which gives every key that the platform would take as right.
"""

from collections.abc import Iterator
from importlib import import_module
from typing import Final, Protocol

from symbackprop.exams.exports.pool import Files, Pool, ReadKey

EXPORTS: Final = ("moodle", "stack", "prairielearn", "qti", "canvas")
"""The platforms, each a module of that name, imported when it is asked for."""


class Exporter(Protocol):
    """What a platform's module can do."""

    def export(self, pool: Pool) -> Files:
        """The files. Raises ExportError for a pool that the platform cannot take."""

    def lint(self, files: Files) -> None:
        """Raise ExportError for what the platform would refuse, or take for something else."""

    def read_back(self, files: Files) -> Iterator[ReadKey]:
        """The keys in the files, as the platform reads them."""


def exporter(name: str) -> Exporter:
    """The module of a platform, one of EXPORTS."""
    module: Exporter = import_module(f"{__name__}.{name}")
    return module
