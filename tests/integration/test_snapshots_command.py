"""`nightround snapshots`: list, show, diff, accept; and what a drift or a missing right stops in a night."""

import json
import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from click.testing import CliRunner, Result

from nightround.cli.snapshots import snapshots
from nightround.model.outcome import Status
from nightround.night.run_job import open_night
from nightround.study.folder import find_content
from redcap_sync.api.client import RedcapClient
from redcap_sync.api.token import Token
from redcap_sync.errors import ExplainedError
from redcap_sync.project.state import StoredProject
from redcap_sync.sandbox import running
from redcap_sync.sandbox.project_sources import project_from_folder
from tests.sandbox_examples import Clock

STUDY = Path(__file__).parents[2] / "expectations" / "venous_occlusion"
SCREENING = {"redcap_event_name": "screening_arm_1"}


class Nights:
    """A study on a sandbox, night after night."""

    def __init__(self, folder: Path, project: StoredProject, clock: Clock, url: str, token: str) -> None:
        self.folder = folder
        self.project = project
        self.clock = clock
        self.environ = {"REDCAP_URL": url, "REDCAP_TOKEN": token}
        self.client = RedcapClient(url, Token(token), sleep=lambda _: None)

    def pull(self, *, judge: bool = False) -> Any:
        """Make one night; with `judge` the rules are judged too."""
        from zoneinfo import ZoneInfo

        self.clock.forward(hours=22)

        def now() -> datetime:
            return self.clock.now.replace(tzinfo=ZoneInfo("Asia/Shanghai"))

        with open_night(
            str(STUDY),
            data=self.folder,
            job="pull",
            content=find_content({}),
            environ=self.environ,
            clock=now,
            sleep=lambda _: None,
        ) as night:
            snapshot = night.pull()
            return night.validate(snapshot) if judge else snapshot

    def write(self, record: str, **values: str) -> None:
        """Edit a screening."""
        self.clock.forward(hours=1)
        self.client.import_records([{"record_id": record, **SCREENING, **values}], overwrite=True)

    def run(self, *arguments: str) -> Any:
        """Run the command and return its JSON, which is all that is on stdout."""
        return json.loads(self._done(*arguments, "--json").stdout)

    def say(self, *arguments: str) -> str:
        """Run the command and return what it prints."""
        return self._done(*arguments).output

    def _done(self, *arguments: str) -> Result:
        done = CliRunner().invoke(
            snapshots, [*arguments, "--data", str(self.folder)], env={"COLUMNS": "200"}, catch_exceptions=False
        )
        assert done.exit_code == 0, done.output
        return done


@pytest.fixture
def nights(tmp_path: Path) -> Iterator[Nights]:
    """Three records of the first study."""
    clock = Clock(datetime(2025, 7, 1, 8, 0))  # noqa: DTZ001 - server-local
    project = project_from_folder(STUDY / "project", clock=clock)
    with running([project], random=Random(1)) as sandbox:
        one = Nights(tmp_path / "data", project, clock, sandbox.api_url, sandbox.token(project))
        for record in ("1", "2", "3"):
            one.write(record, height_cm=f"16{record}")
        yield one


def test_the_list_names_every_night(nights: Nights) -> None:
    """Each night is shown with its id, its records and how it was pulled; the latest is named."""
    nights.pull()
    nights.write("1", height_cm="170")
    latest = nights.pull()
    found = nights.run("list", str(STUDY))
    assert found["latest"] == latest.id == found["snapshots"][-1]["id"]
    assert [(one["pull"], one["records"]) for one in found["snapshots"]] == [("full", 3), ("incremental", 3)]
    assert latest.id[:12] in nights.say("list", str(STUDY))


def test_the_list_goes_on_over_a_damaged_night(nights: Nights, caplog: pytest.LogCaptureFixture) -> None:
    """The nights that can be read are listed and the other is named; where none can, that is an error."""
    for height in ("170", "171", "172"):
        nights.write("1", height_cm=height)
        latest = nights.pull()
    first, second, third = sorted((nights.folder / "venous_occlusion" / "snapshots" / "taken").iterdir())
    first.write_bytes(b"rotten")
    assert [one["id"] for one in nights.run("list", str(STUDY))["snapshots"]][-1] == latest.id
    assert f"{first.name[:40]} cannot be read" in nights.say("list", str(STUDY))
    assert nights.pull().id == latest.id
    assert f"{first.name[:40]} cannot be read" in caplog.text
    for path in (second, third, *(nights.folder / "venous_occlusion" / "snapshots" / "taken").iterdir()):
        path.write_bytes(b"rotten")
    with pytest.raises(ExplainedError, match="cannot be read"):
        nights.run("list", str(STUDY))


