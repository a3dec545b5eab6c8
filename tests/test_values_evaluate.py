"""The evaluator against hand results, and its rules about shapes."""

import subprocess
import sys
from fractions import Fraction
from typing import Any

import pytest

from symbackprop.algebra.functions import Function, Piece
from symbackprop.algebra.values.apply import formula
from symbackprop.algebra.values.arrays import Array
from symbackprop.algebra.values.domain import DomainProblem, EvaluationError, Missing, Symbolic
from symbackprop.algebra.values.evaluate import evaluate
from symbackprop.algebra.values.exact import Exact
from symbackprop.notation import tree
from symbackprop.notation.tree import Name, Node, Ones, Power, Product, Transpose

ROWS = {
    "A": [[1, 2, 3], [4, 5, 6]],
    "B": [[1, 0], [2, 1], [0, 3]],
    "S": [[1, 2], [3, 4]],
    "u": [1, 2, 3],
    "v": [2, -1, 0],
    "w": [3, 4],
    "one": [5],
    "r": [[1, -2, 2]],
    "a": 7,
}
ENV = {name: Array.from_nested(rows).map(Fraction) for name, rows in ROWS.items()}


def value(text: str | Node, env: Any = None, **more: Any) -> Any:
    node = formula(text) if isinstance(text, str) else text
    return evaluate(node, ENV if env is None else env, Exact(), **more).nested()


def numbers(**rows: Any) -> dict[str, Array[Fraction]]:
    return {name: Array.from_nested(row).map(Fraction) for name, row in rows.items()}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A u", [14, 32]),
        ("A B", [[5, 11], [14, 23]]),
        ("w u^T", [[3, 6, 9], [4, 8, 12]]),
        ("w r", [[3, -6, 6], [4, -8, 8]]),
        ("u^T v", [0]),
        ("r u", [3]),
        ("u^T v a", [0]),
        ("w^T A u", [14 * 3 + 32 * 4]),
        ("one u", [5, 10, 15]),
        ("u one", [5, 10, 15]),
        ("u * v", [2, -2, 0]),
        ("u ⊙ v", [2, -2, 0]),
        ("a * u", [7, 14, 21]),
        ("one * r", [[5, -10, 10]]),
        ("1 - u", [0, -1, -2]),
        ("one + 2", [7]),
        ("u - v + 1", [0, 4, 4]),
        ("A / 2", [["1/2", 1, "3/2"], [2, "5/2", 3]]),
        ("6 / u", [6, 3, 2]),
        ("v / u", [2, "-1/2", 0]),
        ("u / (u^T u)", ["1/14", "2/14", "3/14"]),
        ("one^2", [25]),
        ("a^2 - a^0", 48),
        ("2^(-3)", "1/8"),
        ("sum((u - v)^2)", 1 + 9 + 9),
        ("mean(2 (u - v)^2)", "38/3"),
        ("sum(A)", 21),
        ("sum(A, axis = 0)", [5, 7, 9]),
        ("sum(A, axis = 1)", [6, 15]),
        ("mean(A, axis = 0)", ["5/2", "7/2", "9/2"]),
        ("||w||", 5),
        ("||w||^2", 25),
        ("||u||^2", 14),
        ("||u||^4", 196),
        ("||A||_F^2", 91),
        ("||v||_1", 3),
        ("square(v)", [4, 1, 0]),
        ("relu(v)", [2, 0, 0]),
        ("max(u, v)", [2, 2, 3]),
        ("min(u, 2)", [1, 2, 2]),
        ("half_squared_error(u, v)", "19/2"),
        ("mse(u, v)", "19/3"),
        ("absolute_error(u, v)", 1 + 3 + 3),
        ("huber(u, v, delta = 2)", "1/2 + 4 + 4"),
        ("hinge(v, 1)", 0 + 2 + 1),
        ("leaky_relu(v, slope = 1/10)", [2, "-1/10", 0]),
        ("A[2,3]", 6),
        ("A[2,:]", [[4, 5, 6]]),
        ("A[:,2]", [2, 5]),
        ("A[1:2,2:3]", [[2, 3], [5, 6]]),
        ("u[2:3]", [2, 3]),
        ("u[1]", 1),
        ("sum(i=1..3: u[i] v[i])", 0),
        ("sum(i=1..2: sum(j=1..3: A[i,j] u[j]))", 46),
        ("sum(i=2..3: u[i-1] i)", 2 + 6),
        ("sum(i=2..1: u[i])", 0),
        ("[1, 2; 3, 4] w", [11, 25]),
        ("ones(3)", [1, 1, 1]),
        ("A - ones(2) u^T", [[0, 0, 0], [3, 3, 3]]),
        ("relu'(v)", [1, 0, 0]),
        ("square'(u)", [2, 4, 6]),
        ("square''(u)", [2, 2, 2]),
    ],
)
def test_by_hand(text: str, expected: Any) -> None:
    def made(item: Any) -> Any:
        if isinstance(item, list):
            return [made(part) for part in item]
        return sum(Fraction(part) for part in str(item).split("+"))

    assert value(text) == made(expected)


