"""Derivations of a few equations, for the tests: what comes out as texts and as numbers."""

from collections.abc import Mapping
from typing import Any

from symbackprop.derivation.derive import derive
from symbackprop.derivation.steps import Derivation
from symbackprop.exercise import from_parts
from symbackprop.notation import tree
from symbackprop.notation.write import to_plain


def worked(
    *equations: str,
    shapes: Mapping[str, Any] | None = None,
    values: Mapping[str, Any] | None = None,
    **more: Any,
) -> Derivation:
    """A derivation of equations written `z = W x + b`; a shape is `kn`, its sizes letter by letter."""
    pairs = (one.split("=", 1) for one in equations)
    model = {left.strip(): right.strip() for left, right in pairs}
    sizes = {
        name: [int(s) if str(s).isdigit() else s for s in shape] for name, shape in (shapes or {}).items()
    }
    return derive(from_parts(model=model, shapes=sizes, values=values, **more))


def formulas(derivation: Derivation) -> dict[str, str]:
    """Every gradient but that of the loss, as plain text; one by its entries as `dK[p,q]`."""
    found = {}
    for step in derivation.backward[1:]:
        left, right = tree.stated(tree.Gradient(tree.Name(step.target)), step.formula)
        found[to_plain(left)] = to_plain(right)
    return found


def equations(derivation: Derivation) -> list[str]:
    """The equations of the model as it was derived, in order."""
    pairs = (tree.stated(tree.Name(one.name), one.body) for one in derivation.exercise.equations)
    return [f"{to_plain(left)} = {to_plain(right)}" for left, right in pairs]


def numbers(derivation: Derivation, name: str) -> Any:
    """The exact value as nested lists."""
    found = derivation.quantities[name].numbers
    assert found is not None
    return found.nested()
