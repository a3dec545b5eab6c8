"""A new exercise file: one layer with small numbers that hide no mistake, ready to be edited."""

from collections.abc import Mapping, Sequence
from fractions import Fraction

from symbackprop import limits
from symbackprop.algebra.functions import ALIASES, TABLE
from symbackprop.algebra.values.arrays import Array
from symbackprop.exercise.faults import nearest
from symbackprop.exercise.numbers import as_written

_WITH_KINK = {
    "relu": ("relu", "0"),
    "leaky_relu": ("leaky_relu", '"1/100"'),
    "absolute_error": ("abs", "0"),
    "hinge": ("hinge", "0"),
}
"""The rows whose kink a new file mentions: the name of its convention, and the slope frameworks take."""

_WRITTEN_OUT = {
    "half_squared_error": ("1/2 (yhat - y)^2", "1/2 ||yhat - y||^2"),
    "squared_error": ("(yhat - y)^2", "||yhat - y||^2"),
}
"""Losses as the board writes them, for one neuron and for several."""

_OF_PROBABILITIES = frozenset({"bce", "cross_entropy"})

_TEXTS: Mapping[str, Mapping[str, str]] = {
    "es": {
        "head": "Ejercicio nuevo. Las derivadas: symbackprop derive ESTE-FICHERO",
        "model": "en orden; lo último es lo que se deriva",
        "values": 'exactos: 0.1 es 1/10, y "1/3" vale; lo que falte queda como símbolo',
        "wanted": "los gradientes que se piden",
        "kinks": "la pendiente que se toma donde no hay derivada",
        "probability": "bce espera probabilidades: la activación usual es sigmoid",
        "probabilities": "cross_entropy espera probabilidades: la activación usual es softmax",
        "logits": "bce_logits aplica ella misma la sigmoide: la activación usual es identity",
    },
    "en": {
        "head": "A new exercise. Its derivatives: symbackprop derive THIS-FILE",
        "model": "in order; the last is what is differentiated",
        "values": 'exact: 0.1 is 1/10, and "1/3" is allowed; what is left out stays a symbol',
        "wanted": "the gradients that are asked",
        "kinks": "the slope that is taken at the kink",
        "probability": "bce expects probabilities: the usual activation is sigmoid",
        "probabilities": "cross_entropy expects probabilities: the usual activation is softmax",
        "logits": "bce_logits applies the sigmoid itself: the usual activation is identity",
    },
}


def new_exercise_text(
    inputs: int = 3,
    neurons: int = 2,
    activation: str = "relu",
    loss: str = "half_squared_error",
    language: str = "en",
) -> str:
    """A TOML exercise: a layer of `neurons` with `inputs` inputs each, and comments.

    The numbers are small integers where the loss allows it: no input is 0 or ±1, no two are
    alike, no unit is at a kink, at least one is active, and no residual is 0. Raises ValueError
    for an activation or a loss that is not in the table, a size below 1 or over the limit, or
    a language without comments.
    """
    activation = _row(activation, "activation")
    loss = _row(loss, "loss")
    for what, size in (("inputs", inputs), ("neurons", neurons)):
        if not 1 <= size <= limits.SIZE or inputs * neurons > limits.ENTRIES:
            raise ValueError(f"{size} {what}: a layer has 1 to {limits.SIZE:,}")
    if language not in _TEXTS:
        raise ValueError(f"no comments in {language!r}; there are {', '.join(_TEXTS)}")
    return _text(inputs, neurons, activation, loss, language)


def _row(name: str, kind: str) -> str:
    known = {alias: row for alias, row in ALIASES.items() if TABLE[row].kind == kind}
    if name in known:
        return known[name]
    near = nearest(name, known)
    advice = (
        f"did you mean {' or '.join(near)}?"
        if near
        else f"there are {', '.join(sorted(set(known.values())))}"
    )
    raise ValueError(f"there is no {kind} {name!r}; {advice}")


