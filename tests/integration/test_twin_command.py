"""`nightround twin` from the command line to the sandbox and through a night."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from random import Random
from typing import Any

import pytest

from redcap_sync.sandbox import running
from redcap_sync.sandbox.project_sources import project_from_folder, project_from_xml
from tests.twin_examples import CHOICES, LOW, NOW, VALIDATION, exported, field, file_rows, write_dictionary

REAL = Path(__file__).parents[3] / "shared" / "redcap_projects"
PROJECTS = sorted([*REAL.rglob("*.xml"), *REAL.rglob("dictionary.csv")]) if REAL.exists() else []
NO_FILES = "the folder ../shared/redcap_projects is not here"
ROWS = [
    field("id", "f"),
    field("age", "f", required_field="y", **{VALIDATION: "integer", LOW: "18"}),
    field("sex", "f", "radio", **{CHOICES: "1, Female | 2, Male"}),
    field("pregnant", "f", "yesno", branching_logic="[sex] = '1'"),
    field("double", "f", "calc", **{CHOICES: "[age] * 2"}),
    field("scan", "f", "file"),
]
STUDY = """
[study]
id = "twin_study"
synthetic = true
record_id_in_messages = true
[study.title]
zh = "合成"
en = "Synthetic"
[[people]]
role = "data_manager"
address = "data.manager@example.org"
language = "en"
owns = ["data_manager", "coordinator"]
[report]
weekdays = []
[dictionary_rules]
blank = true
format = true
hidden = true
calculation = true
outlier = true
"""


def nightround(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run the command as a user does."""
    command = [sys.executable, "-m", "nightround", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **environ})


def made(source: Path, out: Path, *more: str) -> dict[str, object]:
    """The document of a twin that was made."""
    done = nightround("twin", str(source), "--records", "12", "--out", str(out), "--json", *more)
    assert done.returncode == 0, done.stderr
    document: dict[str, object] = json.loads(done.stdout)
    return document


def files(folder: Path) -> dict[str, bytes]:
    """Every file with its bytes."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_seed_repeats_byte_for_byte(tmp_path: Path) -> None:
    """The same seed writes the same files, on any day for a dictionary that does not name today; another does not."""
    source = write_dictionary(tmp_path / "d.csv", ROWS)
    made(source, tmp_path / "a", "--seed", "3")
    made(source, tmp_path / "b", "--seed", "3", "--day", "2031-01-02")
    made(source, tmp_path / "c", "--seed", "4")
    assert files(tmp_path / "a") == files(tmp_path / "b")
    assert files(tmp_path / "a")["records.csv"] != files(tmp_path / "c")["records.csv"]


def test_only_an_earlier_twin_is_replaced(tmp_path: Path) -> None:
    """A folder of somebody else stays as it is, and the error says so; an earlier twin gives way."""
    source = write_dictionary(tmp_path / "d.csv", ROWS)
    out = tmp_path / "out"
    made(source, out)
    made(source, out, "--seed", "2")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.txt").write_text("mine")
    refused = nightround("twin", str(source), "--out", str(tmp_path / "other"))
    assert refused.returncode == 2
    assert files(tmp_path / "other") == {"thesis.txt": b"mine"}


@pytest.mark.parametrize("wrong", ["nothing.csv", "text.csv", "page.xml", "folder"])
def test_what_is_no_dictionary_is_explained(tmp_path: Path, wrong: str) -> None:
    """A missing file, another CSV, a web page and an empty folder end with 10 and without a traceback."""
    (tmp_path / "text.csv").write_text("a,b\n1,2\n")
    (tmp_path / "page.xml").write_text("<!DOCTYPE html><html></html>")
    (tmp_path / "folder").mkdir()
    done = nightround("twin", str(tmp_path / wrong), "--out", str(tmp_path / "out"), "--json")
    assert done.returncode == 10
    assert json.loads(done.stdout)["exit_code"] == 10
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_summary_that_is_none_is_explained(tmp_path: Path) -> None:
    """A summary of another form ends with 2 and names the file."""
    source = write_dictionary(tmp_path / "d.csv", ROWS)
    (tmp_path / "s.json").write_text('{"fields": {"age": {"rows": [1, 2]}}}')
    done = nightround("twin", str(source), "--out", str(tmp_path / "o"), "--summary", str(tmp_path / "s.json"))
    assert done.returncode == 2
    assert "s.json" in done.stderr


def test_given_rules_are_kept(tmp_path: Path) -> None:
    """Rules as REDCap's Data Quality page downloads them hold in every record."""
    source = write_dictionary(tmp_path / "d.csv", ROWS)
    rules = tmp_path / "rules.csv"
    rules.write_text("rule_name,rule_logic\nolder,\"[age] < 60 or [sex] <> '2'\"\n", encoding="utf-8")
    assert made(source, tmp_path / "o", "--rules", str(rules))["unavoidable"] == []
    rows = file_rows(tmp_path / "o" / "records.csv")
    assert all(int(row["age"]) >= 60 and row["sex"] == "2" for row in rows)


