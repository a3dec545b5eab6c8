"""A whole exam made in a folder: numbers, manifest, papers, solutions, rubric, files for platforms.

What students get and what they must not see are in folders of their own:

    EXAM/students/    papers/, papers-bundle.pdf
    EXAM/teacher/     manifest.json, solutions/, solutions-bundle.pdf, papers.tex, keys.tex, rubric.pdf, …
                      .typesetting/: what is needed to go on where a run was stopped
    EXAM/platforms/   moodle/, stack/, prairielearn/, qti/, canvas/
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Final

from symbackprop.exams.exports import EXPORTS
from symbackprop.exams.exports.pool import Pool
from symbackprop.exams.manifest import Issued, Manifest, ManifestError, identity, read_manifest, written
from symbackprop.exams.model import Exam, Student, Variant
from symbackprop.exams.roll import Roll, rolled
from symbackprop.exams.rubric import Rubrics
from symbackprop.exams.stream import short_mac
from symbackprop.exams.variants import Maker
from symbackprop.report.exams.codes import variant_code
from symbackprop.report.exams.ledger import Ledger
from symbackprop.report.files import OutputError
from symbackprop.report.pdf import Engine

if TYPE_CHECKING:
    from symbackprop.report.exams.batches import Comparison

KINDS: Final = ("papers", "solutions", "rubric", "keys", "tex", "json", *EXPORTS)
"""What can be made."""

POOL: Final = (50, 200)
"""Variants of a pool for a platform: fewer are shared by too many, more take long to import."""

MANIFEST: Final = "teacher/manifest.json"

Progress = Callable[[str, int, int], None]
"""Told what is being made, how many there are so far, and of how many."""


class ChangedExam(OutputError):
    """The folder holds another exam than the one that is to be made."""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Order:
    """What is asked for. `text` is the exam file; `folder` is the exam's own."""

    exam: Exam
    text: str
    students: tuple[Student, ...]
    secret: bytes
    kinds: tuple[str, ...]
    language: str
    folder: Path
    engine: Engine = "auto"
    jobs: int = 1
    resume: bool = False
    force: bool = False
    templates: Path | None = None
    progress: Progress = field(default=lambda what, done, total: None)

    def mac(self, text: str) -> str:
        """The code of a text under the secret."""
        return short_mac(self.secret, text, characters=16)

    def code(self, student: Student) -> str:
        """The number that is printed on a student's paper."""
        return variant_code(self.exam.key, student.id, self.mac)


