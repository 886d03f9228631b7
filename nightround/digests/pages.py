"""What the mail templates are given: ready text, grouped by record and event, worst first, capped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from nightround.model.finding import Finding
from nightround.model.language import Language
from nightround.model.links import Places
from nightround.model.rule import Rule
from nightround.texts.catalogue import Wording
from nightround.texts.labels import words_of_label
from redcap_sync.rows.row_order import natural_key
from redcap_sync.rows.tables import RowKey

SHOWN_OTHERS = 5
"""So many other rows of a group are named in a mail."""
SHOWN_ID = 8
"""Digits of a finding's id that stand in a mail; enough to find it among a hundred thousand."""


@dataclass(frozen=True)
class Entry:
    """One finding as it is shown. `advice` is '' where the mail has given it before."""

    severity: str
    severity_text: str
    title: str
    place: str
    advice: str
    link: str
    link_text: str


@dataclass(frozen=True)
class EventGroup:
    """The findings of one event of a record."""

    label: str
    entries: tuple[Entry, ...]


@dataclass(frozen=True)
class RecordGroup:
    """The findings of one record; `label` is '' where record ids may not be named."""

    label: str
    events: tuple[EventGroup, ...]


@dataclass(frozen=True)
class FindingsSection:
    """A headed list of findings, and how many more there are."""

    heading: str
    count: int
    records: tuple[RecordGroup, ...]
    more: str


@dataclass(frozen=True)
class Lines:
    """A headed list of single lines."""

    heading: str
    lines: tuple[str, ...]
    more: str = ""


@dataclass(frozen=True)
class OldFinding:
    """A finding that has been open for long, in one line."""

    text: str
    link: str
    link_text: str


@dataclass(frozen=True)
class OpenList:
    """What is still open: counts by severity, and the oldest ones."""

    heading: str
    counts: str
    oldest_heading: str
    oldest: tuple[OldFinding, ...]


@dataclass(frozen=True)
class Page:
    """A whole digest, ready for the templates."""

    language: str
    title: str
    headline: str
    as_of: str
    banner: tuple[str, ...]
    alive: str
    figures: tuple[tuple[str, int], ...]
    sections: tuple[FindingsSection, ...]
    fixed: Lines
    still_open: OpenList
    unjudged: Lines
    footer: tuple[str, ...]


