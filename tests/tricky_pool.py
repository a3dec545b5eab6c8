"""A pool made by hand for the exports: signs that XML, HTML, Moodle and STACK give a meaning, numbers that
are awkward, and every kind of part. z, dz and L stand by themselves, dW and dx follow from dz."""

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

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
    Words,
)

TRICKY = "a < b && c > d ]]> #1 {x} {1:NUMERICAL:=9} {#1} ~ \"q\" 'é' [[input:ans1]] {@x@} $$ \\( ñ \\"
"""Plain text: none of it is a formula, a gap, a block or a tag."""

SENTENCES = {
    "no_fractions": "Escribe decimales, no fracciones: 0,375 y no 3/8.",
    "right": "Está bien.",
    "wrong": "No está bien [[ if ]].",
    "follow": "Está bien a partir de tu respuesta anterior.",
    "forced": "Tiene que ser 0.",
    "empty": "Un hueco vacío cuenta como error.",
}


def formula(latex: str) -> Formula:
    """A formula of which only LaTeX and plain text matter."""
    return Formula(latex=latex, mathml=f"<math><mi>{latex[0]}</mi></math>")


def fractions(*values: object) -> tuple[Fraction, ...]:
    """Exact numbers: 1, "-3/8"."""
    return tuple(Fraction(str(value)) for value in values)


def guess(
    mistake: str, shape: tuple[int, ...], entries: Sequence[Fraction], credit: object, said: str
) -> Guess:
    """A wrong answer whose feedback has text and a formula with braces."""
    feedback: Words = (said, formula(r"\frac{1}{2} \{ a<b \} \#"))
    return Guess(
        mistake=mistake, shape=shape, entries=tuple(entries), credit=Fraction(str(credit)), feedback=feedback
    )


def numbers(
    slug: str,
    shape: tuple[int, ...],
    keys: Sequence[Fraction],
    points: Sequence[Fraction],
    guesses: Sequence[Guess] = (),
    follow: Follow | None = None,
) -> Numbers:
    """A part; a cell that gives no points is forced."""
    cells = tuple(Cell(key=k, points=p) for k, p in zip(keys, points, strict=True))
    return Numbers(
        slug=slug, symbol=formula(slug), prompt=(f"Calcula {slug}.",), shape=shape, cells=cells,
        guesses=tuple(guesses), follow=follow,
    )  # fmt: skip


def follow_from(x: Sequence[Fraction], least: int) -> Follow:
    """dW = dz xᵀ, for two units and two inputs."""
    rows = [(value, Fraction(0)) for value in x] + [(Fraction(0), value) for value in x]
    sources = (("dz", 0), ("dz", 1))
    return Follow(
        sources=sources, coefficients=tuple(rows), constants=fractions(0, 0, 0, 0), least={"dz": least}
    )


def first() -> PoolVariant:
    """x = (2, −3), dz = (3/8, −4), dW = dz xᵀ, dx = (1 + dz₁ − 2 dz₂, 3 dz₂)."""
    key = fractions("3/4", "-9/8", -8, 12)
    halves = fractions("1/2", "1/2", "1/2", "1/2")
    dz, z = fractions("3/8", -4), fractions("-1/2", 7)
    dx = Follow(
        sources=(("dz", 1), ("dz", 0)),
        coefficients=(fractions(-2, 1), fractions(3, 0)),
        constants=fractions(1, 0),
        least={"dz": 2},
    )
    wrong_z = (guess("row", (1, 2), z, 1, "fila"), guess("sign", (2,), [-value for value in z], 0, "signo"))
    wrong_dz = (guess("half", (2,), [value / 2 for value in dz], "1/3", "mitad"),)
    wrong_dw = (
        guess("transposed", (2, 2), (key[0], key[2], key[1], key[3]), "1/2", "¿Traspuesta? ~ # } ]]>"),
        guess("sign", (2, 2), [-value for value in key], "1/4", "signo \\"),
        guess("near", (2, 2), fractions("0.7506", -8, "1/3", 0), "3/4", "otra"),
    )
    parts = (
        numbers("z", (2,), z, fractions(1, 1), wrong_z),
        numbers("dz", (2,), dz, fractions(1, 1), wrong_dz),
        numbers("dW", (2, 2), key, halves, wrong_dw, follow_from(fractions(2, -3), 2)),
        numbers("dx", (2,), fractions("75/8", -12), fractions("1/2", 1), (), dx),
        numbers("L", (), fractions("-5/2"), fractions(1), (squared("25/4"),)),
        *extras("(2, −3)"),
    )
    return PoolVariant(name="v01", text=text("2", "-3"), parts=parts)


