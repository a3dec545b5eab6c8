"""Compiled templates kept between runs, as Python keeps its own modules: half the time of a report.

They stand in the user's cache folder, named by a hash of the template's text, of Jinja2's version
and of Python's: a template that changes is compiled anew. Nothing is kept where Python is told to
write no bytecode, and no failure to read or write here ever matters.
"""

from __future__ import annotations

import hashlib
import marshal
import os
import sys
from importlib.util import MAGIC_NUMBER
from pathlib import Path
from types import CodeType

import jinja2
from jinja2.bccache import Bucket, BytecodeCache

from symbackprop.exercise.cache import cache_folder


class CompiledTemplates(BytecodeCache):
    """Jinja2's hook for keeping compiled templates."""

    def load_bytecode(self, bucket: Bucket) -> None:
        """Put the code of an earlier run into the bucket, if there is any."""
        try:
            code = marshal.loads(_file(bucket).read_bytes())
        except (OSError, RuntimeError, EOFError, ValueError, TypeError):
            return
        if isinstance(code, CodeType):
            bucket.code = code

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep the code of the bucket: written beside, then renamed."""
        if sys.dont_write_bytecode or not isinstance(bucket.code, CodeType):
            return
        try:
            file = _file(bucket)
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            beside = file.with_suffix(f".{os.getpid()}.part")
            beside.write_bytes(marshal.dumps(bucket.code))
            beside.replace(file)
        except (OSError, RuntimeError, ValueError):
            return


def _file(bucket: Bucket) -> Path:
    """The file of one template; its name depends on all that the code depends on."""
    made = hashlib.sha256(MAGIC_NUMBER + jinja2.__version__.encode())
    made.update(f"{bucket.key}|{bucket.checksum}|{cache_folder()}".encode())
    return cache_folder() / f"template-{made.hexdigest()[:32]}"
