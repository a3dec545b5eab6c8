"""Shapes: checked against the evaluator (a second route), inferred, and explained when they do not fit."""

from collections.abc import Mapping
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symbackprop.algebra.values.arrays import Array
from symbackprop.algebra.values.domain import DomainProblem, EvaluationError
from symbackprop.algebra.values.evaluate import Evaluator
from symbackprop.algebra.values.exact import Exact
from symbackprop.exercise.model import function_names, signatures
from symbackprop.notation import tree
from symbackprop.notation.read import Vocabulary, read
from symbackprop.notation.shapes import (
    InferenceError,
    ShapeError,
    common_shape,
    infer,
    product_shape,
    shape_of,
    shown,
    solve,
)
from symbackprop.notation.tree import Name, Node, Number, Shape

WORDS = Vocabulary(functions=function_names({}), names=None)
FUNCTIONS = signatures({})


def shape(text: str, shapes: Mapping[str, Shape]) -> Shape:
    return shape_of(read(text, WORDS), shapes, functions=FUNCTIONS, text=text)


# --- arithmetic of shapes -------------------------------------------------------------

SUMS = [
    ((), (), ()),
    ((), (3,), (3,)),
    ((2, 3), (), (2, 3)),
    ((3,), (3,), (3,)),
    ((1,), (1, 1), (1, 1)),
    ((1,), (3,), None),
    ((3,), (1, 3), None),
    (("k",), ("k",), ("k",)),
    (("k",), ("n",), None),
    ((1, 3), (2, 3), None),
]
PRODUCTS = [
    ((), ("k", "n"), ("k", "n")),
    (("k", "n"), ("n",), ("k",)),
    (("k", "n"), ("n", "p"), ("k", "p")),
    (("k",), (1, "n"), ("k", "n")),
    ((1, "n"), ("n",), (1,)),
    ((3, 1), (1, 4), (3, 4)),
    ((3, 1), (1,), (3,)),
    ((1,), (3,), (3,)),
    ((2, 3), (1,), (2, 3)),
    ((1, 1), (2, 3), (2, 3)),
    (("n",), ("n",), None),
    (("n", "k"), ("n",), None),
    ((2, 3), (2,), None),
]


@pytest.mark.parametrize(("left", "right", "expected"), SUMS)
def test_common_shape(left: Shape, right: Shape, expected: Shape | None) -> None:
    assert common_shape(left, right) == expected
    assert common_shape(right, left) == expected


@pytest.mark.parametrize(("left", "right", "expected"), PRODUCTS)
def test_product_shape(left: Shape, right: Shape, expected: Shape | None) -> None:
    assert product_shape(left, right) == expected


def test_shapes_are_written_as_on_the_board() -> None:
    assert [shown(s) for s in [(), (3,), ("k", "n"), (1, 3)]] == ["a scalar", "3×1", "k×n", "1×3"]


# --- formulas that fit ----------------------------------------------------------------

