"""REDCap's rules A-I and a project's own rules, tried on a project file: no server, no token, nothing kept."""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from nightround.model.outcome import Outcome, Status, Violation
from nightround.model.rule import Rule
from nightround.model.snapshot import Snapshot, questions_apart
from nightround.study.rules.of_dictionary import LETTERS, rules_of_letter
from nightround.study.rules.of_project import rule_of_project
from nightround.validation.run import validate
from redcap_sync.column_name import checkbox_column
from redcap_sync.dictionary import Dictionary
from redcap_sync.errors import ProjectFileWrong
from redcap_sync.messages import Message
from redcap_sync.odm.project_file import ProjectFile
from redcap_sync.project.custom_rules import CustomRule
from redcap_sync.rows.tables import tables_from_records


class Discrepancy(NamedTuple):
    """One discrepancy as REDCap counts them: of A-I one cell, of a custom rule one record, event and instance.

    `event` is '' in a classic project, `instance` 0 where nothing repeats. `value` is a patient's.
    """

    record: str
    event: str
    instrument: str
    instance: int
    field: str
    value: str


class Exclusion(NamedTuple):
    """A discrepancy that a person excluded, as on REDCap's screen."""

    rule: str
    record: str
    event: str
    instrument: str
    instance: int
    field: str


LETTER_IDS = frozenset(letter.id for letter in LETTERS)


@dataclass(frozen=True)
class TriedRule:
    """What one built-in or custom rule came to. `checked` and `rows` are None where a custom rule could not be.

    `cells` are all that the rule's fields have in existing rows and that are not hidden from it; those
    that were not `checked` hold nothing to judge: blank, a missing data code, or no readable value.
    """

    id: str
    name: str
    status: Status
    cells: int
    checked: int | None
    rows: tuple[Discrepancy, ...] | None
    excluded: int
    reasons: tuple[Message, ...]
    """Why fields, or the whole rule, could not be evaluated."""

    @property
    def discrepancies(self) -> int | None:
        """How many discrepancies remain after exclusions."""
        return None if self.rows is None else len(self.rows)


def try_project(
    project: ProjectFile, custom: Sequence[CustomRule], *, now: datetime, exclusions: Collection[Exclusion] = ()
) -> tuple[TriedRule, ...]:
    """Judge A to I, then the custom rules, on a project file. `now` is naive, on the clock of REDCap's server."""
    asked = [(letter.id, letter.name, rules_of_letter(letter, project.dictionary)) for letter in LETTERS]
    asked += [(rule.id, rule.title.en, (rule,)) for rule in _numbered(custom)]
    tables = tables_from_records(project.dictionary, project.records)
    snapshot = questions_apart(
        Snapshot("project file", "", now, project.redcap_version, project.dictionary, tables, groups=project.groups)
    )
    validation = validate(snapshot, [rule for _, _, rules in asked for rule in rules], now=now)
    outcomes = {outcome.rule_id: outcome for outcome in validation.outcomes}
    order = _Order(project)
    excluded = frozenset(exclusions)
    return tuple(
        _tried(
            rule_id,
            name,
            {rule.id: rule for rule in rules},
            [outcomes[rule.id] for rule in rules],
            order=order,
            excluded=excluded,
        )
        for rule_id, name, rules in asked
    )


def _numbered(custom: Iterable[CustomRule]) -> Iterator[Rule]:
    """The custom rules with their numbers on REDCap's page as ids, however often one is there."""
    return (replace(rule_of_project(one), id=str(number)) for number, one in enumerate(custom, start=1))


def _tried(
    rule_id: str,
    name: str,
    rules: Mapping[str, Rule],
    outcomes: Sequence[Outcome],
    *,
    order: _Order,
    excluded: frozenset[Exclusion],
) -> TriedRule:
    found = [order.discrepancy(rules[v.rule_id], v) for outcome in outcomes for v in outcome.violations]
    kept = sorted((one for one in found if Exclusion(rule_id, *one[:-1]) not in excluded), key=order.place)
    judged = [outcome for outcome in outcomes if outcome.status is not Status.NOT_EVALUATED]
    # A letter is many fields: where none could be judged its count is a lower bound of nought, and says so.
    nothing = rule_id not in LETTER_IDS and not judged
    return TriedRule(
        rule_id,
        name,
        _status(outcomes, kept),
        cells=sum(outcome.in_scope for outcome in judged),
        checked=None if nothing else sum(outcome.checked for outcome in judged),
        rows=None if nothing else tuple(kept),
        excluded=len(found) - len(kept),
        reasons=tuple(_reasons(rules, outcomes)),
    )


