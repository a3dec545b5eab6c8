"""Layers of one form, each on top of the one before: what the delta recursion is said of.

Nothing here goes by names alone: two layers are of one form when their equations, and the gradients
that come back through them, are the same but for the names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from symbackprop.derivation.steps import Contribution, Derivation, Step
from symbackprop.exercise.model import Equation
from symbackprop.notation import tree
from symbackprop.notation.tree import Name, Node, Shape

LONG: Final = 4
"""So many layers are worth a short form: the last ones in full, the others in a table."""

_NUMBERED: Final = re.compile(r"(.*?[^0-9_])_?([0-9]+)", re.DOTALL)
_BY_RANK: Final[Mapping[int, str]] = {0: "wv", 1: "bc", 2: "WVM"}
_OUTPUT: Final = "aho"
_AFFINE: Final = "zsuqn"
"""Letters for what a layer has, by its rank where it is the layer's own; the reader of reports knows them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """One layer: `affine` (z) from `incoming`, and `output` (a) from z, or z itself.

    `own` are the other names of its affine equation, in the order of the form.
    """

    affine: str
    output: str
    incoming: str
    own: tuple[str, ...]
    function: str = ""


@dataclass(frozen=True)
class Ladder:
    """Two or more layers of one form, from the input up."""

    derivation: Derivation
    rungs: tuple[Rung, ...]

    def __len__(self) -> int:
        return len(self.rungs)

    @property
    def hidden(self) -> frozenset[str]:
        """What repeats the step of the second-last layer: the names of all the layers below it."""
        if len(self) < LONG:
            return frozenset()
        below = self.rungs[:-2]
        names = {name for rung in below for name in (rung.affine, rung.output, *rung.own)}
        return frozenset(names | {below[0].incoming} - set(self.shared))

    @cached_property
    def shared(self) -> tuple[str, ...]:
        """The names that all layers have in common, such as the weights of a recurrent cell."""
        return tuple(
            own[0] for own in zip(*(rung.own for rung in self.rungs), strict=True) if len(set(own)) == 1
        )

    @property
    def index(self) -> str:
        """The letter for any layer, or for any step of a cell whose weights all steps share."""
        letters = "tls" if self.shared else "ltk"
        return next((one for one in letters if one not in self.derivation.exercise.shapes), letters[0])

    @cached_property
    def functions(self) -> tuple[str, ...]:
        """The functions of the layers through which a gradient returns to a layer below."""
        return tuple(dict.fromkeys(rung.function for rung in self.rungs[:-1] if rung.function))

    def zeroth(self) -> Node:
        """`a_0`, the input of the first layer under the name that the form gives it."""
        letter, number = self._letters[0][self.rungs[0].output], self.number(0) - 1
        return Name(f"{letter}{number}") if number >= 0 else tree.Index(Name(letter), (tree.number(number),))

    def number(self, place: int) -> int:
        """The number of a layer as the exercise's own names have it, else counted from 1."""
        return place + self._letters[1]

    def name(self, role: str, suffix: int = 0) -> Name:
        """`W_{l+1}` for the role `W` and the suffix 1; the name itself of what is shared."""
        if role in self.shared:
            return Name(role)
        letters, _, offsets = self._letters
        steps = suffix + offsets.get(role, 0)
        return Name(f"{letters.get(role, role)}_{self.index}{f'{steps:+}' if steps else ''}")

    @cached_property
    def roles(self) -> tuple[str, ...]:
        """The names of the first layer: z, a, and its own ones."""
        first = self.rungs[0]
        return (first.affine, first.output, *first.own)

    def names(self, role: str) -> tuple[str, ...]:
        """The names that stand in the place of `role`, layer by layer."""
        return tuple(
            dict(zip(self.roles, (rung.affine, rung.output, *rung.own), strict=True))[role]
            for rung in self.rungs
        )

    @cached_property
    def _letters(self) -> tuple[Mapping[str, str], int, Mapping[str, int]]:
        """The letter of each role, the number of the first layer, and by how much a role counts otherwise.

        In `z2 = a1 W1` the weights of layer 2 are W1.
        """
        stems = {role: _stem(self.names(role)) for role in self.roles if role not in self.shared}
        own = {role: found for role, found in stems.items() if found is not None}
        leading = own.get(self.rungs[0].affine) or next(iter(own.values()), ("", 1))
        start = leading[1]
        return (
            self._lettered({role: stem for role, (stem, _) in own.items()}), start,
            {role: number - start for role, (_, number) in own.items()},
        )  # fmt: skip

    def _lettered(self, own: Mapping[str, str]) -> Mapping[str, str]:
        """z, a, W and b where the names have no letter in common; no letter that means something else."""
        rung, shapes = self.rungs[0], self.derivation.exercise.shapes
        batch = len(shapes[rung.affine]) == 2 and rung.affine[:1].isupper()
        letters = dict(own)
        taken = {name.rstrip("0123456789") for name in shapes} | set(own.values())
        wanted = {rung.output: _OUTPUT, rung.affine: _AFFINE if rung.affine != rung.output else _OUTPUT}
        wanted |= {name: _BY_RANK.get(_rank(shapes.get(name, ())), "WVM") for name in rung.own}
        for role, choice in wanted.items():
            if role in letters:
                continue
            shown = choice.upper() if batch and role not in rung.own else choice
            letters[role] = next((one for one in shown if one not in taken), shown[-1])
            taken.add(letters[role])
        return letters

    # --- formulas for any layer ------------------------------------------------------------

    def general(self, node: Node, place: int) -> Node:
        """A formula of the layer at `place` with the names of any layer `l`."""
        return tree.replace_names(node, self._table(place))

    def _table(self, place: int) -> dict[str, Node]:
        table: dict[str, Node] = {}
        rungs = self.rungs
        near = [(place - 1, -1), (place + 1, 1), (place, 0)]
        for at, suffix in near:
            if 0 <= at < len(rungs):
                names = (rungs[at].affine, rungs[at].output, *rungs[at].own)
                table |= {name: self.name(role, suffix) for role, name in zip(self.roles, names, strict=True)}
        table[rungs[place].incoming] = self.name(self.rungs[0].output, -1)
        return table


