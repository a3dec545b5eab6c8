"""The command line: arguments and exit codes, nothing else.

Exit codes: 0 all is well; 1 something wrong was found (no command here does that yet); 2 the call or
the exercise is at fault, and the message says where and what would be right; 3 a proof failed or
the program broke, which is our fault; 130 interrupted; 141 nobody reads the output any more; 143
terminated.
"""

import gc
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TextIO

import typer

# Only what costs nothing is imported here: `--help` must not wait for SymPy.
if TYPE_CHECKING:
    from symbackprop.algebra.values.domain import DomainProblem
    from symbackprop.derivation.steps import Derivation
    from symbackprop.exercise import ExerciseError
    from symbackprop.exercise.model import Exercise

OK, FOUND, FAULT, OURS, INTERRUPTED, NO_READER = 0, 1, 2, 3, 130, 141

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


@app.command()
def derive(
    exercise: Annotated[str, typer.Argument(help="An exercise file, or the name of a bundled one.")],
    to: Annotated[str, typer.Option(help="What to write, with commas: tex, pdf, typ, md, json.")] = "tex,pdf",
    language: Annotated[
        str | None,
        typer.Option(help="es or en. Without it the exercise says, else English.", show_default=False),
    ] = None,
    detail: Annotated[str, typer.Option(help="answer, exam, student, full or worksheet.")] = "full",
    plots: Annotated[
        bool, typer.Option("--plots", help="Add a plot of each activation and its derivative.")
    ] = False,
    layers: Annotated[
        str | None,
        typer.Option(help="How layers are marked: W_1, W^[1] or W^(1).", show_default=False),
    ] = None,
    steps: Annotated[
        int | None, typer.Option(help="Steps of gradient descent, with --rate.", show_default=False)
    ] = None,
    rate: Annotated[
        str | None, typer.Option(help="The learning rate of the descent: 0.1, 1/2.", show_default=False)
    ] = None,
    digits: Annotated[int, typer.Option(help="Decimals of rounded numbers, 0 to 100.")] = 4,
    floats: Annotated[
        bool, typer.Option("--floats", help="Floating point, as JSON only: fast, and not certified.")
    ] = False,
    engine: Annotated[str, typer.Option(help="auto, pdflatex or typst, for the PDF.")] = "auto",
    output: Annotated[Path, typer.Option(help="The folder for the files.")] = Path("output"),
    templates: Annotated[
        Path | None, typer.Option(help="A folder whose templates go before ours.", show_default=False)
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace files that are not ours or were edited.")
    ] = False,
) -> None:
    """Work an exercise out and write its report.

    Every gradient is derived and proved, and the numbers are put in. The files are EXERCISE.tex,
    EXERCISE.pdf and so on; with another detail than full, its name comes after a hyphen
    (neurona-worksheet.pdf).
    """
    with _guarded():
        from symbackprop.exercise import ExerciseError, in_file, load
        from symbackprop.report import outputs, terminal
        from symbackprop.report.files import check_writable, write_all
        from symbackprop.report.words import languages

        kinds = outputs.kinds_of(to)
        outputs.one_of("--detail", detail, outputs.DETAILS)
        outputs.one_of("--engine", engine, outputs.ENGINES)
        _check_digits(digits)
        if floats:
            if steps is not None or rate is not None:
                raise ValueError("--floats: gradient descent goes with exact numbers; leave --floats out")
            from symbackprop.report.floats import written_lines

            for line in written_lines(exercise, kinds, detail, output, force=force, warn=_say):
                _print(line)
            return
        known = languages(templates)
        if language is not None:
            outputs.one_of("--language", language, known)
        loaded = load(exercise)
        loaded = _with_marks(loaded, layers)
        _check_words(exercise, loaded, language, templates)
        spoken = outputs.one_of("language", outputs.language_of(loaded, language), known)
        for warning in loaded.warnings:
            _say(f"warning: {warning}")
        files = outputs.file_paths(loaded, kinds, detail, output)
        check_writable(files, force=force)
        from symbackprop.algebra.values.domain import DomainProblem
        from symbackprop.derivation.derive import derive as derivation_of
        from symbackprop.exercise.descent import with_descent

        try:
            derivation = derivation_of(with_descent(loaded, steps=steps, rate=rate), digits=digits)
        except ExerciseError as error:
            raise in_file(error, exercise) from None
        except DomainProblem as problem:
            raise in_file(_domain_fault(problem), exercise) from None
        made = outputs.Outputs(
            derivation, language=spoken, detail=detail, templates=templates, plots=plots,
            engine=engine,  # type: ignore[arg-type]  # it is one of them: just looked at
        )  # fmt: skip
        written = write_all(made.files(kinds, output), force=force)
        for path in written:
            _print(f"wrote {path}")
        _print("")
        _print_gradients(derivation)
        if about := terminal.descent_line(derivation):
            _print(f"\n{about}")
        _warn_of_hidden_mistakes(derivation)


