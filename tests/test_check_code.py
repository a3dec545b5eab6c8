"""Lines of code mean what NumPy says they mean: the same shapes, the same entries, the same refusals."""

import ast
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symbackprop.algebra.functions import TABLE
from symbackprop.algebra.values.arrays import Array
from symbackprop.algebra.values.domain import EvaluationError
from symbackprop.algebra.values.dual import Dual, Duals
from symbackprop.algebra.values.evaluate import Evaluator
from symbackprop.algebra.values.exact import Exact
from symbackprop.algebra.values.gfp import GFp
from symbackprop.checking.code import read_code
from symbackprop.checking.code_arrays import NotRead
from symbackprop.checking.code_functions import own_functions
from symbackprop.checking.code_names import code_name
from symbackprop.checking.code_tree import tree_of
from symbackprop.checking.code_values import Flat, code_value
from symbackprop.notation.write import to_plain

EXACT: Evaluator = Evaluator(Exact())
KNOWN = frozenset(["x", "W", "b", "z", "yhat", "y", "L", "W1", "b1", "z1", "h", "W2", "X"])


def value_of(text: str, env: dict[str, np.ndarray], *, columns: bool = False, **more: object) -> Flat:
    """Ours, on whole numbers."""
    (line,) = read_code(text, frozenset(env))
    assert line.value is not None, line.error

    def lookup(name: str) -> Array:
        return Array(env[name].shape, tuple(Fraction(int(entry)) for entry in env[name].ravel()))

    return code_value(line.value, lookup, EXACT, columns=columns, **more)  # type: ignore[arg-type]


# --- against NumPy --------------------------------------------------------------------------------

EXPRESSIONS = {
    "a @ b": lambda a, b: a @ b, "a * b": lambda a, b: a * b, "a + b": lambda a, b: a + b,
    "a - b": lambda a, b: a - b, "2 * a": lambda a, b: 2 * a, "a @ 3": lambda a, b: a @ 3,
    "np.dot(a, b)": lambda a, b: np.dot(a, b), "a.T.dot(b)": lambda a, b: a.T.dot(b),
    "a.T @ b": lambda a, b: a.T @ b, "a @ b.T": lambda a, b: a @ b.T, "a * a.T": lambda a, b: a * a.T,
    "np.outer(a, b)": lambda a, b: np.outer(a, b), "np.matmul(a, b)": lambda a, b: np.matmul(a, b),
    "np.inner(a, b)": lambda a, b: np.inner(a, b), "np.vdot(a, b)": lambda a, b: np.vdot(a, b),
    "np.maximum(a, b)": lambda a, b: np.maximum(a, b), "(a > b) * 1.0": lambda a, b: (a > b) * 1.0,
    "(a >= 0).astype(float)": lambda a, b: (a >= 0).astype(float),
    "(a > 0).sum()": lambda a, b: (a > 0).sum(),
    "(a > 0) & (b > 0)": lambda a, b: (a > 0) & (b > 0),
    "np.where(a > 0, b, 0)": lambda a, b: np.where(a > 0, b, 0),
    "a.sum()": lambda a, b: a.sum(), "np.sum(a, axis=-1)": lambda a, b: np.sum(a, axis=-1),
    "a.sum(axis=1, keepdims=True)": lambda a, b: a.sum(axis=1, keepdims=True),
    "np.sum(a, axis=(0, 1))": lambda a, b: np.sum(a, axis=(0, 1)),
    "np.max(a, axis=0)": lambda a, b: np.max(a, axis=0),
    "a.mean(axis=0)": lambda a, b: a.mean(axis=0), "a.reshape(-1, 1)": lambda a, b: a.reshape(-1, 1),
    "a.reshape(3, 2)": lambda a, b: a.reshape(3, 2), "a.ravel()": lambda a, b: a.ravel(),
    "a[:, None]": lambda a, b: a[:, None], "a[None, :]": lambda a, b: a[None, :], "a[0]": lambda a, b: a[0],
    "a[0, 1]": lambda a, b: a[0, 1], "a[:, 1:]": lambda a, b: a[:, 1:], "a[..., -1]": lambda a, b: a[..., -1],
    "a[::-1]": lambda a, b: a[::-1], "a ** 2": lambda a, b: a**2, "np.square(a)": lambda a, b: np.square(a),
    "np.abs(a)": lambda a, b: np.abs(a), "np.sign(a)": lambda a, b: np.sign(a), "-a": lambda a, b: -a,
    "np.diag(a)": lambda a, b: np.diag(a), "np.ones_like(a) / 2": lambda a, b: np.ones_like(a) / 2,
    "np.zeros(a.shape)": lambda a, b: np.zeros(a.shape),
    "np.eye(a.shape[0])": lambda a, b: np.eye(a.shape[0]),
    "a / len(a)": lambda a, b: a / len(a), "np.transpose(a)": lambda a, b: np.transpose(a),
    "a.squeeze()": lambda a, b: a.squeeze(), "np.clip(a, -1, 1)": lambda a, b: np.clip(a, -1, 1),
    "np.einsum('i,j->ij', a, b)": lambda a, b: np.einsum("i,j->ij", a, b),
    "np.einsum('ij,j->i', a, b)": lambda a, b: np.einsum("ij,j->i", a, b),
    "np.einsum('ij,jk', a, b)": lambda a, b: np.einsum("ij,jk", a, b),
    "np.einsum('ij->j', a)": lambda a, b: np.einsum("ij->j", a),
    "np.array([a, b])": lambda a, b: np.array([a, b]),
    "np.array([[1, 2], [3, 4]]) @ a": lambda a, b: np.array([[1, 2], [3, 4]]) @ a,
}  # fmt: skip

