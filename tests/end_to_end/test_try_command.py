"""`nightround try` as a user meets it: a downloaded file, no server, no token."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.project_xml import Item, Opened, project_xml

ROOT = Path(__file__).parents[2]
ITEMS = [
    Item("record_id", "visit"),
    Item("weight", "visit", validation="number", minimum="30", maximum="160"),
    Item("sex", "visit", "radio", choices="1, Female | 2, Male", more={"RequiredField": "y"}),
    Item("pregnant", "visit", "yesno", more={"BranchingLogic": "[sex] = '1'"}),
    Item("odd", "visit", more={"BranchingLogic": "[sex] = "}),
]
DATA = [
    Opened("1", "visit", {"record_id": "1", "weight": "700", "sex": "2", "pregnant": "1"}),
    Opened("2", "visit", {"record_id": "2", "weight": "[red]70\x9b"}),
]
RULES = [("Heavy", "isnumber([weight]) and [weight] > 100"), ("Broken", "[weight] >")]
TRIED = ["A", "B", "C", "D", "E", "F", "G", "H", "I", "1", "2", "3", "4"]


def nightround(cwd: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command with nothing of this machine's settings."""
    return subprocess.run(
        [sys.executable, "-m", "nightround", *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "COLUMNS": "160"},
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a project, a CSV of rules and a list of exclusions."""
    made = tmp_path_factory.mktemp("try")
    (made / "project.xml").write_text(project_xml(ITEMS, DATA, rules=RULES), "utf-8")
    (made / "rules.csv").write_text(
        "rule_name,rule_logic,real_time_execution\nNo such field,[height] > 1,\nBlank sex,[sex] = '',y\n", "utf-8"
    )
    (made / "excluded.csv").write_text(
        "rule,record,event,instrument,instance,field\nD,1,,visit,0,weight\n1,1,,visit,0,weight\n", "utf-8"
    )
    return made


@pytest.fixture(scope="module")
def asked(folder: Path) -> subprocess.CompletedProcess[str]:
    """The answer in JSON."""
    return nightround(folder, "try", "project.xml", "--rules", "rules.csv", "--json")


def rules_of(done: subprocess.CompletedProcess[str]) -> dict[str, dict[str, Any]]:
    """The rules of a JSON answer by their ids."""
    return {one["id"]: one for one in json.loads(done.stdout)["rules"]}


def test_the_answer_is_one_json_document(asked: subprocess.CompletedProcess[str]) -> None:
    """All letters in their order, then custom rules of the file and of the CSV, each with exactly these keys."""
    assert asked.returncode == 0, asked.stderr
    document = json.loads(asked.stdout)
    assert list(document) == ["rules"]
    assert [one["id"] for one in document["rules"]] == TRIED
    for one in document["rules"]:
        assert list(one) == ["id", "name", "status", "checked", "discrepancies", "rows"]
        for row in one["rows"]:
            assert list(row) == ["record", "event", "instrument", "instance", "field", "value"]


def test_discrepancies_carry_their_place_and_value(asked: subprocess.CompletedProcess[str]) -> None:
    """The user reads their own file, so values are shown."""
    rules = rules_of(asked)
    place = {"record": "1", "event": "", "instrument": "visit", "instance": 0}
    assert rules["D"]["rows"] == [{**place, "field": "weight", "value": "700"}]
    assert (rules["D"]["status"], rules["D"]["checked"], rules["D"]["discrepancies"]) == ("failed", 1, 1)
    assert rules["F"]["rows"] == [{**place, "field": "pregnant", "value": "1"}]
    assert [row["record"] for row in rules["B"]["rows"]] == ["2"]
    assert rules["C"]["rows"][0]["value"] == "[red]70"  # a control character leaves through no door
    assert (rules["E"]["status"], rules["I"]["status"]) == ("passed", "not_applicable")


def test_custom_rules_are_run_as_they_are(asked: subprocess.CompletedProcess[str]) -> None:
    """A blank compares as '', and true is a discrepancy."""
    rules = rules_of(asked)
    assert (rules["1"]["name"], rules["1"]["checked"]) == ("Heavy", 2)
    assert [row["record"] for row in rules["1"]["rows"]] == ["1"]
    assert [(row["record"], row["field"], row["value"]) for row in rules["4"]["rows"]] == [("2", "sex", "")]


def test_a_broken_rule_is_never_a_zero(asked: subprocess.CompletedProcess[str]) -> None:
    """Unreadable logic and unknown fields could not be evaluated, with the reason on stderr; the others are judged."""
    rules = rules_of(asked)
    for broken in ("2", "3"):
        assert rules[broken]["status"] == "could_not_be_evaluated"
        assert rules[broken]["checked"] is None
        assert rules[broken]["discrepancies"] is None
    assert rules["A"]["status"] == "could_not_be_evaluated"  # the branching logic of one field is broken
    assert [(row["record"], row["field"]) for row in rules["A"]["rows"]] == [("2", "sex")]
    assert "rule A could not be evaluated: odd:" in asked.stderr
    assert "rule 3 could not be evaluated: height:" in asked.stderr


def test_the_parity_sheet(folder: Path) -> None:
    """Letters, names and counts stand as on REDCap's page; exclusions lower them."""
    done = nightround(folder, "try", "project.xml", "--parity", "--exclude", "excluded.csv")
    lines = [[part.strip() for part in line.split("│")] for line in done.stdout.splitlines() if "│" in line]
    assert [line[0] for line in lines] == TRIED[:-2]
    assert lines[0] == ["A", "Blank values", "1+"]
    assert lines[3] == ["D", "Field validation errors (out of range)", "0"]
    assert lines[9] == ["1", "Heavy", "0"]
    assert lines[10] == ["2", "Broken", "not evaluated"]


def test_plain_output_shows_denominators_and_rows(folder: Path) -> None:
    """A table of all rules, then the discrepancies; what is in the file cannot write to the terminal."""
    done = nightround(folder, "try", "project.xml")
    assert done.returncode == 0, done.stderr
    assert "[red]70" in done.stdout
    assert "\x9b" not in done.stdout
    assert "D Field validation errors (out of range): 1 of 1" in done.stdout


@pytest.mark.parametrize(
    ("content", "word"),
    [
        ("<!DOCTYPE html><html></html>", "login page"),
        ("record_id,weight\n1,70\n", "not XML"),
        (project_xml(ITEMS, DATA)[:-50], "cut off"),
    ],
)
def test_another_file_is_refused(tmp_path: Path, content: str, word: str) -> None:
    """Exit code 10, the reason and what to do; on stdout nothing, or with --json the error as a document."""
    (tmp_path / "other.xml").write_text(content, "utf-8")
    done = nightround(tmp_path, "try", "other.xml")
    assert (done.returncode, done.stdout) == (10, "")
    done = nightround(tmp_path, "try", "other.xml", "--json")
    document = json.loads(done.stdout)
    assert (done.returncode, document["exit_code"]) == (10, 10)
    assert word in document["error"]["what"] + document["error"]["why"]
    assert word in done.stderr
    assert "What to do:" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_wrong_rules_file_and_wrong_use(folder: Path) -> None:
    """A CSV with other columns is 10, a file that is not there and two kinds of output at once are 2."""
    assert nightround(folder, "try", "project.xml", "--rules", "excluded.csv").returncode == 10
    assert nightround(folder, "try", "project.xml", "--exclude", "rules.csv").returncode == 10
    assert nightround(folder, "try", "nothing.xml").returncode == 2
    assert nightround(folder, "try", "project.xml", "--json", "--parity").returncode == 2