def test_the_notes_neuron() -> None:
    """z = 1, ŷ = 1, L = 8, and every gradient of the notes from its formula."""
    env = numbers(W=[[4, 2, -5]], x=[1, 0, 2], b=[7], y=[5])
    for name, text in [
        ("z", "W x + b"),
        ("yhat", "relu(z)"),
        ("L", "1/2 (yhat - y)^2"),
        ("dyhat", "yhat - y"),
        ("dz", "dyhat ⊙ relu'(z)"),
        ("dW", "dz x^T"),
        ("dx", "W^T dz"),
    ]:
        env[name] = evaluate(formula(text), env, Exact(), kinks={"relu": {Fraction(0): Fraction(1)}})
    shown = {name: env[name].nested() for name in ("z", "yhat", "L", "dyhat", "dz", "dW", "dx")}
    assert shown == {
        "z": [1], "yhat": [1], "L": [8], "dyhat": [-4], "dz": [-4], "dW": [[-4, 0, -8]], "dx": [-16, -8, 20],
    }  # fmt: skip


def test_the_notes_layer() -> None:
    env = numbers(W=[[4, 2, -5], [7, -1, 0]], x=[1, 0, 2], b=[7, -2])
    assert value("W x + b", env) == [1, 5]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("A w", "do not fit"),
        ("u + w", "do not fit"),
        ("A + r", "do not fit"),
        ("one + u", "do not fit"),
        ("u v", "do not fit"),
        ("u^2", "square"),
        ("S^2", "square"),
        ("||A||", "_F"),
        ("A[3,1]", "outside"),
        ("A[1]", "indices"),
        ("u[1 - 1]", "outside"),
        ("swoosh'(u)", "no function"),
        ("relu(u, slope = 1)", "no option"),
        (tree.Index(Name("u"), (formula("1/2"),)), "whole number"),
    ],
)
def test_what_has_no_meaning(text: str | Node, reason: str) -> None:
    functions = {"swoosh": Function(name="x", kind="elementwise", latex="", typst="", plain="", pieces=())}
    node = formula(text, frozenset(functions)) if isinstance(text, str) else text
    with pytest.raises(EvaluationError, match=reason):
        value(node)


def test_a_power_of_an_array_only_directly_under_a_sum() -> None:
    assert value("sum(3 u^2)") == 42
    with pytest.raises(EvaluationError):
        value("sum(relu(u^2))")


def test_bare_ones_take_their_size_from_their_neighbours() -> None:
    ones = Ones()
    flat = Product((ones, Transpose(Name("u"))), ("",))
    assert value(tree.Add((Name("A"), flat))) == [[2, 4, 6], [5, 7, 9]]
    assert value(tree.Add((flat, Name("A")))) == [[2, 4, 6], [5, 7, 9]]
    assert value(Product((Transpose(ones), Name("A")), ("",))) == [[5, 7, 9]]
    assert value(Product((Name("A"), ones), ("",))) == [6, 15]
    assert value(flat, like=(2, 3)) == [[1, 2, 3], [1, 2, 3]]
    with pytest.raises(EvaluationError, match="size of this vector"):
        value(flat)


def test_layout_changes_nothing() -> None:
    inner = formula("A u")
    dressed = tree.Box(tree.Brace(tree.Bracket(tree.Coloured(inner)), Name("z")))
    assert value(dressed) == value(inner)
    assert value(Power(tree.Bracket(formula("||w||")), tree.Number(Fraction(2)))) == 25


