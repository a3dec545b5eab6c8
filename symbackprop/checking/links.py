"""One relation of a chain judged: shapes, random points, the example's numbers, the person's own world."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from symbackprop.algebra.values.arrays import Array
from symbackprop.algebra.values.domain import EvaluationError
from symbackprop.checking.about import (
    has_logarithms,
    holds_for_labels,
    is_computed,
    is_gradient,
    is_lower,
    is_matrix,
    is_mixed,
)
from symbackprop.checking.budget import OverBudget
from symbackprop.checking.causes import cause
from symbackprop.checking.compare import Seen, TooMany, assignments, look, sides
from symbackprop.checking.conditions import condition
from symbackprop.checking.desk import Desk, generalised
from symbackprop.checking.difference import place_of
from symbackprop.checking.findings import Argument, Reason, Verdict
from symbackprop.checking.gaps import has_gaps, shown_pair, unfinished
from symbackprop.checking.member import Judged, Member, misfit, reason, shape_of, worst
from symbackprop.checking.numbers import digits_of, match, tolerances
from symbackprop.checking.numeric import FEW_POINTS, has_pieces, is_numeric
from symbackprop.checking.partials import has_direct
from symbackprop.checking.resolve import Resolved
from symbackprop.checking.roundings import (
    as_written,
    both_rounded,
    carried_by_rounding,
    from_exact,
    off_by_rounding,
    put_in_rounded,
    works_on,
)
from symbackprop.checking.values import evaluator_in
from symbackprop.checking.worlds import REAL, World
from symbackprop.notation import tree
from symbackprop.notation.tree import Node


class Links:
    """The judge of single relations, at a desk."""

    def __init__(self, desk: Desk, *, mixed: bool = False) -> None:
        self.desk = desk
        self.mixed = mixed  # numbers stand in the chain: it is about the example
        self.lower = False  # w stands there for the one row of W

    def judge(self, left: Member, right: Member, *, approximate: bool = False) -> Judged:
        """`left = right`. A line about any layer holds if it does for each."""
        pairs = tuple(self._pairs(left, right))
        self.lower = is_lower(self.desk, left)
        if not pairs:
            return Judged("not read", (reason("check.undecided", message="no layer has both sides"),))
        judged = [self._laid_out(self._judged(a, b, left, right, approximate), a, b) for a, b in pairs]
        verdict = worst(judged)
        return next(one for one in judged if one.verdict == verdict)

    def _pairs(self, left: Member, right: Member) -> Iterator[tuple[Resolved, Resolved]]:
        for a in left.variants:
            for b in right.variants:
                if a.instance is None or b.instance is None or a.instance == b.instance:
                    yield a, b

    def _judged(self, a: Resolved, b: Resolved, left: Member, right: Member, approximate: bool) -> Judged:
        """A relation; what is wrong may be right of the derivatives of single equations."""
        judged = self._one(a, b, left, right, approximate)
        if judged.verdict != "wrong" or not has_direct(self.desk, a, b):
            return judged
        self.desk.direct = True
        try:
            again = self._one(a, b, left, right, approximate)
        finally:
            self.desk.direct = False
        if again.verdict not in ("correct", "rounded", "correct for this example"):
            return judged
        return Judged("convention", (reason("check.direct"),), again.seen)

    def _one(self, a: Resolved, b: Resolved, left: Member, right: Member, approximate: bool) -> Judged:
        try:
            if a.unfinished or b.unfinished:
                return unfinished(self.desk, a, b)
            if has_gaps(a.node) or has_gaps(b.node):
                return self._shown(a, b, left, right, approximate)
            if left.numeric or right.numeric:
                found = self._numeric(a, b, left, right, approximate)
                if found is not None:
                    return found
            return self._generic(a, b, left, right)
        except TooMany as error:
            return Judged("not read", (reason("check.too_large", message=str(error)),))

    def _shown(self, a: Resolved, b: Resolved, left: Member, right: Member, approximate: bool) -> Judged:
        """`dx = (3, 1, …, 7)`: the entries that are shown."""
        pair = shown_pair(a, b, lambda node: shape_of(node, self.desk))
        if pair is None:
            return Judged("not read", (reason("check.dots", name=b.node if has_gaps(b.node) else a.node),))
        one, two = Member(left.written, pair[:1]), Member(right.written, pair[1:])
        return self._one(*pair, one, two, approximate)

    # --- with the example's numbers

    def _numeric(
        self, a: Resolved, b: Resolved, left: Member, right: Member, approximate: bool
    ) -> Judged | None:
        """A relation with a number on one side; None where the example does not say."""
        desk = self.desk
        truth = self._at_example(a, b, desk.example, approximate)
        if truth == "symbol":
            return None
        both = left.numeric and right.numeric
        if isinstance(truth, Judged) and truth.verdict in ("correct", "rounded", "convention"):
            return truth
        for world, verdict in ((desk.digits, "rounded"), (desk.pieced, "rounded"), (desk.carried, "carried")):
            if world is None or both:
                continue
            found = self._at_example(a, b, world, approximate)
            if isinstance(found, Judged) and found.verdict in ("correct", "rounded"):
                if verdict == "carried" and not put_in_rounded(desk, a, b):
                    return self._carried(a, b, approximate)
                return Judged("rounded", found.reasons)
        if isinstance(truth, str):
            return Judged("not read", (reason("check.not_evaluated", message=truth),))
        generic = None if both else self._generic_number(a, b)
        if generic is not None:
            return generic
        if desk.digits is not None and off_by_rounding(desk, a, b, approximate):
            return Judged("rounded", (reason("check.rounded"),))
        if (works_on(desk, a, b) or from_exact(desk, a, b)) if both else put_in_rounded(desk, a, b):
            return Judged("rounded", (reason("check.rounded"),))
        proof = both and approximate and desk.context.settings.proof
        if proof and both_rounded(desk.example, desk.reader, a, b):
            return Judged("rounded", (reason("check.rounded"),))
        worked = self._worked(a, b, approximate)
        if worked is None and not both and carried_by_rounding(desk, a, b, approximate):
            return self._carried(a, b, approximate)
        return worked or self._at_example(a, b, desk.example, approximate, why=True)  # type: ignore[return-value]

    def _worked(self, a: Resolved, b: Resolved, approximate: bool) -> Judged | None:
        """Right by the worked formulas from the numbers as they are written, or from those that are wrong."""
        desk = self.desk
        one, two = as_written(desk, a), as_written(desk, b)
        if one is not a or two is not b:  # E_1 + E_2, which the text has to nine digits
            found = self._at_example(one, two, desk.digits or desk.example, approximate)
            if isinstance(found, Judged) and found.verdict in ("correct", "rounded"):
                return Judged("rounded", (reason("check.rounded"),))
        if is_numeric(a.node) and is_numeric(b.node):
            return None
        for numbers, carried in ((desk.written, False), (desk.wrong_numbers, True)):
            world = desk.worked(carried=carried) if numbers else None
            found = "" if world is None else self._at_example(a, b, world, approximate)
            if isinstance(found, Judged) and found.verdict in ("correct", "rounded"):
                if carried:
                    return self._carried(a, b, approximate)
                return Judged("rounded", (reason("check.rounded"),))
        return None

    def _generic_number(self, a: Resolved, b: Resolved) -> Judged | None:
        """`∂z/∂b = 1`, `Σ t = 1`: a number that is right for any values."""
        seen = look(a, b, self.desk.worlds.own, self.desk.reader)
        return self._accepted(seen, a, b) if seen.ways else None

    def _at_example(
        self, a: Resolved, b: Resolved, world: World, approximate: bool, *, why: bool = False
    ) -> Judged | str:
        """A judgement, with the reason of a wrong one if asked `why`; "symbol" where there is no number, or
        else what stops it from being worked out."""
        working = evaluator_in(world, self.desk.reader)
        verdict: Verdict = "correct"
        try:
            for indices in assignments(working, a, b):
                one, two = sides(working, a, b, indices)
                left, right = one.array, two.array
                allowed = tolerances(b.node, approximate=approximate)
                if allowed is None or len(allowed) != len(right.entries):
                    allowed = tolerances(a.node, approximate=approximate)
                loose = one.loose or two.loose
                found, place = match(world.domain, left, right, allowed, loose=loose)
                if found == "different":
                    seen = look(a, b, (world,), self.desk.reader)
                    if seen.ways and not seen.equal:
                        return self._accepted(seen, a, b)
                    return Judged("wrong", tuple(self._slip(a, b, left, place)) if why else (), seen, place)
                if found == "rounded":
                    verdict = "rounded"
        except EvaluationError as error:
            node = error.node if isinstance(error.node, Node) else None
            seen = Seen(frozenset(), "shape", node, error.message)
            return Judged("wrong", (misfit(node),), seen)
        except TooMany:
            raise
        except ArithmeticError as error:
            return "symbol" if _is_symbolic(error) else str(error)
        reasons = tuple(self._notes(working.notes))
        return Judged(verdict, (reason("check.rounded"),) if verdict == "rounded" else reasons)

    def _slip(self, a: Resolved, b: Resolved, left: Array[Any], place: int | None) -> Iterator[Reason]:
        """What a number should be: of an array, the first entry that is wrong."""
        if place is None or not is_numeric(b.node):
            return
        from symbackprop.algebra.values.decimals import to_tree
        from symbackprop.checking.arithmetic import entry_named

        exercise = self.desk.exercise
        single = len(left.entries) == 1
        name = a.node if single else entry_named(a.node, left.shape, place, exercise)
        with suppress(ArithmeticError):
            value = to_tree(left.entries[place], max(DIGITS, digits_of(b.node) + 1))[0]
            given = name is not None and set(tree.names_in(name) or ("",)) <= {*exercise.given}
            if given and name is not None and not isinstance(name, tree.Gradient | tree.Derivative):
                yield reason("check.differs_from_exercise", there=tree.equation(name, value))
            elif name is None and left.shape:
                yield reason(
                    "check.slip_entry", member=a.node, place=place_of(left.shape, place), value=value
                )
            else:
                yield reason("check.slip", member=name or a.node, value=value)

    def _carried(self, a: Resolved, b: Resolved, approximate: bool) -> Judged:
        desk = self.desk
        name = cause(desk, lambda worlds: self._holds_in(a, b, worlds, approximate))
        parts: dict[str, Argument] = {"name": self.shown(name), "line": desk.lines.get(name, 0)}
        key = "check.carried_trivial" if self._trivial(name) else "check.carried"
        return Judged("carried", (Reason(key=key, parts=parts),))

    def _holds_in(self, a: Resolved, b: Resolved, worlds: tuple[World, ...], approximate: bool) -> bool:
        """Whether a relation holds in a person's world: with its numbers, or in general."""
        example, *points = worlds
        here = self._at_example(a, b, example, approximate)
        if isinstance(here, Judged) and (is_numeric(a.node) or is_numeric(b.node) or self.mixed):
            return here.verdict in ("correct", "rounded")
        return look(a, b, points, self.desk.reader).equal

    def _trivial(self, name: str) -> bool:
        value = self.desk.wrong_numbers.get(name)
        return value is not None and not any(value.entries)

    def shown(self, name: str) -> Node:
        """`dz` as a gradient, `z` as a name."""
        return tree.Gradient(tree.Name(name[1:])) if self.desk.is_gradient(name) else tree.Name(name)

    # --- at random points

    def _generic(self, a: Resolved, b: Resolved, left: Member, right: Member) -> Judged:
        desk = self.desk
        seen = self._look(a, b)
        if seen.trouble == "undefined" and not seen.points:
            seen = look(a, b, desk.more_points, desk.reader)
        if not seen.ways and not seen.trouble and has_logarithms(desk, a, b):
            real = look(a, b, desk.real_points, desk.reader)
            seen = real if real.ways and real.points >= REAL else seen
        if seen.trouble == "symbol":
            return Judged("not read", (reason("check.not_evaluated", message=seen.message),))
        if seen.trouble == "undefined":
            return Judged("not read", (reason("check.undecided", message=seen.message),))
        if seen.ways:
            found = self._accepted(seen, a, b)
            if found.verdict != "wrong":
                return self._generally(found, a, b)
        elif is_mixed(desk, left, right) and seen.trouble != "shape":
            here = self._at_example(a, b, desk.example, False)
            if isinstance(here, Judged) and here.verdict in ("correct", "rounded"):
                return Judged("correct for this example", (reason("check.example_only"),))
            if put_in_rounded(desk, a, b):
                return Judged("rounded", (reason("check.rounded"),))
        if seen.trouble != "shape" and holds_for_labels(desk, a, b):
            return Judged("correct for this example", (reason("check.example_only"),))
        one = desk.carried_points(1)  # it settles nearly all cases
        if (
            one
            and look(a, b, one, desk.reader).equal
            and look(a, b, desk.carried_points(), desk.reader).equal
        ):
            return self._carried(a, b, False)
        if is_mixed(desk, left, right) and desk.carried is not None:
            here = self._at_example(a, b, desk.carried, False)
            if isinstance(here, Judged) and here.verdict in ("correct", "rounded"):
                return self._carried(a, b, False)
        if self._in_example(seen, a, b):
            return Judged("correct for this example", (reason("check.example_only"),))
        reasons = tuple(self._why(seen, a, b))
        if self.mixed and reasons and self._given_so(reasons[0]):
            return Judged("correct for this example", reasons)
        return Judged("wrong", reasons, seen)

    def _in_example(self, seen: Seen, a: Resolved, b: Resolved) -> bool:
        """Whether a line is about the example, though no number in it says so for certain."""
        if seen.trouble == "shape":
            return False
        from symbackprop.checking.put_in import are_listed, stands_for_value  # for what looks wrong

        here = self._at_example(a, b, self.desk.example, False)
        if not isinstance(here, Judged) or here.verdict not in ("correct", "rounded"):
            return False
        return (self.mixed and are_listed(self.desk, a, b)) or stands_for_value(self.desk, a, b)

    def _look(self, a: Resolved, b: Resolved) -> Seen:
        """Both sides at the exercise's sizes; where these ask for too much, at small ones, if any will do."""
        desk = self.desk
        worlds = desk.worlds.own
        if len(worlds) <= FEW_POINTS and has_pieces(a.node, b.node):
            worlds = (*worlds, *desk.more_points)  # |dz| is dz at every other point
        try:
            return look(a, b, worlds, desk.reader)
        except OverBudget:
            if not desk.worlds.wide or a.sized or b.sized:
                raise
            desk.budget.begin()
            return look(a, b, desk.worlds.wide, desk.reader)

    def _given_so(self, why: Reason) -> bool:
        """Whether a condition, b = 0, is what the exercise gives."""
        match why.parts.get("condition"):
            case tree.Chain((tree.Name(name), tree.Number(value)), ("=",)):
                known = self.desk.exercise.values.get(name)
                return known is not None and all(entry == value for entry in known.entries)
        return False

    def _accepted(self, seen: Seen, a: Resolved, b: Resolved) -> Judged:
        """What holds, though perhaps only in a convention."""
        desk, notes = self.desk, tuple(self._notes(seen.notes))
        if seen.equal:
            named = [one for one in notes if one.key in CONVENTIONS]
            if named:
                return Judged("convention", tuple(named), seen)
            return Judged("correct", notes, seen)
        if "transposed" in seen.ways and "check.scalar_only" in seen.notes and not self.lower:
            return Judged("wrong", (reason("check.one_neuron_shape"),), seen)  # W dz for Wᵀ dz
        if "transposed" in seen.ways and "factor" not in seen.ways:
            numeric = is_numeric(a.node) or is_numeric(b.node)
            if is_computed(desk, a, b) and is_matrix(desk, a, here=numeric):
                return Judged("wrong", (), seen)  # K = W_kᵀ Xᵀ for X W_k
            if (
                is_matrix(desk, a, here=numeric)
                and is_gradient(desk, a, b)
                and not self.lower
                and desk.context.settings.layout == "gradient"
            ):
                return Judged("wrong", (reason("check.transposed_gradient"),), seen)
            return Judged("convention", (reason("check.transposed"),), seen)
        return Judged("convention", (reason("check.local_factor"),), seen)

    def _laid_out(self, judged: Judged, a: Resolved, b: Resolved) -> Judged:
        """What holds in a text with rows for gradients is right by a layout that is not the exercise's."""
        if not self.desk.rows or judged.verdict not in ("correct", "rounded") or not self._in_rows(a, b):
            return judged
        return Judged("convention", (*judged.reasons, reason("check.transposed")), judged.seen)

    def _in_rows(self, *members: Resolved) -> bool:
        """Whether a derivative of the loss by an array stands there, which the exercise lays out anew."""
        desk = self.desk
        return any(
            isinstance(part, tree.Derivative) and part.of == tree.Name(desk.exercise.loss)
            and isinstance(part.by, tree.Name) and desk.exercise.shapes[part.by.name] not in ((), (1,))
            for member in members for part in tree.walk(member.node)
        )  # fmt: skip

    def _notes(self, notes: Mapping[str, Node]) -> Iterator[Reason]:
        for key, node in notes.items():
            yield Reason(key=key, parts={"product": node})

    def _generally(self, found: Judged, a: Resolved, b: Resolved) -> Judged:
        """What holds for the exercise's sizes and functions: does it hold for others too?"""
        desk = self.desk
        abstract = self._abstractly(a, b)
        if abstract is not None:
            return abstract
        if not desk.worlds.wide or a.sized or b.sized:
            return found
        wide = look(a, b, desk.worlds.wide, desk.reader)
        if found.verdict == "correct" and wide.trouble == "shape":
            product = wide.node if wide.node is not None else b.node
            return Judged("convention", (reason("check.one_neuron", product=product),), found.seen)
        if found.verdict == "convention" and wide.equal:
            kept = tuple(one for one in found.reasons if one.key != "check.scalar_only")
            return Judged("convention" if kept else "correct", kept, found.seen)
        return found

    def _abstractly(self, a: Resolved, b: Resolved) -> Judged | None:
        """g′ at what g is not applied to, where g has pieces: g′(ŷ) = g′(z) is an accident of ReLU."""
        known = self.desk.context.activations
        calls = [
            part for member in (a, b) for part in tree.walk(member.node)
            if isinstance(part, tree.Call) and part.primes and len(part.args) == 1
        ]  # fmt: skip
        odd = [call for call in calls if not self._is_argument(call.args[0], known, (*a.free, *b.free))]
        if not odd:
            return None
        worlds, names = self.desk.abstract
        if not any(call.function in names for call in odd):
            return None
        one = Resolved(generalised(a.node, names), a.free, a.sized)
        two = Resolved(generalised(b.node, names), b.free, b.sized)
        if look(one, two, worlds, self.desk.reader).equal:
            return None
        return Judged("wrong", (reason("check.generic", product=odd[0]),), None)

    def _is_argument(self, node: Node, known: Mapping[str, Any], free: tuple[str, ...]) -> bool:
        """Whether g is applied to what the model applies it to, by name or written out: `g'(W x + b)`."""
        if _is_argument(node, known):
            return True
        if free:
            return False
        written, worlds = Resolved(node), self.desk.worlds.own[:2]
        return any(look(written, Resolved(tree.Name(name)), worlds, self.desk.reader).equal for name in known)

    # --- why not

    def _why(self, seen: Seen, a: Resolved, b: Resolved) -> Iterator[Reason]:
        if seen.trouble == "shape":
            yield misfit(seen.node)
            return
        found = condition(self.desk, a, b)
        if found is not None:
            yield reason("check.condition", condition=found)


DIGITS = 4
"""Decimals of a number in a reason."""

CONVENTIONS = frozenset({"check.scalar_only", "check.dot_product"})
"""Notes that make a true line one that is right by convention."""


def _is_symbolic(error: ArithmeticError) -> bool:
    from symbackprop.algebra.values.domain import Symbolic

    return isinstance(error, Symbolic)


def _is_argument(node: Node, known: Mapping[str, Any]) -> bool:
    """Whether a function is applied to a number, or to what the model applies one to."""
    bare = tree.undressed(node)
    bare = bare.base if isinstance(bare, tree.Index) else bare
    return is_numeric(bare) or (isinstance(bare, tree.Name) and bare.name in known)
