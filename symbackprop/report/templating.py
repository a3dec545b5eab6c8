"""Filling a template: Jinja2 in its sandbox, with limits.

Our own templates run here. When a teacher's folder takes part, they run in a process of their
own, which is stopped when it takes too long, grows too large, or writes without end.

Signs in templates: `<< value >>`, `<% for … %>`, `<# remark #>`. They mean nothing in LaTeX,
Typst or Markdown, so a template stays readable as what it is.
"""

import sys
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from symbackprop import limits
from symbackprop.report.places import search_path

_SECONDS: Final = 20  # wall time of a teacher's templates
_MEMORY: Final = 1_000_000_000


class TemplateError(ValueError):
    """A template is at fault. `file` and `line` say where, when that is known."""

    def __init__(self, message: str, file: str = "", line: int | None = None) -> None:
        self.message = message
        self.file = file
        self.line = line
        where = f"{file}, line {line}: " if file and line else f"{file}: " if file else ""
        super().__init__(where + message)


def fill(template: str, fields: dict[str, Any], templates: Path | None) -> str:
    """The text that `template` (`latex/report.tex`) makes of the fields. Raises TemplateError."""
    if templates is None:
        return fill_here(template, fields, None)
    return _fill_apart(template, fields, templates)


def fill_here(template: str, fields: dict[str, Any], templates: Path | None) -> str:
    """Fill in this process. Raises TemplateError."""
    import jinja2  # here, because help and checking do without it

    environment = _environment(tuple(search_path(templates)))
    pieces: list[str] = []
    total = 0
    try:
        for piece in environment.get_template(template).generate(fields):
            total += len(piece)
            if total > limits.TEMPLATE_OUTPUT:
                raise TemplateError(f"writes more than {limits.TEMPLATE_OUTPUT:,} characters", template)
            pieces.append(piece)
    except jinja2.TemplateNotFound as error:
        raise TemplateError(f"there is no template {error.message!r}") from error
    except jinja2.TemplateSyntaxError as error:
        raise TemplateError(str(error.message), error.filename or template, error.lineno) from error
    except (MemoryError, RecursionError) as error:
        raise TemplateError("needs too much memory, or calls itself without end", *_place(error)) from error
    except TemplateError:
        raise
    except Exception as error:  # a template may fail in any way that Python can
        raise TemplateError(f"{error}" or type(error).__name__, *_place(error)) from error
    return "".join(pieces)


@lru_cache(maxsize=4)
def _environment(folders: tuple[Path, ...]) -> Any:
    """One for each list of folders: it keeps the templates compiled (and sees when a file changes)."""
    from jinja2 import ChoiceLoader, FileSystemLoader, StrictUndefined
    from jinja2.sandbox import SandboxedEnvironment

    from symbackprop.report.compiled import CompiledTemplates

    return SandboxedEnvironment(
        loader=ChoiceLoader([FileSystemLoader(folder) for folder in folders]),
        bytecode_cache=CompiledTemplates(),
        undefined=StrictUndefined,
        autoescape=False,  # nothing here is HTML; every string arrives escaped for its format
        variable_start_string="<<",
        variable_end_string=">>",
        block_start_string="<%",
        block_end_string="%>",
        comment_start_string="<#",
        comment_end_string="#>",
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def _place(error: BaseException) -> tuple[str, int | None]:
    """The innermost line of a template in a traceback (Jinja2 rewrites those to its templates)."""
    found: tuple[str, int | None] = ("", None)
    trace = error.__traceback__
    while trace is not None:
        if "__jinja_template__" in trace.tb_frame.f_globals or trace.tb_frame.f_globals.get(
            "__jinja_exception__"
        ):
            found = (trace.tb_frame.f_code.co_filename, trace.tb_lineno)
        trace = trace.tb_next
    return found


def _fill_apart(template: str, fields: dict[str, Any], templates: Path) -> str:
    """Fill in a child process that can be stopped."""
    import json  # our own templates take neither
    import subprocess

    order = json.dumps({"template": template, "fields": fields, "templates": str(templates)})
    command = [sys.executable, "-P", "-c", _CHILD, json.dumps(sys.path)]
    try:
        run = subprocess.run(
            command, input=order.encode(), capture_output=True, timeout=_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise TemplateError(f"did not end within {_SECONDS} seconds", f"{templates}/{template}") from None
    if run.returncode != 0:
        reason = run.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise TemplateError(reason or "its process was stopped (memory or time)", f"{templates}/{template}")
    answer = json.loads(run.stdout)
    if "text" in answer:
        return str(answer["text"])
    raise TemplateError(answer["message"], answer["file"], answer["line"])


_CHILD: Final = """
import json, sys
sys.path[:] = json.loads(sys.argv[1])
from symbackprop.report.templating import child
child()
"""


def child() -> None:
    """What the child process does: an order from stdin, an answer to stdout."""
    import json

    _limited()
    order = json.load(sys.stdin)
    try:
        text = fill_here(order["template"], order["fields"], Path(order["templates"]))
        answer: dict[str, Any] = {"text": text}
    except TemplateError as error:
        answer = {"message": error.message, "file": error.file, "line": error.line}
    json.dump(answer, sys.stdout)


def _limited() -> None:
    try:
        import resource
    except ImportError:  # Windows: the time limit of the parent remains
        return
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (_SECONDS, _SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
