"""The picture of the computation: what is in it, and that nothing touches."""

from collections.abc import Sequence
from fractions import Fraction
from itertools import combinations, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symbackprop.algebra.functions import ALIASES
from symbackprop.notation.read import Vocabulary, read
from symbackprop.notation.tree import (
    Add,
    Bracket,
    Call,
    Derivative,
    Gradient,
    Index,
    Matrix,
    Name,
    Neg,
    Node,
    Number,
    Power,
    Sum,
    Transpose,
    Word,
    equation,
    number,
)
from symbackprop.report.diagram import estimated_width, fan, graph, label_size
from symbackprop.report.document import Arrow, Diagram, Point, Text, Vertex
from symbackprop.report.operations import free_names
from symbackprop.report.route import Block, circle_for, shifted
from symbackprop.report.spacing import ARROW

FUNCTIONS = {**ALIASES, "sum": "sum", "mean": "mean", "softmax": "softmax"}
VOCABULARY = Vocabulary(functions=FUNCTIONS, names=None)
ALT = Text("diagram")

Model = Sequence[tuple[str, str]]

NEURON = (("z", "W x + b"), ("yhat", "relu(z)"), ("L", "1/2 (yhat - y)^2"))
MODELS: dict[str, Model] = {
    "neuron": NEURON,
    "layer": (("z", "W x + b"), ("yhat", "sigmoid(z)"), ("L", "1/2 ||yhat - y||^2")),
    "two layers": (
        ("z1", "W1 x + b1"), ("h", "tanh(z1)"), ("z2", "W2 h + b2"), ("yhat", "sigmoid(z2)"),
        ("L", "half_squared_error(yhat, y)"),
    ),
    "three layers": (
        ("z1", "W1 x + b1"), ("h1", "tanh(z1)"), ("z2", "W2 h1 + b2"), ("h2", "tanh(z2)"),
        ("z3", "W3 h2 + b3"), ("yhat", "sigmoid(z3)"), ("L", "half_squared_error(yhat, y)"),
    ),
    "used twice": (("a", "W x"), ("c", "relu(a)"), ("d", "W c"), ("L", "half_squared_error(d, y)")),
    "skip": (("z", "W x + b"), ("h", "relu(z)"), ("r", "h + x"), ("L", "half_squared_error(r, y)")),
    "two skips": (
        ("z1", "W x + b"), ("h1", "relu(z1)"), ("r1", "h1 + x"), ("z2", "V r1 + c"), ("h2", "relu(z2)"),
        ("r2", "h2 + r1"), ("L", "half_squared_error(r2, y)"),
    ),
    "two inputs": (("z", "W x + U h + b"), ("s", "tanh(z)"), ("L", "half_squared_error(s, y)")),
    "gate": (
        ("z", "W x + b"), ("g", "sigmoid(V x + c)"), ("h", "z * g"), ("L", "half_squared_error(h, y)"),
    ),
    "diamond": (
        ("a", "relu(x)"), ("u", "tanh(a)"), ("v", "sigmoid(a)"), ("w", "exp(a)"), ("s", "u + v + w"),
        ("L", "sum(s)"),
    ),
    "regulariser": (("z", "W x + b"), ("yhat", "sigmoid(z)"), ("L", "mse(yhat, y) + c ||W||_F^2")),
    "five terms": (("s", "a + b + c + d + f"), ("L", "sum(s)")),
    "two leave": (("s", "a - W x"), ("t", "s / r"), ("u", "t^2"), ("L", "sum(u)")),
    "one equation": (("L", "1/2 (w x + b - y)^2"),),
    "batch": (("Z", "X W^T + 1 b^T"), ("P", "softmax(Z)"), ("L", "mse(P, T)")),
    "eight into the loss": (("L", "sum(a b c d f g h p)"),),
    "constants": (("a", "2 x + 3"), ("c", "1 - a"), ("L", "sum(c)")),
    "deep": (
        *((f"h{i + 1}", f"W{i} h{i} + b{i}") for i in range(8)), ("L", "half_squared_error(h8, y)"),
    ),
}  # fmt: skip
"""Models of every kind; no name is both given and the loss, so that targets called y have no gradient."""


def trees(model: Model) -> list[tuple[str, Node]]:
    return [(name, read(text, VOCABULARY)) for name, text in model]


