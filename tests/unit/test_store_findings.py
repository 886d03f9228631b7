"""Findings and their history in the store."""

import re
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import event
from sqlalchemy.exc import IntegrityError

from nightround.findings.reconcile import reconcile
from nightround.model.finding import Finding, LedgerDelta, Resolution
from nightround.model.outcome import Outcome, Status
from nightround.store.database import Store, open_store
from nightround.store.engine import reading
from nightround.store.finding_rows import Change
from redcap_sync.messages import Message
from redcap_sync.rows.tables import RowKey
from tests.made_findings import STUDY, history_of, made_finding, made_outcome, made_row, made_rule, night

ROWS = frozenset(made_row(str(record)) for record in range(1001, 1010))
RULES = {"VIL-01": made_rule()}


@pytest.fixture
def store(store_at: str) -> Iterator[Store]:
    """An empty store."""
    with open_store(store_at) as opened:
        yield opened


def judged(outcome: Outcome, now: datetime) -> Callable[[tuple[Finding, ...]], LedgerDelta]:
    """What the ledger decides on one outcome."""
    return lambda known: reconcile(STUDY, known, [outcome], RULES, rows=ROWS, complete=True, now=now)


def a_night(store: Store, number: int, *records: str) -> LedgerDelta:
    """Run one night on which the rule fails on these records."""
    outcome = made_outcome(rows=[made_row(record) for record in records])
    run_id = store.start_run(STUDY, "nightly", night(number))
    return store.record_night(STUDY, run_id, [outcome], judged(outcome, night(number)), night(number))


def test_a_finding_comes_back_as_it_went_in(store: Store) -> None:
    """Every part of a finding survives the store: Chinese, blanks, an instance, patient values, proof, hours."""
    china = timezone(timedelta(hours=8))
    closed = made_finding(
        row=RowKey("记录 7", "", "随访", 3),
        fields=("a", "b"),
        observed={"a": "", "b": "疼痛 ≥ 3"},
        opened_at=datetime(2025, 5, 1, 10, 30, tzinfo=china),
        resolved_at=night(3),
        resolution=Resolution.ROW_REMOVED,
        times_reopened=2,
    )
    run_id = store.start_run(STUDY, "nightly", night(1))
    store.record_night(STUDY, run_id, [], lambda _: LedgerDelta(opened=(closed,)), night(1))
    (back,) = store.findings(STUDY)
    assert back == closed
    assert back.opened_at.tzinfo is UTC


def test_nights_change_the_findings_and_every_change_is_kept(store: Store) -> None:
    """Opened, confirmed, fixed and come back: the findings follow, the history has each change of state once."""
    a_night(store, 1, "1001", "1002")
    a_night(store, 2, "1001")
    a_night(store, 3, "1001", "1002")
    assert {one.row.record: one.times_reopened for one in store.findings(STUDY)} == {"1001": 0, "1002": 1}
    records = {one.id: one.row.record for one in store.findings(STUDY)}
    assert [(records[entry.finding_id], entry.change, entry.at) for entry in history_of(store, STUDY)] == [
        ("1001", Change.OPENED, night(1)),
        ("1002", Change.OPENED, night(1)),
        ("1002", Change.RESOLVED, night(2)),
        ("1002", Change.REOPENED, night(3)),
    ]


def test_the_history_says_how_a_finding_was_closed(store: Store) -> None:
    """The proof and the values of that night are in the history for good."""
    a_night(store, 1, "1001")
    a_night(store, 2)
    closed = history_of(store, STUDY)[-1]
    assert (closed.resolution, closed.observed) == (Resolution.FIXED, {"villalta_total": "7"})


def test_history_after_a_position_leaves_out_what_was_before(store: Store) -> None:
    """A position is where one reader stopped."""
    a_night(store, 1, "1001")
    position = history_of(store, STUDY)[-1].position
    a_night(store, 2, "1001", "1002")
    assert [entry.change for entry in history_of(store, STUDY, position)] == [Change.OPENED]


