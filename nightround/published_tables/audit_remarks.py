"""What the audit says of a cell, and the account in which every printed cell ends exactly once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, NamedTuple

from nightround.published_tables.printed_cells import Cell


class Standing(IntEnum):
    """How a cell stands; the higher one wins where several checks looked at it."""

    UNVERIFIABLE = 0
    CONSISTENT = 1
    INCONSISTENT = 2


class Remark(NamedTuple):
    """What one check says of one cell. `recomputed` is what the cell would have to be."""

    cell: Cell
    standing: Standing
    recomputed: str = ""
    why: str = ""


def consistent(*cells: Cell | None) -> list[Remark]:
    """These cells were checked against other printed numbers, and agree."""
    return [Remark(cell, Standing.CONSISTENT) for cell in cells if cell is not None]


def unverifiable(cell: Cell | None, why: str) -> list[Remark]:
    """Nothing that is printed decides about this cell."""
    return [Remark(cell, Standing.UNVERIFIABLE, why=why)] if cell is not None else []


def inconsistent(cell: Cell | None, recomputed: str, why: str) -> list[Remark]:
    """This cell cannot be right beside the others."""
    return [Remark(cell, Standing.INCONSISTENT, recomputed, why)] if cell is not None else []


@dataclass(frozen=True)
class Audit:
    """Every printed cell once: `checked` counts those that were held against others, right or wrong."""

    checked: int
    inconsistent: tuple[Remark, ...]
    unverifiable: tuple[Remark, ...]

    def document(self) -> dict[str, Any]:
        """The audit as JSON."""
        return {
            "checked": self.checked,
            "inconsistent": [
                {**_place(one.cell), "recomputed": one.recomputed, "why": one.why} for one in self.inconsistent
            ],
            "unverifiable": [{**_place(one.cell), "why": one.why} for one in self.unverifiable],
        }


def _place(cell: Cell) -> dict[str, str]:
    return {"table": cell.table, "row": cell.row, "cell": cell.column, "printed": cell.text}


def account(cells: Iterable[Cell], remarks: Iterable[Remark]) -> Audit:
    """Settle each cell by the strongest remark about it; of several equal ones the first stands."""
    settled: dict[int, Remark] = {}
    order = {id(cell): Remark(cell, Standing.UNVERIFIABLE, why="no check reads this cell") for cell in cells}
    for remark in remarks:
        known = settled.get(id(remark.cell))
        if known is None or remark.standing > known.standing:
            settled[id(remark.cell)] = remark
    final = [settled.get(place, remark) for place, remark in order.items()]
    wrong = tuple(one for one in final if one.standing is Standing.INCONSISTENT)
    open_ = tuple(one for one in final if one.standing is Standing.UNVERIFIABLE)
    return Audit(len(final) - len(open_), wrong, open_)
