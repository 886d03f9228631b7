"""The data of one pull."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from redcap_sync.dictionary import Dictionary
from redcap_sync.rows.tables import Table, Unseen
from redcap_sync.write_back.query_instrument import INSTRUMENT, is_query_instrument, without_queries


@dataclass(frozen=True, eq=False)
class Snapshot:
    """The data of one pull, immutable, named by the SHA-256 of its raw answers."""

    id: str
    study: str
    taken_at: datetime
    redcap_version: str
    dictionary: Dictionary
    tables: Mapping[str, Table] = field(repr=False)
    unseen: tuple[Unseen, ...] = ()
    """What the token's user may not export: missing rights, no missing data."""
    groups: Mapping[str, str] | None = field(default=None, repr=False)
    """The data access group of each record that is in one, by unique name; None where it was not exported."""
    log_read: bool = True
    """Whether REDCap's log could be read, which alone tells a deletion from a row that a server left out."""
    parts: Mapping[str, str] = field(default_factory=dict, repr=False)
    """The hash of each part's content; empty where it was made of no pull."""
    questions: Table | None = field(default=None, repr=False)
    """The rows of the instrument that questions are written to, which is none of `dictionary` and `tables`."""


def questions_apart(snapshot: Snapshot) -> Snapshot:
    """The snapshot with the instrument of questions set apart, where the project has it: questions are no data."""
    if not is_query_instrument(snapshot.dictionary):
        return snapshot
    return replace(
        snapshot,
        dictionary=without_queries(snapshot.dictionary),
        tables={name: table for name, table in snapshot.tables.items() if name != INSTRUMENT},
        questions=snapshot.tables.get(INSTRUMENT),
    )