@pytest.mark.skipif(not PROJECTS, reason=NO_FILES)
@pytest.mark.parametrize("source", PROJECTS, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_the_twin_of_a_real_project_comes_back_as_it_went_in(source: Path, tmp_path: Path) -> None:
    """Loaded from its folder and from its XML, the twin is exported as it was written; nothing is unexplained."""
    document = made(source, tmp_path / "o")
    assert "no values were found" not in json.dumps(document)
    written = file_rows(tmp_path / "o" / "records.csv")
    assert exported(project_from_folder(tmp_path / "o", clock=lambda: NOW)) == written
    xml = project_from_xml(tmp_path / "o" / "project.xml", clock=lambda: NOW, calculated=True)
    assert exported(xml) == written


@pytest.mark.skipif(not PROJECTS, reason=NO_FILES)
@pytest.mark.parametrize("source", PROJECTS, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_the_twin_of_a_real_project_makes_a_whole_night(source: Path, tmp_path: Path) -> None:
    """A night over the twin is complete, and every finding is on a field that the twin lists as unavoidable."""
    document = made(source, tmp_path / "twin")
    summary, findings = a_night(tmp_path)
    assert summary["complete"]
    listed = json.dumps(document["unavoidable"])
    assert [one for one in findings if not any(f'"{name}"' in listed for name in one["fields"])] == []


def a_night(folder: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The summary of a night over the twin in a folder, and the findings that are open after it."""
    study, data = folder / "study", str(folder / "data")
    study.mkdir()
    (study / "study.toml").write_text(STUDY, encoding="utf-8")
    project = project_from_folder(folder / "twin", clock=lambda: NOW)
    with running([project], random=Random(1)) as server:
        reached = {"REDCAP_URL": server.api_url, "REDCAP_TOKEN": server.token(project)}
        night = nightround("night", str(study), "--data", data, "--json", **reached)
        listed = nightround("findings", str(study), "--data", data, "--open", "--json", **reached)
    assert night.returncode in (0, 3, 4), night.stderr
    found: list[dict[str, Any]] = json.loads(listed.stdout)["findings"]
    return json.loads(night.stdout), found


ODD_FIELDS = [
    field("site_type", "f", **{VALIDATION: "phone_of_the_site"}),
    field("odd_bound", "f", **{VALIDATION: "integer", LOW: "about ten"}),
    field("other_bound", "f", **{VALIDATION: "integer", LOW: "[nothing_like_it]"}),
    field("day_bound", "f", **{VALIDATION: "date_ymd", LOW: "2025-02-30"}),
    field("bounded_text", "f", **{LOW: "3"}),
]


@pytest.mark.parametrize("odd", ODD_FIELDS, ids=lambda row: row["field_name"])
def test_a_field_that_cannot_be_checked_ends_no_night(odd: dict[str, str], tmp_path: Path) -> None:
    """A validation type of the site, or a limit that cannot be read, stops the rules on that field and no other."""
    made(write_dictionary(tmp_path / "d.csv", [*ROWS, odd]), tmp_path / "twin")
    summary, _ = a_night(tmp_path)
    assert summary["complete"]


@pytest.mark.parametrize("messy", [False, True])
def test_a_twin_makes_a_whole_night(tmp_path: Path, messy: bool) -> None:  # noqa: FBT001 - parametrized
    """A night over the twin is complete, and without --messy it finds nothing."""
    source = write_dictionary(tmp_path / "d.csv", ROWS)
    made(source, tmp_path / "twin", *(["--messy"] if messy else []))
    summary, _ = a_night(tmp_path)
    assert summary["complete"]
    if not messy:
        assert summary["findings"]["opened"] == 0
