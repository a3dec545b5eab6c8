"""A pool as a package of QTI 2.1: an item a variant, and a test that draws one of each question's variants.

Each cell is a float response. It is right within an absolute tolerance of the key, or of what follows from
the student's own earlier answers, if these have as many entries that are not 0 as their keys have.
`qti_check` reads a package again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction

from symbackprop.exams.exports.html import decimal, escape, grid, html, paragraphs
from symbackprop.exams.exports.packing import archive, check_names
from symbackprop.exams.exports.pool import (
    Choice,
    Essay,
    ExportError,
    Files,
    Follow,
    Formula,
    Guess,
    Numbers,
    Pool,
    PoolQuestion,
    PoolVariant,
    Words,
)
from symbackprop.exams.exports.qti_check import QTI, TOLERANCE, lint, read_back

_MATHML = "http://www.w3.org/1998/Math/MathML"
_CP = "http://www.imsglobal.org/xsd/imscp_v1p1"
_SCHEMA = f"{QTI} http://www.imsglobal.org/xsd/qti/qtiv2p1/imsqti_v2p1.xsd"
_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'
__all__ = ["export", "lint", "read_back"]

_RIGHT, _FEEDBACK = "SCORE", "FEEDBACK"

_Part = Numbers | Choice | Essay


def export(pool: Pool) -> Files:
    """The package `<key>-qti21.zip`. ExportError for a key that is no finite decimal."""
    check_names(pool)
    items = {
        f"items/{_identifier(pool, question, variant)}.xml": _item(pool, question, variant)
        for question in pool.questions
        for variant in question.variants
    }
    texts = {"imsmanifest.xml": _manifest(pool, items), "test.xml": _test(pool), **items}
    return {f"{pool.key}-qti21.zip": archive({path: text.encode() for path, text in texts.items()})}


# --- the package ----------------------------------------------------------------------------


def _identifier(pool: Pool, question: PoolQuestion, variant: PoolVariant) -> str:
    """Unique for its number, and without a full stop, which in a test has a meaning of its own."""
    return f"Q{pool.questions.index(question) + 1}_{question.id}_{variant.name}"


def _manifest(pool: Pool, items: Iterable[str]) -> str:
    depends = "".join(_element("dependency", {"identifierref": _stem(path)}) for path in items)
    resources = _resource(f"{pool.key}_test", "test", "test.xml", depends)
    resources += "".join(_resource(_stem(path), "item", path) for path in items)
    kind = _element("schema", {}, "QTIv2.1 Package") + _element("schemaversion", {}, "1.0.0")
    attributes = {"xmlns": _CP, "identifier": f"{pool.key}_manifest"}
    body = f"{_element('metadata', {}, kind)}<organizations/>{_element('resources', {}, resources)}"
    return _DECLARATION + _element("manifest", attributes, body) + "\n"


def _stem(path: str) -> str:
    return path.removeprefix("items/").removesuffix(".xml")


def _resource(identifier: str, kind: str, path: str, depends: str = "") -> str:
    attributes = {"identifier": identifier, "type": f"imsqti_{kind}_xmlv2p1", "href": path}
    return "\n" + _element("resource", attributes, _element("file", {"href": path}) + depends)


def _test(pool: Pool) -> str:
    sections = "".join(_section(pool, question) for question in pool.questions)
    total = _set(_RIGHT, _element("sum", {}, _element("testVariables", {"variableIdentifier": _RIGHT})))
    modes = {"identifier": "all", "navigationMode": "nonlinear", "submissionMode": "simultaneous"}
    body = (
        _outcome(_RIGHT, "single", "float")
        + _element("testPart", modes, sections)
        + _element("outcomeProcessing", {}, total)
    )
    attributes = {"identifier": f"{pool.key}_test", "title": pool.title}
    return _root("assessmentTest", attributes, body)


def _section(pool: Pool, question: PoolQuestion) -> str:
    names = [_identifier(pool, question, variant) for variant in question.variants]
    references = (
        _element("assessmentItemRef", {"identifier": name, "href": f"items/{name}.xml"}) for name in names
    )
    attributes = {"identifier": f"section_{question.id}", "title": question.title, "visible": "true"}
    return _element(
        "assessmentSection", attributes, _element("selection", {"select": "1"}) + "".join(references)
    )


def _root(tag: str, attributes: Mapping[str, str], body: str) -> str:
    spaces = {
        "xmlns": QTI,
        "xmlns:xsi": "http://www.w3.org/2001/XMLSchema-instance",
        "xsi:schemaLocation": _SCHEMA,
    }
    return _DECLARATION + _element(tag, spaces | dict(attributes), body) + "\n"


# --- an item --------------------------------------------------------------------------------


def _item(pool: Pool, question: PoolQuestion, variant: PoolVariant) -> str:
    where = f"question {question.id}, {variant.name}"
    for part in variant.parts:
        if isinstance(part, Numbers):
            _check_keys(f"{where}, {part.slug}", part)
    sentences = pool.sentences
    intro = paragraphs((*variant.text, (sentences["no_fractions"],), (sentences["empty"],)), _math)
    marking = "".join(_count(part) for part in _counted(variant))
    marking += "".join(_marking(part) for part in variant.parts)
    scores = "".join(_variable(_score(part)) for part in variant.parts)
    body = (
        "".join(_responses(part) for part in variant.parts)
        + _outcomes(variant)
        + "\n"
        + _element("itemBody", {}, intro + "".join(_shown(part) for part in variant.parts))
        + "\n"
        + _element("responseProcessing", {}, marking + _set(_RIGHT, _element("sum", {}, scores)))
        + "".join(_modal(*told) for part in variant.parts for told in _told(part, sentences))
    )
    attributes = {
        "identifier": _identifier(pool, question, variant),
        "title": f"{question.title} · {variant.name}",
        "label": f"{question.id} {variant.name}",
        "xml:lang": pool.language,
        "adaptive": "false",
        "timeDependent": "false",
    }
    return _root("assessmentItem", attributes, body)


def _check_keys(where: str, part: Numbers) -> None:
    for cell in part.cells:
        if decimal(cell.key) is None:
            raise ExportError(
                f"{where}: the key {cell.key} is no finite decimal, which is all that QTI can compare; "
                "export this question to STACK or PrairieLearn"
            )
    if len(part.shape) > 2:
        raise ExportError(f"{where}: a table of fields has two axes at most, not {len(part.shape)}")


def _score(part: _Part) -> str:
    return f"SCORE_{part.slug}"


def _response(slug: str, offset: int | None = None) -> str:
    return f"RESPONSE_{slug}" if offset is None else f"RESPONSE_{slug}_{offset + 1}"


def _responses(part: _Part) -> str:
    match part:
        case Numbers():
            return "".join(
                _declared(_response(part.slug, offset), "float", decimal(cell.key))
                for offset, cell in enumerate(part.cells)
            )
        case Choice():
            right = next(number for number, option in enumerate(part.options) if option.right)
            return _declared(_response(part.slug), "identifier", _choice(part, right))
        case Essay():
            return _declared(_response(part.slug), "string", None)


def _declared(identifier: str, kind: str, right: str | None) -> str:
    key = "" if right is None else _element("correctResponse", {}, _element("value", {}, right))
    attributes = {"identifier": identifier, "cardinality": "single", "baseType": kind}
    return "\n" + _element("responseDeclaration", attributes, key)


def _choice(part: Choice, number: int) -> str:
    return f"OPTION_{part.slug}_{number + 1}"


def _outcomes(variant: PoolVariant) -> str:
    return (
        _outcome(_RIGHT, "single", "float", sum((part.points for part in variant.parts), Fraction(0)))
        + "".join(_outcome(_score(part), "single", "float", part.points) for part in variant.parts)
        + "".join(_outcome(f"NONZERO_{part.slug}", "single", "integer") for part in _counted(variant))
        + _outcome(_FEEDBACK, "multiple", "identifier")
    )


def _outcome(identifier: str, cardinality: str, kind: str, most: Fraction | None = None) -> str:
    attributes = {"identifier": identifier, "cardinality": cardinality, "baseType": kind}
    if most is not None and (top := decimal(most)) is not None:
        attributes["normalMaximum"] = top
    default = _element("defaultValue", {}, _element("value", {}, "0")) if cardinality == "single" else ""
    return "\n" + _element("outcomeDeclaration", attributes, default)


# --- what is shown --------------------------------------------------------------------------


def _shown(part: _Part) -> str:
    prompt = paragraphs((part.prompt,), _math)
    match part:
        case Numbers():
            fields = [
                _element("textEntryInteraction", {"responseIdentifier": name, "expectedLength": "8"})
                for name in (_response(part.slug, offset) for offset in range(len(part.cells)))
            ]
            symbol, cells = f"{_math(part.symbol)} = ", grid(part.shape, fields)
            return prompt + (f"<p>{symbol}</p>{cells}" if part.shape else f"<p>{symbol}{cells}</p>")
        case Choice():
            options = "".join(
                _element("simpleChoice", {"identifier": _choice(part, number)}, html(option.text, _math))
                for number, option in enumerate(part.options)
            )
            attributes = {"responseIdentifier": _response(part.slug), "shuffle": "false", "maxChoices": "1"}
            return prompt + paragraphs(part.shown, _math) + _element("choiceInteraction", attributes, options)
        case Essay():
            marking = _element(
                "rubricBlock", {"view": "scorer"}, paragraphs((*part.model, *part.rubric), _math)
            )
            attributes = {"responseIdentifier": _response(part.slug), "expectedLines": "20"}
            return (
                prompt
                + _element("extendedTextInteraction", attributes)
                + (marking if part.model or part.rubric else "")
            )


def _math(formula: Formula) -> str:
    """MathML in its own namespace, whether or not the formula says so itself."""
    start, sign, rest = formula.mathml.partition(">")
    named = start if " xmlns=" in start else start.replace("<math", f'<math xmlns="{_MATHML}"', 1)
    return f"{named}{sign}{rest}"


def _told(part: _Part, sentences: Mapping[str, str]) -> Iterator[tuple[str, Words]]:
    """What may be said about an answer, by the identifier that shows it."""
    if isinstance(part, Choice):
        for number, option in enumerate(part.options):
            if option.feedback:
                yield _choice(part, number), option.feedback
    elif isinstance(part, Numbers):
        asked = [offset for offset, cell in enumerate(part.cells) if not cell.forced]
        named = {_mistake(part, guess): guess for offset in asked for _, guess in part.mistaken(offset)}
        for identifier, guess in sorted(named.items()):
            yield identifier, guess.feedback
        if part.follow and asked:
            yield f"FOLLOW_{part.slug}", (part.symbol, ": ", sentences["follow"])
        if len(asked) < len(part.cells):
            yield f"FORCED_{part.slug}", (part.symbol, ": ", sentences["forced"])


def _mistake(part: Numbers, guess: Guess) -> str:
    """The identifier of what is said about a wrong value: which of the guesses it comes of."""
    number = next(number for number, one in enumerate(part.guesses) if one is guess)
    return f"MISTAKE_{part.slug}_{number + 1}"


def _modal(identifier: str, words: Words) -> str:
    attributes = {"outcomeIdentifier": _FEEDBACK, "identifier": identifier, "showHide": "show"}
    return "\n" + _element("modalFeedback", attributes, paragraphs((words,), _math))


# --- how it is marked -----------------------------------------------------------------------


def _counted(variant: PoolVariant) -> list[Numbers]:
    """The parts that later ones follow from: how many of their answers are not 0 has to be known."""
    needed = {
        slug
        for part in variant.parts
        if isinstance(part, Numbers) and part.follow
        for slug in part.follow.least
    }
    return [part for part in variant.parts if isinstance(part, Numbers) and part.slug in needed]


def _count(part: Numbers) -> str:
    """Adds up the answers that are not 0; an empty one is neither."""
    more = _element("sum", {}, _variable(f"NONZERO_{part.slug}") + _value("integer", "1"))
    rules = (
        _condition(
            (
                _element("not", {}, _equal(part, offset, _number(Fraction(0)))),
                _set(f"NONZERO_{part.slug}", more),
            )
        )
        for offset in range(len(part.cells))
    )
    return "".join(rules)


def _marking(part: _Part) -> str:
    match part:
        case Numbers():
            return "".join(_judged(part, offset) for offset in range(len(part.cells)))
        case Choice():
            return "".join(_picked(part, number) for number in range(len(part.options)))
        case Essay():
            return ""


def _judged(part: Numbers, offset: int) -> str:
    """First the key, then what follows from the student's own answers, then the mistakes that have a name."""
    cell = part.cells[offset]
    if cell.forced:
        wrong = _element("not", {}, _equal(part, offset, _number(cell.key)))
        return _condition((wrong, _say(f"FORCED_{part.slug}")))
    cases = [(_equal(part, offset, _number(cell.key)), _earn(part, cell.points))]
    if part.follow:
        told = _say(f"FOLLOW_{part.slug}")
        cases.append((_followed(part, part.follow, offset), _earn(part, cell.points) + told))
    for value, guess in part.mistaken(offset):
        told = _say(_mistake(part, guess))
        cases.append((_equal(part, offset, _number(value)), _earn(part, cell.points * guess.credit) + told))
    return _condition(*cases)


