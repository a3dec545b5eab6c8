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
        "wrong": view.page(found.formula),
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
    yield Text(f"mistake.{found.mistake}", _places(view, found))


def _places(view: View, remark: Remark) -> dict[str, Part]:
    """What fills `{about}` and `{instead}`."""
    given = {"about": remark.wrong.about, "instead": remark.wrong.instead}
    return {key: view.page(node) for key, node in given.items() if node is not None}


def _argument(view: View, step: Step) -> Iterator[Text]:
    found = view.facts.remarks.arguments.get(step.target)
    if found is None:
        return
    first, second = found.factors
    parts: dict[str, Part] = {
        "product": view.page(found.formula),
        "factors": (view.page(first), view.page(second)),
        "name": tree.Name(step.target),
    }
    yield Text("remark.only_product", parts)
    if step.target == next(iter(view.facts.remarks.arguments)):
        yield Text("remark.no_proof")


def _sizes(sides: Dimensions) -> Node:
    return tree.Sizes(tuple(map(size_node, sides or (1, 1))))
