"""Habits of a document: its language, and whether its decimals are written with a comma."""

import re
from collections.abc import Iterable

_WORDS = {
    "es": frozenset([
        "el", "la", "los", "las", "que", "de", "del", "en", "por", "una", "un", "entonces", "como",
        "respecto", "porque", "luego", "si", "es", "con", "para", "ej", "sea", "y", "se", "cadena",
        "regla", "derivada", "capa", "neurona", "tengo", "obtenemos", "donde", "pérdida", "función",
        "ahora", "hacia", "atrás", "delante", "adelante", "paso", "derivación", "mano", "primero", "tenemos",
        "derivamos", "gradiente", "gradientes", "entrada", "salida", "pesos", "sesgo", "ejercicio",
        "solución", "valores", "datos", "calculamos", "calcular", "tanto", "esto", "aquí", "dado",
    ]),
    "en": frozenset([
        "the", "of", "is", "and", "we", "with", "to", "then", "so", "because", "respect", "that",
        "where", "for", "this", "by", "let", "if", "chain", "rule", "derivative", "layer", "loss",
        "have", "since", "thus", "hence", "gives", "now", "forward", "backward", "backwards", "hand",
        "first", "pass", "step", "gradient", "gradients", "input", "output", "weights", "bias", "exercise",
        "solution", "values", "compute", "therefore", "here", "given", "from", "get",
    ]),
}  # fmt: skip
_WORD = re.compile(r"(?<![\\\w])[^\W\d_]+")
_SHOWN = 200_000  # characters that are looked at

_COMMA = re.compile(r"(?<![\d.,])\d{1,20}(,|\{,\})\d{1,60}(?![\d.,]*[,.]\d)")
_POINT = re.compile(r"(?<![\w.,])\d+\.\d|(?<![\w.,)\]])\.\d")
_OPEN = re.compile(r"\\\{|[_^]\{|[_^]\(|[(\[{]|[)\]}]|;")


def language_of(text: str) -> str | None:
    """`es` or `en` by their short words; None where neither has more of them than the other."""
    found = [word.lower() for word in _WORD.findall(text[:_SHOWN]) if len(word) > 1 or word == "y"]
    counts = {language: sum(word in known for word in found) for language, known in _WORDS.items()}
    if counts["es"] == counts["en"]:
        return None
    return max(counts, key=lambda language: counts[language])


def comma_decimals(formulas: Iterable[str], language: str | None = None) -> bool:
    """Whether these formulas write decimals with a comma and none with a point.

    `9,203` alone says so in a Spanish text; in others it may be nine thousand.
    """
    seen = False
    for formula in formulas:
        if _POINT.search(formula):
            return False
        seen = seen or _has_comma(formula, sure=language != "es")
    return seen


def _has_comma(formula: str, *, sure: bool) -> bool:
    """Whether a comma between digits is a decimal one, and no thousands' if `sure`: outside of lists and
    indices."""
    closed = _depths(formula)
    for found in _COMMA.finditer(formula):
        if found.group(1) == "{,}":
            return True
        whole, part = found.group().split(",")
        listed = (
            formula[: found.start()].rstrip().endswith((",", ";"))
            or formula[found.end() :].lstrip()[:1] == ","
        )
        thousands = sure and len(part) == 3 and whole != "0"
        index = len(whole) == len(part) == 1 and bool(
            re.search(r"\b[i-nkpq]\s*=\s*\Z", formula[: found.start()][-20:])
        )
        if not (listed or thousands or index) and not closed[found.start()]:
            return True
    return False


def _depths(formula: str) -> list[bool]:
    """For each character, whether it stands in brackets that may be a list or an index.

    Brackets with `;` in them are lists whose commas are decimal; braces only group.
    """
    inside = [False] * (len(formula) + 1)
    stack: list[tuple[int, bool]] = []
    semicolons: list[bool] = []
    for found in _OPEN.finditer(formula):
        mark = found.group()
        if mark == ";":
            if semicolons:
                semicolons[-1] = True
        elif mark in ")]}":
            if stack:
                start, counts = stack.pop()
                if counts and not semicolons.pop():
                    inside[start : found.start()] = [True] * (found.start() - start)
                elif not counts:
                    semicolons.pop()
        else:
            stack.append((found.end(), mark != "{"))
            semicolons.append(False)
    return inside
