"""A derivation as the page sees it: shapes as spaces, values as trees, formulas with numbers in.

Everything here is a tree or a fact about one; no words, no format.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from typing import Any, Literal

from symbackprop import limits
from symbackprop.algebra import indexform as ix
from symbackprop.algebra.functions import TABLE, Function
from symbackprop.algebra.slopes import Slope
from symbackprop.algebra.spell import place_node, size_node, spelled
from symbackprop.algebra.values.arrays import Array
from symbackprop.algebra.values.decimals import decimal_places, rounded
from symbackprop.algebra.values.poly import Poly, leftover
from symbackprop.derivation.steps import Derivation
from symbackprop.notation import tree
from symbackprop.notation.tree import Node, Shape
from symbackprop.notation.write import to_latex
from symbackprop.report.facts import Facts
from symbackprop.report.ladder import Ladder, ladder
from symbackprop.report.substitution import Substitution, ends

EXAMPLE = "example"
"""The word over an equals sign where the example's numbers come in."""


WIDEST = 52
"""em of a formula with numbers beyond which it is abbreviated: a line of the page has 42."""


@dataclass(frozen=True)
class View:
    """One derivation and how numbers are shown."""

    derivation: Derivation
    facts: Facts
    digits: int = 4
    _shown: dict[str, Node | None] = field(default_factory=dict)

    @cached_property
    def ladder(self) -> Ladder | None:
        """The layers of one form that stand one on top of another, if there are any."""
        return ladder(self.derivation)

    # --- names and shapes -----------------------------------------------------------------

    @property
    def loss(self) -> str:
        """The name of the loss."""
        return self.derivation.exercise.loss

    def shape(self, name: str) -> Shape:
        """The shape of `z` or of `dz`."""
        quantity = self.derivation.quantities.get(name)
        return quantity.shape if quantity else self.derivation.exercise.shapes[name]

    def lone(self, name: str) -> bool:
        """One number: a scalar, or size 1 along every axis."""
        return all(size == 1 for size in self.shape(name))

    def space(self, name: str) -> Node:
        """`ℝ^{k×n}`; what has size 1 along every axis is simply in ℝ."""
        shape = self.shape(name)
        sizes = () if self.lone(name) else tuple(size_node(size) for size in shape)
        return tree.Space(sizes)

    def membership(self, *names: str) -> Node:
        """`z, b ∈ ℝ^k`, of names with one shape."""
        left: Node = (
            tree.Row(tuple(self.symbol(n) for n in names), ",") if len(names) > 1 else self.symbol(names[0])
        )
        return tree.Chain((left, self.space(names[0])), ("∈",), (None,))

    def symbol(self, name: str) -> Node:
        """`z` or `dz` as a node."""
        quantity = self.derivation.quantities.get(name)
        if quantity is None:  # a size
            return tree.Name(name)
        made: Node = tree.Name(quantity.target)
        return tree.Gradient(made) if quantity.gradient else made

    # --- functions under the names of the page -----------------------------------------------

    @cached_property
    def letters(self) -> Mapping[str, str]:
        """How an activation is called on the page: the only one is g, as in the notes."""
        used = [name for name in self.facts.activations if not _has_symbol(self.row(name))]
        used = [name for name in used if len(self.facts.variants(name)) == 1]
        taken = set(self.derivation.exercise.shapes) | set(self.derivation.exercise.functions)
        free = [letter for letter in ("g", "f", "h", "q", "v") if letter not in taken]
        return dict(zip(used, free, strict=False)) if len(used) <= len(free) else {}

    def applied(self, slope: Slope, argument: Node, primes: int = 0) -> tree.Call:
        """`g(z)`, or `LeakyReLU(z; slope = 1/10)` where the page has no letter for the function."""
        name = slope.function.name
        letter = self.letters.get(name)
        return tree.Call(letter or name, (argument,), () if letter else slope.options, primes)

    def row(self, function: str) -> Function:
        """The row of a function of the table or of the exercise."""
        return self.derivation.exercise.functions.get(function) or TABLE[function]

    def page(self, node: Node) -> Node:
        """`node` with the functions under the names of the page: `relu(z)` is `g(z)`."""
        if isinstance(node, tree.Call):
            args = tuple(self.page(arg) for arg in node.args)
            if node.function == "exp" and not node.primes and "e" not in self.derivation.exercise.shapes:
                return tree.Power(tree.Constant("e"), args[0])
            if node.function == "square" and not node.primes and self._one_number(node.args[0]):
                return tree.Power(args[0], tree.number(2))
            name = self.letters.get(node.function)
            options = () if name else node.options
            return tree.Call(name or node.function, args, options, node.primes)
        if isinstance(node, tree.Product):
            pairs = zip(node.signs, pairwise(node.factors), strict=True)
            signs = (sign if sign != "*" else self._dot(*pair) for sign, pair in pairs)
            return tree.Product(tuple(self.page(_ratio(factor)) for factor in node.factors), tuple(signs))
        return tree.rebuild(node, self.page)

    def _dot(self, first: Node, second: Node) -> Literal["cdot", "odot"]:
        """The sign between two factors: ⊙ where both are arrays."""
        return "cdot" if self._one_number(first) or self._one_number(second) else "odot"

    def _one_number(self, node: Node) -> bool:
        """Whether everything in a formula is one number."""
        return all(self.lone(name) for name in self.used(node))

    def loss_call(self) -> Node:
        """`L(ŷ, y)`: the loss and the names in its formula."""
        names = [
            n
            for n in tree.names_in(self.derivation.step(self.loss).formula)
            if n in self.derivation.quantities
        ]
        return tree.Call(self.loss, tuple(tree.Name(name) for name in names))

    def loss_formula(self) -> list[Node]:
        """The loss as a formula: what was written, or what the named loss stands for."""
        body = self.derivation.step(self.loss).formula
        compact = self.facts.compact(body)
        if compact is not None:
            return [self.page(compact)]
        return [self.page(self.facts.written_out(body, self))]

    def spelled(self, name: str, letters: Mapping[str, str]) -> Node:
        """The entry of an equation's right side, in indices: `Σ_i w_ji x_i + b_j`."""
        made = spelled(self.facts.tensor(name).expr, letters, avoid=self.derivation.exercise.shapes)
        return self.unindexed(made)

    def unindexed(self, node: Node) -> Node:
        """`node` without the indices of what is one number, and without sums of one term."""
        if isinstance(node, tree.Sum) and node.high == tree.Number(Fraction(1)):
            return self.unindexed(node.body)
        if isinstance(node, tree.Gradient) and isinstance(node.of, tree.Index):
            inner = self.unindexed(node.of)
            return tree.Gradient(inner)
        if isinstance(node, tree.Index) and isinstance(node.base, tree.Name):
            return self._fewer_places(node, node.base.name)
        return tree.rebuild(node, self.unindexed)

    def _fewer_places(self, node: tree.Index, name: str) -> Node:
        """`w_i` for the one row of W, `z` for the one entry of z."""
        shape = self.derivation.exercise.shapes.get(name, ())
        kept = tuple(p for p, size in zip(node.places, shape, strict=False) if size != 1)
        if len(kept) == 1 and len(shape) == 2:  # the one row of W is written with small letters: w_i
            if name != name.lower() in self.derivation.exercise.shapes:
                ones = (
                    tree.number(1) if size == 1 else p for p, size in zip(node.places, shape, strict=True)
                )
                return tree.Index(node.base, tuple(ones))
            return tree.Index(tree.Name(name.lower()), kept)
        return tree.Index(node.base, kept) if kept else node.base

    def formula(self, name: str) -> Node:
        """The formula of `dz` on the page; between single numbers ⊙ is an ordinary product."""
        step = self.derivation.step(name)
        made = self.page(step.formula)
        return self._with_dots(made) if self.lone(step.target) else made

    def _with_dots(self, node: Node) -> Node:
        """Between single numbers ⊙ is an ordinary product; between arrays, as under a sum, it stays."""
        if isinstance(node, tree.Product):
            pairs = zip(node.signs, pairwise(node.factors), strict=True)
            signs = (self._dot(*pair) if sign == "odot" else sign for sign, pair in pairs)
            return tree.Product(tuple(map(self._with_dots, node.factors)), tuple(signs))
        return tree.rebuild(node, self._with_dots)

    # --- values -------------------------------------------------------------------------------

    def numbers(self, name: str) -> Array[Any] | None:
        """The values of `z` or `dz`, or None."""
        quantity = self.derivation.quantities.get(name)
        return quantity.numbers if quantity else None

    def value(self, name: str, *, transposed: bool = False) -> Node | None:
        """The value as a tree: a number, a column or a matrix; abbreviated where it is wide."""
        key = name + ("ᵀ" if transposed else "")
        if key not in self._shown:
            numbers = self.numbers(name)
            self._shown[key] = (
                None if numbers is None else self.array(numbers.transposed() if transposed else numbers)
            )
        return self._shown[key]

    def symbols(self, name: str) -> Node | None:
        """A name without a value, entry by entry: `(y_1, y_2)ᵀ`, while that is short."""
        shape = self.derivation.exercise.shapes.get(name, ())
        sizes = tuple(size for size in shape if isinstance(size, int))
        if not sizes or len(sizes) != len(shape) or max(sizes) > limits.SHOWN_COLUMNS or self.lone(name):
            return None
        return self.array(leftover(name, sizes))

    def expanded(self, name: str) -> bool:
        """Whether a value is a polynomial that the page shows better unexpanded."""
        numbers = self.numbers(name)
        values = numbers.entries if numbers is not None else ()
        return any(isinstance(v, Poly) and any(sum(p for _, p in m) > 1 for m in v.terms) for v in values)

    def array(self, numbers: Array[Any], most: int = max(limits.SHOWN_ROWS, limits.SHOWN_COLUMNS)) -> Node:
        """An array of values as a tree; of more than `most` rows or columns the first ones and the last."""
        if len(numbers.entries) == 1:
            return self.entry(numbers.entries[0])
        if len(numbers.shape) == 1:
            column = ends(numbers.entries, min(most, limits.SHOWN_ROWS))
            return tree.Matrix(tuple((node,) for node in self._alike(column, "v")), "column")
        rows = ends(tuple(numbers.rows()), min(most, limits.SHOWN_ROWS))
        cells = [None if row is None else ends(row, min(most, limits.SHOWN_COLUMNS)) for row in rows]
        width = len(next(row for row in cells if row is not None))
        flat = self._alike([value for row in cells if row is not None for value in row], "c")
        made = iter([flat[at : at + width] for at in range(0, len(flat), width)])
        gap: tuple[Node, ...] = (tree.Dots("v"),) * width
        return tree.Matrix(tuple(gap if row is None else tuple(next(made)) for row in cells), "matrix")

    def _alike(self, values: list[Any], gap: Literal["c", "v"]) -> list[Node]:
        """The entries of one array: where one is rounded, no other is a fraction or a longer decimal."""
        shown = [None if value is None else self.facts.shown(value, self.digits) for value in values]
        loose = any(made is not None and not made[1] for made in shown)
        nodes: list[Node] = []
        for value, made in zip(values, shown, strict=True):
            if made is None:
                nodes.append(tree.Dots(gap))
            else:
                long = loose and type(value) is Fraction and _has_more_places(value, self.digits)
                nodes.append(rounded(value, self.digits).node() if long else made[0])
        return nodes

    def entry(self, value: Any) -> Node:
        """One value as a tree, rounded where it has to be."""
        if value is None:
            return tree.Dots("v")
        return self.facts.shown(value, self.digits)[0]

    def exact(self, name: str) -> bool:
        """Whether every value of `name` is printed exactly."""
        numbers = self.numbers(name)
        return numbers is None or all(self.facts.shown(value, self.digits)[1] for value in numbers.entries)

    def relation(self, *names: str) -> tree.Relation:
        """`=`, or `≈` where something on either side is rounded."""
        return "=" if all(self.exact(name) for name in names) else "≈"

    def too_wide(self, node: Node) -> bool:
        """Whether a formula would have to be set in small print to fit into a line."""
        from symbackprop.report.measure import width

        return width(to_latex(node)) > WIDEST

    # --- formulas with numbers in ----------------------------------------------------------------

    def with_numbers(self, node: Node, *, braces: bool = False) -> Node:
        """`node` with every name that has a value replaced by it; `braces` says what each was."""
        return Substitution(self, braces).go(node)

    def used(self, node: Node) -> list[str]:
        """The quantities that `node` mentions: `z`, `dz`."""
        found: dict[str, None] = {}
        inside: set[int] = set()
        for part in tree.walk(node):
            if isinstance(part, tree.Gradient):
                inside.update(id(child) for child in tree.walk(part.of))
                found.setdefault("d" + tree.names_in(part.of)[0])
            elif isinstance(part, tree.Name) and id(part) not in inside:
                found.setdefault(part.name)
        return [name for name in found if name in self.derivation.quantities]

    def entry_value(self, entry: ix.Entry) -> Node:
        """One entry as a number, or as its name where it has none."""
        name = ("d" if entry.gradient else "") + entry.name
        numbers = self.numbers(name)
        if numbers is not None and all(isinstance(place, int) for place in entry.places):
            places = [place for place in entry.places if isinstance(place, int)]
            return self.entry(numbers.at(*places) if places else numbers.item)
        return self.entry_name(entry.name, entry.places, entry.gradient)

    def entry_name(self, name: str, places: tuple[ix.Place, ...], gradient: bool = False) -> Node:
        """`w_{12}`, or the bare name of what is one number."""
        base: Node = tree.Name(name)
        if places and not self.lone(name):
            base = tree.Index(base, tuple(map(place_node, places)))
        return tree.Gradient(base) if gradient else base


