"""Published examples, worked by the program: every printed number and every formula of `cases/`.

`cases/published.json` holds the facts: who printed what, what the number is exactly, and whether it
is reproduced. An exercise (`cases/<id>.toml`) is the example typed anew, and `cases/<id>.expect.toml`
says where each printed number or formula stands in the derivation; `cases/README.md` explains both
and lists all cases. `pytest tests/test_cases.py --update-golden` writes the list.
"""

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from wrong_lines import CLAIMS, section

from symbackprop.algebra.values.arrays import Array
from symbackprop.algebra.values.domain import NotCertified
from symbackprop.algebra.values.evaluate import Evaluator
from symbackprop.algebra.values.exact import Exact, bounds
from symbackprop.api import Worked
from symbackprop.derivation.derive import derive
from symbackprop.derivation.model import Model
from symbackprop.derivation.numbers import evaluator, shaped
from symbackprop.derivation.points import Point, allowed, numbers_of, point
from symbackprop.derivation.steps import Derivation
from symbackprop.derivation.worlds import world_of
from symbackprop.exercise import Exercise, load
from symbackprop.exercise.model import function_names
from symbackprop.exercise.numbers import exact_array
from symbackprop.notation import tree
from symbackprop.notation.read import Vocabulary, read, read_chain
from symbackprop.notation.tree import Node

FOLDER = Path(__file__).resolve().parent / "cases"
FACTS: dict[str, dict[str, Any]] = {
    case["id"]: case for case in json.loads((FOLDER / "published.json").read_text("utf-8"))
}
RIGHT = {"correct", "numbers-with-errata", "conditional"}
WORKED = {"numeric", "formula", "exam"}
RUNNING = [key for key, case in FACTS.items() if case["verdict"] in RIGHT and case["kind"] in WORKED]
NUMERIC = [key for key in RUNNING if "numbers" in FACTS[key]]
FORMULAS = [key for key in RUNNING if "formulas" in FACTS[key]]

AT_LEAST = 52
"""Cases that have to run."""

SAME = Fraction(1, 10**9)
"""Relative: a number that the source misprints against the exact one."""

DOUBLE = Fraction(1, 2**51)
"""Relative: the error of a source that prints doubles in full; two units of their last bit."""

DOUBLE_DIGITS = 16
"""A print of so many digits is a double in full, and its last digits are noise."""

Values = Mapping[str, Array[Any]]

BITS = 256
"""Of the balls: 10,000 steps of descent cost Mazur's network 30 of them."""

DRAWS = 30
"""Times that a random point is asked for, where roots of many numbers have to exist."""

SIZES = ((3, 5, 4, 6, 7, 2), (4, 3, 6, 5, 2, 7))
"""For the sizes that are names, in order: no two alike, the first at least 3."""


# --- what is expected ------------------------------------------------------------------------


@cache
def expected(case: str) -> dict[str, Any]:
    return tomllib.loads((FOLDER / f"{case}.expect.toml").read_text("utf-8"))


@dataclass(frozen=True, slots=True)
class Claim:
    """Numbers that one place of a source prints, and the formula that says them in the derivation.

    `after`: how many steps of descent have been made; `run`: a descent of its own.
    """

    printed: tuple[dict[str, Any], ...]
    formulas: tuple[str, ...]
    exercise: str
    after: tuple[int, ...]
    run: str