def _status(outcomes: Sequence[Outcome], discrepancies: Collection[Discrepancy]) -> Status:
    """A rule of which one field could not be evaluated neither passes nor fails as a whole."""
    statuses = {outcome.status for outcome in outcomes}
    if Status.NOT_EVALUATED in statuses:
        return Status.NOT_EVALUATED
    if not statuses - {Status.NOT_APPLICABLE}:
        return Status.NOT_APPLICABLE
    return Status.FAILED if discrepancies else Status.PASSED


def _reasons(rules: Mapping[str, Rule], outcomes: Iterable[Outcome]) -> Iterator[Message]:
    for outcome in outcomes:
        if outcome.reason and outcome.status is Status.NOT_EVALUATED:
            fields = ", ".join(rules[outcome.rule_id].fields)
            yield Message.of("outcome.of_fields", fields=fields, reason=outcome.reason) if fields else outcome.reason


class _Order:
    """The order in which REDCap lists discrepancies: record, event, instrument, instance, field of the project."""

    def __init__(self, project: ProjectFile) -> None:
        self._dictionary = project.dictionary
        ids = (row[project.dictionary.record_id_field] for row in project.records)
        self._records = {record: rank for rank, record in enumerate(dict.fromkeys(ids))}
        self._events = {event: rank for rank, event in enumerate(self._dictionary.event_names)}
        self._instruments = {one.name: rank for rank, one in enumerate(self._dictionary.instruments)}
        self._fields = {field.name: rank for rank, field in enumerate(self._dictionary.fields)}

    def place(self, one: Discrepancy) -> tuple[int, int, int, int, int]:
        """The rank of a discrepancy."""
        return (
            self._records[one.record],
            self._events[one.event],
            self._instruments[one.instrument],
            one.instance,
            self._fields.get(one.field, 0),
        )

    def discrepancy(self, rule: Rule, violation: Violation) -> Discrepancy:
        """Show a violation with the stored values of the fields that the rule names."""
        values = {field: _value(self._dictionary, field, violation.observed) for field in rule.fields}
        if len(values) == 1:
            return Discrepancy(*violation.row, *next(iter(values.items())))
        shown = "; ".join(f"{field} = {value}" for field, value in values.items())
        return Discrepancy(*violation.row, ", ".join(values), shown)


def _value(dictionary: Dictionary, name: str, observed: Mapping[str, str]) -> str:
    """The stored value of a field; of a checkbox the codes that are ticked."""
    field = dictionary.by_name.get(name)
    if field is not None and field.type == "checkbox":
        codes = [option.code for option in dictionary.options_of(field)]
        return ", ".join(code for code in codes if observed.get(checkbox_column(name, code)) == "1")
    return next(
        (text for column, text in observed.items() if column in (name, f"[{name}]")), _elsewhere(name, observed)
    )


def _elsewhere(name: str, observed: Mapping[str, str]) -> str:
    """The first value of a field that was read from another event or instance."""
    return next((text for column, text in observed.items() if f"[{name}]" in column), "")


def read_exclusions(path: Path) -> frozenset[Exclusion]:
    """Read a CSV with the columns rule, record, event, instrument, instance, field; raises ProjectFileWrong."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file, strict=True))
        return frozenset(
            Exclusion(row["rule"], row["record"], row["event"], row["instrument"], int(row["instance"]), row["field"])
            for row in rows
        )
    except (OSError, KeyError, ValueError, TypeError, csv.Error) as error:
        raise ProjectFileWrong(
            "rules.exclusions", file=path.name, error=type(error).__name__, columns=",".join(Exclusion._fields)
        ) from None


def document(tried: Sequence[TriedRule]) -> dict[str, Any]:
    """The whole result as JSON; a count of a rule that could not be evaluated whole is a lower bound, or null."""
    return {
        "rules": [
            {
                "id": one.id,
                "name": one.name,
                "status": one.status.value,
                "checked": one.checked,
                "discrepancies": one.discrepancies,
                "rows": [row._asdict() for row in one.rows or ()],
            }
            for one in tried
        ]
    }
