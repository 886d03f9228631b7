"""What the token's user may not see is reported as a missing right, never as missing data."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from redcap_sync.errors import ExportIncomplete, RedcapRefused
from redcap_sync.pulling.pulled import Pull
from tests.pull_examples import Served, served


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Served]:
    """Six records in a project with three instruments."""
    with served(tmp_path / "project", records=6) as one:
        yield one


def unseen(pulled: Pull) -> dict[str, str]:
    """The reason by instrument."""
    return {one.instrument: str(one.reason) for one in pulled.unseen}


def test_who_sees_everything_has_nothing_unseen(server: Served) -> None:
    """With full rights no instrument is unseen."""
    assert server.pull().unseen == ()


@pytest.mark.parametrize("without", [(), ("user_rights",), ("logging",)])
def test_an_instrument_without_export_right_is_named(server: Served, without: tuple[str, ...]) -> None:
    """The pull comes about and says which instrument it could not see; the rest is whole."""
    whole = server.pull()
    server.become(without=without, labs=0)
    pulled = server.pull()
    assert unseen(pulled) == {"labs": "the token's user has no export right on 'labs'"}
    assert set(pulled.unseen[0].columns) == set(pulled.dictionary.columns_of("labs"))
    assert pulled.parts["visit"] == whole.parts["visit"]
    assert pulled.record_count() == 6


def test_a_repeating_instrument_without_export_right_is_named(server: Served) -> None:
    """Its instances are not in the rows, and nobody misses them: the right is what is missing."""
    server.become(visit=0)
    pulled = server.pull()
    assert set(unseen(pulled)) == {"visit"}
    assert len(pulled.tables["visit"]) == 0


def test_a_de_identified_instrument_is_not_relied_on_at_all(server: Served) -> None:
    """De-identified dates are shifted, so that every column of the instrument counts as unseen."""
    server.become(labs=2)
    pulled = server.pull()
    assert unseen(pulled) == {"labs": "the token's user may export only de-identified data of 'labs'"}
    assert "weight" in pulled.unseen[0].columns


def test_identifiers_left_out_are_named_and_the_others_stay(server: Served) -> None:
    """Without identifiers the columns that did not come are unseen, the others are data."""
    server.become(baseline=3)
    pulled = server.pull()
    assert pulled.unseen[0].columns == ("initials", "dob")


def test_no_export_right_at_all_is_refused(server: Served) -> None:
    """A user who may export nothing ends in 12."""
    server.become(baseline=0, labs=0, visit=0)
    with pytest.raises(RedcapRefused):
        server.pull()


def test_a_column_that_no_right_explains_is_an_error(server: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """With full rights a missing instrument is the server's fault, and the pull is refused."""
    answer = server.client.records

    def cut(*asked: object, **how: object) -> list[dict[str, object]]:
        return [{k: v for k, v in row.items() if k not in {"weight", "labs_complete"}} for row in answer(*asked, **how)]

    monkeypatch.setattr(server.client, "records", cut)
    with pytest.raises(ExportIncomplete, match="lacks 2 columns"):
        server.pull(batch=100)


def test_rights_that_change_between_nights_lead_to_a_full_pull(server: Served) -> None:
    """An increment never mixes what two different rights could see."""
    server.become()
    base = server.pull()
    server.clock.forward(hours=24)
    rows = '[{"username":"service","forms_export":{"baseline":1,"labs":0,"visit":1}}]'
    server.post(content="user", action="import", data=rows)
    pulled = server.pull(base)
    assert pulled.summary.kind == "full"
    assert set(unseen(pulled)) == {"labs"}


def test_without_the_logging_right_changes_are_found_by_date(server: Served) -> None:
    """Edits, new records, deletions and renames are in the increment, and it says how they were looked for."""
    server.become(without=("logging",))
    base = server.pull()
    assert (base.summary.stable, base.checkpoint.mark) == ("dates of change", None)
    server.clock.forward(hours=24)
    server.write("2", weight="70")
    server.write("99", initials="NEW")
    server.delete("4")
    server.rename("5", "55")
    pulled = server.pull(base)
    assert pulled.summary.kind == "incremental"
    assert pulled.id == server.pull().id
    assert set(pulled.rows["record"]) == {"1", "2", "3", "55", "6", "99"}


def test_without_the_logging_right_a_record_edited_in_mid_pull_is_fetched_again(server: Served) -> None:
    """Rest is then proven by fetching what was changed of late until it comes the same twice."""
    server.become(without=("logging",))
    server.faults.script("changed", content="record", after=1, change=lambda: edit(server))
    pulled = server.pull()
    assert "ZZ" in set(pulled.tables["baseline"].text["initials"])
    assert pulled.id == server.pull().id


