"""How far indices run that are left to the shapes: `sum(a: …)`, and the left side of `y[i] = …`.

An index that stands by itself in `K[a]` runs over that axis. One that stands only in `x[i + a - 1]`
on the left side runs as far as it may: to m − r + 1, where x has m places and a runs to r. Where
the range is known and the array's size is not, it is the other way round.
"""

from collections.abc import Iterator, Mapping

from symbackprop.notation import sizes, tree
from symbackprop.notation.collect import Collector, Running, Stand
from symbackprop.notation.shape_algebra import ShapeError
from symbackprop.notation.shape_ranges import Range, extreme, largest_end, smallest, with_sizes
from symbackprop.notation.shape_walk import quoted
from symbackprop.notation.tree import Node, Size
from symbackprop.notation.unknowns import SizeVar, Solver


def settled(solver: Solver, variable: SizeVar) -> Size | None:
    """What is known of a size: a number, or names with numbers put in where they have one."""
    known = variable.known
    return sizes.replaced(known, solver.numbers()) if isinstance(known, str) and " " in known else known


def end_of(solver: Solver, running: Running) -> Size | None:
    """How far an index runs, as far as is known."""
    if running.found is not None:
        return sizes.replaced(running.found, solver.numbers())
    return None if running.end is None else settled(solver, running.end)


def find_ranges(collector: Collector) -> bool:
    """One round of learning: ends from the room in arrays, sizes of arrays from what must fit."""
    solver = collector.solver
    solver.changed = False
    for running in collector.running:
        if not running.asked or running.found is not None or running.end is None:
            continue
        found = _found(solver, running)
        if running.declared:  # p of y = ["p"] may still learn its number
            found = found if isinstance(found, int) and found >= 1 else None
        else:
            running.found = found
        if found is not None and not (isinstance(found, int) and found < 1):
            solver.same_size(running.end, solver.size(found))
    _reach(collector)
    return solver.changed


def _found(solver: Solver, running: Running) -> Size | None:
    """The largest end that all places leave room for, where no place by itself says it."""
    free = [stand for stand in running.stands if not stand.guarded]
    alone = [stand for stand in free if stand.bare()]
    if alone and (not running.left or (running.end is not None and running.end.known is not None)):
        return None
    if free and running.left:
        own = running.end.root() if running.end is not None else None
        rest = [stand for stand in free if (size := stand.size()) is None or size.root() is not own]
        ends = [_room(solver, running, stand) for stand in rest]
        known = [end for end in ends if end is not None]
        return smallest(known) if known and len(known) == len(ends) else None
    if free or running.end is None or running.end.known is not None:
        return None
    under_guard = {_axis(solver, stand) for stand in running.stands if stand.bare()}
    return under_guard.pop() if len(under_guard) == 1 else None


def _axis(solver: Solver, stand: Stand) -> Size | None:
    size = stand.size()
    return None if size is None else settled(solver, size)


def _room(solver: Solver, running: Running, stand: Stand) -> Size | None:
    size = _axis(solver, stand)
    if size is None:
        return None
    numbers = solver.numbers()
    form = with_sizes(stand.form, {name: own for name, own in numbers.items() if name not in stand.scope})
    return largest_end(running.name, form, size, _ranges(solver, stand))


def _ranges(solver: Solver, stand: Stand) -> dict[str, Range]:
    numbers = solver.numbers()
    made: dict[str, Range] = {}
    for name, running in stand.scope.items():
        low = None if running.low is None else with_sizes(running.low, numbers)
        high = None if running.high is None else with_sizes(running.high, numbers)
        if running.asked:
            end = end_of(solver, running)
            high = None if end is None else sizes.linear(end)
        made[name] = Range(low, high)
    return made


def _reach(collector: Collector) -> None:
    """Arrays of unknown size are as large as the places that are taken in them."""
    solver = collector.solver
    taken: dict[SizeVar, list[Size]] = {}
    ends = {running.end.root() for running in collector.running if running.end is not None}
    for running in collector.running:
        for stand in running.stands:
            size = stand.size()
            if stand.guarded or size is None or size.known is not None or size.root() in ends:
                continue
            last = extreme(stand.form, _ranges(solver, stand), largest=True)
            if last is None or any(name in stand.scope for name in last[0]):
                return  # not all is known yet
            taken.setdefault(size.root(), []).append(sizes.canonical(*last))
    for root, reached in taken.items():
        least = smallest([sizes.combined([(-1, end)]) for end in reached])
        largest = None if least is None else sizes.combined([(-1, least)])
        if largest is not None and (isinstance(largest, str) or largest >= 1):
            solver.same_size(root, solver.size(largest))


def waiting(collector: Collector) -> set[SizeVar]:
    """The ends that follow from other sizes, or that nothing says: they get no name by habit."""
    return {
        running.end.root()
        for running in collector.running
        if running.end is not None and running.end.known is None and _follows(running)
    }