def symbolic(model: Model, *, wide: bool = False) -> Diagram:
    """The picture with names only, or with long rows of numbers in every box."""
    row = Matrix((tuple(number(value) for value in (4, 2, -5, 1)),), "row")

    def upper(name: str) -> Node:
        return equation(Name(name), row) if wide else Name(name)

    def lower(name: str) -> Node | None:
        if name == "y":
            return None
        return equation(Gradient(Name(name)), row) if wide else Gradient(Name(name))

    def factor(target: str, through: str) -> Node:
        return Derivative(Name(through), Name(target), inline=True)

    return graph(trees(model), upper=upper, lower=lower, factor=factor, alternative=ALT)


def neuron() -> Diagram:
    """The notes' example, with the numbers of the report that serves as a sample."""

    def row(*values: int) -> Node:
        return Matrix((tuple(map(number, values)),), "row")

    values = {
        "W": row(4, 2, -5), "x": Transpose(row(1, 0, 2)), "b": number(7), "z": number(1),
        "yhat": number(1), "y": number(5),
    }  # fmt: skip
    gradients = {
        "W": row(-4, 0, -8), "x": Transpose(row(-16, -8, 20)), "b": number(-4), "z": number(-4),
        "yhat": number(-4), "L": number(1),
    }  # fmt: skip
    factors: dict[tuple[str, str], Node] = {
        ("W", "z"): Transpose(Name("x")), ("x", "z"): Transpose(Name("W")), ("b", "z"): number(1),
        ("z", "yhat"): equation(Call("g", (number(1),), primes=1), number(1)),
        ("yhat", "L"): equation(Add((Name("yhat"), Neg(Name("y")))), number(-4)),
    }  # fmt: skip
    equations = trees(NEURON)
    equations[1] = ("yhat", Call("g", (Name("z"),)))
    return graph(
        equations,
        upper=lambda name: number(8) if name == "L" else equation(Name(name), values[name]),
        lower=lambda name: equation(Gradient(Name(name)), gradients[name]) if name in gradients else None,
        factor=lambda target, through: factors[target, through],
        inner=lambda expression, _gradient: (equation(expression, number(-6)), number(-4)),
        note=lambda name: Word("datum"),
        alternative=ALT,
    )


# --- geometry ---------------------------------------------------------------------


def block(vertex: Vertex) -> Block:
    return Block(x=vertex.x, y=vertex.y, width=vertex.width, height=vertex.height)


def width_of(diagram: Diagram) -> float:
    left = min(vertex.x - vertex.width / 2 for vertex in diagram.vertices)
    return max(vertex.x + vertex.width / 2 for vertex in diagram.vertices) - left


def labels(diagram: Diagram) -> list[Block]:
    found = []
    for arrow in diagram.arrows:
        if arrow.factor is not None and arrow.place is not None:
            wide, high = label_size(arrow.factor, estimated_width)
            found.append(Block(x=arrow.place[0], y=arrow.place[1], width=wide, height=high))
    return found


def middle_line(arrow: Arrow, vertices: dict[str, Vertex]) -> list[tuple[Point, Point]]:
    """The segments of an arrow's black line."""
    if arrow.forward:
        return list(pairwise(arrow.forward))
    start, end = vertices[arrow.start], vertices[arrow.end]
    return [((start.x, start.y), (end.x, end.y))]


def segment_meets(segment: tuple[Point, Point], box: Block) -> bool:
    """Whether a level or upright segment enters a rectangle (by more than rounding)."""
    (x0, y0), (x1, y1) = segment
    return (
        min(x0, x1) < box.x + box.width / 2 - 0.02
        and max(x0, x1) > box.x - box.width / 2 + 0.02
        and min(y0, y1) < box.y + box.height / 2 - 0.02
        and max(y0, y1) > box.y - box.height / 2 + 0.02
    )


def check_geometry(diagram: Diagram) -> None:
    """Nothing overlaps: vertices, labels, and arrows with either."""
    vertices = {vertex.key: vertex for vertex in diagram.vertices}
    assert len(vertices) == len(diagram.vertices)
    for one, other in combinations(diagram.vertices, 2):
        assert not block(one).meets(block(other), 0.1), (one.key, other.key)
    named = labels(diagram)
    for one, other in combinations(named, 2):
        assert not one.meets(other, -0.02), (one, other)
    for label in named:
        for vertex in diagram.vertices:
            assert not label.meets(block(vertex), -0.02), (label, vertex.key)
    for arrow in diagram.arrows:
        for segment in middle_line(arrow, vertices):
            upright, level = segment[0][0] == segment[1][0], segment[0][1] == segment[1][1]
            assert upright or level, arrow
            for key, vertex in vertices.items():
                if key not in (arrow.start, arrow.end):
                    assert not segment_meets(segment, block(vertex)), (arrow.start, arrow.end, key)
            for label in named:
                assert not segment_meets(segment, label), (arrow.start, arrow.end, label)


