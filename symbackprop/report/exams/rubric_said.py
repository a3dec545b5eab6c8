"""What a rubric says of one question; what is the same in every variant is set once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property

from symbackprop.algebra.values.arrays import Array
from symbackprop.exams.follow import Following, read_by
from symbackprop.exams.model import FaultyLine, Part, Sheet
from symbackprop.exams.rubric import RubricMistake, RubricStep
from symbackprop.notation import tree
from symbackprop.notation.tree import Node, equation
from symbackprop.report.document import Part as Filling
from symbackprop.report.document import Text
from symbackprop.report.exams.marks import array_node
from symbackprop.report.exams.questions import Asked
from symbackprop.report.exams.quoting import mistake_text
from symbackprop.report.exams.worked import Worked, number_text, worth
from symbackprop.report.setting import Setter


@dataclass(frozen=True, eq=False, repr=False)
class Said:
    """The sentences and formulas of a question's rubric, set by `setter`."""

    asked: Asked
    worked: Worked
    following: Following
    setter: Setter
    _kept: dict[tuple[object, ...], str] = field(default_factory=dict)

    def once(self, key: tuple[object, ...], make: Callable[[], str]) -> str:
        """What `make` makes, which is the same whenever the key is."""
        found = self._kept.get(key)
        if found is None:
            found = self._kept[key] = make()
        return found

    # --- mistakes ------------------------------------------------------------------------

    def mistake(self, mistake: str, about: str, instead: str) -> str:
        """The sentence of a common mistake."""
        return self.once((mistake, about, instead), lambda: self._mistake(mistake, about, instead))

    def _mistake(self, mistake: str, about: str, instead: str) -> str:
        return self.setter.text(mistake_text(self.asked.view, mistake, about, instead))

    # --- points --------------------------------------------------------------------------

    def points(self, points: Fraction, method: Fraction, key: str = "rubric.points") -> str:
        """`2 puntos = 1 método + 1 valor`."""
        return self.once((key, points, method), lambda: self._points(points, method, key))

    def _points(self, points: Fraction, method: Fraction, key: str) -> str:
        shown: dict[str, Filling] = {
            "points": worth(points, self.setter),
            "method": number_text(method, self.setter),
            "value": number_text(points - method, self.setter),
        }
        return self.setter.text(Text(key, shown))

    def each(self, step: RubricStep) -> str:
        """`cada número: 0,5`; nothing where there is one number, which is worth all points."""
        if step.key is None or len(step.numbers) < 2:
            return ""
        key = ("each", step.key.shape, step.numbers)
        return self.once(key, lambda: self._each(step.numbers, step.key))

    def _each(self, numbers: Sequence[Fraction], like: Array[Fraction] | None) -> str:
        return self.setter.text(Text("rubric.each", {"points": self._alike(numbers, like)}))

    def credit(self, mistake: RubricMistake) -> str:
        """What each number that agrees with a wrong answer earns: one number of points if that serves for all
        that earn something; of an answer of another shape, what it earns as a whole."""
        credit, like = mistake.credit, mistake.slip.array
        if not credit:
            return number_text(mistake.whole, self.setter)
        return self.once(("credit", like.shape, credit), lambda: self._credit(credit, like))

    def _credit(self, credit: tuple[Fraction, ...], like: Array[Fraction]) -> str:
        shown = self._alike(credit, like)
        return self.setter.inline(shown) if isinstance(shown, Node) else shown

    def _alike(self, numbers: Sequence[Fraction], like: Array[Fraction] | None) -> str | Node:
        """Points of numbers: one for all that are not 0, else an array of them."""
        found = {points for points in numbers if points}
        if len(found) < 2 or like is None:
            return number_text(max(found, default=Fraction(0)), self.setter)
        return laid(like.shape, [self.asked.view.entry(points) for points in numbers])

    # --- follow-through ------------------------------------------------------------------

    def followed(self, step: RubricStep, sheet: Sheet) -> str:
        """`Arrastre desde dz (con 2 o más números distintos de 0): dW = dz xᵀ.`; nothing where nothing leads
        to it."""
        if not step.follows:
            return ""
        least = tuple(sum(map(bool, sheet.key[one].entries)) for one in step.follows)
        return self.once(("follow", step.part.id, least), lambda: self._followed(step, sheet, least))

    def _followed(self, step: RubricStep, sheet: Sheet, least: Sequence[int]) -> str:
        sources = tuple(
            self._source(one, count, len(sheet.key[one].entries))
            for one, count in zip(step.follows, least, strict=True)
        )
        parts = {"sources": sources, "formulas": self._formulas(step.part.name)}
        return self.setter.text(Text("rubric.follow", parts))

    def _source(self, name: str, count: int, entries: int) -> Text | Node:
        """An earlier answer, and how many of its numbers must not be 0 for anything to follow from it."""
        symbol = self.asked.symbol(name)
        if not count:
            return symbol
        if entries == 1:
            return Text("rubric.source_number", {"name": symbol})
        return Text("rubric.source", {"name": symbol, "count": count})

    def origin(self, step: RubricStep) -> str:
        """`dz: dW = dz xᵀ`, for a table."""
        if not step.follows:
            return ""
        return self.once(("origin", step.part.id), lambda: self._origin(step))

    def _origin(self, step: RubricStep) -> str:
        sources = tuple(map(self.asked.symbol, step.follows))
        parts = {"sources": sources, "formulas": self._formulas(step.part.name)}
        return self.setter.text(Text("rubric.origin", parts))

    def _formulas(self, name: str) -> tuple[Node, ...]:
        """The formula of a step, after those of what is not asked on the way from earlier answers."""
        steps = self.following.steps
        needed, waiting = {name}, [name]
        while waiting:
            for one in read_by(steps[waiting.pop()].formula):
                between = one in steps and one not in self.following.asked and one not in needed
                if between and self.following.sources(one):
                    needed.add(one)
                    waiting.append(one)
        return tuple(self._formula(one) for one in steps if one in needed)

    def _formula(self, name: str) -> Node:
        return equation(*tree.stated(self.asked.symbol(name), self.worked.general.formula(name)))

    # --- derivations ----------------------------------------------------------

    def line(self, line: FaultyLine) -> str:
        """A line of a derivation without its value: `dW = dz xᵀ`."""
        return self.once(("line", line.name, line.formula), lambda: self._line(line))

    def _line(self, line: FaultyLine) -> str:
        body = self.asked.view.page(line.formula)
        return self.setter.formula(equation(*tree.stated(self.asked.symbol(line.name), body)))

    def symbol(self, name: str) -> str:
        """`dz`."""
        return self.once(("symbol", name), lambda: self.setter.formula(self.asked.symbol(name)))

    def names(self, part: Part) -> str:
        """`Deducción de dz y dW`."""
        names = tuple(map(self.asked.symbol, part.names))
        return self.once(
            ("names", part.id), lambda: self.setter.text(Text("rubric.derive", {"names": names}))
        )

    @cached_property
    def chains(self) -> dict[str, tuple[str, ...]]:
        """The chain and the formula of each gradient that is to be derived, as formulas."""
        names = {name for part in self.asked.question.parts if part.kind == "derive" for name in part.names}
        return {name: tuple(map(self.setter.formula, self.worked.chains(name))) for name in sorted(names)}


def laid(shape: tuple[int, ...], entries: Sequence[Node]) -> Node:
    """An array of nodes; a column lies down, as the transpose of a row, to take one line."""
    if len(entries) > 1 and len(shape) == 1:
        return tree.Transpose(tree.Matrix((tuple(entries),), "matrix"))
    return array_node(Array(shape, tuple(entries)))
