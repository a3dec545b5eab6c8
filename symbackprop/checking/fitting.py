"""Which explanations of a wrong line fit it: what a sentence names must stand there, or be missing.

A formula may have the line's value by accident. So "ŷ stands where x is due" needs a ŷ in the line, "a
transpose is missing: Wᵀ" a W, "the factor x is missing" one x less than the right line has.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from symbackprop import limits
from symbackprop.checking.alike import Likeness
from symbackprop.checking.numeric import is_numeric
from symbackprop.derivation.mistakes import Mistake
from symbackprop.derivation.slips import Wrong
from symbackprop.derivation.steps import Step
from symbackprop.exercise.model import Exercise
from symbackprop.notation import tree
from symbackprop.notation.hand import nodes as hand
from symbackprop.notation.tree import Node


@dataclass(frozen=True, slots=True)
class Made:
    """A row's wrong formula for a line and the right one that it was made from.

    `path` are the gradients that were put in on the way to the mistake; `together`: only with the other
    one found does it explain the line.
    """

    row: Mistake
    wrong: Wrong
    formula: Node
    right: Node
    path: tuple[str, ...] = ()
    together: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """A line as it was written, in its exercise."""

    exercise: Exercise
    steps: tuple[Step, ...]
    written: Node
    likeness: Likeness

    def names(self) -> frozenset[str]:
        """The names that stand in it."""
        return frozenset(tree.names_in(self.written))

    def has(self, *kinds: type[Node]) -> bool:
        """Whether there is a node of these kinds."""
        return any(isinstance(part, kinds) for part in tree.walk(self.written))


def fitting(found: Sequence[Made], line: Line) -> list[Made]:
    """The explanations that fit the line, those of the same size."""
    if any(made.together for made in found):
        return list(found)
    if is_numeric(line.written):
        return of_numbers(found)
    kept = [made for made in found if _RULES.get(made.row.id, _anything)(made, line)]
    known = _known(line)
    kept = [made for made in kept if not made.path or _outside(made.formula) <= known] or kept
    return nearest(_strongest(_written_so(kept, line)))


def _known(line: Line) -> set[str]:
    """The names that stand in a line, and those that may stand for them: z for σ(z), ŷ for its formula."""
    here = _outside(line.written)
    within = {
        name for one in line.exercise.equations if one.name in here for name in tree.names_in(one.body)
    }  # fmt: skip
    made = {one.name for one in line.exercise.equations if set(tree.names_in(one.body)) <= here}
    return here | within | made


def _outside(node: Node) -> set[str]:
    """The names in a formula that are not under a d."""
    return {part.name for part in _outside_gradients(node) if isinstance(part, tree.Name)}


ORDER = frozenset({
    "transpose_missing", "transpose_extra", "result_transposed", "factors_swapped", "inner_for_outer",
    "hadamard_as_dot", "dot_as_hadamard", "summed",
})  # fmt: skip
"""Rows about how the factors of a product stand: of those that are written as the line is, others may have
the value by accident, where an array has one row."""


def _written_so(found: Sequence[Made], line: Line) -> list[Made]:
    alike = [made for made in found if made.row.id in ORDER and _is_alike(made, line)]
    return [made for made in found if made.row.id not in ORDER or made in alike] if alike else list(found)


def _is_alike(made: Made, line: Line) -> bool:
    form = line.likeness.normal(made.formula)
    return line.likeness.alike(form, line.likeness.normal(line.written))


def _strongest(found: Sequence[Made]) -> list[Made]:
    """Without what only counts where nothing else explains the line."""
    strong = [made for made in found if not _is_weak(made)]
    if any(made.row.id == "softmax_elementwise" for made in strong):
        return [made for made in strong if made.row.id == "softmax_elementwise"]
    if all(made.row.id == "wrong_variable" for made in strong):
        return list(found)
    return strong


def _is_weak(made: Made) -> bool:
    """Any name in place of another hits upon many lines by accident; so does a gradient that stands alone."""
    alone = isinstance(made.wrong.formula, tree.Gradient) and bool(made.path)
    return made.row.id == "wrong_factor" or (made.row.id == "wrong_variable" and alone)


def nearest(found: Sequence[Made]) -> list[Made]:
    """Of mistakes in a sign those nearest to the line: each changes the sign of all that follows."""
    signs = [len(made.path) for made in found if made.row.id in SIGNS]
    least = min(signs, default=0)
    kept = [made for made in found if made.row.id not in SIGNS or len(made.path) == least]
    weaker = hidden({made.row.id for made in kept})
    return [made for made in kept if made.row.id not in weaker]


def of_numbers(found: Sequence[Made]) -> list[Made]:
    """Of mistakes that make the numbers of a line: a column for a row is that, however it came about."""
    turned = [made for made in found if made.row.id == "result_transposed"]
    return turned or nearest(found)


def hidden(ids: Collection[str]) -> set[str]:
    """The rows that are not named beside these."""
    return {weaker for stronger, weaker in HIDES if stronger in ids}


HIDES = (
    ("sign", "entry_sign"), ("slope_missing", "other_slope"), ("wrong_layer", "output_for_input"),
    ("indices_swapped", "result_transposed"), ("indices_swapped", "transpose_missing"),
    ("indices_swapped", "wrong_index"), ("not_summed", "sum_forgotten"), ("bias_one", "value_for_gradient"),
)  # fmt: skip
"""Rows that say the same in more words, where both explain a line: of one entry, of a slope 1."""


SIGNS = frozenset({"sign", "term_sign", "entry_sign", "argument_sign"})


# --- rules ------------------------------------------------------------------------------------------


def _anything(_: Made, __: Line) -> bool:
    return True


def _stands(made: Made, line: Line) -> bool:
    """Whether what is said to stand in the line does, more often than in the right one."""
    instead = made.wrong.instead
    if instead is None:
        return True
    more = _count(line.written, instead) > _count(made.right, instead)
    return more or (_count(line.written, instead) == 0 and _is_put_in(instead, line))


def _stands_so(made: Made, line: Line) -> bool:
    """Whether it stands in the line with just these indices."""
    return made.wrong.instead in set(tree.walk(line.written))


def _is_missing(made: Made, line: Line) -> bool:
    """Whether what is said to be missing stands less often than in the right line."""
    about = made.wrong.about
    if not isinstance(about, tree.Name | tree.Gradient | tree.Index):
        return True
    due = _count(made.right, about)
    return due == 0 or _count(line.written, about) < due  # 0: it stands in a derivative written out


def _is_term_missing(made: Made, line: Line) -> bool:
    """Whether what is said to be missing is no term of the line."""
    sums = [part for part in tree.walk(tree.undressed(line.written)) if isinstance(part, tree.Add)]
    terms = {term.body if isinstance(term, tree.Neg) else term for one in sums for term in one.terms}
    return made.wrong.about not in terms


def _is_preactivation(made: Made, line: Line) -> bool:
    """Whether z stands in the line; in z (1 − z) for σ'(z) it stands in the right one too."""
    instead = made.wrong.instead
    return instead is None or _count(line.written, instead) > 0 or _is_put_in(instead, line)


