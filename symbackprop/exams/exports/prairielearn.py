"""A pool for PrairieLearn: a folder a question, whose server.py draws a variant and marks what is answered.

The platform's own element for a matrix counts every cell alike and knows no mistakes, so `grade` of server.py
(`prairielearn_server`) marks anew: cells by their points, answers that follow from the student's own earlier
ones, named mistakes. Keys are fractions there. What a person wrote stands in it only within quoted literals.
"""

from __future__ import annotations

import ast
import json
import re
import uuid
from collections.abc import Iterator, Mapping
from fractions import Fraction
from math import prod
from pathlib import Path
from typing import Any

from symbackprop.exams.exports.html import escape, html, mathjax
from symbackprop.exams.exports.packing import check_names
from symbackprop.exams.exports.pool import (
    Cell,
    Choice,
    Essay,
    ExportError,
    Files,
    Follow,
    Formula,
    Numbers,
    Pool,
    PoolQuestion,
    PoolVariant,
    ReadKey,
    Words,
)

_FAMILY = uuid.UUID("5d6c3d0e-7a55-5b1b-9a0e-3f1c52f0a7b1")

_SERVER = Path(__file__).with_name("prairielearn_server.py")
_NO_SENTENCES = "SENTENCES: dict[str, str] = {}"
_NO_VARIANTS = "VARIANTS: list[dict[str, Any]] = []"

# --- writing --------------------------------------------------------------------------------


def export(pool: Pool) -> Files:
    """A folder `questions/<key>/<id>/` for each question. ExportError for what the platform has no place for.

    Its points are `autoPoints` and `manualPoints` in info.json's comment, to be set in the assessment.
    """
    check_names(pool)
    files: dict[str, bytes] = {}
    for question in pool.questions:
        folder = f"questions/{pool.key}/{question.id}"
        texts = (
            ("info.json", _info(pool, question)),
            ("question.html", _page(question)),
            ("server.py", _server(pool, question)),
        )
        files.update((f"{folder}/{name}", text.encode()) for name, text in texts)
    return files


def _info(pool: Pool, question: PoolQuestion) -> str:
    parts = question.variants[0].parts
    by_hand = sum((part.points for part in parts if isinstance(part, Essay)), Fraction(0))
    alone = sum((part.points for part in parts if not isinstance(part, Essay)), Fraction(0))
    info = {
        "uuid": str(uuid.uuid5(_FAMILY, f"{pool.key}/{question.id}")),
        "title": question.title,
        "topic": pool.title,
        "tags": [pool.key, pool.language],
        "type": "v3",
        "gradingMethod": "Internal" if alone else "Manual",
        "comment": {"autoPoints": str(alone), "manualPoints": str(by_hand)},
    }
    return json.dumps(info, ensure_ascii=False, indent=2) + "\n"


def _page(question: PoolQuestion) -> str:
    blocks = ["<pl-question-panel>{{{params.text}}}</pl-question-panel>"]
    blocks.extend(_block(question, part) for part in question.variants[0].parts)
    return "\n".join(blocks) + "\n"


def _block(question: PoolQuestion, part: Numbers | Choice | Essay) -> str:
    shown = f"params.parts.{part.slug}"
    lines = [f"<pl-question-panel>{{{{{{{shown}.prompt}}}}}}</pl-question-panel>"]
    match part:
        case Numbers():
            tag = "pl-matrix-component-input" if part.shape else "pl-number-input"
            partial = ' allow-partial-credit="true"' if part.shape else ""
            lines.append(
                f'<{tag} answers-name="{_answer(part)}" label="{{{{{shown}.symbol}}}}" comparison="relabs"'
                f' rtol="0" atol="0.0005" allow-blank="true" blank-value="0"{partial}></{tag}>'
            )
        case Choice():
            lines.append(f'<pl-multiple-choice answers-name="{part.slug}" order="fixed" allow-blank="true">')
            lines.extend(_option(shown, number) for number in range(_options(question, part.slug)))
            lines.append("</pl-multiple-choice>")
        case Essay():
            lines.append(f'<pl-rich-text-editor file-name="{part.slug}.html" allow-blank="true">')
            lines.append("</pl-rich-text-editor>")
            lines.append(f"<pl-manual-grading-only>{{{{{{{shown}.model}}}}}}</pl-manual-grading-only>")
    lines.append(f"<pl-submission-panel>{{{{{{feedback.{part.slug}}}}}}}</pl-submission-panel>")
    return "\n".join(lines)


