"""STACK files read again, by what STACK does with them, and by nothing that wrote them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction

from symbackprop.exams.exports.moodle_xml import Read, read
from symbackprop.exams.exports.pool import ExportError, Files, ReadKey

_KINDS = frozenset({"stack", "multichoice", "essay"})

_TRUSTED_WORDS = """
    and apply block cons else elseif ev false float if is lambda length makelist map matrix max not numberp or
    rand ratsimp simp sublist then true
"""
_TRUSTED = frozenset(_TRUSTED_WORDS.split())
"""Words of Maxima and STACK that the generated text uses as what they are."""

_RESERVED_WORDS = """
    %e %i %pi %gamma %phi ALL EMPTYANSWER RANDOM_SEED abs acos all append args asin at atan atom beta binomial
    box break catch ceiling coeff cond cos cosh cot csc degree delete denom det determinant diff do e endcons
    errcatch exp expand factor featurep first fix floor for fourth from gamma gcd go hipow i ident in ind inf
    infinity infix integerp integrate invert j kill last lcm lhs limit linsolve list listp load log
    lowestterms mat matrixmap matrixp member min minf minor mod next nil noun num numer op part pi plot prod
    product psi quit quotient random rank rat remove rest return reverse rhs round scientific second set
    sigfigs sign signum simplify sin sinh solve sort sqrt stack step subst sum system tan tanh taylor tex
    third thru transpose und unless unique units unordered values while zeromatrix zeta