KNOWN: dict[str, Shape] = {
    "W": ("k", "n"), "A": ("n", "n"), "X": ("m", "n"), "x": ("n",), "u": ("n",), "b": ("k",), "z": ("k",),
    "s": (), "t": (), "v1": (1,), "M1": (1, 1), "r": (1, "n"), "B": (2, 3), "c": (3,), "C": (3, 2),
    "T": (2, 3, 4),
}  # fmt: skip
FITS = [
    ("W x + b", ("k",)),
    ("z x^T", ("k", "n")),
    ("W^T z", ("n",)),
    ("X W^T + 1 b^T", None),  # the ones have no size yet
    ("X W^T + ones(m) b^T", ("m", "k")),
    ("x^T A u", (1,)),
    ("x^T u + s", (1,)),
    ("1 - sigmoid(z)", ("k",)),
    ("z * relu'(z)", ("k",)),
    ("z ⊙ b", ("k",)),
    ("s z / t", ("k",)),
    ("1 / x", ("n",)),
    ("x / u", ("n",)),
    ("v1^2", (1,)),
    ("M1 + v1", (1, 1)),
    ("M1 + s", (1, 1)),
    ("v1 x", ("n",)),
    ("||x - u||^2", ()),
    ("||W||_F^2", ()),
    ("||W||_1", ()),
    ("sum((x - u)^2)", ()),
    ("mean(2 (x - u)^2 + x)", ()),
    ("sum(x * u^2)", ()),
    ("sum(W, axis = 0)", ("n",)),
    ("mean(W^2, axis = 1)", ("k",)),
    ("sum(i = 1..n: x[i] u[i])", ()),
    ("sum(i = 1..n: sum(j = 1..n: x[i] A[i,j] u[j]))", ()),
    ("W[1,2]", ()),
    ("W[2,:]", (1, "n")),
    ("W[:,2]", ("k",)),
    ("B[1:2,3]", (2,)),
    ("c[2:3]", (2,)),
    ("B[2,2:3]", (1, 2)),
    ("max(0, z)", ("k",)),
    ("max(z, b)", ("k",)),
    ("huber(z, b, delta = 2)", ()),
    ("hinge(v1, s)", ()),
    ("bce(sigmoid(z), b)", ()),
    ("[1, 0, 2]", (3,)),
    ("[[4, 2, -5]]", (1, 3)),
    ("k s + n", ()),
    ("pi s", ()),
    ("-(W x)", ("k",)),
    ("abs(s)", ()),
    ("X[2:m,1]", ("m - 1",)),
    ("x[2:]", ("n - 1",)),
    ("x[:n - 1] - x[2:n]", ("n - 1",)),
    ("W[:,2:4]", ("k", 3)),
    ("T[1,:,2:3]", (3, 2)),
    ("trace(A)", ()),
    ("trace(A A^T) + trace(M1)", ()),
    ("diag(x)", ("n", "n")),
    ("diag(A)", ("n",)),
    ("A + eye(n)", ("n", "n")),
    ("W + zeros(k, n)", ("k", "n")),
    ("zeros(n - 1)", ("n - 1",)),
    ("dot(x, u) s", ()),
    ("outer(z, x)", ("k", "n")),
    ("onehot(3, 4)", (4,)),
    ("onehot(1, n)", ("n",)),
    ("stack(x, z)", ("k + n",)),
    ("stack(x, 1, s)", ("n + 2",)),
    ("stack(W, X)", ("k + m", "n")),
    ("stack(x^T, X, u^T)", ("m + 2", "n")),
    ("hstack(x, u)", ("n", 2)),
    ("hstack(z, W, 1 z)", ("k", "n + 2")),
    ("softmax(x, axis = 0)", ("n",)),
    ("log_softmax(W, axis = 0)", ("k", "n")),
    ("cross_entropy_logits(W, W)", ()),
    ("T * T + 2 T - relu(T)", (2, 3, 4)),
    ("mean(T) + ||T||_F + half_squared_error(T, T)", ()),
    ("T[1,2,3]", ()),
    ("sum(i = 2..n: x[i - 1])", ()),
    ("sum(i = 1..n - 1: x[i + 1])", ()),
    ("sum(i = 1..n: x[n - i + 1])", ()),
    ("sum(i = 1..n: sum(j = 1..i: A[i,j]))", ()),
    ("sum(i = 1..n: sum(j = i..n: x[j - i + 1]))", ()),
    ("sum(i = 1..n: (x[i - 1] where i >= 2))", ()),
    ("sum(i = 1..n: (x[i - 2] where 1 <= i - 2))", ()),
    ("sum(i = 1..n: sum(j = 1..n: (x[i + j - 1] where i + j < n + 2)))", ()),
    ("sum(i = 1..3: sum(j = 1..2: (B[j, 2 i - 3] where i = 2)))", ()),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), FITS)
def test_formulas_that_fit(text: str, expected: Shape | None) -> None:
    if expected is None:
        with pytest.raises(ShapeError, match="size of this vector of ones"):
            shape(text, KNOWN)
    else:
        assert shape(text, KNOWN) == expected


# --- formulas that do not -------------------------------------------------------------

