"""A pull over real HTTP is complete, or it is refused with a name and the last good snapshot stays."""

import socket
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest

from redcap_sync.api.client import RedcapClient
from redcap_sync.api.token import Token
from redcap_sync.errors import (
    ExplainedError,
    ExportIncomplete,
    RedcapRefused,
    RedcapUnreachable,
    WriteRefused,
)
from redcap_sync.pulling.pull import PullSettings, pull_project
from redcap_sync.sandbox import Running, running
from redcap_sync.sandbox.project_sources import project_from_folder
from tests.pull_examples import served
from tests.scripted_server import answering

PROJECT = Path(__file__).parents[2] / "expectations" / "venous_occlusion" / "project"
NOW = datetime(2025, 7, 5, 2, 30, tzinfo=UTC)
TOKEN = Token("0123456789ABCDEF0123456789ABCDEF")


def client_of(url: str, token: Token = TOKEN) -> RedcapClient:
    """A client that does not wait between attempts."""
    return RedcapClient(url, token, timeout_seconds=5, attempts=2, sleep=lambda _: None)


@pytest.fixture
def server() -> Iterator[tuple[Running, RedcapClient]]:
    """A sandbox with seven records, and a client of it."""
    project = project_from_folder(PROJECT, clock=lambda: NOW.replace(tzinfo=None))
    with running([project], random=Random(1)) as sandbox:
        client = client_of(sandbox.api_url, Token(sandbox.token(project)))
        client.import_records(
            [
                {"record_id": str(n), "redcap_event_name": "screening_arm_1", "height_cm": str(160 + n)}
                for n in range(1, 8)
            ],
            overwrite=False,
        )
        yield sandbox, client


def test_a_pull_holds_every_record_whatever_the_batch(server: tuple[Running, RedcapClient]) -> None:
    """Batches of two and one of a hundred give the same snapshot, byte for byte."""
    _, client = server
    small, large = pull_project(client, PullSettings(batch_records=2)), pull_project(client)
    assert small.id == large.id
    assert list(small.tables["demographics"].text["height_cm"]) == [str(160 + n) for n in range(1, 8)]


def test_structure_comes_from_the_project_and_not_from_rows(server: tuple[Running, RedcapClient]) -> None:
    """Instruments without a single row are there, with their columns and no rows."""
    _, client = server
    dictionary = pull_project(client).dictionary
    assert dictionary.longitudinal
    assert dictionary.repeating
    assert dictionary.events_of("procedure") == ("session_1_arm_1", "session_2_arm_1", "session_3_arm_1")


def test_a_project_that_shrank_is_refused(server: tuple[Running, RedcapClient]) -> None:
    """Seven records where there were nine is more than twenty percent lost, and so an outage until proven."""
    _, client = server
    with pytest.raises(ExportIncomplete, match="7 records; the last good snapshot has 9"):
        pull_project(client, PullSettings(records_before=9))
    assert pull_project(client, PullSettings(records_before=8)).record_count() == 7


