"""Lines of code: assignments of NumPy as syntax trees with canonical names. Nothing is run.

`dW1`, `self.dW1`, `grads["dW1"]`, `grad_W1`, `W1.grad` and `dL_dW1` are one name, and `y_hat`,
`y_pred` and `ŷ` another. Python's own parser reads the text, behind limits that keep it from harm;
numbers become exact.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import NoReturn

from symbackprop import limits
from symbackprop.notation.node import Plain
from symbackprop.notation.spelling import ReadError, canonical_name
from symbackprop.notation.tree import Span

CONTAINERS = frozenset([
    "self", "cache", "grads", "gradients", "grad", "params", "parameters", "net", "model", "layer", "values",
    "caches", "derivs",
])  # fmt: skip
"""What holds values under names of their own: `cache["z1"]` is z1."""

MODULES = frozenset(["np", "numpy", "torch", "tf", "jnp", "math", "plt"])

_OF_GRADIENTS = frozenset(["grads", "gradients", "grad", "derivs"])
_SAME = {"y_pred": "yhat", "ypred": "yhat", "y_true": "y", "ytrue": "y"}
_GRADIENT = (
    re.compile(r"(?:grad|gradient|d)_(.+)"), re.compile(r"(.+)_grad"), re.compile(r"grad([A-Z]\w*)"),
    re.compile(r"d(?:L|J|E|C|loss|cost)_?d_?(.+)"),
)  # fmt: skip
_ACCENT = re.compile(r"_(hat|bar|tilde|dot)(?![^\W\d_])")

_DEFINES = re.compile(r"(?:def\s+)?([^\W\d]\w*)\s*[(=]")
_LONG_NUMBER = re.compile(rf"\d[\d_]{{{limits.HAND_DIGITS},}}")
_HEADER = re.compile(
    r"(?:async\s+)?(?:def|class|for|while|if|elif|else|try|except|finally|with|match|case)\b|@"
)
_TOKEN = re.compile(r"\w+|[^\w\s]")
_NUMBER = re.compile(r"(?:\d[\d_]*)?\.?\d*[\d_]*(?:[eE]([-+]?\d+))?")
_QUIET = frozenset(["print", "display", "plt", "logging", "warnings", "sys", "os", "input", "exit", "help"])
_SIGNS: Mapping[type[ast.operator], str] = {
    ast.Add: "+=", ast.Sub: "-=", ast.Mult: "*=", ast.Div: "/=", ast.MatMult: "@=", ast.Pow: "**=",
}  # fmt: skip
_DEPTH = 3 * limits.DEPTH


MASKED = "[]="
"""An assignment to some entries of an array."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class CodeLine(Plain):
    """One assignment, or one expression (`name` is then empty), at `span` of the text.

    `augmented` is `+=` and the like, or `MASKED` for `dh[h <= 0] = 0`, whose value is what all of dh becomes.
    `skipped` says that the statement claims nothing: an import, a header, a
    print, a comment. Else exactly one of `value` and `error` is there.
    """

    name: str
    value: ast.expr | None
    span: Span
    error: ReadError | None = None
    augmented: str = ""
    skipped: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnFunction:
    """A function that the file defines: `body` is what it returns, None where that is not one expression."""

    parameters: tuple[str, ...]
    body: ast.expr | None


def read_code(text: str, known: frozenset[str]) -> tuple[CodeLine, ...]:
    """The statements in a piece of code. `known` holds the names that the exercise and the text have.

    Never raises: what cannot be read is a line with an error, which points at its place in `text`.
    """
    whole = Span(0, len(text))
    if not text.strip() or text.lstrip().startswith("#"):
        return (CodeLine(name="", value=None, span=whole, skipped=True),)
    header = _HEADER.match(text.lstrip())
    if header and text.partition("#")[0].rstrip().endswith(":"):
        return (CodeLine(name="", value=None, span=whole, skipped=True),)
    try:
        module, places = _parsed(text)
        return tuple(_Reader(text, places, known).statements(module.body))
    except ReadError as error:
        return (CodeLine(name="", value=None, span=whole, error=error),)


def own_functions(statements: Sequence[str], known: frozenset[str] = frozenset()) -> dict[str, OwnFunction]:
    """The functions that a file defines, from its statements in order: `def f(u):` with its `return` behind
    it, or `f = lambda u: …`. A call of one whose body is longer has no value."""
    found: dict[str, OwnFunction] = {}
    for place, text in enumerate(statements):
        made = _own_function(text, statements[place + 1] if place + 1 < len(statements) else "", known)
        if made is not None:
            found[made[0]] = made[1]
    return found


