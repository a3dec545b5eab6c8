"""The sections of an exercise file that stand by themselves: titles, words, own functions, kinks."""

import re
from collections.abc import Mapping
from fractions import Fraction
from itertools import pairwise
from typing import Any

from symbackprop import limits
from symbackprop.algebra.functions import ATOMS, OPERATIONS, TABLE, Function, Piece
from symbackprop.exercise.faults import Collected, Path, shortened
from symbackprop.exercise.model import function_names, signatures
from symbackprop.exercise.numbers import ValueFault, exact_number
from symbackprop.notation import shapes, tree
from symbackprop.notation.read import ReadError, Vocabulary, canonical_name, read
from symbackprop.notation.sizes import linear, size_of_tree
from symbackprop.notation.write_names import is_greek

TOP_LEVEL = (
    "title", "language", "model", "shapes", "values", "wanted", "conventions", "functions", "words", "assume",
    "descent", "style",
)  # fmt: skip
GENERIC = "generic"

_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z]{2,4})?")
_FUNCTION_KEYS = ("formula", "arguments", "options", "pieces", "on", "tie", "reduce")
_SIZE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*'*")


def table(data: Mapping[str, Any], path: Path, collected: Collected) -> Mapping[str, Any]:
    """The table at `path[-1]` of `data`; empty when it is missing or (a fault) no table."""
    found = data.get(path[-1], {})
    if isinstance(found, Mapping):
        return found
    collected.add(
        path, f"[{'.'.join(path)}] is a table of keys", f"Write [{'.'.join(path)}] on a line of its own."
    )
    return {}


def known_keys(data: Mapping[str, Any], known: tuple[str, ...], path: Path, collected: Collected) -> None:
    """Every key that is not among the known ones is a fault."""
    for key in data:
        if key not in known:
            collected.unknown(
                (*path, str(key)), "unknown key", str(key), known, f"Known: {', '.join(known)}."
            )


# --- texts ----------------------------------------------------------------------------


def language_of(data: Mapping[str, Any], collected: Collected) -> str | None:
    """The language of the report, when the file says one."""
    raw = data.get("language")
    if raw is None or (isinstance(raw, str) and _LANGUAGE.fullmatch(raw)):
        return raw
    near = {"spanish": "es", "español": "es", "castellano": "es", "english": "en"}.get(str(raw).lower(), "")
    collected.add(("language",), f"{shortened(str(raw))} is no language code", f'Write "{near or "es"}".')
    return None


def title_of(data: Mapping[str, Any], language: str | None, collected: Collected) -> dict[str, str]:
    """The title by language; one string is a title in the exercise's language."""
    raw = data.get("title", {})
    if isinstance(raw, str):
        return {language or "en": raw}
    return _texts(raw, ("title",), collected, 'Write title = "…" or title = { es = "…", en = "…" }.')


def _texts(raw: Any, path: Path, collected: Collected, advice: str) -> dict[str, str]:
    if not isinstance(raw, Mapping):
        collected.add(path, "a text belongs here", advice)
        return {}
    for key, value in raw.items():
        if not isinstance(value, str):
            collected.add((*path, str(key)), "a text belongs here", advice)
    return {str(key): value for key, value in raw.items() if isinstance(value, str)}


def words_of(
    data: Mapping[str, Any], language: str | None, collected: Collected
) -> dict[str, dict[str, str]]:
    """Sentences that replace the report's: by language and key, or by key in the exercise's language."""
    raw = table(data, ("words",), collected)
    words: dict[str, dict[str, str]] = {}
    for key, value in raw.items():
        if isinstance(value, Mapping):
            words.setdefault(str(key), {}).update(
                _texts(value, ("words", str(key)), collected, "Write a sentence.")
            )
        elif isinstance(value, str):
            words.setdefault(language or "en", {})[str(key)] = value
        else:
            collected.add(("words", str(key)), "a sentence belongs here", f'Write {key} = "…".')
    return words


def style_of(data: Mapping[str, Any], collected: Collected) -> Mapping[str, Any]:
    """The section [style]: how the report writes things."""
    style = table(data, ("style",), collected)
    known_keys(style, ("layers",), ("style",), collected)
    return style


# --- own functions --------------------------------------------------------------------


