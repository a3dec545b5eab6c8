"""Files are written whole or not at all, and never over work that is not ours."""

import json
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from symbackprop.report import files
from symbackprop.report.files import NotOursError, OutputError, ours, stamped, write_all, write_whole

PDF = b"%PDF-1.5\n1 0 obj\n<<>>\nendobj\nxref\n0 1\ntrailer\n<<>>\nstartxref\n30\n%%EOF\n"
BODIES = {
    ".tex": b"\\documentclass{article}\n",
    ".typ": b"#set page()\n",
    ".md": b"# A title\n",
    ".html": b"<!doctype html>\n",
    ".toml": b"[model]\n",
    ".py": b"import numpy as np\n",
    ".json": b'{\n  "version": 1\n}\n',
    ".pdf": PDF,
}


def test_every_kind_has_a_case() -> None:
    assert set(BODIES) == set(files._KINDS)


@pytest.mark.parametrize("suffix", BODIES)
def test_a_file_of_ours_is_known_until_a_byte_changes(suffix: str) -> None:
    data = stamped(suffix, BODIES[suffix])
    assert ours(suffix, data) is True
    assert ours(suffix, BODIES[suffix]) is None
    for place in (len(data) - 1, len(data) - 3):
        changed = data[:place] + b"X" + data[place + 1 :]
        assert ours(suffix, changed) is not True
    assert ours(suffix, data + b" ") is False


def test_the_line_is_what_its_format_allows() -> None:
    assert stamped(".tex", b"x").startswith(b"% symbackprop ")
    assert stamped(".md", b"x").splitlines()[0].endswith(b"-->")
    made = json.loads(stamped(".json", BODIES[".json"]))
    assert list(made) == ["generator", "version"]
    assert made["generator"].startswith("symbackprop ")


def test_a_stamped_pdf_still_has_its_table_where_it_was() -> None:
    data = stamped(".pdf", PDF)
    assert data[30:34] == PDF[30:34]
    assert data.endswith(b"startxref\n30\n%%EOF\n")


def test_writing_twice_is_fine_and_makes_the_folder(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "report.tex"
    write_whole(path, "uno\n")
    write_whole(path, "dos — ñ\n")
    assert path.read_text("utf-8").endswith("\ndos — ñ\n")
    assert [item.name for item in path.parent.iterdir()] == ["report.tex"]


def test_an_edited_file_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "report.tex"
    write_whole(path, "uno\n")
    path.write_text(path.read_text() + "% my remark\n")
    before = path.read_bytes()
    with pytest.raises(NotOursError, match=r"edited after.*--force") as caught:
        write_whole(path, "dos\n")
    assert caught.value.edited
    assert path.read_bytes() == before
    write_whole(path, "dos\n", force=True)
    assert ours(".tex", path.read_bytes())


@pytest.mark.parametrize("content", [b"", b"mine", b"% symbackprop 9 sha256:short\n"])
def test_a_foreign_file_is_kept(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "report.tex"
    path.write_bytes(content)
    with pytest.raises(NotOursError, match="not written by symbackprop"):
        write_whole(path, "dos\n")
    with pytest.raises(FileExistsError):
        write_whole(path, "dos\n")
    assert path.read_bytes() == content


def test_several_files_are_all_looked_at_before_one_is_written(tmp_path: Path) -> None:
    (tmp_path / "r.pdf").write_bytes(b"a thesis")
    with pytest.raises(NotOursError):
        write_all({tmp_path / "r.tex": "x", tmp_path / "r.pdf": PDF})
    assert not (tmp_path / "r.tex").exists()


def test_things_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "r.tex").mkdir()
    with pytest.raises(OutputError, match="folder of that name"):
        write_whole(tmp_path / "r.tex", "x", force=True)
    (tmp_path / "plain").write_text("x")
    with pytest.raises(OutputError, match="plain"):
        write_whole(tmp_path / "plain" / "r.tex", "x")
    os.mkfifo(tmp_path / "pipe.tex")
    with pytest.raises(OutputError, match="no ordinary file"):
        write_whole(tmp_path / "pipe.tex", "x", force=True)
    with pytest.raises(OutputError, match="kind"):
        write_whole(tmp_path / "r.exe", "x")
    with pytest.raises(OutputError, match="too long"):
        write_whole(tmp_path / ("n" * 300 + ".tex"), "x")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(OutputError, match="cannot write here"):
            write_whole(tmp_path / "r.tex", "x")
    finally:
        tmp_path.chmod(0o700)


def test_a_full_disk_leaves_the_old_file_and_no_scraps(tmp_path: Path) -> None:
    """A file-size limit stands in for a full disk: the write itself fails half way."""
    path = tmp_path / "r.tex"
    write_whole(path, "old\n")
    before = path.read_bytes()
    program = (
        "import resource, signal, sys\n"
        "from pathlib import Path\n"
        "from symbackprop.report.files import OutputError, write_whole\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))\n"
        "try:\n"
        "    write_whole(Path(sys.argv[1]), 'x' * 100_000)\n"
        "except OutputError as error:\n"
        "    print(error)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=True
    )
    assert "File too large" in run.stdout
    assert path.read_bytes() == before
    assert [item.name for item in tmp_path.iterdir()] == ["r.tex"]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "far").mkdir()
    link = tmp_path / "r.tex"
    link.symlink_to(tmp_path / "far" / "r.tex")
    write_whole(link, "x")
    write_whole(link, "y")
    assert link.is_symlink()
    assert (tmp_path / "far" / "r.tex").read_text().endswith("\ny")


def test_permissions(tmp_path: Path) -> None:
    path = write_whole(tmp_path / "r.md", "x")
    assert stat.S_IMODE(path.stat().st_mode) & 0o600 == 0o600
    path.chmod(0o640)
    write_whole(path, "y")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_many_at_once_leave_one_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "r.tex"
    errors: list[BaseException] = []

    def write(letter: str) -> None:
        try:
            write_whole(path, letter * 50_000)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=write, args=(letter,)) for letter in "abcdefgh"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert ours(".tex", path.read_bytes())
    assert [item.name for item in tmp_path.iterdir()] == ["r.tex"]
