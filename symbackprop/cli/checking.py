"""The command `check`: a derivation that a person wrote, judged line by line."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from symbackprop.cli.faults import check_words, guarded
from symbackprop.cli.printing import is_terminal, put, say

if TYPE_CHECKING:
    from symbackprop.exercise.model import Exercise
    from symbackprop.report.checked.outputs import CheckedOutputs

_TONES = {
    "": "", "right": "green", "near": "yellow", "wrong": "bold red", "unread": "magenta", "quiet": "dim",
}  # fmt: skip
"""What each tone of the text report looks like on a terminal."""


def check(
    file: Annotated[
        str, typer.Argument(help="LaTeX, Markdown, plain text, a notebook or code; - is standard input.")
    ],
    exercise: Annotated[
        list[str] | None,
        typer.Option(
            help="The exercise it is about: a file, or the name of a bundled one. May be repeated.",
            show_default=False,
        ),
    ] = None,
    to: Annotated[
        str, typer.Option(help="What to make, with commas: text (printed), pdf, md, html, json.")
    ] = "text",
    language: Annotated[
        str | None,
        typer.Option(help="es or en. Without it the exercise says, else English.", show_default=False),
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict-conventions", help="Another convention than the exercise's is wrong.")
    ] = False,
    dy: Annotated[str, typer.Option(help="What dy is: auto, yhat (dL/dŷ) or y (dL/dy).")] = "auto",
    marks: Annotated[
        str, typer.Option(help="What the 1 of W^(1) is: auto, layer, neuron or example.")
    ] = "auto",
    layout: Annotated[
        str, typer.Option(help="gradient (the variable's shape) or numerator (transposed).")
    ] = "gradient",
    decimals: Annotated[str, typer.Option(help="The decimal mark: auto, comma or point.")] = "auto",
    dot: Annotated[
        str, typer.Option(help="What a dot between arrays is: auto, scalar, matrix, dot or hadamard.")
    ] = "auto",
    delta: Annotated[str, typer.Option(help="What δ is where nobody says it: dz or -dz.")] = "dz",
    examples: Annotated[str, typer.Option(help="The examples of a batch: auto, rows or columns.")] = "auto",
    engine: Annotated[str, typer.Option(help="auto, pdflatex or typst, for the PDF.")] = "auto",
    output: Annotated[Path, typer.Option(help="The folder for the files.")] = Path("output"),
    templates: Annotated[
        Path | None, typer.Option(help="A folder whose templates go before ours.", show_default=False)
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace files that are not ours or were edited.")
    ] = False,
) -> None:
    """Check a derivation that somebody wrote by hand, line by line.

    Each line gets a verdict, and the reason for it. The report is printed; with --to, files are written
    too: NAME-check.pdf and so on. The exit code is 0 if all that was read holds, 1 if something is
    wrong, 2 if nothing could be read.
    """
    with guarded():
        from symbackprop.report import outputs as derived
        from symbackprop.report.checked import outputs

        kinds = outputs.kinds_of(to)
        derived.one_of("--engine", engine, derived.ENGINES)
        if not exercise:
            raise ValueError("--exercise is missing: which exercise is the derivation about?")
        chosen = {
            "dy": dy, "marks": marks, "layout": layout, "decimals": decimals, "dot": dot, "delta": delta,
            "examples": examples,
        }  # fmt: skip
        settings = outputs.settings_of({**chosen, "strict": strict}, "--")
        exercises, spoken = _exercises(exercise, language, templates)
        paths = outputs.file_paths(file, kinds, output)
        if paths:
            from symbackprop.report.files import check_writable  # the terminal alone needs no files

            check_writable(list(paths.values()), force=force)
        from dataclasses import replace

        from symbackprop.checking.check import check_text
        from symbackprop.checking.source import read_source

        name, text, suffix = read_source(file)
        checked = check_text(
            text, exercises, name=name, suffix=suffix, settings=replace(settings, language=spoken)
        )
        made = outputs.CheckedOutputs(
            checked, language=spoken, templates=templates,
            engine=engine,  # type: ignore[arg-type]  # it is one of them: just looked at
        )  # fmt: skip
        written = _written(made.files(paths), force=force) if paths else []
        if "text" in kinds:
            _print_text(made)
        for path in written:
            (say if "text" in kinds else put)(f"wrote {path}")
        if checked.code:
            sys.stdout.flush()
            raise typer.Exit(checked.code)


def _written(files: Mapping[Path, str | bytes], *, force: bool) -> list[Path]:
    from symbackprop.report.files import write_all

    return write_all(files, force=force)


def _exercises(
    names: list[str], asked: str | None, templates: Path | None
) -> tuple[tuple["Exercise", ...], str]:
    """The exercises, and the language of the report."""
    from symbackprop.exercise import load
    from symbackprop.report.checked.voice import language_of
    from symbackprop.report.outputs import one_of
    from symbackprop.report.words import languages

    known = languages(templates)
    if asked is not None:
        one_of("--language", asked, known)
    loaded = tuple(load(name) for name in dict.fromkeys(names))
    for name, one in zip(dict.fromkeys(names), loaded, strict=True):
        check_words(name, one, asked, templates)
        for warning in one.warnings:
            say(f"warning: {warning}")
    return loaded, one_of("language", language_of(loaded, asked), known)


def _print_text(made: "CheckedOutputs") -> None:
    """The report on standard output, in colours where that is a terminal."""
    if not is_terminal():
        put(made.text, end="")
        return
    from rich.console import Console
    from rich.text import Text

    from symbackprop.report.checked.text import lines

    console = Console(highlight=False)
    for line in lines(made.voice, console.width):
        shown = Text.assemble(*((text, _TONES[tone]) for text, tone in line))
        console.print(shown, no_wrap=True, overflow="ignore", crop=False)