def functions_of(data: Mapping[str, Any], collected: Collected) -> dict[str, Function]:
    """The exercise's own functions as rows: a formula in `u`, a table that says more, or "generic"."""
    own: dict[str, Function] = {}
    for key, raw in table(data, ("functions",), collected).items():
        path = ("functions", str(key))
        name = _function_name(str(key), path, collected)
        if name in own:
            collected.add(path, f"{name} is defined twice")
        elif name:
            row = _own_function(name, raw, path, collected)
            if row is not None:
                own[name] = row
    sound = {name: _calls(row, own, ("functions", name), collected) for name, row in own.items()}
    for name in own:
        if name in _reached(name, sound):
            collected.add(("functions", name), f"{name} is defined through itself")
    return own


def _function_name(key: str, path: Path, collected: Collected) -> str:
    try:
        name = canonical_name(key)
    except ReadError as error:
        collected.read_error(path, error)
        return ""
    if name in ATOMS or name in OPERATIONS or name == "ones":
        collected.add(
            path, f"{name} cannot be defined anew: other formulas are made of it", "Choose another name."
        )
        return ""
    return name


def _own_function(name: str, raw: Any, path: Path, collected: Collected) -> Function | None:
    if isinstance(raw, str):
        raw = {"formula": raw}
    if not isinstance(raw, Mapping):
        advice = f'Write {name} = "u / (1 + exp(-u))" or {name} = "generic".'
        collected.add(path, "a formula in u belongs here", advice)
        return None
    known_keys(raw, _FUNCTION_KEYS, path, collected)
    arguments = _arguments(raw.get("arguments", ["u"]), path, collected)
    options = _options(raw.get("options", {}), path, collected)
    pieces = _pieces(raw, path, collected)
    reduce = raw.get("reduce")
    if reduce not in {None, "sum", "mean"}:
        collected.add(
            (*path, "reduce"), "a loss takes the sum or the mean", 'Write reduce = "sum" or "mean".'
        )
        reduce = None
    if pieces is None:
        return None
    upright = name.replace("_", r"\_")
    single = len(name) == 1
    greek = is_greek(name)
    return Function(
        name=name, kind="loss" if reduce else "elementwise", plain=name, pieces=pieces, arguments=arguments,
        latex=name if single else f"\\{name}" if greek else rf"\operatorname{{{upright}}}",
        typst=name if single or greek else f'op("{name}")',
        options=options, reduce=reduce, on=_text_or(raw, "on", "u") if len(pieces) > 1 else None,
        tie=_text_or(raw, "tie", "0"),
    )  # fmt: skip


def _text_or(raw: Mapping[str, Any], key: str, default: str) -> str:
    return str(raw.get(key, default))


def _arguments(raw: Any, path: Path, collected: Collected) -> tuple[str, ...]:
    good = (
        isinstance(raw, list | tuple)
        and raw
        and all(isinstance(a, str) and _SIZE_NAME.fullmatch(a) for a in raw)
    )
    if not good or len(set(raw)) != len(raw):
        collected.add(
            (*path, "arguments"), "the arguments are different names", 'Write arguments = ["u", "v"].'
        )
        return ("u",)
    return tuple(raw)


def _options(raw: Any, path: Path, collected: Collected) -> tuple[tuple[str, str], ...]:
    if not isinstance(raw, Mapping):
        collected.add(
            (*path, "options"), "options are names with defaults", 'Write options = { slope = "1/10" }.'
        )
        return ()
    options = []
    for key, value in raw.items():
        try:
            options.append((canonical_name(str(key)), str(exact_number(value))))
        except ReadError as error:
            collected.read_error((*path, "options", str(key)), error)
        except ValueFault as fault:
            collected.add((*path, "options", str(key)), fault.message, fault.suggestion)
    return tuple(options)


def _pieces(raw: Mapping[str, Any], path: Path, collected: Collected) -> tuple[Piece, ...] | None:
    """One formula; or cases, each with the bound from which upwards it holds, the last without."""
    formula, cases = raw.get("formula"), raw.get("pieces")
    if isinstance(formula, str) and cases is None:
        return () if formula.strip() == GENERIC else (Piece(formula),)
    advice = 'Write formula = "…", or pieces = [{ formula = "u", bound = "0" }, { formula = "0" }].'
    shaped = isinstance(cases, list | tuple) and all(
        isinstance(case, Mapping)
        and isinstance(case.get("formula"), str)
        and not set(case) - {"formula", "bound"}
        for case in cases
    )
    if formula is not None or not cases or not shaped:
        collected.add(path, "a function is one formula, or pieces", advice)
        return None
    made = tuple(
        Piece(case["formula"], None if "bound" not in case else str(case["bound"])) for case in cases
    )
    if made[-1].bound is not None or any(piece.bound is None for piece in made[:-1]):
        collected.add(
            (*path, "pieces"), "every piece but the last has a bound from which upwards it holds", advice
        )
        return None
    _check_order(made, path, collected)
    return made


