"""What a summary of a snapshot tells, and what it never does."""

from __future__ import annotations

import json
from pathlib import Path

from nightround.simulation.twin.summary_file import read_summary
from nightround.snapshots.field_summaries import FEWEST, field_summaries
from tests.twin_examples import CHOICES, VALIDATION, cells, field, made, write_dictionary

ROWS = [
    field("id", "f"),
    field("name", "f", identifier="y"),
    field("phone", "f", identifier="y", **{VALIDATION: "integer"}),
    field("seen", "f", **{VALIDATION: "date_ymd"}),
    field("hb", "f", **{VALIDATION: "number"}),
    field("sex", "f", "radio", **{CHOICES: "1, Female | 2, Male"}),
    field("rare", "f", "radio", **{CHOICES: "1, A | 2, B | 3, C | 4, D"}),
]


def test_a_summary_has_sums_alone_and_comes_back_in_a_twin(tmp_path: Path) -> None:
    """Identifiers, dates and texts are not in it; a twin made from it has its mean."""
    path = write_dictionary(tmp_path / "d.csv", ROWS)
    shares = {"1": 0.6, "2": 0.36, "3": 0.035, "4": 0.005}
    first = made(path, 400, summary={"hb": {"mean": 120.0, "sd": 8.0}, "rare": {"shares": shares}})
    document = field_summaries(first.snapshot)
    assert set(document["fields"]) == {"hb", "sex", "rare"}
    assert "4" not in document["fields"]["rare"]["shares"]
    assert len(document["fields"]["rare"]["shares"]) == 2
    (tmp_path / "s.json").write_text(json.dumps(document), encoding="utf-8")
    again = made(path, 400, seed=2, summary=read_summary(tmp_path / "s.json"))
    values = [float(cell) for cell in cells(again, "hb")]
    assert abs(sum(values) / len(values) - 120) < 2


def test_few_values_are_not_told(tmp_path: Path) -> None:
    """A study of fewer records than the limit has an empty summary."""
    few = made(write_dictionary(tmp_path / "d.csv", ROWS), FEWEST - 1)
    assert field_summaries(few.snapshot) == {"fields": {}}
