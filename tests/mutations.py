"""Every single mutation of a report's LaTeX, and whether the proofreader refuses it.

`python -m tests.mutations [exercise language detail …]` tries all of them; the tests try a sample. A mutation
drops a transpose or a prime, changes a sign, an index or a digit, or swaps two factors. It is *refused* if
the report is not written, or says that the formula was not read. One that is accepted is looked at again. It
changed nothing if every member of the statement, and every label, has the values that it had, at random
points; it is as true as it was if its members have one value. A formula without a relation, in the middle
of a sentence, claims nothing, and is counted by itself. All others were missed.
"""

from __future__ import annotations

import copy
import random
import re
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import symbackprop
from symbackprop.algebra.values.arrays import form
from symbackprop.algebra.values.domain import Redraw
from symbackprop.checking.claims import Claims
from symbackprop.checking.compare import assignments
from symbackprop.checking.context import Unclear
from symbackprop.checking.findings import Finding
from symbackprop.checking.session import Session
from symbackprop.checking.values import evaluator_in, scope_in
from symbackprop.derivation.derive import derive
from symbackprop.notation import tree
from symbackprop.notation.hand.read import read_statements
from symbackprop.notation.tree import Node
from symbackprop.report import proofreading
from symbackprop.report.outputs import Outputs
from symbackprop.report.proof_tables import Claim
from symbackprop.report.words import load_words

_NAME = r"(?:d?\\hat [a-z]|d?\\mathbf\{1\}|d?[A-Za-z])(?:_\{[^{}]*\}|_[a-z0-9])?(?:\^\{[^{}]*\}|\^T)*"

KINDS: dict[str, list[tuple[str, Any]]] = {
    "transpose dropped": [(r"\^T|\^\{\\,T\}", "")],
    "prime dropped": [(r"'", "")],
    "sign": [
        (r"\+", "-"), (r"(?<![{\[(=&])\s-(?=[\s\d(\\A-Za-z])", " +"),
        (r"(?<=[({&\s=])-(?=\d|[A-Za-z\\])", ""),
    ],
    "index": [
        (r"_\{([a-z])([a-z])\}", r"_{\2\1}"), (r"_\{(\d),([a-z])([a-z])\}", r"_{\1,\3\2}"),
        (r"(?<=_)[ijlpq](?![a-z])", lambda m: {"i": "j", "j": "i", "l": "j", "p": "q", "q": "p"}[m.group()]),
    ],
    "digit": [(r"\d", lambda m: str((int(m.group()) + 1) % 10))],
    "factors swapped": [
        (rf"({_NAME})(\\[;,]\s?|\s(?:\\cdot|\\odot)\s|\s)({_NAME})(?![A-Za-z_^'(])", r"\3\2\1"),
    ],
}  # fmt: skip
"""Patterns and what takes their place, by kind."""


@dataclass(frozen=True, slots=True)
class Mutation:
    """One change of one formula."""

    kind: str
    line: int
    before: str
    after: str


@dataclass(slots=True)
class Outcome:
    """What became of all mutations of a report."""

    refused: Counter[str] = field(default_factory=Counter)
    unchanged: list[Mutation] = field(default_factory=list)
    true: list[Mutation] = field(default_factory=list)
    bare: list[Mutation] = field(default_factory=list)
    missed: list[Mutation] = field(default_factory=list)

    @property
    def share(self) -> float:
        """Refused, of all that changed something."""
        refused = self.refused.total()
        return refused / max(refused + len(self.missed), 1)


def mutations(formula: str) -> Iterator[tuple[str, str]]:
    """Every mutation of a formula, by kind."""
    for kind, patterns in KINDS.items():
        for pattern, instead in patterns:
            for found in re.finditer(pattern, formula):
                if kind == "digit" and _is_layout(formula, found.start()):
                    continue
                changed = formula[: found.start()] + found.expand(instead) if isinstance(instead, str) else (
                    formula[: found.start()] + instead(found)
                )  # fmt: skip
                changed += formula[found.end() :]
                if changed != formula:
                    yield kind, changed


_LAYOUT = re.compile(r"\\vphantom\{(?:[^{}]|\{[^{}]*\})*\}|\\\\\[\d+pt\]|\\begin\{[a-z]+\}|\\end\{[a-z]+\}")


def _is_layout(formula: str, place: int) -> bool:
    """Whether a digit only moves things on the page."""
    return any(found.start() <= place < found.end() for found in _LAYOUT.finditer(formula))


_RELATION = re.compile(
    r"=|\\\\approx|\\\\in\\b|\\\\le\\b|\\\\ge\\b|<|>|\\\\leftarrow|\\\\dims|\\\\underbrace"
)


def _is_bare(formula: str) -> bool:
    """Whether a formula claims nothing: a name, a factor, a number in a sentence."""
    return not _RELATION.search(formula)


# --- one report -----------------------------------------------------------------------------


