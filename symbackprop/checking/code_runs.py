"""Code run at a point: what its names are worth there, those of the exercise and those it assigned itself."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, Any

from symbackprop.algebra.values.arrays import Array
from symbackprop.algebra.values.domain import Missing
from symbackprop.checking.code import Around, Loop
from symbackprop.checking.code_arrays import NotRead
from symbackprop.checking.code_functions import OwnFunction, own_functions
from symbackprop.checking.code_loops import passes
from symbackprop.checking.code_outline import Outline
from symbackprop.checking.code_values import Running
from symbackprop.checking.context import LOSS_LETTERS
from symbackprop.checking.desk import Desk
from symbackprop.checking.examples_axis import per_example
from symbackprop.checking.worlds import World
from symbackprop.notation import tree
from symbackprop.notation.tree import Node

if TYPE_CHECKING:
    from symbackprop.checking.code_changes import Held

MOST_PARTS = 4_000
"""Parts of an expression with everything put in that is looked at."""


class Unsure(NotRead):
    """A name whose value nobody knows, as a line that sets it was not read."""

    def __init__(self, name: str) -> None:
        super().__init__(None, f"{name} was not read")
        self.name = name


class Carried(Unsure):
    """A name that a loop carries from one pass to the next: `dh = U.T @ dh`."""


@dataclass
class Program:
    """The code of a file so far: what the names stand for that the exercise does not have.

    Every assignment makes a new version of a name, `delta#2`, so that `delta = W.T @ delta` means the one
    before it. `stepped` are parameters after a step of descent, `unsure` names that a line changes which was
    not read, `looped` versions that are another at every pass of a loop. `begun` says how often a name of
    the exercise is still changed in place, `held` what its first value would be found to be by itself.
    `spoiled` are arrays with an entry that was found wrong, `places` where a name got its version.
    `own_deltas`: the file numbers its deltas in a way of its own.
    """

    outline: Outline = field(default_factory=Outline)
    at: int = -1
    assigned: dict[str, ast.expr] = field(default_factory=dict)
    current: dict[str, str] = field(default_factory=dict)
    stepped: dict[str, str] = field(default_factory=dict)
    unsure: set[str] = field(default_factory=set)
    looped: set[str] = field(default_factory=set)
    depths: dict[str, int] = field(default_factory=dict)
    spoiled: set[str] = field(default_factory=set)
    places: dict[str, int] = field(default_factory=dict)
    begun: dict[str, int] = field(default_factory=dict)
    held: dict[str, Held] = field(default_factory=dict)
    function: int | None = None
    own_deltas: bool = False
    columns: bool | None = None
    values: dict[tuple[World, bool, str], Array[Any]] = field(default_factory=dict)

    @property
    def layouts(self) -> tuple[bool, ...]:
        """Vectors as columns and flat, or as the code gives them: `x = np.array([[1], [2]])`."""
        return (True, False) if self.columns is None else (self.columns,)

    @cached_property
    def own(self) -> Mapping[str, OwnFunction]:
        """The functions that the file defines."""
        return own_functions([text for _, _, text in self.outline.functions()])

    def resolved(self, node: ast.expr, *, but: str = "") -> ast.expr:
        """An expression in which every name is the version that it has now, but for one name.

        Raises NotRead where it grows too large.
        """
        made = _Versions(self, but).visit(deepcopy(node))
        assert isinstance(made, ast.expr)
        if sum(1 for _ in ast.walk(made)) > MOST_PARTS:
            raise NotRead(node, "this is too long with everything put in")
        return made

    def sets(self, name: str, value: ast.expr, *, depth: int = 0, looped: bool = False) -> str:
        """The new version of a name, whose value is resolved. `depth` is how many loops are around it,
        `looped` says that it is another at every pass of them."""
        version = f"{name}#{len(self.assigned)}"
        self.assigned[version] = value
        self.current[name] = version
        self.depths[name] = depth
        self.places[name] = self.at
        self.unsure.discard(name)
        if looped:
            self.looped.add(version)
        return version

    def later(self, desk: Desk, name: str) -> int:
        """How often a name is still changed in place before it gets a new value."""
        return self.outline.ahead(self.at, name, self.outline.known(frozenset(desk.exercise.shapes)))

    def counts_down(self, name: str) -> int:
        """One change in place less to come; how many are left."""
        self.begun[name] = max(0, self.begun.get(name, 1) - 1)
        return self.begun[name]

    def enters(self, function: int | None) -> None:
        """Another function of the file begins: what another one did to the weights is of no account."""
        if function != self.function:
            self.function = function
            for name in self.stepped:
                self.current.pop(name, None)
            self.stepped.clear()

    def forgets(self, name: str) -> None:
        """From here on nobody knows what a name is."""
        self.current.pop(name, None)
        self.unsure.add(name)


class _Versions(ast.NodeTransformer):
    def __init__(self, program: Program, but: str) -> None:
        self.program = program
        self.but = but
        self.bound: set[str] = set()

    def visit_Name(self, node: ast.Name) -> ast.expr:
        version = self.program.current.get(node.id)
        if version is None or node.id == self.but or node.id in self.bound:
            return node
        if version in self.program.looped:
            return deepcopy(self.program.assigned[version])
        return ast.copy_location(ast.Name(version, ast.Load()), node)

    def visit_comprehension(self, node: ast.comprehension) -> ast.comprehension:
        node.iter = self.visit(node.iter)
        node.ifs = [self.visit(one) for one in node.ifs]
        return node

    def visit_GeneratorExp(self, node: ast.GeneratorExp) -> ast.expr:
        return self._bound(node)

    def visit_ListComp(self, node: ast.ListComp) -> ast.expr:
        return self._bound(node)

    def _bound(self, node: Any) -> ast.expr:
        names = {
            one.id for each in node.generators for one in ast.walk(each.target) if isinstance(one, ast.Name)
        }
        before = self.bound
        self.bound = before | names
        node.generators = [self.visit(one) for one in node.generators]
        node.elt = self.visit(node.elt)
        self.bound = before
        made: ast.expr = node
        return made


@dataclass(frozen=True, slots=True)
class Scene:
    """The loops and conditions in which a line is judged, resolved. `depth` counts all loops around it, of
    which `loops` are those that it has to do with. `vague`: a condition around it is not read."""

    loops: tuple[Loop, ...] = ()
    tests: tuple[ast.expr, ...] = ()
    depth: int = 0
    vague: bool = False

    @classmethod
    def of(cls, around: Around) -> Scene:
        """The scene of what stands around a statement."""
        tests = tuple(one.test if one.holds else ast.UnaryOp(ast.Not(), one.test) for one in around.cases)
        return cls(around.loops, tests, len(around.loops))

    def generators(self, skipped: int = 0) -> list[ast.comprehension]:
        """The loops, without the outermost, as a comprehension has them; the last one has the tests."""
        loops = self.loops[skipped:]
        return [
            ast.comprehension(one.target, one.over, list(self.tests) if at == len(loops) - 1 else [], 0)
            for at, one in enumerate(loops)
        ]


NOWHERE = Scene()
"""No loops and no conditions."""


@dataclass(frozen=True, slots=True)
class Run:
    """Expressions at one point, with vectors as columns or flat. They are resolved: `delta#2`."""

    program: Program
    desk: Desk
    world: World
    columns: bool

    def value(self, node: ast.expr) -> tuple[Array[Any], frozenset[str]]:
        """Its value and notes. Raises Missing for a name that nobody knows, and what evaluation raises."""
        running = self.running()
        return self.spent(running, node).array, frozenset(running.notes)

    def running(self) -> Running[Any]:
        """What evaluates at this point."""
        calls = {**self.desk.context.functions, **activation_letters(self.desk)}
        return Running(
            self.world.working, self.look_up, self.columns, calls, self.program.own,
            spend=self.desk.budget.spend,
        )  # fmt: skip

    def spent(self, running: Running[Any], node: ast.expr) -> Any:
        """The value of an expression, and its cost paid."""
        self.desk.budget.spend(sum(1 for _ in ast.walk(node)))
        made = running.value(node)
        self.desk.budget.spend(len(made.array.entries) >> 3)
        return made

    def passes(self, scene: Scene) -> Iterator[Running[Any]]:
        """What evaluates at every pass of the loops at which the conditions hold."""
        running = self.running()
        if scene.loops:
            yield from passes(running, scene.generators())
        elif all(running.holds(test) for test in scene.tests):
            yield running

    def look_up(self, name: str) -> Array[Any]:
        """A name of the exercise, a gradient, or a version of what the code assigned, computed once."""
        if name in self.program.unsure:
            raise Unsure(name)
        if name in self.program.assigned:
            key = (self.world, self.columns, name)
            if key not in self.program.values:
                self.program.values[key] = self.value(self.program.assigned[name])[0]
            return self.program.values[key]
        known = truth(self.desk, self.world, name)
        if known is not None:
            return known
        size = self.world.working.sizes.get(name)
        if size is None and name in self.desk.context.sizes:
            named, axis = self.desk.context.sizes[name]
            size = self.world.value(named).shape[axis]
        declared = self.desk.exercise.declared_sizes.get(name)
        size = declared if size is None and isinstance(declared, int) else size
        if size is None:
            raise Missing(name)
        return Array((), (self.world.domain.from_fraction(Fraction(size)),))


def truth(desk: Desk, world: World, name: str) -> Array[Any] | None:
    """The value of a quantity of the exercise: a name, or a gradient as `dW`."""
    target = target_of(desk, name)
    if target is None:
        return None
    return truth_of(world, target, desk)


def target_of(desk: Desk, name: str) -> Node | None:
    """What a name in code is in the exercise."""
    context = desk.context
    shapes = context.exercise.shapes
    if name in shapes:
        return tree.Name(name)
    if name.startswith("d") and len(name) > 1:
        base = name[1:]
        if base == "y" and context.settings.dy != "y" and "yhat" in shapes and "y" in context.exercise.given:
            base = "yhat"
        found = base if base in shapes else context.variable(base)
        if found is not None and found in shapes and not (base in LOSS_LETTERS and base not in shapes):
            return tree.Gradient(tree.Name(found))
    before = context.numbered_delta(name.replace("_", ""))
    if before is not None:
        return tree.Gradient(tree.Name(before))
    found = None if name.endswith("_") else context.variable(name)  # b_ is not b
    return tree.Name(found) if found is not None and found in shapes else None


def activation_letters(desk: Desk) -> dict[str, str]:
    """`f` and `g` for the one activation of the exercise."""
    functions = {call.function for call in desk.context.activations.values()}
    return dict.fromkeys(("f", "g"), next(iter(functions))) if len(functions) == 1 else {}


def truth_of(world: World, target: Node, desk: Desk) -> Array[Any]:
    """What a name or a gradient is at a random point, by the model itself."""
    if isinstance(target, tree.Gradient):
        assert isinstance(target.of, tree.Name)
        return per_example(world, target.of.name, desk.context.per_example)
    assert isinstance(target, tree.Name)
    return world.value(target.name)