def _followed(part: Numbers, rule: Follow, offset: int) -> str:
    """That each source has as many entries that are not 0 as its key, and the cell follows from them and is
    not 0, which would show nothing."""
    guards = (
        _element("gte", {}, _variable(f"NONZERO_{slug}") + _value("integer", str(least)))
        for slug, least in sorted(rule.least.items())
    )
    terms = (
        _element("product", {}, _number(factor) + _variable(_response(slug, place)))
        for factor, (slug, place) in zip(rule.coefficients[offset], rule.sources, strict=True)
        if factor
    )
    expected = _element("sum", {}, _number(rule.constants[offset]) + "".join(terms))
    some = _element("not", {}, _equal(part, offset, _number(Fraction(0))))
    return _element("and", {}, "".join(guards) + some + _equal(part, offset, expected))


def _picked(part: Choice, number: int) -> str:
    option = part.options[number]
    same = _variable(_response(part.slug)) + _value("identifier", _choice(part, number))
    told = _say(_choice(part, number)) if option.feedback else ""
    rules = (_earn(part, part.points) if option.right else "") + told
    return _condition((_element("match", {}, same), rules)) if rules else ""


def _condition(*cases: tuple[str, str]) -> str:
    (test, rules), *others = cases
    body = _element("responseIf", {}, test + rules)
    body += "".join(_element("responseElseIf", {}, other + then) for other, then in others)
    return "\n" + _element("responseCondition", {}, body)


