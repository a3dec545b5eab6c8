"""Arrays: shapes, places, transposition."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symbackprop.algebra.values.arrays import Array

shapes = st.one_of(
    st.just(()),
    st.tuples(st.integers(1, 5)),
    st.tuples(st.integers(1, 4), st.integers(1, 4)),
    st.lists(st.integers(1, 3), min_size=3, max_size=4).map(tuple),
)


@st.composite
def arrays(draw: st.DrawFn) -> Array[int]:
    shape = draw(shapes)
    size = 1
    for length in shape:
        size *= length
    return Array(shape, tuple(draw(st.lists(st.integers(), min_size=size, max_size=size))))


@given(arrays())
def test_nested_and_back(array: Array[int]) -> None:
    assert Array.from_nested(array.nested()) == array


@given(arrays())
def test_places_walk_the_entries_in_order(array: Array[int]) -> None:
    assert [array.at(*place) for place in array.places()] == list(array.entries)


@given(arrays())
def test_transposing_swaps_the_indices(array: Array[int]) -> None:
    if len(array.shape) > 2:
        with pytest.raises(ValueError, match="no transpose"):
            array.transposed()
        return
    flipped = array.transposed()
    for place in array.places():
        moved = place[::-1] if len(place) == 2 else (1, *place) if place else ()
        assert flipped.at(*moved) == array.at(*place)


@given(arrays(), st.integers())
def test_replacing_changes_one_entry(array: Array[int], value: int) -> None:
    for place in array.places():
        changed = array.replaced(place, value)
        assert changed.at(*place) == value
        assert sum(a != b for a, b in zip(changed.entries, array.entries, strict=True)) <= 1


def test_rows_and_columns() -> None:
    array = Array.from_nested([[1, 2, 3], [4, 5, 6]])
    assert list(array.rows()) == [(1, 2, 3), (4, 5, 6)]
    assert array.columns() == [(1, 4), (2, 5), (3, 6)]
    assert array.map(Fraction).at(2, 1) == 4


@pytest.mark.parametrize("nested", [[[1, 2], [3]], [1, [2]], [[[1]], [2]], [[1], 2], [[[[[1]]]]]])
def test_ragged_is_refused(nested: object) -> None:
    with pytest.raises(ValueError, match=r"rows|brackets|numbers"):
        Array.from_nested(nested)


def test_four_indices_run_the_last_one_fastest() -> None:
    array = Array.from_nested([[[[1, 2]], [[3, 4]], [[5, 6]]]])
    assert array.shape == (1, 3, 1, 2)
    assert array.at(1, 2, 1, 2) == 4
    assert [part.shape for part in array.parts()] == [(3, 1, 2)]
    assert list(array.rows()) == [(1, 2), (3, 4), (5, 6)]


@pytest.mark.parametrize("place", [(0, 1), (3, 1), (1, 4), (1,), ()])
def test_outside_is_an_index_error(place: tuple[int, ...]) -> None:
    with pytest.raises(IndexError):
        Array.from_nested([[1, 2, 3], [4, 5, 6]]).at(*place)


def test_the_number_of_entries_must_fit() -> None:
    with pytest.raises(ValueError, match="needs 6 entries"):
        Array((2, 3), (1, 2))
    with pytest.raises(ValueError, match="no single number"):
        _ = Array((2,), (1, 2)).item
