"""The report's content: what it says is true, formula by formula, and complete."""

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest

from symbackprop.algebra.functions import TABLE
from symbackprop.algebra.values.arrays import Array
from symbackprop.algebra.values.domain import Domain, DomainProblem, EvaluationError, Symbolic
from symbackprop.algebra.values.evaluate import Evaluator
from symbackprop.algebra.values.exact import Exact, bounds
from symbackprop.derivation.derive import derive
from symbackprop.derivation.steps import Derivation
from symbackprop.exercise import from_parts, load
from symbackprop.notation import tree
from symbackprop.notation.tree import Node
from symbackprop.notation.write import to_plain
from symbackprop.report.compose import DETAILS, compose
from symbackprop.report.document import Block, Document, Equation, Heading, Paragraph, Table, Text
from symbackprop.report.facts import Facts
from symbackprop.report.view import View
from symbackprop.report.words import load_words

TWO_LAYERS = from_parts(
    model={
        "z1": "W1 x + b1", "a1": "tanh(z1)", "z2": "W2 a1 + b2", "p": "sigmoid(z2)", "L": "bce(p, y)",
    },
    values={
        "W1": [["1/2", "-1/4"], [1, 2], [-1, "1/2"]], "x": [1, 2], "b1": ["0.1", "-0.2", "0.3"],
        "W2": [[1, -1, 2], ["1/2", 1, -2]], "b2": ["1/2", -1], "y": [1, 0],
    },
    key="two-layers",
)  # fmt: skip
BATCH = from_parts(
    model={
        "Z": "X W^T + 1 b^T", "Yhat": "leaky_relu(Z, slope = 1/10)",
        "L": "mse(Yhat, Y) + 1/2 lambda sum(W^2)",
    },
    values={
        "X": [[1, 2], [3, -1], [0, 1], [2, 2]], "W": [[1, -1], [2, "1/2"], [-1, 1]], "b": [1, 3, -2],
        "Y": [[1, 0, 0], [0, 1, 0], [2, 0, 1], [1, 1, 1]], "lambda": "1/10",
    },
    key="batch",
)  # fmt: skip
HINGE = from_parts(
    model={"z": "W x + b", "s": "identity(z)", "L": "hinge(s, y)"},
    values={"W": [[1, -2], [3, 1]], "x": [2, 1], "b": [1, -2], "y": [1, -1]},
    key="hinge",
)
EXERCISES = [
    *(load(name) for name in ("neurona", "capa", "general", "capa-numerica", "sigmoide")),
    TWO_LAYERS, BATCH, HINGE,
]  # fmt: skip


@pytest.fixture(scope="module", params=EXERCISES, ids=lambda exercise: str(exercise.key))
def derivation(request: pytest.FixtureRequest) -> Derivation:
    return derive(request.param)


CONDITIONS = {"activation.kink", "activation.off_kink"}
"""Sentences about a place where the example is not: their `z = 0` is no claim."""

LETTERS = "pqijlrs"
PLACES = ((1, 1, 1, 1, 1, 1, 1), (1, 2, 2, 1, 2, 1, 2), (2, 1, 1, 2, 2, 2, 1), (2, 2, 2, 1, 1, 2, 2))
"""What the free indices are taken to be; a place outside an array makes its formula unreadable."""


# --- every chain on the page holds ---------------------------------------------------------


def formulas(document: Document) -> Iterator[Node]:
    """Every formula of a document: displays, table cells, and those inside sentences."""
    for block in document.blocks:
        yield from _in_block(block)


def _in_block(block: Block) -> Iterator[Node]:
    if isinstance(block, Equation):
        yield from (line.formula for line in block.lines)
    elif isinstance(block, Paragraph):
        for sentence in block.sentences:
            yield from _in_text(sentence)
    elif isinstance(block, Table):
        for row in block.rows:
            for cell in row:
                yield from [cell] if isinstance(cell, Node) else _in_text(cell)


def _in_text(text: Any) -> Iterator[Node]:
    if isinstance(text, Node):
        yield text
    elif isinstance(text, Text) and text.key not in CONDITIONS:
        for part in text.parts.values():
            yield from _in_text(part)
    elif isinstance(text, tuple):
        for part in text:
            yield from _in_text(part)


