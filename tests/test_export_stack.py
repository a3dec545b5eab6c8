"""STACK questions: read again by a reader of their own, with marks worked out by hand for the tricky pool.

x = (2, −3) and dz = (3/8, −4) in v01; x = (1, 5), dz = (2, 0), and a row of dW that must be 0, in v02.
"""

import re
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from lxml import etree

from symbackprop.exams.exports import stack
from symbackprop.exams.exports.pool import ExportError, Files, Pool
from symbackprop.exams.exports.stack_arrays import arrays, outcome
from symbackprop.exams.exports.stack_maxima import seeds
from tests.tricky_pool import (
    TRICKY,
    arrays_of,
    first,
    fractions,
    second,
    tricky_pool,
    with_part,
    with_variants,
)

FILE = "parcial-stack.xml"


def question(pool: Pool | None = None) -> etree._Element:
    """The STACK question of a pool."""
    found = etree.fromstring(stack.export(pool or tricky_pool())[FILE]).findall("question[@type='stack']")
    (only,) = found
    return only


def statements(text: str | None) -> dict[str, str]:
    """`name: value;` by name; each name once."""
    found = re.findall(r"^(\w+): (.*);$", text or "", re.MULTILINE)
    assert len(dict(found)) == len(found) == len((text or "").splitlines())
    return dict(found)


def arrays_in(value: str) -> list[list[Fraction]]:
    """The entries of each matrix of a list: `[matrix([1,2],[3,4]),…]`; bare numbers are arrays of one."""
    pieces = re.findall(r"matrix\((.*?)\)", value) or value.strip("[]").split(",")
    return [[Fraction(number) for number in re.findall(r"-?\d+(?:/\d+)?", piece)] for piece in pieces]


# --- the numbers ----------------------------------------------------------------------------------------


def test_keys_and_shares_are_those_of_the_pool() -> None:
    known = statements(question().findtext("questionvariables/text"))
    for number in range(1, 6):
        parts = [arrays_of(variant)[number - 1] for variant in (first(), second())]
        assert arrays_in(known[f"sbpoolkey{number}"]) == [[cell.key for cell in part.cells] for part in parts]
        shares = [[cell.points / part.points for cell in part.cells] for part in parts]
        same = shares[0] == shares[1]
        written = f"[{known[f'sbshare{number}']}]" if same else known[f"sbpoolshare{number}"]
        found = [Fraction(share) for share in re.findall(r"\d+(?:/\d+)?", written)]
        assert found == (shares[0] if same else shares[0] + shares[1])
        assert known[f"sbkey{number}"] == f"sbpoolkey{number}[sbvar]"
    assert known["sbvar"] == "1+rand(2)"
    assert known["sbnames"] == '["v01","v02"]'


def test_keys_come_back() -> None:
    files = stack.export(tricky_pool())
    stack.lint(files)
    assert {(key.question, key.variant, key.slug, key.keys) for key in stack.read_back(files)} == {
        ("q1", variant.name, part.slug, tuple(cell.key for cell in part.cells))
        for variant in tricky_pool().questions[0].variants
        for part in arrays_of(variant)
    }
    assert files == stack.export(tricky_pool())


def test_keys_that_never_end_are_exact() -> None:
    part = arrays_of(first())[-1]
    third = replace(part, cells=(replace(part.cells[0], key=Fraction(-1, 3)),))
    files = stack.export(with_variants(tricky_pool(), with_part(first(), "L", third), second()))
    stack.lint(files)
    assert [key.keys for key in stack.read_back(files) if key.slug == "L"] == [
        fractions("-1/3"),
        fractions(8),
    ]


def test_shapes_of_inputs() -> None:
    """A vector is a column; a number has a field of its own; what is empty is allowed."""
    found = question().findall("input")
    assert [one.findtext("type") for one in found] == ["matrix"] * 4 + ["algebraic"]
    assert {one.findtext("options") for one in found} == {"allowempty"}
    assert [one.findtext("forbidfloat") for one in found] == ["0"] * 5
    assert "matrix([3/8],[-4])" in (question().findtext("questionvariables/text") or "")


@pytest.mark.parametrize("count", [1, 2, 3, 7, 50])
def test_seeds_reach_each_variant_once(count: int) -> None:
    """NumPy's MT19937 is seeded as Maxima's is, and its first word modulo n is `rand(n)`."""
    words = [int(np.random.RandomState(seed).randint(0, 2**32, dtype=np.uint32)) for seed in seeds(count)]
    assert [word % count for word in words] == list(range(count))


