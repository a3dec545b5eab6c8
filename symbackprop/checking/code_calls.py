"""Calls in code: NumPy's functions and methods, PyTorch's names for the same, and the exercise's own."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any, TypeVar

from symbackprop.algebra.values.arrays import Array
from symbackprop.checking import code_arrays as arrays
from symbackprop.checking import code_shaping as shaping
from symbackprop.checking.code_arrays import refuse, unread
from symbackprop.checking.code_canonical import with_exact_numbers
from symbackprop.checking.code_loops import inlined
from symbackprop.checking.code_names import CALLED, MODULES
from symbackprop.checking.code_operators import power
from symbackprop.checking.code_shaping import Args, Handler, Options, axes_of, exactly, flag, only
from symbackprop.checking.code_values import Running, Value

T = TypeVar("T")

_ENTRYWISE = {
    "exp": "exp", "log": "log", "sqrt": "sqrt", "tanh": "tanh", "sin": "sin", "cos": "cos", "abs": "abs",
    "absolute": "abs", "fabs": "abs", "sigmoid": "sigmoid", "relu": "relu", "softplus": "softplus",
    "erf": "erf", "expit": "sigmoid",
}  # fmt: skip
"""Functions of modules, of one argument, and their rows in the table."""

_PAIRED = {"maximum": "max", "minimum": "min", "fmax": "max", "fmin": "min"}
_ARITHMETIC = {
    "add": "add", "subtract": "sub", "multiply": "mul", "mul": "mul", "divide": "div", "true_divide": "div",
}  # fmt: skip
_REDUCTIONS = {
    "sum": "sum", "mean": "mean", "average": "mean", "max": "max", "min": "min", "amax": "max", "amin": "min",
}  # fmt: skip
_METHODS = frozenset([
    "dot", "sum", "mean", "max", "min", "reshape", "view", "flatten", "ravel", "squeeze", "copy", "astype",
    "transpose", "clip", "item", "matmul", "mm", "outer", "float", "double", "clone", "detach", "numpy",
    "unsqueeze", "t", "mul", "pow", "square", "relu", "gt", "ge", "lt", "le", "add", "sub", "div", "clamp",
    "cpu", "contiguous", "requires_grad_",
    "exp", "log", "sqrt", "tanh", "sigmoid", "abs",
])  # fmt: skip
"""What may be called behind an array: `x.sum(axis=0)` is `np.sum(x, axis=0)`."""


def called(run: Running[T], node: ast.Call) -> Value[T]:
    """The value of a call."""
    options = {keyword.arg: keyword.value for keyword in node.keywords if keyword.arg}
    if len(options) != len(node.keywords) or any(isinstance(one, ast.Starred) for one in node.args):
        unread("stars in a call are not read")
    match node.func:
        case ast.Name(id=name):
            return _by_name(run, name, node.args, options)
        case ast.Attribute(value=ast.Attribute(value=ast.Name(id=module), attr=part), attr=name) if (
            module in MODULES or module in CALLED
        ):
            return _of_module(run, f"{part}.{name}", node.args, options)
        case ast.Attribute(value=ast.Name(id="torch"), attr="dot"):
            return _product(_vdot, rank=1)(run, node.args, options)
        case ast.Attribute(value=ast.Name(id=module), attr=name) if module in MODULES or module in CALLED:
            return _of_module(run, name, node.args, options)
        case ast.Attribute(value=owner, attr=name) if name in _METHODS:
            if run.value(owner).listed:
                refuse(f"'list' object has no attribute '{name}'")
            return _TABLE[name](run, [owner, *node.args], options)
    return unread(f"the call {ast.unparse(node.func)[:60]}(…) is not read in code")


def _by_name(run: Running[T], name: str, args: Args, options: Options) -> Value[T]:
    """A function without a module: the file's own, the exercise's, Python's, or one that was imported."""
    if name in run.own:
        named = {word: run.value(one) for word, one in options.items()}
        return inlined(run, run.own[name], name, [run.value(one) for one in args], named)
    if name in _PYTHON:
        return _PYTHON[name](run, args, options)
    found = run.function(name)
    if name in _TABLE and (
        found is None or name in ("sum", "mean", "outer", "dot", "diag", "eye", "zeros", "ones")
    ):
        return _TABLE[name](run, args, options)
    if found is None:
        unread(f"there is no function {name}")
    function, primes = found
    if options and function != "softmax":
        unread(f"named arguments of {name} are not read")
    if function in ("softmax", "log_softmax"):
        return _soft(run, function, args, options)
    return Value(run.applied(function, primes, *(run.array(one) for one in args)))


