"""Prose, and the parts of formulas that are words or habits of their own."""

from __future__ import annotations

from random import Random

from symbackprop.notation import tree

from .facts import Facts
from .writing import Hand, Unwritable

OPENING = {
    "es": (
        "Ejercicio: calcular los gradientes.",
        "Derivación a mano.",
        "Retropropagación paso a paso",
        "Solución",
    ),
    "en": ("Homework: the gradients.", "Worked by hand.", "Backpropagation step by step", "Solution"),
}
GIVEN = {
    "es": ("Datos del ejemplo:", "Se toman los valores", "Tenemos"),
    "en": ("The example's numbers:", "We are given", "We take the values"),
}
FORWARD = {
    "es": ("Hacia delante:", "Primero calculamos la salida.", "Paso hacia adelante"),
    "en": ("Forward pass:", "First the output.", "Going forward we get"),
}
BACKWARD = {
    "es": ("Ahora hacia atrás:", "Los gradientes, por la regla de la cadena:", "Derivamos la pérdida."),
    "en": ("Now backwards:", "The gradients, by the chain rule:", "We differentiate the loss."),
}
BETWEEN = {
    "es": ("Entonces", "De aquí", "Por tanto", "Luego", "Con esto", "Por la regla de la cadena"),
    "en": ("Then", "Hence", "Therefore", "From this", "So", "By the chain rule"),
}
OVER = {
    "es": ("regla de la cadena", "en el ej.", "def."),
    "en": ("chain rule", "in the example", "def."),
}
IF = {"es": ("si", "si no"), "en": ("if", "otherwise")}


def space(facts: Facts, name: str) -> str:
    r"""`\mathbb{R}^{2 \times 3}`"""
    sizes = [str(size) for size in facts.exercise.shapes[name]]
    if not sizes or sizes == ["1"]:
        return r"\mathbb{R}"
    joined = r" \times ".join(sizes)
    return rf"\mathbb{{R}}^{joined}" if len(joined) == 1 else rf"\mathbb{{R}}^{{{joined}}}"


def function(facts: Facts, hand: Hand, name: str) -> tuple[str, str]:
    """A letter for an activation: `f(z) = max(z, 0)`."""
    at = argument(facts)
    letter = f"{hand.style.letter}({at})"
    latex = hand.style.latex
    if name == "relu":
        if latex and hand.habit("f by cases", "aab") == "b":
            yes, no = IF[hand.style.language]
            return (
                letter,
                rf"\begin{{cases}} {at} & \text{{{yes} }} {at} > 0 \\ 0 & \text{{{no}}} \end{{cases}}",
            )
        return letter, rf"\max({at}, 0)" if latex else f"max({at}, 0)"
    if name == "sigmoid":
        return letter, rf"\frac{{1}}{{1 + e^{{-{at}}}}}" if latex else f"1/(1 + exp(-{at}))"
    return letter, rf"\tanh({at})" if latex else f"tanh({at})"


def slope(facts: Facts, hand: Hand, name: str) -> tuple[str, str]:
    """The derivative of an activation: `σ′(z) = σ(z)(1 − σ(z))`."""
    at = argument(facts)
    word = hand.function(name)
    if name == "relu":
        yes, no = IF[hand.style.language]
        rest = hand.habit("slope cases", (rf"\text{{{no}}}", rf"\text{{{yes} }} {at} \le 0", ""))
        cases = rf"\begin{{cases}} 1 & \text{{{yes} }} {at} > 0 \\ 0 & {rest} \end{{cases}}"
        return f"{word}'({at})", cases if rest else rf"\mathbb{{1}}_{{{at} > 0}}"
    if name == "sigmoid":
        return f"{word}'({at})", f"{word}({at})(1 - {word}({at}))"
    return f"{word}'({at})", rf"1 - {word}({at})^2" if word != r"\tanh" else rf"1 - \tanh^2({at})"


def argument(facts: Facts) -> str:
    """The letter that a function is written with."""
    return "z" if "z" in facts.exercise.shapes else "u"


def chain_rule(facts: Facts, hand: Hand, target: str, rng: Random) -> list[tuple[str, str]]:
    """`dL/dz · dz/dW`, where it is legitimate: what comes back is a number."""
    step = facts.by_target[target]
    if not hand.style.latex or not step.gradient or len(step.substeps) != 1 or rng.random() > 0.35:
        return []
    through = step.substeps[0].through
    if through == facts.exercise.loss or not facts.single(through) or step.collapse is not None:
        return []
    if hand.style.gradient in ("nabla", "delta"):
        return []
    how = (
        "straight"
        if hand.style.gradient in ("straight", "inline", "name") and "d" not in facts.exercise.shapes
        else "partial"
    )
    first = hand.gradient(
        tree.Name(through), how if hand.style.gradient != "name" or rng.random() < 0.5 else "name"
    )
    d = "d" if how == "straight" else r"\partial "
    second = rf"\frac{{{d}{hand.name(through)}}}{{{d}{hand.name(step.target, weight=True)}}}"
    if rng.random() < 0.5 and facts.single(step.target) and step.rule == "elementwise":
        label = hand.text(facts.by_target["d" + through].formula)
        first = rf"\underbrace{{{first}}}_{{{label}}}"
        call = next(part for part in tree.walk(step.formula) if isinstance(part, tree.Call) and part.primes)
        second = rf"\underbrace{{{second}}}_{{{hand.text(call)}}}"
    return [("=", rf"{first} \cdot {second}")]


def over(hand: Hand, rng: Random) -> str:
    """An equals sign with words over it."""
    words = rng.choice(OVER[hand.style.language])
    return rf"\stackrel{{\text{{{words}}}}}{{=}}"


__all__ = [
    "BACKWARD",
    "BETWEEN",
    "FORWARD",
    "GIVEN",
    "OPENING",
    "Unwritable",
    "chain_rule",
    "function",
    "over",
    "slope",
    "space",
]
