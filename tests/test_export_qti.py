"""The export to QTI 2.1: the package is read, and its rules carried out, by a small reader of our own."""

import io
import re
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from lxml import etree

from symbackprop.exams.exports import qti
from symbackprop.exams.exports.pool import ExportError, Numbers, Pool
from tests.hand_pool import ENDLESS, FIRST, SENTENCES, TRICKY, keys_of, pool

NAME = "parcial-1-qti21.zip"
ITEM = "items/Q1_capa_v1.xml"
SPACE = {
    "q": "http://www.imsglobal.org/xsd/imsqti_v2p1",
    "m": "http://www.w3.org/1998/Math/MathML",
    "c": "http://www.imsglobal.org/xsd/imscp_v1p1",
}


def package(made: Pool | None = None) -> dict[str, bytes]:
    """The files in the exported package."""
    files = qti.export(made or pool())
    assert list(files) == [NAME]
    with zipfile.ZipFile(io.BytesIO(files[NAME])) as packed:
        return {name: packed.read(name) for name in packed.namelist()}


def zipped(entries: dict[str, bytes]) -> dict[str, bytes]:
    """The files as a package again."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as packed:
        for name, content in entries.items():
            packed.writestr(name, content)
    return {NAME: stream.getvalue()}


def item(entries: dict[str, bytes] | None = None, path: str = ITEM) -> Any:
    """One item's root element."""
    return etree.fromstring((entries or package())[path])


# --- a reader of response processing ----------------------------------------------------------


class Run:
    """The rules of an item, carried out on responses. None is NULL, as the specification has it."""

    def __init__(self, root: Any, answers: dict[str, Any]) -> None:
        names = [one.get("identifier") for one in root.findall("q:responseDeclaration", SPACE)]
        assert set(answers) <= set(names)
        self.values: dict[str, Any] = {name: answers.get(name) for name in names}
        for one in root.findall("q:outcomeDeclaration", SPACE):
            empty: Any = [] if one.get("cardinality") == "multiple" else Fraction(0)
            self.values[one.get("identifier")] = empty
        for rule in root.find("q:responseProcessing", SPACE):
            self.rule(rule)
        shown = {
            one.get("identifier"): "".join(one.itertext()) for one in root.findall("q:modalFeedback", SPACE)
        }
        self.said = [shown[name] for name in dict.fromkeys(self.values["FEEDBACK"])]

    def rule(self, rule: Any) -> None:
        """A condition, or an outcome that is set."""
        if etree.QName(rule).localname == "setOutcomeValue":
            self.values[rule.get("identifier")] = self.value(rule[0])
            return
        for branch in rule:
            if self.value(branch[0]) is True:
                for then in branch[1:]:
                    self.rule(then)
                return

    def value(self, node: Any) -> Any:
        """What an expression is; NULL where a part of it is, but for `and` and `multiple`."""
        tag = etree.QName(node).localname
        if tag == "variable":
            return self.values[node.get("identifier")]
        if tag == "baseValue":
            return node.text if node.get("baseType") == "identifier" else Fraction(node.text)
        parts = [self.value(one) for one in node]
        if tag == "and":
            return False if False in parts else None if None in parts else True
        if tag == "multiple":
            return [one for part in parts for one in (part if isinstance(part, list) else [part])]
        if None in parts:
            return None
        return self.plain(tag, node, parts)

    def plain(self, tag: str, node: Any, parts: list[Any]) -> Any:
        """An expression whose parts all have a value."""
        if tag == "equal":
            assert node.get("toleranceMode") == "absolute"
            below, above = (Fraction(one) for one in node.get("tolerance").split())
            return parts[1] - below <= parts[0] <= parts[1] + above
        if tag == "product":
            result = Fraction(1)
            for one in parts:
                result *= one
            return result
        rest = {
            "not": lambda: not parts[0], "match": lambda: parts[0] == parts[1], "sum": lambda: sum(parts),
            "divide": lambda: parts[0] / parts[1], "gte": lambda: parts[0] >= parts[1],
        }  # fmt: skip
        return rest[tag]()


def answered(**answers: list[Any]) -> dict[str, Any]:
    """Responses: the whole key of the first variant, but for the parts given. None is an empty field."""
    parts = {
        part.slug: [cell.key for cell in part.cells] for part in FIRST.parts if isinstance(part, Numbers)
    }
    return {
        f"RESPONSE_{slug}_{at + 1}": None if one is None else Fraction(one)
        for slug, cells in (parts | answers).items()
        for at, one in enumerate(cells)
    }


def run(choice: str | None = "OPTION_mistake_2", **answers: list[Any]) -> Run:
    """The first variant's item, answered."""
    return Run(item(), answered(**answers) | {"RESPONSE_mistake": choice})


def test_the_whole_key_earns_all_but_the_essay() -> None:
    done = run()
    assert done.values["SCORE"] == Fraction(15, 2)
    assert {slug: done.values[f"SCORE_{slug}"] for slug in ("z", "dz", "dW", "loss", "mistake")} == {
        "z": 1, "dz": 2, "dW": 3, "loss": Fraction(1, 2), "mistake": 1,
    }  # fmt: skip
    assert done.said == []


