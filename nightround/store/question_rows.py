"""Questions that were written to records in REDCap: what each shows, and whether its answer was taken over."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select

from nightround.store.schema import queries

CLOSED = frozenset({"resolved", "withdrawn"})


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

    @property
    def over(self) -> bool:
        """Whether a finding that is open again needs another question."""
        return self.taken or self.status in CLOSED


def write_questions(connection: Connection, study: str, questions: Iterable[Question]) -> None:
    """Remember questions as they are now."""
    for one in questions:
        connection.execute(delete(queries).where(queries.c.study == study, queries.c.id == one.id))
        connection.execute(insert(queries).values(study=study, **vars(one)))


def read_questions(connection: Connection, study: str) -> Mapping[str, tuple[Question, ...]]:
    """The questions of a study by finding, in their order."""
    found: dict[str, tuple[Question, ...]] = {}
    columns = (queries.c.id, queries.c.finding_id, queries.c.number, queries.c.status, queries.c.taken)
    for row in connection.execute(select(*columns).where(queries.c.study == study).order_by(queries.c.number)):
        one = Question(*row)
        found[one.finding_id] = (*found.get(one.finding_id, ()), one)
    return found
