"""Tables of a report as claims: what each column says of its row stands in a comment before the table.

`% rows: name, =, in, value`: the first cell is what the row is about, the second is equal to it, the third is
its space, the fourth its value, of an entry dK_{pq} that of the array. `is`: a statement by itself. `sizes`:
dimensions, factor by factor, of the statement in the row. `row`: a number, which the index in the other
headings takes; `at`: a cell that is equal to its heading at this number; `step`: the step of a descent after
which the cells are so. Columns without a word are prose.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from symbackprop.algebra.values.arrays import form
from symbackprop.checking.claims import Claims
from symbackprop.checking.context import Unclear
from symbackprop.checking.findings import Finding, Reason
from symbackprop.checking.fragments import Fragment
from symbackprop.checking.session import Session
from symbackprop.notation import tree
from symbackprop.notation.hand.read import HandVocabulary, read_statements
from symbackprop.notation.tree import Node

_TABLE = re.compile(r"% rows: ([^\n]*)\n(.*?)\\bottomrule", re.DOTALL)
_SPACING = re.compile(r"\\addlinespace\[[^\]]*\]|\\fit(?=\{)|\\endhead")
_ROUNDED = re.compile(r"(?:\\text\{\s*\}|\\[;,:!]|\s|\{\})*(\\approx)")
_ENTRY = re.compile(r"_(?:\{[a-z]{2,4}\}|\{(.*),[a-z]{1,4}\}|[ijp])$")
_FORMULA = re.compile(r"\$([^$]*)\$")

_NUMBER = ("1", "1")

Sides = tuple[str, ...]
"""The two dimensions of an array, as written: `("k", "1")`."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A formula that claims something.

    `wide`: it is about layers of any size, `sizes` counts those whose letters for sizes are their own.
    `instance`: the number that an index has there; `about`: of dimensions, the statement whose they are;
    `step`: that of the descent, after which it holds.
    """

    fragment: Fragment
    wide: bool = False
    kind: Literal["statement", "sizes"] = "statement"
    instance: Mapping[str, int] | None = None
    step: str = ""
    sizes: int = 0
    about: str = ""


def claims_of(text: str) -> tuple[list[Claim], str]:
    """The claims of all marked tables, and the text without those tables."""
    found: list[Claim] = []
    rest = text
    for table in _TABLE.finditer(text):
        kinds = [kind.strip() for kind in table.group(1).split(",")]
        found += _rows(text, table.start(2), table.end(2), kinds)
        blank = re.sub(r"[^\n]", " ", table.group())
        rest = rest[: table.start()] + blank + rest[table.end() :]
    return found, rest


Cell = tuple[int, str]
"""Where a cell starts, and what stands in it."""


def _rows(text: str, start: int, end: int, kinds: list[str]) -> Iterator[Claim]:
    rows = list(_cells(text, start, end))
    if not rows:
        return
    heads, *lines = rows
    for cells in lines:
        formulas = [_formula(cell) for cell in cells]
        yield from _row(text, kinds, [_formula(head) for head in heads], formulas)


def _row(text: str, kinds: list[str], heads: list[Cell | None], cells: list[Cell | None]) -> Iterator[Claim]:
    name = ""
    instance: dict[str, int] = {}
    step = ""
    for place, (kind, cell) in enumerate(zip(kinds, cells, strict=False)):
        if cell is None:
            continue
        start, formula = cell
        if kind == "name":
            name = formula
        elif kind == "is":
            name = formula
            yield Claim(_fragment(text, start, formula))
        elif kind == "=":
            joined = _joined(formula)
            yield Claim(_fragment(text, start, f"{name} {joined}"))
        elif kind == "in":
            yield Claim(_fragment(text, start, f"{_whole(name)} \\in {formula}"))
        elif kind == "value":
            yield Claim(_fragment(text, start, f"{_whole(name)} {_joined(formula)}"))
        elif kind == "sizes":
            yield Claim(_fragment(text, start, formula), kind="sizes", about=name)
        elif kind == "row" and formula.isdigit():
            index = heads[place]
            instance = {} if index is None else {index[1]: int(formula)}
        elif kind == "step":
            step = formula
        elif kind == "at" and (head := heads[place]) is not None and "dots" not in formula:
            joined = _joined(formula)
            yield Claim(_fragment(text, start, f"{head[1]} {joined}"), instance=instance, step=step)


def _whole(name: str) -> str:
    """The array of `dK_{pq}`, whose formula stands entry by entry."""
    found = _ENTRY.search(name)
    if found is None:
        return name
    return name[: found.start()] + (f"_{{{found.group(1)}}}" if found.group(1) else "")


def _joined(formula: str) -> str:
    """`≈ 0.5` goes on as it is; any other formula behind an equals sign."""
    rounded = _ROUNDED.match(formula)
    return f"= {formula}" if rounded is None else formula[rounded.start(1) :]


def _formula(cell: Cell) -> Cell | None:
    start, content = cell
    found = _FORMULA.search(content)
    return None if found is None else (start + found.start(1), found.group(1).strip())


def _cells(text: str, start: int, end: int) -> Iterator[list[Cell]]:
    """The cells of each row; `&` and `\\\\` inside dollars are a matrix's."""
    blanked = _SPACING.sub(lambda found: " " * len(found.group()), text[start:end])
    row: list[Cell] = []
    at, inside, place = 0, False, 0
    body = blanked.find("\\toprule")
    place = at = 0 if body < 0 else body + len("\\toprule")
    while place < len(blanked):
        if blanked[place] == "$":
            inside = not inside
        elif not inside and blanked.startswith("\\\\", place):
            yield [*row, (start + at, blanked[at:place])]
            row, at, place = [], place + 2, place + 1
        elif not inside and blanked[place] == "&":
            row.append((start + at, blanked[at:place]))
            at = place + 1
        elif blanked[place] == "\\":
            place += 1
        place += 1


