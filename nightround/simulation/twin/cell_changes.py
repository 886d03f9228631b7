"""Which fields a search changed when, so that it does not change one to and fro."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from nightround.simulation.twin.draft import Mask, Rows

REST = 3
"""So many rounds a field is left as it is in a record after it was changed there, while the rule has another."""


@dataclass(eq=False)
class CellChanges:
    """When each field was last changed in each record of a search, counted in rounds."""

    records: int
    round: int = 0
    last: dict[str, npt.NDArray[np.int64]] = field(default_factory=dict)

    def of(self, numbers: Rows) -> CellChangesOfSome:
        """Those of some records, which are numbered anew."""
        return CellChangesOfSome(self, numbers)


@dataclass(frozen=True)
class CellChangesOfSome:
    """The changes of the records that a round looks at."""

    every: CellChanges
    numbers: Rows

    def rested(self, name: str, records: Rows) -> Mask:
        """In which records a field was not changed for some rounds."""
        last = self.every.last.get(name)
        if last is None:
            return np.ones(len(records), dtype=bool)
        rested: Mask = self.every.round - last[self.numbers[records]] > REST
        return rested

    def note(self, name: str, records: Rows) -> None:
        """Remember that a field was changed in some records."""
        never = np.full(self.every.records, -REST - 1, dtype=np.int64)
        self.every.last.setdefault(name, never)[self.numbers[records]] = self.every.round
