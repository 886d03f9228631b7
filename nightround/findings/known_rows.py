"""Which rows a snapshot has, asked for by their keys."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from redcap_sync.rows.tables import KEY_COLUMNS, RowKey, Table


@dataclass(frozen=True, eq=False)
class KnownRows:
    """The rows of a snapshot's tables. The keys of an instrument are read when one of them is asked for.

    Most nights ask for the rows of few instruments, those with a finding that was not seen again.
    """

    tables: Mapping[str, Table]
    _keys: dict[str, frozenset[tuple[object, ...]]] = field(default_factory=dict, repr=False)

    def __contains__(self, row: object) -> bool:
        return isinstance(row, RowKey) and row in self._keys_of(row.instrument)

    def _keys_of(self, instrument: str) -> frozenset[tuple[object, ...]]:
        if instrument not in self._keys:
            self._keys[instrument] = _read(self.tables.get(instrument))
        return self._keys[instrument]


def _read(table: Table | None) -> frozenset[tuple[object, ...]]:
    columns = [table.keys[name].tolist() for name in KEY_COLUMNS] if table is not None else []
    return frozenset(zip(*columns, strict=True))
