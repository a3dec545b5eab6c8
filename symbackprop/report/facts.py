"""What the page needs to know of a derivation: who multiplies whom, what sits on a kink, what is 0."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from symbackprop.algebra import indexform as ix
from symbackprop.algebra.collapsing import collapsed
from symbackprop.algebra.functions import ATOMS
from symbackprop.algebra.lower import Tensor
from symbackprop.algebra.slopes import Kink, Slope
from symbackprop.algebra.spell import size_node, spelled
from symbackprop.algebra.values.apply import formula
from symbackprop.algebra.values.arrays import Array
from symbackprop.algebra.values.decimals import to_tree
from symbackprop.algebra.values.domain import DomainProblem, EvaluationError, Symbolic, Undecided
from symbackprop.algebra.values.exact import Exact
from symbackprop.derivation.general import contracts
from symbackprop.derivation.model import Model
from symbackprop.derivation.numbers import evaluator
from symbackprop.derivation.remarks import Remarks
from symbackprop.derivation.steps import Contribution, Derivation, Layer, Level, Step
from symbackprop.notation import tree
from symbackprop.notation.tree import Node

if TYPE_CHECKING:
    from symbackprop.report.view import View

BITS = 512


@dataclass(frozen=True)
class Facts:
    """Questions about one derivation, answered by computation."""

    derivation: Derivation

    @cached_property
    def model(self) -> Model:
        """The model of the derivation's exercise."""
        return Model.of(self.derivation.exercise)

    def tensor(self, name: str) -> Tensor:
        """The right side of an equation as an entry."""
        return self.model.tensor(name)

    @cached_property
    def remarks(self) -> Remarks:
        """The frequent mistakes and the arguments by dimensions."""
        return Remarks(self.derivation)

    # --- functions --------------------------------------------------------------------------

    @cached_property
    def activations(self) -> tuple[str, ...]:
        """The functions of one argument that equations apply, in order, elementary ones left out."""
        found: dict[str, None] = {}
        for one in self.derivation.exercise.equations:
            for call in self.model.calls(one.body):
                row = self.model.row(call.function)
                if row is not None and row.kind == "activation":
                    found.setdefault(call.function)
        return tuple(found)

    def variants(self, name: str) -> set[tuple[tuple[str, Node], ...]]:
        """The different options with which the model calls a function."""
        equations = self.derivation.exercise.equations
        return {c.options for one in equations for c in self.model.calls(one.body) if c.function == name}

    @cached_property
    def primed(self) -> tuple[str, ...]:
        """The functions whose derivative stands in a gradient, in order."""
        found: dict[str, None] = {}
        for step in self.derivation.forward:
            for call in self.model.calls(step.formula):
                found.setdefault(call.function)
        used = {c.function for s in self.derivation.backward for c in self.model.calls(s.formula) if c.primes}
        return (*(name for name in found if name in used), *sorted(used - set(found)))

    def compact(self, node: Node) -> Node | None:
        """What a call stands for, on one line: `max(z, 0)`, `1/(1 + e^{-z})`, `½‖ŷ − y‖²`."""
        bare = tree.undressed(node)
        row = self.model.row(bare.function) if isinstance(bare, tree.Call) else None
        if row is None or not isinstance(bare, tree.Call) or row.name in ATOMS or not row.pieces:
            return None
        text = row.compact or (row.pieces[0].formula if row.smooth and row.kind != "loss" else None)
        if text is None:
            return None
        return self.as_number_square(self.put_in(bare, text), bare)

    def put_in(self, call: tree.Call, text: str) -> Node:
        """A formula of a function's row with the call's arguments and options."""
        row = self.model.row(call.function)
        assert row is not None
        own = frozenset(self.derivation.exercise.functions)
        options = {**{key: formula(default, own) for key, default in row.options}, **dict(call.options)}
        table: dict[str, Node] = {**options, **dict(zip(row.arguments, call.args, strict=True))}
        return tree.replace_names(formula(text, own), table)

    def written_out(self, node: Node, view: View) -> Node:
        """`node` with each sum, mean and named loss as the sum over entries that it stands for."""
        if isinstance(node, tree.Call):
            row = self.model.row(node.function)
            if row is not None and row.kind == "loss":
                compact = self.compact(node)
                return compact if compact is not None else self._loss_sum(node, view)
            if node.function in {"sum", "mean"} and not node.options:
                return view.unindexed(spelled(self.model.lowering.tensor(node).expr, {}, self._taken()))
        return tree.rebuild(node, lambda child: self.written_out(child, view))

    def _taken(self) -> set[str]:
        return {*self.derivation.exercise.shapes, *self.derivation.exercise.sizes}

    def _loss_sum(self, node: tree.Call, view: View) -> Node:
        """`Σ_j (…)` of the formula of a named loss, over all entries of its arguments."""
        row = self.model.row(node.function)
        assert row is not None
        tensors = [self.model.lowering.tensor(arg) for arg in node.args]
        shape = max((made.shape for made in tensors), key=len)
        letters = [letter for letter in "jilrs" if letter not in self._taken()][: len(shape)]
        own = frozenset(self.derivation.exercise.functions)
        table: dict[str, Node] = {key: formula(text, own) for key, text in row.options} | dict(node.options)
        for argument, made in zip(row.arguments, tensors, strict=True):
            entry = spelled(made.expr, dict(zip(made.axes, letters, strict=False)), self._taken())
            table[argument] = view.unindexed(entry)
        body = tree.replace_names(formula(row.pieces[0].formula, own), table)
        sizes = [size for size in shape if size != 1]
        if not sizes:
            return body
        if isinstance(body, tree.Add | tree.Neg):
            body = tree.Bracket(body)
        for letter, size in reversed(list(zip(letters, shape, strict=True))):
            body = body if size == 1 else tree.Sum(letter, tree.number(1), size_node(size or 1), body)
        if row.reduce == "mean":
            count = tree.times(*(size_node(size or 1) for size in sizes))
            return tree.juxtaposed(tree.Quotient(tree.number(1), count), body)
        return body

    def as_number_square(self, made: Node, call: tree.Call) -> Node:
        """`(ŷ − y)²` for `‖ŷ − y‖²` where it is one number."""
        shapes = self.derivation.exercise.shapes
        names = tree.names_in(call)
        if all(all(size == 1 for size in shapes.get(name, ())) for name in names):
            return _norms_to_brackets(made)
        return made

    def argument_of(self, name: str) -> Node:
        """The argument under which a function is shown: its only one (z), else u."""
        found = {
            arg
            for one in self.derivation.exercise.equations
            for call in self.model.calls(one.body)
            if call.function == name
            for arg in call.args
        }
        only = next(iter(found)) if len(found) == 1 else None
        shapes = self.derivation.exercise.shapes
        simple = isinstance(only, tree.Name) and len(shapes.get(only.name, ())) < 2
        return only if only is not None and simple else tree.Name("u")

    def first_use(self, function: str) -> Node | None:
        """The right side of the first equation that applies a function."""
        for step in self.derivation.forward:
            if any(call.function == function for call in self.model.calls(step.formula)):
                return step.formula
        return None

    def output_of(self, name: str) -> str | None:
        """The name that the one use of a function is given: ŷ of `ŷ = σ(z)`."""
        found = [
            one.name
            for one in self.derivation.exercise.equations
            if isinstance(one.body, tree.Call) and one.body.function == name
        ]
        uses = sum(
            1
            for one in self.derivation.exercise.equations
            for c in self.model.calls(one.body)
            if c.function == name
        )
        return found[0] if len(found) == uses == 1 else None

    def entrywise(self, node: Node, output: str) -> Node:
        """`ŷ ⊙ (1 − ŷ)`: products and squares of vectors as entry-by-entry ones."""

        def change(part: Node) -> Node:
            part = tree.rebuild(part, change)
            if isinstance(part, tree.Product):
                vectors = [output in tree.names_in(f) for f in part.factors]
                signs = tuple("odot" if a and b else "" for a, b in pairwise(vectors))
                return tree.Product(part.factors, signs)
            if isinstance(part, tree.Power) and output in tree.names_in(part.base):
                return tree.times(part.base, part.base, sign="odot")
            return part

        return change(node)

    def sits_on(self, slope: Slope, kink: Kink) -> bool | None:
        """Whether the example has an argument at the kink; None where it has no numbers."""
        if kink.exact_at is None:
            return None
        found = self.slopes_at(slope)
        if not found:
            return None
        return any(at == kink.exact_at for at, _ in found)

    def slopes_at(self, slope: Slope) -> list[tuple[Any, Any]]:
        """Each distinct argument that a function meets in the example, with its slope there."""
        found: list[tuple[Any, Any]] = []
        for step in self.derivation.steps:  # a loss shows its kink only in its gradient: abs'(ŷ − y)
            for call in self.model.calls(step.formula):
                if len(call.args) != 1 or self.derivation.slope_of(call) is not slope:
                    continue
                at = self.evaluated(call.args[0])
                values = self.evaluated(tree.Call(call.function, call.args, call.options, 1))
                if at is None or values is None:
                    return []
                for argument, value in zip(at.entries, values.entries, strict=True):
                    if not any(_same(argument, known) for known, _ in found):
                        found.append((argument, value))
        return found

    # --- values -------------------------------------------------------------------------------

    @cached_property
    def exact(self) -> Exact:
        """The arithmetic of the page."""
        return Exact(BITS)

    def evaluated(self, node: Node) -> Array[Any] | None:
        """The value of a formula at the example, as far as there are numbers."""
        known = {key: q.numbers for key, q in self.derivation.quantities.items() if q.numbers is not None}
        working = evaluator(self.model, Exact(BITS))
        try:
            return working.evaluate(node, known)
        except (Symbolic, Undecided, EvaluationError, DomainProblem):
            return None

    def shown(self, value: Any, digits: int) -> tuple[Node, bool]:
        """A value as a tree, and whether it is exact."""
        return to_tree(value, digits)

    def sign(self, value: Any) -> int | None:
        """-1, 0 or 1; None for what has a symbol in it."""
        try:
            return Exact(BITS).sign(value)
        except (Symbolic, Undecided):
            return None

    # --- shape of the equations -------------------------------------------------------------------

    def has_products(self, name: str) -> bool:
        """Whether an equation has a product of matrices."""
        return contracts(self.tensor(name).expr)

    def product_label(self, name: str, term: ix.Term, view: View) -> Node | None:
        """`Wx = Σ_i w_i x_i = −6`, for the product that a written-out sum comes from."""
        body = tree.undressed(self.model.equation(name).body)
        terms = body.terms if isinstance(body, tree.Add) else (body,)
        places = [t for t in self.tensor(name).expr if t.bound and any(size != 1 for _, size in t.bound)]
        products = [t for t in terms if contracts(self.model.lowering.tensor(t).expr)]
        index = next((at for at, t in enumerate(places) if t.factors and _same_arrays(t, term)), None)
        if index is None or len(places) != len(products):
            return None
        product = products[index]
        named = self.named_sum(name, places[index])
        value = self.evaluated(product)
        members = [product, view.unindexed(spelled((named,), {}, avoid=self.derivation.exercise.shapes))]
        if value is not None and len(value.entries) == 1:
            node, exact = self.shown(value.entries[0], view.digits)
            sign: tree.Relation = "=" if exact else "≈"
            return tree.Chain((*members, node), ("=", sign), (None, None))
        return tree.equation(*members)

    def named_sum(self, name: str, term: ix.Term) -> ix.Term:
        """The sum with the name of its size (n) in place of its number, where a layer gives it one."""
        for layer in self.general:
            if layer.equations[0].name != name:
                continue
            sizes = {
                letter: size for letter, size in layer.sizes.items() if isinstance(size, int) and size != 1
            }
            numbers = list(sizes.values())
            named: dict[tree.Size, tree.Size] = {
                size: letter for letter, size in sizes.items() if numbers.count(size) == 1
            }
            return replace(term, bound=tuple((index, named.get(size, size)) for index, size in term.bound))
        return term

    def letters_for(self, made: Contribution) -> Mapping[str, str]:
        """Letters for the indices that are summed in a chain: j first, never one of the free ones."""
        letters = [letter for letter in "jlrstuv" if letter not in made.free]
        return dict(zip(made.summed, letters, strict=False))

    def only_through(self, made: Contribution) -> tuple[Node, Node] | None:
        """Where a weight acts and what it multiplies: `(z_p, x_q)`, where the delta says one entry."""
        if len(made.collapsed) != 1:
            return None
        (term,) = made.collapsed
        if term.bound or len(made.summed) != 1 or len(term.deltas) != 1:
            return None
        through = dict(zip(made.summed, made.summed, strict=True))
        pair = [place for place in term.deltas[0] if place not in through]
        if len(pair) != 1 or not isinstance(pair[0], str):
            return None
        where = tree.Index(tree.Name(made.through), (tree.Name(pair[0]),))
        rest = ix.rename_term(ix.Term(term.coefficient, term.factors), {made.summed[0]: pair[0]})
        return where, spelled((rest,), dict(self.letters_for(made)))

    def entry_of_target(self, made: Contribution, view: View) -> Node:
        """`w_i`, `w_pq`, `b`: one entry of the target, as the reasons name it."""
        name = tree.Name(made.target)
        table: dict[str, Node] = {"q": tree.Name("i")} if self._one_row(made) else {}
        places = tuple(table.get(place, tree.Name(place)) for place in made.free)
        return view.unindexed(tree.Index(name, places)) if places else name

    def _one_row(self, made: Contribution) -> bool:
        shape = self.derivation.exercise.shapes[made.target]
        return len(shape) == 2 and shape[0] == 1

    def entry_of_local(self, made: Contribution, view: View) -> Node:
        """The entry of the local factor where the consumer is one number: x_i beside w_i."""
        fixed: dict[str, ix.Place] = dict.fromkeys(made.summed, 1)
        expr = collapsed(ix.renamed(made.collapsed, fixed))
        kept = tuple(t for t in expr)
        bare = tuple(ix.Term(t.coefficient, t.factors, (), t.bound) for t in kept)
        letters = {"q": "i"} if self._one_row(made) else {}
        return view.unindexed(spelled(bare, letters, avoid=self.derivation.exercise.shapes))

    def zero_by_input(self, step: Step) -> tuple[Node, Node] | None:
        """`(dw_2, x_2)`: a component of an outer product that is 0 because an input is."""
        formula = step.formula
        if not (isinstance(formula, tree.Product) and len(formula.factors) == 2):
            return None
        last = formula.factors[1]
        if not (isinstance(last, tree.Transpose) and isinstance(last.body, tree.Name)):
            return None
        name = last.body.name
        numbers = self.derivation.quantities[name].numbers
        if numbers is None or len(step.shape) != 2:
            return None
        places = [at for at, value in enumerate(numbers.entries, 1) if value == 0]
        if not places or len(numbers.shape) != 1:
            return None
        one_row = step.shape[0] == 1
        target = tree.Name(step.target.lower() if one_row else step.target)
        row: tuple[Node, ...] = () if one_row else (tree.Slice(),)
        entry = tree.Gradient(tree.Index(target, (*row, tree.number(places[0]))))
        return entry, tree.Index(tree.Name(name), (tree.number(places[0]),))

    def zero_by_slope(self, step: Step) -> tuple[Node, Node] | None:
        """`(dz_2, g'(z_2))`: an entry that is 0 because the activation is flat there."""
        formula = step.formula
        slope = formula.factors[-1] if isinstance(formula, tree.Product) else formula
        if not (isinstance(slope, tree.Call) and slope.primes and slope.args == (tree.Name(step.target),)):
            return None
        made = self.evaluated(slope)
        if made is None or len(made.shape) != 1 or len(made.entries) == 1:
            return None
        places = [at for at, value in enumerate(made.entries, 1) if value == 0]
        if not places:
            return None
        entry = tree.Index(tree.Name(step.target), (tree.number(places[0]),))
        return tree.Gradient(entry), tree.Call(slope.function, (entry,), slope.options, slope.primes)

    def broadcasts(self) -> bool:
        """Whether somewhere a single number is added to every entry of an array."""
        for one in self.derivation.exercise.equations:
            for part in tree.walk(one.body):
                if isinstance(part, tree.Add):
                    lone = [self._lone(term) for term in part.terms]
                    if any(lone) and not all(lone):
                        return True
        return False

    def _lone(self, node: Node) -> bool:
        try:
            return self.model.lowering.tensor(node).lone
        except ValueError:
            return False

    def means(self) -> list[tuple[Node, Node]]:
        """Each mean in the loss: how many entries it is taken over, and the factor that gives."""
        found: list[tuple[Node, Node]] = []
        for part in tree.walk(self.model.equation(self.derivation.exercise.loss).body):
            if not isinstance(part, tree.Call) or not part.args or dict(part.options).get("axis") is not None:
                continue
            row = self.model.row(part.function)
            if part.function == "mean" or (row is not None and row.reduce == "mean"):
                shapes = [self.model.lowering.tensor(arg).shape for arg in part.args]
                sizes = [s for s in max(shapes, key=len) if s not in (1, None)]
                if sizes:
                    count = tree.times(*(size_node(s) for s in sizes))
                    found.append((count, tree.Quotient(tree.number(1), count, inline=True)))
        return found

    # --- layers in general ---------------------------------------------------------------------------

    @cached_property
    def general(self) -> tuple[Layer, ...]:
        """The model's layers with any numbers of inputs and neurons."""
        return self.derivation.layers

    @cached_property
    def alone(self) -> tuple[Layer, ...]:
        """The layer whose sizes are those of the whole model, as it is all but the loss; else nothing."""
        names = {one.name for one in self.derivation.exercise.equations[:-1]}
        return tuple(layer for layer in self.general if {one.name for one in layer.equations} == names)

    def weight_of(self, made: Contribution) -> str | None:
        """W, where ∂z_j/∂x_i is one entry of a matrix."""
        if len(made.collapsed) == 1 and len(made.collapsed[0].factors) == 1 and not made.collapsed[0].deltas:
            factor = made.collapsed[0].factors[0]
            if isinstance(factor, ix.Entry) and factor.places == (*made.summed, *made.free):
                return factor.name
        return None

    def column_of(self, level: Level) -> Node | None:
        """`w_{:,i}` in `w_{:,i}ᵀ dz`."""
        for part in tree.walk(level.right):
            if isinstance(part, tree.Transpose) and isinstance(part.body, tree.Index):
                return part.body
        return None


def _same(first: Any, second: Any) -> bool:
    return bool(isinstance(first, Fraction) and isinstance(second, Fraction) and first == second)


def _same_arrays(first: ix.Term, second: ix.Term) -> bool:
    return [e.name for e in ix.entries(first)] == [e.name for e in ix.entries(second)]


def _norms_to_brackets(node: Node) -> Node:
    if isinstance(node, tree.Power) and isinstance(node.base, tree.Norm):
        return tree.Power(node.base.body, node.exponent)
    return tree.rebuild(node, _norms_to_brackets)
