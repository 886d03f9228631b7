"""All rules of a batch worked out over its rows, part by part.

A part is few enough rows that what is made in between stays in the processor's cache, and memory for it
is used again and again. Parts are shared out to threads, for numpy and Arrow work in parallel.
Where parts begin depends on the number of rows alone, so the number of threads changes no result.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from nightround.validation.batch import CONTEXT, Context
from nightround.validation.checks import NEEDS_ALL_ROWS, Rows, Verdict, run_check
from nightround.validation.cohort_checks import CohortSeen
from nightround.validation.stored import Mask, StoredTexts
from nightround.validation.trees import ScopeKey, Trees, read_trees
from redcap_sync.errors import LogicError
from redcap_sync.logic import Column, Evaluator
from redcap_sync.messages import Message

FEWEST_ROWS, MOST_ROWS = 65_536, 524_288
"""Of a part. Numbers of the most rows are four megabytes; with fewer than the fewest, two threads that work on parts
wait for one another longer than they work, because only one of them at a time can be in Python."""
_WORTH_THREADS = 16_384
"""Rows from which taking up a column is work enough to be given away."""
_PIECES_A_THREAD = 4
_WHOLE_BYTES = 8
_RARE = 40
"""One row in so many is rare enough for numpy to go from one to the next."""

Bits = npt.NDArray[np.uint8]
Positions = npt.NDArray[np.intp]
Value = TypeVar("Value")
Run = Callable[..., Iterable[Any]]
"""`map`, or that of a pool of threads."""


@dataclass(frozen=True, eq=False)
class RuleResult:
    """What one rule came to on one batch: a bit a row for its scope and for what was judged, and what failed."""

    in_scope: int = 0
    checked: int = 0
    scope: Bits = field(default_factory=lambda: np.empty(0, dtype=np.uint8))
    judged: Bits = field(default_factory=lambda: np.empty(0, dtype=np.uint8))
    failing: Positions = field(default_factory=lambda: np.empty(0, dtype=np.intp))
    error: Message | None = None
    suggested: Mapping[int, str] = field(default_factory=dict, repr=False)
    """What a failing row probably should hold, by its position; never part of Great Expectations' own results."""
    others: Mapping[int, tuple[int, ...]] = field(default_factory=dict, repr=False)
    """The rows that fail together with a failing row, by its position."""
    cohort: tuple[CohortSeen, ...] = ()
    """What each test of a rule on all rows together saw."""


class Found(NamedTuple):
    """The result of a rule on one part."""

    in_scope: int
    checked: int
    scope: Bits
    judged: Bits
    failing: Positions


def evaluate_rules(
    frame: pd.DataFrame, rules: Mapping[str, Mapping[str, Any] | Trees], threads: int | None = None
) -> dict[str, RuleResult]:
    """Evaluate rules on a frame; one that breaks never stops the others.

    Rules are, by id, the suite's `logic` objects, as they are written or read already.

    `threads` work in parallel; by default as many as the frame's `Context` says, or the process may use.
    """
    # A GX user who runs a suite on a frame of their own has no context; the machine's clock is used.
    context: Context = frame.attrs.get(CONTEXT) or Context(datetime.now())  # noqa: DTZ005
    # pandas copies `attrs` with every column that is taken out, and the context is not small.
    frame = frame.copy(deep=False)
    frame.attrs = {}

    def column(name: str) -> Column:
        return Column(frame[name], kind=context.date_kinds.get(name, ""))

    evaluator = Evaluator(column, length=len(frame), now=context.now, missing_codes=context.missing_codes)
    with _pool(threads or context.threads or _usable_processors(), len(frame)) as run:
        return _evaluate(frame, rules, Rows(StoredTexts(frame), evaluator, context.now), run)