def _own_function(text: str, behind: str, known: frozenset[str]) -> tuple[str, OwnFunction] | None:
    head = text.strip()
    if not (head.startswith("def ") or "lambda" in head):
        return None
    bare = head.partition("#")[0].rstrip()
    returned = behind.strip() if behind.strip().startswith("return ") else "pass"
    source = f"{bare}\n    {returned}" if head.startswith("def ") and bare.endswith(":") else head
    try:
        module, places = _parsed(source)
        match module.body:
            case [ast.FunctionDef(name=name, args=args, body=[ast.Return(value=ast.expr() as body)])]:
                return name, _inlinable(args, body, _Reader(source, places, known))
            case [ast.Assign(targets=[ast.Name(id=name)], value=ast.Lambda(args=args, body=body))]:
                return name, _inlinable(args, body, _Reader(source, places, known))
            case [ast.FunctionDef(name=name)]:
                return name, OwnFunction(parameters=(), body=None)
    except ReadError:
        pass
    named = _DEFINES.match(head)
    return (named.group(1), OwnFunction(parameters=(), body=None)) if named else None


def _inlinable(args: ast.arguments, body: ast.expr, reader: _Reader) -> OwnFunction:
    """Only plain parameters: what has defaults or stars is not followed."""
    if args.defaults or args.kwonlyargs or args.vararg or args.kwarg or args.posonlyargs:
        return OwnFunction(parameters=(), body=None)
    parameters = tuple(_spelled(arg.arg) for arg in args.args)
    inner = _Reader(reader.text, reader.places, reader.known | frozenset(parameters))
    return OwnFunction(parameters=parameters, body=_Canonical(inner).visit(body))


# --- names ----------------------------------------------------------------------------------------


def code_name(word: str, known: frozenset[str]) -> str:
    """The canonical name of an identifier: one of `known`, or the gradient of one, where that is meant."""
    for candidate in _candidates(word):
        found = _known(candidate, known)
        if found:
            return found
    return _spelled(word)


def _candidates(word: str) -> Iterator[str]:
    yield word
    yield _ACCENT.sub(r"\1", word)
    if word in _SAME:
        yield _SAME[word]
    for pattern in _GRADIENT:
        match = pattern.fullmatch(word)
        if match:
            inner = _SAME.get(match.group(1), _ACCENT.sub(r"\1", match.group(1)))
            yield "d" + inner


def _known(word: str, known: frozenset[str]) -> str:
    """`word` as a name that is known, or the gradient of one; "" where it is neither."""
    name = _spelled(word)
    for prefix, rest in (("", name), ("d", name[1:])):
        if prefix and not name.startswith("d"):
            continue
        for spelling in (rest, rest[:1].swapcase() + rest[1:]):
            # dZ1 is dz1 where the exercise has no Z1; but a W is never a w that stands beside it.
            if spelling in known:
                return prefix + spelling
    return ""


def _spelled(word: str) -> str:
    try:
        return canonical_name(word)
    except ReadError:
        return word


# --- parsing --------------------------------------------------------------------------------------


class _Places:
    """Turns lines and columns (in bytes) of Python's parser into characters of the text."""

    def __init__(self, text: str) -> None:
        self.lines = text.splitlines(keepends=True) or [""]
        self.starts = [0]
        for line in self.lines:
            self.starts.append(self.starts[-1] + len(line))

    def at(self, line: int, column: int) -> int:
        place = min(max(line, 1), len(self.lines)) - 1
        row = self.lines[place]
        return self.starts[place] + (
            column if row.isascii() else len(row.encode()[:column].decode("utf-8", "ignore"))
        )

    def span(self, node: ast.expr | ast.stmt) -> Span:
        end = self.at(node.end_lineno or node.lineno, node.end_col_offset or 0)
        return Span(self.at(node.lineno, node.col_offset), end)


def _parsed(text: str) -> tuple[ast.Module, _Places]:
    """The syntax tree of a text that passes the limits. Raises ReadError."""
    _check_limits(text)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            module = ast.parse(text)
    except SyntaxError as error:
        at = _Places(text).at(error.lineno or 1, 0) + max(0, (error.offset or 1) - 1)
        at = min(at, max(0, len(text) - 1))
        raise ReadError(f"this is no Python: {error.msg}", text, Span(at, at + 1)) from None
    except (ValueError, MemoryError, RecursionError) as error:
        message = "this code is nested too deep" if not isinstance(error, ValueError) else "this is no Python"
        raise ReadError(message, text, Span(0, len(text)), "split it into statements of their own") from None
    _check_depth(module, text)
    return module, _Places(text)


