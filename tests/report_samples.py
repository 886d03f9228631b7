"""A made-up study, small enough to check by eye: its plan, its result rows, and one night of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from nightround.model.finding import Finding, FindingState, LedgerDelta
from nightround.model.language import Words
from nightround.model.outcome import Coverage, Outcome, Status, Violation
from nightround.model.result import ResultRow, ResultSet
from nightround.model.rule import Rule, Severity
from nightround.report.numbers.inputs import ReportInputs, RunFacts
from nightround.study.methods import METHODS
from nightround.study.plan import Plan
from redcap_sync.messages import Message
from redcap_sync.rows.tables import RowKey

TEMPLATES = Path(__file__).parents[1] / "report_templates"
CUTOFF = datetime(2026, 11, 22, 2, 0, tzinfo=timezone(timedelta(hours=8)))
SNAPSHOT = "9f2c41d077ab03e6" * 4


def both(zh: str, en: str) -> dict[str, str]:
    """A text of a study file in both languages."""
    return {"zh": zh, "en": en}


AGE = {
    "id": "age", "label": both("年龄", "Age"), "unit": both("岁", "years"), "type": "continuous",
    "summary": "mean_sd", "field": "age", "test": "student",
}  # fmt: skip
MALE = {
    "id": "male", "label": both("男性", "Male"), "type": "dichotomous", "summary": "n_percent", "field": "sex",
    "shown": "m", "test": "pearson", "beside": ["fisher"],
    "levels": [{"id": "m", "label": both("男", "Male"), "codes": ["1"]},
               {"id": "f", "label": both("女", "Female"), "codes": ["2"]}],
}  # fmt: skip
SIDE = {
    "id": "side", "label": both("患侧", "Side"), "type": "categorical", "summary": "n_percent", "field": "side",
    "test": "pearson",
    "levels": [{"id": "l", "label": both("左侧", "Left"), "codes": ["1"]},
               {"id": "r", "label": both("右侧", "Right"), "codes": ["2"]}],
}  # fmt: skip
DAYS = {
    "id": "days", "label": both("病程", "Duration"), "unit": "d", "type": "continuous",
    "summary": "median_quartiles", "field": "days", "test": "mann_whitney",
}  # fmt: skip
KNEE = {
    "id": "knee", "label": both("膝上周径", "Girth above knee"), "unit": "cm", "type": "continuous",
    "summary": "mean_sd", "before": "knee_0", "after": "knee_6", "test": "paired_t",
}  # fmt: skip
PTS = {
    "id": "pts", "label": both("PTS分级", "PTS grade"), "type": "ordinal", "summary": "n_percent",
    "before": "pts_0", "after": "pts_6", "test": "wilcoxon",
    "levels": [{"id": "none", "label": both("无PTS", "None"), "codes": ["0"]},
               {"id": "mild", "label": both("轻度PTS", "Mild"), "codes": ["1"]}],
}  # fmt: skip
PLT = {
    "id": "plt", "label": "PLT", "unit": "10⁹/L", "type": "continuous", "summary": "mean_sd",
    "before": "plt_0", "after": "plt_6", "test": "paired_t",
}  # fmt: skip

PLAN = Plan.model_validate(
    {
        "policy": "recommended",
        "grouping": "patency",
        "population": "finished",
        "groups": [
            {"id": "open", "label": both("通畅组", "Patency group"), "codes": ["1"]},
            {"id": "shut", "label": both("闭塞组", "Occlusion group"), "codes": ["0"]},
        ],
        "flow": [
            {"id": "treated", "label": both("接受治疗", "Treated")},
            {"id": "stopped", "label": both("未完成3次扩张", "Three sessions not completed"), "of": "treated"},
            {"id": "finished", "label": both("完成3次扩张", "Three sessions completed"), "of": "treated"},
            {"id": "patent", "label": both("6个月通畅", "Patent at 6 months"), "of": "finished"},
            {"id": "occluded", "label": both("6个月闭塞", "Occluded at 6 months"), "of": "finished"},
        ],
        "endpoints": [
            {"id": "patency", "label": both("6个月通畅率", "Patency at 6 months"), "among": "finished",
             "field": "patency", "codes": ["1"], "primary": True},
        ],
        "tables": [
            {"id": "table1", "title": both("两组基线资料", "Baseline data by group"), "kind": "by_group",
             "effects": ["smd"], "sections": [
                 {"label": both("一般资料", "General"), "variables": [MALE, AGE]},
                 {"label": both("病变", "Lesion"), "variables": [SIDE, DAYS]}]},
            {"id": "table2", "title": both("治疗前后疗效", "Before and after"), "kind": "before_after",
             "effects": ["change", "difference_in_change", "ancova"], "sections": [
                 {"label": both("周径", "Girth"), "variables": [KNEE]},
                 {"label": both("PTS分级", "PTS grade"), "variables": [PTS]}]},
            {"id": "table3", "title": both("实验室指标", "Laboratory"), "kind": "laboratory",
             "sections": [{"variables": [PLT]}]},
        ],
        "regressions": [
            {"id": "factors", "label": both("闭塞的影响因素", "Factors of occlusion"), "group": "shut",
             "table": "table1", "factors": [{"variable": "age", "per": 10}, {"variable": "side"}]},
        ],
    }
)  # fmt: skip


def named(method: str) -> str:
    """The words a result row carries for a method."""
    return METHODS[method].words.en


def row(table: str, variable: str, statistic: str, value: float | None, text: str, **about: Any) -> ResultRow:
    """A result row."""
    return ResultRow(table, variable, statistic, value, text, **about)


def flow_rows() -> Iterator[ResultRow]:
    """72 treated, 62 finished, 43 patent and 19 occluded."""
    for step, n in {"treated": 72, "stopped": 10, "finished": 62, "patent": 43, "occluded": 19}.items():
        yield row("flow", step, "n", n, str(n))
    for group, n in {"open": 43, "shut": 19}.items():
        yield row("flow", "groups", "n", n, str(n), group=group)
    for statistic, value, text in (
        ("count", 43, "43"), ("n", 62, "62"), ("missing", 0, "0"), ("percent", 69.3548, "69.4"),
    ):  # fmt: skip
        yield row("endpoints", "patency", statistic, value, text)
    for method, low, high in (("wilson", 56.9, 79.5), ("clopper_pearson", 56.3, 80.4)):
        yield row("endpoints", "patency", f"{method}_low", low, str(low), method=named(method))
        yield row("endpoints", "patency", f"{method}_high", high, str(high), method=named(method))


def tested(
    table: str, variable: str, statistic: tuple[str, str], p: str, *, by: str, **about: Any
) -> Iterator[ResultRow]:
    """A statistic, by its name and text, and its P, with the test that gave them."""
    name, text = statistic
    number = float(text.replace("\u2212", "-"))
    yield row(table, variable, name, number, text, method=named(by), **about)
    yield row(table, variable, "p", float(p.lstrip("<")) * 0.9999, p, method=named(by), **about)


def baseline_rows() -> Iterator[ResultRow]:
    """Table 1: a count, a mean, two levels and a median; the median of the second group cannot be estimated."""
    cells = {"male": ("29 (67.4)", "9 (47.4)"), "age": ("54.0±15.4", "154.2±12.0")}
    for variable, texts in cells.items():
        for group, text in zip(("open", "shut"), texts, strict=True):
            yield row("table1", variable, "summary", 1.0, text, group=group)
    for level, texts in {"l": ("22 (51.2)", "10 (52.6)"), "r": ("21 (48.8)", "9 (47.4)")}.items():
        for group, text in zip(("open", "shut"), texts, strict=True):
            yield row("table1", "side", "summary", 1.0, text, group=group, level=level)
    yield row("table1", "days", "summary", 242.0, "242 (62~742)", group="open")
    yield row("table1", "days", "summary", None, "–", group="shut", error="no values")
    yield from tested("table1", "male", ("chi2", "2.238"), "0.135", by="pearson")
    yield row("table1", "male", "fisher_p", 0.165, "0.165", method=named("fisher"))
    yield from tested("table1", "age", ("t", "\u22122.047"), "0.045", by="student")
    yield from tested("table1", "side", ("chi2", "0.011"), "0.917", by="pearson")
    yield row("table1", "days", "p", None, "–", error="fewer than two groups have values")
    yield row("table1", "age", "smd", -0.55, "\u22120.55", method=named("student"))
    yield row("table1", "age", "missing", 2, "2")


def visit_rows() -> Iterator[ResultRow]:
    """Tables 2 and 3: both visits of each group; the groups differ before treatment in Table 2."""
    for table, variable in (("table2", "knee"), ("table3", "plt")):
        for group, before, after in (("open", 49.1, 46.8), ("shut", 48.2, 47.8)):
            for visit, centre in (("before", before), ("after", after)):
                place = {"group": group, "visit": visit}
                yield row(table, variable, "summary", centre, f"{centre}±4.0", **place)
                for name, shift in (("q1", -3), ("median", 0), ("q3", 3)):
                    yield row(table, variable, name, centre + shift, f"{centre + shift}", **place)
        yield from tested(table, variable, ("t", "13.348"), "<0.001", by="paired_t", group="open")
        yield from tested(table, variable, ("t", "1.102"), "0.285", by="paired_t", group="shut")
    for group, text in (("open", "\u22122.3 (\u22122.6, \u22122.0)"), ("shut", "\u22120.4 (\u22121.2, 0.4)")):
        yield row("table2", "knee", "change", -1.0, "\u22121.0", group=group, method=named("paired_t"))
        yield row("table2", "knee", "change_summary", -1.0, text, group=group)
    yield from tested("table2", "knee", ("t", "2.256"), "0.028", by="student", visit="before")


def effect_rows() -> Iterator[ResultRow]:
    """Grades at both visits, the changes compared, and the odds of occlusion; one factor cannot be estimated."""
    for group, counts in {"open": (4, 39, 19, 24), "shut": (4, 15, 2, 17)}.items():
        places = [(visit, level) for visit in ("before", "after") for level in ("none", "mild")]
        for (visit, level), count in zip(places, counts, strict=True):
            about = {"group": group, "visit": visit, "level": level}
            yield row("table2", "pts", "count", count, str(count), **about)
            yield row("table2", "pts", "summary", count, str(count), **about)
        yield from tested("table2", "pts", ("z", "\u22123.797"), "<0.001", by="wilcoxon", group=group)
    for effect, method in (("difference_in_change", "mean_difference"), ("ancova", "ancova")):
        yield row("table2", "knee", effect, -1.9, "\u22121.9", method=named(method))
        yield row("table2", "knee", f"{effect}_summary", -1.9, "\u22121.9 (\u22122.8, \u22121.0)")
    yield row("table2", "knee", "ancova_p", 0.0001, "<0.001")
    for part, value in {"": 1.02, "_low": 0.7, "_high": 1.5}.items():
        yield row("factors", "age", f"firth{part}", value, str(value), method=named("firth"))
    yield row("factors", "age", "firth_summary", 1.02, "1.02 (0.70, 1.50)")
    yield row("factors", "age", "firth_p", 0.91, "0.910")
    for part in ("", "_low", "_high", "_summary", "_p"):
        yield row("factors", "side", f"firth{part}", None, "–", level="r", error="no values")


RESULTS = ResultSet([*flow_rows(), *baseline_rows(), *visit_rows(), *effect_rows()])


def rule(number: int, zh: str, en: str, severity: Severity) -> Rule:
    """A rule of the made-up study."""
    return Rule(f"V{number}", Words(zh, en), "villalta", "[a] = 1", severity, ("a",))


RULES = (
    rule(1, "Villalta 总分等于各项之和", "Villalta total equals its items", Severity.MAJOR),
    rule(2, "PTS 分级与 Villalta 总分一致", "PTS grade agrees with the Villalta total", Severity.CRITICAL),
    rule(3, "三次扩张日期依次递增", "Session dates in order", Severity.MINOR),
)
SECRET = "a value only the store may see"
SEEN = Violation("V1", RowKey("1", "e", "villalta", ""), ("a",), {"a": SECRET})
OUTCOMES = (
    Outcome("V1", Status.FAILED, 72, 70, 2, violations=(SEEN,)),
    Outcome("V2", Status.PASSED, 72, 72, 0),
    Outcome("V3", Status.NOT_APPLICABLE, 0, 0, 0, Message.of("outcome.no_scope")),
)  # fmt: skip


def finding(number: int, days: int) -> Finding:
    """A finding of rule V1 that was opened some days before the data cut-off."""
    opened = CUTOFF - timedelta(days=days)
    place = RowKey(str(number), "month_6_arm_1", "villalta", "")
    return Finding(
        id=f"{number:016x}",
        study="sample",
        rule_id="V1",
        row=place,
        fields=("a",),
        severity=Severity.MAJOR,
        owner="coordinator",
        state=FindingState.OPEN,
        opened_at=opened,
        last_seen_at=CUTOFF,
        observed={"a": SECRET},
    )


def night(**changes: Any) -> ReportInputs:
    """One night of the made-up study; `changes` replace parts of it."""
    counts = {Status.PASSED: 1, Status.FAILED: 1, Status.NOT_APPLICABLE: 1, Status.NOT_EVALUATED: 0}
    inputs = ReportInputs(
        study="sample",
        title=Words("重复球囊扩张治疗慢性腔髂静脉闭塞", "Repeated balloon dilatation for iliocaval occlusion"),
        synthetic=True,
        run=RunFacts("run-3", SNAPSHOT, CUTOFF, night=3, complete=True),
        plan=PLAN,
        results=RESULTS,
        rules=RULES,
        outcomes=OUTCOMES,
        coverage=Coverage(("V1", "V2", "V3"), counts, (), {}),
        delta=LedgerDelta(opened=(finding(1, 0),), persisting=(finding(2, 40),)),
        instruments={"villalta": Words("Villalta 评分", "Villalta score")},
        versions={"Nightround": "0.1.0", "SciPy": "1.15"},
    )
    return replace(inputs, **changes)
