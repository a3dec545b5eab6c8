"""From the keys and values of a file to an Exercise, with every fault of meaning at once."""

import re
from collections.abc import Mapping
from math import prod
from typing import Any, Final

from symbackprop import limits
from symbackprop.algebra.functions import TABLE
from symbackprop.exercise import sections
from symbackprop.exercise.binding import bind_sizes
from symbackprop.exercise.descent import SECTION, Setting, descent_of, is_loss, with_parameters
from symbackprop.exercise.draft import Draft
from symbackprop.exercise.equations import left_name, read_model
from symbackprop.exercise.facts import read_facts
from symbackprop.exercise.faults import Collected, Path
from symbackprop.exercise.layers import Expanded, expanded, marks_of
from symbackprop.exercise.model import (
    Equation,
    Exercise,
    Fact,
    free_names,
    function_names,
    given_names,
    signatures,
)
from symbackprop.exercise.numbers import ValueFault, as_written, exact_array, known_values
from symbackprop.notation import tree
from symbackprop.notation.inference import Inference, solve
from symbackprop.notation.shapes import ShapeError, has_size_one, shown
from symbackprop.notation.tree import Node, Shape
from symbackprop.notation.write import to_plain


def build(data: Mapping[str, Any], collected: Collected, key: str) -> Exercise:
    """The exercise that `data` says. Raises ExerciseError with all its faults."""
    sections.known_keys(data, sections.TOP_LEVEL, (), collected)
    language = sections.language_of(data, collected)
    title = sections.title_of(data, language, collected)
    words = sections.words_of(data, language, collected)
    draft = Draft(collected, functions=sections.functions_of(data, collected))
    layers = _layers(data, draft)
    marks = marks_of(sections.style_of(data, collected).get("layers"), collected)
    kinks = sections.kinks_of(data, draft.functions, collected)
    _read_declared(data, draft)
    for name, shape in layers.shapes.items():
        draft.declared.setdefault(name, shape)
    _read_values(data, draft)
    _read_equations(data, layers, draft)
    bind_sizes(draft)
    found = _infer(draft)
    equations = _equations(draft, found)
    names = tuple(dict.fromkeys((*given_names(equations, found.shapes), *draft.model.names)))
    wanted = sections.wanted_of(data, names, layers.wanted or _default_wanted(equations, found), collected)
    values = known_values(draft.values)
    facts = read_facts(data, draft.functions, equations, found, values, collected)
    descent = descent_of(data.get(SECTION), _setting(draft, equations, found, wanted, facts), collected)
    _check_determined(draft, found, equations)
    _check_entries(draft, found.shapes)
    collected.stop_if_any()
    return Exercise(
        key=key, title=title, language=language,
        equations=tuple(Equation(name=n, body=b, text=draft.model.texts[n]) for n, b in equations),
        shapes=_loss_as_scalar(found.shapes, equations), values=values, kinks=kinks,
        wanted=with_parameters(wanted, descent), descent=descent,
        functions=draft.functions, words=words, facts=facts,
        warnings=tuple(_warnings(equations, draft, found.shapes)), declared_sizes=found.sizes,
        layer_marks=marks,
    )  # fmt: skip


# --- reading the sections -------------------------------------------------------------


def _layers(data: Mapping[str, Any], draft: Draft) -> Expanded:
    """The model with the shorthand for layers written out."""
    raw = sections.table(data, ("model",), Collected("")) if "model" in data else {}
    made = expanded(raw, draft.functions, draft.collected)
    draft.from_layers = frozenset(made.shapes)
    return made


def _read_declared(data: Mapping[str, Any], draft: Draft) -> None:
    for key, raw in sections.table(data, ("shapes",), draft.collected).items():
        path: Path = ("shapes", str(key))
        shape = sections.shape_of_text(raw, path, draft.collected)
        name = _key_name(draft, path)
        if name and shape is not None:
            draft.declared[name] = shape
    for size in draft.sizes:
        if size in draft.declared:
            path = draft.path("shapes", size)
            draft.collected.add(path, f"{size} is the name of a size and of an array", "Choose another name.")


