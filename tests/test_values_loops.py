"""Index equations and sums over indices: against plain loops, and lazily behind their guards."""

from fractions import Fraction
from itertools import product
from time import process_time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symbackprop.algebra.values.apply import formula
from symbackprop.algebra.values.arrays import Array
from symbackprop.algebra.values.contract import contracted
from symbackprop.algebra.values.domain import DomainProblem, EvaluationError, TooLarge
from symbackprop.algebra.values.dual import Duals
from symbackprop.algebra.values.evaluate import Evaluator, evaluate
from symbackprop.algebra.values.exact import Exact
from symbackprop.algebra.values.gfp import GFp
from symbackprop.algebra.values.linear import linear
from symbackprop.algebra.values.poly import leftover
from symbackprop.notation import tree
from symbackprop.notation.tree import Entrywise, Node

ENV: dict[str, Array[Fraction]] = {
    name: Array.from_nested(rows).map(Fraction)
    for name, rows in {
        "K": [[1, 2], [0, -1]],
        "x": [[1, 2, 3], [4, 5, 6], [7, 8, 9]],
        "v": [1, 0, 4],
        "w": [2, 3],
        "T": [[[1, 2], [3, 4]], [[5, 6], [7, 8]]],
        "g": [[5, 6], [7, 8]],
    }.items()
}


def entrywise(indices: str, sizes: str, body: str) -> Node:
    places = tuple(formula(size) for size in sizes.split(","))
    return Entrywise(tuple(indices.split(",")), places, formula(body))


def value(node: Node | str, env: Any = None, **more: Any) -> Any:
    made = formula(node) if isinstance(node, str) else node
    return evaluate(made, ENV if env is None else env, Exact(), **more).nested()


CONVOLUTION = "sum(a=1..2: sum(b=1..2: K[a,b] x[i+a-1, j+b-1]))"


@pytest.mark.parametrize(
    ("indices", "sizes", "body", "expected"),
    [
        # by hand: y11 = 1·1 + 2·2 + 0·4 − 1·5
        ("i,j", "2,2", CONVOLUTION, [[0, 2], [6, 8]]),
        ("i,j", "m - 1,m - 1", CONVOLUTION, [[0, 2], [6, 8]]),
        ("i", "1", "sum(a=1..2: w[a] v[2 i + a - 2])", [2]),
        ("i", "3", "sum(a=1..2: w[a] v[i+a-2] where 1 <= i + a - 2 <= m)", [3, 2, 12]),
        ("i", "3", "v[i] where 2 < i", [0, 0, 4]),
        ("i", "3", "i^2 + 1/2", ["3/2", "9/2", "19/2"]),
        ("i", "3", "2^i v[i]", [2, 0, 32]),
        ("i", "3", "sum(j=1..i: v[j])", [1, 1, 5]),
        ("i", "3", "sum(j=i..2: v[j])", [1, 0, 0]),
        ("i", "3", "relu(v[i] - 1)", [0, 0, 3]),
        ("i", "3", "v[4 - i]", [4, 0, 1]),
        ("i", "3", "v[(i + 1)]", None),
        ("i", "3", "x[i,:] v", [13, 28, 43]),
        ("i", "3", "sum(x[i,:])", [6, 15, 24]),
        ("i", "2", "sum(k=1..2: x[i,:] v)", [26, 56]),
        ("i", "3", "v[i] / ||v||^2", ["1/17", 0, "4/17"]),
        ("i", "3", "||x[i,:]||_F^2", [14, 77, 194]),
        ("i", "3", "7", [7, 7, 7]),
        ("i,j", "2,3", "i j", [[1, 2, 3], [2, 4, 6]]),
        ("i,j,k", "2,2,2", "T[k,j,i]", [[[1, 5], [3, 7]], [[2, 6], [4, 8]]]),
        ("i", "2", "sum(T[i,:,2:2])", [6, 14]),
        ("i", "3", "(x[i,:] v where i < 3)", [13, 28, 0]),
    ],
)
def test_by_hand(indices: str, sizes: str, body: str, expected: Any) -> None:
    node = entrywise(indices, sizes, body)
    if expected is None:
        with pytest.raises(EvaluationError, match=r"index 4 is outside 1\.\.3, at i = 3"):
            value(node, sizes={"m": 3})
        return
    assert value(node, sizes={"m": 3}) == Array.from_nested(expected).map(Fraction).nested()


def test_a_guard_hides_what_does_not_exist() -> None:
    about_values = tree.Chain((formula("v[1]"), tree.number(1)), ("=",))
    with pytest.raises(EvaluationError, match="indices and sizes"):
        value(Entrywise(("i",), (tree.number(3),), tree.Where(formula("v[i]"), (about_values,))))
    not_two = tree.Chain((tree.Name("i"), tree.number(2)), ("≠",))
    lazy = tree.Where(formula("1 / v[i]"), (not_two,))
    assert value(Entrywise(("i",), (tree.number(3),), lazy)) == [1, 0, Fraction(1, 4)]
    alone = formula("v[9] where 1 > 2")
    assert value(alone) == 0
    assert value(formula("v[3] where 1 < 2")) == 4