class Reader:
    """Evaluates what is on the page with the example's numbers, by the second route's evaluator."""

    def __init__(self, derivation: Derivation) -> None:
        self.derivation = derivation
        view = View(derivation, Facts(derivation), derivation.digits)
        self.loss = derivation.exercise.loss
        own = dict(derivation.exercise.functions)
        for function, letter in view.letters.items():
            row = own.get(function) or TABLE[function]
            given = {key: to_plain(value) for key, value in _options(derivation, function)}
            options = tuple((key, given.get(key, default)) for key, default in row.options)
            convention = row.convention or row.name
            own[letter] = replace(row, name=letter, convention=convention, options=options)
        # n and k of several layers are different numbers: then only formulas without them are read
        layers = derivation.layers if len(derivation.layers) == 1 else ()
        sizes = {n: s for layer in layers for n, s in layer.sizes.items() if isinstance(s, int)}
        self.evaluator: Evaluator[Any] = Evaluator(Exact(256), sizes, own, derivation.exercise.kinks)
        self.env = {k: q.numbers for k, q in derivation.quantities.items() if q.numbers is not None}

    def value(self, node: Node, indices: dict[str, int]) -> Array[Any] | None:
        """The value of one member of a chain, or None where it is no formula of numbers."""
        table: dict[str, Node] = {name: tree.number(at) for name, at in indices.items()}
        plain = self.prepared(tree.replace_names(node, table))
        try:
            return self.evaluator.evaluate(plain, self.env)
        except (Symbolic, EvaluationError, DomainProblem, IndexError, KeyError):
            return None

    def prepared(self, node: Node) -> Node:
        """`w_i` as the entry of the one row of W; L(ŷ, y) as L; e^u as exp(u)."""
        shapes = self.derivation.exercise.shapes
        if isinstance(node, tree.Call) and node.function == self.loss:
            return tree.Name(self.loss)
        if isinstance(node, tree.Power) and node.base == tree.Constant("e"):
            return tree.Call("exp", (self.prepared(node.exponent),))
        if isinstance(node, tree.Index) and isinstance(node.base, tree.Name):
            name = node.base.name
            if name not in shapes and name.upper() in shapes and len(node.places) == 1:
                return tree.Index(tree.Name(name.upper()), (tree.number(1), *node.places))
        return tree.rebuild(node, self.prepared)


def _options(derivation: Derivation, function: str) -> tuple[tuple[str, Node], ...]:
    for step in derivation.forward:
        for part in tree.walk(step.formula):
            if isinstance(part, tree.Call) and part.function == function:
                return part.options
    return ()


def chains(node: Node) -> Iterator[tree.Chain]:
    """The chains in a formula. A box of a chain at the start of a chain continues it."""
    if isinstance(node, tree.Chain):
        first, *rest = node.members
        inner = first.body if isinstance(first, tree.Box) else None
        if isinstance(inner, tree.Chain):
            members = (*inner.members, *rest)
            yield tree.Chain(members, (*inner.relations, *node.relations))
            return
        yield node
    elif isinstance(node, tree.Box | tree.Row | tree.Brace | tree.Coloured):
        for child in tree.children(node):
            yield from chains(child)


def differ(first: Array[Any], second: Array[Any], exact: bool) -> bool:
    """Whether two values are certainly not the same, or not within what rounding allows."""
    if 1 in (len(first.entries), len(second.entries)):  # a number stands for every entry
        size = max(len(first.entries), len(second.entries))
        first, second = (Array((size,), (a.entries * size)[:size]) for a in (first, second))
    if len(first.entries) != len(second.entries):
        return True
    domain: Domain[Any] = Exact(256)
    for a, b in zip(first.entries, second.entries, strict=True):
        gap = domain.sub(a, b)
        if domain.is_zero(gap):
            continue
        try:
            low, high = bounds(gap)
            around = max(abs(end) for end in (*bounds(a), *bounds(b)))
        except Symbolic:
            return True
        room = Fraction(1, 10**60) if exact else Fraction(1, 1000) * max(around, Fraction(1))
        if low > room or high < -room:
            return True
    return False


