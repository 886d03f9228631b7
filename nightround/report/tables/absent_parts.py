"""What a report could show and does not, each with its reason, so that nothing is missing in silence."""

from __future__ import annotations

from collections.abc import Iterator

from nightround.report.numbers.inputs import ReportInputs
from nightround.report.tables.safety_page import safety_shown
from nightround.texts.catalogue import Wording


def absent_parts(inputs: ReportInputs, say: Wording) -> Iterator[str]:
    """A line each part that the plan does not name, the project does not have, or the open version withholds."""
    plan = inputs.plan
    there = {
        "accrual": plan.accrual is not None,
        "follow_up": plan.follow_up is not None,
        "exposure": plan.exposure is not None,
        "safety": safety_shown(inputs),
        "deaths": plan.deaths is not None,
        "survival": bool(plan.survival),
        "sites": any(row.table == "sites" for row in inputs.results),
        "checklist": bool(plan.report.checklist),
    }
    asked = {table.id for table in plan.tables if "difference_in_change" in table.effects}
    compared = {row.table for row in inputs.results if row.statistic == "difference_in_change"}
    there["differences"] = asked <= compared
    for name, shown in there.items():
        if not shown:
            reason = say("absent_withheld" if name in inputs.withheld else f"absent_{name}_why")
            yield say("absent_line", part=say(f"absent_{name}"), reason=reason)
