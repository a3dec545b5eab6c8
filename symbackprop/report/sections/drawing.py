"""The neurons of a model of layers: circles in columns, weights as lines."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from symbackprop.exercise.model import Equation
from symbackprop.notation import tree
from symbackprop.notation.tree import Name, Node, Size
from symbackprop.report.document import Block, Paragraph, Text
from symbackprop.report.ladder import Rung
from symbackprop.report.network import Column, network
from symbackprop.report.roles import holds_examples
from symbackprop.report.view import View


def drawing(view: View) -> Iterator[Block]:
    """The network as it is drawn on the board, for a model that is a row of layers."""
    made = columns(view)
    if made is None:
        return
    layers = tuple(column.under for column in made)
    sentences = [Text("network.sentence")]
    if any(column.bias for column in made):
        sentences.append(Text("network.bias"))
    yield Paragraph(lead=Text("network.title"), sentences=tuple(sentences), keep_with_next=True)
    yield network(made, alternative=Text("network.text", {"layers": layers}))


def columns(view: View) -> list[Column] | None:
    """The columns of neurons, the inputs first; None where the model is no row of layers."""
    layers = _row(view)
    if not layers or len({layer.weight for layer in layers}) < len(layers):  # one weight in many steps
        return None
    first = layers[0]
    inputs = Column(
        size=first.inputs,
        label=first.labeller(first.rung.incoming),
        under=view.membership(first.rung.incoming),
    )
    return [inputs, *(layer.column() for layer in layers)]


def _row(view: View) -> list[_Layer]:
    """The layers from the input on, each fed by the one before alone; none where something is left over."""
    equations = view.derivation.exercise.equations[:-1]
    start = next((one for one in equations if view.facts.has_products(one.name)), None)
    incoming = None if start is None else _input(view, start)
    layers: list[_Layer] = []
    used: set[str] = set()
    while start is not None and incoming is not None:
        rung = _rung(view, start.name, start.body, incoming)
        layer = _Layer.of(view, rung)
        if layer is None:
            return []
        layers.append(layer)
        used |= {rung.affine, rung.output}
        incoming = rung.output
        users = [one for one in equations if incoming in tree.names_in(one.body)]
        if len(users) > 1:
            return []
        start = users[0] if users else None
    return layers if used == {one.name for one in equations} else []


def _rung(view: View, name: str, body: Node, incoming: str) -> Rung:
    """An affine equation, and what is applied to its result if that is its only use."""
    equations = view.derivation.exercise.equations[:-1]
    known = view.derivation.exercise.shapes
    own = tuple(one for one in tree.names_in(body) if one in known and one != incoming)
    users = [one for one in equations if name in tree.names_in(one.body)]
    if len(users) == 1 and isinstance(users[0].body, tree.Call) and users[0].body.args == (Name(name),):
        function = users[0].body.function
        return Rung(affine=name, output=users[0].name, incoming=incoming, own=own, function=function)
    return Rung(affine=name, output=name, incoming=incoming, own=own)


def _input(view: View, equation: Equation) -> str | None:
    """Which of the factors of the first product are the data."""
    if view.ladder is not None and view.ladder.rungs[0].affine == equation.name:
        return view.ladder.rungs[0].incoming
    exercise = view.derivation.exercise
    names = [name for name in tree.names_in(equation.body) if name in exercise.given]
    fitting = [
        name for name in names
        if _Layer.of(view, _rung(view, equation.name, equation.body, name)) is not None
    ]  # fmt: skip
    told = [name for name in fitting if name[:1] in "xX" or "d" + name not in view.derivation.quantities]
    return next(iter(told or fitting), None)


class _Layer:
    """One layer: its weight, its sizes, and on which axis its neurons lie."""

    def __init__(self, view: View, rung: Rung, weight: str, turned: bool, axis: int) -> None:
        self.view, self.rung, self.weight, self.turned, self.axis = view, rung, weight, turned, axis

    @classmethod
    def of(cls, view: View, rung: Rung) -> _Layer | None:
        """The layer of a rung whose weight is a matrix from what comes in to what goes out."""
        incoming, outgoing = view.shape(rung.incoming), view.shape(rung.affine)
        if len(incoming) == 2 and len(outgoing) == 1:
            return cls._one_neuron(view, rung)
        axis = 0 if len(incoming) < 2 else _feature_axis(view, rung)
        if len(incoming) != len(outgoing) or not incoming or view.shape(rung.output) != outgoing:
            return None
        pair = (outgoing[axis], incoming[axis])
        if sum(len(view.shape(name)) == 2 for name in rung.own) != 1:
            return None
        for name in rung.own:
            shape = view.shape(name)
            if len(shape) == 2 and shape in (pair, pair[::-1]):
                turned = shape != pair or (pair[0] == pair[1] and axis == 1)
                return cls(view, rung, name, turned, axis)
        return None

    @classmethod
    def _one_neuron(cls, view: View, rung: Rung) -> _Layer | None:
        """The layer `X w + b 1`: examples in rows, and the weights of a single neuron."""
        exercise = view.derivation.exercise
        weights = [name for name in rung.own if len(view.shape(name)) == 1]
        found = [name for name in weights if holds_examples(exercise, rung.incoming, name)]
        alone = len(found) == 1 and view.shape(rung.incoming)[1:] == view.shape(found[0])
        if not alone or view.shape(rung.output) != view.shape(rung.affine):
            return None
        return cls(view, rung, found[0], False, 1)

    @property
    def inputs(self) -> Size:
        return self.view.shape(self.rung.incoming)[self.axis]

    def labeller(self, name: str) -> Callable[[Node | None], Node]:
        """What stands in the circle of a neuron: `x_1`, of a batch `x_{:,1}`."""
        rank = len(self.view.shape(name))

        def label(place: Node | None) -> Node:
            if place is None or self.view.lone(name):
                return Name(name)
            if rank == 1 and self.axis:
                return Name(name)  # one neuron, with an entry for each example
            places: tuple[Node, ...] = (place,) if rank == 1 else (tree.Slice(), place)
            return tree.Index(Name(name), places if self.axis else places[::-1])

        return label

    def column(self) -> Column:
        view, rung = self.view, self.rung
        bias = [name for name in rung.own if name != self.weight and len(view.shape(name)) < 2]
        over: Node = Name(self.weight)
        if bias:
            over = tree.Row((over, *(Name(name) for name in bias)), ",")
        body = view.page(view.derivation.step(rung.output).formula)
        return Column(
            size=(*view.shape(rung.output), 1)[self.axis],
            label=self.labeller(rung.output),
            under=view.membership(rung.output),
            function=tree.equation(Name(rung.output), body) if rung.function else None,
            over=over,
            weight=self.entry,
            bias=bool(bias),
        )

    def entry(self, i: int, j: int) -> Node:
        """The weight from neuron j of the column before to neuron i."""
        if len(self.view.shape(self.weight)) == 1:
            return tree.Index(Name(self.weight), (tree.number(j),))
        places = (tree.number(j), tree.number(i)) if self.turned else (tree.number(i), tree.number(j))
        return self.view.unindexed(tree.Index(Name(self.weight), places))


def _feature_axis(view: View, rung: Rung) -> int:
    """On which axis of a batch the neurons lie: 1 where the data are the first factor, as in `X W`."""
    names = tree.names_in(view.derivation.step(rung.affine).formula)
    return 1 if names.index(rung.incoming) == 0 else 0
