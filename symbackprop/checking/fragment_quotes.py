"""What words before a formula make of it: a mistake that is only quoted, a part of a longer formula."""

import re

_ERROR = r"(?:mistakes?|errors?|errores|fallos?|slips?|equivocaci[oó]n)"
_USUAL = (
    r"(?:common|frequent|typical|usual|classic|popular|easy|com[uú]n(?:es)?|frecuentes?|t[ií]picos?|habitual(?:es)?"
    r"|cl[aá]sicos?)"
)
_WRITE = r"(?:writ\w+|escrib\w+|pon(?:er|gas|gamos|emos)|put(?:ting)?|us(?:e|ar|ing)|olvid\w+|forget\w*)"
_QUOTED = re.compile(
    rf"\b{_USUAL}\s+{_ERROR}\b|\b{_ERROR}\s+(?:muy\s+)?{_USUAL}\b|\bmistakes?\b"
    rf"|\b{_ERROR}\s+(?:es|ser[ií]a|is|would\s+be)\s+(?:to\s+)?{_WRITE}"
    rf"|\b(?:never|nunca|don'?t|do\s+not|no)\s+{_WRITE}\b",
    re.IGNORECASE,
)
_DENIED = re.compile(
    r"(?:\b(?:why\s+not|por\s+qu[eé]\s+no|is\s+not|isn'?t|are\s+not|not|no\s+es|no\s+son|y\s+no|pero\s+no"
    r"|instead\s+of|rather\s+than|en\s+lugar\s+de|en\s+vez\s+de)"
    r"|[,(]\s*no|\b(?:wrong|incorrect|incorrect[oa]|false|fals[oa]|mal|err[oó]neo)(?:ly)?\s*:|[✗✘❌])[\s*_~]*\Z",
    re.IGNORECASE,
)
_COMMAND = re.compile(r"\\[A-Za-z]+")
_RELATION = re.compile(r"\s*&?\s*(?:[=≈≃]|\\(?:approx|simeq|equiv)(?![A-Za-z]))")


def is_quoted(words: str) -> bool:
    """Whether words say that what stands behind them is wrong: “a common mistake is to write …”."""
    return bool(_QUOTED.search(words) or _DENIED.search(words))


def goes_on(words: str, formula: str) -> bool:
    """Whether a formula begins with a relation behind words: nobody can tell what it goes on from."""
    return bool(_RELATION.match(formula)) and any(c.isalpha() for c in _COMMAND.sub("", words))


_CLAIMS = re.compile(
    r"[=≈≃≅≡<>≤≥≠∈→⇒←]|\\(?:approx|simeq|cong|equiv|[lg]eq?|neq?|in|to|[a-z]*arrow|implies|iff|gets|propto"
    r"|(?:under|over)brace|boxed|tag|coloneqq|triangleq|doteq|sim|lt|gt|mapsto|begin)(?![A-Za-z])"
)


def claims_anything(formula: str) -> bool:
    """Whether a formula states a relation, or labels a part; `\\odot` and `g(\\cdot)` are only named."""
    return bool(_CLAIMS.search(formula))


_ANNOUNCED = re.compile(
    r"einstein|summation\s+convention|convenio\s+de\s+(?:la\s+)?suma|convenci[oó]n\s+de\s+(?:la\s+)?suma"
    r"|criterio\s+de\s+suma|(?:repeated|repeating)\s+(?:ind(?:ices|exes)|subscripts)|[ií]ndices?\s+repetid",
    re.IGNORECASE,
)


def announces_sums(text: str) -> int | None:
    """Where a text says that indices which occur twice are summed over; None where it does not."""
    found = _ANNOUNCED.search(text)
    return None if found is None else found.start()
