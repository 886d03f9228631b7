"""The copies of a drill: each contains its errors and is the clean data in everything else."""

from __future__ import annotations

import random
from datetime import datetime
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nightround.simulation.drill.clean_data import CleanData, clean_data
from nightround.simulation.drill.error_copies import copies_of
from nightround.simulation.drill.error_kinds import shipped_kinds
from nightround.simulation.drill.flat_data import FlatData, Row
from nightround.simulation.drill.planting import Planter
from nightround.simulation.drill.what_rules_read import RuleReads
from nightround.study.folder import load_study

STUDIES = Path(__file__).parents[1] / "studies"
NOW = datetime(2025, 7, 1, 2, 30)  # noqa: DTZ001 - on the clock of REDCap's server
few = settings(max_examples=6, deadline=None)


@cache
def clean(name: str) -> CleanData:
    """A twin of one of the two studies."""
    return clean_data(load_study(STUDIES / name), None, seed=2, moment=NOW, records=20)


def key(data: FlatData, row: Row) -> tuple[str, ...]:
    """What tells a row from the others."""
    names = ("redcap_event_name", "redcap_repeat_instrument", "redcap_repeat_instance")
    return (row[data.dictionary.record_id_field], *(row[name] for name in names))


@few
@given(st.sampled_from(["walking_test", "pain_diary"]), st.integers(0, 10_000), st.integers(1, 60))
def test_a_copy_differs_in_the_planted_errors_alone(name: str, seed: int, wanted: int) -> None:
    """Rows of other records are as they were; a record has at most one error; half of the records have none."""
    data = clean(name)
    planter = Planter(data.flat, RuleReads(data.rules, data.flat.dictionary), data.now, random.Random(seed))
    kinds = shipped_kinds()
    errors = list(planter.errors(kinds, wanted))
    assert len(errors) == wanted
    assert all(error.size != 0 for error in errors)
    before = {key(data.flat, row): row for row in data.flat.rows}
    held = []
    for copy, some in copies_of(data.flat, errors, data.now):
        held += some
        records = [error.record for error in some]
        assert len(set(records)) == len(records) <= len(data.flat.records) / 2
        after = {key(copy, row): row for row in copy.rows}
        touched = {one for error in some for one in error.records}
        assert {one[0] for one in before.keys() ^ after.keys()} <= touched
        assert {one[0] for one in before.keys() & after.keys() if before[one] != after[one]} <= touched
        for error in some:
            rows = [one for one in before if one[0] == error.record]
            assert any(before[one] != after.get(one) for one in rows) or error.pair
    assert sorted(map(id, held)) == sorted(map(id, errors))


@pytest.mark.parametrize("name", ["walking_test", "pain_diary"])
def test_kinds_take_turns(name: str) -> None:
    """An error of each kind that has a place comes before the second one of any."""
    data = clean(name)
    planter = Planter(data.flat, RuleReads(data.rules, data.flat.dictionary), data.now, random.Random(1))
    order = [error.kind for error in planter.errors(shipped_kinds(), 80)]
    kinds = set(order)
    assert len(kinds) >= 12
    assert set(order[: len(kinds)]) == kinds


def test_calculated_values_follow_a_typing_error_as_on_a_save() -> None:
    """The body mass index is that of the wrong weight, and stays the old one for a stale calculation alone."""
    data = clean("walking_test")
    planter = Planter(data.flat, RuleReads(data.rules, data.flat.dictionary), data.now, random.Random(3))
    kinds = [kind for kind in shipped_kinds() if kind.id in ("decimal_slip", "stale_calculation")]
    errors = [error for error in planter.errors(kinds, 60) if error.fields[0] in ("weight_kg", "height_cm")]
    assert {error.kind for error in errors} == {"decimal_slip", "stale_calculation"}
    old = {data.flat.record_of(number): row["bmi"] for number, row in enumerate(data.flat.rows)}
    for copy, some in copies_of(data.flat, errors, data.now):
        new = {copy.record_of(number): row for number, row in enumerate(copy.rows)}
        for error in some:
            row = new[error.record]
            right = float(row["weight_kg"]) / (float(row["height_cm"]) / 100) ** 2
            if error.kind == "stale_calculation":
                assert row["bmi"] == old[error.record]
            else:
                assert float(row["bmi"]) == pytest.approx(right, rel=1e-3, abs=0.06)