MISFITS = [
    ("W z", "W is k×n and z is k×1: n ≠ k", "Did you mean Wᵀ z?", "W z"),
    ("W^T x", "W^T is n×k and x is n×1: k ≠ n", "Did you mean W x?", "W^T x"),
    ("A W x + b", "A is n×n and W is k×n: n ≠ k", "Did you mean A Wᵀ?", "A W"),
    ("x W", "x is n×1 and W is k×n: 1 ≠ k", "Did you mean W x?", "x W"),
    ("x u", "x is n×1 and u is n×1: 1 ≠ n", "xᵀ u (a number), or x * u", "x u"),
    ("z x", "z is k×1 and x is n×1", "Did you mean z xᵀ (a matrix)?", "z x"),
    ("(W + W) z", "(W + W) is k×n and z is k×1", "(W + W)ᵀ z", "(W + W) z"),
    ("W x + x", "W x is k×1 and x is n×1: k ≠ n", "", "W x + x"),
    ("W x - x", "W x is k×1 and x is n×1: k ≠ n", "", "W x - x"),
    ("X W^T + b^T", "X W^T is m×k and b^T is 1×k: m ≠ 1", "write 1 b^T", "X W^T + b^T"),
    ("X W^T + b", "X W^T is m×k and b is k×1", "write 1 bᵀ", "X W^T + b"),
    ("W + b", "W is k×n and b is k×1", "write b 1ᵀ", "W + b"),
    ("x + u^T", "x is n×1 and u^T is 1×n", "Did you mean u?", "x + u^T"),
    ("x * z", "x is n×1 and z is k×1: n ≠ k", "x zᵀ", "x * z"),
    ("s ⊙ x", "s is a scalar and x is n×1", "a scalar multiple is s x", "s ⊙ x"),
    ("x / z", "x is n×1 and z is k×1", "", "x / z"),
    ("x^2", "x is n×1, and only a scalar has powers", "Write ||x||^2 (a number) or square(x)", "x^2"),
    ("(x - u)^2", "(x - u) is n×1", "||x - u||^2 (a number) or square(x - u)", "(x - u)^2"),
    ("W^2", "W is k×n", "||W||_F^2", "W^2"),
    ("sum(W x^2)", "x is n×1, and only a scalar has powers", "||x||^2", "x^2"),
    ("sum(exp(x^2))", "x is n×1, and only a scalar", "square(x)", "x^2"),
    ("s^x", "an exponent must be a scalar, and x is n×1", "", "x"),
    ("||W||", "W is k×n, and ‖·‖ is for vectors", "Write ||W||_F.", "||W||"),
    ("sum(x, axis = 0)", "axis is for a matrix, and this is n×1", "Leave axis out.", "sum(x, axis = 0)"),
    ("sum(W, axis = 2)", "axis is 0 (down the columns) or 1", "", "sum(W, axis = 2)"),
    ("relu(x, u)", "relu takes 1 argument, and there are 2", "", "relu(x, u)"),
    ("mse(x)", "mse takes 2 arguments, and there are 1", "", "mse(x)"),
    ("elu(x, slope = 2)", "elu has no option slope", "Its options: alpha.", "elu(x, slope = 2)"),
    ("elu(x, alpha = u)", "the option alpha must be a scalar", "", "u"),
    ("mse(x, z)", "x is n×1 and z is k×1: n ≠ k", "", "mse(x, z)"),
    ("mse(x, u^T)", "x is n×1 and u^T is 1×n", "Did you mean u?", "mse(x, u^T)"),
    ("x[1,2]", "x is n×1 and takes one index", "", "x[1,2]"),
    ("W[1]", "W is k×n and takes two indices", "", "W[1]"),
    ("c[4]", "index 4 is outside 1 to 3", "Indices start at 1.", "c[4]"),
    ("sum(i = 1..k: x[i])", "i runs to k, and this axis of x has n places", "", "x[i]"),
    ("sum(i = 1..2: x)", "what is summed must be a scalar, and x is n×1", "", "x"),
    ("q + s", "nothing says the shape of q", "", "q"),
    ("x[3:2]", "the slice 3:2 holds nothing", "Both ends are included", "x[3:2]"),
    ("sum(i = 1..n: sum(x[i:n]))", "the size of x[i:n] hangs on an index", "both ends", "x[i:n]"),
    ("trace(W)", "trace is of a square matrix, and W is k×n", "", "trace(W)"),
    ("diag(W)", "diag is of a vector or of a square matrix, and W is k×n", "", "diag(W)"),
    ("dot(x, z)", "x is n×1 and z is k×1: n ≠ k", "", "dot(x, z)"),
    ("dot(W, x)", "dot is of two vectors, and W is k×n", "‖·‖_F²", "dot(W, x)"),
    ("outer(s, x)", "outer is of two vectors, and s is a scalar", "", "outer(s, x)"),
    ("stack(W, X, x)", "x among matrices is n×1", "As a row it is xᵀ.", "stack(W, X, x)"),
    ("stack(W, C)", "W is k×n and C is 3×2: n ≠ 2", "as many columns", "stack(W, C)"),
    ("hstack(W, X)", "W is k×n and X is m×n: k ≠ m", "as many rows", "hstack(W, X)"),
    ("hstack(s, x)", "hstack is of matrices and vectors, and s is a scalar", "stack(a, b)", "hstack(s, x)"),
    ("onehot(4, 3)", "place 4 is outside 1 to 3", "counts from 1", "onehot(4, 3)"),
    ("onehot(s, 3)", "the place of a one-hot vector is a number", "onehot(2, 3)", "s"),
    ("zeros(n - n)", "a size is at least 1, and n - n is 0", "", "n - n"),
    ("zeros(1, 2, 3)", "zeros takes 1 or 2 arguments, and there are 3", "", "zeros(1, 2, 3)"),
    ("softmax(s)", "softmax needs a vector or a matrix, and this is a scalar", "", "softmax(s)"),
    ("softmax(x, axis = 1)", "axis is for a matrix, and this is n×1", "Leave axis", "softmax(x, axis = 1)"),
    ("T W", "T is 2×3×4 and W is k×n, and only matrices have a product", "in indices", "T W"),
    ("T^T", "T is 2×3×4 and has no transpose", "in indices", "T^T"),
    ("||T||", "T is 2×3×4, and ‖·‖ is for vectors", "Write ||T||_F.", "||T||"),
    ("T[1,2]", "T is 2×3×4 and takes three indices", "", "T[1,2]"),
    ("x[n + 1]", "index n + 1 is outside 1 to n", "Indices start at 1.", "x[n + 1]"),
    ("x[s]", "s is a name of the model, and no index", "a letter of its own", "x[s]"),
    ("sum(i = 1..n: x[i + 1])", "x[i + 1] reaches n + 1 of 1..n", "where i + 1 <= n", "x[i + 1]"),
    ("sum(i = 1..n: x[i - 1])", "x[i - 1] reaches 0 of 1..n", "where 1 <= i - 1", "x[i - 1]"),
    ("sum(i = 0..n: x[i])", "x[i] reaches 0 of 1..n", "where 1 <= i", "x[i]"),
    ("sum(i = 1..n: x[2 i])", "x[2 i] reaches 2 n of 1..n", "where 2 i <= n", "x[2 i]"),
    (
        "sum(i = 1..n: (x[i - 2] where i >= 2))", "x[i - 2] reaches -1 of 1..n, which the guard does not",
        "where 1 <= i - 2", "x[i - 2]",
    ),
    ("sum(i = 1..n: (x[i] where s >= 2))", "a guard compares indices, sizes", "1 <= i + a - 2", "s >= 2"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "message", "suggestion", "place"), MISFITS)
