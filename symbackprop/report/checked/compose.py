"""Findings as a document: each statement with its mark, its verdict, and sentences that say why."""

from __future__ import annotations

from symbackprop.checking.findings import Checked, Finding
from symbackprop.notation.node import Span
from symbackprop.notation.tree import Coloured, Node, Product, rebuild
from symbackprop.report.checked.sentences import SHOWN, head, notes, place, summary
from symbackprop.report.document import Document, Judged, Paragraph, Text


def compose(checked: Checked) -> Document:
    """The whole report: how many of each verdict, and every statement in the order of the file."""
    return Document(
        title=Text("title.check"),
        subtitle=head(checked),
        blocks=(
            Paragraph(sentences=tuple(summary(checked))),
            *(judged(finding) for finding in checked.findings),
        ),
    )


def judged(finding: Finding) -> Judged:
    """One statement with its verdict."""
    shown = SHOWN[finding.verdict]
    wrong = finding.place
    red = shown.mark in ("wrong", "unread")  # a convention is no mistake, and is not to look like one
    return Judged(
        place=place(finding),
        mark=shown.mark,
        verdict=shown.word,
        formula=None if finding.written is None else grouped(marked(finding.written, wrong if red else None)),
        text=finding.text,
        wrong=None if wrong is None else (wrong.start, wrong.end),
        notes=tuple(notes(finding)),
    )


def grouped(node: Node) -> Node:
    """A formula by hand with products as people mean them: in `(ŷ − y) ⊙ g (z)`, `g (z)` is one factor."""
    node = rebuild(node, grouped)
    if not isinstance(node, Product) or not {"odot", "*"} & set(node.signs) or len(set(node.signs)) < 2:
        return node
    groups: list[list[Node]] = [[node.factors[0]]]
    inner: list[list[str]] = [[]]
    outer: list[str] = []
    for sign, factor in zip(node.signs, node.factors[1:], strict=True):
        if sign in ("odot", "*"):
            outer.append(sign)
            groups.append([factor])
            inner.append([])
        else:
            groups[-1].append(factor)
            inner[-1].append(sign)
    factors = [
        Product(tuple(group), tuple(signs)) if signs else group[0]
        for group, signs in zip(groups, inner, strict=True)
    ]
    return Product(tuple(factors), tuple(outer), span=node.span)


def marked(written: Node, wrong: Span | None) -> Node:
    """The tree with the part in colour that stands at the wrong place of the text, if one does exactly.

    Spans count characters of the fragment that the statement was cut from, the place those of the
    statement: they agree where the fragment begins, else from the beginning of the tree.
    """
    if wrong is None:
        return written
    begins = 0 if written.span is None else written.span.start
    for shift in dict.fromkeys((0, begins)):
        aim = (wrong.start + shift, wrong.end + shift)
        found = _coloured(written, aim)
        if found is not written:
            return found
    return written


def _coloured(node: Node, aim: tuple[int, int]) -> Node:
    if node.span is not None and (node.span.start, node.span.end) == aim:
        return Coloured(node)
    return rebuild(node, lambda child: _coloured(child, aim))
