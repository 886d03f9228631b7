"""Questions on records are no data: with 500 of them a night finds, counts, compares and prints what it did before."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from click.testing import CliRunner

from nightround.cli import study_job
from nightround.cli.main import cli
from nightround.snapshots.snapshot_diff import changed_cells
from nightround.snapshots.snapshot_store import SnapshotStore
from nightround.store.database import open_store
from redcap_sync.api.client import RedcapClient
from redcap_sync.api.token import Token
from redcap_sync.sandbox import running
from redcap_sync.sandbox.project_sources import project_from_folder
from redcap_sync.write_back.query_instrument import INSTRUMENT
from tests.questions_on_records import questions_of, with_instrument

STUDY = "walking_test"
SOURCE = Path(__file__).parents[1] / "studies" / STUDY
RECORDS = [str(number) for number in range(1, 126)]
WRONG = {"walk_m": "950", "weight_kg": "190.0", "height_cm": "99.0"}
EVERY_RULE = "blank = true\noutlier = true\nmissing_code = true\nslip = true\n"
HOUR = datetime(2025, 7, 5, 18, 30, tzinfo=UTC)


@dataclass
class Questioned:
    """A study with a wrong value in four fields of each record, and the commands of the command line on it."""

    folder: Path
    source: Path
    client: RedcapClient
    hour: list[datetime]

    def command(self, *words: str, data: str = "data") -> Any:
        """Run a command on the study; gives its JSON."""
        name, *options = words
        ended = CliRunner().invoke(cli, [name, str(self.source), *options, "--data", str(self.folder / data), "--json"])
        assert ended.exit_code in (0, 3), ended.output
        return json.loads(ended.stdout)

    def findings(self) -> dict[str, str]:
        """The state of each finding."""
        with open_store(self.folder / "data" / STUDY / "nightround.sqlite3") as store:
            return {one.id: one.state.value for one in store.findings(STUDY)}

    def snapshots(self) -> SnapshotStore:
        """The snapshots of the study."""
        return SnapshotStore(self.folder / "data" / STUDY / "snapshots")

    def report(self, data: str) -> tuple[str, str]:
        """The page of the only report in a data folder, and its result rows; both without the snapshot's id."""
        reports = self.folder / data / STUDY / "reports"
        (page,), (rows,) = reports.glob("*_en.html"), reports.glob("*_results.json")
        named = json.loads(rows.read_text(encoding="utf-8"))["snapshot"]
        texts = (one.read_text(encoding="utf-8") for one in (page, rows))
        first, second = (one.replace(named, "").replace(named[:16], "") for one in texts)
        return first, second


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Questioned]:
    """A night; then 500 questions are written; then two nights of which nobody wrote anything; then a new start."""
    folder = tmp_path_factory.mktemp("questions")
    source = folder / "study"
    with_instrument(SOURCE / "project", source / "project")
    for name in ("plan.toml", "rules/visit.toml"):
        (source / name).parent.mkdir(exist_ok=True)
        (source / name).write_bytes((SOURCE / name).read_bytes())
    settings = (SOURCE / "study.toml").read_text(encoding="utf-8").replace("severity =", f"{EVERY_RULE}severity =")
    flags = "\n[flags]\nmost_a_night = 2000\n[alerts.flood]\nfindings = 5000\n"
    (source / "study.toml").write_text(settings.replace("weekdays = [", "weekdays = [] # [") + flags, encoding="utf-8")
    hour = [HOUR]
    project = project_from_folder(source / "project", clock=lambda: hour[0].replace(tzinfo=None))
    with running([project], random=Random(1)) as server, pytest.MonkeyPatch.context() as patch:
        client = RedcapClient(server.api_url, Token(server.token(project)), sleep=lambda _: None)
        client.import_records([_patient(record) for record in RECORDS], overwrite=True)
        patch.setenv("REDCAP_URL", server.api_url)
        patch.setenv("REDCAP_TOKEN", server.token(project))
        patch.setattr(study_job, "now", lambda: hour[0])
        yield Questioned(folder, source, client, hour)


def _patient(record: str) -> Mapping[str, str]:
    dates = {"birth_date": "1950-02-03", "test_date": "2025-03-04"}
    return {"record_id": record, "sex": "1", "programme": str(1 + int(record) % 2), "tested_leg": "1", **dates, **WRONG}


def test_two_quiet_nights_with_500_questions(study: Questioned) -> None:
    """No finding opens or changes, none is on the instrument, no structure drifts, and the report is the same."""
    study.command("night")
    before = study.findings()
    study.command("report")
    written = study.command("flags", "--apply")
    assert written["written"] == len(questions_of(study.client, RECORDS)) >= 500
    for _ in range(2):
        study.hour[0] += timedelta(days=1)
        night = study.command("night")
        assert study.findings() == before
        assert not night.get("doubts")
    first, *_, last = (study.snapshots().load(one.id, STUDY) for one in study.snapshots().manifests())
    assert list(changed_cells(first, last, ())) == []
    assert INSTRUMENT not in last.tables
    assert last.questions is not None
    assert len(last.questions) == written["written"]
    study.hour[0] = HOUR
    study.command("night", data="afresh")
    study.command("report", data="afresh")
    assert study.report("afresh") == study.report("data")
