"""Items of hand writing to tokens of `grammar.lark`, and the tokens to a tree.

What groups by itself (a fraction, brackets, a matrix, what stands above a letter) is read by the
same grammar on its own, and then stands as one token.
"""

import re
from typing import NoReturn

from symbackprop import limits
from symbackprop.notation.hand import brackets, frames, heads, matrices, scripts
from symbackprop.notation.hand import commands as known
from symbackprop.notation.hand.actions import HandActions, Made, Script
from symbackprop.notation.hand.context import Context, span_of
from symbackprop.notation.hand.items import Item, Items
from symbackprop.notation.hand.nodes import Omitted
from symbackprop.notation.hand.pairing import closing
from symbackprop.notation.hand.units import Unit, function_word, split_run
from symbackprop.notation.hand.words import units_of
from symbackprop.notation.parts import Reading, Vocabulary
from symbackprop.notation.read import follow
from symbackprop.notation.tokens import END, Token
from symbackprop.notation.tree import Call, Chain, Constant, Dots, Gradient, Name, Node, Ones, Span

_CODED = re.compile(r"(?:np|numpy|torch|tf|jnp)\.(?!dot\b|matmul\b)")  # np.dot is the matrix product too
_OPERATIONS = {"+": "PLUS", "-": "MINUS", "·": "CDOT", "/": "SLASH", "*": "STAR", "×": "STAR", "⊙": "ODOT",
               "⊗": "ODOT", "@": "CDOT"}  # fmt: skip
_OPENING = {"(": ")", "[": "]", "\\{": "\\}", "⟨": "⟩"}
_BARS = {"|": "|", "||": "||", "|(": "|)", "||(": "||)"}


