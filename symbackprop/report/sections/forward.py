"""The forward pass: each equation in symbols, then with its numbers in board order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import partial

from symbackprop import limits
from symbackprop.algebra import indexform as ix
from symbackprop.algebra.spell import spelled
from symbackprop.derivation.steps import Step
from symbackprop.notation import tree
from symbackprop.notation.tree import Node, equation
from symbackprop.report.document import Block, Equation, Heading, Line, Paragraph, Text
from symbackprop.report.sections.deep import repeated, repeats
from symbackprop.report.sections.indexed import forward_lines, is_indexed
from symbackprop.report.unfold import LONGEST, Unfolded, Worked, unfolded
from symbackprop.report.view import EXAMPLE, View, chain


def forward(view: View, *, reasons: bool = True, short: bool = False) -> Iterator[Block]:
    """Every computed name, from the inputs to the loss; of a deep net a `short` one tables what repeats."""
    later = repeated(view) if short else frozenset()
    steps = view.derivation.forward
    anything = any(view.value(step.target) is not None for step in steps)
    yield Heading(text=Text("forward.title"), label="forward")
    if reasons:
        yield Paragraph(sentences=(Text("forward.numbers" if anything else "forward.symbols"),))
    for group in _side_by_side(view, [step for step in steps if step.target not in later]):
        if later and steps.index(group[0]) > min(at for at, one in enumerate(steps) if one.target in later):
            yield from repeats(view)
            later = frozenset()
        if is_indexed(group[0]):
            yield Equation(lines=tuple(Line(formula=line) for line in forward_lines(view, group[0])))
            continue
        formulas = tuple(one(view, step) for step in group)
        formula = formulas[0] if len(formulas) == 1 else tree.Row(formulas, "quad")
        yield Equation(lines=(Line(formula=formula),))


def _side_by_side(view: View, steps: Sequence[Step]) -> list[list[Step]]:
    """Short lines stand in pairs: `ŷ = g(z) = 1` beside `L = 8`."""
    groups: list[list[Step]] = []
    for step in steps:
        short = _is_short(view, step) and not is_indexed(step)
        if short and groups and len(groups[-1]) == 1 and _is_short(view, groups[-1][0]):
            groups[-1].append(step)
        else:
            groups.append([step])
    return groups


def _is_short(view: View, step: Step) -> bool:
    """One number from few numbers."""
    if view.value(step.target) is None or not view.lone(step.target):
        return False
    product = step.target != view.loss and view.facts.has_products(step.target)
    return not product and all(view.lone(name) for name in view.used(step.formula))


def one(view: View, step: Step) -> Node:
    """The line of one equation: formula, numbers put in, result in a box."""
    target = step.target
    left: Node = view.loss_call() if target == view.loss else tree.Name(target)
    value = view.value(target)
    if value is None or view.expanded(target):
        return _symbolic(view, step, left)
    if target != view.loss and view.facts.has_products(target):
        made = _product_line(view, step, left, value)
        return tree.Box(made)
    return _plain_line(view, step, left, value)


def _symbolic(view: View, step: Step, left: Node) -> Node:
    """No number for the whole: the formula, and the entry where that says more."""
    body = view.loss_formula() if step.target == view.loss else [view.page(step.formula)]
    tensor = view.facts.tensor(step.target)
    letters = dict(zip(tensor.axes, "jlrt", strict=False))
    members = [left, *body]
    if step.target == view.loss:
        numbers = _entries_with_numbers(view, step)
        if numbers is not None:
            signs: list[tree.Relation] = ["="] * (len(body) + 1)
            over = (*((None,) * len(body)), EXAMPLE)
            return chain(*members, tree.Box(numbers), relations=tuple(signs), over=over)
        in_sums = _factor_first(view.page(view.spelled(step.target, {})))
        named = isinstance(step.formula, tree.Call)  # a named loss is written out already
        return equation(*members) if named or in_sums in members else equation(*members, in_sums)
    if not view.lone(step.target) or view.facts.has_products(step.target):
        places = tuple(letters[axis] for axis in tensor.axes)
        entry = view.entry_name(step.target, places)
        written = view.page(view.spelled(step.target, letters))
        return tree.Row((equation(*members), equation(entry, written)), "quad")
    return equation(*members)


def _factor_first(node: Node) -> Node:
    """`½ Σ …` for `Σ ½ …`."""
    if isinstance(node, tree.Sum) and isinstance(node.body, tree.Product) and not any(node.body.signs):
        first, *rest = node.body.factors
        if isinstance(first, tree.Quotient | tree.Number) and not tree.names_in(first):
            return tree.juxtaposed(first, replace(node, body=tree.juxtaposed(*rest)))
    return node


def _entries_with_numbers(view: View, step: Step) -> Node | None:
    """The loss with what numbers there are, where another symbol stays."""
    if not any(view.value(name) is not None for name in view.used(step.formula)):
        return None
    terms = _unfolded(view, step.target, ())
    return None if terms is None else tree.plus(*(term.node for term in terms))


def _plain_line(view: View, step: Step, left: Node, value: Node) -> Node:
    """`ŷ = g(z) = max(1, 0) = 1`, `L = ½(1 − 5)² = ½·16 = 8`."""
    body = view.loss_formula() if step.target == view.loss else [view.page(step.formula)]
    members: list[Node] = [left, *body[-1:]] if step.target != view.loss else [left]
    rounded = False  # whether the last member has been worked out to fewer digits than it has
    if step.target == view.loss:
        written = _loss_numbers(view, step) or [view.with_numbers(body[-1])]
        members += [part for part in written if not view.too_wide(part)] or body[-1:]
    else:
        compact = view.facts.compact(step.formula)
        bare = tree.undressed(step.formula)
        single = isinstance(bare, tree.Call) and len(bare.args) == 1  # max(2, −1) says enough by itself
        if compact is not None and view.lone(step.target) and single:
            members.append(view.with_numbers(view.page(compact)))
        elif view.lone(step.target):
            members.append(view.page(view.with_numbers(step.formula)))
        else:
            worked = _composed(view, step)
            members += worked
            rounded = bool(worked) and not _shown_exactly(view, step.formula)
    symbols = 0 if step.target == view.loss else len(body)
    inside = view.relation(*view.used(step.formula))
    relations: list[tree.Relation] = ["=" if at < symbols else inside for at in range(len(members) - 1)]
    if rounded or (len(members) > 2 and step.target == view.loss and not _exact_powers(view, step)):
        relations[-1] = "≈"
    last: tree.Relation = "≈" if "≈" in (inside, view.relation(step.target)) else "="
    relations.append(last)
    return chain(*members, tree.Box(value), relations=tuple(relations))


def _composed(view: View, step: Step) -> list[Node]:
    """`g(W x + b)` with numbers in, and with its argument worked out."""
    formula = step.formula
    if not isinstance(formula, tree.Call) or len(formula.args) != 1 or isinstance(formula.args[0], tree.Name):
        return []
    (inner,) = formula.args
    made = view.facts.evaluated(inner)
    if made is None:
        return []
    name = view.letters.get(formula.function, formula.function)
    return [
        tree.Call(name, (arg,), formula.options)
        for arg in (view.page(view.with_numbers(inner)), view.array(made))
    ]


def _shown_exactly(view: View, formula: Node) -> bool:
    """Whether the argument of a function, worked out, has no more digits than the page shows."""
    made = view.facts.evaluated(formula.args[0]) if isinstance(formula, tree.Call) else None
    return made is None or all(view.facts.shown(value, view.digits)[1] for value in made.entries)


def _loss_numbers(view: View, step: Step) -> list[Node] | None:
    """`½ (1 − 5)²` and, with the squares worked out, `½ · 16`."""
    pair: list[Node] = []
    for longest in (LONGEST, 3, 2):
        found = [_unfolded(view, step.target, (), how, longest) for how in (None, partial(_worked, view))]
        pair = [tree.plus(*(term.node for term in made)) for made in found if made is not None]
        if len(pair) < len(found):
            return None
        if not view.too_wide(pair[0]):
            break
    return pair


def _worked(view: View, power: ix.Power) -> Node | None:
    """`16` for `(1 − 5)²`, from the numbers as they are and not as they are shown."""
    if ix.number_of(power.exponent) is None:
        return None
    value = view.facts.evaluated(spelled((ix.Term(Fraction(1), (power,)),), {}))
    if value is None or len(value.entries) != 1 or view.facts.sign(value.entries[0]) is None:
        return None
    return view.entry(value.entries[0])


def _exact_powers(view: View, step: Step) -> bool:
    """Whether every power in an equation, worked out, is exact on the page."""
    exact = True

    def note(power: ix.Power) -> Node | None:
        nonlocal exact
        value = view.facts.evaluated(spelled((ix.Term(Fraction(1), (power,)),), {}))
        if value is not None and not all(view.facts.shown(v, view.digits)[1] for v in value.entries):
            exact = False
        return None

    _unfolded(view, step.target, (), note)
    return exact


def _unfolded(
    view: View,
    name: str,
    places: tuple[int, ...],
    worked: Worked | None = None,
    longest: int = LONGEST,
) -> list[Unfolded] | None:
    """The written-out entry of an equation at `places`; None where a size is no number."""
    tensor = view.facts.tensor(name)
    at = dict(zip(tensor.axes, places, strict=False))
    try:
        return unfolded(tensor.expr, at, view.entry_value, worked, longest)
    except ValueError:
        return None


def _product_line(view: View, step: Step, left: Node, value: Node) -> Node:
    """`z = W x + b` with braces that name the parts, the sum written out, the result boxed."""
    named = view.with_numbers(view.page(step.formula), braces=True)
    shape = view.numbers(step.target).shape  # type: ignore[union-attr]  # it has a value
    members: list[Node] = [left, named]
    written = _written_out(view, step, shape)
    if written is not None:
        members.append(written)
    inside = view.relation(*view.used(step.formula))
    last: tree.Relation = "≈" if "≈" in (inside, view.relation(step.target)) else "="
    relations: tuple[tree.Relation, ...] = (*((inside,) * (len(members) - 1)), last)
    return chain(*members, tree.Box(value), relations=relations)


def _written_out(view: View, step: Step, shape: tuple[int, ...]) -> Node | None:
    """Each entry's sum: under a brace for one number, as a column of sums for a vector."""
    if view.lone(step.target):
        terms = _unfolded(view, step.target, (1,) * len(shape))
        return None if terms is None else _total(_braced(view, step, term) for term in terms)
    if len(shape) != 1 or shape[0] > limits.SHOWN_ROWS:
        return None
    rows = []
    for place in range(1, shape[0] + 1):
        terms = _unfolded(view, step.target, (place,))
        if terms is None:
            return None
        rows.append((_total(term.node for term in terms),))
    return tree.Matrix(tuple(rows), "column")


def _total(terms: Iterable[Node]) -> Node:
    """A sum of numbers as on the board: a negative number that is added stands in brackets."""
    first, *rest = terms
    return tree.plus(first, *(_in_brackets(term) for term in rest))


def _in_brackets(term: Node) -> Node:
    negative = isinstance(term, tree.Neg) and isinstance(term.body, tree.Number)
    return tree.Bracket(term) if negative else term


def _braced(view: View, step: Step, term: Unfolded) -> Node:
    """A written-out sum over its label: `Wx = Σ_i w_i x_i = −6`."""
    if not term.sum:
        return term.node
    label = view.facts.product_label(step.target, term.term, view)
    return term.node if label is None else tree.Brace(term.node, label)
