"""Backpropagation worked out as on the blackboard: derived, proved line by line, and printed.

    import symbackprop as sb
    worked = sb.derive("neurona")
    worked["dW"].value                  # Matrix([[-4, 0, -8]])

Nothing heavy is imported until it is used: `import symbackprop` costs next to nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from symbackprop.algebra.values.domain import DomainProblem
    from symbackprop.api import (
        CheckedDerivation,
        InFloats,
        Worked,
        check,
        derive,
        derive_floats,
        descend,
        exam_variants,
    )
    from symbackprop.derivation.certify import CertificateFailed
    from symbackprop.exercise import ExerciseError, bundled, from_dict, from_parts, from_text, load
    from symbackprop.exercise.model import Exercise

_HOMES = {
    "CertificateFailed": "derivation.certify",
    "CheckedDerivation": "api",
    "DomainProblem": "algebra.values.domain",
    "Exercise": "exercise.model",
    "ExerciseError": "exercise",
    "InFloats": "api",
    "Worked": "api",
    "bundled": "exercise",
    "check": "api",
    "derive": "api",
    "derive_floats": "api",
    "descend": "api",
    "exam_variants": "api",
    "from_dict": "exercise",
    "from_parts": "exercise",
    "from_text": "exercise",
    "load": "exercise",
}
"""Where each public name lives; the module is imported when the name is first used."""

__all__ = [
    "CertificateFailed",
    "CheckedDerivation",
    "DomainProblem",
    "Exercise",
    "ExerciseError",
    "InFloats",
    "Worked",
    "__version__",
    "bundled",
    "check",
    "derive",
    "derive_floats",
    "descend",
    "exam_variants",
    "from_dict",
    "from_parts",
    "from_text",
    "load",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