def test_nights_of_the_same_state_are_told_apart_by_their_hour(nights: Nights) -> None:
    """A value that went and came back: its id names the last night that had it, the hour of the list each of them."""
    hours = []
    for height in ("170", "171", "170"):
        nights.write("1", height_cm=height)
        snapshot = nights.pull()
        hours.append(f"{snapshot.taken_at:%Y-%m-%d %H:%M}")
    first, second, third = nights.run("list", str(STUDY))["snapshots"]
    assert first["id"] == third["id"] != second["id"]
    assert [hour in nights.say("list", str(STUDY)) for hour in hours] == [True] * 3

    def heights(old: str, new: str) -> list[tuple[str, str]]:
        changes = nights.run("diff", old, new, str(STUDY))["changes"]
        return [(one["old"], one["new"]) for one in changes if one["field"] == "height_cm"]

    assert heights(hours[0], hours[1]) == [("170", "171")]
    assert heights(hours[1], third["id"][:12]) == [("171", "170")]
    assert heights(hours[0], hours[2]) == []
    assert nights.run("show", hours[0], str(STUDY))["id"] == first["id"]


def test_a_snapshot_is_shown_by_counts(nights: Nights) -> None:
    """Instruments, rows and columns are shown; a value is not."""
    nights.write("1", height_cm="187.6")
    snapshot = nights.pull()
    found = nights.run("show", snapshot.id[:8], str(STUDY))
    rows = {one["instrument"]: one["rows"] for one in found["instruments"]}
    assert rows["demographics"] == 3
    assert "187.6" not in nights.say("show", snapshot.id[:8], str(STUDY)) + json.dumps(found)


def test_a_diff_names_cells_and_who_changed_them_when(nights: Nights) -> None:
    """Old and new value, user and time of the log for each changed cell, over more than one night."""
    first = nights.pull()
    nights.write("1", height_cm="170", sex="1")
    edited_at = f"{nights.clock.now:%Y-%m-%d %H:%M}"
    nights.pull()
    nights.write("4", height_cm="150")
    nights.client._project.delete_records(["2"])
    last = nights.pull()
    found = nights.run("diff", first.id[:10], last.id[:10], str(STUDY))["changes"]
    by_cell = {(one["record"], one["field"]): one for one in found}
    changed = by_cell["1", "height_cm"]
    assert (changed["old"], changed["new"], changed["by"], changed["at"]) == ("161", "170", "sandbox_user", edited_at)
    assert (by_cell["1", "sex"]["old"], by_cell["1", "sex"]["new"]) == ("", "1")
    assert by_cell["4", "height_cm"]["old"] == ""
    assert (by_cell["2", "height_cm"]["new"], by_cell["2", "height_cm"]["by"]) == ("", "sandbox_user")
    assert {one["record"] for one in found} == {"1", "2", "4"}
    printed = nights.say("diff", first.id[:10], last.id[:10], str(STUDY))
    assert "170" in printed
    assert f"{len(found)} cells differ" in printed


def test_a_diff_names_records_that_moved_to_another_group(nights: Nights) -> None:
    """The group is the record's, in no event and no instrument, with who moved it and when."""
    for name in ("North", "South"):
        nights.client._project.import_dags([{"data_access_group_name": name, "unique_group_name": ""}])
    nights.write("1", redcap_data_access_group="north")
    first = nights.pull()
    nights.write("1", redcap_data_access_group="south")
    moved_at = f"{nights.clock.now:%Y-%m-%d %H:%M}"
    nights.write("2", redcap_data_access_group="north")
    last = nights.pull()
    found = nights.run("diff", first.id[:10], last.id[:10], str(STUDY))["changes"]
    place = {"event": "", "instrument": "", "instance": 0, "field": "redcap_data_access_group", "by": "sandbox_user"}
    assert found[0] == {"record": "1", **place, "old": "north", "new": "south", "at": moved_at}
    assert [(one["record"], one["old"], one["new"]) for one in found] == [("1", "north", "south"), ("2", "", "north")]
    assert "2 cells differ" in nights.say("diff", first.id[:10], last.id[:10], str(STUDY))


