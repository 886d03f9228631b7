"""Links to the exact REDCap page of a finding, and to nothing more where record ids must stay out of URLs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple, Self
from urllib.parse import quote, urlencode, urlsplit, urlunsplit

from nightround.model.finding import Finding
from nightround.model.rule import Rule
from redcap_sync.dictionary import Dictionary
from redcap_sync.errors import LogicError
from redcap_sync.logic import Reference, from_json, parse, references, resolve
from redcap_sync.rows.tables import RowKey


class ComparedField(NamedTuple):
    """A field that may be the wrong one."""

    name: str
    label: str
    events: tuple[str, ...] = ()
    """The events at which the rule reads it, in the order of the visits; () where it is that of the finding alone."""


@dataclass(frozen=True)
class Places:
    """Where findings are in REDCap: its address, the project, and the labels people know places by.

    `record_id_allowed` is the study's own word on whether a record id may be in a mail or a URL.
    The order of `events` is the order of the visits.
    """

    base_url: str
    version: str
    project_id: int | None
    record_id_allowed: bool = False
    events: Mapping[str, str] = field(default_factory=dict)
    event_ids: Mapping[str, int] = field(default_factory=dict)
    instruments: Mapping[str, str] = field(default_factory=dict)
    fields: Mapping[str, str] = field(default_factory=dict)
    """The label of each field."""
    identifiers: frozenset[str] = frozenset()
    """Fields that hold identifiers."""
    arms: Mapping[str, str] = field(default_factory=dict)
    """The arm of each event, in a project that has several."""
    groups: Mapping[str, str] = field(default_factory=dict, repr=False)
    """The data access group of each record that is in one, by unique name."""
    group_labels: Mapping[str, str] = field(default_factory=dict)
    """What each data access group is called."""
    dictionary: Dictionary | None = field(default=None, repr=False, compare=False)
    """The structure that the events of a rule's references are found in; without it they are not named."""
    _read: dict[tuple[str, str, str], Mapping[str, tuple[str, ...]]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )
    """For a rule and an event, where it reads each field: many findings are of one rule."""

    @classmethod
    def of(
        cls,
        dictionary: Dictionary,
        *,
        api_url: str,
        version: str,
        record_id_allowed: bool,
        groups: Mapping[str, str] | None = None,
    ) -> Self:
        """Take the places from the project's structure, its API address and its REDCap version (15.0.5).

        `groups` are the data access groups of records, where they are known.
        """
        arms = {arm.number: arm.label for arm in dictionary.arms}
        return cls(
            base_url=base_url_of(api_url),
            version=version,
            project_id=dictionary.project_id,
            record_id_allowed=record_id_allowed,
            events={event.unique_name: event.in_both for event in dictionary.events},
            event_ids={event.unique_name: event.event_id for event in dictionary.events if event.event_id is not None},
            instruments={instrument.name: instrument.label for instrument in dictionary.instruments},
            fields={one.name: one.label for one in dictionary.fields},
            identifiers=frozenset(one.name for one in dictionary.fields if one.identifier),
            arms={one.unique_name: arms.get(one.arm, "") for one in dictionary.events} if len(arms) > 1 else {},
            groups=groups or {},
            group_labels={one.unique_name: one.label for one in dictionary.groups or ()},
            dictionary=dictionary,
        )

    def site_of(self, record: str) -> str:
        """What the data access group of a record is called; '' where it is in none, or nobody knows."""
        group = self.groups.get(record, "")
        return self.group_labels.get(group, group)

    def place_of(self, finding: Finding, rule: Rule | None) -> RowKey:
        """Where a finding is corrected: at its row, or where its rule says, as of a missing visit, which has no row.

        `rule` is None where the rule is no longer known.
        """
        shown = rule.shown_at if rule else None
        return RowKey(finding.row.record, shown.event, shown.instrument, 0) if shown else finding.row

    def link(self, finding: Finding, rule: Rule | None) -> str:
        """The page to be corrected, at its first field; the project's home where no record id may be named."""
        row = self.place_of(finding, rule)
        reachable = self.project_id is not None and (row.event == "" or row.event in self.event_ids)
        if not (self.record_id_allowed and reachable) or finding.of_cohort:
            return self._page("index.php", {})
        where = {"id": row.record}
        if row.event:
            where["event_id"] = str(self.event_ids[row.event])
        where["page"] = row.instrument
        if row.instance:
            where["instance"] = str(row.instance)
        # The row of a field on a data entry page carries the id `<field>-tr`.
        anchor = f"#{quote(finding.fields[0])}-tr" if finding.fields else ""
        return self._page("DataEntry/index.php", where) + anchor

    def to_compare(self, finding: Finding, rule: Rule | None) -> tuple[ComparedField, ...]:
        """Every field that may be the wrong one, with its label: those that are shown, and what else the rule reads.

        An identifier is among them only where its rule says so. A field that is read at another event than that of
        the finding has every event at which it is read.
        """
        names = dict.fromkeys((*finding.fields, *(rule.involved if rule else ())))
        hidden = frozenset() if rule and rule.identifiers_by_name else self.identifiers
        read_at = self._events_read(rule, finding.row.event) if rule else {}
        shown = (name for name in names if name not in hidden)
        return tuple(ComparedField(name, self.fields.get(name, ""), read_at.get(name, ())) for name in shown)

    def _events_read(self, rule: Rule, event: str) -> Mapping[str, tuple[str, ...]]:
        """Of each field that a rule reads elsewhere than at `event`, every event at which it reads it."""
        key = (rule.id, rule.discrepancy, event)
        if key not in self._read:
            self._read[key] = self._elsewhere(rule, event) if self.dictionary and event else {}
        return self._read[key]

    def _elsewhere(self, rule: Rule, event: str) -> dict[str, tuple[str, ...]]:
        found: dict[str, set[str]] = {}
        for reference in _references(rule):
            found.setdefault(reference.field, set()).update(self._event_of(reference, event))
        ordered = {name: tuple(sorted(events, key=self.event_order)) for name, events in found.items()}
        return {name: events for name, events in ordered.items() if events not in ((), (event,))}

    def _event_of(self, reference: Reference, event: str) -> tuple[str, ...]:
        """The event that a reference means in a row of `event`; () where there is none."""
        if self.dictionary is None or reference.is_smart:
            return ()
        try:
            at, _ = resolve(reference, self.dictionary, event)
        except LogicError:  # the rule is not judged either, which its outcome says
            return ()
        return (at,) if at else ()

    def event_order(self, event: str) -> int:
        """The place of an event among the visits; unknown ones come last."""
        names = list(self.events)
        return names.index(event) if event in names else len(names)

    def _page(self, page: str, query: Mapping[str, str]) -> str:
        if self.project_id is None:
            return f"{self.base_url}/"
        pairs = {"pid": str(self.project_id), **query}
        return f"{self.base_url}/redcap_v{quote(self.version)}/{page}?{urlencode(pairs, quote_via=quote)}"


def _references(rule: Rule) -> tuple[Reference, ...]:
    """What the logic of a rule reads, or the formula of a calculation."""
    if rule.check and "formula" in rule.check.settings:
        return references(from_json(rule.check.settings["formula"]))
    return _references_in(rule.discrepancy) if rule.discrepancy else ()


@lru_cache(maxsize=1024)
def _references_in(logic: str) -> tuple[Reference, ...]:
    try:
        return references(parse(logic))
    except LogicError:  # the rule is not judged either, which its outcome says
        return ()


def base_url_of(api_url: str) -> str:
    """The address of REDCap itself out of the address of its API: `https://host/redcap/api/` without `/api/`.

    Raises ValueError for anything but http and https, so that a mail never carries a link of another kind.
    """
    parts = urlsplit(api_url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("the address of the API is neither http nor https")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    port = f":{parts.port}" if parts.port else ""
    # A user name, a password or a query in the address belong to nobody's mail.
    return urlunsplit((parts.scheme, host + port, parts.path.rstrip("/").removesuffix("/api"), "", ""))
