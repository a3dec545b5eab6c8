"""A derivation as JSON: a public contract. Version 1.

One object, in this order. Names are canonical (`yhat`, never `ŷ`); indices count from 1; every
number is text, with a decimal point in every language; LaTeX needs amsmath and no macros of
ours, plain text is the notation of exercise files. New keys may come without a new version; a
key's meaning never changes, and none goes, without one.

`generator`    only in a file: which program wrote it, and a hash that tells whether it was edited
`contract`     "symbackprop.derivation"
`version`      1
`exercise`     its key: the name of the file or of the bundled exercise
`language`     the language of `title` and of the sentences in `reason`
`title`        the exercise's title
`model`        name -> right side, as plain text, in order; the last is the loss
`shapes`       name -> `[]` for a scalar, `[n]` for a vector (a column), `[m, n]` for a matrix; a
               size is a number, or the name of a size that has none
`wanted`       the names whose gradients were asked for
`functions`    the exercise's own functions, as exercise files say them: name -> formula in u,
               "generic", or an object (`pieces`, each `formula` holding from its `bound` upwards …)
`facts`        what the exercise assumes, as plain text
`conventions`  `kinks`: name -> place -> the slope that is taken there; `digits` after the point
               of what is rounded; `indices_from` 1; `loss`: the name of the loss;
               `layers`: how the number of a layer is set (`W_1`, `W^[1]` or `W^(1)`)
`quantities`   name -> quantity: given names, computed names, then gradients (`dW` is dL/dW and
               has the shape of W), in the order of the derivation
`slopes`       function -> its derivative in the argument u: `pieces`, each `value` from `from`
               upwards (null: everywhere below), and its `kinks`: place, slope from the left and
               from the right, slope `taken`
`steps`        how each computed name and each gradient was found, in order
`checks`       what was checked and how
`descent`      the gradient descent that was asked for, or null

A quantity:
`kind`         "given", "computed" or "gradient"
`of`           for a gradient: the name it belongs to
`shape`        as in `shapes`
`latex` `text` its formula (of a given name, the name)
`exact`        the value: a scalar as one string, a vector as a flat list (also of one entry:
               `["1"]`), a matrix as a list of rows. A string is an integer or a fraction in
               lowest terms: "-4", "1/3". An entry is null where it is symbolic or irrational;
               the whole is null where a size of the shape has no value
`decimal`      the same, as decimals that are correctly rounded, halves away from zero ("0.3333",
               "2.5000e-7"); what has few decimals is not rounded ("-4", "0.25"). Null only where
               there is no number
`symbolic`     the same, with the entries that depend on symbols without value, as plain text
               ("39 - 4 y[1] - 7 y[2]"; a coefficient that is irrational is rounded); null where
               no entry does

A step: `quantity` (the name it finds), `rule`, `uses` (names of quantities in its formula) and
`links`. A link: `left`, `relation`, `right` (each side `latex` and `text`), `reason` (`key`, which
is the same in every language, and `sentence`) and `proof`: its `method` (given, definition; sympy:
differentiated by SymPy; delta: Kronecker deltas used up; gfp: random points of a finite field;
exact; interval; convention; differences) and `points`, their number, where the link was tried by
itself (0: with the others, in `checks`).

A check: `kind` (formula: gradients against dual numbers; readback: entries against matrices;
second: SymPy's matrix calculus; slope: derivatives of functions; general: the same layer with
symbolic sizes; numbers: differences of the loss; kink: one-sided differences, the convention
between them; unchecked), `what` (names), `agreed` of `tried`, `sizes` used for symbolic ones,
`exact` or in intervals, `step` of differences, `note`.

A descent: `rate`, `steps`, `optimizer`, `options` and `parameters` as an exercise file has them;
`fixed`: the given names that are not updated; `updates`: each formula of the optimiser (`name`,
`latex`, `text`, in theta for a parameter, g for its gradient, eta for the rate and t for the number of
the step); `certified`: every digit is certain, else two precisions agree, `bits` being the higher
one; `history`: for the start and each step its `step`, `loss`, `parameters` and `gradients` (of the
loss, at these parameters; null after the last step; both null where there are too many numbers to
keep them all); `last`: the computed names with the parameters after the last step. A number or an array
is `exact` and `decimal`, as in a quantity.

`model`, `shapes`, `functions`, `facts`, `conventions.kinks`, the `exact` values of the given names and
the first five keys of `descent` are what an exercise file says, so that everything can be computed
again (`as_exercise`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

from symbackprop.algebra.functions import Function, Piece
from symbackprop.algebra.optimizers import OPTIMIZERS
from symbackprop.algebra.slopes import Slope
from symbackprop.algebra.values.apply import formula
from symbackprop.algebra.values.arrays import Array
from symbackprop.algebra.values.decimals import to_text, to_tree
from symbackprop.algebra.values.poly import Poly
from symbackprop.derivation.results import style
from symbackprop.derivation.steps import Check, Derivation, Link, Quantity, Step
from symbackprop.exercise.layers import MARKS
from symbackprop.notation import tree
from symbackprop.notation.tree import Node, Shape
from symbackprop.notation.write import Style, to_latex, to_plain
from symbackprop.report.words import Words, WordsError, load_words

VERSION: Final = 1
CONTRACT: Final = "symbackprop.derivation"

Json = Any
"""What JSON can say: None, bool, int, str, lists and dicts of these."""


def to_json(derivation: Derivation, *, language: str, templates: Path | None = None) -> str:
    """The text of the JSON file, ending in a newline; the same on every run.

    Raises WordsError for an unknown language.
    """
    return written(as_data(derivation, language=language, templates=templates))


def as_data(derivation: Derivation, *, language: str, templates: Path | None = None) -> dict[str, Json]:
    """The same as dicts, lists and strings."""
    exercise = derivation.exercise
    words = load_words(language, templates, exercise.words.get(language))
    shown = style(exercise)
    return {
        "contract": CONTRACT,
        "version": VERSION,
        "exercise": exercise.key,
        "language": language,
        "title": exercise.title_in(language),
        "model": {one.name: to_plain(one.body) for one in exercise.equations},
        "shapes": {name: _shape(shape) for name, shape in exercise.shapes.items()},
        "wanted": list(exercise.wanted),
        "functions": {name: _function(row) for name, row in exercise.functions.items()},
        "facts": [fact.text for fact in exercise.facts],
        "conventions": {
            "kinks": _kinks(derivation),
            "digits": derivation.digits,
            "indices_from": 1,
            "loss": exercise.loss,
            "layers": next(text for text, marks in MARKS.items() if marks == exercise.layer_marks),
        },
        "quantities": {
            name: _quantity(quantity, derivation, shown) for name, quantity in derivation.quantities.items()
        },
        "slopes": {name: _slope(slope) for name, slope in derivation.slopes.items()},
        "steps": [_step(step, derivation, words, shown) for step in derivation.steps],
        "checks": [check_data(check) for check in derivation.checks],
        "descent": _descent(derivation, shown),
    }


def as_exercise(data: Mapping[str, Json]) -> dict[str, Json]:
    """What an exercise file would say, from `as_data` or from a file that was read.

    `symbackprop.from_dict` takes it; from it the same derivation comes.
    """
    given = {name: one for name, one in data["quantities"].items() if one["kind"] == "given"}
    values = {name: one["exact"] for name, one in given.items() if not _has_gap(one["exact"])}
    made: dict[str, Json] = {
        "title": {data["language"]: data["title"]},
        "model": dict(data["model"]),
        "shapes": {name: data["shapes"][name] for name in given},
        "values": values,
        "wanted": {"gradients": list(data["wanted"])},
        "conventions": {"kinks": data["conventions"]["kinks"]},
        "functions": dict(data["functions"]),
    }
    if data["facts"]:
        made["assume"] = {"facts": list(data["facts"])}
    if data["conventions"].get("layers") not in {None, "W_1"}:
        made["style"] = {"layers": data["conventions"]["layers"]}
    if data.get("descent"):
        one = data["descent"]
        made["descent"] = {key: one[key] for key in ("rate", "steps", "optimizer", "parameters")}
        made["descent"] |= one["options"]
    return {key: value for key, value in made.items() if value}


def _has_gap(exact: Json) -> bool:
    return any(map(_has_gap, exact)) if isinstance(exact, list) else exact is None


# --- the exercise ---------------------------------------------------------------------------


def _shape(shape: Shape) -> list[Json]:
    return list(shape)


def _function(row: Function) -> Json:
    """As an exercise file has it: a formula in u, "generic", or a table that says more."""
    if row.smooth or not row.pieces:
        what: dict[str, Json] = {"formula": row.pieces[0].formula if row.pieces else "generic"}
    else:
        what = {"pieces": [_piece(piece) for piece in row.pieces], "on": row.on}
        what |= {"tie": row.tie} if row.tie != "0" else {}
    what |= {"arguments": list(row.arguments)} if row.arguments != ("u",) else {}
    what |= {"options": dict(row.options)} if row.options else {}
    what |= {"reduce": row.reduce} if row.reduce else {}
    return what["formula"] if list(what) == ["formula"] else what


def _piece(piece: Piece) -> dict[str, str]:
    return {"formula": piece.formula, **({} if piece.bound is None else {"bound": piece.bound})}


def _kinks(derivation: Derivation) -> dict[str, dict[str, str]]:
    """Every slope at a kink that is in force, said by the exercise or by default."""
    exercise = derivation.exercise
    found: dict[str, dict[Fraction, Fraction]] = {}
    for slope in derivation.slopes.values():
        key = slope.function.convention or slope.function.name
        for kink in slope.kinks:
            if kink.exact_at is not None and kink.exact_taken is not None:
                found.setdefault(key, {})[kink.exact_at] = kink.exact_taken
    for name, slopes in exercise.kinks.items():
        found.setdefault(name, {}).update(slopes)
    return {name: {_exact(at): _exact(taken) for at, taken in one.items()} for name, one in found.items()}


# --- quantities -----------------------------------------------------------------------------


def _quantity(quantity: Quantity, derivation: Derivation, shown: Style) -> dict[str, Json]:
    formula = tree.Name(quantity.name) if quantity.formula is None else quantity.formula
    kind = "gradient" if quantity.gradient else "given" if quantity.formula is None else "computed"
    return {
        "kind": kind,
        **({"of": quantity.target} if quantity.gradient else {}),
        "shape": _shape(quantity.shape),
        **_both(formula, shown),
        **_values(quantity, derivation.digits),
    }


def _values(quantity: Quantity, digits: int) -> dict[str, Json]:
    numbers = quantity.numbers
    if numbers is None:
        empty = _empty(quantity.shape)
        return {"exact": empty, "decimal": empty, "symbolic": None}
    symbols = any(isinstance(entry, Poly) for entry in numbers.entries)
    return {
        **_both_values(numbers, digits),
        "symbolic": numbers.map(lambda entry: _symbolic(entry, digits)).nested() if symbols else None,
    }


def _both_values(numbers: Array[Any], digits: int) -> dict[str, Json]:
    return {
        "exact": numbers.map(_exact_entry).nested(),
        "decimal": numbers.map(lambda entry: _decimal(entry, digits)).nested(),
    }


def _empty(shape: Shape) -> Json:
    """Nulls in the shape; null where a size has no value."""
    sizes = tuple(size for size in shape if isinstance(size, int))
    if len(sizes) != len(shape):
        return None
    count = 1
    for size in sizes:
        count *= size
    return Array(sizes, (None,) * count).nested()


def _exact_entry(value: Any) -> str | None:
    return _exact(value) if isinstance(value, Fraction) else None


def _exact(value: Fraction) -> str:
    """`-4`, `1/3`. Through Decimal, because Python refuses to write integers of 4,300 digits."""
    above, below = str(Decimal(value.numerator)), str(Decimal(value.denominator))
    return above if value.denominator == 1 else f"{above}/{below}"


def _decimal(value: Any, digits: int) -> str | None:
    return None if isinstance(value, Poly) else to_text(value, digits)[0]


def _symbolic(value: Any, digits: int) -> str | None:
    return to_plain(to_tree(value, digits)[0]) if isinstance(value, Poly) else None


# --- functions, steps, checks ---------------------------------------------------------------


def _slope(slope: Slope) -> dict[str, Json]:
    return {
        "pieces": [
            {"value": to_plain(one.value), "from": None if one.bound is None else to_plain(one.bound)}
            for one in slope.branches
        ],
        "kinks": [
            {"at": to_plain(one.at), "left": to_plain(one.left), "right": to_plain(one.right),
             "taken": to_plain(one.taken)}
            for one in slope.kinks
        ],
    }  # fmt: skip


def _step(step: Step, derivation: Derivation, words: Words, shown: Style) -> dict[str, Json]:
    return {
        "quantity": ("d" if step.gradient else "") + step.target,
        "rule": step.rule,
        "uses": list(dict.fromkeys(_used(step.formula, derivation))),
        "links": [_link(link, words, shown) for link in step.links],
    }


def _used(node: Node, derivation: Derivation) -> Iterator[str]:
    """The quantities that a formula names: `z`, `dz`."""
    if isinstance(node, tree.Gradient):
        yield "d" + tree.names_in(node.of)[0]
    elif isinstance(node, tree.Name):
        if node.name in derivation.quantities:
            yield node.name
    else:
        for child in tree.children(node):
            yield from _used(child, derivation)


def _link(link: Link, words: Words, shown: Style) -> dict[str, Json]:
    return {
        "left": _both(link.left, shown),
        "relation": link.relation,
        "right": _both(link.right, shown),
        "reason": {"key": link.reason, "sentence": _sentence(words, link.reason)},
        "proof": {"method": link.proof.method, "points": link.proof.points},
    }


def _sentence(words: Words, key: str) -> str:
    """A reason as plain text. It stands alone, so it has no places to fill."""
    parts = words.sentence(key)
    if any(part.kind == "place" for part in parts):
        raise WordsError(f"{key!r} is the reason of a link: it can have no places")
    return "".join(part.value for part in parts if part.kind == "words")


def check_data(check: Check) -> dict[str, Json]:
    """One line of the table of checks."""
    return {
        "kind": check.kind,
        "what": list(check.what),
        "agreed": check.agreed,
        "tried": check.tried,
        "sizes": [list(sizes) for sizes in check.sizes],
        "exact": check.exact,
        "step": check.step,
        "note": check.note,
    }


def _descent(derivation: Derivation, shown: Style) -> Json:
    made = derivation.descent
    if made is None:
        return None
    plan, digits = made.plan, derivation.digits

    def arrays(found: Mapping[str, Array[Any]] | None) -> Json:
        return None if found is None else {name: _both_values(one, digits) for name, one in found.items()}

    return {
        "rate": _exact(plan.rate),
        "steps": plan.steps,
        "optimizer": plan.optimizer,
        "options": {name: _exact(value) for name, value in plan.options.items()},
        "parameters": list(plan.parameters),
        "fixed": [name for name in derivation.exercise.given if name not in plan.parameters],
        "updates": [
            {"name": name, **_both(formula(text), shown)} for name, text in OPTIMIZERS[plan.optimizer].updates
        ],
        "certified": made.certified,
        "bits": made.bits,
        "history": [
            {
                "step": one.number,
                "loss": _both_values(Array.scalar(one.loss), digits),
                "parameters": arrays(one.parameters),
                "gradients": arrays(one.gradients),
            }
            for one in made.moments
        ],
        "last": arrays(made.last),
    }


def _both(node: Node, shown: Style) -> dict[str, str]:
    return {"latex": to_latex(node, shown), "text": to_plain(node)}


# --- writing --------------------------------------------------------------------------------

_LINE: Final = 96
"""Characters of a line before what stands in it is written one below the other."""


def written(data: Json, indent: str = "") -> str:
    """JSON, indented by two; what is short stays on one line, so that a matrix has a line a row."""
    return _written(data, indent, outermost=True) + "\n"


def _written(data: Json, indent: str, *, outermost: bool = False) -> str:
    short = json.dumps(data, ensure_ascii=False)
    empty = not isinstance(data, dict | list) or not data
    if empty or (not outermost and len(indent) + len(short) <= _LINE and not _is_matrix(data)):
        return short
    if isinstance(data, list) and not any(isinstance(part, dict | list) for part in data):
        return short
    inner = indent + "  "
    parts: Sequence[str]
    if isinstance(data, dict):
        keys = [json.dumps(key, ensure_ascii=False) for key in data]
        parts = [f"{key}: {_written(one, inner)}" for key, one in zip(keys, data.values(), strict=True)]
    else:
        parts = [_written(part, inner) for part in data]
    left, right = "{}" if isinstance(data, dict) else "[]"
    return f"{left}\n{inner}" + f",\n{inner}".join(parts) + f"\n{indent}{right}"


def _is_matrix(data: Json) -> bool:
    return isinstance(data, list) and len(data) > 1 and all(isinstance(row, list) for row in data)
