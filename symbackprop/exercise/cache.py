"""The user's cache folder: for what can always be made again."""

import os
from pathlib import Path

_FOLDER = "symbackprop"


def cache_folder() -> Path:
    """`$XDG_CACHE_HOME/symbackprop`, else `~/.cache/symbackprop`."""
    root = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(root) if Path(root).is_absolute() else Path.home() / ".cache") / _FOLDER
