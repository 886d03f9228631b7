"""How fast we may ask: REDCap bans an address that sends more requests a minute than its site allows."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock

MINUTE = 60.0


@dataclass
class RequestBudget:
    """So many requests in any minute, whichever thread sends them.

    `clock` tells seconds that never go back, `sleep` waits; both are arguments so that tests take no time.
    """

    per_minute: int
    clock: Callable[[], float]
    sleep: Callable[[float], None]
    _sent: deque[float] = field(default_factory=deque)
    _lock: Lock = field(default_factory=Lock)

    def take(self) -> None:
        """Wait until one more request is within the budget."""
        with self._lock:
            while self._full():
                self.sleep(max(self._sent[0] + MINUTE - self.clock(), 0.001))
            self._sent.append(self.clock())

    def _full(self) -> bool:
        while self._sent and self._sent[0] <= self.clock() - MINUTE:
            self._sent.popleft()
        return len(self._sent) >= self.per_minute
