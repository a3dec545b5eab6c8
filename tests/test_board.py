"""What a strict teacher would mark on the page: each test is a defect that a report once had."""

from collections.abc import Iterator
from fractions import Fraction

import pytest

from symbackprop import limits
from symbackprop.algebra.values.arrays import Array
from symbackprop.derivation.derive import derive
from symbackprop.exercise import from_parts, load
from symbackprop.exercise.model import Exercise
from symbackprop.notation import tree
from symbackprop.notation.tree import Node
from symbackprop.notation.write import Style, to_latex, to_plain
from symbackprop.notation.write_typst import to_typst
from symbackprop.report.compose import compose
from symbackprop.report.document import Diagram, Document, Equation, Line, Note, Paragraph, Table, Text
from symbackprop.report.facts import Facts
from symbackprop.report.layout import ROOM, placed
from symbackprop.report.measure import width
from symbackprop.report.roles import examples_in, holds_examples
from symbackprop.report.sections.drawing import columns
from symbackprop.report.sections.summary import WIDE
from symbackprop.report.view import View


def report(exercise: Exercise, detail: str = "full") -> Document:
    return compose(derive(exercise), detail=detail)


def view_of(exercise: Exercise) -> View:
    derivation = derive(exercise)
    return View(derivation, Facts(derivation))


def displays(document: Document) -> Iterator[Node]:
    for block in document.blocks:
        if isinstance(block, Equation):
            yield from (line.formula for line in block.lines)


def texts(document: Document) -> Iterator[Text]:
    for block in document.blocks:
        if isinstance(block, Paragraph | Note):
            yield from block.sentences


def keys(document: Document) -> list[str]:
    return [text.key for text in texts(document)]


def shown(document: Document) -> str:
    """All displays in plain text, one a line."""
    return "\n".join(to_plain(node) for node in displays(document))


# --- data are no weights ---------------------------------------------------------------------


def test_the_rows_of_a_batch_are_examples_and_no_neurons() -> None:
    exercise = load("logistica")
    assert holds_examples(exercise, "X", "w")
    assert examples_in(exercise, exercise.equations[0].body) == "X"
    found = keys(report(exercise))
    assert "levels.feeds_examples" in found
    assert "levels.column_data" in found
    assert not {"levels.feeds_all", "levels.column", "layer.rows"} & set(found)


def test_a_batch_and_a_vector_of_weights_are_drawn_as_one_neuron() -> None:
    made = columns(view_of(load("logistica")))
    assert made is not None
    first, last = made
    assert (first.size, last.size, last.bias) == (2, 1, True)
    assert last.weight is not None
    assert to_plain(last.weight(1, 2)) == "w[2]"
    assert to_plain(first.label(tree.number(1))) == "X[:,1]"


def test_weights_stay_weights_where_only_the_gradient_of_the_input_is_wanted() -> None:
    model = {"z": "W x + b", "L": "1/2 ||z - y||^2"}
    exercise = from_parts(model=model, shapes={"W": ["k", "n"]}, wanted=["x"], key="adversarial")
    assert not holds_examples(exercise, "W", "x")
    assert "layer.rows" in keys(report(exercise))


# --- layers of one form ------------------------------------------------------------------------


def test_attention_is_no_row_of_layers() -> None:
    view = view_of(load("atencion"))
    assert view.ladder is None
    assert "deep.form" not in keys(compose(view.derivation))


def test_an_entry_of_a_matrix_that_is_zero_explains_no_column() -> None:
    # V = X W_v has a zero at its fifth place; dP = dO Vᵀ has no column of zeros
    assert not {"backward.zero", "backward.zero_column"} & set(keys(report(load("atencion"))))


def test_the_last_layer_says_its_own_function() -> None:
    model = {
        "Z1": "X W1 + 1 b1^T", "A1": "relu(Z1)", "Z2": "A1 W2 + 1 b2^T", "P": "sigmoid(Z2)", "L": "bce(P, Y)",
    }  # fmt: skip
    shapes = {"X": ["m", "n"], "W1": ["n", "h"], "W2": ["h", "k"]}
    exercise = from_parts(model=model, shapes=shapes, wanted=["W1", "W2"], key="rows")
    said = [text for text in texts(report(exercise)) if text.key.startswith("deep.")]
    (last,) = (text for text in said if text.key == "deep.last")
    assert to_plain(last.parts["statement"]) == "P = sigmoid(Z2)"  # type: ignore[arg-type]
    (form,) = (text for text in said if text.key == "deep.form")
    assert to_plain(form.parts["equations"][1]).startswith("A_l = ")  # type: ignore[index]


