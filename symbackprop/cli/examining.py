"""The commands about exams: `exam` makes one, `stress` looks at its variants, `grade` marks answers."""

import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from symbackprop.cli.faults import guarded
from symbackprop.cli.printing import put, say

if TYPE_CHECKING:
    from rich.progress import TaskID

    from symbackprop.exams.model import Exam, Student

Secret = Annotated[
    Path | None,
    typer.Option(
        help="A file with a secret: who has none cannot work out anybody's numbers.", show_default=False
    ),
]
Language = Annotated[
    str | None,
    typer.Option(help="es or en. Without it the exam says, else English.", show_default=False),
]
Engine = Annotated[str, typer.Option(help="auto, pdflatex or typst, for PDFs.")]
Output = Annotated[Path, typer.Option(help="The folder; the exam gets one of its own in it.")]
Force = Annotated[bool, typer.Option("--force", help="Replace files that are not ours or were edited.")]
Templates = Annotated[
    Path | None, typer.Option(help="A folder whose templates go before ours.", show_default=False)
]


def exam(
    exam: Annotated[str, typer.Argument(help="An exam file, or the name of a bundled one.")],
    variants: Annotated[
        int | None, typer.Option(help="How many variants, numbered 1, 2, 3 …", show_default=False)
    ] = None,
    roster: Annotated[
        Path | None, typer.Option(help="A CSV of students: id, and perhaps name.", show_default=False)
    ] = None,
    secret_file: Secret = None,
    to: Annotated[
        str,
        typer.Option(
            help="What to make, with commas: papers, solutions, rubric, keys and tex (as LaTeX), json, and "
            "for platforms moodle, stack, prairielearn, qti, canvas."
        ),
    ] = "papers,solutions,rubric",
    language: Language = None,
    jobs: Annotated[int, typer.Option(help="Typesetters at a time.")] = 1,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on where a run was stopped: what is there is not made again.")
    ] = False,
    engine: Engine = "auto",
    output: Output = Path("output"),
    templates: Templates = None,
    force: Force = False,
) -> None:
    """Make an exam: a variant for each student, papers, solutions, rubric, files for platforms.

    Everything goes to OUTPUT/EXAM: what students get to students/, what they must not see to teacher/, and
    question files to platforms/. The manifest in teacher/ keeps every number.
    """
    with guarded():
        from symbackprop.report.exams.making import KINDS, Making, Order, said
        from symbackprop.report.outputs import ENGINES, one_of

        kinds = tuple(one_of("--to", part.strip(), KINDS) for part in to.split(","))
        one_of("--engine", engine, ENGINES)
        _check_jobs(jobs)
        source = _Source.of(exam)
        with _told() as progress:
            making = Making(
                Order(
                    exam=source.exam, text=source.text, students=_students(variants, roster),
                    secret=_secret(secret_file), kinds=kinds,
                    language=_language(source.exam, language, templates), folder=output / source.exam.key,
                    engine=engine,  # type: ignore[arg-type]  # it is one of them: just looked at
                    jobs=jobs, resume=resume, force=force, templates=templates, progress=progress,
                )
            )  # fmt: skip
            with source.faults(), _warnings_said():
                files = list(making.run())
        for line in said(making):
            put(line)
        folders: dict[Path, int] = {}
        for path in files:
            folders[path.parent] = folders.get(path.parent, 0) + 1
        for folder, count in folders.items():
            put(f"wrote {folder} ({count:,} file{'s' * (count != 1)})")


def stress(
    exam: Annotated[str, typer.Argument(help="An exam file, or the name of a bundled one.")],
    variants: Annotated[int, typer.Option(help="How many variants are looked at.")] = 1_000,
    secret_file: Secret = None,
    language: Language = None,
    engine: Engine = "auto",
    output: Output = Path("output"),
    templates: Templates = None,
    force: Force = False,
) -> None:
    """Say what an exam's variants are like before anyone sits them: fair, different, equally hard.

    The figures are printed, and plotted on a page, OUTPUT/EXAM/teacher/stress.pdf.
    """
    with guarded():
        from symbackprop.exams.stress import stressed
        from symbackprop.exams.variants import Maker, anonymous
        from symbackprop.report.exams.ledger import Ledger
        from symbackprop.report.exams.stress import stress_pdf
        from symbackprop.report.exams.stress_lines import terminal_lines
        from symbackprop.report.outputs import ENGINES, one_of

        one_of("--engine", engine, ENGINES)
        source = _Source.of(exam)
        spoken = _language(source.exam, language, templates)
        ledger = Ledger.of(output / source.exam.key, force=force)
        ledger.check([_STRESS])
        secret = b"" if secret_file is None else _secret(secret_file)
        with _told() as progress, source.faults():
            students = list(anonymous(variants))

            def counted() -> Iterator["Student"]:
                for done, student in enumerate(students, start=1):
                    yield student
                    progress("variants", done, variants)

            found = stressed(Maker.of(source.exam), counted(), secret)
        for line in terminal_lines(found, source.exam):
            put(line)
        page = stress_pdf(found, source.exam, spoken, engine, templates)  # type: ignore[arg-type]
        (path,) = ledger.write({_STRESS: page})
        put(f"wrote {path}")


_STRESS = "teacher/stress.pdf"


