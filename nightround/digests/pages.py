"""What the mail templates are given: ready text, worst first, then the longest waiting."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from nightround.digests.due_dates import DueDates
from nightround.model.finding import Finding
from nightround.model.language import Language
from nightround.model.links import ComparedField, Places
from nightround.model.rule import Rule, Severity
from nightround.texts.catalogue import Wording
from nightround.texts.labels import at_visits, words_of_label
from redcap_sync.rows.row_order import natural_key
from redcap_sync.rows.tables import RowKey

SHOWN_OTHERS = 5
"""So many other rows of a group are named in a mail."""
SHOWN_ID = 8
"""Digits of a finding's id that are in a mail; enough to find it among a hundred thousand."""
GROUPED_FROM = 6
"""So many findings of one rule are one block of a mail."""
SHOWN_OF_GROUP = 3
"""So many of them have their link in the mail, the others in the whole list; criticals all."""
SHOWN_LABELS = 6
"""So many fields are named as what to look at."""


@dataclass(frozen=True)
class Link:
    """Where a finding is, in one line, and its page."""

    text: str
    link: str
    link_text: str


@dataclass(frozen=True)
class Entry:
    """A finding, or several of one rule, as they are shown. `advice` is '' where the mail has given it before.

    `place` is '' where the heading above says it, `same_in` where it is one finding alone.
    """

    severity: str
    severity_text: str
    title: str
    place: str
    look_at: str
    advice: str
    waits: str
    links: tuple[Link, ...]
    same_in: str = ""
    more: str = ""


@dataclass(frozen=True)
class EventGroup:
    """The findings of one event of a record."""

    label: str
    entries: tuple[Entry, ...]


@dataclass(frozen=True)
class FindingsBlock:
    """The findings of one record, or those of one rule in many records, whose label is ''."""

    label: str
    events: tuple[EventGroup, ...]


@dataclass(frozen=True)
class FindingsSection:
    """A headed list of findings, and how many more there are."""

    heading: str
    count: int
    blocks: tuple[FindingsBlock, ...]
    more: str

    @property
    def is_cut(self) -> bool:
        """Whether findings are left out."""
        entries = (entry for block in self.blocks for event in block.events for entry in event.entries)
        return bool(self.more) or any(entry.more for entry in entries)


@dataclass(frozen=True)
class Lines:
    """A headed list of single lines."""

    heading: str
    lines: tuple[str, ...]
    more: str = ""


@dataclass(frozen=True)
class OldFinding:
    """A finding that was there before, in one line with its badge."""

    severity: str
    severity_text: str
    text: str
    link: str
    link_text: str


@dataclass(frozen=True)
class OpenList:
    """Findings that were there before: counts, and the worst of them, the longest waiting first."""

    heading: str
    counts: str
    findings: tuple[OldFinding, ...]
    more: str = ""


@dataclass(frozen=True)
class Page:
    """A whole digest, ready for the templates."""

    language: str
    title: str
    headline: str
    as_of: str
    banner: tuple[str, ...]
    alive: str
    totals: tuple[str, ...]
    figures: tuple[tuple[str, int], ...]
    held: Lines
    held_note: str
    sections: tuple[FindingsSection, ...]
    lists: tuple[OpenList, ...]
    """What is still open of the reader's, what is overdue with others, critical findings of others."""
    rest: tuple[Lines, ...]
    """What was closed, what could not be judged, what is switched off."""
    whole_list: str
    """Where everything is that the mail left out."""
    whole_list_link: str
    footer: tuple[str, ...]