class Translator:
    """Reads one sequence of items; brackets and arguments inside it are read by others, deeper."""

    def __init__(self, context: Context, items: Items, depth: int, whole: Span) -> None:
        if depth > limits.DEPTH:
            message = f"brackets are nested more than {limits.DEPTH} deep"
            context.refuse(message, whole.start, whole.start + 1, "name a part in a formula of its own")
        self.context = context
        self.items = items
        self.depth = depth
        self.whole = whole
        self.at = 0
        self.out: list[Token] = []
        self.differential: Item | None = None  # a d or ∂ that waits for its name

    # --- the tree

    def chain(self) -> Node:
        """A formula or a chain; one that begins with a relation has `Omitted` before it."""
        if not self.items:
            self.context.refuse("there is no formula", self.whole.start, self.whole.end)
        self.tokens()
        if not self.out:
            self.context.refuse("there is no formula", self.whole.start, self.whole.end)
        if self.out[0].kind in ("EQUALS", "RELATION"):
            start = self.out[0].start
            first = Made("MADE", "", start, start, value=Omitted(span=Span(start, start)))
            self.out.insert(0, first)
        end = self.whole.end
        self.out.append(Token(END, "", end, end))
        vocabulary = Vocabulary(functions=self.context.functions, names=self.context.names)
        reading = Reading(self.context.text, self.out, vocabulary)
        calls = frozenset(self.context.functions.values()) | {"sigma"}
        return follow(reading, HandActions(reading, frozenset(self.context.partials), calls))

    def expression(self) -> Node:
        """A formula without relations."""
        node = self.chain()
        if isinstance(node, Chain):
            place = span_of(self.items)
            hint = "a relation stands between whole formulas"
            self.context.refuse("a relation stands inside a formula", place.start, place.end, hint)
        return node

    def inner(self, items: Items, whole: Span) -> "Translator":
        """The reader of a part."""
        return Translator(self.context, items, self.depth + 1, whole)

    # --- tokens

    def tokens(self) -> None:
        while self.at < len(self.items):
            item = self.items[self.at]
            self.at += 1
            self.one(item)
        if self.differential is not None:
            self.lonely(self.differential)

    def one(self, item: Item) -> None:
        waiting = self.differential
        if waiting is not None and not self.takes_differential(item):
            self.lonely(waiting)
        match item.kind:
            case "word":
                self.word(item)
            case "number":
                self.number(item)
            case "operator":
                self.operator(item)
            case "sign":
                self.sign(item)
            case "group":
                self.group(item)
            case "command":
                self.command(item)
            case "rows":
                self.made(item, self.rows(item))
            case "sub" | "sup" | "prime":
                hint = "write what it belongs to before it"
                self.context.refuse("this belongs to nothing", item.start, item.end, hint)
            case "text":
                hint = "words stand between formulas, not inside one"
                self.context.refuse("words stand inside a formula", item.start, item.end, hint)
            case _:
                self.context.refuse("the formula is broken here", item.start, item.end)

    def takes_differential(self, item: Item) -> bool:
        if item.kind == "command":
            names = (known.ACCENTS, known.SCRIPTS, known.KEEPS)
            return any(item.text in table for table in names) or item.text == "textcolor"
        if item.kind == "sign" and item.text in ("(", "["):
            self.at, here = self.at - 1, self.at
            over = self.is_over_bracket()
            self.at = here
            return over
        return item.kind in ("word", "operator", "group")

    def lonely(self, item: Item) -> NoReturn:
        shown = self.context.text[item.start : item.end]
        hint = "write dW, \\frac{\\partial L}{\\partial W} or dL/dW"
        self.context.refuse(f"“{shown}” stands alone here", item.start, item.end, hint)

    def put(self, kind: str, item: Item, text: str = "", value: object = None) -> None:
        self.out.append(Made(kind, text or item.text, item.start, item.end, value=value))

    def made(self, item: Item, node: Node, end: int = 0) -> None:
        """A node that stands for itself, then what is written above and below it."""
        stop = end or item.end
        waiting, self.differential = self.differential, None
        if waiting is not None:
            node = Gradient(node, span=Span(waiting.start, stop))
            item = Item("group", "", waiting.start, stop)
            if waiting.text == "∂":
                self.context.partials.add(waiting.start)
        self.out.append(Made("MADE", "", item.start, stop, value=node))
        self.behind()

    def next(self, *kinds: str) -> Item | None:
        """The item that follows, if it is of one of these kinds."""
        item = self.items[self.at] if self.at < len(self.items) else None
        return item if item is not None and item.kind in kinds else None

    def next_sign(self, *texts: str) -> bool:
        item = self.next("sign")
        return item is not None and item.text in texts

    # --- what stands behind an operand

    def behind(self) -> None:
        """Indices, marks, primes, powers and transposes, in the order in which they apply."""
        first = self.at
        while self.next("sub", "sup", "prime"):
            self.at += 1
        if self.at == first:
            return
        written = self.items[first : self.at]
        base = self.out[-1]
        node = base.value if isinstance(base, Made) else None
        renamed, found = scripts.scripts_of(self, node, written)
        if renamed is not None and isinstance(base, Made):
            end = max(base.end, renamed.span.end if renamed.span else 0)
            self.out[-1] = Made("MADE", "", base.start, end, value=renamed)
        for item, script in found:
            if self.out[-1].kind == "NUMBER" and script.kind in ("index", "mark", "prime"):
                self.context.refuse("a number has no index", item.start, item.end)
            self.put("SCRIPT", item, "^", script)

    # --- names

    def word(self, item: Item) -> None:
        context = self.context
        if context.latex:
            units = split_run(item.letters, context.names, context.functions)
        else:
            units = units_of(item, context)
        if not units:
            hint = "words stand between formulas, not inside one"
            context.refuse(f"“{item.text}” is no name here", item.start, item.end, hint)
        digits = self.next("number")
        for place, unit in enumerate(units):
            last = place == len(units) - 1
            if last and digits and digits.start == item.end and digits.text.isdecimal():
                self.at += 1
                unit = Unit(unit.key + digits.text, unit.start, digits.end, unit.differential)
            if last and unit.key == "d" and self.is_differential(item):
                if self.differential is not None:
                    self.lonely(self.differential)
                self.differential = Item("word", "d", unit.start, unit.end)
                return
            self.name(unit, Item("word", unit.key, unit.start, unit.end), last)

    def is_differential(self, item: Item) -> bool:
        """Whether a `d` that ends a run of letters belongs to what follows (`d\\hat y`)."""
        after = self.items[self.at] if self.at < len(self.items) else None
        if after is None or not self.takes_differential(after):
            return self.is_over_bracket()
        return "d" not in self.context.names or after.start == item.end

    def is_over_bracket(self) -> bool:
        """`d(W x + b)/dx`: the bracket is what is differentiated."""
        if not self.next_sign("(", "[") or "d" in self.context.names:
            return False
        end = closing(self.items, self.at)
        after = self.items[end + 1] if end is not None and end + 1 < len(self.items) else None
        return after is not None and after.kind == "sign" and after.text == "/"

    def name(self, unit: Unit, item: Item, last: bool = True) -> None:
        """A name as a token; only the last of a run has something behind it."""
        if last and unit.key in ("chi", "I") and unit.key not in self.context.names:
            node_or_none = frames.indicator_behind(self, item, bold=True)  # χ_{z > 0}, I(z > 0)
            if node_or_none is not None:
                self.made(item, node_or_none, self.items[self.at - 1].end)
                return
        span = Span(unit.start, unit.end)
        known_name = unit.key in self.context.names
        node: Node = Name(unit.key, span=span)
        if unit.key == "pi" and not known_name:
            node = Constant("pi", span=span)
        waiting, self.differential = self.differential, None
        start = unit.start
        if unit.differential or waiting is not None:
            start = waiting.start if waiting else unit.start - 1
            if waiting is not None and waiting.text == "∂":
                self.context.partials.add(start)
            node = Gradient(node, span=Span(start, unit.end))
        self.out.append(Made("MADE", "", start, unit.end, value=node))
        if last:
            self.behind()

    def operator(self, item: Item) -> None:
        """A word that was written as one: \\log, \\operatorname{softmax}, \\mathrm{d}."""
        word = item.text
        if word == "d" and self.is_differential(item):
            self.differential = item
            return
        if function_word(_CODED.sub("", word), self.context.functions):
            word = _CODED.sub("", word)  # \text{np.sum}(…)
        key = function_word(word, self.context.functions) or word.replace(" ", "_")
        if not key.replace("_", "").isalnum():
            self.context.refuse("this is no name", item.start, item.end)
        if key not in self.context.names and not function_word(word, self.context.functions):
            letters = tuple((c, item.start, item.end) for c in key)
            units = split_run(letters, self.context.names, {})
            if len(units) == 1 and units[0].differential:
                self.name(Unit(units[0].key, item.start + 1, item.end, True), item)
                return
        self.name(Unit(key, item.start, item.end), item)

    def number(self, item: Item) -> None:
        if item.text == "1":
            node = frames.indicator_behind(self, item, bold=False)
            if node is not None:
                self.made(item, node, self.items[self.at - 1].end)
                return
        self.put("NUMBER", item, item.text)
        self.behind()

    # --- signs

    def sign(self, item: Item) -> None:
        text = item.text
        if text in _OPERATIONS:
            self.put(_OPERATIONS[text], item, text)
        elif text in known.RELATIONS:
            relation = known.RELATIONS[text]
            self.put("EQUALS" if relation == "=" else "RELATION", item, relation)
            after = self.next("word")
            if relation == "∈" and after and after.text == "R" and "R" not in self.context.names:
                self.at += 1
                frames.space(self, after)
        elif text in known.DOTS:
            self.made(item, Dots(known.DOTS[text], span=Span(item.start, item.end)))  # type: ignore[arg-type]
        elif text in _OPENING or text in _BARS or text == "null":
            brackets.bracket(self, item)
        elif text == "ℝ":
            frames.space(self, item)
        elif text == "∂":
            heads.partial(self, item)
        elif text == "∇":
            heads.nabla(self, item)
        elif text == "∑":
            heads.summed(self, item)
        else:
            self.refuse_sign(item)

    def refuse_sign(self, item: Item) -> NoReturn:
        shown = self.context.text[item.start : item.end].strip()
        if item.text in (")", "]", "\\}", "|)", "||)"):
            self.context.refuse(f"“{shown}” closes nothing", item.start, item.end)
        hints = {
            "⊤": "the transpose is ^T",
            ",": "a decimal is 0.5 or 0{,}5; a list stands in brackets",
            "%": "write the number as a decimal or a fraction",
        }
        message = f"“{shown}” cannot be read here" if shown.isprintable() else "this character cannot be read"
        self.context.refuse(message, item.start, item.end, hints.get(item.text, ""))

    # --- groups and commands

    def group(self, item: Item) -> None:
        """Braces print nothing: what is in them stands as if it stood without."""
        inside = item.groups[0]
        script = self.next("sup")
        if not inside:
            if script and scripts.is_transpose(self, script.groups[0]):
                self.at += 1
                self.transposed(script)
            return
        self.splice(inside, item)

    def transposed(self, sign: Item) -> None:
        """`{}^T W`: the transpose written before."""
        if self.at >= len(self.items):
            self.context.refuse("this belongs to nothing", sign.start, sign.end)
        before = len(self.out)
        self.one_operand()
        taken = self.out[before:]
        scripts = taken[1:] if taken else []
        if not taken or taken[0].kind != "MADE" or any(token.kind != "SCRIPT" for token in scripts):
            hint = "write W^T"
            self.context.refuse("it is not clear what is transposed", sign.start, sign.end, hint)
        self.put("SCRIPT", sign, "^", Script("transpose"))

    def one_operand(self) -> None:
        item = self.items[self.at]
        self.at += 1
        self.one(item)

    def splice(self, inside: Items, item: Item) -> None:
        """The tokens of a group among ours; what is behind it belongs to its one operand."""
        part = self.inner(inside, Span(item.start, item.end))
        part.differential, self.differential = self.differential, None
        part.tokens()
        heads = [token for token in part.out if token.kind != "SCRIPT"]
        if self.next("sub", "sup", "prime") and len(heads) != 1:
            hint = "put it in round brackets"
            message = "it is not clear what the script behind the braces belongs to"
            self.context.refuse(message, item.start, item.end, hint)
        self.out.extend(part.out)
        if self.next("sub", "sup", "prime"):
            self.behind()

    def command(self, item: Item) -> None:
        name = item.text
        if name in known.KEEPS or name == "textcolor":
            one = item.groups[0]
            if len(one) == 1 and one[0].kind == "number" and one[0].text == "1" and name != "textcolor":
                self.made(item, indicated(self, item))
                return
            self.splice(one, item)
        elif name in known.ACCENTS:
            self.accent(item)
        elif name in known.SCRIPTS:
            self.script_letter(item)
        elif name in known.FRACTIONS:
            heads.fraction(self, item)
        elif name == "sqrt":
            body = self.inner(item.groups[0], Span(item.start, item.end)).expression()
            self.made(item, Call("sqrt", (body,), span=Span(item.start, item.end)))
        elif name in known.BOXES:
            self.made(item, frames.box(self, item))
        elif name in known.BRACES:
            frames.brace(self, item)
        elif name in known.OVER:
            self.relation_under(item)
        elif name in ("mathbb", "mathds"):
            frames.blackboard(self, item)
        else:
            self.refuse_command(item)

    def refuse_command(self, item: Item) -> NoReturn:
        shown = self.context.text[item.start : item.start + 1 + len(item.text)]
        hint = "cross nothing out: write what is left" if "cancel" in item.text else ""
        self.context.refuse(f"{shown} is not read here", item.start, item.start + len(shown), hint)

    def accent(self, item: Item) -> None:
        """`\\hat y`, and `\\hat{y_i}`, whose index stays."""
        part = self.inner(item.groups[0], Span(item.start, item.end))
        part.tokens()
        token = part.out[0] if part.out else None
        scripts = part.out[1:]
        node = token.value if isinstance(token, Made) else None
        if not isinstance(node, Name) or any(other.kind != "SCRIPT" for other in scripts):
            hint = "write one letter under it: \\hat{y}"
            self.context.refuse("this accent is not over one name", item.start, item.end, hint)
        unit = Unit(node.name + known.ACCENTS[item.text], item.start, item.end)
        self.name(unit, item, not scripts)
        if scripts:
            self.out.extend(scripts)
            self.behind()

    def script_letter(self, item: Item) -> None:
        inside = item.groups[0]
        if len(inside) != 1 or inside[0].kind != "word" or len(inside[0].letters) != 1:
            self.context.refuse("one letter belongs here", item.start, item.end, "write \\mathcal{L}")
        self.name(Unit("cal" + inside[0].text, item.start, item.end), item)

    def relation_under(self, item: Item) -> None:
        """`\\stackrel{\\text{en el ej.}}{=}` is its relation; the words over it are kept."""
        over, base = item.groups
        if item.text == "underset":
            self.context.refuse("\\underset is not read here", item.start, item.end)
        if len(base) != 1 or base[0].kind != "sign" or base[0].text not in known.RELATIONS:
            self.context.refuse(
                "a relation belongs under this", item.start, item.end, "write \\overset{…}{=}"
            )
        words = [part.text.strip() for part in over if part.kind == "text"]
        relation = known.RELATIONS[base[0].text]
        kind = "EQUALS" if relation == "=" else "RELATION"
        self.put(kind, item, relation, " ".join(words) if len(words) == len(over) and words else None)

    def rows(self, item: Item) -> Node:
        return matrices.rows(self, item)


def indicated(reader: Translator, item: Item) -> Node:
    """A bold 1: the vector of ones, or an indicator where a condition follows."""
    node = frames.indicator_behind(reader, item, bold=True)
    return Ones(span=Span(item.start, item.end)) if node is None else node
