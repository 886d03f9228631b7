"""What a rule asks, apart from how it is written: the same logic has the same text, and the same hash."""

from __future__ import annotations

import hashlib
import json

from nightround.model.rule import Rule
from redcap_sync.errors import LogicError
from redcap_sync.logic import parse, to_logic

HASH_DIGITS = 16


def canonical_logic(text: str) -> str:
    """Logic as it is printed from its tree; what cannot be read stays as it is written."""
    try:
        return to_logic(parse(text)) if text else ""
    except LogicError:
        return text.strip()


def logic_hash(rule: Rule) -> str:
    """Hash of what decides whether a row breaks a rule: not its id, its words, its severity or the fields it shows."""
    check = [rule.check.kind, rule.check.columns, rule.check.settings] if rule.check else None
    asked = [canonical_logic(rule.discrepancy), canonical_logic(rule.applies), sorted(rule.needs)]
    where = [rule.instrument, sorted(rule.events)]
    return short_hash([*asked, *where, check], HASH_DIGITS)


def short_hash(content: object, digits: int) -> str:
    """The first digits of the SHA-256 over content that JSON can say."""
    text = json.dumps(content, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:digits]
