"""Where a condition turns from true to false as one of its values grows: candidates for a value that keeps a rule."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from nightround.simulation.twin.draft import Numbers, Rows, evaluator_of
from nightround.validation.batch import Batch
from redcap_sync.dictionary import Dictionary
from redcap_sync.errors import LogicError
from redcap_sync.logic import Expression, Reference, references
from redcap_sync.logic.syntax import Call, Chain, Comparison, Text

DATE = re.compile(r"\d{4}-\d{2}-\d{2}.*|today|now")
SLOPE = 1e-12


def differences(tree: Expression, target: Reference, dictionary: Dictionary) -> Iterator[Expression]:
    """Every part of a condition whose sign decides it and that reads the target: `left - right`, what `abs` takes."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if target not in references(node):
            continue
        if isinstance(node, Comparison):
            yield _difference(node, dictionary)
        if isinstance(node, Call) and node.name == "abs":
            yield node.arguments[0]
        waiting.extend(node.children)


def _difference(node: Comparison, dictionary: Dictionary) -> Expression:
    if _is_date(node.left, dictionary) or _is_date(node.right, dictionary):
        return Call("datediff", (node.left, node.right, Text("d"), Text("ymd"), Text("true")))
    return Chain(("-",), (node.left, node.right))


def _is_date(node: Expression, dictionary: Dictionary) -> bool:
    if isinstance(node, Text):
        return DATE.fullmatch(node.value) is not None
    field = dictionary.by_name.get(node.field) if isinstance(node, Reference) else None
    return field is not None and field.kind in ("date", "datetime")


class Start(NamedTuple):
    """Where to look from: the target's present values, in seconds for a date, how far to look, and the rows."""

    values: Numbers
    step: float
    rows: Rows


def roots(batch: Batch, difference: Expression, target: str, start: Start) -> Numbers:
    """The value of the target at which a difference is nought in each of some rows, taken to be a straight line there.

    NaN where nothing can be said.
    """
    values, step, rows = start
    now, codes = batch.frame.attrs["nightround"].now, batch.frame.attrs["nightround"].missing_codes
    frame = batch.frame.take(rows).reset_index(drop=True)
    frame.attrs = batch.frame.attrs
    found = []
    for moved in (values, values + step):
        changed = frame.copy(deep=False)
        changed[target] = _as_column(frame[target].dtype.kind, moved)
        part = Batch(batch.name, batch.rows, changed, batch.sources, batch.unreadable)
        try:
            found.append(evaluator_of(part, now, codes).numbers(difference))
        except LogicError:
            return np.full(len(rows), np.nan)
    here, there = found
    slope = (there - here) / step
    with np.errstate(all="ignore"):
        root = values - here / slope
    return np.where(np.abs(slope) > SLOPE, root, np.nan)


def _as_column(kind: str, values: Numbers) -> Numbers | np.ndarray:
    if kind != "M":
        return values
    return np.where(np.isnan(values), np.datetime64("NaT"), np.nan_to_num(values).astype("datetime64[s]")).astype(
        "datetime64[ns]"
    )
