"""Lint: rules that compare rows with one another, or count them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from nightround.model.rule import Check
from nightround.rule_desk.linted import Linted
from nightround.rule_desk.remarks import Remark, RemarkLevel
from nightround.validation.cohort_checks import TOGETHER

MOMENTS = ("date", "datetime")
FALSE_ALARMS = 0.05
"""The share of clean studies that may see a false alarm of a check on all rows together in a year."""
ROUNDING = 1e-9


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
    if check and check.kind == "cohort":
        yield from _lint_cohort(linted, check)
    if "counted" in settings and _many_rows(linted):
        yield linted.remark(RemarkLevel.WARNING, "counted_often", instrument=linted.rule.instrument)


def lint_alpha(every: Iterable[Linted]) -> Iterator[Remark]:
    """The checks on all rows together raise a false alarm in no more of clean studies than a study should have."""
    total = 0.0
    for linted in every:
        check = linted.rule.check
        if check and check.kind == "cohort":
            together = check.settings["check"] in TOGETHER
            total += check.settings["alpha"] * (1 if together else len(check.columns))
            if total > FALSE_ALARMS * (1 + ROUNDING):
                yield linted.remark(RemarkLevel.WARNING, "many_cohort_checks", total=f"{total * 100:.2g}")
                return


def _lint_cohort(linted: Linted, check: Check) -> Iterator[Remark]:
    """A field that is tested is a number, except where rows are compared; a weekday is that of a date."""
    found = {name: linted.dictionary.by_name.get(name) for name in (*check.columns, check.settings["date"]) if name}
    for name, field in found.items():
        is_date = name == check.settings["date"]
        wanted = MOMENTS if is_date else ("number",)
        wrong = field is not None and field.kind not in wanted and field.type not in ("calc", "slider")
        if wrong and (is_date or check.settings["check"] != "copied_rows"):
            yield linted.remark(RemarkLevel.ERROR, "cohort_no_date" if is_date else "cohort_no_number", name=name)


def _many_rows(linted: Linted) -> bool:
    """Whether a record has more than one row that the rule looks at."""
    events, instrument = linted.events, linted.rule.instrument
    return len(events) > 1 or any(linted.dictionary.repeats(event, instrument) for event in events)
