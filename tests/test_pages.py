"""Pages of every function: nothing sticks out of the margin, no glyph is missing."""

import pytest

from symbackprop.algebra.functions import ROWS
from symbackprop.derivation.derive import derive
from symbackprop.exercise import from_text
from symbackprop.exercise.new import new_exercise_text
from symbackprop.report.compose import compose
from symbackprop.report.pdf import overfull_boxes, typeset
from symbackprop.report.render import render

PAIRS = [
    *((row.name, "half_squared_error") for row in ROWS if row.kind == "activation"),
    *(("sigmoid", row.name) for row in ROWS if row.kind == "loss"),
]


@pytest.mark.parametrize(("activation", "loss"), PAIRS)
def test_every_function_fits_the_page(pdflatex: str, activation: str, loss: str) -> None:
    neurons = 2 if PAIRS.index((activation, loss)) % 2 else 1
    language = ("es", "en")[PAIRS.index((activation, loss)) % 3 == 0]
    text = new_exercise_text(inputs=3, neurons=neurons, activation=activation, loss=loss, language=language)
    exercise = from_text(text)
    tex = render(compose(derive(exercise)), format="tex", language=language, loss=exercise.loss)
    log = typeset(tex, engine="pdflatex").log
    assert overfull_boxes(log) == []
    assert "Missing character" not in log
