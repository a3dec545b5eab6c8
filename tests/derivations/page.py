"""Statements on a page, with prose between them: displays, aligned blocks, several on a line."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from . import wording
from .samples import Truth
from .statements import Statement
from .styles import Style

RELATIONS = {"≈": r"\approx"}


@dataclass
class Page:
    """A text that grows, and the places of the statements in it."""

    style: Style
    rng: Random
    text: str = ""
    truths: list[Truth] = field(default_factory=list)

    def put(self, text: str) -> None:
        """What claims nothing."""
        self.text += text

    def claim(self, statement: Statement, text: str) -> None:
        """A statement, or a row of one."""
        line = self.text.count("\n") + 1
        column = len(self.text) - (self.text.rfind("\n") + 1) + 1
        self.truths.append(
            Truth(line=line, column=column, text=text, wrong=statement.wrong, mistake=statement.mistake,
                  carried=statement.carried)
        )  # fmt: skip
        self.text += text

    # --- one statement

    def chain(self, statement: Statement) -> str:
        """The whole chain on one line."""
        return statement.left + "".join(
            f" {self.relation(relation, statement, at)} {text}"
            for at, (relation, text) in enumerate(statement.parts)
        )

    def relation(self, relation: str, statement: Statement, at: int) -> str:
        """The sign of a relation, now and then with words over it."""
        if not self.style.latex:
            return relation
        if relation == "=" and at and self.rng.random() < 0.06 and statement.job.kind == "formula":
            words = self.rng.choice(wording.OVER[self.style.language])
            return rf"\stackrel{{\text{{{words}}}}}{{=}}"
        return RELATIONS.get(relation, relation)

    def boxed(self, statement: Statement, text: str) -> str:
        """A result in a frame."""
        if self.style.latex and statement.numbers is not None and self.rng.random() < 0.1:
            return rf"\boxed{{{text}}}"
        return text


def page(style: Style, statements: list[Statement], rng: Random) -> Page:
    """The whole text."""
    made = Page(style, rng)
    made.put(_beginning(style, rng))
    groups = {"given": [], "forward": [], "backward": []}  # type: dict[str, list[Statement]]
    for one in statements:
        groups[_group(one)].append(one)
    for name, words in (
        ("given", wording.GIVEN),
        ("forward", wording.FORWARD),
        ("backward", wording.BACKWARD),
    ):
        if groups[name]:
            _heading(made, rng.choice(words[style.language]))
            (_latex_group if style.latex else _plain_group)(made, groups[name])
    made.put(r"\end{document}" + "\n" if made.text.startswith(r"\documentclass") else "")
    return made


def _group(one: Statement) -> str:
    if one.job.kind in ("given", "typing"):
        return "given"
    if one.job.kind in ("function",):
        return "forward"
    return (
        "backward"
        if (one.job.target[0] == "d" and one.job.target != "d") or one.job.kind == "slope"
        else "forward"
    )


def _beginning(style: Style, rng: Random) -> str:
    words = rng.choice(wording.OPENING[style.language])
    if style.format == "tex":
        if rng.random() < 0.3:
            return "\\documentclass{article}\n\\usepackage{amsmath}\n\\begin{document}\n" + words + "\n\n"
        return rf"\section*{{{words.rstrip('.:')}}}" + "\n\n"
    if style.format == "markdown":
        return f"# {words.rstrip('.:')}\n\n"
    return f"# {words}\nimport numpy as np\n\n" if style.format == "code" else f"{words}\n\n"


def _heading(made: Page, words: str) -> None:
    made.put(f"# {words}\n" if made.style.format == "code" else f"{words}\n\n")


# --- LaTeX -----------------------------------------------------------------------------------


def _latex_group(made: Page, statements: list[Statement]) -> None:
    waiting = list(statements)
    while waiting:
        short = [one for one in waiting[:4] if len(made.chain(one)) < 60]
        how = made.rng.random()
        if len(short) >= 2 and short == waiting[: len(short)] and how < 0.25:
            _several(made, waiting[: len(short)])
            del waiting[: len(short)]
        elif len(waiting) >= 2 and how < 0.45 and not any("cases" in made.chain(one) for one in waiting[:3]):
            block = waiting[: made.rng.randint(2, 4)]
            _aligned(made, block)
            del waiting[: len(block)]
        else:
            _alone(made, waiting.pop(0))


def _open_close(made: Page) -> tuple[str, str]:
    if made.style.format == "tex":
        return made.rng.choice(
            ((r"\[ ", r" \]"), ("\\[\n", "\n\\]"), ("\\begin{equation*}\n", "\n\\end{equation*}"))
        )
    return made.rng.choice((("$$", "$$"), ("$$ ", " $$"), ("$$\n", "\n$$")))


def _alone(made: Page, one: Statement) -> None:
    words = made.rng.choice(wording.BETWEEN[made.style.language])
    text = made.boxed(one, made.chain(one))
    if len(text) < 70 and made.rng.random() < 0.3:
        made.put(f"{words} $")
        made.claim(one, text)
        made.put("$.\n\n")
        return
    if made.rng.random() < 0.4:
        made.put(f"{words}:\n\n" if made.rng.random() < 0.5 else f"{words}\n")
    opening, closing = _open_close(made)
    made.put(opening)
    made.claim(one, text)
    made.put(closing + "\n\n")


def _several(made: Page, statements: list[Statement]) -> None:
    opening, closing = _open_close(made)
    gap = made.rng.choice((r", \quad ", r" \quad ", r" \qquad "))
    made.put(opening)
    for at, one in enumerate(statements):
        made.put(gap if at else "")
        made.claim(one, made.chain(one))
    made.put(closing + "\n\n")


def _aligned(made: Page, statements: list[Statement]) -> None:
    if made.style.format == "tex":
        star = "align*"
        made.put(rf"\begin{{{star}}}" + "\n")
    else:
        made.put("$$\n\\begin{aligned}\n")
    rows = [row for one in statements for row in _rows(made, one)]
    for at, (one, text) in enumerate(rows):
        made.put("  ")
        made.claim(one, text)
        made.put(" \\\\\n" if at < len(rows) - 1 else "\n")
    made.put("\\end{align*}\n\n" if made.style.format == "tex" else "\\end{aligned}\n$$\n\n")


def _rows(made: Page, one: Statement) -> list[tuple[Statement, str]]:
    """One row, or one for each member; a chain with a mistake in it stays on one row."""
    parts = [f"&{made.relation(relation, one, at)} {text}" for at, (relation, text) in enumerate(one.parts)]
    if len(parts) > 1 and not one.wrong and not one.carried and made.rng.random() < 0.4:
        return [(one, f"{one.left} {parts[0]}"), *((one, part) for part in parts[1:])]
    return [(one, f"{one.left} {parts[0]}" + "".join(" " + part[1:] for part in parts[1:]))]


# --- plain text and code ---------------------------------------------------------------------


def _plain_group(made: Page, statements: list[Statement]) -> None:
    numbered = made.rng.random()
    for at, one in enumerate(statements, 1):
        if made.style.format == "code":
            pass
        elif numbered < 0.15:
            made.put(f"{at}. ")
        elif numbered < 0.3:
            made.put("- ")
        elif made.rng.random() < 0.15:
            made.put(made.rng.choice(wording.BETWEEN[made.style.language]) + " ")
        made.claim(one, made.chain(one))
        made.put("\n")
    made.put("\n")