def test_misfits_say_what_and_suggest(text: str, message: str, suggestion: str, place: str) -> None:
    with pytest.raises(ShapeError) as caught:
        shape(text, KNOWN)
    fault = caught.value
    assert message in fault.message
    assert suggestion in fault.suggestion
    assert fault.node.span is not None
    assert text[fault.node.span.start : fault.node.span.end] == place


def test_a_made_tree_is_quoted_in_plain_text() -> None:
    with pytest.raises(ShapeError, match="W is 2×3 and x is 2×1: 3 ≠ 2"):
        shape_of(tree.juxtaposed(Name("W"), Name("x")), {"W": (2, 3), "x": (2,)}, functions={})


def _all_nodes() -> list[type[Node]]:
    return [
        kind
        for kind in vars(tree).values()
        if isinstance(kind, type) and issubclass(kind, Node) and kind is not Node
    ]


SAMPLES: dict[type[Node], Node] = {
    tree.Number: Number(Fraction(2)), tree.Name: Name("x"), tree.Constant: tree.Constant("pi"),
    tree.Ones: tree.Ones(Name("n")), tree.Dots: tree.Dots(), tree.Blank: tree.Blank(),
    tree.Word: tree.Word("if"), tree.Neg: tree.Neg(Name("x")), tree.Add: tree.plus(Name("x"), Name("u")),
    tree.Product: tree.juxtaposed(Name("s"), Name("x")), tree.Quotient: tree.Quotient(Name("x"), Name("s")),
    tree.Power: tree.Power(Name("s"), Name("t")), tree.Transpose: tree.Transpose(Name("x")),
    tree.Call: tree.Call("relu", (Name("x"),)), tree.Norm: tree.Norm(Name("x")), tree.Slice: tree.Slice(),
    tree.Index: tree.Index(Name("x"), (Number(Fraction(1)),)),
    tree.Sum: tree.Sum("i", Number(Fraction(1)), Name("n"), tree.Index(Name("x"), (Name("i"),))),
    tree.Delta: tree.Delta(Name("i"), Name("j")), tree.Matrix: tree.Matrix(((Name("s"), Name("t")),)),
    tree.Cases: tree.Cases(((Name("x"), tree.equation(Name("s"), Name("t"))), (Name("u"), tree.Word("if")))),
    tree.Derivative: tree.Derivative(Name("z"), Name("x")), tree.Gradient: tree.Gradient(Name("W")),
    tree.Bracket: tree.Bracket(Name("x")), tree.Brace: tree.Brace(Name("x"), Name("s")),
    tree.Box: tree.Box(Name("x")), tree.Coloured: tree.Coloured(Name("x")),
    tree.Chain: tree.equation(Name("x"), Name("u")), tree.Space: tree.Space((Name("n"),)),
    tree.Sizes: tree.Sizes((Name("k"), Name("n"))), tree.Row: tree.Row((Name("x"),)),
    tree.Stack: tree.Stack((Name("x"),), Name("u")),
    tree.Where: tree.Where(Name("x"), (tree.equation(Number(Fraction(1)), Name("n"), relation="≤"),)),
    tree.Entrywise: tree.Entrywise(("i",), (Name("n"),), tree.Index(Name("x"), (Name("i"),))),
}  # fmt: skip
SHAPELESS = {tree.Dots, tree.Blank, tree.Word, tree.Slice, tree.Space, tree.Sizes, tree.Row, tree.Stack}


