"""One statement judged: a definition, a typing, or a chain of relations, each of which is a claim."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from math import prod

from symbackprop.algebra.values.domain import EvaluationError
from symbackprop.checking.chains import (
    COMPARED,
    EQUAL,
    flattened,
    is_number_like,
    label_members,
    names_part,
    says_nothing,
    tree_of,
)
from symbackprop.checking.commas import apart, has_commas, has_sums, side_by_side
from symbackprop.checking.compare import Seen, loose
from symbackprop.checking.comparing import compared
from symbackprop.checking.context import INDICES, SIZES, Unclear
from symbackprop.checking.descending import goes_down, rate_between
from symbackprop.checking.desk import Desk
from symbackprop.checking.differentials import goes_backwards, hold
from symbackprop.checking.findings import Reason, Verdict
from symbackprop.checking.gaps import has_gaps
from symbackprop.checking.given import is_differential, states_given, unboxed
from symbackprop.checking.kinks import at_kink
from symbackprop.checking.lettered import about_entries, meant_for, step_letters
from symbackprop.checking.links import Links
from symbackprop.checking.member import Judged, Member, reason, shape_of, worst
from symbackprop.checking.ranges import strangers
from symbackprop.checking.resolve import Resolved, Resolver, instances
from symbackprop.checking.roundings import is_near
from symbackprop.checking.typing import typed
from symbackprop.checking.updating import Update, as_row, update_of
from symbackprop.checking.values import evaluator_in, scope_in
from symbackprop.notation import tree
from symbackprop.notation.hand import nodes as hand
from symbackprop.notation.node import Plain
from symbackprop.notation.tree import Node, Span


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Claim(Plain):
    """What is found of one statement, before it has a place in a file.

    `left` and `right` are the members between which it goes wrong; `anchor` and `last` those that a line
    which begins with a relation goes on from; `stepped` what a step of descent is of. None for a verdict: it
    is nothing to be listed.
    """

    verdict: Verdict | None
    reasons: tuple[Reason, ...] = ()
    place: Span | None = None
    reading: Node | None = None
    anchor: Member | None = None
    last: Member | None = None
    left: Member | None = None
    right: Member | None = None
    seen: Seen | None = None
    entry: int | None = None
    about_label: bool = False
    stepped: Node | None = None


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class _Found(Plain):
    """One judged relation or label of a chain, and the members it is about."""

    judged: Judged
    left: Member
    right: Member
    label: bool = False


class Claims:
    """The judge of statements, at a desk; `anchor` and `last` come from the line before.

    `conditions` say for which indices the statement is meant.
    """

    def __init__(
        self,
        desk: Desk,
        anchor: Member | None = None,
        last: Member | None = None,
        conditions: tuple[Node, ...] = (),
    ) -> None:
        self.desk = desk
        self.conditions = conditions
        self.links = Links(desk)
        self.anchor = anchor
        self.last = last

    def judge(self, node: Node) -> Claim:
        """A whole statement. Raises Unclear where it cannot be understood."""
        node = unboxed(node)
        if not isinstance(node, tree.Chain):
            return self._alone(node)
        chain = flattened(node)
        special = self._special(chain)
        if special is not None:
            return special
        try:
            found = self._chain(chain)
        except Unclear as error:
            changes = self._of_changes(chain) if error.reason.key == "check.differential" else None
            if changes is None:
                raise
            return changes
        changes = self._of_changes(chain) if found.verdict == "wrong" and self._are_changes(chain) else None
        return changes or found

    def _are_changes(self, chain: tree.Chain) -> bool:
        """Whether a chain that is wrong of gradients may be one of differentials."""
        first = chain.members[0]
        start = self.anchor.written if isinstance(first, hand.Omitted) and self.anchor else first
        members = [start, *chain.members[1:]]
        return is_differential(self, start) or goes_backwards(self.desk, members)

    def _of_changes(self, chain: tree.Chain) -> Claim | None:
        """A line of differentials; None for one of gradients. Raises Unclear where nobody can tell."""
        members = [self.member(one) for one in chain.members if not isinstance(one, hand.Omitted)]
        if isinstance(chain.members[0], hand.Omitted) and self.anchor is not None:
            members.insert(0, self.anchor)
        holds = hold(self.desk, members)
        if not self.desk.context.differentials:
            if not holds:
                return None
            if not is_differential(self, members[0].written):
                raise Unclear(reason("check.differential", name=members[0].written), chain.members[0].span)
        self.desk.context = replace(self.desk.context, differentials=True)
        return Claim(
            verdict="correct" if holds else "wrong", reasons=(reason("check.differentials"),),
            reading=tree_of(members, chain.relations), place=None if holds else members[-1].written.span,
            anchor=members[0], last=members[-1],
        )  # fmt: skip

    # --- statements that are no chain of equations

    def _alone(self, node: Node) -> Claim:
        """A formula that claims nothing: it is only read."""
        if isinstance(node, _BARE):
            return Claim(verdict=None)
        member = self.member(node)
        if isinstance(member.node, tree.Delta):
            return Claim(verdict=None)
        self._value(member)
        labels = self._labels(member)
        listed: Verdict | None = "correct" if self.desk.context.settings.proof else None
        verdict = worst([found.judged for found in labels]) if labels else listed
        return self._claim(verdict, labels, tree_of([member], ()), member, member)

    def _value(self, member: Member) -> None:
        """Raise Unclear for a formula without a value."""
        world = self.desk.worlds.own[0]
        from symbackprop.checking.compare import assignments

        for variant in member.variants:
            working = evaluator_in(world, self.desk.reader)
            try:
                for indices in assignments(working, variant):
                    working.value(variant.node, scope_in(world, indices))
            except (EvaluationError, ArithmeticError) as error:
                raise Unclear(
                    reason("check.not_evaluated", message=str(error)), member.written.span
                ) from None

    def _special(self, chain: tree.Chain) -> Claim | None:
        first = chain.members[0]
        if ":" in chain.relations:
            return Claim(verdict="definition")
        update = update_of(self.desk.context, chain)
        if update is not None:
            return self.step(update, chain)
        if chain.relations[0] != "=" or not isinstance(first, tree.Name):
            return None
        second = chain.members[1]
        if first.name in INDICES and isinstance(second, hand.Tuple):
            if any(isinstance(item, tree.Dots) for item in second.items):
                return Claim(verdict="definition")  # i = 1, …, n
        elif isinstance(second, tree.Number) and self._counts_layers(first.name, second):
            return Claim(verdict="definition")
        elif isinstance(second, tree.Number) and len(chain.members) == 2 and self._is_size(first.name):
            return self._size(first, second)
        return None

    def _counts_layers(self, name: str, number: tree.Number) -> bool:
        """`L = 3` of a network of three layers whose loss is called C, or has no value."""
        exercise = self.desk.exercise
        if name != "L" or number.value != self.desk.context.layers:
            return False
        return exercise.loss != "L" or exercise.loss not in self.desk.worlds.example.values

    def step(self, update: Update, chain: tree.Chain) -> Claim:
        """`W ← W − η dW = …`: that it goes down the gradient, and the numbers behind."""
        return replace(self._step(update, chain), stepped=update.old)

    def _step(self, update: Update, chain: tree.Chain) -> Claim:
        way, carried = goes_down(self.desk, update)
        name = update.old.base if isinstance(update.old, tree.Index) else update.old
        if way != "down":
            why = reason(_STEPS.get(way, "check.no_step"), name=name)
            return Claim(verdict="wrong", reasons=(why,), place=chain.members[1].span)
        if len(update.members) > 1:
            rate = rate_between(self.desk, update)
            if rate is not None:
                self.desk.context = self.desk.context.defining(*rate)
            relations, over = chain.relations[1:], chain.over[1:]
            found = self._chain(tree.Chain(update.members, relations, over, span=chain.span))
        else:
            found = Claim(verdict="correct")
            with suppress(Unclear):  # the numbers may stand in the next row
                body = self.member(update.members[0])
                found = replace(found, anchor=body, last=body)
        if update.fresh and found.verdict != "wrong":
            with suppress(Unclear):  # of a rate that nobody gives the new value is not known
                body = self.member(update.members[0])
                value = as_row(self.desk.context, update.old, body.node)
                self.desk.context = self.desk.context.defining(update.fresh, value)
        if carried and found.verdict != "wrong":
            return replace(
                found, verdict="carried", reasons=(self._carried_on(name),), place=chain.members[1].span
            )
        return found

    def _carried_on(self, name: Node) -> Reason:
        """By which of the person's gradients a step goes: that of the name, or else the first wrong one."""
        lines = self.desk.lines
        key = f"d{name.name}" if isinstance(name, tree.Name) else ""
        key = key if key in lines else next(iter(lines))
        return reason("check.carried", name=self.links.shown(key), line=lines[key])

    def _is_size(self, name: str) -> bool:
        context = self.desk.context
        return context.variable(name) is None and (context.size_known(name) or name in SIZES)

    def _size(self, first: tree.Name, second: tree.Number) -> Claim:
        """`k = 2`: right where k is a size of the exercise that is 2, or nobody has said what k is."""
        context = self.desk.context
        known = context.sizes.get(first.name) or context.ends.get(first.name)
        declared = context.exercise.declared_sizes.get(first.name)
        if known is None and not isinstance(declared, int):
            if second.value.denominator == 1:
                self.desk.context = context.counting(first.name, int(second.value))
            return Claim(verdict="definition")
        found = declared if known is None else context.exercise.shapes[known[0]][known[1]]
        if not isinstance(found, int) or found == second.value:
            return Claim(verdict="definition")
        return Claim(
            verdict="wrong", place=second.span,
            reasons=(reason("check.differs_from_exercise", there=tree.number(found)),),
        )  # fmt: skip

    # --- chains

    def member(self, node: Node) -> Member:
        """A member, understood. Raises Unclear."""
        variants = []
        trouble: Unclear | None = None
        context = self.desk.context
        for layer in instances(node, context):
            if not meant_for(context, node, layer, self.conditions):
                continue
            try:
                found = Resolver(context, layer).resolved(node)
                variants.append(replace(found, conditions=about_entries(context, node, self.conditions)))
            except Unclear as error:
                trouble = error
        if not variants:
            raise trouble or Unclear(reason("check.unknown_name", name=node), node.span)
        return Member(node, tuple(variants))

    def _chain(self, chain: tree.Chain) -> Claim:
        written = list(chain.members)
        relations = list(chain.relations)
        defined = states_given(self, written)
        members: list[Member] = []
        found: list[_Found] = []
        anchor, last = self.anchor, self.last
        self.links.mixed = any(map(is_number_like, written))
        for at, node in enumerate(written):
            relation = relations[at - 1] if at else "="
            if isinstance(node, tree.Space):
                found += self._typed(members, written[:at], node)
                continue
            if isinstance(node, hand.Omitted):
                if anchor is None or last is None:
                    raise Unclear(reason("check.no_left_side"), node.span)
                members.append(last)
                continue
            if isinstance(node, hand.Tuple) and at + 1 < len(written) and relations[at] == "∈":
                continue  # b, z ∈ ℝ
            member = self.member(node)
            if members:
                member = self._apart(members[0], member)
                if relation in COMPARED:
                    found.append(
                        _Found(compared(self.desk, members[-1], relation, member), members[-1], member)
                    )
                    members.append(member)
                    continue
                if relation not in EQUAL:
                    raise Unclear(reason("check.relation", name=relation), node.span)
                start = anchor if isinstance(written[0], hand.Omitted) else members[0]
                if len(found) < LINKS or all(one.judged.verdict != "wrong" for one in found):
                    found.append(self._link(start or members[0], members[-1], member, relation == "≈"))
            found += self._labels(member)
            members.append(member)
        self._check_conditions(members)
        named = [anchor, *members[1:]] if isinstance(written[0], hand.Omitted) and anchor else members
        reading = tree_of([one for one in named if one is not None], tuple(relations)) if members else None
        if members and not isinstance(written[0], hand.Omitted):
            anchor = members[0]
        last = members[-1] if members else last
        if not found:
            return self._claim("definition" if defined or members else None, [], reading, anchor, last)
        verdict = worst([one.judged for one in found])
        if defined and verdict in ("correct", "correct for this example"):
            verdict = "definition" if self._all_given(found) else verdict
        return self._claim(verdict, found, reading, anchor, last)

    def _apart(self, first: Member, member: Member) -> Member:
        """`(3,0)` as two numbers, where decimals have a comma and there are two to be; `(3 -6)` too."""
        commas = self.desk.context.comma and has_commas(member.written)
        if not member.numeric or not (commas or has_sums(member.written)):
            return member
        shape = shape_of(first.node, self.desk)
        size = prod(size for size in shape or () if isinstance(size, int))
        split = apart if commas else side_by_side
        node = None if shape is None else split(member.written, size)
        return member if node is None else self.member(node)

    def _check_conditions(self, members: list[Member]) -> None:
        """Raise Unclear for a condition about anything but the indices of the formula: `j = c`."""
        context = self.desk.context
        letters = {"L", "T"} | {name for one in members for name in step_letters(one.written, context)}
        letters |= {name for one in members for variant in one.variants for name in variant.free}
        for condition in self.conditions:
            names = strangers(condition, lambda name: name in letters | INDICES or context.size_known(name))
            if names and not letters.isdisjoint(tree.names_in(condition)):
                raise Unclear(reason("check.under_condition"), None)

    def _all_given(self, found: list[_Found]) -> bool:
        return all(not one.label for one in found)

    def _link(self, anchor: Member, left: Member, right: Member, approximate: bool) -> _Found:
        judged = self.links.judge(left, right, approximate=approximate)
        if anchor is not left and judged.verdict == "convention":
            again = self.links.judge(anchor, right, approximate=approximate)
            if again.verdict == "correct":
                judged = again
        if anchor is not left and judged.verdict == "wrong" and left.numeric and right.numeric:
            again = self.links.judge(anchor, right, approximate=approximate)
            if again.verdict in ("correct", "rounded") and is_near(
                self.desk, left.variants[0], right.variants[0]
            ):
                judged = Judged("rounded", (reason("check.rounded"),))  # right from the exact values
        if anchor is not left and judged.verdict in ("correct", "rounded", "convention"):
            judged = self._follows(anchor, left, right, judged)
        if judged.verdict == "correct":
            judged = at_kink(self.desk, left, right) or judged
        if self.desk.context.settings.proof and right.numeric and anchor is not left:
            again = self.links.judge(anchor, right, approximate=approximate)
            if again.verdict not in ("correct", "rounded", "convention"):
                judged = again  # our own steps do not add up their roundings
        return _Found(judged, left, right)

    def _follows(self, anchor: Member, left: Member, right: Member, judged: Judged) -> Judged:
        """A true step from a false value carries the mistake on: it is no new one."""
        if not self.desk.lines:
            return judged
        again = self.links.judge(anchor, right)
        return again if again.verdict == "carried" else judged

    def _labels(self, member: Member) -> list[_Found]:
        """Each label under or over a brace is a claim about what it stands at."""
        found = []
        for part in tree.walk(member.written):
            if isinstance(part, tree.Brace) and not says_nothing(self.desk.context, part.label):
                body = self.member(part.body)
                for node in label_members(part.label):
                    if names_part(self.desk.context, node):
                        assert isinstance(node, tree.Name)
                        self.desk.context = self.desk.context.defining(node.name, body.node)
                        continue
                    try:
                        label = self.member(node)
                    except Unclear as error:
                        raise Unclear(error.reason, node.span or part.span) from None
                    judged = self.links.judge(body, label)
                    if judged.verdict == "wrong":
                        named = reason("check.label", label=label.node, body=body.node)
                        judged = replace(judged, reasons=(named,))
                    found.append(_Found(judged, body, label, label=True))
        return found

    def _typed(self, members: list[Member], before: list[Node], space: tree.Space) -> list[_Found]:
        """`… ∈ ℝ^n`: the last member, or each of a list."""
        if not before:
            raise Unclear(reason("check.no_left_side"), space.span)
        last = before[-1]
        if isinstance(last, hand.Tuple):
            named = [self.member(item) for item in last.items]
        elif isinstance(last, hand.Omitted):
            named = [self.last] if self.last is not None else []
        else:
            named = [one for one in members if not has_gaps(one.node) and not loose(one.node)][-1:]
            named = named or members[-1:]
        found = []
        for member in named:
            judged, context = typed(self.desk, member, space)
            self.desk.context = context
            found.append(_Found(judged, member, Member(space, (Resolved(space),))))
        return found

    def _claim(
        self, verdict: Verdict | None, found: list[_Found], reading: Node | None,
        anchor: Member | None, last: Member | None,
    ) -> Claim:  # fmt: skip
        reasons = tuple({one.key: one for each in found for one in each.judged.reasons}.values())
        guilty = next((one for one in found if one.judged.verdict == verdict), None)
        if guilty is None or verdict not in ("wrong", "carried", "convention", "not read"):
            return Claim(verdict=verdict, reasons=reasons, reading=reading, anchor=anchor, last=last)
        return Claim(
            verdict=verdict, reasons=guilty.judged.reasons, place=guilty.right.written.span, reading=reading,
            anchor=anchor, last=last, left=guilty.left, right=guilty.right, seen=guilty.judged.seen,
            entry=guilty.judged.entry, about_label=guilty.label,
        )  # fmt: skip


LINKS = 60
"""Links of a chain beyond which none is judged behind a wrong one: it is wrong already."""

_STEPS = {"up": "check.step_up", "off": "check.step_rate"}

_BARE = (tree.Name, tree.Gradient, tree.Number, tree.Dots, tree.Space, hand.Said, hand.Marked)
"""What prose mentions: a name alone is no statement."""
