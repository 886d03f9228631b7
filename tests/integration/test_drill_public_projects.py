"""The drill on twins of three public REDCap projects, judged by the rules of their dictionaries alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from nightround.cli.main import cli

PROJECTS = Path(__file__).parents[3] / "shared" / "redcap_projects"
SETTINGS = """
[study]
id = "public"
time_zone = "UTC"
synthetic = true

[study.title]
zh = "公开项目"
en = "Public project"

[[people]]
role = "data_manager"
address = "data.manager@example.org"
language = "en"
owns = ["data_manager", "coordinator"]

[dictionary_rules]
range = true
choice = true
required = true
format = true
hidden = true
calculation = true
severity = "minor"
"""


@pytest.mark.parametrize(
    "project", ["Project_4.9.xml", "redcapr-longitudinal/project.xml", "redcapr-simple/project.xml"]
)
def test_a_twin_of_a_public_project_is_drilled(project: str, tmp_path: Path) -> None:
    """No false alarm; every code that is no choice is found; and what is large enough to be seen is."""
    if not (PROJECTS / project).exists():
        pytest.skip("the folder ../shared/redcap_projects is not here")
    study = tmp_path / "public"
    study.mkdir()
    (study / "study.toml").write_text(SETTINGS, encoding="utf-8")
    twin = ["twin", str(PROJECTS / project), "--records", "40", "--seed", "3", "--day", "2025-07-01"]
    assert CliRunner().invoke(cli, [*twin, "--out", str(study / "project")]).exit_code == 0
    arguments = ["drill", str(study), "--errors", "80", "--data", str(tmp_path / "data"), "--json"]
    result = CliRunner().invoke(cli, arguments)
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    kinds = {one["kind"]: one for one in found["kinds"]}
    assert (found["data"], found["planted"], found["false_alarms"]) == ("records", 80, 0)
    assert kinds["dead_code"]["planted"] == kinds["dead_code"]["found"] > 0
    beyond = found["beyond_detectable"]
    assert beyond["found"] == beyond["planted"]
    assert {one["kind"] for one in found["unseen"] if not one["planted"]} == {
        one["kind"] for one in found["kinds"] if not one["planted"]
    }
