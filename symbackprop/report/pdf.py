"""Text to PDF: pdflatex where it is installed, else the Typst wheel. Both in a cage.

pdflatex runs in a fresh private folder with a clean environment, without a shell, without
stdin, and with limits on time, memory and file size; where we are root, as an unprivileged user.
Without root it reads what we may read: what protects then is that everything a person wrote is
escaped before it gets here. Typst compiles in a process of its own, in an empty folder, without
a network.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from symbackprop import limits

Engine = Literal["auto", "pdflatex", "typst"]

_NAME: Final = "report"
_ARGUMENTS: Final = (
    "-no-shell-escape", "-halt-on-error", "-interaction=nonstopmode", "-no-parse-first-line",
    "-file-line-error", f"-jobname={_NAME}",
)  # fmt: skip
_EPOCH: Final = "0"  # 1970-01-01: a report is the same file whenever it is made
_RERUN: Final = re.compile(r"Rerun to get|undefined references|Rerun LaTeX|LastPage' on page .* undefined")
_ERROR: Final = re.compile(rf"^(?:\./)?{_NAME}\.tex:(\d+): (.*)$", re.MULTILINE)
_BARE_ERROR: Final = re.compile(r"^! (.*)$", re.MULTILINE)
_OVERFULL: Final = re.compile(r"^Overfull \\([hv])box \(([0-9.]+)pt too (?:wide|high)\)(.*)$", re.MULTILINE)
_NOBODY: Final = 65534


class TypesettingError(RuntimeError):
    """A typesetter failed. `line` is a line of the text, where it said one; `log` the kept log."""

    def __init__(
        self, engine: str, message: str, *, line: int | None = None, log: Path | None = None
    ) -> None:
        self.engine = engine
        self.message = message
        self.line = line
        self.log = log
        where = f", line {line} of the text" if line else ""
        kept = f" The whole log: {log}" if log else ""
        super().__init__(f"{engine}{where}: {message}{kept}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Typeset:
    """A PDF, what the typesetter said, and how often it ran."""

    pdf: bytes
    log: str
    runs: int


def chosen(engine: Engine) -> Literal["pdflatex", "typst"]:
    """The engine that will run: `auto` is pdflatex if it is on the PATH, else typst."""
    if engine == "auto":
        return "pdflatex" if shutil.which("pdflatex") else "typst"
    return engine


FORM: Final[Mapping[str, Literal["tex", "typ"]]] = {"pdflatex": "tex", "typst": "typ"}
"""What an engine typesets."""


@dataclass(frozen=True, slots=True)
class _Cage:
    """How much more time a run gets than usual, and who may end it."""

    more_seconds: float
    running: "Running"

    @property
    def seconds(self) -> int:
        """Wall time."""
        return int(limits.TYPESETTING_SECONDS + self.more_seconds)

    @property
    def cpu_seconds(self) -> int:
        """Time of computing."""
        return int(limits.TYPESETTING_CPU_SECONDS + self.more_seconds)

    def stopped(self, why: str) -> str:
        """What is said of a run that was stopped by a limit."""
        reasons = {
            "time": f" after {self.seconds} seconds",
            "cpu": f" after {self.cpu_seconds} seconds of computing",
            "file": f": a file grew beyond {limits.TYPESETTING_FILE:,} bytes",
        }
        return f"{_STOPPED}{reasons[why]}"


class Running:
    """The typesetters that run on somebody's behalf, so that another thread can end them all."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._children: set[subprocess.Popen[bytes]] = set()
        self._over = False

    def end(self) -> None:
        """Kill what runs; whatever is started from now on is killed at once."""
        with self._lock:
            self._over = True
            for child in self._children:
                if child.returncode is None:
                    _kill(child)

    @contextmanager
    def during(self, child: "subprocess.Popen[bytes]") -> Iterator[None]:
        """Keep a child in mind while it runs."""
        with self._lock:
            self._children.add(child)
            if self._over:
                _kill(child)
        try:
            yield
        finally:
            with self._lock:
                self._children.discard(child)


def to_pdf(text: str, *, engine: Literal["pdflatex", "typst"], log: Path | None = None) -> bytes:
    """The PDF of LaTeX (pdflatex) or Typst (typst) text. Raises TypesettingError.

    After a failure the log is kept at `log`, else in a file of the folder for temporary files.
    """
    return typeset(text, engine=engine, log=log).pdf


