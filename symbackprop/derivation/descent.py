"""Gradient descent: every step goes forward and back through the derived formulas with new parameters.

Numbers stay exact while they are rational and short; then they are intervals, and bits are added until
every digit that is kept is certain. Beyond `limits.DESCENT_CERTIFIED` steps intervals would only grow:
there each step rounds to so many bits, the whole is done with twice as many, and both must agree.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import prod
from typing import Any, Final

from symbackprop import limits
from symbackprop.algebra.optimizers import COUNT, GRADIENT, OPTIMIZERS, PARAMETER, RATE
from symbackprop.algebra.values.apply import formula
from symbackprop.algebra.values.arrays import Array
from symbackprop.algebra.values.domain import DomainProblem, NotCertified, TooLarge
from symbackprop.algebra.values.exact import START_BITS, Exact, bounds, settled
from symbackprop.derivation.model import Model
from symbackprop.derivation.numbers import check_digits, evaluator, shaped
from symbackprop.derivation.steps import Step
from symbackprop.exercise.faults import ExerciseError, Fault
from symbackprop.exercise.model import Descent

Arrays = Mapping[str, Array[Any]]

_LONG: Final = int(limits.DESCENT_DIGITS * 3.33)  # bits of an exact number that is carried on
RUNAWAY: Final = Fraction(10) ** limits.EXPONENT
RUNAWAY_TEXT: Final = f"10^{limits.EXPONENT}"
"""A loss from which on nobody wants to read the numbers."""

_KEPT_ENDS: Final = 3  # the first steps whose parameters are kept where not all are


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """Where descent stands after `number` steps, 0 being the start.

    `parameters` and `gradients` (of the loss, at these parameters) are by the name of the
    parameter; None where they are not kept, as the gradients after the last step, which nobody needs.
    """

    number: int
    loss: Any
    parameters: Arrays | None
    gradients: Arrays | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Descended:
    """A descent carried out. `moments` has the start and every step.

    `first` is, by parameter, what each formula of the optimiser gave at step 1; `last` the forward
    pass with the parameters after the last step. `certified`: every digit is certain; else two
    precisions agree, `bits` being the higher one.
    """

    plan: Descent
    moments: tuple[Moment, ...]
    first: Mapping[str, Arrays]
    last: Arrays
    certified: bool
    bits: int

    @property
    def parameters(self) -> Arrays:
        """The parameters after the last step."""
        found = self.moments[-1].parameters
        assert found is not None  # the ends are always kept
        return found


def descended(model: Model, steps: Sequence[Step], digits: int) -> Descended | None:
    """Carry out the descent that the exercise asks for; None if it asks for none.

    `digits` after the point are certain (or agreed on) in all that is kept. Raises DomainProblem
    where a step leads to where the model has no value, NotCertified where no precision is enough,
    ExerciseError where it takes too long.
    """
    plan = model.exercise.descent
    if plan is None:
        return None
    walk = _Walk(model, tuple(steps), plan, time.monotonic() + limits.DESCENT_SECONDS)
    try:
        if plan.steps > limits.DESCENT_CERTIFIED:
            return _agreed(walk, digits)
        return settled(lambda domain: _certain(walk, domain.bits, digits))
    except NotCertified as error:
        advice = "ask for fewer steps, fewer digits or a smaller rate"
        raise NotCertified(f"descent of {plan.steps:,} steps: {error}; {advice}") from error


# --- certain digits, or two precisions ---------------------------------------------------------


def _certain(walk: _Walk, bits: int, digits: int) -> Descended:
    """With intervals. Raises Undecided where a digit that is kept hangs on more bits."""
    made = walk.run(bits, rounding=False)
    check_digits(_numbers(made), digits)
    return made


def _agreed(walk: _Walk, digits: int) -> Descended:
    """Rounded at every step to more and more bits, until twice as many change nothing that is shown."""
    bits = START_BITS
    low = settled(lambda domain: walk.run(domain.bits, rounding=True), bits)
    while bits < limits.DESCENT_BITS:
        high = settled(lambda domain: walk.run(domain.bits, rounding=True), 2 * low.bits)
        if all(_same(a, b, low.bits, digits) for a, b in zip(_flat(low), _flat(high), strict=True)):
            return _cleared(high, low.bits)
        low, bits = high, high.bits
    raise NotCertified(f"{bits // 2} and {bits} bits do not agree")


def _same(first: Any, second: Any, bits: int, digits: int) -> bool:
    """Whether two values of one number agree well beyond the digits shown, or are both next to nothing."""
    (a, _), (b, _) = bounds(first), bounds(second)
    if a == b or (_is_nothing(a, bits) and _is_nothing(b, bits)):
        return True
    return abs(a - b) * Fraction(10) ** (digits + 2) <= min(abs(b), Fraction(1))


def _is_nothing(value: Fraction, bits: int) -> bool:
    return abs(value) < Fraction(1, 1 << bits // 2)


def _cleared(made: Descended, bits: int) -> Descended:
    """The same, what is next to nothing set to a rounded 0: its own digits mean nothing."""

    def clear(value: Any) -> Any:
        if isinstance(value, Fraction) or not _is_nothing(bounds(value)[0], bits):
            return value
        return Exact().ball(Fraction(0))

    return _changed(made, clear)


def _changed(made: Descended, change: Any) -> Descended:
    def arrays(found: Arrays | None) -> Arrays | None:
        return None if found is None else {name: array.map(change) for name, array in found.items()}

    moments = tuple(
        Moment(
            number=one.number, loss=change(one.loss), parameters=arrays(one.parameters),
            gradients=arrays(one.gradients),
        )
        for one in made.moments
    )  # fmt: skip
    first = {name: arrays(found) or {} for name, found in made.first.items()}
    return replace(made, moments=moments, first=first, last=arrays(made.last) or {})


def _numbers(made: Descended) -> Iterator[Array[Any]]:
    """Everything that may be printed."""
    for one in made.moments:
        yield Array((), (one.loss,))
        for found in (one.parameters, one.gradients):
            yield from (found or {}).values()
    for values in (*made.first.values(), made.last):
        yield from values.values()


def _flat(made: Descended) -> Iterator[Any]:
    for array in _numbers(made):
        yield from array.entries


# --- the steps -----------------------------------------------------------------------------------


class _Steps(Exact):
    """Exact reals with the powers β^t of a long descent, which are beyond those that people write."""

    def power(self, a: Any, exponent: Fraction) -> Any:
        if exponent.denominator == 1 and exponent > limits.EXPONENT:
            half = Fraction(exponent.numerator // 2)
            return self.mul(self.power(self.ball(a), half), self.power(self.ball(a), exponent - half))
        return super().power(a, exponent)


@dataclass(frozen=True, slots=True)
class _Walk:
    """A model, its steps and a plan, ready to be carried out at any precision."""

    model: Model
    steps: tuple[Step, ...]
    plan: Descent
    deadline: float

    def run(self, bits: int, *, rounding: bool) -> Descended:
        """All steps with `bits` bits; `rounding` makes a plain number of every interval at each step."""
        domain = _Steps(bits)
        forward = [step for step in self.steps if not step.gradient]
        backward = self._needed()
        known: dict[str, Array[Any]] = dict(self.model.exercise.values)
        states: dict[str, Arrays] = {name: {} for name in self.plan.parameters}
        first: dict[str, Arrays] = {}
        moments = []
        for number in range(self.plan.steps + 1):
            self._check_time(number)
            last = number == self.plan.steps
            try:
                values = self._values(forward if last else [*forward, *backward], known, domain)
                self._check_size(values[self.model.exercise.loss].entries[0], number)
                moments.append(self._moment(number, values, rounding))
                if last:
                    break
                made = {name: self._moved(name, values, states[name], number + 1, domain) for name in states}
                first = first or {name: _plain(found, rounding) for name, found in made.items()}
                for name, found in made.items():
                    carried = {key: self._carried(array, domain, rounding) for key, array in found.items()}
                    states[name] = carried
                    known[name] = carried[PARAMETER]
            except DomainProblem as problem:
                raise problem.at(_when(number)) from None
        computed = _plain({one.target: values[one.target] for one in forward}, rounding)
        return Descended(
            plan=self.plan, moments=tuple(moments), first=first, last=computed,
            certified=not rounding, bits=bits,
        )  # fmt: skip

    def _needed(self) -> list[Step]:
        """The gradients that those of the parameters are made of, in order."""
        needed = {"d" + name for name in self.plan.parameters}
        found = []
        for step in reversed([step for step in self.steps if step.gradient]):
            if "d" + step.target in needed:
                needed.update(step.uses)
                found.append(step)
        return found[::-1]

    def _values(self, steps: Sequence[Step], known: Arrays, domain: Exact) -> dict[str, Array[Any]]:
        """Every quantity of the steps; a DomainProblem says in which equation."""
        working = evaluator(self.model, domain)
        values = dict(known)
        for step in steps:
            sizes = tuple(size for size in step.shape if isinstance(size, int))
            key = ("d" if step.gradient else "") + step.target
            try:
                values[key] = shaped(working.evaluate(step.formula, values, like=sizes), sizes)
            except DomainProblem as problem:
                raise problem.at(f"gradient {key}" if step.gradient else f"equation {key}") from None
        return values

    def _moved(
        self, name: str, values: Arrays, states: Arrays, count: int, domain: Exact
    ) -> dict[str, Array[Any]]:
        """What each formula of the optimiser gives for one parameter, under the names of the formulas."""
        row = OPTIMIZERS[self.plan.optimizer]
        old = values[name]
        zeros = old.map(lambda _: domain.zero)
        env: dict[str, Array[Any]] = {
            PARAMETER: old, GRADIENT: values["d" + name], RATE: Array.scalar(self.plan.rate),
            COUNT: Array.scalar(Fraction(count)),
            **{option.symbol: Array.scalar(self.plan.options[option.name]) for option in row.options},
            **{state: states.get(state, zeros) for state in row.states},
        }  # fmt: skip
        working = evaluator(self.model, domain)
        made = {}
        for target, text in row.updates:
            env[target] = made[target] = shaped(working.evaluate(formula(text), env), old.shape)
        return made

    def _carried(self, array: Array[Any], domain: Exact, rounding: bool) -> Array[Any]:
        """What goes into the next step: no exact number beyond the limit, no interval if rounding."""
        if rounding:
            return array.map(lambda value: domain.ball(value).mid())
        return array.map(lambda value: domain.ball(value) if _is_long(value) else value)

    def _moment(self, number: int, values: Arrays, rounding: bool) -> Moment:
        parameters = gradients = None
        if self._keeps(number):
            names = self.plan.parameters
            parameters = _plain({name: values[name] for name in names}, rounding)
            if number < self.plan.steps:
                gradients = _plain({name: values["d" + name] for name in names}, rounding)
        loss = _plain({"": values[self.model.exercise.loss]}, rounding)[""].item
        return Moment(number=number, loss=loss, parameters=parameters, gradients=gradients)

    def _keeps(self, number: int) -> bool:
        """Whether the parameters of a step are kept: all of them, or the first and the last."""
        shapes = (self.model.exercise.values[name].shape for name in self.plan.parameters)
        entries = sum(map(prod, shapes)) * (self.plan.steps + 1)
        ends = number < _KEPT_ENDS or number == self.plan.steps
        return ends or entries <= limits.DESCENT_ENTRIES

    def _check_time(self, number: int) -> None:
        if time.monotonic() <= self.deadline:
            return
        raise self._fault(
            "steps",
            f"gradient descent took more than {limits.DESCENT_SECONDS} seconds, the limit, "
            f"and stood at step {number:,} of {self.plan.steps:,}",
            "Ask for fewer steps.",
        )

    def _check_size(self, loss: Any, number: int) -> None:
        """That the descent does not run away from every minimum."""
        try:
            low, high = bounds(loss)
        except TooLarge:
            low, high = Fraction(0), RUNAWAY
        if max(abs(low), abs(high)) >= RUNAWAY:
            raise self._fault(
                "rate",
                f"it runs away: {_when(number)}, {self.model.exercise.loss} is beyond {RUNAWAY_TEXT}",
                "Choose a smaller rate.",
            )

    def _fault(self, key: str, message: str, advice: str) -> ExerciseError:
        file = self.model.exercise.key
        return ExerciseError([Fault(file=file, key=f"descent.{key}", message=message, suggestion=advice)])


def _plain(arrays: Arrays, rounding: bool) -> dict[str, Array[Any]]:
    """Arrays as they are kept: intervals as they are, or their middles."""
    if not rounding:
        return dict(arrays)
    return {name: array.map(_middle) for name, array in arrays.items()}


def _middle(value: Any) -> Any:
    """A number without its radius; a 0 may be what was left of rounded numbers, and is none that is exact."""
    return value if isinstance(value, Fraction) and value else Exact().ball(value).mid()


def _is_long(value: Any) -> bool:
    if not isinstance(value, Fraction):
        return False
    return max(value.numerator.bit_length(), value.denominator.bit_length()) > _LONG


def _when(steps: int) -> str:
    """The moment of a descent at which something has no value."""
    return f"after {steps} step{'s' * (steps != 1)} of the descent" if steps else "the start"