def _of_module(run: Running[T], name: str, args: Args, options: Options) -> Value[T]:
    handler = _TABLE.get(name.removeprefix("functional.").removeprefix("special.").removeprefix("nn."))
    if handler is None:
        unread(f"the function {name} is not read in code")
    return handler(run, args, options)


# --- entry by entry -------------------------------------------------------------------------------


def _unary_of(function: str) -> Handler:
    def handler(run: Running[T], args: Args, options: Options) -> Value[T]:
        exactly(args, 1)
        only(options)
        return Value(run.applied(function, 0, run.array(args[0])))

    return handler


def _binary_of(operation: str) -> Handler:
    def handler(run: Running[T], args: Args, options: Options) -> Value[T]:
        exactly(args, 2)
        only(options)
        left, right = run.value(args[0]), run.value(args[1])
        if left.truth and right.truth:
            unread("truth values do not combine like numbers in NumPy; write .astype(float)")
        return Value(run.entrywise(getattr(run.domain, operation), left.array, right.array))

    return handler


def _paired_of(function: str) -> Handler:
    def handler(run: Running[T], args: Args, options: Options) -> Value[T]:
        exactly(args, 2)
        only(options)
        return Value(run.applied(function, 0, run.array(args[0]), run.array(args[1])))

    return handler


def _square(run: Running[T], args: Args, options: Options) -> Value[T]:
    exactly(args, 1)
    only(options)
    return Value(run.array(args[0]).map(lambda a: run.domain.mul(a, a)))


def _negative(run: Running[T], args: Args, options: Options) -> Value[T]:
    exactly(args, 1)
    only(options)
    operand = run.value(args[0])
    if operand.truth:
        refuse("the numpy boolean negative is not supported")
    return Value(operand.array.map(run.domain.neg))


def _power(run: Running[T], args: Args, options: Options) -> Value[T]:
    exactly(args, 2)
    only(options)
    return Value(power(run, run.array(args[0]), args[1]))


def _sign(run: Running[T], args: Args, options: Options) -> Value[T]:
    exactly(args, 1)
    only(options)
    return Value(run.array(args[0]).map(lambda a: run.domain.from_fraction(Fraction(run.sign(a)))))


def _where(run: Running[T], args: Args, options: Options) -> Value[T]:
    """The second argument where the first holds, else the third."""
    exactly(args, 3)
    only(options)
    condition = run.value(args[0])
    left, right = run.value(args[1]), run.value(args[2])

    def chosen(c: T, a: T, b: T) -> T:
        holds = not run.domain.is_zero(c) if condition.truth else run.sign(c) != 0
        return a if holds else b

    done = run.entrywise(chosen, condition.array, left.array, right.array)
    return Value(done, truth=left.truth and right.truth)


def _clip(run: Running[T], args: Args, options: Options) -> Value[T]:
    """Between two bounds, either of which may be None."""
    exactly(args, 1, 3)
    only(options, "a_min", "a_max", "min", "max")
    low, high = [*args[1:], None, None][:2]
    found = run.array(args[0])
    for bound, kind, names in ((low, "max", ("a_min", "min")), (high, "min", ("a_max", "max"))):
        given = next((options[name] for name in names if name in options), bound)
        if given is not None and not (isinstance(given, ast.Constant) and given.value is None):
            found = run.applied(kind, 0, found, run.array(given))
    return Value(found)


