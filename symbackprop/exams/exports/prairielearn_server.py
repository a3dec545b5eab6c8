"""What every exported question of PrairieLearn does: draws a variant of its pool, and marks the answers.

An export writes this file as the question's server.py, with its own SENTENCES and VARIANTS; PrairieLearn
calls `generate` and `grade`. Numbers are exact fractions until they are given to the platform.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

TOLERANCE = Fraction(1, 2000)
SENTENCES: dict[str, str] = {}
VARIANTS: list[dict[str, Any]] = []

Values = list[Fraction | None]


def generate(data: dict[str, Any]) -> None:
    """The seed picks a variant of the pool."""
    variant = VARIANTS[int(str(data["variant_seed"]), 36) % len(VARIANTS)]
    data["params"]["variant"] = variant["name"]
    data["params"]["text"] = variant["text"]
    data["params"]["parts"] = {part["slug"]: part["shown"] for part in variant["parts"]}
    for part in variant["parts"]:
        if part["kind"] == "numbers":
            data["correct_answers"][part["answer"]] = key_array(part)


def key_array(part: dict[str, Any]) -> float | list[list[float]]:
    """The key as the platform's elements want it: a number, or rows of numbers (a vector is a column)."""
    keys = [float(Fraction(cell["key"])) for cell in part["cells"]]
    if not part["shape"]:
        return keys[0]
    columns = [*part["shape"], 1][1]
    return [keys[start : start + columns] for start in range(0, len(keys), columns)]


def grade(data: dict[str, Any]) -> None:
    """Marks every part anew: cells by their points, follow-through, named mistakes."""
    variant = next(one for one in VARIANTS if one["name"] == data["params"]["variant"])
    answers = {part["slug"]: entered(data, part) for part in variant["parts"] if part["kind"] == "numbers"}
    earned, possible = Fraction(0), Fraction(0)
    for part in variant["parts"]:
        if part["kind"] == "essay":
            continue  # a person's to mark
        points = Fraction(part["points"])
        share = marked(data, part, answers) if part["kind"] == "numbers" else chosen(data, part)
        earned, possible = earned + share * points, possible + points
    data["score"] = float(earned / possible) if possible else 0.0


def chosen(data: dict[str, Any], part: dict[str, Any]) -> Fraction:
    """The score that the platform gave for a choice, with our weight."""
    given = data["partial_scores"].setdefault(part["answer"], {})
    given.update(score=given.get("score") or 0, weight=float(Fraction(part["points"])))
    return Fraction(given["score"])


def names(part: dict[str, Any]) -> list[str]:
    """The names of a part's fields: those of a matrix have the name of the whole and a number from 1."""
    if not part["shape"]:
        return [part["answer"]]
    return [part["answer"] + str(place + 1) for place in range(len(part["cells"]))]


def entered(data: dict[str, Any], part: dict[str, Any]) -> Values:
    """What was written into the fields, exactly; None for an empty one, which the platform reads as 0."""
    found: Values = []
    for name in names(part):
        value = data["submitted_answers"].get(name)
        value = value.get("_value") if isinstance(value, dict) else value
        blank = str(data["raw_submitted_answers"].get(name, value)).strip() == ""
        if value is None or blank or not math.isfinite(float(value)):
            found.append(None)
        else:  # the shortest decimal that is this float is what was typed
            found.append(Fraction(repr(float(value))))
    return found


def close(value: Fraction, key: Fraction) -> bool:
    """Whether a number is right: what is rounded to three decimals is."""
    return abs(value - key) <= TOLERANCE


def followed(rule: dict[str, Any] | None, answers: dict[str, Values]) -> Values | None:
    """What the cells should be after the student's own earlier answers, or None where that does not count.

    It does not when one of those answers has fewer entries that are not 0 than its key has.
    """
    if rule is None:
        return None
    for slug, least in rule["least"].items():
        if sum(value is not None and abs(value) > TOLERANCE for value in answers[slug]) < least:
            return None
    values = [answers[slug][place] for slug, place in rule["sources"]]
    rows = zip(rule["constants"], rule["coefficients"], strict=True)
    return [total(constant, row, values) for constant, row in rows]


def total(constant: str, row: list[str], values: Values) -> Fraction | None:
    """constant + Σ coefficient · value, or None where a value that it needs is not there."""
    result = Fraction(constant)
    for factor, value in zip(map(Fraction, row), values, strict=True):
        if factor and value is None:
            return None
        result += factor * (value or 0)
    return result


def judged(cell: dict[str, Any], value: Fraction | None, after: Fraction | None) -> tuple[Fraction, str]:
    """The share of its points that a cell earns, and what is said about it ("" for nothing)."""
    if value is None:
        return Fraction(0), SENTENCES["empty"]
    if close(value, Fraction(cell["key"])):
        return Fraction(1), ""
    if after and close(value, after):  # a 0 that follows shows nothing
        return Fraction(1), SENTENCES["follow"]
    for wrong in cell["wrong"]:
        if close(value, Fraction(wrong["value"])):
            return Fraction(wrong["credit"]), wrong["feedback"]
    return Fraction(0), SENTENCES["forced"] if cell["forced"] else ""


def marked(data: dict[str, Any], part: dict[str, Any], answers: dict[str, Values]) -> Fraction:
    """The share of a part's points that was earned; it and what is said go where the platform looks."""
    values = answers[part["slug"]]
    after = followed(part["follow"], answers) or [None] * len(values)
    rows = zip(part["cells"], values, after, strict=True)
    judgements = [judged(cell, value, expected) for cell, value, expected in rows]
    points = Fraction(part["points"])
    if points:
        pairs = zip(part["cells"], judgements, strict=True)
        earned = sum((Fraction(cell["points"]) * one for cell, (one, _) in pairs), Fraction(0))
        lost = sum(  # where the key is 0, another number costs an equal share in all
            (1 - one) * max(Fraction(0), points / len(values) - Fraction(cell["points"]))
            for cell, value, (one, _) in zip(part["cells"], values, judgements, strict=True)
            if value is not None and not Fraction(cell["key"])
        )
        share = max(Fraction(0), earned - lost) / points
    else:
        share = Fraction(all(one == 1 for one, _ in judgements))
    score: dict[str, Any] = {"score": float(share), "weight": float(points)}
    if part["shape"]:
        ticks = ["correct" if one == 1 else "incorrect" for one, _ in judgements]
        score["feedback"] = dict(zip(names(part), ticks, strict=True))
    data["partial_scores"][part["answer"]] = score
    said = dict.fromkeys(line for _, line in judgements if line)
    if said:
        data["feedback"][part["slug"]] = "".join("<p>" + line + "</p>" for line in said)
    return share
