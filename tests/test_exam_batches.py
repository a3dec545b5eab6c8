"""Papers as PDFs: the same places in every variant, no answer anywhere, nothing lost when one is stopped."""

import re
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any, Literal

import pikepdf
import pytest
import segno
from test_exam_papers import QUESTIONS, exam, mac, variant

from symbackprop import limits
from symbackprop.exams.file import load_exam
from symbackprop.exams.model import Exam, Student, Variant
from symbackprop.exams.variants import KeyMismatch, Maker, anonymous
from symbackprop.report.exams import batches
from symbackprop.report.exams.answers import answers, compare
from symbackprop.report.exams.batches import Comparison, file_name, typeset_papers
from symbackprop.report.exams.codes import payload, variant_code
from symbackprop.report.exams.keys import keys_text
from symbackprop.report.exams.papers import Papers
from symbackprop.report.exams.record import Record, digest
from symbackprop.report.exams.splitting import PapersError, bundle, papers_in
from symbackprop.report.files import NotOursError, ours
from symbackprop.report.pdf import Running, TypesettingError, typeset
from symbackprop.report.words import load_words

Engine = Literal["pdflatex", "typst"]
ENGINES: tuple[Engine, ...] = ("pdflatex", "typst")
EACH_ENGINE = pytest.mark.parametrize("engine", ENGINES)

SHORT = QUESTIONS[:1]
NAMES = ("Ana García", "Łukasz Ñandú", "", "A name that is so long that it must be made smaller " * 2, "Bo")
EVERYBODY = tuple(variant(at, name) for at, name in enumerate(NAMES, 1))
"""Numbers of one and two digits, whole, halves: what could move something on the page."""


def only(one: Variant, count: int) -> Variant:
    return Variant(student=one.student, sheets=one.sheets[:count])


NEURONS = tuple(only(one, 1) for one in EVERYBODY)


@pytest.fixture(autouse=True)
def _tex(pdflatex: str, poppler: None) -> None:
    """All of these look into PDFs."""


def made(
    folder: Path, variants: tuple[Variant, ...] = NEURONS, *, asked: Exam | None = None, **options: Any
) -> list[Path]:
    chosen = {"language": "es", "secret_mac": mac, "engine": "typst", **options}
    return list(typeset_papers(asked or exam(questions=SHORT), variants, folder, **chosen))


def said(path: Path) -> str:
    run = subprocess.run(["pdftotext", "-layout", str(path), "-"], capture_output=True, text=True, check=True)
    return run.stdout


# --- where things are ---------------------------------------------------------------------------------


Transform = tuple[float, float, float, float, float, float]


def times(first: Transform, second: Transform) -> Transform:
    a, b, c, d, e, f = first
    p, q, r, s, t, u = second
    return (
        a * p + b * r, a * q + b * s, c * p + d * r, c * q + d * s, e * p + f * r + t, e * q + f * s + u,
    )  # fmt: skip


def rectangles(page: pikepdf.Page) -> Iterator[tuple[float, float, float, float]]:
    """Every filled or stroked rectangle, and every straight line, of a page: left, bottom, right, top."""
    now: Transform = (1, 0, 0, 1, 0, 0)
    kept: list[Transform] = []
    path: list[tuple[float, float]] = []

    def at(x: float, y: float) -> tuple[float, float]:
        a, b, c, d, e, f = now
        return a * x + c * y + e, b * x + d * y + f

    for one in pikepdf.parse_content_stream(page):
        operator = str(one.operator)
        numbers = [float(value) for value in one.operands if isinstance(value, int | Decimal)]
        if operator == "q":
            kept.append(now)
        elif operator == "Q":
            now = kept.pop()
        elif operator == "cm":
            now = times(tuple(numbers), now)  # type: ignore[arg-type]
        elif operator == "re":
            x, y, width, height = numbers
            path += [at(x, y), at(x + width, y + height)]
            yield box(path[-2:])
        elif operator in ("m", "l"):
            path.append(at(*numbers))
        elif operator in ("h", "S", "s", "f", "n"):
            if len(path) > 1:
                yield box(path)
            if operator != "h" or len(path) <= 5:
                path = []