def check_ends(diagram: Diagram) -> None:
    """Lines with corners begin and end on the borders of their vertices; the red one runs back."""
    vertices = {vertex.key: vertex for vertex in diagram.vertices}
    for arrow in diagram.arrows:
        for line, start, end in (
            (arrow.forward, arrow.start, arrow.end),
            (arrow.backward, arrow.end, arrow.start),
        ):
            if line:
                assert on_border(line[0], vertices[start]), (arrow, start)
                assert on_border(line[-1], vertices[end]), (arrow, end)
        assert bool(arrow.backward) == (bool(arrow.forward) and arrow.back)


def on_border(point: Point, vertex: Vertex) -> bool:
    across, up = abs(point[0] - vertex.x), abs(point[1] - vertex.y)
    if vertex.kind == "operation":
        return abs((across**2 + up**2) ** 0.5 - vertex.width / 2) < 0.03
    beside = abs(across - vertex.width / 2) < 0.02 and up < vertex.height / 2 + 0.02
    above = abs(up - vertex.height / 2) < 0.02 and across < vertex.width / 2 + 0.02
    return beside or above


# --- what is in the picture ---------------------------------------------------------


def dependencies(diagram: Diagram, name: str) -> set[str]:
    """The variables of the model that a variable is computed from, across circles and intermediates."""
    found: set[str] = set()
    waiting = [arrow.start for arrow in diagram.arrows if arrow.end == name]
    while waiting:
        key = waiting.pop()
        if key.startswith(("op-", "in-")):
            waiting += [arrow.start for arrow in diagram.arrows if arrow.end == key]
        else:
            found.add(key)
    return found


def check_model(diagram: Diagram, equations: Sequence[tuple[str, Node]]) -> None:
    """Every variable once, every edge of the model and no other, the loss last."""
    expected = {name: set(free_names(body)) for name, body in equations}
    variables = [vertex.key for vertex in diagram.vertices if not vertex.key.startswith(("op-", "in-"))]
    assert sorted(variables) == sorted(set(expected) | set().union(*expected.values()))
    for name, inputs in expected.items():
        assert dependencies(diagram, name) == inputs
    for name in set(variables) - set(expected):
        assert not dependencies(diagram, name)
    last = diagram.vertices[-1]
    assert last.key == equations[-1][0]
    assert last.x == max(vertex.x for vertex in diagram.vertices if vertex.y == last.y)
    pairs = [(arrow.start, arrow.end) for arrow in diagram.arrows]
    assert len(pairs) == len(set(pairs))


@pytest.mark.parametrize("wide", [False, True], ids=["names", "numbers"])
@pytest.mark.parametrize("name", MODELS)
def test_nothing_touches(name: str, wide: bool) -> None:
    diagram = symbolic(MODELS[name], wide=wide)
    assert diagram.exact
    check_geometry(diagram)
    check_ends(diagram)


@pytest.mark.parametrize("name", MODELS)
def test_whole_model_is_in_the_picture(name: str) -> None:
    check_model(symbolic(MODELS[name]), trees(MODELS[name]))


@pytest.mark.parametrize("name", MODELS)
def test_every_factor_given_is_shown(name: str) -> None:
    for arrow in symbolic(MODELS[name]).arrows:
        assert (arrow.factor is None) == (arrow.place is None)
        assert arrow.factor is None or arrow.back


