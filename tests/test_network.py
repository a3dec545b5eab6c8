"""The drawing of neurons and weights: what is in it, and that nothing touches."""

from collections.abc import Mapping
from fractions import Fraction
from itertools import combinations
from typing import Any

import pytest

from symbackprop.derivation.derive import derive
from symbackprop.exercise import from_parts
from symbackprop.notation.tree import Chain, Dots, Index, Name, Number, Row, Slice, number
from symbackprop.report.document import Diagram, Paragraph, Text, Vertex
from symbackprop.report.facts import Facts
from symbackprop.report.network import COLUMNS, MOST, Column, network, neurons
from symbackprop.report.route import Block
from symbackprop.report.sections.drawing import columns, drawing
from symbackprop.report.view import View

ALT = Text("network.text")


def column(name: str, size: int | str, **more: Any) -> Column:
    return Column(
        size=size, label=lambda place: Name(name) if place is None else Index(Name(name), (place,)),
        under=Name(name), **more,
    )  # fmt: skip


def block(vertex: Vertex) -> Block:
    return Block(x=vertex.x, y=vertex.y, width=vertex.width, height=vertex.height)


def check(diagram: Diagram) -> None:
    """Nothing overlaps, and every line joins two circles from left to right."""
    at = {vertex.key: vertex for vertex in diagram.vertices}
    assert len(at) == len(diagram.vertices)
    for one, other in combinations(diagram.vertices, 2):
        assert not block(one).meets(block(other), 0.0), (one.key, other.key)
    for arrow in diagram.arrows:
        assert arrow.thread
        assert not arrow.back
        assert at[arrow.start].kind == at[arrow.end].kind == "operation"
        assert at[arrow.start].x < at[arrow.end].x


@pytest.mark.parametrize(
    "sizes", [(1,), (3, 1), (2, 2, 2), (6, 4, 1), (7, 3), ("n", "k"), ("n", 1), (2,) * 9]
)
@pytest.mark.parametrize("bias", [False, True])
def test_nothing_touches(sizes: tuple[int | str, ...], bias: bool) -> None:
    made = [
        column(f"a{place}", size, bias=bias and place > 0, over=Name(f"W{place}") if place else None,
               function=Name("g") if place else None)
        for place, size in enumerate(sizes)
    ]  # fmt: skip
    check(network(made, alternative=ALT))


@pytest.mark.parametrize(
    ("size", "drawn"),
    [(1, (1,)), (MOST, tuple(range(1, MOST + 1))), (MOST + 1, (1, 2, None, 0)), ("n", (1, 2, None, 0))],
)
def test_which_neurons_are_drawn(size: int | str, drawn: tuple[int | None, ...]) -> None:
    assert neurons(size) == drawn


def test_every_neuron_is_joined_to_every_one_of_the_next_layer() -> None:
    diagram = network([column("x", 3), column("h", 4, bias=True), column("o", 2)], alternative=ALT)
    weights = [arrow for arrow in diagram.arrows if not arrow.start.startswith("one")]
    assert len(weights) == 3 * 4 + 4 * 2
    assert len({(arrow.start, arrow.end) for arrow in weights}) == len(weights)
    biases = [arrow for arrow in diagram.arrows if arrow.start.startswith("one")]
    assert len(biases) == 4
    ones = [vertex for vertex in diagram.vertices if vertex.key.startswith("one")]
    assert [vertex.upper for vertex in ones] == [number(1)]


def test_columns_of_any_size_end_with_their_letter() -> None:
    diagram = network([column("x", "n"), column("h", 9)], alternative=ALT)
    labels = [vertex.upper for vertex in diagram.vertices if vertex.kind == "operation"]
    assert labels == [Index(Name(name), (place,)) for name, last in (("x", Name("n")), ("h", number(9)))
                      for place in (number(1), number(2), last)]  # fmt: skip
    assert sum(vertex.upper == Dots("v") for vertex in diagram.vertices) == 2


def test_deep_nets_are_drawn_at_both_ends() -> None:
    diagram = network([column(f"a{place}", 2) for place in range(20)], alternative=ALT)
    check(diagram)
    names = {vertex.upper.base.name for vertex in diagram.vertices
             if isinstance(vertex.upper, Index) and isinstance(vertex.upper.base, Name)}  # fmt: skip
    assert names == {"a0", "a1", "a2", "a18", "a19"}
    assert len(names) < COLUMNS
    assert sum(vertex.upper == Dots("c") for vertex in diagram.vertices) == 1