def _is_label(made: Made, line: Line) -> bool:
    """Whether the line has the derivative by the label as it comes out: y − ŷ, and not −(ŷ − y)."""
    form = line.likeness.normal(made.wrong.formula)
    parts = {line.likeness.normal(part) for part in tree.walk(line.written)}
    return form in parts or not isinstance(form, tree.Add)


def _is_turned(made: Made, line: Line) -> bool:
    """Whether what is said to lack, or to have, a transpose stands in the line."""
    about = made.wrong.about
    body = about.body if isinstance(about, tree.Transpose) else about
    if body is None or isinstance(body, tree.Product | tree.Add):
        return True
    stands = _count(line.written, body) > 0
    if isinstance(body, tree.Gradient):
        stands = stands or _is_put_in(body, line)
    if made.row.id == "transpose_extra":
        return stands and line.has(tree.Transpose)
    return stands


def _is_slope(made: Made, line: Line) -> bool:
    """Whether a derivative is taken of something in the line, at what is said to be its place."""
    instead = made.wrong.instead
    cases = [part for part in tree.walk(line.written) if isinstance(part, tree.Cases | hand.Indicator)]
    if instead is not None and any(_count(one, instead) for one in cases):
        return True
    calls = [part for part in tree.walk(line.written) if isinstance(part, tree.Call)]
    return any(instead is not None and _count(arg, instead) for call in calls for arg in call.args)


def _is_product(made: Made, line: Line) -> bool:
    calls = (part for part in tree.walk(line.written) if isinstance(part, tree.Call))
    return line.has(tree.Product) or any(len(call.args) > 1 for call in calls)


def _is_dot(made: Made, line: Line) -> bool:
    """A matrix product for ⊙: where a sum is written out, its entries have been added up."""
    return _is_product(made, line) and not line.has(tree.Sum)


def _is_sum(_: Made, line: Line) -> bool:
    calls = (part for part in tree.walk(line.written) if isinstance(part, tree.Call))
    return line.has(tree.Sum, tree.Ones) or any(call.function in {"sum", "mean"} for call in calls)