def test_neuron_is_the_samples_picture() -> None:
    """Vertex by vertex and arrow by arrow what the sample report shows."""
    diagram = neuron()
    check_geometry(diagram)
    at = {vertex.key: vertex for vertex in diagram.vertices}
    row = ["op-in-z-1", "in-z-1", "op-z", "z", "op-yhat", "yhat", "op-L", "L"]
    assert [at[key].x for key in row] == sorted(at[key].x for key in row)
    assert {at[key].y for key in row} == {0.0}
    assert at["W"].x == at["x"].x == at["op-in-z-1"].x
    assert at["W"].y > 0 > at["x"].y
    assert at["b"].x == at["op-z"].x
    assert at["b"].y > 0
    assert at["y"].x == at["op-L"].x
    signs = [at[key].upper for key in ("op-in-z-1", "op-z", "op-yhat", "op-L")]
    assert signs == [Name("×"), Name("+"), Name("g"), Name("L")]
    assert at["y"].note is not None
    assert [(arrow.start, arrow.end, arrow.back) for arrow in diagram.arrows] == [
        ("W", "op-in-z-1", True), ("x", "op-in-z-1", True), ("op-in-z-1", "in-z-1", True),
        ("in-z-1", "op-z", True), ("b", "op-z", True), ("op-z", "z", True), ("z", "op-yhat", True),
        ("op-yhat", "yhat", True), ("yhat", "op-L", True), ("y", "op-L", False), ("op-L", "L", True),
    ]  # fmt: skip
    factors = {(arrow.start, arrow.end): arrow.factor for arrow in diagram.arrows}
    assert factors["W", "op-in-z-1"] == Transpose(Name("x"))
    assert factors["x", "op-in-z-1"] == Transpose(Name("W"))
    assert factors["in-z-1", "op-z"] == Number(Fraction(1))
    assert factors["op-z", "z"] is None
    width = max(v.x + v.width / 2 for v in diagram.vertices) - min(
        v.x - v.width / 2 for v in diagram.vertices
    )
    assert width < 16.6  # fits the page of the sample


@pytest.mark.parametrize(
    ("text", "sign"),
    [
        ("a + b", Name("+")),
        ("a - b", Name("−")),
        ("a b", Name("×")),
        ("a ⊙ b", Name("⊙")),
        ("a / b", Name("÷")),
        ("sigmoid(a)", Name("sigma")),
        ("relu(a)", Name("ReLU")),
        ("-a", Name("−")),
        ("a^2", Power(Bracket(Name("·")), number(2))),
        ("a", Name("id")),
        ("a^b", Name("f")),
    ],
)
def test_sign_in_the_circle(text: str, sign: Node) -> None:
    diagram = symbolic((("c", text), ("L", "sum(c)")))
    assert next(vertex for vertex in diagram.vertices if vertex.key == "op-c").upper == sign


def test_factor_is_asked_only_where_it_is_the_arrows_own() -> None:
    """In `relu(W x + b)` the factor of W through the equation is not that of the product."""
    asked: list[tuple[str, str]] = []

    def factor(target: str, through: str) -> Node:
        asked.append((target, through))
        return Name("unused" if through == "h" else "own")

    diagram = graph(
        trees((("h", "relu(W x + b)"), ("L", "mse(h, y)"))),
        upper=Name, lower=lambda name: None if name == "y" else Gradient(Name(name)), factor=factor,
        alternative=ALT,
    )  # fmt: skip
    assert Name("unused") not in [arrow.factor for arrow in diagram.arrows]
    assert next(arrow.factor for arrow in diagram.arrows if arrow.start == "h") == Name("own")
    assert next(arrow.factor for arrow in diagram.arrows if arrow.start == "b") == number(1)


def test_variable_twice_in_one_equation_gets_no_total_factor() -> None:
    """`W x + x`: the factor of x through z is W^T + I, which belongs to neither arrow."""
    diagram = symbolic((("z", "W x + x"), ("L", "sum(z)")))
    factors = [arrow.factor for arrow in diagram.arrows if arrow.start == "x"]
    assert len(factors) == 2
    assert set(factors) == {None, number(1)}


def test_difference_tells_which_is_taken_away() -> None:
    diagram = symbolic((("s", "V a - W x"), ("L", "sum(s)")))
    assert [arrow.factor for arrow in diagram.arrows if arrow.end == "op-s"] == [number(1), number(-1)]
    own = {arrow.start: arrow.factor for arrow in diagram.arrows if arrow.start in ("V", "W")}
    assert own["V"] is not None  # s falls with W x, so the factor through s is not the product's own
    assert own["W"] is None


@pytest.mark.parametrize("text", ["x + x", "x x", "x + x + x"])
def test_variable_twice_in_one_operation_gets_the_total_factor(text: str) -> None:
    """`x + x` is one arrow, and its factor is 2, not 1."""
    diagram = symbolic((("z", text), ("L", "sum(z)")))
    factors = [arrow.factor for arrow in diagram.arrows if arrow.start == "x"]
    assert factors == [Derivative(Name("z"), Name("x"), inline=True)]


