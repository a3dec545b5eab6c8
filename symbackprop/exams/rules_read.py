"""From the section [questions.….rules] of an exam file to rules, with what is wrong in it."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any, Final

from symbackprop.exams.model import Rules
from symbackprop.exams.rules import BY_NAME, Rule, Setting, defaults
from symbackprop.exercise.faults import Collected, Path
from symbackprop.exercise.numbers import number_at
from symbackprop.exercise.sections import known_keys

_LEAVES_NOTHING: Final = {
    "active": "with no unit active all answers are 0",
    "max_preactivation": "every pre-activation would be 0, where a kink has no slope",
    "max_error": "output and target would be equal, and all gradients 0",
    "max_product": "every product would be 0, and so would what is asked",
}
"""Why a rule cannot be set to 0."""

_WINDOW: Final = ("min_preactivation", "max_preactivation")
"""The only two that bound one and the same number. (How large a gradient is beside the error, and a product
beside both, hangs on the model: whoever builds the numbers says it.)"""


def rules_of(raw: Mapping[str, Any], path: Path, collected: Collected) -> Rules:
    """The rules that a question sets at `path`, and for the others what holds where nothing is said."""
    known_keys(raw, tuple(BY_NAME), path, collected)
    settings = defaults()
    for name, value in raw.items():
        row = BY_NAME.get(str(name))
        if row is not None:
            settings[row.name] = _setting(row, value, (*path, row.name), collected)
    _check_window(raw, settings, path, collected)
    return Rules(settings=settings)


def _setting(row: Rule, raw: Any, path: Path, collected: Collected) -> Setting:
    """What a rule is set to: a number, true and false as 1 and None."""
    if isinstance(raw, bool):
        if row.kind != "switch" and raw:
            collected.add(path, "a number belongs here, or false for no such rule")
        return Fraction(1) if raw else None
    found = number_at(raw, path, collected)
    if found is None:
        return None
    if found < 0 or (row.kind == "count" and found.denominator != 1):
        collected.add(path, f"{found} is no {row.kind} that a rule can have")
    if found == 0 and row.name in _LEAVES_NOTHING:
        advice = f"Write {row.name} = {row.default or 1}, or false for no such rule."
        collected.add(path, _LEAVES_NOTHING[row.name], advice)
    return found


def _check_window(
    raw: Mapping[str, Any], settings: Mapping[str, Setting], path: Path, collected: Collected
) -> None:
    """Some number lies between the bounds; what the file does not say is named as such."""
    least, most = (settings[name] for name in _WINDOW)
    if least is None or most is None or least <= most:
        return
    if most < 0 or (most == 0 and _WINDOW[0] not in raw):
        return  # that bound alone is wrong, and it was said
    low, high = (
        f"{name} = {settings[name]}{'' if name in raw else ' (which holds where nothing is said)'}"
        for name in _WINDOW
    )
    name, advice = (
        (_WINDOW[0], f"{_WINDOW[0]} = {most} or less") if _WINDOW[0] in raw and most
        else (_WINDOW[1], f"{_WINDOW[1]} = {least} or more")
    )  # fmt: skip
    collected.add((*path, name), f"{low} is above {high}: no number is both", f"Write {advice}.")
