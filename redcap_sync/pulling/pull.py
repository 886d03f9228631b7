"""Pulls a project and proves the pull complete and stable before anyone sees it.

Every pull goes the same way: from what is there already (nothing, the finished batches of a pull that
was broken off, or the pull of the night before) it fetches what is not there or was touched, compares
the rows it has with those the server has, reads in the log what was touched meanwhile, and goes on
until nothing is left. What does not come to rest is an error, and the last good snapshot stays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from threading import Semaphore

import pandas as pd

from redcap_sync.api.client import RedcapClient
from redcap_sync.errors import ExportIncomplete
from redcap_sync.messages import Message
from redcap_sync.pulling.batches import Batches
from redcap_sync.pulling.blanked_cells import blanked_cells, unexplained_cells
from redcap_sync.pulling.change_log import Edit, LoggedChanges, Mark
from redcap_sync.pulling.changed_records import ChangedRecords, first_look
from redcap_sync.pulling.export_rights import ColumnsDiffer, own_rights
from redcap_sync.pulling.gone_rows import RowsUnexplained, check_places, gone_rows, unexplained_rows
from redcap_sync.pulling.pulled import ROWS, Checkpoint, Proof, Pull, PullSummary
from redcap_sync.pulling.pulled_rows import Keys, PulledRows, differing_records
from redcap_sync.pulling.raw_structure import RawStructure, pull_structure
from redcap_sync.pulling.record_groups import GroupsDiffer, column_due
from redcap_sync.pulling.record_requests import RecordRequests, key_fields
from redcap_sync.pulling.resume import NoResume, Resume
from redcap_sync.rows.arrow_work import frugal_memory
from redcap_sync.rows.export_rows import ExportRows
from redcap_sync.rows.tables import Contents, Table

Progress = Callable[[int, int], None]
"""Called with (records done, records in all)."""

THREADS_A_CALL = 2
"""For each call that may be under way: while it is on the line, the answer before it is looked at."""
NOT_AS_BEFORE: Mapping[type[ExportIncomplete], str] = {
    GroupsDiffer: "full.groups",
    ColumnsDiffer: "full.columns",
    RowsUnexplained: "full.rows",
}
"""What an increment cannot go on from, and why everything is pulled then."""
MOST_ROUNDS = 6
"""A project in which records still change at the sixth look is not at rest; a night later it is."""


@dataclass(frozen=True)
class PullSettings:
    """How to pull; study.toml has the same names in `[redcap]`."""

    batch_records: int = 100
    workers: int = 2
    """Calls for records that are under way at once, at the most."""
    largest_loss_percent: float = 20.0
    records_before: int | None = None
    """Records in the last good snapshot, where there is no base that says so."""


def pull_project(
    client: RedcapClient,
    settings: PullSettings | None = None,
    *,
    base: Pull | None = None,
    full: bool = False,
    resume: Resume | None = None,
    progress: Progress | None = None,
    accept: Callable[[RawStructure], None] | None = None,
    doubted: Iterable[str] = (),
) -> Pull:
    """Pull structure and records; raises ExportIncomplete unless everything adds up.

    With `base`, the pull before, only what changed since is fetched, where the log (or the dates of
    change) can tell it; `full` asks for everything all the same and says in `summary.proof` what the
    increments had not seen. `resume` keeps finished batches for the case that the pull breaks off.
    `accept` is called with the structure before a record is asked for, and raises where it is that of another project.
    `doubted` are records that are fetched again whatever the log says: answers may be back without a line in it.
    """
    run = _Run(client, settings or PullSettings(), base, resume or NoResume(), progress, accept, frozenset(doubted))
    with frugal_memory():
        return run.full(Message.of("full.asked") if base else None) if full or base is None else run.incremental(base)


@dataclass
class _Run:
    client: RedcapClient
    settings: PullSettings
    base: Pull | None
    resume: Resume
    progress: Progress | None
    accept: Callable[[RawStructure], None] | None
    doubted: frozenset[str] = frozenset()
    edits: list[Edit] = field(default_factory=list)
    unread: Mark | None = None
    """From where on the log was not read, or not relied on, in this pull."""
    log_whole: bool = False
    """Whether the edits are all that the log has since it was read whole before."""

    def __post_init__(self) -> None:
        self.requests_before = self.client.requests
        self.turns = Semaphore(self.settings.workers)

    def incremental(self, base: Pull) -> Pull:
        """Go on from the pull before; a full one where it cannot be known what changed."""
        if why := _why_no_base(base):
            return self.full(why)
        self.client.know_id_field(base.dictionary.record_id_field)
        changed_records, changes = first_look(self.client, base.checkpoint, key_fields(base.dictionary, base.unseen))
        if changes is None or not changes.trusted:
            return self.full(Message.of("full.unknown_changes"))
        if changes.structure:
            return self.full(Message.of("full.structure_or_rights"))
        if not changed_records.reads_log and pull_structure(self.client) != base.structure:
            return self.full(Message.of("full.structure"))
        self._note_edits(changed_records, changes)
        requests = RecordRequests(
            self.client,
            base.dictionary,
            unseen=base.unseen,
            csv_agrees=base.checkpoint.csv_agrees or None,
            groups_due=base.groups_shown,
            turns=self.turns,
        )
        pulled_rows = PulledRows(base.dictionary, base)
        try:
            contents = self._pull_until_stable(
                requests, pulled_rows, changed_records, {*changes.records, *self.doubted}
            )
        except (GroupsDiffer, ColumnsDiffer, RowsUnexplained) as changed:
            return self.full(Message.of(NOT_AS_BEFORE[type(changed)]))
        pulled = self._pull(base.structure, requests, contents, changed_records, version=base.redcap_version)
        return replace(self._with_gone(pulled, changed_records, changes), carried=_carried(base, pulled))

    def full(self, why: Message | None) -> Pull:
        """Pull everything, but finished batches of a pull that was broken off."""
        version = self.client.version()
        base = self.base
        place = (base.checkpoint, key_fields(base.dictionary, base.unseen)) if base else (Checkpoint(), [])
        changed_records, changes = first_look(self.client, *place)
        self._note_edits(changed_records, changes)  # a diff of nights names who edited
        structure = pull_structure(self.client)
        if self.accept:
            self.accept(structure)
        changed_records.key_fields = key_fields(structure.dictionary)
        self.client.know_id_field(structure.dictionary.record_id_field)
        rights = own_rights(self.client, changed_records.username)
        requests = RecordRequests(
            self.client,
            structure.dictionary,
            rights.levels,
            groups_due=column_due(structure.dictionary.groups, in_no_group=rights.in_no_group),
            keep=self.resume.keep,
            turns=self.turns,
        )
        there = requests.row_keys()
        pulled_rows = PulledRows(structure.dictionary, rows_due=sum(map(len, there.values())))
        self._check_loss(len(there))
        if requests.in_a_group:
            changed_records.mark = None  # others' edits of the group's records need not be in the part that is shown
        touched = self._resume_batches(structure, requests, pulled_rows, changed_records)
        kind = "resumed" if pulled_rows.keys else "full"
        # What was there and is not shown any more is asked for by name: half a list of ids is no deletion.
        known: set[str] = set(base.rows["record"]) if base else set()
        wanted = touched | (known - there.keys()) | (there.keys() - pulled_rows.keys.keys())
        shown = sorted(wanted & there.keys())
        if len(shown) > self.settings.batch_records:
            requests.probe(shown)
        contents = self._pull_until_stable(requests, pulled_rows, changed_records, wanted, there)
        pulled = self._pull(structure, requests, contents, changed_records, version=version, kind=kind)
        self.resume.clear()
        pulled = replace(pulled, summary=replace(pulled.summary, why=why, proof=self._proof(pulled, changes)))
        return self._with_gone(pulled, changed_records, changes)

    def _note_edits(self, changed_records: ChangedRecords, changes: LoggedChanges | None) -> None:
        """Take what the log says since it was last read whole, also where pulls in between could not read it.

        A record that was deleted then was missed for no reason that anybody could see; its line is there by now.
        What is read twice without making sense is given up: lines were removed.
        """
        before = self.base.checkpoint if self.base else Checkpoint()
        trusted = changed_records.reads_log and changes is not None and changes.trusted and changes.mark is not None
        gap = before.last_mark if before.last_mark != before.mark else None
        missed = changed_records.since(gap) if gap else None
        known = missed if missed and missed.trusted else changes if trusted else None
        self.edits[:] = known.edits if known else ()
        self.log_whole = known is not None and (gap is None or known is missed)
        self.unread = None if (trusted and not gap) or missed else gap or before.mark

    def _resume_batches(
        self,
        structure: RawStructure,
        requests: RecordRequests,
        pulled_rows: PulledRows,
        changed_records: ChangedRecords,
    ) -> set[str]:
        """Take up the finished batches of a broken pull, and name the records touched since it began."""
        broken = self.resume.load(structure)
        changes = changed_records.since(broken.mark) if broken and broken.mark else None
        if broken is None or changes is None or not changes.trusted or changes.structure:
            self.resume.begin(structure, changed_records.mark)
            return set()
        try:
            kept = [requests.read(body, kind) for body, kind in broken.bodies]
        except (ExportIncomplete, ValueError):  # damaged on disk: to stop for it would be to stop every night
            self.resume.begin(structure, changed_records.mark)
            return set()
        for rows in kept:
            pulled_rows.take(set(rows.records()), rows)
        return set(changes.records)

    def _pull_until_stable(
        self,
        requests: RecordRequests,
        pulled_rows: PulledRows,
        changed_records: ChangedRecords,
        wanted: set[str],
        there: Keys | None = None,
    ) -> Contents:
        """Fetch what is wanted, compare, look into the log, until nothing is left to fetch."""
        batches = Batches(
            requests.records,
            first=self.settings.batch_records,
            workers=self.settings.workers * THREADS_A_CALL,
            bytes_of=ExportRows.size_in_memory,
        )
        for turn in range(MOST_ROUNDS):
            order = [record for record in there if record in wanted] if there else []
            self._fetch(
                batches, pulled_rows, [*order, *sorted(wanted.difference(order))], compare=changed_records.names_again
            )
            with ThreadPoolExecutor(1) as aside:
                # Nearly always this round is the last one: the tables are built while the server is asked once more.
                typing_tables = aside.submit(pulled_rows.contents, keep=changed_records.names_again)
                there = requests.row_keys(surely=turn > 0)
                self._check_loss(len(there))
                touched = (
                    self._touched(changed_records, pulled_rows) if wanted or changed_records.names_again else set()
                )
                contents = typing_tables.result()
            wanted = touched | pulled_rows.differing(there)
            if not wanted:
                check_places(requests.dictionary, contents[0])
                if requests.asked and not changed_records.reads_log:
                    self._compare_structure(requests)
                return contents
        raise _never_stable(len(there or ()), wanted, pulled_rows)

    def _compare_structure(self, requests: RecordRequests) -> None:
        """Raise ExportIncomplete where the structure is another one by now, which only the log would have said."""
        if pull_structure(self.client).dictionary != requests.dictionary:
            raise _restructured()

    def _fetch(
        self, batches: Batches[ExportRows], pulled_rows: PulledRows, wanted: Sequence[str], *, compare: bool
    ) -> None:
        done = 0
        for asked, rows in batches.fetch(wanted) if wanted else ():
            pulled_rows.take(asked, rows, compare=compare)
            done += len(asked)
            if self.progress:
                self.progress(done, len(wanted))

    def _touched(self, changed_records: ChangedRecords, pulled_rows: PulledRows) -> set[str]:
        changes = changed_records.again()
        if changes.structure:
            raise _restructured()
        self.edits.extend(changes.edits)
        return set(changes.records) - (pulled_rows.settled if changed_records.names_again else set())

    def _pull(
        self,
        structure: RawStructure,
        requests: RecordRequests,
        contents: Contents,
        changed_records: ChangedRecords,
        *,
        version: str,
        kind: str = "incremental",
    ) -> Pull:
        rows, tables = contents
        full_before = self.base.checkpoint.full_server_time if self.base else None
        return Pull(
            structure=structure,
            rows=rows,
            tables=tables,
            redcap_version=version,
            unseen=requests.all_unseen,
            groups=requests.groups,
            checkpoint=Checkpoint(
                mark=changed_records.mark,
                server_time=changed_records.began,
                full_server_time=full_before if kind == "incremental" else changed_records.began,
                csv_agrees=requests.csv_agrees is True,
                groups_asked=True,
                last_mark=self.unread or changed_records.mark,
            ),
            edits=tuple(self.edits),
            summary=PullSummary(
                kind,
                requests=self.client.requests - self.requests_before,
                fetched=requests.asked,
                stable=changed_records.how,
                account=changed_records.username,
                log_whole=self.log_whole and changed_records.reads_log,
            ),
        )

    def _proof(self, pulled: Pull, changes: LoggedChanges | None) -> Proof | None:
        """Compare a full pull with the one before, records aside that the log names as touched.

        Records that came or went are aside too: an increment finds them by their ids, as it must after a rename.
        """
        base = self.base
        if base is None or changes is None or not changes.trusted or base.structure != pulled.structure:
            return None
        touched = changes.records | {edit.record for edit in self.edits}
        stayed = set(base.rows["record"]) & set(pulled.rows["record"]) - touched
        differ = {
            name: differing_records(base.tables[name].read(), table) & stayed for name, table in pulled.tables.items()
        }
        named = tuple(name for name, records in differ.items() if records)
        return Proof(len(set().union(*differ.values())), named)

    def _with_gone(self, pulled: Pull, changed_records: ChangedRecords, changes: LoggedChanges | None) -> Pull:
        """The pull with the rows and the answers that are gone, and that the log does not say were taken away.

        It would have said so: a server that leaves them out is ill, however often the log names them as edited.
        """
        if self.base is None:
            return pulled
        missed = missed_since(self.base.rows, self.base.tables, pulled)
        read = changed_records.reads_log and changes is not None and changes.mark is not None
        records = {row.record for row in missed.gone} | {cell.record for cell in missed.blanked}
        unlogged = len(records) if read else 0
        return replace(missed, summary=replace(missed.summary, unlogged=unlogged))

    def _check_loss(self, found: int) -> None:
        before = self.base.record_count() if self.base else self.settings.records_before
        if before and found < before * (1 - self.settings.largest_loss_percent / 100):
            raise ExportIncomplete("pull.loss", found=found, before=before)


def missed_since(rows: pd.DataFrame, tables: Mapping[str, Table], pulled: Pull) -> Pull:
    """A pull with what it misses of earlier rows and tables, and what no line of its log explains."""
    gone = unexplained_rows(gone_rows(rows, pulled.rows), pulled.edits, pulled.dictionary, pulled.rows)
    blanked = blanked_cells(tables, pulled.tables, pulled.dictionary, pulled.edits, pulled.unseen)
    blanked = unexplained_cells(blanked, pulled.edits, pulled.dictionary, pulled.tables)
    return replace(pulled, gone=gone, blanked=blanked)


def _why_no_base(base: Pull) -> Message | None:
    """Why no increment can go on from a pull, if so."""
    if not base.checkpoint.groups_asked:
        return Message.of("full.groups_not_asked")
    if base.in_a_group:
        return Message.of("full.in_a_group")
    return None


def _carried(base: Pull, pulled: Pull) -> dict[str, str]:
    """The hashes of the parts that are those of the pull before; they were proven when it was read."""
    same = [name for name, table in pulled.tables.items() if table is base.tables.get(name)]
    names = [*same, *([ROWS] if pulled.rows is base.rows else [])]
    return {name: base.carried[name] for name in names if name in base.carried}


def _restructured() -> ExportIncomplete:
    return ExportIncomplete("pull.restructured")


def _never_stable(there: int, wanted: set[str], pulled_rows: PulledRows) -> ExportIncomplete:
    missing = sum(record not in pulled_rows.keys for record in wanted)
    if missing:
        return ExportIncomplete("pull.records_missing", asked=there, given=there - missing, missing=missing)
    return ExportIncomplete("pull.never_stable", count=len(wanted))