def box(path: list[tuple[float, float]]) -> tuple[float, float, float, float]:
    across, up = zip(*path, strict=True)
    return min(across), min(up), max(across), max(up)


def frames(page: pikepdf.Page) -> list[tuple[float, ...]]:
    """What is wider than 8 cm: the frames of the boxes for answers, whole or by their sides."""
    wide = 8 / 2.54 * 72
    return sorted(
        tuple(round(value, 1) for value in one) for one in rectangles(page) if one[2] - one[0] > wide
    )


@EACH_ENGINE
@pytest.mark.parametrize("large", [False, True], ids=["usual", "large"])
def test_boxes_are_in_the_same_places_in_every_variant(tmp_path: Path, engine: Engine, large: bool) -> None:
    *files, _ = made(tmp_path, EVERYBODY, asked=exam(large_print=large), engine=engine)
    places = []
    for path in files:
        with pikepdf.open(path) as pdf:
            places.append([frames(page) for page in pdf.pages])
    named = [one for one, name in zip(places, NAMES, strict=True) if name]
    assert all(one == named[0] for one in named)
    (unnamed,) = (one for one, name in zip(places, NAMES, strict=True) if not name)
    line = [frame for frame in unnamed[0] if frame not in named[0][0]]
    assert len(line) == 1  # the one to write the name on
    assert unnamed[1:] == named[0][1:]
    asked = sum(len(question.parts) for question in QUESTIONS)
    assert sum(len(page) for page in named[0]) >= asked


@EACH_ENGINE
def test_the_code_of_a_page_is_drawn_as_segno_has_it(tmp_path: Path, engine: Engine) -> None:
    """Every page of every paper of a run, not only of the first."""
    *files, _ = made(tmp_path, EVERYBODY[:3], engine=engine, asked=exam())
    for path, one in zip(files, EVERYBODY, strict=False):
        code = variant_code("parcial-1", one.student.id, mac)
        with pikepdf.open(path) as pdf:
            assert len(pdf.pages) > 1
            for number, page in enumerate(pdf.pages, 1):
                matrix = segno.make(
                    payload("parcial-1", code, number, mac), error="m", mode="byte", mask=3, micro=False,
                    boost_error=False,
                ).matrix  # fmt: skip
                rows = ["".join(map(str, row)) for row in matrix]
                assert squares(page, len(matrix)) == rows, (path.name, number)


def squares(page: pikepdf.Page, size: int) -> list[str]:
    """The squares of a page's code, row by row."""
    side = 0.52 / 25.4 * 72
    runs = [one for one in rectangles(page) if abs(one[3] - one[1] - side) < 0.02 and one[2] > 480]
    assert runs, "a page has no code"
    left, top = min(one[0] for one in runs), max(one[3] for one in runs)
    drawn = [["0"] * size for _ in range(size)]
    for x, _, right, y in runs:
        for column in range(round((x - left) / side), round((right - left) / side)):
            drawn[round((top - y) / side)][column] = "1"
    return ["".join(row) for row in drawn]


@EACH_ENGINE
@pytest.mark.parametrize("solutions", [False, True], ids=["papers", "solutions"])
def test_every_paper_of_a_run_has_the_heads_of_the_first(
    tmp_path: Path, engine: Engine, solutions: bool
) -> None:
    """The date on its first page, the title on the others, pages counted from its own first."""
    *files, _ = made(
        tmp_path, EVERYBODY[:3], engine=engine, solutions=solutions, asked=exam(date="2026-12-10")
    )
    for path in files:
        with pikepdf.open(path) as pdf:
            pages = len(pdf.pages)
        for page in range(1, pages + 1):
            text = said_on(path, page)
            assert f"Página {page} de {pages}" in text
            assert ("10 de diciembre de 2026" in text) == (page == 1)
            assert text.count("Primer parcial") == 1