class Shown:
    """Turns findings into what one mail shows of them; it remembers which advice was given already."""

    def __init__(
        self, rules: Mapping[str, Rule], places: Places, language: Language, wording: Wording, due: DueDates
    ) -> None:
        self._rules = rules
        self._places = places
        self._language = language
        self._wording = wording
        self._due = due
        self._advised: set[str] = set()

    @property
    def names_records(self) -> bool:
        """Whether the study lets its mails name records."""
        return self._places.record_id_allowed

    def heading(self, column: str) -> str:
        """The heading of a column of the whole list."""
        return self._wording(f"column_{column}")

    def rule_title(self, rule_id: str) -> str:
        """What a rule demands; the id of a rule that is no longer known."""
        rule = self._rules.get(rule_id)
        return rule.title.in_(self._language) if rule else rule_id

    def problem(self, rule_id: str) -> str:
        """What findings of a rule are shown as; the id of a rule that is no longer known."""
        rule = self._rules.get(rule_id)
        return rule.finding_title.in_(self._language) if rule else rule_id

    def title(self, finding: Finding) -> str:
        """What a finding is shown as; the id of its rule where that is gone, and no title was kept."""
        return finding.shown_as(self._rules.get(finding.rule_id)).in_(self._language) or finding.rule_id

    def section(self, heading: str, found: Iterable[Finding], cap: int) -> FindingsSection:
        """All criticals and so many others as fit, those of one rule together where they are many."""
        waiting = sorted(found, key=self.worst_first)
        by_rule: dict[str, list[Finding]] = {}
        for one in waiting:
            by_rule.setdefault(one.rule_id, []).append(one)
        many = {rule_id: of_rule for rule_id, of_rule in by_rule.items() if len(of_rule) >= GROUPED_FROM}
        single = [one for one in waiting if one.rule_id not in many]
        shown = capped_findings(single, cap)
        ranked = [(self.worst_first(of_rule[0]), self._rule_block(of_rule)) for of_rule in many.values()]
        ranked += [(self.worst_first(of_record[0]), self._record_block(of_record)) for of_record in _by_record(shown)]
        blocks = tuple(self._advised_once(block) for _, block in sorted(ranked, key=lambda one: one[0]))
        return FindingsSection(
            self._wording(heading), len(waiting), blocks, more(self._wording, len(single) - len(shown))
        )

    def old(self, finding: Finding) -> OldFinding:
        """One line of a finding that was there before: what, where, how long, until when."""
        parts = (self.title(finding), self.where(finding), self.waits(finding))
        text = " · ".join(part for part in parts if part)
        return OldFinding(
            finding.severity.value,
            self.severity(finding.severity),
            text,
            self._link(finding),
            self._link_text(finding),
        )

    def where(self, finding: Finding) -> str:
        """Record, site, arm, event and instrument in one line."""
        row = self._row(finding)
        parts = (self._record_label(row.record), self._event_label(row.event), self.place(finding))
        return " · ".join(part for part in parts if part)

    def worst_first(self, finding: Finding) -> tuple[object, ...]:
        """By severity, then the longest waiting, then the order in which people count."""
        return (finding.severity.rank, self._due.waits_since(finding), *self._by_place(finding))

    def look_at(self, finding: Finding) -> str:
        """The fields that may be the wrong ones, by label; '' where there is only one and the title names it."""
        labels = list(dict.fromkeys(self._compared(one) for one in self._to_compare(finding)))
        left_out = more(self._wording, len(labels) - SHOWN_LABELS)
        named = [*labels[:SHOWN_LABELS], *([left_out] if left_out else [])]
        return self._wording("look_at", fields=self._wording("label_join").join(named)) if named else ""

    def waits(self, finding: Finding) -> str:
        """How long a finding has waited, and until when it should be corrected."""
        return self._wording("age_and_due", age=self.age(finding), due=self._due_said(finding, ""))

    def _due_said(self, finding: Finding, form: str) -> str:
        late = "overdue" if self._due.is_overdue(finding) else "due"
        return self._wording(late + form, day=self._due.due_on(finding).isoformat())

    def age(self, finding: Finding) -> str:
        """How many days a finding has been open."""
        days = (self._due.today - self._due.waits_since(finding).astimezone(self._due.zone).date()).days
        keys = {0: "no_day_open", 1: "one_day_open"}
        return self._wording(keys.get(days, "days_open"), n=days)

    def place(self, finding: Finding) -> str:
        """The instrument, and the other rows of a group."""
        place = self._row_place(self._row(finding))
        return self._wording("together", place=place, others=self._others(finding)) if finding.others else place

    def advice(self, finding: Finding) -> str:
        """What to do; '' where nobody wrote it."""
        rule = self._rules.get(finding.rule_id)
        advice = rule.advice.in_(self._language) if rule else ""
        return self._wording("advice", advice=advice) if advice else ""

    def link(self, finding: Finding) -> Link:
        """A finding of a group: where it is, and its page."""
        return Link(self.where(finding), self._link(finding), self._link_text(finding))

    def _compared(self, one: ComparedField) -> str:
        """A field by its label, with its visits where it is read at another one too."""
        label = self._in_my_language(one.label) or one.name
        return at_visits(label, [self._event_label(event) for event in one.events], self._language)

    def _to_compare(self, finding: Finding) -> tuple[ComparedField, ...]:
        return self._places.to_compare(finding, self._rules.get(finding.rule_id))

    def severity(self, severity: Severity) -> str:
        """The word of a badge."""
        return self._wording(f"severity_{severity.value}")

    def _row(self, finding: Finding) -> RowKey:
        return self._places.place_of(finding, self._rules.get(finding.rule_id))

    def _link(self, finding: Finding) -> str:
        return self._places.link(finding, self._rules.get(finding.rule_id))

    def _record_block(self, found: Sequence[Finding]) -> FindingsBlock:
        by_visit = sorted(found, key=self._by_place)
        events = tuple(
            EventGroup(self._event_label(event), tuple(self._entry(one) for one in of_event))
            for event, of_event in groupby(by_visit, key=lambda one: self._row(one).event)
        )
        return FindingsBlock(self._record_label(found[0].row.record), events)

    def _rule_block(self, found: Sequence[Finding]) -> FindingsBlock:
        """Many findings of one rule: the worst of them with their links, criticals all."""
        shown = capped_findings(found, SHOWN_OF_GROUP)
        records = len({one.row.record for one in found})
        first = self._entry(found[0])
        entry = replace(
            first,
            place="",
            waits="",
            links=tuple(self.link(one) for one in shown),
            same_in=self._wording("same_in", records=records, n=len(found)),
            more=more(self._wording, len(found) - len(shown)),
        )
        return FindingsBlock("", (EventGroup("", (entry,)),))

    def _entry(self, finding: Finding) -> Entry:
        return Entry(
            severity=finding.severity.value,
            severity_text=self.severity(finding.severity),
            title=self.title(finding),
            place=self.place(finding),
            look_at=self.look_at(finding),
            advice=self.advice(finding),
            waits=self._due_said(finding, "_line"),
            links=(Link("", self._link(finding), self._link_text(finding)),),
        )

    def _advised_once(self, block: FindingsBlock) -> FindingsBlock:
        """The block without advice that the mail has given already."""
        events = tuple(
            replace(event, entries=tuple(self._first_advice(one) for one in event.entries)) for event in block.events
        )
        return replace(block, events=events)

    def _first_advice(self, entry: Entry) -> Entry:
        if entry.advice in self._advised:
            return replace(entry, advice="")
        self._advised.add(entry.advice)
        return entry

    def _record_label(self, record: str) -> str:
        if not record:
            return self._wording("cohort")
        site = self._in_my_language(self._places.site_of(record))
        named = self._wording("record", record=record) if self._places.record_id_allowed else ""
        return " · ".join(part for part in (named, site) if part)

    def _event_label(self, event: str) -> str:
        label = self._in_my_language(self._places.events.get(event, event))
        arm = self._in_my_language(self._places.arms.get(event, ""))
        return self._wording("arm", arm=arm, event=label) if arm else label

    def _in_my_language(self, label: str) -> str:
        return words_of_label(label).in_(self._language)

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

    def _by_place(self, finding: Finding) -> tuple[object, ...]:
        row = self._row(finding)
        visit = (self._places.event_order(row.event), row.event)
        return (*natural_key(row.record), *visit, finding.severity.rank, finding.rule_id, row.instrument, row.instance)


def capped_findings(found: Sequence[Finding], cap: int) -> list[Finding]:
    """Every critical finding, and of the others the first ones up to a cap for both together."""
    critical = sum(one.severity is Severity.CRITICAL for one in found)
    room = iter(range(max(0, cap - critical)))
    return [one for one in found if one.severity is Severity.CRITICAL or next(room, None) is not None]


def _by_record(found: Iterable[Finding]) -> Iterator[list[Finding]]:
    """The findings of each record, in the order in which the records come first."""
    by_record: dict[str, list[Finding]] = {}
    for one in found:
        by_record.setdefault(one.row.record, []).append(one)
    return iter(by_record.values())


def more(wording: Wording, count: int) -> str:
    """'and 7 more', or '' when nothing is left out."""
    return wording("more", n=count) if count > 0 else ""


def capped(lines: Sequence[str], cap: int, wording: Wording, heading: str) -> Lines:
    """A headed list of lines up to a cap."""
    return Lines(wording(heading), tuple(lines[:cap]), more(wording, len(lines) - cap))
