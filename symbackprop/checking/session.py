"""A text read from top to bottom: what it defines, which exercise it is about, and what goes wrong where."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from symbackprop import limits
from symbackprop.algebra.values.domain import EvaluationError
from symbackprop.checking.budget import Budget, OverBudget
from symbackprop.checking.claims import Claim, Claims
from symbackprop.checking.context import Context, Unclear
from symbackprop.checking.defining import Prepared, prepared, switched
from symbackprop.checking.desk import Desk
from symbackprop.checking.doubts import (
    has_marks,
    has_rows,
    has_times_one,
    only_numbers,
    other_delta,
    picked,
    prime_of_output,
    with_slopes,
    without_slopes,
)
from symbackprop.checking.ends import with_ends
from symbackprop.checking.examples import times_examples
from symbackprop.checking.findings import Finding, Reason
from symbackprop.checking.fragment_conditions import Under
from symbackprop.checking.fragment_quotes import claims_anything
from symbackprop.checking.fragments import Fragment
from symbackprop.checking.given import is_function_formula, with_parts
from symbackprop.checking.habits import with_habits
from symbackprop.checking.iterating import begins_pass, keep_step, listed_step, next_pass
from symbackprop.checking.layer_letters import agrees, uses_letters
from symbackprop.checking.lettered import may_be_kronecker
from symbackprop.checking.member import Member, reason
from symbackprop.checking.naming import turns_delta
from symbackprop.checking.neurons import as_units, uses_units
from symbackprop.checking.ranges import is_whole
from symbackprop.checking.remembering import key_of, remember, restated
from symbackprop.checking.settings import Settings
from symbackprop.checking.summing import with_sums
from symbackprop.checking.wording import worded
from symbackprop.exercise.model import Exercise
from symbackprop.notation import tree
from symbackprop.notation.hand import nodes as hand
from symbackprop.notation.hand.read import Macro, Written, read_conditions, read_statements
from symbackprop.notation.tree import Node, Span

if TYPE_CHECKING:
    from symbackprop.checking.code_runs import Program


FAULTS: tuple[type[Exception], ...] = (
    ArithmeticError, EvaluationError, LookupError, TypeError, ValueError, AttributeError, AssertionError,
)  # fmt: skip
"""What a mistake of this program raises: the line is lost to it, and the rest of the text is not."""

FAULT = "check.fault"

_NOT_JUDGED: Mapping[Under, str] = {"compared": "check.under_condition", "quoted": "check.quoted"}
"""What words make of a formula that is not judged, and the reason."""

_NOT_WRONG: Mapping[Under, str] = {
    "cut": "check.cut", "equation": "check.under_condition", "continued": "check.continued",
}  # fmt: skip
"""What words make of a formula that may be right, but is not wrong for certain where it is false."""


class Session:
    """The state while a `text` is read; `findings` grows."""

    def __init__(
        self,
        exercises: Sequence[Exercise],
        settings: Settings,
        *,
        comma: bool,
        per_example: Mapping[str, int] | None = None,
        macros: Mapping[str, Macro] | None = None,
        functions: Mapping[str, str] | None = None,
        explain: bool = True,
        text: str = "",
        rows: bool = False,
    ) -> None:
        meant, own = per_example or {}, macros or {}
        self.explain = explain
        self.desks = [
            Desk(
                one,
                with_habits(
                    Context(
                        one, settings, comma=comma, per_example=meant, macros=own, functions=functions or {}
                    ),
                    text,
                ),
                few=not explain,
                rows=rows,
                budget=Budget(limits.HAND_OPERATIONS if explain else limits.PROOFREADING_OPERATIONS),
            )
            for one in exercises
        ]
        self.desk = self.desks[0]
        self.findings: list[Finding] = []
        self.anchor: Member | None = None
        self.last: Member | None = None
        self.wrong = 0  # statements of this fragment
        self.scaled: dict[str, int] = {}
        """Gradients that came out m times too large, m examples: perhaps they are meant per example."""

    @cached_property
    def program(self) -> Program:
        """The code read so far."""
        from symbackprop.checking.code_runs import Program

        return Program()

    def take(self, fragment: Fragment, meant: Callable[[Node], Iterable[Node]] | None = None) -> None:
        """Judge every statement of a fragment; `meant` are the statements that one stands for."""
        before = len(self.findings)
        self.wrong = 0
        try:
            self._take(fragment, meant)
        except FAULTS:
            del self.findings[before:]
            whole = Span(0, len(fragment.text))
            self._unread(self._blank(fragment, whole), reason(FAULT), None, whole)
            self.anchor = self.last = None

    def _take(self, fragment: Fragment, meant: Callable[[Node], Iterable[Node]] | None) -> None:
        if fragment.kind == "code":
            from symbackprop.checking.programs import judge_code  # a text may have no code

            for finding in judge_code(self, fragment):
                self.findings.append(finding)  # one by one: a later line may say what a first value was
            return
        if fragment.under == "condition":
            return  # what words make a condition claims nothing itself
        vocabulary = self.desk.context.vocabulary(latex=fragment.latex)
        given = read_conditions(fragment.given, vocabulary) if fragment.given else ()
        if given is None:
            fragment, given = replace(fragment, under="equation"), ()
        for written in read_statements(fragment.text, vocabulary):
            written = replace(written, conditions=(*written.conditions, *given)) if given else written
            nodes = (written.node,) if meant is None or written.node is None else meant(written.node)
            if fragment.summed:
                left = None if self.anchor is None else self.anchor.written
                nodes = tuple(with_sums(node, left) for node in nodes if node is not None)
            for node in nodes:
                before = len(self.findings)
                try:
                    self._statement(fragment, replace(written, node=node))
                except FAULTS:
                    del self.findings[before:]
                    self._unread(self._blank(fragment, written.span), reason(FAULT), None, written.span)
                    self.anchor = self.last = None

    def _claims(self, written: Written) -> Claims:
        """The judge of a statement; one with indices of its own goes on from where the chain began."""
        apart = bool(written.conditions) and _begins_with_relation(written.node)
        return Claims(self.desk, self.anchor, self.anchor if apart else self.last, written.conditions)

    # --- one statement

    def _statement(self, fragment: Fragment, written: Written) -> None:
        blank = self._blank(fragment, written.span)
        if written.error is not None or written.node is None:
            error = written.error
            span = written.span if error is None else error.span
            if self._only_names(fragment):
                return
            said = "" if error is None else ". ".join(filter(None, (error.message, error.hint)))
            self._unread(replace(blank, detail=said), reason("check.read"), span, written.span)
            self.anchor = self.last = None
            return
        own = not _begins_with_relation(written.node)
        if fragment.under in _NOT_JUDGED:
            why = reason(_NOT_JUDGED[fragment.under])
            self._unread(replace(blank, written=written.node), why, None, written.span)
            self._stopped(own)
            return
        try:
            found = switched(self.desk, self.desks, written.node)
            if found is not None:
                self._switch(found)
            self.desk.budget.begin()
            ready, claim = self._understood(written)
            if claim.verdict == "wrong" and isinstance(ready.node, tree.Chain):
                update = listed_step(self.desk, ready.node)
                claim = self._claims(written).step(update, ready.node) if update is not None else claim
            if claim.verdict == "wrong" and begins_pass(self.desk, claim):
                ready, claim = self._in_next_pass(written) or (ready, claim)
        except Unclear as error:
            if self._only_names(fragment):
                return
            finding = replace(blank, written=written.node)
            self._unread(finding, error.reason, error.span, written.span)
            self._stopped(own)
            return
        except (RecursionError, OverBudget) as error:
            key = "check.too_deep" if isinstance(error, RecursionError) else "check.too_much"
            self._unread(blank, reason(key), None, written.span)
            self._stopped(own)
            return
        if claim.verdict is None:  # it only names what the next line may go on from
            if claim.anchor is not None:
                self.anchor, self.last = claim.anchor, claim.last
            return
        if fragment.under in _NOT_WRONG and claim.verdict in ("wrong", "carried"):
            why = reason(_NOT_WRONG[fragment.under])
            self._unread(replace(blank, written=written.node), why, None, written.span)
            return
        self._listed(replace(blank, written=written.node), written.span, claim, ready)

    def _understood(self, written: Written) -> tuple[Prepared, Claim]:
        """What a statement defines, and what is found of it. Raises Unclear."""
        assert written.node is not None
        before, node = worded(self.desk.context, written.node)
        if written.at:
            from symbackprop.checking.points import at_points  # few write so

            node = at_points(self.desk, node, written.at)
            written = replace(written, at=())
        written = replace(written, node=node)
        self.desk.about_number = is_function_formula(node, before)
        before = with_parts(with_ends(before, node), node)
        if uses_units(before, node):
            entries = replace(written, node=as_units(before, node))
            if before.units:
                written = entries
            elif (told := self._tried(entries, replace(before, units=True))) is not None:
                return told
        slopes = with_slopes(before, node)
        if slopes is not None and (told := self._tried(written, slopes)) is not None:
            return told
        self.desk.context = before
        try:
            ready = self._prepared(written)
            claim = self._judged(replace(written, node=ready.node))
            turned = without_slopes(before, node) if claim.verdict == "wrong" else None
            told = None if turned is None else self._tried(replace(written, node=turned[1]), turned[0])
            return told or (ready, claim)
        except Unclear as error:
            told = self._by_letters(written, before)
            if told is not None:
                return told
            if error.reason.key != "check.no_argument":
                raise
            from symbackprop.checking.unapplied import with_arguments  # few write so

            self.desk.context = before
            applied = with_arguments(node, before)
            if applied is node:
                raise
            return self._understood(replace(written, node=applied))

    def _tried(self, written: Written, context: Context) -> tuple[Prepared, Claim] | None:
        """A statement in a context that holds from now on if it is right in it."""
        now = self.desk.context
        self.desk.context = context
        with suppress(Unclear):
            ready = self._prepared(written)
            claim = self._judged(replace(written, node=ready.node))
            if claim.verdict in ("correct", "rounded"):
                return ready, claim
        self.desk.context = now
        return None

    def _by_letters(self, written: Written, before: Context) -> tuple[Prepared, Claim] | None:
        """A statement in which letters tell the layers apart, if it is right so."""
        assert written.node is not None
        if not uses_letters(before, written.node):
            return None
        now = self.desk.context
        self.desk.context = before
        signs: tuple[Literal["dz", "-dz"], ...] = ("dz", "-dz")
        for sign in signs:
            if agrees(self.desk, turned=sign == "-dz"):
                settings = replace(before.settings, delta=sign)
                told = self._tried(written, replace(before, by_letter=True, settings=settings))
                if told is not None:
                    return told
        self.desk.context = now
        return None

    def _in_next_pass(self, written: Written) -> tuple[Prepared, Claim] | None:
        """A statement with the weights behind a step, with which the text goes on if it is right."""
        own = self.desk
        self.desk = next_pass(own)
        with suppress(Unclear, OverBudget, RecursionError):
            ready, claim = self._understood(written)
            if claim.verdict not in ("wrong", "carried"):
                return ready, claim
        self.desk = own
        return None

    def _only_names(self, fragment: Fragment) -> bool:
        """Whether a formula among words only names a symbol; of a report of ours all is read."""
        named = fragment.kind == "inline" and not claims_anything(fragment.text)
        return named and not self.desk.context.settings.proof

    def _stopped(self, own: bool) -> None:
        """Behind a line with a left side of its own that was not read, no line goes on from before it."""
        if own:
            self.anchor = self.last = None

    def _prepared(self, written: Written) -> Prepared:
        """What a statement defines, taken up; by cases of its indices it defines nothing."""
        assert written.node is not None
        before = self.desk.context
        ready = prepared(self.desk, written.node)
        if self.desk.context is not before and not all(map(is_whole, written.conditions)):
            self.desk.context = before
            raise Unclear(reason("check.under_condition"), None)
        return ready

    def _judged(self, written: Written) -> Claim:
        """A statement judged; `b^{(1)}` of one layer is a neuron's, or else the layer's."""
        node = written.node
        assert node is not None
        claim = self._claims(written).judge(node)
        context = self.desk.context
        prime = prime_of_output(node, context) if claim.verdict == "wrong" else None
        if prime is not None and not (self._makes_matrix(claim, prime) or only_numbers(self.desk, claim)):
            raise Unclear(reason("check.primes", name=prime), prime.span)
        if claim.verdict == "wrong" and (index := picked(claim, context)) is not None:
            raise Unclear(reason("check.unknown_name", name=index), index.span)
        if claim.verdict == "wrong" and (other := other_delta(node, context)) is not None:
            raise Unclear(reason("check.unknown_name", name=other), other.span)
        if claim.verdict == "wrong" and context.settings.marks == "auto" and has_marks(node):
            layered = replace(context, settings=replace(context.settings, marks="layer"))
            claim = self._judged_in(layered, written) or claim
        if claim.verdict == "wrong" and has_rows(claim):
            claim = self._judged_in(replace(context, lying=True), written) or claim
        if claim.verdict == "wrong" and context.sums_by_ones and has_times_one(node):
            claim = self._judged_in(replace(context, ones=True), written) or claim
        if claim.verdict == "wrong" and may_be_kronecker(context, node):
            _, claim = self._tried(written, replace(context, kronecker=True)) or (None, claim)
        if claim.verdict == "wrong" and turns_delta(node):
            settings = replace(context.settings, delta="-dz")
            turned = self._judged_in(replace(context, settings=settings), written)
            if turned is not None and turned.verdict == "correct":
                self.desk.context = replace(self.desk.context, settings=settings)
                return replace(turned, verdict="convention", reasons=(reason("check.delta_sign"),))
        return claim

    def _makes_matrix(self, claim: Claim, prime: Node) -> bool:
        """Whether a prime on a vector must be a transpose: with a slope for it there would be no matrix."""
        shapes = self.desk.exercise.shapes
        key = None if claim.anchor is None else key_of(claim.anchor.node, self.desk)
        whole = () if key is None else shapes.get(key[1:] if self.desk.is_gradient(key) else key, ())
        own = shapes.get(self.desk.context.variable((tree.names_in(prime) or [""])[0]) or "", ())
        return len(whole) == 2 and 1 not in whole and len(own) == 1

    def _judged_in(self, other: Context, written: Written) -> Claim | None:
        """A statement as another context understands it, if it is not wrong there."""
        own = self.desk.context
        assert written.node is not None
        try:
            self.desk.context = other
            claim = self._claims(written).judge(written.node)
        except Unclear:
            return None
        finally:
            self.desk.context = replace(
                self.desk.context, settings=own.settings, lying=own.lying, ones=own.ones
            )
        return None if claim.verdict == "wrong" else claim

    def _listed(self, blank: Finding, start: Span, claim: Claim, ready: Prepared) -> None:
        self.anchor, self.last = claim.anchor, claim.last
        again = restated(self.desk, claim) if claim.verdict == "wrong" else None
        if again is not None:
            claim = replace(claim, verdict="carried", reasons=(again,))
        verdict = "definition" if ready.defines and claim.verdict == "correct" else claim.verdict
        assert verdict is not None
        finding = replace(
            blank, verdict=verdict, reading=claim.reading, reasons=claim.reasons,
            place=_within(claim.place, start) if verdict in ("wrong", "carried", "convention") else None,
        )  # fmt: skip
        self.wrong += verdict == "wrong"
        if verdict == "wrong" and self.explain and self.wrong <= limits.EXPLAINED_IN_LINE:
            self.scaled.update(times_examples(self.desk, claim))
            from symbackprop.checking.why import explained  # nor anything wrong

            with suppress(OverBudget):  # it is wrong all the same
                finding = explained(self.desk, finding, claim)
        elif verdict == "correct" and self._is_per_example(claim):
            finding = replace(finding, verdict="convention", reasons=(reason("check.per_example"),))
        elif verdict in ("correct", "rounded") and self._is_turned_delta(claim):
            finding = replace(finding, verdict="convention", reasons=(reason("check.delta_sign"),))
        self.findings.append(finding)
        self.desk.budget.renew()
        remember(self.desk, claim, verdict, blank.line)
        if claim.stepped is not None and verdict != "wrong":
            keep_step(self.desk, claim)

    def _is_turned_delta(self, claim: Claim) -> bool:
        """Whether a statement takes δ for a gradient with the other sign."""
        meaning = self.desk.context.meanings.get("delta")
        left = None if claim.anchor is None else claim.anchor.written
        core = left.base if isinstance(left, tree.Index) else left
        return core == tree.Name("delta") and isinstance(meaning, tree.Neg)

    def _is_per_example(self, claim: Claim) -> bool:
        """Whether a statement says what a gradient that is meant per example is."""
        if claim.anchor is None or not self.desk.context.per_example:
            return False
        node = claim.anchor.node
        if isinstance(node, tree.Gradient) and isinstance(node.of, tree.Index):
            node = tree.Gradient(node.of.base)  # dz^{(i)} = p^{(i)} - y^{(i)}: of each example
        key = key_of(node, self.desk)
        return key is not None and key[1:] in self.desk.context.per_example and self.desk.is_gradient(key)

    def _blank(self, fragment: Fragment, span: Span) -> Finding:
        line, column = fragment.place(span.start)
        text = fragment.text[span.start : span.end]
        return Finding(
            line=line, column=column, cell=fragment.cell, text=text, verdict="not read", kind=fragment.kind
        )

    def _unread(self, blank: Finding, why: Reason, place: Span | None, start: Span) -> None:
        self.findings.append(replace(blank, reasons=(why,), place=_within(place, start)))

    def _switch(self, desk: Desk) -> None:
        """Go on with another exercise; what the text calls things stays."""
        old = self.desk.context
        desk.context = replace(desk.context, functions={**old.functions}, sizes=dict(old.sizes), meanings={})
        self.desk = desk
        self.anchor = self.last = None


def _begins_with_relation(node: Node | None) -> bool:
    return isinstance(node, tree.Chain) and isinstance(node.members[0], hand.Omitted)


def _within(place: Span | None, start: Span) -> Span | None:
    """A place counted from where the statement starts."""
    if place is None:
        return None
    return Span(max(0, place.start - start.start), max(1, min(place.end, start.end) - start.start))