@EACH_ENGINE
@pytest.mark.parametrize("large", [False, True], ids=["usual", "large"])
def test_a_long_name_does_not_touch_the_code_at_the_foot(tmp_path: Path, engine: Engine, large: bool) -> None:
    path, *_ = made(tmp_path, NEURONS[3:4], engine=engine, asked=exam(questions=SHORT, large_print=large))
    code = variant_code("parcial-1", NEURONS[3].student.id, mac)
    command = ["pdftotext", "-bbox", str(path), "-"]
    found = re.findall(
        r'xMin="([\d.]+)" yMin="([\d.]+)" xMax="([\d.]+)" yMax="([\d.]+)">([^<]*)<',
        subprocess.run(command, capture_output=True, text=True, check=True).stdout,
    )
    foot = [(float(x), float(right), word) for x, y, right, _, word in found if float(y) > 780]
    (start, *_) = (x for x, _, word in foot if word == code)
    before = [right for x, right, word in foot if x < start]
    assert before
    assert max(before) < start - 5


# --- what is in a paper ------------------------------------------------------------------------------------


@EACH_ENGINE
def test_a_students_pdf_is_theirs_alone(tmp_path: Path, engine: Engine) -> None:
    """No answer, no name and no code of others, in text, metadata, attachments or file names."""
    *files, _ = made(tmp_path, engine=engine)
    codes = [variant_code("parcial-1", one.student.id, mac) for one in NEURONS]
    for at, (path, one) in enumerate(zip(files, NEURONS, strict=True)):
        assert path == tmp_path / "papers" / f"000{at + 1}-{codes[at]}.pdf"
        text = said(path)
        assert codes[at] in text
        assert not any(code in text for code in codes if code != codes[at])
        with pikepdf.open(path) as pdf:
            assert dict(pdf.docinfo) == {"/Title": "Primer parcial"}
            assert pdf.Root.Lang == "es"
            assert not pdf.attachments
            assert {"/Names", "/Metadata", "/Outlines", "/StructTreeRoot", "/AcroForm"}.isdisjoint(pdf.Root)
            pages = len(pdf.pages)
        assert len(re.findall(rf"Página \d+ de {pages}\b", text)) == pages
        answers = {str(value) for name in ("z", "L", "dW") for value in shown(one, name)}
        given = {str(value) for array in one.sheets[0].values.values() for value in array.entries}
        looked_for = [answer for answer in answers - given if len(answer) > 2]
        assert not any(re.search(rf"(?<![\d,]){re.escape(answer)}(?![\d,])", text) for answer in looked_for)


def shown(one: Variant, name: str) -> Iterator[str]:
    """The numbers of an answer as a Spanish paper would print them."""
    for value in one.sheets[0].key[name].entries:
        if value.denominator in (1, 2, 4, 8):
            yield format(float(value), "g").replace(".", ",").replace("-", "−")


@EACH_ENGINE
def test_the_solutions_have_the_answers(tmp_path: Path, engine: Engine) -> None:
    *files, together = made(tmp_path, NEURONS[:3], engine=engine, solutions=True)
    assert together == tmp_path / "solutions-bundle.pdf"
    for path, one in zip(files, NEURONS, strict=False):
        assert path.parent.name == "solutions"
        assert path.name.endswith("-solution.pdf")
        text = re.sub(r"-", "−", said(path))
        for name in ("z", "L", "dW"):
            for value in shown(one, name):
                assert value in text, name


@EACH_ENGINE
def test_the_bundle_can_be_printed_on_both_sides(
    tmp_path: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "TYPESETTING_PAPERS", 2)
    *files, together = made(tmp_path, engine=engine)
    with pikepdf.open(files[0]) as pdf:
        pages = len(pdf.pages)
    even = pages + pages % 2
    with pikepdf.open(together) as pdf:
        assert len(pdf.pages) == even * len(NEURONS)
        firsts = [said_on(together, 1 + even * at) for at in range(len(NEURONS))]
    for one, text in zip(NEURONS, firsts, strict=True):
        assert variant_code("parcial-1", one.student.id, mac) in text


