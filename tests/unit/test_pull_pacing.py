"""How fast and how much we ask: the budget of a minute, and batches that fit the server."""

import threading
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redcap_sync.api.answers import AskedTooMuch, ServerBusy
from redcap_sync.api.pacing import MINUTE, RequestBudget
from redcap_sync.errors import RedcapRefused
from redcap_sync.pulling.batches import Batches


class Time:
    """A clock that only sleeping moves on."""

    def __init__(self) -> None:
        self.now = 0.0

    def clock(self) -> float:
        """Tell the time."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds


@given(st.integers(1, 20), st.lists(st.floats(0, 30), max_size=60))
def test_no_minute_has_more_requests_than_the_budget(per_minute: int, pauses: list[float]) -> None:
    """Whatever the pauses between requests, any window of a minute contains the budget at most."""
    time = Time()
    budget = RequestBudget(per_minute, clock=time.clock, sleep=time.sleep)
    sent = []
    for pause in pauses:
        time.now += pause
        budget.take()
        sent.append(time.now)
    for first in sent:
        assert sum(first <= moment < first + MINUTE - 0.01 for moment in sent) <= per_minute


def test_a_budget_that_is_not_reached_makes_nobody_wait() -> None:
    """Requests within the budget go at once."""
    time = Time()
    budget = RequestBudget(3, clock=time.clock, sleep=time.sleep)
    for _ in range(3):
        budget.take()
    assert time.now == 0
    budget.take()
    assert time.now == pytest.approx(MINUTE, abs=0.1)


def too_much() -> AskedTooMuch:
    """What a server without memory says."""
    return AskedTooMuch("api.out_of_memory")


@given(st.integers(0, 60), st.integers(1, 20), st.integers(1, 20), st.integers(1, 4))
def test_every_record_comes_once_whatever_fits_the_server(count: int, largest: int, fits: int, workers: int) -> None:
    """A server that takes only so many at once is asked for no more in the end, and nothing is lost or doubled."""
    ids = [str(n) for n in range(count)]

    def ask(batch: Sequence[str], splittable: bool) -> list[str]:  # noqa: FBT001
        assert splittable == (len(batch) > 1)
        if len(batch) > fits:
            raise too_much()
        return list(batch)

    batches = Batches(ask, first=largest, workers=workers)
    found = list(batches.fetch(ids))
    assert sorted(one for _, answer in found for one in answer) == sorted(ids)
    assert all(list(asked) == answer for asked, answer in found)


def test_batches_grow_back_when_all_is_well() -> None:
    """After trouble the size is halved, after some good answers it is doubled, up to the size asked for."""
    calls: list[int] = []

    def ask(batch: Sequence[str], splittable: bool) -> int:  # noqa: ARG001, FBT001
        calls.append(len(batch))
        if len(calls) == 1:
            raise too_much()
        return len(batch)

    list(Batches(ask, first=8, workers=1, ahead=0).fetch([str(n) for n in range(60)]))
    assert calls[:6] == [8, 4, 4, 4, 4, 8]
    assert max(calls) == 8


class Ease:
    """A server whose answers take so long and so much a record."""

    def __init__(self, seconds: float, size: int = 0, fits: int = 10**6) -> None:
        self.time, self.seconds, self.size, self.fits = Time(), seconds, size, fits
        self.calls: list[int] = []

    def ask(self, batch: Sequence[str], splittable: bool) -> int:  # noqa: ARG002, FBT001
        """Answer a batch."""
        self.calls.append(len(batch))
        self.time.sleep(self.seconds * len(batch))
        if len(batch) > self.fits:
            raise too_much()
        return self.size * len(batch)

    def fetch(self, records: int, first: int, few_calls: int = 1) -> list[int]:
        """Fetch some records with one thread; returns the sizes that were asked for."""
        options = {"bytes_of": lambda size: size, "clock": self.time.clock}
        batches = Batches(self.ask, first=first, workers=1, few_calls=few_calls, ahead=0, **options)
        found = [record for asked, _ in batches.fetch([str(n) for n in range(records)]) for record in asked]
        assert sorted(found, key=int) == [str(n) for n in range(records)]
        return self.calls


def test_batches_grow_while_answers_come_with_ease() -> None:
    """Four times as large at most each time, up to twenty times the first; the last one is what is left."""
    assert Ease(seconds=0.0001).fetch(9000, first=100) == [100, 400, 1600, 2000, 2000, 2000, 900]


def test_batches_stay_as_they_are_while_a_hundred_calls_are_enough() -> None:
    """Ten thousand records come a hundred at a time; of thirty thousand, three hundred after the first."""
    assert Ease(seconds=0.0001).fetch(10_000, first=100, few_calls=100) == [100] * 100
    assert set(Ease(seconds=0.0001).fetch(30_100, first=100, few_calls=100)[1:-1]) == {301}


def test_answers_come_in_the_order_of_the_records() -> None:
    """An answer that is late holds back those behind it, whatever it was split into on the way."""

    def ask(batch: Sequence[str], splittable: bool) -> int:  # noqa: ARG001, FBT001
        threading.Event().wait(0.02 if batch[0] == "0" else 0)
        if len(batch) > 3:
            raise too_much()
        return len(batch)

    records = [str(n) for n in range(30)]
    assert [one for asked, _ in Batches(ask, first=5, workers=2).fetch(records) for one in asked] == records


def test_a_batch_grows_no_larger_than_comes_within_a_second() -> None:
    """At 200 records a second batches have 200; where the first took longer than a second it stays as it is."""
    assert Ease(seconds=1 / 200).fetch(500, first=100) == [100, 200, 200]
    assert Ease(seconds=1 / 50).fetch(300, first=100) == [100, 100, 100]


def test_a_batch_grows_no_larger_than_is_held_with_ease() -> None:
    """Answers of 40 kB a record come 200 at once, 8 MB."""
    assert Ease(seconds=0.0001, size=40_000).fetch(500, first=100) == [100, 200, 200]


def test_a_batch_that_became_slow_shrinks_to_the_first_at_most() -> None:
    """What grew is taken back when an answer took longer than a second."""
    server = Ease(seconds=0.0001)
    batches = Batches(server.ask, first=100, workers=1, few_calls=1, ahead=0, clock=server.time.clock)
    running = batches.fetch([str(n) for n in range(2000)])
    next(running)
    server.seconds = 1 / 50
    list(running)
    assert server.calls[:3] == [100, 400, 100]


def test_what_was_too_much_is_not_tried_again() -> None:
    """A server without memory for 600 records is asked for 800 once."""
    assert Ease(seconds=0.0001, fits=600).fetch(2000, first=200) == [200, 800, 400, 400, 400, 400, 200]


def test_what_asking_for_less_cannot_mend_is_raised_at_once() -> None:
    """A refusal is not tried in halves."""
    calls: list[int] = []

    def ask(batch: Sequence[str], splittable: bool) -> int:  # noqa: ARG001, FBT001
        calls.append(len(batch))
        raise RedcapRefused("api.refused", status=403).with_private("no")

    with pytest.raises(RedcapRefused):
        list(Batches(ask, first=8, workers=1).fetch([str(n) for n in range(8)]))
    assert calls == [8]


def test_a_server_that_stays_down_is_given_up() -> None:
    """The failures in a row are bounded."""
    calls: list[int] = []

    def ask(batch: Sequence[str], splittable: bool) -> int:  # noqa: ARG001, FBT001
        calls.append(len(batch))
        raise ServerBusy("api.busy", status=503)

    with pytest.raises(ServerBusy):
        list(Batches(ask, first=4096, workers=1).fetch([str(n) for n in range(5000)]))
    assert len(calls) <= 9


def test_no_more_calls_at_once_than_workers() -> None:
    """Two workers never have three calls under way."""
    running, most, lock = [0], [0], threading.Lock()

    def ask(batch: Sequence[str], splittable: bool) -> int:  # noqa: ARG001, FBT001
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        threading.Event().wait(0.005)
        with lock:
            running[0] -= 1
        return len(batch)

    list(Batches(ask, first=2, workers=2).fetch([str(n) for n in range(20)]))
    assert most[0] == 2


@pytest.mark.parametrize("workers", [1, 2])
def test_a_server_with_room_for_one_record_gives_them_all(workers: int) -> None:
    """Batches that were cut before the first trouble do not use up the failures that halving needs."""

    def ask(batch: Sequence[str], splittable: bool) -> int:  # noqa: ARG001, FBT001
        threading.Event().wait(0.002)
        if len(batch) > 1:
            raise too_much()
        return len(batch)

    records = [str(n) for n in range(400)]
    found = Batches(ask, first=100, workers=workers).fetch(records)
    assert [one for asked, _ in found for one in asked] == records