def _option(shown: str, number: int) -> str:
    at = f"{shown}.option{number}"
    return (
        f'  <pl-answer correct="{{{{{at}.right}}}}" feedback="{{{{{at}.feedback}}}}">{{{{{{{at}.text}}}}}}'
        "</pl-answer>"
    )


def _options(question: PoolQuestion, slug: str) -> int:
    """How many options there are: the page is the same for all variants."""
    found = {
        len(part.options)
        for variant in question.variants
        for part in variant.parts
        if isinstance(part, Choice) and part.slug == slug
    }
    if len(found) != 1:
        raise ExportError(f"question {question.id}, {slug}: all variants must have equally many options")
    return found.pop()


def _answer(part: Numbers | Choice) -> str:
    """The name of a part's field. The platform adds numbers to a matrix's: after a `_`, no slug."""
    return f"{part.slug}_" if isinstance(part, Numbers) and part.shape else part.slug


def _server(pool: Pool, question: PoolQuestion) -> str:
    # The ASCII form of strings, numbers, lists and mappings is a Python literal, whatever they hold.
    sentences = {key: escape(pool.sentences[key]) for key in ("follow", "forced", "empty")}
    variants = "".join(f"    {_variant(question, variant)!a},\n" for variant in question.variants)
    start, rest = _SERVER.read_text("utf-8").split(_NO_SENTENCES)
    middle, end = rest.split(_NO_VARIANTS)
    told = _NO_SENTENCES.replace("{}", ascii(sentences))
    return f"{start}{told}{middle}{_NO_VARIANTS.replace('[]', '[')}\n{variants}]{end}"


def _variant(question: PoolQuestion, variant: PoolVariant) -> dict[str, Any]:
    parts = [_part(f"question {question.id}, {variant.name}, {part.slug}", part) for part in variant.parts]
    return {"name": variant.name, "text": _lines(variant.text), "parts": parts}


def _part(where: str, part: Numbers | Choice | Essay) -> dict[str, Any]:
    shown: dict[str, Any] = {"prompt": f"<p>{_words(part.prompt)}</p>"}
    start: dict[str, Any] = {"slug": part.slug, "points": str(part.points), "shown": shown}
    match part:
        case Numbers():
            if len(part.shape) > 2:
                raise ExportError(f"{where}: PrairieLearn has fields for numbers, vectors and matrices only")
            shown["symbol"] = f"\\({escape(part.symbol.latex)} =\\)"
            cells = [_cell(part, offset, cell) for offset, cell in enumerate(part.cells)]
            follow = None if part.follow is None else _follow(part.follow)
            kind = {"kind": "numbers", "answer": _answer(part), "shape": list(part.shape)}
            return start | kind | {"cells": cells, "follow": follow}
        case Choice():
            shown["prompt"] += _lines(part.shown)
            for number, option in enumerate(part.options):
                right = "true" if option.right else "false"
                told = {"right": right, "feedback": _words(option.feedback), "text": _words(option.text)}
                shown[f"option{number}"] = told
            return start | {"kind": "choice", "answer": _answer(part)}
        case Essay():
            shown["model"] = _lines(part.model) + _lines(part.rubric)
            return start | {"kind": "essay"}


def _cell(part: Numbers, offset: int, cell: Cell) -> dict[str, Any]:
    wrong = [
        {"value": str(value), "credit": str(guess.credit), "feedback": _words(guess.feedback)}
        for value, guess in part.mistaken(offset)
    ]
    exact = {"key": str(cell.key), "points": str(cell.points), "forced": cell.forced}
    return exact | {"wrong": wrong}


def _follow(rule: Follow) -> dict[str, Any]:
    return {
        "sources": [[slug, offset] for slug, offset in rule.sources],
        "coefficients": [[str(factor) for factor in row] for row in rule.coefficients],
        "constants": [str(constant) for constant in rule.constants],
        "least": dict(sorted(rule.least.items())),
    }


def _lines(lines: tuple[Words, ...]) -> str:
    return "".join(f"<p>{_words(line)}</p>" for line in lines)


def _words(words: Words) -> str:
    """Words as HTML. Here one `$` begins a formula, so that of a text stands where MathJax does not look."""
    hidden = '<span class="tex2jax_ignore mathjax_ignore">$</span>'
    return "".join(
        mathjax(word) if isinstance(word, Formula) else html((word,), mathjax).replace("$", hidden)
        for word in words
    )


