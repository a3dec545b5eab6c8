"""Equations in indices: ranges from shapes, shapes from ranges, and places that leave their array."""

from collections.abc import Mapping
from fractions import Fraction
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symbackprop.algebra.values.arrays import Array
from symbackprop.algebra.values.evaluate import Evaluator
from symbackprop.algebra.values.exact import Exact
from symbackprop.exercise.model import function_names, signatures
from symbackprop.notation import tree
from symbackprop.notation.inference import Inference, solve
from symbackprop.notation.read import Vocabulary, read, read_left
from symbackprop.notation.shape_ranges import Range, largest_end, proved
from symbackprop.notation.sizes import size_tree
from symbackprop.notation.tree import Node, Shape

FUNCTIONS = signatures({})


def solved(model: Mapping[str, str], known: Mapping[str, Shape]) -> Inference:
    pairs: list[tuple[str, Node]] = []
    texts: dict[str, str] = {}
    for key, text in model.items():
        name, indices = read_left(key)
        words = Vocabulary(functions=function_names({}), names=None, indices=frozenset(indices))
        body = read(text, words)
        pairs.append((name, tree.Entrywise(indices, (), body) if indices else body))
        texts[name] = text
    return solve(pairs, known, functions=FUNCTIONS, texts=texts)


def message(model: Mapping[str, str], known: Mapping[str, Shape]) -> str:
    return "\n".join(f"{name}: {fault}" for name, fault in solved(model, known).faults)


# --- convolutions -----------------------------------------------------------------------

VALID = {"y[i]": "sum(a: K[a] x[i + a - 1])", "L": "1/2 ||y - t||^2"}
STRIDE = {"y[i]": "sum(a: K[a] x[2 i + a - 2])", "L": "1/2 ||y - t||^2"}
PLANE = {"y[i,j]": "sum(a, b: K[a,b] x[i + a - 1, j + b - 1]) + c", "L": "half_squared_error(y, t)"}
CHANNELS = {
    "y[o,i,j]": "sum(c, a, b: K[o,c,a,b] x[c, i + a - 1, j + b - 1]) + b1[o]",
    "L": "half_squared_error(y, t)",
}
PADDED = {"y[i]": "sum(a: K[a] x[i + a - 2] where 1 <= i + a - 2 <= m)", "L": "sum(y)"}