def _rank(shape: Shape) -> int:
    """How many axes are longer than 1: a bias as a row has one."""
    return sum(size != 1 for size in shape)


def _stem(names: Sequence[str]) -> tuple[str, int] | None:
    """`("W", 1)` for W1, W2, W3; the last one may be called anything (`yhat`)."""
    found = [_NUMBERED.fullmatch(name) for name in names]
    sure = found if found[-1] is not None else found[:-1]
    stems = {match[1] for match in sure if match is not None}
    starts = {int(match[2]) - place for place, match in enumerate(sure) if match is not None}
    if None in sure or len(stems) != 1 or len(starts) != 1:
        return None
    return stems.pop(), starts.pop()


# --- finding them --------------------------------------------------------------------------


def ladder(derivation: Derivation) -> Ladder | None:
    """The longest run of layers of one form whose gradients come back in one form too."""
    finder = _Finder(derivation)
    best: tuple[Rung, ...] = ()
    for equation in finder.equations.values():
        if equation.name in {rung.affine for rung in best}:
            continue
        for incoming in tree.names_in(equation.body):
            rungs = finder.climb(equation, incoming)
            if len(rungs) > len(best):
                best = rungs
    return Ladder(derivation, best) if len(best) > 1 else None


class _Finder:
    """Climbs from layer to layer."""

    def __init__(self, derivation: Derivation) -> None:
        exercise = derivation.exercise
        self.equations = {one.name: one for one in exercise.equations[:-1]}
        self.steps = {step.target: step for step in derivation.backward}
        self.known = set(exercise.shapes)
        self.users: dict[str, list[Equation]] = {}
        for one in exercise.equations:
            for name in tree.names_in(one.body):
                self.users.setdefault(name, []).append(one)

    def climb(self, equation: Equation, incoming: str) -> tuple[Rung, ...]:
        """The layers from `equation` up, as far as they repeat."""
        form, _ = self.form(equation.body, incoming)
        rungs: list[Rung] = []
        at: Equation | None = equation
        if not any(isinstance(part, tree.Product) for part in tree.walk(equation.body)):
            return ()
        while at is not None:
            made, own = self.form(at.body, incoming)
            computed = any(name in self.equations for name in own)  # attention's P is no weight
            if made != form or incoming not in self.known or computed:
                break
            rungs.append(self.rung(at, incoming, own))
            incoming = rungs[-1].output
            following = [one for one in self.users.get(incoming, []) if one.name in self.equations]
            at = following[0] if len(following) == 1 else None
        return self.alike(rungs)

    def form(self, body: Node, incoming: str) -> tuple[Node, tuple[str, ...]]:
        """An equation's right side without its names, and those names but the incoming one."""
        table: dict[str, Node] = {incoming: Name("#in")}
        own = [name for name in tree.names_in(body) if name in self.known and name != incoming]
        table |= {name: Name(f"#{place}") for place, name in enumerate(own)}
        return tree.undressed(tree.replace_names(body, table)), tuple(own)

    def rung(self, affine: Equation, incoming: str, own: tuple[str, ...]) -> Rung:
        users = self.users.get(affine.name, [])
        if len(users) == 1 and users[0].name in self.equations:
            body = tree.undressed(users[0].body)
            if isinstance(body, tree.Call) and body.args == (Name(affine.name),):
                return Rung(
                    affine=affine.name, output=users[0].name, incoming=incoming, own=own,
                    function=body.function,
                )  # fmt: skip
        return Rung(affine=affine.name, output=affine.name, incoming=incoming, own=own)

    def alike(self, rungs: Sequence[Rung]) -> tuple[Rung, ...]:
        """The topmost layers whose gradients all come back in one form."""
        if len(rungs) < 2:
            return ()
        kept = [rungs[-1]]
        wanted: object = None
        for place in reversed(range(len(rungs) - 1)):
            returned = self.returned(rungs[place], rungs[place + 1])
            applied = {bool(rung.function) for rung in (rungs[place], *kept[1:])}
            if returned is None or len(applied) > 1 or (wanted is not None and returned != wanted):
                break
            wanted = returned
            kept.append(rungs[place])
        return tuple(reversed(kept))

    def returned(self, rung: Rung, above: Rung) -> tuple[Node, ...] | None:
        """How gradients come back from one layer to the one below it, without names."""
        steps = [self.steps.get(name) for name in (rung.affine, rung.output)]
        if any(step is None or len(step.substeps) != 1 for step in steps):
            return None
        pairs = zip(
            (above.affine, above.output, *above.own), ("z+", "a+", *self.marks(above, "+")), strict=True
        )
        table: dict[str, Node] = {name: Name("#" + mark) for name, mark in pairs}
        names = zip((rung.output, rung.affine, *rung.own), ("a", "z", *self.marks(rung, "")), strict=True)
        table |= {name: Name("#" + mark) for name, mark in names if name not in above.own}
        return tuple(
            _no_function(tree.replace_names(step.formula, table)) for step in steps if step is not None
        )

    def marks(self, rung: Rung, suffix: str) -> tuple[str, ...]:
        return tuple(f"{place}{suffix}" for place in range(len(rung.own)))


def _no_function(node: Node) -> Node:
    if isinstance(node, tree.Call) and len(node.args) == 1:
        return tree.Call("", tuple(map(_no_function, node.args)), (), node.primes)
    return tree.rebuild(node, _no_function)


def contribution(step: Step, through: str) -> Contribution | None:
    """What one equation sends back to a name."""
    return next((made for made in step.substeps if made.through == through), None)


def targets(rungs: Sequence[Rung]) -> Iterator[str]:
    """The names of layers, as often as they occur."""
    for rung in rungs:
        yield from (rung.affine, rung.output, *rung.own)