def _heaviside(run: Running[T], args: Args, options: Options) -> Value[T]:
    """0 below 0, 1 above, and what is said at 0."""
    exactly(args, 2)
    only(options)

    def step(a: T, middle: T) -> T:
        sign = run.sign(a)
        return middle if not sign else run.domain.one if sign > 0 else run.domain.zero

    return Value(run.entrywise(step, run.array(args[0]), run.array(args[1])))


def _compared(relation: type[ast.cmpop]) -> Handler:
    """`np.greater(z, 0)` is `z > 0`."""

    def handler(run: Running[T], args: Args, options: Options) -> Value[T]:
        exactly(args, 2)
        only(options)
        return run.value(ast.Compare(args[0], [relation()], [args[1]]))

    return handler


def _written(formula: str) -> Handler:
    """A function of u that is another formula: `cosh`."""
    body = with_exact_numbers(ast.parse(formula, mode="eval").body)

    def handler(run: Running[T], args: Args, options: Options) -> Value[T]:
        exactly(args, 1)
        only(options)
        return run.within({"u": run.value(args[0])}).value(body)

    return handler


def _soft(run: Running[T], function: str, args: Args, options: Options) -> Value[T]:
    """Softmax of a flat array or a column, or along the axis that is named, else of each row."""
    exactly(args, 1, 2)
    only(options, "axis", "dim")
    value = run.array(args[0])
    axis = options.get("axis", options.get("dim", args[1] if len(args) == 2 else None))
    if axis is None and (len(value.shape) < 2 or value.shape[1:] == (1,)):
        return Value(run.applied_whole(function, value.reshaped((len(value.entries),))).reshaped(value.shape))
    if len(value.shape) > 2:
        unread(f"{function} of an array with {len(value.shape)} axes is not read")
    along = arrays.axis_of(run.whole(axis), value.shape) if axis is not None else 1
    if len(value.shape) == 2 and along == 0:
        return Value(arrays.transposed(run.applied_whole(function, arrays.transposed(value))))
    return Value(run.applied_whole(function, value))


# --- along axes -----------------------------------------------------------------------------------


def _reduce(run: Running[T], args: Args, options: Options, kind: str) -> Value[T]:
    exactly(args, 1, 2)
    only(options, "axis", "keepdims", "dim", "keepdim")
    if kind in ("max", "min") and "dim" in options:
        unread(f"{kind} along dim= gives two results in PyTorch, which is not read")
    value = run.array(args[0])
    axis = args[1] if len(args) == 2 else options.get("axis", options.get("dim"))
    keep = flag(options.get("keepdims", options.get("keepdim")))
    return Value(arrays.reduced(value, axes_of(run, axis), keep, lambda line: _combined(run, kind, line)))


def _combined(run: Running[T], kind: str, line: Sequence[T]) -> T:
    domain = run.domain
    if kind == "sum":
        return domain.total(line)
    if not line:
        refuse(f"{kind} of an empty array")
    if kind == "mean":
        return domain.div(domain.total(line), domain.from_fraction(Fraction(len(line))))
    best = line[0]
    for entry in line[1:]:
        best = run.applied(kind, 0, Array((), (best,)), Array((), (entry,))).entries[0]
    return best


def _reduction(kind: str) -> Handler:
    return lambda run, args, options: _reduce(run, args, options, kind)


def _norm(run: Running[T], args: Args, options: Options) -> Value[T]:
    exactly(args, 1)
    only(options)
    entries = run.array(args[0]).entries
    return Value(Array((), (run.domain.atom("sqrt", run.domain.dot(entries, entries)),)))


# --- products -------------------------------------------------------------------------------------


def _product(multiply: Callable[..., Array[Any]], *, rank: int | None = None) -> Handler:
    def handler(run: Running[T], args: Args, options: Options) -> Value[T]:
        exactly(args, 2)
        only(options)
        left, right = run.value(args[0]), run.value(args[1])
        if left.truth and right.truth:
            unread("a product of truth values is not read")
        if rank is not None and {len(left.shape), len(right.shape)} != {rank}:
            refuse(f"two arrays with {rank} axes are needed here")
        return Value(multiply(run.domain, left.array, right.array))

    return handler


