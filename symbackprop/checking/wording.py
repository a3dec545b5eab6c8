"""The words of a known worked example: `net_{h1}`, `out_{o1}`, `target_{o1}`, weights numbered through.

Matt Mazur's "A Step by Step Backpropagation Example" (2015,
https://mattmazur.com/2015/03/17/a-step-by-step-backpropagation-example/) has them, and many after it. A
hidden neuron is h1, an output neuron o1, an input i_1, E_{o1} the part of the loss that comes from o1; a bias
b_1 is that of the neuron which the line is about.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from fractions import Fraction
from math import prod

from symbackprop.checking.context import LOSS_LETTERS, NEURON_WORDS, Context, Unclear
from symbackprop.checking.findings import Reason
from symbackprop.notation import tree
from symbackprop.notation.node import Plain
from symbackprop.notation.tree import Node

_ONE_WORD = re.compile(r"(net|out|target|E|delta)_([iho])_?(\d{1,3})")
_WEIGHT = re.compile(r"([wb])_?(\d{1,4})")


def worded(context: Context, node: Node) -> tuple[Context, Node]:
    """A statement with the names that the exercise has; the context remembers that these words are used."""
    if not context.neurons or not (context.worded or _may_be(node)):
        return context, node
    if not context.worded:
        if not any(_is_worded(context, part) for part in tree.walk(node)):
            return context, node
        context = replace(context, worded=True)
    return context, _Words(context, _neuron(node)).at(node)


def _may_be(node: Node) -> bool:
    """Whether one of these words may stand there: most lines have none."""
    names = set(tree.names_in(node))
    spelt = any("_" in name for name in names)
    return spelt or not names.isdisjoint(NEURON_WORDS) or not names.isdisjoint(("h", "o", "i"))


def _is_worded(context: Context, node: Node) -> bool:
    """Whether a name is one of these words: with a neuron or a layer, or alone of a single layer."""
    if _place_in(node) is not None:
        return True
    if len(context.neurons) == 1:
        return isinstance(node, tree.Name) and node.name in NEURON_WORDS and not context.knows(node.name)
    layer = _layer_in(node)
    return layer is not None and len(context.neurons) == 2 and not context.knows("delta")


def _neuron(node: Node) -> int | None:
    """The neuron that a statement is about: that of its left side."""
    left = node.members[0] if isinstance(node, tree.Chain) else node
    if isinstance(left, tree.Derivative):
        left = left.of
    found = _place_in(left)
    return None if found is None else found[2]


def _place_in(node: Node) -> tuple[str, str, int] | None:
    """Of `net_{h1}`, `net_{h_1}` and `net_h1` the word, the layer's letter and the neuron's number."""
    match node:
        case tree.Name(name) if (found := _ONE_WORD.fullmatch(name)) is not None:
            return found[1], found[2], int(found[3])
        case tree.Index(tree.Name(word), (tree.Name(letter), tree.Number(_, digits))) if digits.isdigit():
            pass
        case tree.Index(tree.Name(word), (tree.Index(tree.Name(letter), (tree.Number(_, digits),)),)):
            pass
        case _:
            return None
    named = word in NEURON_WORDS or word == "delta" or word in LOSS_LETTERS
    return (word, letter, int(digits)) if named and letter in ("i", "h", "o") else None


def _layer_in(node: Node) -> tuple[str, str] | None:
    """Of `net_h` and `delta_o` the word and the layer's letter."""
    match node:
        case tree.Name(name) if name.partition("_")[::2] in _LAYERS:
            word, _, letter = name.partition("_")
        case tree.Index(tree.Name(word), (tree.Name(letter),)) if (word, letter) in _LAYERS:
            pass
        case _:
            return None
    return word, letter


