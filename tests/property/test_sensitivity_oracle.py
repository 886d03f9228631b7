"""Values in doubt: what is computed once and shared gives the same answers as computing everything anew."""

from typing import Any

import pandas as pd
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from nightround.model.finding import Finding
from nightround.report.numbers.doubt import doubt_of
from nightround.report.numbers.recomputing import Recomputation
from nightround.report.numbers.sensitivity import line_trust, weight_of
from nightround.statistics.cohort import csv_frame
from nightround.study.plan import FieldRef, Plan
from tests.interim_samples import AGE_RULE, open_finding
from tests.plain_sensitivity import plain_lines, plain_trust, plain_weight
from tests.property.test_statistics_any_patients import CODES, LEVELS, NUMBERS, table, variable

LIMITED = {FieldRef("", "x2"): (-10.0, 10.0)}
FIELDS = ("arm", "done", "x1", "x2", "c1", "c2", "box___1", "box___2")


def plan() -> Plan:
    """A plan with every type of variable, a population that a field decides, and endpoints in and out of the groups."""
    boxes = [
        {"id": name, "label": name, "codes": ["1"], "field": field}
        for name, field in (("one", "box___1"), ("two", "box___2"))
    ]
    by_group = table("by_group", 1, ["difference", "smd"])
    halved = variable("x", "continuous", "mean_sd", visits=1, below_detection=True, half_limit=True)
    grading = variable("arm", "dichotomous", "n_percent", visits=1, levels=LEVELS[:2], shown="yes")
    several = {**variable("box", "categorical", "n_percent", visits=1, levels=boxes), "field": "box___1"}
    more = [{**halved, "id": "halved"}, {**grading, "field": "arm"}, several]
    return Plan.model_validate(
        {
            "policy": "recommended",
            "grouping": "arm",
            "population": "finished",
            "groups": [{"id": "a", "label": "a", "codes": ["1"]}, {"id": "b", "label": "b", "codes": ["0"]}],
            "flow": [
                {"id": "all", "label": "all"},
                {"id": "finished", "label": "f", "of": "all", "where": [{"field": "done", "codes": ["1", "2"]}]},
            ],
            "endpoints": [
                {"id": "e", "label": "e", "among": "all", "field": "c1", "codes": ["1"]},
                {"id": "g", "label": "g", "among": "finished", "field": "arm", "codes": ["1"]},
                {"id": "d", "label": "d", "among": "all", "field": "done", "codes": ["2"]},
            ],
            "tables": [
                {**by_group, "sections": [{"variables": [*by_group["sections"][0]["variables"], *more]}]},
                table("before_after", 2, ["change", "difference_in_change", "ancova"]),
            ],
        }
    )


PLAN = plan()
MEASURED = st.one_of(NUMBERS, st.integers(0, 40).map(lambda tenths: f"{tenths / 10}"))
PATIENT = st.fixed_dictionaries(
    {name: MEASURED if name.startswith("x") else CODES for name in FIELDS} | {"done": st.sampled_from("1112 ")}
)
FINDING = st.tuples(st.integers(1, 12), st.lists(st.sampled_from([*FIELDS, "box"]), min_size=1, max_size=3))


def limits(reference: FieldRef) -> tuple[float, float] | None:
    """The limits of one field; the others have none."""
    return LIMITED.get(reference)


@settings(max_examples=12, deadline=None)
@given(st.lists(PATIENT, min_size=4, max_size=12), st.lists(FINDING, min_size=1, max_size=4))
def test_sharing_what_a_change_cannot_reach_changes_no_answer(
    patients: list[dict[str, Any]], found: list[tuple[int, list[str]]]
) -> None:
    """Of random patients and findings, every line's trust and every finding's weight is that of the plain way."""
    assume({one["arm"] for one in patients} & {"0", "1"})  # a file in which nobody belongs to a group is refused
    rows = pd.DataFrame(patients, columns=list(FIELDS)).astype("str")
    frame = csv_frame(PLAN, rows.set_axis([str(number) for number in range(1, len(rows) + 1)], axis=0))
    findings = [named(number, record, tuple(fields)) for number, (record, fields) in enumerate(found)]
    doubt, numbers, plain = doubt_of(PLAN, findings, frame.index), Recomputation(PLAN, frame), list(plain_lines(PLAN))
    for line, other in zip(numbers.lines, plain, strict=True):
        assert line_trust(line, numbers, doubt, limits) == plain_trust(other, frame, doubt, limits)
    for one in findings:
        assert weight_of(one.id, doubt, numbers, limits) == plain_weight(one.id, doubt, plain, frame, limits)


def named(number: int, record: int, fields: tuple[str, ...]) -> Finding:
    """A finding with an id of its own."""
    return Finding(**{**vars(open_finding(AGE_RULE, str(record), fields)), "id": f"finding {number}"})