@app.command("list")
def list_() -> None:
    """List the bundled exercises and the functions, a line each."""
    with _guarded():
        from symbackprop.report import terminal

        sections = [
            ("Exercises", terminal.exercise_rows()),
            ("Activations", terminal.function_rows("activation")),
            ("Functions, entry by entry", terminal.function_rows("elementwise")),
            ("Losses", terminal.function_rows("loss")),
        ]
        for title, rows in sections:
            _print(f"{title}:")
            for line in terminal.aligned(rows):
                _print(f"  {line}")
            _print("")
        _print(f"Of all entries: {terminal.operation_names()}. An exercise can define functions of its own.")


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
    with _guarded():
        from symbackprop.exercise import new_exercise_text

        text = new_exercise_text(inputs, neurons, activation, loss, language)
        if output is None:
            _print(text, end="")
            return
        if output.suffix != ".toml":
            raise ValueError(f"--output {output}: the name of an exercise file ends in .toml")
        from symbackprop.report.files import write_whole

        _print(f"wrote {write_whole(output, text, force=force)}")


# --- printing -------------------------------------------------------------------------------


def _print(text: str, end: str = "\n") -> None:
    from symbackprop.exercise.faults import visible

    lines = text.split("\n")
    sys.stdout.write("\n".join(visible(line) for line in lines) + end)


def _say(text: str) -> None:
    """On standard error, where nobody may be listening."""
    from symbackprop.exercise.faults import visible

    with suppress(OSError, ValueError):
        sys.stderr.write("\n".join(visible(line) for line in text.split("\n")) + "\n")
        sys.stderr.flush()


def _warn_of_hidden_mistakes(derivation: "Derivation") -> None:
    """Tell the teacher which mistakes the example's numbers would hide, and better numbers."""
    from symbackprop.derivation.advice import fact_lines
    from symbackprop.derivation.better import warning_lines

    lines = warning_lines(derivation)
    if lines:
        sys.stdout.flush()
        _say("\n".join([f"\nwarning: {lines[0]}", *lines[1:]]))
    for line in fact_lines(derivation):
        _say(f"\nhint: {line}")


def _is_terminal() -> bool:
    return sys.stdout.isatty()


def _print_gradients(derivation: "Derivation") -> None:
    from symbackprop.report import terminal

    rows = terminal.gradient_rows(derivation)
    if not _is_terminal():
        for line in terminal.aligned([terminal.HEADINGS, *rows]):
            _print(line)
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*terminal.HEADINGS, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    Console().print(table)


# --- exit codes -----------------------------------------------------------------------------


def _domain_fault(problem: "DomainProblem") -> "ExerciseError":
    """A function without a value at the example, as a fault of the equation where it stands."""
    from symbackprop.exercise import ExerciseError, Fault

    places = [place.removeprefix("equation ") for place in problem.where if place.startswith("equation ")]
    key = f"model.{places[-1]}" if places else "model"
    return ExerciseError([Fault(file="", key=key, message=str(problem))])


@contextmanager
def _guarded() -> Iterator[None]:
    """No traceback reaches a user: every error ends in a message and an exit code."""
    try:
        yield
        sys.stdout.flush()
    except typer.Exit:
        raise
    except BaseException as error:
        raise typer.Exit(explained(error)) from None


