"""Where the templates are: a teacher's folder first, then ours.

A wheel carries the top-level folder `templates/` as `symbackprop/templates`; in a working copy
it stands beside the package.
"""

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Final

WORDS_FOLDER: Final = "words"


class PlacesError(ValueError):
    """The folder of templates is missing or is no folder."""


@lru_cache(maxsize=1)
def templates_folder() -> Path:
    """Our own templates: inside the package, else beside it."""
    package = Path(__file__).resolve().parent.parent
    for folder in (package / "templates", package.parent / "templates"):
        if (folder / WORDS_FOLDER).is_dir():
            return folder
    raise PlacesError(f"{package}: the folder 'templates' is neither inside the package nor beside it")


def search_path(templates: Path | None) -> list[Path]:
    """The folders in which a template is looked for, in order."""
    if templates is None:
        return [templates_folder()]
    if not templates.is_dir():
        raise PlacesError(f"{templates}: there is no such folder of templates")
    return [templates, templates_folder()]


def find_file(name: str, templates: Path | None) -> Path:
    """The file `name` (`words/es.toml`) of the first folder that has it."""
    for folder in search_path(templates):
        if (folder / name).is_file():
            return folder / name
    raise PlacesError(f"{name}: there is no such template")


def list_files(folder: str, suffix: str, templates: Path | None) -> Iterator[str]:
    """The names of the files with `suffix` in `folder`, ours and the teacher's."""
    names = {
        f"{folder}/{path.name}"
        for root in search_path(templates)
        if (root / folder).is_dir()
        for path in (root / folder).iterdir()
        if path.suffix == suffix
    }
    return iter(sorted(names))