def second() -> PoolVariant:
    """x = (1, 5) and a dead unit: dz = (2, 0), and the second row of dW must be 0."""
    key = fractions(2, 10, 0, 0)
    dz, z = fractions(2, 0), fractions(4, "-1/2")
    dx = Follow(
        sources=(("dz", 0),),
        coefficients=(fractions(1), fractions(5)),
        constants=fractions(1, 0),
        least={"dz": 1},
    )
    wrong_z = (guess("sign", (2,), [-value for value in z], 0, "signo"),)
    wrong_dz = (guess("half", (2,), [value / 2 for value in dz], "1/3", "mitad"),)
    wrong_dw = (
        guess("transposed", (2, 2), fractions(2, 0, 10, 0), "1/2", "¿Traspuesta? ~ # } ]]>"),
        guess("sign", (2, 2), [-value for value in key], "1/4", "signo \\"),
    )
    parts = (
        numbers("z", (2,), z, fractions(1, 1), wrong_z),
        numbers("dz", (2,), dz, fractions(2, 0), wrong_dz),
        numbers("dW", (2, 2), key, fractions(1, 1, 0, 0), wrong_dw, follow_from(fractions(1, 5), 1)),
        numbers("dx", (2,), fractions(3, 10), fractions("1/2", 1), (), dx),
        numbers("L", (), fractions(8), fractions(1), (squared("64"),)),
        *extras("(1, 5)"),
    )
    return PoolVariant(name="v02", text=text("1", "5"), parts=parts)


def squared(value: str) -> Guess:
    """The loss squared once too often."""
    return guess("square", (), fractions(value), "1/2", "cuadrado")


def text(one: str, two: str) -> tuple[Words, ...]:
    """The question, with a variant's data."""
    return (TRICKY,), (
        "Sea ",
        formula(rf"x = \begin{{bmatrix}} {one} \\[2pt] {two} \end{{bmatrix}}, a<b"),
        ".",
    )


def extras(data: str) -> tuple[Choice | Essay, ...]:
    """A choice and an essay with tricky texts."""
    options = (
        Option(text=("línea 1 & ", formula("z = Wx")), right=False, feedback=("No: ]]>",)),
        Option(text=("línea 2 < 3 ",), right=True, feedback=()),
        Option(text=(f"línea 3, {data}",), right=False, feedback=()),
    )
    shown: tuple[Words, ...] = (("1. ", formula("a & b")), ("2. {x}",))
    choice = Choice(slug="mistake", prompt=("¿Dónde?",), shown=shown, options=options, points=Fraction(1, 3))
    model: tuple[Words, ...] = (("Solución ", formula(r"dW = dz\,x^\top")),)
    rubric: tuple[Words, ...] = (("2 puntos ]]>",),)
    return choice, Essay(
        slug="derive", prompt=("Deduce.",), model=model, rubric=rubric, points=Fraction(3, 2)
    )


def tricky_pool() -> Pool:
    """One question, two variants."""
    question = PoolQuestion(id="q1", title="Una capa", variants=(first(), second()))
    return Pool(
        key="parcial",
        title="Parcial ñ",
        language="es",
        decimal_mark=",",
        questions=(question,),
        sentences=SENTENCES,
    )


def with_variants(pool: Pool, *variants: PoolVariant) -> Pool:
    """A pool whose first question has other variants."""
    question = pool.questions[0]
    return replace(pool, questions=(replace(question, variants=variants), *pool.questions[1:]))


def with_part(variant: PoolVariant, slug: str, part: Numbers) -> PoolVariant:
    """A variant with one part replaced."""
    return replace(variant, parts=tuple(part if old.slug == slug else old for old in variant.parts))


def arrays_of(variant: PoolVariant) -> list[Numbers]:
    """The parts that ask for numbers."""
    return [part for part in variant.parts if isinstance(part, Numbers)]
