"""Make `_parser.py`, the stored parse table, from `grammar.lark`.

Run it after every change of the grammar: `python -m symbackprop.notation.build_parser`. It
needs Lark, which the program itself does not: at start-up the table is a literal that is
imported. A test makes the table anew and compares.
"""

from collections.abc import Iterator
from pathlib import Path

from lark import Lark
from lark.lexer import Lexer, LexerState, Token
from lark.parsers.lalr_analysis import Shift

FOLDER = Path(__file__).parent
GRAMMAR = FOLDER / "grammar.lark"
STORED = FOLDER / "_parser.py"

Rules = tuple[tuple[str, int, str], ...]
States = tuple[dict[str, int], ...]

HEADER = '''"""The parse table of grammar.lark. Made by build_parser.py: do not edit.

RULES: left side, number of symbols on the right, action ("" passes the one symbol on).
STATES: for each state and symbol, n >= 0 means shift and go to state n, n < 0 means reduce
by rule -n - 1. State START is the first; in state END with the symbol $END the text is read.
"""

'''


def table() -> tuple[Rules, States, int, int]:
    """Rules, states, first state and last state of the LALR table that Lark makes."""
    grammar = GRAMMAR.read_text(encoding="utf-8")
    lark = Lark(grammar, start="formula", parser="lalr", lexer=_NoLexer, strict=True)  # no conflicts
    made = lark.parser.parser._parse_table  # Lark has no public way to it
    rules = sorted({a for row in made.states.values() for s, a in row.values() if s is not Shift}, key=_key)
    numbers = {rule: number for number, rule in enumerate(rules)}
    order = _order(made.states, made.start_states["formula"])
    states = tuple(
        {
            str(symbol): order[target] if step is Shift else -numbers[target] - 1
            for symbol, (step, target) in sorted(made.states[state].items())
        }
        for state in order
    )
    listed = tuple((str(rule.origin.name), len(rule.expansion), str(rule.alias or "")) for rule in rules)
    return listed, states, order[made.start_states["formula"]], order[made.end_states["formula"]]


class _NoLexer(Lexer):
    """Stands where Lark wants a lexer: only the table is taken from it, nothing is read."""

    def __init__(self, configuration: object) -> None: ...

    def lex(self, lexer_state: LexerState, parser_state: object) -> Iterator[Token]:
        raise NotImplementedError


def _key(rule: object) -> tuple[str, tuple[str, ...]]:
    return rule.origin.name, tuple(symbol.name for symbol in rule.expansion)  # type: ignore[attr-defined]


def _order(states: dict[int, dict[str, tuple[object, int]]], start: int) -> dict[int, int]:
    """States numbered as they are met from the first one: the same on every run and machine."""
    order = {start: 0}
    waiting = [start]
    while waiting:
        for _symbol, (step, target) in sorted(states[waiting.pop(0)].items(), key=lambda item: item[0]):
            if step is Shift and target not in order:
                order[target] = len(order)
                waiting.append(target)
    return order


def text() -> str:
    """The whole text of `_parser.py`."""
    rules, states, start, end = table()
    lines = [HEADER + f"START = {start}", f"END = {end}", "", "# fmt: off"]
    lines.append("RULES: tuple[tuple[str, int, str], ...] = (")
    lines += [f"    {rule!r}," for rule in rules]
    lines += [")", "", "STATES: tuple[dict[str, int], ...] = ("]
    lines += [f"    {state!r}," for state in states]
    return "\n".join([*lines, ")", "# fmt: on", ""])


if __name__ == "__main__":
    STORED.write_text(text(), encoding="utf-8")