def _ratio(factor: Node) -> Node:
    """A fraction of numbers without the brackets that it needs on one line: `(1/4) u` is ¼ u."""
    inner = factor.body if isinstance(factor, tree.Bracket) else None
    built_up = isinstance(inner, tree.Quotient) and not tree.names_in(inner)
    return inner if inner is not None and built_up else factor


def _has_symbol(row: Function) -> bool:
    """σ, tanh and the user's own functions keep their names; ReLU and its kin become g."""
    return not row.latex.startswith(r"\operatorname")


def _has_more_places(value: Fraction, digits: int) -> bool:
    places = decimal_places(value)
    return places is None or places > digits


def chain(
    *members: Node, relations: tuple[tree.Relation, ...], over: tuple[str | None, ...] = ()
) -> tree.Chain:
    """A chain; members that repeat the one before are left out with their relation."""
    kept: list[Node] = [members[0]]
    signs: list[tree.Relation] = []
    words: list[str | None] = []
    over = over or (None,) * len(relations)
    pending: str | None = None
    for member, relation, word in zip(members[1:], relations, over, strict=True):
        if tree.undressed(member) == tree.undressed(kept[-1]):
            pending = pending or word
            continue
        kept.append(member)
        signs.append(relation)
        words.append(word or pending)
        pending = None
    return tree.Chain(tuple(kept), tuple(signs), tuple(words))


def space_of(shape: Shape) -> tree.Space:
    """`ℝ^{k×n}`."""
    return tree.Space(tuple(size_node(size) for size in shape))


def belongs(node: Node, shape: Shape) -> tree.Chain:
    """`z ∈ ℝ^k`."""
    return tree.Chain((node, space_of(shape)), ("∈",), (None,))
