"""From the keys and values of a file to an Exercise, with every fault of meaning at once."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from math import prod
from typing import Any

from symbackprop import limits
from symbackprop.algebra.functions import Function
from symbackprop.algebra.values.arrays import Array
from symbackprop.exercise import sections
from symbackprop.exercise.descent import SECTION, Setting, descent_of, with_parameters
from symbackprop.exercise.equations import Model, left_name, read_model
from symbackprop.exercise.facts import read_facts
from symbackprop.exercise.faults import Collected, Path
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
from symbackprop.notation.sizes import linear, replaced
from symbackprop.notation.sizes import names as size_names
from symbackprop.notation.tree import Node, Shape, Size


@dataclass(slots=True)
class _Draft:
    """What has been made out so far."""

    collected: Collected
    functions: dict[str, Function] = field(default_factory=dict)
    declared: dict[str, Shape] = field(default_factory=dict)
    values: dict[str, Array[Fraction]] = field(default_factory=dict)
    keys: dict[tuple[str, str], str] = field(default_factory=dict)  # (section, name) -> key as written
    bound: dict[str, tuple[int, str]] = field(default_factory=dict)  # size -> its number, and from where
    misfits: set[str] = field(default_factory=set)  # names whose value does not fit the declared shape
    model: Model = field(default_factory=Model)

    def path(self, section: str, name: str) -> Path:
        return (section, self.keys.get((section, name), name))

    @property
    def sizes(self) -> list[str]:
        """The size names that [shapes] declares, in order; of `m − r + 1`, m and r."""
        written = (name for shape in self.declared.values() for size in shape for name in size_names(size))
        return list(dict.fromkeys(written))


def build(data: Mapping[str, Any], collected: Collected, key: str) -> Exercise:
    """The exercise that `data` says. Raises ExerciseError with all its faults."""
    sections.known_keys(data, sections.TOP_LEVEL, (), collected)
    language = sections.language_of(data, collected)
    title = sections.title_of(data, language, collected)
    words = sections.words_of(data, language, collected)
    draft = _Draft(collected, functions=sections.functions_of(data, collected))
    kinks = sections.kinks_of(data, draft.functions, collected)
    _read_declared(data, draft)
    _read_values(data, draft)
    _read_equations(data, draft)
    _bind_sizes(draft)
    found = _infer(draft)
    equations = _equations(draft, found)
    names = tuple(dict.fromkeys((*given_names(equations, found.shapes), *draft.model.names)))
    wanted = sections.wanted_of(data, names, _default_wanted(equations, found), collected)
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
        warnings=tuple(_warnings(equations, draft, kinks)), declared_sizes=found.sizes,
    )  # fmt: skip


# --- reading the sections -------------------------------------------------------------


def _read_declared(data: Mapping[str, Any], draft: _Draft) -> None:
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


def _read_values(data: Mapping[str, Any], draft: _Draft) -> None:
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


def _key_name(draft: _Draft, path: Path) -> str:
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


def _read_equations(data: Mapping[str, Any], draft: _Draft) -> None:
    """The model, and the names that stand in other sections without a place in it."""
    listed = {name for _, name in draft.keys}
    raw = sections.table(data, ("model",), draft.collected)
    if "model" not in data:
        draft.collected.add(("model",), "there is no [model]", 'Write [model] and, under it, L = "…".')
        return
    if not raw and isinstance(data["model"], Mapping):
        draft.collected.add(("model",), "the model has no equations", 'Write under [model]: L = "…".')
        return
    declared = frozenset({*listed, *draft.sizes})
    model = read_model(raw, function_names(draft.functions), declared, draft.collected)
    draft.model = model
    used = {name.name for body in model.bodies.values() for name in free_names(body)}
    for section, name in draft.keys:
        path = draft.path(section, name)
        if name in model.names:
            if section == "values":
                draft.collected.add(path, f"{name} is computed by model.{name}", "Take the value away.")
                draft.values.pop(name, None)
        elif name not in used and model.complete and model.names:
            draft.collected.unknown(path, "no equation uses", name, [*used, *model.names])
    _check_gradient_names(draft, {*used, *model.names, *listed})
    for size in draft.sizes:
        if size in model.names or size in draft.values:
            draft.collected.add(
                ("shapes",), f"{size} is the name of a size and of an array", "Choose another name."
            )


def _check_gradient_names(draft: _Draft, names: set[str]) -> None:
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


# --- sizes: what is declared against what the values say --------------------------------


def _bind_sizes(draft: _Draft) -> None:
    """A declared size name that a value fills becomes that number; values must agree."""
    for name, value in list(draft.values.items()):
        shape = draft.declared.get(name)
        if shape is None:
            continue
        if len(shape) != len(value.shape):
            fitted = _fitted(draft, name, value, shape)
            if fitted is None:
                continue
            draft.values[name] = value = fitted
        for size, number in zip(shape, value.shape, strict=True):
            if not isinstance(size, str) or " " not in size:
                _bind(draft, name, size, number)
    _bind_computed(draft)
    for name, shape in draft.declared.items():
        draft.declared[name] = tuple(_put_in(draft, size) for size in shape)


def _put_in(draft: _Draft, size: Size) -> Size:
    """A declared size with the numbers that the values give its names."""
    return replaced(size, {name: number for name, (number, _) in draft.bound.items()})


def _bind(draft: _Draft, name: str, size: Size, number: int) -> None:
    path = draft.path("values", name)
    if isinstance(size, int):
        if size != number:
            message = f"{name} is {shown(draft.values[name].shape)}, and shapes.{name} says {size}"
            draft.collected.add(path, f"{message}: {number} ≠ {size}")
            draft.misfits.add(name)
        return
    known, source = draft.bound.setdefault(size, (number, ".".join(path)))
    if known != number:
        message = f"{name} is {shown(draft.values[name].shape)}, so {size} = {number}"
        draft.misfits.add(name)
        draft.collected.add(path, f"{message}, but {source} says {size} = {known}")


def _bind_computed(draft: _Draft) -> None:
    """Sizes such as `m − r + 1` against the values: one name without number is learnt, else they agree."""
    waiting = [
        (name, size, number)
        for name, value in draft.values.items()
        if len(shape := draft.declared.get(name, ())) == len(value.shape)
        for size, number in zip(shape, value.shape, strict=True) if isinstance(size, str) and " " in size
    ]  # fmt: skip
    for name, size, number in [*waiting, *waiting]:  # what the last one teaches may help the first
        left = _put_in(draft, size)
        coefficients, constant = linear(left)
        if len(coefficients) == 1:
            ((base, count),) = coefficients.items()
            if (number - constant) % count == 0 and (number - constant) // count >= 1:
                draft.bound[base] = ((number - constant) // count, ".".join(draft.path("values", name)))
    for name, size, number in waiting:
        says = _put_in(draft, size)
        if says != number and (isinstance(says, int) or len(linear(says)[0]) == 1):
            message = f"{name} is {shown(draft.values[name].shape)}, and shapes.{name} says {size}"
            same = f" = {says}" if isinstance(says, int) else ""
            draft.collected.add(draft.path("values", name), f"{message}{same}: {number} ≠ {says}")
            draft.misfits.add(name)


def _fitted(draft: _Draft, name: str, value: Array[Fraction], shape: Shape) -> Array[Fraction] | None:
    """A value whose rank is not the declared one: one number fits anywhere; a flat list is no matrix."""
    if len(value.entries) == 1:
        return value.reshaped((1,) * len(shape))
    path = draft.path("values", name)
    draft.misfits.add(name)
    advice = ""
    if len(value.shape) == 1 and len(shape) == 2:
        rows = shape[1] == 1 or shape[0] == value.shape[0]
        other = value.reshaped((value.shape[0], 1) if rows else (1, value.shape[0]))
        advice = f"Write {name} = {as_written(other)}."
    kinds = {0: "a number", 1: "a flat list, a vector", 2: "a matrix"}
    kind = kinds.get(len(value.shape), f"an array with {len(value.shape)} axes")
    draft.collected.add(
        path, f"{name} is {kind} ({shown(value.shape)}), and shapes.{name} says {shown(shape)}", advice
    )
    return None


# --- shapes ---------------------------------------------------------------------------


def _infer(draft: _Draft) -> Inference:
    model = draft.model
    known: dict[str, Shape] = dict(draft.declared)
    known.update({name: value.shape for name, value in draft.values.items()})
    found = _solved(draft, known)
    for name, fault in found.faults:
        if draft.misfits & {used.name for used in free_names(fault.node)} or name in model.circular:
            continue  # a consequence of a value that does not fit its declared shape, or of a circle
        if not _flat_list(draft, known, name, fault):
            draft.collected.add(
                model.path(name), fault.message, fault.suggestion, model.texts[name], fault.node.span
            )
    return found


def _solved(draft: _Draft, known: Mapping[str, Shape]) -> Inference:
    model = draft.model
    pairs = [(name, model.bodies[name]) for name in model.names if name in model.bodies]
    complete = bool(model.names) and model.names[-1] in model.bodies
    rest = [size for size in draft.sizes if size not in draft.bound]
    numbers = {size: number for size, (number, _) in draft.bound.items()}
    return solve(
        pairs, known, functions=signatures(draft.functions), texts=model.texts, has_loss=complete,
        sizes={**dict(zip(rest, rest, strict=True)), **numbers},
    )  # fmt: skip


def _flat_list(draft: _Draft, known: Mapping[str, Shape], name: str, fault: ShapeError) -> bool:
    """A vector left of a vector where a matrix with one row would fit: say so at the value."""
    left = tree.undressed(fault.pair[0]) if fault.pair else None
    if not isinstance(left, tree.Name) or left.name not in draft.values:
        return False
    value = draft.values[left.name]
    if len(value.shape) != 1:
        return False
    row = value.reshaped((1, *value.shape))
    again = _solved(draft, {**known, left.name: row.shape})
    if any(other == name for other, _ in again.faults):
        return False
    message = f"{left.name} is a flat list, a vector ({shown(value.shape)}), and model.{name} needs a matrix"
    path = draft.path("values", left.name)
    draft.collected.add(path, message, f"Write {left.name} = {as_written(row)}.")
    return True


def _equations(draft: _Draft, found: Inference) -> list[tuple[str, Node]]:
    read = [name for name in draft.model.names if name in draft.model.bodies]
    return list(zip(read, found.bodies, strict=True))


def _check_determined(draft: _Draft, found: Inference, equations: list[tuple[str, Node]]) -> None:
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


def _check_entries(draft: _Draft, shapes: Mapping[str, Shape]) -> None:
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


def _default_wanted(equations: list[tuple[str, Node]], found: Inference) -> tuple[str, ...]:
    """Every given name that feeds a computed one: what stands in the loss alone is data.

    A model of one equation asks for all its given names, but for the last argument of a loss
    function (`mse(W x, y)` does not ask for y).
    """
    if not equations:
        return ()
    given = given_names(equations, found.shapes)
    before = {used.name for _, body in equations[:-1] for used in free_names(body)}
    if len(equations) > 1 and before & set(given):
        return tuple(name for name in given if name in before)
    body = tree.undressed(equations[-1][1])
    last = body.args[-1] if isinstance(body, tree.Call) and len(body.args) > 1 else None
    return tuple(name for name in given if last != tree.Name(name))


def _setting(
    draft: _Draft, equations: list[tuple[str, Node]], found: Inference, wanted: tuple[str, ...],
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


def _euler(equations: list[tuple[str, Node]], draft: _Draft) -> list[str]:
    """`e^z` where nothing says what e is: a name here, and Euler's number was probably meant."""
    if "e" in {*draft.values, *draft.declared, *draft.model.names}:
        return []
    parts = (part for _, body in equations for part in tree.walk(body) if isinstance(part, tree.Power))
    if all(tree.undressed(power.base) != tree.Name("e") for power in parts):
        return []
    return ["e is a name without a value here; Euler's number is exp(1), and e^z is written exp(z)"]


def _warnings(equations: list[tuple[str, Node]], draft: _Draft, kinks: Mapping[str, object]) -> list[str]:
    uses = {name: {used.name for used in free_names(body)} for name, body in equations}
    reached, waiting = set[str](), [equations[-1][0]]
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting.extend(uses.get(name, ()))
    every = dict.fromkeys(name for found, names in uses.items() for name in (*sorted(names), found))
    sizes = set(draft.sizes)
    return _euler(equations, draft) + [
        f"{name} never reaches the loss {equations[-1][0]}: its gradient is 0"
        for name in every if name not in reached and name not in sizes
    ]  # fmt: skip