def _read_values(data: Mapping[str, Any], draft: Draft) -> None:
    for key, raw in sections.table(data, ("values",), draft.collected).items():
        path: Path = ("values", str(key))
        name = _key_name(draft, path)
        try:
            value = exact_array(raw)
        except ValueFault as fault:
            for one in (fault, *fault.more):
                draft.collected.add(path, one.message, one.suggestion)
            continue
        if name:
            draft.values[name] = value


def _key_name(draft: Draft, path: Path) -> str:
    """The name of a key of [shapes] or [values]; "" when it is no name or there twice."""
    section, key = path
    name = left_name(key, function_names(draft.functions), path, draft.collected)
    if name and (section, name) in draft.keys:
        draft.collected.add(
            path, f"{name} is given twice: {draft.keys[section, name]} and {key} are one name"
        )
        return ""
    if name:
        draft.keys[section, name] = key
    return name


def _read_equations(data: Mapping[str, Any], layers: Expanded, draft: Draft) -> None:
    """The model, and the names that stand in other sections without a place in it."""
    listed = {name for _, name in draft.keys}
    raw = sections.table(data, ("model",), draft.collected)
    if "model" not in data:
        draft.collected.add(("model",), "there is no [model]", 'Write [model] and, under it, L = "…".')
        return
    if not raw and isinstance(data["model"], Mapping):
        draft.collected.add(("model",), "the model has no equations", 'Write under [model]: L = "…".')
        return
    declared = frozenset({*listed, *draft.sizes, *layers.shapes})
    model = read_model(
        layers.equations, function_names(draft.functions), declared, draft.collected, layers.origin
    )
    draft.model = model
    used = {name.name for body in model.bodies.values() for name in free_names(body)}
    for section, name in draft.keys:
        path = draft.path(section, name)
        if name in model.names:
            if section == "values":
                draft.collected.add(path, f"{name} is computed by model.{name}", "Take the value away.")
                draft.values.pop(name, None)
        elif name not in used and model.names and not model.may_use(name):
            draft.collected.unknown(path, "no equation uses", name, [*used, *model.names])
    _check_gradient_names(draft, {*used, *model.names, *listed})
    for size in draft.sizes:
        if size in model.names or size in draft.values:
            draft.collected.add(
                ("shapes",), f"{size} is the name of a size and of an array", "Choose another name."
            )


def _check_gradient_names(draft: Draft, names: set[str]) -> None:
    """`dW` beside `W` would be two things."""
    for name in sorted(names):
        if name[:1] == "d" and name[1:] in names:
            user = draft.model.symbols.get(name)
            path = draft.model.path(user or name)
            for section in ("values", "shapes"):
                if user is None and (section, name) in draft.keys and name not in draft.model.names:
                    path = draft.path(section, name)
            message = f"{name} is the name of the gradient of {name[1:]}"
            draft.collected.add(path, message, f"Give {name} or {name[1:]} another name.")


# --- shapes ---------------------------------------------------------------------------


def _infer(draft: Draft) -> Inference:
    model = draft.model
    known: dict[str, Shape] = dict(draft.declared)
    known.update({name: value.shape for name, value in draft.values.items()})
    found = _solved(draft, known)
    for name, fault in found.faults:
        if draft.misfits & {used.name for used in free_names(fault.node)} or name in model.circular:
            continue  # a consequence of a value that does not fit its declared shape, or of a circle
        if not _flat_list(draft, known, name, fault, {other for other, _ in found.faults}):
            draft.collected.add(
                model.path(name), fault.message, fault.suggestion, model.texts[name], fault.node.span
            )
    return found


def _solved(draft: Draft, known: Mapping[str, Shape]) -> Inference:
    model = draft.model
    pairs = [(name, model.bodies[name]) for name in model.names if name in model.bodies]
    complete = bool(model.names) and model.names[-1] in model.bodies
    rest = [size for size in draft.sizes if size not in draft.bound]
    numbers = {size: number for size, (number, _) in draft.bound.items()}
    return solve(
        pairs, known, functions=signatures(draft.functions), texts=model.texts, has_loss=complete,
        sizes={**dict(zip(rest, rest, strict=True)), **numbers},
    )  # fmt: skip