class Report:
    """A report with its proofreader, stopped before each claim."""

    def __init__(self, name: str, language: str, detail: str) -> None:
        derivation = derive(symbackprop.load(name))
        words = load_words(language)
        self.tex = Outputs(derivation, language=language, detail=detail).tex
        self.exercise = derivation.exercise
        self.functions = proofreading.function_words(self.exercise, words)
        self.comma = words.decimal_mark == ","
        self.reader = proofreading._Reader(self.tex, self.exercise, self.functions, self.comma)

    def tried(self, share: float = 1.0, seed: int = 0) -> Outcome:
        """Try every mutation of every claim, or a share of them."""
        chance = random.Random(seed)
        outcome = Outcome()
        for claim in sorted(self.reader.claims(), key=lambda one: one.fragment.line):
            for kind, changed in mutations(claim.fragment.text):
                if chance.random() < share:
                    self._one(outcome, claim, kind, changed)
            self.reader.judge(claim)
        return outcome

    def _one(self, outcome: Outcome, claim: Claim, kind: str, changed: str) -> None:
        after = replace(claim, fragment=replace(claim.fragment, text=changed))
        made = Mutation(kind, claim.fragment.line, claim.fragment.text, changed)
        if self._is_refused(after):
            outcome.refused[kind] += 1
        elif self._is_same(claim, after):
            outcome.unchanged.append(made)
        elif self._is_true(after):
            outcome.true.append(made)
        elif _is_bare(claim.fragment.text):
            outcome.bare.append(made)
        elif self._is_refused_whole(made):
            outcome.refused[kind] += 1
        else:
            outcome.missed.append(made)

    def _is_refused(self, claim: Claim) -> bool:
        trial = _copied(self.reader)
        before = len(trial.found)
        trial.judge(claim)
        return any(_is_bad(proofreading._strict(one)) for one in trial.found[before:])

    def _is_refused_whole(self, made: Mutation) -> bool:
        """Whether what comes after the changed formula contradicts it."""
        lines = self.tex.split("\n")
        start = sum(len(line) + 1 for line in lines[: made.line - 1])
        place = self.tex.find(made.before, start)
        if place < 0:
            return False
        text = self.tex[:place] + made.after + self.tex[place + len(made.before) :]
        proof = proofreading.proofread(
            text, self.exercise, functions=self.functions, comma=self.comma, seconds=60
        )
        return bool(proof.wrong or proof.unread)

    # --- whether anything changed

    def _is_same(self, before: Claim, after: Claim) -> bool:
        if before.kind == "sizes":
            return False
        session = self.reader._session_of(before)
        if session is None:
            return False
        vocabulary = session.desk.context.vocabulary(latex=True)
        one, two = (
            [written.node for written in read_statements(claim.fragment.text, vocabulary)]
            for claim in (before, after)
        )
        if one == two:
            return True
        if len(one) != len(two) or None in one or None in two:
            return False
        return all(
            _same(session, a, b) for a, b in zip(one, two, strict=True) if a is not None and b is not None
        )

    def _is_true(self, claim: Claim) -> bool:
        """Whether a changed statement is as true as it was, by the values of its members: `max(1, 1) = 1`."""
        session = self.reader._session_of(claim)
        if session is None or claim.kind == "sizes":
            return False
        vocabulary = session.desk.context.vocabulary(latex=True)
        nodes = [written.node for written in read_statements(claim.fragment.text, vocabulary)]
        return all(isinstance(node, tree.Chain | tree.Box) and _holds(session, node) for node in nodes)


def _is_bad(finding: Finding) -> bool:
    return finding.verdict in ("wrong", "carried", "not read")


def _copied(reader: Any) -> Any:
    """A reader that may be spoilt: sessions are copied as far as judging changes them."""
    made = copy.copy(reader)
    made.found = []
    made.own = _session(reader.own)
    made._general = None if reader._general is None else _session(reader._general)
    made._stepped = None if reader._stepped is None else _session(reader._stepped)
    made._changes = {}
    for old, new in (
        (reader.own, made.own),
        (reader._general, made._general),
        (reader._stepped, made._stepped),
    ):
        if old is not None and id(old) in reader._changes:
            made._changes[id(new)] = tuple(copy.copy(one) for one in reader._changes[id(old)])
    return made


def _session(session: Session) -> Session:
    made = copy.copy(session)
    made.findings = []
    made.desk = copy.copy(session.desk)
    for name in ("written", "wrong_numbers", "wrong_formulas", "lines", "given"):
        setattr(made.desk, name, dict(getattr(session.desk, name)))
    made.desks = [made.desk]
    return made


