"""Computed sizes: one way to write each, and arithmetic that agrees with numbers."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symbackprop.algebra.spell import size_node
from symbackprop.algebra.values.evaluate import Evaluator
from symbackprop.algebra.values.exact import Exact
from symbackprop.notation import sizes, tree
from symbackprop.notation.read import Vocabulary, read
from symbackprop.notation.tree import Size

NUMBERS = {"m": 7, "n": 5, "r": 3, "s": 2}

WRITTEN: list[tuple[str, Size]] = [
    ("m - r + 1", "m - r + 1"),
    ("1 + m - r", "m - r + 1"),
    ("-r + (m + 1)", "m - r + 1"),
    ("2 (n - 1) + 1", "2 n - 1"),
    ("n + n", "2 n"),
    ("n * 3 - n", "2 n"),
    ("s + m", "m + s"),
    ("6 - r", "6 - r"),
    ("5", 5),
    ("n - n + 2", 2),
    ("n", "n"),
]


@pytest.mark.parametrize(("text", "size"), WRITTEN)
def test_a_size_is_written_in_one_way(text: str, size: Size) -> None:
    body = read(text, Vocabulary(functions={}, names=None))
    assert sizes.size_of_tree(body) == size
    assert sizes.canonical(*sizes.linear(size)) == size


@pytest.mark.parametrize("text", ["m n", "m / 2", "n^2", "0", "n - n", "1/2", "-3", "[1, 2]"])
def test_what_is_no_size(text: str) -> None:
    assert sizes.size_of_tree(read(text, Vocabulary(functions={}, names=None))) is None


@pytest.mark.parametrize("text", ["", "m +", "m n", "2 3", "+ +", "m - - r", "m & n"])
def test_a_text_that_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no size"):
        sizes.linear(text)


@st.composite
def _forms(draw: st.DrawFn) -> tuple[dict[str, int], int]:
    names = draw(st.lists(st.sampled_from(sorted(NUMBERS)), unique=True))
    return {name: draw(st.integers(-3, 3)) for name in names}, draw(st.integers(-9, 9))


@given(_forms(), _forms())
def test_arithmetic_of_sizes_is_that_of_numbers(
    first: tuple[dict[str, int], int], second: tuple[dict[str, int], int]
) -> None:
    def number(form: tuple[dict[str, int], int]) -> int:
        return form[1] + sum(count * NUMBERS[name] for name, count in form[0].items())

    a, b = sizes.canonical(*first), sizes.canonical(*second)
    for made, expected in (
        (a, number(first)),
        (sizes.add(a, b), number(first) + number(second)),
        (sizes.subtract(a, b), number(first) - number(second)),
        (sizes.combined([(2, a), (-3, b)], 4), 2 * number(first) - 3 * number(second) + 4),
    ):
        assert sizes.replaced(made, NUMBERS) == expected
        assert sizes.canonical(*sizes.linear(made)) == made
        tree_value = Evaluator(Exact(), NUMBERS, {}).evaluate(sizes.size_tree(made), {})
        assert tree_value.item == Fraction(expected)
        if expected >= 1:
            assert sizes.value(made, NUMBERS) == expected
        else:
            with pytest.raises(ValueError, match="size"):
                sizes.value(made, NUMBERS)


@given(_forms())
def test_a_size_comes_back_from_its_tree(form: tuple[dict[str, int], int]) -> None:
    size = sizes.canonical(*form)
    found = sizes.linear_form(sizes.size_tree(size))
    assert found is not None
    assert sizes.canonical(*found) == size


def test_sizes_as_formulas() -> None:
    assert size_node(3) == tree.number(3)
    assert size_node("n") == tree.Name("n")
    expected = tree.Add((tree.Name("m"), tree.Neg(tree.Name("r")), tree.number(1)))
    assert size_node("m - r + 1") == expected
    assert sizes.names("m - r + 1") == ("m", "r")
    with pytest.raises(ValueError, match="m - r is -1 for m = 2, r = 3"):
        sizes.value("m - r", {"m": 2, "r": 3})
