"""What matrices say badly: arrays given by their entries, as in a convolution, with one entry worked out."""

from __future__ import annotations

from collections.abc import Iterator

from symbackprop.algebra.indexform import Expr, entries
from symbackprop.algebra.spell import size_node, spelled
from symbackprop.derivation.steps import Contribution, Step
from symbackprop.notation import tree
from symbackprop.notation.tree import Node, equation, times
from symbackprop.report.document import Text
from symbackprop.report.unfold import unfolded
from symbackprop.report.view import EXAMPLE, View, chain


def is_indexed(step: Step) -> bool:
    """Whether a formula is an array given by its entries."""
    return isinstance(step.formula, tree.Entrywise)


def gradient_lines(view: View, step: Step) -> list[Node]:
    """`dK_pq = Σ_i Σ_j dz_ij ∂z_ij/∂K_pq`, then what is left of it, one entry with numbers, and all."""
    symbol = view.symbol("d" + step.target)
    left, body = tree.stated(symbol, view.page(step.formula))
    lines: list[Node] = []
    if len(step.substeps) == 1 and step.rule != "loss":
        lines.append(_with_deltas(view, step.substeps[0], left))
    lines.append(tree.Box(equation(left, body)))
    value = view.value("d" + step.target)
    if value is None:
        return lines
    worked = _one_entry(view, step)
    sign = view.relation("d" + step.target)
    if worked is not None:
        lines.append(worked)
        return [*lines, tree.Chain((symbol, value), (sign,), (None,))]
    return [*lines, tree.Chain((symbol, value), (sign,), (EXAMPLE,))]


def _with_deltas(view: View, made: Contribution, left: Node) -> Node:
    return equation(left, chain_rule(view, made, made.jacobian))


def chain_rule(view: View, made: Contribution, derivative: Expr) -> Node:
    """`Σ_j ∂L/∂z_j · ∂z_j/∂w_pq`, with dz_j and the derivative in braces under the two factors."""
    letters = dict(view.facts.letters_for(made))
    by = view.entry_name(made.target, made.free)
    through = view.entry_name(made.through, tuple(letters[axis] for axis in made.summed))
    arriving = tree.Brace(tree.Derivative(tree.Name(view.loss), through), tree.Gradient(through))
    factor = view.page(spelled(derivative, letters, avoid=view.derivation.exercise.shapes))
    body: Node = times(arriving, tree.Brace(tree.Derivative(through, by), factor))
    for axis, size in reversed(list(zip(made.summed, view.shape(made.through), strict=True))):
        if size != 1:
            body = tree.Sum(letters[axis], tree.number(1), size_node(size), body)
    return body


def _one_entry(view: View, step: Step) -> Node | None:
    """`dK_11 = 4·1 + 0·2 + … = 82`: the first entry that has numbers and a sum of several terms."""
    numbers = view.numbers("d" + step.target)
    if numbers is None or len(step.substeps) != 1:
        return None
    made = step.substeps[0]
    return worked_entry(view, "d" + step.target, step.target, made.entry, made.free, gradient=True)


def worked_entry(
    view: View, key: str, target: str, expr: Expr, axes: tuple[str, ...], *, gradient: bool
) -> Node | None:
    """One entry of an array with its sum written out; None where a symbol is in the way."""
    numbers = view.numbers(key)
    if numbers is None:
        return None
    for place in list(numbers.places())[:9]:
        try:
            terms = unfolded(expr, dict(zip(axes, place, strict=True)), view.entry_value)
        except ValueError:
            return None
        terms = [term for term in terms if term.node != tree.number(0)]
        if not terms:
            continue
        left = view.entry_name(target, place, gradient)
        first, *rest = (term.node for term in terms)
        value, exact = view.facts.shown(numbers.at(*place), view.digits)
        used = (
            ("d" if entry.gradient else "") + entry.name for term in terms for entry in entries(term.term)
        )
        inside = view.relation(*dict.fromkeys(used))
        total = tree.plus(first, *rest)
        last: tree.Relation = "=" if exact and inside == "=" else "≈"
        return chain(left, total, value, relations=(inside, last), over=(EXAMPLE, None))
    return None


def reasons(view: View, made: Contribution) -> Iterator[Text]:
    """Why: the deltas say where the entry stands, and use the sums up."""
    letters = dict(view.facts.letters_for(made))
    parts = {
        "entry": view.entry_name(made.target, made.free),
        "through": view.entry_name(made.through, tuple(letters[axis] for axis in made.summed)),
    }
    guarded = any(term.guards for term in made.entry)
    yield Text("reason.indexed_guarded" if guarded else "reason.indexed", parts)


def forward_lines(view: View, step: Step) -> list[Node]:
    """`z_ij = Σ_a Σ_b K_ab x_{i+a−1,j+b−1}`, one entry with numbers, and the whole array in its box."""
    name: Node = tree.Name(step.target)
    left, body = tree.stated(name, view.page(step.formula))
    lines: list[Node] = [equation(left, body)]
    value = view.value(step.target)
    if value is None:
        return lines
    tensor = view.facts.tensor(step.target)
    worked = worked_entry(view, step.target, step.target, tensor.expr, tensor.axes, gradient=False)
    if worked is not None:
        lines.append(worked)
    sign = view.relation(step.target)
    lines.append(chain(name, tree.Box(value), relations=(sign,), over=(None if worked else EXAMPLE,)))
    return lines
