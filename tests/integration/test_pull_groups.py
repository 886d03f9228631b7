"""A pull tells the data access group of every record, or says that it may not see it, and never guesses."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from nightround.model.outcome import Status
from nightround.snapshots.snapshot_store import SnapshotStore
from nightround.validation.run import validate
from redcap_sync.dictionary import Group
from redcap_sync.errors import ExportIncomplete
from redcap_sync.project.structure import StoredGroup
from redcap_sync.pulling.pulled import GROUPS, Pull
from tests.made_up import rule
from tests.pull_examples import Served, served

NIGHT = datetime(2025, 3, 3, 2, 30, tzinfo=UTC)
NORTH, SOUTH = Group("north_site", "North site", 331), Group("south_site", "South site", 332)
COLUMN = "redcap_data_access_group"
Rows = list[dict[str, Any]]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Served]:
    """Six records in a project with two groups: 1 and 2 in the north, 3 in the south, the others in none."""
    with served(tmp_path / "project", records=6) as one:
        for record, group in (("1", "north_site"), ("2", "north_site"), ("3", "south_site")):
            one.join(record, group)
        yield one


def drop_groups(server: Served) -> None:
    """Delete every group of the project."""
    server.post(content="dag", action="delete", **{"dags[0]": "north_site", "dags[1]": "south_site"})


def judged(pulled: Pull, folder: Path, *names: str) -> dict[str, Sequence[str] | str]:
    """Save and judge a night: of each smart variable the records in which it has a value, or why it has none."""
    store = SnapshotStore(folder)
    store.save("s", pulled, NIGHT)
    snapshot = store.latest("s")
    assert snapshot is not None
    rules = [rule(name, "baseline", f"[{name}] <> ''", needs=()) for name in names]
    validation = validate(snapshot, rules, now=NIGHT.replace(tzinfo=None))
    found: dict[str, Sequence[str] | str] = {}
    for outcome in validation.outcomes:
        rows = [one.row.record for one in validation.violations if one.rule_id == outcome.rule_id]
        found[outcome.rule_id] = str(outcome.reason) if outcome.status is Status.NOT_EVALUATED else rows
    return found


def test_the_group_of_every_record_is_pulled(server: Served) -> None:
    """Records in a group have its unique name, and the structure has the groups with label and number."""
    pulled = server.pull()
    assert pulled.groups == {"1": "north_site", "2": "north_site", "3": "south_site"}
    assert pulled.dictionary.groups == (NORTH, SOUTH)
    assert pulled.parts.keys() == {"*structure", "*rows", GROUPS, "baseline", "labs", "visit"}


def test_groups_cost_a_full_pull_one_call_and_an_increment_none(server: Served) -> None:
    """The list of groups is asked for with the structure; who is in which comes with the record ids."""
    base = server.pull()
    assert server.faults.requests.count("dag") == 1
    server.clock.forward(hours=24)
    server.join("4", "south_site")
    step = server.pull(base)
    assert (step.summary.kind, step.summary.requests, step.summary.fetched) == ("incremental", 4, 1)
    assert server.faults.requests.count("dag") == 1


@pytest.mark.parametrize("logged", [True, False])
def test_a_record_moved_between_two_nights_is_seen_by_the_increment(server: Served, logged: bool) -> None:  # noqa: FBT001
    """The increment has the new group, with a line in the log or without, and is what a full pull gives."""
    base = server.pull()
    server.clock.forward(hours=24)
    for record, group in (("1", "south_site"), ("3", ""), ("6", "north_site")):
        if logged:
            server.join(record, group)
        else:
            server.project.values.join_group(record, group)
    step = server.pull(base)
    assert step.summary.kind == "incremental"
    assert step.groups == {"1": "south_site", "2": "north_site", "6": "north_site"}
    assert step.id != base.id
    assert (step.id, step.parts) == (server.pull().id, server.pull().parts)
    moved = {edit.record for edit in step.edits if edit.fields == (COLUMN,)}
    assert moved == ({"1", "3", "6"} if logged else set())


def test_a_move_alone_changes_no_instrument(server: Served) -> None:
    """Only the part of the groups is another one."""
    base = server.pull()
    server.clock.forward(hours=24)
    server.join("4", "south_site")
    step = server.pull(base)
    assert {name for name in step.parts if step.parts[name] != base.parts[name]} == {GROUPS}


@pytest.mark.parametrize("after", [0, 1, 2])
@pytest.mark.parametrize("full", [True, False])
def test_a_record_moved_in_mid_pull_is_in_it_with_its_new_group(server: Served, after: int, full: bool) -> None:  # noqa: FBT001
    """Groups are those of the last look, as the rows are."""
    base = server.pull()
    server.clock.forward(hours=24)
    server.write("5", initials="NEW")

    def move() -> None:
        server.project.values.join_group("2", "south_site")
        server.project.log("nurse", "record_edit", "Update record 2", record="2")

    server.faults.script("changed", content="record", after=after, change=move)
    pulled = server.pull(base, full=full)
    server.faults.clear()
    assert server.pull(pulled).id == server.pull().id
    if after < 2:
        assert pulled.groups == {"1": "north_site", "2": "south_site", "3": "south_site"}


@pytest.mark.parametrize(
    ("change", "groups"),
    [
        (
            {"action": "import", "data": '[{"data_access_group_name":"East","unique_group_name":""}]'},
            (NORTH, SOUTH, Group("east", "East", 46)),
        ),
        (
            {"action": "import", "data": '[{"data_access_group_name":"South","unique_group_name":"south_site"}]'},
            (NORTH, Group("south", "South", 332)),
        ),
        ({"action": "delete", "dags[0]": "south_site"}, (NORTH,)),
    ],
)
def test_a_group_made_renamed_or_deleted_leads_to_a_full_pull(
    server: Served, change: dict[str, str], groups: tuple[Group, ...]
) -> None:
    """The list of groups is a part of the structure."""
    base = server.pull()
    server.clock.forward(hours=24)
    server.post(content="dag", **change)
    pulled = server.pull(base)
    assert (pulled.summary.kind, str(pulled.summary.why)) == ("full", "the structure or the rights changed")
    assert pulled.dictionary.groups == groups
    assert pulled.id == server.pull().id


def test_groups_that_changed_without_a_line_in_the_log_lead_to_a_full_pull(server: Served) -> None:
    """An increment that finds a record in a group it does not know believes neither list nor column."""
    base = server.pull()
    server.clock.forward(hours=24)
    project = server.project
    project.restructure(groups=[*project.structure.groups, StoredGroup(400, "east", "East")])
    project.values.join_group("5", "east")
    pulled = server.pull(base)
    assert (pulled.summary.kind, str(pulled.summary.why)) == ("full", "the data access groups changed")
    assert pulled.groups == {"1": "north_site", "2": "north_site", "3": "south_site", "5": "east"}
    assert pulled.id == server.pull().id


def test_a_project_without_groups_has_every_record_in_none(server: Served, tmp_path: Path) -> None:
    """The list of groups is there and empty, so that the smart variables are blank and not unknown."""
    drop_groups(server)
    pulled = server.pull()
    assert (pulled.groups, pulled.dictionary.groups) == ({}, ())
    names = ("record-dag-name", "record-dag-label", "record-dag-id")
    assert judged(pulled, tmp_path / "s", *names) == {name: [] for name in names}
    server.clock.forward(hours=24)
    server.write("5", initials="NEW")
    step = server.pull(pulled)
    assert (step.summary.kind, step.id) == ("incremental", server.pull().id)


def test_a_user_in_a_group_is_not_shown_the_groups_of_records(server: Served, tmp_path: Path) -> None:
    """Column and log are kept back: rules that need the group are refused, and every night is a full pull."""
    server.become(group="north_site")
    pulled = server.pull()
    assert set(pulled.rows["record"]) == {"1", "2"}
    assert (pulled.groups, pulled.dictionary.groups) == (None, (NORTH, SOUTH))
    assert GROUPS not in pulled.parts
    assert "REDCap's export does not say" in judged(pulled, tmp_path / "s", "record-dag-name")["record-dag-name"]
    server.clock.forward(hours=24)
    server.write("1", initials="NEW")
    again = server.pull(pulled)
    assert (again.summary.kind, again.summary.stable) == ("full", "dates of change")
    assert "in a data access group" in str(again.summary.why)
    assert "NEW" in set(again.tables["baseline"].text["initials"])
    assert again.id == server.pull().id


def test_a_user_in_a_group_who_may_see_nothing_of_groups_pulls_all_the_same(server: Served) -> None:
    """A log in which our own calls do not stand is not relied on, and is no error."""
    server.become(without=("data_access_groups", "user_rights"), group="north_site")
    pulled = server.pull()
    assert (set(pulled.rows["record"]), pulled.groups, pulled.dictionary.groups) == ({"1", "2"}, None, None)
    assert pulled.summary.stable == "dates of change"
    server.clock.forward(hours=24)
    server.write("1", initials="NEW")
    again = server.pull(pulled)
    assert "NEW" in set(again.tables["baseline"].text["initials"])
    assert again.id == server.pull().id


def test_a_user_without_the_right_to_the_list_is_told_names_and_no_labels(server: Served, tmp_path: Path) -> None:
    """The column of the records needs no right of its own, labels and numbers do."""
    server.become(without=("data_access_groups",))
    pulled = server.pull()
    assert (pulled.groups, pulled.dictionary.groups) == (
        {"1": "north_site", "2": "north_site", "3": "south_site"},
        None,
    )
    found = judged(pulled, tmp_path / "s", "record-dag-name", "record-dag-label", "record-dag-id")
    assert found["record-dag-name"] == ["1", "2", "3"]
    assert all("REDCap's export does not say" in found[name] for name in ("record-dag-label", "record-dag-id"))
    server.clock.forward(hours=24)
    server.join("4", "south_site")
    step = server.pull(pulled)
    assert (step.summary.kind, step.id) == ("incremental", server.pull().id)


def test_neither_list_nor_column_say_nothing(server: Served, tmp_path: Path) -> None:
    """Without the right to the list, a project without groups cannot be known from groups that are not shown."""
    drop_groups(server)
    server.become(without=("data_access_groups",))
    pulled = server.pull()
    assert (pulled.groups, pulled.dictionary.groups) == (None, None)
    assert "REDCap's export does not say" in judged(pulled, tmp_path / "s", "record-dag-name")["record-dag-name"]


@pytest.mark.parametrize("without", [(), ("user_rights",), ("logging",), ("logging", "data_access_groups")])
def test_increments_equal_full_pulls_whatever_may_be_seen(server: Served, without: tuple[str, ...]) -> None:
    """Moves are seen with every set of rights that shows the column."""
    server.become(without=without)
    base = server.pull()
    server.clock.forward(hours=24)
    server.join("4", "south_site")
    server.delete("2")
    server.rename("3", "33")
    step = server.pull(base)
    assert step.summary.kind == "incremental"
    assert step.groups == {"1": "north_site", "33": "south_site", "4": "south_site"}
    assert step.id == server.pull().id


def test_a_user_who_leaves_a_group_sees_the_groups_from_then_on(server: Served) -> None:
    """Where the log does not tell, the column that appears does, and everything is pulled."""
    server.become(without=("logging", "data_access_groups"), group="north_site")
    base = server.pull()
    server.clock.forward(hours=24)
    server.project.structure.users["service"].group = ""
    pulled = server.pull(base)
    assert (pulled.summary.kind, str(pulled.summary.why)) == ("full", "the data access groups changed")
    assert pulled.groups == {"1": "north_site", "2": "north_site", "3": "south_site"}


def test_the_smart_variables_of_groups_have_values_at_night(server: Served, tmp_path: Path) -> None:
    """Name, label and number of the record's group, blank for a record in none."""
    store = SnapshotStore(tmp_path / "s")
    store.save("s", server.pull(), NIGHT)
    snapshot = store.latest("s")
    assert snapshot is not None
    asked = {"name": "south_site", "label": "South site", "id": "332"}
    rules = [rule(part, "baseline", f"[record-dag-{part}] = '{value}'", needs=()) for part, value in asked.items()]
    rules.append(rule("none", "baseline", "[record-dag-id] = ''", needs=()))
    violations = validate(snapshot, rules, now=NIGHT.replace(tzinfo=None)).violations
    found = {(one.rule_id, one.row.record) for one in violations}
    assert found == {(part, "3") for part in asked} | {("none", record) for record in ("4", "5", "6")}


