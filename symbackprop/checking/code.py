"""Lines of code: assignments of NumPy as syntax trees with canonical names. Nothing is run.

`dW1`, `self.dW1`, `grads["dW1"]`, `grad_W1`, `W1.grad` and `dL_dW1` are one name, and `y_hat`,
`y_pred` and `ŷ` another.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, replace

from symbackprop.checking.code_canonical import Source, exact
from symbackprop.checking.code_names import code_name, in_container, named
from symbackprop.checking.code_text import parsed
from symbackprop.notation.node import Plain
from symbackprop.notation.spelling import ReadError
from symbackprop.notation.tree import Span

_HEADER = re.compile(
    r"(?:async\s+)?(?:def|class|for|while|if|elif|else|try|except|finally|with|match|case)\b|@"
)
_QUIET = frozenset(["print", "display", "plt", "logging", "warnings", "sys", "os", "input", "exit", "help"])
_SIGNS: Mapping[type[ast.operator], str] = {
    ast.Add: "+=", ast.Sub: "-=", ast.Mult: "*=", ast.Div: "/=", ast.MatMult: "@=", ast.Pow: "**=",
}  # fmt: skip
_CLAIMS = re.compile(r"(?<![=<>!])=(?!=)")

MASKED = "[]="
"""An assignment to some entries of an array."""


@dataclass(frozen=True, slots=True)
class Loop:
    """`for target in over:`."""

    target: ast.expr
    over: ast.expr


@dataclass(frozen=True, slots=True)
class Case:
    """The branch of an `if` in which its test holds, or does not."""

    test: ast.expr
    holds: bool


@dataclass(frozen=True, slots=True)
class Around:
    """The loops and the conditions that a statement stands in, from outside in."""

    loops: tuple[Loop, ...] = ()
    cases: tuple[Case, ...] = ()

    def __add__(self, inner: Around) -> Around:
        return Around(self.loops + inner.loops, self.cases + inner.cases)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class CodeLine(Plain):
    """One assignment, or one expression (`name` is then empty), at `span` of the text.

    `augmented` is `+=` and the like, or `MASKED` for `dh[h <= 0] = 0`, whose value is what all of dh becomes.
    `skipped` says that the statement claims nothing: an import, a header, a
    print, a comment. Else exactly one of `value` and `error` is there. `places` are the indices of an entry,
    `dW[i, j] = …`, `around` the loops and conditions of the same statement.
    """

    name: str
    value: ast.expr | None
    span: Span
    error: ReadError | None = None
    augmented: str = ""
    skipped: bool = False
    places: tuple[ast.expr, ...] = ()
    around: Around = Around()


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
        module, places = parsed(text)
        return tuple(_Reader(text, places, known).statements(module.body))
    except ReadError as error:
        claims = _CLAIMS.search(text) is not None  # print "old Python" is nothing to be judged
        return (
            CodeLine(name="", value=None, span=whole, error=error if claims else None, skipped=not claims),
        )


def read_header(text: str, known: frozenset[str]) -> Loop | Case | None:
    """The loop or the condition that a header opens, `for i in range(3):`; None for any other."""
    bare = text.partition("#")[0].strip().removeprefix("el")
    if not bare.startswith(("for ", "if ", "if(")):
        return None
    try:
        module, places = parsed(f"{bare} pass")
        source = Source(f"{bare} pass", places, known)
        match module.body:
            case [ast.For(target=target, iter=over)]:
                return Loop(source.canonical(target), source.canonical(over))
            case [ast.If(test=test)]:
                return Case(source.canonical(test), holds=True)
    except ReadError:
        pass
    return None


# --- statements -----------------------------------------------------------------------------------


class _Reader(Source):
    def statements(self, body: list[ast.stmt], around: Around = Around()) -> Iterator[CodeLine]:
        for one in body:
            span = self.places.span(one)
            try:
                for line in self._statement(one, span):
                    yield replace(line, around=around) if around != Around() else line
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
                    self.refuse(one, "this operation is not read")
                yield self._line(target, value, span, _SIGNS[type(op)])
            case ast.Return(value=ast.Dict() as made):
                yield from self._entries("grads", made, span)
            case ast.Expr(value=value) if not _is_quiet(value):
                yield CodeLine(name="", value=self.canonical(value), span=span)
            case ast.FunctionDef(body=body) | ast.ClassDef(body=body) | ast.With(body=body):
                yield from self.statements(body)
            case ast.For(target=target, iter=over, body=body):
                loop = Loop(self.canonical(target), self.canonical(over))
                yield from self.statements(body, Around(loops=(loop,)))
            case ast.If(test=test, body=body, orelse=other):
                read = self.canonical(test)
                yield from self.statements(body, Around(cases=(Case(read, holds=True),)))
                yield from self.statements(other, Around(cases=(Case(read, holds=False),)))
            case ast.While() | ast.Try() | ast.Match():
                self.refuse(one, "what a loop or a condition does is not followed")
            case _:
                yield CodeLine(name="", value=None, span=span, skipped=True)

    def _assigned(self, targets: list[ast.expr], value: ast.expr, span: Span) -> Iterator[CodeLine]:
        if isinstance(value, ast.Lambda | ast.JoinedStr) or _is_text(value):
            yield CodeLine(name="", value=None, span=span, skipped=True)
            return
        if isinstance(value, ast.Dict):
            holder = targets[0].id if isinstance(targets[0], ast.Name) else ""
            yield from self._entries(holder, value, span)
            return
        for target in targets:
            whole = masked(target, value)
            if whole is not None:
                yield self._line(whole[0], whole[1], span, MASKED)
            elif isinstance(target, ast.Tuple | ast.List):
                yield from self._unpacked(target, value, span)
            else:
                yield self._line(target, value, span)

    def _unpacked(self, target: ast.Tuple | ast.List, value: ast.expr, span: Span) -> Iterator[CodeLine]:
        """`a, b = b, a`; `N, D = X.shape`; what a container hands on claims nothing."""
        match value:
            case ast.Tuple(elts=values) | ast.List(elts=values) if len(values) == len(target.elts):
                for inner, part in zip(target.elts, values, strict=True):
                    yield self._line(inner, part, span)
            case ast.Attribute(attr="shape"):
                for at, inner in enumerate(target.elts):
                    length = ast.Subscript(deepcopy(value), exact(at), ast.Load())
                    yield self._line(inner, ast.fix_missing_locations(ast.copy_location(length, value)), span)
            case ast.Name() | ast.Attribute():
                yield CodeLine(name="", value=None, span=span, skipped=True)
            case _:
                self.refuse(target, "several names take parts of one value, which is not read")

    def _entries(self, holder: str, made: ast.Dict, span: Span) -> Iterator[CodeLine]:
        """`grads = {"dW": np.outer(dz, x)}`: what has a name already claims nothing."""
        found = False
        for key, value in zip(made.keys, made.values, strict=True):
            word = in_container(holder, key)
            if word is None or isinstance(value, ast.Constant):
                continue
            name, read = code_name(word, self.known), self.canonical(value)
            if not (isinstance(read, ast.Name) and read.id == name):
                found = True
                yield CodeLine(name=name, value=read, span=span)
        if not found:
            yield CodeLine(name="", value=None, span=span, skipped=True)

    def _line(self, target: ast.expr, value: ast.expr, span: Span, augmented: str = "") -> CodeLine:
        base, places = _entry(target)
        word = named(base)
        if word is None:
            self.refuse(
                target, "what is assigned to has no name of its own", "assign the whole array to a name"
            )
        return CodeLine(
            name=code_name(word, self.known), value=self.canonical(value), span=span, augmented=augmented,
            places=tuple(self.canonical(one) for one in places),
        )  # fmt: skip


def _entry(target: ast.expr) -> tuple[ast.expr, list[ast.expr]]:
    """`dW[i][j]` as dW and its places i, j; `dW[:]` is dW itself."""
    places: list[ast.expr] = []
    while isinstance(target, ast.Subscript) and named(target) is None:
        inner = target.slice.elts if isinstance(target.slice, ast.Tuple) else [target.slice]
        places[:0] = inner
        target = target.value
    whole = all(isinstance(one, ast.Slice) and one.lower is one.upper is one.step is None for one in places)
    return target, [] if whole else places


def _is_text(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and isinstance(value.value, str)


def masked(target: ast.expr, value: ast.expr) -> tuple[ast.Name, ast.expr] | None:
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
