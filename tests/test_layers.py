"""Layers of one form: which they are, what is said of them, and that nothing is lost or wrong."""

from collections.abc import Sequence
from functools import cache

import pytest

from symbackprop.derivation.derive import derive
from symbackprop.exercise import from_parts
from symbackprop.notation import tree
from symbackprop.notation.read import Vocabulary, read_chain
from symbackprop.notation.tree import Name, Node
from symbackprop.notation.write import to_plain
from symbackprop.report.compose import compose
from symbackprop.report.document import Block, Equation, Heading, Paragraph, Table, Text
from symbackprop.report.facts import Facts
from symbackprop.report.ladder import LONG, Ladder
from symbackprop.report.sections.backward import backward
from symbackprop.report.sections.deep import recursion
from symbackprop.report.sections.forward import forward
from symbackprop.report.sections.ledger import dimensions, ledger
from symbackprop.report.view import View

Model = tuple[tuple[str, str], ...]


def net(depth: int) -> Model:
    """`z1 = W1 x + b1`, `a1 = tanh(z1)`, … and half the squared error."""
    lines = []
    for layer in range(1, depth + 1):
        lines.append((f"z{layer}", f"W{layer} {f'a{layer - 1}' if layer > 1 else 'x'} + b{layer}"))
        lines.append((f"a{layer}", f"{'sigmoid' if layer == depth else 'tanh'}(z{layer})"))
    return (*lines, ("L", f"1/2 ||a{depth} - y||^2"))


NETS: dict[str, Model] = {
    "columns": net(3),
    "rows": (
        ("Z1", "X W1 + ones(N) b1^T"), ("A1", "tanh(Z1)"), ("Z2", "A1 W2 + ones(N) b2^T"),
        ("P", "sigmoid(Z2)"), ("L", "mse(P, Y)"),
    ),
    "other names": (
        ("u", "A x + p"), ("h", "relu(u)"), ("v", "B h + q"), ("yhat", "sigmoid(v)"),
        ("L", "1/2 ||yhat - y||^2"),
    ),
    "linear": (("h1", "W1 x"), ("h2", "W2 h1"), ("h3", "W3 h2"), ("L", "1/2 ||h3 - y||^2")),
    "several functions": (
        ("z1", "W1 x + b1"), ("a1", "tanh(z1)"), ("z2", "W2 a1 + b2"), ("a2", "sigmoid(z2)"),
        ("z3", "W3 a2 + b3"), ("a3", "sigmoid(z3)"), ("L", "1/2 ||a3 - y||^2"),
    ),
    "recurrent": (
        ("z1", "U x1 + W h0 + b"), ("h1", "tanh(z1)"), ("z2", "U x2 + W h1 + b"), ("h2", "tanh(z2)"),
        ("z3", "U x3 + W h2 + b"), ("h3", "tanh(z3)"), ("L", "1/2 ||h3 - y||^2"),
    ),
}  # fmt: skip
"""With the shapes that they need below."""

SHAPES: dict[str, dict[str, Sequence[str]]] = {
    "rows": {"X": ["N", "n"], "W1": ["n", "h"], "W2": ["h", "k"]},
}
ALONE: dict[str, Model] = {
    "one layer": (("z", "W x + b"), ("yhat", "relu(z)"), ("L", "1/2 ||yhat - y||^2")),
    "skip": (("z", "W x + b"), ("h", "relu(z)"), ("r", "h + x"), ("L", "1/2 ||r - y||^2")),
    "skips": (
        ("z1", "W1 x + b1"), ("a1", "tanh(z1)"), ("z2", "W2 a1 + b2"), ("a2", "tanh(z2)"), ("s", "a2 + a1"),
        ("L", "1/2 ||s - y||^2"),
    ),
    "circuit": (("q", "x + y"), ("f", "q z")),
}  # fmt: skip