def test_no_layers_no_drawing() -> None:
    with pytest.raises(ValueError, match="without layers"):
        network([], alternative=ALT)


# --- from a model -----------------------------------------------------------------------

NET = {"z1": "W1 x + b1", "a1": "tanh(z1)", "z2": "W2 a1 + b2", "a2": "sigmoid(z2)", "L": "1/2 ||a2 - y||^2"}
NEURON = {"z": "W x + b", "yhat": "relu(z)", "L": "1/2 (yhat - y)^2"}


def view_of(model: Mapping[str, str], **more: Any) -> View:
    derivation = derive(from_parts(model=model, key="net", **more))
    return View(derivation, Facts(derivation))


def sizes_of(view: View) -> list[int | str] | None:
    made = columns(view)
    return None if made is None else [one.size for one in made]


def test_neuron_has_its_weights_on_its_lines() -> None:
    view = view_of(NEURON, values={"W": [[4, 2, -5]], "x": [1, 0, 2], "b": [7], "y": [5]})
    assert sizes_of(view) == [3, 1]
    title, diagram = drawing(view)
    assert isinstance(title, Paragraph)
    assert isinstance(diagram, Diagram)
    check(diagram)
    labels = [arrow.label for arrow in diagram.arrows if arrow.label is not None]
    assert labels == [Index(Name("w"), (Number(Fraction(place)),)) for place in (1, 2, 3)]
    under = [vertex.upper for vertex in diagram.vertices if vertex.key.startswith("under")]
    assert isinstance(under[0], Chain)
    assert under[0].members[0] == Name("x")


def test_layers_with_symbols_for_sizes() -> None:
    view = view_of(NET)
    made = columns(view)
    assert made is not None
    assert [one.size for one in made] == ["n", "k", "h"]
    assert [one.bias for one in made] == [False, True, True]
    assert made[1].over == Row((Name("W1"), Name("b1")), ",")


@pytest.mark.parametrize(
    ("model", "shapes", "sizes", "weight"),
    [
        ({"Z": "X W + ones(N) b^T", "A": "tanh(Z)", "V": "A U", "L": "mse(V, Y)"},
         {"X": ["N", "n"], "W": ["n", "h"], "U": ["h", "k"]}, ["n", "h", "k"], (2, 1)),
        ({"Z": "X W^T + ones(N) b^T", "A": "tanh(Z)", "V": "A U^T", "L": "mse(V, Y)"},
         {"X": ["N", "n"], "W": ["h", "n"], "U": ["k", "h"]}, ["n", "h", "k"], (1, 2)),
        ({"Z": "W X", "A": "tanh(Z)", "V": "U A", "L": "mse(V, Y)"},
         {"X": ["n", "N"], "W": ["h", "n"], "U": ["k", "h"]}, ["n", "h", "k"], (1, 2)),
    ],
    ids=["rows", "rows, transposed", "columns"],
)  # fmt: skip
def test_batches_show_their_features(
    model: dict[str, str], shapes: dict[str, list[str]], sizes: list[str], weight: tuple[int, int]
) -> None:
    view = view_of(model, shapes=shapes)
    made = columns(view)
    assert made is not None
    assert [one.size for one in made] == sizes
    assert made[1].weight is not None
    entry = made[1].weight(1, 2)  # from neuron 2 to neuron 1
    assert isinstance(entry, Index)
    assert entry.places == tuple(map(number, weight))
    label = made[0].label(number(1))
    assert isinstance(label, Index)
    assert Slice() in label.places


@pytest.mark.parametrize(
    "model",
    [
        {"q": "x + y", "f": "q z"},
        {"z": "W x + b", "h": "relu(z)", "r": "V h + U x", "L": "1/2 ||r - y||^2"},
        {"h1": "tanh(W h0 + x1)", "h2": "tanh(W h1 + x2)", "L": "1/2 ||h2 - y||^2"},
    ],
    ids=["circuit", "two ways", "recurrent"],
)
def test_what_is_no_row_of_layers_has_no_drawing(model: dict[str, str]) -> None:
    shapes: dict[str, list[str]] | None = {"x": []} if "q" in model else None
    assert sizes_of(view_of(model, shapes=shapes)) is None
    assert not list(drawing(view_of(model, shapes=shapes)))
