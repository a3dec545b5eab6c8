"""Gradients written out entry by entry, against trees made and printed one by one."""

import re
from collections.abc import Iterator, Mapping
from fractions import Fraction
from itertools import product

import pytest

from symbackprop.algebra import indexform as ix
from symbackprop.algebra.spell import spelled
from symbackprop.algebra.values.arrays import Array
from symbackprop.algebra.values.evaluate import Evaluator
from symbackprop.algebra.values.exact import Exact
from symbackprop.derivation.derive import derive
from symbackprop.derivation.results import style
from symbackprop.derivation.steps import Derivation, Step
from symbackprop.exercise import from_parts, load
from symbackprop.notation import tree
from symbackprop.notation.write import to_latex
from symbackprop.report.instances import entries, instances

LAYER = {"z": "W x + b", "yhat": "sigmoid(z)", "L": "1/2 ||yhat - y||^2"}
BATCH = {"Z": "X W^T + 1 b^T", "Y": "tanh(Z)", "L": "mse(Y, T)"}
TWO_LAYERS = {"h": "sigmoid(W x + b)", "z": "V h - W x", "L": "1/2 ||z - y||^2 + 1/2 l ||W||_F^2"}
MODELS = [
    pytest.param(LAYER, {}, {"n": 3, "k": 2}, id="layer"),
    pytest.param(LAYER, {}, {"n": 1, "k": 4}, id="one input"),
    pytest.param(LAYER, {}, {"n": 3, "k": 1}, id="one neuron"),
    pytest.param(BATCH, {}, {"m": 4, "n": 3, "k": 2}, id="batch"),
    pytest.param(TWO_LAYERS, {"l": []}, {"n": 2, "k": 3}, id="two layers, shared W, penalty"),
]


def derived(model: Mapping[str, str], shapes: Mapping[str, list[str]]) -> Derivation:
    return derive(from_parts(model=model, shapes=shapes))


# --- the slow way: every entry its own tree ------------------------------------------------


def slow_terms(step: Step, at: tuple[int, ...], sizes: Mapping[str, int]) -> Iterator[ix.Term]:
    """The terms of one entry, sums written out, with numbers for all indices."""
    for part in step.substeps:
        free = dict(zip(part.free, at, strict=True))
        for term in part.entry:
            highs = [size if isinstance(size, int) else sizes[size] for _, size in term.bound]
            for places in product(*(range(1, high + 1) for high in highs)):
                bound = {index: place for (index, _), place in zip(term.bound, places, strict=True)}
                inner = ix.Term(term.coefficient, term.factors, term.deltas)
                yield ix.rename_term(inner, {**free, **bound})


def slow_entry(
    step: Step, at: tuple[int, ...], derivation: Derivation, sizes: Mapping[str, int]
) -> tree.Node:
    shapes = derivation.exercise.shapes
    numbers = {name: tree.number(size) for name, size in sizes.items()}

    def bare(node: tree.Node) -> tree.Node:
        if isinstance(node, tree.Index) and isinstance(node.base, tree.Name):
            shape = [sizes.get(str(size), size) for size in shapes[node.base.name]]
            return node.base if all(size == 1 for size in shape) else node
        return tree.rebuild(node, bare)

    node = spelled(tuple(slow_terms(step, at, sizes)), {}, shapes)
    return bare(tree.replace_names(node, numbers))


def slow_matrix(step: Step, derivation: Derivation, sizes: Mapping[str, int]) -> tree.Node:
    shape = tuple(sizes[str(size)] if isinstance(size, str) else size for size in step.shape)
    ranges = [range(1, size + 1) for size in shape]
    if all(size == 1 for size in shape):
        return slow_entry(step, (1,) * len(shape), derivation, sizes)
    if len(shape) == 1:
        return tree.Matrix(tuple((slow_entry(step, (i,), derivation, sizes),) for i in ranges[0]), "column")
    rows = tuple(tuple(slow_entry(step, (i, j), derivation, sizes) for j in ranges[1]) for i in ranges[0])
    return tree.Matrix(rows)


@pytest.mark.parametrize(("model", "shapes", "sizes"), MODELS)
def test_same_text_as_entry_by_entry(
    model: Mapping[str, str], shapes: Mapping[str, list[str]], sizes: Mapping[str, int]
) -> None:
    worked = derived(model, shapes)
    made = instances(worked, sizes)
    shown = style(worked.exercise)
    steps = [step for step in worked.backward if step.rule != "seed"]
    assert set(made) == {"d" + step.target for step in steps}
    assert len(made) >= 5
    for step in steps:
        left = to_latex(tree.Gradient(tree.Name(step.target)), shown)
        expected = to_latex(slow_matrix(step, worked, sizes), shown)
        assert made["d" + step.target] == f"{left} = {expected}"


