"""Rules over numbers with a decimal comma, in columns that also hold what is no number."""

import json
from pathlib import Path

import pytest

from nightround.cli.main import main
from tests.project_xml import Item, Opened, project_xml

HEIGHTS = ("1,54", "1,65", "1,70", "", "1,60")


@pytest.mark.parametrize("more", [(), ("NA",), ("1,2,3",), ("tall",)], ids=str)
@pytest.mark.parametrize(
    ("logic", "found"),
    [
        ("[height] > 1.6", ["2", "3"]),
        ("[height] < 1.6", ["1"]),
        ("[height] * 2 > 3.3", ["3"]),
        ("[height] = 1.7", ["3"]),
    ],
)
def test_a_cell_that_is_no_number_leaves_the_others_numbers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], more: tuple[str, ...], logic: str, found: list[str]
) -> None:
    """A missing data code or a slip in one cell does not turn the numbers of the column into text."""
    items = [Item("record_id", "body"), Item("height", "body", validation="number_comma_decimal")]
    opened = [
        Opened(str(n), "body", {"record_id": str(n), "height": height}) for n, height in enumerate((*HEIGHTS, *more), 1)
    ]
    path = tmp_path / "commas.xml"
    path.write_text(project_xml(items, opened, codes="NA, Not available", rules=[("Tall", logic)]), encoding="utf-8")
    with pytest.raises(SystemExit):
        main(["try", str(path), "--json"])
    [rule] = [one for one in json.loads(capsys.readouterr().out)["rules"] if not one["id"].isalpha()]
    named = [row["record"] for row in rule["rows"]]
    assert [record for record in named if int(record) <= len(HEIGHTS)] == found
