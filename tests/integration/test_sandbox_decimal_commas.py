"""Numbers with a decimal comma are numbers wherever logic reads them."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from redcap_sync.project.state import StoredProject
from redcap_sync.sandbox import Running, running
from redcap_sync.sandbox.project_sources import project_from_folder
from tests.sandbox_examples import Clock, write_structure

Served = tuple[Running, StoredProject]
HEIGHTS = {"1": "1,54", "2": "1,65", "3": "1,70", "4": "1,80", "5": "", "6": "1,60", "7": "NA", "8": "0,90"}
FIELDS: list[tuple[Any, ...]] = [
    ("record_id", "body", "text", "Record ID"),
    ("height", "body", "text", "Height (m)", "", "number_2dp_comma_decimal"),
    ("weight", "body", "text", "Weight (kg)", "", "number_comma_decimal"),
    ("bmi", "body", "calc", "BMI", "round([weight] / ([height])^(2), 1)"),
    ("bmi_text", "body", "text", "BMI", "", "", {"field_annotation": "@CALCTEXT(concat('BMI ', [bmi]))"}),
    ("tall", "body", "yesno", "Tall?", "", "", {"branching_logic": "[height] > 1.6"}),
    ("town", "body", "text", "Town"),
]


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """A project of heights and weights with commas, a report of the tall, and a survey."""
    write_structure(tmp_path, FIELDS, [("body", "Body")])
    report = {"report_id": 3, "title": "Tall", "fields": ["record_id", "height"], "logic": "[height] > 1.6"}
    settings = {"title": "Commas", "surveys": ["body"], "reports": [report], "missing_data_codes": "NA, Not available"}
    (tmp_path / "project.json").write_text(json.dumps(settings), encoding="utf-8")
    project = project_from_folder(tmp_path, clock=Clock())
    with running([project]) as sandbox:
        yield sandbox, project


def call(served: Served, rows: Any = None, **parameters: str) -> requests.Response:
    """Call the API."""
    sandbox, project = served
    asked = {"token": sandbox.token(project), "content": "record", "format": "json", **parameters}
    return requests.post(sandbox.api_url, data=asked | ({"data": json.dumps(rows)} if rows else {}), timeout=10)


def of_heights(served: Served) -> None:
    """Import a height for each record."""
    call(served, [{"record_id": record, "height": height} for record, height in HEIGHTS.items()])


@pytest.mark.parametrize(
    ("logic", "found"),
    [
        ("[height] > 1.6", ["2", "3", "4"]),
        ("[height] >= 1.6", ["2", "3", "4", "6"]),
        ("[height] < 1.6", ["1", "8"]),
        ("[height] = 1.7", ["3"]),
        ("[height] = '1.54'", ["1"]),
        ("[height] = 'NA'", ["7"]),
        ("[height] = ''", ["5"]),
        ("[height] * 2 > 3.3", ["3", "4"]),
        ("max([height], 1) > 1.6", ["2", "3", "4"]),
        ("isnumber([height])", ["1", "2", "3", "4", "6", "8"]),
        ("[town] = ''", [*HEIGHTS]),
    ],
)
def test_filters_read_decimal_commas(served: Served, logic: str, found: list[str]) -> None:
    """A filter compares and calculates with the number that a decimal comma writes."""
    of_heights(served)
    rows = call(served, filterLogic=logic).json()
    assert [row["record_id"] for row in rows] == found
    assert all(row["height"] == HEIGHTS[row["record_id"]] for row in rows)


def test_reports_read_decimal_commas(served: Served) -> None:
    """The logic of a report does, and shows what is stored."""
    of_heights(served)
    rows = call(served, content="report", report_id="3").json()
    assert rows == [{"record_id": record, "height": HEIGHTS[record]} for record in ("2", "3", "4")]


@pytest.mark.parametrize(
    ("height", "weight", "bmi"),
    [("1,54", "52,3", "22.1"), ("1,80", "81", "25"), ("", "81", ""), ("NA", "81", ""), ("2,00", "1,2e2", "30")],
)
def test_calculations_read_decimal_commas(served: Served, height: str, weight: str, bmi: str) -> None:
    """An import works calculations out of numbers with commas."""
    assert call(served, [{"record_id": "1", "height": height, "weight": weight}]).status_code == 200
    [row] = call(served).json()
    assert (row["bmi"], row["bmi_text"]) == (bmi, f"BMI {bmi}" if bmi else row["bmi_text"])


def test_a_text_keeps_its_comma(served: Served) -> None:
    """Only fields of numbers with a decimal comma are read so."""
    call(served, [{"record_id": "1", "town": "1,7"}])
    assert [len(call(served, filterLogic=logic).json()) for logic in ("[town] = '1,7'", "[town] = 1.7")] == [1, 0]


@pytest.mark.parametrize(("height", "asked"), [("1,7", True), ("1,5", False)])
def test_surveys_branch_on_decimal_commas(served: Served, height: str, asked: bool) -> None:  # noqa: FBT001
    """A survey shows a question by what was answered before, stored or not."""
    call(served, [{"record_id": "1"}])
    link = call(served, content="surveyLink", record="1", instrument="body").text
    page = requests.post(link, data={"height": height, "lay-again": "1"}, timeout=10).text
    assert ("tall" in re.findall(r'<fieldset id="(\w+)-tr"', page)) is asked
