"""The rows of the instrument as REDCap has them now, and how one is written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from redcap_sync.api.client import RedcapClient
from redcap_sync.errors import RedcapRefused, WriteRefused
from redcap_sync.project.flat import EVENT, REPEAT_INSTANCE, REPEAT_INSTRUMENT
from redcap_sync.write_back.query_instrument import INSTRUMENT, QUERY_ID, field_names

NO_RIGHT = "api.refused"
"""The code of a refusal that concerns every write of rows."""
REFUSES_ALL = frozenset({NO_RIGHT, "query_module.no_import", "query_module.absent"})
"""The codes of refusals that concern every write."""


@dataclass(frozen=True)
class QueryRow:
    """One question on a record: where it is, and its cells as exact text."""

    event: str
    instance: int
    cells: Mapping[str, str] = field(repr=False)

    @property
    def query_id(self) -> str:
        """The id of the question; '' of a row that a person made."""
        return self.cells.get(QUERY_ID, "").strip()


@dataclass(frozen=True)
class RecordNow:
    """A record as it was just read: whether REDCap has it, and its questions."""

    exists: bool
    events: frozenset[str] = frozenset()
    """The events that contain any row of it."""
    rows: tuple[QueryRow, ...] = ()

    def first_free(self, event: str) -> int:
        """The instance behind the last one of an event."""
        return max((row.instance for row in self.rows if row.event == event), default=0) + 1


@dataclass(frozen=True)
class RowWrite:
    """What is to be written: these cells into this row of the instrument, and nothing else."""

    event: str
    instance: int
    cells: Mapping[str, str] = field(repr=False)

    def document(self, id_field: str, record: str) -> dict[str, Any]:
        """The row as the API imports it."""
        place = {EVENT: self.event} if self.event else {}
        row = {REPEAT_INSTRUMENT: INSTRUMENT, REPEAT_INSTANCE: str(self.instance)}
        return {id_field: record, **place, **row, **self.cells}


Write = TypeVar("Write")


@dataclass(frozen=True)
class Receipt(Generic[Write]):
    """What became of the writes of one record, as REDCap showed it afterwards."""

    written: tuple[Write, ...] = ()
    refused: tuple[Write, ...] = ()
    """Refused by REDCap: the instrument is locked, or an e-signature or a rule of the site is against it."""
    unproven: tuple[Write, ...] = ()
    """Accepted by REDCap, which afterwards shows something else."""


def read_records(
    client: RedcapClient, id_field: str, records: Sequence[str], *, with_rows: bool = True
) -> Mapping[str, RecordNow]:
    """Read the questions of some records from the server, in one request; without rows only whether they are there."""
    found = client.cells(records, [id_field, *(field_names() if with_rows else ())])
    return {record: _record_now([row for row in found if str(row.get(id_field, "")) == record]) for record in records}


def _record_now(rows: Sequence[Mapping[str, Any]]) -> RecordNow:
    return RecordNow(bool(rows), frozenset(str(row.get(EVENT, "")) for row in rows), tuple(_questions(rows)))


def _questions(rows: Iterable[Mapping[str, Any]]) -> Iterable[QueryRow]:
    for row in rows:
        if row.get(REPEAT_INSTRUMENT) == INSTRUMENT:
            cells = {name: str(row.get(name, "")) for name in field_names()}
            yield QueryRow(str(row.get(EVENT, "")), int(row[REPEAT_INSTANCE]), cells)


def write_record(client: RedcapClient, id_field: str, record: str, writes: Sequence[RowWrite]) -> Receipt[RowWrite]:
    """Write some rows of one record, and read them again.

    An import is taken whole or not at all: where rows together are refused, each half is tried, down to the row that
    is. What the server refuses as a whole, such as for want of the right to import, is raised.
    """

    def send(some: Sequence[RowWrite]) -> None:
        client.import_records([one.document(id_field, record) for one in some], overwrite=False)

    refused = in_halves(writes, send)
    now = {(row.event, row.instance): row.cells for row in read_records(client, id_field, [record])[record].rows}
    taken = [one for one in writes if one not in refused]
    proven = [one for one in taken if _shows(now.get((one.event, one.instance), {}), one)]
    return Receipt(tuple(proven), tuple(refused), tuple(one for one in taken if one not in proven))


def in_halves(writes: Sequence[Write], send: Callable[[Sequence[Write]], object]) -> list[Write]:
    """Send writes together, and where that is refused each half, down to the one that is; gives those.

    A refusal of everything that the token's user sends is raised.
    """
    try:
        send(writes)
    except (WriteRefused, RedcapRefused) as error:
        if error.code in REFUSES_ALL:
            raise
        if len(writes) == 1:
            return list(writes)
        middle = len(writes) // 2
        return [one for half in (writes[:middle], writes[middle:]) for one in in_halves(half, send)]
    return []


def _shows(cells: Mapping[str, str], write: RowWrite) -> bool:
    return all(plain(cells.get(name, "")) == plain(text) for name, text in write.cells.items())


def plain(text: str) -> str:
    """A text without what REDCap changes in it: the ends of lines, and blanks around."""
    return "\n".join(text.splitlines()).strip()