FOUND: list[tuple[dict[str, str], dict[str, Shape], dict[str, Shape]]] = [
    (VALID, {"x": ("m",), "K": ("r",)}, {"y": ("m - r + 1",), "t": ("m - r + 1",)}),
    (VALID, {"x": (5,), "K": (2,)}, {"y": (4,), "t": (4,)}),
    (VALID, {"x": (5,), "K": ("r",)}, {"y": ("6 - r",)}),
    (VALID, {"K": (2,), "t": (3,)}, {"y": (3,), "x": (4,)}),
    (VALID, {"K": ("r",), "y": ("p",)}, {"x": ("p + r - 1",), "t": ("p",)}),
    (VALID, {"x": ("m",), "K": ("r",), "y": ("m - r",)}, {"y": ("m - r",)}),
    (VALID, {"x": (5,), "K": (2,), "y": ("p",)}, {"y": (4,)}),
    (STRIDE, {"x": (7,), "K": (2,)}, {"y": (3,)}),
    (STRIDE, {"x": (8,), "K": (3,)}, {"y": (3,)}),
    (STRIDE, {"x": ("2 p + r - 2",), "K": ("r",), "y": ("p",)}, {"t": ("p",)}),
    (STRIDE, {"x": ("2 q",), "K": (2,)}, {"y": ("q",)}),
    (PLANE, {"x": ("m", "n"), "K": ("r", "s")}, {"y": ("m - r + 1", "n - s + 1"), "c": ()}),
    (PLANE, {"x": (4, 5), "K": (2, 3), "c": ()}, {"y": (3, 3), "t": (3, 3)}),
    (CHANNELS, {"x": (2, 4, 5), "K": (3, 2, 2, 3)}, {"y": (3, 3, 3), "b1": (3,), "t": (3, 3, 3)}),
    (PADDED, {"x": ("m",), "K": ("r",), "y": ("m",)}, {"y": ("m",)}),
    ({"y[i]": "x[n - i + 1]", "L": "sum(y)"}, {"x": ("n",)}, {"y": ("n",)}),
    ({"y[i,j]": "A[j,i]^2", "L": "sum(y)"}, {"A": (2, 3)}, {"y": (3, 2)}),
    ({"y[i]": "sum(j: A[i,j] x[j])", "L": "sum(y)"}, {"A": (2, 3)}, {"x": (3,)}),
    ({"y[i]": "x[i + 1] - x[i]", "L": "sum(y)"}, {"x": ("m",), "y": ("m - 1",)}, {"y": ("m - 1",)}),
    ({"y[i]": "x[i] - (x[i - 1] where i >= 2)", "L": "sum(y)"}, {"x": ("m",)}, {"y": ("m",)}),
    ({"L": "sum(i: x[i] where i >= 2)"}, {"x": ("n",)}, {"L": ()}),
    ({"z": "W stack(h, x)", "L": "sum(z)"}, {"h": (2,), "W": (3, 5)}, {"x": (3,)}),
    ({"u": "stack(a, c)", "L": "||u||^2"}, {"a": ("n",), "c": ("k",)}, {"u": ("k + n",)}),
    ({"u": "x[2:]", "v": "x[1:n - 1]", "L": "||u - v||^2"}, {"x": ("n",)}, {"u": ("n - 1",)}),
    ({"U": "hstack(A, c)", "L": "||U||_F^2"}, {"A": (4, 2)}, {"c": (4,), "U": (4, 3)}),
    ({"L": "trace(diag(v) W)"}, {"v": ("n",)}, {"W": ("n", "n")}),
    ({"L": "dot(a, b) + sum(outer(a, c))"}, {"b": ("n",)}, {"a": ("n",)}),
    ({"L": "dot(softmax(z), onehot(2, 3))"}, {}, {"z": (3,)}),
]  # fmt: skip


@pytest.mark.parametrize(("model", "known", "expected"), FOUND)
def test_shapes_of_index_equations(
    model: dict[str, str], known: dict[str, Shape], expected: dict[str, Shape]
) -> None:
    found = solved(model, known)
    assert not found.faults, message(model, known)
    assert {name: found.shapes[name] for name in expected} == expected


def test_ranges_are_filled_in() -> None:
    body = solved(PLANE, {"x": ("m", "n"), "K": (2, "s")}).bodies[0]
    assert isinstance(body, tree.Entrywise)
    assert body.sizes == (size_tree("m - 1"), size_tree("n - s + 1"))
    highs = [part.high for part in tree.walk(body) if isinstance(part, tree.Sum)]
    assert highs == [tree.number(2), tree.Name("s")]


def test_a_filled_equation_says_the_same_again() -> None:
    """Later stages solve what was solved: nothing changes."""
    first = solved(PLANE, {"x": ("m", "n"), "K": ("r", "s")})
    pairs = list(zip(("y", "L"), first.bodies, strict=True))
    again = solve(pairs, dict(first.shapes), functions=FUNCTIONS)
    assert not again.faults
    assert (again.bodies, dict(again.shapes)) == (first.bodies, dict(first.shapes))


def test_everything_unknown_gets_names() -> None:
    found = solved(VALID, {})
    (r,), (m,) = found.shapes["K"], found.shapes["x"]
    assert found.shapes["y"] == (f"{m} - {r} + 1",)


# --- faults -----------------------------------------------------------------------------

