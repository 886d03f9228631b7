"""A project as the sandbox stores it: structure, people, values, log. Pure state, no HTTP."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from redcap_sync.dictionary import Dictionary, Instrument, dictionary_from_api
from redcap_sync.project.documents import Documents
from redcap_sync.project.journal import Journal, LogEntry
from redcap_sync.project.layout import Layout
from redcap_sync.project.query_threads import QueryThreads
from redcap_sync.project.randomization import Randomization
from redcap_sync.project.rights import Role, User, every_right
from redcap_sync.project.structure import PROJECT_DEFAULTS, ArmRow, EventRow, Repeat, Report, StoredGroup
from redcap_sync.project.values import Values

Clock = Callable[[], datetime]
OWNER = "sandbox_user"
"""The user a new project has, with every right; a made-up account, no person."""


@dataclass
class ProjectStructure:
    """Everything of a project that is no value: it can be written down as JSON."""

    settings: dict[str, Any] = field(default_factory=lambda: dict(PROJECT_DEFAULTS))
    metadata: list[dict[str, str]] = field(default_factory=list)
    instruments: list[Instrument] = field(default_factory=list)
    arms: list[ArmRow] = field(default_factory=lambda: [ArmRow(1, "Arm 1")])
    events: list[EventRow] = field(default_factory=lambda: [EventRow(1, "event_1_arm_1", "Event 1", 1)])
    mapping: list[tuple[int, str]] = field(default_factory=list)
    """(event id, instrument)"""
    repeating: list[Repeat] = field(default_factory=list)
    groups: list[StoredGroup] = field(default_factory=list)
    users: dict[str, User] = field(default_factory=lambda: {OWNER: User(OWNER, every_right())})
    roles: list[Role] = field(default_factory=list)
    reports: list[Report] = field(default_factory=list)
    randomizations: list[Randomization] = field(default_factory=list)
    surveys: dict[str, dict[str, str]] = field(default_factory=dict)
    """Instrument to the attributes of its survey."""
    data_quality_rules: list[dict[str, str]] = field(default_factory=list)
    data_resolution_workflow: bool = False
    """Whether queries are kept by the Data Resolution Workflow, so that its right is shown."""
    data_quality_module: str = ""
    """The prefix of the Data Quality API module, where the site has it and the project has it enabled."""
    other_globals: list[tuple[str, str]] = field(default_factory=list)
    """Settings a project XML carries and the API does not show."""
    last_id: int = 1
    """The highest id given to an event, group, report, folder or document."""


class StoredProject:
    """One project. Its structure is changed through `restructure`, its values through `values`."""

    def __init__(self, structure: ProjectStructure, *, clock: Clock) -> None:
        self.structure = structure
        self.clock = clock
        self.values = Values()
        self.journal = Journal()
        self.documents = Documents()
        self.queries = QueryThreads()
        self.structure_changed = True
        """Whether the structure was touched since the state was last kept on disk."""
        self._dictionary: Dictionary | None = None
        self._layout: Layout | None = None

    @property
    def project_id(self) -> int:
        """The number in REDCap's addresses (pid)."""
        return int(self.structure.settings["project_id"])

    @property
    def longitudinal(self) -> bool:
        """Whether events are in use."""
        return bool(self.structure.settings["is_longitudinal"])

    @property
    def dictionary(self) -> Dictionary:
        """The structure in the types that the rest of `redcap_sync` speaks."""
        if self._dictionary is None:
            self._dictionary = _dictionary(self)
        return self._dictionary

    @property
    def layout(self) -> Layout:
        """The columns of an export and what lies in them."""
        if self._layout is None:
            self._layout = Layout(self.dictionary)
        return self._layout

    @property
    def id_field(self) -> str:
        """Name of the record id field."""
        return self.dictionary.record_id_field

    @property
    def instrument_names(self) -> tuple[str, ...]:
        """Unique names of the instruments in their order."""
        return tuple(instrument.name for instrument in self.structure.instruments)

    def restructure(self, **parts: Any) -> None:
        """Replace parts of the structure; everything derived from it is made anew."""
        for name, value in parts.items():
            setattr(self.structure, name, value)
        repeats = any(repeat.event_id in self.event_names for repeat in self.structure.repeating)
        self.structure.settings["has_repeating_instruments_or_events"] = int(repeats)
        self.structure_changed = True
        self._dictionary = self._layout = None

    def take_over(self, other: StoredProject) -> None:
        """Become another project, whose state was kept; values, log and documents start empty."""
        self.values, self.journal, self.documents = other.values, other.journal, other.documents
        self.queries = other.queries
        self.restructure(**vars(other.structure))
        self.structure_changed = False

    def next_id(self) -> int:
        """Give out an id that was never used in this project."""
        self.structure.last_id += 1
        self.structure_changed = True
        return self.structure.last_id

    @property
    def events(self) -> list[EventRow]:
        """The events in use: all of a longitudinal project, the first of a classic one."""
        return self.structure.events if self.longitudinal else self.structure.events[:1]

    def event(self, unique_name: str) -> EventRow | None:
        """Find an event by its unique name; '' is the only event of a classic project."""
        if not self.longitudinal and unique_name == "":
            return next(iter(self.events), None)
        return next((event for event in self.events if event.unique_name == unique_name), None)

    def arms_of(self, record: str) -> frozenset[int]:
        """Numbers of the arms in which a record has a row."""
        places = self.values[record].rows if record in self.values else {}
        stored = {place.event_id for place in places}
        return frozenset(event.arm for event in self.events if event.event_id in stored)

    def in_arm_of(self, record: str, event_id: int) -> bool:
        """Say whether a record has a row in the arm of an event."""
        return any(event.event_id == event_id and event.arm in self.arms_of(record) for event in self.events)

    def first_event(self, record: str) -> EventRow | None:
        """The first event of the record's arm, of the first arm for a record that is in none."""
        arms = self.arms_of(record)
        return next((event for event in self.events if not arms or event.arm in arms), None)

    def event_name(self, event_id: int) -> str:
        """Name an event as the dictionary does: its unique name, '' in a classic project."""
        return self.event_names[event_id]

    @property
    def event_names(self) -> dict[int, str]:
        """Dictionary names of the events by their ids, in event order."""
        return {event.event_id: event.unique_name if self.longitudinal else "" for event in self.events}

    def group(self, unique_name: str) -> StoredGroup | None:
        """Find a data access group by its unique name."""
        return next((group for group in self.structure.groups if group.unique_name == unique_name), None)

    def log(self, username: str, kind: str, action: str, *, details: str = "", record: str = "") -> None:
        """Write into the project's log, at the server's time."""
        group = self.values[record].group if record in self.values else ""
        self.journal.write(LogEntry(self.clock(), username, kind, action, details, record, group))


