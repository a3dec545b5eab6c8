"""In small type under a gradient: a frequent mistake, and how to remember the formula."""

from __future__ import annotations

from collections.abc import Iterator

from symbackprop.algebra.spell import size_node
from symbackprop.derivation.dimensions import Dimensions
from symbackprop.derivation.remarks import Remark
from symbackprop.derivation.steps import Step
from symbackprop.notation import tree
from symbackprop.notation.tree import Node
from symbackprop.report.document import Block, Note, Part, Text
from symbackprop.report.view import View


def remarks(view: View, step: Step) -> Iterator[Block]:
    """One note for a gradient, or nothing."""
    sentences = (*_mistake(view, step), *_argument(view, step))
    if sentences:
        yield Note(sentences=sentences)


def _mistake(view: View, step: Step) -> Iterator[Text]:
    found = view.facts.remarks.mistakes.get(step.target)
    if found is None:
        return
    parts: dict[str, Part] = {
        "gradient": view.symbol("d" + step.target),
        "wrong": _stated(view, step, found.formula),
        "name": tree.Name(step.target),
    }
    if found.verdict == "misfit":
        factors = tuple(tree.Bracket(_sizes(part)) for part in found.parts)
        parts["sizes"] = tree.Product(factors, (found.sign,) * (len(factors) - 1))
        yield Text("remark.misfit", parts)
    elif found.verdict == "dimensions":
        yield Text("remark.dimensions", {**parts, "got": _sizes(found.got), "wanted": _sizes(found.wanted)})
    elif found.got is None or found.got == (1, 1):
        yield Text("remark.value", parts)
    else:
        yield Text("remark.value_fits", {**parts, "got": _sizes(found.got)})
    yield Text(_why(view, found), _places(view, found))


def _why(view: View, found: Remark) -> str:
    """The key of what is wrong; inner and outer products are of vectors, X dKᵀ is neither."""
    named = [name for name in tree.names_in(found.formula) if name in view.derivation.exercise.shapes]
    vectors = all(len(view.shape(name)) < 2 for name in named)
    if found.mistake == "inner_for_outer" and not vectors:
        return "remark.other_transposed"
    return f"mistake.{found.mistake}"


def _stated(view: View, step: Step, formula: Node) -> Node:
    """The formula; of an array by its entries the whole statement, for `[…]_pq` says it badly."""
    left, right = tree.stated(view.symbol("d" + step.target), view.page(formula))
    return tree.equation(left, right) if isinstance(formula, tree.Entrywise) else right


def _places(view: View, remark: Remark) -> dict[str, Part]:
    """What fills `{about}` and `{instead}`."""
    given = {"about": remark.wrong.about, "instead": remark.wrong.instead}
    return {key: view.page(node) for key, node in given.items() if node is not None}


def _argument(view: View, step: Step) -> Iterator[Text]:
    found = view.facts.remarks.arguments.get(step.target)
    if found is None:
        return
    if step.target not in _first_of_form(view):
        return  # it has been said of a formula of the same form
    first, second = found.factors
    parts: dict[str, Part] = {
        "product": view.page(found.formula),
        "factors": (view.page(first), view.page(second)),
        "name": tree.Name(step.target),
    }
    yield Text("remark.only_product", parts)
    if step.target == next(iter(view.facts.remarks.arguments)):
        yield Text("remark.no_proof")


def _first_of_form(view: View) -> frozenset[str]:
    """The targets whose formula is the first of its form: `dW_2 = dz_2 a_1ᵀ`, and not dW_1 after it."""
    seen: dict[Node, str] = {}
    for target, found in view.facts.remarks.arguments.items():
        names = tree.names_in(found.formula)
        table: dict[str, Node] = {name: tree.Name(f"#{place}") for place, name in enumerate(names)}
        seen.setdefault(tree.replace_names(found.formula, table), target)
    return frozenset(seen.values())


def _sizes(sides: Dimensions) -> Node:
    return tree.Sizes(tuple(map(size_node, sides or (1, 1))))
