"""The section [descent]: how many steps of gradient descent, at which rate, of which parameters."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

from symbackprop import limits
from symbackprop.algebra.functions import TABLE, Function
from symbackprop.exercise.faults import Collected, shortened
from symbackprop.exercise.model import Descent, Exercise, Fact
from symbackprop.exercise.numbers import number_at
from symbackprop.notation import tree
from symbackprop.notation.node import Plain
from symbackprop.notation.read import ReadError, canonical_name
from symbackprop.notation.tree import Node

if TYPE_CHECKING:
    from symbackprop.algebra.optimizers import Optimizer  # only a section of an exercise needs them

SECTION: Final = "descent"
_KEYS: Final = ("rate", "steps", "optimizer", "parameters")
_DATA: Final = re.compile(r"[xyt][0-9']*", re.IGNORECASE)
"""What is called x, y or t is data: inputs and targets."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Asked(Plain):
    """What the section says by itself; `parameters` is None where it leaves them to the rule."""

    rate: Fraction
    steps: int
    optimizer: Optimizer
    options: Mapping[str, Fraction]
    parameters: tuple[str, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Setting(Plain):
    """What descent must know of the exercise. `valued` are the names that have a value."""

    equations: Sequence[tuple[str, Node]]
    given: tuple[str, ...]
    wanted: tuple[str, ...]
    valued: frozenset[str]
    functions: Mapping[str, Function]
    facts: tuple[Fact, ...]


def descent_of(raw: Any, setting: Setting | None, collected: Collected) -> Descent | None:
    """The descent that a section asks for; None where there is none or where it has a fault.

    Without a `setting`, for an exercise whose equations could not all be read, only the section's
    own faults are looked for.
    """
    asked = read_descent(raw, collected)
    return None if asked is None or setting is None else planned(asked, setting, collected)


# --- what the section says by itself ----------------------------------------------------


def read_descent(raw: Any, collected: Collected) -> Asked | None:
    """The section, its numbers checked; None where there is none or where it has a fault."""
    if raw is None:
        return None
    if not isinstance(raw, Mapping):
        collected.add((SECTION,), "[descent] is a table of keys", "Write [descent] on a line of its own.")
        return None
    before = len(collected.faults)
    row = _optimizer(raw, collected)
    _known_keys(raw, row, collected)
    rate, steps = _rate(raw, collected), _steps(raw, collected)
    options = _options(raw, row, collected) if row is not None else {}
    parameters = _listed(raw, collected)
    if row is None or rate is None or steps is None or len(collected.faults) > before:
        return None
    return Asked(rate=rate, steps=steps, optimizer=row, options=options, parameters=parameters)


def _optimizer(raw: Mapping[str, Any], collected: Collected) -> Optimizer | None:
    from symbackprop.algebra.optimizers import DEFAULT_OPTIMIZER, OPTIMIZERS

    text = raw.get("optimizer", DEFAULT_OPTIMIZER)
    found = OPTIMIZERS.get(text.lower()) if isinstance(text, str) else None
    if found is None:
        known = f"Known: {', '.join(OPTIMIZERS)}."
        collected.unknown((SECTION, "optimizer"), "unknown optimizer", str(text), OPTIMIZERS, known)
    return found


def _known_keys(raw: Mapping[str, Any], row: Optimizer | None, collected: Collected) -> None:
    """A key is one of ours or an option of the optimiser; an option of another one says so."""
    from symbackprop.algebra.optimizers import OPTIMIZERS

    options = [option.name for option in row.options] if row else []
    for key in map(str, raw):
        owner = next((one for one in OPTIMIZERS.values() if one.option(key)), None)
        if key in _KEYS or key in options or (row is None and owner):
            continue
        if row is not None and owner is not None:
            message = f"{row.name} has no option {key}"
            collected.add((SECTION, key), message, f'Write optimizer = "{owner.name}".')
        else:
            known = (*_KEYS, *options)
            collected.unknown((SECTION, key), "unknown key", key, known, f"Known: {', '.join(known)}.")


def _rate(raw: Mapping[str, Any], collected: Collected) -> Fraction | None:
    path = (SECTION, "rate")
    if "rate" not in raw:
        collected.add(path, "descent needs a learning rate", 'Write rate = "1/10", or --rate 1/10')
        return None
    rate = number_at(raw["rate"], path, collected)
    if rate is not None and rate <= 0:
        why = "would never move" if rate == 0 else "would climb"
        message = f"a learning rate is positive: with {shortened(str(rate), 30)} descent {why}"
        collected.add(path, message, 'Write rate = "1/10".')
        return None
    return rate


def _steps(raw: Mapping[str, Any], collected: Collected) -> int | None:
    path = (SECTION, "steps")
    count = number_at(raw.get("steps", 1), path, collected)
    if count is None:
        return None
    if count.denominator != 1 or not 1 <= count <= limits.DESCENT_STEPS:
        message = f"steps is a whole number from 1 to {limits.DESCENT_STEPS:,}"
        collected.add(path, f"{message}, not {shortened(str(count), 30)}")
        return None
    return int(count)


def _options(raw: Mapping[str, Any], row: Optimizer, collected: Collected) -> dict[str, Fraction]:
    found: dict[str, Fraction] = {}
    for option in row.options:
        path = (SECTION, option.name)
        value = number_at(raw.get(option.name, option.default), path, collected)
        if value is not None and not option.allows(value):
            message = f"{option.name} = {shortened(str(value), 30)} is out of range: {option.range}"
            collected.add(path, message, f'The default is "{option.default}".')
        elif value is not None:
            found[option.name] = value
    return found


def _listed(raw: Mapping[str, Any], collected: Collected) -> tuple[str, ...] | None:
    """The names under `parameters`, as the notation spells them."""
    if "parameters" not in raw:
        return None
    path = (SECTION, "parameters")
    listed = raw["parameters"]
    if not isinstance(listed, list | tuple) or not listed or not all(isinstance(n, str) for n in listed):
        collected.add(path, "a list of names belongs here", 'Write parameters = ["W", "b"].')
        return None
    names: list[str] = []
    for text in listed:
        try:
            name = canonical_name(text)
        except ReadError as error:
            collected.read_error(path, error)
            continue
        if name in names:
            collected.add(path, f"{name} is listed twice")
        else:
            names.append(name)
    return tuple(names)


# --- and what it means for the exercise ---------------------------------------------------


def planned(asked: Asked, setting: Setting, collected: Collected) -> Descent | None:
    """The descent, its names checked against the model; None where there is a fault."""
    before = len(collected.faults)
    if asked.parameters is None:
        parameters = default_parameters(setting)
        if not parameters:
            message = "no given name has a wanted gradient: there is nothing to update"
            collected.add((SECTION,), message, 'Write parameters = ["W"] with names of the model.')
    else:
        parameters = asked.parameters
        _check_names(parameters, setting, collected)
    _check_numbers(setting, collected)
    _check_facts(parameters, setting, collected)
    if len(collected.faults) > before:
        return None
    return Descent(
        rate=asked.rate, steps=asked.steps, optimizer=asked.optimizer.name, options=asked.options,
        parameters=parameters,
    )  # fmt: skip


def default_parameters(setting: Setting) -> tuple[str, ...]:
    """The given names whose gradient is wanted, without data; all of them where only data is left.

    Data is what is called x, y or t (in capitals, with numbers or primes too) and what stands
    only as the target of a loss function.
    """
    given = [name for name in setting.wanted if name in setting.given]
    targets = _targets(setting.equations)
    kept = [name for name in given if not _DATA.fullmatch(name) and name not in targets]
    return tuple(kept or given)


def _targets(equations: Sequence[tuple[str, Node]]) -> set[str]:
    """The names that are the last argument of a loss function and occur nowhere else."""
    found: list[str] = []
    every: list[str] = []
    for _, body in equations:
        for part in tree.walk(body):
            if isinstance(part, tree.Name):
                every.append(part.name)
            elif isinstance(part, tree.Call) and len(part.args) > 1 and is_loss(part.function):
                last = tree.undressed(part.args[-1])
                found += [last.name] if isinstance(last, tree.Name) else []
    return {name for name in found if every.count(name) == found.count(name)}


def is_loss(function: str) -> bool:
    """Whether a call of this function is a loss, whose last argument is the target."""
    row = TABLE.get(function)
    return (row is not None and row.kind == "loss") or function == "cross_entropy_logits"


def _check_names(parameters: Iterable[str], setting: Setting, collected: Collected) -> None:
    computed = [name for name, _ in setting.equations]
    path = (SECTION, "parameters")
    for name in parameters:
        if name in computed:
            message = f"{name} is computed by model.{name}; a parameter is a given name"
            collected.add(path, message, f"The given names are {', '.join(setting.given)}.")
        elif name not in setting.given:
            known = f"The given names are {', '.join(setting.given)}."
            collected.unknown(path, "unknown name", name, setting.given, known)


def _check_numbers(setting: Setting, collected: Collected) -> None:
    """Descent goes through numbers: every given name needs a value, every function a formula."""
    missing = [name for name in setting.given if name not in setting.valued]
    if missing:
        have = "has no value" if len(missing) == 1 else "have no value"
        message = f"gradient descent needs numbers, and {', '.join(missing[:8])} {have}"
        collected.add((SECTION,), message, "Give values under [values].")
    parts = (part for _, body in setting.equations for part in tree.walk(body))
    called = {part.function for part in parts if isinstance(part, tree.Call)}
    for name, row in setting.functions.items():
        if name in called and not row.pieces:
            message = f"gradient descent needs numbers, and {name} is any function"
            collected.add((SECTION,), message, f"Give {name} a formula under [functions].")


def _check_facts(parameters: Iterable[str], setting: Setting, collected: Collected) -> None:
    """A gradient may rest on a fact, and descent would not keep a fact about what it changes."""
    for fact in setting.facts:
        for name in parameters:
            if name in tree.names_in(fact.chain):
                message = f"descent changes {name}, and then the fact {fact.text} no longer holds"
                collected.add((SECTION,), message, "List other names under parameters.")


# --- asked for from outside ----------------------------------------------------------------


def with_descent(exercise: Exercise, **asked: Any) -> Exercise:
    """The exercise with a descent; `asked` are keys of the section and go before what the file says.

    A key that is None is left out. Raises ExerciseError with every fault.
    """
    collected = Collected(exercise.key)
    chosen = {key: value for key, value in asked.items() if value is not None}
    if not chosen:
        return exercise
    raw = {**_as_keys(exercise.descent, chosen), **chosen}
    setting = Setting(
        equations=[(one.name, one.body) for one in exercise.equations], given=exercise.given,
        wanted=exercise.wanted, valued=frozenset(exercise.values), functions=exercise.functions,
        facts=exercise.facts,
    )  # fmt: skip
    plan = descent_of(raw, setting, collected)
    collected.stop_if_any()
    return replace(exercise, descent=plan, wanted=with_parameters(exercise.wanted, plan))


def with_parameters(wanted: tuple[str, ...], plan: Descent | None) -> tuple[str, ...]:
    """The wanted names, and behind them those parameters whose gradient nobody asked for."""
    return tuple(dict.fromkeys((*wanted, *(plan.parameters if plan else ()))))


def _as_keys(plan: Descent | None, chosen: Mapping[str, Any]) -> dict[str, Any]:
    """A plan as the keys of the section; the options of an optimiser that is replaced are left out."""
    if plan is None:
        return {}
    same = chosen.get("optimizer", plan.optimizer) == plan.optimizer
    return {
        "rate": plan.rate, "steps": plan.steps, "optimizer": plan.optimizer,
        "parameters": plan.parameters, **(plan.options if same else {}),
    }  # fmt: skip