_RULES: Mapping[str, Callable[[Made, Line], bool]] = {
    "function_for_slope": _stands, "preactivation": _is_preactivation, "output_for_input": _stands,
    "upstream_skipped": _stands, "step_skipped": _stands, "value_for_gradient": _stands,
    "gradient_for_value": _stands,
    "other_function": _stands, "wrong_layer": _stands, "wrong_factor": _stands,
    "slope_at_output": _is_slope, "factor_forgotten": _is_missing, "term_forgotten": _is_term_missing,
    "upstream_forgotten": _is_missing, "transpose_missing": _is_turned, "transpose_extra": _is_turned,
    "hadamard_as_dot": _is_dot, "dot_as_hadamard": _is_product, "factors_swapped": _is_product,
    "inner_for_outer": _is_product, "summed": _is_sum, "label_for_output": _is_label,
    "wrong_index": _stands_so,
}  # fmt: skip


# --- what stands where ------------------------------------------------------------------------------


def _count(node: Node, part: Node) -> int:
    """How often a part stands in a formula; a name not within a gradient, an entry counts as its array."""
    if node == part:
        return 1
    if isinstance(node, tree.Gradient | tree.Derivative):
        inner = node.of if isinstance(node, tree.Gradient) else node.by
        of_entry = isinstance(inner, tree.Index) and tree.Gradient(inner.base) == part
        same = isinstance(node, tree.Derivative) and tree.Gradient(inner) == part
        return int(of_entry or same)
    if isinstance(node, tree.Index) and isinstance(part, tree.Index):
        return int(node.base == part.base)
    return sum(_count(child, part) for child in tree.children(node))


def _is_put_in(node: Node, line: Line) -> bool:
    """Whether the formula of a gradient, or the other form of a function's value, may stand in the line."""
    names = line.names()
    match node:
        case tree.Gradient(of):
            core = of.base if isinstance(of, tree.Index) else of
            name = core.name if isinstance(core, tree.Name) else ""
            return any(used <= names for used in _expanded(name, line, limits.EXPLAINED_DEPTH))
        case tree.Call():
            outputs = {one.name for one in line.exercise.equations if tree.undressed(one.body) == node}
            return bool(outputs & names) or set(tree.names_in(node)) <= names  # max(z, 0) for ReLU(z)
        case tree.Name(name):
            bodies = [one.body for one in line.exercise.equations if one.name == name]
            return any(set(tree.names_in(body)) <= names for body in bodies) and not _is_given(name, line)
    return False


def _is_given(name: str, line: Line) -> bool:
    return name in line.exercise.given


def _expanded(name: str, line: Line, depth: int) -> list[frozenset[str]]:
    """The names in the formula of a gradient, with those upstream of it put in, level by level."""
    step = next((one for one in line.steps if one.gradient and one.target == name), None)
    if step is None:
        return []
    plain = frozenset(part.name for part in _outside_gradients(step.formula) if isinstance(part, tree.Name))
    cited = [part for part in tree.walk(step.formula) if isinstance(part, tree.Gradient)]
    if not cited:
        return [plain]
    if depth == 0:
        return []
    found = []
    for part in cited:
        core = part.of.base if isinstance(part.of, tree.Index) else part.of
        if isinstance(core, tree.Name):
            found += [plain | inner for inner in _expanded(core.name, line, depth - 1)]
            found.append(plain | {core.name})
    return found


def _outside_gradients(node: Node) -> list[Node]:
    if isinstance(node, tree.Gradient | tree.Derivative):
        return []
    return [node, *(part for child in tree.children(node) for part in _outside_gradients(child))]


# --- how a part is told -----------------------------------------------------------------------------


def as_told(node: Node, exercise: Exercise, written: Node | None) -> Node:
    """A part as the line writes it: σ(z) for ŷ where that stands there; a square as a power."""
    names = set() if written is None else set(tree.names_in(written))
    parts = set() if written is None else set(tree.walk(tree.undressed(written)))
    calls = {
        one.name: tree.undressed(one.body) for one in exercise.equations
        if one.name not in names and tree.undressed(one.body) in parts
    }  # fmt: skip

    def told(part: Node) -> Node:
        if isinstance(part, tree.Gradient):
            return part
        if isinstance(part, tree.Name):
            return calls.get(part.name, part)
        made = tree.rebuild(part, told)
        match made:
            case tree.Call("square", (base,)):
                return tree.Power(base, tree.number(2))
        return made

    return told(node)