def arms_in_use(project: StoredProject) -> list[ArmRow]:
    """Arms that have an event: the others are invisible to the API."""
    used = {event.arm for event in project.structure.events}
    return sorted((arm for arm in project.structure.arms if arm.number in used), key=lambda arm: arm.number)


def mapping_rows(project: StoredProject, arms: Collection[int] = ()) -> list[dict[str, Any]]:
    """The designations in event and instrument order, as `content=formEventMapping`."""
    designated = set(project.structure.mapping)
    return [
        {"arm_num": event.arm, "unique_event_name": event.unique_name, "form": name}
        for event in project.structure.events
        for name in project.instrument_names
        if (event.event_id, name) in designated and (not arms or event.arm in arms)
    ]


def _dictionary(project: StoredProject) -> Dictionary:
    structure, longitudinal = project.structure, project.longitudinal
    names = project.event_names
    return dictionary_from_api(
        project=structure.settings,
        metadata=structure.metadata,
        instruments=[{"instrument_name": i.name, "instrument_label": i.label} for i in structure.instruments],
        events=[
            {
                "unique_event_name": e.unique_name,
                "event_name": e.name,
                "arm_num": e.arm,
                "event_id": e.event_id,
                "custom_event_label": e.custom_label,
            }
            for e in structure.events
            if longitudinal
        ],
        mapping=mapping_rows(project) if longitudinal else (),
        repeating=[
            {"event_name": names[r.event_id], "form_name": r.instrument}
            for r in structure.repeating
            if r.event_id in names
        ],
    )