@cache
def view_of(name: str) -> View:
    model = {**NETS, **ALONE}.get(name) or net(int(name))
    shapes = {"circuit": {"x": []}, **SHAPES}.get(name)
    derivation = derive(from_parts(model=model, shapes=shapes, key="net"))
    return View(derivation, Facts(derivation))


def found(name: str) -> Ladder:
    made = view_of(name).ladder
    assert made is not None
    return made


# --- which layers ---------------------------------------------------------------------


@pytest.mark.parametrize("name", NETS)
def test_layers_are_found_from_the_input_up(name: str) -> None:
    rungs = found(name).rungs
    products = [
        key for key, body in NETS[name] if any(letter in body for letter in "WAB") and "z" not in body
    ]
    assert [rung.affine for rung in rungs] == [key for key in products if key != "L"]
    assert [rung.incoming for rung in rungs[1:]] == [rung.output for rung in rungs[:-1]]
    assert rungs[0].incoming == {"rows": "X", "recurrent": "h0"}.get(name, "x")


@pytest.mark.parametrize("name", ALONE)
def test_what_is_no_row_of_layers_has_none(name: str) -> None:
    assert view_of(name).ladder is None
    assert not list(recursion(view_of(name)))


def test_shared_weights_are_told_from_a_layers_own() -> None:
    assert found("recurrent").shared == ("U", "W", "b")
    assert found("columns").shared == ()
    assert found("recurrent").index == "t"


@pytest.mark.parametrize(
    ("name", "letters"),
    [
        ("columns", ["z_l", "a_l", "W_l", "b_l"]),
        ("rows", ["Z_l", "A_l", "W_l", "b_l"]),
        ("other names", ["z_l", "a_l", "W_l", "b_l"]),
        ("linear", ["h_l", "h_l", "W_l"]),
        ("recurrent", ["z_t", "h_t", "U", "x_t", "W", "b"]),
    ],
)
def test_letters_of_any_layer(name: str, letters: list[str]) -> None:
    made = found(name)
    assert [made.name(role).name for role in made.roles] == letters


# --- what is said ---------------------------------------------------------------------


def formulas(blocks: Sequence[Block]) -> list[Node]:
    return [
        tree.undressed(line.formula)
        for block in blocks
        if isinstance(block, Equation)
        for line in block.lines
    ]


@pytest.mark.parametrize(
    ("name", "step"),
    [
        ("columns", "dz_l = W_l+1^T dz_l+1 ⊙ tanh'(z_l)"),
        ("rows", "dZ_l = dZ_l+1 W_l+1^T ⊙ tanh'(Z_l)"),
        ("other names", "dz_l = W_l+1^T dz_l+1 ⊙ g'(z_l)"),
        ("linear", "dh_l = W_l+1^T dh_l+1"),
        ("several functions", "dz_l = W_l+1^T dz_l+1 ⊙ g'(z_l)"),
        ("recurrent", "dz_t = W^T dz_t+1 ⊙ tanh'(z_t)"),
    ],
)
def test_step_of_any_layer(name: str, step: str) -> None:
    first = formulas(list(recursion(view_of(name))))[0]
    assert to_plain(first).replace("*", "⊙").replace("(W", "W").replace("1) ", "1 ") == step


def table_of(blocks: Sequence[Block]) -> Table:
    (made,) = [block for block in blocks if isinstance(block, Table)]
    return made


@pytest.mark.parametrize("name", NETS)
def test_table_has_every_layer_from_the_last_down(name: str) -> None:
    made = table_of(list(recursion(view_of(name))))
    rungs = found(name).rungs
    assert [row[0] for row in made.rows] == [tree.number(place) for place in range(len(rungs), 0, -1)]
    for row, rung in zip(made.rows, reversed(rungs), strict=True):
        assert isinstance(row[1], tree.Chain)
        assert row[1].members[0] == Name(rung.affine)
        assert isinstance(row[2], tree.Chain)
        assert row[2].members[0] == tree.Gradient(Name(rung.affine))