def test_a_batch_with_a_record_missing_is_refused(
    server: tuple[Running, RedcapClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ids asked for are ids got, or the pull is refused."""
    _, client = server
    whole = client.records
    monkeypatch.setattr(client, "records", lambda *asked, **how: whole(*asked, **how)[:-1])
    with pytest.raises(ExportIncomplete, match="1 are missing"):
        pull_project(client)


def test_a_batch_with_a_column_missing_is_refused(
    server: tuple[Running, RedcapClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An export without a column of the dictionary names the column, in the part that is kept private."""
    _, client = server
    whole = client.records

    def without_height(*asked: Any, **how: Any) -> list[dict[str, Any]]:
        return [{k: v for k, v in row.items() if k != "height_cm"} for row in whole(*asked, **how)]

    monkeypatch.setattr(client, "records", without_height)
    with pytest.raises(ExportIncomplete, match="lacks 1 column") as refused:
        pull_project(client)
    assert "height_cm" in refused.value.private


def test_ids_that_csv_disguises_are_asked_for_again_as_json(
    server: tuple[Running, RedcapClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that writes record 1 as 001 into CSV makes pulls longer, and changes nothing in them."""
    _, client = server
    plain, whole = pull_project(client), client.row_keys_csv
    monkeypatch.setattr(client, "row_keys_csv", lambda names: whole(names).replace(b"\n1,", b"\n001,"))
    assert client.row_keys_csv(["record_id"]) != whole(["record_id"])
    full, step = pull_project(client), pull_project(client, base=plain)
    assert step.summary.kind == "incremental"
    assert full.parts == step.parts == plain.parts


def test_an_increment_asks_in_csv_what_a_full_pull_proved(
    server: tuple[Running, RedcapClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a full pull found CSV equal to JSON the next night relies on it; where it did not look, it does not."""
    _, client = server
    proven, unproven = pull_project(client, PullSettings(batch_records=2)), pull_project(client)
    assert (proven.checkpoint.csv_agrees, unproven.checkpoint.csv_agrees) == (True, False)
    client.import_records(
        [{"record_id": "3", "redcap_event_name": "screening_arm_1", "height_cm": "199"}], overwrite=False
    )
    formats: list[str] = []
    for name in ("records", "records_csv"):
        ask = getattr(client, name)

        def noting(*asked: Any, name: str = name, ask: Any = ask, **how: Any) -> Any:
            formats.append(name)
            return ask(*asked, **how)

        monkeypatch.setattr(client, name, noting)
    first, second = (pull_project(client, base=base) for base in (proven, unproven))
    assert formats == ["records_csv", "records"]
    assert first.parts == second.parts
    assert first.checkpoint.csv_agrees


def test_an_import_that_redcap_refuses_names_the_field(server: tuple[Running, RedcapClient]) -> None:
    """A value outside the choices is refused as a whole; the field is named in private, and the value is not."""
    _, client = server
    with pytest.raises(WriteRefused, match="because of 1 value") as caught:
        client.import_records(
            [{"record_id": "1", "redcap_event_name": "screening_arm_1", "sex": "CANARY"}], overwrite=False
        )
    assert "CANARY" not in str(caught.value)
    assert "field sex" in caught.value.private


def test_a_wrong_token_is_refused(server: tuple[Running, RedcapClient]) -> None:
    """A token the server does not know ends in exit code 12, without the token in the message."""
    sandbox, _ = server
    with pytest.raises(RedcapRefused) as caught:
        pull_project(client_of(sandbox.api_url))
    assert caught.value.exit_code == 12
    assert TOKEN.reveal() not in str(caught.value)


LOGIN = b"<!DOCTYPE html><html><head><title>Log in</title></head></html>"


@pytest.mark.parametrize(
    ("status", "body", "content_type", "expected", "code"),
    [
        (200, LOGIN, "text/html", RedcapUnreachable, 11),
        (302, b"", "text/html", RedcapUnreachable, 11),
        (200, b"", "application/json", ExportIncomplete, 13),
        (200, b'[{"project_id":', "application/json", ExportIncomplete, 13),
        (200, b'{"error":"no"}', "application/json", RedcapRefused, 12),
        (403, b'{"error":"You do not have permissions to use the API"}', "application/json", RedcapRefused, 12),
        (502, b"<html>bad gateway</html>", "text/html", RedcapUnreachable, 11),
        (500, b"", "text/plain", RedcapUnreachable, 11),
        (404, LOGIN, "text/html", RedcapUnreachable, 11),
    ],
)
def test_what_is_not_redcap_is_an_error_with_its_exit_code(
    status: int, body: bytes, content_type: str, expected: type[ExplainedError], code: int
) -> None:
    """Login page, redirect, empty and broken bodies, refusals and gateway errors are each named."""
    with answering(status, body, content_type) as url, pytest.raises(expected) as caught:
        pull_project(client_of(url))
    assert caught.value.exit_code == code


def test_nothing_listening_is_unreachable() -> None:
    """A closed port ends in exit code 11."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{held.getsockname()[1]}/api/"
    with pytest.raises(RedcapUnreachable, match="did not answer"):
        pull_project(client_of(url))


def test_an_address_without_api_is_refused_before_any_call() -> None:
    """The address of the web page instead of the API's is reported at once."""
    with pytest.raises(RedcapUnreachable, match="/api/"):
        client_of("http://127.0.0.1:1/redcap/")


@pytest.mark.parametrize("content", ["metadata", "instrument", "event"])
def test_half_of_a_structure_is_refused(tmp_path: Path, content: str) -> None:
    """Fields, instruments or events that did not come would take their values with them: the pull is refused."""
    with served(tmp_path) as server:
        server.write("1", weight="70")
        base = server.pull()
        server.faults.script("half", content=content)
        with pytest.raises(ExportIncomplete, match=r"not defined anywhere|the data dictionary lacks"):
            server.pull(base, full=True)
        assert server.pull(base, full=True).id == base.id


def test_a_dictionary_that_came_short_before_the_first_record_is_asked_for_again(tmp_path: Path) -> None:
    """A column the last structure does not have makes an increment a full pull, which knows the field."""
    with served(tmp_path, records=0) as server:
        whole = server.project.structure.metadata
        base = server.pull()
        structure = replace(base.structure, metadata=[row for row in whole if row["field_name"] != "weight"])
        server.clock.forward(hours=24)
        server.write("1", weight="70")
        pulled = server.pull(replace(base, structure=structure))
        assert (pulled.summary.kind, pulled.tables["labs"].text["weight"].tolist()) == ("full", ["70"])


def test_a_row_that_comes_twice_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two rows of one instance none can be chosen, so neither the pull nor any table has them."""
    with served(tmp_path) as server:
        whole = server.client.records

        def stuttering(*asked: Any, **how: Any) -> list[dict[str, Any]]:
            rows = whole(*asked, **how)
            return [*rows, rows[-1]]

        monkeypatch.setattr(server.client, "records", stuttering)
        with pytest.raises(ExportIncomplete, match="the same row of a record twice"):
            server.pull(batch=100)


@pytest.mark.parametrize("after", [0, 1, 2])
def test_what_repeats_is_changed_in_mid_pull_and_the_log_may_not_be_read(tmp_path: Path, after: int) -> None:
    """Without a log the structure is asked for again at the end, and a pull over two structures is refused."""
    with served(tmp_path) as server:
        server.become(without=("logging",))
        repeating = server.project.structure.repeating
        longer = [*repeating, replace(repeating[0], instrument="labs")]

        def change() -> None:
            server.project.restructure(repeating=longer)

        server.faults.script("changed", content="record", after=after, change=change)
        with pytest.raises(ExportIncomplete):
            server.pull(batch=2)
        server.faults.clear()
        assert server.pull(batch=2).id == server.pull().id


@pytest.mark.parametrize("full", [False, True])
def test_records_that_left_without_a_line_in_the_log_are_counted(tmp_path: Path, *, full: bool) -> None:
    """It tells of a deletion and a renaming; an edit there explains no record that a server leaves out or forgets."""
    with served(tmp_path, records=6) as server:
        base = server.pull()
        server.clock.forward(hours=24)
        server.delete("1")
        server.rename("2", "20")
        server.write("3", weight="70")
        told = server.pull(base, full=full)
        assert (told.record_count(), told.summary.unlogged) == (5, 0)
        server.clock.forward(hours=24)
        server.delete("4", erase_log=True)
        server.delete("5")
        server.write("6", weight="71")
        server.project.values.delete("6")
        assert server.pull(told, full=full).summary.unlogged == 2
        server.become(without=("logging",))
        assert server.pull(told, full=full).summary.unlogged == 0
