"""Gradients of convolutions, parts and put-together arrays as numbers, against plain loops in Python.

With L = Σ y ⊙ t, linear in x and in K, an entry of a gradient is the change of L when that entry grows by 1.
"""

from collections.abc import Callable, Sequence
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from worked import numbers, worked

Vector = list[int]
Forward = Callable[[Vector, Vector], Vector]


def changes(forward: Forward, kernel: Vector, x: Vector, t: Vector) -> tuple[Vector, Vector]:
    """dK and dx of Σ t_i y_i by adding 1 to each entry in turn."""

    def loss(kernel: Sequence[int], x: Sequence[int]) -> int:
        return sum(a * b for a, b in zip(forward(list(kernel), list(x)), t, strict=True))

    def one_more(array: Vector, at: int) -> Vector:
        return [value + (place == at) for place, value in enumerate(array)]

    here = loss(kernel, x)
    by_kernel = [loss(one_more(kernel, at), x) - here for at in range(len(kernel))]
    return by_kernel, [loss(kernel, one_more(x, at)) - here for at in range(len(x))]


@st.composite
def convolutions(draw: Any) -> tuple[int, int, int, int, int, int]:
    """Sizes of the kernel and the input, stride, dilation, padding and a seed."""
    kernel, stride, dilation = draw(st.integers(1, 4)), draw(st.integers(1, 3)), draw(st.integers(1, 2))
    padding = draw(st.integers(0, 2))
    reach = dilation * (kernel - 1) + 1
    return kernel, draw(st.integers(reach, reach + 5)), stride, dilation, padding, draw(st.integers(0, 99))


@settings(max_examples=25, deadline=None)
@given(convolutions())
def test_any_convolution_in_one_dimension(drawn: tuple[int, int, int, int, int, int]) -> None:
    """Every stride, dilation and padding: at the borders a guard decides."""
    r, m, stride, dilation, padding, seed = drawn
    source = Random(seed)
    places = (m + 2 * padding - dilation * (r - 1) - 1) // stride + 1
    offset = 1 - stride - dilation - padding  # x[stride i + dilation a + offset], all from 1

    def forward(kernel: Vector, x: Vector) -> Vector:
        made = []
        for i in range(1, places + 1):
            reached = [(stride * i + dilation * a + offset, kernel[a - 1]) for a in range(1, r + 1)]
            made.append(sum(w * x[place - 1] for place, w in reached if 1 <= place <= m))
        return made

    drawn_values = [[source.randint(-9, 9) for _ in range(size)] for size in (r, m, places)]
    kernel, x, t = drawn_values
    factor = f"{stride} i" if stride > 1 else "i"
    dilated = f"{dilation} a" if dilation > 1 else "a"
    place = f"{factor} + {dilated} {'-' if offset < 0 else '+'} {abs(offset)}"
    made = worked(
        f"y[i] = sum(a: K[a] x[{place}] where 1 <= {place} <= {m})", "L = sum(y * t)",
        values={"K": kernel, "x": x, "t": t}, shapes={"y": [places]}, wanted=["K", "x"],
    )  # fmt: skip
    assert numbers(made, "y") == forward(kernel, x)
    assert (numbers(made, "dK"), numbers(made, "dx")) == changes(forward, kernel, x, t)


def test_a_convolution_of_a_picture() -> None:
    """2×2 on 3×4: dx is the full correlation of dy with the kernel turned round."""
    kernel, picture = [[1, 2], [3, -1]], [[1, 0, 2, 1], [0, 1, -1, 2], [3, 1, 0, 1]]
    t = [[1, -2, 0], [0, 1, 3]]
    made = worked(
        "y[i,j] = sum(a, b: K[a,b] x[i+a-1, j+b-1])", "L = sum(y * t)",
        values={"K": kernel, "x": picture, "t": t}, wanted=["K", "x"],
    )  # fmt: skip
    by_kernel = [
        [sum(t[i][j] * picture[i + a][j + b] for i in range(2) for j in range(3)) for b in range(2)]
        for a in range(2)
    ]
    by_picture = [[0] * 4 for _ in range(3)]
    for i in range(2):
        for j in range(3):
            for a in range(2):
                for b in range(2):
                    by_picture[i + a][j + b] += t[i][j] * kernel[a][b]
    assert numbers(made, "dK") == by_kernel
    assert numbers(made, "dx") == by_picture


PARTS = [
    # the first and the last entry get nothing, and so does what is left out between
    (("a = x[2:3]", "L = a[1] + 10 a[2]"), {"x": [1, 2, 3, 4]}, {"dx": [0, 1, 10, 0]}),
    (("a = x[1:2]", "c = x[2:4]", "L = 5 sum(a) + 7 sum(c)"), {"x": [1, 2, 3, 4]}, {"dx": [5, 12, 7, 7]}),
    (("A = X[:,2:3]", "L = sum(A * T)"), {"X": [[1, 2, 3], [4, 5, 6]], "T": [[1, 2], [3, 4]]},
     {"dX": [[0, 1, 2], [0, 3, 4]]}),
    (("s = stack(a, b, c)", "L = s^T w"), {"a": [1, 2], "b": [3], "c": 4, "w": [5, 6, 7, 8]},
     {"da": [5, 6], "db": [7], "dc": 8}),
    (("C = hstack(A, v)", "L = sum(C * T)"), {"A": [[1], [2]], "v": [3, 4], "T": [[5, 6], [7, 8]]},
     {"dA": [[5], [7]], "dv": [6, 8]}),
    (("M = diag(v) A", "L = sum(M)"), {"v": [2, 3], "A": [[1, 4], [5, 7]]},
     {"dv": [5, 12], "dA": [[2, 2], [3, 3]]}),
    (("L = trace(A B)",), {"A": [[1, 2, 3], [4, 5, 6]], "B": [[1, 0], [2, 1], [0, 3]]},
     {"dA": [[1, 2, 0], [0, 1, 3]], "dB": [[1, 4], [2, 5], [3, 6]]}),
    (("y[i] = sum(j: x[j] where j <= i)", "L = y^T w"), {"x": [1, 2, 3], "y": None, "w": [1, 10, 100]},
     {"dx": [111, 110, 100]}),
    (("y[i] = i x[i]^2", "L = sum(y)"), {"x": [1, 2, 3]}, {"dx": [2, 8, 18]}),
    (("L = sum(max(0, s))",), {"s": [3, -2]}, {"ds": [1, 0]}),
    (("L = sum(min(0, s))",), {"s": [3, -2]}, {"ds": [0, 1]}),
]  # fmt: skip


@pytest.mark.parametrize(("equations", "values", "expected"), PARTS, ids=lambda part: str(part)[:50])
def test_parts_and_what_is_put_together(
    equations: tuple[str, ...], values: dict[str, Any], expected: dict[str, Any]
) -> None:
    known = {name: value for name, value in values.items() if value is not None}
    shapes = {name: [3] for name, value in values.items() if value is None}
    made = worked(*equations, values=known, shapes=shapes, wanted=[name[1:] for name in expected])
    assert {name: numbers(made, name) for name in expected} == expected
