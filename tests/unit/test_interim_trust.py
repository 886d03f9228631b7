"""What open findings can do to the numbers, how complete the data are, and what was found right."""

from dataclasses import replace
from datetime import timedelta

import pandas as pd
import pytest

from nightround.model.finding import Finding, FindingState
from nightround.model.outcome import Outcome, Status
from nightround.report.numbers.completeness import begun_visits, filled_of
from nightround.report.numbers.computing import patients_of
from nightround.report.numbers.doubt import doubt_of
from nightround.report.numbers.facts import Line, LineTrust, LineVerdict, Trust
from nightround.report.numbers.gathering import inputs_of
from nightround.report.numbers.recomputing import PlannedLine, Recomputation
from nightround.report.numbers.sensitivity import extremes, line_trust, weight_of
from nightround.report.numbers.trust_numbers import (
    ageing_of,
    checked_of,
    drifting_of,
    limits_of,
    pairs_of,
    trust_of,
)
from nightround.report.printing.context import build_report
from nightround.study.plan import FieldRef
from redcap_sync.messages import Message
from tests.interim_samples import (
    AGE_RULE,
    PATENCY_RULE,
    PLANNED,
    RULES,
    TAKEN,
    edition_of,
    open_finding,
    patients,
    snapshot_of,
)
from tests.report_samples import TEMPLATES

SNAPSHOT = snapshot_of(patients())
FRAME = patients_of(PLANNED, SNAPSHOT)
LIMITS = limits_of(SNAPSHOT.dictionary)
NUMBERS = Recomputation(PLANNED, FRAME)
LINES = {one.id: one for one in NUMBERS.lines}
AGE = Line("table1", "age")


def trust(*findings: Finding) -> Trust:
    """The trust in the sample's numbers under some findings."""
    outcomes = tuple(one.outcome() for one in edition_of(SNAPSHOT).outcomes)
    return trust_of(PLANNED, SNAPSHOT, FRAME, findings=findings, rules=RULES, outcomes=outcomes, now=TAKEN)


def ends_of(line: PlannedLine, reference: FieldRef) -> tuple[object, object]:
    """What a cell may hold at its lowest and highest, where nothing else is in doubt."""
    return extremes(line, reference, NUMBERS.without([], reference), LIMITS)


def line(found: Trust, of: Line) -> LineTrust:
    """One line of it."""
    one = found.of(of)
    assert one is not None
    return one


def test_without_findings_no_line_is_in_doubt() -> None:
    """Every endpoint and variable has a line, and none is touched."""
    found = trust()
    assert len(found.lines) == 1 + len([v for table in PLANNED.tables for v in table.variables])
    assert {one.verdict for one in found.lines} == {LineVerdict.UNTOUCHED}
    assert found.weights == ()


def test_a_finding_counts_where_its_record_event_and_field_are_planned() -> None:
    """One value of age is in doubt; the other lines, and a field no plan names, are untouched."""
    found = trust(open_finding(AGE_RULE, "2"), open_finding(AGE_RULE, "3", ("no_such_field",)))
    assert line(found, AGE).open_values == 1
    assert line(found, AGE).known == 24
    assert sum(one.open_values for one in found.lines) == 1
    assert [weight.finding for weight in found.weights] == ["AGE-2"]


def test_the_extremes_are_the_limits_of_the_field() -> None:
    """Age may be 18 to 90 by the dictionary; days has no limits, so the observed ends of the others are taken."""
    age, days = LINES[AGE], LINES[Line("table1", "days")]
    assert ends_of(age, FieldRef("", "age")) == (18.0, 90.0)
    observed = ends_of(days, FieldRef("", "days"))
    assert observed == (FRAME["days"].min(), FRAME["days"].max())
    doubt = doubt_of(PLANNED, [open_finding(AGE_RULE, "2", ("days",))], FRAME.index)
    assert line_trust(days, NUMBERS, doubt, LIMITS).by_observed
    doubt = doubt_of(PLANNED, [open_finding(AGE_RULE, "2")], FRAME.index)
    assert not line_trust(age, NUMBERS, doubt, LIMITS).by_observed


def test_an_estimate_that_moves_is_told_with_both_ends() -> None:
    """The mean difference is recomputed without the value and at 18 and 90, by hand the same."""
    found = line(trust(open_finding(AGE_RULE, "2")), AGE)
    assert found.verdict is LineVerdict.ESTIMATE
    groups = FRAME["patency"]
    ages = FRAME["age"].astype(float)

    def difference(values: pd.Series) -> float:
        means = values.groupby(groups).mean()
        return float(means["1"] - means["0"])

    ends = [difference(ages.where(ages.index != "2", value)) for value in (18, 90)]
    assert list(found.extremes) == [f"{end:.1f}".replace("-", "\u2212") for end in sorted(ends)]


def test_a_conclusion_that_turns_is_told() -> None:
    """Nine values in doubt can carry P of age over 0.05 or under it."""
    found = trust(*(open_finding(AGE_RULE, str(number)) for number in range(1, 10)))
    assert line(found, AGE).verdict is LineVerdict.CONCLUSION


def test_a_finding_on_the_group_can_move_every_line() -> None:
    """Who is in which group is tried as well, and comes first in what to fix."""
    found = trust(open_finding(AGE_RULE, "2"), open_finding(PATENCY_RULE, "4"))
    first = found.weights[0]
    assert (first.finding, first.membership) == ("PAT-4", True)
    assert found.membership == 1
    assert first.shift > 0