@dataclass(eq=False, repr=False)
class Making:
    """One order being made. Every file is written whole or not at all."""

    order: Order
    compared: dict[str, int] = field(default_factory=dict)

    @cached_property
    def maker(self) -> Maker:
        """The exam's code."""
        return Maker.of(self.order.exam)

    @cached_property
    def ledger(self) -> Ledger:
        """Which files of the folder are ours."""
        return Ledger.of(self.order.folder, force=self.order.force)

    @cached_property
    def rubrics(self) -> Rubrics:
        """How the exam is marked."""
        return Rubrics(self.order.exam, {one.question.id: one.plan.tracer for one in self.maker.questions})

    @cached_property
    def before(self) -> Mapping[str, Issued]:
        """What was handed out before, by the student's id. Raises ChangedExam."""
        found = self._before()
        return {} if found is None else {one.student.id: one for one in found.issued}

    @cached_property
    def students(self) -> tuple[Student, ...]:
        """Those of the order; who has a number already keeps it, and the others get the next ones."""
        numbers = count(max((one.student.number for one in self.before.values()), default=0) + 1)
        return tuple(
            replace(
                one, number=self.before[one.id].student.number if one.id in self.before else next(numbers)
            )
            for one in self.order.students
        )

    @cached_property
    def variants(self) -> Roll:
        """Everybody's exam. Who has numbers already, by the manifest, keeps them.

        Raises Unsatisfiable, KeyMismatch, ChangedExam.
        """
        order, maker = self.order, self.maker
        known = {
            name: tuple(
                question.numbers(sheet)
                for question, sheet in zip(maker.questions, one.sheets, strict=True)
            )
            for name, one in self.before.items()
        }  # fmt: skip
        total = len(order.students)
        return rolled(
            maker, self.students, order.secret, known,
            progress=lambda done: order.progress("numbers", done, total),
        )  # fmt: skip

    def _before(self) -> Manifest | None:
        """The manifest that is there already. Raises ChangedExam where it is of another exam."""
        order = self.order
        path = order.folder / MANIFEST
        if order.force or not path.exists():
            return None
        try:
            found = read_manifest(path.read_text("utf-8"))
        except (OSError, UnicodeDecodeError, ManifestError) as error:
            raise ChangedExam(f"{path}: {error}. Use --force to make everything anew.") from None
        own = identity(order.text, order.exam.exercises)
        if (identity(found.text, found.exercises), found.mark) != (own, self.mark):
            what = "the exam file has changed" if found.mark == self.mark else "the secret is another one"
            advice = "Use another --output, or --force to make everything anew."
            raise ChangedExam(f"{path}: {what} since the numbers there were handed out. {advice}")
        return found

    @cached_property
    def mark(self) -> str:
        """What tells the secret from another, and tells nothing of it."""
        return short_mac(self.order.secret, "manifest", self.order.exam.key)

    # --- what is made

    def run(self) -> Iterator[Path]:
        """Make everything; each path when its file is there. Raises OutputError where another run is at
        work."""
        _ = self.variants  # where no numbers can be made, no folder is
        with self.ledger.alone():
            yield self.ledger.stream(MANIFEST, self._manifest())
            for kind in KINDS:
                if kind in self.order.kinds:
                    yield from (self._platform(kind) if kind in EXPORTS else _MAKERS[kind](self))

    def _manifest(self) -> Iterator[str]:
        order = self.order
        return written(order.exam.key, order.text, self._issued(), self.mark, order.exam.exercises)

    def _issued(self) -> Iterator[Issued]:
        """Everybody of the order, and who was handed an exam before and is in it no more."""
        for variant, code in self._coded():
            known = self.before.get(variant.student.id)
            planted = () if known is None else known.planted
            yield Issued(student=variant.student, code=code, sheets=variant.sheets, planted=planted)
        here = {student.id for student in self.students}
        yield from (one for name, one in self.before.items() if name not in here)

    def papers(self) -> Iterator[Path]:
        """A paper for each student, and the bundle."""
        return self._typeset(solutions=False)

    def solutions(self) -> Iterator[Path]:
        """A worked solution for each student, and the bundle."""
        from symbackprop.report.exams.answers import compare
        from symbackprop.report.exams.batches import Comparison
        from symbackprop.report.words import load_words

        order = self.order
        label = load_words(order.language, order.templates).page["exam_keys"]
        comparison = Comparison(lambda one, pdf: compare(pdf, order.exam.questions, one, label))
        yield from self._typeset(solutions=True, comparison=comparison)
        self.compared["PDF text"] = comparison.count

    @property
    def work(self) -> Path:
        """The folder of what is needed to go on."""
        return self.order.folder / "teacher/.typesetting"

    def _typeset(self, *, solutions: bool, comparison: Comparison | None = None) -> Iterator[Path]:
        from symbackprop.report.exams.batches import typeset_papers
        from symbackprop.report.exams.teachers import blamed, warn_of_names

        order = self.order
        what = "solutions" if solutions else "papers"
        if not order.exam.anonymous:
            warn_of_names(self.students)
        with blamed(order.exam, order.language):
            yield from typeset_papers(
                order.exam, self.variants, order.folder / ("teacher" if solutions else "students"),
                language=order.language, secret_mac=order.mac, engine=order.engine, solutions=solutions,
                jobs=order.jobs, progress=lambda done, total: order.progress(what, done, total),
                resume=order.resume, force=order.force, templates=order.templates, work=self.work,
                comparison=comparison,
            )  # fmt: skip

    def keys(self) -> Iterator[Path]:
        """All keys as LaTeX: a list to mark from."""
        from symbackprop.report.exams.keys import keys_text

        order = self.order
        text = keys_text(order.exam, self._coded(), language=order.language, templates=order.templates)
        yield self.ledger.stream("teacher/keys.tex", text)

    def tex(self) -> Iterator[Path]:
        """All papers as LaTeX, to be edited."""
        from symbackprop.report.exams.papers import paper_text

        order = self.order
        text = paper_text(
            order.exam, self.variants, language=order.language, form="tex", secret_mac=order.mac,
            templates=order.templates,
        )  # fmt: skip
        yield from self.ledger.write({"teacher/papers.tex": text.encode()})

    def rubric(self) -> Iterator[Path]:
        """The rubric of every variant; to go on, one that is there and of the same input is left alone."""
        from symbackprop.report.exams.inputs import exam_source, variant_source
        from symbackprop.report.exams.record import Record, digest
        from symbackprop.report.exams.rubric import rubric_csv, rubric_pdf
        from symbackprop.report.pdf import chosen

        order = self.order
        paths = [order.folder / name for name in ("teacher/rubric.csv", "teacher/rubric.pdf")]
        everybody = (part for one, code in self._coded() for part in (variant_source(one), code))
        how = f"{chosen(order.engine)} rubric"
        source = digest(exam_source(order.exam, order.language, how, order.templates), *everybody)
        where = self.work / "rubrics.json"
        record = Record.read(where) if order.resume else Record(where)
        if record.is_made(source, paths):
            yield from paths
            return
        table = rubric_csv(
            order.exam, self._coded(), self.rubrics, language=order.language, templates=order.templates
        )
        yield self.ledger.stream("teacher/rubric.csv", table)
        made = rubric_pdf(
            order.exam, self._coded(), self.rubrics, language=order.language, engine=order.engine,
            templates=order.templates,
        )  # fmt: skip
        yield from self.ledger.write({"teacher/rubric.pdf": made})
        record.add(source, paths)
        record.keep([source])

    def json(self) -> Iterator[Path]:
        """Everything as data: values, keys, points, wrong answers."""
        from symbackprop.report.exams.data import exam_json

        text = exam_json(self.order.exam, self._coded(), self.rubrics)
        yield self.ledger.stream("teacher/variants.json", text)

    def _coded(self) -> Iterator[tuple[Variant, str]]:
        return ((variant, self.order.code(variant.student)) for variant in self.variants)

    # --- platforms

    @cached_property
    def pool(self) -> Pool:
        """The questions for platforms, with variants that nobody has on paper."""
        from symbackprop.report.exams.pool import pool_of

        order = self.order
        _ = self.variants  # they come first: the pool's numbers are others
        least, most = POOL
        count = min(max(len(self.order.students), least), most)
        students = [Student(id=f"pool {number}", number=number) for number in range(1, count + 1)]
        variants = tuple(self.maker.variants(students, order.secret))
        return pool_of(order.exam, variants, self.rubrics, language=order.language, templates=order.templates)

    def _platform(self, name: str) -> list[Path]:
        """The files for one platform, their keys read back and compared."""
        from symbackprop.exams.exported import exported

        files, count = exported(self.pool, name)
        self.compared[name] = count
        return self.ledger.write({f"platforms/{name}/{path}": data for path, data in files.items()})


_MAKERS: Final = {
    "papers": Making.papers,
    "solutions": Making.solutions,
    "rubric": Making.rubric,
    "keys": Making.keys,
    "tex": Making.tex,
    "json": Making.json,
}


def said(making: Making) -> Iterator[str]:
    """What the command line says of the numbers, in English."""
    count = len(making.variants)
    for one, summary in zip(making.maker.questions, making.variants.summaries, strict=True):
        if not one.question.has_numbers:
            yield f"{one.question.id}: no numbers, the same for everybody"
            continue
        share = f"{one.made / one.attempts:.0%} of constructions were fair; " if one.attempts else ""
        yield (
            f"{one.question.id}: {count:,} variants, no two with the same data; {share}"
            f"{summary.least} to {summary.most} multiplications that are not trivial; "
            f"{summary.shared} full key{'s' * (summary.shared != 1)} shared"
        )
    yield f"every key was found twice, by the formulas and by dual numbers: {count:,} variants"
    for name, keys in making.compared.items():
        yield f"{name}: {keys:,} keys were read back from the files and compared"
