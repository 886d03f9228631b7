"""Fetches many records in batches that fit the server: smaller after trouble, larger again when all is well."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Generic, TypeVar

from redcap_sync.answers import AskedTooMuch, BrokenAnswer, ServerBusy

T = TypeVar("T")

TOO_MUCH = (AskedTooMuch, BrokenAnswer, ServerBusy)
GROW_AFTER = 4
"""So many good answers in a row, and the next batches are twice as large, up to the size asked for."""
LARGEST_RUN_OF_TROUBLE = 8
"""So many failures in a row (a batch of 100 is halved 7 times down to one record), and the server is ill."""


class Batches(Generic[T]):
    """Fetches records with a few threads; `ask` is called with record ids, and once more alone when all else failed.

    `ask(ids, splittable)` raises one of TOO_MUCH where fewer records may succeed; with `splittable`
    false it is the last attempt and should be patient.
    """

    def __init__(self, ask: Callable[[Sequence[str], bool], T], *, largest: int, workers: int) -> None:
        self._ask = ask
        self._largest = largest
        self._workers = workers
        self.size = largest
        """Records in the next batch."""
        self._good = 0
        self._bad = 0

    def fetch(self, records: Sequence[str]) -> Iterator[tuple[Sequence[str], T]]:
        """Yield (ids asked, answer) as answers come; raises the last error when even one record fails."""
        waiting = deque([list(records)])
        running: dict[Future[T], list[str]] = {}
        with ThreadPoolExecutor(self._workers, thread_name_prefix="pull") as threads:
            try:
                while waiting or running:
                    while waiting and len(running) < self._workers:
                        if batch := self._next(waiting):
                            running[threads.submit(self._ask, batch, len(batch) > 1)] = batch
                    for done in wait(running, return_when=FIRST_COMPLETED).done:
                        batch = running.pop(done)
                        if self._succeeded(done, batch):
                            yield batch, done.result()
                        else:
                            waiting.appendleft(batch)
            finally:
                threads.shutdown(wait=True, cancel_futures=True)

    def _next(self, waiting: deque[list[str]]) -> list[str]:
        first = waiting.popleft()
        batch, rest = first[: self.size], first[self.size :]
        if rest:
            waiting.appendleft(rest)
        return batch

    def _succeeded(self, done: Future[T], batch: list[str]) -> bool:
        """Say whether a batch came, and learn from it; raises what asking for less cannot mend."""
        error = done.exception()
        if error is None:
            self._good, self._bad = self._good + 1, 0
            if self._good % GROW_AFTER == 0:
                self.size = min(self._largest, self.size * 2)
            return True
        self._good, self._bad = 0, self._bad + 1
        if not isinstance(error, TOO_MUCH) or len(batch) == 1 or self._bad > LARGEST_RUN_OF_TROUBLE:
            raise error
        self.size = max(1, min(self.size, len(batch)) // 2)
        return False
