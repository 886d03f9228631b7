"""What a pull came to: structure, rows and tables, proven complete, with a name made of their content."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

import pandas as pd

from redcap_sync.dictionary import Dictionary
from redcap_sync.messages import Message
from redcap_sync.pulling.change_log import Edit, Mark
from redcap_sync.pulling.content_hash import digest_of, frame_pieces, snapshot_id, table_pieces
from redcap_sync.pulling.raw_structure import RawStructure
from redcap_sync.pulling.record_groups import Groups, column_due, groups_frame, hidden_from_member
from redcap_sync.rows.tables import CellKey, RowKey, Table, Unseen

STRUCTURE, ROWS, GROUPS = "*structure", "*rows", "*groups"
"""The parts of a pull next to its instruments; no instrument's name has an asterisk."""

READ_IN_LOG = "log"
"""How edits are looked for where the log may be read."""


@dataclass(frozen=True)
class Checkpoint:
    """From where the next pull may go on. `mark` is None where the log may not be read or cannot be relied on."""

    mark: Mark | None = None
    server_time: datetime | None = None
    """The server's clock in UTC when the pull began."""
    full_server_time: datetime | None = None
    """The same of the last full pull."""
    csv_agrees: bool = False
    """Whether that pull found that the server's CSV says the same as its JSON."""
    groups_asked: bool = False
    """Whether that pull asked for data access groups; the first versions did not."""
    last_mark: Mark | None = None
    """The last place where the log was read whole, kept over pulls that could not read it or rely on it."""


@dataclass(frozen=True)
class Proof:
    """What a full pull found that increments had not seen, in records the log does not name as touched."""

    records: int = 0
    """How many records differ."""
    instruments: tuple[str, ...] = ()
    """In which instruments."""


@dataclass(frozen=True)
class PullSummary:
    """How a pull went: no value and no record id."""

    kind: str
    """full, incremental, or resumed."""
    why: Message | None = None
    """Why a full pull was made where an incremental one was possible."""
    requests: int = 0
    fetched: int = 0
    """Records asked for, repeated ones among them."""
    stable: str = READ_IN_LOG
    """How edits in mid-pull were looked for: by the log, by dates of change, or by ids only."""
    proof: Proof | None = None
    account: str = ""
    """The token's own user, whose lines of the log prove nothing; '' where the log does not say."""
    log_whole: bool = False
    """Whether the edits are all that the log has of the time since the pull before."""
    unlogged: int = 0
    """Records of which rows or answers are gone, though the log, which may be read, has no line that explains it."""


@dataclass(frozen=True, eq=False)
class Pull:
    """One complete pull. `rows` names every row of the flat export, `tables` contains their cells by instrument."""

    structure: RawStructure
    rows: pd.DataFrame = field(repr=False)
    tables: Mapping[str, Table] = field(repr=False)
    redcap_version: str = "unknown"
    unseen: tuple[Unseen, ...] = ()
    groups: Groups | None = field(default=None, repr=False)
    """The data access group of each record that is in one; None where it is not shown."""
    checkpoint: Checkpoint = Checkpoint()
    edits: Sequence[Edit] = field(default=(), repr=False)
    """What the log says of the time between the pull before and this one."""
    summary: PullSummary = PullSummary("full")
    gone: frozenset[RowKey] = field(default=frozenset(), repr=False)
    """Flat rows of the pull before that are gone and that no line of the log explains."""
    blanked: frozenset[CellKey] = field(default=frozenset(), repr=False)
    """Cells that had an answer in the pull before and have none, and that no line of the log explains."""
    carried: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Hashes known already of parts in which nothing changed."""

    @property
    def dictionary(self) -> Dictionary:
        """The structure of the project."""
        return self.structure.dictionary

    @property
    def groups_shown(self) -> bool | None:
        """Whether exports had the column of groups; None where there was no row to show it."""
        if not len(self.rows):
            return column_due(self.dictionary.groups)
        return self.groups is not None and self.dictionary.groups != ()

    @property
    def in_a_group(self) -> bool:
        """Whether the token's user was in a data access group, so that others' records and log lines were hidden."""
        return hidden_from_member(self.dictionary.groups, self.groups)

    @cached_property
    def parts(self) -> Mapping[str, str]:
        """The SHA-256 of the exact content of each part: structure, rows, groups where shown, and every instrument."""
        return {
            STRUCTURE: digest_of([self.structure.json()]),
            ROWS: self.carried.get(ROWS) or digest_of(frame_pieces(self.rows)),
            **({} if self.groups is None else {GROUPS: digest_of(frame_pieces(groups_frame(self.groups)))}),
            **{name: self.carried.get(name) or digest_of(table_pieces(one)) for name, one in self.tables.items()},
        }

    @cached_property
    def id(self) -> str:
        """SHA-256 over the raw answers, part by part, in hexadecimal: the name of the snapshot."""
        return snapshot_id(self.parts)

    def record_count(self) -> int:
        """How many records there are."""
        return int(self.rows["record"].nunique())