def test_changes_over_several_nights_are_one_delta(store: Store) -> None:
    """Since a position: what is new, closed, back and still open, and nothing of what came and went between."""
    a_night(store, 1, "1001", "1002", "1003", "1004")
    a_night(store, 2, "1001", "1002", "1004")
    position = store.changes_since(STUDY, 0).position
    a_night(store, 3, "1001", "1003", "1005", "1006")
    a_night(store, 4, "1001", "1003", "1006", "1004")
    changes = store.changes_since(STUDY, position)
    found = {
        name: sorted(one.row.record for one in getattr(changes.delta, name))
        for name in ("opened", "reopened", "resolved", "persisting", "untouched")
    }
    assert found == {
        "opened": ["1006"],
        "reopened": ["1003"],
        "resolved": ["1002"],
        "persisting": ["1001", "1004"],
        "untouched": [],
    }
    assert store.changes_since(STUDY, changes.position).delta.opened == ()


def test_studies_do_not_see_one_another(store: Store) -> None:
    """Two studies in one database have their own findings, history and changes."""
    a_night(store, 1, "1001")
    assert (store.findings("other"), history_of(store, "other")) == ((), ())
    assert store.changes_since("other", 0) == (LedgerDelta(), 0)


def test_outcomes_are_kept_with_their_denominators(store: Store) -> None:
    """The result of a rule is there afterwards, without the violations, which live on as findings."""
    outcome = replace(made_outcome(rows=[made_row()]), reason=Message.of("outcome.no_scope"))
    run_id = store.start_run(STUDY, "nightly", night(1))
    unjudged = made_outcome("VIL-02", status=Status.NOT_EVALUATED)
    store.record_night(STUDY, run_id, [unjudged, outcome], lambda _: LedgerDelta(), night(1))
    assert store.outcomes(run_id) == (replace(outcome, violations=()), unjudged)


def test_outcomes_of_an_unchanged_night_are_named_and_not_written_again(store: Store) -> None:
    """Each night has its outcomes; the table grows only where one of them differs."""
    runs = [store.start_run(STUDY, "nightly", night(number)) for number in range(1, 5)]
    nights = [made_outcome(rows=[made_row(record)]) for record in ("1001", "1002")]
    nights += [replace(nights[0], failed=2), replace(nights[0], failed=2)]
    for number, (run_id, outcome) in enumerate(zip(runs, nights, strict=True), start=1):
        store.record_night(STUDY, run_id, [outcome], lambda _: LedgerDelta(), night(number))
    assert [store.outcomes(run_id) for run_id in runs] == [(replace(one, violations=()),) for one in nights]
    with reading(store.engine) as connection:
        kept = connection.exec_driver_sql("SELECT run_id FROM outcomes ORDER BY run_id").scalars().all()
    assert list(kept) == [runs[0], runs[2]]


