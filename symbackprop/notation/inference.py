"""Shapes of the names of a model, inferred from everything that is known about them.

Every part of every formula gets a variable; every operation is a constraint between variables
that works in any direction, from names to results and back. Constraints are applied until
nothing changes; where that leaves a rank open, habit decides, one choice at a time (`W x` with
x a vector and a vector as result makes W a matrix). What does not fit is not judged while
solving: the solution is checked by `shape_check.py`, which knows how to say what is wrong.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from symbackprop.notation import tree
from symbackprop.notation.collect import ONES, Collector, Running
from symbackprop.notation.constraints import HABITS, Constraint, Lone, Mix, Times
from symbackprop.notation.node import Plain
from symbackprop.notation.shape_algebra import (
    ShapeError,
    Signature,
    common_shape,
    has_size_one,
    shown,
    size_of,
)
from symbackprop.notation.shape_check import check
from symbackprop.notation.shape_running import (
    ends_by_node,
    filled,
    find_ranges,
    range_faults,
    settled,
    unsaid,
    waiting,
)
from symbackprop.notation.sizes import linear_form, size_tree
from symbackprop.notation.tree import Node, Shape, Size
from symbackprop.notation.unknowns import ShapeVar, SizeVar, Solver

FRESH_SIZES = ("n", "k", "h", "m", "p", "q", "r", "s")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Inference(Plain):
    """What is known about a model's shapes.

    `shapes` has every name whose shape is determined, `undetermined` the others; `habits` are
    scalars only because nothing asks for more. `sizes` says what became of each declared size
    name: a number, or itself. `bodies` are the formulas with
    every bare vector of ones given its size. `faults` are the misfits, each with the name of its
    equation; shapes of names behind a misfit are only a guess. In `bodies`, sums whose range was
    left to the shapes have it, and arrays given by entries their sizes.
    """

    shapes: Mapping[str, Shape]
    undetermined: tuple[str, ...]
    habits: frozenset[str]
    sizes: Mapping[str, Size]
    bodies: tuple[Node, ...]
    faults: tuple[tuple[str, ShapeError], ...]


class InferenceError(ValueError):
    """Shapes that do not fit or are not determined; `faults` has all of them."""

    def __init__(self, faults: Sequence[tuple[str, ShapeError]]) -> None:
        super().__init__("\n".join(f"{name}: {fault}" for name, fault in faults))
        self.faults = tuple(faults)


def infer(
    equations: Sequence[tuple[str, Node]],
    declared: Mapping[str, Shape],
    *,
    functions: Mapping[str, Signature],
) -> dict[str, Shape]:
    """The shape of every name of a model, given some of them; the last equation is the loss.

    Sizes that nothing names are named n (inputs), k (outputs), then h, m, p … Raises
    InferenceError with everything that does not fit or is not determined.
    """
    found = solve(equations, declared, functions=functions)
    faults = list(found.faults)
    if not faults:
        faults = [
            (name, ShapeError(tree.Name(name), f"nothing says the shape of {name}"))
            for name in found.undetermined
        ]
    if faults:
        raise InferenceError(faults)
    return dict(found.shapes)


def solve(
    equations: Sequence[tuple[str, Node]],
    declared: Mapping[str, Shape],
    *,
    functions: Mapping[str, Signature],
    texts: Mapping[str, str] | None = None,
    sizes: Mapping[str, Size] | None = None,
    has_loss: bool = True,
) -> Inference:
    """As `infer`, but it returns what it found, faults and all.

    `texts` are the formulas as written, for the messages. `sizes` are size names that formulas
    may use as numbers, with what they stand for; those in `declared` are known without.
    `has_loss` is False when the last equation is not the loss (that one could not be read).
    """
    marked = list(zip((name for name, _ in equations), _marked(equations), strict=True))
    solver = Solver()
    collector = Collector(solver, functions, frozenset(sizes or ()), declared=frozenset(declared))
    for name, shape in declared.items():
        collector.names[name] = solver.shape(shape)
    for size in sorted(_used_sizes(equations) - {*declared, *(name for name, _ in equations)}):
        solver.size(size)
    for size, stands_for in (sizes or {}).items():
        if size == stands_for:
            solver.size(size)
    written = {**{size: size for size in solver.sizes if " " not in size}, **(sizes or {})}
    _collect(collector, marked, has_loss)
    by_habit = _run(collector)
    open_ranges = _name_sizes(collector, marked)
    shapes = {name: _resolved(variable, solver) for name, variable in collector.names.items()}
    known = {name: shape for name, shape in shapes.items() if shape is not None}
    resolved = {name: _size(solver.size(size), solver) for name, size in written.items()}
    ends = ends_by_node(collector)
    bodies = tuple(_sized(filled(body, ends), solver) for _, body in marked)
    pairs = [(name, body) for (name, _), body in zip(equations, bodies, strict=True)]
    known.update(_shapes_by_entries(pairs, declared))
    ranges = list(range_faults(collector, open_ranges, texts or {}))
    return Inference(
        shapes=known,
        undetermined=tuple(name for name, shape in shapes.items() if shape is None),
        habits=frozenset(by_habit & set(known)),
        sizes=resolved,
        bodies=bodies,
        faults=tuple(
            _check(pairs, known, resolved, functions, texts or {}, has_loss, ranges, frozenset(declared))
        ),
    )


# --- solving --------------------------------------------------------------------------


def _collect(collector: Collector, equations: Sequence[tuple[str, Node]], has_loss: bool) -> None:
    for name, _ in equations:
        collector.names.setdefault(name, ShapeVar())
    for place, (name, body) in enumerate(equations):
        collector.equation = name
        first = len(collector.running)
        found = collector.variable(body)
        for running in collector.running[first:]:
            running.declared = running.node is body and name in collector.declared
        if name in collector.declared and isinstance(body, tree.Entrywise):
            collector.solver.same(found, collector.names[name])  # before any place says otherwise
        if has_loss and place == len(equations) - 1:  # the loss: a scalar, or size 1 and taken as a scalar
            collector.solver.learn(collector.names[name], ())
            collector.add(Lone(found))
        else:
            collector.add(Mix(collector.names[name], (found,)))


def _run(collector: Collector) -> set[str]:
    """Apply everything until nothing changes, then one habit, and again.

    Returns the names that only the last habit could decide.
    """
    solver, constraints = collector.solver, collector.constraints
    _settle(solver, constraints)
    level, undecided, unsettled = 1, set[str](), constraints
    while level <= HABITS:
        unsettled = [constraint for constraint in unsettled if _is_open(constraint)]
        if level == HABITS:
            undecided |= {name for name, variable in collector.names.items() if variable.rank is None}
        if any(_guessed(solver, constraint, level) for constraint in unsettled):
            _settle(solver, unsettled)
            level = 1
        else:
            level += 1
    _settle(solver, constraints)  # sizes learnt late may reach what was settled early
    return undecided


def _is_open(constraint: Constraint) -> bool:
    return any(variable.rank is None for variable in constraint.variables())


def _guessed(solver: Solver, constraint: Constraint, level: int) -> bool:
    solver.changed = False
    constraint.guess(solver, level)
    return solver.changed


def _settle(solver: Solver, constraints: Sequence[Constraint]) -> None:
    solver.changed = True
    while solver.changed:
        solver.changed = False
        for constraint in constraints:
            constraint.apply(solver)
        for relation in list(solver.relations):
            relation.apply(solver)


def _used_sizes(equations: Sequence[tuple[str, Node]]) -> set[str]:
    """The N of `ones(N)` and the n of `sum(i = 1..n: …)`: sizes, whether or not [shapes] names them."""
    sizes: set[str] = set()
    for _, body in equations:
        for part in tree.walk(body):
            for size in _sizes_in(part):
                form = linear_form(size)
                sizes.update(form[0] if form is not None else ())
    indices = {index for _, body in equations for part in tree.walk(body) for index in _indices(part)}
    return sizes - indices


def _sizes_in(node: Node) -> tuple[Node, ...]:
    match node:
        case tree.Ones(size) if size is not None:
            return (size,)
        case tree.Sum(_, _, high) if high is not None:
            return (high,)
        case tree.Entrywise(_, sizes):
            return sizes
        case tree.Call("eye" | "zeros", args):
            return args
        case tree.Call("onehot", (_, *sizes)):
            return tuple(sizes)
    return ()


def _indices(node: Node) -> tuple[str, ...]:
    if isinstance(node, tree.Entrywise):
        return node.indices
    return (node.index,) if isinstance(node, tree.Sum) else ()


def _marked(equations: Sequence[tuple[str, Node]]) -> Iterator[Node]:
    """The formulas, each bare vector of ones with a name for its size that nobody can write."""
    count = 0

    def mark(node: Node) -> Node:
        nonlocal count
        if isinstance(node, tree.Ones) and node.size is None:
            count += 1
            return tree.Ones(tree.Name(f"{ONES}{count}"), span=node.span)
        return tree.rebuild(node, mark)

    for _, body in equations:
        yield mark(body)


def _sized(node: Node, solver: Solver) -> Node:
    if isinstance(node, tree.Ones) and isinstance(node.size, tree.Name):
        name = node.size.name
        if name.startswith(ONES):
            return tree.Ones(size_tree(_size(solver.sizes[name], solver)), span=node.span)
    return tree.rebuild(node, lambda child: _sized(child, solver))


def _size(variable: SizeVar, solver: Solver) -> Size:
    return settled(solver, variable) or "?"


def _resolved(variable: ShapeVar, solver: Solver) -> Shape | None:
    axes = variable.axes
    return None if axes is None else tuple(_size(size, solver) for size in axes)


def _shapes_by_entries(
    equations: Sequence[tuple[str, Node]], declared: Mapping[str, Shape]
) -> Iterator[tuple[str, Shape]]:
    """What index equations themselves say, whatever those who use the array would like it to be."""
    for name, body in equations:
        if isinstance(body, tree.Entrywise) and body.sizes and name not in declared:
            sizes = [size_of(size) for size in body.sizes]
            yield name, tuple(size for size in sizes if size is not None)


# --- names for sizes ------------------------------------------------------------------


def _name_sizes(collector: Collector, equations: Sequence[tuple[str, Node]]) -> list[Running]:
    """Inputs n, outputs k of the first product of a matrix; then the fresh names in order.

    What follows from other sizes gets no name of its own. Returns the indices whose range nothing says.
    """
    taken = {*collector.names, *collector.solver.sizes}
    for _, body in equations:
        taken.update(index for part in tree.walk(body) for index in _indices(part))
    _settle_ranges(collector)
    later: set[SizeVar] = waiting(collector) | _totals(collector.solver)

    def give(size: SizeVar, wanted: str) -> None:
        root = size.root()
        if root.value is None and root.name is None and root not in later:
            root.name = next(name for name in _candidates(wanted) if name not in taken)
            taken.add(root.name)

    for constraint in collector.constraints:
        if isinstance(constraint, Times) and constraint.left.rank == 2 and constraint.right.axes:
            left, right = constraint.left.axes or (), constraint.right.axes
            give(left[1], "n")
            give(right[1] if len(right) == 2 else left[0], "k")
            give(left[0], "m")
            break
    named = list(collector.names.values())
    ones = [size for name, size in collector.solver.sizes.items() if name.startswith(ONES)]
    every = [size for variable in named for size in variable.axes or ()] + ones
    for size in every:
        give(size, "n")
    _settle_ranges(collector)
    open_ranges = unsaid(collector)
    later = set()
    for size in every:
        give(size, "n")
        _settle(collector.solver, ())
    return open_ranges


def _settle_ranges(collector: Collector) -> None:
    _settle(collector.solver, collector.constraints)
    while find_ranges(collector):
        _settle(collector.solver, collector.constraints)


def _totals(solver: Solver) -> set[SizeVar]:
    """The sizes that are sums of others, as the entries of stack(a, b) are."""
    return {relation.total.root() for relation in solver.relations if relation.total.known is None}


def _candidates(wanted: str) -> Iterator[str]:
    yield wanted
    yield from FRESH_SIZES
    count = 1
    while True:
        yield f"{wanted}{count}"
        count += 1


# --- the check of the solution --------------------------------------------------------


def _check(
    equations: Sequence[tuple[str, Node]],
    known: Mapping[str, Shape],
    sizes: Mapping[str, Size],
    functions: Mapping[str, Signature],
    texts: Mapping[str, str],
    has_loss: bool,
    ranges: Sequence[tuple[str, ShapeError]],
    declared: frozenset[str],
) -> list[tuple[str, ShapeError]]:
    faults: list[tuple[str, ShapeError]] = []
    shapes = dict(known)
    lost: set[str] = set()
    for place, (name, body) in enumerate(equations):
        found = [fault for equation, fault in ranges if equation == name]
        found += _too_small(name, body, shapes)
        if found:
            shapes.pop(name, None)
            lost.add(name)
            faults += [(name, fault) for fault in found]
            continue
        undetermined = {part for part in tree.names_in(body) if part not in shapes}
        shape = check(
            body, {**dict.fromkeys(sizes, ()), **shapes}, functions=functions,
            text=texts.get(name, ""), faults=found, unknown=frozenset(lost | undetermined), sizes=sizes,
            name=name,
        )  # fmt: skip
        last = has_loss and place == len(equations) - 1
        if shape is not None and not found:
            found += _check_left(name, body, shape, () if last else shapes.get(name), last, name in declared)
        if found:
            shapes.pop(name, None)
            lost.add(name)
        faults += [(name, fault) for fault in found]
    return faults


def _too_small(name: str, body: Node, shapes: Mapping[str, Shape]) -> list[ShapeError]:
    """A computed size such as m − r + 1 that comes out as 0 or less."""
    for used in (name, *tree.names_in(body)):
        for size in shapes.get(used, ()):
            if isinstance(size, int) and size < 1:
                return [ShapeError(body, f"{used} would have {size} places along an axis", "")]
    return []


def _check_left(
    name: str, body: Node, shape: Shape, expected: Shape | None, last: bool, declared: bool
) -> list[ShapeError]:
    """The left side against the right: the loss is a scalar, and so is what its uses make one; a
    declared shape is kept."""
    if last and shape and not has_size_one(shape):
        advice = "Did you mean 1/2 ||…||^2, sum(…) or mean(…)?"
        return [ShapeError(body, f"the loss {name} must be a scalar, and this is {shown(shape)}", advice)]
    if expected is None or last or common_shape(expected, shape) == expected:
        return []
    if declared:
        return [ShapeError(body, f"{name} is declared {shown(expected)} and this is {shown(shape)}")]
    advice = "Say the shapes of the names that have no value, under [shapes]."
    message = f"where {name} is used it is taken for {shown(expected)}, and this is {shown(shape)}"
    return [ShapeError(body, message, advice)]
