"""Fetches many records in batches that fit the server: smaller after trouble, larger where very many come with ease."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Generic, NamedTuple, TypeVar

from redcap_sync.api.answers import AskedTooMuch, BrokenAnswer, ServerBusy

T = TypeVar("T")

TOO_MUCH = (AskedTooMuch, BrokenAnswer, ServerBusy)
EASY_SECONDS = 1.0
"""A batch that grew should not take longer: far less than the minute after which proxies give up."""
EASY_BYTES = 8_000_000
"""Nor be larger than this, as columns: some 2,000 records of 300 fields. Each thread has one."""
GROWTH = 4
"""A batch is at most so many times as large as the one before."""
MOST_GROWTH = 20
"""And so many times as large as the first: 2,000 records where that had 100."""
FEW_CALLS = 100
"""As long as records come in so many calls, batches stay as they are: it is long pulls that larger ones shorten."""
AHEAD = 3
"""Batches that wait ready for a thread, so that none stands still while answers are read."""
GROW_AFTER = 4
"""So many good answers in a row after trouble, and batches are twice as large, up to the size of the first."""
LARGEST_RUN_OF_TROUBLE = 8
"""So many failures in a row (a batch of 100 is halved 7 times down to one record), and the server is ill."""


class _Batch(NamedTuple):
    """Records to ask for, and where they begin among all of them."""

    start: int
    ids: list[str]


class _Timed(NamedTuple, Generic[T]):
    answer: T
    seconds: float


class Batches(Generic[T]):
    """Fetches records with a few threads; `ask` is called with record ids, and once more alone when all else failed.

    `ask(ids, splittable)` raises one of TOO_MUCH where fewer records may succeed; with `splittable` false it is the
    last attempt and should be patient. `first` is the size to begin with, and the largest where `few_calls` of it are
    enough; `ahead` batches lie ready, of the size that was right when they were cut; `bytes_of` says how large an
    answer is; `clock` tells seconds that never go back.
    """

    def __init__(
        self,
        ask: Callable[[Sequence[str], bool], T],
        *,
        first: int,
        workers: int,
        few_calls: int = FEW_CALLS,
        ahead: int = AHEAD,
        bytes_of: Callable[[T], int] = lambda _: 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ask = ask
        self._first = first
        self._most = first * MOST_GROWTH
        self._workers = workers
        self._few_calls = few_calls
        self._ahead = ahead
        self._bytes_of = bytes_of
        self._clock = clock
        self.size = first
        """Records in the next batch."""
        self._good = 0
        self._bad = 0

    def fetch(self, records: Sequence[str]) -> Iterator[tuple[Sequence[str], T]]:
        """Yield (ids asked, answer) in the order of `records`; raises the last error when even one record fails."""
        self._most = min(self._most, max(self._first, len(records) // self._few_calls))
        waiting = deque([_Batch(0, list(records))])
        running: dict[Future[_Timed[T]], _Batch] = {}
        early: dict[int, tuple[_Batch, T]] = {}
        at = 0
        with ThreadPoolExecutor(self._workers, thread_name_prefix="pull") as threads:
            try:
                while waiting or running:
                    ahead = 0 if self._bad else self._ahead  # in trouble no batch is cut before the last one is known
                    while waiting and len(running) < self._workers + ahead:
                        if (batch := self._next(waiting)).ids:
                            running[threads.submit(self._timed, batch.ids)] = batch
                    for done in wait(running, return_when=FIRST_COMPLETED).done:
                        batch = running.pop(done)
                        if self._succeeded(done, batch.ids):
                            early[batch.start] = batch, done.result().answer
                        else:
                            waiting.appendleft(batch)
                    while at in early:
                        batch, answer = early.pop(at)
                        at += len(batch.ids)
                        yield batch.ids, answer
            finally:
                threads.shutdown(wait=True, cancel_futures=True)

    def _timed(self, batch: list[str]) -> _Timed[T]:
        began = self._clock()
        answer = self._ask(batch, len(batch) > 1)
        return _Timed(answer, self._clock() - began)

    def _next(self, waiting: deque[_Batch]) -> _Batch:
        start, ids = waiting.popleft()
        if rest := ids[self.size :]:
            waiting.appendleft(_Batch(start + self.size, rest))
        return _Batch(start, ids[: self.size])

    def _succeeded(self, done: Future[_Timed[T]], batch: list[str]) -> bool:
        """Say whether a batch came, and learn from it; raises what asking for less cannot fix."""
        error = done.exception()
        if error is None:
            self._good, self._bad = self._good + 1, 0
            self._learn(done.result(), len(batch))
            return True
        self._good, self._bad = 0, self._bad + 1
        if not isinstance(error, TOO_MUCH) or len(batch) == 1 or self._bad > LARGEST_RUN_OF_TROUBLE:
            raise error
        self.size = max(1, min(self.size, len(batch)) // 2)
        self._most = min(self._most, max(self._first, self.size))
        return False

    def _learn(self, timed: _Timed[T], asked: int) -> None:
        """Let the next batch be as large as comes with ease; one smaller than the first only grows back slowly."""
        if self.size < self._first:
            if self._good % GROW_AFTER == 0:
                self.size = min(self._first, self.size * 2)
            return
        ease = min(GROWTH, EASY_SECONDS / max(timed.seconds, 1e-6), EASY_BYTES / max(self._bytes_of(timed.answer), 1))
        easy = max(self._first, min(self._most, int(asked * ease)))
        self.size = max(self.size, easy) if ease >= 1 else min(self.size, easy)
