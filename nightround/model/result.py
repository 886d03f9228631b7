"""Result rows: every number of every table, unrounded, with the text that is printed for it.

Text is made once, next to the number, so that a template never computes and two pages never disagree.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple


class ResultKey(NamedTuple):
    """What a result row is about. '' stands for: over all of them."""

    table: str
    variable: str
    statistic: str
    group: str = ""
    visit: str = ""
    level: str = ""


@dataclass(frozen=True)
class ResultRow:
    """One statistic of one cell.

    `statistic` is a name such as n, percent, mean, sd, median, q1, q3, t, chi2, z, p, difference,
    ci_low, ci_high, or `summary`: the whole cell as it is printed, such as 54.0±15.4, next to the rows
    of its parts. `group`, `visit` and `level` are '' where the number is about all of them. `value`
    is None where it cannot be estimated, and `error` says why; the printed `text` is then that
    reason's sign. `method` names the test or definition that gave it.
    """

    table: str
    variable: str
    statistic: str
    value: float | None
    text: str
    group: str = ""
    visit: str = ""
    level: str = ""
    n: int | None = None
    df: float | None = None
    method: str = ""
    warning: str = ""
    error: str = ""

    @property
    def key(self) -> ResultKey:
        """What names a result row within one result set."""
        return ResultKey(self.table, self.variable, self.statistic, self.group, self.visit, self.level)


class ResultSet:
    """The result rows of one night, each key once, in the order they were made."""

    def __init__(self, rows: Iterable[ResultRow]) -> None:
        self._rows: dict[ResultKey, ResultRow] = {}
        for row in rows:
            if row.key in self._rows:
                raise ValueError(f"two result rows for {row.key}")
            self._rows[row.key] = row

    def __iter__(self) -> Iterator[ResultRow]:
        return iter(self._rows.values())

    def __len__(self) -> int:
        return len(self._rows)

    def get(self, key: ResultKey) -> ResultRow | None:
        """The result row of a key, or None where no such number was planned."""
        return self._rows.get(key)

    def __getitem__(self, key: ResultKey) -> ResultRow:
        return self._rows[key]