def test_a_diff_across_a_full_pull_names_who_changed_a_cell(nights: Nights) -> None:
    """The weekly full pull keeps what the log says of the day before it, as every increment does."""
    first = nights.pull()
    nights.clock.now += timedelta(days=7)
    nights.write("1", height_cm="170")
    last = nights.pull()
    assert nights.run("list", str(STUDY))["snapshots"][-1]["pull"] == "full"
    [changed] = nights.run("diff", first.id[:10], last.id[:10], str(STUDY))["changes"]
    assert (changed["new"], changed["by"]) == ("170", "sandbox_user")


def test_a_diff_the_wrong_way_round_and_an_unknown_snapshot_are_explained(nights: Nights) -> None:
    """Both end in an explained error with the command that is right."""
    first = nights.pull()
    nights.write("1", height_cm="170")
    last = nights.pull()
    for arguments in (("diff", last.id, first.id), ("show", "ffffffff")):
        with pytest.raises(ExplainedError) as caught:
            nights.say(*arguments, str(STUDY))
        assert "nightround snapshots" in caught.value.remedy


def test_a_drift_stops_what_it_touches_until_it_is_accepted(nights: Nights) -> None:
    """A relabelled code stops the rules that read it for as many nights as nobody accepts it."""
    nights.pull(judge=True)
    relabel(nights.project)
    for _ in range(2):
        judged = nights.pull(judge=True)
        stopped = [one for one in judged.outcomes if str(one.reason).endswith("not accepted yet")]
        assert stopped
        assert {one.status for one in stopped} == {Status.NOT_EVALUATED}
        assert judged.coverage.complete
        assert len(stopped) < len(judged.outcomes) / 2
    assert "its choice '1' was" in nights.say("accept", str(STUDY), "--structure", "--by", "Dr. Data")
    judged = nights.pull(judge=True)
    assert not any(str(one.reason).endswith("not accepted yet") for one in judged.outcomes)


def relabel(project: StoredProject) -> None:
    """Give every code of every radio field another meaning."""
    for row in project.structure.metadata:
        if row["field_type"] == "radio":
            row["select_choices_or_calculations"] = row["select_choices_or_calculations"].replace(", ", ", not ")
    project.restructure(metadata=project.structure.metadata)
    project.log("designer", "manage", "Manage/Design", details="Edit project field")


def test_a_missing_right_stops_the_rules_behind_it(nights: Nights) -> None:
    """The night comes about, and each rule on the hidden instrument could not be evaluated, with the right's name."""
    from redcap_sync.project.rights import RIGHTS, Rights, User

    names = nights.project.instrument_names
    levels = {**dict.fromkeys(names, 1), "demographics": 0}
    rights = Rights(dict.fromkeys(RIGHTS, 1), dict.fromkeys(names, 1), levels)
    nights.project.structure.users["sandbox_user"] = User("sandbox_user", rights)
    judged = nights.pull(judge=True)
    reasons = [one.reason for one in judged.outcomes if "no export right on 'demographics'" in str(one.reason)]
    assert reasons
    assert judged.coverage.counts[Status.NOT_EVALUATED] == len(reasons)
    assert judged.coverage.complete


def test_an_empty_study_has_nothing_to_list(tmp_path: Path) -> None:
    """Before the first pull the list is empty and there is nothing to accept."""
    copy = shutil.copytree(STUDY, tmp_path / "study")
    done = CliRunner().invoke(snapshots, ["list", str(copy), "--data", str(tmp_path), "--json"])
    assert json.loads(done.output)["snapshots"] == []
    done = CliRunner().invoke(snapshots, ["accept", str(copy), "--structure", "--by", "Me", "--data", str(tmp_path)])
    assert done.exit_code == 2


def test_a_weekly_full_pull_tells_what_the_increments_had_not_seen(
    nights: Nights, caplog: pytest.LogCaptureFixture
) -> None:
    """A value changed without a line in the log is missed by increments, found by the full pull, and told."""
    nights.pull()
    place = next(iter(nights.project.values["1"].rows))
    nights.project.values.write("1", place, {"height_cm": "199"})
    assert "199" not in set(nights.pull().tables["demographics"].text["height_cm"])
    nights.clock.now += timedelta(days=6)
    assert "199" in set(nights.pull().tables["demographics"].text["height_cm"])
    assert "1 records (in demographics) had changed without a line in REDCap's log" in caplog.text
    last = nights.run("list", str(STUDY))["snapshots"][-1]
    assert last["proof"] == {"differing_records": 1, "instruments": ["demographics"]}
