"""What names mean in a derivation: the exercise's own, those that the text defines, and the usual letters.

A context is never changed: what a line defines gives a new one.
"""

from __future__ import annotations

import string
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from symbackprop.algebra.functions import TABLE
from symbackprop.checking.findings import Reason
from symbackprop.checking.layers import OUTPUT, Layer, layers_of
from symbackprop.checking.numeric import is_numeric
from symbackprop.checking.settings import Settings
from symbackprop.exercise.model import Equation, Exercise, function_names
from symbackprop.notation import tree
from symbackprop.notation.hand.read import HandVocabulary, Macro
from symbackprop.notation.node import Plain
from symbackprop.notation.tree import Node, Shape, Span

LOSS_LETTERS = ("L", "calL", "ell", "J", "E", "C", "calJ", "calE", "calC", "Loss", "loss", "cost")
"""What a loss is called that the exercise calls by another of these letters."""

FUNCTION_LETTERS = frozenset({"f", "g", "h", "phi", "psi", "sigma", "varphi", "act"})
"""Letters for a function, where they are no names of the model."""

NEURON_WORDS = frozenset({"net", "out", "target"})
"""What some call a neuron's affine value, its output, and what that should be."""

INDICES = frozenset("ijklmnpqrst")
"""Letters that are indices where nothing says otherwise."""

SIZES = frozenset({"k", "n", "m", "N", "h"})
"""Letters that are sizes where they are no names."""


_LOSSES = frozenset({"L", "J", "E", "C", "calL", "ell"})
"""Letters of losses, so that `dE` is a gradient even where d is a name."""

_SAID = {"tr": "trace", "Tr": "trace"}
"""Words for operations that models call otherwise."""


def _words(functions: Mapping[str, str]) -> dict[str, str]:
    """Those that are words: a letter is read as a letter."""
    return {word: function for word, function in functions.items() if len(word) > 1}


class Unclear(Exception):
    """A statement that cannot be understood: why, and where."""

    def __init__(self, reason: Reason, span: Span | None) -> None:
        super().__init__(reason.key)
        self.reason = reason
        self.span = span


