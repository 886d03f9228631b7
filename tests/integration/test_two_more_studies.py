"""Two studies the engine knows nothing of: a classic register in English, and a messy trial of two arms.

Their folders are in tests/studies. Their data are twins: records made up by a program.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest
from click.testing import CliRunner

from nightround.cli.main import cli
from nightround.night.run_job import open_night, run_job
from nightround.night.summary import Summary
from nightround.store.database import open_store
from nightround.study.folder import find_content
from redcap_sync.api.client import RedcapClient
from redcap_sync.api.token import Token
from redcap_sync.sandbox import running
from redcap_sync.sandbox.project_sources import project_from_folder

STUDIES = Path(__file__).parents[1] / "studies"
WALKING, DIARY = "walking_test", "pain_diary"
FIRST_NIGHT = datetime(2025, 7, 5, 18, 30, tzinfo=UTC)


@dataclass
class OtherStudy:
    """A study on its sandbox."""

    name: str
    data: Path
    client: RedcapClient
    environ: Mapping[str, str]
    hour: list[datetime]

    def night(self) -> Summary:
        """One whole night, with its report; the next one is a day later."""
        with open_night(
            str(STUDIES / self.name),
            data=self.data,
            job="nightly",
            content=find_content({}),
            environ=self.environ,
            clock=lambda: self.hour[0],
            sleep=lambda _: None,
        ) as night:
            summary = run_job(night, "nightly")
        self.hour[0] += timedelta(days=1)
        return summary

    def open_findings(self) -> set[tuple[str, str, str, int]]:
        """The rule and the row of every finding that is not resolved."""
        with open_store(self.data / self.name / "nightround.sqlite3") as store:
            return {
                (one.rule_id, one.row.record, one.row.event, one.row.instance)
                for one in store.findings(self.name)
                if one.state.value != "resolved"
            }


@contextmanager
def opened(name: str, folder: Path, *options: str) -> Iterator[OtherStudy]:
    """A study whose sandbox has a twin of it."""
    twin = folder / "twin"
    arguments = ["twin", str(STUDIES / name), "--records", "40", "--seed", "2", "--day", "2025-07-01"]
    made = CliRunner().invoke(cli, [*arguments, "--out", str(twin), *options])
    assert made.exit_code == 0, made.output
    hour = [FIRST_NIGHT]
    project = project_from_folder(twin, clock=lambda: hour[0].replace(tzinfo=None))
    with running([project], random=Random(1)) as server:
        token = server.token(project)
        client = RedcapClient(server.api_url, Token(token), sleep=lambda _: None)
        environ = {"REDCAP_URL": server.api_url, "REDCAP_TOKEN": token}
        yield OtherStudy(name, folder / "data", client, environ, hour)


def reports(study: OtherStudy) -> set[str]:
    """The languages of the reports that were printed."""
    return {path.stem[-2:] for path in (study.data / study.name / "reports").glob("*.pdf")}


def test_a_classic_register_in_english_has_its_nights_and_its_report(tmp_path: Path) -> None:
    """Clean data open no finding; two typing errors open theirs, and one that is corrected closes with its proof."""
    with opened(WALKING, tmp_path) as study:
        first = study.night()
        assert first.complete
        assert study.open_findings() == set()
        study.client.import_records([{"record_id": "3", "height_cm": "145.0", "weight_kg": "150.0"}], overwrite=True)
        study.client.import_records([{"record_id": "5", "tested_leg": ""}], overwrite=True)
        assert study.night().complete
        found = study.open_findings()
        assert {("BMI-01", "3", "", 0), ("required:tested_leg", "5", "", 0)} <= found
        assert {record for _, record, _, _ in found} == {"3", "5"}
        study.client.import_records([{"record_id": "3", "height_cm": "170.0", "weight_kg": "70.0"}], overwrite=True)
        assert study.night().complete
        assert {record for _, record, _, _ in study.open_findings()} == {"5"}
        assert reports(study) >= {"en"}


def test_a_messy_trial_of_two_arms_has_its_nights_and_its_report(tmp_path: Path) -> None:
    """Missing data codes, half-filled visits and a survey: an error in a repeated visit is found, and it alone."""
    with opened(DIARY, tmp_path, "--messy") as study:
        assert study.night().complete
        before = study.open_findings()
        with (tmp_path / "twin" / "records.csv").open(encoding="utf-8", newline="") as file:
            visits = [row for row in csv.DictReader(file) if row["seen_on"].startswith("20")]
        wrong = max(visits, key=lambda row: (row["redcap_event_name"], int(row["redcap_repeat_instance"])))
        key = {name: wrong[name] for name in ("record_id", "redcap_event_name", "redcap_repeat_instance")}
        study.client.import_records([{**key, "seen_on": "2023-01-01"}], overwrite=True)
        assert study.night().complete
        place = (key["record_id"], key["redcap_event_name"], int(key["redcap_repeat_instance"]))
        assert ("VIS-01", *place) in study.open_findings() - before
        assert all(one[1:] == place for one in study.open_findings() - before)
        assert reports(study) == {"zh", "en"}


@pytest.mark.parametrize("name", [WALKING, DIARY])
def test_a_drill_measures_them(name: str, tmp_path: Path) -> None:
    """Neither has data of its own, so a twin is used; what is large enough to be seen is found."""
    arguments = ["drill", str(STUDIES / name), "--errors", "150", "--data", str(tmp_path), "--json"]
    result = CliRunner().invoke(cli, arguments)
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["data"] == "twin"
    assert found["planted"] > 100
    assert found["beyond_detectable"]["sensitivity"] >= 0.95
    assert found["false_alarms"] == 0