def typeset(
    text: str,
    *,
    engine: Literal["pdflatex", "typst"],
    log: Path | None = None,
    pages: int = 0,
    running: Running | None = None,
) -> Typeset:
    """The same, with the log. Of a text with many `pages` each gives it more time; `running` can end it."""
    cage = _Cage(pages * limits.TYPESETTING_PAGE_SECONDS, running or Running())
    return _pdflatex(text, log, cage) if engine == "pdflatex" else _typst(text, log, cage)


def overfull_boxes(log: str, least: float = 1.0) -> list[str]:
    """The lines of a LaTeX log about boxes that stick out by more than `least` points."""
    return [match.group() for match in _OVERFULL.finditer(log) if float(match[2]) > least]


# --- pdflatex -----------------------------------------------------------------------


def _pdflatex(text: str, log: Path | None, cage: _Cage) -> Typeset:
    program = shutil.which("pdflatex")
    if program is None:
        raise TypesettingError("pdflatex", "is not installed; --engine typst needs nothing installed")
    with _private_folder() as folder:
        (folder / f"{_NAME}.tex").write_text(text, "utf-8")
        said = ""
        for run in (1, 2, 3):
            draft = run == 1 and r"\pageref" in text  # its page numbers come from this run
            status = _run_tex(program, folder, cage, draft=draft)
            said = _read(folder / f"{_NAME}.log")
            if status != "0":
                raise _tex_error(said, status, log)
            if not draft and not _RERUN.search(said):
                break
        made = folder / f"{_NAME}.pdf"
        if made.is_symlink() or not made.is_file():
            raise _tex_error(said, "it wrote no page", log)
        return Typeset(pdf=made.read_bytes(), log=said, runs=run)


def _run_tex(program: str, folder: Path, cage: _Cage, *, draft: bool) -> str:
    """One run; the answer is its exit code, or what stopped it."""
    command = [program, *_ARGUMENTS, *(["-draftmode"] if draft else []), f"{_NAME}.tex"]
    environment = _tex_environment(program, folder)
    with (folder / "said.txt").open("wb") as said:
        return _run_limited(command, folder, environment, cage, stdout=said)


def _tex_environment(program: str, folder: Path) -> dict[str, str]:
    """Nothing of the user's: no texmf tree, no settings, and nothing outside the folder opened."""
    here = str(folder)
    found = {
        "PATH": os.pathsep.join((str(Path(program).parent), "/usr/local/bin", "/usr/bin", "/bin")),
        "HOME": here, "TEXMFHOME": here, "TEXMFVAR": here, "TEXMFCONFIG": here,
        "openin_any": "p", "openout_any": "p", "shell_escape": "f",
        "max_print_line": "10000", "error_line": "254", "half_error_line": "238",
        "SOURCE_DATE_EPOCH": _EPOCH, "FORCE_SOURCE_DATE": "1", "TZ": "UTC", "LC_ALL": "C",
    }  # fmt: skip
    if os.name == "nt":
        found |= {key: os.environ[key] for key in ("SYSTEMROOT", "TEMP", "TMP") if key in os.environ}
    return found


def _tex_error(said: str, status: str, log: Path | None) -> TypesettingError:
    kept = _kept(said, log)
    match = _ERROR.search(said)
    if match:
        return TypesettingError("pdflatex", match[2].strip(), line=int(match[1]), log=kept)
    bare = _BARE_ERROR.search(said)
    message = bare[1].strip() if bare else f"it ended early ({status})"
    if status.startswith(_STOPPED):
        message = status
    return TypesettingError("pdflatex", message, log=kept)


def _kept(said: str, log: Path | None) -> Path:
    """Keep a log where it was asked for, else in a temporary file of its own."""
    if log is None:
        handle, name = tempfile.mkstemp(prefix="symbackprop-", suffix=".log")
        os.close(handle)
        log = Path(name)
    log.write_text(said, "utf-8")
    return log


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8", errors="replace")
    except OSError:
        return ""


# --- typst --------------------------------------------------------------------------


