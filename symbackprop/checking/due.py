"""What is due on the right side of a statement: the worked formula of `dW`, of `σ'(z)`, of `∂z_i/∂w_ij`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from symbackprop.algebra.factors import Unreadable
from symbackprop.algebra.functions import TABLE
from symbackprop.algebra.readback import matrices
from symbackprop.algebra.slopes import Slope, slope
from symbackprop.algebra.symbolic import NotSymbolic
from symbackprop.algebra.values.apply import formula
from symbackprop.checking.desk import Desk
from symbackprop.checking.entry_form import entry_form
from symbackprop.derivation.mistakes_slopes import written_out
from symbackprop.derivation.slips import Place
from symbackprop.derivation.slope_cases import cases
from symbackprop.derivation.steps import Contribution, Step
from symbackprop.exercise.model import Exercise
from symbackprop.notation import tree
from symbackprop.notation.tree import Node


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """The formulas in which mistakes are looked for, the nearest first, each as a step; what is shown.

    `places` are those of the entry that the statement is about; `whole` is the step of its whole array.
    """

    exercise: Exercise
    steps: tuple[Step, ...]
    forms: tuple[Step, ...]
    shown: Node
    places: tuple[Node, ...] = ()
    whole: Step | None = None


def due(desk: Desk, subject: Node) -> Due | None:
    """What is due for a left side; None where the worked derivation does not say."""
    exercise, steps = desk.steps
    bare = tree.undressed(subject)
    if isinstance(bare, tree.Name) and bare.name in desk.context.meanings:
        bare = desk.context.meanings[bare.name]  # δ, which the text defined as dz
    for find in (_call, _between, _quantity):
        found = find(desk, exercise, steps, bare)
        if found is not None:
            return found
    return None


def formula_itself(desk: Desk, node: Node) -> Due:
    """For numbers that are said to be the value of a formula, `ŷ − y = 6`: that formula."""
    exercise, steps = desk.steps
    step = Step(rule="general", target="", gradient=True, shape=(), formula=node, uses=(), links=())
    return Due(exercise=exercise, steps=steps, forms=(step,), shown=node)


# --- a gradient, or a name of the model --------------------------------------------------------------


def _quantity(desk: Desk, exercise: Exercise, steps: tuple[Step, ...], bare: Node) -> Due | None:
    gradient, core, places = _target(desk, bare)
    if core is None or core not in exercise.shapes:
        return None
    if gradient and not any(step.gradient and step.target == core for step in steps):
        steps = (*steps, *_asked(exercise, core))  # ∂L/∂y, which no gradient needs
    step = next((one for one in steps if one.gradient == gradient and one.target == core), None)
    if step is None or step.rule in {"seed", "unreached"}:
        return None
    if places is None:
        return Due(exercise=exercise, steps=steps, forms=(step,), shown=step.formula)
    entry = entry_form(step.formula, places, exercise)
    form = replace(step, formula=entry, shape=(), collapse=None, rule="general")
    return Due(exercise=exercise, steps=steps, forms=(form,), shown=entry, places=places, whole=step)


def _target(desk: Desk, bare: Node) -> tuple[bool, str | None, tuple[Node, ...] | None]:
    """Whether it is a gradient, the name that it is about, and the entry where it is about one."""
    gradient = False
    if isinstance(bare, tree.Gradient):
        gradient, bare = True, bare.of
    elif isinstance(bare, tree.Derivative) and bare.of == tree.Name(desk.exercise.loss):
        gradient, bare = True, bare.by
    places = bare.places if isinstance(bare, tree.Index) else None
    core = bare.base if isinstance(bare, tree.Index) else bare
    if isinstance(core, tree.Gradient):
        gradient, core = True, core.of
    if not isinstance(core, tree.Name) or not (gradient or core.name in desk.exercise.computed):
        return gradient, None, None
    return gradient, core.name, places


def _asked(exercise: Exercise, name: str) -> Iterator[Step]:
    """The step of a gradient that nobody asked for."""
    from symbackprop.algebra.lower import CannotDerive
    from symbackprop.derivation.gradients import backward
    from symbackprop.derivation.model import Model

    try:
        made = tuple(backward(Model.of(replace(exercise, wanted=(name,)))))
    except CannotDerive:
        return
    yield from (step for step in made if step.target == name)


# --- the derivative of a function --------------------------------------------------------------------


def _call(desk: Desk, exercise: Exercise, steps: tuple[Step, ...], bare: Node) -> Due | None:
    """`σ'(z)` or `σ(z)`; `∂ŷ/∂z`, `∂ŷ_i/∂z_i` where ŷ is a function of z entry by entry."""
    call, places = _as_call(desk, bare)
    if call is None:
        return None
    argument = call.args[0]
    core = argument.base if isinstance(argument, tree.Index) else argument
    if not isinstance(core, tree.Name) or core.name not in exercise.shapes:
        return None
    shape = exercise.shapes[core.name] if argument == core else ()
    target = next((one for one in steps if one.gradient and one.target == core.name), None)
    base = target or Step(
        rule="general", target=core.name, gradient=True, shape=shape, formula=call, uses=(), links=()
    )
    form = replace(base, formula=call, shape=shape, collapse=None, rule="general")
    shown = _formula_of(exercise, call)
    if isinstance(bare, tree.Derivative) and places is None and shape not in ((), (1,)):
        shown = tree.Call("diag", (call,))
    return Due(exercise=exercise, steps=steps, forms=(form,), shown=shown or call)


def _as_call(desk: Desk, bare: Node) -> tuple[tree.Call | None, tuple[Node, ...] | None]:
    known = desk.context.activations
    match bare:
        case tree.Call(function, (tree.Name() | tree.Index(tree.Name()) as argument,), options, primes) if (
            primes < 2 and function not in _ARRAYS
        ):
            return tree.Call(function, (argument,), options, primes), None
        case tree.Derivative(tree.Name(of), tree.Name(by)) if desk.context.output_of(by) == of:
            call, places = known[by], None
        case tree.Derivative(tree.Index(tree.Name(of), at), tree.Index(tree.Name(by), places)) if (
            at == places and desk.context.output_of(by) == of
        ):
            call = known[by]
        case _:
            return None, None
    if call.function in _ARRAYS:
        return None, None
    inner: Node = tree.Name(by) if places is None else tree.Index(tree.Name(by), places)
    return tree.Call(call.function, (inner,), call.options, 1), places


_ARRAYS = frozenset({"softmax", "log_softmax"})
"""Functions of a whole vector, whose derivative has more than a diagonal."""


def _formula_of(exercise: Exercise, call: tree.Call) -> Node | None:
    """The formula of a function, or of its derivative, at its argument; None for any function at all."""
    row = exercise.functions.get(call.function) or TABLE.get(call.function)
    if row is None or len(row.arguments) != 1:
        return None
    own = frozenset(exercise.functions)
    try:
        found: Slope = slope(
            row, lambda text, _: formula(text, own), options=dict(call.options),
            kinks=exercise.kinks.get(row.convention or row.name, {}), functions=exercise.functions,
        )  # fmt: skip
    except (NotSymbolic, ValueError):
        return None
    argument = call.args[0]
    if not call.primes:
        return cases(found.values, argument)
    if found.recognised is not None:
        return tree.Call(found.recognised, (argument,))
    plain = tree.Call(call.function, (argument,), call.options, 1)
    short = written_out(Place(exercise, _NOWHERE), plain, by_name=False)
    return cases(found.branches, argument, found.kinks) if short is None else _powers(short[0])


_NOWHERE = Step(rule="general", target="", gradient=True, shape=(), formula=tree.number(0), uses=(), links=())
"""A place without an equation: its formulas name nothing."""


def _powers(node: Node) -> Node:
    """Of one number: products without ⊙ and squares as powers."""
    made = tree.rebuild(node, _powers)
    match made:
        case tree.Product(factors, signs):
            return tree.Product(factors, tuple("" if sign == "odot" else sign for sign in signs))
        case tree.Call("square", (base,)):
            return tree.Power(base, tree.number(2))
    return made


# --- a derivative on the way -------------------------------------------------------------------------


def _between(desk: Desk, exercise: Exercise, steps: tuple[Step, ...], bare: Node) -> Due | None:
    """`∂z_i/∂w_ij`, `∂p_i/∂z_j`: the entries of a Jacobian of one equation."""
    if not isinstance(bare, tree.Derivative) or bare.of == tree.Name(exercise.loss):
        return None
    of, by = (_entry(one) for one in (bare.of, bare.by))
    if of is None or by is None:
        return None
    for step in steps:
        for part in step.substeps if step.gradient else ():
            if (part.through, part.target) == (of[0], by[0]):
                whole = not of[1] and not by[1]
                made = _whole(exercise, part) if whole else _jacobian(step, part, of[1], by[1])
                if made is not None:
                    form = replace(step, formula=made, shape=(), collapse=None, rule="general")
                    return Due(exercise=exercise, steps=steps, forms=(form,), shown=made)
    return None


def _entry(node: Node) -> tuple[str, tuple[Node, ...]] | None:
    match node:
        case tree.Name(name):
            return name, ()
        case tree.Index(tree.Name(name), places):
            return name, places
    return None


def _whole(exercise: Exercise, part: Contribution) -> Node | None:
    """∂p/∂z as a matrix, diag(p) − p pᵀ; None where it has more axes than that."""
    axes = (
        *zip(part.summed, exercise.shapes[part.through], strict=False),
        *zip(part.free, exercise.shapes[part.target], strict=False),
    )
    try:
        return matrices(part.collapsed, axes) if len(axes) == 2 else None
    except (Unreadable, ValueError):
        return None


def _jacobian(step: Step, part: Contribution, of: tuple[Node, ...], by: tuple[Node, ...]) -> Node | None:
    """The entry that the worked derivation found, in the letters of the statement."""
    chain = [link for link in step.links if link.reason in {"link.derivative", "link.delta"}]
    for at, link in enumerate(chain):
        if link.reason != "link.derivative" or not isinstance(link.left, tree.Derivative):
            continue
        first, second = _entry(link.left.of), _entry(link.left.by)
        if first is None or second is None or (first[0], second[0]) != (part.through, part.target):
            continue
        follows = at + 1 < len(chain) and chain[at + 1].reason == "link.delta"
        result = chain[at + 1].right if follows else link.right
        if len(first[1]) != len(of) or len(second[1]) != len(by):
            continue
        table = {
            name.name: place for name, place in zip((*first[1], *second[1]), (*of, *by), strict=True)
            if isinstance(name, tree.Name)
        }  # fmt: skip
        return _without_deltas(tree.replace_names(result, table))
    return None


def _without_deltas(node: Node) -> Node:
    """δ_ii is 1."""
    made = tree.rebuild(node, _without_deltas)
    match made:
        case tree.Delta(first, second) if first == second:
            return tree.number(1)
        case tree.Product(factors, signs) if tree.number(1) in factors and len(factors) > 1:
            at = factors.index(tree.number(1))
            gap = max(at - 1, 0)
            rest = (*factors[:at], *factors[at + 1 :])
            return tree.Product(rest, signs[:gap] + signs[gap + 1 :]) if len(rest) > 1 else rest[0]
    return made
