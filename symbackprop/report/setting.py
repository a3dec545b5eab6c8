"""Sentences and formulas of a document, set in a format and a language.

A sentence comes from the language file; its places are filled by formulas, further sentences,
counts, lists, and texts of the exercise's author. Only the sentence's own marks mean anything:
whatever fills a place is escaped.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

from symbackprop.notation.node import Plain
from symbackprop.notation.tree import Node
from symbackprop.notation.write import Style
from symbackprop.report.texts import Literally, Part, Text
from symbackprop.report.words import Words, WordsError

_CLOSED: Final = "\x01"  # stands after a mark until its neighbour is known
_SPOKEN: Final = re.compile(r"(?:\\?(?:mathrm|mathbf|text|operatorname|hat|tilde|bar)\b[ {(]*)*([A-Za-z]+)")
_I_SOUND: Final = re.compile(r"i|hi(?![aeo])|[yY]$", re.IGNORECASE)


SUPPOSED: Final[Mapping[str, frozenset[str]]] = {
    "given.notation": frozenset({"gradient", "derivative", "name"}),  # A stands for any name
    "activation.cases": frozenset({"function"}),  # a name, with any argument
    "activation.formula": frozenset({"function"}),
    "activation.by_output": frozenset({"function"}),
    "activation.generic": frozenset({"function", "slope"}),
    "activation.kink": frozenset({"where", "function"}),  # a condition
    "activation.off_kink": frozenset({"where"}),
    "activation.on_kink": frozenset({"where"}),
    "activation.indicator": frozenset({"slope", "at", "indicator"}),  # signs are named
    "backward.order": frozenset({"first", "second"}),  # under a condition: for one neuron
    "ledger.hadamard": frozenset({"sign"}),  # u and v stand for anything
    "remark.misfit": frozenset({"wrong", "sizes"}),  # what not to write
    "remark.dimensions": frozenset({"wrong", "got"}),
    "remark.value": frozenset({"wrong"}),
    "remark.value_fits": frozenset({"wrong", "got"}),
    "mistake": frozenset({"about", "instead"}),
}
"""Formulas in sentences that claim nothing, by key, or by the section of the keys, and place."""


class FormulaWriter(Protocol):
    """A writer of trees in one format."""

    def __call__(self, node: Node, style: Style, *, align: bool = False) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Format(Plain):
    """How a format says what every format can say; everything else is in its templates.

    `marks` are the signs before and after bold, red and code words. `apart` is what keeps a mark
    from a following bracket that would become its argument.
    """

    name: str
    suffix: str
    template: str
    formula: FormulaWriter
    operators: str  # which column of the table of functions: latex, typst or plain
    operator: Callable[[str], str]  # an upright name as an operator
    macros: bool
    escape: Callable[[str], str]
    string: Callable[[str], str]
    marks: Mapping[str, tuple[str, str]]
    inline: tuple[str, str]
    shrunk: tuple[str, str]  # round an inline formula that is wider than the line
    reference: Callable[[str, int], str]
    apart: str = ""
    supposed: tuple[str, str] = ("", "")  # round a formula that is no claim
    greek: bool = False  # whether an operator is text, and a Greek one the letter itself
    folds: bool = True  # whether the source of a long formula may stand on several lines


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Setter(Plain):
    """Sets what a document holds. `sections` are the numbers of the labelled headings."""

    format: Format
    words: Words
    style: Style
    sections: Mapping[str, int]
    measure: Callable[[Node], float]
    room: float
    operators: Mapping[str, str] = field(default_factory=dict)  # of functions, in no language

    def formula(self, node: Node, *, align: bool = False) -> str:
        return self.format.formula(node, self.style, align=align).strip()

    def by_hand(self) -> "Setter":
        """The same for a person's own formulas: their letters, not ours."""
        style = replace(self.style, by_hand=True, loss="", layer_names=frozenset(), functions=self.operators)
        return replace(self, style=style)

    def inline(self, node: Node) -> str:
        """A formula inside a line of text."""
        wide = self.measure(node) > 0.9 * self.room
        before, after = self.format.shrunk if wide else self.format.inline
        return before + self.formula(node) + after

    def cell(self, cell: Node | Text | None) -> str:
        return "" if cell is None else self.inline(cell) if isinstance(cell, Node) else self.text(cell)

    def sentences(self, texts: tuple[Text, ...]) -> str:
        return " ".join(map(self.text, texts))

    def title(self, text: Text | Literally) -> str:
        return self.text(text) if isinstance(text, Text) else self.format.escape(self.literally(text))

    def literally(self, text: Literally) -> str:
        """The author's text in the report's language, else in the first that there is."""
        found = text.by_language
        return found.get(self.words.code) or next(iter(found.values()), "")

    def text(self, text: Text) -> str:
        """One sentence. Raises WordsError for an unknown key or a place that nothing fills."""
        filled = self._filled(text)
        return re.sub(_CLOSED + r"(?=[(\[.;])", self.format.apart, filled).replace(_CLOSED, "")

    def _filled(self, text: Text) -> str:
        count = text.parts.get("count")
        sentence = self.words.sentence(text.key, count if isinstance(count, int) else None)
        opened: set[str] = set()
        made = []
        for segment in sentence:
            if segment.kind == "words":
                made.append(self.format.escape(segment.value))
            elif segment.kind == "place":
                made.append(self._place(text, segment.value))
            else:
                before, after = self.format.marks[segment.value]
                made.append(after + _CLOSED if segment.value in opened else before)
                opened ^= {segment.value}
        return "".join(made)

    def _place(self, text: Text, name: str) -> str:
        if name.startswith("section:"):
            label = name.removeprefix("section:")
            if label not in self.sections:
                raise WordsError(f"{text.key!r}: the report has no section labelled {label!r}")
            return self.format.reference(label, self.sections[label])
        if name not in text.parts:
            raise WordsError(f"{text.key!r}: nothing fills the place {{{name}}}")
        made = self.part(text.parts[name])
        key = text.key if text.key in SUPPOSED else text.key.partition(".")[0]
        if name not in SUPPOSED.get(key, ()):
            return made
        before, after = self.format.supposed
        return before + made + after

    def part(self, part: Part) -> str:
        if isinstance(part, Node):
            return self.inline(part)
        if isinstance(part, Text):
            return self._filled(part)
        if isinstance(part, tuple):
            return self._listed(part)
        return self.format.escape(str(part))

    def _listed(self, parts: tuple[Part, ...]) -> str:
        """`a, b y c`, with the language's word before the last."""
        made = [self.part(part) for part in parts]
        if len(made) < 2:
            return "".join(made)
        last_and = (
            self.words.last_and_before_i if _begins_with_i(parts[-1], made[-1]) else self.words.last_and
        )
        return f"{', '.join(made[:-1])} {self.format.escape(last_and)} {made[-1]}"


def _begins_with_i(part: Part, made: str) -> bool:
    """Whether the item is spoken with an i first: `i`, `hinge`, and the letter y of a formula."""
    spoken = _SPOKEN.match(made.lstrip("$"))
    if spoken is None:
        return False
    word = spoken[1]
    if isinstance(part, Node):
        return word in ("i", "I", "y", "Y")
    return _I_SOUND.match(word) is not None