def test_every_chain_holds(derivation: Derivation) -> None:
    """Neighbouring members of every chain that have a value have the same one."""
    reader = Reader(derivation)
    compared = 0
    claims = [chain for formula in formulas(compose(derivation)) for chain in chains(formula)]
    for places in PLACES:
        names = derivation.exercise.shapes
        letters = {k: v for k, v in zip(LETTERS, places, strict=True) if k not in names}
        for chain in claims:
            if not set(chain.relations) <= {"=", "≈", "∈"}:
                continue
            exact = all(relation != "≈" for relation in chain.relations)
            values = [reader.value(member, letters) for member in chain.members]
            for first, second in pairwise([value for value in values if value is not None]):
                assert not differ(first, second, exact), (to_plain(chain), letters)
                compared += 1
    valued = [q for q in derivation.quantities.values() if q.numbers is not None and q.target != reader.loss]
    assert compared >= 10 * len(valued), compared


def test_a_wrong_page_would_be_seen() -> None:
    """The check above has teeth: one sign changed in the page's formulas is found."""
    made = derive(load("capa-numerica"))
    reader = Reader(made)
    right = tree.equation(tree.Gradient(tree.Name("x")), made.step("dx").formula)
    wrong = tree.equation(tree.Gradient(tree.Name("x")), tree.Neg(made.step("dx").formula))
    for chain, expected in ((right, False), (wrong, True)):
        first, second = (reader.value(member, {}) for member in chain.members)
        assert first is not None
        assert second is not None
        assert differ(first, second, True) is expected


WIDE = from_parts(
    model={"z": "W x + b", "yhat": "sigmoid(z)", "L": "1/2 ||yhat - y||^2"},
    values={
        "W": [[Fraction(i - 2 * j, 4) for i in range(12)] for j in range(10)],
        "x": [1 + i for i in range(12)], "b": list(range(10)), "y": [1] * 10,
    },
    key="wide",
)  # fmt: skip
NINE = from_parts(
    model={"z": "W x", "L": "1/2 (z - y)^2"},
    values={"W": [list(range(1, 10))], "x": list(range(1, 10)), "y": [1]},
    key="nine",
)
DEEP = from_parts(
    model={
        **{f"{kind}{i}": text for i in range(1, 11) for kind, text in (
            ("z", f"W{i} h{i - 1} + b{i}"), ("h", f"relu(z{i})"),
        )},
        "L": "1/2 ||h10 - y||^2",
    },
    wanted=["W1", "W10", "h0"],
    key="deep",
)  # fmt: skip


@pytest.mark.parametrize("exercise", [WIDE, NINE, DEEP], ids=lambda exercise: str(exercise.key))
def test_more_than_fits_on_a_page_is_abbreviated(exercise: Any) -> None:
    """Matrices of more than eight rows or columns, and many sizes without numbers."""
    made = derive(exercise)
    for detail in DETAILS:
        for node in _nodes(compose(made, detail=detail).blocks):
            if isinstance(node, tree.Matrix):
                assert len(node.rows) <= 8
                assert max(map(len, node.rows)) <= 8


# --- what must be there ----------------------------------------------------------------------


def headings(document: Document) -> list[str]:
    return [block.text.key for block in document.blocks if isinstance(block, Heading)]


def test_sections_of_the_notes_example() -> None:
    document = compose(derive(load("neurona")))
    assert headings(document) == [
        "given.title", "forward.title", "loss.title", "activation.title", "backward.title", "levels.title",
        "summary.title", "checks.title", "code.title",
    ]  # fmt: skip


def test_many_neurons_have_a_section_of_their_own() -> None:
    assert "layer.title" in headings(compose(derive(load("capa")), detail="student"))


@pytest.mark.parametrize("detail", DETAILS)
def test_every_gradient_is_in_every_detail(detail: str, derivation: Derivation) -> None:
    """No level of detail loses a gradient: it stands in a display, a table or an answer box."""
    document = compose(derivation, detail=detail)
    shown = {part for block in document.blocks for part in _nodes(block)}
    for step in derivation.backward:
        if step.rule != "seed":
            assert tree.Gradient(tree.Name(step.target)) in shown, step.target


def _nodes(value: Any) -> Iterator[Node]:
    if isinstance(value, Node):
        yield from tree.walk(value)
    elif isinstance(value, tuple):
        for part in value:
            yield from _nodes(part)
    elif hasattr(value, "__dataclass_fields__"):
        for name in value.__dataclass_fields__:
            yield from _nodes(getattr(value, name))