def _vdot(domain: Any, a: Array[T], b: Array[T]) -> Array[T]:
    if len(a.entries) != len(b.entries):
        refuse(f"shapes {arrays.shown(a.shape)} and {arrays.shown(b.shape)} not aligned")
    return Array((), (domain.dot(a.entries, b.entries),))


def _inner(domain: Any, a: Array[T], b: Array[T]) -> Array[T]:
    if not a.shape or not b.shape:
        return arrays.dot(domain, a, b)
    last = (*range(len(b.shape) - 2), len(b.shape) - 1, len(b.shape) - 2) if len(b.shape) > 1 else None
    return arrays.dot(domain, a, b if last is None else arrays.transposed(b, last))


def _tensordot(run: Running[T], args: Args, options: Options) -> Value[T]:
    """A sum over one axis of each, or over the last `axes` of the one and the first of the other."""
    exactly(args, 2, 3)
    only(options, "axes")
    a, b = run.array(args[0]), run.array(args[1])
    node = options.get("axes", args[2] if len(args) == 3 else None)
    if isinstance(node, ast.Tuple | ast.List) and len(node.elts) == 2:
        first, second = (
            tuple(arrays.axis_of(one, array.shape) for one in run.shape(part))
            for part, array in zip(node.elts, (a, b), strict=True)
        )
    else:
        count = 2 if node is None else run.whole(node)
        first, second = tuple(range(len(a.shape) - count, len(a.shape))), tuple(range(count))
    if len(first) != len(second):
        refuse("shape-mismatch for sum")
    names = dict(zip(second, first, strict=True))
    left = "".join(chr(97 + axis) for axis in range(len(a.shape)))
    right = "".join(left[names[axis]] if axis in names else chr(107 + axis) for axis in range(len(b.shape)))
    kept = [one for one in left + right if not (one in left and one in right)]
    return Value(arrays.einsum(run.domain, f"{left},{right}->{''.join(kept)}", [a, b]))


def _kron(run: Running[T], args: Args, options: Options) -> Value[T]:
    exactly(args, 2)
    only(options)
    a, b = run.array(args[0]), run.array(args[1])
    if len(a.shape) != 2 or len(b.shape) != 2:
        unread("kron of other than two matrices is not read")
    product = arrays.einsum(run.domain, "ij,kl->ikjl", [a, b])
    return Value(arrays.reshaped(product, (a.shape[0] * b.shape[0], a.shape[1] * b.shape[1])))


def _einsum(run: Running[T], args: Args, options: Options) -> Value[T]:
    only(options)
    match args:
        case [ast.Constant(value=str() as pattern), *operands] if operands:
            return Value(arrays.einsum(run.domain, pattern, [run.array(one) for one in operands]))
    return unread("einsum without its pattern as a text is not read")


# --- Python's own ---------------------------------------------------------------------------------


def _python_sum(run: Running[T], args: Args, options: Options) -> Value[T]:
    """Python adds along the first axis; NumPy's sum, imported by name, has an axis."""
    if options or len(args) != 1:
        return _reduce(run, args, options, "sum")
    found = run.value(args[0])
    value = found.array
    if found.listed:  # Python adds what stands in a list
        return _reduced_first(run, value)
    if len(value.shape) != 1:
        unread("sum(…) of a matrix is Python's along the first axis, or NumPy's of all: write np.sum")
    return _reduce(run, args, options, "sum")


def _reduced_first(run: Running[T], value: Array[T]) -> Value[T]:
    return Value(arrays.reduced(value, (0,), False, run.domain.total))


def _python_extreme(kind: str) -> Handler:
    def handler(run: Running[T], args: Args, options: Options) -> Value[T]:
        only(options)
        values = [run.array(one) for one in args]
        if len(values) < 2 or any(len(value.entries) != 1 for value in values):
            refuse(f"{kind} of arrays is ambiguous in Python: write np.{kind}imum")
        best = values[0]
        for value in values[1:]:
            best = run.applied(kind, 0, best, value)
        return Value(best)

    return handler


