"""Right formulas in other words: terms in another order, (A B)ᵀ = Bᵀ Aᵀ, upstream gradients put in.

Each is tried at the random points before it is used, so a rewriting that does not hold is never written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from random import Random

from symbackprop.notation import tree
from symbackprop.notation.tree import Node

from .entries import LETTERS, NoEntries, _entry, fresh, shape
from .facts import Facts

Rewrite = Callable[[Facts, Node, Random], Node | None]


def by_hand(facts: Facts, node: Node) -> Node:
    """A formula without what only the program writes: `sum(dz)`, `mean(x)`, `square(c)`, `ones(3)`.

    Raises NoEntries where a person needs indices.
    """
    node = tree.rebuild(node, lambda child: by_hand(facts, child))
    match node:
        case tree.Ones():
            return tree.Ones()
        case tree.Product(factors, signs):
            return tree.Product(factors, tuple("odot" if sign == "*" else sign for sign in signs))
        case tree.Call("square", (body,)):
            if not shape(facts, body):
                return tree.Power(_grouped(body), tree.number(2))
            return tree.Product((_grouped(body), _grouped(body)), ("odot",))
        case tree.Call("sum" | "mean" as function, (body,), ()):
            return _total(facts, body, function == "mean")
        case tree.Call("mean", (body,), ((_, tree.Number(value)),)) if value == 0:
            rows = tree.Quotient(tree.number(1), _high(shape(facts, body)[0]))
            return tree.juxtaposed(rows, tree.Transpose(_grouped(body)), tree.Ones())
        case tree.Call("cross_entropy", (p, t)):
            return tree.Neg(_sum_over(facts, p, lambda at: tree.juxtaposed(at(t), _log(at(p)))))
        case tree.Call("bce", (p, y)):
            return tree.Neg(_sum_over(facts, p, lambda at: tree.Bracket(_bernoulli(at(p), at(y)))))
    return node


def _log(node: Node) -> Node:
    return tree.Call("log", (node,))


def _bernoulli(p: Node, y: Node) -> Node:
    def other(node: Node) -> Node:
        return tree.Add((tree.number(1), tree.Neg(node)))

    return tree.Add((tree.juxtaposed(y, _log(p)), tree.juxtaposed(tree.Bracket(other(y)), _log(other(p)))))


def _grouped(node: Node) -> Node:
    return node if isinstance(node, tree.Name | tree.Gradient | tree.Bracket) else tree.Bracket(node)


def _high(size: object) -> Node:
    if isinstance(size, str):
        return tree.Name(size)
    if isinstance(size, int):
        return tree.number(size)
    raise NoEntries("an unknown size")


def _sum_over(facts: Facts, array: Node, make: Callable[[Callable[[Node], Node]], Node]) -> Node:
    """Σ_i over a vector, of what is made with the entries at i."""
    letters = fresh(facts)
    (size,) = shape(facts, array)
    index, letters = letters[0], letters[1:]
    body = make(lambda node: _entry(facts, node, (tree.Name(index),), letters))
    return tree.Sum(index, tree.number(1), _high(size), body)


def _total(facts: Facts, body: Node, mean: bool) -> Node:
    sizes = shape(facts, body)
    if not sizes:
        return body
    letters = fresh(facts)
    indices, letters = letters[: len(sizes)], letters[len(sizes) :]
    made = _entry(facts, body, tuple(map(tree.Name, indices)), letters)
    if isinstance(made, tree.Add):
        made = tree.Bracket(made)
    for index, size in zip(reversed(indices), reversed(sizes), strict=True):
        made = tree.Sum(index, tree.number(1), _high(size), made)
    if not mean:
        return made
    (size,) = sizes
    return tree.juxtaposed(tree.Quotient(tree.number(1), _high(size)), made)


# --- rewriting one part ---------------------------------------------------------------------


def _somewhere(node: Node, change: Callable[[Node], Iterator[Node]]) -> Iterator[Node]:
    """The tree with one part changed, for each part and each change; sums over indices are left alone."""
    yield from change(node)
    if isinstance(node, tree.Gradient | tree.Index | tree.Sum):
        return
    children = list(tree.children(node))
    for at, child in enumerate(children):
        for new in _somewhere(child, change):
            left = iter(range(len(children)))
            yield tree.rebuild(node, lambda c, new=new, at=at, left=left: new if next(left) == at else c)


def _chosen(node: Node, change: Callable[[Node], Iterator[Node]], rng: Random) -> Node | None:
    found = list(_somewhere(node, change))
    return rng.choice(found) if found else None


def _other_order(facts: Facts, node: Node, rng: Random) -> Node | None:
    """a + b -> b + a; a ⊙ b -> b ⊙ a"""

    def change(part: Node) -> Iterator[Node]:
        match part:
            case tree.Add((first, *others)) if not isinstance(others[-1], tree.Neg) or len(others) > 1:
                yield tree.Add((*others, first))
            case tree.Product((left, right), ("odot",)):
                yield tree.Product((right, left), ("odot",))

    return _chosen(node, change, rng)


def _minus_out(facts: Facts, node: Node, rng: Random) -> Node | None:
    """ŷ − y -> −(y − ŷ)"""

    def change(part: Node) -> Iterator[Node]:
        match part:
            case tree.Bracket(tree.Add((left, tree.Neg(right)))):
                yield tree.Bracket(tree.Neg(tree.Bracket(tree.Add((right, tree.Neg(left))))))

    match node:
        case tree.Add((left, tree.Neg(right))):
            return tree.Neg(tree.Bracket(tree.Add((right, tree.Neg(left)))))
    return _chosen(node, change, rng)


def _transposed_whole(facts: Facts, node: Node, rng: Random) -> Node | None:
    """dz xᵀ -> (x dzᵀ)ᵀ"""
    match node:
        case tree.Product((left, right), ("",)) if shape(facts, left) and shape(facts, right):
            sides = [_flipped(right), _flipped(left)]
            return tree.Transpose(tree.Bracket(tree.juxtaposed(*sides)))
    return None


def _flipped(node: Node) -> Node:
    return node.body if isinstance(node, tree.Transpose) else tree.Transpose(node)


def _slope_written_out(facts: Facts, node: Node, rng: Random) -> Node | None:
    """σ′(z) -> σ(z)(1 − σ(z)), or a(1 − a); tanh′(z) -> 1 − h²"""

    def change(part: Node) -> Iterator[Node]:
        if isinstance(part, tree.Call) and part.primes == 1 and part.function in ("sigmoid", "tanh"):
            plain = tree.Call(part.function, part.args)
            for value in (plain, *_named(facts, plain)):
                yield slope_of(part.function, value)

    return _chosen(node, change, rng)


def slope_of(function: str, value: Node) -> Node:
    """g′ by the value of g, entry by entry."""
    if function == "sigmoid":
        rest = tree.Bracket(tree.Add((tree.number(1), tree.Neg(value))))
        return tree.Product((value, rest), ("odot",))
    return tree.Bracket(tree.Add((tree.number(1), tree.Neg(tree.Product((value, value), ("odot",))))))


def _named(facts: Facts, call: tree.Call) -> Iterator[Node]:
    for one in facts.exercise.equations:
        if tree.undressed(one.body) == call:
            yield tree.Name(one.name)


def _put_in(facts: Facts, node: Node, rng: Random) -> Node | None:
    """dz xᵀ -> (dŷ ⊙ g′(z)) xᵀ"""

    def change(part: Node) -> Iterator[Node]:
        match part:
            case tree.Gradient(tree.Name(name)) if name != facts.exercise.loss:
                step = facts.by_target["d" + name]
                if step.formula != node and len(list(tree.walk(step.formula))) < 12:
                    made = by_hand(facts, step.formula)
                    yield made if isinstance(made, tree.Name | tree.Gradient) else tree.Bracket(made)

    return _chosen(node, change, rng)


def _multiplied_out(facts: Facts, node: Node, rng: Random) -> Node | None:
    """(ŷ − y) xᵀ -> ŷ xᵀ − y xᵀ"""

    def change(part: Node) -> Iterator[Node]:
        match part:
            case tree.Product((tree.Bracket(tree.Add(terms)), right), signs):
                yield tree.Add(tuple(_times(term, right, signs) for term in terms))

    match node:
        case tree.Product((tree.Bracket(tree.Add()), _), _):
            return next(change(node))
    return None


def _times(term: Node, right: Node, signs: tuple[str, ...]) -> Node:
    if isinstance(term, tree.Neg):
        return tree.Neg(tree.Product((term.body, right), signs))
    return tree.Product((term, right), signs)


def _half_kept(facts: Facts, node: Node, rng: Random) -> Node | None:
    """ŷ − y -> ½·2(ŷ − y)"""
    match node:
        case tree.Add((tree.Name(left), tree.Neg(tree.Name(_)))):
            if facts.by_target.get("d" + left) and facts.by_target["d" + left].formula == node:
                half = tree.Quotient(tree.number(1), tree.number(2))
                pair = [half, tree.number(2)]
                rng.shuffle(pair)
                return tree.Product((*pair, tree.Bracket(node)), ("cdot", ""))
    return None


def _divided(facts: Facts, node: Node, rng: Random) -> Node | None:
    """¼ (p − y) -> (p − y)/4"""

    def change(part: Node) -> Iterator[Node]:
        match part:
            case tree.Product((tree.Quotient(tree.Number(value), below), right), ("",)) if value == 1:
                yield tree.Quotient(right.body if isinstance(right, tree.Bracket) else right, below)

    return _chosen(node, change, rng)


REWRITES: tuple[Rewrite, ...] = (
    _other_order, _minus_out, _transposed_whole, _slope_written_out, _slope_written_out, _put_in, _put_in,
    _multiplied_out, _half_kept, _divided,
)  # fmt: skip


@cache
def _holds(name: str, target: str, node: Node) -> bool:
    from .facts import facts

    return facts(name).holds_for_all_sizes(target, node)


def variant(facts: Facts, target: str, node: Node, rng: Random, *, most: int = 2) -> Node:
    """A formula that says the same, with up to `most` rewritings; the same one where none holds."""
    for _ in range(rng.choice((0, *range(most + 1)))):
        made = rng.choice(REWRITES)(facts, node, rng)
        if isinstance(made, tree.Bracket):
            made = made.body
        if made is not None and made != node and _holds(facts.name, target, made):
            node = made
    return node


__all__ = ["LETTERS", "by_hand", "slope_of", "variant"]
