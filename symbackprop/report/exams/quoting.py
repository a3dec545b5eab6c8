"""Parts of formulas that are kept as plain text, as formulas again."""

from __future__ import annotations

from dataclasses import replace

from symbackprop.exercise.model import Exercise
from symbackprop.notation import tree
from symbackprop.notation.read import read
from symbackprop.notation.spelling import ReadError
from symbackprop.notation.tree import Node
from symbackprop.report.document import Text
from symbackprop.report.view import View


def mistake_text(view: View, mistake: str, about: str, instead: str) -> Text:
    """The sentence that names a common mistake."""
    exercise = view.derivation.exercise
    parts = {"about": view.page(_quoted(exercise, about)), "instead": view.page(_quoted(exercise, instead))}
    return Text(f"mistake.{mistake}", parts)


def _quoted(exercise: Exercise, text: str) -> Node:
    """A part of a formula about an exercise, with its gradients; dots for none."""
    if not text:
        return tree.Dots("h")
    vocabulary = exercise.vocabulary
    gradients = {f"d{name}": name for name in exercise.shapes}
    names = frozenset({*(vocabulary.names or ()), *gradients})
    try:
        return _with_gradients(read(text, replace(vocabulary, names=names)), gradients)
    except ReadError:
        return tree.Word(text)


def _with_gradients(node: Node, gradients: dict[str, str]) -> Node:
    """`dz` as the gradient of z and not as a name."""
    if isinstance(node, tree.Name) and node.name in gradients:
        return tree.Gradient(tree.Name(gradients[node.name]))
    return tree.rebuild(node, lambda part: _with_gradients(part, gradients))