class Shown:
    """Turns findings into what one mail shows of them; it remembers which advice was given already."""

    def __init__(self, rules: Mapping[str, Rule], places: Places, language: Language, wording: Wording) -> None:
        self._rules = rules
        self._places = places
        self._language = language
        self._wording = wording
        self._advised: set[str] = set()

    @property
    def names_records(self) -> bool:
        """Whether the study lets its mails name records."""
        return self._places.record_id_allowed

    def rule_title(self, rule_id: str) -> str:
        """What a rule demands; the id of a rule that is no longer known."""
        rule = self._rules.get(rule_id)
        return rule.title.in_(self._language) if rule else rule_id

    def title(self, finding: Finding) -> str:
        """What a finding is shown as; the id of its rule where that is gone, and no title was kept."""
        return finding.shown_as(self._rules.get(finding.rule_id)).in_(self._language) or finding.rule_id

    def section(self, heading: str, found: Iterable[Finding], cap: int) -> FindingsSection:
        """The worst findings, up to a cap, by record and event."""
        worst = sorted(found, key=self._worst_first)
        shown = worst[:cap]
        rank = {one.row.record: one.severity.rank for one in reversed(shown)}
        by_record = sorted(shown, key=lambda one: (rank[one.row.record], *self._by_place(one)))
        groups = tuple(
            RecordGroup(self._record_label(record), self._events(tuple(of_record)))
            for record, of_record in groupby(by_record, key=lambda one: one.row.record)
        )
        return FindingsSection(self._wording(heading), len(worst), groups, more(self._wording, len(worst) - len(shown)))

    def old(self, finding: Finding, age: str) -> OldFinding:
        """One line of an old finding: title, where it is, how long it has been open."""
        row = self._row(finding)
        where = (self._record_label(row.record), self._event_label(row.event), self._place(finding))
        text = " · ".join(part for part in (self.title(finding), *where, age) if part)
        return OldFinding(text, self._link(finding), self._link_text(finding))

    def _row(self, finding: Finding) -> RowKey:
        return self._places.place_of(finding, self._rules.get(finding.rule_id))

    def _link(self, finding: Finding) -> str:
        return self._places.link(finding, self._rules.get(finding.rule_id))

    def _events(self, found: Sequence[Finding]) -> tuple[EventGroup, ...]:
        return tuple(
            EventGroup(self._event_label(event), tuple(self._entry(one) for one in of_event))
            for event, of_event in groupby(found, key=lambda one: self._row(one).event)
        )

    def _entry(self, finding: Finding) -> Entry:
        return Entry(
            severity=finding.severity.value,
            severity_text=self._wording(f"severity_{finding.severity.value}"),
            title=self.title(finding),
            place=self._place(finding),
            advice=self._advice(finding.rule_id),
            link=self._link(finding),
            link_text=self._link_text(finding),
        )

    def _advice(self, rule_id: str) -> str:
        rule = self._rules.get(rule_id)
        if rule is None or rule_id in self._advised:
            return ""
        self._advised.add(rule_id)
        advice = rule.advice.in_(self._language)
        return self._wording("advice", advice=advice) if advice else ""

    def _record_label(self, record: str) -> str:
        if not record:
            return self._wording("cohort")
        return self._wording("record", record=record) if self._places.record_id_allowed else ""

    def _event_label(self, event: str) -> str:
        return self._in_my_language(self._places.events.get(event, event))

    def _in_my_language(self, label: str) -> str:
        return words_of_label(label).in_(self._language)

    def _place(self, finding: Finding) -> str:
        place = self._row_place(self._row(finding))
        return self._wording("together", place=place, others=self._others(finding)) if finding.others else place

    def _row_place(self, row: RowKey) -> str:
        instrument = self._in_my_language(self._places.instruments.get(row.instrument, row.instrument))
        return self._wording("instance", instrument=instrument, instance=row.instance) if row.instance else instrument

    def _others(self, finding: Finding) -> str:
        """The rows of the same group, by their records where these may be named."""
        shown = finding.others[:SHOWN_OTHERS]
        if not self._places.record_id_allowed:
            return self._wording("other_rows", n=len(finding.others))
        named = [self._other(finding.row, one) for one in shown]
        left_out = more(self._wording, len(finding.others) - len(shown))
        return self._wording("severity_join").join([*named, *([left_out] if left_out else [])])

    def _other(self, first: RowKey, row: RowKey) -> str:
        """A row of the same group: its record, or what else tells it from the first."""
        parts = [self._record_label(row.record), self._event_label(row.event)]
        parts += [self._row_place(row)] if row.record == first.record else []
        return " · ".join(part for part in parts if part)

    def _link_text(self, finding: Finding) -> str:
        if self._places.record_id_allowed:
            return self._wording("link")
        return self._wording("link_hidden", id=finding.id[:SHOWN_ID])

    def _worst_first(self, finding: Finding) -> tuple[object, ...]:
        return (finding.severity.rank, *self._by_place(finding))

    def _by_place(self, finding: Finding) -> tuple[object, ...]:
        row = self._row(finding)
        visit = (self._places.event_order(row.event), row.event)
        return (*natural_key(row.record), *visit, finding.severity.rank, finding.rule_id, row.instrument, row.instance)


def more(wording: Wording, count: int) -> str:
    """'and 7 more', or '' when nothing is left out."""
    return wording("more", n=count) if count > 0 else ""


def capped(lines: Sequence[str], cap: int, wording: Wording, heading: str) -> Lines:
    """A headed list of lines up to a cap."""
    return Lines(wording(heading), tuple(lines[:cap]), more(wording, len(lines) - cap))
