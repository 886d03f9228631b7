"""What the audit says of a cell, and the account in which every printed cell ends exactly once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, NamedTuple

from nightround.published_tables.printed_cells import PrintedCell
from nightround.texts.catalogue import in_language
from redcap_sync.messages import Message


class CellVerdict(IntEnum):
    """How a cell stands; the higher one wins where several checks looked at it."""

    UNVERIFIABLE = 0
    CONSISTENT = 1
    INCONSISTENT = 2


class AuditRemark(NamedTuple):
    """What one check says of one cell. `must` is what the cell would have to be."""

    cell: PrintedCell
    verdict: CellVerdict
    must: Message | None = None
    reason: Message | None = None

    @property
    def recomputed(self) -> str:
        """What the cell would have to be, in English; '' where that is open."""
        return in_language(self.must, "en") if self.must else ""

    @property
    def why(self) -> str:
        """The reason in English; '' for a cell that is consistent."""
        return in_language(self.reason, "en") if self.reason else ""


def consistent(*cells: PrintedCell | None) -> list[AuditRemark]:
    """These cells were checked against other printed numbers, and agree."""
    return [AuditRemark(cell, CellVerdict.CONSISTENT) for cell in cells if cell is not None]


def unverifiable(cell: PrintedCell | None, reason: str) -> list[AuditRemark]:
    """Nothing that is printed decides about this cell; `reason` is the rest of a code below `audit.why`."""
    return [AuditRemark(cell, CellVerdict.UNVERIFIABLE, reason=because(reason))] if cell is not None else []


def inconsistent(cell: PrintedCell | None, must: Message | None, reason: Message) -> list[AuditRemark]:
    """This cell cannot be right if the others are."""
    return [AuditRemark(cell, CellVerdict.INCONSISTENT, must, reason)] if cell is not None else []


class AuditNote(NamedTuple):
    """What was recognised of the style of a table, by the first cell that shows it. It accuses nobody."""

    cell: PrintedCell
    note: Message


def noted(cell: PrintedCell, note: str, /, **facts: Any) -> AuditNote:
    """A note, by the rest of its code below `audit.note`."""
    return AuditNote(cell, Message.of(f"audit.note.{note}", **facts))


def because(reason: str, /, **facts: Any) -> Message:
    """A reason, by the rest of its code below `audit.why`."""
    return Message.of(f"audit.why.{reason}", **facts)


def must_be(code: str, /, **facts: Any) -> Message:
    """What a cell has to be, by the rest of its code below `audit.must`."""
    return Message.of(f"audit.must.{code}", **facts)


@dataclass(frozen=True)
class Audit:
    """Every printed cell once: `checked` counts those that were compared with others, right or wrong."""

    checked: int
    inconsistent: tuple[AuditRemark, ...]
    unverifiable: tuple[AuditRemark, ...]
    notes: tuple[AuditNote, ...] = ()

    def document(self) -> dict[str, Any]:
        """The audit as JSON."""
        return {
            "checked": self.checked,
            "inconsistent": [
                {**_place(one.cell), "recomputed": one.recomputed, **_reason(one)} for one in self.inconsistent
            ],
            "unverifiable": [{**_place(one.cell), **_reason(one)} for one in self.unverifiable],
            "remarks": [
                {**_place(one.cell), "why": in_language(one.note, "en"), "code": one.note.code} for one in self.notes
            ],
        }


def _place(cell: PrintedCell) -> dict[str, str]:
    return {"table": cell.table, "row": cell.row, "cell": cell.column, "printed": cell.text}


def _reason(remark: AuditRemark) -> dict[str, str]:
    return {"why": remark.why, "code": remark.reason.code if remark.reason else ""}


def account(cells: Iterable[PrintedCell], remarks: Iterable[AuditRemark], notes: Iterable[AuditNote] = ()) -> Audit:
    """Settle each cell by the strongest remark about it; of several equal ones the first stands."""
    settled: dict[int, AuditRemark] = {}
    order = {id(cell): AuditRemark(cell, CellVerdict.UNVERIFIABLE, reason=because("unread")) for cell in cells}
    for remark in remarks:
        known = settled.get(id(remark.cell))
        if known is None or remark.verdict > known.verdict:
            settled[id(remark.cell)] = remark
    final = [settled.get(place, remark) for place, remark in order.items()]
    wrong = tuple(one for one in final if one.verdict is CellVerdict.INCONSISTENT)
    open_ = tuple(one for one in final if one.verdict is CellVerdict.UNVERIFIABLE)
    return Audit(len(final) - len(open_), wrong, open_, tuple(notes))