def test_a_finding_that_is_only_seen_again_is_not_written_but_when(store: Store) -> None:
    """A hundred findings that stand cost one statement; what the night proved nothing about keeps its hour."""
    records = [str(record) for record in range(1001, 1101)]
    a_night(store, 1, *records)
    statements: list[str] = []

    @event.listens_for(store.engine, "before_cursor_execute")
    def count(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        statements.append(statement)

    outcome = made_outcome(rows=[made_row(record) for record in records[1:]])
    run_id = store.start_run(STUDY, "nightly", night(2))
    store.record_night(
        STUDY,
        run_id,
        [outcome],
        lambda known: reconcile(STUDY, known, [outcome], RULES, rows=EveryRow(), complete=False, now=night(2)),
        night(2),
    )
    written = [one.split("SET")[1].split("WHERE")[0] for one in statements if one.startswith("UPDATE findings")]
    assert [re.findall(r"(\w+)=", one) for one in written] == [["last_seen_at"], ["last_seen_at"]]
    seen = {one.row.record: one.last_seen_at for one in store.findings(STUDY)}
    assert seen == {**dict.fromkeys(records, night(2)), "1001": night(1)}


class EveryRow:
    """A snapshot that has whatever row is asked for."""

    def __contains__(self, row: object) -> bool:
        return True


def test_a_night_that_fails_half_way_leaves_the_night_before(store: Store) -> None:
    """When the last line cannot be written, the findings and outcomes written before it are gone too."""
    a_night(store, 1, "1001")
    before = (store.findings(STUDY), history_of(store, STUDY))
    twice = LedgerDelta(opened=(made_finding(row=made_row("1002")), made_finding(row=made_row("1001"))))
    run_id = store.start_run(STUDY, "nightly", night(2))
    with pytest.raises(IntegrityError):
        store.record_night(STUDY, run_id, [made_outcome()], lambda _: twice, night(2))
    assert (store.findings(STUDY), history_of(store, STUDY), store.outcomes(run_id)) == (*before, ())


def test_a_process_that_dies_half_way_leaves_the_night_before(store: Store, store_at: str) -> None:
    """Killed after the findings were written and before the history was: the next one sees the night before."""
    a_night(store, 1, "1001")
    before = (store.findings(STUDY), history_of(store, STUDY))
    script = """
        import os, sys
        from sqlalchemy import event
        from nightround.model.finding import LedgerDelta
        from nightround.store.database import open_store
        from tests.made_findings import STUDY, history_of, made_finding, made_row, night

        store = open_store(sys.argv[1])
        run_id = store.start_run(STUDY, "nightly", night(2))

        @event.listens_for(store.engine, "before_cursor_execute")
        def die(connection, cursor, statement, *rest):
            if "INTO finding_history" in statement:
                os._exit(9)

        delta = LedgerDelta(opened=(made_finding(row=made_row("1002")),))
        store.record_night(STUDY, run_id, [], lambda _: delta, night(2))
    """
    died = subprocess.run([sys.executable, "-c", textwrap.dedent(script), store_at], check=False)
    assert died.returncode == 9
    assert (store.findings(STUDY), history_of(store, STUDY)) == before
    assert len(a_night(store, 2, "1001", "1002").opened) == 1


def test_two_runs_at_the_same_moment_open_a_finding_once(store: Store, store_at: str) -> None:
    """The second run waits for the first and then confirms what it opened."""
    deltas: list[LedgerDelta] = []
    start = threading.Barrier(2)

    def run() -> None:
        with open_store(store_at) as own:
            start.wait()
            deltas.append(a_night(own, 1, "1001"))

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted((len(delta.opened), len(delta.persisting)) for delta in deltas) == [(0, 1), (1, 0)]
    assert len(history_of(store, STUDY)) == 1


def test_readers_who_were_notified_of_the_same_cost_one_look(store: Store) -> None:
    """Within the transaction of a night's messages the findings are read once for each position."""
    a_night(store, 1, "1001", "1002")
    looks: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        looks.extend([statement] if "FROM finding_history" in statement and "observed" in statement else [])

    event.listen(store.engine, "before_cursor_execute", note)
    with store.writing_messages(STUDY) as pen:
        seen = [pen.changes_since(position) for position in (0, 0, 1)]
    assert seen[0] == seen[1] != seen[2]
    assert len(looks) == 2


def test_no_patient_value_stands_in_a_repr(store: Store) -> None:
    """Observed values are stored, and no repr of what the store gives shows them."""
    canary = made_finding(observed={"villalta_total": "CANARY-7Q"})
    run_id = store.start_run(STUDY, "nightly", night(1))
    store.record_night(STUDY, run_id, [], lambda _: LedgerDelta(opened=(canary,)), night(1))
    assert store.findings(STUDY)[0].observed == {"villalta_total": "CANARY-7Q"}
    shown = repr((store, store.findings(STUDY), history_of(store, STUDY), store.changes_since(STUDY, 0)))
    assert "CANARY-7Q" not in shown