def test_any_layer_has_the_mark_of_the_layers() -> None:
    names = frozenset(("W1", "W2", "z1", "z2"))
    style = Style(layers="bracket", layer_names=names)
    table = {"W_l+1": r"W^{[l+1]}", "z_l": r"z^{[l]}", "z0": r"z^{[0]}", "y_l": "y_l", "W2": r"W^{[2]}"}
    assert {name: to_latex(tree.Name(name), style) for name in table} == table
    assert to_latex(tree.Name("W_l+1"), Style(layer_names=names)) == "W_{l+1}"


@pytest.mark.parametrize(
    ("name", "latex", "typst"),
    [
        ("Wq", "W_q", "W_q"),
        ("bf", "b_f", "b_f"),
        ("Xi", r"\Xi", "Xi"),
        ("lr", r"\mathrm{lr}", "upright(l r)"),
    ],
)
def test_a_letter_and_a_small_letter(name: str, latex: str, typst: str) -> None:
    assert to_latex(tree.Name(name)) == latex
    assert to_typst(tree.Name(name)) == typst
    assert to_plain(tree.Name(name)) == name


# --- indices ------------------------------------------------------------------------------------


def test_an_axis_of_one_entry_leaves_no_index_behind() -> None:
    values = {"x": [[1, 2]], "W": [[1, -1, "1/2"], ["1/2", 2, -1]], "t": [[0, 1, 0]]}
    exercise = from_parts(
        model={"z": "x W", "p": "sigmoid(z)", "L": "1/2 ||p - t||_F^2"}, values=values, wanted=["W", "x"],
        key="row",
    )  # fmt: skip
    written = shown(compose(derive(exercise), detail="student"))
    chain = next(line for line in written.splitlines() if line.startswith(("dW[", "dw[")))
    assert "z[l]" in chain
    assert "x[r]" in chain
    assert "j" not in chain
    assert "= 1..1:" not in written


# --- numbers ---------------------------------------------------------------------------------------


def test_no_formula_with_numbers_is_set_in_very_small_print() -> None:
    exercise = load("logistica")
    for formula in displays(report(exercise)):
        lines = placed([Line(formula=formula)], lambda node: width(to_latex(node))).lines
        assert all(0.75 * width(to_latex(line.formula)) <= ROOM for line in lines if line.fit)


def test_a_long_sum_breaks_before_a_plus() -> None:
    terms = tuple(tree.Index(tree.Name("abcdef"), (tree.number(10**12 + place),)) for place in range(12))
    chain = tree.equation(tree.Name("z"), tree.Add(terms))
    made = placed([Line(formula=chain)], lambda node: width(to_latex(node))).lines
    assert len(made) > 1
    assert not any(line.fit for line in made)
    style = Style(words={"nothing": ""})
    assert {to_latex(line.formula, style).removeprefix(r"\text{} ")[:1] for line in made[1:]} == {"+"}
    kept = [part for line in made for part in tree.walk(line.formula) if isinstance(part, tree.Index)]
    assert kept == list(terms)


def test_max_shows_the_two_numbers() -> None:
    values = {"z": 2, "w": -1, "x": 3}
    exercise = from_parts(model={"m": "max(z, w)", "L": "x m"}, values=values, wanted=["z", "w"], key="max")
    document = report(exercise)
    assert "max(2, -1)" in shown(document)
    assert "-1 + max(" not in shown(document)
    assert "activation.indicator" in keys(document)
    cases = [part for node in displays(document) for part in tree.walk(node) if isinstance(part, tree.Cases)]
    values_at = [to_plain(value) for value, _ in cases[-1].branches]
    assert values_at == ["1", "1/2", "0"]  # what is taken at the tie stands between the two


@pytest.mark.parametrize(("taken", "signs"), [("0", (">", "≤")), ("1", ("≥", "<"))])
def test_the_cases_of_a_slope_agree_with_the_convention(taken: str, signs: tuple[str, str]) -> None:
    exercise = from_parts(
        model={"z": "W x", "y": "relu(z)", "L": "1/2 ||y - t||^2"}, shapes={"W": ["k", "n"]}, wanted=["W"],
        kinks={"relu": {"0": taken}}, key="kink",
    )  # fmt: skip
    document = report(exercise)
    cases = [part for node in displays(document) for part in tree.walk(node) if isinstance(part, tree.Cases)]
    found = tuple(condition.relations[0] for _, condition in cases[-1].branches)  # type: ignore[attr-defined]
    assert found == signs


