"""Questions that are asked in REDCap: by which road, what each shows, and whether its answer was taken over."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from enum import StrEnum

from sqlalchemy import Connection, delete, insert, select

from nightround.store.schema import queries

CLOSED = frozenset({"resolved", "withdrawn"})
OPEN_THREAD, LEFT_CLOSED = "open", "closed"
"""What a question in a thread shows: that it is open, or that a person closed it and answered nothing; else the state
of its finding when Nightround closed it."""


class Road(StrEnum):
    """How a question is asked in REDCap."""

    INSTRUMENT = "instrument"
    """As a row of the instrument `data_query`."""
    WORKFLOW = "workflow"
    """As a line of a thread of the Data Resolution Workflow."""
    FILE = "file"
    """By a person, in a query that was saved from REDCap as a file; kept so that its answer is taken once."""


@dataclass(frozen=True)
class Question:
    """One question about a finding, as it was written last."""

    id: str
    finding_id: str
    number: int
    """1 for the first one about the finding."""
    status: str
    """The state of the finding that it shows."""
    taken: bool = False
    """Whether an answer to it was taken over; another answer to the same question counts no more."""
    road: Road = Road.INSTRUMENT
    thread: int = 0
    """The number of its thread, of one in the Data Resolution Workflow."""

    @property
    def over(self) -> bool:
        """Whether a finding that is open again needs another question."""
        if self.road is Road.WORKFLOW:
            return self.taken or self.status not in (OPEN_THREAD, LEFT_CLOSED)
        return self.taken or self.status in CLOSED


def write_questions(connection: Connection, study: str, questions: Iterable[Question]) -> None:
    """Remember questions as they are now."""
    for one in questions:
        connection.execute(delete(queries).where(queries.c.study == study, queries.c.id == one.id))
        connection.execute(insert(queries).values(study=study, **vars(one) | {"road": one.road.value}))


def read_questions(connection: Connection, study: str) -> Mapping[str, tuple[Question, ...]]:
    """The questions of a study by finding, in their order."""
    found: dict[str, tuple[Question, ...]] = {}
    columns = [queries.c[one.name] for one in fields(Question)]
    for row in connection.execute(select(*columns).where(queries.c.study == study).order_by(queries.c.number)):
        one = Question(row.id, row.finding_id, row.number, row.status, row.taken, Road(row.road), row.thread)
        found[one.finding_id] = (*found.get(one.finding_id, ()), one)
    return found