def test_rows_of_the_table_are_true() -> None:
    """Each right side, worked out, is the value that the derivation has for the left."""
    values = {
        "x": [1, -2], "W1": [[1, 2], [0, 1], [1, -1]], "b1": [0, 1, 2], "W2": [[1, 0, 2], [-1, 1, 1]],
        "b2": [1, 0], "W3": [[2, 1]], "b3": [-1], "y": [3],
    }  # fmt: skip
    model = [(name, body.replace("tanh", "square").replace("sigmoid", "square")) for name, body in net(3)]
    derivation = derive(from_parts(model=model, values=values, key="net"))
    view = View(derivation, Facts(derivation))
    made = table_of(list(recursion(view)))
    tried = 0
    for row in made.rows:
        for cell in row[2:]:
            assert isinstance(cell, tree.Chain)
            symbol, formula = cell.members
            assert isinstance(symbol, tree.Gradient)
            assert isinstance(symbol.of, Name)
            value = view.facts.evaluated(tree.undressed(_without_letters(view, formula)))
            numbers = view.numbers("d" + symbol.of.name)
            assert value is not None
            assert numbers is not None
            assert value.entries == numbers.entries
            tried += 1
    assert tried == 9  # dz, dW and db of three layers


def _without_letters(view: View, node: Node) -> Node:
    """The functions under their own names again, and products of single numbers as they were."""
    back = {letter: name for name, letter in view.letters.items()}
    made = tree.rebuild(node, lambda part: _without_letters(view, part))
    return (
        tree.Call(back.get(made.function, made.function), made.args, made.options, made.primes)
        if isinstance(made, tree.Call)
        else made
    )


def test_shared_weights_get_sums_over_the_steps() -> None:
    shown = [to_plain(item) for node in formulas(list(recursion(view_of("recurrent")))) for item in
             (node.items if isinstance(node, tree.Row) else (node,))]  # fmt: skip
    assert any("dW" in text and "sum" in text and "h_t-1^T" in text for text in shown), shown
    keys = [text.key for block in recursion(view_of("recurrent")) if isinstance(block, Paragraph)
            for text in block.sentences]  # fmt: skip
    assert "deep.shared" in keys
    assert "deep.form_cell_only" in keys  # with h_0 = h0 there is nothing more to say


# --- short and long -----------------------------------------------------------------------


def leads(blocks: Sequence[Block]) -> list[str]:
    return [block.lead.of.name for block in blocks if isinstance(block, Paragraph)
            and isinstance(block.lead, tree.Gradient) and isinstance(block.lead.of, Name)]  # fmt: skip


def test_short_form_has_the_last_layers_in_full_and_the_long_one_all() -> None:
    view = view_of("5")
    assert LONG <= 5
    whole = leads(list(backward(view)))
    assert set(whole) == {
        step.target for step in view.derivation.backward if step.rule not in {"seed", "loss"}
    }
    assert leads(list(backward(view, short=True))) == ["z5", "b5", "W5", "a4", "z4", "b4", "W4"]
    assert len(table_of(list(recursion(view, short=True))).rows) == 5


def test_shallow_nets_have_no_short_form() -> None:
    view = view_of("columns")
    assert leads(list(backward(view, short=True))) == leads(list(backward(view)))


def test_cost_of_the_short_form_grows_with_the_table_alone() -> None:
    """Twice as many layers are twice as many rows, and nothing else; the long form grows in proportion."""
    short = {depth: compose(view_of(depth).derivation, detail="student") for depth in ("6", "12")}
    kinds = {depth: [type(block) for block in made.blocks] for depth, made in short.items()}
    assert kinds["6"] == kinds["12"]
    units = {
        depth: len(list(backward(view_of(depth)))) - len(list(recursion(view_of(depth)))) for depth in short
    }
    assert units["12"] - 2 * units["6"] < 10
    titles = [block.text.key for block in short["12"].blocks if isinstance(block, Heading)]
    assert "backward.title" in titles