OURS_ALONE = ("more than 4 axes", "out of bounds for array of dimension 0")
"""What we refuse and NumPy does not: five axes, and an axis of a number."""

SHAPES = st.lists(st.integers(1, 3), max_size=3).map(tuple)


@pytest.mark.parametrize("text", EXPRESSIONS)
@settings(max_examples=40, deadline=None)
@given(first=SHAPES, second=SHAPES, turned=st.booleans(), seed=st.integers(0, 1000))
def test_as_numpy(
    text: str, first: tuple[int, ...], second: tuple[int, ...], turned: bool, seed: int
) -> None:
    source = np.random.default_rng(seed)
    a = source.integers(-3, 4, size=first)
    b = source.integers(-3, 4, size=first[::-1] if turned else second)
    env = {"a": np.asarray(a), "b": np.asarray(b)}
    try:
        theirs = np.asarray(EXPRESSIONS[text](env["a"], env["b"]))
    except (ValueError, IndexError, TypeError):
        with pytest.raises(EvaluationError):
            value_of(text, env)
        return
    try:
        ours = value_of(text, env).array
    except EvaluationError as error:
        if not any(words in str(error) for words in OURS_ALONE):
            raise
        return
    assert ours.shape == theirs.shape
    assert [float(entry) for entry in ours.entries] == pytest.approx(
        [float(entry) for entry in theirs.ravel()]
    )


COLUMN = {
    "dz": np.array([1, -2]), "x": np.array([1, 0, 2]), "W": np.array([[4, 2, -5], [7, -1, 0]]),
}  # fmt: skip


def test_broadcasting_is_noted() -> None:
    assert value_of("dz[:, None] * x", COLUMN).notes == {"broadcast"}
    assert value_of("dz * 2 + dz", COLUMN).notes == frozenset()


def test_vectors_are_columns_or_flat() -> None:
    assert value_of("dz @ x.T", COLUMN, columns=True).array.shape == (2, 3)
    with pytest.raises(EvaluationError, match=r"\(2,1\).*\(3,1\)"):
        value_of("dz @ x", COLUMN, columns=True)
    with pytest.raises(EvaluationError, match="mismatch"):
        value_of("dz @ x.T", COLUMN)  # flat arrays are their own transposes
    assert value_of("np.outer(dz, x)", COLUMN).array == value_of("dz @ x.T", COLUMN, columns=True).array


REFUSED = [
    "[1, 2] * 2", "[1, 2] + [3, 4]", "-(dz > 0)", "(dz > 0) + (dz > 0)", "dz[dz > 0]", "sum(W)", "max(dz, 0)",
    "dz if dz > 0 else x", "[d for d in unknown(dz)]", "lambda u: u", "unknown(dz)",
    "np.unknown(dz)", "dz.unknown()", "np",
    "dz + 'text'", "dz // 2", "dz % 2", "np.sum(dz, where=x)", "dz.astype(int)", "np.ones(2, 3)",
    "dz.max(dim=0)",
    "np.zeros((4000, 4000))", "dz ** 10 ** 9", "np.where(dz)", "dz < x < 3", "{1: 2}", "f'{dz}'",
    "dz and x",
]  # fmt: skip


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_not_read_is_refused(text: str) -> None:
    with pytest.raises((EvaluationError, ArithmeticError)):
        value_of(text, COLUMN)


# --- numbers and functions ------------------------------------------------------------------------


def test_numbers_are_exact() -> None:
    assert value_of("0.1 + 0.2", {}).array.item == Fraction(3, 10)
    assert value_of("1e-3 * 1_000", {}).array.item == 1
    assert value_of("np.linalg.norm(np.array([1, 1]))**2", {}).array.item == 2