def _check_limits(text: str) -> None:
    whole = Span(0, len(text))
    if len(text) > limits.LINE_BYTES:
        raise ReadError(f"the statement is longer than the limit of {limits.LINE_BYTES:,} bytes", text, whole)
    for unreadable in ("\0", "\f"):
        if unreadable in text:
            at = text.index(unreadable)
            raise ReadError("a control character is no code", text, Span(at, at + 1))
    if any("\ud800" <= c <= "\udfff" for c in text):
        raise ReadError("half of a character is no code", text, whole)
    long = _LONG_NUMBER.search(text)
    if long:
        span = Span(long.start(), long.end())
        raise ReadError(f"a number has at most {limits.HAND_DIGITS} digits", text, span)
    depth = 0
    for count, found in enumerate(_TOKEN.finditer(text), start=1):
        depth += (found.group() in "([{") - (found.group() in ")]}")
        if depth > limits.DEPTH:
            span = Span(found.start(), found.end())
            raise ReadError(f"brackets are nested more than {limits.DEPTH} deep", text, span)
        if count > limits.TOKENS:
            raise ReadError(f"the statement has more than {limits.TOKENS:,} tokens", text, whole)


def _check_depth(module: ast.Module, text: str) -> None:
    stack: list[tuple[ast.AST, int]] = [(module, 0)]
    while stack:
        node, depth = stack.pop()
        if depth > _DEPTH:
            hint = "name a part in an assignment of its own"
            raise ReadError(f"the code is nested more than {_DEPTH} deep", text, Span(0, len(text)), hint)
        stack.extend((child, depth + 1) for child in ast.iter_child_nodes(node))


# --- statements -----------------------------------------------------------------------------------


class _Reader:
    def __init__(self, text: str, places: _Places, known: frozenset[str]) -> None:
        self.text = text
        self.places = places
        self.known = known

    def statements(self, body: list[ast.stmt]) -> Iterator[CodeLine]:
        for one in body:
            span = self.places.span(one)
            try:
                yield from self._statement(one, span)
            except ReadError as error:
                yield CodeLine(name="", value=None, span=span, error=error)

    def _statement(self, one: ast.stmt, span: Span) -> Iterator[CodeLine]:
        match one:
            case ast.Assign(targets=targets, value=value):
                yield from self._assigned(targets, value, span)
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                yield from self._assigned([target], value, span)
            case ast.AugAssign(target=target, op=op, value=value):
                if type(op) not in _SIGNS:
                    self._refuse(one, "this operation is not read")
                yield self._line(self._target(target), value, span, _SIGNS[type(op)])
            case ast.Expr(value=value) if not _is_quiet(value):
                yield self._line("", value, span)
            case ast.FunctionDef(body=body) | ast.ClassDef(body=body) | ast.With(body=body):
                yield from self.statements(body)
            case ast.For() | ast.While() | ast.If() | ast.Try() | ast.Match():
                self._refuse(one, "what a loop or a condition does is not followed")
            case _:
                yield CodeLine(name="", value=None, span=span, skipped=True)

    def _assigned(self, targets: list[ast.expr], value: ast.expr, span: Span) -> Iterator[CodeLine]:
        if isinstance(value, ast.Lambda):
            yield CodeLine(name="", value=None, span=span, skipped=True)
            return
        for target in targets:
            masked = _masked(target, value)
            if masked is not None:
                yield self._line(self._target(masked[0]), masked[1], span, MASKED)
            elif isinstance(target, ast.Tuple | ast.List):
                values = value.elts if isinstance(value, ast.Tuple | ast.List) else []
                if len(values) != len(target.elts):
                    self._refuse(target, "several names take parts of one value, which is not read")
                for inner, part in zip(target.elts, values, strict=True):
                    yield self._line(self._target(inner), part, span)
            else:
                yield self._line(self._target(target), value, span)

    def _line(self, name: str, value: ast.expr, span: Span, augmented: str = "") -> CodeLine:
        read = _Canonical(self).visit(value)
        return CodeLine(name=name, value=read, span=span, augmented=augmented)

    def _target(self, target: ast.expr) -> str:
        named = _named(target)
        if named is None:
            self._refuse(
                target, "what is assigned to has no name of its own", "assign the whole array to a name"
            )
        return code_name(named, self.known)

    def _refuse(self, node: ast.expr | ast.stmt, message: str, hint: str = "") -> NoReturn:
        raise ReadError(message, self.text, self.places.span(node), hint)

    def number(self, node: ast.Constant) -> ast.Constant:
        """A number with its exact value: 0.1 is 1/10."""
        if isinstance(node.value, bool):
            return node
        if not isinstance(node.value, int | float):
            if isinstance(node.value, complex | bytes):
                self._refuse(node, "this is no number")
            return node
        span = self.places.span(node)
        written = self.text[span.start : span.end]
        found = _NUMBER.fullmatch(written)
        if isinstance(node.value, int) and found is None:
            return ast.copy_location(_exact(Fraction(node.value)), node)  # 0x10
        if (
            found is None
            or len(written) > limits.HAND_DIGITS + 10
            or abs(int(found.group(1) or "0")) > limits.EXPONENT
        ):
            self._refuse(
                node,
                f"a number has at most {limits.HAND_DIGITS} digits and exponents up to {limits.EXPONENT}",
            )
        digits = written.replace("_", "")
        return ast.copy_location(_exact(Fraction(digits)), node)


