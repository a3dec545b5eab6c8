"""Text to tree: the notation that people write on the board, in one grammar.

`read` takes an expression (`W x + b`), `read_chain` also statements (`dW = dz x^T`, `k = 2`),
`read_left` the left side of an equation (`z`, `y[i,j]`). The parse table is `_parser.py`, which
Lark made from `grammar.lark`; the driver below only follows it, so that reading costs no start-up.
Every error points at its place in the text.
"""

from symbackprop import limits
from symbackprop.notation._parser import END as LAST_STATE
from symbackprop.notation._parser import RULES, START, STATES
from symbackprop.notation.actions import Actions
from symbackprop.notation.left import read_left
from symbackprop.notation.parts import Part, Reading, Vocabulary, function_of, node_of
from symbackprop.notation.refusals import refuse_name, refuse_token
from symbackprop.notation.spelling import ReadError, canonical_name, joined
from symbackprop.notation.tokens import END, tokens
from symbackprop.notation.tree import Chain, Dots, Node, Sizes, Space, Span, children

__all__ = ["ReadError", "Vocabulary", "canonical_name", "read", "read_chain", "read_left"]

_NONE = -(10**9)  # no step: smaller than any number of a rule
_TREE_DEPTH = 3 * limits.DEPTH  # so that walking a tree by recursion is always safe


def read(text: str, vocabulary: Vocabulary) -> Node:
    """The expression that `text` says, as it was written.

    Raises ReadError, which points at the place, where the text is no expression, names
    something that `vocabulary` does not know, can be read in two ways, or passes a limit.
    """
    node = read_chain(text, vocabulary)
    if isinstance(node, Chain):
        relation = node.members[0].span
        at = relation.end if relation else 0
        at += len(text[at:]) - len(text[at:].lstrip())
        hint = "give one side only; the name before it stands in the exercise's file"
        raise ReadError("a relation stands where an expression belongs", text, Span(at, at + 1), hint)
    _only_mathematics(node, text)
    return node


def read_chain(text: str, vocabulary: Vocabulary) -> Node:
    """As `read`, and statements too: members with relations between them, as a Chain."""
    listed = tokens(text, lambda word: _is_function(word, vocabulary))
    reading = Reading(text, listed, vocabulary)
    node = follow(reading, Actions(reading))
    for span, (name, token) in reading.unknown.items():
        if not (token.in_index and _is_index_name(name)):
            refuse_name(name, token, span, reading)
    if len(listed) > _TREE_DEPTH:
        check_depth(node, text)
    return node


def _is_function(word: str, vocabulary: Vocabulary) -> bool:
    """Whether a word before a bracket is a call. What the exercise declares is never one."""
    if vocabulary.names is not None and joined(word) in vocabulary.names:
        return False
    return function_of(word, vocabulary.functions)[0] != ""


def _is_index_name(name: str) -> bool:
    return len(name.rstrip("'0123456789")) == 1


def follow(reading: Reading, actions: Actions) -> Node:
    """Shift and reduce by the stored table until the text is read; `actions` build the nodes."""
    states = [START]
    parts: list[Part] = []
    for token in reading.tokens:
        while (step := STATES[states[-1]].get(token.kind, _NONE)) < 0:
            if step == _NONE:
                refuse_token(token, STATES[states[-1]], reading)
            origin, length, action = RULES[-step - 1]
            if action:
                taken = parts[-length:]
                value = getattr(actions, action)(*taken)
                parts[-length:] = [Part(value, taken[0].start, taken[-1].end)]
            del states[-length:]
            states.append(STATES[states[-1]][origin])
            if states[-1] == LAST_STATE and token.kind == END:
                return node_of(parts[0])
        states.append(step)
        parts.append(Part(token, token.start, token.end))
    raise AssertionError("the last token is always END")


def _only_mathematics(node: Node, text: str) -> None:
    """An expression of a model has no dots, spaces or sizes in it."""
    stack = [node]
    while stack:
        part = stack.pop()
        if isinstance(part, Dots | Space | Sizes):
            span = part.span or Span(0, len(text))
            hint = "write * for a product" if isinstance(part, Sizes) else "write the expression in full"
            raise ReadError("this is no part of an expression", text, span, hint)
        stack.extend(children(part))


def check_depth(node: Node, text: str) -> None:
    """Raise ReadError for a tree that walking by recursion would not be safe on."""
    stack = [(node, 1)]
    while stack:
        part, depth = stack.pop()
        if depth > _TREE_DEPTH:
            hint = "name a part in an equation of its own"
            message = f"the formula is nested more than {_TREE_DEPTH} deep"
            raise ReadError(message, text, part.span or Span(0, len(text)), hint)
        stack.extend((child, depth + 1) for child in children(part))
