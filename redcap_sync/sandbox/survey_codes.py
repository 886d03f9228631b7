"""The codes that lead to surveys: made of what they are for, so that they stay the same, also after a restart."""

from __future__ import annotations

import string
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from redcap_sync.project.state import StoredProject
from redcap_sync.project.values import ValuePlace
from redcap_sync.sandbox.installation import Installation

BEGUN = "[not completed]"
"""What is in place of the moment while a survey was begun and not submitted."""
LENGTHS = {"link": 10, "queue": 10, "access": 9, "return": 8}
LETTERS = string.ascii_uppercase + string.digits


@dataclass(frozen=True)
class Response:
    """One survey of one record, answered or not."""

    project: StoredProject
    record: str
    place: ValuePlace
    instrument: str

    def code(self, purpose: str) -> str:
        """The code of a link, what is typed to reach the survey (access), or what reopens it (return)."""
        return _code(self.project, purpose, self.record, self.place, self.instrument)

    @property
    def status(self) -> int:
        """0 where nothing was stored, 1 where it was begun, 2 where it is complete."""
        stored = self.project.values.stored(self.record, self.place).get(f"{self.instrument}_complete", "")
        return {"": 0, "2": 2}.get(stored, 1)

    @property
    def completed(self) -> bool:
        """Whether a respondent submitted it."""
        stored = self.project.values.stored(self.record, self.place)
        return stored.get(f"{self.instrument}_timestamp", BEGUN) != BEGUN


def queue_code(project: StoredProject, record: str) -> str:
    """The code of a record's survey queue."""
    return _code(project, "queue", record)


def _code(project: StoredProject, purpose: str, *about: object) -> str:
    letters = Random(f"{project.project_id}/{purpose}/{about}")
    return "".join(letters.choices(LETTERS, k=LENGTHS[purpose]))


def response_of(installation: Installation, purpose: str, code: str) -> Response | None:
    """Find the survey a code leads to; of what repeats, the first, the stored and the next instance are known."""
    return next((response for response in _every_response(installation) if response.code(purpose) == code), None)


def queue_of(installation: Installation, code: str) -> tuple[StoredProject, str] | None:
    """Find the project and the record of a survey queue."""
    found = ((project, name) for project in installation.projects.values() for name in project.values.names())
    return next(((project, name) for project, name in found if queue_code(project, name) == code), None)


def _every_response(installation: Installation) -> Iterator[Response]:
    for project in installation.projects.values():
        if project.structure.surveys:
            for record in project.values.names():
                yield from responses(project, record)


def responses(project: StoredProject, record: str) -> Iterator[Response]:
    """Every survey of a record in its arms, in the order of events and instruments."""
    for event_id, event in project.event_names.items():
        if not project.in_arm_of(record, event_id):
            continue
        for instrument in project.dictionary.instruments_at(event):
            if instrument in project.structure.surveys:
                for place in _places(project, record, event_id, instrument):
                    yield Response(project, record, place, instrument)


def _places(project: StoredProject, record: str, event_id: int, instrument: str) -> list[ValuePlace]:
    event, dictionary = project.event_name(event_id), project.dictionary
    alone = instrument if dictionary.repeats(event, instrument) else ""
    if not alone and not dictionary.event_repeats(event):
        return [ValuePlace(event_id)]
    stored = project.values.instances(record, event_id, alone)
    return [ValuePlace(event_id, alone, instance) for instance in sorted({1, *stored, max(stored, default=0) + 1})]
