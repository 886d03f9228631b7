"""Rules that can never ask, whatever is entered: a night says so of them, where it would have said that they passed."""

from __future__ import annotations

from collections.abc import Container, Iterable

from nightround.model.rule import Rule
from nightround.rule_desk.linted import Linted
from nightround.rule_desk.reachable import never_asks
from redcap_sync.dictionary import Dictionary
from redcap_sync.errors import LogicError
from redcap_sync.messages import Message


def silent_rules(rules: Iterable[Rule], dictionary: Dictionary) -> dict[str, Message]:
    """The rules, by id, whose logic is proven never to be true of a row they judge, each with the reason.

    Only logic that reads what the project has is looked at; what it does not have is a reason of its own.
    """
    columns = {column for one in dictionary.instruments for column in dictionary.columns_of(one.name)}
    known = columns | {dictionary.record_id_field}
    written = [Linted(rule, dictionary) for rule in rules if rule.origin != "dictionary" and rule.check is None]
    return {one.rule.id: Message.of("outcome.never_asks") for one in written if _is_silent(one, known)}


def _is_silent(linted: Linted, known: Container[str]) -> bool:
    try:
        readable = all(one.is_smart or one.export_column in known for one in linted.columns)
        return readable and never_asks(linted)
    except LogicError:
        return False