def test_an_edit_of_instances_alone_is_found_by_date(server: Served) -> None:
    """A record of which nothing but instances was entered is in no export of ids alone, and its edit is found."""
    server.become(without=("logging",))
    server.visit("only", 1, pain="3")
    base = server.pull()
    server.clock.forward(hours=24)
    server.visit("only", 1, pain="9")
    pulled = server.pull(base)
    assert pulled.summary.kind == "incremental"
    assert pulled.id == server.pull().id
    assert "9" in set(pulled.tables["visit"].text["pain"])


def test_an_instrument_that_went_is_not_asked_for_by_date(server: Served) -> None:
    """Where the log may not be read and the project lost what repeated, everything is pulled."""
    server.become(without=("logging",))
    base = server.pull()
    server.clock.forward(hours=24)
    server.write("2", weight="80")
    left = [row for row in server.project.structure.metadata if row["form_name"] != "visit"]
    server.post(content="metadata", data=json.dumps(left))
    pulled = server.pull(base)
    assert (pulled.summary.kind, "visit" in pulled.tables) == ("full", False)


def test_half_of_what_was_changed_by_date_is_asked_for_again(server: Served) -> None:
    """A list of changed records of which a half did not come loses no edit: it is asked for twice in every pull."""
    server.become(without=("logging",))
    for record in ("2", "6"):
        server.write(record, weight="70")
    base = server.pull()
    server.clock.forward(hours=24)
    for record in ("2", "6"):
        server.write(record, weight="80")
    server.clock.forward(hours=20)
    server.faults.script("half", content="record")
    pulled = server.pull(base)
    assert pulled.summary.kind == "incremental"
    assert pulled.id == server.pull().id


@pytest.mark.parametrize("after", [1, 2])
def test_an_increment_of_a_fresh_client_looks_for_edits_in_mid_pull(server: Served, after: int) -> None:
    """A client whose very first call, for the log, is refused goes by dates of change, night after night."""
    server.become(without=("logging",))
    base = server.pull()
    server.clock.forward(hours=24)
    server.write("2", weight="70")
    server.client = server.fresh_client("service")
    server.faults.script("changed", content="record", after=after, change=lambda: edit(server))
    pulled = server.pull(base)
    assert (pulled.summary.kind, pulled.summary.stable) == ("incremental", "dates of change")
    assert "ZZ" in set(pulled.tables["baseline"].text["initials"])
    server.client = server.fresh_client("service")
    assert server.pull(pulled).summary.kind == "incremental"


def edit(server: Served) -> None:
    """Change a value behind the back of every call."""
    project = server.project
    place = next(place for place in project.values["1"].rows if not place.instrument)
    project.values.write("1", place, {"initials": "ZZ"})
    project.log("nurse", "record_edit", "Update record 1", details="initials = 'ZZ'", record="1")


def test_a_user_who_is_shown_a_part_of_the_log_pulls_all_the_same(server: Served) -> None:
    """Who is in a group is shown lines of the group's records only; edits are then looked for by dates of change."""
    server.join("1", "north_site")
    server.become(group="north_site")
    server.faults.script("changed", content="record", after=1, change=lambda: edit(server))
    pulled = server.pull()
    assert (set(pulled.rows["record"]), pulled.summary.stable) == ({"1"}, "dates of change")
    assert "ZZ" in set(pulled.tables["baseline"].text["initials"])


def test_a_user_moved_to_a_group_sees_too_little(server: Served) -> None:
    """When the token's user sees only a part of the records, the pull is refused as a loss."""
    from redcap_sync.pulling.pull import PullSettings, pull_project

    server.become()
    base = server.pull()
    server.become(group="north_site")
    with pytest.raises(ExportIncomplete, match="0 records; the last good snapshot has 6"):
        pull_project(server.client, PullSettings(), base=base)


def test_rights_are_told_where_no_row_could_show_them(tmp_path: Path) -> None:
    """An instrument without export right is named in a project without a record, and when the first ones come."""
    with served(tmp_path / "empty", records=0) as server:
        server.become(labs=0)
        base = server.pull()
        assert [one.instrument for one in base.unseen] == ["labs"]
        server.clock.forward(hours=24)
        server.write("1", initials="AA")
        pulled = server.pull(base)
        assert (pulled.record_count(), [one.instrument for one in pulled.unseen]) == (1, ["labs"])


def test_a_right_taken_without_a_line_in_the_log_leads_to_a_full_pull(server: Served) -> None:
    """An increment that suddenly lacks columns asks for everything, and names the right that is missing."""
    server.become()
    base = server.pull()
    server.clock.forward(hours=24)
    server.write("1", weight="70")
    server.become(labs=0)
    pulled = server.pull(base)
    assert (pulled.summary.kind, str(pulled.summary.why)) == ("full", "the columns or the rights changed")
    assert [one.instrument for one in pulled.unseen] == ["labs"]