WRONG: list[tuple[dict[str, str], dict[str, Shape], str]] = [
    (
        VALID, {"x": ("m",), "K": ("r",), "y": ("m",)},
        "y: x[i + a - 1] reaches m + r - 1 of 1..m. Add a guard: where i + a - 1 <= m; or give y fewer",
    ),
    (VALID, {"x": (4,), "K": (2,), "y": (4,)}, "y: x[i + a - 1] reaches 5 of 1..4. Add a guard"),
    (VALID, {"x": (5,), "K": (2,), "t": (3,)}, "L: y is 4×1 and t is 3×1: 4 ≠ 3"),
    (VALID, {"x": (2,), "K": (4,)}, "y: x[i + a - 1] leaves no place for i: its index goes past 1..2"),
    (
        {"y[i]": "sum(a: K[a] x[i - a])", "L": "sum(y)"}, {"x": (4,), "K": (2,), "y": (3,)},
        "y: x[i - a] reaches -1 of 1..4. Add a guard: where 1 <= i - a.",
    ),
    (
        {"y[i,j]": "x[i, j + 1]", "L": "sum(y)"}, {"x": (2, 3), "y": (2, 3)},
        "y: j + 1 in x[i, j + 1] reaches 4 of 1..3",
    ),
    (STRIDE, {"x": ("m",), "K": ("r",)}, 'it stands in x[2 i + a - 2]. Write y = ["p"], and x with 2 p + r'),
    (PADDED, {"x": ("m",), "K": ("r",)}, "nothing says how far i runs: it stands in x[i + a - 2]. Write y"),
    (
        {"y[i]": "sum(a: K[a] x[i + a - 2] where 1 <= i + a - 2)", "L": "sum(y)"},
        {"x": ("m",), "K": ("r",), "y": ("m",)},
        "reaches m + r - 2 of 1..m, which the guard does not exclude. Add a guard: where i + a - 2 <= m",
    ),
    (
        {"y[i]": "a[i] + b[i]", "L": "sum(y)"}, {"a": (3,), "b": (4,)},
        "y: i runs to 3 in a[i] and to 4 in b[i]: 3 ≠ 4",
    ),
    (
        {"L": "sum(i: u[i] v[i])"}, {"u": ("n",), "v": ("k",)},
        "L: i runs to n in u[i] and to k in v[i]: n ≠ k",
    ),
    ({"y[i]": "x[i + 1] - x[i]", "L": "sum(y)"}, {"x": ("m",)}, "y: x[i + 1] reaches m + 1 of 1..m"),
    ({"y[i]": "2", "L": "sum(y)"}, {}, 'nothing says how far i runs. Write y = ["p"] under [shapes].'),
    (
        {"y[i]": "sum(j: x[i + j])", "L": "sum(y)"}, {"x": (4,), "y": (2,)},
        "nothing says how far j runs: it stands in x[i + j]. Write sum(j = 1..n: …).",
    ),
    ({"y[i]": "A[i,:]", "L": "sum(y)"}, {"A": (2, 3)}, "the entry at i must be a scalar, and A[i,:] is 1×3"),
]  # fmt: skip


@pytest.mark.parametrize(("model", "known", "expected"), WRONG)
def test_faults_name_the_place_and_both_ends(
    model: dict[str, str], known: dict[str, Shape], expected: str
) -> None:
    assert expected in message(model, known)


def test_a_range_that_is_not_known_is_the_only_fault() -> None:
    assert len(solved(STRIDE, {"x": ("m",), "K": ("r",)}).faults) == 1


# --- against trying every index ------------------------------------------------------------


@st.composite
def _places(draw: st.DrawFn) -> tuple[dict[str, int], int, dict[str, tuple[int, int]], int]:
    """A form of up to two indices with their ranges, and the size of the axis."""
    counts = {name: draw(st.integers(-3, 3)) for name in ("i", "a")}
    lows = {name: draw(st.integers(0, 2)) for name in counts}
    ranges = {name: (low, low + draw(st.integers(0, 3))) for name, low in lows.items()}
    return counts, draw(st.integers(-6, 9)), ranges, draw(st.integers(1, 9))