def _same(session: Session, a: Node, b: Node) -> bool:
    """Whether two statements have the same members and labels, by their values."""
    if a == b:
        return True
    a, b = (node.body if isinstance(node, tree.Box) else node for node in (a, b))
    first = a.members if isinstance(a, tree.Chain) else (a,)
    second = b.members if isinstance(b, tree.Chain) else (b,)
    if len(first) != len(second):
        return False
    ones, twos = ([*members, *_labels(members)] for members in (first, second))
    return len(ones) == len(twos) and all(_same_value(session, x, y) for x, y in zip(ones, twos, strict=True))


def _labels(members: tuple[Node, ...]) -> Iterator[Node]:
    for member in members:
        for part in tree.walk(member):
            if isinstance(part, tree.Brace):
                yield part.label


def _in_order(node: Node) -> Node:
    """The deltas of a formula with their indices in order: δ_jp is δ_pj."""
    made = tree.rebuild(node, _in_order)
    if isinstance(made, tree.Index) and made.base == tree.Name("delta") and len(made.places) == 2:
        return tree.Index(made.base, tuple(sorted(made.places, key=repr)))
    return made


def _same_value(session: Session, a: Node, b: Node) -> bool:
    if _in_order(a) == _in_order(b):
        return True
    desk = session.desk
    try:
        one, two = (Claims(desk).member(node).variants for node in (a, b))
        for world in desk.worlds.own:
            working = evaluator_in(world, desk.reader)
            for x, y in zip(one, two, strict=True):
                for indices in assignments(working, x, y):
                    u, v = (working.value(part.node, scope_in(world, indices)) for part in (x, y))
                    if form(u.shape) != form(v.shape) or tuple(u.entries) != tuple(v.entries):
                        return False
    except (Unclear, ArithmeticError, ValueError):
        return False
    return True


def _holds(session: Session, node: Node) -> bool:
    """Whether all members of a chain are equal, and all labels what stands over them: by value only."""
    node = node.body if isinstance(node, tree.Box) else node
    if not isinstance(node, tree.Chain) or set(node.relations) != {"="}:
        return False
    members = [part.body if isinstance(part, tree.Box) else part for part in node.members]
    members = [one for part in members for one in (part.members if isinstance(part, tree.Chain) else (part,))]
    pairs = list(pairwise(members))
    pairs += [
        (part.body, part.label) for one in members for part in tree.walk(one) if isinstance(part, tree.Brace)
    ]
    return all(_are_equal(session, a, b) for a, b in pairs)


def _are_equal(session: Session, a: Node, b: Node) -> bool:
    """Whether two members have one value: at random points, or in the example where one is a number."""
    desk = session.desk
    try:
        numeric = any(Claims(desk).member(node).numeric for node in (a, b))
    except Unclear:
        return False
    return _equal_at(session, a, b, (desk.example,) if numeric else desk.worlds.own)


def _equal_at(session: Session, a: Node, b: Node, worlds: Any) -> bool:
    try:
        one, two = (Claims(session.desk).member(node).node for node in (a, b))
        for world in worlds:
            working = evaluator_in(world, session.desk.reader)
            try:
                u, v = (working.value(node, scope_in(world, {})) for node in (one, two))
            except Redraw:
                continue  # none of the cases is told here: not every order of numbers is one of GF(p)
            if form(u.shape) != form(v.shape) or tuple(u.entries) != tuple(v.entries):
                return False
    except (Unclear, ArithmeticError, ValueError):
        return False
    return bool(worlds)


# --- the command ------------------------------------------------------------------------------

REPORTS = (
    ("neurona", "es", "full"), ("red", "en", "full"), ("softmax", "es", "student"),
    ("convolucion", "en", "exam"),
)  # fmt: skip


def main(arguments: list[str]) -> None:
    """Try all mutations of the reports, and print what became of them."""
    triples = list(zip(arguments[0::3], arguments[1::3], arguments[2::3], strict=True)) or REPORTS
    for name, language, detail in triples:
        outcome = Report(name, language, detail).tried()
        refused = outcome.refused.total()
        counts = (
            f"{refused} refused, {len(outcome.missed)} missed ({outcome.share:.2%}); "
            f"{len(outcome.unchanged)} changed nothing, {len(outcome.true)} are still true, "
            f"{len(outcome.bare)} in formulas that claim nothing"
        )
        print(f"{name} {language} {detail}: {counts}", flush=True)
        print("  refused:", dict(outcome.refused))
        print("  unchanged:", dict(Counter(one.kind for one in outcome.unchanged)))
        for one in outcome.true:
            print(f"  true {one.kind}, line {one.line}: {_difference(one)}")
        for one in outcome.missed:
            print(f"  MISSED {one.kind}, line {one.line}: {_difference(one)}")


def _difference(one: Mutation) -> str:
    place = next((at for at, (a, b) in enumerate(zip(one.before, one.after, strict=False)) if a != b), 0)
    return (
        f"{one.before[max(place - 40, 0) : place + 40]!r} -> {one.after[max(place - 40, 0) : place + 40]!r}"
    )


if __name__ == "__main__":
    main(sys.argv[1:])