def grade(
    answers: Annotated[
        list[Path],
        typer.Argument(
            help="CSVs (student, part, values) and folders of derivations, one a student; several are put "
            "together part by part."
        ),
    ],
    exam: Annotated[Path, typer.Option(help="The folder that `exam` made, with teacher/manifest.json.")],
    to: Annotated[str, typer.Option(help="The feedback, with commas: md, pdf.")] = "md",
    language: Language = None,
    jobs: Annotated[int, typer.Option(help="Typesetters at a time.")] = 1,
    engine: Engine = "auto",
    output: Annotated[
        Path | None,
        typer.Option(help="The folder; without it grading/ in that of the exam.", show_default=False),
    ] = None,
    templates: Templates = None,
    force: Force = False,
) -> None:
    """Mark answers: marks.csv, feedback for each student, a report on the class.

    What follows from an earlier mistake earns full points. What cannot be read is never wrong: it is in
    to-review.csv, for a person.
    """
    with guarded():
        from symbackprop.exams.manifest import read_manifest
        from symbackprop.report.exams.feedback_files import GradedOutputs, grade_in, stale
        from symbackprop.report.exams.ledger import Ledger
        from symbackprop.report.exams.making import MANIFEST
        from symbackprop.report.outputs import ENGINES, one_of

        kinds = [one_of("--to", part.strip(), ("md", "pdf")) for part in to.split(",")]
        one_of("--engine", engine, ENGINES)
        _check_jobs(jobs)
        manifest = read_manifest((exam / MANIFEST).read_text("utf-8"))
        graded = grade_in(answers, manifest, language, templates)
        spoken = _language(graded.exam, language, templates)
        ledger = Ledger.of(exam / "grading" if output is None else output, force=force)
        made = [
            GradedOutputs(
                graded, spoken, templates=templates, jobs=jobs,
                kind=kind, engine=engine,  # type: ignore[arg-type]  # both were just looked at
            )
            for kind in dict.fromkeys(kinds)
        ]  # fmt: skip
        ledger.check(path for one in made for path in one.paths())
        written = set()
        with _told() as progress, ledger.alone():
            for one in made:
                total = len(one.paths())
                for done, (path, content) in enumerate(one.files(), start=1):
                    ledger.write({path: content.encode() if isinstance(content, str) else content})
                    written.add(path)
                    progress("feedback", done, total)
        present = sum(one.present for one in graded.students)
        doubts = len(graded.doubts)
        put(
            f"marked {present:,} of {len(graded.students):,} students; {doubts:,} to look at in to-review.csv"
        )
        put(f"wrote {ledger.folder} ({len(written):,} files)")
        removed = ledger.remove(stale(ledger.written, written))
        if removed:
            put(f"removed {len(removed):,} of an earlier run")


@dataclass(frozen=True, slots=True)
class _Source:
    """An exam with its file."""

    name: str
    text: str
    exam: "Exam"

    @classmethod
    def of(cls, name: str) -> "_Source":
        """The exam in a file, or the bundled one. Raises ExerciseError."""
        from symbackprop.exams.file import exam_and_text

        exam, text = exam_and_text(name)
        return cls(name, text, exam)

    @contextmanager
    def faults(self) -> Iterator[None]:
        """Faults that are found later, with the file and the line of their keys."""
        from symbackprop.exercise import ExerciseError
        from symbackprop.exercise.located import located

        try:
            yield
        except ExerciseError as error:
            raise located(error, Path(self.name), self.text) from None


def _check_jobs(jobs: int) -> None:
    if not 1 <= jobs <= 64:
        raise ValueError(f"--jobs {jobs}: between 1 and 64")


def _students(variants: int | None, roster: Path | None) -> tuple["Student", ...]:
    """Those of the roster, or as many as were asked for; one without either."""
    from symbackprop.exams.roster import read_roster
    from symbackprop.exams.variants import anonymous

    if roster is None:
        return tuple(anonymous(1 if variants is None else variants))
    if variants is not None:
        raise ValueError("--variants and --roster: there is a variant for each student of a roster; take one")
    return read_roster(roster)


def _secret(path: Path | None) -> bytes:
    """The secret in a file; none is a warning."""
    from symbackprop.limits import FILE_BYTES, SECRET_BYTES

    if path is None:
        say("warning: without --secret-file whoever has the exam file can work out everybody's numbers")
        return b""
    least, most = SECRET_BYTES
    with path.open("rb") as stream:
        secret = stream.read(FILE_BYTES).strip()  # a device would never end
    if not least <= len(secret) <= most:
        raise ValueError(
            f"--secret-file {path}: {len(secret)} bytes; a secret has from {least} to {most}, for example "
            "those that `head -c 32 /dev/urandom | base64` writes"
        )
    return secret


def _language(exam: "Exam", asked: str | None, templates: Path | None) -> str:
    from symbackprop.report.outputs import one_of
    from symbackprop.report.words import languages

    known = languages(templates)
    return one_of("--language" if asked else "language", asked or exam.language, known)


@contextmanager
def _warnings_said() -> Iterator[None]:
    """What we warn of in a teacher's texts, each once, in plain lines and not as Python shows it."""
    from symbackprop.report.exams.teachers import TeachersWarning

    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always", TeachersWarning)
        yield
    said = set()
    for one in found:
        text = str(one.message)
        if not issubclass(one.category, TeachersWarning):
            warnings.warn_explicit(one.message, one.category, one.filename, one.lineno)
        elif text not in said:
            said.add(text)
            say(f"warning: {text}")


@contextmanager
def _told() -> Iterator[Callable[[str, int, int], None]]:
    """A bar for each thing that is made, on a terminal; elsewhere nothing."""
    if not sys.stderr.isatty():
        yield lambda what, done, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        tasks: dict[str, TaskID] = {}

        def told(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = progress.add_task(what, total=total)
            progress.update(tasks[what], completed=done, total=total)

        yield told
