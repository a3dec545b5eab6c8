"""Side facts that a step may use: read, and checked against the values where those say enough."""

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any

from symbackprop.algebra.functions import Function
from symbackprop.algebra.values.arrays import Array
from symbackprop.algebra.values.domain import DomainProblem, EvaluationError, NotCertified, Symbolic
from symbackprop.algebra.values.evaluate import Evaluator
from symbackprop.algebra.values.exact import Exact, settled
from symbackprop.algebra.values.run import forward
from symbackprop.exercise.faults import Collected, Path
from symbackprop.exercise.model import Fact, function_names, signatures
from symbackprop.exercise.sections import known_keys, table
from symbackprop.notation import shapes, tree
from symbackprop.notation.inference import Inference
from symbackprop.notation.read import ReadError, Vocabulary, read_chain
from symbackprop.notation.sizes import size_tree
from symbackprop.notation.tree import Node, Shape

_HOLDS: Mapping[str, Callable[[int], bool]] = {
    "=": lambda sign: sign == 0, "≠": lambda sign: sign != 0, "<": lambda sign: sign < 0,
    ">": lambda sign: sign > 0, "≤": lambda sign: sign <= 0, "≥": lambda sign: sign >= 0,
}  # fmt: skip
"""What each relation says about the sign of left − right."""


def read_facts(
    data: Mapping[str, Any],
    own: Mapping[str, Function],
    equations: Sequence[tuple[str, Node]],
    found: Inference,
    values: Mapping[str, Array[Fraction]],
    collected: Collected,
) -> tuple[Fact, ...]:
    """The facts of [assume]. One that the values contradict is a fault."""
    section = table(data, ("assume",), collected)
    known_keys(section, ("facts",), ("assume",), collected)
    raw = section.get("facts", [])
    path = ("assume", "facts")
    if not isinstance(raw, list | tuple) or not all(isinstance(text, str) for text in raw):
        collected.add(path, "a list of texts belongs here", 'Write facts = ["sum(t) = 1"].')
        return ()
    sound = not collected.faults and not found.undetermined
    made = [_fact(text, own, equations, found, values, path, collected, sound) for text in raw]
    return tuple(fact for fact in made if fact is not None)


def _fact(
    text: str,
    own: Mapping[str, Function],
    equations: Sequence[tuple[str, Node]],
    found: Inference,
    values: Mapping[str, Array[Fraction]],
    path: Path,
    collected: Collected,
    sound: bool,
) -> Fact | None:
    names = frozenset({*found.shapes, *found.undetermined, *found.sizes})
    try:
        chain = read_chain(text, Vocabulary(functions=function_names(own), names=names))
    except ReadError as error:
        collected.read_error(path, error)
        return None
    if not isinstance(chain, tree.Chain) or any(relation not in _HOLDS for relation in chain.relations):
        collected.add(path, f"“{text}” is no fact", 'Write an equation or an inequality: "sum(t) = 1".')
        return None
    if not sound:
        return None  # shapes or values are not known; the faults say so already
    known = {**dict.fromkeys(found.sizes, ()), **found.shapes}
    chain = _with_ones(chain, known, signatures(own))
    try:
        shapes.shape_of(chain, known, functions=signatures(own), text=text)
    except shapes.ShapeError as error:
        collected.add(path, error.message, error.suggestion, text, error.node.span)
        return None
    verdict = _verdict(chain, equations, found, values, own)
    if verdict is False:
        collected.add(path, f"the values contradict “{text}”", "Change the values, or take the fact away.")
    return Fact(chain=chain, text=text, checked=verdict is True)


def _with_ones(node: Node, known: Mapping[str, Shape], functions: Mapping[str, shapes.Signature]) -> Any:
    """`node` with vectors of ones for the 1 of `T 1` and `1ᵀ T`, sized by the matrix beside them."""

    def size(neighbour: Node, axis: int) -> Node | None:
        try:
            shape = shapes.shape_of(neighbour, known, functions=functions)
        except shapes.ShapeError:
            return None  # what is wrong with it is said later
        return size_tree(shape[axis]) if len(shape) > axis else None

    match tree.rebuild(node, lambda child: _with_ones(child, known, functions)):
        case tree.Product((*front, tree.Number(Fraction(numerator=1, denominator=1))), signs) as one if (
            not any(signs)
        ):
            length = size(tree.juxtaposed(*front), 1)
            return tree.juxtaposed(*front, tree.Ones(length)) if length is not None else one
        case tree.Product((tree.Transpose(tree.Ones(None)), *rest), signs) as one if not any(signs):
            length = size(tree.juxtaposed(*rest), 0)
            return one if length is None else tree.juxtaposed(tree.Transpose(tree.Ones(length)), *rest)
        case made:
            return made


def _verdict(
    chain: tree.Chain,
    equations: Sequence[tuple[str, Node]],
    found: Inference,
    values: Mapping[str, Array[Fraction]],
    own: Mapping[str, Function],
) -> bool | None:
    """Whether a fact holds for the values; None where they do not say, or not for certain."""
    sizes = {name: size for name, size in found.sizes.items() if isinstance(size, int)}

    def decide(domain: Exact) -> bool:
        evaluator: Evaluator[Any] = Evaluator(domain, sizes, own)
        known = forward(equations, values, evaluator, partial=True)
        members = [evaluator.evaluate(member, known) for member in chain.members]
        return all(
            _related(evaluator, member, relation, following)
            for member, relation, following in zip(members, chain.relations, members[1:], strict=False)
        )

    try:
        return settled(decide)
    except (Symbolic, DomainProblem, NotCertified, EvaluationError):
        return None


def _related(evaluator: Evaluator[Any], left: Array[Any], relation: str, right: Array[Any]) -> bool:
    """Entry by entry, with the sign of the difference."""
    _, first, second = evaluator.paired(tree.Word("="), left, right)
    domain = evaluator.domain
    return all(_HOLDS[relation](domain.sign(domain.sub(a, b))) for a, b in zip(first, second, strict=True))