def test_worksheet_gives_nothing_away() -> None:
    """The student's sheet has no value that the data do not have, and no formula of a gradient."""
    made = derive(load("capa-numerica"))
    document = compose(made, detail="worksheet")
    given = {v for name in made.exercise.given for v in made.exercise.values[name].entries}
    for block in document.blocks:
        for node in _nodes(block):
            if isinstance(node, tree.Number) and node.value > 3:
                assert node.value in given or -node.value in given
    text = " ".join(str(block) for block in document.blocks)
    assert str(made.step("dx").formula) not in text


def test_every_sentence_has_its_words(derivation: Derivation) -> None:
    for language in ("es", "en"):
        words = load_words(language)
        for detail in DETAILS:
            for text in _texts(compose(derivation, detail=detail)):
                places = set(words.places(text.key)) - {"count"}
                assert {p for p in places if not p.startswith("section:")} <= set(text.parts), text.key


def _texts(value: Any) -> Iterator[Text]:
    if isinstance(value, Text):
        yield value
        for part in value.parts.values():
            yield from _texts(part)
    elif isinstance(value, tuple):
        for part in value:
            yield from _texts(part)
    elif hasattr(value, "__dataclass_fields__") and not isinstance(value, Node):
        for name in value.__dataclass_fields__:
            yield from _texts(getattr(value, name))


def test_convention_is_said_when_the_example_sits_on_the_kink() -> None:
    """z = 0: the report must say that its numbers depend on the convention."""
    for slope, expected in ((1, "-4"), ("1/2", "-2"), (0, "0")):
        exercise = from_parts(
            model={"z": "w x + b", "yhat": "relu(z)", "L": "1/2 (yhat - y)^2"},
            values={"w": 2, "x": 3, "b": -6, "y": 4},
            kinks={"relu": {"0": slope}},
        )
        made = derive(exercise)
        assert made.quantities["dz"].numbers is not None
        assert made.quantities["dz"].numbers.item == Fraction(expected)
        keys = {text.key for text in _texts(compose(made))}
        assert "activation.on_kink" in keys
        assert "activation.off_kink" not in keys
        assert any(check.kind == "kink" for check in made.checks)


# --- what a reader stumbled over once --------------------------------------------------------


def _lines(document: Document) -> list[str]:
    return [to_plain(line.formula) for block in document.blocks if isinstance(block, Equation)
            for line in block.lines]  # fmt: skip


def _of(model: dict[str, str], values: dict[str, Any], **more: Any) -> Document:
    return compose(derive(from_parts(model=model, values=values, key="x", **more)))


def test_a_size_that_is_one_gets_no_letter() -> None:
    """`w^T x` gives one number: no `1 = 1`, no sum up to 1, no levels."""
    document = _of(
        {"s": "w^T x + b", "L": "hinge(s, y)"},
        {"w": ["1/2", -1], "x": [1, 1], "b": "1/4", "y": -1},
        shapes={"b": []},
    )
    (sizes,) = [text.parts["sizes"] for text in _texts(document) if text.key == "given.sizes"]
    assert isinstance(sizes, tuple)
    assert [to_plain(size) for size in sizes if isinstance(size, Node)] == ["n = 2"]
    labels = {block.label for block in document.blocks if isinstance(block, Heading)}
    assert "levels" not in labels


def test_layers_that_differ_in_names_are_shown_once() -> None:
    document = compose(derive(TWO_LAYERS))
    assert [text.key for text in _texts(document)].count("levels.stack") == 1
    assert "levels.same" in {text.key for text in _texts(document)}
    tables = [block for block in document.blocks if isinstance(block, Table)]
    ledger = next(block for block in tables if block.columns[0].key == "ledger.formula")
    assert len(ledger.columns) == 3  # no k and n that would mean another thing in each row


def test_a_negative_number_that_is_added_stands_in_brackets() -> None:
    values = {"w": [1, 2], "x": [3, 1], "b": -1, "y": 1}
    document = _of({"z": "w^T x + b", "L": "1/2 (z - y)^2"}, values, shapes={"b": []})
    first = next(line for line in document.blocks if isinstance(line, Equation) and "z" in _names(line))
    product = next(p for p in tree.walk(first.lines[0].formula) if _is_braced(p, "b"))
    assert isinstance(product, tree.Brace)
    assert isinstance(product.body, tree.Bracket)


