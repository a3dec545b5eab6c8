"""Mistakes about what stands in a product: the gradient that arrives, the variable, the layer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from symbackprop.derivation.slips import Place, Wrong, at_each, matrix_product, with_factor, without
from symbackprop.notation import tree
from symbackprop.notation.tree import Node


def upstream_skipped(place: Place) -> Iterator[Wrong]:
    """dz xᵀ  ->  dŷ xᵀ"""

    def change(node: Node) -> Iterator[Wrong]:
        match node:
            case tree.Gradient(tree.Name(name)):
                applied = place.applied(name)
                if applied is not None:
                    after = tree.Gradient(tree.Name(applied.name))
                    yield Wrong(after, node, after)

    yield from at_each(place.formula, change)


def upstream_forgotten(place: Place) -> Iterator[Wrong]:
    """dŷ ⊙ g′(z)  ->  g′(z);  Wᵀ dz  ->  Wᵀ 1"""

    def change(node: Node) -> Iterator[Wrong]:
        if not isinstance(node, tree.Product):
            return
        for at, factor in enumerate(node.factors):
            match factor:
                case tree.Gradient(tree.Name(name)):
                    if "odot" in node.signs or place.rank(name) == 0:
                        yield Wrong(without(node, at), factor)
                    elif place.rank(name) == 1:
                        yield Wrong(with_factor(node, at, tree.Ones()), factor)

    yield from at_each(place.formula, change)


def bias_one(place: Place) -> Iterator[Wrong]:
    """db = dz  ->  db = 1"""
    if isinstance(place.formula, tree.Gradient):
        yield Wrong(tree.Ones() if len(place.shape) == 1 else tree.number(1), place.formula)


def output_for_input(place: Place) -> Iterator[Wrong]:
    """dz xᵀ  ->  dz zᵀ"""
    if len(place.shape) != 2:
        return

    def change(node: Node) -> Iterator[Wrong]:
        if isinstance(node, tree.Name) and node.name != place.step.target:
            for through in place.through:
                if through != node.name and place.rank(through) == place.rank(node.name):
                    yield Wrong(tree.Name(through), node, tree.Name(through))

    yield from at_each(place.formula, change)


# --- what only a checker looks for ------------------------------------------------------------


def after_for_input(place: Place) -> Iterator[Wrong]:
    """dz xᵀ  ->  dz ŷᵀ: what the activation makes of the output"""
    if len(place.shape) != 2:
        return
    outputs = [
        tree.Name(one.name) for through in place.through if (one := place.applied(through)) is not None
    ]

    def change(node: Node) -> Iterator[Wrong]:
        if isinstance(node, tree.Name) and node.name != place.step.target:
            for other in outputs:
                if other != node and place.rank(other.name) == place.rank(node.name):
                    yield Wrong(other, node, other)

    yield from at_each(place.formula, change)


def later_for_upstream(place: Place) -> Iterator[Wrong]:
    """dz xᵀ  ->  dŷ xᵀ, where ŷ follows from z in any way, not only entry by entry"""

    def change(node: Node) -> Iterator[Wrong]:
        match node:
            case tree.Gradient(tree.Name(name)) if place.applied(name) is None:
                for after in _after(place, name):
                    instead = tree.Gradient(tree.Name(after))
                    yield Wrong(instead, node, instead)

    yield from at_each(place.formula, change)


def _after(place: Place, name: str) -> Iterator[str]:
    """The names computed from `name` that have a gradient and its shape."""
    for one in place.exercise.equations[:-1]:
        if name in tree.names_in(one.body) and place.exercise.shapes[one.name] == place.exercise.shapes[name]:
            yield one.name


def any_upstream_forgotten(place: Place) -> Iterator[Wrong]:
    """Σ_j dz_j w_ji  ->  Σ_j w_ji;  dO Vᵀ  ->  Vᵀ"""

    def change(node: Node) -> Iterator[Wrong]:
        if isinstance(node, tree.Product):
            for at, factor in enumerate(node.factors):
                bare = factor.body if isinstance(factor, tree.Transpose) else factor
                if isinstance(bare, tree.Gradient):
                    yield Wrong(without(node, at), bare)

    yield from at_each(place.formula, change)


def gradient_is_one(place: Place) -> Iterator[Wrong]:
    """db = Σ dz_j  ->  1"""
    match place.formula:
        case tree.Gradient() as arriving if place.shape:
            yield Wrong(tree.number(1), arriving)
        case tree.Call("sum", (tree.Gradient() as arriving,)) if not place.shape:
            yield Wrong(tree.number(1), arriving)
        case tree.Product((tree.Transpose(tree.Gradient() as arriving), tree.Ones())) if (
            len(place.shape) == 1
        ):
            yield Wrong(tree.Ones(), arriving)


def value_for_gradient(place: Place) -> Iterator[Wrong]:
    """dz xᵀ  ->  z xᵀ: the value of the forward pass where its gradient is due"""

    def change(node: Node) -> Iterator[Wrong]:
        if isinstance(node, tree.Gradient):
            yield Wrong(node.of, node, node.of)

    yield from at_each(place.formula, change, into_calls=True)


def gradient_for_value(place: Place) -> Iterator[Wrong]:
    """Wᵀ dz  ->  dWᵀ dz"""

    def change(node: Node) -> Iterator[Wrong]:
        if isinstance(node, tree.Name) and place.gradient(node.name) is not None:
            instead = tree.Gradient(node)
            yield Wrong(instead, node, instead)

    yield from at_each(place.formula, change)


def wrong_variable(place: Place) -> Iterator[Wrong]:
    """dx = Wᵀ dz  ->  dz xᵀ: the derivative with respect to another variable of the same equation"""
    for other in place.steps:
        sources = {part.through for part in other.substeps if part.entry}
        if other.gradient and other.target != place.step.target and sources & {*place.through}:
            yield Wrong(other.formula, tree.Name(place.step.target), tree.Gradient(tree.Name(other.target)))


def label_for_output(place: Place) -> Iterator[Wrong]:
    """dL/dŷ  ->  dL/dy"""
    if place.step.rule != "loss":
        return
    exercise = place.exercise
    body = place.body(exercise.loss) or tree.number(0)
    labels = [
        name for name in tree.names_in(body)
        if name in exercise.given and name != place.step.target and exercise.shapes[name] == place.shape
    ]  # fmt: skip
    for label in labels:
        for found in _with_respect_to(place, label):
            yield Wrong(found, tree.Name(place.step.target), tree.Name(label))


def _with_respect_to(place: Place, name: str) -> Iterator[Node]:
    """The gradient of the loss with respect to a name that nobody asked for."""
    from symbackprop.algebra.lower import CannotDerive
    from symbackprop.derivation.gradients import backward  # SymPy, for a wrong line only
    from symbackprop.derivation.model import Model

    try:
        steps = tuple(backward(Model.of(replace(place.exercise, wanted=(name,)))))
    except CannotDerive:
        return
    yield from (step.formula for step in steps if step.target == name and step.rule != "unreached")


# --- names that are mistaken for each other


def wrong_layer(place: Place) -> Iterator[Wrong]:
    """dz2 a1ᵀ  ->  dz2 a2ᵀ, dz1 a1ᵀ: the same thing of another layer"""
    fellows = _fellows(place)

    def change(node: Node) -> Iterator[Wrong]:
        match node:
            case tree.Name(name):
                yield from (Wrong(tree.Name(one), node, tree.Name(one)) for one in fellows.get(name, ()))
            case tree.Gradient(tree.Name(name)):
                for one in fellows.get(name, ()):
                    instead = tree.Gradient(tree.Name(one))
                    yield Wrong(instead, node, instead)

    yield from at_each(place.formula, change, into_calls=True)


def _fellows(place: Place) -> Mapping[str, Iterable[str]]:
    """For each name those that play its part elsewhere: W1 and W2; the inputs of layers; their outputs."""
    groups: dict[str, dict[str, None]] = {}
    for name in place.exercise.shapes:
        stem = name.rstrip("0123456789")
        if stem and stem != name:
            groups.setdefault(stem, {})[name] = None
    for one in place.exercise.equations[:-1]:
        for part in tree.walk(one.body):
            match matrix_product(part):
                case (tree.Name(), tree.Name(name)):
                    groups.setdefault("input of a layer", {})[name] = None
        if any(place.argument(one.name) == name for name in place.exercise.computed):
            groups.setdefault("output of a layer", {})[one.name] = None
    found: dict[str, dict[str, None]] = {}
    for group in groups.values():
        for name in group:
            found.setdefault(name, {}).update(dict.fromkeys(one for one in group if one != name))
    return found


def wrong_factor(place: Place) -> Iterator[Wrong]:
    """Wᵀ dz  ->  xᵀ dz: another name of the same equation where one is due"""
    bodies = [body for name in place.through if (body := place.body(name)) is not None]
    others = dict.fromkeys(name for body in bodies for name in tree.names_in(body) if place.rank(name))

    def change(node: Node) -> Iterator[Wrong]:
        if isinstance(node, tree.Name) and place.rank(node.name):
            for other in others:
                if other != node.name:
                    yield Wrong(tree.Name(other), node, tree.Name(other))

    yield from at_each(place.formula, change)


def near_factor(place: Place) -> Iterator[Wrong]:
    """dŷ dᵀ  ->  dŷ aᵀ, where d was made of a: what a name of the same shape is computed from"""

    def change(node: Node) -> Iterator[Wrong]:
        body = place.body(node.name) if isinstance(node, tree.Name) else None
        if body is not None and isinstance(node, tree.Name):
            shape = place.exercise.shapes[node.name]
            for other in tree.names_in(body):
                inside = place.argument(node.name) == other  # a value before the activation has its own row
                if shape and not inside and place.exercise.shapes.get(other) == shape:
                    yield Wrong(tree.Name(other), node, tree.Name(other))

    yield from at_each(place.formula, change)


# --- parameters


def bias_regularised(place: Place) -> Iterator[Wrong]:
    """db = dz  ->  dz + λ b, as if b had the term λ W that the loss has for W alone"""
    target, given = tree.Name(place.step.target), place.exercise.given
    if target.name not in given or target.name in tree.names_in(place.body(place.exercise.loss) or target):
        return
    for other in place.steps:
        if other.gradient and other.target in given and isinstance(other.formula, tree.Add):
            for term in other.formula.terms:
                own = other.target in tree.names_in(term)
                if own and not any(isinstance(part, tree.Gradient) for part in tree.walk(term)):
                    extra = tree.replace_names(term, {other.target: target})
                    yield Wrong(tree.plus(place.formula, extra), extra)


def updated_too_early(place: Place) -> Iterator[Wrong]:
    """W2ᵀ dz2  ->  (W2 − η dW2)ᵀ dz2"""
    descent = place.exercise.descent
    if descent is None:
        return

    def change(node: Node) -> Iterator[Wrong]:
        if isinstance(node, tree.Name) and node.name in descent.parameters:
            step = tree.juxtaposed(tree.number(descent.rate), tree.Gradient(node))
            yield Wrong(tree.Add((node, tree.Neg(step))), node)

    yield from at_each(place.formula, change)