def _exact(value: Fraction) -> ast.Constant:
    """A number that is no float; Python's own trees have none, and nothing but our reader sees these."""
    return ast.Constant(value)  # type: ignore[arg-type]


class _Canonical(ast.NodeTransformer):
    """Names as they are known, and exact numbers. Names of functions and modules stay."""

    def __init__(self, reader: _Reader) -> None:
        self.reader = reader

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        return self.reader.number(node)

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id in MODULES:
            return node
        return self._name(node.id, node)

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        named = _named(node)
        if named is not None:
            return self._name(named, node)
        node.value = self.visit(node.value)
        return node

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        named = _named(node)
        if named is not None:
            return self._name(named, node)
        node.value, node.slice = self.visit(node.value), self.visit(node.slice)
        return node

    def visit_Call(self, node: ast.Call) -> ast.expr:
        match node.func:
            case ast.Name():
                pass
            case ast.Attribute(value=ast.Name(id="self"), attr=function):
                node.func = ast.copy_location(ast.Name(function, ast.Load()), node.func)
            case ast.Attribute():
                node.func.value = self.visit(node.func.value)
            case _:
                self.reader._refuse(node, "this call is not read")
        node.args = [self.visit(one) for one in node.args]
        for keyword in node.keywords:
            keyword.value = self.visit(keyword.value)
        return node

    def _name(self, word: str, node: ast.expr) -> ast.expr:
        return ast.copy_location(ast.Name(code_name(word, self.reader.known), ast.Load()), node)


def _named(node: ast.expr) -> str | None:
    """The name that a name, `self.W`, `W.grad` or `cache["z"]` stands for; None for anything else."""
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=ast.Name(id=owner), attr="grad") if owner not in MODULES:
            return f"d{owner}"
        case ast.Attribute(value=ast.Attribute(value=ast.Name(id=holder), attr=owner), attr="grad"):
            return f"d{owner}" if holder in CONTAINERS else None
        case ast.Attribute(value=ast.Name(id=holder), attr=name) if holder in CONTAINERS and name not in (
            "T",
            "shape",
        ):
            return name
        case ast.Subscript(value=ast.Name(id=holder), slice=ast.Constant(value=str() as name)):
            if not name.isidentifier() or holder not in CONTAINERS:
                return None
            return f"d{name}" if holder in _OF_GRADIENTS and not name.startswith("d") else name
    return None


def _masked(target: ast.expr, value: ast.expr) -> tuple[ast.expr, ast.expr] | None:
    """`dh[h <= 0] = 0`: the name, and what it becomes, `np.where(h <= 0, 0, dh)`."""
    match target:
        case ast.Subscript(value=ast.Name() as base, slice=ast.Compare() as where):
            numpy = ast.Attribute(ast.Name("np", ast.Load()), "where", ast.Load())
            kept = ast.Name(base.id, ast.Load())
            call = ast.Call(numpy, [where, value, kept], [])
            return base, ast.fix_missing_locations(ast.copy_location(call, target))
    return None


def _is_quiet(value: ast.expr) -> bool:
    """Whether an expression by itself claims nothing: a docstring, a print."""
    if isinstance(value, ast.Constant):
        return isinstance(value.value, str) or value.value is ...
    inner: ast.expr = value
    while isinstance(inner, ast.Call | ast.Attribute):
        inner = inner.func if isinstance(inner, ast.Call) else inner.value
    called = isinstance(value, ast.Call) and isinstance(inner, ast.Name)
    return called and isinstance(inner, ast.Name) and inner.id in _QUIET