def test_a_larger_correction_comes_first() -> None:
    """Of two findings the one that could move its mean further is to be fixed first."""
    doubt = doubt_of(PLANNED, [open_finding(AGE_RULE, "2"), open_finding(AGE_RULE, "5", ("knee_0",))], FRAME.index)
    shifts = {one: weight_of(one, doubt, NUMBERS, LIMITS).shift for one in doubt.cells}
    found = trust(open_finding(AGE_RULE, "2"), open_finding(AGE_RULE, "5", ("knee_0",)))
    same = [one for one in found.weights if one.verdict is found.weights[0].verdict]
    assert [one.shift for one in same] == sorted((one.shift for one in same), reverse=True)
    assert all(shift > 0 for shift in shifts.values())


def test_a_level_is_tried_at_both_ends() -> None:
    """A side in doubt is set left and right."""
    side = LINES[Line("table1", "side")]
    assert ends_of(side, FieldRef("", "side")) == ("1", "2")


def test_an_endpoint_is_tried_met_and_unmet() -> None:
    """A patency in doubt moves the rate up and down."""
    patency = LINES[Line("endpoints", "patency")]
    assert ends_of(patency, FieldRef("", "patency")) == ("0", "1")
    found = line(trust(open_finding(PATENCY_RULE, "4")), Line("endpoints", "patency"))
    assert found.extremes == ("62.5", "66.7")


def test_rules_that_look_at_a_variable_are_counted() -> None:
    """Age has one judged rule, which failed; the group has one that passed; nobody looks at side."""
    outcomes = [one.outcome() for one in edition_of(SNAPSHOT).outcomes]
    lines = trust().lines
    told = {name: checked_of(LINES[Line("table1", name)], NUMBERS, RULES, outcomes, lines) for name in ("age", "side")}
    assert (told["age"].rules, told["age"].failed, told["age"].known) == (1, 1, 24)
    assert told["side"].rules == 0
    unjudged = [Outcome("AGE", Status.NOT_EVALUATED, 0, 0, 0, Message.of("outcome.no_row"))]
    assert checked_of(LINES[AGE], NUMBERS, RULES, unjudged, lines).rules == 0


def test_completeness_counts_begun_rows_and_required_cells() -> None:
    """24 charts are begun, and one required age is blank."""
    rows = patients()
    rows[0]["age"] = ""
    (chart,) = filled_of(begun_visits(snapshot_of(rows)))
    assert (chart.begun, chart.expected, chart.filled, chart.cells) == (24, 24, 23, 24)


def test_ageing_tells_open_and_closed_findings_apart() -> None:
    """Two stand for 3 and 9 days, one was closed after 4."""
    old = replace(open_finding(AGE_RULE, "3"), opened_at=TAKEN - timedelta(days=9))
    opened = TAKEN - timedelta(days=6)
    closed = replace(old, state=FindingState.RESOLVED, opened_at=opened, resolved_at=opened + timedelta(days=4))
    found = ageing_of([open_finding(AGE_RULE, "2"), old, closed], TAKEN)
    assert (found.open_median, found.open_oldest, found.closed, found.closed_median) == (6.0, 9, 1, 4.0)
    assert ageing_of([], TAKEN).open_median is None


def test_pairs_are_ordered_by_value_and_name_nobody() -> None:
    """The plot has every complete pair, in an order that says nothing of the record."""
    pairs = pairs_of(PLANNED, FRAME)[Line("table2", "knee")]
    assert len(pairs) == 24
    assert [one.before for one in pairs] == sorted(one.before for one in pairs)
    gap = FRAME.assign(knee_6=FRAME["knee_6"].where(FRAME.index != "1"))
    assert len(pairs_of(PLANNED, gap)[Line("table2", "knee")]) == 23


def test_drift_is_told_by_line() -> None:
    """A mean and SD that tonight's data put in doubt is named with its assumption, and nothing else happens."""
    skewed = FRAME.assign(age=[1.0] * 23 + [5000.0])
    assert drifting_of(PLANNED, skewed)[AGE] == "normal"


@pytest.mark.parametrize("minimum", ["", "today", "[other]"])
def test_a_limit_that_is_no_number_is_none(minimum: str) -> None:
    """A field whose limit is blank, a date or another field has none."""
    dictionary = SNAPSHOT.dictionary
    fields = tuple(replace(one, minimum=minimum) if one.name == "age" else one for one in dictionary.fields)
    assert limits_of(replace(dictionary, fields=fields))(FieldRef("", "age")) is None


def test_drift_and_the_audit_stand_in_the_methods() -> None:
    """Both languages name the line that drifted, and how the report was compared with itself."""
    inputs = replace(inputs_of(edition_of(SNAPSHOT), SNAPSHOT), drifting={AGE: "normal"})
    for language, told in (
        ("en", "by Shapiro-Wilk (reported, not acted on): Age."),
        ("zh", "不改变方法）：年龄。"),
    ):
        paragraphs = build_report(inputs, language, TEMPLATES).methods  # type: ignore[arg-type]
        trust_paragraph = next(one for one in paragraphs if one.id == "trust")
        assert trust_paragraph.listed[0].endswith(told)
        assert str(len(inputs.results)) in trust_paragraph.texts[-1]
