"""Records that take over the answers of another with the same rows."""

from __future__ import annotations

import numpy as np

from nightround.simulation.twin.draft import Draft, Mask, Rows


def right_records_alike(draft: Draft, wrong: Mask, rng: np.random.Generator) -> dict[int, int]:
    """For each wrong record a right one that has the same rows, where there is any."""
    shapes: dict[bytes, list[int]] = {}
    own = _shapes(draft)
    for record in np.flatnonzero(~wrong):
        shapes.setdefault(own[record], []).append(int(record))
    found = {}
    for record in np.flatnonzero(wrong):
        same = shapes.get(own[record])
        if same:
            found[int(record)] = same[int(rng.integers(len(same)))]
    return found


def _shapes(draft: Draft) -> list[bytes]:
    """What rows each record has, as something to compare."""
    marks: list[list[str]] = [[] for _ in draft.records]
    for name, table in draft.tables.items():
        keys = zip(table.records.tolist(), table.keys["event"], table.keys["instance"], strict=True)
        for record, event, instance in keys:
            marks[record].append(f"{name}/{event}/{instance}")
    return ["\n".join(mark).encode() for mark in marks]


def matching_rows(records: Rows, donors: dict[int, int]) -> tuple[Rows, Rows]:
    """The rows of donors and, in the same order, those of the records that take over from them."""
    order = np.argsort(records, kind="stable")
    first = np.searchsorted(records[order], np.arange(int(records.max(initial=-1)) + 2))
    source, target = [], []
    for record, donor in donors.items():
        if record + 1 < len(first) and donor + 1 < len(first):
            target.append(order[first[record] : first[record + 1]])
            source.append(order[first[donor] : first[donor + 1]])
    if not source:
        nothing = np.zeros(0, dtype=np.intp)
        return nothing, nothing
    return np.concatenate(source), np.concatenate(target)