def _len(run: Running[T], args: Args, options: Options) -> Value[T]:
    exactly(args, 1)
    only(options)
    shape = run.value(args[0]).shape
    return Value(run.scalar(shape[0] if shape else refuse("object of type 'float' has no len()")))


_PYTHON: Mapping[str, Handler] = {
    "sum": _python_sum, "max": _python_extreme("max"), "min": _python_extreme("min"), "len": _len,
    "float": shaping.as_number, "int": shaping.as_whole, "bool": shaping.as_truth,
}  # fmt: skip

_TABLE: Mapping[str, Handler] = {
    **{name: _unary_of(function) for name, function in _ENTRYWISE.items()},
    **{name: _paired_of(function) for name, function in _PAIRED.items()},
    **{name: _binary_of(operation) for name, operation in _ARITHMETIC.items()},
    **{name: _reduction(kind) for name, kind in _REDUCTIONS.items()},
    "square": _square, "negative": _negative, "power": _power, "pow": _power, "sign": _sign, "where": _where,
    "clip": _clip, "clamp": _clip, "heaviside": _heaviside, "tensordot": _tensordot, "kron": _kron,
    "greater": _compared(ast.Gt), "greater_equal": _compared(ast.GtE), "less": _compared(ast.Lt),
    "less_equal": _compared(ast.LtE), "gt": _compared(ast.Gt), "ge": _compared(ast.GtE),
    "lt": _compared(ast.Lt), "le": _compared(ast.LtE), "cosh": _written("(exp(u) + exp(-u)) / 2"),
    "sinh": _written("(exp(u) - exp(-u)) / 2"), "reciprocal": _written("1 / u"),
    "log1p": _written("log(1 + u)"), "expm1": _written("exp(u) - 1"),
    "softmax": lambda run, args, options: _soft(run, "softmax", args, options),
    "linalg.norm": _norm, "norm": _norm, "dot": _product(arrays.dot), "matmul": _product(arrays.matmul),
    "mm": _product(arrays.matmul, rank=2), "outer": _product(arrays.outer),
    "ger": _product(arrays.outer, rank=1),
    "vdot": _product(_vdot), "inner": _product(_inner), "einsum": _einsum,
    "ones": shaping.make_filled(1, like=False), "zeros": shaping.make_filled(0, like=False),
    "ones_like": shaping.make_filled(1, like=True), "zeros_like": shaping.make_filled(0, like=True),
    "eye": shaping.make_eye, "identity": shaping.make_eye, "diag": shaping.make_diag,
    "array": shaping.make_array,
    "asarray": shaping.make_array, "tensor": shaping.make_array, "constant": shaping.make_array,
    "reshape": shaping.as_reshape, "view": shaping.as_reshape, "flatten": shaping.as_flatten,
    "ravel": shaping.as_flatten, "squeeze": shaping.as_squeeze, "expand_dims": shaping.as_expand,
    "unsqueeze": shaping.as_expand, "transpose": shaping.as_transpose, "t": shaping.as_transpose,
    "copy": shaping.as_same, "clone": shaping.as_same, "detach": shaping.as_same, "numpy": shaping.as_same,
    "item": shaping.as_number, "astype": shaping.as_astype, "float64": shaping.as_floats,
    "float": shaping.as_floats, "double": shaping.as_floats, "float32": shaping.as_floats,
    "int64": shaping.as_whole, "int32": shaping.as_whole, "int8": shaping.as_whole,
    "uint8": shaping.as_whole, "diagflat": shaping.make_diagonal, "cpu": shaping.as_same,
    "contiguous": shaping.as_same, "requires_grad_": shaping.as_same, "sub": _binary_of("sub"),
    "div": _binary_of("div"),
}  # fmt: skip
"""Functions of modules by name; methods of arrays are the same with the array as first argument."""