# --- reading back ---------------------------------------------------------------------------

_EXACT = re.compile(r"-?\d+(/[1-9]\d*)?")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_TAG = re.compile(r"<(pl-[a-z-]+)((?:\s+[a-z-]+=\"[^\"]*\")*)\s*>")
_ATTRIBUTE = re.compile(r"([a-z-]+)=\"([^\"]*)\"")
_HOLE = re.compile(r"\{\{\{?([^{}]*)\}\}\}?")
_FILLED = re.compile(r"(params\.(text|parts\.[A-Za-z0-9]+\.[a-z0-9.]+)|feedback\.[A-Za-z0-9]+)")
_COMPARED = ("relabs", "0", "0.0005")
_PANEL: tuple[frozenset[str], frozenset[str]] = (frozenset(), frozenset())
_NUMBER = frozenset({"label", "comparison", "rtol", "atol", "allow-blank", "blank-value"})
_ELEMENTS: Mapping[str, tuple[frozenset[str], frozenset[str]]] = {
    "pl-question-panel": _PANEL,
    "pl-submission-panel": _PANEL,
    "pl-manual-grading-only": _PANEL,
    "pl-matrix-component-input": (frozenset({"answers-name"}), _NUMBER | {"allow-partial-credit"}),
    "pl-number-input": (frozenset({"answers-name"}), _NUMBER),
    "pl-multiple-choice": (frozenset({"answers-name"}), frozenset({"order", "allow-blank"})),
    "pl-answer": (frozenset({"correct"}), frozenset({"feedback"})),
    "pl-rich-text-editor": (frozenset({"file-name"}), frozenset({"allow-blank"})),
}
"""The elements that a page may have, with the attributes they must have and those they may have besides: the
platform refuses any other when a student opens the question, not when the teacher imports it."""


def read_back(files: Files) -> Iterator[ReadKey]:
    """Every key that `grade` of each server.py takes as right. ExportError for a file that cannot be read."""
    for folder, texts in _folders(files).items():
        for variant in _variants(folder, texts["server.py"]):
            for part in variant["parts"]:
                if part["kind"] == "numbers":
                    keys = tuple(_exact(folder, cell["key"]) for cell in part["cells"])
                    question = folder.rpartition("/")[2]
                    yield ReadKey(question=question, variant=variant["name"], slug=part["slug"], keys=keys)


def lint(files: Files) -> None:
    """ExportError for what the platform would refuse when a student opens a question, or would misread."""
    seen: dict[str, str] = {}
    for folder, texts in _folders(files).items():
        info = _checked_info(folder, texts["info.json"])
        if (other := seen.setdefault(info["uuid"], folder)) != folder:
            raise ExportError(f"{folder} and {other} have one uuid")
        variants = _variants(folder, texts["server.py"])
        fields = _checked_page(folder, texts["question.html"])
        for variant in variants:
            _checked_variant(f"{folder}, {variant['name']}", variant, fields)


def _folders(files: Files) -> dict[str, dict[str, str]]:
    folders: dict[str, dict[str, str]] = {}
    for path, content in files.items():
        folder, _, name = path.rpartition("/")
        folders.setdefault(folder, {})[name] = content.decode()
    for folder, texts in folders.items():
        if set(texts) != {"info.json", "question.html", "server.py"}:
            raise ExportError(
                f"{folder} must have info.json, question.html and server.py, not {sorted(texts)}"
            )
    return folders


def _checked_info(folder: str, text: str) -> dict[str, Any]:
    try:
        info: dict[str, Any] = json.loads(text)
    except ValueError as fault:
        raise ExportError(f"{folder}/info.json is no JSON: {fault}") from None
    allowed = {"uuid", "title", "topic", "tags", "type", "gradingMethod", "comment"}
    if unknown := set(info) - allowed:
        raise ExportError(f"{folder}/info.json: PrairieLearn refuses {sorted(unknown)}")
    if not all(isinstance(info.get(key), str) and info[key] for key in ("uuid", "title", "topic")):
        raise ExportError(f"{folder}/info.json must have uuid, title and topic, as texts")
    if not _UUID.fullmatch(info["uuid"]) or info.get("type") != "v3":
        raise ExportError(f"{folder}/info.json: the uuid is not one, or the type is not v3")
    return info