def claims(case: str) -> Iterator[Claim]:
    """The numbers of a case, those of one name (`z1[0]`, `z1[1]`, …) together."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for one in FACTS[case].get("numbers", ()):
        groups.setdefault(group_of(one["name"]), []).append(one)
    for name, said in expected(case).get("numbers", {}).items():
        more = said if isinstance(said, dict) else {"is": said}
        assert not set(more) - {"is", "after", "of", "run"}, more
        run = more.get("run", "")
        own = expected(case)["runs"][run] if run else more
        yield Claim(
            printed=tuple(groups[name]),
            formulas=tuple(listed(more["is"])),
            exercise=own.get("of", case),
            after=tuple(listed(more.get("after", 0))),
            run=run,
        )


def group_of(name: str) -> str:
    return re.sub(r"\[\d+\]$", "", name)


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


@dataclass(frozen=True, slots=True)
class Statement:
    """Equations in our notation that say what a published formula says.

    `says` hold at random points, `here` at the numbers of the exercise, up to `near` (0: exactly).
    """

    exercise: str
    says: tuple[str, ...]
    here: tuple[str, ...]
    near: Fraction


def statements(case: str, formula: str) -> Iterator[Statement]:
    said = expected(case)["formulas"][formula]
    plain = isinstance(said, list) and all(isinstance(one, str) for one in said)
    parts = [{"says": said}] if plain else listed(said)
    for part in parts:
        assert not set(part) - {"says", "here", "near", "of"}, part
        made = Statement(
            exercise=part.get("of", case),
            says=tuple(part.get("says", ())),
            here=tuple(part.get("here", ())),
            near=Fraction(part.get("near", 0)),
        )
        assert made.says or made.here
        yield made


# --- the exercises, worked ------------------------------------------------------------------------


@cache
def worked(name: str) -> Derivation:
    return derive(load(FOLDER / f"{name}.toml"))


def vocabulary(exercise: Exercise) -> Vocabulary:
    """The names of the exercise, of its gradients and of its sizes."""
    names = {*exercise.shapes, *("d" + name for name in exercise.shapes)}
    return Vocabulary(
        functions=function_names(exercise.functions),
        names=frozenset({*names, *exercise.sizes, *exercise.declared_sizes}),
    )


def sizes_of(exercise: Exercise) -> dict[str, int]:
    return {name: size for name, size in exercise.declared_sizes.items() if isinstance(size, int)}


def backward(derivation: Derivation, working: Evaluator[Any], values: Values) -> Any:
    """`values` with every gradient, by its derived formula."""
    known = {**values, "d" + derivation.exercise.loss: Array((), (working.domain.one,))}
    for step in derivation.backward:
        if step.rule != "seed":
            shape = numbers_of(step.shape, working.sizes)
            known["d" + step.target] = shaped(working.evaluate(step.formula, known, like=shape), shape)
    return known


# --- the numbers of a derivation, and of each step of its descent ----------------------------------


@cache
def at_start(exercise: str) -> Values:
    """What the report prints: every value and every gradient."""
    found = worked(exercise).quantities
    return {name: one.numbers for name, one in found.items() if one.numbers is not None}


@cache
def after_steps(exercise: str, steps: int) -> Values:
    """The values and gradients with the parameters after so many steps of the exercise's [descent]."""
    derivation = worked(exercise)
    assert derivation.descent is not None
    moment = derivation.descent.moments[steps]
    assert moment.parameters is not None
    model = Model.of(derivation.exercise)
    given = {**derivation.exercise.values, **moment.parameters}
    found = world_of(model, derivation.steps, given, evaluator(model, Exact(BITS))).values
    loss = derivation.exercise.loss
    assert agree(found[loss].item, moment.loss)
    return found


@cache
def after_run(case: str, name: str, steps: int) -> Values:
    """As `after_steps`, for a descent of [runs]: in step t the data are `data[t mod …]`, if there are any."""
    own = expected(case)["runs"][name]
    derivation = worked(own.get("of", case))
    model, domain, rate = Model.of(derivation.exercise), Exact(BITS), Fraction(own["rate"])
    working = evaluator(model, domain)
    given: dict[str, Array[Any]] = {**derivation.exercise.values}
    for parameter in own["parameters"]:
        given[parameter] = given[parameter].map(domain.ball)  # fractions would grow with every step
    data = [{key: exact_array(value) for key, value in one.items()} for one in own.get("data", ())]
    for step in range(steps):
        given.update(data[step % len(data)] if data else {})
        here = world_of(model, derivation.steps, given, working).values
        for parameter in own["parameters"]:
            moved = zip(given[parameter].entries, here["d" + parameter].entries, strict=True)
            entries = [domain.sub(value, domain.mul(rate, slope)) for value, slope in moved]
            given[parameter] = given[parameter].with_entries(entries)
    return world_of(model, derivation.steps, given, working).values


