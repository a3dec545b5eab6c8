"""The command `derive`: an exercise worked out, and its report."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from symbackprop.cli.faults import check_words, guarded
from symbackprop.cli.printing import is_terminal, put, say

# Only what costs nothing is imported here: `--help` must not wait for SymPy.
if TYPE_CHECKING:
    from symbackprop.algebra.values.domain import DomainProblem
    from symbackprop.derivation.steps import Derivation
    from symbackprop.exercise import ExerciseError
    from symbackprop.exercise.model import Exercise


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
    with guarded():
        from symbackprop.exercise import ExerciseError, in_file, load
        from symbackprop.report import outputs, terminal
        from symbackprop.report.files import check_writable, write_all
        from symbackprop.report.proofreading import proof_lines
        from symbackprop.report.words import languages

        kinds = outputs.kinds_of(to)
        outputs.one_of("--detail", detail, outputs.DETAILS)
        outputs.one_of("--engine", engine, outputs.ENGINES)
        _check_digits(digits)
        if floats:
            if steps is not None or rate is not None:
                raise ValueError("--floats: gradient descent goes with exact numbers; leave --floats out")
            from symbackprop.report.floats import written_lines

            for line in written_lines(exercise, kinds, detail, output, force=force, warn=say):
                put(line)
            return
        known = languages(templates)
        if language is not None:
            outputs.one_of("--language", language, known)
        loaded = load(exercise)
        loaded = _with_marks(loaded, layers)
        check_words(exercise, loaded, language, templates)
        spoken = outputs.one_of("language", outputs.language_of(loaded, language), known)
        for warning in loaded.warnings:
            say(f"warning: {warning}")
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
            put(f"wrote {path}")
        if any(kind != "json" for kind in kinds):
            count, *unsure = proof_lines(made.proof)
            put(count)
            for line in unsure:
                say(line)
        put("")
        _print_gradients(derivation)
        if about := terminal.descent_line(derivation):
            put(f"\n{about}")
        _warn_of_hidden_mistakes(derivation)


def _with_marks(loaded: "Exercise", layers: str | None) -> "Exercise":
    if layers is None:
        return loaded
    from symbackprop.exercise.layers import with_marks

    return with_marks(loaded, layers)


def _check_digits(digits: int) -> None:
    from symbackprop import limits

    if not 0 <= digits <= limits.DIGITS_ASKED:
        raise ValueError(f"--digits {digits}: between 0 and {limits.DIGITS_ASKED}")


def _domain_fault(problem: "DomainProblem") -> "ExerciseError":
    """A function without a value at the example, as a fault of the equation where it stands."""
    from symbackprop.exercise import ExerciseError, Fault

    places = [place.removeprefix("equation ") for place in problem.where if place.startswith("equation ")]
    key = f"model.{places[-1]}" if places else "model"
    return ExerciseError([Fault(file="", key=key, message=str(problem))])


def _warn_of_hidden_mistakes(derivation: "Derivation") -> None:
    """Tell the teacher which mistakes the example's numbers would hide, and better numbers."""
    from symbackprop.derivation.advice import fact_lines
    from symbackprop.derivation.better import warning_lines

    lines = warning_lines(derivation)
    if lines:
        sys.stdout.flush()
        say("\n".join([f"\nwarning: {lines[0]}", *lines[1:]]))
    for line in fact_lines(derivation):
        say(f"\nhint: {line}")


def _print_gradients(derivation: "Derivation") -> None:
    from symbackprop.report import terminal

    rows = terminal.gradient_rows(derivation)
    if not is_terminal():
        for line in terminal.aligned([terminal.HEADINGS, *rows]):
            put(line)
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*terminal.HEADINGS, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    Console().print(table)
