"""The integers modulo a prime, where equal formulas give equal numbers and unequal ones hardly ever do.

The elementary functions become deterministic pseudo-random numbers with the laws that derivatives need:

- exp(a + b) = exp(a) exp(b) among the arguments seen so far, and exp(r a) = exp(a)^r for small
  rational r (`exponentials.py`); exp is the inverse of log on what either has seen; exp(0) = 1.
- cos² + sin² = 1, cos even, sin and erf odd.
- sqrt(u)² = u, sqrt(u²) = |u|: the root that is itself a square (p ≡ 3 mod 4), Redraw where none exists.
- sign(u) is the quadratic character: sign(−u) = −sign(u), sign(uv) = sign(u) sign(v), exp(u) and pi
  are positive, and a sqrt is. Random points give random signs. `signs` overrides it, pair by pair:
  all on, all off, or the bits of a number, for going through all patterns of units.

Values belong to the instance that made them: both sides of a comparison use the same one.
"""

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from random import Random
from typing import ClassVar, Literal

from symbackprop.algebra.values.arrays import Array
from symbackprop.algebra.values.domain import Domain, Redraw, integer_dot
from symbackprop.algebra.values.exponentials import Exponentials
from symbackprop.limits import EXPONENT

try:
    from _blake2 import blake2b  # what hashlib has, which would load the whole of OpenSSL
except ImportError:  # other Pythons
    from hashlib import blake2b

MERSENNE = 2**61 - 1
"""The modulus of certificates."""

ORDERED = 2305843009242351479
"""A prime p ≡ 7 mod 8 for which every prime up to 67 is a square: there sqrt(3) exists, |3u| = 3|u|,
and every positive integer with small factors is positive. For models with roots that `MERSENNE` lacks."""

Signs = Literal["random", "on", "off"] | int


class GFp(Domain[int]):
    """GF(p). `seed` chooses the functions' values; see the module for what holds among them."""

    zero = 0
    one = 1

    def __init__(self, seed: int | str = 0, *, modulus: int = MERSENNE, signs: Signs = "random") -> None:
        self.modulus = modulus
        self.seed = str(seed)
        self.signs = signs
        self._key = blake2b(f"{seed}|{modulus}".encode(), digest_size=32).digest()
        self._exponentials = Exponentials(modulus, self._random)
        self._patterns: dict[int, int] = {}
        self._source = Random(f"{seed}|{modulus}")
        self.roots: set[int] | None = None
        """Where this is a set, numbers without a square root are noted in it, and any number is taken for
        the root: a way to see how many roots a formula needs. What comes out of it is of no other use."""

    # --- arithmetic

    def from_fraction(self, value: Fraction) -> int:
        if value.denominator == 1:
            return value.numerator % self.modulus
        return value.numerator * self._inverse(value.denominator % self.modulus) % self.modulus

    def add(self, a: int, b: int) -> int:
        return (a + b) % self.modulus

    def sub(self, a: int, b: int) -> int:
        return (a - b) % self.modulus

    def mul(self, a: int, b: int) -> int:
        return a * b % self.modulus

    def div(self, a: int, b: int) -> int:
        return a * self._inverse(b) % self.modulus

    def neg(self, a: int) -> int:
        return -a % self.modulus

    def power(self, a: int, exponent: Fraction) -> int:
        """`a` to a rational; roots other than square ones as exp(q log a)."""
        if abs(exponent) > EXPONENT:
            raise Redraw(f"an exponent beyond {EXPONENT}")
        if exponent.denominator == 2:
            return self.power(self._sqrt(a), exponent * 2)
        if exponent.denominator != 1:
            whole = exponent.numerator // exponent.denominator
            root = self._exp(self.mul(self.from_fraction(exponent - whole), self._log(a)))
            return self.mul(self.power(a, Fraction(whole)), root)
        base = a if exponent >= 0 else self._inverse(a)
        value: int = pow(base, abs(exponent.numerator), self.modulus)
        return value

    def total(self, values: Iterable[int]) -> int:
        return sum(values) % self.modulus

    def dot(self, left: Sequence[int], right: Sequence[int]) -> int:
        return integer_dot(left, right) % self.modulus

    def matmul(self, left: Sequence[Sequence[int]], columns: Sequence[Sequence[int]]) -> list[int]:
        modulus = self.modulus
        return [integer_dot(row, column) % modulus for row in left for column in columns]

    def is_zero(self, a: int) -> bool:
        return a == 0

    def rational(self, a: int) -> Fraction | None:
        return None

    # --- functions

    def atom(self, name: str, a: int) -> int:
        return self._atoms[name](self, a)

    def pi(self) -> int:
        return pow(self._random("pi"), 2, self.modulus)

    def generic(self, name: str, orders: tuple[int, ...], args: Sequence[int]) -> int:
        return self._random("generic", name, *orders, "of", *args)

    def sign(self, a: int) -> int:
        if a == 0:
            return 0
        if self.signs == "random":
            return self._character(a)
        flip = a > self.modulus // 2
        first = min(a, self.modulus - a)
        # The first of ±u that is met counts as the one that the pattern speaks of.
        bit = self._patterns.setdefault(first, self._pattern_bit(len(self._patterns)) * (-1 if flip else 1))
        return -bit if flip else bit

    @property
    def signs_met(self) -> int:
        """How many independent signs were asked for (with `signs` other than "random")."""
        return len(self._patterns)

    def draw(self) -> int:
        """The next pseudo-random element, not 0."""
        return self._source.randrange(1, self.modulus)

    def draw_array(self, shape: tuple[int, ...]) -> Array[int]:
        """An array of such elements."""
        size = 1
        for length in shape:
            size *= length
        return Array(shape, tuple(self.draw() for _ in range(size)))

    # --- how

    def _inverse(self, a: int) -> int:
        if a == 0:
            raise Redraw("division by 0")
        return pow(a, -1, self.modulus)

    def _random(self, *key: int | str) -> int:
        digest = blake2b(repr(key).encode(), digest_size=32, key=self._key).digest()
        return int.from_bytes(digest, "big") % (self.modulus - 1) + 1

    def _character(self, a: int) -> int:
        return 1 if pow(a, (self.modulus - 1) // 2, self.modulus) == 1 else -1

    def _pattern_bit(self, place: int) -> int:
        if isinstance(self.signs, int):
            return 1 if self.signs >> place & 1 else -1
        return 1 if self.signs == "on" else -1

    def _sqrt(self, a: int) -> int:
        root = pow(a, (self.modulus + 1) // 4, self.modulus)
        if root * root % self.modulus != a:
            if self.roots is not None:
                self.roots.add(a)
                return root
            raise Redraw("a number without a square root")
        return root

    def _exp(self, a: int) -> int:
        return self._exponentials.exp(a)

    def _log(self, a: int) -> int:
        return self._exponentials.log(a)

    def _odd(self, name: str, a: int) -> int:
        if a == 0:
            return 0
        first = min(a, self.modulus - a)
        value = self._random(name, first)
        return value if a == first else self.modulus - value

    def _sin(self, a: int) -> int:
        half = self._odd("tan", a)
        return 2 * half * self._inverse(1 + half * half) % self.modulus

    def _cos(self, a: int) -> int:
        half = self._odd("tan", a)
        return (1 - half * half) * self._inverse(1 + half * half) % self.modulus

    def _erf(self, a: int) -> int:
        return self._odd("erf", a)

    _atoms: ClassVar[dict[str, Callable[["GFp", int], int]]] = {
        "exp": _exp, "log": _log, "sin": _sin, "cos": _cos, "erf": _erf, "sqrt": _sqrt,
    }  # fmt: skip