def parts_of(length: int) -> list[slice]:
    """Parts of equal size, of which two threads have something where it is worth it; at least one.

    They begin at whole bytes of a bit a row.
    """
    count = max(1, -(-length // MOST_ROWS), min(2, length // FEWEST_ROWS))
    size = max(1, -(-length // (count * _WHOLE_BYTES))) * _WHOLE_BYTES
    return [slice(start, min(start + size, length)) for start in range(0, max(length, 1), size)]


def _usable_processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def _pool(threads: int, length: int) -> Iterator[Run]:
    """`map` over so many threads; the plain one where there is too little to share out."""
    if threads == 1 or length < _WORTH_THREADS:
        yield map
        return
    with ThreadPoolExecutor(threads, thread_name_prefix="rules") as pool:

        def run(work: Callable[..., Value], *arguments: Iterable[Any]) -> Iterator[Value]:
            calls = list(zip(*arguments, strict=True))
            size = max(1, len(calls) // (threads * _PIECES_A_THREAD))
            pieces = [calls[first : first + size] for first in range(0, len(calls), size)]
            done = pool.map(lambda piece: [work(*call) for call in piece], pieces)
            return (one for piece in done for one in piece)

        yield run


def _evaluate(
    frame: pd.DataFrame, rules: Mapping[str, Mapping[str, Any] | Trees], rows: Rows, run: Run
) -> dict[str, RuleResult]:
    read = {rule_id: _guarded(_read, logic) for rule_id, logic in rules.items()}
    trees = {rule_id: one for rule_id, one in read.items() if isinstance(one, Trees)}
    rows.stored.load((name for one in trees.values() if one.check for name in one.check["columns"]), run)
    scopes = {key: _guarded(_rows_of, frame, key) for key in {one.rows for one in trees.values()}}
    asked = [tree for one in trees.values() for tree in one.asked]
    parts = parts_of(len(frame))
    needed = [name for one in trees.values() for name in one.needs]
    evaluators = rows.evaluator.parts(parts, asked, filled=needed, run=run)

    def judge_part(part: slice, evaluator: Evaluator) -> dict[str, Found | RuleResult]:
        some = Rows(rows.stored.part(part), evaluator, rows.now)
        return {rule_id: _guarded(_judged, one, scopes[one.rows], some, part) for rule_id, one in trees.items()}

    found = list(run(judge_part, parts, evaluators))

    def result_of(rule_id: str, one: Trees | RuleResult) -> RuleResult:
        return one if isinstance(one, RuleResult) else _joined(one, [part[rule_id] for part in found], rows)

    return dict(zip(read, run(result_of, read, read.values()), strict=True))


def _guarded(work: Callable[..., Value], *arguments: Any) -> Value | RuleResult:
    """What a piece of work gives, or why it could not be done: whatever a rule does, the others must be judged."""
    try:
        return work(*arguments)
    except LogicError as error:
        return RuleResult(error=error.part("what"))
    except KeyError as error:
        return RuleResult(error=Message.of("outcome.no_column", column=str(error.args[0])))
    except Exception as error:  # noqa: BLE001
        return RuleResult(error=Message.of("outcome.broke", error=type(error).__name__))


def _read(logic: Mapping[str, Any] | Trees) -> Trees:
    return logic if isinstance(logic, Trees) else read_trees(logic)


def _rows_of(frame: pd.DataFrame, rows: ScopeKey) -> Mask:
    """The rows of some instruments, at the events named for each, or at all."""
    scope = np.zeros(len(frame), dtype=bool)
    for instrument, events in rows:
        own = frame["instrument"].eq(instrument)
        scope |= (own & frame["event"].isin(events) if events else own).to_numpy(dtype=bool)
    return scope


def _judged(trees: Trees, scope: Mask | RuleResult, rows: Rows, part: slice) -> Found | RuleResult:
    if isinstance(scope, RuleResult):
        return scope
    verdict = _verdict(trees, scope[part], rows)
    bits = np.packbits(verdict.scope)
    return Found(
        int(np.count_nonzero(verdict.scope)),
        int(np.count_nonzero(verdict.judged)),
        bits,
        bits if verdict.judged is verdict.scope else np.packbits(verdict.judged),
        positions_of(verdict.failing) + part.start,
    )


def positions_of(mask: Mask) -> Positions:
    """Where a mask is true, in order: `np.flatnonzero`, in a third of its time where some rows in a hundred are.

    Below a tenth numpy goes from one true row to the next and stumbles at each; above, it goes through all rows
    alike. So rows that are true are appended until there are enough.
    """
    count, rows = int(np.count_nonzero(mask)), len(mask)
    lacking = rows // 10 - count
    if lacking < 0 or count < rows // _RARE:
        return np.flatnonzero(mask)
    return np.flatnonzero(np.concatenate([mask, np.ones(lacking * 10 // 9 + 2, dtype=bool)]))[:count]


def _verdict(trees: Trees, scope: Mask, rows: Rows) -> Verdict:
    if trees.applies is not None:
        scope = scope & rows.evaluator.truth(trees.applies)
    judged = scope
    for column in trees.needs:
        judged = judged & rows.evaluator.filled(column)
    if trees.discrepancy is not None:
        return Verdict(scope, judged, judged & rows.evaluator.truth(trees.discrepancy))
    if _needs_all_rows(trees):
        return Verdict(scope, judged, np.zeros(1, dtype=bool))
    return run_check(trees.check or {}, rows, judged)


def _needs_all_rows(trees: Trees) -> bool:
    return trees.check is not None and trees.check["kind"] in NEEDS_ALL_ROWS


def _joined(trees: Trees, parts: Sequence[Found | RuleResult], rows: Rows) -> RuleResult:
    """One result of all parts; a rule that broke in any of them could not be evaluated."""
    found = [part for part in parts if isinstance(part, Found)]
    if len(found) < len(parts):
        return next(part for part in parts if isinstance(part, RuleResult))
    scope, judged = (np.concatenate(bits) for bits in zip(*((one.scope, one.judged) for one in found), strict=True))
    if _needs_all_rows(trees):
        return _of_all_rows(trees, scope, judged, rows)
    failing = np.concatenate([one.failing for one in found])
    return RuleResult(sum(one.in_scope for one in found), sum(one.checked for one in found), scope, judged, failing)


def _of_all_rows(trees: Trees, scope: Bits, judged: Bits, rows: Rows) -> RuleResult:
    """A check that compares every value with all others, made once its scope is known for all rows."""
    in_scope, filled = (np.unpackbits(bits, count=len(rows.stored)).view(bool) for bits in (scope, judged))
    verdict = _guarded(run_check, trees.check or {}, rows, filled)
    if isinstance(verdict, RuleResult):
        return verdict
    concerned = verdict.scope | (in_scope & ~filled)
    return RuleResult(
        int(np.count_nonzero(concerned)),
        int(np.count_nonzero(verdict.judged)),
        np.packbits(concerned),
        np.packbits(verdict.judged),
        positions_of(verdict.failing),
        suggested=verdict.suggested,
        others=verdict.others,
        cohort=verdict.cohort,
    )