def _variants(folder: str, code: str) -> list[dict[str, Any]]:
    """The pool in a server.py, which is parsed and not run."""
    try:
        body = ast.parse(code).body
    except SyntaxError as fault:
        raise ExportError(f"{folder}/server.py is no Python: {fault}") from None
    functions = {node.name for node in body if isinstance(node, ast.FunctionDef)}
    if missing := {"generate", "grade"} - functions:
        raise ExportError(f"{folder}/server.py has no {' and no '.join(sorted(missing))}")
    for node in body:
        if (
            isinstance(node, ast.AnnAssign)
            and isinstance(node.target, ast.Name)
            and node.target.id == "VARIANTS"
        ):
            try:
                pool: list[dict[str, Any]] = ast.literal_eval(node.value) if node.value else []
            except ValueError as fault:
                raise ExportError(f"{folder}/server.py: VARIANTS must be literals only: {fault}") from None
            names = [variant["name"] for variant in pool]
            if pool and len(set(names)) == len(names):
                return pool
            raise ExportError(f"{folder}/server.py has no variants, or two of one name")
    raise ExportError(f"{folder}/server.py has no VARIANTS")


def _checked_page(folder: str, page: str) -> dict[str, str]:
    """The element of each field of a page, by its name."""
    where = f"{folder}/question.html"
    fields: dict[str, str] = {}
    for found in _TAG.finditer(page):
        tag, given = found[1], dict(_ATTRIBUTE.findall(found[2]))
        if tag not in _ELEMENTS:
            raise ExportError(f"{where}: {tag} is no element that is known")
        required, optional = _ELEMENTS[tag]
        if not required <= set(given) <= required | optional:
            raise ExportError(f"{where}: {tag} must have {sorted(required)}, not {sorted(given)}")
        if "atol" in given and (given.get("comparison"), given["rtol"], given["atol"]) != _COMPARED:
            raise ExportError(f"{where}: {tag} must compare with rtol 0 and atol 0.0005")
        name = given.get("answers-name", given.get("file-name", "").removesuffix(".html"))
        if name in fields:
            raise ExportError(f"{where} has two fields {name}")
        if name:
            fields[name] = tag
    if page.count("<pl-") != len(_TAG.findall(page)):
        raise ExportError(f"{where} has an element that cannot be read")
    if lost := [hole for hole in _HOLE.findall(page) if not _FILLED.fullmatch(hole)]:
        raise ExportError(f"{where}: nothing fills {lost}")
    return fields


def _checked_variant(where: str, variant: dict[str, Any], fields: Mapping[str, str]) -> None:
    wanted: dict[str, str] = {}
    for part in variant["parts"]:
        _exact(f"{where}, {part['slug']}", part["points"])
        match part["kind"]:
            case "numbers":
                tag = "pl-matrix-component-input" if part["shape"] else "pl-number-input"
                _checked_numbers(f"{where}, {part['slug']}", part)
            case "choice":
                tag = "pl-multiple-choice"
                rights = [one["right"] for one in part["shown"].values() if isinstance(one, dict)]
                if rights.count("true") != 1:
                    raise ExportError(f"{where}, {part['slug']}: exactly one option must be right")
            case _:
                tag = "pl-rich-text-editor"
        wanted[part.get("answer", part["slug"])] = tag
    if wanted != fields:
        raise ExportError(f"{where}: the page asks for {sorted(fields)}, server.py has {sorted(wanted)}")


def _checked_numbers(where: str, part: dict[str, Any]) -> None:
    points = [_exact(where, cell["points"]) for cell in part["cells"]]
    if len(part["cells"]) != prod(part["shape"]):
        raise ExportError(f"{where}: {len(part['cells'])} cells do not fill {part['shape']}")
    if sum(points) != _exact(where, part["points"]):
        raise ExportError(f"{where}: the points of the cells do not add up to the part's")
    for cell in part["cells"]:
        key = _exact(where, cell["key"])
        if cell["forced"] and (key or _exact(where, cell["points"])):
            raise ExportError(f"{where}: a forced cell must be 0 and give no points")
        for wrong in cell["wrong"]:
            if _exact(where, wrong["value"]) == key:
                raise ExportError(f"{where}: a mistake has the key's value {key}")
            if not 0 <= _exact(where, wrong["credit"]) <= 1:
                raise ExportError(f"{where}: a mistake's credit must be from 0 to 1, not {wrong['credit']}")


def _exact(where: str, text: str) -> Fraction:
    if not isinstance(text, str) or not _EXACT.fullmatch(text):
        raise ExportError(f"{where}: {text!r} is no exact number such as -3/8")
    return Fraction(text)