def test_an_error_says_where() -> None:
    with pytest.raises(DomainProblem, match=r"log of 0 has no value.*i = 2"):
        value(entrywise("i", "3", "log(v[i])"))
    with pytest.raises(DomainProblem, match=r"division by 0.*i = 2, j = 1\)"):
        value(entrywise("i,j", "3,2", "w[j] / v[i]"))
    with pytest.raises(DomainProblem, match=r"division by 0.*i = 1, j = 2"):
        value(entrywise("i", "2", "sum(j=1..3: 1 / (v[j] i))"))


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("v", "a single number"),
        ("sum(j=1..2: x[i,:])", "single number"),
        ("v[i,1]", "2 indices"),
        ("nothing(v[i])", "no function"),
    ],
)
def test_what_has_no_value(body: str, message: str) -> None:
    tree_ = formula(body, frozenset({"nothing"}))
    with pytest.raises(EvaluationError, match=message):
        value(Entrywise(("i",), (formula("3"),), tree_))


def test_a_sum_of_too_many_terms_is_refused() -> None:
    with pytest.raises(TooLarge, match="more than 4,000,000 terms, which is the limit"):
        value(Entrywise(("i",), (formula("3"),), formula("sum(j=1..9000: sum(k=1..9000: 1))")))


@pytest.mark.parametrize(
    ("place", "message"), [("i / 2", "a whole number"), ("v[i]", "indices and sizes"), ("i / v[i]", "sizes")]
)
def test_what_is_no_place(place: str, message: str) -> None:
    body = tree.Index(tree.Name("v"), (formula(place),))
    with pytest.raises(EvaluationError, match=message):
        value(Entrywise(("i",), (tree.number(3),), body))


def test_sizes_are_needed() -> None:
    with pytest.raises(EvaluationError, match="nothing says the sizes"):
        value(Entrywise(("i",), (), formula("v[i]")))
    with pytest.raises(EvaluationError, match="nothing says how far a runs"):
        value(tree.Sum("a", tree.number(1), None, formula("v[a]")))


# --- against plain loops ---------------------------------------------------------------------


@given(st.integers(1, 3), st.integers(1, 3), st.integers(0, 2), st.integers(1, 3), st.integers(0, 10**6))
def test_a_padded_strided_convolution(rows: int, width: int, pad: int, stride: int, seed: int) -> None:
    """y_ij = Σ_ab K_ab x_{s(i−1)+a−p, j+b−1} with zeros outside, in GF(p) and in dual numbers over it."""
    domain = GFp(seed)
    image, kernel = domain.draw_array((4, 4)), domain.draw_array((rows, width))
    size = (4 + 2 * pad - rows) // stride + 1, 4 - width + 1
    place = f"{stride} (i - 1) + a - {pad}"
    body = f"sum(a=1..{rows}: sum(b=1..{width}: K[a,b] x[{place}, j+b-1] where 1 <= {place} <= 4))"
    node = entrywise("i,j", f"{size[0]},{size[1]}", body)
    env = {"K": kernel, "x": image}

    def expected(image: Array[int], kernel: Array[int]) -> list[int]:
        made = []
        for i, j in product(range(size[0]), range(size[1])):
            total = 0
            for a, b in product(range(rows), range(width)):
                row = stride * i + a + 1 - pad
                if 1 <= row <= 4:
                    total += kernel.at(a + 1, b + 1) * image.at(row, j + b + 1)
            made.append(total % domain.modulus)
        return made

    assert list(evaluate(node, env, domain).entries) == expected(image, kernel)
    shift: Array[int] = domain.draw_array((rows, width))
    duals = Duals(domain)
    moving = {"K": duals.seeded(kernel, shift), "x": duals.lift_array(image)}
    found = Evaluator(duals).evaluate(node, moving)
    assert [entry.slope for entry in found.entries] == expected(image, shift)


def test_deltas_and_gradients_by_index() -> None:
    env = {**ENV, "dv": ENV["v"].map(lambda a: a + 1)}
    delta = tree.Delta(tree.Name("i"), formula("4 - j"))
    body = tree.Sum("j", tree.number(1), tree.number(3), tree.juxtaposed(delta, formula("v[j]")))
    assert value(Entrywise(("i",), (tree.number(3),), body)) == [4, 0, 1]
    gradient = tree.Gradient(tree.Index(tree.Name("v"), (tree.Name("i"),)))
    assert value(Entrywise(("i",), (tree.number(3),), gradient), env) == [2, 1, 5]


def test_symbols_stay_in_convolutions() -> None:
    env = {**ENV, "w": leftover("w", (2,))}
    (first, second) = value(entrywise("i", "2", "sum(a=1..2: w[a] v[i+a-1])"), env)
    assert str(first) == "1·w[1]^1"
    assert str(second) == "4·w[2]^1"


