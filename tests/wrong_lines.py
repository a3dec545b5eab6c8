"""The lines of others' derivations that were published with a mistake, from `cases/wrong/claims.toml`."""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent / "cases"
CLAIMS: dict[str, list[dict[str, Any]]] = tomllib.loads((FOLDER / "wrong" / "claims.toml").read_text("utf-8"))

KEYS = {
    "exercise", "as", "before", "wrong", "right", "mistakes", "may", "right_may", "wrong_says", "right_says",
}  # fmt: skip
"""What a claim may say."""


@dataclass(frozen=True, slots=True)
class Line:
    """One published line, in the document where it is read: `before`, then `text`.

    `says` is the same claim in our own notation, if there is one. `may` holds verdicts that are allowed
    beside those that are due.
    """

    case: str
    exercise: str
    suffix: str
    before: tuple[str, ...]
    text: str
    says: str
    may: frozenset[str]
    mistakes: tuple[str, ...] = ()

    @property
    def document(self) -> str:
        """Displays in Markdown; in plain text and in code each line is itself."""
        lines = (*self.before, self.text)
        if self.suffix == ".md":
            return "\n\n".join(f"$${line}$$" for line in lines) + "\n"
        return "\n".join(lines) + "\n"

    @property
    def starts(self) -> int:
        """The line of the document on which `text` begins."""
        return self.document[: self.document.rindex(self.text)].count("\n") + 1


def path_of(exercise: str) -> Path:
    """The file of an exercise: among the wrong cases, or one that is worked."""
    own = FOLDER / "wrong" / f"{exercise}.toml"
    return own if own.exists() else FOLDER / f"{exercise}.toml"


def lines(kind: str) -> Iterator[Line]:
    """All lines of a kind, `wrong` or `right`."""
    for case, claims in CLAIMS.items():
        for claim in claims:
            if kind in claim:
                yield Line(
                    case=case,
                    exercise=claim.get("exercise", case),
                    suffix="." + claim.get("as", "md"),
                    before=tuple(claim.get("before", ())),
                    text=claim[kind],
                    says=claim.get(f"{kind}_says", ""),
                    may=frozenset(claim.get("may" if kind == "wrong" else "right_may", ())),
                    mistakes=tuple(claim.get("mistakes", ())) if kind == "wrong" else (),
                )


WRONG = list(lines("wrong"))
RIGHT = list(lines("right"))


# --- the list of them -----------------------------------------------------------------------------

HEAD = """
## Derivations with a mistake

`wrong/claims.toml` has the lines of the wrong derivations as they were published, each with its correction,
and `wrong/*.toml` the exercises that they are about and that are worked nowhere else. Every line is checked
by `tests/test_check_published.py`: the wrong ones are called wrong, the right ones hold, and the mistake
is named where a row of the table of mistakes makes it. That the two claims are wrong and right is evaluated
there without the checker.

What is published and is no line here: in `mazur-222-stale` what comes of 10,000 rounds, which no line says
(the first round shows the same mistake); in `schneider-nn-dims` the sum from 0, for indices start at 1
everywhere; in `arthur-gradbh` the division by N, for there a gradient is one example's; in `sudacity-sign`
that two lines, each right by itself, climb together (here the step itself has the wrong sign);
`jcj-28-29` is a false alarm: the right lines are the published ones, and what was proposed is wrong.

"""


def section() -> str:
    """The list in Markdown: a row for each pair of lines."""
    rows = [
        "| case | exercise | published | verdict | mistake | right | verdict |",
        "|---|---|---|---|---|---|---|",
    ]
    for case, claims in CLAIMS.items():
        for claim in claims:
            wrong, right = claim.get("wrong"), claim.get("right")
            bad = either("wrong", claim.get("may", ())) if wrong else ""
            good = either("holds", claim.get("right_may", ())) if right else ""
            names = " or ".join(f"`{one}`" for one in claim.get("mistakes", ())) if wrong else ""
            cells = [
                f"`{case}`",
                f"`{claim.get('exercise', case)}`",
                quoted(wrong),
                bad,
                names,
                quoted(right),
                good,
            ]
            rows.append("| " + " | ".join(cells) + " |")
    return HEAD + "\n".join(rows) + "\n"


def either(due: str, may: Any) -> str:
    return " or ".join([due, *may])


def quoted(text: str | None) -> str:
    return " ; ".join(f"`{line}`" for line in text.replace("|", "\\|").splitlines()) if text else ""