def test_one_variant_is_not_drawn() -> None:
    only = question(with_variants(tricky_pool(), first()))
    assert "rand" not in (only.findtext("questionvariables/text") or "")
    assert only.findall("deployedseed") == []
    assert "[[ if" not in (only.findtext("questiontext/text") or "")


@pytest.mark.parametrize(("mark", "written"), [(",", ","), (".", ".")])
def test_the_decimal_mark_is_the_language_s(mark: str, written: str) -> None:
    pool = replace(tricky_pool(), decimal_mark=mark)
    assert question(pool).findtext("decimals") == written
    assert "0,375" not in (question(pool).findtext("questionvariables/text") or "")


# --- marks ----------------------------------------------------------------------------------------------

TESTS = [
    ("key", ["1", "1", "1", "1", "1"], ["1-1-T", "2-1-T", "3-1-T", "4-1-T", "5-1-T"]),
    ("zeros", ["0", "0", "0", "0", "0"], ["1-2-F", "2-2-F", "3-5-F", "4-2-F", "5-2-F"]),
    ("follow", ["1", "0", "1", "1", "1"], ["1-1-T", "2-2-F", "3-2-T", "4-2-T", "5-1-T"]),
    ("z sign", ["0", "1", "1", "1", "1"], ["1-2-T", "2-1-T", "3-1-T", "4-1-T", "5-1-T"]),
    ("dz half", ["1", "1/3", "1", "1", "1"], ["1-1-T", "2-2-T", "3-1-T", "4-1-T", "5-1-T"]),
    ("dW sign", ["1", "1", "1/4", "1", "1"], ["1-1-T", "2-1-T", "3-4-T", "4-1-T", "5-1-T"]),
    ("L square", ["1", "1", "1", "1", "1/2"], ["1-1-T", "2-1-T", "3-1-T", "4-1-T", "5-2-T"]),
]
"""Worked out by hand; dW transposed is worth 13/16 in one variant and 1/2 in the other, so it is no test."""


def test_the_tests_expect_what_was_worked_out_by_hand() -> None:
    found = question().findall("qtest")
    assert [test.findtext("testcase") for test in found] == [str(n + 1) for n in range(len(TESTS))]
    for test, (_, scores, notes) in zip(found, TESTS, strict=True):
        expected = test.findall("expected")
        assert [one.findtext("name") for one in expected] == [f"prt{n}" for n in range(1, 6)]
        for one, score, last in zip(expected, scores, notes, strict=True):
            assert abs(Fraction(str(one.findtext("expectedscore"))) - Fraction(score)) < Fraction(1, 10**7)
            assert one.findtext("expectedanswernote") == f"prt{last}"


def test_what_the_tests_type() -> None:
    typed = [
        [one.findtext("value") for one in test.findall("testinput")] for test in question().findall("qtest")
    ]
    assert typed[0] == [f"sbkey{n}" for n in range(1, 6)]
    assert typed[1][1:3] == ["matrix([0],[0])", "matrix([0,0],[0,0])"]
    assert typed[2] == ["sbkey1", "3*sbkey2", "sbtest3", "sbtest4", "sbkey5"]
    known = statements(question().findtext("questionvariables/text"))
    assert known["sbtest3"].startswith("matrix([sbconstant3[1]+sbfactor3[1]*3*sbkey2[1,1],sbconstant3[2]+")


def test_a_wrong_start_is_no_mistake_by_chance() -> None:
    """Three times the key of dz is what a mistake gives here, in one variant; five times is nothing."""
    part = arrays_of(first())[1]
    triple = replace(part.guesses[0], mistake="triple", entries=tuple(3 * cell.key for cell in part.cells))
    odd = with_part(first(), "dz", replace(part, guesses=(*part.guesses, triple)))
    tests = question(with_variants(tricky_pool(), odd, second())).findall("qtest")
    typed = [[one.findtext("value") for one in test.findall("testinput")] for test in tests]
    assert ["sbkey1", "5*sbkey2", "sbtest3", "sbtest4", "sbkey5"] in typed