def test_factor_of_a_summand_can_be_told() -> None:
    """A scalar added to a vector: its factor is not 1."""
    diagram = graph(
        trees((("s", "x + a c"), ("L", "sum(s)"))),
        upper=Name, lower=lambda name: Gradient(Name(name)), factor=lambda target, through: Name("own"),
        summand=lambda term, name: Name("told"), alternative=ALT,
    )  # fmt: skip
    told = [arrow.start for arrow in diagram.arrows if arrow.factor == Name("told")]
    assert told == ["in-s-1"]


def test_no_gradient_no_way_back() -> None:
    diagram = symbolic((("z", "y y"), ("L", "sum(z)")))
    into = [arrow for arrow in diagram.arrows if arrow.end == "op-z" or arrow.start == "op-z"]
    assert [arrow.back for arrow in into] == [False, False]


SHARED: Model = (
    ("h1", "tanh(U x1 + W h0)"), ("h2", "tanh(U x2 + W h1)"), ("h3", "tanh(U x3 + W h2)"),
    ("L", "half_squared_error(h3, y)"),
)  # fmt: skip


def drawn(model: Model, *, repeated: Sequence[str] = (), split: bool = False, boxes: bool = True) -> Diagram:
    return graph(
        trees(model), upper=Name, lower=lambda name: None if name == "y" else Gradient(Name(name)),
        factor=lambda target, through: Derivative(Name(through), Name(target), inline=True),
        inner=lambda expression, gradient: (expression, gradient) if boxes else None,
        local=lambda operation, place: Name("local"),
        share=lambda name, through: Name(f"{name}_{through}"), repeated=repeated, split=split,
        alternative=ALT,
    )  # fmt: skip


@pytest.mark.parametrize("boxes", [False, True])
@pytest.mark.parametrize("repeated", [(), ("U", "W")])
def test_recurrent_cell_with_one_box_or_many_for_its_weights(repeated: tuple[str, ...], boxes: bool) -> None:
    diagram = drawn(SHARED, repeated=repeated, boxes=boxes)
    check_geometry(diagram)
    check_ends(diagram)
    copies = [vertex for vertex in diagram.vertices if vertex.kind == "copy"]
    assert len(copies) == (6 if repeated else 0)
    shares = {vertex.lower for vertex in copies}
    assert shares == ({Name(f"{name}_h{step}") for name in "UW" for step in (1, 2, 3)} if repeated else set())
    assert sum(vertex.upper == Name("W") for vertex in diagram.vertices) == (3 if repeated else 1)
    assert bool([v for v in diagram.vertices if v.key.startswith("in-")]) == boxes


def test_circuit_is_taken_apart_to_its_last_operation() -> None:
    diagram = drawn((("f", "(x + z) w"),), split=True)
    check_geometry(diagram)
    signs = {vertex.key: vertex.upper for vertex in diagram.vertices if vertex.kind == "operation"}
    assert signs == {"op-in-f-1": Name("+"), "op-f": Name("×")}
    inner = next(vertex for vertex in diagram.vertices if vertex.key == "in-f-1")
    assert inner.lower == Name("local")  # what returns through the product, times dL/dL = 1
    factors = {(arrow.start, arrow.end): arrow.factor for arrow in diagram.arrows}
    assert factors["in-f-1", "op-f"] == Name("local")
    assert factors["w", "op-f"] == Derivative(Name("f"), Name("w"), inline=True)
    assert factors["x", "op-in-f-1"] == number(1)


def test_loss_is_one_operation_unless_it_is_split() -> None:
    whole = drawn((("f", "(x + z) w"),))
    assert [vertex.upper for vertex in whole.vertices if vertex.kind == "operation"] == [Name("f")]


@pytest.mark.parametrize(("text", "inputs"), [("X W + ones(N) b^T", {"X", "W", "b"}), ("x b^T", {"x", "b"})])
def test_spreading_a_row_is_no_operation(text: str, inputs: set[str]) -> None:
    diagram = symbolic((("Z", text), ("L", "sum(Z)")))
    assert dependencies(diagram, "Z") == inputs
    assert sum(vertex.upper == Name("×") for vertex in diagram.vertices) == 1


def test_input_of_a_net_stands_before_its_first_product() -> None:
    """… and under it in a single neuron, as on the board, and where it is used again further on."""
    for model, before in ((MODELS["three layers"], True), (NEURON, False), (MODELS["skip"], False)):
        at = {vertex.key: vertex for vertex in symbolic(model).vertices}
        product = next(vertex for key, vertex in at.items() if vertex.upper == Name("×"))
        assert (at["x"].x < product.x) == before
        assert (at["x"].y == product.y) == before


