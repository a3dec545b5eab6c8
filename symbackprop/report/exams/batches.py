"""Papers as PDFs: typeset in large runs, taken apart, one file a student and one bundle for printing.

Runs are cut by place in the roster, whatever the number of jobs: the same input gives the same bytes. Every
file is written whole or not at all, and noted once it is there: what stops a run loses no finished batch.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final, Literal

from symbackprop import limits
from symbackprop.exams.model import Exam, Student, Variant, in_language
from symbackprop.notation.node import Plain
from symbackprop.report.exams.codes import SecretMac
from symbackprop.report.exams.inputs import exam_source, variant_source
from symbackprop.report.exams.papers import Papers
from symbackprop.report.exams.record import Record, digest
from symbackprop.report.exams.splitting import bundle, page_count, papers_in
from symbackprop.report.exams.teachers import latex_texts
from symbackprop.report.files import write_whole
from symbackprop.report.pdf import FORM, Engine, Running, Typeset, chosen, typeset

Progress = Callable[[int, int], None]
"""Told how many papers there are so far, and of how many."""

WORK: Final = ".typesetting"
"""The folder of what is needed to go on."""


def file_name(student: Student, code: str, *, solutions: bool = False) -> str:
    """`0017-3f2a9c1b77de.pdf`: the place in the roster and the anonymous number."""
    return f"{student.number:04}-{code}{'-solution' if solutions else ''}.pdf"


@dataclass(slots=True)
class Comparison:
    """What reads files back: `check` gives how many numbers of one it found right, `count` is of them all."""

    check: Callable[[Variant, bytes], int]
    count: int = 0


def typeset_papers(
    exam: Exam,
    variants: Sequence[Variant],
    folder: Path,
    *,
    language: str,
    secret_mac: SecretMac,
    engine: Engine = "auto",
    solutions: bool = False,
    jobs: int = 1,
    progress: Progress | None = None,
    resume: bool = False,
    force: bool = False,
    templates: Path | None = None,
    work: Path | None = None,
    comparison: Comparison | None = None,
) -> Iterator[Path]:
    """Typeset everybody's paper: `papers/0017-3f2a9c1b77de.pdf`, and `papers-bundle.pdf` for printing.

    `solutions`: the solutions, as `solutions/0017-…-solution.pdf` and `solutions-bundle.pdf`. Each path is
    yielded once its file is there. `jobs` typesetters run at a time. `resume` leaves alone what is there
    already, whole and of the same input; without it everything is made anew. `force` replaces files that are
    not ours. `work` is the folder of what is needed to go on; without it `.typesetting` beside the papers.
    `comparison` looks at every file once: one that is there and was compared is not compared again.
    Raises TypesettingError, PapersError where a paper has other pages than the first one, OutputError where
    the folder cannot be written, ValueError for two papers of one name.
    """
    used = chosen(engine)
    press = Press(
        exam=exam, variants=variants, folder=folder, force=force, engine=used,
        work=folder / WORK if work is None else work, comparison=comparison,
        papers=Papers(
            exam, language, FORM[used], secret_mac,
            solutions=solutions, templates=templates,
        ),
    )  # fmt: skip
    record = Record.read(press.record_path) if resume else Record(press.record_path)
    press.tidy()
    yield from press.run(record, jobs, progress or (lambda done, total: None))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Batch(Plain):
    """Papers of one run: their hash, whose they are, their codes and their files. `sheets` is the run's own
    PDF."""

    source: str
    variants: Sequence[Variant]
    codes: tuple[str, ...]
    files: tuple[Path, ...]
    sheets: Path


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Press:
    """What is typeset, with what and where."""

    exam: Exam
    variants: Sequence[Variant]
    folder: Path
    force: bool
    engine: Literal["pdflatex", "typst"]
    papers: Papers
    work: Path
    comparison: Comparison | None = None

    @property
    def kind(self) -> str:
        """`papers` or `solutions`."""
        return "solutions" if self.papers.solutions else "papers"

    @property
    def record_path(self) -> Path:
        """The file that says what has been made."""
        return self.work / f"{self.kind}.json"

    @property
    def bundle_path(self) -> Path:
        """The file for printing."""
        return self.folder / f"{self.kind}-bundle.pdf"

    @cached_property
    def title(self) -> str:
        """What the PDFs say of themselves."""
        texts = latex_texts(self.exam, self.papers.language)
        return self.exam.key if "title" in texts else in_language(self.exam.title, self.papers.language)

    @cached_property
    def source(self) -> str:
        """A hash of what is the same for everybody."""
        papers = self.papers
        return exam_source(self.exam, papers.language, f"{self.engine} {self.kind}", papers.templates)

    def tidy(self) -> None:
        """Remove what a killed run left half written."""
        for folder in (self.folder, self.folder / self.kind, self.work):
            for path in folder.glob(".*.part"):
                path.unlink(missing_ok=True)

    def run(self, record: Record, jobs: int, progress: Progress) -> Iterator[Path]:
        """Make what is not there yet."""
        total, done = len(self.variants), 0
        if not total:
            return
        pages = None if self.papers.solutions else self._pages(record)
        sources: list[tuple[str, tuple[str, ...], Path]] = []
        running = Running()
        pool = ThreadPoolExecutor(max(1, jobs))
        try:
            for batch, sheets in self._made(pool, running, record, pages, ahead=max(1, jobs) + 1):
                if sheets is not None:
                    self._put(batch, sheets.pdf, pages)
                    record.add(batch.source, batch.files)
                self._compare(batch, record)
                sources.append((batch.source, batch.codes, batch.sheets))
                done += len(batch.codes)
                progress(done, total)
                yield from batch.files
        finally:
            running.end()
            pool.shutdown(wait=True, cancel_futures=True)
        yield self._bundled(record, sources, pages)

    def _pages(self, record: Record) -> int:
        """How many pages every paper has: those of the first one."""
        source = digest(self.source, variant_source(self.variants[0]))
        if source not in record.pages:
            text = self.papers.document(self.variants[:1])
            record.pages[source] = page_count(self._typeset(text, Running(), 1).pdf)
        return record.pages[source]

    def _compare(self, batch: Batch, record: Record) -> None:
        """Have the files of a run read back, unless they are as they were when it was done. Raises what the
        comparison raises."""
        if self.comparison is None:
            return
        if batch.source not in record.compared:
            pairs = zip(batch.variants, batch.files, strict=True)
            count = sum(self.comparison.check(variant, path.read_bytes()) for variant, path in pairs)
            record.right(batch.source, count)
        self.comparison.count += record.compared[batch.source]

    def _batches(self, pages: int | None) -> Iterator[Batch]:
        """The papers in runs."""
        names: set[str] = set()
        for start in range(0, len(self.variants), limits.TYPESETTING_PAPERS):
            variants = self.variants[start : start + limits.TYPESETTING_PAPERS]
            codes = tuple(map(self.papers.code, variants))
            files = tuple(
                file_name(variant.student, code, solutions=self.papers.solutions)
                for variant, code in zip(variants, codes, strict=True)
            )
            for name in files:
                if name in names:
                    raise ValueError(f"two papers would be {name}: two students have the same id")
                names.add(name)
            source = digest(self.source, str(pages), *map(variant_source, variants), *files)
            yield Batch(
                variants=variants, source=source, codes=codes,
                files=tuple(self.folder / self.kind / name for name in files),
                sheets=self.work / f"{self.kind}-{source[:16]}.pdf",
            )  # fmt: skip

    def _made(
        self, pool: ThreadPoolExecutor, running: Running, record: Record, pages: int | None, *, ahead: int
    ) -> Iterator[tuple[Batch, Typeset | None]]:
        """Every batch in order with its PDF, or None where its files are there; `ahead` are begun at once."""
        waiting: deque[tuple[Batch, Future[Typeset] | None]] = deque()
        for batch in self._batches(pages):
            future = None
            if not record.is_made(batch.source, batch.files):
                text = self.papers.document(batch.variants, pages)
                future = pool.submit(self._typeset, text, running, len(batch.codes), pages)
            waiting.append((batch, future))
            if len(waiting) > ahead:
                yield _finished(waiting)
        while waiting:
            yield _finished(waiting)

    def _typeset(self, text: str, running: Running, papers: int, pages: int | None = None) -> Typeset:
        count = papers * (pages or self.papers.most_pages)
        return typeset(text, engine=self.engine, pages=count, running=running)

    def _put(self, batch: Batch, sheets: bytes, pages: int | None) -> None:
        """Write the papers of a run, and the run itself, which the bundle is made of."""
        made = papers_in(sheets, batch.codes, pages, title=self.title, language=self.papers.language)
        write_whole(batch.sheets, sheets, force=True)
        for path, paper in zip(batch.files, made, strict=True):
            write_whole(path, paper, force=self.force)

    def _bundled(
        self, record: Record, sources: Sequence[tuple[str, tuple[str, ...], Path]], pages: int | None
    ) -> Path:
        """The bundle for printing; then the runs that it is made of go."""
        source = digest("bundle", *(source for source, _, _ in sources))
        path = self.bundle_path
        if not record.is_made(source, [path]):
            sheets = ((self._sheets(at, name, pages), codes) for at, (_, codes, name) in enumerate(sources))
            data = bundle(sheets, title=self.title, language=self.papers.language)
            write_whole(path, data, force=self.force)
            record.add(source, [path])
        record.keep([source, *(source for source, _, _ in sources)])
        for old in self.work.glob(f"{self.kind}-*.pdf"):
            old.unlink(missing_ok=True)
        return path

    def _sheets(self, at: int, path: Path, pages: int | None) -> bytes:
        """The PDF of a run; of one that is gone, made again."""
        if path.exists():
            return path.read_bytes()
        start = at * limits.TYPESETTING_PAPERS
        variants = self.variants[start : start + limits.TYPESETTING_PAPERS]
        text = self.papers.document(variants, pages)
        return self._typeset(text, Running(), len(variants), pages).pdf


def _finished(
    waiting: deque[tuple[Batch, Future[Typeset] | None]],
) -> tuple[Batch, Typeset | None]:
    batch, future = waiting.popleft()
    return batch, None if future is None else future.result()
