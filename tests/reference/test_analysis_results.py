"""Result rows as a reporting event of CDISC's standard: valid by its public schema, and read back digit by digit."""

import json
from pathlib import Path

import jsonschema  # type: ignore[import-untyped]  # comes with Great Expectations
import numpy as np
import pytest

from nightround.model.errors import StudyFilesWrong
from nightround.statistics.analysis_results import reporting_event, rows_of_event
from nightround.statistics.cohort import csv_frame
from nightround.statistics.result_files import compare_files
from nightround.statistics.tables import tables
from tests.printed_form import patients, plan

SCHEMA = json.loads((Path(__file__).parent / "cdisc_ars" / "ars_ldm.schema.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("groups", [2, 3])
def test_every_row_comes_back(seed: int, groups: int) -> None:
    """Of random patients every key, number, text, n and df is read back from a valid event, to ten digits and more."""
    made = plan(groups)
    frame = csv_frame(made, patients(np.random.default_rng(seed), (23, 9, 14)[:groups], 0.1))
    rows = list(tables(made, frame))
    event = json.loads(json.dumps(reporting_event(made, rows, name="interim"), allow_nan=False))
    jsonschema.Draft7Validator(SCHEMA).validate(event)
    found = rows_of_event(event)
    assert found.keys() == {row.key for row in rows}
    for row in rows:
        back = found[row.key]
        assert (back.text, back.n, back.value is None) == (row.text, row.n, row.value is None)
        for number, expected in ((back.value, row.value), (back.df, row.df)):
            assert number == (None if expected is None else pytest.approx(expected, rel=1e-12))


def test_an_event_is_compared_like_any_file_of_results(tmp_path: Path) -> None:
    """A reporting event contains the results of the rows it was made from; another JSON with those keys is refused."""
    made = plan(2)
    rows = tables(made, csv_frame(made, patients(np.random.default_rng(5), (23, 31), 0.1)))
    first, second, third = (tmp_path / name for name in ("event.json", "rows.json", "other.json"))
    first.write_text(json.dumps(reporting_event(made, rows, name="interim")), encoding="utf-8")
    second.write_text(json.dumps([vars(row) for row in rows]), encoding="utf-8")
    third.write_text('{"analyses": [{}], "methods": []}', encoding="utf-8")
    assert compare_files(first, second).same
    with pytest.raises(StudyFilesWrong):
        compare_files(first, third)


def test_the_schema_refuses_what_is_no_reporting_event() -> None:
    """The schema is one that can fail: a purpose of our own, or a number that is no text, is refused."""
    made = plan(2)
    frame = csv_frame(made, patients(np.random.default_rng(1), (9, 9), 0.0))
    event = reporting_event(made, tables(made, frame), name="interim")
    event["analyses"][0]["purpose"] = {"controlledTerm": "CURIOSITY"}
    assert not jsonschema.Draft7Validator(SCHEMA).is_valid(event)
    event = reporting_event(made, tables(made, frame), name="interim")
    event["analyses"][0]["results"][0]["rawValue"] = 3
    assert not jsonschema.Draft7Validator(SCHEMA).is_valid(event)