HAND = [
    ("dW", 0, {"dz": (1, 2)}, ("2", "-3", "4", "-6"), "1", "3-2-T"),  # follows from a wrong dz
    ("dW", 0, {"dz": (1, 2)}, ("2", "-3", "4", "5"), "3/4", "3-5-F"),
    ("dW", 0, {"dz": (0, 2)}, ("0", "0", "4", "-6"), "0", "3-5-F"),  # dz has fewer nonzeros than its key
    (
        "dW",
        0,
        {"dz": ("3/8", -4)},
        ("3/4", "-8", "-9/8", "12"),
        "13/16",
        "3-3-T",
    ),  # -8 earns the 3/4 of `near`
    (
        "dW",
        1,
        {"dz": (2, 0)},
        ("2", "0", "10", "0"),
        "3/8",
        "3-3-T",
    ),  # 1/2, less 1/4, of which a mistake gets half
    (
        "dW",
        1,
        {"dz": (2, 0)},
        ("2", "10", "7", "7"),
        "1/2",
        "3-5-F",
    ),  # where 0 is due, each 7 takes a quarter
    ("dW", 1, {"dz": (2, 0)}, ("2", "10", "0", "0"), "1", "3-1-T"),  # and zeros give nothing
    (
        "dW",
        1,
        {"dz": (0, 2)},
        ("0", "0", "2", "10"),
        "0",
        "3-2-T",
    ),  # all of it follows: no penalty, no zeros paid
    ("dx", 1, {"dz": (3, 9)}, ("4", "15"), "1", "4-2-T"),
    ("z", 0, {}, ("-1/2", "6"), "1/2", "1-2-F"),
]


@pytest.mark.parametrize(("slug", "variant", "earlier", "answer", "score", "last"), HAND)
def test_marks_by_hand(
    slug: str,
    variant: int,
    earlier: dict[str, tuple[object, ...]],
    answer: tuple[str, ...],
    score: str,
    last: str,
) -> None:
    asked = next(one for one in arrays(tricky_pool().questions[0]) if one.slug == slug)
    answers = {name: fractions(*values) for name, values in earlier.items()} | {slug: fractions(*answer)}
    assert outcome(asked, variant, answers) == (Fraction(score), f"prt{last}")


def test_trees_ask_for_the_inputs_that_they_follow_from() -> None:
    trees = {str(tree.findtext("name")): tree for tree in question().findall("prt")}
    inputs = {
        name: set(re.findall(r"ans\d", tree.findtext("feedbackvariables/text")))
        for name, tree in trees.items()
    }
    needed = [{"ans1"}, {"ans2"}, {"ans2", "ans3"}, {"ans2", "ans4"}, {"ans5"}]
    assert inputs == {f"prt{number}": names for number, names in enumerate(needed, start=1)}
    assert [tree.findtext("value") for tree in trees.values()] == ["2.0000000"] * 3 + [
        "1.5000000",
        "1.0000000",
    ]


def test_nodes_are_the_key_then_what_follows_then_mistakes() -> None:
    tree = question().findall("prt")[2]
    nodes = [(node.findtext("sans"), node.findtext("tans")) for node in tree.findall("node")]
    assert nodes == [
        ("sball3", "1"),
        ("sbfollowed3", "1"),
        ("sbmade3", "1"),
        ("sbmade3", "2"),
        ("sbmade3", "3"),
    ]
    assert [node.findtext("falsenextnode") for node in tree.findall("node")] == ["1", "2", "3", "4", "-1"]
    said = [node.findtext("truefeedback/text") for node in tree.findall("node")]
    assert said[0] == ""
    assert said[1] == "<p>Está bien a partir de tu respuesta anterior.</p>"
    assert said[2].startswith("<p>¿Traspuesta? ~ # &#125; &#93;&#93;&gt;")
    assert said[4].startswith("<p>[[ if test='is(sbvar=1)' ]]otra")  # `near` is a mistake of v01 alone


# --- texts ----------------------------------------------------------------------------------------------


def shown(variant: int) -> str:
    """The text of the question as STACK shows it for a variant, its tags taken away."""
    text = question().findtext("questiontext/text") or ""
    kept = re.sub(
        r"\[\[ if test='is\(sbvar=(\d)\)' \]\](.*?)\[\[/ if \]\]",
        lambda block: block.group(2) if int(block.group(1)) == variant else "",
        text,
    )
    return "".join(etree.HTML(kept).itertext())


