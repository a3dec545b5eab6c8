"""Whether a right formula shows how a quantity is made, or only says the quantity in other words.

`dz = dz` and `dz = ∂L/∂z` are true of anything. A formula shows something by what it is made of: not of the
quantity itself, nor of what is made of it (`dz = db`), however often either is renamed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, Literal

from symbackprop.checking.findings import Finding, Verdict
from symbackprop.exams.follow import read_by
from symbackprop.exams.grading_literals import Statement
from symbackprop.notation import tree
from symbackprop.notation.tree import Node

Shown = Literal["formula", "chain", "nothing"]
"""What a right formula shows: how the quantity is worked out, how only if derivatives in it are, nothing."""

RIGHT: Final[frozenset[Verdict]] = frozenset({"definition", "correct", "convention", "rounded"})
FALSE: Final[frozenset[Verdict]] = frozenset({"wrong", "carried"})

Own = Mapping[str, frozenset[str]]
"""Names that a text gives to things, and the names of what it says that they are."""


class Methods:
    """How the quantities of a question are made: `formulas` by name; `loss` is called so."""

    def __init__(self, formulas: Mapping[str, Node], loss: str) -> None:
        self.loss = loss
        read = {name: frozenset(read_by(node)) for name, node in formulas.items()}
        self._sources: Own = {name: _reached(names, read) for name, names in read.items()}
        known = frozenset(formulas).union(*read.values())
        self._gradients = {name for name in formulas if name.startswith("d") and name[1:] in known}

    def shown(self, one: Statement, finding: Finding, own: Own) -> Shown:
        """What a right formula shows. A definition says what a gradient is, and not how it is made."""
        if one.formula is None or (one.name in self._gradients and finding.verdict == "definition"):
            return "nothing"
        assert isinstance(one.formula, tree.Chain), "a statement is an equation"
        found = [self._member(member, one.name, own) for member in one.formula.members[1:]]
        return next((kind for kind in ("formula", "chain") if kind in found), "nothing")

    def _member(self, node: Node, name: str, own: Own) -> Shown:
        parts = list(_parts(node, self.loss))
        read = {part for part in parts if part}
        reached = _reached(read, {one: own[one] for one in own if one not in self._sources})
        if not read or name in reached or any(name in self._sources.get(one, ()) for one in reached):
            return "nothing"
        if "" not in parts:
            return "formula"
        return "chain" if reached & self._gradients else "nothing"


def _reached(names: Iterable[str], known: Own) -> frozenset[str]:
    """The names, and all that they are made of as far as it is known."""
    found: set[str] = set()
    waiting = set(names)
    while waiting:
        one = waiting.pop()
        found.add(one)
        waiting |= known.get(one, frozenset()) - found
    return frozenset(found)


def named_in(node: Node, loss: str) -> frozenset[str]:
    """The names of quantities in a formula: `z`, and `dz` for a gradient."""
    return frozenset(part for part in _parts(node, loss) if part)


def _parts(node: Node, loss: str) -> Iterator[str]:
    """The names of quantities in a formula, and "" for a derivative that is yet to be worked out."""
    match node:
        case tree.Gradient(inner) | tree.Derivative(tree.Name(_), inner) if _is_of_loss(node, loss):
            yield from ("d" + name for name in _base(inner))
        case tree.Derivative():
            yield ""
        case tree.Name(name):
            yield name
        case _:
            for child in tree.children(node):
                yield from _parts(child, loss)


def _is_of_loss(node: Node, loss: str) -> bool:
    return isinstance(node, tree.Gradient) or (
        isinstance(node, tree.Derivative) and node.of == tree.Name(loss)
    )


def _base(node: Node) -> list[str]:
    """The quantity of `W[i,j]`, without its indices."""
    return _base(node.base) if isinstance(node, tree.Index) else tree.names_in(node)