# --- the slow way is right: its trees evaluated against the derivation's numbers ------------


def test_entries_have_the_values_of_the_gradients() -> None:
    """With numbers: each entry's tree, evaluated, is the entry that the matrix formula gave."""
    worked = derive(load("capa-numerica"))
    known = {name: one.numbers for name, one in worked.quantities.items() if one.numbers is not None}
    working: Evaluator[object] = Evaluator(Exact(100), {}, {}, worked.exercise.kinks)
    looked_at = 0
    for step in worked.backward[1:]:
        numbers = known["d" + step.target]
        for at in product(*(range(1, size + 1) for size in numbers.shape)):
            node = slow_entry(step, at, worked, {})
            env: dict[str, Array[object]] = dict(known)
            assert working.evaluate(node, env).item == numbers.at(*at)
            looked_at += 1
    assert looked_at == 2 + 2 + 2 + 6 + 3


def test_the_notes_neuron() -> None:
    made = instances(derive(load("neurona")))
    assert made["dW"] == r"dW = \begin{pmatrix} dz\,x_1 & dz\,x_2 & dz\,x_3 \end{pmatrix}"
    assert made["dx"] == r"dx = \begin{pmatrix} dz\,w_{11} \\ dz\,w_{12} \\ dz\,w_{13} \end{pmatrix}"
    assert made["db"] == "db = dz"


def test_any_size() -> None:
    """Past nine, indices stand apart; every entry of dW is dz_i x_j, of dx a sum over all neurons."""
    made = instances(derived(LAYER, {}), {"n": 16, "k": 12})
    cells = [
        row.split(" & ")
        for row in made["dW"].partition("} ")[2].removesuffix(r" \end{pmatrix}").split(r" \\ ")
    ]
    assert cells == [[rf"dz_{{{i}}}\,x_{{{j}}}" for j in range(1, 17)] for i in range(1, 13)]
    column = made["dx"].partition("} ")[2].removesuffix(r" \end{pmatrix}").split(r" \\ ")
    for i, entry in enumerate(column, 1):
        assert entry.split(" + ") == [rf"dz_{{{j}}}\,w_{{{j},{i}}}" for j in range(1, 13)]
    assert re.search("[\ue000-\uf8ff]", "".join(made.values())) is None


def test_sums_can_stay() -> None:
    worked = derived(LAYER, {})
    column = r"\begin{pmatrix} \sum_{j=1}^{4} dz_j\,w_{j1} \\ \sum_{j=1}^{4} dz_j\,w_{j2} \end{pmatrix}"
    assert entries(worked, "dx", {"n": 2, "k": 4}, sums=False) == f"dx = {column}"
    assert entries(derive(load("neurona")), "dx", sums=False) == instances(derive(load("neurona")))["dx"]


def test_many_sums_in_one_entry() -> None:
    names = "abcdefghi"
    total = " + ".join(f"{name.upper()} x" for name in names)
    worked = derive(
        from_parts(model={"z": total, "L": "1/2 ||z - y||^2"}, shapes={n.upper(): ["k", "n"] for n in names})
    )
    made = entries(worked, "dx", {"n": 2, "k": 2})
    assert made.count("dz_1") == made.count("dz_2") == 2 * len(names)


def test_a_gradient_that_is_zero() -> None:
    worked = derive(
        from_parts(
            model={"v": "2 u", "z": "w x", "L": "z^2"}, shapes={"u": [2], "w": [], "x": []}, wanted=["u", "w"]
        )
    )
    assert instances(worked)["du"] == r"du = \begin{pmatrix} 0 \\ 0 \end{pmatrix}"


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({}, "n"),
        ({"n": 2}, "k needs a number"),
        ({"n": 2, "k": 0}, "k is a number from 1"),
        ({"n": 2, "k": True}, "k is a number from 1"),
        ({"n": 2, "k": 2, "m": 2}, "no 'm'; the sizes without a number are"),
        ({"n": 2, "k": 10**9}, "k is a number from 1"),
        ({"n": 4096, "k": 4096}, "too long"),
    ],
)
def test_sizes_at_fault(sizes: Mapping[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        instances(derived(LAYER, {}), sizes)


def test_unknown_gradient() -> None:
    with pytest.raises(KeyError, match="dW"):
        entries(derive(load("neurona")), "dw")


def test_values_are_not_touched() -> None:
    """Half and whole coefficients stay exact fractions in the text."""
    worked = derive(from_parts(model={"L": "1/3 sum(x^2)"}, shapes={"x": [2]}))
    assert entries(worked, "dx") == r"dx = \begin{pmatrix} \tfrac23\,x_1 \\ \tfrac23\,x_2 \end{pmatrix}"
    assert worked.step("dx").substeps[0].entry[0].coefficient == Fraction(2, 3)
