"""STACK: one question with all its variants, marked by response trees, as Moodle XML.

Each array is one input and one tree: the key first, then what follows from the student's own earlier answers,
then the named mistakes. Cells are marked one by one, rational keys are exact. Choices and essays are Moodle's
own questions, a variant each.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from symbackprop.exams.exports.html import html, mathjax
from symbackprop.exams.exports.moodle_xml import (
    category,
    cdata,
    document,
    grade,
    name_of,
    own_questions,
    question_xml,
    text_field,
)
from symbackprop.exams.exports.pool import Files, Pool, PoolQuestion, PoolVariant, Words
from symbackprop.exams.exports.stack_arrays import (
    Answers,
    Asked,
    Mistake,
    arrays,
    factor_of_test,
    note,
    outcomes,
    roots,
    wrong_start,
)
from symbackprop.exams.exports.stack_check import lint, read_back
from symbackprop.exams.exports.stack_maxima import (
    VARIANT,
    feedback,
    matrix,
    seeds,
    variables,
)

__all__ = ["export", "lint", "read_back"]


def export(pool: Pool) -> Files:
    """`<key>-stack.xml`: the whole pool, a category for each question.

    ExportError when the variants of a question differ in what is asked or in its points, or for an array that
    STACK has no input for.
    """
    return {f"{pool.key}-stack.xml": document(_questions(pool))}


def _questions(pool: Pool) -> Iterator[str]:
    for question in pool.questions:
        yield category(pool, question)
        asked = arrays(question)
        if asked:
            yield _stack(pool, question, asked)
        for variant in question.variants:
            yield from own_questions(pool, question, variant)


def _stack(pool: Pool, question: PoolQuestion, asked: Sequence[Asked]) -> str:
    sentences = {key: _castext((text,))[0] for key, text in pool.sentences.items()}
    trees = "".join(
        f"<p>{_varied([(part.symbol,) for part in array.parts])}: [[feedback:prt{array.number}]]</p>"
        for array in asked
    )
    times = factor_of_test(asked)
    deployed = seeds(len(question.variants)) if len(question.variants) > 1 else []
    body = (
        "<stackversion><text></text></stackversion>\n"
        f"<questionvariables><text>{cdata(variables(question, asked, times))}</text></questionvariables>\n"
        + text_field("specificfeedback", trees)
        + f"<questionnote><text>{cdata(f'{{@{VARIANT}@}} {{@sbname@}}')}</text></questionnote>\n"
        "<questionsimplify>1</questionsimplify>\n<assumepositive>0</assumepositive>\n"
        "<assumereal>0</assumereal>\n"
        + text_field("prtcorrect", sentences["right"])
        + text_field("prtpartiallycorrect", "")
        + text_field("prtincorrect", sentences["wrong"])
        + f"<decimals>{pool.decimal_mark}</decimals>\n<scientificnotation>*10</scientificnotation>\n"
        "<multiplicationsign>dot</multiplicationsign>\n<sqrtsign>1</sqrtsign>\n<complexno>i</complexno>\n"
        "<inversetrig>cos-1</inversetrig>\n<logicsymbol>lang</logicsymbol>\n<matrixparens>(</matrixparens>\n"
        "<variantsselectionseed></variantsselectionseed>\n"
        + "".join(_input(array) for array in asked)
        + "".join(_tree(array, asked, sentences) for array in asked)
        + "".join(f"<deployedseed>{seed}</deployedseed>\n" for seed in deployed)
        + _qtests(asked, times)
    )
    points = sum((array.parts[0].points for array in asked), Fraction(0))
    return question_xml("stack", name_of(pool, question), _text(question.variants, asked), points, body)


# --- texts of all variants in one ---------------------------------------------------------------------


def _castext(words: Words) -> list[str]:
    """HTML piece by piece, in which STACK sees neither its blocks `[[ ]]` nor its values `{@ @}`, `{# #}`."""
    found = []
    for word in words:
        shown = html((word,), mathjax).replace("[", "&#91;").replace("]", "&#93;")
        found.append(shown.replace("{@", "&#123;@").replace("{#", "&#123;#"))
    return found


def _varied(words: Sequence[Words]) -> str:
    """The same place in all variants: what all share stands once, what differs by variant."""
    pieces = [_castext(one) for one in words]
    if len({len(one) for one in pieces}) > 1:
        return _by_variant(["".join(one) for one in pieces])
    return "".join(_by_variant(column) for column in zip(*pieces, strict=True))


def _by_variant(texts: Sequence[str]) -> str:
    if len(set(texts)) == 1:
        return texts[0]
    return "".join(
        f"[[ if test='is({VARIANT}={number})' ]]{text}[[/ if ]]" for number, text in enumerate(texts, start=1)
    )


def _text(variants: Sequence[PoolVariant], asked: Sequence[Asked]) -> str:
    longest = max(len(variant.text) for variant in variants)
    lines = [
        [variant.text[place] if place < len(variant.text) else () for variant in variants]
        for place in range(longest)
    ]
    shown = "".join(f"<p>{_varied(line)}</p>" for line in lines)
    for array in asked:
        name = f"ans{array.number}"
        shown += (
            f'<div class="part-{array.slug}"><p>{_varied([part.prompt for part in array.parts])}</p>'
            f"<p>{_varied([(part.symbol, ' =') for part in array.parts])} [[input:{name}]]</p>"
            f"<div>[[validation:{name}]]</div></div>"
        )
    return shown


# --- inputs and response trees ------------------------------------------------------------------------


def _input(array: Asked) -> str:
    rows = (
        ("name", f"ans{array.number}"),
        ("type", "matrix" if array.shape else "algebraic"),
        ("tans", f"sbkey{array.number}"),
        ("boxsize", "6" if array.shape else "10"),
        ("strictsyntax", "1"),
        ("insertstars", "0"),
        ("syntaxhint", ""),
        ("syntaxattribute", "0"),
        ("forbidwords", ""),
        ("allowwords", ""),
        ("forbidfloat", "0"),
        ("requirelowestterms", "0"),
        ("checkanswertype", "0"),
        ("mustverify", "0"),
        ("showvalidation", "1"),
        ("options", "allowempty"),  # what is left empty must not keep other trees from running
    )
    return f"<input>\n{_elements(rows)}</input>\n"


def _elements(rows: Sequence[tuple[str, str]]) -> str:
    return "".join(f"<{tag}>{value}</{tag}>\n" for tag, value in rows)


def _tree(array: Asked, asked: Sequence[Asked], sentences: dict[str, str]) -> str:
    n = array.number
    nodes = [(f"sball{n}", "1", "1.0000000", "")]
    if array.sources:
        nodes.append((f"sbfollowed{n}", "1", f"sbscore{n}", f"<p>{sentences['follow']}</p>"))
    nodes += [
        (f"sbmade{n}", str(place), f"sbscore{n}", f"<p>{_said(array, mistake)}</p>")
        for place, mistake in enumerate(array.mistakes, start=1)
    ]
    head = _elements(
        (
            ("name", f"prt{n}"),
            ("value", grade(array.parts[0].points)),
            ("autosimplify", "1"),
            ("feedbackstyle", "1"),
        )
    )
    known = f"<feedbackvariables><text>{cdata(feedback(array, asked))}</text></feedbackvariables>\n"
    written = "".join(_node(array, place, node, place + 1 < len(nodes)) for place, node in enumerate(nodes))
    return f"<prt>\n{head}{known}{written}</prt>\n"


def _said(array: Asked, mistake: Mistake) -> str:
    """What is said of a mistake; nothing in a variant where it gives no wrong answer of its own."""
    guesses = [array.guess(variant, mistake) for variant in range(len(array.parts))]
    return _varied([guess.feedback if guess else () for guess in guesses])


def _node(array: Asked, place: int, node: tuple[str, str, str, str], goes_on: bool) -> str:
    sans, tans, score, said = node
    head = (
        ("name", str(place)),
        ("answertest", "AlgEquiv"),
        ("sans", sans),
        ("tans", tans),
        ("testoptions", ""),
        ("quiet", "1"),
    )
    true = (
        ("truescoremode", "="),
        ("truescore", score),
        ("truepenalty", ""),
        ("truenextnode", "-1"),
        ("trueanswernote", note(array, place, True)),
    )
    false = (
        ("falsescoremode", "="),
        ("falsescore", f"sbscore{array.number}"),
        ("falsepenalty", ""),
        ("falsenextnode", str(place + 1) if goes_on else "-1"),
        ("falseanswernote", note(array, place, False)),
    )
    return (
        f"<node>\n{_elements(head)}{_elements(true)}{text_field('truefeedback', said)}"
        f"{_elements(false)}{text_field('falsefeedback', '')}</node>\n"
    )


# --- tests ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Test:
    """What is typed, as Maxima text for each array in order, and what that is in each variant."""

    typed: tuple[str, ...]
    answers: tuple[Answers, ...]


def _tests(asked: Sequence[Asked], times: int) -> Iterator[_Test]:
    """The key; all zeros; a wrong start followed through; each named mistake, by itself."""
    variants = range(len(asked[0].parts))
    keys = [{a.slug: [cell.key for cell in a.parts[v].cells] for a in asked} for v in variants]
    names = tuple(f"sbkey{array.number}" for array in asked)
    yield _Test(typed=names, answers=tuple(keys))
    zeros = {a.slug: [Fraction(0)] * len(a.parts[0].cells) for a in asked}
    typed = tuple(matrix(array.shape, zeros[array.slug]) for array in asked)
    yield _Test(typed=typed, answers=tuple(zeros for _ in variants))
    starts = roots(asked)
    if starts:
        typed = tuple(
            f"sbtest{array.number}" if array.sources else f"{times}*{name}" if array.slug in starts else name
            for array, name in zip(asked, names, strict=True)
        )
        yield _Test(typed=typed, answers=tuple(wrong_start(asked, times)))
    for place, array in enumerate(asked):
        for number, mistake in enumerate(array.mistakes, start=1):
            typed = (*names[:place], f"sbguess{array.number}[{number}]", *names[place + 1 :])
            guesses = [array.guess(variant, mistake) for variant in variants]
            yield _Test(
                typed=typed,
                answers=tuple(
                    {**key, array.slug: guess.entries if guess else key[array.slug]}
                    for key, guess in zip(keys, guesses, strict=True)
                ),
            )


def _qtests(asked: Sequence[Asked], times: int) -> str:
    """A test runs in every variant: one that does not come out the same in all of them is left out."""
    written: list[str] = []
    for test in _tests(asked, times):
        found = outcomes(asked, test.answers)
        if len(found) == 1:
            written.append(_qtest(len(written) + 1, test, asked, *found))
    return "".join(written)


def _qtest(number: int, test: _Test, asked: Sequence[Asked], expected: Sequence[tuple[Fraction, str]]) -> str:
    typed = "".join(
        f"<testinput>\n{_elements((('name', f'ans{array.number}'), ('value', value)))}</testinput>\n"
        for array, value in zip(asked, test.typed, strict=True)
    )
    results = "".join(
        "<expected>\n"
        + _elements(
            (
                ("name", f"prt{array.number}"),
                ("expectedscore", grade(score)),
                ("expectedpenalty", "0.0000000"),
                ("expectedanswernote", last),
            )
        )
        + "</expected>\n"
        for array, (score, last) in zip(asked, expected, strict=True)
    )
    return f"<qtest>\n<testcase>{number}</testcase>\n{typed}{results}</qtest>\n"
