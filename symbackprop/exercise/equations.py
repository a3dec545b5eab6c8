"""The equations of a model: read, in order, with every name accounted for."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from symbackprop import limits
from symbackprop.exercise.faults import Collected, Path, nearest, one_slip, shortened
from symbackprop.exercise.model import free_names
from symbackprop.notation import tree
from symbackprop.notation.read import ReadError, Vocabulary, canonical_name, read, read_left
from symbackprop.notation.spelling import spelled
from symbackprop.notation.tree import Node
from symbackprop.notation.write_names import is_greek

_NOT_IN_A_MODEL = {
    tree.Derivative: "a derivative", tree.Gradient: "a gradient", tree.Delta: "a Kronecker delta",
    tree.Dots: "an ellipsis", tree.Blank: "a blank", tree.Chain: "a relation",
}  # fmt: skip


@dataclass(slots=True)
class Model:
    """What could be read: left sides in order, formulas by name, and which names are only used.

    `indices` are those of left sides such as `y[i,j]`, whose formulas are arrays given by entries.
    """

    names: list[str] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)
    bodies: dict[str, Node] = field(default_factory=dict)
    indices: dict[str, tuple[str, ...]] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)  # name -> the key as the file writes it
    symbols: dict[str, str] = field(default_factory=dict)  # name used, not declared -> first equation
    circular: set[str] = field(default_factory=set)  # names that hang on themselves
    lost: list[str] = field(default_factory=list)  # formulas whose left side could not be read

    def may_use(self, name: str) -> bool:
        """Whether a formula that could not be read may be meant to use a name.

        It may use any, unless its letters stand in none of them and another name looks like it.
        """
        unread = [*self.lost, *(text for left, text in self.texts.items() if left not in self.bodies)]
        read = [name for name in self.names if name in self.bodies]
        used = {used.name for left in read for used in free_names(self.bodies[left])}
        stands = any(name.replace("_", "") in _plain(text) for text in unread)
        return bool(unread) and (stands or not nearest(name, [*used, *self.names]))

    def path(self, name: str) -> Path:
        """Where the equation of a name stands."""
        return ("model", self.keys.get(name, name))


def _plain(text: str) -> str:
    """A formula with its names spelled as they are kept, whatever else is wrong with it."""
    try:
        return spelled(text)[0].replace("_", "")
    except ReadError:
        return text


def read_model(
    raw: Mapping[str, object],
    functions: Mapping[str, str],
    declared: frozenset[str],
    collected: Collected,
    from_layers: frozenset[str] = frozenset(),
) -> Model:
    """The equations of [model]; `declared` are the names of [values], [shapes] and the sizes.

    Those in `from_layers` stand in the file as the one key `layers`.

    Every name that is used must be computed before, declared, or plainly a symbol of its own.
    """
    model = _left_sides(raw, functions, collected)
    model.keys.update((name, "layers") for name in from_layers & model.keys.keys())
    known = declared | frozenset(model.names)
    guessed, unread = _used_names(model, functions)
    strangers = {name for name in guessed if name not in known}
    refused = {name: _meant(name, known | (strangers - {name}), known, functions) for name in strangers}
    accepted = known | {name for name in strangers if not refused[name]}
    vocabulary = Vocabulary(functions=functions, names=accepted)
    _check_indices(model, accepted, functions, collected)
    for name in model.names:
        _read_body(model, name, vocabulary, known, refused, unread, collected)
    _check_order(model, collected)
    for name, body in model.bodies.items():
        for used in free_names(body):
            if used.name not in known:
                model.symbols.setdefault(used.name, name)
    return model


def _left_sides(raw: Mapping[str, object], functions: Mapping[str, str], collected: Collected) -> Model:
    model = Model()
    if len(raw) > limits.EQUATIONS:
        collected.add(("model",), f"there are {len(raw)} equations; the limit is {limits.EQUATIONS}")
        return model
    for key, text in raw.items():
        name, indices = _left_side(str(key), functions, ("model", str(key)), collected)
        if not name:
            model.lost.append(f"{key} {text}")
            continue
        if name in model.keys:
            other = model.keys[name]
            collected.add(("model", str(key)), f"{name} is defined twice: {other} and {key} are one name")
            continue
        model.keys[name] = str(key)
        model.names.append(name)
        if indices:
            model.indices[name] = indices
        if isinstance(text, str):
            model.texts[name] = text
        else:
            advice = f'Write {key} = "{shortened(str(text), 40)}".' if isinstance(text, int) else ""
            advice = "Did you mean layers = […]?" if one_slip(str(key), "layers") else advice
            model.lost.append(str(text))
            collected.add(("model", str(key)), "a formula is a text", advice)
    return model


def _left_side(
    key: str, functions: Mapping[str, str], path: Path, collected: Collected
) -> tuple[str, tuple[str, ...]]:
    """The name and the indices that a key of [model] stands for, or "" and a fault."""
    if "[" not in key:
        return left_name(key, functions, path, collected), ()
    try:
        name, indices = read_left(key, frozenset(), functions)
    except ReadError as error:
        collected.read_error(path, error)
        return "", ()
    return left_name(name, functions, path, collected), indices


def left_name(key: str, functions: Mapping[str, str], path: Path, collected: Collected) -> str:
    """The name that a key of the file stands for, or "" and a fault."""
    try:
        name = canonical_name(key)
    except ReadError as error:
        bare = key.partition("[")[0].strip()
        advice = f"The name alone: {shortened(bare, 20)}." if bare and "[" in key else ""
        collected.add(path, error.message, advice or "The left side is one name: z, yhat, W1, z'.")
        return ""
    if functions.get(name) == name or name in {"ones", "pi"}:
        what = "the number π" if name == "pi" else "a function"
        collected.add(path, f"{name} is {what}", "Choose another name.")
        return ""
    return name


def _check_indices(
    model: Model, taken: frozenset[str], functions: Mapping[str, str], collected: Collected
) -> None:
    """No index of a left side is a name of the model."""
    for name in [*model.indices]:
        try:
            read_left(model.keys[name], taken, functions)
        except ReadError as error:
            collected.read_error(model.path(name), error)
            model.lost.append(model.texts.pop(name, ""))


def _used_names(model: Model, functions: Mapping[str, str]) -> tuple[list[str], dict[str, ReadError]]:
    """The names of all formulas that can be read when any name is allowed, and what stops the others."""
    free = Vocabulary(functions=functions, names=None)
    used: dict[str, None] = {}
    unread: dict[str, ReadError] = {}
    for name, text in model.texts.items():
        try:
            used.update((part.name, None) for part in free_names(_formula(model, name, text, free)))
        except ReadError as error:
            unread[name] = error
    return list(used), unread


def _formula(model: Model, name: str, text: str, vocabulary: Vocabulary) -> Node:
    """The formula of an equation; under indices on its left side, an array by entries."""
    indices = model.indices.get(name, ())
    body = read(text, replace(vocabulary, indices=frozenset(indices)))
    return tree.Entrywise(indices, (), body, span=body.span) if indices else body


def _meant(
    name: str, others: frozenset[str] | set[str], known: frozenset[str], functions: Mapping[str, str]
) -> str:
    """What an undeclared name is a slip of, or "" when it can be a symbol of its own."""
    for cut in range(1, len(name)):
        if name[:cut] in others and name[cut:] in others:
            return f"Did you mean {name[:cut]} {name[cut:]}, with a space?"
    if len(name) < 3 or is_greek(name) or any(c.isdigit() or c == "'" for c in name):
        return ""
    near = [other for other in known if len(other) > 2 and one_slip(name, other)]
    if near:
        return f"Did you mean {near[0]}? Else declare {name} in [shapes]."
    called = [other for other in functions if len(other) > 2 and one_slip(name, other)]
    return f"Did you mean {called[0]}(…)?" if called else ""


def _read_body(
    model: Model,
    name: str,
    vocabulary: Vocabulary,
    known: frozenset[str],
    refused: Mapping[str, str],
    unread: Mapping[str, ReadError],
    collected: Collected,
) -> None:
    text = model.texts.get(name)
    if text is None:
        return
    free = Vocabulary(functions=vocabulary.functions, names=(vocabulary.names or frozenset()) | set(refused))
    try:
        body = _formula(model, name, text, free)
    except ReadError as error:  # what was wrong with any name allowed is what is wrong
        collected.read_error(model.path(name), unread.get(name, error))
        return
    sound = True
    for part, message, advice in (*_misplaced(body, refused), *_unbound(body, known)):
        collected.add(model.path(name), message, advice, text, part.span)
        sound = False
    if sound:
        model.bodies[name] = body


def _misplaced(body: Node, refused: Mapping[str, str]) -> Iterator[tuple[Node, str, str]]:
    """Parts that a formula of a model cannot have."""
    seen = set()
    for used in free_names(body):
        if refused.get(used.name) and used.name not in seen:
            seen.add(used.name)
            yield used, f"unknown name {used.name}", refused[used.name]
    for part in _outside_guards(body):
        if type(part) in _NOT_IN_A_MODEL:
            yield part, f"{_NOT_IN_A_MODEL[type(part)]} is no part of a model", ""


def _outside_guards(node: Node) -> Iterator[Node]:
    """A formula and its parts, but for the conditions in it."""
    yield node
    for child in [node.body] if isinstance(node, tree.Where) else tree.children(node):
        yield from _outside_guards(child)


def _unbound(node: Node, known: frozenset[str]) -> Iterator[tuple[Node, str, str]]:
    """Indices that no sum binds and no size names."""
    if isinstance(node, tree.Sum):
        known |= {node.index}
    if isinstance(node, tree.Entrywise):
        known = known.union(node.indices)
    for place in node.places if isinstance(node, tree.Index) else ():
        for used in free_names(place):
            if used.name not in known:
                advice = f"Write a number, or sum({used.name} = 1..n: …)."
                yield used, f"no sum binds the index {used.name}", advice
    for condition in node.conditions if isinstance(node, tree.Where) else ():
        for used in free_names(condition):
            if used.name not in known:
                advice = f'Write a number, or x = ["{used.name}"] under [shapes], where it is the size of x.'
                yield used, f"{used.name} is no index here, and no size", advice
    for child in tree.children(node):
        yield from _unbound(child, known)


# --- order ----------------------------------------------------------------------------


def _check_order(model: Model, collected: Collected) -> None:
    """No equation uses a name that is computed later, or by way of itself."""
    place = {name: at for at, name in enumerate(model.names)}
    uses = {
        name: [used for used in free_names(body) if used.name in place] for name, body in model.bodies.items()
    }
    cycles = _cycles(model, uses)
    model.circular.update(name for cycle in cycles for name in cycle)
    for cycle in cycles:
        first, path = cycle[0], model.path(cycle[0])
        if len(cycle) == 1:
            advice = "Give the new value another name."
            if first in model.indices:
                advice = f"Give each step a name of its own: {first}1, {first}2, …"
            collected.add(path, f"{first} is defined through itself", advice)
        else:
            collected.add(path, f"the equations go round in a circle: {' → '.join((*cycle, first))}")
    for name, found in uses.items():
        circle = next((set(cycle) for cycle in cycles if name in cycle), {name})
        for used in {part.name: part for part in reversed(found)}.values():
            if place[used.name] > place[name] and used.name not in circle:
                collected.add(
                    model.path(name), f"{used.name} is used before its definition",
                    f"Move the equation of {used.name} up.", model.texts[name], used.span,
                )  # fmt: skip


def _cycles(model: Model, uses: Mapping[str, list[tree.Name]]) -> list[list[str]]:
    """The circles among the equations: sets of names that all hang on one another, in order."""
    after = {name: {part.name for part in found} for name, found in uses.items()}
    reach: dict[str, set[str]] = {}
    for name in model.names:
        reached: set[str] = set()
        waiting = list(after.get(name, ()))
        while waiting:
            found = waiting.pop()
            if found not in reached:
                reached.add(found)
                waiting.extend(after.get(found, ()))
        reach[name] = reached
    cycles: list[list[str]] = []
    for name in model.names:
        if name in reach[name] and not any(name in cycle for cycle in cycles):
            cycles.append(_walked(name, after, reach))
    return cycles


def _walked(start: str, after: Mapping[str, set[str]], reach: Mapping[str, set[str]]) -> list[str]:
    """A way from a name through the equations back to it."""
    way = [start]
    while start not in after[way[-1]]:
        way.append(min(name for name in after[way[-1]] if name not in way and start in reach.get(name, ())))
    return way