def test_a_negative_number_stands_in_brackets_where_it_is_added_or_multiplied() -> None:
    exercise = load("recurrente")  # x_2 is −1
    latex = "\n".join(to_latex(node) for node in displays(report(exercise)))
    assert r"(-1)}_{x_2}" in latex
    assert r"{-1}_{x_2}" not in latex


def test_sums_and_means_of_numbers_are_written_out() -> None:
    written = shown(report(load("norma-capa")))
    assert "1 / 4 (1 + 4 + (-2) + 5)" in written  # the mean of (1, 4, −2, 5)


def test_a_matrix_in_a_function_has_one_pair_of_brackets() -> None:
    matrix = tree.Matrix(((tree.number(1), tree.number(2)),), "row")
    assert to_latex(tree.Call("g", (matrix,))).count(r"\left(") == 0
    assert to_latex(tree.Call("g", (tree.plus(matrix, matrix),))).count("(") > 0


def test_a_formula_that_is_its_own_value_is_said_once() -> None:
    values = {"x": 3, "y": -4}
    exercise = from_parts(model={"s": "x + y", "L": "2 s"}, values=values, wanted=["x"], key="two")
    chain = next(node for node in displays(report(exercise)) if to_plain(node).startswith("ds"))
    assert isinstance(chain, tree.Box)


# --- names of losses, brackets ----------------------------------------------------------------------


def test_a_named_loss_is_explained_once_and_its_fraction_has_no_brackets() -> None:
    document = report(load("logistica"))
    stated = [to_plain(node) for node in displays(document) if "bce(p, y) = " in to_plain(node)]
    assert len(stated) == 1
    assert "sum(j = 1..4:" in stated[0]
    assert "(1/4)" not in shown(document)


def test_the_ledger_writes_out_a_loss_with_a_long_name() -> None:
    exercise = from_parts(
        model={"z": "W x", "L": "half_squared_error(z, y)"}, shapes={"W": ["k", "n"]}, wanted=["W"],
        key="long",
    )  # fmt: skip
    tables = [block for block in report(exercise).blocks if isinstance(block, Table)]
    cells = [cell for table in tables for row in table.rows for cell in row if isinstance(cell, tree.Node)]
    assert not any("half_squared" in to_plain(cell) for cell in cells)


# --- room -----------------------------------------------------------------------------------------------


def deep(count: int, size: int) -> Exercise:
    rows = [[Fraction((3 * i + 5 * j) % 7 - 3, 10) for j in range(size)] for i in range(size)]
    values: dict[str, object] = {"x": [1] * size, "y": [0] * size}
    model, before = {}, "x"
    for place in range(1, count + 1):
        values[f"W{place}"] = [[str(entry) for entry in row] for row in rows]
        model |= {f"z{place}": f"W{place} {before}", f"a{place}": f"tanh(z{place})"}
        before = f"a{place}"
    model["L"] = f"1/2 ||{before} - y||^2"
    return from_parts(model=model, values=values, wanted=["W1"], key="deep")


def test_many_numbers_are_given_with_dots_and_no_value_leaves_its_table() -> None:
    document = report(deep(5, 8), "student")
    given = [part for node in list(displays(document))[:8] for part in tree.walk(node)]
    assert max(len(part.rows) for part in given if isinstance(part, tree.Matrix)) <= 3
    table = [block for block in document.blocks if isinstance(block, Table)][-1]
    matrices = [part for row in table.rows for cell in row if isinstance(cell, tree.Node)
                for part in tree.walk(cell) if isinstance(part, tree.Matrix)]  # fmt: skip
    assert matrices
    assert all(width(to_latex(matrix)) <= WIDE for matrix in matrices)


def test_an_array_can_be_abbreviated_further() -> None:
    view = view_of(load("neurona"))
    column = Array((9,), tuple(Fraction(place) for place in range(9)))
    assert to_plain(view.array(column, 3)) == to_plain(
        tree.Matrix(((tree.number(0),), (tree.Dots("v"),), (tree.number(8),)), "column")
    )
    assert limits.SHOWN_ROWS >= 3


