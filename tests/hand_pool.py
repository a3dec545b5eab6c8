"""A pool made by hand, with all that platforms stumble over, for the tests of the exporters."""

from dataclasses import replace
from fractions import Fraction
from typing import Any

from symbackprop.exams.exports.pool import (
    Cell,
    Choice,
    Essay,
    Follow,
    Formula,
    Guess,
    Numbers,
    Option,
    Pool,
    PoolQuestion,
    PoolVariant,
)

TRICKY = (
    "]]> # } { $5 y $6 * _x_ `c` \"q\" 'a' < & ñ á \\num{3} {{params.x}} {{/x}} "
    "[a](b) 1. a) GROUP ~ | $$z$$ \\(y\\)"
)
SENTENCES = {
    "no_fractions": "Escribe decimales con punto, no fracciones (#1 & <dos>).",
    "right": "Bien, ñandú.",
    "wrong": "Mal: revísalo.",
    "follow": "Correcto según tu respuesta anterior.",
    "forced": "Debe ser 0 & no puntúa.",
    "empty": "Un campo vacío cuenta como error.",
}


def formula(latex: str, plain: str) -> Formula:
    """A formula whose MathML is its plain text in one `mi`."""
    return Formula(latex=latex, mathml=f"<math><mi>{plain}</mi></math>")


W = formula(r"\begin{bmatrix} -1 & \frac{1}{2} \\ 0 & 3_{a} \end{bmatrix} < \left[ W \right](x) \, \{", "W")


def cells(keys: list[Any], points: Any = 0, forced: tuple[int, ...] = ()) -> tuple[Cell, ...]:
    """Cells in order; those at `forced` give no points, the others share `points` alike."""
    asked = len(keys) - len(forced)
    each = Fraction(points) / asked if asked else Fraction(0)
    return tuple(
        Cell(key=Fraction(key), points=Fraction(0) if at in forced else each) for at, key in enumerate(keys)
    )


def guess(mistake: str, shape: tuple[int, ...], entries: list[Any], credit: str) -> Guess:
    """A guess whose feedback names the mistake, between signs that have to be escaped."""
    words = (f"¿{mistake}? <b> & }} # ~ ]]> $", W)
    numbers = tuple(Fraction(entry) for entry in entries)
    return Guess(mistake=mistake, shape=shape, entries=numbers, credit=Fraction(credit), feedback=words)


def numbers(slug: str, shape: tuple[int, ...], asked: tuple[Cell, ...], **more: Any) -> Numbers:
    """A part that asks for an array."""
    symbol = formula(rf"\frac{{\partial L}}{{\partial {slug}}}", slug)
    given: dict[str, Any] = {"guesses": (), "follow": None} | more
    return Numbers(
        slug=slug, symbol=symbol, prompt=(f"{TRICKY} {slug}: ", symbol), shape=shape, cells=asked, **given
    )


def variant(name: str, dz: list[Any], x: list[Any]) -> PoolVariant:
    """z, dz, dW = dz xᵀ that follows from dz, a number, a choice, an essay. dz[1] is 0: a dead neuron."""
    dz, x = [Fraction(one) for one in dz], [Fraction(one) for one in x]
    outer = [one * other for one in dz for other in x]
    weights = numbers(
        "dW", (2, 3), cells(outer, 3, (3, 4, 5)),
        guesses=(
            guess("transposed", (3, 2), [one * other for other in x for one in dz], "1/2"),
            guess("sign", (2, 3), [-one for one in outer], "1/2"),
            guess("factor", (2, 3), [2 * one for one in outer], "1/4"),
            guess("zero", (2, 3), [0] * 6, "1/2"),
        ),
        follow=Follow(
            sources=(("dz", 0), ("dz", 1)),
            coefficients=tuple((one, Fraction(0)) for one in x) + tuple((Fraction(0), one) for one in x),
            constants=(Fraction(0),) * 6, least={"dz": 1},
        ),
    )  # fmt: skip
    loss = numbers(
        "loss", (), cells([Fraction(1, 2) + dz[0] / 4], "1/2"),
        follow=Follow(
            sources=(("dz", 0),), coefficients=((Fraction(1, 4),),),
            constants=(Fraction(1, 2),), least={"dz": 1},
        ),
    )  # fmt: skip
    choice = Choice(
        slug="mistake",
        prompt=("¿Dónde está el error? ", TRICKY),
        shown=(("(1) ", W), ("(2) & <i>", W)),
        options=(
            Option(text=("En (1) ", W), right=False, feedback=(TRICKY,)),
            Option(text=("En (2) <b>",), right=True, feedback=()),
            Option(text=("$ ninguno $",), right=False, feedback=("No: ", W)),
        ),
        points=Fraction(1),
    )
    essay = Essay(
        slug="derive",
        prompt=("Deriva ", W, " en general."),
        model=(("Se tiene ", W), ("luego <=>",)),
        rubric=(("2 puntos: cadena & más",),),
        points=Fraction(2),
    )
    return PoolVariant(
        name=name,
        text=(("Sea ", W, W, TRICKY), (f"Título: {name} ", *(str(one) + "; " for one in x))),
        parts=(
            numbers("z", (2,), cells([dz[0] - 1, -3], 1)),
            numbers("dz", (2,), cells(dz, 2)),
            weights, loss, choice, essay,
        ),
    )  # fmt: skip


FIRST = variant("v1", [-4, 0], [1, -2, "1/2"])
SECOND = variant("v2", ["5/2", 0], ["-1/4", 3, "3/2"])
ENDLESS = variant("v3", ["1/3", 0], [1, -2, 3])


def pool(*variants: PoolVariant) -> Pool:
    """An exam of two questions: the variants given, and a short question with one variant."""
    short = replace(
        FIRST, name="only", text=(("Corta",),), parts=(numbers("z", (2,), cells(["0.0625", -7], 1)),)
    )
    return Pool(
        key="parcial-1",
        title="Parcial <1> & más",
        language="es",
        decimal_mark=",",
        questions=(
            PoolQuestion(id="capa", title='Una "capa" & más', variants=variants or (FIRST, SECOND)),
            PoolQuestion(id="corta", title="Corta", variants=(short,)),
        ),
        sentences=SENTENCES,
    )


def keys_of(made: Pool, *, forced: bool = True) -> dict[tuple[str, str, str], tuple[Fraction, ...]]:
    """The keys of a pool by question, variant and part; without those that must be 0 if not `forced`."""
    return {
        (question.id, one.name, part.slug): keys
        for question in made.questions
        for one in question.variants
        for part in one.parts
        if isinstance(part, Numbers)
        and (keys := tuple(cell.key for cell in part.cells if forced or not cell.forced))
    }