def test_all_zeros_earn_the_dead_neuron_only() -> None:
    done = run(None, z=[0, 0], dz=[0, 0], dW=[0] * 6, loss=[0])
    assert done.values["SCORE"] == 1


def test_empty_fields_earn_nothing() -> None:
    done = run(None, z=[None] * 2, dz=[None] * 2, dW=[None] * 6, loss=[None])
    assert done.values["SCORE"] == 0


def test_what_follows_from_a_wrong_answer_is_right() -> None:
    """dz = (3, 0): dW has the first row 3 xᵀ, and L is 1/2 + 3/4."""
    done = run(dz=[3, 0], dW=[3, -6, "3/2", 0, 0, 0], loss=["5/4"])
    assert (done.values["SCORE_dW"], done.values["SCORE_loss"], done.values["SCORE"]) == (
        3,
        Fraction(1, 2),
        Fraction(13, 2),
    )
    assert done.said == [f"dW: {SENTENCES['follow']}", f"loss: {SENTENCES['follow']}"]


def test_nothing_follows_from_too_many_zeros() -> None:
    done = run(dz=[0, 0], dW=[0] * 6, loss=["1/2"])
    assert (done.values["SCORE_dW"], done.values["SCORE_loss"]) == (0, 0)
    assert run(dz=[None, 0], loss=["1/2"]).values["SCORE_loss"] == 0


def test_named_mistakes_earn_their_credit_and_are_named() -> None:
    done = run(dW=[4, 16, -2, 0, 0, 0])
    assert done.values["SCORE_dW"] == Fraction(1, 2) + Fraction(1, 4) + 1
    assert done.said == ["¿sign? <b> & } # ~ ]]> $W", "¿factor? <b> & } # ~ ]]> $W"]


def test_a_wrong_forced_zero_is_said_and_costs_nothing() -> None:
    done = run(dW=[-4, 8, -2, 7, 0, 0])
    assert done.values["SCORE_dW"] == 3
    assert done.said == [f"dW: {SENTENCES['forced']}"]


def test_three_decimals_are_enough() -> None:
    assert run(z=["-4.9995", "-3.0006"]).values["SCORE_z"] == Fraction(1, 2)


def test_a_wrong_choice_is_said() -> None:
    done = run("OPTION_mistake_1")
    assert done.values["SCORE_mistake"] == 0
    assert done.said == [TRICKY]


def test_thirds_of_points_are_exact() -> None:
    """Two points among three cells: 2/3 never ends as a decimal."""
    part = next(part for part in FIRST.parts if part.slug == "dW")
    assert isinstance(part, Numbers)
    cells = tuple(replace(cell, points=Fraction(0 if cell.forced else 2, 3)) for cell in part.cells)
    third = replace(FIRST, parts=(FIRST.parts[1], replace(part, cells=cells)))
    done = Run(item(package(pool(third))), {f"RESPONSE_dW_{at}": Fraction(-4) for at in (1, 2)})
    assert done.values["SCORE"] == Fraction(2, 3)


# --- the files ------------------------------------------------------------------------------


def test_the_text_is_shown_as_written() -> None:
    root = item()
    body = "".join(root.find("q:itemBody", SPACE).itertext())
    assert TRICKY in body
    assert SENTENCES["no_fractions"] in body
    assert SENTENCES["empty"] in body
    assert root.get("title") == 'Una "capa" & más · v1'
    assert root.get("{http://www.w3.org/XML/1998/namespace}lang") == "es"
    assert len(root.findall(".//m:math/m:mi", SPACE)) > 10
    rubric = root.find(".//q:rubricBlock", SPACE)
    assert rubric.get("view") == "scorer"
    assert "cadena & más" in "".join(rubric.itertext())


def test_fields_stand_in_the_grid_of_their_part() -> None:
    tables = item().findall(".//q:table", SPACE)
    rows = [[len(row) for row in table.iter(f"{{{SPACE['q']}}}tr")] for table in tables]
    assert rows == [[1, 1], [1, 1], [3, 3]]


def test_a_test_draws_one_variant_of_each_question() -> None:
    entries = package()
    test = etree.fromstring(entries["test.xml"])
    drawn = [
        (
            one.get("title"),
            one.find("q:selection", SPACE).get("select"),
            [ref.get("href") for ref in one.findall("q:assessmentItemRef", SPACE)],
        )
        for one in test.findall(".//q:assessmentSection", SPACE)
    ]
    assert drawn == [
        ('Una "capa" & más', "1", ["items/Q1_capa_v1.xml", "items/Q1_capa_v2.xml"]),
        ("Corta", "1", ["items/Q2_corta_only.xml"]),
    ]
    manifest = etree.fromstring(entries["imsmanifest.xml"])
    listed = [one.get("href") for one in manifest.findall(".//c:file", SPACE)]
    assert sorted(["imsmanifest.xml", *listed]) == sorted(entries)