def explained(error: BaseException) -> int:
    """Say what an error means, and the exit code for it. The traceback of what is our fault is shown
    where the variable SYMBACKPROP_TRACEBACK is set."""
    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else OK
    if isinstance(error, KeyboardInterrupt):
        _say("interrupted")
        return INTERRUPTED
    if isinstance(error, BrokenPipeError):
        _mute()
        return NO_READER
    if os.environ.get("SYMBACKPROP_TRACEBACK"):
        import traceback

        _say("".join(traceback.format_exception(error)))
    return _explained(error)


def _explained(error: BaseException) -> int:
    from symbackprop.exercise.faults import ExerciseError

    if isinstance(error, ExerciseError):
        for fault in error.faults:
            _say(str(fault))
        _say(f"{len(error.faults)} fault{'s' * (len(error.faults) != 1)}. Nothing was written.")
        return FAULT
    if _is_proof(error):
        _say(f"error: {error}{_REPORT_IT if 'report it' not in str(error) else ''}")
        return OURS
    if isinstance(error, MemoryError | RecursionError):
        _say("error: the exercise is too large for this machine, or too deeply nested")
        return FAULT
    if _is_said(error):
        _say(f"error: {error}")
        return FAULT
    if isinstance(error, OSError):
        name = f"{error.filename}: " if error.filename else ""
        _say(f"error: {name}{error.strerror or error}")
        return FAULT
    _say(f"error: the program broke ({type(error).__name__}: {error}).{_REPORT_IT}")
    return OURS


_REPORT_IT = (
    " This is a bug in symbackprop, not in the exercise: please report it with the exercise file, and with "
    "what is shown when the variable SYMBACKPROP_TRACEBACK is set to 1."
)


def _is_proof(error: BaseException) -> bool:
    """Whether a proof failed: the two routes disagree, and nothing may be printed."""
    from symbackprop.derivation.certify import CertificateFailed
    from symbackprop.derivation.general_proof import LayerFailed
    from symbackprop.derivation.second import SecondRouteFailed
    from symbackprop.derivation.slopes_proof import SlopeFailed

    return isinstance(error, CertificateFailed | LayerFailed | SecondRouteFailed | SlopeFailed)


def _is_said(error: BaseException) -> bool:
    """Whether an error says what is wrong with the call, the exercise or the machine."""
    from symbackprop.algebra.lower import CannotDerive
    from symbackprop.algebra.values.domain import DomainProblem, EvaluationError, NeedsExtra, NotCertified
    from symbackprop.report.files import OutputError
    from symbackprop.report.pdf import TypesettingError
    from symbackprop.report.places import PlacesError
    from symbackprop.report.templating import TemplateError
    from symbackprop.report.words import WordsError

    said = (
        CannotDerive, DomainProblem, EvaluationError, NeedsExtra, NotCertified, OutputError, PlacesError,
        TemplateError, TypesettingError, WordsError,
    )  # fmt: skip
    return isinstance(error, said) or (type(error) is ValueError and _raised_here(error))


def _raised_here(error: BaseException) -> bool:
    """Whether our own code raised it: a bare ValueError of ours says what is wrong with the call."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    name = "" if trace is None else str(trace.tb_frame.f_globals.get("__name__", ""))
    return name.startswith("symbackprop.")


def _check_words(name: str, exercise: "Exercise", asked: str | None, templates: Path | None) -> None:
    """The language of the exercise and its own sentences, before anything is derived."""
    from symbackprop.exercise import ExerciseError, Fault, in_file
    from symbackprop.report.words import languages, override_faults

    found = list(override_faults(exercise.words, templates))
    known = languages(templates)
    if asked is None and exercise.language not in {None, *known}:
        found.append(
            ("language", f"there is no language {exercise.language!r}; there are {', '.join(known)}")
        )
    if found:
        faults = (Fault(file=exercise.key, key=key, message=message) for key, message in found)
        raise in_file(ExerciseError(faults), name)


def _with_marks(loaded: "Exercise", layers: str | None) -> "Exercise":
    if layers is None:
        return loaded
    from symbackprop.exercise.layers import with_marks

    return with_marks(loaded, layers)


def _check_digits(digits: int) -> None:
    from symbackprop import limits

    if not 0 <= digits <= limits.DIGITS_ASKED:
        raise ValueError(f"--digits {digits}: between 0 and {limits.DIGITS_ASKED}")


def _mute() -> None:
    """Standard output goes nowhere, so that closing it does not fail a second time."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


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