def _equal(part: Numbers, offset: int, expected: str) -> str:
    attributes = {"toleranceMode": "absolute", "tolerance": TOLERANCE}
    return _element("equal", attributes, _variable(_response(part.slug, offset)) + expected)


def _earn(part: _Part, points: Fraction) -> str:
    return _set(_score(part), _element("sum", {}, _variable(_score(part)) + _number(points)))


def _say(identifier: str) -> str:
    more = _element("multiple", {}, _variable(_FEEDBACK) + _value("identifier", identifier))
    return _set(_FEEDBACK, more)


def _set(identifier: str, expression: str) -> str:
    return _element("setOutcomeValue", {"identifier": identifier}, expression)


def _variable(identifier: str) -> str:
    return _element("variable", {"identifier": identifier})


def _number(value: Fraction) -> str:
    """A float, or a quotient of two where the decimal never ends."""
    if (text := decimal(value)) is not None:
        return _value("float", text)
    return _element(
        "divide", {}, _value("float", str(value.numerator)) + _value("float", str(value.denominator))
    )


def _value(kind: str, text: str) -> str:
    return _element("baseValue", {"baseType": kind}, text)


def _element(tag: str, attributes: Mapping[str, str], body: str = "") -> str:
    """An element; `body` is XML, attributes are text."""
    given = "".join(f' {key}="{escape(value)}"' for key, value in attributes.items())
    return f"<{tag}{given}>{body}</{tag}>" if body else f"<{tag}{given}/>"