def _fragment(text: str, start: int, formula: str) -> Fragment:
    line = text.count("\n", 0, start) + 1
    return Fragment(
        text=formula, line=line, column=start - text.rfind("\n", 0, start), kind="inline", latex=True
    )


# --- dimensions -------------------------------------------------------------------------------------


def sized(claim: Claim, session: Session) -> Finding:
    """`(k×n)(n×1) + k×1 = k×1`: whether the dimensions fit, factor by factor, and the result is the last.

    The result has to be the shape of what the statement is about, and what is subtracted there is here.
    """
    fragment = claim.fragment
    blank = Finding(
        line=fragment.line, column=fragment.column, text=fragment.text, verdict="not read", kind="inline"
    )
    context = session.desk.context
    plain = HandVocabulary(names=frozenset({*context.exercise.sizes}), functions={})
    written = read_statements(fragment.text, plain)
    about = read_statements(claim.about, context.vocabulary(latex=True))
    if len(written) != 1 or written[0].node is None or len(about) != 1 or about[0].node is None:
        return blank
    node, statement = written[0].node, about[0].node
    members = node.members if isinstance(node, tree.Chain) else (node,)
    made = [_sides(member) for member in members]
    fits = None not in made and len(set(made)) == 1 and _is_shape(made[-1], statement, session)
    signs = len(members) == 1 or _minuses(members[0]) == _minuses(_last(statement))
    return _said(blank, "correct" if fits and signs else "wrong", node)


def _last(statement: Node) -> Node:
    return statement.members[-1] if isinstance(statement, tree.Chain) else statement


def _minuses(node: Node) -> int:
    """How many terms of a sum are subtracted."""
    return sum(isinstance(term, tree.Neg) for term in node.terms) if isinstance(node, tree.Add) else 0


def _is_shape(sides: Sides | None, statement: Node, session: Session) -> bool:
    """Whether dimensions are those of a statement's left side; True where letters for sizes are unknown."""
    if sides is None or not isinstance(statement, tree.Chain):
        return False
    desk = session.desk
    lengths = [_length(side, session) for side in sides]
    if None in lengths:
        return True
    try:
        member = Claims(desk).member(statement.members[0])
        name = tree.undressed(member.node)
    except Unclear:
        return True
    of = name.of if isinstance(name, tree.Gradient) else name
    of = of.base if isinstance(of, tree.Index) else of
    shape = desk.worlds.own[0].values[of.name].shape if isinstance(of, tree.Name) else None
    return shape is None or form(shape) == form(tuple(one for one in lengths if one is not None))


def _length(side: str, session: Session) -> int | None:
    context = session.desk.context
    if side.isdigit():
        return int(side)
    if side in context.sizes:
        name, axis = context.sizes[side]
        shape = session.desk.worlds.own[0].values[name].shape
        return shape[axis] if axis < len(shape) else None
    return session.desk.worlds.own[0].working.sizes.get(side)


def _said(blank: Finding, verdict: Literal["correct", "wrong"], node: Node) -> Finding:
    why = Reason(key="check.shape_misfit", parts={"message": blank.text})
    reasons = () if verdict == "correct" else (why,)
    return replace(blank, verdict=verdict, written=node, reasons=reasons)


def _sides(node: Node) -> Sides | None:
    """The dimensions of a product or a sum of dimensions; None where they do not fit."""
    match node:
        case tree.Bracket(body) | tree.Neg(body):
            return _sides(body)
        case tree.Add(terms):
            made = {_sides(term) for term in terms}
            made = made - {_NUMBER} if len(made) > 1 else made  # a number is added to every entry
            return made.pop() if len(made) == 1 else None
        case tree.Product((first, *rest), signs) if set(signs) == {"*"}:
            parts = [_side(one) for one in (first, *rest)]
            return None if None in parts else tuple(part for part in parts if part is not None)
        case tree.Product(factors, signs):
            return _product([_sides(one) for one in factors], signs)
    return None


def _product(parts: list[Sides | None], signs: tuple[str, ...]) -> Sides | None:
    made, *rest = parts
    for sign, part in zip(signs, rest, strict=True):
        if made is None or part is None:
            return None
        if _NUMBER in (made, part) and made[1] != part[0]:
            made = part if made == _NUMBER else made
        elif sign == "odot":
            made = made if made == part else None
        else:
            made = (made[0], part[1]) if len(made) == len(part) == 2 and made[1] == part[0] else None
    return made


def _side(node: Node) -> str | None:
    match node:
        case tree.Number(_, text):
            return text
        case tree.Name(name):
            return name
        case tree.Index(tree.Name(name), (tree.Number(_, text),)):
            return name + text
    return None
