"""The command line: arguments and exit codes, nothing else.

Exit codes: 0 all is well; 1 `check` found something wrong; 2 the call or the exercise is at fault, and
the message says where and what would be right, or `check` could read nothing; 3 a proof failed or
the program broke, which is our fault; 130 interrupted; 141 nobody reads the output any more; 143
terminated.
"""

import gc
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, NoReturn, TextIO

import typer

from symbackprop.cli.checking import check
from symbackprop.cli.deriving import derive
from symbackprop.cli.examining import exam, grade, stress
from symbackprop.cli.faults import OK, explained, guarded
from symbackprop.cli.printing import put

app = typer.Typer(
    name="symbackprop",
    help="Backpropagation worked out as on the blackboard: derived, proved line by line, and printed.",
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,  # Rich would double the time of --help
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(asked: bool) -> None:
    if asked:
        from symbackprop import __version__

        typer.echo(f"symbackprop {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say the version and stop.")
    ] = False,
) -> None:
    pass


app.command()(derive)
app.command()(check)
app.command()(exam)
app.command()(stress)
app.command()(grade)


@app.command("list")
def list_() -> None:
    """List the bundled exercises and exams, and the functions, a line each."""
    with guarded():
        from symbackprop.report import terminal

        sections = [
            ("Exercises", terminal.exercise_rows()),
            ("Exams", terminal.exam_rows()),
            ("Activations", terminal.function_rows("activation")),
            ("Functions, entry by entry", terminal.function_rows("elementwise")),
            ("Losses", terminal.function_rows("loss")),
        ]
        for title, rows in sections:
            put(f"{title}:")
            for line in terminal.aligned(rows):
                put(f"  {line}")
            put("")
        put(f"Of all entries: {terminal.operation_names()}. An exercise can define functions of its own.")


@app.command()
def new(
    inputs: Annotated[int, typer.Option(help="Inputs of the layer.")] = 3,
    neurons: Annotated[int, typer.Option(help="Neurons of the layer.")] = 2,
    activation: Annotated[str, typer.Option(help="A name that `symbackprop list` gives.")] = "relu",
    loss: Annotated[str, typer.Option(help="A name that `symbackprop list` gives.")] = "half_squared_error",
    language: Annotated[str, typer.Option(help="es or en, of the title and the comments.")] = "en",
    output: Annotated[
        Path | None,
        typer.Option(
            help="The file to write, ending in .toml. Without it: standard output.", show_default=False
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace a file that is not ours or was edited.")
    ] = False,
) -> None:
    """Write an exercise to start from.

    It is one layer, with numbers that hide no mistake.
    """
    with guarded():
        from symbackprop.exercise import new_exercise_text

        text = new_exercise_text(inputs, neurons, activation, loss, language)
        if output is None:
            put(text, end="")
            return
        if output.suffix != ".toml":
            raise ValueError(f"--output {output}: the name of an exercise file ends in .toml")
        from symbackprop.report.files import write_whole

        put(f"wrote {write_whole(output, text, force=force)}")


# --- the command ----------------------------------------------------------------------------


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command line with these arguments (else the process's); the answer is the exit code."""
    try:
        app(args=None if arguments is None else list(arguments), prog_name="symbackprop")
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else OK
    except BaseException as error:
        code = explained(error)
    else:
        code = OK
    try:
        sys.stdout.flush()
    except OSError as error:
        return explained(error)
    return code


def main() -> NoReturn:
    """The command `symbackprop`."""
    gc.set_threshold(200_000, 20, 100)  # a short life: collecting as often as by default costs a tenth of it
    sys.stdout = sys.stdout or _nowhere()  # a stream that the caller closed is None
    sys.stderr = sys.stderr or _nowhere()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # a terminal without ŷ is no reason to stop
    with suppress(ValueError, OSError):
        signal.signal(signal.SIGTERM, _ended)
    code = run()
    with suppress(OSError, ValueError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)  # all is written and closed: taking SymPy apart object by object takes 0.1 s


def _nowhere() -> TextIO:
    return open(os.devnull, "w", encoding="utf-8")  # it stays open to the end


def _ended(number: int, _: Any) -> NoReturn:
    """Leave as after Ctrl-C, so that no half-written file stays behind."""
    raise SystemExit(128 + number)
