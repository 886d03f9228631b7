"""`nightround status`, and what a command prints of a round that failed after the findings were brought up to date."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from nightround.cli.main import main
from nightround.night import steps
from nightround.night.status_metrics import metrics_text
from nightround.night.study_locks import ROUND
from nightround.night.study_status import StudyStatus
from nightround.report import making
from redcap_sync.errors import ExportIncomplete
from redcap_sync.file_locks import lock_tried
from tests.commanded_study import editable_study
from tests.small_study import STUDY, SmallStudy

ROOT = Path(__file__).parents[2]


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SmallStudy]:
    """The small study in a folder that may be changed, with its sandbox in the environment."""
    with editable_study(tmp_path, monkeypatch) as opened:
        yield opened


def called(capsys: pytest.CaptureFixture[str], study: SmallStudy, command: str, *more: str) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of a command on the study."""
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        main([command, str(study.source), "--data", str(study.data), *more])
    return int(ended.value.code or 0), *capsys.readouterr()


def status(capsys: pytest.CaptureFixture[str], study: SmallStudy) -> dict[str, Any]:
    """The status of the study as JSON."""
    code, out, _ = called(capsys, study, "status", "--json")
    assert code == 0
    (found,) = json.loads(out)["studies"]
    return dict(found)


def test_status_says_when_all_was_well_how_the_last_attempt_ended_and_what_is_open(
    study: SmallStudy, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before the first round, after a good one, and after one that failed; in the time of the study."""
    before = status(capsys, study)
    assert (before["study"], before["last_complete"], before["last_attempt"]) == (STUDY, None, None)
    assert not study.data.exists()
    summary = study.round()
    good = status(capsys, study)
    assert good["last_complete"] == good["last_attempt"]["started_at"] == "2025-07-02T02:30:00+08:00"
    assert sum(good["open_findings"].values()) == summary.findings["opened"] > 0
    study.next_day()
    with pytest.raises(Exception, match=r"127\.0\.0\.1:9"):
        study.round(environ={**study.environ, "REDCAP_URL": "http://127.0.0.1:9/api/"})
    study.command("check", lambda night: night.validate(night.last_snapshot()))  # no round, and so no attempt at one
    bad = status(capsys, study)
    last = bad["last_attempt"]
    assert (bad["last_complete"], bad["open_findings"]) == (good["last_complete"], good["open_findings"])
    assert (last["ended"], last["exit_code"], last["job"]) == ("failed", 11, "nightly")
    assert "127.0.0.1:9" in last["why"]
    assert last["steps"]["pull"] == "failed"
    _, out, _ = called(capsys, study, "status")
    assert "last complete round: 2025-07-02T02:30:00+08:00" in out
    assert "failed (exit code 11)" in out


def test_status_needs_no_readable_study_file(study: SmallStudy, capsys: pytest.CaptureFixture[str]) -> None:
    """The night on which the files are broken is the one on which somebody looks."""
    study.round()
    (study.source / "study.toml").write_text("[study")
    assert status(capsys, study)["last_complete"] == "2025-07-02T02:30:00+08:00"


def test_status_without_a_study_shows_every_study(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Those of the content folder, also before their first round."""
    with pytest.raises(SystemExit) as ended:
        main(["status", "--data", str(tmp_path), "--json"])
    assert not ended.value.code
    names = [one["study"] for one in json.loads(capsys.readouterr().out)["studies"]]
    assert "venous_occlusion" in names
    assert list(tmp_path.iterdir()) == []


def test_status_of_no_study_is_an_error(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A typing error is no study without rounds."""
    with pytest.raises(SystemExit) as ended:
        main(["status", "no_such_study", "--data", str(tmp_path), "--json"])
    assert ended.value.code == 10
    assert json.loads(capsys.readouterr().out)["exit_code"] == 10


def without_report(study: SmallStudy, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """Let the report fail, every day."""

    def fails(*_: object, **__: object) -> Any:
        raise error

    settings = (study.source / "study.toml").read_text()
    days = '["mon", "tue", "wed", "thu", "fri", "sat", "sun"]'
    (study.source / "study.toml").write_text(settings.replace("weekdays = []", f"weekdays = {days}"))
    plan = 'policy = "spss"\ngrouping = "[sex]"\npopulation = "all"\n[[groups]]\nid = "men"\ncodes = ["1"]\n'
    label = 'label = { zh = "全部", en = "All" }\n'
    (study.source / "plan.toml").write_text(f'{plan}{label}[[flow]]\nid = "all"\n{label}')
    monkeypatch.setattr(steps, "edition_of", lambda *_, **__: None)
    monkeypatch.setattr(making, "make_report", fails)


@pytest.mark.parametrize(
    ("error", "code"), [(ExportIncomplete("night.no_snapshot", study=STUDY), 13), (KeyError("CANARY-7Q"), 1)]
)
def test_a_round_whose_report_failed_prints_its_summary_and_ends_with_that_code(
    study: SmallStudy,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    code: int,
) -> None:
    """The findings are up to date, and stdout says so; with --json it is one document with the error in it."""
    without_report(study, monkeypatch, error)
    ended, out, err = called(capsys, study, "night", "--json")
    document = json.loads(out)
    assert (ended, document["exit_code"]) == (code, code)
    assert document["findings"]["opened"] > 0
    assert document["steps"]["report"] == "failed"
    assert document["steps"]["alert"] == "done"
    assert document["error"].keys() == {"code", "what", "why", "remedy"}
    assert ("Traceback" in err) is (code == 1)
    assert "CANARY-7Q" not in out + err
    if code == 1:
        return
    ended, out, err = called(capsys, study, "night")
    assert ended == code, out + err
    assert "NOT DONE: report" in out
    assert "findings: 0 opened" in out
    assert "There is no snapshot of this study yet." in err


@pytest.mark.parametrize("command", ["night"])
def test_how_long_a_run_waits_can_be_said(study: SmallStudy, capsys: pytest.CaptureFixture[str], command: str) -> None:
    """In seconds; with 0 it ends at once with 2 and says why."""
    began = time.monotonic()
    with lock_tried(study.folder / ROUND):
        code, _, err = called(capsys, study, command, "--wait", "0")
    assert code == 2
    assert "Another run of this study is in progress" in err
    assert time.monotonic() - began < 20
    assert called(capsys, study, command, "--wait", "-1")[0] == 2


@pytest.mark.parametrize("stopped", [signal.SIGTERM, signal.SIGINT])
def test_a_round_that_is_asked_to_end_says_so(study: SmallStudy, stopped: signal.Signals) -> None:
    """Ctrl+C and the SIGTERM of a service both leave a run with its end and a mail, and end with 130."""
    study.data.mkdir()
    with lock_tried(study.folder / ROUND):
        process = subprocess.Popen(
            [sys.executable, "-m", "nightround", "night", str(study.source), "--data", str(study.data)],
            cwd=ROOT,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stderr is not None
        while "waiting for it" not in process.stderr.readline():
            assert process.poll() is None
        process.send_signal(stopped)
        process.communicate(timeout=60)
    assert process.returncode == 130
    assert (study.last_run().ended.value, study.last_run().exit_code) == ("failed", 130)
    assert len(list((study.folder / "outbox").glob("*_data_manager_*.eml"))) == 1


def test_status_says_when_the_next_round_is_and_what_is_free(
    study: SmallStudy, capsys: pytest.CaptureFixture[str]
) -> None:
    """On the study's own clock and at its own hour, also before the first round."""
    with (study.source / "study.toml").open("a", encoding="utf-8") as file:
        file.write('\n[schedule]\nnightly = "23:05"\n')
    found = status(capsys, study)
    assert found["next_round"].endswith("T23:05:00+08:00")
    assert found["disk_free_bytes"] > 0
    code, out, _ = called(capsys, study, "status")
    assert code == 0
    assert found["next_round"] in out


def checked(capsys: pytest.CaptureFixture[str], study: SmallStudy) -> int:
    """The exit code of the status for a monitoring system."""
    return called(capsys, study, "status", "--check")[0]


def test_monitoring_is_told_by_exit_code_and_metrics(study: SmallStudy, capsys: pytest.CaptureFixture[str]) -> None:
    """No round yet, a good one, one that failed, and none for too long each have their exit code and their metrics."""
    assert checked(capsys, study) == 13
    study.round()
    kept = study.folder / "status.prom"
    good = metrics_of(kept.read_text())
    assert good['nightround_healthy{study="small_study"}'] == 1
    assert good['nightround_last_attempt_exit_code{study="small_study"}'] in (0, 3)
    opened = sum(value for name, value in good.items() if name.startswith("nightround_open_findings"))
    assert opened == sum(one.state.value == "open" for one in study.findings())
    assert checked(capsys, study) in (0, 13)  # by the clock of this machine the round of the test is long ago
    study.next_day()
    with pytest.raises(Exception, match=r"127\.0\.0\.1:9"):
        study.round(environ={**study.environ, "REDCAP_URL": "http://127.0.0.1:9/api/"})
    assert metrics_of(kept.read_text())['nightround_last_attempt_exit_code{study="small_study"}'] == 11
    assert checked(capsys, study) == 11
    _, out, _ = called(capsys, study, "status", "--prometheus", "-")
    assert metrics_of(out).keys() >= good.keys()


METRIC = re.compile(r'(?P<name>[a-z_]+\{[a-z]+="[^"]*"(?:,[a-z]+="[^"]*")*\}) (?P<value>[0-9.e+-]+)')


def metrics_of(text: str) -> dict[str, float]:
    """The values of a metrics file; every line is one of the text format, and each metric says its type before."""
    values: dict[str, float] = {}
    typed: set[str] = set()
    assert text.endswith("\n")
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            typed.add(line.split()[2])
        elif not line.startswith("# HELP "):
            found = METRIC.fullmatch(line)
            assert found, line
            assert line.partition("{")[0] in typed
            values[found["name"]] = float(found["value"])
    return values


def test_a_name_with_quotes_is_escaped() -> None:
    """A label value with a quote, a backslash or a line end stays one line of the format."""
    odd = StudyStatus('a"b\\c\nd', ZoneInfo("UTC"), datetime(2025, 1, 1, tzinfo=UTC), None, None, {}, [], {})
    assert r'nightround_undelivered_messages{study="a\"b\\c\nd"} 0' in metrics_text([odd]).splitlines()
