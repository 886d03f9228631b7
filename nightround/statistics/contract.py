"""Result rows: every number of every table, unrounded, with the text that is printed for it.

Text is made once, beside the number, so that a template never computes and two pages never disagree.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class ResultRow:
    """One statistic of one cell.

    `statistic` is a name such as n, percent, mean, sd, median, q1, q3, t, chi2, z, p, difference,
    ci_low, ci_high. `value` is None where it cannot be estimated, and `error` says why; the printed
    `text` is then that reason's sign. `method` names the test or definition that gave it.
    """

    table: str
    variable: str
    statistic: str
    value: float | None
    text: str
    group: str = ""
    level: str = ""
    n: int | None = None
    df: float | None = None
    method: str = ""
    warning: str = ""
    error: str = ""

    @property
    def key(self) -> tuple[str, str, str, str, str]:
        """What names a result row within one result set."""
        return (self.table, self.group, self.variable, self.level, self.statistic)


class ResultSet:
    """The result rows of one night, each key once, in the order they were made."""

    def __init__(self, rows: Iterable[ResultRow]) -> None:
        self._rows: dict[tuple[str, str, str, str, str], ResultRow] = {}
        for row in rows:
            if row.key in self._rows:
                raise ValueError(f"two result rows for {row.key}")
            self._rows[row.key] = row

    def __iter__(self) -> Iterator[ResultRow]:
        return iter(self._rows.values())

    def __len__(self) -> int:
        return len(self._rows)

    def get(self, table: str, variable: str, statistic: str, *, group: str = "", level: str = "") -> ResultRow | None:
        """The result row of a key, or None."""
        return self._rows.get((table, group, variable, level, statistic))

    def text(self, table: str, variable: str, statistic: str, *, group: str = "", level: str = "") -> str:
        """The printed text of a key; a key that was never made is a bug and raises KeyError."""
        return self._rows[(table, group, variable, level, statistic)].text
