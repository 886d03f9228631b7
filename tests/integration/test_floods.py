"""One rule that suddenly fails on most rows is the data manager's first, then, after a release, everybody's."""

import csv
import io
import json
import shutil
from collections.abc import Iterator
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest

from nightround.cli.main import main
from tests.small_study import FOLDER, STUDY, SmallStudy, small_study

RECORDS = [str(number) for number in range(1, 41)]
COORDINATOR = """
[[people]]
role = "coordinator"
address = "coordinator@example.org"
language = "en"
owns = ["coordinator"]
"""


@pytest.fixture
def study(tmp_path: Path) -> Iterator[SmallStudy]:
    """Forty patients without a mistake, a data manager and a coordinator; no rule of it is critical."""
    source = tmp_path / "source"
    shutil.copytree(FOLDER, source)
    with (source / "study.toml").open("a", encoding="utf-8") as file:
        file.write(COORDINATOR)
    for path in (source / "rules").glob("*.toml"):
        rules = path.read_text(encoding="utf-8").replace('severity = "critical"', 'severity = "major"')
        path.write_text(rules, encoding="utf-8")
    patients = [
        {"record_id": record, "age": "47", "sex": "1", "systolic": "120", "diastolic": "80"} for record in RECORDS
    ]
    with small_study(tmp_path / "data", source=source, patients=patients) as opened:
        yield opened


def swap_pressures(study: SmallStudy, systolic: str) -> None:
    """Type one systolic pressure into every record."""
    study.client.import_records([{"record_id": record, "systolic": systolic} for record in RECORDS], overwrite=True)


def night(study: SmallStudy) -> dict[str, str]:
    """Make a round on the next day; gives the plain text of each new mail by the role of its reader."""
    study.next_day()
    before = set((study.folder / "outbox").glob("*.eml"))
    study.round()
    found = {}
    for path in set((study.folder / "outbox").glob("*.eml")) - before:
        body = message_from_bytes(path.read_bytes(), policy=default).get_body(("plain",))
        assert body is not None
        role = "coordinator" if "_coordinator_" in path.name else "data_manager"
        found[role] = str(body.get_content())
    return found


def notify(study: SmallStudy, *arguments: str) -> int:
    """Run `nightround notify`; gives its exit code."""
    with pytest.raises(SystemExit) as ended:
        main(["notify", str(study.source), "--data", str(study.data), *arguments])
    return int(ended.value.code or 0)


def test_a_flood_is_held_until_it_is_released(
    study: SmallStudy, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The coordinator hears a number, then, after the release, of every finding once; the name of who did is kept."""
    for name, value in study.environ.items():
        monkeypatch.setenv(name, value)
    study.round()
    swap_pressures(study, "70")
    mails = night(study)
    assert "are held back" not in mails["data_manager"]
    assert "To release them: nightround notify STUDY --release" in mails["data_manager"]
    assert "coordinator" not in mails
    capsys.readouterr()
    assert notify(study, "--json") == 0
    (held,) = json.loads(capsys.readouterr().out)["floods"]
    assert (held["opened"], held["checked"], held["held"]) == (40, 40, True)
    assert notify(study, "--release", "no_such_rule", "--by", "DM") == 10
    assert "rules whose findings are held back" in capsys.readouterr().err
    assert notify(study, "--release", held["rule_id"], "--by", "DM") == 0
    mails = night(study)
    assert "The same finding in 40 records, 40 in all" in mails["coordinator"]
    assert "coordinator" not in night(study)
    capsys.readouterr()
    notify(study, "--json")
    assert json.loads(capsys.readouterr().out)["floods"][0]["released_by"] == "DM"
    with pytest.raises(SystemExit) as ended:
        main(["notify", str(study.source), "--data", str(study.data), "--release", held["rule_id"]])
    assert ended.value.code == 2


def test_a_flood_that_is_corrected_is_no_news_for_who_never_saw_it(study: SmallStudy) -> None:
    """It ends by itself; the coordinator hears neither of its beginning nor of its end, and later findings are new."""
    study.round()
    swap_pressures(study, "70")
    night(study)
    swap_pressures(study, "120")
    assert "coordinator" not in night(study)
    study.type_in("7", systolic="70")
    assert "Record 7" in night(study)["coordinator"]


def test_the_first_night_holds_nothing_back(study: SmallStudy) -> None:
    """Everything is new in it; forty findings of one rule are one block, with all of them in the attached list."""
    swap_pressures(study, "70")
    mails = night(study)
    assert "The same finding in 40 records, 40 in all" in mails["coordinator"]
    (path,) = (study.folder / "outbox").glob("*_coordinator_*.eml")
    (attached,) = message_from_bytes(path.read_bytes(), policy=default).iter_attachments()
    rows = list(csv.DictReader(io.StringIO(str(attached.get_content()).removeprefix("\ufeff"))))
    assert attached.get_filename() == "findings.csv"
    assert len(rows) == 40
    assert STUDY in study.folder.name


def killed_before_anybody_is_notified(study: SmallStudy) -> None:
    """Make a round on the next day that ends without a word once its findings are written."""
    study.next_day()
    with study.opened() as one:
        snapshot = one.pull()
        one.reconcile(snapshot, one.validate(snapshot))


def test_a_flood_of_a_killed_round_is_held_all_the_same(study: SmallStudy, capsys: pytest.CaptureFixture[str]) -> None:
    """It is remembered in one transaction with its findings, so that the next round does not let them through."""
    study.round()
    swap_pressures(study, "70")
    killed_before_anybody_is_notified(study)
    mails = night(study)
    assert "coordinator" not in mails
    assert "40" in mails["data_manager"]
    notify(study, "--json")
    (held,) = json.loads(capsys.readouterr().out)["floods"]
    assert (held["opened"], held["checked"], held["held"]) == (40, 40, True)


def test_what_a_killed_round_changed_is_in_the_mails_of_the_next(study: SmallStudy) -> None:
    """Its messages were not written; each of the next round begins where the last one of its reader ended."""
    study.round()
    study.type_in("7", systolic="70")
    killed_before_anybody_is_notified(study)
    mails = night(study)
    assert "Record 7" in mails["coordinator"]
    assert "never ended" in mails["data_manager"]
    assert "coordinator" not in night(study)
