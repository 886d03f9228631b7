"""The store: everything Nightround remembers, behind one object with one database."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sqlalchemy import Engine

from nightround.model.finding import Finding, LedgerDelta
from nightround.model.outcome import Coverage, Outcome
from nightround.store import finding_rows as findings
from nightround.store import forgotten_rows as forgotten
from nightround.store import message_rows as messages
from nightround.store import run_rows as runs
from nightround.store import suspect_rows as suspects
from nightround.store.address import StoreAddress
from nightround.store.back_since import read_back_since
from nightround.store.engine import compact, open_engine, reading, reading_damaged, writing
from nightround.store.finding_reading import read_findings, read_versions
from nightround.store.finding_rows import Changes, HistoryEntry
from nightround.store.flood_rows import Flood, end_flood, read_floods, read_position_before
from nightround.store.history_chain import BrokenLine
from nightround.store.inbox_rows import InboxPen, InboxRow, read_inbox_rows, settle_inbox_row
from nightround.store.ledger_rows import write_ledger
from nightround.store.message_pen import MessagePen
from nightround.store.message_rows import Reader, StoredMessage
from nightround.store.observed_values import OPTION, UnreadableValues, ValueSealer, seal_plain
from nightround.store.question_rows import Question, read_questions, write_questions
from nightround.store.run_rows import Ended, Run, RunStep
from nightround.store.settled_rows import Ledger, WholeLedger
from nightround.store.stored_files import seal_plain_files
from nightround.store.study_lock import shared_lock_tried
from nightround.store.suspect_rows import Cleared
from redcap_sync.garbage import collecting_no_garbage
from redcap_sync.messages import Message
from redcap_sync.rows.tables import CellKey, Gone, RowKey

log = logging.getLogger(__name__)


def _say_unreadable(count: int) -> None:
    if count:
        log.warning("the values of %d findings are sealed with a key that is not given; all else is shown", count)


def open_store(where: str | Path | StoreAddress, key: bytes | None = None) -> Store:
    """Open the store at a path (SQLite), a URL or an address, and bring it to the newest version.

    With a key the values of findings and of their history are sealed, those that are there in plain too. Without it
    a store with sealed values opens and has everything but them.

    Raises DatabaseVersionWrong (exit code 15) for a database of a newer version or of another program.
    """
    return Store(open_engine(where)).with_key(key)


@dataclass(frozen=True)
class Store:
    """An open database. Every method is one transaction; writers take turns, readers never wait."""

    engine: Engine

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the file or the server's connections back."""
        self.engine.dispose()

    def with_key(self, key: bytes | None) -> Store:
        """The same open database, with the key of its values, or without one."""
        store = Store(self.engine.execution_options(**{OPTION: ValueSealer(key)}))
        if key is not None:
            store.seal_plain()
        return store

    def seal_plain(self) -> None:
        """Seal the values that an earlier run without a key left in plain, and leave none in the rest of the file."""
        with writing(self.engine) as connection:
            sealed, files = seal_plain(connection), seal_plain_files(connection)
        if sealed:
            log.info("%d findings and lines of the history had values in plain; they are sealed now", sealed)
        if sealed or files:
            self._compact()

    def _compact(self) -> None:
        """Take deleted values out of free pages too; what a reader keeps from it must not stop a night."""
        if not compact(self.engine):
            log.warning("the database is in use: values that were deleted before may still be in its free pages")

    def lock_tried(self, study: str, name: str) -> AbstractContextManager[bool]:
        """Try to get a lock of a study before every machine that uses this database; gives whether it was free."""
        return shared_lock_tried(self.engine, study, name)

    def start_run(self, study: str, job: str, now: datetime, *, firing: str | None = None) -> int:
        """Begin a run and return its id. An earlier run of the job that never ended is marked as lost.

        `firing` is the hour of the schedule whose round it makes, on the study's clock; None for a run by hand.
        """
        with writing(self.engine) as connection:
            return runs.insert_run(connection, study, job, now, firing)

    def finish_step(
        self, run_id: int, name: str, *, started_at: datetime, now: datetime, ended: Ended, note: Message | None = None
    ) -> None:
        """Remember how a step of a run ended. `note` must contain no patient's value."""
        with writing(self.engine) as connection:
            runs.insert_step(connection, run_id, RunStep(name, started_at, now, ended, note))

    def finish_run(
        self,
        run_id: int,
        ended: Ended,
        *,
        exit_code: int,
        now: datetime,
        snapshot_id: str | None = None,
        complete: bool = False,
        coverage: Coverage | None = None,
        trouble: Message | None = None,
    ) -> None:
        """Remember how a run ended. `trouble` must contain no patient's value."""
        facts = {
            "ended": ended,
            "exit_code": exit_code,
            "ended_at": now,
            "snapshot_id": snapshot_id,
            "complete": complete,
            "coverage": runs.coverage_document(coverage) if coverage else None,
            "trouble": trouble,
        }
        with writing(self.engine) as connection:
            runs.end_run(connection, run_id, facts)

    def runs(self, study: str, limit: int = 30) -> tuple[Run, ...]:
        """The newest runs of a study, newest first, running ones included."""
        with reading(self.engine) as connection:
            return runs.read_runs(connection, study, limit)

    def note_snapshot(self, run_id: int, snapshot_id: str) -> None:
        """Write down the snapshot of a run before its end."""
        with writing(self.engine) as connection:
            runs.note_snapshot(connection, run_id, snapshot_id)

    def run_snapshots(self, study: str) -> dict[int, str]:
        """The snapshot of each run of a study that has one, by the run's id."""
        with reading(self.engine) as connection:
            return runs.read_run_snapshots(connection, study)

    def run_times(self, study: str, job: str = "") -> dict[int, datetime]:
        """When each run of a study began, by its id; of a job only those that did not fail."""
        with reading(self.engine) as connection:
            return runs.read_run_times(connection, study, job)

    def last_run(self, study: str) -> Run | None:
        """The newest run of a study that has ended, or None."""
        with reading(self.engine) as connection:
            return runs.read_last_run(connection, study)

    def last_complete(self, study: str, job: str) -> Run | None:
        """The newest run of a job that did all it had to and saw everything, or None."""
        with reading(self.engine) as connection:
            return runs.read_last_complete(connection, study, job)

    def last_attempt(self, study: str, job: str) -> Run | None:
        """The newest run of a job, also one that is running, but not one that was skipped; or None."""
        with reading(self.engine) as connection:
            return runs.read_last_attempt(connection, study, job)

    def lost_runs(self, study: str, job: str) -> tuple[Run, ...]:
        """The runs of a job that never said how they ended, after the last one that did; newest first."""
        with reading(self.engine) as connection:
            return runs.read_lost(connection, study, job)

    def run_of_firing(self, study: str, job: str, firing: str, *, ended: bool, other_than: int) -> int | None:
        """The newest other run for an hour of the schedule, of those that ended or of all; None without one."""
        with reading(self.engine) as connection:
            return runs.read_run_of_firing(connection, study, job, firing, ended=ended, other_than=other_than)

    def was_missed(self, study: str, job: str, moment: datetime) -> bool:
        """Whether a job that ran before has had no run that ended since a moment."""
        with reading(self.engine) as connection:
            return runs.read_was_missed(connection, study, job, moment)

    def count_runs(self, study: str, job: str, *, up_to: int) -> int:
        """How many runs of a job a study has had, that of an id included."""
        with reading(self.engine) as connection:
            return runs.count_runs(connection, study, job, up_to)

    def outcomes_before(self, study: str, job: str, run_id: int) -> tuple[Outcome, ...]:
        """The outcomes of the newest run of a job before a run, of those that have any; () before the first."""
        with reading(self.engine) as connection:
            return runs.read_outcomes_before(connection, study, job, run_id)

    def outcomes(self, run_id: int) -> tuple[Outcome, ...]:
        """The result of every rule in a run, by rule id, without violations."""
        with reading(self.engine) as connection:
            return runs.read_outcomes(connection, run_id)

    def record_night(
        self,
        study: str,
        run_id: int,
        outcomes: Iterable[Outcome],
        decide: Callable[[tuple[Finding, ...]], LedgerDelta],
        now: datetime,
    ) -> LedgerDelta:
        """Let `decide` say what a night changed in the findings as they are, and write all of it or nothing.

        The findings are read, decided on and written in one transaction that has the write lock, so
        that two runs at the same moment cannot open one finding twice, and a crash leaves the state of before.
        """
        return self.record_ledger(study, run_id, outcomes, WholeLedger(decide), now)

    @collecting_no_garbage()
    def record_ledger(
        self, study: str, run_id: int, outcomes: Iterable[Outcome], ledger: Ledger, now: datetime
    ) -> LedgerDelta:
        """Do what `record_night` does, but neither read nor decide on findings that are proven to stay as they are."""
        with writing(self.engine) as connection:
            return write_ledger(connection, study, run_id, outcomes, ledger, now=now)

    def record_moves(
        self, study: str, run_id: int, decide: Callable[[tuple[Finding, ...]], Sequence[Finding]], now: datetime
    ) -> tuple[Finding, ...]:
        """Let `decide` say what a person changes in the findings as they are now, and write all of it or nothing.

        It gives a finding once for each change of it, in their order.
        """
        with writing(self.engine) as connection:
            moves = tuple(decide(read_findings(connection, study)))
            findings.write_moves(connection, study, run_id, moves, now)
        return moves

    def take_answers(
        self,
        study: str,
        run_id: int,
        decide: Callable[
            [tuple[Finding, ...], Mapping[str, Sequence[Question]]], tuple[Sequence[Finding], Sequence[Question]]
        ],
        now: datetime,
    ) -> tuple[Finding, ...]:
        """Let `decide` say what answers in REDCap change, and remember with it which questions are answered.

        Both or neither: an answer that was taken over is never taken again.
        """
        with writing(self.engine) as connection:
            moves, questions = decide(read_findings(connection, study), read_questions(connection, study))
            findings.write_moves(connection, study, run_id, moves, now)
            write_questions(connection, study, questions)
        return tuple(moves)

    def questions(self, study: str) -> Mapping[str, Sequence[Question]]:
        """The questions that were written to REDCap, by finding."""
        with reading(self.engine) as connection:
            return read_questions(connection, study)

    def remember_questions(self, study: str, questions: Iterable[Question]) -> None:
        """Remember questions as REDCap shows them now."""
        with writing(self.engine) as connection:
            write_questions(connection, study, questions)

    def reconciled_at(self, study: str, run_id: int) -> datetime | None:
        """When the newest run before a run began that brought the findings of a study up to date; None before one."""
        with reading(self.engine) as connection:
            return runs.read_reconciled_at(connection, study, run_id)

    def findings(self, study: str) -> tuple[Finding, ...]:
        """All findings of a study, open and closed, by id."""
        with reading(self.engine) as connection:
            found = read_findings(connection, study)
        _say_unreadable(sum(isinstance(one.observed, UnreadableValues) for one in found))
        return found

    def versions(self, study: str) -> dict[str, str]:
        """The version of each finding of a study, by its id, where its values can be read."""
        with reading(self.engine) as connection:
            return read_versions(connection, study)

    def history(self, study: str, finding_id: str) -> tuple[HistoryEntry, ...]:
        """The changes of one finding, oldest first."""
        with reading(self.engine) as connection:
            return findings.read_history_of(connection, study, finding_id)

    def whole_history(self, study: str, since: int = 0) -> tuple[HistoryEntry, ...]:
        """The changes of all findings of a study since a position, oldest first; none of what was forgotten."""
        with reading(self.engine) as connection:
            return findings.read_history(connection, study, since)

    def broken_lines(self, study: str) -> tuple[BrokenLine, ...]:
        """The lines of a study's history that are not what was written; () where the chain is whole."""
        with reading_damaged(self.engine) as connection:
            return findings.read_broken_lines(connection, study)

    def count_lines(self, study: str) -> int:
        """How many lines the history of a study has."""
        with reading(self.engine) as connection:
            return findings.count_lines(connection, study)

    def changes_since(self, study: str, position: int) -> Changes:
        """What is different now from the findings at a position, as one delta, with the position of now."""
        with reading(self.engine) as connection:
            return findings.read_changes(connection, study, position)

    def back_since(self, study: str) -> dict[str, datetime]:
        """When each finding that was closed came back the last time, by id."""
        with reading(self.engine) as connection:
            return read_back_since(connection, study)

    def floods(self, study: str) -> tuple[Flood, ...]:
        """Every flood of a study, oldest first, those that are held no longer among them."""
        with reading(self.engine) as connection:
            return read_floods(connection, study)

    def end_floods(self, ended: Iterable[Flood], *, run_id: int, now: datetime, by: str = "") -> None:
        """Remember that floods are held no longer; `by` is who released them, '' where nothing of them is open."""
        with writing(self.engine) as connection:
            for one in ended:
                end_flood(connection, one, run_id=run_id, by=by, now=now)

    def position_before(self, study: str, run_id: int) -> int:
        """The last position of the history before a run."""
        with reading(self.engine) as connection:
            return read_position_before(connection, study, run_id)

    def finding_ids(self, study: str, record: str) -> tuple[str, ...]:
        """The findings of a record."""
        with reading(self.engine) as connection:
            return forgotten.finding_ids(connection, study, record)

    def was_forgotten(self, study: str, record: str) -> bool:
        """Whether a record of this name was forgotten before."""
        with reading(self.engine) as connection:
            return forgotten.was_forgotten(connection, study, record)

    def begin_forgetting(self, study: str, record: str, *, by: str, now: datetime) -> tuple[int, bool]:
        """Note that a record is being forgotten; gives the note's number, and whether an earlier call left it."""
        with writing(self.engine) as connection:
            return forgotten.begin(connection, study, record, by=by, now=now)

    def take_back_forgetting(self, number: int) -> None:
        """Remove that note: nothing is kept of the record."""
        with writing(self.engine) as connection:
            forgotten.take_back(connection, number)

    def forget(self, study: str, record: str, *, number: int, counts: Mapping[str, int]) -> dict[str, int]:
        """Forget a record of a study; `counts` are of what was changed outside of the database."""
        with writing(self.engine) as connection:
            done = forgotten.forget(connection, study, record, number=number, counts=counts)
        self._compact()
        return done

    def forgotten(self, study: str) -> tuple[Mapping[str, Any], ...]:
        """What was forgotten of a study: when, by whom, how much."""
        with reading(self.engine) as connection:
            return tuple(forgotten.read_forgotten(connection, study))

    def suspects(self, study: str) -> frozenset[RowKey]:
        """The flat rows of a study that are gone and that nothing explains."""
        with reading(self.engine) as connection:
            return suspects.read_suspects(connection, study)

    def suspect_cells(self, study: str) -> frozenset[CellKey]:
        """The cells of a study that had an answer, are blank, and that nothing explains."""
        with reading(self.engine) as connection:
            return suspects.read_suspect_cells(connection, study)

    def suspect(self, study: str, run_id: int, gone: Iterable[Gone], now: datetime) -> None:
        """Remember that rows or answers are gone and that nothing explains it."""
        with writing(self.engine) as connection:
            suspects.insert_suspects(connection, study, run_id, gone, now)

    def clear_suspects(self, study: str, keys: Iterable[Gone], why: Cleared, *, now: datetime, by: str = "") -> None:
        """Remember why rows or cells are no longer suspect, and who said so."""
        with writing(self.engine) as connection:
            suspects.clear_suspects(connection, study, keys, why, now=now, by=by)

    @contextmanager
    def writing_messages(self, study: str) -> Iterator[MessagePen]:
        """Write messages in one transaction with what they tell: all of them are there afterwards, or none."""
        with writing(self.engine) as connection:
            yield MessagePen(connection, study)

    @contextmanager
    def writing_inbox(self, study: str) -> Iterator[InboxPen]:
        """Write down what a file of the inbox says and what became of it: all of it afterwards, or nothing."""
        with writing(self.engine) as connection:
            yield InboxPen(connection, study)

    def inbox_rows(self, study: str, identity: str) -> tuple[InboxRow, ...]:
        """What was found of one content in the inbox before, oldest first."""
        with reading(self.engine) as connection:
            return read_inbox_rows(connection, study, identity)

    def settle_inbox_row(self, number: int, now: datetime) -> None:
        """Remember that a file of the inbox was moved and its receipt written."""
        with writing(self.engine) as connection:
            settle_inbox_row(connection, number, now)

    def notified_upto(self, study: str, reader: Reader) -> int:
        """The position up to which a reader was notified; 0 before the first digest."""
        with reading(self.engine) as connection:
            return messages.read_notified_upto(connection, study, reader)

    def keep_message(self, message: StoredMessage) -> int:
        """Write a message that has its state already; gives its number."""
        with writing(self.engine) as connection:
            return messages.insert_message(connection, message)

    def change_message(self, message: StoredMessage) -> None:
        """Write what became of a message."""
        with writing(self.engine) as connection:
            messages.update_message(connection, message)

    def messages(self, study: str) -> tuple[StoredMessage, ...]:
        """Every message of a study, oldest first."""
        with reading(self.engine) as connection:
            return messages.read_messages(connection, study)

    def unsettled_messages(self, study: str, due: datetime | None = None) -> tuple[StoredMessage, ...]:
        """The messages that are still to be sent, oldest first; with `due` those alone whose hour has come."""
        with reading(self.engine) as connection:
            return messages.read_unsettled(connection, study, due)

    def forget_in_messages(self, study: str, names: Callable[[str], bool], now: datetime) -> int:
        """Remove the texts of messages for which `names` says that they name a record; gives their count."""
        with writing(self.engine) as connection:
            return messages.forget_in_messages(connection, study, names, now)
