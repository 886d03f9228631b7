"""All suggestions for a study, what each would find tonight, and how one is accepted."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from nightround.model.errors import UsageWrong
from nightround.model.rule import Rule
from nightround.model.snapshot import Snapshot
from nightround.rule_desk.suggest.date_order import suggested_orders
from nightround.rule_desk.suggest.of_known_scores import suggested_scores
from nightround.rule_desk.suggest.suggestion import SUGGESTED_FILE, Suggestion
from nightround.study.folder import Study
from nightround.study.rules.rule_files import RuleFile
from nightround.study.settings import checked
from nightround.validation.run import validate
from redcap_sync.errors import LogicError
from redcap_sync.logic import parse, references
from redcap_sync.private_files import write_private


@dataclass(frozen=True)
class Tried:
    """A suggestion with the rows that its rules could judge tonight, and those that break one of them."""

    suggestion: Suggestion
    checked: int
    found: int

    def document(self) -> dict[str, Any]:
        """The suggestion as JSON."""
        one = self.suggestion
        return {
            "id": one.id,
            "kind": one.kind,
            "reason": str(one.reason),
            "evidence": str(one.evidence),
            "rules": [rule.id for rule in one.rules],
            "checked": self.checked,
            "found": self.found,
            "toml": one.toml,
        }


def suggestions(study: Study, snapshot: Snapshot) -> tuple[Suggestion, ...]:
    """The suggestions of a study whose rules it does not have yet."""
    languages = study.settings.study.languages
    every = (*suggested_scores(snapshot.dictionary), *suggested_orders(snapshot, languages))
    return tuple(one for one in every if not is_known(one, study))


def is_known(suggestion: Suggestion, study: Study) -> bool:
    """Whether the study has a rule of that id, or one that reads as much: the same fields, across visits too."""
    ids = {rule.id for rule in study.rules}
    own = [_read(rule) for rule in study.rules]
    return any(rule.id in ids or any(_read(rule) <= other for other in own) for rule in suggestion.rules)


def _read(rule: Rule) -> frozenset[tuple[str, bool]]:
    """The fields that a rule's logic reads, each with whether it is read at another visit."""
    try:
        found = references(parse(rule.discrepancy)) if rule.discrepancy else ()
    except LogicError:
        return frozenset()
    return frozenset((one.field, bool(one.event)) for one in found if not one.is_smart)


def tried(found: Sequence[Suggestion], snapshot: Snapshot, now: datetime) -> Iterator[Tried]:
    """Judge suggestions on a snapshot, all at once."""
    rules = [rule for one in found for rule in one.rules]
    outcomes = {outcome.rule_id: outcome for outcome in validate(snapshot, rules, now=now).outcomes}
    for one in found:
        own = [outcomes[rule.id] for rule in one.rules]
        yield Tried(one, max((each.checked for each in own), default=0), sum(each.failed for each in own))


def accept(study: Study, wanted: Collection[str], found: Iterable[Suggestion]) -> Path:
    """Write suggestions into the study's file of accepted ones, where a person may change them; returns the file.

    Raises UsageWrong for an id that is not suggested.
    """
    by_id = {one.id: one for one in found}
    if unknown := [one for one in wanted if one not in by_id]:
        raise UsageWrong("suggest.unknown", name=unknown[0], known=", ".join(by_id))
    path = study.folder / "rules" / SUGGESTED_FILE
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    parts = [before.rstrip(), *(by_id[one].toml for one in dict.fromkeys(wanted))]
    text = "\n\n".join(part.strip() for part in parts if part) + "\n"
    checked(RuleFile, tomllib.loads(text), file=path)
    return write_private(path, text.encode())