def _typst(text: str, log: Path | None, cage: _Cage) -> Typeset:
    """Compile in a child: a loop in what a person wrote must be stoppable, and a fork would hang."""
    with tempfile.TemporaryDirectory(prefix="symbackprop-") as name:
        folder = Path(name)
        (folder / "root").mkdir()
        source, made, said = folder / "text.typ", folder / "made.pdf", folder / "said.txt"
        source.write_text(text, "utf-8")
        command = [sys.executable, "-P", str(Path(__file__).with_name("typst_worker.py"))]
        environment = {
            key: value
            for key, value in os.environ.items()
            if key in ("PATH", "SYSTEMROOT", "TEMP", "TMP", "HOME")
        }
        environment["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
        # a proxy that nobody answers: packages cannot be fetched
        environment |= dict.fromkeys(
            ("http_proxy", "https_proxy", "all_proxy", "HTTPS_PROXY"), "http://127.0.0.1:9"
        )
        with source.open("rb") as incoming, made.open("wb") as outgoing, said.open("wb") as errors:
            status = _run_limited(
                command,
                folder / "root",
                environment,
                cage,
                stdin=incoming,
                stdout=outgoing,
                stderr=errors,
                tex=False,
            )
        message = _read(said)
        if status != "0":
            raise _typst_error(message, status, log)
        return Typeset(pdf=made.read_bytes(), log=message, runs=1)


def _typst_error(said: str, status: str, log: Path | None) -> TypesettingError:
    if status.startswith(_STOPPED):
        return TypesettingError("typst", status, log=_kept(said, log))
    message, _, rest = said.partition("\n")
    match = re.search(r"\.typ:(\d+):\d+", rest)
    return TypesettingError(
        "typst", message.removeprefix("error: ") or f"it ended early ({status})",
        line=int(match[1]) if match else None, log=_kept(said, log),
    )  # fmt: skip


# --- running with limits ------------------------------------------------------------

_STOPPED: Final = "it was stopped"


def _run_limited(
    command: list[str],
    folder: Path,
    environment: dict[str, str],
    cage: _Cage,
    *,
    stdout: object,
    stdin: object = subprocess.DEVNULL,
    stderr: object = subprocess.STDOUT,
    tex: bool = True,
) -> str:
    """Run a command in a folder, in a process group of its own. Its exit code, or what stopped it.

    TeX also gets a limit on memory and, where we are root, another user.
    """
    child = subprocess.Popen(  # type: ignore[call-overload]  # files and constants both serve
        _with_limits(command, cage, memory=tex),
        cwd=folder, env=environment, stdin=stdin, stdout=stdout, stderr=stderr,
        **({"start_new_session": True} if os.name == "posix" else {}),
        **(_unprivileged() if tex else {}),
    )  # fmt: skip
    try:
        with cage.running.during(child):
            code: int = child.wait(timeout=cage.seconds)
    except subprocess.TimeoutExpired:
        _kill_group(child)
        return cage.stopped("time")
    except BaseException:
        _kill_group(child)
        raise
    signals = {-signal.SIGXCPU: "cpu", -signal.SIGXFSZ: "file"} if os.name == "posix" else {}
    return cage.stopped(signals[code]) if code in signals else str(code)


def _kill_group(child: "subprocess.Popen[bytes]") -> None:
    _kill(child)
    child.wait()


def _kill(child: "subprocess.Popen[bytes]") -> None:
    if os.name == "posix":
        with suppress(ProcessLookupError):  # Ctrl-C may have ended it already
            os.killpg(child.pid, signal.SIGKILL)
    else:
        child.kill()


def _with_limits(command: list[str], cage: _Cage, *, memory: bool) -> list[str]:
    """The command under limits. A shell sets them: Python's own hook before exec is unsafe in threads."""
    if os.name != "posix" or not Path("/bin/sh").exists():
        return command
    orders = [
        "ulimit -c 0",
        f"ulimit -t {cage.cpu_seconds}",
        f"ulimit -f {limits.TYPESETTING_FILE // 512}",
    ]
    if memory:  # Typst reserves far more addresses than it uses
        orders.append(f"ulimit -v {limits.TYPESETTING_MEMORY // 1024} 2>/dev/null")
    return ["/bin/sh", "-c", "; ".join(orders) + '; exec "$@"', "sh", *command]


def _is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0


def _unprivileged() -> dict[str, object]:
    """Where we are root, TeX runs as nobody: it could read any file of root's otherwise."""
    return {"user": _NOBODY, "group": _NOBODY, "extra_groups": []} if _is_root() else {}


@contextmanager
def _private_folder() -> Iterator[Path]:
    """A fresh folder that belongs to whoever runs TeX, and is gone afterwards."""
    place = _place_for_nobody() if _is_root() else None
    with tempfile.TemporaryDirectory(prefix="symbackprop-", dir=place) as name:
        if _is_root():
            os.chown(name, _NOBODY, _NOBODY)
        yield Path(name)


def _place_for_nobody() -> str:
    """A folder for temporary files into which an unprivileged user may go."""
    for place in (tempfile.gettempdir(), "/tmp", "/var/tmp"):
        path = Path(place).resolve()
        if path.is_dir() and all(part.stat().st_mode & 0o001 for part in (path, *path.parents)):
            return str(path)
    raise TypesettingError("pdflatex", "we are root, and no temporary folder is open to an unprivileged user")