@dataclass(frozen=True, eq=False, repr=False)
class Context(Plain):
    """The names in force at a line of a derivation.

    `meanings`: formulas of the names that the text defines. `functions`: letters that the text gives to a
    function of the table or of the exercise; `lambdas`: those given by a formula, with its argument.
    `sizes`: of which name and axis a size is the length that only the text names. `comma`: decimals are
    written with a comma. `lying`: `w_j` is a row, and no vector. `ones`: the 1 of `dZ * 1` is a vector of
    ones. `worded`: the text calls a neuron's values `net_{h1}` and `out_{h1}`. `by_letter`: δ_k is of the
    output, δ_j of the hidden layer. `units`: h_1 is a hidden neuron. `kronecker`: δ_{jp} is Kronecker's
    though there is a matrix dZ. `numbers`: those sizes whose number the text gives. `ends`: letters at the
    upper ends of sums, and the axis that each is the length of; None for one that stands for two lengths.
    `delta_told`: δ was said to be dz. `apart`: letters of losses that stand for parts of the loss.
    `per_example`: gradients that are each example's, with the number of examples. `macros`: the commands
    that the document defines. `differentials`: the text says that it uses them.
    """

    exercise: Exercise
    settings: Settings = field(default_factory=Settings)
    meanings: Mapping[str, Node] = field(default_factory=dict)
    functions: Mapping[str, str] = field(default_factory=dict)
    lambdas: Mapping[str, tuple[str, Node]] = field(default_factory=dict)
    sizes: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    numbers: Mapping[str, int] = field(default_factory=dict)
    ends: Mapping[str, tuple[str, int] | None] = field(default_factory=dict)
    lying: bool = False
    ones: bool = False
    worded: bool = False
    by_letter: bool = False
    units: bool = False
    kronecker: bool = False
    delta_told: bool = False
    apart: frozenset[str] = frozenset()
    comma: bool = False
    per_example: Mapping[str, int] = field(default_factory=dict)
    macros: Mapping[str, Macro] = field(default_factory=dict)
    differentials: bool = False

    # --- growing

    def defining(self, name: str, meaning: Node) -> Context:
        """The context in which `name` stands for `meaning`."""
        return replace(self, meanings={**self.meanings, name: meaning})

    def calling(self, letter: str, function: str) -> Context:
        """The context in which a letter is a function."""
        return replace(self, functions={**self.functions, letter: function})

    def giving(self, letter: str, argument: str, body: Node) -> Context:
        """The context in which a letter is the function `body` of a name."""
        return replace(self, lambdas={**self.lambdas, letter: (argument, body)})

    def counting(self, size: str, number: int) -> Context:
        """The context in which a size, of which nobody says what it is the length of, is a number."""
        return replace(self, numbers={**self.numbers, size: number})

    def sizing(self, size: str, name: str, axis: int) -> Context:
        """The context in which a size is the length of an axis."""
        return replace(self, sizes={**self.sizes, size: (name, axis)})

    # --- asking

    def vocabulary(self, *, latex: bool) -> HandVocabulary:
        """What the reader of hand notation has to know."""
        exercise = self.exercise
        own = {
            *_LOSSES,
            *exercise.shapes,
            *exercise.sizes,
            *exercise.declared_sizes,
            *self.meanings,
            *self.sizes,
            *self.numbers,
        }
        own |= {
            name[0].swapcase() + name[1:] for name in exercise.shapes if len(name) == 2 and name.isalpha()
        }
        if self.neurons:
            own |= NEURON_WORDS
        if self.units:
            own |= {f"{letter}{number}" for letter in "ho" for number in range(1, 10)}
        if not self.knows("d"):
            own.discard("d")  # where d is only a size, `dQ` is the gradient
        return HandVocabulary(
            names=frozenset(own),
            functions={**function_names(exercise.functions), **_SAID, **_words(self.functions)},
            decimal_comma=self.comma, latex=latex, macros=self.macros,
            sizes=frozenset({*exercise.sizes, *exercise.declared_sizes, *self.sizes} - {*exercise.shapes}),
        )  # fmt: skip

    @cached_property
    def callable(self) -> Mapping[str, str]:
        """Every word that calls a function."""
        return {**function_names(self.exercise.functions), **_SAID, **self.functions}

    @cached_property
    def exercise_functions(self) -> frozenset[str]:
        """The words for functions that stay functions though the text has a name like one: σ_i = σ(z_i)."""
        words = function_names(self.exercise.functions)
        return frozenset(word for word in words if word in self.meanings)

    def knows(self, name: str) -> bool:
        """Whether the exercise or the text says what a name is."""
        return name in self.exercise.shapes or name in self.meanings

    def size_known(self, name: str) -> bool:
        """Whether a name is a size."""
        exercise = self.exercise
        own = name in self.sizes or name in self.numbers
        return own or name in exercise.sizes or name in exercise.declared_sizes

    def variable(self, name: str) -> str | None:
        """The name that a written name stands for: itself, the loss, or the same letter in the other case."""
        if self.knows(name):
            return name
        if name in LOSS_LETTERS and name not in self.apart:
            return self.exercise.loss
        letter = name.rstrip("0123456789")
        for accent in ("hat", "tilde", "bar"):
            letter = letter.removesuffix(accent) or letter
        other = letter.swapcase() + name[len(letter) :] if len(letter) == 1 else ""
        if other and self.knows(other) and (other != self.exercise.loss or letter == "l"):
            return other  # an error e is no loss E
        first = name[:1].swapcase() + name[1:]
        if len(name) == 2 and self.knows(first):
            return first  # wv for Wv
        joined = name.replace("_", "")  # W_q for Wq
        return joined if joined != name and self.knows(joined) else None

    @cached_property
    def by_numbers(self) -> frozenset[str]:
        """The names of the text's own that stand for numbers, or for formulas with such names in them."""
        found = {name for name, meaning in self.meanings.items() if is_numeric(meaning)}
        for _ in self.meanings:
            more = {
                name
                for name, meaning in self.meanings.items()
                if not found.isdisjoint(tree.names_in(meaning))
            }
            if more <= found:
                break
            found |= more
        return frozenset(found)

    def alias(self, name: str) -> str:
        """What the exercise calls a name that the text has for it: ŷ for a, after `a = σ(z)`."""
        meaning = self.meanings.get(name)
        return meaning.name if isinstance(meaning, tree.Name) else name

    def stepped(self, suffix: str) -> bool:
        """Whether the text has a parameter with this mark of a step: W', W_new."""
        return any(name.endswith(suffix) and name.removesuffix(suffix) in self.exercise.given
                   for name in self.meanings)  # fmt: skip

    def shape(self, name: str) -> Shape | None:
        """The shape of a name of the exercise."""
        return self.exercise.shapes.get(name)

    @cached_property
    def equations(self) -> Mapping[str, Equation]:
        """The equations by their left sides."""
        return {one.name: one for one in self.exercise.equations}

    @cached_property
    def sums_by_ones(self) -> bool:
        """Whether the model has vectors of ones: `b 1^T`."""
        bodies = (part for one in self.exercise.equations for part in tree.walk(one.body))
        return any(isinstance(part, tree.Ones) for part in bodies)

    # --- activations and layers

    @cached_property
    def activations(self) -> Mapping[str, tree.Call]:
        """The equations that are one function of one name, by that name: `z` -> relu(z)."""
        found = {}
        for one in self.exercise.equations[:-1]:
            bare = tree.undressed(one.body)
            if isinstance(bare, tree.Call) and self._is_function(bare.function) and len(bare.args) == 1:
                (argument,) = bare.args
                if isinstance(argument, tree.Name):
                    found[argument.name] = bare
        return found

    def _is_function(self, name: str) -> bool:
        return name in TABLE or name in self.exercise.functions or name == "softmax"

    def output_of(self, argument: str) -> str | None:
        """The name of the equation that applies a function to `argument`."""
        for one in self.exercise.equations[:-1]:
            if tree.undressed(one.body) == self.activations.get(argument):
                return one.name
        return None

    def activation(self, letter: str, argument: Node | None) -> tree.Call | None:
        """The function that a letter stands for, as it is called in the model; None where nobody says."""
        if isinstance(argument, tree.Name) and argument.name in self.activations:
            return self.activations[argument.name]
        if any(layer.affine == layer.output and tree.Name(layer.affine) == argument for layer in self.ladder):
            return tree.Call("identity", (argument,)) if argument is not None else None
        calls = {(call.function, call.options): call for call in self.activations.values()}
        return next(iter(calls.values())) if len(calls) == 1 else None

    def layered(self, stem: str, number: int) -> str | None:
        """The name of a layer's quantity: `W`, 1 -> `W1`; a^(0) is the input, a^(L) the output."""
        for letters in dict.fromkeys((stem, stem.swapcase() if len(stem) == 1 else stem)):
            if f"{letters}{number}" in self.exercise.shapes:
                return f"{letters}{number}"
        if stem in ("a", "h", "A", "H", "o"):
            if number == 0:
                return self._input()
            for before in (f"z{number}", f"Z{number}"):
                made = self.output_of(before)
                if made is not None:
                    return made
        if number == 1 and self.layers <= 1:
            return stem if stem in self.exercise.shapes else None
        return self._by_place(stem, number)

    def _by_place(self, letter: str, number: int) -> str | None:
        """The name by its place among the layers, unless the model's own numbers say otherwise."""
        place = number - self.first_layer
        if place == -1 and self.ladder:
            stem = self.ladder[0].output.rstrip("0123456789")
            return self.ladder[0].incoming if letter.lower() in OUTPUT or letter == stem else None
        if not 0 <= place < len(self.ladder):
            return None
        for at, layer in enumerate(self.ladder, start=self.first_layer):
            for stem in (letter, letter.swapcase()):
                own = f"{stem}{at}"
                if own in self.exercise.shapes and layer.named(letter) != own:
                    return None
        return self.ladder[place].named(letter)

    @cached_property
    def first_layer(self) -> int:
        """The number of the first layer: that of its z, where that has one."""
        digits = "" if not self.ladder else self.ladder[0].affine.lstrip(string.ascii_letters)
        return int(digits) if digits.isdigit() else 1

    @cached_property
    def ladder(self) -> tuple[Layer, ...]:
        """The layers of the model, from the input up."""
        return layers_of(self.exercise)

    @cached_property
    def neurons(self) -> tuple[tuple[str, str], ...]:
        """Of each layer what its neurons add up and what they give; of a single one also without weights."""
        if self.ladder:
            return tuple((one.affine, one.output) for one in self.ladder)
        single = [(name, self.output_of(name) or "") for name in self.activations]
        return tuple(single) if len(single) == 1 else ()

    def takes(self, letter: str) -> bool:
        """Whether a letter is a name; in a report of ours only as it is written, elsewhere in either case."""
        return self.knows(letter) if self.settings.proof else self.variable(letter) is not None

    def counts_layers(self, letter: str) -> bool:
        """Whether a letter, which is no name itself, is one by which books number what layers have."""
        return not self.takes(letter) and self._by_place(letter, self.first_layer) is not None

    @cached_property
    def layers(self) -> int:
        """The highest number of a layer: of z1, z2 … and W1, W2 …; how many there are, without numbers."""
        numbers = [
            int(name[1:]) for name in self.exercise.shapes
            if name[:1] in "zZW" and name[1:].isdigit() and len(name) < 5
        ]  # fmt: skip
        return max(numbers, default=len(self.ladder))

    def numbered_delta(self, name: str) -> str | None:
        """Of `delta3` the z3 that it is the gradient of, where the model has one."""
        number = name.removeprefix("delta")
        if number == name or not number.isdigit():
            return None
        return self.before_activation(int(number))

    def entry_of_delta(self, name: str) -> int | None:
        """Of `delta2` the entry of dz that it is, where there is one layer, of several neurons."""
        number = name.removeprefix("delta")
        if number == name or not number.isdigit() or self.layers > 1 or len(self.preactivations) != 1:
            return None
        (size, *more) = self.exercise.shapes[self.preactivations[0]] or (1,)
        return int(number) if not more and size != 1 else None

    def before_activation(self, layer: int) -> str | None:
        """What a layer's function is applied to: z2, or a2 where z2 is what it makes."""
        named = [self.layered(stem, layer) for stem in ("z", "Z")]
        named += [name for name in self.activations if name[1:] == str(layer)]
        made = {self.output_of(name) for name in self.activations}
        return next((name for name in named if name is not None and name not in made), None)

    def _input(self) -> str | None:
        first = next(iter(self.exercise.equations))
        given = [name for name in tree.names_in(first.body) if name in self.exercise.given]
        numbered = ("x1",) if "x2" not in self.exercise.shapes and "X2" not in self.exercise.shapes else ()
        data = [name for name in given if name.lower() in ("x", "x0", *numbered)]
        return data[0] if data else None

    @cached_property
    def preactivations(self) -> tuple[str, ...]:
        """The names that a function or the loss is applied to: z, z1, z2."""
        made = {self.output_of(name) for name in self.activations}  # the z of some books is what g makes
        return tuple(
            name for name in self.exercise.shapes
            if name.rstrip("0123456789") in ("z", "Z") and name not in made
        )  # fmt: skip
