"""Gradients written out entry by entry: `dW = (dz_1 x_1, dz_1 x_2, …)` for any sizes, as LaTeX.

The entry of a gradient was derived once, in indices. Here it is spelled once, with marks where the
indices stand, and every entry is that text with numbers in place of the marks: one replacement
a column for the first row, and one a row after that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product

from symbackprop import limits
from symbackprop.algebra.indexform import Term
from symbackprop.algebra.spell import spelled
from symbackprop.derivation.results import style
from symbackprop.derivation.steps import Derivation, Step
from symbackprop.exercise.faults import nearest
from symbackprop.exercise.model import Exercise
from symbackprop.notation import tree
from symbackprop.notation.tree import Node, Size
from symbackprop.notation.write import Style, to_latex

_ONE_SIGN = tuple("一丁丂七丄丅丆万丈三")
"""Names of marks; one letter each, so that indices print side by side (`w_{12}`), and no name of a model."""

_DIGITS = 9
"""The largest size whose indices are single digits; beyond it they are set apart (`w_{1,12}`)."""


def instances(
    derivation: Derivation, sizes: Mapping[str, int] | None = None, *, sums: bool = True
) -> dict[str, str]:
    """Every gradient of a derivation, written out entry by entry: `{"dW": "dW = …", …}`.

    `sizes` gives a number to each size that has only a name (`{"n": 16, "k": 16}`). With `sums`,
    sums over an index are written out too; without, they stay `Σ`. The text is LaTeX for amsmath;
    beyond ten columns that wants `\\setcounter{MaxMatrixCols}{16}`. Raises ValueError for a size
    that is missing, unknown or no number from 1 to `limits.SIZE`, and where more than
    `limits.ENTRIES` terms would be written.
    """
    writer = _Writer(derivation.exercise, _checked(derivation.exercise, sizes or {}), sums)
    return {"d" + step.target: writer.equation(step) for step in derivation.backward if step.rule != "seed"}


def entries(
    derivation: Derivation, name: str, sizes: Mapping[str, int] | None = None, *, sums: bool = True
) -> str:
    """One gradient (`dW`) written out entry by entry; as `instances`. Raises KeyError, ValueError."""
    steps = {"d" + step.target: step for step in derivation.backward if step.rule != "seed"}
    if name not in steps:
        near = nearest(name, steps)
        advice = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(steps)}"
        raise KeyError(f"there is no gradient {name!r}; {advice}")
    return _Writer(derivation.exercise, _checked(derivation.exercise, sizes or {}), sums).equation(
        steps[name]
    )


def _checked(exercise: Exercise, sizes: Mapping[str, int]) -> dict[str, int]:
    needed = exercise.sizes
    missing = [name for name in needed if name not in sizes]
    if missing:
        raise ValueError(f"sizes: {', '.join(missing)} needs a number")
    for name, size in sizes.items():
        if name not in needed:
            have = (
                f"the sizes without a number are {', '.join(needed)}" if needed else "every size has a number"
            )
            raise ValueError(f"sizes: there is no {name!r}; {have}")
        if isinstance(size, bool) or not isinstance(size, int) or not 1 <= size <= limits.SIZE:
            raise ValueError(f"sizes: {name} is a number from 1 to {limits.SIZE}, not {size!r}")
    return dict(sizes)


@dataclass(slots=True)
class _Writer:
    """Writes the gradients of one exercise at fixed sizes."""

    exercise: Exercise
    sizes: Mapping[str, int]
    sums: bool
    marks: dict[str, str] = field(default_factory=dict)  # name of a mark -> its text
    shown: Style = field(init=False)

    def __post_init__(self) -> None:
        self.shown = style(self.exercise)  # it looks at the whole model: once

    def equation(self, step: Step) -> str:
        """`dW = \\begin{pmatrix} … \\end{pmatrix}`."""
        shape = tuple(self.size(size) for size in step.shape)
        self.marks = {}
        rows = [self.mark(size) for size in shape]
        entry = self.entry(step, rows)
        left = to_latex(tree.Gradient(tree.Name(step.target)), self.shown)
        if all(size == 1 for size in shape):
            return f"{left} = {self.filled(entry, rows, [1] * len(rows))}"
        self.check(shape, entry)
        if len(shape) == 2:
            column = self.marks[rows[1]]
            line = " & ".join([entry.replace(column, str(place)) for place in range(1, shape[1] + 1)])
        else:
            line = entry
        row = self.marks[rows[0]]
        before, between, after = _frame(entry)
        lines = [line.replace(row, str(place)) for place in range(1, shape[0] + 1)]
        return f"{left} = {before}{between.join(lines)}{after}"

    def check(self, shape: Sequence[int], entry: str) -> None:
        """Refuse what would fill the memory."""
        cells = 1
        for size in shape:
            cells *= size
        if cells > limits.ENTRIES or cells * len(entry) > limits.TEMPLATE_OUTPUT:
            raise ValueError(
                f"sizes: written out, this gradient has {cells:,} entries of {len(entry):,} characters; "
                "that is too long (sums=False leaves the sums as Σ)"
            )

    def size(self, size: Size) -> int:
        return size if isinstance(size, int) else self.sizes[size]

    def mark(self, size: int) -> str:
        """The name of a new mark for an index up to `size`; its text is as wide as its numbers may be."""
        sign = _ONE_SIGN[len(self.marks)]
        small = size <= _DIGITS
        name = sign if small else sign + "~"
        text = chr(0xE000 + len(self.marks))
        self.marks[name] = text if small else text * 2
        return name

    def filled(self, text: str, names: Sequence[str], places: Sequence[int]) -> str:
        for name, place in zip(names, places, strict=True):
            text = text.replace(self.marks[name], str(place))
        return text

    # --- one entry, with marks -------------------------------------------------------

    def entry(self, step: Step, rows: Sequence[str]) -> str:
        """The entry of a gradient: what comes back along every path, in one sum."""
        terms: list[str] = []
        for part in step.substeps:
            letters = dict(zip(part.free, rows, strict=True))
            for term in part.entry:
                terms += self.terms(term, letters)
        return _total(terms) if terms else "0"

    def terms(self, term: Term, letters: Mapping[str, str]) -> list[str]:
        """One term; a sum over indices as its terms."""
        highs = [self.size(size) for _, size in term.bound]
        if not self.sums and any(high > 1 for high in highs):
            return [self.text(term, letters)]
        count = 1
        for high in highs:
            count *= high
        if count > limits.ENTRIES:
            raise ValueError(f"sizes: a sum of {count:,} terms is too long (sums=False leaves it as Σ)")
        names = [self.mark(high) for high in highs]
        bound = {index: name for (index, _), name in zip(term.bound, names, strict=True)}
        text = self.text(replace(term, bound=()), {**letters, **bound})
        ranges = [range(1, high + 1) for high in highs]
        made = [self.filled(text, names, places) for places in product(*ranges)]
        for name in names:
            del self.marks[name]
        return made

    def text(self, term: Term, letters: Mapping[str, str]) -> str:
        node = spelled((term,), letters, self.exercise.shapes)
        return to_latex(self.at_sizes(node), replace(self.shown, names=self.marks))

    def at_sizes(self, node: Node) -> Node:
        """The node with numbers for its sizes, and the bare name of what is one number: `dz`, not `dz_1`."""
        table: dict[str, Node] = {name: tree.number(size) for name, size in self.sizes.items()}
        return self.bare(tree.replace_names(node, table))

    def bare(self, node: Node) -> Node:
        if isinstance(node, tree.Index) and isinstance(node.base, tree.Name):
            shape = self.exercise.shapes[node.base.name]
            return node.base if all(self.size(size) == 1 for size in shape) else node
        return tree.rebuild(node, self.bare)


def _frame(entry: str) -> tuple[str, str, str]:
    """What the writer of LaTeX puts before, between and after the rows of a matrix of such entries."""
    mark = chr(0xF8FF)
    names = {_ONE_SIGN[0]: entry, _ONE_SIGN[1]: mark}
    column = tree.Matrix(tuple((tree.Name(name),) for name in names), "column")
    before, _, rest = to_latex(column, Style(names=names)).partition(entry)
    between, _, after = rest.partition(mark)
    return before, between, after


def _total(terms: Sequence[str]) -> str:
    """`a + b - c`."""
    made = [terms[0]]
    made += [f" - {term[1:]}" if term.startswith("-") else f" + {term}" for term in terms[1:]]
    return "".join(made)
