"""What the audit says of a cell, and the account in which every printed cell ends exactly once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, NamedTuple

from nightround.published_tables.printed_cells import PrintedCell


class Standing(IntEnum):
    """How a cell stands; the higher one wins where several checks looked at it."""

    UNVERIFIABLE = 0
    CONSISTENT = 1
    INCONSISTENT = 2


class AuditRemark(NamedTuple):
    """What one check says of one cell. `recomputed` is what the cell would have to be."""

    cell: PrintedCell
    standing: Standing
    recomputed: str = ""
    why: str = ""


def consistent(*cells: PrintedCell | None) -> list[AuditRemark]:
    """These cells were checked against other printed numbers, and agree."""
    return [AuditRemark(cell, Standing.CONSISTENT) for cell in cells if cell is not None]


def unverifiable(cell: PrintedCell | None, why: str) -> list[AuditRemark]:
    """Nothing that is printed decides about this cell."""
    return [AuditRemark(cell, Standing.UNVERIFIABLE, why=why)] if cell is not None else []


def inconsistent(cell: PrintedCell | None, recomputed: str, why: str) -> list[AuditRemark]:
    """This cell cannot be right beside the others."""
    return [AuditRemark(cell, Standing.INCONSISTENT, recomputed, why)] if cell is not None else []


@dataclass(frozen=True)
class Audit:
    """Every printed cell once: `checked` counts those that were held against others, right or wrong."""

    checked: int
    inconsistent: tuple[AuditRemark, ...]
    unverifiable: tuple[AuditRemark, ...]

    def document(self) -> dict[str, Any]:
        """The audit as JSON."""
        return {
            "checked": self.checked,
            "inconsistent": [
                {**_place(one.cell), "recomputed": one.recomputed, "why": one.why} for one in self.inconsistent
            ],
            "unverifiable": [{**_place(one.cell), "why": one.why} for one in self.unverifiable],
        }


def _place(cell: PrintedCell) -> dict[str, str]:
    return {"table": cell.table, "row": cell.row, "cell": cell.column, "printed": cell.text}


def account(cells: Iterable[PrintedCell], remarks: Iterable[AuditRemark]) -> Audit:
    """Settle each cell by the strongest remark about it; of several equal ones the first stands."""
    settled: dict[int, AuditRemark] = {}
    order = {id(cell): AuditRemark(cell, Standing.UNVERIFIABLE, why="no check reads this cell") for cell in cells}
    for remark in remarks:
        known = settled.get(id(remark.cell))
        if known is None or remark.standing > known.standing:
            settled[id(remark.cell)] = remark
    final = [settled.get(place, remark) for place, remark in order.items()]
    wrong = tuple(one for one in final if one.standing is Standing.INCONSISTENT)
    open_ = tuple(one for one in final if one.standing is Standing.UNVERIFIABLE)
    return Audit(len(final) - len(open_), wrong, open_)