def _check_order(pieces: tuple[Piece, ...], path: Path, collected: Collected) -> None:
    """Each piece begins below the one before, or it would never hold."""
    bounds = [bound for piece in pieces if (bound := bound_of(piece.bound)) is not None]
    for above, below in pairwise(bounds):
        if below >= above:
            message = f"the pieces go from the highest bound down, and {below} comes after {above}"
            collected.add((*path, "pieces"), message, "Put them in order, each bound once.")
            return


def _calls(row: Function, own: Mapping[str, Function], path: Path, collected: Collected) -> set[str]:
    """Check the formulas of an own function; the own functions that they call."""
    names = frozenset({*row.arguments, *(option for option, _ in row.options)})
    vocabulary = Vocabulary(functions=function_names(own), names=names)
    scalars: dict[str, tree.Shape] = dict.fromkeys(names, ())
    called: set[str] = set()
    bounds = [piece.bound for piece in row.pieces if piece.bound is not None]
    for text in [piece.formula for piece in row.pieces] + bounds + [row.on] * (row.on is not None):
        assert text is not None
        try:
            body = read(text, vocabulary)
            shape = shapes.shape_of(body, scalars, functions=signatures(own), text=text)
        except ReadError as error:
            collected.read_error(path, error)
            continue
        except shapes.ShapeError as error:
            collected.add(path, error.message, error.suggestion, text, error.node.span)
            continue
        if shape:
            collected.add(path, f"the formula of {row.name} acts on one number and gives one number")
        if any(isinstance(part, tree.Norm) for part in tree.walk(body)):
            collected.add(
                path, f"the formula of {row.name} acts on one number, which has no norm", "Write abs(u)."
            )
        called |= {part.function for part in tree.walk(body) if isinstance(part, tree.Call)}
    return called & set(own)


def _reached(name: str, calls: Mapping[str, set[str]]) -> set[str]:
    reached: set[str] = set()
    waiting = list(calls.get(name, ()))
    while waiting:
        found = waiting.pop()
        if found not in reached:
            reached.add(found)
            waiting.extend(calls.get(found, ()))
    return reached


# --- conventions at kinks -------------------------------------------------------------


def kinks_of(
    data: Mapping[str, Any], own: Mapping[str, Function], collected: Collected
) -> dict[str, dict[Fraction, Fraction]]:
    """The slopes that the exercise takes at kinks, by the name of the convention and the bound."""
    conventions = table(data, ("conventions",), collected)
    known_keys(conventions, ("kinks",), ("conventions",), collected)
    raw = table(conventions, ("conventions", "kinks"), collected)
    rows = {row.convention or name: row for name, row in {**TABLE, **own}.items() if len(row.pieces) > 1}
    kinks: dict[str, dict[Fraction, Fraction]] = {}
    for key, slopes in raw.items():
        path = ("conventions", "kinks", str(key))
        name = function_names(own).get(str(key), str(key))
        if name not in rows:
            _no_kink(name, rows, own, path, collected)
        elif not isinstance(slopes, Mapping):
            advice = (
                f'Write {key} = {{ "0" = {shortened(str(slopes), 10)} }}: the bound, and the slope there.'
            )
            collected.add(path, "a kink is a bound and a slope", advice)
        else:
            kinks[name] = _slopes(name, rows[name], slopes, path, collected)
    return kinks


def _no_kink(
    name: str, rows: Mapping[str, Function], own: Mapping[str, Function], path: Path, collected: Collected
) -> None:
    row = {**TABLE, **own}.get(name)
    if row is None:
        collected.unknown(path, "unknown function", name, rows, f"With kinks: {', '.join(sorted(rows))}.")
        return
    inside = [
        other for other, part in rows.items()
        if any(re.search(rf"\b{part.name}\(", piece.formula) for piece in row.pieces)
    ]  # fmt: skip
    advice = f"It is made of {inside[0]}: write {inside[0]} = …" if inside else ""
    collected.add(path, f"{name} has no kink of its own" if inside else f"{name} has no kink", advice)