def test_values_of_the_layers_left_out_stand_in_a_table() -> None:
    values: dict[str, object] = {"x": [1, 2], "y": [0, 1]}
    for layer in range(1, 5):
        values |= {f"W{layer}": [[1, layer], [0, 1]], f"b{layer}": [layer, 0]}
    model = [(name, body.replace("tanh", "relu").replace("sigmoid", "relu")) for name, body in net(4)]
    derivation = derive(from_parts(model=model, values=values, key="net"))
    view = View(derivation, Facts(derivation))
    blocks = list(forward(view, short=True))
    made = table_of(blocks)
    assert [row[0] for row in made.rows] == [tree.number(layer) for layer in (2, 3, 4)]
    numbers = view.numbers("z3")
    assert numbers is not None
    assert made.rows[1][1] == tree.equation(Name("z3"), tree.Transpose(view.array(numbers.transposed())))
    assert len(formulas(blocks)) < len(formulas(list(forward(view))))


# --- the ledger of dimensions -------------------------------------------------------------


@pytest.mark.parametrize(
    ("formula", "shape", "expected"),
    [
        ("W x + b", ("k",), "(k×n) (n×1) + (k×1) = k×1"),
        ("u x^T", ("k", "n"), "(k×1) (1×n) = k×n"),
        ("2 W x", ("k",), "(k×n) (n×1) = k×1"),
        ("u ⊙ tanh(b)", ("k",), "(k×1) ⊙ (k×1) = k×1"),
        ("u - b", ("k",), "k×1"),
        ("||u||^2", (), "1×1"),
        ("K", ("o", "c", "r", "s"), "o×c×r×s"),
    ],
)
def test_dimensions_of_a_formula(formula: str, shape: tuple[str, ...], expected: str) -> None:
    shapes = {"W": ("k", "n"), "x": ("n",), "b": ("k",), "u": ("k",), "K": ("o", "c", "r", "s")}
    node = read_chain(formula, Vocabulary(functions={"tanh": "tanh"}, names=None))
    assert to_plain(dimensions(node, shape, shapes)) == expected


@pytest.mark.parametrize("name", [*NETS, *ALONE])
def test_ledger_covers_every_equation(name: str) -> None:
    view = view_of(name)
    made = table_of(list(ledger(view)))
    left = [cell.members[0] for cell, *_ in made.rows if isinstance(cell, tree.Chain)]
    expected: list[Node] = [Name(step.target) for step in view.derivation.forward]
    expected += [tree.Gradient(Name(s.target)) for s in view.derivation.backward if s.rule != "seed"]
    assert left == expected


@pytest.mark.parametrize(("examples", "general"), [(4, "(m×n) (n×k) + (m×1) (1×k) = m×k"), (2, "m×k")])
def test_ledger_of_a_batch_has_no_number_among_any_sizes(examples: int, general: str) -> None:
    """With 4 examples the ones are m; with 2 and n = 2 they might be either, and only the result stands."""
    derivation = derive(
        from_parts(
            model={"Z": "X W^T + 1 b^T", "P": "sigmoid(Z)", "L": "1/2 ||P - Y||_F^2"},
            values={"X": [[1, n] for n in range(examples)], "W": [[1, 2]], "b": [3], "Y": [[1]] * examples},
        )
    )  # fmt: skip
    rows = table_of(list(ledger(View(derivation, Facts(derivation))))).rows
    assert to_plain(_node(rows[0][2])) == general


def test_ledger_of_computed_sizes() -> None:
    derivation = derive(
        from_parts(
            model={"y[i]": "sum(a: K[a] x[i+a-1])", "L": "1/2 ||y - t||^2"},
            shapes={"K": ["r"], "x": ["m"]}, key="conv",
        )
    )  # fmt: skip
    rows = table_of(list(ledger(View(derivation, Facts(derivation))))).rows
    assert "m - r + 1" in to_plain(_node(rows[0][1]))


def _node(cell: Node | Text | None) -> Node:
    assert isinstance(cell, Node)
    return cell