"""
_RESERVED = frozenset(_RESERVED_WORDS.split())
"""The commonest words that STACK keeps for itself; a name that was not generated is refused in any case."""

_GENERATED = re.compile(r"sb[a-z]+[0-9]*|ans[0-9]+")
_WORD = re.compile(r"[A-Za-z_%][A-Za-z0-9_%]*")
_SILENT = re.compile(r'/\*.*?\*/|"(?:\\.|[^"\\])*"', re.DOTALL)
_DECIMAL = re.compile(r"[0-9]\s*\.\s*[0-9]|[0-9][eE][0-9+-]")
_PART = re.compile(r'<div class="part-([A-Za-z0-9]+)">(.*?)\[\[input:(ans[0-9]+)\]\]', re.DOTALL)
_BLOCK = re.compile(r"\[\[(.*?)\]\]", re.DOTALL)
_IF = re.compile(r" if test='is\(sbvar=[0-9]+\)' ")
_PLACE = re.compile(r"(?:input|validation):ans[0-9]+|feedback:prt[0-9]+")
_TOKEN = re.compile(r'\s*(matrix\(|"(?:\\.|[^"\\])*"|-?[0-9]+(?:/[0-9]+)?|[\[\](),])')


# --- the keys ----------------------------------------------------------------------------------------


def read_back(files: Files) -> Iterator[ReadKey]:
    """The keys of all STACK questions, a variant at a time, as the inputs' model answers have them.

    ExportError for question variables that say something else than a list of exact arrays.
    """
    for question in read(files, _KINDS):
        if question.kind == "stack":
            yield from _keys(question)


def _keys(question: Read) -> Iterator[ReadKey]:
    code = question.text("questionvariables/text")
    names = _list(question, code, "sbnames")
    inputs = {
        element.findtext("name"): element.findtext("tans") for element in question.element.findall("input")
    }
    arrays = {
        match.group(1): _key_list(question, code, inputs.get(match.group(3)), len(names))
        for match in _PART.finditer(question.text("questiontext/text"))
    }
    for place, name in enumerate(names):
        for slug, keys in arrays.items():
            flat = tuple(_flat(keys[place]))
            yield ReadKey(question=question.category, variant=str(name), slug=slug, keys=flat)


def _key_list(question: Read, code: str, name: str | None, count: int) -> list[object]:
    """What a model answer is in each variant; all must have one shape."""
    if name is None or not re.search(rf"^{name}: sbpool{name[2:]}\[sbvar\];$", code, re.MULTILINE):
        raise ExportError(f"{question.where}: the model answer {name} is not chosen by the variant")
    keys = _list(question, code, f"sbpool{name[2:]}")
    if len(keys) != count or len({_shape(key) for key in keys}) > 1:
        raise ExportError(f"{question.where}: {name} needs {count} arrays of one shape")
    return keys


def _list(question: Read, code: str, name: str) -> list[object]:
    """The list that a statement `name: [...];` assigns."""
    found = re.findall(rf"^{name}: (\[.*\]);$", code, re.MULTILINE)
    if len(found) != 1:
        raise ExportError(f"{question.where}: {len(found)} statements give {name}, where one must")
    tokens = _tokens(question, found[0])
    value = _value(question, tokens)
    if tokens or not isinstance(value, list):
        raise ExportError(f"{question.where}: {name} is no list")
    return value


def _tokens(question: Read, text: str) -> list[str]:
    """The tokens of a literal, the first last."""
    found, place = [], 0
    while place < len(text):
        token = _TOKEN.match(text, place)
        if token is None:
            raise ExportError(f"{question.where}: {text[place:][:30]!r} is no exact number or list")
        found.append(token.group(1))
        place = token.end()
    return found[::-1]


def _value(question: Read, tokens: list[str]) -> object:
    """A literal: a number, a string, or a list (a matrix is the list of its rows)."""
    token = tokens.pop() if tokens else ""
    if token in ("[", "matrix("):
        end, values = {"[": "]", "matrix(": ")"}[token], list[object]()
        if tokens and tokens[-1] == end:
            tokens.pop()
            return values
        while True:
            values.append(_value(question, tokens))
            after = tokens.pop() if tokens else ""
            if after == end:
                return values
            if after != ",":
                raise ExportError(f"{question.where}: {after!r} stands where , or {end} belongs")
    if token.startswith('"'):
        return re.sub(r"\\(.)", r"\1", token[1:-1])
    if re.fullmatch(r"-?[0-9]+(/[1-9][0-9]*)?", token):
        return Fraction(token)
    raise ExportError(f"{question.where}: {token!r} is no exact number")


def _flat(value: object) -> Iterator[Fraction]:
    if isinstance(value, Fraction):
        yield value
    elif isinstance(value, list):
        for entry in value:
            yield from _flat(entry)


def _shape(value: object) -> object:
    return tuple(_shape(entry) for entry in value) if isinstance(value, list) else type(value)


# --- what STACK refuses, or swallows -----------------------------------------------------------------


def lint(files: Files) -> None:
    """Whether STACK takes the files for what they mean.

    ExportError for names that Maxima or STACK keeps for itself, numbers that are not exact, inputs and trees
    that have no place in the text, response trees that do not end, variants without a seed.
    """
    for question in read(files, _KINDS):
        if question.kind == "stack":
            _check_code(question)
            _check_texts(question)
            _check_trees(question)
            _check_seeds(question)
            list(_keys(question))


def _check_code(question: Read) -> None:
    element = question.element
    texts = [question.text("questionvariables/text")]
    texts += [found.text or "" for found in element.findall("prt/feedbackvariables/text")]
    texts += [found.text or "" for tag in ("sans", "tans") for found in element.findall(f"prt/node/{tag}")]
    texts += [found.text or "" for found in element.findall("input/tans")]
    texts += [found.text or "" for found in element.findall("qtest/testinput/value")]
    for text in texts:
        code = _SILENT.sub(" ", text)
        given = {match.group(1) for match in re.finditer(r"([A-Za-z_%][A-Za-z0-9_%]*)\s*:", code)}
        for word in sorted(given & (_TRUSTED | _RESERVED)):
            raise ExportError(f"{question.where}: {word} is a word of Maxima or STACK, no name")
        for word in _WORD.findall(code):
            if word not in _TRUSTED and not _GENERATED.fullmatch(word):
                kept = "a word that STACK keeps for itself" if word in _RESERVED else "no name of ours"
                raise ExportError(f"{question.where}: {word} is {kept} (names are sbkey1, ans1)")
        if _DECIMAL.search(code):
            raise ExportError(f"{question.where}: a number is no integer or fraction, so it is not exact")
        for opening, closing in ("()", "[]"):
            if code.count(opening) != code.count(closing):
                raise ExportError(f"{question.where}: {opening} and {closing} do not balance")


def _check_texts(question: Read) -> None:
    """Inputs, validations and trees have one place each; every block is one of ours and is closed."""
    element = question.element
    shown = question.text("questiontext/text") + question.text("specificfeedback/text")
    places = _BLOCK.findall(shown)
    names = [found.text or "" for found in element.findall("input/name")]
    trees = [found.text or "" for found in element.findall("prt/name")]
    wanted = [f"{kind}:{name}" for name in names for kind in ("input", "validation")]
    wanted += [f"feedback:{name}" for name in trees]
    if sorted(wanted) != sorted(place for place in places if _PLACE.fullmatch(place)):
        raise ExportError(f"{question.where}: each input, validation and tree needs one place in the text")
    said = [found.text or "" for found in element.findall("prt/node/*/text")]
    for text in (question.text("questiontext/text"), question.text("specificfeedback/text"), *said):
        depth = 0
        for block in _BLOCK.findall(text):
            depth += 1 if _IF.fullmatch(block) else -1 if block == "/ if " else 0
            known = _PLACE.fullmatch(block) or _IF.fullmatch(block) or block == "/ if "
            if not known or depth not in (0, 1):
                raise ExportError(f"{question.where}: [[{block[:40]}]] is no block of ours, or open")
        if depth or "{@" in text or "{#" in text:
            raise ExportError(f"{question.where}: a block is not closed, or a text holds {{@ or {{#")


def _check_trees(question: Read) -> None:
    for tree in question.element.findall("prt"):
        nodes = {node.findtext("name"): node for node in tree.findall("node")}
        notes = [node.findtext(f"{side}answernote") for node in nodes.values() for side in ("true", "false")]
        if len(nodes) != len(tree.findall("node")) or len(set(notes)) != len(notes):
            raise ExportError(f"{question.where}: nodes or answer notes with the same name")
        for name, node in nodes.items():
            for side in ("true", "false"):
                target = node.findtext(f"{side}nextnode")
                if target != "-1" and not (target in nodes and int(target) > int(name or 0)):
                    raise ExportError(f"{question.where}: node {name} goes on to {target}, not after it")
    known = {note.text for note in question.element.iter("trueanswernote", "falseanswernote")}
    for test in question.element.findall("qtest/expected"):
        score = Fraction(test.findtext("expectedscore") or "-1")
        if not 0 <= score <= 1 or test.findtext("expectedanswernote") not in known:
            raise ExportError(f"{question.where}: a test expects a score or a note that no tree gives")


def _check_seeds(question: Read) -> None:
    """A question with variants needs `rand`, a note that tells them apart, and one seed for each."""
    code = question.text("questionvariables/text")
    count = len(_list(question, code, "sbnames"))
    deployed = [seed.text for seed in question.element.findall("deployedseed")]
    chosen = re.search(r"^sbvar: (?:1\+rand\(([0-9]+)\)|1);$", code, re.MULTILINE)
    if chosen is None or int(chosen.group(1) or 1) != count:
        raise ExportError(f"{question.where}: sbvar is not drawn from the {count} variants")
    if count > 1 and (len(set(deployed)) != count or "{@sbvar@}" not in question.text("questionnote/text")):
        raise ExportError(f"{question.where}: {count} variants need {count} seeds, and a note")