def _names(block: Equation) -> set[str]:
    made = block.lines[0].formula
    return set(tree.names_in(made)) if any(isinstance(p, tree.Brace) for p in tree.walk(made)) else set()


def _is_braced(node: Node, name: str) -> bool:
    return isinstance(node, tree.Brace) and node.label == tree.Name(name)


def test_powers_are_worked_out_from_unrounded_numbers() -> None:
    """(−0,360765 − 1)² is 1,8517; from the number as it is shown it would be 1,8518."""
    values = {"W": [[1, -1], ["1/2", "1/2"]], "x": [1, "1/2"], "b": [0, 0], "v": [1, -2], "y": 1}
    model = {"z": "W x + b", "a": "bump(z)", "yhat": "v^T a", "L": "squared_error(yhat, y)"}
    document = _of(model, values, functions={"bump": "exp(-u^2)"})
    assert not any("1.8518" in line for line in _lines(document))
    assert any("1.8517" in line for line in _lines(document))


def test_exact_data_stand_behind_an_equals_sign() -> None:
    """Only the last step of `logits = … ≈ 2,6667·…` is rounded."""
    document = _of({"z": "W x", "L": "1/2 ||z||^2"}, {"W": [["1/3", "0.001"], [1, 2]], "x": [1, 1]})
    forward = next(
        f for f in formulas(document) if isinstance(f, tree.Box) and isinstance(f.body, tree.Chain)
    )
    assert isinstance(forward.body, tree.Chain)
    assert forward.body.relations == ("=", "=", "≈")


def test_a_rounded_array_has_no_fractions() -> None:
    view_of = Facts(derive(BATCH))
    view = View(view_of.derivation, view_of)
    third = view.array(Array((3,), (Fraction(1, 3), Fraction(1, 7919), Fraction(2))))
    assert [to_plain(cell) for (cell,) in third.rows] == ["0.3333", "0.0001", "2"]  # type: ignore[attr-defined]
    exact = view.array(Array((2,), (Fraction(1, 3), Fraction(1, 2))))
    assert [to_plain(cell) for (cell,) in exact.rows] == ["1 / 3", "0.5"]  # type: ignore[attr-defined]


def test_a_shared_weight_is_no_input_that_feeds_all_neurons() -> None:
    texts = _texts(compose(derive(BATCH)))
    assert "levels.feeds_some" in {text.key for text in texts}
    assert "levels.feeds_all" not in {text.key for text in texts}


def test_what_a_loss_is_made_of_is_defined() -> None:
    lines = _lines(_of({"s": "W x", "L": "bce_logits(s, y)"}, {"W": [[1, 2]], "x": [1, 1], "y": [1]}))
    assert any("softplus(u) = log(1 + e^u)" in line for line in lines)
    heading = next(
        b for b in compose(derive(HINGE)).blocks if isinstance(b, Heading) and b.label == "activation"
    )
    assert isinstance(heading.text, Text)
    assert heading.text.key == "activation.title_functions"


def test_a_flat_activation_is_said_to_stop_the_gradient() -> None:
    keys = {text.key for text in _texts(compose(derive(load("capa-numerica"))))}
    assert "backward.zero_slope" in keys


@pytest.mark.parametrize(
    ("loss", "s", "y", "kink"),
    [("absolute_error(s, y)", 3, 3, "abs"), ("hinge(s, y)", 1, 1, "hinge"), ("sum(max(s, y))", 2, 2, "max")],
)
def test_a_loss_on_its_kink_is_said(loss: str, s: int, y: int, kink: str) -> None:
    """The kink of a loss stands in its gradient only, and must not be missed."""
    exercise = from_parts(model={"s": "w x", "L": loss}, values={"w": [[1, 1]], "x": [s - 1, 1], "y": [y]})
    made = derive(exercise)
    keys = {text.key for text in _texts(compose(made))}
    assert "activation.on_kink" in keys, kink
    assert "checks.convention_how_on" in keys
    assert any(check.kind == "kink" for check in made.checks)