def agree(first: Any, second: Any) -> bool:
    """To nine digits, of which those that two precisions agree on are the fewest."""
    low, high = bounds(second)
    return within(*bounds(first), (low + high) / 2, SAME)


# --- numbers ------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", NUMERIC)
def test_every_printed_number(case: str) -> None:
    wrong = []
    for claim in claims(case):
        found = [value for after in claim.after for value in values_of(case, claim, after)]
        assert len(found) == len(claim.printed), f"{claim.printed[0]['name']}: {len(found)} entries"
        for printed, value in zip(claim.printed, found, strict=True):
            if not agrees(printed, value):
                wrong.append(f"{printed['name']}: {printed['published']} ({printed['exact']}), not {value}")
    assert not wrong


def values_of(case: str, claim: Claim, after: int) -> Iterator[Any]:
    if claim.run:
        here = after_run(case, claim.run, after)
    else:
        here = after_steps(claim.exercise, after) if after else at_start(claim.exercise)
    exercise = worked(claim.exercise).exercise
    working = evaluator(Model.of(exercise), Exact(BITS), sizes_of(exercise))
    for formula in claim.formulas:
        yield from working.evaluate(read(formula, vocabulary(exercise)), here).entries


def agrees(printed: Mapping[str, Any], value: Any) -> bool:
    """To the last printed digit; a misprinted number to nine digits of the exact one."""
    low, high = bounds(value)
    if not printed["reproduced"]:
        return within(low, high, Fraction(printed["exact"]), SAME)
    text = printed["published"]
    unit = last_digit(text)
    if nearest(low / unit) == Fraction(text) / unit == nearest(high / unit):
        return True
    return significant_digits(text) >= DOUBLE_DIGITS and within(low, high, Fraction(text), DOUBLE)


def within(low: Fraction, high: Fraction, right: Fraction, share: Fraction) -> bool:
    return max(abs(low - right), abs(high - right)) <= share * abs(right)


def significant_digits(text: str) -> int:
    """4 for `-0.01250`."""
    return len(text.lower().partition("e")[0].replace(".", "").lstrip("-0"))


def last_digit(text: str) -> Fraction:
    """What 1 in the last printed digit is worth: 1/1000 for `0.250`, 10^-6 for `1.25e-4`."""
    mantissa, _, exponent = text.lower().partition("e")
    decimals = len(mantissa.partition(".")[2])
    return Fraction(10) ** (int(exponent or 0) - decimals)


def nearest(value: Fraction) -> int:
    """The whole number nearest to `value`; halves go away from zero."""
    size = (2 * abs(value.numerator) + value.denominator) // (2 * value.denominator)
    return size if value >= 0 else -size


# --- formulas -----------------------------------------------------------------------------------


@pytest.mark.parametrize("case", FORMULAS)
def test_every_published_formula(case: str) -> None:
    for formula in FACTS[case]["formulas"]:
        for statement in statements(case, formula):
            derivation = worked(statement.exercise)
            for text in statement.says:
                for where in points(statement.exercise, case):
                    assert holds(derivation, text, where), f"{formula}: {text}"
            if statement.here:
                _compare_here(derivation, statement)


@cache
def points(exercise: str, case: str) -> list[tuple[Point, Any]]:
    """Random points of a finite field with everything that is known there; n ≠ k."""
    derivation = worked(exercise)
    model = Model.of(derivation.exercise)
    names, known = derivation.exercise.sizes, sizes_of(derivation.exercise)
    made = []
    for seed, numbers in enumerate(SIZES):
        chosen = {**dict(zip(names, numbers, strict=False)), **expected(case).get("sizes", {}), **known}
        chosen = allowed(chosen, derivation.exercise.shapes.values())
        at = _point(model, chosen, f"{exercise}/{seed}")
        working = evaluator(model, at.domain, at.sizes)
        made.append((at, backward(derivation, working, at.values)))
    return made