def test_sizes_gradients_and_deltas() -> None:
    env = {**ENV, "dW": ENV["A"]}
    assert value(tree.Quotient(Name("a"), Name("n")), sizes={"n": 14}) == Fraction(1, 2)
    assert value(tree.Gradient(Name("W")), env) == ENV["A"].nested()
    place = (tree.Number(Fraction(2)), tree.Number(Fraction(1)))
    assert value(tree.Gradient(tree.Index(Name("W"), place)), env) == 4
    for same, expected in ((1, 1), (2, 0)):
        assert value(tree.Delta(tree.Number(Fraction(1)), tree.Number(Fraction(same)))) == expected


def test_a_bound_index_hides_a_size_but_ends_with_its_sum() -> None:
    assert value("sum(i=1..2: i) + i", {}, sizes={"i": 10}) == 13


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("log(v)", ["log of -1", "entry 2", "log"]),
        ("sqrt(v)", ["sqrt of -1", "entry 2"]),
        ("u / v", ["division by 0", "entry 3"]),
        ("log(A - 4)", ["log of -3", "entry 1,1"]),
        ("sum(v^(-1))", ["division by 0", "entry 3"]),
        ("bce(w / 4, 1)", ["log of 0", "entry 2", "bce"]),
        ("exp(10000000)", ["exp of 10000000", "is not computed", "1000000"]),
        ("a^(m / 2)", ["exponent beyond"]),
    ],
)
def test_an_argument_without_value_is_named_with_its_place(text: str, said: list[str]) -> None:
    with pytest.raises(DomainProblem) as caught:
        value(text, sizes={"m": 1000})
    for words in said:
        assert words in str(caught.value)


def test_the_entry_is_right_inside_pieces() -> None:
    """Only entries on the lower piece are evaluated there; the place is that of the whole array."""
    own = Function(
        name="half", kind="elementwise", latex="", typst="", plain="", on="u",
        pieces=(Piece("u", "0"), Piece("log(u + 1)")),
    )  # fmt: skip
    node = formula("half(x)", frozenset({"half"}))
    env = numbers(x=[1, "-1/2", 3, -1])
    with pytest.raises(DomainProblem, match="entry 4"):
        evaluate(node, env, Exact(), functions={"half": own})


def test_generic_functions_stay_symbolic() -> None:
    own = Function(name="g", kind="activation", latex="g", typst="g", plain="g", pieces=())
    for text in ("g(u)", "g'(u)"):
        with pytest.raises(Symbolic):
            evaluate(formula(text, frozenset({"g"})), ENV, Exact(), functions={"g": own})


def test_own_functions_may_use_each_other_and_options() -> None:
    functions = {
        "swash": Function(
            name="swash", kind="activation", latex="", typst="", plain="", options=(("beta", "2"),),
            pieces=(Piece("u twice(beta u)"),),
        ),
        "twice": Function(name="twice", kind="elementwise", latex="", typst="", plain="",
                          pieces=(Piece("2 u"),)),
    }  # fmt: skip
    names = frozenset(functions)
    for text, expected in (("swash(u)", [4, 16, 36]), ("swash'(u, beta = 1)", [4, 8, 12])):
        assert evaluate(formula(text, names), ENV, Exact(), functions=functions).nested() == expected


def test_a_missing_name_is_named() -> None:
    with pytest.raises(Missing, match="q has no value"):
        value("q u")


def test_softmax_rows_and_columns() -> None:
    zeros = numbers(Z=[[0, 0], [0, 0], [0, 0]], z=[0, 0, 0, 0])
    assert value(tree.Call("softmax", (Name("z"),)), zeros) == [Fraction(1, 4)] * 4
    assert value(tree.Call("softmax", (Name("Z"),)), zeros) == [[Fraction(1, 2)] * 2] * 3
    columns = tree.Call("softmax", (Name("Z"),), (("axis", tree.Number(Fraction(0))),))
    assert value(columns, zeros) == [[Fraction(1, 3)] * 2] * 3


def test_the_rational_path_imports_neither_sympy_nor_flint() -> None:
    code = (
        "import sys; from fractions import Fraction as F;"
        "from symbackprop.algebra.values.apply import formula;"
        "from symbackprop.algebra.values.arrays import Array;"
        "from symbackprop.algebra.values.evaluate import evaluate;"
        "from symbackprop.algebra.values.exact import Exact;"
        "from symbackprop.algebra.values import decimals, differences, gfp, dual, run;"
        "env = {'x': Array((1,), (F(0),))};"
        "assert evaluate(formula('sigmoid(x) + tanh(x) + relu(x)'), env, Exact()).item == F(1, 2);"
        "print(sorted({'sympy', 'flint'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
