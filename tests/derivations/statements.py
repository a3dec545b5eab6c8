"""The statements of a derivation, one after the other, with at most one mistake in them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import chain
from random import Random
from typing import Any

from symbackprop.algebra.values.arrays import Array
from symbackprop.notation import tree
from symbackprop.notation.tree import Node

from . import wording
from .entries import NoEntries, at_places, by_entries
from .facts import Facts, middle
from .figures import Figures, figures, near
from .jobs import Job, jobs
from .mutations import ARITHMETIC, Mutated, clear_with_stars, in_figures, in_formula, in_index_form, rows
from .numpy_code import NoCode, Numpy, in_code, right_code
from .putting import Putting, spelled
from .styles import Style, style
from .variants import by_hand, variant
from .writing import Hand, Unwritable


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """A chain: what stands first, and what follows with its relations. `claims` are the trees behind it."""

    job: Job
    left: str
    parts: tuple[tuple[str, str], ...]
    claims: tuple[Node, ...] = ()
    numbers: Figures | None = None
    wrong: bool = False
    mistake: str | None = None
    carried: bool = False


@dataclass(frozen=True, slots=True)
class Slip:
    """Where the mistake is made, and whether what follows takes over its numbers."""

    at: int
    seed: str
    carried: bool


class NoSlip(ValueError):
    """No mistake can be made there."""


@dataclass
class Writer:
    """Somebody at work on an exercise."""

    facts: Facts
    style: Style
    seed: str
    slip: Slip | None = None
    written: dict[str, Figures] = field(default_factory=dict)
    known: dict[str, Array[Any]] = field(default_factory=dict)
    real: dict[str, Array[Any]] = field(default_factory=dict)
    mistaken: bool = False

    def run(self) -> list[Statement]:
        """All statements that this person can write. Raises NoSlip."""
        made: list[Statement] = []
        self.known = dict(self.facts.exercise.values)
        self.real = dict(self.facts.exercise.values)
        done: set[str] = set()
        for at, job in enumerate(jobs(self.facts, self.style, Random(f"{self.seed}/jobs"))):
            if job.kind in ("formula", "index", "entry"):
                self._reach(job.target, done)
            slipped = self.slip is not None and self.slip.at == at
            before = dict(self.written), dict(self.known), dict(self.real)
            try:
                statement = self._statement(at, job, slipped)
            except (Unwritable, NoEntries, NoCode) as error:
                if slipped:
                    raise NoSlip(str(error)) from error
                for table, kept in zip((self.written, self.known, self.real), before, strict=True):
                    table.clear()  # its numbers are not on the page
                    table.update(kept)
                continue
            made.append(self._judged(statement))
            if slipped and self.slip is not None:
                self.mistaken = True
                if not self.slip.carried:
                    self._forget(job.target)
        return made

    def _forget(self, target: str) -> None:
        """After a mistake that stands alone: everything is as it is in truth."""
        self.written.pop(target, None)
        self.known.update(self.facts.exact)

    def hand(self, at: int) -> Hand:
        """The writing of one statement."""
        return Hand(self.facts, self.style, hash_of(self.seed), Random(f"{self.seed}/{at}/hand"))

    # --- numbers

    @property
    def propagates(self) -> bool:
        """Whether later numbers come from the written ones.

        After a mistake that is not carried on they come from the exact ones: right digits of the wrong
        line stand nowhere.
        """
        if self.slip is None:
            return self.style.source == "written"
        return self.slip.carried or (self.style.source == "written" and not self.mistaken)

    def _reach(self, target: str, done: set[str]) -> None:
        """Everything that comes before a target gets its number, from what is known so far."""
        for key, step in self.facts.by_target.items():
            if key not in done and key not in self.known and key in self.facts.exact:
                done.add(key)
                for table in (self.known, self.real):
                    value = self._number(key, step.formula, table)
                    if value is not None:
                        table[key] = value
            if key == target:
                return

    def _number(self, key: str, formula: Node, table: dict[str, Array[Any]]) -> Array[Any] | None:
        exact = self.facts.exact[key]
        if not self.propagates:
            return exact
        found = self.facts.value(formula, table, exact.shape)
        if found is None or len(found.entries) != len(exact.entries):
            return None
        return found.reshaped(exact.shape)

    def _state(self, key: str, value: Figures, right: Figures) -> None:
        """What is written from now on stands for the exact number."""
        self.written[key] = value
        if self.propagates:
            self.known[key] = value.array
            self.real[key] = right.array

    # --- statements

    def _statement(self, at: int, job: Job, slipped: bool) -> Statement:
        rng = Random(f"{self.seed}/{at}")
        hand = self.hand(at)
        if self.style.format == "code":
            return self._code(job, rng, slipped)
        match job.kind:
            case "formula":
                return self._formula(job, hand, rng, slipped)
            case "index":
                return self._index(job, hand, rng, slipped)
            case "entry":
                return self._entry(job, hand, rng, slipped)
        if slipped:
            raise NoSlip(job.kind)
        return self._said(job, hand)

    def _code(self, job: Job, rng: Random, slipped: bool) -> Statement:
        """A line of NumPy; it is run to see whether it gives the right numbers."""
        numpy = Numpy(self.facts, self.style.columns, hash_of(self.seed))
        if job.kind == "given":
            if slipped:
                raise NoSlip("a value")
            return Statement(job=job, left=job.target, parts=(("=", numpy.given(job.target)),))
        formula = self.facts.by_target[job.target].formula
        for _ in range(4):
            claim = variant(self.facts, job.target, formula, rng)
            right = numpy.line(claim)
            if right_code(self.facts, job.target, right, self.style.columns):
                break
        else:
            raise Unwritable(job.target)
        if not slipped or self.slip is None:
            return Statement(job=job, left=job.target, parts=(("=", right),), claims=(claim,))
        found = in_code(self.facts, job.target, numpy, Random(self.slip.seed))
        if found is None:
            raise NoSlip("no line goes wrong")
        text, mistake = found
        return Statement(job=job, left=job.target, parts=(("=", text),), wrong=True, mistake=mistake)

    def _said(self, job: Job, hand: Hand) -> Statement:
        """A value, a space, a function: nothing to go wrong in."""
        if job.kind == "given":
            array = self.facts.exercise.values[job.target]
            value = figures(array, 6)
            self.written[job.target] = value
            row = len(value.shape) == 2
            return Statement(job=job, left=hand.name(job.target), parts=(("=", hand.value(value, row=row)),))
        if job.kind == "typing":
            return Statement(
                job=job, left=hand.name(job.target), parts=((r"\in", wording.space(self.facts, job.target)),)
            )
        left, right = (wording.function if job.kind == "function" else wording.slope)(
            self.facts, hand, job.target
        )
        return Statement(job=job, left=left, parts=(("=", right),))

    def _left(self, job: Job, hand: Hand, rng: Random) -> tuple[str, list[tuple[str, str]]]:
        """What stands on the left, and perhaps the same gradient in other letters behind it."""
        if job.target[0] != "d" or not self.facts.by_target[job.target].gradient:
            return hand.name(job.target), []
        of = tree.Name(job.target[1:])
        first = hand.gradient(of)
        if rng.random() < 0.2 or first.startswith((r"\delta", "δ")) or (first == "dy" and of.name == "yhat"):
            ways = ("partial", "straight") if self.style.latex else ("inline",)
            second = hand.gradient(of, rng.choice(ways) if "d" not in self.facts.exercise.shapes else ways[0])
            if second != first:
                return first, [("=", second)]
        return first, []

    def _formula(self, job: Job, hand: Hand, rng: Random, slipped: bool) -> Statement:
        step = self.facts.by_target[job.target]
        base = by_hand(self.facts, step.formula)
        if isinstance(base, tree.Entrywise):
            return self._index(job, hand, rng, slipped)
        claims = [variant(self.facts, job.target, base, rng)]
        if rng.random() < 0.25:
            other = variant(self.facts, job.target, base, rng)
            claims += [other] if other != claims[0] else []
        change: Mutated | None = None
        if slipped:
            change = self._changed(job, claims)
            claims = list(change.claims)
        left, parts = self._left(job, hand, rng)
        if change is None:
            parts += wording.chain_rule(self.facts, hand, job.target, rng)
        parts += [("=", hand.text(claim)) for claim in claims]
        numbers: Figures | None = None
        if job.numbers:
            more, numbers = self._numbers(job, hand, rng, claims[-1], change)
            parts += more
        elif change and change.figures:
            raise NoSlip("no numbers")
        return Statement(
            job=job, left=left, parts=tuple(parts), claims=tuple(claims), numbers=numbers,
            wrong=change is not None, mistake=change.mistake if change else None,
        )  # fmt: skip

    def _changed(self, job: Job, claims: list[Node]) -> Mutated:
        assert self.slip is not None
        rng = Random(self.slip.seed)
        if job.numbers and rng.random() < (0.6 if self.slip.carried else 0.35):
            return Mutated(tuple(claims), rng.choice((ARITHMETIC, ARITHMETIC, "entry_sign")), figures=True)
        found = in_formula(self.facts, job.target, claims[0], rng)
        if found is None or (
            self.style.hadamard == "*" and not clear_with_stars(self.facts, found.claims[0])
        ):
            raise NoSlip(job.target)
        if self.style.activation == "letter" and found.mistake in ("other_function", "other_slope"):
            raise NoSlip("a letter says of no function that it is another")
        return found

    def _numbers(
        self, job: Job, hand: Hand, rng: Random, formula: Node, change: Mutated | None
    ) -> tuple[list[tuple[str, str]], Figures | None]:
        """The numbers put in, and what comes out; a slip in it where it is made."""
        wrong_formula = change is not None and not change.figures
        if wrong_formula:
            value = self.facts.value(formula, self.known, self.facts.exact[job.target].shape)
            if value is None or len(value.entries) != len(self.facts.exact[job.target].entries):
                return [], None
            if _written_shape(value.shape) != _written_shape(self.facts.exact[job.target].shape):
                return [], None
            value = value.reshaped(self.facts.exact[job.target].shape)
            if near(figures(value, self.style.digits), self.facts.exact[job.target], 1):
                raise NoSlip("with these numbers it is right")
        elif job.target in self.known:
            value = self.known[job.target]
            if self.propagates:
                value = self.facts.value(formula, self.known, value.shape) or value
                value = value.reshaped(self.facts.exact[job.target].shape)
        else:
            return [], None
        right = figures(value, self.style.digits)
        if change is None and not (self.slip and self.slip.carried) and not self._sound(job.target, value):
            return [], None
        made = right
        if change is not None and change.figures:
            slipped = in_figures(right, change.mistake, Random(f"{self.slip.seed}/n" if self.slip else ""))
            exact = self.facts.exact[job.target]
            if slipped is None or near(slipped, exact, 3) or self._within_rounding(slipped, right, exact):
                raise NoSlip("no such slip in these numbers")
            self._not_a_formula(job.target, slipped)
            made = slipped
        self._state_or_not(job, made, right, change)
        parts = []
        braces = self.style.latex and self.style.arrays != "tuple" and rng.random() < 0.2
        put = Putting(self.facts, self.written, braces).put(formula) if rng.random() < 0.6 else None
        afresh = self.mistaken and self.style.source == "written" and not self.propagates
        if put is not None and not afresh and job.target != self.facts.exercise.loss:
            parts.append(("=", hand.text(put)))
            terms = spelled(self.facts, self.written, formula)
            parts += [("=", hand.text(terms))] if terms is not None and rng.random() < 0.6 else []
        exact = right.exact and self._exactly(formula)
        parts.append(("=" if exact else self.style.approx, hand.value(made, row=len(made.shape) == 2)))
        return parts, made

    def _within_rounding(self, slipped: Figures, right: Figures, exact: Array[Any]) -> bool:
        """Whether the numbers before leave as much open as the slip is off: then it may be rounding."""
        triples = zip(slipped.entries, right.entries, exact.entries, strict=True)
        return all(
            abs(one.value - middle(real)) <= 5 * abs(other.value - middle(real))
            for one, other, real in triples if one.value != other.value
        )  # fmt: skip

    def _sound(self, target: str, value: Array[Any]) -> bool:
        """Whether rounding has not eaten the number up, as it does where nearly equal numbers cancel."""
        pairs = zip(value.entries, self.facts.exact[target].entries, strict=True)
        exact = [(middle(one), middle(other)) for one, other in pairs]
        return max(abs(a - b) for a, b in exact) * 50 <= max(abs(b) for _, b in exact)

    def _exactly(self, formula: Node) -> bool:
        """Whether nothing rounded goes in."""
        names = {part.name for part in tree.walk(formula) if isinstance(part, tree.Name)}
        names |= {"d" + name for name in names}
        return all(self.written[name].exact for name in names if name in self.written)

    def _not_a_formula(self, target: str, slipped: Figures, place: tuple[int, ...] | None = None) -> None:
        """Raise NoSlip where the slip has the number of a wrong formula, which would explain it as well."""
        sizes = self.facts.exact[target].shape
        for formula in chain.from_iterable(rows(self.facts.name, target).values()):
            value = self.facts.value(formula, self.known, sizes)
            if value is None or (place is not None and value.shape != sizes):
                continue
            if near(slipped, value if place is None else Array.scalar(value.at(*place)), 2):
                raise NoSlip("a wrong formula gives this too")

    def _state_or_not(self, job: Job, made: Figures, right: Figures, change: Mutated | None) -> None:
        if change is None or (self.slip and self.slip.carried):
            real = self.real.get(job.target)
            shown = figures(real, self.style.digits) if real is not None else right
            self._state(job.target, made, shown)

    def _index(self, job: Job, hand: Hand, rng: Random, slipped: bool) -> Statement:
        step = self.facts.by_target[job.target]
        if self.facts.single(job.target):
            raise NoEntries("one entry only")
        whole = by_entries(self.facts, job.target, by_hand(self.facts, step.formula))
        if any(isinstance(part, tree.Where) for part in tree.walk(whole)):
            raise NoEntries("a guard")
        if not slipped and not self.facts.holds(job.target, whole):
            raise NoEntries("this does not hold")
        mistake = None
        if slipped and self.slip is not None:
            found = in_index_form(self.facts, job.target, whole, Random(self.slip.seed))
            if found is None:
                raise NoSlip("no mistake in these indices")
            whole, mistake = found
        left = self._entry_name(job, tuple(map(tree.Name, whole.indices)), hand)
        parts = (("=", hand.text(whole.body)),)
        return Statement(
            job=job, left=left, parts=parts, claims=(whole,), wrong=slipped, mistake=mistake
        )  # fmt: skip

    def _entry_name(self, job: Job, places: tuple[Node, ...], hand: Hand) -> str:
        step = self.facts.by_target[job.target]
        name = tree.Index(tree.Name(step.target), places)
        return hand.text(tree.Gradient(name) if step.gradient else name)

    def _entry(self, job: Job, hand: Hand, rng: Random, slipped: bool) -> Statement:
        """One entry with its numbers: `dL/dw_12 = dz_1 x_2 = (−4)·0 = 0`."""
        if job.target not in self.known or self.facts.single(job.target):
            raise NoEntries("one entry only, or no numbers")
        step = self.facts.by_target[job.target]
        whole = by_entries(self.facts, job.target, by_hand(self.facts, step.formula))
        if any(isinstance(part, tree.Where) for part in tree.walk(whole)):
            raise NoEntries("a guard")
        array = self.known[job.target]
        places = rng.choice(list(array.places()))
        formula = at_places(self.facts, whole, tuple(place + 1 for place in places))
        value = self.facts.value(formula, self.known, ())
        if value is None or len(value.entries) != 1:
            raise NoEntries("no number")
        right = made = figures(value.reshaped(()), self.style.digits)
        mistake = None
        if slipped and self.slip is not None:
            if self.slip.carried:
                raise NoSlip("one entry is not carried on")
            slipped_figures = in_figures(right, ARITHMETIC, Random(self.slip.seed))
            if slipped_figures is None:
                raise NoSlip("no slip")
            self._not_a_formula(job.target, slipped_figures, places)
            made, mistake = slipped_figures, ARITHMETIC
        numbers = tuple(tree.number(place + 1) for place in places)
        relation = "=" if right.exact and self._exactly(formula) else self.style.approx
        parts = (("=", hand.text(formula)), (relation, hand.value(made)))
        return Statement(
            job=replace(job, target=job.target), left=self._entry_name(job, numbers, hand), parts=parts,
            claims=(formula,), numbers=made, wrong=slipped, mistake=mistake,
        )  # fmt: skip

    # --- judging what follows

    def _judged(self, statement: Statement) -> Statement:
        """Whether numbers are false in the real world because of an earlier mistake."""
        if self.slip is None or not self.mistaken or statement.numbers is None or not self.slip.carried:
            return statement
        truths = self._truths(statement)
        zeros = [at for at, figure in enumerate(statement.numbers.entries) if not figure.value]
        if any(middle(real.entries[at]) for real in truths for at in zeros if at < len(real.entries)):
            raise NoSlip("a 0 says nothing of how it is rounded")
        if all(near(statement.numbers, real, Fraction(51, 100)) for real in truths):
            return statement
        if any(near(statement.numbers, real, 5) for real in truths):
            raise NoSlip("too near to the truth to say that it is carried")
        return replace(statement, carried=True)

    def _truths(self, statement: Statement) -> list[Array[Any]]:
        """What would stand there without the mistake: from what is written, and exactly."""
        claim, target = statement.claims[-1], statement.job.target
        sizes = () if statement.job.kind == "entry" else self.facts.exact[target].shape
        tables = (self.real, self.facts.exact)
        found = [self.facts.value(claim, table, sizes) for table in tables]
        if statement.job.kind != "entry":
            found += [self.real.get(target), self.facts.exact[target]]
        return [one for one in found if one is not None]


def _written_shape(sizes: tuple[int, ...]) -> tuple[int, ...]:
    while sizes and sizes[-1] == 1:
        sizes = sizes[:-1]
    return sizes


def hash_of(text: str) -> int:
    """A number that is the same in every process."""
    return Random(text).getrandbits(48)


def written_by(facts: Facts, seed: str, slip: Slip | None = None) -> tuple[Style, list[Statement]]:
    """The style of a seed and its statements. Raises NoSlip where the mistake cannot be made."""
    chosen = style(facts, Random(f"{seed}/style"))
    return chosen, Writer(facts, chosen, seed, slip).run()


def slips(facts: Facts, seed: str) -> Iterator[Slip]:
    """Places for a mistake, in random order; half of them are carried on, if they have numbers."""
    rng = Random(f"{seed}/slips")
    count = len(jobs(facts, style(facts, Random(f"{seed}/style")), Random(f"{seed}/jobs")))
    for attempt in range(12 * count):
        yield Slip(rng.randrange(count), f"{seed}/slip/{attempt}", rng.random() < 0.5)