def _point(model: Model, sizes: Mapping[str, int], seed: str) -> Point:
    """Of roots of many numbers few points of a field have all: more draws than the program makes."""
    for attempt in range(DRAWS):
        with suppress(NotCertified):
            made = point(model, sizes, "random", f"{seed}/{attempt}")
            if not made.real:
                return made
    pytest.fail(f"no point of a field for {model.exercise.key}")


def holds(derivation: Derivation, text: str, where: tuple[Point, Any]) -> bool:
    at, known = where
    working = evaluator(Model.of(derivation.exercise), at.domain, at.sizes)
    pairs = list(both_sides(derivation.exercise, text, known, working))
    return all(at.same(left, right) for left, right in pairs)


def _compare_here(derivation: Derivation, statement: Statement) -> None:
    known = at_start(statement.exercise)
    working = evaluator(Model.of(derivation.exercise), Exact(BITS), sizes_of(derivation.exercise))
    for text in statement.here:
        for left, right in both_sides(derivation.exercise, text, known, working):
            low, high = bounds(working.domain.sub(left, right))
            assert -statement.near <= low <= high <= statement.near, text


def both_sides(
    exercise: Exercise, text: str, known: Values, working: Evaluator[Any]
) -> Iterator[tuple[Any, Any]]:
    """The entries of both sides of an equation; its free indices run over what the left side indexes."""
    chain = read_chain(text, vocabulary(exercise))
    assert isinstance(chain, tree.Chain)
    assert chain.relations == ("=",)
    left, right = chain.members
    ranges = free_indices(left, known)
    for places in product(*ranges.values()):
        here = {index: tree.number(place) for index, place in zip(ranges, places, strict=True)}
        first = working.evaluate(tree.replace_names(left, here), known)
        second = working.evaluate(tree.replace_names(right, here), known, like=first.shape)
        assert without_ones(first.shape) == without_ones(second.shape), text
        yield from zip(first.entries, second.entries, strict=True)


def free_indices(left: Node, known: Values) -> dict[str, range]:
    """The letters of `dW[j,k]` and where they go."""
    found = {}
    for part in tree.walk(left):
        if isinstance(part, tree.Index) and isinstance(part.base, tree.Name):
            shape = known[part.base.name].shape
            for place, size in zip(part.places, shape, strict=True):
                if isinstance(place, tree.Name):
                    found[place.name] = range(1, size + 1)
    return found


