"""The truth table of lines that people wrote, and the words that it says it in."""

import tomllib
from pathlib import Path
from typing import Any

from symbackprop.checking.findings import Finding, Verdict

FILE = Path(__file__).resolve().parent / "cases" / "hand_lines.toml"
TABLE: dict[str, list[dict[str, Any]]] = tomllib.loads(FILE.read_text("utf-8"))

MEANS: dict[str, frozenset[Verdict]] = {
    "true": frozenset({"correct", "correct for this example", "rounded"}),
    "definition": frozenset({"definition"}),
    "convention": frozenset({"convention"}),
    "wrong": frozenset({"wrong"}),
    "carried": frozenset({"carried"}),
}
"""What a word of the table allows a finding to be called. "said" asks for no finding at all."""


def described(findings: tuple[Finding, ...]) -> str:
    """The findings, for a failure's message."""
    return "; ".join(
        f"{one.text!r} {one.verdict} {[why.key for why in one.reasons]} {[row.id for row in one.mistakes]}"
        for one in findings
    )


def as_due(findings: tuple[Finding, ...], due: list[str]) -> bool:
    """Whether there is one finding for each word, and each is what its word allows."""
    if due == ["said"]:
        return all(one.verdict in MEANS["true"] | MEANS["definition"] for one in findings)
    return len(findings) == len(due) and all(
        one.verdict in MEANS[word] for one, word in zip(findings, due, strict=True)
    )