@pytest.mark.parametrize("kind", _all_nodes())
def test_every_node_has_a_shape_or_says_that_it_has_none(kind: type[Node]) -> None:
    sample = SAMPLES[kind]
    if kind in SHAPELESS:
        with pytest.raises(ShapeError, match="has no shape"):
            shape_of(sample, KNOWN, functions=FUNCTIONS)
    else:
        assert isinstance(shape_of(sample, KNOWN, functions=FUNCTIONS), tuple)


def test_derivatives_have_the_shape_of_a_jacobian() -> None:
    def derivative(of: str, by: str) -> Shape:
        return shape_of(tree.Derivative(Name(of), Name(by)), KNOWN, functions=FUNCTIONS)

    assert derivative("s", "W") == ("k", "n")
    assert derivative("z", "x") == ("k", "n")
    assert derivative("z", "s") == ("k",)
    with pytest.raises(ShapeError, match="no matrix"):
        derivative("z", "W")


# --- against the evaluator ------------------------------------------------------------

SIZED: dict[str, tuple[int, ...]] = {
    "s": (), "v1": (1,), "M1": (1, 1), "a": (2,), "c": (3,), "r": (1, 3), "q": (2, 1), "B": (2, 3),
    "C": (3, 2),
}  # fmt: skip


def _trees() -> st.SearchStrategy[Node]:
    leaves = st.one_of(st.sampled_from([Name(name) for name in SIZED]), st.just(Number(Fraction(2))))

    def grown(inner: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
        signs = st.sampled_from(["", "cdot", "*", "odot"])
        return st.one_of(
            st.builds(lambda a, b: tree.Add((a, b)), inner, inner),
            st.builds(lambda a, b, sign: tree.Product((a, b), (sign,)), inner, inner, signs),
            st.builds(lambda a, b, c: tree.Product((a, b, c), ("", "")), inner, inner, inner),
            st.builds(tree.Quotient, inner, inner),
            st.builds(tree.Neg, inner),
            st.builds(tree.Bracket, inner),
            st.builds(tree.Transpose, inner),
            st.builds(lambda a: tree.Call("relu", (a,)), inner),
            st.builds(lambda a: tree.Call("sum", (a,)), inner),
            st.builds(lambda a: tree.Call("square", (a,)), inner),
            st.builds(lambda a, b: tree.Call("mse", (a, b)), inner, inner),
            st.builds(lambda a: tree.Power(a, Number(Fraction(2))), inner),
            st.builds(lambda a: tree.Call("sum", (tree.Power(a, Number(Fraction(2))),)), inner),
            st.builds(lambda a: tree.Power(tree.Norm(a, "F"), Number(Fraction(2))), inner),
        )

    return st.recursive(leaves, grown, max_leaves=6)


@settings(max_examples=300, deadline=None)
@given(_trees())
def test_shape_of_agrees_with_the_evaluator(node: Node) -> None:
    """Where a shape is given, the value has it; where it is a fault, there is no value either."""
    values: dict[str, Array[Any]] = {
        name: Array(shape, tuple(Fraction(i + 2) for i in range(_count(shape))))
        for name, shape in SIZED.items()
    }
    evaluator = Evaluator(Exact(), {}, {})
    try:
        expected = shape_of(node, SIZED, functions=FUNCTIONS)
    except ShapeError as fault:
        if "⊙ is for equal shapes" in fault.suggestion or "only a scalar has powers" in fault.message:
            return  # rules of the board; the evaluator need not insist
        with pytest.raises((EvaluationError, DomainProblem)):
            evaluator.evaluate(node, values)
        return
    try:
        found = evaluator.evaluate(node, values).shape
    except DomainProblem:
        return  # a division by zero
    assert found == expected


def _count(shape: tuple[int, ...]) -> int:
    count = 1
    for size in shape:
        count *= size
    return count


# --- inference ------------------------------------------------------------------------


def inferred(model: dict[str, str], known: dict[str, Shape]) -> dict[str, Shape]:
    pairs = [(name, read(text, WORDS)) for name, text in model.items()]
    return infer(pairs, known, functions=FUNCTIONS)


LAYER = {"z": "W x + b", "yhat": "relu(z)", "L": "1/2 ||yhat - y||^2"}
NEURON = {"z": "W x + b", "yhat": "relu(z)", "L": "1/2 (yhat - y)^2"}
GENERAL: dict[str, Shape] = {
    "W": ("k", "n"), "x": ("n",), "b": ("k",), "z": ("k",), "yhat": ("k",), "y": ("k",), "L": (),
}  # fmt: skip
LAYER_2_3: dict[str, Shape] = {
    "W": (2, 3), "x": (3,), "b": (2,), "z": (2,), "yhat": (2,), "y": (2,), "L": (),
}  # fmt: skip

INFERRED = [
    (LAYER, {}, GENERAL),
    (LAYER, {"W": ("k", "n")}, GENERAL),
    (LAYER, {"W": (2, 3)}, LAYER_2_3),
    (LAYER, {"x": (3,), "y": (2,)}, LAYER_2_3),
    (LAYER, {"x": (3,), "b": (2,)}, LAYER_2_3),
    (LAYER, {"x": (3,), "yhat": (2,)}, LAYER_2_3),
    (LAYER, {"W": ("k", 3), "y": (2,)}, LAYER_2_3),
    (LAYER, {"W": ("k", "n"), "x": (3,), "z": (2,)}, LAYER_2_3),
    (NEURON, {"x": (3,)}, {"W": (1, 3), "z": (1,), "b": (1,), "y": (1,), "L": ()}),
    (NEURON, {"W": (1, 3), "b": (), "y": ()}, {"x": (3,), "z": (1,), "yhat": (1,), "L": ()}),
    ({"L": "(w x - y)^2"}, {}, {"w": (), "x": (), "y": (), "L": ()}),
    ({"L": "max(0, 1 - y s)"}, {}, {"y": (), "s": (), "L": ()}),
    (  # a small letter before a vector is a number: weight normalisation
        {"w": "g v / ||v||", "L": "1/2 (w^T x - y)^2"},
        {},
        {"g": (), "v": ("n",), "w": ("n",), "x": ("n",)},
    ),
    (  # a capital before a vector is a matrix, although nothing says what comes out: CS224n's windows
        {"x": "stack(x1, x2)", "h": "tanh(W x + b)", "s": "u^T h", "J": "max(0, 1 - s + c)"},
        {},
        {"W": ("k", "m + n"), "u": ("k",), "s": (1,)},
    ),
    (  # a product that ends in a matrix is one, beside others as well
        {"H": "hstack(S X, X)", "L": "mean(square(H))"},
        {"X": (3, 2)},
        {"S": (3, 3), "H": (3, 4)},
    ),
    (
        {"Z": "X W^T + 1 b^T", "L": "half_squared_error(Z, Y)"},
        {"X": ("m", "n"), "W": ("k", "n")},
        {"b": ("k",), "Z": ("m", "k"), "Y": ("m", "k"), "L": ()},
    ),
    ({"Z": "X W^T + 1 b^T", "L": "sum(Z)"}, {"X": (4, 3)}, {"W": ("k", 3), "b": ("k",), "Z": (4, "k")}),
    ({"Z": "X W^T + ones(N) b^T", "L": "sum(Z)"}, {"X": (4, 3)}, {"b": ("k",), "Z": (4, "k")}),
    ({"L": "x^T A x"}, {"x": (3,)}, {"A": (3, 3), "L": ()}),
    ({"L": "u^T v"}, {"v": ("p",)}, {"u": ("p",), "L": ()}),
    ({"p": "sigmoid(z)", "L": "bce(p, y)"}, {"y": (2, 5)}, {"p": (2, 5), "z": (2, 5)}),
    ({"L": "sum(v)"}, {"v": ("k",)}, {"v": ("k",)}),
    ({"L": "sum(i = 1..n: w[i] x[i])"}, {"w": (3,)}, {"x": (3,)}),
    ({"L": "||A[:,2]||^2"}, {"A": (3, 4)}, {"L": ()}),
    ({"s": "sum(W, axis = 0)", "L": "||s - t||^2"}, {"W": (2, 3)}, {"s": (3,), "t": (3,)}),
    (
        {"z1": "W1 x + b1", "h": "relu(z1)", "z2": "W2 h + b2", "L": "||z2 - y||^2"},
        {},
        {"W1": ("k", "n"), "W2": ("m", "k"), "b2": ("m",), "y": ("m",)},
    ),
    ({"q": "Q k^T / sqrt(d)", "L": "sum(q)"}, {"Q": ("m", "d"), "k": ("d",)}, None),
    (
        {"g": "2 w", "v": "w - eta g", "L": "||v||^2"},
        {"w": (3,), "eta": ()},
        {"g": (3,), "v": (3,), "eta": ()},
    ),
]  # fmt: skip


@pytest.mark.parametrize(("model", "known", "expected"), INFERRED)
def test_inferred_shapes(
    model: dict[str, str], known: dict[str, Shape], expected: dict[str, Shape] | None
) -> None:
    if expected is None:
        with pytest.raises(InferenceError):
            inferred(model, known)
        return
    found = inferred(model, known)
    assert {name: found[name] for name in expected} == expected


def test_fresh_names_never_collide() -> None:
    """h is a name of this model, and n an index: sizes take the next names."""
    found = inferred({"h": "W x", "k": "relu(h)", "L": "||k||^2"}, {})
    assert found["W"] == ("m", "n")
    pairs = [("L", read("sum(n = 1..3: ||u||^2)", WORDS))]
    assert infer(pairs, {}, functions=FUNCTIONS)["u"] == ("k",)


def test_a_size_name_is_a_number_in_formulas() -> None:
    found = inferred({"L": "(1/n) sum(x)"}, {"x": ("n",)})
    assert found == {"x": ("n",), "L": ()}


def test_every_misfit_is_reported() -> None:
    with pytest.raises(InferenceError) as caught:
        inferred(
            {"a": "W x", "c": "V u", "L": "sum(a) + sum(c)"}, {"W": (2, 3), "x": (2,), "V": (2, 4), "u": (3,)}
        )
    assert [name for name, _ in caught.value.faults] == ["a", "c"]


def test_consequences_of_a_misfit_are_not() -> None:
    with pytest.raises(InferenceError) as caught:
        inferred({"a": "W x", "c": "relu(a) + 1", "L": "c"}, {"W": (2, 3), "x": (2,)})
    assert [name for name, _ in caught.value.faults] == ["a"]


def test_what_nothing_determines_is_said() -> None:
    with pytest.raises(InferenceError, match="nothing says the shape of W"):
        inferred({"z": "W x + b", "L": "half_squared_error(z, y)"}, {})


def test_ones_get_their_size() -> None:
    pairs = [("Z", read("X W^T + 1 b^T", WORDS)), ("L", read("sum(Z)", WORDS))]
    found = solve(pairs, {"X": (4, 3), "W": ("k", 3)}, functions=FUNCTIONS)
    assert [part.size for part in tree.walk(found.bodies[0]) if isinstance(part, tree.Ones)] == [
        Number(Fraction(4))
    ]
    symbolic = solve(pairs, {"X": ("m", "n"), "W": ("k", "n")}, functions=FUNCTIONS)
    assert [part.size for part in tree.walk(symbolic.bodies[0]) if isinstance(part, tree.Ones)] == [Name("m")]


def test_two_declared_sizes_stay_two() -> None:
    with pytest.raises(InferenceError, match="n ≠ k"):
        inferred(LAYER, {"W": ("k", "n"), "x": ("k",)})


@st.composite
def _networks(draw: st.DrawFn) -> tuple[dict[str, str], dict[str, Shape], dict[str, Shape]]:
    """A network with widths over 1, all its shapes, and a part of them that determines the rest."""
    widths = draw(st.lists(st.integers(2, 6), min_size=2, max_size=5))
    model: dict[str, str] = {}
    every: dict[str, Shape] = {"h0": (widths[0],)}
    for layer, (inputs, outputs) in enumerate(pairwise(widths), 1):
        model[f"z{layer}"] = f"W{layer} h{layer - 1} + b{layer}"
        model[f"h{layer}"] = f"{draw(st.sampled_from(['relu', 'tanh', 'sigmoid']))}(z{layer})"
        every |= {f"W{layer}": (outputs, inputs)}
        every |= dict.fromkeys((f"b{layer}", f"z{layer}", f"h{layer}"), (outputs,))
    model["L"] = f"half_squared_error(h{len(widths) - 1}, y)"
    every |= {"y": (widths[-1],), "L": ()}
    known: dict[str, Shape] = {}
    for layer in range(1, len(widths)):
        kept = draw(st.sampled_from(["W", "b", "z", "h"]))
        known[f"{kept}{layer}"] = every[f"{kept}{layer}"]
    known["h0"] = every["h0"]
    more = draw(st.sets(st.sampled_from(sorted(every.keys() - {"L"}))))
    return model, every, {**known, **{name: every[name] for name in more}}


@settings(max_examples=60, deadline=None)
@given(_networks())
def test_networks_are_inferred_from_any_sufficient_part(
    network: tuple[dict[str, str], dict[str, Shape], dict[str, Shape]],
) -> None:
    model, every, known = network
    assert inferred(model, known) == every


@settings(max_examples=60, deadline=None)
@given(_networks(), st.data())
def test_a_wrong_size_anywhere_is_a_misfit(
    network: tuple[dict[str, str], dict[str, Shape], dict[str, Shape]], data: st.DataObject
) -> None:
    model, every, _ = network
    name = data.draw(st.sampled_from(sorted(every.keys() - {"L"})))
    wrong = tuple(size + 1 if isinstance(size, int) else size for size in every[name])
    with pytest.raises(InferenceError):
        inferred(model, {**every, name: wrong})