def said_on(path: Path, page: int) -> str:
    command = ["pdftotext", "-f", str(page), "-l", str(page), str(path), "-"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@EACH_ENGINE
@pytest.mark.parametrize("language", ["es", "en"])
def test_the_line_of_a_mistake_is_read_back(tmp_path: Path, engine: Engine, language: str) -> None:
    """The number of the line and the right numbers, with those of the other questions."""
    asked = exam()
    *files, _ = made(tmp_path, EVERYBODY[:2], engine=engine, asked=asked, solutions=True, language=language)
    label = load_words(language).page["exam_keys"]
    one, other = EVERYBODY[:2]
    count = sum(
        len(answers(part, sheet))
        for question, sheet in zip(asked.questions, one.sheets, strict=True)
        for part in question.parts
    )
    data = files[0].read_bytes()
    assert compare(data, asked.questions, one, label) == count
    right = one.sheets[3].faulty["mistake"]
    for changed in (
        replace(right, at=right.at + 1),
        replace(right, right=replace(right.right, array=other.sheets[3].faulty["mistake"].right.array)),
    ):
        sheet = replace(one.sheets[3], faulty={"mistake": changed})
        with pytest.raises(KeyMismatch, match="error has the answers"):
            compare(data, asked.questions, replace(one, sheets=(*one.sheets[:3], sheet)), label)


def test_the_keys_can_be_typeset() -> None:
    """As LaTeX, whatever is asked."""
    text = "".join(keys_text(exam(), [(one, f"k{at}") for at, one in enumerate(EVERYBODY)], language="es"))
    run = typeset(text, engine="pdflatex")
    assert run.pdf.startswith(b"%PDF")


def body_of(path: Path, page: int) -> list[str]:
    """The lines of a page down to its foot, where the code stands."""
    lines = [line.strip() for line in said_on(path, page).splitlines() if line.strip()]
    return lines[: next(at for at, line in enumerate(lines) if path.name[5:17] in line)]


@EACH_ENGINE
@pytest.mark.parametrize("large", [False, True], ids=["usual", "large"])
def test_no_page_is_empty(tmp_path: Path, engine: Engine, large: bool) -> None:
    """Though a derivation with a mistake in it takes a whole page in large print."""
    asked = replace(load_exam("examen-capa"), large_print=large)
    (one,) = Maker.of(asked).variants(anonymous(1), b"a secret of sixteen bytes")
    for solutions in (False, True):
        path, _ = made(tmp_path, (one,), engine=engine, asked=asked, solutions=solutions)
        with pikepdf.open(path) as pdf:
            pages = len(pdf.pages)
        assert all(len(body_of(path, page)) > 2 for page in range(1, pages + 1))


@pytest.mark.parametrize("language", ["es", "en"])
def test_a_solution_is_not_parted_from_its_heading(tmp_path: Path, language: str) -> None:
    """Large print in Typst: no frame with nothing but its heading at the foot of a page, no line of answers
    on a page before another question, no empty page."""
    *files, _ = made(tmp_path, EVERYBODY, asked=exam(large_print=True), solutions=True, language=language)
    word = {"es": "Solución.", "en": "Solution."}[language]
    keys = load_words(language).page["exam_keys"]
    for path in files:
        with pikepdf.open(path) as pdf:
            pages = len(pdf.pages)
        for page in range(1, pages + 1):
            body = body_of(path, page)
            assert len(body) > 3, (path.name, page)
            assert word not in body[-2:]
            assert not any(line.startswith(f"{keys}.") for line in body[:4])


# --- again, and on -------------------------------------------------------------------------


@EACH_ENGINE
def test_the_same_input_gives_the_same_bytes(
    tmp_path: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "TYPESETTING_PAPERS", 2)
    first = made(tmp_path / "a", engine=engine)
    second = made(tmp_path / "b", engine=engine, jobs=3)
    assert [path.name for path in first] == [path.name for path in second]
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
    assert all(ours(".pdf", path.read_bytes()) for path in first)


@pytest.fixture
def typeset_again(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many papers each run typeset, from now on."""
    counted: list[int] = []

    def count(text: str, **options: Any) -> Any:
        counted.append(text.count("#new-paper("))
        return typeset(text, **options)

    monkeypatch.setattr(batches, "typeset", count)
    monkeypatch.setattr(limits, "TYPESETTING_PAPERS", 2)
    return counted


def test_a_run_that_was_killed_goes_on(tmp_path: Path, typeset_again: list[int]) -> None:
    """After the first batch; then with a file damaged, one lost, the numbers of a student changed."""
    whole = made(tmp_path / "whole")
    folder = tmp_path / "killed"
    run = typeset_papers(
        exam(questions=SHORT), NEURONS, folder, language="es", secret_mac=mac, engine="typst"
    )  # fmt: skip
    next(run)
    run.close()  # type: ignore[attr-defined]
    assert len(list((folder / "papers").iterdir())) == 2
    typeset_again.clear()
    files = made(folder, resume=True)
    assert sum(typeset_again) == 3  # not the two that are there; the pages are known, too
    assert [path.read_bytes() for path in files] == [path.read_bytes() for path in whole]
    typeset_again.clear()
    made(folder, resume=True)
    assert typeset_again == []
    files[4].unlink()
    made(folder, resume=True)
    assert typeset_again == [1]
    typeset_again.clear()
    changed = (*NEURONS[:2], Variant(student=NEURONS[2].student, sheets=variant(9).sheets[:1]), *NEURONS[3:])
    again = made(folder, changed, resume=True)
    assert [path.name for path in again] == [path.name for path in files]
    assert 2 in typeset_again
    assert again[2].read_bytes() != whole[2].read_bytes()
    assert again[0].read_bytes() == whole[0].read_bytes()


def test_what_is_there_is_not_looked_at_again(
    tmp_path: Path, typeset_again: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """To go on from a whole run no text is made and no file compared; one that has changed is."""
    looked: list[str] = []

    def check(one: Variant, pdf: bytes) -> int:
        assert pdf.startswith(b"%PDF")
        looked.append(one.student.id)
        return 3

    def go(variants: tuple[Variant, ...] = NEURONS) -> tuple[list[Path], int]:
        looked.clear()
        typeset_again.clear()
        comparison = Comparison(check)
        work = tmp_path / "work"
        files = made(tmp_path / "s", variants, solutions=True, work=work, comparison=comparison, resume=True)
        return files, comparison.count

    files, count = go()
    assert (count, looked) == (15, [one.student.id for one in NEURONS])
    with monkeypatch.context() as patched:
        patched.setattr(Papers, "document", lambda *_: pytest.fail("a text is made again"))
        assert go() == (files, 15)
    assert looked == []
    again = made(tmp_path / "s", solutions=True, work=tmp_path / "work", resume=True)  # nobody compares
    assert again == files
    assert go() == (files, 15)
    assert looked == []
    files[4].unlink()
    assert go() == (files, 15)
    assert looked == ["id-5"]
    named = (*NEURONS[:2], Variant(student=replace(NEURONS[2].student, name="Eva"), sheets=NEURONS[2].sheets))
    assert go((*named, *NEURONS[3:])) == (files, 15)
    assert looked == ["id-3", "id-4"]  # those of one run


def test_the_folder_of_papers_holds_nothing_else(tmp_path: Path) -> None:
    work = tmp_path / "teacher" / ".typesetting"
    files = made(tmp_path / "students", work=work)
    assert {path for path in (tmp_path / "students").rglob("*") if path.is_file()} == set(files)
    assert [path.name for path in work.iterdir()] == ["papers.json"]


def test_a_file_that_was_edited_is_not_written_over(tmp_path: Path) -> None:
    first, *_ = made(tmp_path, NEURONS[:1])
    first.write_bytes(first.read_bytes() + b"% mine\n")
    with pytest.raises(NotOursError):
        made(tmp_path, NEURONS[:1])
    assert first.read_bytes().endswith(b"% mine\n")
    made(tmp_path, NEURONS[:1], force=True)
    assert not first.read_bytes().endswith(b"% mine\n")


def test_a_record_that_is_damaged_is_none(tmp_path: Path) -> None:
    path = tmp_path / "papers.json"
    record = Record(path)
    record.add("source", [])
    assert Record.read(path).is_made("source", [])
    path.write_bytes(path.read_bytes().replace(b"source", b"others"))
    assert not Record.read(path).made
    path.write_text("{")
    assert not Record.read(path).made
    assert digest("ab", "c") != digest("a", "bc")


def test_what_a_kill_left_half_written_goes(tmp_path: Path) -> None:
    (tmp_path / "papers").mkdir()
    half = tmp_path / "papers" / ".0001-aaaa.pdf.0123456789abcdef.part"
    half.write_bytes(b"%PDF")
    made(tmp_path, NEURONS[:1])
    assert not half.exists()


def test_progress_is_told_in_papers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "TYPESETTING_PAPERS", 2)
    told: list[tuple[int, int]] = []
    made(tmp_path, progress=lambda done, total: told.append((done, total)))
    assert told == [(2, 5), (4, 5), (5, 5)]


# --- what goes wrong -----------------------------------------------------------------------


def test_a_paper_with_other_pages_is_refused() -> None:
    made_of = Papers(exam(questions=SHORT), "es", "typ", mac)
    codes = [made_of.code(one) for one in NEURONS[:2]]
    data = typeset(made_of.document(NEURONS[:2], 2), engine="typst").pdf
    with pikepdf.open(BytesIO(data)) as pdf:
        pages = len(pdf.pages) // 2
    assert len(papers_in(data, codes, pages, title="t", language="es")) == 2
    with pytest.raises(PapersError, match=f"has {pages} pages, and not {pages + 1} pages"):
        papers_in(data, codes, pages + 1, title="t", language="es")
    for wrong in (codes[:1], [*codes, "other"], [codes[0], "other"]):
        with pytest.raises(PapersError, match="begin in the PDF"):
            papers_in(data, wrong, pages, title="t", language="es")
    with pytest.raises(PapersError):
        bundle(iter([(data, codes[::-1])]), title="t", language="es")


def test_two_students_of_one_id_are_refused(tmp_path: Path) -> None:
    twin = Variant(student=Student(id="id-1", number=1), sheets=NEURONS[1].sheets)
    with pytest.raises(ValueError, match="two students have the same id"):
        made(tmp_path, (NEURONS[0], twin))


def test_an_error_in_a_teachers_latex_is_told_and_leaves_no_file(tmp_path: Path) -> None:
    broken = exam(questions=SHORT, instructions={"es": r"\undefinedcommand"})
    with pytest.raises(TypesettingError, match="Undefined control sequence"):
        made(tmp_path, asked=broken, engine="pdflatex")
    assert not (tmp_path / "papers").exists()


LONG = "#for i in range(100000) { for j in range(100000) {} }"


@EACH_ENGINE
def test_typesetters_can_be_ended(engine: Engine) -> None:
    """As Ctrl-C does: from another thread, and so that none begins afterwards."""
    endless = {"pdflatex": r"\def\x{\x}\x", "typst": LONG}[engine]
    running = Running()
    timer = threading.Timer(1.0, running.end)
    timer.start()
    begun = time.monotonic()
    with pytest.raises(TypesettingError):
        typeset(endless, engine=engine, running=running)
    with pytest.raises(TypesettingError):
        typeset(endless, engine=engine, running=running)
    assert time.monotonic() - begun < 10
    timer.join()


def test_a_run_of_many_pages_has_more_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "TYPESETTING_SECONDS", 1)
    monkeypatch.setattr(limits, "TYPESETTING_PAGE_SECONDS", 0.5)
    with pytest.raises(TypesettingError, match="stopped after 2 seconds"):
        typeset(LONG, engine="typst", pages=2)


def test_a_page_without_a_code_is_an_error() -> None:
    text = Papers(exam(), "es", "tex", mac).document(EVERYBODY[:1], 1)
    with pytest.raises(TypesettingError, match="a page has no code"):
        typeset(text, engine="pdflatex")


@EACH_ENGINE
def test_an_exam_of_few_words(tmp_path: Path, engine: Engine) -> None:
    bare = exam(questions=SHORT, course={}, date="", instructions={})
    first, *_ = made(tmp_path, NEURONS[:1], asked=bare, engine=engine)
    assert "Primer parcial" in said(first)


def test_file_names() -> None:
    student = Student(id="x", name="Ana", number=17)
    assert file_name(student, "abc") == "0017-abc.pdf"
    assert file_name(student, "abc", solutions=True) == "0017-abc-solution.pdf"