def without_ones(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(size for size in shape if size != 1)


# --- reports ------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["es", "en"])
@pytest.mark.parametrize("case", RUNNING)
def test_its_report_is_written(case: str, language: str) -> None:
    """A page without a node that nobody can write, in which every gradient that is asked for has its line."""
    for name in exercises(case):
        page = Worked(worked(name)).to_markdown(language=language, detail="exam")
        assert page.count("\\boxed") >= len(worked(name).exercise.wanted)
        assert "(name=" not in page


# --- nothing is left out ------------------------------------------------------------------------


@pytest.mark.parametrize("case", RUNNING)
def test_nothing_that_is_published_is_left_out(case: str) -> None:
    """Every number has one formula of ours, and every formula at least one equation."""
    facts = FACTS[case]
    numbers = [one["name"] for one in facts.get("numbers", ())]
    claimed = [printed["name"] for claim in claims(case) for printed in claim.printed]
    assert sorted(claimed) == sorted(numbers)
    assert len(set(numbers)) == len(numbers)
    assert list(expected(case).get("formulas", {})) == facts.get("formulas", [])
    assert numbers or facts["formulas"]
    assert not set(expected(case)) - {"numbers", "formulas", "runs", "sizes"}


def test_the_facts_are_all_there() -> None:
    """103 cases, of which 63 are worked, with 367 numbers and 92 formulas."""
    assert len(FACTS) == 103
    assert len(RUNNING) == 63
    assert sum(len(FACTS[case].get("numbers", ())) for case in RUNNING) == 367
    assert sum(len(FACTS[case].get("formulas", ())) for case in RUNNING) == 92


CHECKED = {"documents", "hand", "hand_lines.toml", "wrong"}
"""What the checker of derivations is held to: `test_check_documents.py`, `test_check_students.py` …"""


def test_every_file_belongs_to_a_case() -> None:
    used = {name for case in RUNNING for name in exercises(case)}
    files = {f"{name}.toml" for name in used} | {f"{case}.expect.toml" for case in RUNNING}
    assert {path.name for path in FOLDER.iterdir()} == files | {"README.md", "published.json"} | CHECKED


def exercises(case: str) -> list[str]:
    """The exercises whose numbers or formulas are compared, as they come."""
    own = expected(case)
    names = [claim.exercise for claim in claims(case)]
    names += [one.exercise for formula in own.get("formulas", ()) for one in statements(case, formula)]
    return list(dict.fromkeys(names))


# --- the list of cases --------------------------------------------------------------------------

HEAD = """# Published examples

Examples of backpropagation that others have published, with their numbers, worked by the program.
`published.json` is the list of facts: the source of each case, its kind, its verdict, and every number
that it prints, with what the number is exactly and whether the print is right (`reproduced`).

| file | what it is |
|---|---|
| `<id>.toml` | the example typed anew as an exercise; `<id>-….toml` where it takes more than one |
| `<id>.expect.toml` | where each number and each formula of the source stands in our derivation |

In `[numbers]` the key is a name in `published.json` (`z1` for `z1[0]`, `z1[1]`, …) and the value one formula
or several, in the program's own notation, over values, gradients and parameters: `"-dz"`, `"W1^T"`. A table
says more: `is` the formula, `after` how many steps of descent (one number or several), `of` another
exercise, `run` a descent of `[runs]`, which has data of its own for each step. In `[formulas]` the key is a
formula as published and the value one equation or several in our notation, which hold at random points
of GF(2⁶¹ − 1) with sizes that are all different (`says`, or no key) or at the numbers of the exercise
(`here`, up to `near`). `[sizes]` chooses sizes for the random points.

A number that is `reproduced` equals ours, correctly rounded to as many digits as printed; any other is
a misprint, and ours equals the exact one to 10⁻⁹. A print of 16 or more digits is a double in full, and
is right to two units of its last bit. What the source truncates or carries on from a slip counts as not
reproduced.

"""


def table() -> str:
    lines = [HEAD + f"{len(RUNNING)} of {len(FACTS)} cases run, the lines of the others are checked."]
    lines += ["", "| case | source | kind | runs | exercises, or lines |", "|---|---|---|---|---|"]
    for key, case in FACTS.items():
        runs = key in RUNNING
        said = ", ".join(f"`{name}`" for name in exercises(key)) if runs else lines_of(key)
        source = case["source"].replace("|", "\\|")
        lines.append(f"| `{key}` | {source} | {case['kind']} | {'yes' if runs else 'checked'} | {said} |")
    return "\n".join(lines) + "\n" + section()


def lines_of(case: str) -> str:
    """What is checked of a derivation with a mistake, or of a false alarm."""
    wrong = sum("wrong" in claim for claim in CLAIMS[case])
    right = sum("right" in claim for claim in CLAIMS[case])
    kind = "a false alarm" if FACTS[case]["verdict"] == "false-alarm" else "a derivation with a mistake"
    return f"{kind}: wrong lines {wrong}, right lines {right}, see below"


def test_the_list_of_cases_is_up_to_date(request: pytest.FixtureRequest) -> None:
    path = FOLDER / "README.md"
    if request.config.getoption("--update-golden"):
        path.write_text(table(), "utf-8")
    assert path.read_text("utf-8") == table(), "pytest tests/test_cases.py --update-golden"
    assert len(RUNNING) >= AT_LEAST
