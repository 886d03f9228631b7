"""Runs, steps and sent digests in the store."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

import pytest
from sqlalchemy.exc import IntegrityError, StatementError

from nightround.model.delivery import DeliveryState
from nightround.model.finding import LedgerDelta
from nightround.model.outcome import Coverage, Status
from nightround.store.database import Store, open_store
from nightround.store.engine import reading
from nightround.store.message_rows import MessageKind, Reader, StoredMessage
from nightround.store.run_rows import Ended, Run, RunStep
from redcap_sync.messages import Message
from tests.made_findings import STUDY, night

COVERAGE = Coverage(
    known=("A", "B"),
    counts={Status.PASSED: 1},
    unaccounted=("B",),
    reasons={"B": Message.of("outcome.no_column", column="b")},
)

NOTE = Message.of("step.report", rows=72)
TROUBLE = Message.of("night.bug", error="KeyError")


@pytest.fixture
def store(store_at: str) -> Iterator[Store]:
    """An empty store."""
    with open_store(store_at) as opened:
        yield opened


def test_a_run_is_remembered_with_its_steps_and_certificate(store: Store) -> None:
    """What ran, when, how it ended, on which snapshot, and which rules are accounted for."""
    run_id = store.start_run(STUDY, "nightly", night(1))
    for name in ("pull", "check"):
        store.finish_step(run_id, name, started_at=night(1), now=night(2), ended=Ended.DONE, note=NOTE)
    store.finish_run(
        run_id,
        Ended.RED,
        exit_code=3,
        now=night(2),
        snapshot_id="abc",
        complete=True,
        coverage=COVERAGE,
        trouble=TROUBLE,
    )
    steps = tuple(RunStep(name, night(1), night(2), Ended.DONE, NOTE) for name in ("pull", "check"))
    whole = dict.fromkeys(Status, 0) | {Status.PASSED: 1}
    assert store.last_run(STUDY) == Run(
        id=run_id,
        study=STUDY,
        job="nightly",
        started_at=night(1),
        ended_at=night(2),
        ended=Ended.RED,
        exit_code=3,
        snapshot_id="abc",
        complete=True,
        trouble=TROUBLE,
        coverage=replace(COVERAGE, counts=whole),
        steps=steps,
    )


def test_a_certificate_that_is_the_one_before_is_named_and_not_written_again(store: Store) -> None:
    """Each run has its certificate; the database keeps each one once as long as it stays."""
    other = replace(COVERAGE, unaccounted=())
    for number, coverage in enumerate((COVERAGE, COVERAGE, None, COVERAGE, other, other), start=1):
        run_id = store.start_run(STUDY, "nightly", night(number))
        store.finish_run(run_id, Ended.DONE, exit_code=0, now=night(number), coverage=coverage)
    found = [run.coverage and run.coverage.unaccounted for run in reversed(store.runs(STUDY))]
    assert found == [("B",), ("B",), None, ("B",), (), ()]
    with reading(store.engine) as connection:
        kept = connection.exec_driver_sql("SELECT id FROM runs WHERE coverage IS NOT NULL ORDER BY id").scalars().all()
    assert list(kept) == [1, 5]


def test_a_running_run_is_no_last_run(store: Store) -> None:
    """The last run is one that ended; the list shows the running one first."""
    first = store.start_run(STUDY, "nightly", night(1))
    store.finish_run(first, Ended.DONE, exit_code=0, now=night(1), complete=True)
    second = store.start_run(STUDY, "nightly", night(2))
    last = store.last_run(STUDY)
    assert last is not None
    assert (last.id, [run.id for run in store.runs(STUDY)]) == (first, [second, first])
    assert [run.id for run in store.runs(STUDY, limit=1)] == [second]


def test_a_run_that_never_ended_is_lost_when_its_job_starts_again(store: Store) -> None:
    """A killed process leaves no run that seems to run for ever; other jobs are left alone."""
    killed = store.start_run(STUDY, "nightly", night(1))
    report = store.start_run(STUDY, "report", night(1))
    store.start_run(STUDY, "nightly", night(2))
    ended = {run.id: run.ended for run in store.runs(STUDY)}
    assert (ended[killed], ended[report]) == (Ended.LOST, Ended.RUNNING)


def test_a_run_thought_lost_may_still_say_how_it_ended(store: Store) -> None:
    """Two runs that overlap both have their true end in the end."""
    slow = store.start_run(STUDY, "nightly", night(1))
    store.start_run(STUDY, "nightly", night(2))
    store.finish_run(slow, Ended.DONE, exit_code=0, now=night(2), complete=True)
    assert [run.ended for run in store.runs(STUDY)] == [Ended.RUNNING, Ended.DONE]


def test_the_last_complete_round_is_the_newest_that_did_all_and_saw_all(store: Store) -> None:
    """A red, a failed and an incomplete run, and one of another job, are none."""
    assert store.last_complete(STUDY, "nightly") is None
    ends = [(Ended.DONE, True), (Ended.RED, False), (Ended.FAILED, True), (Ended.DONE, False)]
    for number, (ended, complete) in enumerate(ends, 1):
        run_id = store.start_run(STUDY, "nightly", night(number))
        store.finish_run(run_id, ended, exit_code=0, now=night(number), complete=complete)
    other = store.start_run(STUDY, "weekly", night(9))
    store.finish_run(other, Ended.DONE, exit_code=0, now=night(9), complete=True)
    last = store.last_complete(STUDY, "nightly")
    assert last is not None
    assert last.started_at == night(1)


def test_lost_runs_are_news_until_a_round_came_to_its_end(store: Store) -> None:
    """A night that was killed is known to the next one, and no longer to the one after that."""
    for number in (1, 2):
        store.start_run(STUDY, "nightly", night(number))
    third = store.start_run(STUDY, "nightly", night(3))
    assert [one.started_at for one in store.lost_runs(STUDY, "nightly")] == [night(2), night(1)]
    store.finish_run(third, Ended.RED, exit_code=0, now=night(3))
    assert store.lost_runs(STUDY, "nightly") == ()


@pytest.mark.parametrize(
    ("ended", "made"), [(Ended.DONE, True), (Ended.RED, True), (Ended.FAILED, True), (None, False)]
)
def test_an_hour_of_the_schedule_is_made_once_a_run_of_it_ended(store: Store, ended: Ended | None, made: bool) -> None:  # noqa: FBT001
    """A run that was killed did not make it, and a run by hand is for no hour."""
    by_hand = store.start_run(STUDY, "nightly", night(1))
    store.finish_run(by_hand, Ended.DONE, exit_code=0, now=night(1))
    run_id = store.start_run(STUDY, "nightly", night(2), firing="2025-05-13 02:30")
    if ended:
        store.finish_run(run_id, ended, exit_code=0, now=night(2))

    def found(hour: str, *, among_ended: bool = True, other_than: int = 0) -> int | None:
        return store.run_of_firing(STUDY, "nightly", hour, ended=among_ended, other_than=other_than)

    assert found("2025-05-13 02:30") == (run_id if made else None)
    assert found("2025-05-13 02:30", among_ended=False) == run_id
    assert found("2025-05-13 02:30", other_than=run_id) is None
    assert found("2025-05-14 02:30") is None
    assert store.was_missed(STUDY, "nightly", night(2)) is not made
    assert not store.was_missed(STUDY, "weekly", night(2))


def test_a_study_that_never_ran_has_no_last_run(store: Store) -> None:
    """Before the first night there is nothing, and no error."""
    assert (store.last_run(STUDY), store.runs(STUDY)) == (None, ())


def test_a_time_without_a_zone_is_refused(store: Store) -> None:
    """Half a time would be read back as another hour."""
    with pytest.raises(StatementError, match="zone"):
        store.start_run(STUDY, "nightly", datetime(2025, 5, 13, 2, 30))  # noqa: DTZ001 - the mistake itself


def test_outcomes_of_a_run_that_does_not_exist_are_refused(store: Store) -> None:
    """References are checked, so that no line of history hangs in the air."""
    with pytest.raises(IntegrityError):
        store.finish_step(99, "pull", started_at=night(1), now=night(1), ended=Ended.DONE)
    assert store.record_night(STUDY, 99, [], lambda _: LedgerDelta(), night(1)) == LedgerDelta()


def message(store: Store, **other: object) -> StoredMessage:
    """One message of a night."""
    facts = {"recipient": "dm@hospital.example", "channel": "outbox", "since": 0, "upto": 5, "role": "data_manager"}
    facts |= {"study": STUDY, "run_id": store.start_run(STUDY, "nightly", night(1)), "written_at": night(1)}
    facts |= {"subject": "5 new", "kind": MessageKind.DIGEST, "message_id": "<a@b>"}
    return StoredMessage(**(facts | other))  # type: ignore[arg-type]


def test_a_recipient_is_told_from_where_the_last_message_that_counts_ended(store: Store) -> None:
    """What was refused moves nothing, so its news are in the next digest; each channel has its own place."""
    address = "dm@hospital.example"
    assert store.notified_upto(STUDY, Reader("data_manager", address, "outbox")) == 0
    done = {"state": DeliveryState.WRITTEN, "settled_at": night(1)}
    refused = {"state": DeliveryState.REFUSED, "settled_at": night(1), "since": 5, "upto": 9}
    kept = [message(store, **done), message(store, **refused)]
    numbers = [store.keep_message(one) for one in kept]
    assert store.notified_upto(STUDY, Reader("data_manager", address, "outbox")) == 5
    assert store.notified_upto(STUDY, Reader("data_manager", address, "mail")) == 0
    assert store.notified_upto(STUDY, Reader("data_manager", "pi@hospital.example", "outbox")) == 0
    assert store.notified_upto("other", Reader("data_manager", address, "outbox")) == 0
    assert store.messages(STUDY) == tuple(replace(one, id=id_) for one, id_ in zip(kept, numbers, strict=True))


def test_two_roles_with_one_address_are_told_each_what_is_theirs(store: Store) -> None:
    """A person who is data manager and coordinator gets both digests; a message of an earlier version was to both."""
    address, done = "dm@hospital.example", {"state": DeliveryState.WRITTEN, "settled_at": night(1)}
    store.keep_message(message(store, **done, upto=3, role=""))
    store.keep_message(message(store, **done, since=3, upto=5))
    assert store.notified_upto(STUDY, Reader("data_manager", address, "outbox")) == 5
    assert store.notified_upto(STUDY, Reader("coordinator", address, "outbox")) == 3


def test_a_gap_in_what_was_told_is_told_again(store: Store) -> None:
    """A message that is refused after a later one arrived leaves a gap, and the next digest begins before it."""
    address = "dm@hospital.example"
    first = message(store, state=DeliveryState.WAITING, text="news")
    waiting = replace(first, id=store.keep_message(first))
    store.keep_message(message(store, since=5, upto=8, state=DeliveryState.DELIVERED, settled_at=night(2)))
    assert store.notified_upto(STUDY, Reader("data_manager", address, "outbox")) == 8
    store.change_message(replace(waiting, state=DeliveryState.REFUSED, settled_at=night(3)))
    assert store.notified_upto(STUDY, Reader("data_manager", address, "outbox")) == 0
    assert [one.text for one in store.messages(STUDY)] == ["", ""]
