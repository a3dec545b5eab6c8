"""An exercise in the making: what has been made out of its file so far."""

from dataclasses import dataclass, field
from fractions import Fraction

from symbackprop.algebra.functions import Function
from symbackprop.algebra.values.arrays import Array
from symbackprop.exercise.equations import Model
from symbackprop.exercise.faults import Collected, Path
from symbackprop.notation.sizes import names as size_names
from symbackprop.notation.tree import Shape


@dataclass(slots=True)
class Draft:
    """What has been made out so far."""

    collected: Collected
    functions: dict[str, Function] = field(default_factory=dict)
    declared: dict[str, Shape] = field(default_factory=dict)
    values: dict[str, Array[Fraction]] = field(default_factory=dict)
    keys: dict[tuple[str, str], str] = field(default_factory=dict)  # (section, name) -> key as written
    bound: dict[str, tuple[int, str]] = field(default_factory=dict)  # size -> its number, and from where
    from_layers: frozenset[str] = frozenset()  # names whose shape the shorthand of [model] says
    misfits: set[str] = field(default_factory=set)  # names whose value does not fit the declared shape
    model: Model = field(default_factory=Model)

    def says(self, name: str) -> str:
        """Where the declared shape of a name stands."""
        return "model.layers" if name in self.from_layers else f"shapes.{name}"

    def path(self, section: str, name: str) -> Path:
        return (section, self.keys.get((section, name), name))

    @property
    def sizes(self) -> list[str]:
        """The size names that [shapes] declares, in order; of `m − r + 1`, m and r."""
        written = (name for shape in self.declared.values() for size in shape for name in size_names(size))
        return list(dict.fromkeys(written))