def test_each_variant_shows_its_data() -> None:
    for variant, (one, two) in ((1, ("2", "-3")), (2, ("1", "5"))):
        assert shown(variant).startswith(TRICKY)
        assert rf"Sea \(x = \begin{{bmatrix}} {one} \\[2pt] {two} \end{{bmatrix}}, a<b\)." in shown(variant)
        assert shown(variant).removeprefix(TRICKY).count("[[input:") == 5


def test_a_note_tells_variants_apart() -> None:
    assert question().findtext("questionnote/text") == "{@sbvar@} {@sbname@}"
    assert question().findtext("prtincorrect/text") == "No está bien &#91;&#91; if &#93;&#93;."


def test_choices_and_essays_are_there() -> None:
    root = etree.fromstring(stack.export(tricky_pool())[FILE])
    assert [q.get("type") for q in root] == ["category", "stack", "multichoice", "essay", "multichoice"]


# --- what is refused ------------------------------------------------------------------------------------


def test_variants_must_be_alike() -> None:
    other = replace(second(), parts=second().parts[1:])
    with pytest.raises(ExportError, match="variants differ"):
        stack.export(with_variants(tricky_pool(), first(), other))
    part = arrays_of(second())[0]
    richer = replace(part, cells=(replace(part.cells[0], points=Fraction(5)), part.cells[1]))
    with pytest.raises(ExportError, match="variants differ"):
        stack.export(with_variants(tricky_pool(), first(), with_part(second(), "z", richer)))


def test_what_follows_must_have_been_asked() -> None:
    late = replace(first(), parts=first().parts[2:])
    with pytest.raises(ExportError, match="not asked before it"):
        stack.export(with_variants(tricky_pool(), late))


FAULTS = [
    ("sbname: sbnames[sbvar];", "list: sbnames[sbvar];", "list is a word of Maxima or STACK"),
    ("sbname: sbnames[sbvar];", "matrix: sbnames[sbvar];", "matrix is a word of Maxima or STACK"),
    ("sbname: sbnames[sbvar];", "dW: sbnames[sbvar];", "dW is no name of ours"),
    ("sbname: sbnames[sbvar];", "sbname: system(1);", "keeps for itself"),
    ("matrix([3/8],[-4])", "matrix([0.375],[-4])", "not exact"),
    ("matrix([3/8],[-4])", "matrix([0,375],[-4])", "one shape"),
    ("matrix([3/8],[-4])", "matrix([3/8],[-4]", "do not balance"),
    ("matrix([3/8],[-4])", "matrix([3/8,-4])", "one shape"),
    ("sbkey2: sbpoolkey2[sbvar];", "sbkey2: sbpoolkey2[1];", "not chosen by the variant"),
    ("1+rand(2)", "1+rand(3)", "not drawn from the 2 variants"),
    ("[[validation:ans2]]", "", "needs one place"),
    ("[[feedback:prt2]]", "[[feedback:prt3]]", "needs one place"),
    ("[[/ if ]]", "", "no block of ours"),
    ("<p>Calcula dW.", "<p>[[ debug /]]", "no block of ours"),
    ("<falsenextnode>2<", "<falsenextnode>0<", "not after it"),
    ("<falseanswernote>prt3-2-F<", "<falseanswernote>prt3-2-T<", "same name"),
    ("<expectedscore>0.3333333<", "<expectedscore>1.5000000<", "a score or a note"),
    ("{@sbvar@}", "", "and a note"),
    ("parcial q1 v02 mistake", "parcial q1 v01 mistake", "twice the same name"),
]


@pytest.mark.parametrize(
    ("right", "wrong", "said"), FAULTS, ids=[f"{w[:24]}" or r[:24] for r, w, _ in FAULTS]
)
def test_the_linter_refuses(right: str, wrong: str, said: str) -> None:
    files: Files = stack.export(tricky_pool())
    whole = files[FILE].decode()
    assert right in whole
    with pytest.raises(ExportError, match=said):
        stack.lint({FILE: whole.replace(right, wrong).encode()})


def test_a_seed_for_each_variant() -> None:
    whole = stack.export(tricky_pool())[FILE].decode()
    with pytest.raises(ExportError, match="2 seeds"):
        stack.lint({FILE: re.sub(r"<deployedseed>\d+<", "<deployedseed>1<", whole).encode()})