def _slopes(
    name: str, row: Function, raw: Mapping[str, Any], path: Path, collected: Collected
) -> dict[Fraction, Fraction]:
    bounds = {bound_of(piece.bound) for piece in row.pieces if piece.bound is not None}
    slopes: dict[Fraction, Fraction] = {}
    for key, value in raw.items():
        try:
            bound, slope = exact_number(key), exact_number(value)
        except ValueFault as fault:
            collected.add((*path, str(key)), fault.message, fault.suggestion)
            continue
        if None not in bounds and bound not in bounds:
            places = " or ".join(f'"{place}"' for place in sorted(b for b in bounds if b is not None))
            collected.add((*path, str(key)), f"{name} has no kink at {bound}", f"Write {places}.")
        elif bound in slopes:
            collected.add((*path, str(key)), f"the kink of {name} at {bound} is given twice")
        slopes[bound] = slope
    return slopes


def bound_of(text: str | None) -> Fraction | None:
    """A bound as a number; None when it hangs on an option (`delta`)."""
    try:
        return exact_number(text)
    except ValueFault:
        return None


# --- declared shapes and wanted gradients ---------------------------------------------


def shape_of_text(raw: Any, path: Path, collected: Collected) -> tree.Shape | None:
    """A declared shape: a list of up to four sizes: numbers, names, sums of them; [] is a scalar."""
    if not isinstance(raw, list | tuple):
        advice = f'Write ["{raw}"] for a vector.' if isinstance(raw, str | int) else 'Write ["k", "n"].'
        collected.add(path, "a shape is a list of sizes", advice)
        return None
    if len(raw) > shapes.MOST_AXES:
        most = shapes.MOST_AXES
        collected.add(path, f"a shape has at most {most} sizes, and this has {len(raw)}")
        return None
    sizes = [_size(size, path, collected) for size in raw]
    return None if any(size is None for size in sizes) else tuple(size for size in sizes if size is not None)


def _size(raw: Any, path: Path, collected: Collected) -> tree.Size | None:
    if isinstance(raw, str) and raw.strip().isdigit() and len(raw) < 10:
        raw = int(raw)
    if isinstance(raw, int) and not isinstance(raw, bool):
        if not 1 <= raw <= limits.SIZE:
            collected.add(path, f"the size {shortened(str(raw), 30)} is not between 1 and {limits.SIZE:,}")
            return None
        return raw
    size = _written_size(raw) if isinstance(raw, str) else None
    if size is None:
        advice = 'A size is a number or a name, or a sum of them: 3, "n", "m - r + 1".'
        collected.add(path, f"“{shortened(str(raw), 40)}” is no size", advice)
    return size


def _written_size(text: str) -> tree.Size | None:
    """The size that a text says: `n`, `2 n - 1`, `m - r + 1`."""
    try:
        size = size_of_tree(read(text, Vocabulary(functions={}, names=None)))
    except ReadError:
        return None
    small = isinstance(size, str) and all(abs(count) <= limits.SIZE for count in _counts(size))
    return size if small else None


def _counts(size: str) -> tuple[int, ...]:
    coefficients, constant = linear(size)
    return (*coefficients.values(), constant)


def wanted_of(
    data: Mapping[str, Any], names: tuple[str, ...], default: tuple[str, ...], collected: Collected
) -> tuple[str, ...]:
    """The names whose gradients are asked, as [wanted] lists them, or the default."""
    section = table(data, ("wanted",), collected)
    known_keys(section, ("gradients",), ("wanted",), collected)
    raw = section.get("gradients")
    if raw is None:
        return default
    path = ("wanted", "gradients")
    if not isinstance(raw, list | tuple) or not raw or not all(isinstance(name, str) for name in raw):
        advice = f"Write gradients = [{', '.join(f'{chr(34)}{name}{chr(34)}' for name in default)}]."
        collected.add(path, "a list of names belongs here", advice)
        return default
    wanted: list[str] = []
    for text in raw:
        try:
            name = canonical_name(text)
        except ReadError as error:
            collected.read_error(path, error)
            continue
        if name in wanted:
            collected.add(path, f"{name} is asked twice")
        elif name in names:
            wanted.append(name)
        elif name[:1] == "d" and name[1:] in names:
            collected.add(path, f"{name} is the gradient of {name[1:]}", f'Write "{name[1:]}".')
        else:
            collected.unknown(path, "unknown name", name, names, f"The model has {', '.join(names[:12])}.")
    return tuple(wanted)