def _flat_list(
    draft: Draft, known: Mapping[str, Shape], name: str, fault: ShapeError, faulty: set[str]
) -> bool:
    """A vector left of a vector where a matrix with one row would fit: say so at the value.

    It fits where it leaves no fault in this equation, and makes none in one that is not `faulty`.
    """
    left = tree.undressed(fault.pair[0]) if fault.pair else None
    if not isinstance(left, tree.Name) or left.name not in draft.values:
        return False
    value = draft.values[left.name]
    if len(value.shape) != 1:
        return False
    row = value.reshaped((1, *value.shape))
    again = _solved(draft, {**known, left.name: row.shape})
    if not {other for other, _ in again.faults} <= faulty - {name}:
        return False
    message = f"{left.name} is a flat list, a vector ({shown(value.shape)}), and model.{name} needs a matrix"
    path = draft.path("values", left.name)
    draft.collected.add(path, message, f"Write {left.name} = {as_written(row)}.")
    return True


def _equations(draft: Draft, found: Inference) -> list[tuple[str, Node]]:
    """The bodies, with the number of each declared size whose number the values say (`1/m` is 1/3)."""
    read = [name for name in draft.model.names if name in draft.model.bodies]
    numbers = {name: tree.number(size) for name, size in found.sizes.items() if isinstance(size, int)}
    bodies = [tree.replace_names(body, numbers) for body in found.bodies]
    return list(zip(read, bodies, strict=True))


def _check_determined(draft: Draft, found: Inference, equations: list[tuple[str, Node]]) -> None:
    """Names whose shape nothing says; only when nothing else is wrong, since it may be a consequence."""
    if draft.collected.faults:
        return
    known = {*draft.declared, *draft.values}
    scalar_by_habit = {
        name for name in given_names(equations, found.shapes)
        if name not in known and name in found.habits and name[:1].isupper()
    }  # fmt: skip
    for name in (*found.undetermined, *scalar_by_habit):
        if name in draft.model.names:
            continue
        user = next(at for at, body in equations if name in {used.name for used in free_names(body)})
        sizes = '["k", "n"]' if name[:1].isupper() else '["n"], or [] for a scalar'
        advice = f"Give it a value, or write {name} = {sizes} under [shapes]."
        draft.collected.add(draft.model.path(user), f"nothing says the shape of {name}", advice)
    if not draft.collected.faults and found.undetermined:
        name = found.undetermined[0]
        draft.collected.add(draft.model.path(name), f"nothing says the shape of {name}")


def _check_entries(draft: Draft, shapes: Mapping[str, Shape]) -> None:
    """No array may have more entries than the program works with, whatever says its shape."""
    for name, shape in shapes.items():
        numbers = [size for size in shape if isinstance(size, int)]
        if len(numbers) == len(shape) and prod(numbers) > limits.ENTRIES:
            section = "values" if name in draft.values else "model" if name in draft.model.texts else "shapes"
            message = f"{name} has {prod(numbers):,} entries; the limit is {limits.ENTRIES:,}"
            draft.collected.add((section, name), message, "Give smaller sizes, or names instead of numbers.")


def _loss_as_scalar(shapes: Mapping[str, Shape], equations: list[tuple[str, Node]]) -> dict[str, Shape]:
    """The shapes, given names in order of use and computed ones in theirs; the loss a scalar."""
    order = [*given_names(equations, shapes), *(name for name, _ in equations)]
    ordered = {name: shapes[name] for name in order}
    loss = equations[-1][0]
    if has_size_one(ordered[loss]):
        ordered[loss] = ()
    return ordered


# --- what follows ---------------------------------------------------------------------


_TARGET: Final = re.compile(r"[yt][0-9']*", re.IGNORECASE)
"""What the last equation's data is called."""