@pytest.mark.parametrize(("text", "expected"), [
    ("relu(x - 1)", [0, 0, 1]), ("relu_prime(x - 1/2)", [1, 0, 1]), ("drelu(x - 1/2)", [1, 0, 1]),
    ("np.maximum(0, x - 1)", [0, 0, 1]), ("softmax(x * 0)", [Fraction(1, 3)] * 3),
    ("sigmoid(0 * x)", [Fraction(1, 2)] * 3),
    ("sigmoid_derivative(0 * x)", [Fraction(1, 4)] * 3), ("1 - np.tanh(0 * x)**2", [1, 1, 1]),
])  # fmt: skip
def test_functions(text: str, expected: list[Fraction]) -> None:
    assert list(value_of(text, COLUMN).array.entries) == expected


def test_softmax_of_a_column_is_over_the_column() -> None:
    assert value_of("softmax(0 * x)", COLUMN, columns=True).array == Array((3, 1), (Fraction(1, 3),) * 3)


def test_other_numbers() -> None:
    """Modulo a prime with a generic g, and duals: the same code runs."""
    field = GFp(1)
    (line,) = read_code("dz = dy * g_prime(z) * (z > 0)", frozenset(["z"]))
    z, dy = Array((2,), (5, 7)), Array((2,), (11, 13))
    g = TABLE["sigmoid"]
    running: Evaluator = Evaluator(field, functions={"g": g})
    assert line.value is not None
    found = code_value(line.value, {"z": z, "dy": dy}.__getitem__, running, columns=False).array
    units = [1 if field.sign(entry) > 0 else 0 for entry in z.entries]
    sigma = [field.div(1, field.add(1, field.atom("exp", field.neg(entry)))) for entry in z.entries]
    slopes = [field.mul(s, field.sub(1, s)) for s in sigma]
    assert list(found.entries) == [
        u * field.mul(d, s) % field.modulus for u, d, s in zip(units, dy.entries, slopes, strict=True)
    ]
    duals = Duals(Exact())
    (line,) = read_code("L = np.sum(x**2) / 2", frozenset(["x", "L"]))
    assert line.value is not None
    x = Array((2,), (Dual(Fraction(3), Fraction(1)), Dual(Fraction(4), Fraction(0))))
    assert code_value(line.value, lambda _: x, Evaluator(duals), columns=False).array.item == (
        Fraction(25, 2),
        3,
    )


STEPS = """def steps(a, deriv=False):
    'As a text says.'
    if deriv:
        return 1
    a[a < 0] = 0
    b = a
    b *= 2
    return b"""


def test_functions_of_the_file_go_first() -> None:
    own = own_functions(
        [
            "def dsigmoid(a):\n    return a * (1 - a)",
            "def long(u):\n    while u > 0:\n        u = u - 1\n    return u",
            "twice = lambda u: 2*u",
            STEPS,
        ]
    )
    env = {"h": np.array([3])}
    assert value_of("dsigmoid(h)", env, own=own).array.entries == (-6,)
    assert value_of("twice(h)", env, own=own).array.entries == (6,)
    assert value_of("steps(h)", env, own=own).array.entries == (6,)
    assert value_of("steps(-h)", env, own=own).array.entries == (0,)
    assert value_of("steps(h, deriv=True)", env, own=own).array.entries == (1,)
    with pytest.raises(NotRead, match="not followed"):
        value_of("long(h)", env, own=own)
    with pytest.raises(EvaluationError, match="takes 1"):
        value_of("dsigmoid(h, h)", env, own=own)
    loop = own_functions(["def f(u):\n    return f(u)"])
    with pytest.raises(EvaluationError, match="deep"):
        value_of("f(h)", env, own=loop)


# --- names and statements -------------------------------------------------------------------------


@pytest.mark.parametrize(("text", "names"), [
    ("dW1 = x", ["dW1"]), ("dZ1 = x", ["dz1"]), ("self.dW1 = x", ["dW1"]), ('grads["dW1"] = x', ["dW1"]),
    ("grads['W1'] = x", ["dW1"]), ("grad_W1 = x", ["dW1"]), ("dL_dW1 = x", ["dW1"]), ("W1_grad = x", ["dW1"]),
    ("W1.grad = x", ["dW1"]), ("y_hat = x", ["yhat"]), ("ŷ = x", ["yhat"]), ("y_pred = x", ["yhat"]),
    ("dy_hat = x", ["dyhat"]), ("a = b = x", ["a", "b"]), ("a, b = x, y", ["a", "b"]), ("x", [""]),
    ("delta1 = x; dW_1 = y", ["delta1", "dW1"]), ("W: np.ndarray = x", ["W"]),
])  # fmt: skip
def test_names(text: str, names: list[str]) -> None:
    lines = read_code(text, KNOWN)
    assert [line.error for line in lines] == [None] * len(names)
    assert [line.name for line in lines] == names