def test_bound_index_is_no_variable() -> None:
    summed = Sum("i", number(1), Name("n"), Index(Name("a"), (Name("i"),)))
    assert list(free_names(summed)) == ["a"]  # n is a size


@pytest.mark.parametrize(
    ("equations", "message"),
    [
        ((), "without equations"),
        ((("a", "x"), ("a", "x + 1")), "computed twice"),
        ((("a", "c"), ("c", "a"), ("L", "sum(c)")), "used before"),
    ],
)
def test_impossible_models_are_refused(equations: Model, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        symbolic(equations)


def test_long_chain_is_folded_and_a_short_one_is_not() -> None:
    def rows(model: Model) -> int:
        return len({v.y for v in symbolic(model, wide=True).vertices if v.kind == "operation"})

    assert rows(MODELS["neuron"]) == 1
    assert 1 < rows(MODELS["two layers"]) <= 3
    assert 2 < rows(MODELS["three layers"]) <= 4
    assert width_of(symbolic(MODELS["deep"])) * 0.7 <= 17.0


def test_arrows_are_long_enough_to_be_seen() -> None:
    for name in ("neuron", "two layers", "gate"):
        diagram = symbolic(MODELS[name])
        at = {vertex.key: vertex for vertex in diagram.vertices}
        for arrow in diagram.arrows:
            start, end = at[arrow.start], at[arrow.end]
            if not arrow.forward and start.y == end.y:
                assert end.x - end.width / 2 - start.x - start.width / 2 > ARROW - 0.02


def test_fan_is_the_notes_last_picture() -> None:
    diagram = fan("z", "x", "W", alternative=ALT)
    at = {vertex.key: vertex for vertex in diagram.vertices}
    for one, other in combinations(diagram.vertices, 2):
        assert not block(one).meets(block(other), 0.01), (one.key, other.key)
    weights = [arrow.label for arrow in diagram.arrows if arrow.label is not None]
    assert weights == [Index(Name("W"), (place, Name("i"))) for place in (number(1), number(2), Name("k"))]
    red = [(arrow.start, arrow.end) for arrow in diagram.arrows if arrow.label is None]
    assert all(at[start].x > at[end].x for start, end in red)
    assert len(red) == 4


def test_parallel_line_keeps_its_distance() -> None:
    way = ((0.0, 0.0), (4.0, 0.0), (4.0, 3.0))
    assert shifted(way, 0.1) == ((0.0, 0.1), (3.9, 0.1), (3.9, 3.0))
    assert shifted(way, -0.1) == ((0.0, -0.1), (4.1, -0.1), (4.1, 3.0))


def test_circle_grows_with_its_arrows() -> None:
    assert circle_for(3) == 0.0
    assert 0 < circle_for(4) < circle_for(10)


# --- random models ------------------------------------------------------------------

_ACTIVATIONS = ("relu", "tanh", "sigmoid", "exp")


@st.composite
def chains(draw: st.DrawFn) -> list[tuple[str, str]]:
    """Random models: layers, skips, shared weights, products of what came before."""
    names = ["x"]
    equations: list[tuple[str, str]] = []
    for place in range(draw(st.integers(1, 6))):
        last = names[-1]
        other = draw(st.sampled_from(names))
        weight = draw(st.sampled_from(["A", "B", f"W{place}"]))
        body = draw(st.sampled_from([
            f"{weight} {last} + b{place}", f"{draw(st.sampled_from(_ACTIVATIONS))}({last})",
            f"{last} + {other}", f"{last} * {other}", f"{weight} {last} + {other}", f"{last} - b{place}",
        ]))  # fmt: skip
        equations.append((f"h{place}", body))
        names.append(f"h{place}")
    equations.append(("L", draw(st.sampled_from(["mse({0}, y)", "sum({0})", "mse({0}, {1})"])).format(
        names[-1], draw(st.sampled_from(names)),
    )))  # fmt: skip
    return equations


@settings(max_examples=40, deadline=None)
@given(chains(), st.booleans())
def test_random_models(model: list[tuple[str, str]], wide: bool) -> None:
    diagram = symbolic(model, wide=wide)
    check_geometry(diagram)
    check_ends(diagram)
    check_model(diagram, trees(model))
