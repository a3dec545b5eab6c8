"""Reads a package of QTI 2.1 again, strictly, without anything of what wrote it.

For every element that `qti` may write, a row says which attributes it has and which elements, in which order,
as the schema of QTI 2.1 has them; anything else is refused. Then whatever refers to something is looked up.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any, NamedTuple

from symbackprop.exams.exports.packing import entry, parsed, unarchive
from symbackprop.exams.exports.pool import ExportError, Files, ReadKey

QTI = "http://www.imsglobal.org/xsd/imsqti_v2p1"
TOLERANCE = "0.0005 0.0005"
_MATHML = "{http://www.w3.org/1998/Math/MathML}"
_CP = "{http://www.imsglobal.org/xsd/imscp_v1p1}"
_LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"
_LOCATION = "{http://www.w3.org/2001/XMLSchema-instance}schemaLocation"

_DECIMAL = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?")
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
"""Without the full stop that XML would allow: in a test it stands between an item and its variable."""


class Row(NamedTuple):
    """What an element must be: required and optional attributes, the order of its children, text or none."""

    required: str
    optional: str
    children: str
    text: bool = False


_EXPRESSION = "(baseValue|variable|not|and|equal|match|sum|product|divide|gte|multiple) "
_RULES = "(setOutcomeValue )+"
_INLINE = "((span|math) )*"
_BLOCKS = "((p|table|choiceInteraction|extendedTextInteraction|rubricBlock) )+"

_ROWS: Mapping[str, Row] = {
    "assessmentItem": Row(
        "identifier title label adaptive timeDependent",
        f"{_LANGUAGE} {_LOCATION}",
        "(responseDeclaration )*(outcomeDeclaration )*(itemBody )(responseProcessing )(modalFeedback )*",
    ),
    "responseDeclaration": Row("identifier cardinality baseType", "", "(correctResponse )?"),
    "correctResponse": Row("", "", "value "),
    "defaultValue": Row("", "", "value "),
    "value": Row("", "", "", text=True),
    "outcomeDeclaration": Row("identifier cardinality baseType", "normalMaximum", "(defaultValue )?"),
    "itemBody": Row("", "", _BLOCKS),
    "p": Row("", "", "((span|math|textEntryInteraction) )*", text=True),
    "span": Row("", "", _INLINE, text=True),
    "table": Row("", "", "tbody "),
    "tbody": Row("", "", "(tr )+"),
    "tr": Row("", "", "(td )+"),
    "td": Row("", "", "textEntryInteraction "),
    "textEntryInteraction": Row("responseIdentifier", "expectedLength", ""),
    "choiceInteraction": Row("responseIdentifier shuffle maxChoices", "", "(simpleChoice )+"),
    "simpleChoice": Row("identifier", "", _INLINE, text=True),
    "extendedTextInteraction": Row("responseIdentifier", "expectedLines", ""),
    "rubricBlock": Row("view", "", "(p )+"),
    "modalFeedback": Row("outcomeIdentifier identifier showHide", "", "(p )+"),
    "responseProcessing": Row("", "", "(responseCondition )*setOutcomeValue "),
    "responseCondition": Row("", "", "responseIf (responseElseIf )*"),
    "responseIf": Row("", "", _EXPRESSION + _RULES),
    "responseElseIf": Row("", "", _EXPRESSION + _RULES),
    "setOutcomeValue": Row("identifier", "", _EXPRESSION),
    "baseValue": Row("baseType", "", "", text=True),
    "variable": Row("identifier", "", ""),
    "not": Row("", "", _EXPRESSION),
    "and": Row("", "", f"({_EXPRESSION})+"),
    "equal": Row("toleranceMode tolerance", "", _EXPRESSION * 2),
    "match": Row("", "", _EXPRESSION * 2),
    "sum": Row("", "", f"({_EXPRESSION})+"),
    "product": Row("", "", f"({_EXPRESSION})+"),
    "divide": Row("", "", _EXPRESSION * 2),
    "gte": Row("", "", _EXPRESSION * 2),
    "multiple": Row("", "", f"({_EXPRESSION})*"),
}
_TEST_ROWS: Mapping[str, Row] = {
    "assessmentTest": Row(
        "identifier title", _LOCATION, "(outcomeDeclaration )*(testPart )+(outcomeProcessing )?"
    ),
    "outcomeDeclaration": _ROWS["outcomeDeclaration"],
    "defaultValue": _ROWS["defaultValue"],
    "value": _ROWS["value"],
    "testPart": Row("identifier navigationMode submissionMode", "", "(assessmentSection )+"),
    "assessmentSection": Row("identifier title visible", "", "(selection )?(assessmentItemRef )+"),
    "selection": Row("select", "", ""),
    "assessmentItemRef": Row("identifier href", "", ""),
    "outcomeProcessing": Row("", "", "(setOutcomeValue )+"),
    "setOutcomeValue": Row("identifier", "", "sum "),
    "sum": Row("", "", "testVariables "),
    "testVariables": Row("variableIdentifier", "", ""),
}
_MANIFEST_ROWS: Mapping[str, Row] = {
    "manifest": Row("identifier", "", "metadata organizations resources "),
    "metadata": Row("", "", "schema schemaversion "),
    "schema": Row("", "", "", text=True),
    "schemaversion": Row("", "", "", text=True),
    "organizations": Row("", "", ""),
    "resources": Row("", "", "(resource )+"),
    "resource": Row("identifier type href", "", "(file )+(dependency )*"),
    "file": Row("href", "", ""),
    "dependency": Row("identifierref", "", ""),
}


def lint(files: Files) -> None:
    """Raises ExportError for the first thing in the packages that is not as QTI 2.1 has it."""
    for name, content in files.items():
        entries = unarchive(name, content)
        manifest = parsed(f"{name}: imsmanifest.xml", entry(entries, "imsmanifest.xml", name))
        _check_rows(f"{name}: imsmanifest.xml", manifest, _MANIFEST_ROWS, _CP)
        _check_manifest(name, manifest, entries)
        test = parsed(f"{name}: test.xml", entry(entries, "test.xml", name))
        _check_rows(f"{name}: test.xml", test, _TEST_ROWS, f"{{{QTI}}}")
        items = dict(_items(name, entries))
        for path, root in items.items():
            _check_rows(path, root, _ROWS, f"{{{QTI}}}")
            _Item(path, root).check()
        _check_test(name, test, items)


def read_back(files: Files) -> Iterator[ReadKey]:
    """The keys of all items, from the rules that give points. ExportError for one that cannot be read."""
    for name, content in files.items():
        for path, root in _items(name, unarchive(name, content)):
            yield from _Item(path, root).keys()


def _items(name: str, entries: Mapping[str, bytes]) -> Iterator[tuple[str, Any]]:
    for path, content in entries.items():
        if path.startswith("items/"):
            yield f"{name}: {path}", parsed(f"{name}: {path}", content)


# --- elements, one by one -------------------------------------------------------------------


def _check_rows(where: str, root: Any, rows: Mapping[str, Row], space: str) -> None:
    if str(root.tag).removeprefix(space) not in rows:
        raise ExportError(f"{where} begins with {root.tag}")
    waiting = [root]
    while waiting:
        element = waiting.pop()
        children = list(element)
        tag = _local(where, element, space)
        if tag == "math":
            _check_math(where, element)
            continue
        if tag not in rows:
            raise ExportError(f"{where}, line {element.sourceline}: {tag} has no place there")
        _check_row(f"{where}, line {element.sourceline}: {tag}", element, rows[tag])
        order = "".join(f"{_local(where, child, space)} " for child in children)
        if not re.fullmatch(rows[tag].children, order):
            raise ExportError(f"{where}, line {element.sourceline}: {tag} cannot hold {order.split()}")
        waiting.extend(children)


def _local(where: str, element: Any, space: str) -> str:
    tag = element.tag
    if tag == f"{_MATHML}math":
        return "math"
    if not isinstance(tag, str) or not tag.startswith(space):
        raise ExportError(f"{where}, line {element.sourceline}: {tag} is in no namespace of QTI 2.1")
    return tag.removeprefix(space)


def _check_row(where: str, element: Any, row: Row) -> None:
    required, optional = set(row.required.split()), set(row.optional.split())
    given = set(element.keys())
    if not required <= given <= required | optional:
        raise ExportError(f"{where} must have the attributes {sorted(required)}, not {sorted(given)}")
    texts = [element.text, *(child.tail for child in element)]
    if not row.text and any(text and text.strip() for text in texts):
        raise ExportError(f"{where} cannot hold text")


def _check_math(where: str, element: Any) -> None:
    for part in element.iter():
        if not isinstance(part.tag, str) or not part.tag.startswith(_MATHML):
            raise ExportError(f"{where}, line {part.sourceline}: {part.tag} is no MathML")


# --- the package ----------------------------------------------------------------------------


def _check_manifest(name: str, manifest: Any, entries: Mapping[str, bytes]) -> None:
    resources = manifest.findall(f".//{_CP}resource")
    _unique(
        f"{name}: imsmanifest.xml",
        [manifest.get("identifier"), *(one.get("identifier") for one in resources)],
    )
    listed = [file.get("href") for file in manifest.findall(f".//{_CP}file")]
    if sorted([*listed, "imsmanifest.xml"]) != sorted(entries):
        raise ExportError(
            f"{name}: imsmanifest.xml lists {len(listed)} files, the package has {len(entries) - 1}"
        )
    known = {one.get("identifier") for one in resources}
    for link in manifest.findall(f".//{_CP}dependency"):
        if link.get("identifierref") not in known:
            raise ExportError(f"{name}: imsmanifest.xml has no resource {link.get('identifierref')}")


def _check_test(name: str, test: Any, items: Mapping[str, Any]) -> None:
    _unique(
        f"{name}: test.xml", [one.get("identifier") for one in test.iter() if one.get("identifier")][2:-1]
    )
    referred = {one.get("href"): one.get("identifier") for one in test.iter(f"{{{QTI}}}assessmentItemRef")}
    there = {path.rpartition(" ")[2]: root.get("identifier") for path, root in items.items()}
    if referred != there:
        raise ExportError(f"{name}: test.xml does not refer to every item by its identifier")


def _unique(where: str, identifiers: list[str]) -> None:
    for identifier in identifiers:
        if not _IDENTIFIER.fullmatch(identifier):
            raise ExportError(f"{where}: {identifier!r} is no identifier")
        if identifiers.count(identifier) > 1:
            raise ExportError(f"{where}: the identifier {identifier} is there twice")


# --- one item -------------------------------------------------------------------------------


class _Item:
    """An item, and what it declares."""

    def __init__(self, path: str, root: Any) -> None:
        self.path, self.root = path, root
        self.responses = {one.get("identifier"): one for one in self.all("responseDeclaration")}
        self.outcomes = {one.get("identifier"): one for one in self.all("outcomeDeclaration")}

    def all(self, tag: str) -> list[Any]:
        """All elements of a name, in the order of the file."""
        return list(self.root.iter(f"{{{QTI}}}{tag}"))

    def fail(self, what: str) -> ExportError:
        """The fault, and in which file it is."""
        return ExportError(f"{self.path}: {what}")

    def check(self) -> None:
        """ExportError for what the rows cannot see."""
        declared = [*self.all("responseDeclaration"), *self.all("outcomeDeclaration")]
        _unique(self.path, [one.get("identifier") for one in declared])
        _unique(self.path, [one.get("identifier") for one in self.all("simpleChoice")])
        _unique(self.path, [one.get("identifier") for one in self.all("modalFeedback")])
        self.check_interactions()
        self.check_numbers()
        self.check_references()
        for _ in self.keys():
            pass

    def check_interactions(self) -> None:
        """Each response has one place where it is given, of its kind."""
        kinds = {
            "textEntryInteraction": "float",
            "choiceInteraction": "identifier",
            "extendedTextInteraction": "string",
        }
        asked: list[str] = []
        for tag, kind in kinds.items():
            for one in self.all(tag):
                name = one.get("responseIdentifier")
                asked.append(name)
                if name not in self.responses or self.responses[name].get("baseType") != kind:
                    raise self.fail(f"{tag} asks for {name}, which is not declared as {kind}")
        if sorted(asked) != sorted(self.responses):
            raise self.fail("a response is asked for twice, or never")
        for one in self.all("choiceInteraction"):
            options = [option.get("identifier") for option in one]
            right = self.right(one.get("responseIdentifier"))
            if options.count(right) != 1:
                raise self.fail(f"the right option {right} is not among {options}")

    def check_numbers(self) -> None:
        """Every number is a finite decimal with a dot, every tolerance the one that is meant."""
        floats = [one for one in self.all("baseValue") if one.get("baseType") in ("float", "integer")]
        floats += [one for name in self.responses if self.kind(name) == "float" for one in self.values(name)]
        for one in floats:
            self.decimal(one.text)
        for one in self.all("equal"):
            if (one.get("toleranceMode"), one.get("tolerance")) != ("absolute", TOLERANCE):
                raise self.fail(f"a tolerance must be absolute and {TOLERANCE}")

    def check_references(self) -> None:
        """What a rule reads or sets is declared, and what it shows is there."""
        known = {*self.responses, *self.outcomes}
        for one in self.all("variable"):
            if one.get("identifier") not in known:
                raise self.fail(f"no variable {one.get('identifier')} is declared")
        for one in self.all("setOutcomeValue"):
            if one.get("identifier") not in self.outcomes:
                raise self.fail(f"no outcome {one.get('identifier')} is declared")
        said = {
            one.text
            for rule in self.all("setOutcomeValue")
            for one in rule.iter(f"{{{QTI}}}baseValue")
            if one.get("baseType") == "identifier"
        }
        shown = {one.get("identifier") for one in self.all("modalFeedback")}
        if said != shown:
            raise self.fail(f"feedback that is never shown, or is not there: {sorted(said ^ shown)}")

    def kind(self, name: str) -> str:
        """float, identifier or string."""
        return str(self.responses[name].get("baseType"))

    def values(self, name: str) -> list[Any]:
        """The elements that hold the right response."""
        return list(self.responses[name].iter(f"{{{QTI}}}value"))

    def right(self, name: str) -> str:
        """The right response, as it stands."""
        values = self.values(name)
        if len(values) != 1 or not values[0].text:
            raise self.fail(f"{name} must have one right response")
        return str(values[0].text)

    def decimal(self, text: str | None) -> Fraction:
        """A number. ExportError where it is a fraction, has a comma, or is none."""
        if text is None or not _DECIMAL.fullmatch(text):
            raise self.fail(
                f"{text!r} is no finite decimal with a dot, which is all that QTI reads as written"
            )
        return Fraction(text)

    def keys(self) -> Iterator[ReadKey]:
        """For each part with numbers, what its rules take as right, which must be what is declared so."""
        question, space, variant = str(self.root.get("label")).partition(" ")
        if not space or len(question) + len(variant) > 255:
            raise self.fail("the label must name a question and a variant, in 256 signs at most")
        cells: dict[str, list[Fraction]] = {}
        rules = self.rules()
        for name in self.responses:
            if self.kind(name) == "float":
                slug = name.removeprefix("RESPONSE_").rpartition("_")[0]
                key = self.decimal(self.right(name))
                if rules.get(name, key) != key:
                    raise self.fail(f"{name}: {key} is declared as right, but the rule wants {rules[name]}")
                cells.setdefault(slug, []).append(rules.get(name, key))
        for slug, keys in cells.items():
            yield ReadKey(question=question, variant=variant, slug=slug, keys=tuple(keys))

    def rules(self) -> dict[str, Fraction]:
        """The number with which each response is compared first for points."""
        found: dict[str, Fraction] = {}
        for first in self.all("responseIf"):
            test = first[0]
            earns = any(str(rule.get("identifier")).startswith("SCORE_") for rule in first[1:])
            if earns and test.tag == f"{{{QTI}}}equal":
                name = test[0].get("identifier")
                if name in found:
                    raise self.fail(f"{name} is marked twice")
                found[name] = self.decimal(test[1].text)
        return found
