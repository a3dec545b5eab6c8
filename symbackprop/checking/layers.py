"""Which equations of a model are its layers, for lines that number layers that the model names otherwise.

A layer is an affine equation of what the layer before makes, and the function that is applied to it. What
stands where says which is which: after `h = sigmoid(z1)`, `theta = h W2 + b2` has the weights W2.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from symbackprop.exercise.model import Equation, Exercise
from symbackprop.notation import tree
from symbackprop.notation.node import Plain
from symbackprop.notation.tree import Node

AFFINE = frozenset("zsuqn")
OUTPUT = frozenset("aho")
WEIGHT = frozenset("wvm")
BIAS = frozenset("bc")
"""Letters by which books number what a layer has, in either case."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Layer(Plain):
    """The names of one layer; `output` is `affine` where no function is applied, `bias` empty without one."""

    affine: str
    output: str
    incoming: str
    weight: str
    bias: str = ""

    def named(self, letter: str) -> str | None:
        """What a book calls by a letter: z, a, W or b of this layer."""
        lower = letter.lower()
        if lower in AFFINE:
            return self.affine
        if lower in OUTPUT:
            return self.output
        if lower in WEIGHT:
            return self.weight
        return (self.bias or None) if lower in BIAS else None


def layers_of(exercise: Exercise) -> tuple[Layer, ...]:
    """The longest run of layers, each on top of the one before, from the input up."""
    affine = {one.name: found for one in exercise.equations[:-1] if (found := _affine(one, exercise))}
    best: tuple[Layer, ...] = ()
    for name in affine:
        run = tuple(_run(name, affine, exercise.equations[:-1]))
        weighted = all(one.weight in exercise.given for one in run)
        best = run if weighted and len(run) > len(best) else best
    return best


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class _Affine(Plain):
    """`left right + bias`: one of the two factors is the weight."""

    left: str
    right: str
    bias: str


def _affine(one: Equation, exercise: Exercise) -> _Affine | None:
    body = tree.undressed(one.body)
    terms = body.terms if isinstance(body, tree.Add) else (body,)
    product, bias = None, ""
    for term in terms:
        names = list(tree.names_in(term))
        factors = term.factors if isinstance(term, tree.Product) else ()
        if (
            len(factors) == 2
            and len(names) == 2
            and all(isinstance(_bare(part), tree.Name) for part in factors)
        ):
            if product is not None:
                return None
            product = (names[0], names[1])
        elif len(names) == 1 and names[0] in exercise.given:
            bias = names[0]
        elif not any(isinstance(part, tree.Ones) for part in tree.walk(term)) or bias:
            return None
        else:
            bias = next((name for name in names if name in exercise.given), "")
    return None if product is None else _Affine(*product, bias)


def _bare(node: Node) -> Node:
    return node.body if isinstance(node, tree.Transpose) else node


def _run(first: str, affine: dict[str, _Affine], equations: Sequence[Equation]) -> Iterator[Layer]:
    """The layers from this one up; the side of the weight is that of the layers above."""
    names, outputs = [first], [_output(first, equations)]
    while True:
        above = [name for name, one in affine.items() if outputs[-1] in (one.left, one.right)]
        if len(above) != 1 or above[0] in names:
            break
        names.append(above[0])
        outputs.append(_output(above[0], equations))
    sides = {affine[name].left == below for name, below in zip(names[1:], outputs, strict=False)}
    if len(sides) != 1:
        return
    (incoming_left,) = sides
    for name, output in zip(names, outputs, strict=True):
        one = affine[name]
        incoming, weight = (one.left, one.right) if incoming_left else (one.right, one.left)
        yield Layer(affine=name, output=output, incoming=incoming, weight=weight, bias=one.bias)


def _output(affine: str, equations: Sequence[Equation]) -> str:
    """What a function makes of it, where that is all that becomes of it."""
    users = [one for one in equations if affine in tree.names_in(one.body)]
    if len(users) == 1:
        body = tree.undressed(users[0].body)
        if isinstance(body, tree.Call) and body.args and body.args[0] == tree.Name(affine):
            return users[0].name
    return affine
