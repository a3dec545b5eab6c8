"""What LaTeX and Typst share about sums, conditions and arrays given by their entries.

Guards stand below the Σ they are about, after a formula that stands by itself, and elsewhere as
an indicator before what they guard.
"""

from abc import abstractmethod
from typing import ClassVar

from symbackprop.notation.tree import Chain, Entrywise, Name, Node, Relation, Sum, Where
from symbackprop.notation.write_base import COMPOUND
from symbackprop.notation.write_hand import HandWriter, conditions_of
from symbackprop.notation.write_operations import sums
from symbackprop.notation.write_rules import bare


class SumWriter(HandWriter):
    """Everything that runs over an index, or hangs on one."""

    thin: ClassVar[str]
    thick: ClassVar[str]
    quad: ClassVar[str]

    def statement(self, node: Node) -> str:
        """What stands by itself: its conditions come after it."""
        return self.with_conditions(node) if type(node) is Where else self.write(node)

    def _sum(self, node: Sum) -> str:
        heads, body = sums(node)
        made: list[str] = []
        for head in heads:
            indices = self.index_comma.join(self.index_name(index) for index in head.indices)
            low = "" if head.high is None else "=" + self.smaller(head.low)
            high = None if head.high is None else self.smaller(head.high)
            conditions = [self.conditions((condition,)) for condition in head.conditions]
            made.append(self.sigma([indices + low, *conditions], high))
        wide = any(head.conditions or type(head.high) in COMPOUND for head in heads)
        return f"{(self.thick if wide else ' ').join(made)} {self.summand(body)}"

    @abstractmethod
    def index_name(self, name: str) -> str: ...

    @abstractmethod
    def summand(self, body: Node) -> str: ...

    @abstractmethod
    def lowered(self, head: str, below: str) -> str: ...

    @abstractmethod
    def bold(self, letter: str) -> str: ...

    @abstractmethod
    def joint(self, sign: str) -> str: ...

    @abstractmethod
    def sigma(self, below: list[str], high: str | None) -> str:
        """The sign of a sum, with lines below it."""

    def conditions(self, conditions: tuple[Node, ...]) -> str:
        """Conditions in a place set small, without air round their relations."""
        self.small += 1
        made: list[str] = []
        for condition in conditions:
            assert isinstance(condition, Chain)
            text = self.write(bare(condition.members[0]))
            for member, relation in zip(condition.members[1:], condition.relations, strict=True):
                text += f" {self.relation_sign(relation)} {self.write(bare(member))}"
            made.append(text)
        self.small -= 1
        return self.index_wide.join(made)

    @abstractmethod
    def relation_sign(self, relation: Relation) -> str: ...

    def _where(self, node: Where) -> str:
        """Inside a formula, conditions are an indicator before what they guard."""
        return f"{self.indicator(self.conditions(node.conditions))}{self.thin}{self.summand(node.body)}"

    def indicator(self, conditions: str) -> str:
        return self.lowered(self.bold("1"), conditions)

    def with_conditions(self, node: Where) -> str:
        """`body   (1 ≤ i ≤ n)`."""
        shown = self.joint(",").join(self.write(condition) for condition in node.conditions)
        return f"{self.statement(node.body)}{self.quad}{self.bracket(shown)}"

    def indicated(self, condition: Node) -> str:
        """A person's indicator: 1 with its condition below."""
        conditions = conditions_of(condition)
        return self.indicator(self.smaller(condition) if conditions is None else self.conditions(conditions))

    def square(self, text: str) -> str:
        return self.squared(text)

    def _entrywise(self, node: Entrywise) -> str:
        if not node.indices:
            return self.write(node.body)
        places = tuple(Name(index) for index in node.indices)
        return self.lowered(self.squared(self.write(node.body)), self.places(places))

    @abstractmethod
    def squared(self, text: str) -> str:
        """In square brackets."""
