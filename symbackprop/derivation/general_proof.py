"""The formulas of a layer for any sizes, against dual numbers, with generic functions.

The layer gets a loss of its own, the sum of C ⊙ ŷ with random C, so that what arrives at ŷ is C
and nothing of the example's loss is used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import cycle
from operator import eq
from typing import Any

from symbackprop.algebra.functions import OPERATIONS, TABLE, Function
from symbackprop.algebra.lower_calls import made_of_cases
from symbackprop.algebra.values.arrays import Array
from symbackprop.algebra.values.evaluate import Evaluator
from symbackprop.algebra.values.gfp import GFp
from symbackprop.algebra.values.run import directional, forward
from symbackprop.derivation.backward import levels
from symbackprop.derivation.failed import CertificateFailed
from symbackprop.derivation.numbers import shaped
from symbackprop.derivation.points import allowed, drawn, numbers_of
from symbackprop.derivation.steps import Check, Contribution, Layer
from symbackprop.notation import tree
from symbackprop.notation.tree import Node, Shape

SIZES = ((3, 1), (3, 2), (4, 3), (5, 2))
"""(n, k), or whatever the first two sizes of the layer are called."""


class LayerFailed(CertificateFailed):
    """A general formula disagrees with dual numbers: our own fault."""


def general_checks(layers: tuple[Layer, ...]) -> Iterator[Check]:
    """One line for the general formulas of all layers."""
    tried = 0
    for place, layer in enumerate(layers):
        for pair in SIZES:
            named = zip(sorted(layer.sizes, reverse=True), cycle(pair), strict=False)
            sizes = allowed(dict(named), layer.shapes.values())
            tried += drawn(f"layer/{place}/{pair}", partial(_agrees, layer, sizes)) or 0
    if tried:
        names = tuple("d" + made.target for layer in layers for made in layer.contributions)
        yield Check(kind="general", what=names, agreed=tried, tried=tried, sizes=SIZES)


def _agrees(layer: Layer, sizes: dict[str, int], domain: GFp) -> int:
    working: Evaluator[int] = Evaluator(domain, sizes, _generic(layer))
    last = layer.equations[-1].name
    weight = "C~"
    loss = tree.Call("sum", (tree.times(tree.Name(weight), tree.Name(last), sign="odot"),))
    equations = [*((one.name, one.body) for one in layer.equations), ("loss~", loss)]
    computed = {one.name for one in layer.equations}

    def numbers(name: str) -> tuple[int, ...]:
        return numbers_of(layer.shapes[name], sizes)

    given = {name: domain.draw_array(numbers(name)) for name in layer.shapes if name not in computed}
    given[weight] = domain.draw_array(numbers(last))
    values = forward(equations, given, working)
    known = {**values, "d" + last: given[weight]}
    for made in layer.contributions:
        assert made.matrix is not None
        shape = numbers(made.target)
        value = shaped(working.evaluate(made.matrix, known, like=shape), shape)
        known["d" + made.target] = value
        if not levels_agree(made, layer.shapes, working, known):
            raise LayerFailed(f"d{made.target}", f"a row or column for sizes {sizes}")
        direction: Array[int] = domain.draw_array(shape)
        expected = directional(equations, values, {made.target: direction}, working)
        if domain.dot(value.entries, direction.entries) != expected:
            raise LayerFailed(f"d{made.target}", f"any sizes, here {sizes}")
    return len(layer.contributions)


def levels_agree(
    made: Contribution,
    shapes: Mapping[str, Shape],
    working: Evaluator[Any],
    known: Mapping[str, Array[Any]],
    same: Callable[[Any, Any], bool] = eq,
) -> bool:
    """Whether the row or the column of a contribution, at its first place, is that of its matrix."""
    assert made.matrix is not None
    whole = working.evaluate(made.matrix, known).entries
    for level in levels(made, shapes):
        right = tree.replace_names(level.right, {level.fixed: tree.number(1)})
        columns: dict[str, Array[Any]] = {}
        right = _rows_as_columns(right, working, known, columns)
        part = working.evaluate(right, {**known, **columns}).entries
        if not all(map(same, part, whole)):
            return False
    return True


def _rows_as_columns(
    node: Node, working: Evaluator[Any], known: Mapping[str, Array[Any]], columns: dict[str, Array[Any]]
) -> Node:
    """`X_{p,:}ᵀ` as a vector of its own: it stands beside vectors, and a row's transpose is n×1."""
    if isinstance(node, tree.Transpose) and isinstance(_picked(node.body), tree.Index):
        row = working.evaluate(node.body, known)
        if len(row.shape) == 2:
            name = f"row~{len(columns)}"
            columns[name] = row.reshaped((len(row.entries),))
            return tree.Name(name)
    return tree.rebuild(node, lambda child: _rows_as_columns(child, working, known, columns))


def _picked(node: Node) -> Node:
    return node.of if isinstance(node, tree.Gradient) else node


def _generic(layer: Layer) -> dict[str, Function]:
    """Every function whose prime stays in the formulas, without its own: the proof is for any of them."""
    found = {}
    for one in layer.equations:
        for part in tree.walk(one.body):
            if isinstance(part, tree.Call) and part.function not in OPERATIONS:
                row = layer.lowering.functions.get(part.function) or TABLE[part.function]
                if not _keeps_prime(layer, row):
                    continue
                found[row.name] = Function(
                    name=row.name, kind=row.kind, latex=row.latex, typst=row.typst, plain=row.plain,
                    pieces=(), arguments=row.arguments, options=row.options,
                )  # fmt: skip
    return found


def _keeps_prime(layer: Layer, row: Function) -> bool:
    """Elementary functions are differentiated in the formulas, and those of several arguments written out."""
    if row.name in layer.lowering.functions:
        return len(row.arguments) == 1 and not made_of_cases(layer.lowering, row)
    return row.kind == "activation" or (row.kind == "elementwise" and not row.smooth)
