"""All suggestions for a study, what each would find tonight, and how one is accepted."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from nightround.model.errors import UsageWrong
from nightround.model.outcome import Status
from nightround.model.rule import Rule
from nightround.model.snapshot import Snapshot
from nightround.rule_desk.suggest.ages import suggested_ages
from nightround.rule_desk.suggest.alike_numbers import suggested_changes, suggested_sides
from nightround.rule_desk.suggest.answers_together import (
    suggested_none_boxes,
    suggested_required,
    suggested_texts_of_other,
)
from nightround.rule_desk.suggest.date_order import suggested_orders
from nightround.rule_desk.suggest.of_known_scores import suggested_scores
from nightround.rule_desk.suggest.periods import suggested_periods
from nightround.rule_desk.suggest.plausible_ranges import suggested_ranges
from nightround.rule_desk.suggest.study_data import StudyData
from nightround.rule_desk.suggest.suggestion import LEAST_SHARE, SUGGESTED_FILE, Suggestion
from nightround.rule_desk.suggest.sums_and_grades import suggested_grades, suggested_totals
from nightround.rule_desk.suggest.twice_entered import suggested_duplicates
from nightround.study.folder import Study
from nightround.study.rules.rule_files import RuleFile
from nightround.study.settings import checked
from nightround.validation.run import validate
from redcap_sync.dictionary import Dictionary
from redcap_sync.errors import LogicError
from redcap_sync.logic import parse, references
from redcap_sync.private_files import write_private
from redcap_sync.rows.tables import tables_from_records

LEAST_ROWS = 10
"""Of fewer rows not one may break a suggested rule."""


@dataclass(frozen=True)
class Tried:
    """A suggestion with the rows that its rules could judge tonight, and those that break one of them."""

    suggestion: Suggestion
    checked: int
    found: int
    can_be_judged: bool = True

    @property
    def is_kept(self) -> bool:
        """Whether it can be judged, on enough rows, and few of them break it."""
        enough = self.checked >= self.suggestion.least_checked
        few = self.found <= max(self.checked >= LEAST_ROWS, (1 - LEAST_SHARE) * self.checked)
        return self.can_be_judged and enough and (few or self.suggestion.head == "[[scores]]")

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


def without_rows(dictionary: Dictionary, study: str, now: datetime) -> Snapshot:
    """The snapshot of a project of which nothing was pulled yet."""
    tables = tables_from_records(dictionary, [])
    return Snapshot("", study, now, "", dictionary, tables)


def suggestions(study: Study, snapshot: Snapshot, now: datetime) -> tuple[Tried, ...]:
    """The suggestions for a study whose rules it does not have yet, with what each would find on a snapshot.

    A snapshot without rows is that of a project whose dictionary alone is known. `now` is naive, on the study's clock.
    """
    every = _first_of_each(every_suggestion(StudyData(snapshot, study.settings.study.languages)))
    new = [one for one in every if not is_known(one, study)]
    return tuple(one for one in tried(new, snapshot, now) if one.is_kept)


def every_suggestion(data: StudyData) -> Iterator[Suggestion]:
    """The suggestions of each kind, before the study's own rules and the rows are looked at."""
    scores = tuple(suggested_scores(data.dictionary))
    of_scores = {name for one in scores for rule in one.rules for name in rule.fields}
    yield from scores
    yield from suggested_totals(data, of_scores)
    yield from suggested_grades(data, of_scores)
    yield from suggested_ages(data)
    yield from suggested_duplicates(data)
    yield from suggested_orders(data)
    yield from suggested_periods(data)
    yield from suggested_none_boxes(data)
    yield from suggested_texts_of_other(data)
    yield from suggested_required(data)
    yield from suggested_ranges(data)
    yield from suggested_sides(data)
    yield from suggested_changes(data)


def _first_of_each(found: Iterable[Suggestion]) -> list[Suggestion]:
    """Each id, and each question about the same fields by the same logic, once."""
    by_question: dict[object, Suggestion] = {}
    ids: set[str] = set()
    for one in found:
        question = tuple((rule.discrepancy, rule.applies, rule.check) for rule in one.rules)
        if one.id not in ids and str(question) not in by_question:
            by_question[str(question)] = one
            ids.add(one.id)
    return list(by_question.values())


def is_known(suggestion: Suggestion, study: Study) -> bool:
    """Whether the study has a rule of that id, or one that asks as much.

    A rule that reads several fields asks as much as one that reads them all, across visits too; one about a single
    field does not, because a rule that reads it next to others asks something else.
    """
    ids = {rule.id for rule in study.rules}
    own = [_read(rule) for rule in study.rules]
    return any(rule.id in ids or any(_asks_as_much(_read(rule), other) for other in own) for rule in suggestion.rules)


def _asks_as_much(suggested: frozenset[tuple[str, str]], other: frozenset[tuple[str, str]]) -> bool:
    return bool(suggested) and (suggested <= other if len(suggested) > 1 else suggested == other)


def _read(rule: Rule) -> frozenset[tuple[str, str]]:
    """The fields that a rule reads, each with how: at another visit, in the row itself, or compared across rows."""
    if rule.check is not None:
        return frozenset((name, rule.check.kind) for name in (*rule.check.columns, *rule.needs))
    try:
        found = references(parse(rule.discrepancy)) if rule.discrepancy else ()
    except LogicError:
        return frozenset()
    return frozenset((one.field, "visit" if one.event else "row") for one in found if not one.is_smart)


def tried(found: Sequence[Suggestion], snapshot: Snapshot, now: datetime) -> Iterator[Tried]:
    """Judge suggestions on a snapshot, all at once."""
    rules = [rule for one in found for rule in one.rules]
    outcomes = {outcome.rule_id: outcome for outcome in validate(snapshot, rules, now=now).outcomes}
    for one in found:
        own = [outcomes[rule.id] for rule in one.rules]
        judged = all(each.status is not Status.NOT_EVALUATED for each in own)
        yield Tried(one, max((each.checked for each in own), default=0), sum(each.failed for each in own), judged)


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
