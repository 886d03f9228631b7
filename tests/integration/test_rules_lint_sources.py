"""What `rules lint` compares rules with: the last snapshot, the project folder, or REDCap's own dictionary file."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import pytest

from nightround.cli.main import main
from redcap_sync.project.structure import METADATA_KEYS, METADATA_TITLES
from tests.lying_study import lying_study

CLASSIC = """
[study]
id = "classic"
title = { zh = "研究", en = "Study" }
time_zone = "Europe/Berlin"
synthetic = true
"""
RULE = """
[[rule]]
id = "R-1"
instrument = "visit"
title = {{ zh = "题目", en = "title" }}
discrepancy = "{logic}"
severity = "major"
fields = ["age"]
advice = {{ zh = "请核对", en = "Check it" }}
source = "made up"
"""


def lint(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[object, dict[str, object]]:
    """The exit code and the document of a call."""
    with pytest.raises(SystemExit) as ended:
        main(["rules", "lint", *words, "--json"])
    return ended.value.code, json.loads(capsys.readouterr().out)


def write_dictionary(path: Path) -> None:
    """A dictionary of two fields as REDCap's page downloads it, with a byte order mark."""
    fields = [{"field_name": "record_id", "form_name": "visit", "field_type": "text"}]
    fields.append({**fields[0], "field_name": "age", "text_validation_type_or_show_slider_number": "integer"})
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(METADATA_TITLES)
        writer.writerows([field.get(key, "") for key in METADATA_KEYS] for field in fields)


@pytest.mark.parametrize(("logic", "unknown"), [("[age] > 100", 0), ("[aeg] > 100", 1)])
def test_the_dictionary_that_redcap_downloads_is_enough(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], logic: str, unknown: int
) -> None:
    """Saved as dictionary.csv in the study's folder, with REDCap's own headings."""
    folder = tmp_path / "classic"
    (folder / "rules").mkdir(parents=True)
    (folder / "study.toml").write_text(CLASSIC, encoding="utf-8")
    (folder / "rules" / "one.toml").write_text(RULE.format(logic=logic), encoding="utf-8")
    write_dictionary(folder / "dictionary.csv")
    _, document = lint(capsys, str(folder), "--data", str(tmp_path / "data"))
    codes = {one["code"] for one in document["remarks"]}  # type: ignore[attr-defined]
    assert len(codes & {"lint.no_field", "lint.unreadable"}) == unknown


def test_another_csv_is_refused_in_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file without REDCap's columns is no dictionary."""
    folder = tmp_path / "classic"
    folder.mkdir()
    (folder / "study.toml").write_text(CLASSIC, encoding="utf-8")
    (folder / "dictionary.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    code, document = lint(capsys, str(folder), "--data", str(tmp_path / "data"))
    assert (code, document["error"]["code"]) == (10, "file.dictionary")  # type: ignore[index]


def test_after_a_pull_the_last_snapshot_is_what_rules_are_compared_with(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The study's folder needs no copy of the dictionary once there is a snapshot."""
    with lying_study(tmp_path, records=2) as study:
        study.round()
        folder = study.folder
        shutil.rmtree(folder / "project", ignore_errors=True)
        code, document = lint(capsys, str(folder), "--data", str(study.data))
    assert "error" not in document
    assert code in (0, 10)
