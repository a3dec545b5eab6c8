"""Places of an array in a snippet: linear forms of the loops' variables."""

from __future__ import annotations

from collections.abc import Sequence

Form = tuple[dict[str, int], int]
"""The coefficients of the variables, and a constant."""


def scaled(form: Form, factor: int) -> Form:
    """The form times a number."""
    return {name: count * factor for name, count in form[0].items()}, form[1] * factor


def total(forms: Sequence[Form]) -> Form:
    """The sum of forms."""
    made: dict[str, int] = {}
    for form, _ in forms:
        for name, count in form.items():
            made[name] = made.get(name, 0) + count
    return made, sum(constant for _, constant in forms)


def shifted(form: Form, by: int) -> str:
    """`i + 2*a - 1`: the form and a number more, as code."""
    made = ""
    for name, count in sorted(form[0].items(), key=lambda item: item[1] < 0):
        if count:
            sign = ("-" if count < 0 else "") if not made else (" - " if count < 0 else " + ")
            made += sign + (name if abs(count) == 1 else f"{abs(count)}*{name}")
    constant = form[1] + by
    if not made:
        return str(constant)
    return made + (f" {'-' if constant < 0 else '+'} {abs(constant)}" if constant else "")