def _follows(running: Running) -> bool:
    free = [stand for stand in running.stands if not stand.guarded]
    shifted = running.left and any(not stand.bare() for stand in free)
    return running.asked and not running.declared and (shifted or not any(stand.bare() for stand in free))


# --- what is wrong ----------------------------------------------------------------------


def unsaid(collector: Collector) -> list[Running]:
    """The indices whose range nothing says; to be asked before sizes get names by habit."""
    return [
        running
        for running in collector.running
        if running.asked and running.found is None
        and not any(stand.bare() and not stand.guarded for stand in running.stands)
        and (running.end is None or running.end.known is None)
    ]  # fmt: skip


def range_faults(
    collector: Collector, open_: list[Running], texts: Mapping[str, str]
) -> Iterator[tuple[str, ShapeError]]:
    """Indices without a range, with two, or with no place at all."""
    for running in collector.running:
        said = texts.get(running.equation, "")
        if running in open_:
            yield running.equation, _nothing_says(collector, running, said)
        elif running.asked and not running.declared:
            fault = _no_room(collector.solver, running, said) or _two_ranges(collector.solver, running, said)
            if fault is not None:
                yield running.equation, fault


def _nothing_says(collector: Collector, running: Running, text: str) -> ShapeError:
    places = [stand for stand in running.stands if not stand.bare() or stand.guarded]
    why = f": it stands in {quoted(places[0].index, text)}" if places else ""
    node = places[0].index if places else running.node
    advice = f"sum({running.name} = 1..n: …)"
    if isinstance(running.node, tree.Entrywise):
        taken = {*collector.solver.sizes, *collector.names}
        size = next((name for name in ("p", "q", "h", "l") if name not in taken), "p")
        advice = _declaration(running.equation, running.node.indices, running.name, size)
        steps = [stand for stand in places if not stand.guarded and abs(stand.form[0][running.name]) > 1]
        last = max(steps, key=lambda stand: stand.form[1], default=None)
        if last is not None and (reached := _reached(collector.solver, running, last, size)):
            advice += f", and {quoted(last.index.base, text)} with {reached} places"
        advice += " under [shapes]"
    return ShapeError(node, f"nothing says how far {running.name} runs{why}", f"Write {advice}.")


def _declaration(name: str, indices: tuple[str, ...], asked: str, size: str) -> str:
    axes = ", ".join(f'"{size}"' if index == asked else "…" for index in indices)
    return f"{name} = [{axes}]"


def _reached(solver: Solver, running: Running, stand: Stand, size: str) -> str:
    """How many places an array needs where the index runs to `size`."""
    ranges = {**_ranges(solver, stand), running.name: Range(({}, 1), ({size: 1}, 0))}
    last = extreme(stand.form, ranges, largest=True)
    return "" if last is None or any(name in ranges for name in last[0]) else str(sizes.canonical(*last))


def _no_room(solver: Solver, running: Running, text: str) -> ShapeError | None:
    if not isinstance(running.found, int) or running.found >= 1:
        return None
    for stand in running.stands:
        if not stand.guarded and _room(solver, running, stand) == running.found:
            said, size = quoted(stand.index, text), _axis(solver, stand)
            message = f"{said} leaves no place for {running.name}: its index goes past 1..{size}"
            return ShapeError(stand.index, message)
    return None


def _two_ranges(solver: Solver, running: Running, text: str) -> ShapeError | None:
    """Two arrays in which an index stands by itself, of different sizes."""
    first: tuple[Stand, Size] | None = None
    for stand in running.stands:
        size = _axis(solver, stand)
        if stand.guarded or not stand.bare() or size is None:
            continue
        if first is not None and size != first[1]:
            ends = (
                f"{first[1]} in {quoted(first[0].index, text)} and to {size} in {quoted(stand.index, text)}"
            )
            return ShapeError(stand.index, f"{running.name} runs to {ends}: {first[1]} ≠ {size}")
        first = first or (stand, size)
    return None


# --- filling in -------------------------------------------------------------------------


def ends_by_node(collector: Collector) -> dict[int, dict[str, Node]]:
    """For each sum or array by entries that left its ranges open, by its id: the ends of its indices."""
    made: dict[int, dict[str, Node]] = {}
    for running in collector.running:
        end = end_of(collector.solver, running) if running.asked else None
        if end is not None and not (isinstance(end, int) and end < 1):
            made.setdefault(id(running.node), {})[running.name] = sizes.size_tree(end)
    return made


def filled(node: Node, ends: Mapping[int, Mapping[str, Node]]) -> Node:
    """A formula with the ranges that were found."""
    own = ends.get(id(node), {})
    made = tree.rebuild(node, lambda child: filled(child, ends))
    if isinstance(made, tree.Sum) and made.index in own:
        return tree.Sum(made.index, made.low, own[made.index], made.body, span=made.span)
    if isinstance(made, tree.Entrywise) and own and len(own) == len(made.indices):
        found = tuple(own[index] for index in made.indices)
        return tree.Entrywise(made.indices, found, made.body, span=made.span)
    return made
