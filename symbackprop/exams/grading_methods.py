"""Whether a right formula shows how a quantity is made, or only says the quantity in other words.

`dz = dz` and `dz = ∂L/∂z` are true of anything. A formula shows something by what it is made of: not of the
quantity itself, nor of what is made of it (`dz = db`), however often either is renamed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from symbackprop.checking.findings import Finding, Verdict
from symbackprop.exams.follow import read_by
from symbackprop.exams.grading_literals import Statement
from symbackprop.notation import tree
from symbackprop.notation.tree import Node

Shown = Literal["formula", "chain", "nothing"]
"""What a right formula shows: how the quantity is worked out, how only if derivatives in it are, nothing."""

RIGHT: Final[frozenset[Verdict]] = frozenset({"definition", "correct", "convention", "rounded"})

Own = Mapping[str, frozenset[str]]
"""Names that a text gives to things, and the names of what it says that they are."""


@dataclass(frozen=True, slots=True, eq=False)
class Methods:
    """How the quantities of a question are made: `formulas` by name; `loss` is called so."""

    formulas: Mapping[str, Node]
    loss: str

    def shown(self, one: Statement, finding: Finding, own: Own) -> Shown:
        """What a right formula shows. A definition says what a gradient is, and not how it is made."""
        if one.formula is None or (self._is_gradient(one.name) and finding.verdict == "definition"):
            return "nothing"
        assert isinstance(one.formula, tree.Chain), "a statement is an equation"
        found = [self._member(member, one.name, own) for member in one.formula.members[1:]]
        return next((kind for kind in ("formula", "chain") if kind in found), "nothing")

    def _member(self, node: Node, name: str, own: Own) -> Shown:
        parts = list(_parts(node, self.loss))
        read = {part for part in parts if part}
        reached = self._reached(read, own)
        if not read or name in reached or any(name in self._sources(one) for one in reached):
            return "nothing"
        if "" not in parts:
            return "formula"
        return "chain" if any(map(self._is_gradient, reached)) else "nothing"

    def _is_gradient(self, name: str) -> bool:
        """Whether this is `dz` of a quantity z; a quantity may itself be called d1."""
        known = name[1:] in self.formulas or any(name[1:] in read_by(node) for node in self.formulas.values())
        return name.startswith("d") and name in self.formulas and known

    def _reached(self, names: set[str], own: Own) -> set[str]:
        """The names, and those of what a text says that they are."""
        found: set[str] = set()
        waiting = set(names)
        while waiting:
            one = waiting.pop()
            found.add(one)
            if one not in self.formulas:
                waiting |= own.get(one, frozenset()) - found
        return found

    def _sources(self, name: str) -> set[str]:
        """All that a quantity is made of."""
        found: set[str] = set()
        waiting = {name}
        while waiting:
            one = waiting.pop()
            new = set(read_by(self.formulas[one])) - found if one in self.formulas else set()
            found |= new
            waiting |= new
        return found


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
