"""Pulls a whole project and proves the pull complete before anyone sees it.

Ids first, then batches; ids got must be ids asked, columns must be the dictionary's, and the project
must not have shrunk beyond a limit. What fails here is an error, and the last good snapshot stays.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from redcap_sync.client import RedcapClient, Row
from redcap_sync.dictionary import Dictionary, dictionary_from_api
from redcap_sync.errors import ExportIncomplete

KEY_NAMES = ("redcap_event_name", "redcap_repeat_instrument", "redcap_repeat_instance")

Progress = Callable[[int, int], None]
"""Called with (records done, records in all)."""


@dataclass(frozen=True)
class Pull:
    """The raw answers of one complete pull, as JSON values; nothing is parsed or dropped yet."""

    redcap_version: str
    project: Mapping[str, Any]
    metadata: Sequence[Row]
    instruments: Sequence[Row]
    events: Sequence[Row]
    mapping: Sequence[Row]
    repeating: Sequence[Row]
    records: Sequence[Row]

    def raw_json(self) -> bytes:
        """The answers as one canonical JSON document: the same data give the same bytes."""
        document = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()

    @property
    def id(self) -> str:
        """SHA-256 of the raw JSON, in hexadecimal: the name of the snapshot."""
        return hashlib.sha256(self.raw_json()).hexdigest()

    @classmethod
    def from_raw_json(cls, raw: bytes) -> Pull:
        """Read back what `raw_json` wrote."""
        return cls(**json.loads(raw))

    def dictionary(self) -> Dictionary:
        """The structure of the project."""
        return dictionary_from_api(
            project=self.project,
            metadata=self.metadata,
            instruments=self.instruments,
            events=self.events,
            mapping=self.mapping,
            repeating=self.repeating,
        )


def pull_project(
    client: RedcapClient,
    *,
    batch_records: int = 100,
    records_before: int | None = None,
    largest_loss_percent: float = 20.0,
    progress: Progress | None = None,
) -> Pull:
    """Pull structure and records; raises ExportIncomplete unless everything adds up.

    `records_before` is the number of records of the last good snapshot: a pull that lost more than
    `largest_loss_percent` of them is refused, because an outage looks just like that.
    """
    structure = _pull_structure(client)
    dictionary = structure.dictionary()
    ids = client.record_ids(dictionary.record_id_field)
    _check_loss(len(ids), records_before, largest_loss_percent)
    records: list[Row] = []
    pulled = 0
    names = [instrument.name for instrument in dictionary.instruments]
    for batch in _batches(ids, batch_records):
        rows = client.records(batch, names)
        _check_batch(dictionary, batch, rows)
        records.extend(rows)
        pulled += len(batch)
        if progress:
            progress(pulled, len(ids))
    return Pull(**{**_fields(structure), "records": _in_order(dictionary, ids, records)})


def _pull_structure(client: RedcapClient) -> Pull:
    project = client.project()
    longitudinal = str(project.get("is_longitudinal", 0)) == "1"
    repeats = str(project.get("has_repeating_instruments_or_events", 0)) == "1"
    # The project's own creation facts stay; the moment of the export is no part of the data.
    return Pull(
        redcap_version=client.version(),
        project=project,
        metadata=client.metadata(),
        instruments=client.instruments(),
        events=client.events() if longitudinal else [],
        mapping=client.mapping() if longitudinal else [],
        repeating=client.repeating() if repeats else [],
        records=[],
    )


def _fields(pull: Pull) -> dict[str, Any]:
    return {name: getattr(pull, name) for name in pull.__dataclass_fields__}


def _batches(ids: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), size):
        yield ids[start : start + size]


def _check_loss(found: int, before: int | None, largest_loss_percent: float) -> None:
    if before and found < before * (1 - largest_loss_percent / 100):
        raise ExportIncomplete(
            f"REDCap shows {found} records; the last good snapshot has {before}.",
            why="the token's user was moved to a data access group, or records were deleted, or the server is ill",
            remedy="if the records were really deleted, raise largest_loss_percent in study.toml for one run",
        )


def _check_batch(dictionary: Dictionary, asked: Sequence[str], rows: Sequence[Row]) -> None:
    got = {str(row.get(dictionary.record_id_field)) for row in rows}
    lost = [record for record in asked if record not in got]
    if lost or not got <= set(asked):
        raise ExportIncomplete(
            f"REDCap was asked for {len(asked)} records and gave {len(got)}; {len(lost)} are missing.",
            why="the server cut the export short, or records were deleted while it ran",
            remedy="run again; if it stays, set a smaller batch_records in study.toml",
        )
    missing = _missing_columns(dictionary, rows)
    if missing:
        raise ExportIncomplete(
            f"The export lacks {len(missing)} columns, the first of them {missing[0]!r}.",
            why="the token's user may not export every instrument, or the server cut the list of fields",
            remedy="give the user full export rights on every instrument in REDCap's User Rights",
        )


def _missing_columns(dictionary: Dictionary, rows: Sequence[Row]) -> list[str]:
    present = set(rows[0]) if rows else set()
    # Columns of missing data codes are not asked for: not every server version exports them.
    expected = [column for field in dictionary.fields for column in field.columns]
    expected += [f"{instrument.name}_complete" for instrument in dictionary.instruments]
    return [column for column in expected if column not in present]


def _in_order(dictionary: Dictionary, ids: Sequence[str], records: Iterable[Row]) -> list[Row]:
    """Order rows by record, event, repeating instrument and instance, so that equal data give equal bytes."""
    record_rank = {record: rank for rank, record in enumerate(sorted(ids, key=natural_key))}
    event_rank = {event: rank for rank, event in enumerate(dictionary.event_names)}
    instrument_rank = {instrument.name: rank for rank, instrument in enumerate(dictionary.instruments, start=1)}

    def key(row: Row) -> tuple[int, int, int, int]:
        return (
            record_rank[str(row[dictionary.record_id_field])],
            event_rank.get(str(row.get("redcap_event_name") or ""), -1),
            instrument_rank.get(str(row.get("redcap_repeat_instrument") or ""), 0),
            int(row.get("redcap_repeat_instance") or 0),
        )

    return sorted(records, key=key)


def natural_key(record: str) -> tuple[int, int, str]:
    """Sort record ids as REDCap does: whole numbers by their value, then the rest as text."""
    return (0, int(record), record) if record.isdecimal() else (1, 0, record)
