"""What a kind of number must be able to do, and the errors that all of them share."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from fractions import Fraction
from operator import mul
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class DomainProblem(ArithmeticError):
    """A function met an argument at which it has no value: `log(0)`, `1/0`, `sqrt(-2)`.

    `function`, `argument` (as text) and `reason` say what happened; `where` collects the place, from the
    inside out (`entry 2`, `equation L`). `entry` is the offset in an array on the way to becoming a place.
    """

    verb = "has no value"
    joint = "of"

    def __init__(self, function: str, argument: str, reason: str = "") -> None:
        super().__init__(function, argument, reason)
        self.function = function
        self.argument = argument
        self.reason = reason
        self.where: tuple[str, ...] = ()
        self.entry: int | None = None

    def __str__(self) -> str:
        place = f" ({', '.join(reversed(self.where))})" if self.where else ""
        reason = f": {self.reason}" if self.reason else ""
        return f"{self.what} {self.verb}{reason}{place}"

    @property
    def what(self) -> str:
        """`log of 0`, `division by 0`."""
        if self.function == "/":
            return "division by 0"
        return f"{self.function} {self.joint} {self.argument}" if self.argument else self.function

    def placed(self, shape: tuple[int, ...]) -> "DomainProblem":
        """The same error, `entry` turned into a place of an array of this shape."""
        if self.entry is not None and shape:
            rest, places = self.entry, []
            for length in reversed(shape):
                rest, place = divmod(rest, length)
                places.append(place + 1)
            self.at("entry " + ",".join(map(str, reversed(places))))
        self.entry = None
        return self

    def at(self, place: str) -> "DomainProblem":
        """The same error, knowing one more thing about its place."""
        self.where = (*self.where, place)
        return self


class NoSlope(DomainProblem):
    """A function or a quantity without a derivative where the example stands: `sqrt` at 0, a jump."""

    verb = "does not exist"
    joint = "at"


class EvaluationError(ValueError):
    """A tree that has no value because of what it is: shapes that do not fit, an unknown function, an index
    out of range. `node` is the offending part."""

    def __init__(self, node: Any, message: str) -> None:
        super().__init__(message)
        self.node = node
        self.message = message


class TooLarge(DomainProblem):
    """An argument or a result is beyond a stated limit; the reason names the limit."""

    verb = "is not computed"


class Symbolic(ArithmeticError):
    """There is no number here: a symbol without a value stands in the way. The quantity stays symbolic."""


class Missing(Symbolic):
    """A name has no value."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} has no value")
        self.name = name


class Undecided(ArithmeticError):
    """A ball is too wide to tell (a sign, or whether a divisor is 0): ask again with more bits."""


class NotCertified(ArithmeticError):
    """`limits.PRECISION_BITS` were not enough to be certain."""


class Redraw(ArithmeticError):
    """A random point of GF(p) is of no use (a divisor is 0, a root does not exist): draw another."""


class NeedsExtra(ImportError):
    """A library is missing that comes with an extra of ours: `extra` is its name."""

    def __init__(self, message: str, extra: str) -> None:
        super().__init__(f"{message}: pip install 'symbackprop[{extra}]'")
        self.extra = extra


class Domain(ABC, Generic[T]):
    """Numbers of one kind. `zero` and `one` are its own."""

    zero: T
    one: T

    @abstractmethod
    def from_fraction(self, value: Fraction) -> T: ...

    @abstractmethod
    def add(self, a: T, b: T) -> T: ...

    @abstractmethod
    def sub(self, a: T, b: T) -> T: ...

    @abstractmethod
    def mul(self, a: T, b: T) -> T: ...

    @abstractmethod
    def div(self, a: T, b: T) -> T: ...

    @abstractmethod
    def neg(self, a: T) -> T: ...

    @abstractmethod
    def power(self, a: T, exponent: Fraction) -> T: ...

    @abstractmethod
    def atom(self, name: str, a: T) -> T:
        """`exp log sin cos erf sqrt` of `a`; KeyError for any other name."""

    @abstractmethod
    def pi(self) -> T: ...

    @abstractmethod
    def sign(self, a: T) -> int:
        """-1, 0 or 1. Raises Undecided or Symbolic where the domain cannot say."""

    @abstractmethod
    def is_zero(self, a: T) -> bool:
        """Whether `a` is known to be exactly 0; never raises."""

    @abstractmethod
    def rational(self, a: T) -> Fraction | None:
        """`a` as a rational constant, or None if it is not known to be one."""

    @abstractmethod
    def generic(self, name: str, orders: tuple[int, ...], args: Sequence[T]) -> T:
        """A function without a formula, `orders[i]` times differentiated by argument i."""

    def show(self, a: T) -> str:
        """For error messages."""
        return str(a)

    def total(self, values: Iterable[T]) -> T:
        """The sum of `values`."""
        result = self.zero
        for value in values:
            result = self.add(result, value)
        return result

    def dot(self, left: Sequence[T], right: Sequence[T]) -> T:
        """Σ left[i]·right[i]."""
        return self.total(map(self.mul, left, right))

    def matmul(self, left: Sequence[Sequence[T]], columns: Sequence[Sequence[T]]) -> list[T]:
        """The matrix product, row-major, of the rows of the left and the columns of the right factor."""
        total, times = self.total, self.mul
        return [total(map(times, row, column)) for row in left for column in columns]

    # --- kinks. Only dual numbers have slopes; plain values agree on both sides of a kink.

    @property
    def core(self) -> "Domain[Any]":
        """The domain of plain numbers underneath dual numbers; itself otherwise."""
        return self

    def core_of(self, a: T) -> Any:
        """The plain number underneath."""
        return a

    def scale(self, share: Any, a: T) -> T:
        """`a` times a number of the core."""
        return self.mul(share, a)

    def tie(self, upper: T, lower: T, share: Any) -> T:
        """The value where two pieces meet: that of the upper piece; slopes are mixed by `share`."""
        return upper


def integer_dot(left: Sequence[int], right: Sequence[int]) -> int:
    """Σ left[i]·right[i] over the integers."""
    return sum(map(mul, left, right))