def test_names_on_the_right() -> None:
    (line,) = read_code("dz1 = cache['Z1'] * self.W2 + y_hat", KNOWN)
    assert line.value is not None
    assert {node.id for node in ast.walk(line.value) if isinstance(node, ast.Name)} == {"z1", "W2", "yhat"}


def test_two_names_that_differ_in_case_stay_two() -> None:
    assert code_name("dW", frozenset(["W", "w"])) == "dW"
    assert code_name("dw", frozenset(["W", "w"])) == "dw"


@pytest.mark.parametrize("text", [
    "import numpy as np", "from numpy import exp", "def backward(dy):", "for i in range(3):", "print(dW)",
    "# dW = x",
    '"""text"""', "assert dW.shape == W.shape", "return dW", "pass", "plt.plot(x)", "f = lambda u: u", "",
])  # fmt: skip
def test_what_claims_nothing(text: str) -> None:
    assert [line.skipped for line in read_code(text, KNOWN)] == [True]


@pytest.mark.parametrize(("text", "place"), [
    ("dW = = x", 5), ("dW = x +", 7), ("a, b = f(x)", 0), ("while x: z = z + 1", 0),
    ("x //= 2", 0),
    ("dW = " + "(" * 100 + "x" + ")" * 100, 45), ("z = 1" + "0" * 5000, 4), ("z = 1e999", 4), ("z = 2j", 4),
])  # fmt: skip
def test_errors_have_a_place(text: str, place: int) -> None:
    (line,) = read_code(text, KNOWN)
    assert line.value is None
    assert line.error is not None
    assert line.error.span.start == place


def test_augmented() -> None:
    (line,) = read_code("W -= 0.1 * dW", KNOWN)
    assert (line.name, line.augmented) == ("W", "-=")


@pytest.mark.parametrize("text", [
    "-" * 5000 + "x", "x" + "+x" * 2400, "not " * 1200 + "x", "x" + ".T" * 2400, "(" * 10**6, "\0",
    "\ud800 = 1",
    "9**9**9**9", "x = " + "[" * 39 + "]" * 39, "a = " * 2000 + "x",
    "x = '" + "a" * 10**6, "x" * 10**6, "\x0c x",
    "lambda: " * 1000 + "x", "x if x else " * 1000 + "x", "f(" * 39 + ")" * 39, "'\\", "\\", "x = \\\n",
    "\t\n x",
])  # fmt: skip
def test_nothing_breaks_it(text: str) -> None:
    for line in read_code(text, KNOWN):
        assert line.skipped or (line.value is None) != (line.error is None)
        if line.value is not None:
            with pytest.raises((EvaluationError, ArithmeticError, KeyError)):
                code_value(line.value, {}.__getitem__, EXACT, columns=True)


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="dWxz1= ()[]:.,@*+-'\"T\n\\#0np", max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    for line in read_code(text, KNOWN):
        assert line.skipped or (line.value is None) != (line.error is None)


# --- as a formula ---------------------------------------------------------------------------------

SHAPES_OF = {"x": (3,), "W": (2, 3), "z": (2,), "b": (2,), "yhat": (2,), "y": (2,), "eta": ()}


@pytest.mark.parametrize(("text", "formula"), [
    ("np.outer(dz, x)", "dz x^T"), ("W.T @ dz", "W^T dz"), ("W @ x + b", "W x + b"), ("yhat - y", "yhat - y"),
    ("dz * (1 - yhat)", "dz ⊙ (1 - yhat)"), ("0.5 * np.sum((yhat - y)**2)", "0.5 · sum((yhat - y)^2)"),
    ("relu_prime(z)", "relu'(z)"), ("np.dot(W, x)", "W x"),
])  # fmt: skip
def test_as_a_formula(text: str, formula: str) -> None:
    (line,) = read_code(text, frozenset(SHAPES_OF))
    assert line.value is not None
    node = tree_of(line.value, SHAPES_OF.__getitem__)
    assert node is not None
    assert to_plain(node).lower() == formula.lower()


@pytest.mark.parametrize("text", ["x[0]", "unknown + x", "np.einsum('i->', x)", "x.reshape(-1, 1)"])
def test_where_there_is_no_formula(text: str) -> None:
    (line,) = read_code(text, frozenset(SHAPES_OF))
    assert line.value is not None
    assert tree_of(line.value, SHAPES_OF.__getitem__) is None
