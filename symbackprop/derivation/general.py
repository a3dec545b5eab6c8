"""A layer with any numbers of inputs and neurons: the same equations with symbolic sizes.

The three levels (entry, row or column, matrix) are derived for any n and k, whatever sizes the
example has. Equations of the same form are shown once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from symbackprop.algebra.functions import OPERATIONS
from symbackprop.derivation.model import Model, lowering
from symbackprop.exercise.model import Equation
from symbackprop.notation import tree
from symbackprop.notation.inference import FRESH_SIZES, solve
from symbackprop.notation.tree import Node, Shape, Size

if TYPE_CHECKING:
    from symbackprop.algebra.indexform import Expr
    from symbackprop.derivation.steps import Contribution, Layer


def layers(model: Model, wanted: Collection[str]) -> Iterator[Layer]:
    """The layers of a model that differ in form, in order; `wanted` are the names with a gradient."""
    seen: set[object] = set()
    for one in model.exercise.equations[:-1]:
        if not contracts(model.tensor(one.name).expr) or _picks_entries(one):
            continue
        made = _layer(model, wanted, one)
        if made is None:
            continue
        form = _form(made)
        if form not in seen:
            seen.add(form)
            yield made


def contracts(expr: Expr) -> bool:
    """Whether entries are multiplied and summed over an inner index: a product of matrices."""
    from symbackprop.algebra.indexform import Entry

    return any(term.bound and sum(isinstance(factor, Entry) for factor in term.factors) > 1 for term in expr)


def _picks_entries(one: Equation) -> bool:
    """Whether an equation names single entries: it is then about the sizes it has, not about any."""
    return any(isinstance(part, tree.Index | tree.Matrix) for part in tree.walk(one.body))


def _layer(model: Model, wanted: Collection[str], one: Equation) -> Layer | None:
    from symbackprop.algebra.factors import Unreadable
    from symbackprop.algebra.lower import CannotDerive
    from symbackprop.derivation.backward import contribution  # who only names sizes derives nothing
    from symbackprop.derivation.steps import Layer

    users = model.users(one.name)
    applied = [u for u in users if _applies(u, one.name) and u.name != model.exercise.loss]
    alone = len(users) != 1  # what is used elsewhere too gets more than its function sends back
    equations, shapes, sizes = _lifted(model, (one,) if alone else (one, *applied))
    if shapes is None:
        return None
    made = lowering(shapes, model.exercise.functions)
    parts: list[Contribution] = []
    for equation in reversed(equations):
        for name in _ordered(equation, shapes):
            if name not in wanted or len(model.users(name)) > 1:
                continue  # of a name used twice, this layer's part alone is not the gradient
            try:
                part = contribution(made, equation.name, equation.body, name, loss=False)
            except (CannotDerive, Unreadable):
                return None
            parts.append(part)
    if not any(part.target != one.name and part.rule == "affine" for part in parts):
        return None
    return Layer(equations=equations, shapes=shapes, sizes=sizes, lowering=made, contributions=tuple(parts))


def _applies(user: Equation, name: str) -> bool:
    bare = tree.undressed(user.body)
    return isinstance(bare, tree.Call) and bare.args == (tree.Name(name),) and bare.function not in OPERATIONS


def _ordered(equation: Equation, shapes: Mapping[str, Shape]) -> list[str]:
    """Matrices first, then vectors, in the order of the equation: dW, dx, db."""
    names = [name for name in tree.names_in(equation.body) if name in shapes]
    return sorted(names, key=lambda name: -len(shapes[name]))


def _lifted(
    model: Model, equations: tuple[Equation, ...]
) -> tuple[tuple[Equation, ...], dict[str, Shape] | None, dict[str, Size]]:
    """The equations with shapes of the same ranks but named sizes, and each size in the example."""
    old = model.exercise.shapes
    bodies = [_without_sizes(one.body) for one in equations]
    names = [one.name for one in equations]
    names += [n for body in bodies for n in tree.names_in(body) if n in old and n not in names]
    declared: dict[str, Shape] = {}
    for name in dict.fromkeys(names):
        declared[name] = tuple(
            size if isinstance(size, str) and size.isidentifier() else "" for size in old[name]
        )
    # inference wants a scalar at the end, as a model has
    end = ("end~", tree.Call("sum", (tree.Name(equations[-1].name),)))
    known = [(one.name, body) for one, body in zip(equations, bodies, strict=True)]
    found = solve([*known, end], declared, functions=model.exercise.signatures)
    if found.faults or found.undetermined or any(name not in found.shapes for name in declared):
        return equations, None, {}
    shapes, sizes, table = _named(model, {name: found.shapes[name] for name in declared})
    named = {str(old_size): tree.Name(str(new)) for old_size, new in table.items()}
    lifted = tuple(
        replace(one, body=tree.replace_names(body, dict(named)))
        for one, body in zip(equations, found.bodies, strict=False)
    )
    return lifted, shapes, sizes


def with_named_sizes(model: Model) -> Model | None:
    """The same model with a name for every size that may vary; None where it stays as it is.

    A model that needs one of its sizes (`(ŷ − y)²` wants one neuron) has no such form.
    """
    exercise = model.exercise
    if all(isinstance(size, str) for shape in exercise.shapes.values() for size in shape):
        return None
    if any(_needs_its_sizes(one.body) for one in exercise.equations):
        return None
    bodies = [_without_sizes(one.body) for one in exercise.equations]
    declared: dict[str, Shape] = {
        name: tuple(size if isinstance(size, str) else "" for size in shape)
        for name, shape in exercise.shapes.items()
    }
    known = [(one.name, body) for one, body in zip(exercise.equations, bodies, strict=True)]
    found = solve(known, declared, functions=exercise.signatures)
    if found.faults or found.undetermined or set(found.shapes) != set(exercise.shapes):
        return None
    shapes = {name: found.shapes[name] for name in exercise.shapes}
    sizes = {size for shape in shapes.values() for size in shape if isinstance(size, str)}
    if not sizes or sizes & set(shapes):
        return None
    equations = tuple(
        replace(one, body=body) for one, body in zip(exercise.equations, found.bodies, strict=True)
    )
    return Model.of(replace(exercise, equations=equations, shapes=shapes, values={}))


def _needs_its_sizes(body: Node) -> bool:
    """Whether an equation names entries or sizes by number, which need not be there at other sizes."""
    for part in tree.walk(body):
        if isinstance(part, tree.Call) and part.function in {"eye", "zeros", "onehot"}:
            return True
        if isinstance(part, tree.Index | tree.Where | tree.Entrywise | tree.Sum):
            return True
    return False


def _without_sizes(node: Node) -> Node:
    """Vectors of ones as they were written, without their size in the example."""
    if isinstance(node, tree.Ones) and isinstance(node.size, tree.Number):
        return tree.Ones()
    return tree.rebuild(node, _without_sizes)


def _named(
    model: Model, shapes: Mapping[str, Shape]
) -> tuple[dict[str, Shape], dict[str, Size], dict[Size, Size]]:
    """The shapes with no size called like a name of the model; and each size in the example."""
    old = model.exercise.shapes
    fresh = iter([name for name in FRESH_SIZES if name not in old and name not in model.exercise.sizes])
    table: dict[Size, Size] = {}
    sizes: dict[str, Size] = {}
    for name, shape in shapes.items():
        for size, given in zip(shape, old[name], strict=True):
            if size in old and size not in table:
                table[size] = next(
                    name for name in fresh if name not in {s for f in shapes.values() for s in f}
                )
            sizes[str(table.get(size, size))] = given
    renamed = {name: tuple(table.get(size, size) for size in shape) for name, shape in shapes.items()}
    return renamed, sizes, table


def _form(layer: Layer) -> object:
    """The equations with their names numbered: equal for layers that differ in names only."""
    table: dict[str, Node] = {}
    for one in layer.equations:
        for name in (*tree.names_in(one.body), one.name):
            table.setdefault(name, tree.Name(f"#{len(table)}"))
    return tuple(
        (tree.replace_names(one.body, table), len(layer.shapes[one.name])) for one in layer.equations
    )
