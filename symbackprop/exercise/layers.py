"""The shorthand `layers = [{neurons = 4, activation = "relu"}, …]` of [model], written out as equations.

    z1 = W1 x + b1,  a1 = relu(z1),  z2 = W2 a1 + b2,  yhat = softmax(z2)

With `batch = "rows"` examples are rows, `Z1 = X W1 + 1 b1ᵀ`; with `"columns"` they are columns,
`Z1 = W1 X + b1 1ᵀ`. Other equations of the model may stand before and after the layers.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from symbackprop import limits
from symbackprop.algebra.functions import Function
from symbackprop.exercise.faults import Collected, Path, shortened
from symbackprop.exercise.model import Exercise, LayerMarks, free_names, function_names, signatures
from symbackprop.exercise.numbers import ValueFault, exact_number
from symbackprop.exercise.sections import shape_of_text
from symbackprop.notation.node import Plain
from symbackprop.notation.read import ReadError, Vocabulary, canonical_name, read
from symbackprop.notation.tree import Shape, Size

KEY = "layers"

MARKS: Mapping[str, LayerMarks] = {"W_1": "sub", "W^[1]": "bracket", "W^(1)": "paren"}
"""How the number of a layer may be set, as [style] and the command line write it."""

_SETTINGS = ("input", "batch", "loss")
_LAYER_KEYS = ("neurons", "activation", "bias", "name", "options")
_BATCHES = ("rows", "columns")
_LINEAR = frozenset({"identity"})
_NUMBERED = re.compile(r"([^\W\d_]+)([0-9]+)'*")
_WEIGHTS = frozenset({"W", "Z", "z"})


@dataclass(slots=True)
class Expanded:
    """A model without shorthand: its equations in order, and what the layers say beyond them.

    `origin` are the names that come from the layers; `shapes` those of weights and biases, with ""
    for a size that is not said; `wanted` are the weights and biases, `last` what the layers make.
    """

    equations: dict[str, object]
    origin: frozenset[str] = frozenset()
    shapes: dict[str, Shape] = field(default_factory=dict)
    wanted: tuple[str, ...] = ()
    last: str = ""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class _Layer(Plain):
    neurons: Size
    activation: str  # "" for none
    options: str
    bias: bool
    name: str  # "" where nobody says it


def expanded(raw: Mapping[str, Any], own: Mapping[str, Function], collected: Collected) -> Expanded:
    """The model with its layers written out; one without `layers` as it is."""
    if KEY not in raw:
        return Expanded({str(key): value for key, value in raw.items()})
    batch = _batch(raw.get("batch"), collected)
    start = _input(raw.get("input", "X" if batch else "x"), collected)
    layers = _layers(raw[KEY], own, collected)
    others = {str(key): text for key, text in raw.items() if key not in {KEY, *_SETTINGS}}
    loss = {_loss_name(others): raw["loss"]} if "loss" in raw else {}
    if not layers or not start:
        return Expanded({**others, **loss})
    made = _Writer(layers, start, batch, _last_name(layers, batch, {**others, **loss}, own)).run()
    before = list(raw)[: list(raw).index(KEY)]
    first = {key: text for key, text in others.items() if key in before}
    rest = {key: text for key, text in others.items() if key not in before}
    for key in [*first, *rest]:
        _check_name(key, key in first, made, collected)
    rest = {key: text for key, text in rest.items() if key not in made.shapes}
    if not rest and not loss:
        advice = f'Write loss = "half_squared_error({made.last}, {"Y" if batch else "y"})".'
        collected.add(("model", KEY), "no equation follows the layers: the loss is missing", advice)
    made.equations = {**first, **made.equations, **rest, **loss}
    made.wanted = tuple(name for name in made.wanted if name not in made.equations)
    return made


def _check_name(key: str, before: bool, made: Expanded, collected: Collected) -> None:
    """A name of the layers has no other equation; a weight may have one before them."""
    if key in made.origin:
        advice = "Choose another name, or give the layer a name."
        collected.add(("model", key), f"{key} is a name of the layers", advice)
    elif key in made.shapes and not before:
        advice = "Move its equation before the layers."
        collected.add(("model", key), f"{key} is a weight of the layers", advice)


# --- what the keys say ------------------------------------------------------------------


def _batch(raw: Any, collected: Collected) -> str:
    if raw is None or raw in _BATCHES:
        return str(raw or "")
    collected.add(
        ("model", "batch"), f"“{shortened(str(raw), 20)}” is no batch", 'Write "rows" or "columns".'
    )
    return ""


def _input(raw: Any, collected: Collected) -> str:
    try:
        return canonical_name(raw) if isinstance(raw, str) else _no_name(raw, collected)
    except ReadError:
        return _no_name(raw, collected)


def _no_name(raw: Any, collected: Collected) -> str:
    message = f"the input of the layers is a name, and “{shortened(str(raw), 20)}” is none"
    collected.add(("model", "input"), message, 'Write input = "x".')
    return ""


def _loss_name(others: Mapping[str, object]) -> str:
    return "L" if "L" not in others else "loss"


def _layers(raw: Any, own: Mapping[str, Function], collected: Collected) -> list[_Layer]:
    path: Path = ("model", KEY)
    advice = 'Write layers = [{ neurons = 4, activation = "relu" }, { neurons = 1 }].'
    if not isinstance(raw, list | tuple) or not raw or not all(isinstance(one, Mapping) for one in raw):
        collected.add(path, "layers is a list of tables", advice)
        return []
    if 2 * len(raw) > limits.EQUATIONS:
        collected.add(
            path, f"{len(raw)} layers have more than {limits.EQUATIONS} equations, which is the limit"
        )
        return []
    made = [_layer(number, one, own, collected) for number, one in enumerate(raw, 1)]
    found = [layer for layer in made if layer is not None]
    return found if len(found) == len(made) else []


def _layer(
    number: int, raw: Mapping[str, Any], own: Mapping[str, Function], collected: Collected
) -> _Layer | None:
    path: Path = ("model", KEY)
    count, what = len(collected.faults), f"layer {number}"
    for key in raw:
        if key not in _LAYER_KEYS:
            known = f"Known: {', '.join(_LAYER_KEYS)}."
            collected.unknown(path, f"{what}: unknown key", str(key), _LAYER_KEYS, known)
    shape: Shape | None = None
    if "neurons" not in raw:
        collected.add(path, f"{what} does not say how many neurons it has", "Write neurons = 4.")
    else:
        inner = Collected(collected.file, collected.lines)
        shape = shape_of_text([raw["neurons"]], path, inner)
        for fault in inner.faults:
            collected.add(path, f"{what}, neurons: {fault.message}", fault.suggestion)
    bias = raw.get("bias", True)
    if not isinstance(bias, bool):
        collected.add(path, f"{what}: bias is true or false", "Write bias = false.")
    activation = _activation(what, raw.get("activation", ""), own, collected)
    options = _options(what, raw.get("options", {}), collected)
    name = _name(what, raw.get("name"), collected)
    if len(collected.faults) > count or shape is None:
        return None
    return _Layer(shape[0], activation, options, bias, name)


def _activation(what: str, raw: Any, own: Mapping[str, Function], collected: Collected) -> str:
    """The canonical name of an activation; "" for none."""
    names, table = function_names(own), signatures(own)
    known = [
        alias for alias, name in names.items()
        if name in table and table[name].kind in {"entrywise", "rowwise"} and table[name].arguments == 1
    ]  # fmt: skip
    text = raw.strip() if isinstance(raw, str) else str(raw)
    try:
        alias = canonical_name(text) if text else ""
    except ReadError:
        alias = text
    if raw == "" or alias in known:
        return "" if names.get(alias, "") in _LINEAR else text
    more = 'Write activation = "relu"; `symbackprop list` has them all.'
    collected.unknown(("model", KEY), f"{what}: there is no activation", text, known, more)
    return ""


def _options(what: str, raw: Any, collected: Collected) -> str:
    if not isinstance(raw, Mapping):
        collected.add(("model", KEY), f"{what}: options is a table", 'Write options = { slope = "1/10" }.')
        return ""
    made = ""
    for key, value in raw.items():
        try:
            made += f", {canonical_name(str(key))} = {exact_number(value)}"
        except ValueFault as fault:
            collected.add(("model", KEY), f"{what}, {key}: {fault.message}", fault.suggestion)
        except ReadError as error:
            collected.add(("model", KEY), f"{what}: {error.message}")
    return made


def _name(what: str, raw: Any, collected: Collected) -> str:
    if raw is None:
        return ""
    try:
        name = canonical_name(raw) if isinstance(raw, str) else ""
    except ReadError:
        name = ""
    if not name:
        collected.add(("model", KEY), f"{what}: “{shortened(str(raw), 20)}” is no name", 'Write name = "h".')
    return name


def _last_name(
    layers: Sequence[_Layer], batch: str, others: Mapping[str, object], own: Mapping[str, Function]
) -> str:
    """What the last activation is called: as the other equations call it, else ŷ (Ŷ of a batch)."""
    letter = "A" if batch else "a"
    wishes: tuple[str, ...] = (*(("Yhat",) if batch else ()), "yhat", f"{letter}{len(layers)}")
    vocabulary = Vocabulary(functions=function_names(own), names=None)
    used: set[str] = set()
    for text in others.values():
        try:
            used |= {part.name for part in free_names(read(str(text), vocabulary))}
        except ReadError:
            continue  # it is said where the equation is read
    return next((wish for wish in wishes if wish in used), wishes[0])


# --- the equations ----------------------------------------------------------------------


@dataclass(slots=True)
class _Writer:
    """Writes the equations of layers; in capitals for a batch."""

    layers: Sequence[_Layer]
    start: str
    batch: str
    last: str

    def run(self) -> Expanded:
        made = Expanded({})
        before, inputs = self.start, ""
        for number, layer in enumerate(self.layers, 1):
            before = self.layer(number, layer, before, inputs, made)
            inputs = layer.neurons  # type: ignore[assignment]  # a size is a name or a number
        made.origin, made.last = frozenset(made.equations), before
        return made

    def layer(self, number: int, layer: _Layer, before: str, inputs: Size, made: Expanded) -> str:
        """The equations of one layer; returns the name of what comes out."""
        weights, bias = f"W{number}", f"b{number}"
        rows = self.batch == "rows"
        made.shapes[weights] = (inputs, layer.neurons) if rows else (layer.neurons, inputs)
        made.wanted += (weights,)
        affine = f"{before} {weights}" if rows else f"{weights} {before}"
        if layer.bias:
            made.shapes[bias] = (layer.neurons,)
            made.wanted += (bias,)
            spread = {"rows": f"1 {bias}^T", "columns": f"{bias} 1^T"}
            affine += f" + {spread.get(self.batch, bias)}"
        z, a = ("Z", "A") if self.batch else ("z", "a")
        out = layer.name or (self.last if number == len(self.layers) else f"{a}{number}")
        if not layer.activation:
            made.equations[out] = affine
            return out
        made.equations[f"{z}{number}"] = affine
        axis = ", axis = 0" if self.batch == "columns" and layer.activation.endswith("softmax") else ""
        made.equations[out] = f"{layer.activation}({z}{number}{layer.options}{axis})"
        return out


# --- how layers are marked --------------------------------------------------------------


def layer_names(names: Iterable[str]) -> frozenset[str]:
    """The names that carry the number of a layer: `W1`, `b1`, `z1` beside W2, b2, z2.

    A letter counts that stands with two different numbers, and so does whatever stands with the
    number of a W or z.
    """
    numbers: dict[str, set[str]] = {}
    found = {name: match for name in names if (match := _NUMBERED.fullmatch(name)) is not None}
    for match in found.values():
        numbers.setdefault(match[1], set()).add(match[2])
    of_weights = set().union(*(numbers.get(letter, set()) for letter in _WEIGHTS))
    return frozenset(
        name for name, match in found.items() if len(numbers[match[1]]) > 1 or match[2] in of_weights
    )


def with_marks(exercise: Exercise, marks: str) -> Exercise:
    """The exercise with its layers marked as `W_1`, `W^[1]` or `W^(1)`. Raises ValueError."""
    if marks not in MARKS:
        raise ValueError(f"--layers {marks!r}: it is one of {', '.join(MARKS)}")
    return replace(exercise, layer_marks=MARKS[marks])


def marks_of(raw: Any, collected: Collected) -> LayerMarks:
    """What [style] says of the numbers of layers."""
    if raw is None:
        return "sub"
    if isinstance(raw, str) and raw in MARKS:
        return MARKS[raw]
    known = " or ".join(f'"{mark}"' for mark in MARKS)
    collected.add(
        ("style", "layers"), f"“{shortened(str(raw), 20)}” is no way to mark layers", f"Write {known}."
    )
    return "sub"