def without_column(ask: Callable[..., Rows]) -> Callable[..., Rows]:
    """A call for ids that loses the column of groups on its way."""
    return lambda *asked, **how: [{k: v for k, v in row.items() if k != COLUMN} for row in ask(*asked, **how)]


def test_a_column_of_groups_that_nothing_explains_the_lack_of_is_an_error(
    server: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The project has groups and no user is in one, so that the column is due like any other."""
    monkeypatch.setattr(server.client, "row_keys_csv", lambda _: b"\n")
    monkeypatch.setattr(server.client, "row_keys", without_column(server.client.row_keys))
    with pytest.raises(ExportIncomplete, match="lacks the column of data access groups"):
        server.pull()


@pytest.mark.parametrize(
    ("listed", "told"),
    [
        ([], "unexpected column of data access groups"),
        ([{"data_access_group_name": "N", "unique_group_name": "north_site"}], "that the project does not have"),
    ],
)
def test_a_column_that_the_list_of_groups_does_not_explain_is_an_error(
    server: Served, monkeypatch: pytest.MonkeyPatch, listed: Rows, told: str
) -> None:
    """A column where there are no groups, or a group that is not listed, is looked at again and then refused."""
    monkeypatch.setattr(server.client, "groups", lambda: listed)
    with pytest.raises(ExportIncomplete, match=told):
        server.pull()


def test_groups_that_csv_disguises_are_asked_for_again_as_json(server: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that writes the label into CSV makes the pull a call longer, and changes nothing in it."""
    plain, whole = server.pull(), server.client.row_keys_csv
    monkeypatch.setattr(
        server.client, "row_keys_csv", lambda names: whole(names).replace(b"north_site", b'"North site"')
    )
    assert server.pull().parts == plain.parts


def test_a_project_without_a_record_knows_the_groups_when_records_come(server: Served) -> None:
    """An export without a row has no column; the increment that brings the first rows takes it as it is."""
    for record in "123456":
        server.delete(record)
    base = server.pull()
    assert base.groups == {}
    server.clock.forward(hours=24)
    server.write("7", initials="NEW")
    server.join("7", "south_site")
    step = server.pull(base)
    assert (step.summary.kind, step.groups) == ("incremental", {"7": "south_site"})
    assert step.id == server.pull().id


def test_a_pull_that_did_not_ask_for_groups_is_followed_by_a_full_one(server: Served) -> None:
    """After an update the first night pulls everything, and the next one is an increment again."""
    now = server.pull()
    before = replace(
        now,
        groups=None,
        structure=replace(now.structure, groups=None),
        checkpoint=replace(now.checkpoint, groups_asked=False),
    )
    server.clock.forward(hours=24)
    pulled = server.pull(before)
    assert (pulled.summary.kind, str(pulled.summary.why)) == (
        "full",
        "the last pull did not ask for data access groups",
    )
    assert pulled.groups == now.groups
    assert server.pull(pulled).summary.kind == "incremental"
