"""Whatever the patients are, the driver gives rows: a value or a reason, never a crash, a warning or a blank."""

from math import isfinite
from typing import Any, get_args

import pandas as pd
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from nightround.statistics.cohort import csv_frame
from nightround.statistics.tables import tables
from nightround.study.plan import Plan, PolicyName

LEVELS = [{"id": name, "label": name, "codes": [code]} for name, code in (("yes", "1"), ("no", "0"), ("perhaps", "2"))]
NUMBERS = st.sampled_from(["", "0", "1", "1.1", "1.2", "3", "-7.5", "1e8", "1e-8", "<0.5"])
CODES = st.sampled_from(["", "0", "1", "2", "9"])


def variable(name: str, kind: str, summary: str, *, visits: int, **more: Any) -> dict[str, Any]:
    """A variable of one visit or two."""
    fields = {"field": f"{name}1"} if visits == 1 else {"before": f"{name}1", "after": f"{name}2"}
    return {"id": f"{name}_{summary}_{kind}", "label": name, "type": kind, "summary": summary, **fields, **more}


def table(kind: str, visits: int, effects: list[str]) -> dict[str, Any]:
    """Every type of variable in one table."""
    limits = [{"low": 0, "high": 2, "source": "made up"}]
    variables = [
        variable("x", "continuous", "mean_sd", visits=visits, below_detection=True, limits=limits),
        variable("x", "continuous", "median_quartiles", visits=visits, below_detection=True),
        variable("c", "categorical", "n_percent", visits=visits, levels=LEVELS),
        variable("c", "ordinal", "n_percent", visits=visits, levels=LEVELS),
        variable("c", "dichotomous", "n_percent", visits=visits, levels=LEVELS[:2], shown="yes"),
    ]
    return {
        "id": kind,
        "title": kind,
        "kind": kind,
        "family": "holm",
        "effects": effects,
        "sections": [{"variables": variables}],
    }


def plan() -> Plan:
    """A plan that asks for everything there is."""
    by_group = table("by_group", 1, ["difference", "smd"])
    factors = [{"variable": one["id"]} for one in by_group["sections"][0]["variables"]]
    return Plan.model_validate(
        {
            "policy": "recommended",
            "grouping": "arm",
            "population": "all",
            "groups": [{"id": "a", "label": "a", "codes": ["1"]}, {"id": "b", "label": "b", "codes": ["0"]}],
            "flow": [{"id": "all", "label": "all"}],
            "endpoints": [{"id": "e", "label": "e", "among": "all", "field": "c1", "codes": ["1"]}],
            "tables": [by_group, table("before_after", 2, ["change", "difference_in_change", "ancova"])],
            "survival": [
                {
                    "id": "s",
                    "label": "s",
                    "time": "t",
                    "events": [{"field": "c2", "codes": ["1"]}],
                    "unit": "d",
                    "at": [2],
                    "by_group": True,
                },
                {
                    "id": "between",
                    "label": "s",
                    "since": "d1",
                    "until": ["d2"],
                    "events": [{"field": "c2", "codes": ["1"]}],
                    "unit": "d",
                    "at": [0, 60],
                    "by_group": True,
                },
            ],
            "regressions": [{"id": "r", "label": "r", "group": "a", "table": "by_group", "factors": factors}],
        }
    )


PLAN = plan()
TIMES = st.sampled_from(["", "-1", "1", "2", "5"])
DAYS = st.sampled_from(["", "2024-01-01", "2024-03-01"])
PATIENT = st.fixed_dictionaries(
    {"arm": CODES, "x1": NUMBERS, "x2": NUMBERS, "c1": CODES, "c2": CODES, "t": TIMES, "d1": DAYS, "d2": DAYS}
)


@settings(max_examples=40)
@given(st.lists(PATIENT, max_size=14), st.sampled_from(get_args(PolicyName)[:3]))
def test_any_patients_give_values_or_reasons(patients: list[dict[str, str]], policy: PolicyName) -> None:
    """Under every policy, each row has a text, and a value or the reason why there is none."""
    arms = {patient["arm"] for patient in patients} - {""}
    assume(not arms or arms & {"0", "1"})  # a file in which nobody belongs to a group is refused
    rows = pd.DataFrame(patients, columns=["arm", "x1", "x2", "c1", "c2", "t", "d1", "d2"]).astype("str")
    found = tables(PLAN, csv_frame(PLAN, rows), policy)
    assert len(found) > 300
    assert all(row.text for row in found)
    assert all(row.error if row.value is None else isfinite(row.value) for row in found)
