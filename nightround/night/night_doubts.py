"""What a night is in doubt about, and how a mail says it."""

from __future__ import annotations

from collections.abc import Collection, Container, Iterable, Iterator

from nightround.model.doubts import Doubts
from nightround.model.outcome import Outcome, Status
from nightround.night.accepted_structure import StructureTonight
from redcap_sync.messages import Message
from redcap_sync.rows.tables import CellKey, Gone, RowKey

SHOWN_LINES = 5
"""So many differences of the structure are named in a mail."""
JUDGED = frozenset({Status.PASSED, Status.FAILED})


def doubts_of(
    structure: StructureTonight,
    suspects: Iterable[Gone],
    outcomes: Iterable[Outcome],
    before: Iterable[Outcome],
    *,
    off: Container[str] = frozenset(),
) -> Doubts:
    """What keeps tonight's findings from being closed.

    Rows that have no place in a structure that is not accepted yet wait for that, not for themselves. Rules that are
    switched `off` are no fault.
    """
    lost = structure.lost
    waiting = [one for one in suspects if lost is None or not lost.loses_suspect(one)]
    judged_before = {one.rule_id for one in before if one.status in JUDGED}
    unjudged = {one.rule_id: one.status for one in outcomes if one.status not in JUDGED and one.rule_id not in off}
    return Doubts(
        suspects=frozenset(one for one in waiting if isinstance(one, RowKey)),
        cells=frozenset(one for one in waiting if isinstance(one, CellKey)),
        lost=lost,
        reading=structure.reading,
        not_evaluated=sum(status is Status.NOT_EVALUATED for status in unjudged.values()),
        sudden=frozenset(judged_before & unjudged.keys()),
        judged_before=len(judged_before),
    )


def suspects_said(rows: Collection[RowKey], cells: Collection[CellKey]) -> Iterator[Message]:
    """How many rows and answers are gone that nothing explains."""
    if rows:
        yield Message.of("doubts.suspects", rows=len(rows), records=len({row.record for row in rows}))
    if cells:
        yield Message.of("doubts.blanked", answers=len(cells), records=len({cell.record for cell in cells}))


def doubts_said(doubts: Doubts, *, log_read: bool) -> Iterator[Message]:
    """What is in doubt, in counts, and what to do about it."""
    yield from suspects_said(doubts.suspects, doubts.cells)
    if doubts.suspects or doubts.cells:
        yield Message.of("doubts.accept_suspects" if log_read else "doubts.accept_without_log")
    if doubts.lost:
        lines = doubts.lost.lines
        more = (Message.of("doubts.more", count=len(lines) - SHOWN_LINES),) if len(lines) > SHOWN_LINES else ()
        yield Message.of("doubts.lost", lines=(*lines[:SHOWN_LINES], *more))
        yield Message.of("doubts.accept_structure")
    if doubts.many_sudden:
        yield Message.of("doubts.sudden", count=len(doubts.sudden), of=doubts.judged_before)