def test_the_same_argument_is_not_repeated_for_every_layer() -> None:
    document = report(deep(3, 2))
    said = [text for text in texts(document) if text.key == "remark.only_product"]
    forms = {to_plain(text.parts["product"]) for text in said}  # type: ignore[arg-type]
    assert len(said) == len(forms) <= 2


def test_circles_speak_the_language_of_the_page() -> None:
    (drawn,) = (block for block in report(load("norma-capa")).blocks if isinstance(block, Diagram))
    assert any(vertex.upper == tree.Word("mean") for vertex in drawn.vertices)


def test_no_row_of_the_ledger_is_wider_than_the_page() -> None:
    model = {f"z{place}": f"W{place} x" for place in range(1, 6)}
    model |= {"s": " + ".join(f"tanh({name})" for name in model), "L": "1/2 ||s - y||^2"}
    shapes = {f"W{place}": ["k", "n"] for place in range(1, 6)}
    document = report(from_parts(model=model, shapes=shapes, wanted=["x"], key="ways"), "student")
    ledger = next(block for block in document.blocks if isinstance(block, Table))
    rows = [[cell for cell in row if isinstance(cell, tree.Node)] for row in ledger.rows]
    assert max(sum(width(to_latex(cell)) for cell in row) for row in rows) <= ROOM + 2
    (last,) = (row for row in rows if to_plain(row[0]).startswith("dx = "))
    assert to_plain(last[1]) == "n×1"


def test_the_ledger_shows_entrywise_products_of_the_model() -> None:
    exercise = from_parts(
        model={"c": "f * g + i * g", "L": "1/2 ||c - y||^2"}, shapes={"f": [2]}, wanted=["f"], key="gates"
    )
    ledger = next(block for block in report(exercise).blocks if isinstance(block, Table))
    cell = ledger.rows[0][1]
    assert isinstance(cell, tree.Node)
    assert to_plain(cell) == "(2×1) ⊙ (2×1) + (2×1) ⊙ (2×1) = 2×1"


# --- what the last look at the pages found ---------------------------------------------------


def parts_of(document: Document, key: str) -> list[str]:
    """The factors that sentences of a kind name."""
    return [to_plain(text.parts["factor"]) for text in texts(document) if text.key == key]  # type: ignore[arg-type]


def test_a_factor_has_the_index_of_its_entry() -> None:
    """y_p = γ_p h_p + β_p: γ_p is multiplied by h_p, and not by the h_j of the sum."""
    assert parts_of(report(load("norma-capa")), "reason.one_entry") == ["h[p]", "gamma[p]"]


def test_a_root_multiplies_nothing() -> None:
    """In s = √(v + ε) no factor stands beside v; 1/(2s) is a derivative, for one number and for each."""
    assert "reason.times" not in keys(report(load("norma-capa")))
    assert "reason.slope" in keys(report(load("norma-capa")))
    assert parts_of(report(load("norma-lote")), "reason.one_entry_slope") == ["1 / (2 s[p])"]


def test_a_rounded_argument_is_not_equal() -> None:
    """8/3 + 0,001 = 2,66766…: the page shows 2,6677 of it."""
    (line,) = [node for node in displays(report(load("norma-lote"))) if to_plain(node).startswith("s = ")]
    assert isinstance(line, tree.Chain)
    assert line.relations == ("=", "=", "≈", "≈")


def test_matrices_have_no_inner_product() -> None:
    """X dKᵀ in place of Xᵀ dK is neither an inner nor an outer product."""
    found = keys(report(load("atencion")))
    assert "remark.other_transposed" in found
    assert "mistake.inner_for_outer" not in found


def test_a_slope_that_cancels_is_shown() -> None:
    """dz = ¼ (p − y) needs σ' = σ (1 − σ) on its way."""
    assert "activation.by_output" in keys(report(load("logistica")))
    assert "activation.by_output" not in keys(report(load("softmax")))


def test_a_gradient_stands_apart() -> None:
    """d dŷᵀ, where d is a variable, is not dd ŷᵀ."""
    made = tree.juxtaposed(tree.Name("d"), tree.Transpose(tree.Gradient(tree.Name("yhat"))))
    assert to_latex(made) == r"d\,d\hat y^T"
    assert to_typst(made) == "d thin d hat(y)^T"