def _values(
    counts: Mapping[str, int], constant: int, ranges: Mapping[str, tuple[int, int]]
) -> list[tuple[dict[str, int], int]]:
    every = [range(low, high + 1) for low, high in ranges.values()]
    points = [dict(zip(ranges, point, strict=True)) for point in product(*every)]
    return [(point, constant + sum(counts[name] * point[name] for name in counts)) for point in points]


@settings(max_examples=200, deadline=None)
@given(_places())
def test_a_place_is_inside_exactly_when_no_index_takes_it_out(
    place: tuple[dict[str, int], int, dict[str, tuple[int, int]], int],
) -> None:
    counts, constant, ranges, size = place
    form = ({name: count for name, count in counts.items() if count}, constant)
    bounds = {name: Range(({}, low), ({}, high)) for name, (low, high) in ranges.items()}
    below = (form[0], constant - 1)
    above = ({name: -count for name, count in form[0].items()}, size - constant)
    claimed = proved(below, bounds, ()) and proved(above, bounds, ())
    assert claimed == all(1 <= value <= size for _, value in _values(counts, constant, ranges))


@settings(max_examples=200, deadline=None)
@given(_places(), _places())
def test_what_a_guard_proves_holds_wherever_the_guard_does(
    place: tuple[dict[str, int], int, dict[str, tuple[int, int]], int],
    guard: tuple[dict[str, int], int, dict[str, tuple[int, int]], int],
) -> None:
    counts, constant, ranges, _ = place
    form = ({name: count for name, count in counts.items() if count}, constant)
    condition = ({name: count for name, count in guard[0].items() if count}, guard[1])
    bounds = {name: Range(({}, low), ({}, high)) for name, (low, high) in ranges.items()}
    if proved(form, bounds, [condition]):
        for point, value in _values(counts, constant, ranges):
            holds = guard[1] + sum(guard[0][name] * point[name] for name in point) >= 0
            assert value >= 0 or not holds


@settings(max_examples=100, deadline=None)
@given(st.integers(-3, 3).filter(bool), st.integers(-3, 3), st.integers(-4, 6), st.integers(1, 9))
def test_the_largest_range_is_the_last_that_fits(step: int, other: int, constant: int, size: int) -> None:
    form = ({name: count for name, count in (("i", step), ("a", other)) if count}, constant)
    end = largest_end("i", form, size, {"i": Range(({}, 1), None), "a": Range(({}, 1), ({}, 2))})
    assert isinstance(end, int)

    def inside(i: int) -> bool:
        """Whether the end that i pushes against holds: the upper one for a positive step."""
        values = [step * i + other * a + constant for a in (1, 2)]
        return max(values) <= size if step > 0 else min(values) >= 1

    assert inside(end)
    assert not inside(end + 1)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 3), st.integers(1, 3), st.integers(3, 8), st.integers(0, 2))
def test_an_inferred_equation_has_a_value_of_its_shape(step: int, kernel: int, size: int, shift: int) -> None:
    """The evaluator, which knows nothing of ranges, never leaves an array."""
    known: dict[str, tuple[int, ...]] = {"x": (size,), "K": (kernel,)}
    model = {"y[i]": f"sum(a: K[a] x[{step} i + a - {shift}])", "L": "sum(y)"}
    found = solved(model, known)
    if found.faults:
        assert shift > step or kernel + step - shift > size
        return
    values: dict[str, Array[Any]] = {
        name: Array(shape, tuple(map(Fraction, range(shape[0])))) for name, shape in known.items()
    }
    made = Evaluator(Exact(), {}, {}).evaluate(found.bodies[0], values)
    assert made.shape == found.shapes["y"]
    k, x = values["K"].entries, values["x"].entries
    expected = [
        sum(k[a - 1] * x[step * i + a - shift - 1] for a in range(1, kernel + 1))
        for i in range(1, made.shape[0] + 1)
    ]
    assert list(made.entries) == expected
    assert step * (made.shape[0] + 1) + kernel - shift > size  # no further entry has a place