def test_a_shared_part_is_computed_once() -> None:
    """The normaliser of a softmax in indices: n exponentials, not n²."""
    asked: list[int] = []

    class Counting(GFp):
        def atom(self, name: str, a: int) -> int:
            asked.append(a)
            return super().atom(name, a)

    domain = Counting(3)
    env = {"z": domain.draw_array((2, 40))}
    node = entrywise("i,j", "2,40", "exp(z[i,j]) / sum(k=1..40: exp(z[i,k]))")
    made = evaluate(node, env, domain)
    assert len(asked) <= 2 * 80
    assert [sum(row) % domain.modulus for row in made.rows()] == [1, 1]


def test_a_convolution_of_an_image_is_fast() -> None:
    """28×28 with 5×5 in GF(p), 14,400 products: about 40 ms; ten times that is a fault."""
    domain = GFp(1)
    env = {"x": domain.draw_array((28, 28)), "K": domain.draw_array((5, 5))}
    body = "sum(a=1..5: sum(b=1..5: K[a,b] x[i+a-1, j+b-1]))"
    start = process_time()
    evaluate(entrywise("i,j", "24,24", body), env, domain)
    assert process_time() - start < 0.5


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2 i + a - m", (-3, {"i": 2, "a": 1})),
        ("2 (i - 1) - i", (-2, {"i": 1})),
        ("i - i + 1/2", ("1/2", {})),
        ("(3 i) / 2", (0, {"i": "3/2"})),
        ("i a", None),
        ("1 / i", None),
        ("i^2", None),
        ("i + q", None),
    ],
)
def test_linear_forms(text: str, expected: Any) -> None:
    found = linear(formula(text), {"m": 3}.get, ("i", "a"))
    if expected is None:
        assert found is None
        return
    constant, coefficients = expected
    assert found == (Fraction(constant), {name: Fraction(value) for name, value in coefficients.items()})


# --- matrix products in disguise ---------------------------------------------------------------


PADDED = "1 <= i - a + 1 <= 9, 1 <= j - b + 1 <= 8"


@pytest.mark.parametrize(
    ("indices", "sizes", "body", "splits"),
    [
        ("o,i,j", "3,9,8", "sum(c=1..2: sum(a=1..3: sum(b=1..3: K[o,c,a,b] x[c,i+a-1,j+b-1])))", True),
        ("i,o,j", "9,3,8", "sum(c=1..2: sum(a=1..3: sum(b=1..3: x[c,i+a-1,j+b-1] K[o,c,a,b])))", True),
        ("i,j", "9,8", "sum(a=1..6: sum(b=1..6: 2 K[1,1,1,1] x[1,i,a] x[2,b,j]))", True),
        ("i,j", "9,8", "sum(a=1..3: sum(b=1..3: K[1,1,a,b] x[1,i,j] x[2,i+a-1,j+b-1]))", True),
        ("o,i,j", "3,11,10", f"sum(a=1..3: sum(b=1..3: K[o,1,a,b] x[2,i-a+1,j-b+1] where {PADDED}))", True),
        ("o,p", "3,11", "sum(a=1..9: sum(k=1..9: K[o,1,1,1] x[1,p,k] where o <= p))", False),
        ("i,j", "11,10", "sum(k=1..11: sum(l=1..2: x[l,i,j] x[l,k,j]))", False),
    ],
)
def test_products_in_disguise(
    indices: str, sizes: str, body: str, splits: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the direct way says, in every kind of number."""
    domain = GFp(9)
    env = {"K": domain.draw_array((3, 2, 3, 3)), "x": domain.draw_array((2, 11, 10))}
    node = entrywise(indices, sizes, body)
    duals = Duals(domain)
    moving = {name: duals.seeded(value, domain.draw_array(value.shape)) for name, value in env.items()}
    short = {
        name: value.map(lambda entry: Fraction(entry % 97, entry % 5 + 1)) for name, value in env.items()
    }
    worlds: list[tuple[Any, Any]] = [(env, domain), (moving, duals), (short, Exact())]
    made: list[bool] = []

    def watched(*args: Any) -> Any:
        found = contracted(*args)
        made.append(found is not None)
        return found

    monkeypatch.setattr("symbackprop.algebra.values.loops.contracted", watched)
    monkeypatch.setattr("symbackprop.algebra.values.contract.LARGE", 1)
    found = [evaluate(node, values, numbers) for values, numbers in worlds]
    assert made == [splits] * 3
    monkeypatch.setattr("symbackprop.algebra.values.loops.contracted", lambda *_: None)
    assert found == [evaluate(node, values, numbers) for values, numbers in worlds]


def test_many_channels_are_one_product_of_matrices() -> None:
    """8 filters of 3×5×5 on 3 channels of 28×28, 345,600 products: about 0.1 s."""
    domain = GFp(1)
    env = {"x": domain.draw_array((3, 28, 28)), "K": domain.draw_array((8, 3, 5, 5))}
    body = "sum(c=1..3: sum(a=1..5: sum(b=1..5: K[o,c,a,b] x[c,i+a-1,j+b-1])))"
    start = process_time()
    evaluate(entrywise("o,i,j", "8,24,24", body), env, domain)
    assert process_time() - start < 0.6