def test_the_same_pool_makes_the_same_bytes() -> None:
    assert qti.export(pool()) == qti.export(pool())
    with zipfile.ZipFile(io.BytesIO(qti.export(pool())[NAME])) as packed:
        assert {one.date_time for one in packed.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_keys_read_back_are_the_pools() -> None:
    made = pool()
    files = qti.export(made)
    qti.lint(files)
    found = [((one.question, one.variant, one.slug), one.keys) for one in qti.read_back(files)]
    assert dict(found) == keys_of(made)
    assert len(found) == len(keys_of(made))


def test_a_key_that_never_ends_is_refused() -> None:
    with pytest.raises(ExportError, match=r"capa, v3, z.*-2/3.*STACK or PrairieLearn"):
        qti.export(pool(FIRST, ENDLESS))


# --- the linter -----------------------------------------------------------------------------

DAMAGE = [
    (ITEM, "<value>-0.5</value>", "<value>-1/2</value>", "'-1/2' is no finite decimal"),
    (ITEM, "<value>-0.5</value>", "<value>-0,5</value>", "'-0,5' is no finite decimal"),
    (ITEM, "<value>-0.5</value>", "<value>0.5</value>", "declared as right"),
    (ITEM, ">-0.5</baseValue>", ">-0,5</baseValue>", "'-0,5' is no finite decimal"),
    (ITEM, "RESPONSE_z_2", "RESPONSE_z_1", "twice"),
    (ITEM, 'tolerance="0.0005 0.0005"', 'tolerance="5 5"', "tolerance"),
    (ITEM, 'toleranceMode="absolute"', 'toleranceMode="relative"', "tolerance"),
    (ITEM, '<variable identifier="NONZERO_dz"/>', '<variable identifier="NONE"/>', "NONE is declared"),
    (ITEM, 'setOutcomeValue identifier="SCORE_z"', 'setOutcomeValue identifier="MARK"', "no outcome MARK"),
    (ITEM, 'identifier="FORCED_dW"', 'identifier="FORCED_dV"', "never shown"),
    (ITEM, '<value>OPTION_mistake_2</value>', "<value>OPTION_mistake_9</value>", "not among"),
    (ITEM, 'identifier="OPTION_mistake_1"', 'identifier="OPTION_mistake_3"', "twice"),
    (ITEM, ' maxChoices="1"', "", "attributes"),
    (ITEM, ' adaptive="false"', ' adaptative="false"', "attributes"),
    (ITEM, 'label="capa v1"', 'label="capa"', "label"),
    (ITEM, "<itemBody>", "<itemBody>x", "cannot hold text"),
    (ITEM, "<itemBody>", "<itemBody><h7/>", "h7"),
    (ITEM, "<tbody>", "<tbody><td/>", "tbody cannot hold"),
    (ITEM, "<p>", '<p xmlns="http://www.w3.org/1999/xhtml">', "namespace"),
    (ITEM, "http://www.w3.org/1998/Math/MathML", "http://www.w3.org/Math", "namespace"),
    (ITEM, "<p>", "<p><b>", "not well-formed"),
    (ITEM, "<assessmentItem", "<!DOCTYPE assessmentItem><assessmentItem", "document type"),
    (ITEM, 'responseIdentifier="RESPONSE_derive"', 'responseIdentifier="RESPONSE_z_1"', "declared as string"),
    ("test.xml", 'href="items/Q1_capa_v2.xml"', 'href="items/Q1_capa_v1.xml"', "every item"),
    ("test.xml", 'identifier="section_corta"', 'identifier="section_capa"', "twice"),
    ("test.xml", 'identifier="section_corta"', 'identifier="section.corta"', "no identifier"),
    ("test.xml", 'select="1"', 'choose="1"', "attributes"),
    ("imsmanifest.xml", '<file href="test.xml"/>', '<file href="tests.xml"/>', "files|lists"),
    ("imsmanifest.xml", 'identifierref="Q1_capa_v1"', 'identifierref="Q9"', "no resource Q9"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "old", "new", "says"), DAMAGE)
def test_lint_refuses_damaged_packages(path: str, old: str, new: str, says: str) -> None:
    entries = package()
    text = entries[path].decode()
    assert old in text
    entries[path] = text.replace(old, new, 1).encode()
    with pytest.raises(ExportError, match=says):
        qti.lint(zipped(entries))


def test_lint_refuses_what_is_no_package() -> None:
    with pytest.raises(ExportError, match="no zip"):
        qti.lint({NAME: b"x"})
    entries = package()
    del entries["test.xml"]
    with pytest.raises(ExportError, match=r"test\.xml|lists"):
        qti.lint(zipped(entries))


def identifiers(root: Any) -> Iterator[str]:
    """All identifiers of an item's declarations."""
    yield from (one.get("identifier") for one in root if "Declaration" in one.tag)


def test_identifiers_have_no_full_stop() -> None:
    for path in (ITEM, "test.xml"):
        for name in identifiers(item(path=path)):
            assert re.fullmatch(r"[A-Za-z_][\w-]*", name)