_LAYERS = frozenset((word, letter) for word in (*NEURON_WORDS, "delta") for letter in ("h", "o"))


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class _Words(Plain):
    """The names behind the words of one statement; `neuron` is the one that it is about."""

    context: Context
    neuron: int | None
    bound: tuple[str, ...] = ()

    def at(self, node: Node) -> Node:
        """A formula with the exercise's names."""
        found = _place_in(node)
        if found is not None:
            return self._named(node, *found)
        single = self._numbered(node)
        if single is not None:
            return single
        knows = self.context.knows
        match node:
            case tree.Name(name) if name.removesuffix("_total") in LOSS_LETTERS and not knows(name):
                return tree.Name(self.context.exercise.loss, span=node.span)
            case tree.Index(tree.Name(name), (tree.Name("total"),)) if name in LOSS_LETTERS:
                return tree.Name(self.context.exercise.loss, span=node.span)
            case tree.Sum(index, low, high, body) if index in ("h", "o"):
                inner = _Words(self.context, self.neuron, (*self.bound, index))
                return tree.Sum(index, low, high, inner.at(body), span=node.span)
        layer = _layer_in(node)
        if layer is not None:
            return self._whole(node, *layer)
        if isinstance(node, tree.Name) and node.name in NEURON_WORDS and not knows(node.name):
            if len(self.context.neurons) != 1:
                raise self._unknown(node)
            return tree.Name(self._quantity(node, node.name, "o"), span=node.span)
        return tree.rebuild(node, self.at)

    def _whole(self, node: Node, word: str, letter: str) -> Node:
        """`net_h`, `δ_o`: all neurons of a layer; `Σ_o … out_o`: the one that the sum is at."""
        made: Node = tree.Name(self._quantity(node, word, letter), span=node.span)
        if letter in self.bound:
            made = tree.Index(made, (tree.Name(letter),), span=node.span)
        return tree.Gradient(made, span=node.span) if word == "delta" else made

    def _named(self, node: Node, word: str, letter: str, number: int) -> Node:
        """`net_{h1}` as z1[1], `δ_{o1}` as dz2[1], `E_{o1}` as the loss of that entry alone."""
        place = tree.Number(Fraction(number), str(number))
        if word in LOSS_LETTERS:
            if letter != "o":
                raise self._unknown(node)
            entries: dict[str, Node] = {
                name: tree.Index(tree.Name(name), (place,))
                for name in (self.context.neurons[-1][1], self._target(node))
            }
            body = self.context.exercise.equations[-1].body
            return tree.Bracket(tree.replace_names(body, entries), span=node.span)
        made = tree.Index(tree.Name(self._quantity(node, word, letter)), (place,), span=node.span)
        return tree.Gradient(made, span=node.span) if word == "delta" else made

    def _quantity(self, node: Node, word: str, letter: str) -> str:
        """What the exercise calls the affine values of a layer, its outputs, or their targets."""
        layers = self.context.neurons
        if (letter == "h" and len(layers) != 2) or letter not in ("h", "o"):
            raise self._unknown(node)
        affine, output = layers[0] if letter == "h" else layers[-1]
        if word == "target":
            return self._target(node)
        return output if word == "out" else affine

    def _target(self, node: Node) -> str:
        """What the loss compares the output with."""
        exercise = self.context.exercise
        output = exercise.shapes[self.context.neurons[-1][1]]
        used = tree.names_in(exercise.equations[-1].body)
        found = [name for name in used if name in exercise.given and exercise.shapes[name] == output]
        if len(found) != 1:
            raise self._unknown(node)
        return found[0]

    def _numbered(self, node: Node) -> Node | None:
        """`w_5` of all weights in order, `b_1` of the neuron that the line is about, `i_2` of the input."""
        if not self.context.ladder:
            return None
        match node:
            case tree.Name(name) if (found := _WEIGHT.fullmatch(name)) is not None:
                letter, digits = found[1], found[2]
            case tree.Index(tree.Name(letter), (tree.Number(_, digits),)) if digits.isdigit():
                pass
            case _:
                return None
        number = int(digits)
        if letter == "w":
            return self._weight(node, number)
        if letter == "b":
            return self._bias(node, number)
        if letter == "i":
            base = tree.Name(self.context.ladder[0].incoming)
            return tree.Index(base, (tree.Number(Fraction(number), digits),), span=node.span)
        return None

    def _weight(self, node: Node, number: int) -> Node | None:
        """The weights counted through, layer by layer; `w_{11}` of fewer than eleven is an entry's."""
        at = number - 1
        for layer in self.context.ladder:
            shape = self.context.exercise.shapes[layer.weight]
            sizes = [size for size in shape if isinstance(size, int)]
            if len(sizes) != 2 or len(shape) != 2:
                break
            if at < prod(sizes):
                places = (at // sizes[1] + 1, at % sizes[1] + 1)
                numbers = tuple(tree.Number(Fraction(one), str(one)) for one in places)
                return tree.Index(tree.Name(layer.weight), numbers, span=node.span)
            at -= prod(sizes)
        return None

    def _bias(self, node: Node, number: int) -> Node:
        """A bias has a number for its layer; which entry it is, the line says."""
        ladder = self.context.ladder
        if self.neuron is None or not 1 <= number <= len(ladder) or not ladder[number - 1].bias:
            raise self._unknown(node)
        place = tree.Number(Fraction(self.neuron), str(self.neuron))
        return tree.Index(tree.Name(ladder[number - 1].bias), (place,), span=node.span)

    def _unknown(self, node: Node) -> Unclear:
        return Unclear(Reason(key="check.unknown_name", parts={"name": node}), node.span)