def _text(inputs: int, neurons: int, activation: str, loss: str, language: str) -> str:
    say = _TEXTS[language]
    one_or_more = _WRITTEN_OUT.get(loss)
    formula = one_or_more[neurons > 1] if one_or_more else f"{loss}(yhat, y)"
    notes = {"bce": "probability", "bce_logits": "logits", "cross_entropy": "probabilities"}
    note = f"  # {say[notes[loss]]}" if loss in notes and activation not in {"sigmoid", "identity"} else ""
    lines = [
        f"# {say['head']}",
        "",
        f'title = {{ es = "{_title(inputs, neurons, "es")}", en = "{_title(inputs, neurons, "en")}" }}',
        f'language = "{language}"',
        "",
        f"[model]  # {say['model']}",
        'z    = "W x + b"',
        f'yhat = "{activation}(z)"',
        f'L    = "{formula}"{note}',
        "",
        f"[values]  # {say['values']}",
        *(
            f"{name} = {as_written(array)}"
            for name, array in _numbers(inputs, neurons, activation, loss).items()
        ),
        "",
        f"[wanted]  # {say['wanted']}",
        'gradients = ["W", "b", "x"]',
    ]
    kinks = dict.fromkeys(_WITH_KINK[name] for name in (activation, loss) if name in _WITH_KINK)
    if kinks:
        lines += ["", f"[conventions.kinks]  # {say['kinks']}"]
        lines += [f'{name} = {{ "0" = {slope} }}' for name, slope in kinks]
    return "\n".join(lines) + "\n"


def _title(inputs: int, neurons: int, language: str) -> str:
    if language == "es":
        layer = "Una neurona" if neurons == 1 else f"Una capa de {neurons} neuronas"
        return f"{layer} con {inputs} {'entrada' if inputs == 1 else 'entradas'}"
    layer = "One neuron" if neurons == 1 else f"A layer of {neurons} neurons"
    return f"{layer} with {inputs} {'input' if inputs == 1 else 'inputs'}"


# --- numbers --------------------------------------------------------------------------


def _numbers(inputs: int, neurons: int, activation: str, loss: str) -> dict[str, Array[Fraction]]:
    """W, x, b and y. The preactivations are chosen first; b makes them so."""
    x = [Fraction((-1) ** i * (i + 2)) for i in range(inputs)]
    z = _cycled(_preactivations(activation, loss), neurons)
    rows, b = [], []
    for neuron, wanted in enumerate(z):
        row = _weights(neuron, x, wanted)
        rows.append(row)
        b.append(wanted - sum((w * value for w, value in zip(row, x, strict=True)), Fraction(0)))
    y = _cycled(_targets(activation, loss), neurons)
    return {
        "W": Array((neurons, inputs), tuple(entry for row in rows for entry in row)),
        "x": Array((inputs,), tuple(x)),
        "b": Array((neurons,), tuple(b)),
        "y": Array((neurons,), tuple(y)),
    }


def _weights(neuron: int, x: Sequence[Fraction], wanted: Fraction) -> list[Fraction]:
    """Weights from 1 to 4 whose signs keep the sum small; the last makes the bias small, not 0."""
    row: list[Fraction] = []
    total = Fraction(0)
    for i, value in enumerate(x[:-1]):
        weight = Fraction((3, 1, 4, 2)[(neuron + i + i // 3) % 4])
        if total * value > 0 or (total == 0 and (neuron + i) % 2):
            weight = -weight
        row.append(weight)
        total += weight * value
    choices = [Fraction(sign * size) for size in (2, 3, 1, 4) for sign in (1, -1)]
    biases = {weight: wanted - total - weight * x[-1] for weight in choices}
    last = min((weight for weight in choices if biases[weight] != 0), key=lambda weight: abs(biases[weight]))
    return [*row, last]


def _cycled(pattern: Sequence[Fraction], count: int) -> list[Fraction]:
    return [pattern[i % len(pattern)] for i in range(count)]


def _preactivations(activation: str, loss: str) -> list[Fraction]:
    """What z shall be: on both sides of 0, never 0 or ±1; where p is needed, so that it is one."""
    if loss in _OF_PROBABILITIES and activation == "softplus":
        return [Fraction(-1, 2), Fraction(-1, 4), Fraction(-3, 4)]
    if loss in _OF_PROBABILITIES and activation != "sigmoid":
        return [Fraction(1, 2), Fraction(1, 4), Fraction(3, 4)]
    return [Fraction(number) for number in (2, -3, 4, -2, 3, -4)]


def _targets(activation: str, loss: str) -> list[Fraction]:
    """y: labels where the loss wants them, else numbers that no output meets."""
    if loss == "hinge":
        return [Fraction(number) for number in (-1, 1, 1, -1, 1, 1)]
    if loss in {"bce_logits", *_OF_PROBABILITIES}:
        return [Fraction(number) for number in (1, 0, 0, 1, 1, 0)]
    if activation in {"sigmoid", "tanh"}:
        return [Fraction(number, 10) for number in (2, 9, 3, 7)]
    return [Fraction(number) for number in (5, 4, 1, 3, 6, 2)]
