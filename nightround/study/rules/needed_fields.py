"""Which fields a rule needs: those whose blank leaves unknown whether the rule is broken."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from redcap_sync.logic import Expression, Reference, references
from redcap_sync.logic.syntax import Call, Comparison, Text

ASK_FOR_BLANKS = frozenset({"isblankormissingcode", "isblanknotmissingcode", "ismissingcode", "hasmissingcode"})
"""Functions that ask whether there is a value."""
BLANKS = frozenset({"", "NaN"})
"""Texts that mean a blank in a comparison; NaN is how old logic was taught to write it."""
EQUALITIES = ("=", "<>")


def needed_fields(logic: Expression) -> tuple[Reference, ...]:
    """Every reference of some logic but those that it asks about being blank: their blank is what it looks for."""
    asked = set(_compared_with(logic, BLANKS)) | set(_in_functions(logic))
    return tuple(one for one in references(logic) if one not in asked)


def judged_needs(needs: Iterable[str], logic: Expression | None, codes: Collection[str]) -> tuple[str, ...]:
    """The columns of `needs` that must have a value: not those whose missing data code the logic asks for by name."""
    asked = {one.column for one in _compared_with(logic, codes)} if logic is not None and codes else set()
    return tuple(column for column in needs if column not in asked)


def _compared_with(node: Expression, texts: Collection[str]) -> Iterator[Reference]:
    if isinstance(node, Comparison) and node.operator in EQUALITIES:
        for one, other in ((node.left, node.right), (node.right, node.left)):
            if isinstance(one, Reference) and isinstance(other, Text) and other.value in texts:
                yield one
    for child in node.children:
        yield from _compared_with(child, texts)


def _in_functions(node: Expression) -> Iterator[Reference]:
    if isinstance(node, Call) and node.name in ASK_FOR_BLANKS:
        yield from references(node)
    for child in node.children:
        yield from _in_functions(child)