def _default_wanted(equations: list[tuple[str, Node]], found: Inference) -> tuple[str, ...]:
    """Every given name that feeds a computed one: what stands in the loss alone is data.

    Of a circuit of numbers (`f = q z`), only what is called as a target (y, t) is data. A model of
    one equation asks for all its given names, but for the last argument of a loss function
    (`mse(W x, y)` does not ask for y).
    """
    if not equations:
        return ()
    given = given_names(equations, found.shapes)
    before = {used.name for _, body in equations[:-1] for used in free_names(body)}
    if len(equations) > 1 and before & set(given):
        circuit = all(not found.shapes.get(name, (1,)) for name in given)
        return tuple(n for n in given if n in before or (circuit and not _TARGET.fullmatch(n)))
    body = tree.undressed(equations[-1][1])
    last = body.args[-1] if isinstance(body, tree.Call) and is_loss(body.function) else None
    return tuple(name for name in given if last != tree.Name(name))


def _setting(
    draft: Draft, equations: list[tuple[str, Node]], found: Inference, wanted: tuple[str, ...],
    facts: tuple[Fact, ...],
) -> Setting | None:  # fmt: skip
    """What descent must know; None where a formula is missing that might say more."""
    if len(equations) != len(draft.model.names) or not equations:
        return None
    return Setting(
        equations=equations, given=given_names(equations, found.shapes), wanted=wanted, facts=facts,
        valued=frozenset(name for section, name in draft.keys if section == "values"),
        functions=draft.functions,
    )  # fmt: skip


def _euler(equations: list[tuple[str, Node]], draft: Draft) -> list[str]:
    """`e^z` where nothing says what e is: a name here, and Euler's number was probably meant."""
    if "e" in {*draft.values, *draft.declared, *draft.model.names}:
        return []
    parts = (part for _, body in equations for part in tree.walk(body) if isinstance(part, tree.Power))
    if all(tree.undressed(power.base) != tree.Name("e") for power in parts):
        return []
    return ["e is a name without a value here; Euler's number is exp(1), and e^z is written exp(z)"]


def _matrices_by_habit(
    equations: list[tuple[str, Node]], draft: Draft, shapes: Mapping[str, Shape]
) -> list[str]:
    """A small letter that was taken for a matrix, where nobody says so and nobody indexes it."""
    indexed = {
        part.base.name
        for _, body in equations for part in tree.walk(body)
        if isinstance(part, tree.Index) and isinstance(part.base, tree.Name) and len(part.places) > 1
    }  # fmt: skip
    known = {*draft.declared, *draft.values, *indexed}
    return [
        f"{name} has no value and is taken for a {shown(shapes[name])} matrix; [shapes] can say otherwise"
        for name in given_names(equations, shapes)
        if name not in known and len(shapes[name]) == 2 and name[:1].islower()
    ]


def _means_of_one(equations: list[tuple[str, Node]]) -> list[str]:
    """`mean(bce(P, Y))`: the loss adds up its entries already, and the mean divides by 1."""
    calls = (
        part for _, body in equations for part in tree.walk(body)
        if isinstance(part, tree.Call) and part.function == "mean"
    )  # fmt: skip
    return [
        f"{to_plain(call)} is the mean of one number: {inner.function} adds up its entries already; "
        f"of m examples the mean is 1/m {to_plain(inner)}"
        for call in calls
        if isinstance(inner := tree.undressed(call.args[0]), tree.Call) and _adds_up(inner)
    ]


def _adds_up(call: tree.Call) -> bool:
    row = TABLE.get(call.function)
    return (row is not None and row.reduce == "sum") or call.function == "cross_entropy_logits"


def _warnings(equations: list[tuple[str, Node]], draft: Draft, shapes: Mapping[str, Shape]) -> list[str]:
    uses = {name: {used.name for used in free_names(body)} for name, body in equations}
    reached, waiting = set[str](), [equations[-1][0]]
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting.extend(uses.get(name, ()))
    every = dict.fromkeys(name for found, names in uses.items() for name in (*sorted(names), found))
    sizes = set(draft.sizes)
    names = _matrices_by_habit(equations, draft, shapes)
    return _euler(equations, draft) + _means_of_one(equations) + names + [
        f"{name} never reaches the loss {equations[-1][0]}: its gradient is 0"
        for name in every if name not in reached and name not in sizes
    ]  # fmt: skip
