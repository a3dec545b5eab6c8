"""Reads quizzes of QTI 1.2 again, strictly, as Canvas reads them, without anything of what wrote them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from typing import Any, NamedTuple

from symbackprop.exams.exports.packing import entry, parsed, unarchive
from symbackprop.exams.exports.pool import ExportError, Files, ReadKey

_QTI = "{http://www.imsglobal.org/xsd/ims_qtiasiv1p2}"
_CP = "{http://www.imsglobal.org/xsd/imsccv1p1/imscp_v1p1}"
_META = "{http://canvas.instructure.com/xsd/cccv1p0}"
_DECIMAL = re.compile(r"-?\d+(\.\d+)?")
_MARGIN = Fraction(1, 2000)
_TITLE = {
    "numerical_question": re.compile(r"[\w-]+/[\w-]+/\w+/[1-9]\d*", re.ASCII),
    "multiple_choice_question": re.compile(r"[\w-]+/[\w-]+/\w+", re.ASCII),
    "true_false_question": re.compile(r"[\w-]+/[\w-]+/\w+", re.ASCII),
    "essay_question": re.compile(r"[\w-]+/[\w-]+/\w+", re.ASCII),
}


class _Item(NamedTuple):
    """One item: where it is, what it is called, what kind of question it is, and its element."""

    where: str
    title: str
    kind: str
    element: Any


def lint(files: Files) -> None:
    """Raises ExportError for the first thing in the packages that Canvas would refuse or misread."""
    seen: dict[str, str] = {}
    for name, content in files.items():
        assessment, meta = _opened(name, content)
        items = list(_items(name, assessment))
        titles = [item.title for item in items if item.kind != "text_only_question"]
        if twice := sorted({title for title in titles if titles.count(title) > 1}):
            raise ExportError(f"{name}: two items are called {twice[0]}")
        elements = [assessment.find(f"{_QTI}assessment"), *(item.element for item in items)]
        identifiers = [str(element.get("ident")) for element in elements]
        for identifier in identifiers:
            if identifier in seen or identifiers.count(identifier) > 1:
                other = seen.get(identifier, name)
                raise ExportError(f"{name}: {identifier} is in {other} too; one would take the other's place")
        seen.update(dict.fromkeys(identifiers, name))
        for item in items:
            _check_item(item)
        total = sum((_points(item) for item in items), Fraction(0))
        if _decimal(name, meta.findtext(f"{_META}points_possible")) != total:
            raise ExportError(f"{name}: the items have {total} points, and the quiz has not")


def read_back(files: Files) -> Iterator[ReadKey]:
    """The keys of all numerical items, those of one part together, in order."""
    for name, content in files.items():
        parts: dict[tuple[str, str, str], dict[int, Fraction]] = {}
        for item in _items(name, _opened(name, content)[0]):
            if item.kind == "numerical_question":
                if not _TITLE[item.kind].fullmatch(item.title):
                    raise ExportError(f"{item.where} does not say which cell of which part it asks for")
                question, variant, slug, cell = item.title.split("/")
                parts.setdefault((question, variant, slug), {})[int(cell)] = _key(item)
        for (question, variant, slug), cells in parts.items():
            keys = tuple(cells[at] for at in sorted(cells))
            yield ReadKey(question=question, variant=variant, slug=slug, keys=keys)


def _opened(name: str, content: bytes) -> tuple[Any, Any]:
    """The assessment of a package and what is said about it, found through its manifest."""
    entries = unarchive(name, content)
    manifest = parsed(f"{name}: imsmanifest.xml", entry(entries, "imsmanifest.xml", name))
    listed = [str(file.get("href")) for file in manifest.iter(f"{_CP}file")]
    if sorted([*listed, "imsmanifest.xml"]) != sorted(entries):
        raise ExportError(f"{name}: imsmanifest.xml does not list the files that there are")
    found = {
        path.endswith("assessment_meta.xml"): parsed(f"{name}: {path}", entries[path]) for path in listed
    }
    if set(found) != {True, False}:
        raise ExportError(f"{name} must have an assessment and an assessment_meta.xml")
    return found[False], found[True]


def _items(name: str, assessment: Any) -> Iterator[_Item]:
    for element in assessment.iter(f"{_QTI}item"):
        title = str(element.get("title"))
        where = f"{name}: {title}"
        yield _Item(where, title, _field(where, element, "question_type"), element)


def _field(where: str, element: Any, label: str) -> str:
    found = [
        str(field.findtext(f"{_QTI}fieldentry"))
        for field in element.iter(f"{_QTI}qtimetadatafield")
        if field.findtext(f"{_QTI}fieldlabel") == label
    ]
    if len(found) != 1:
        raise ExportError(f"{where} must have one {label}")
    return found[0]


def _points(item: _Item) -> Fraction:
    return _decimal(item.where, _field(item.where, item.element, "points_possible"))


def _decimal(where: str, text: str | None) -> Fraction:
    if text is None or not _DECIMAL.fullmatch(text):
        raise ExportError(
            f"{where}: {text!r} is no finite decimal with a dot, which is all that Canvas reads"
        )
    return Fraction(text)


# --- one item -------------------------------------------------------------------------------


def _check_item(item: _Item) -> None:
    _check_texts(item)
    if item.kind == "text_only_question":
        return
    if item.kind not in _TITLE:
        raise ExportError(f"{item.where}: a {item.kind} is none of the kinds that are written")
    if not _TITLE[item.kind].fullmatch(item.title):
        raise ExportError(f"{item.where} does not say which part it asks for")
    if _points(item) <= 0:
        raise ExportError(f"{item.where} gives no points")
    if item.kind == "numerical_question":
        _key(item)
    elif item.kind != "essay_question":
        _check_choice(item)


def _key(item: _Item) -> Fraction:
    """The number that is right. ExportError where there are several, or margins that are not its own."""
    found = {
        tag: [_decimal(item.where, one.text) for one in item.element.iter(f"{_QTI}{tag}")]
        for tag in ("varequal", "vargte", "varlte")
    }
    if [len(values) for values in found.values()] != [1, 1, 1]:
        raise ExportError(f"{item.where} must have one right number, with two bounds")
    key, low, high = (values[0] for values in found.values())
    if key - low != high - key or key - low not in (0, _MARGIN):
        raise ExportError(f"{item.where}: {low} to {high} is not within 0.0005 of {key}")
    if [one.text for one in item.element.iter(f"{_QTI}setvar")] != ["100"]:
        raise ExportError(f"{item.where} must give all its points to its key")
    return key


def _check_choice(item: _Item) -> None:
    options = [str(one.get("ident")) for one in item.element.iter(f"{_QTI}response_label")]
    right = [
        str(test.text)
        for rule in item.element.iter(f"{_QTI}respcondition")
        if rule.find(f"{_QTI}setvar") is not None
        for test in rule.iter(f"{_QTI}varequal")
    ]
    if len(options) < 2 or len(set(options)) != len(options) or len(right) != 1 or right[0] not in options:
        raise ExportError(f"{item.where} must have options, exactly one of them right")


def _check_texts(item: _Item) -> None:
    """All HTML: formulas whole, no formula that stayed LaTeX, nothing that loads or runs."""
    from lxml import html

    for text in item.element.iter(f"{_QTI}mattext"):
        shown = html.fragment_fromstring(text.text or "", create_parent="div")
        if "$" in re.sub(r'="[^"]*"', "", text.text or ""):  # those of a text are character references
            raise ExportError(f"{item.where}: a formula was not read as one: {text.text}")
        for element in shown.iter():
            if element.tag not in ("div", "p", "br", "span", "img"):
                raise ExportError(f"{item.where}: a text was read as {element.tag}: {text.text}")
        for image in shown.iter("img"):
            latex = image.get("data-equation-content")
            if image.get("class") != "equation_image" or not str(image.get("src")).startswith(
                "/equation_images/"
            ):
                raise ExportError(f"{item.where}: an image that is no formula: {image.get('src')}")
            if not latex or (image.get("title"), image.get("alt")) != (latex, f"LaTeX: {latex}"):
                raise ExportError(f"{item.where}: a formula that is not whole: {latex}")
