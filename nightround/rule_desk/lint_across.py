"""Lint: rules that compare rows with one another, or count them."""

from __future__ import annotations

from collections.abc import Iterator

from nightround.rule_desk.linted import Linted
from nightround.rule_desk.remarks import Remark, RemarkLevel

MOMENTS = ("date", "datetime")


def lint_across(linted: Linted) -> Iterator[Remark]:
    """What is measured can be measured so, and what is counted for a record is asked once."""
    check = linted.rule.check
    settings = check.settings if check else {}
    for column, measure, _ in settings.get("near", ()):
        field = linted.dictionary.by_name.get(column)
        is_moment = field is not None and field.kind in MOMENTS
        if field is not None and is_moment is not (measure == "moment"):
            code = "within_of_date" if is_moment else "within_of_number"
            yield linted.remark(RemarkLevel.ERROR, code, name=column)
    if check and check.kind == "digits":
        field = linted.dictionary.by_name.get(check.columns[0])
        if field is not None and field.kind != "number":
            yield linted.remark(RemarkLevel.ERROR, "digits_of_no_number", name=field.name)
    if "counted" in settings and _many_rows(linted):
        yield linted.remark(RemarkLevel.WARNING, "counted_often", instrument=linted.rule.instrument)


def _many_rows(linted: Linted) -> bool:
    """Whether a record has more than one row that the rule looks at."""
    events, instrument = linted.events, linted.rule.instrument
    return len(events) > 1 or any(linted.dictionary.repeats(event, instrument) for event in events)
