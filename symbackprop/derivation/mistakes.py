"""The typical mistakes in a derivation, one row each: the right formula in, wrong ones out.

A row makes what a person who slips there would write; it is not asked whether the shapes still
fit. The sentences about them are in the language files under `mistake.<id>`; `{about}` there is
the part of the formula that the slip is about, `{instead}` what was put in its place.

What a row makes is wrong in general, but it may well be right for one exercise (with identity
for g, nothing is lost by forgetting g′), and it may give the right numbers by accident:
`blind.py` looks for those. It looks at what `make` makes, which every good example shows. What
`more` makes besides is looked for only where somebody has written a wrong line.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from symbackprop.derivation import mistakes_names as names
from symbackprop.derivation import mistakes_products as products
from symbackprop.derivation import mistakes_signs as signs
from symbackprop.derivation import mistakes_slopes as slopes
from symbackprop.derivation.slips import Maker, Place, Wrong, cancels
from symbackprop.derivation.steps import Step
from symbackprop.exercise.model import Exercise
from symbackprop.notation.write import to_plain


@dataclass(frozen=True, slots=True)
class Mistake:
    """One row. `name` is what messages of the command line call it; it may hold `{about}`, `{instead}`.

    `make` is None for a row that only a checker looks for. `forward`: it can also be made in an
    equation of the model.
    """

    id: str
    name: str
    make: Maker | None
    more: tuple[Maker, ...] = ()
    forward: bool = False

    def named(self, wrong: Wrong) -> str:
        """Its name with the parts it is about put in."""
        made = self.name
        for place, node in (("{about}", wrong.about), ("{instead}", wrong.instead)):
            made = made.replace(place, "" if node is None else to_plain(node))
        return made.strip()


def wrong_formulas(exercise: Exercise, step: Step) -> Iterator[tuple[Mistake, Wrong]]:
    """Every mistake that an example should show, made in one step: the formulas that come of it."""
    if not step.gradient or step.rule in {"seed", "unreached"}:
        return
    place = Place(exercise, step)
    for row in MISTAKES:
        for wrong in row.make(place) if row.make is not None else ():
            if wrong.formula != step.formula:
                yield row, wrong


def every_wrong_formula(
    exercise: Exercise, step: Step, steps: Sequence[Step] = ()
) -> Iterator[tuple[Mistake, Wrong]]:
    """All that a checker looks for in one step, forward or backward; `steps` are those of the derivation."""
    if step.rule in {"seed", "unreached"}:
        return
    place = Place(exercise, step, tuple(steps))
    for row in MISTAKES:
        if step.gradient or row.forward:
            for maker in (row.make, *row.more):
                for wrong in maker(place) if maker is not None else ():
                    if wrong.formula != step.formula and not cancels(wrong.formula):
                        yield row, wrong


MISTAKES: tuple[Mistake, ...] = (
    Mistake("sign", "the sign", signs.sign, forward=True),
    Mistake(
        "term_sign", "the sign of {about}", signs.term_sign,
        (signs.first_sign, slopes.in_slope(slopes.output_sign)), forward=True,
    ),
    Mistake(
        "term_forgotten", "{about} forgotten", signs.term_forgotten,
        (slopes.in_slope(slopes.output_term_forgotten), signs.terms_forgotten), forward=True,
    ),
    Mistake("label_for_output", "the derivative with respect to {instead}", None, (names.label_for_output,)),
    Mistake(
        "doubled", "a factor 2 too many", signs.scaled(Fraction(2)),
        (signs.any_scaled(Fraction(2)),), forward=True,
    ),
    Mistake(
        "halved", "a factor 1/2 too many", signs.scaled(Fraction(1, 2)),
        (signs.any_scaled(Fraction(1, 2)),), forward=True,
    ),
    Mistake("term_factor", "the factor of {about}", None, (signs.term_factor,), forward=True),
    Mistake("mean_missing", "the mean's factor missing", signs.mean_missing, (signs.count_missing,)),
    Mistake("mean_twice", "the mean's factor {about} twice", None, (signs.count_twice,)),
    Mistake("square_kept", "the square not differentiated", signs.square_kept, (signs.bare_square_kept,)),
    Mistake("square_forgotten", "a square forgotten", None, (signs.squared,), forward=True),
    Mistake("slope_missing", "{about} forgotten", slopes.slope_missing),
    Mistake("function_for_slope", "{instead} in place of {about}", slopes.function_for_slope),
    Mistake("slope_at_output", "g' at {instead} in place of {about}", slopes.slope_at_output),
    Mistake("other_slope", "another function's derivative for {about}", None, (slopes.other_slope,)),
    Mistake(
        "slope_square", "the square of {about} forgotten", None,
        (slopes.in_slope(slopes.output_square_forgotten),),
    ),
    Mistake(
        "softmax_elementwise", "softmax entry by entry", None,
        (slopes.softmax_elementwise, slopes.diagonal_everywhere),
    ),
    Mistake("other_function", "{instead} in place of {about}", None, (slopes.other_function,), forward=True),
    Mistake("function_forgotten", "{about} not applied", None, (slopes.function_forgotten,), forward=True),
    Mistake("argument_sign", "the sign of {about}", None, (slopes.argument_sign,), forward=True),
    Mistake(
        "preactivation", "{instead} in place of {about}", slopes.preactivation,
        (slopes.preactivation_in_slope,), forward=True,
    ),
    Mistake(
        "hadamard_as_dot", "a dot product for ⊙", products.hadamard_as_dot,
        (products.any_hadamard_as_dot,), forward=True,
    ),
    Mistake("dot_as_hadamard", "⊙ for a matrix product", None, (products.dot_as_hadamard,), forward=True),
    Mistake("transpose_missing", "a transpose missing", products.transpose_missing, forward=True),
    Mistake("transpose_extra", "{about} transposed", None, (products.transpose_extra,), forward=True),
    Mistake(
        "result_transposed", "the result transposed", products.result_transposed,
        (products.any_result_transposed,),
    ),
    Mistake(
        "factors_swapped", "the factors swapped", products.factors_swapped,
        (products.neighbours_swapped,), forward=True,
    ),
    Mistake("inner_for_outer", "an inner product for an outer one", products.inner_for_outer),
    Mistake("indices_swapped", "indices {about} swapped", None, (products.indices_swapped,), forward=True),
    Mistake("wrong_index", "{instead} in place of {about}", None, (products.wrong_index,), forward=True),
    Mistake("sum_index", "the sum taken over {instead}", None),
    Mistake("summed", "the vector summed to a number", products.summed, (products.any_summed,)),
    Mistake(
        "factor_forgotten", "{about} forgotten", products.factor_forgotten,
        (signs.number_forgotten, slopes.in_slope(slopes.output_factor_forgotten)), forward=True,
    ),
    Mistake("not_summed", "not summed over the examples", products.not_summed),
    Mistake("sum_forgotten", "a sum forgotten", None, (products.sum_forgotten,), forward=True),
    Mistake("product_for_sum", "a product for a sum", None, (products.product_for_sum,), forward=True),
    Mistake(
        "output_for_input", "{instead} in place of {about}", names.output_for_input, (names.after_for_input,)
    ),
    Mistake("upstream_skipped", "{instead} in place of {about}", names.upstream_skipped),
    Mistake("step_skipped", "{instead} in place of {about}", None, (names.later_for_upstream,)),
    Mistake(
        "upstream_forgotten", "{about} forgotten", names.upstream_forgotten, (names.any_upstream_forgotten,)
    ),
    Mistake("bias_one", "1 in place of {about}", names.bias_one, (names.gradient_is_one,)),
    Mistake("value_for_gradient", "{instead} in place of {about}", None, (names.value_for_gradient,)),
    Mistake("gradient_for_value", "{instead} in place of {about}", None, (names.gradient_for_value,)),
    Mistake("wrong_variable", "{instead} in place of the gradient of {about}", None, (names.wrong_variable,)),
    Mistake("wrong_layer", "{instead} in place of {about}", None, (names.wrong_layer,), forward=True),
    Mistake("wrong_factor", "{instead} in place of {about}", None, (names.wrong_factor, names.near_factor)),
    Mistake("bias_regularised", "{about} too many", None, (names.bias_regularised,)),
    Mistake("updated_too_early", "{about} already updated", None, (names.updated_too_early,)),
    Mistake("entry_sign", "the sign of {about}", signs.entry_sign, (signs.any_entry_sign,), forward=True),
    Mistake("arithmetic", "an arithmetic slip", None),
)  # fmt: skip
"""All the rows, in the order in which findings name them.

No formula comes of `arithmetic`, found by working out anew what a person has calculated, nor of
`sum_index`, found by changing the line itself.
"""

BY_ID = {row.id: row for row in MISTAKES}
