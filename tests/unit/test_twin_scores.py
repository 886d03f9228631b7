"""Scores that a dictionary has add up in its twin, though no rule says so."""

from __future__ import annotations

from pathlib import Path

from nightround.study.folder import find_content
from tests.twin_examples import cells, file_rows, made, write_dictionary

METADATA = find_content({}).study_folder("venous_occlusion") / "project" / "metadata.csv"


def test_totals_of_recognised_scores_add_up(tmp_path: Path) -> None:
    """Without events and rules, from the dictionary alone: the Villalta total is the sum of its items."""
    rows = [row for row in file_rows(METADATA) if row["form_name"] == "villalta"]
    identifier = {**dict.fromkeys(rows[0], ""), "field_name": "id", "form_name": "villalta", "field_type": "text"}
    path = write_dictionary(tmp_path / "d.csv", [identifier, *rows])
    twin = made(path, 30)
    items = [row["field_name"] for row in rows if row["matrix_group_name"]]
    for total, *parts in zip(cells(twin, "villalta_total"), *(cells(twin, name) for name in items), strict=True):
        assert int(total) == sum(map(int, parts))
