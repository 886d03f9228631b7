"""Projects whose labels contain bars: what the sandbox sends of them, and that a pull takes the server's own codes."""

import json
import logging
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests

from nightround.night.pull_step import take_pull
from nightround.snapshots.snapshot_store import SnapshotStore
from nightround.study.settings import RedcapTable
from redcap_sync.api.client import RedcapClient, Row
from redcap_sync.api.token import Token
from redcap_sync.errors import ExportIncomplete, RedcapRefused, WriteRefused
from redcap_sync.project.state import StoredProject
from redcap_sync.pulling.pull import pull_project
from redcap_sync.pulling.raw_structure import RawStructure
from redcap_sync.sandbox import Running, running
from redcap_sync.sandbox.project_sources import project_from_folder, project_from_odm
from tests.sandbox_examples import Clock, write_structure

RACE = "1, American Indian | -2, Asian | 3, Native Hawaiian |or| Other Pacific Islander | 4, Black | 66, Unknown"
SEX = "1, male | man | 2, female"
CODES = ["1", "-2", "3", "4", "66"]
COLUMNS = ["race___1", "race____2", "race___3", "race___4", "race___66"]
FIELDS: list[tuple[Any, ...]] = [
    ("record_id", "base", "text", "Record ID"),
    ("race", "base", "checkbox", "Race", RACE),
    ("sex", "base", "radio", "Sex", SEX),
]


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Running, StoredProject]]:
    """A project whose labels contain bars."""
    write_structure(tmp_path / "p", FIELDS, [("base", "Base")])
    (tmp_path / "p" / "project.json").write_text(json.dumps({"project_title": "Bars"}), encoding="utf-8")
    project = project_from_folder(tmp_path / "p", clock=Clock())
    with running([project]) as sandbox:
        yield sandbox, project


@pytest.fixture
def client(served: tuple[Running, StoredProject]) -> RedcapClient:
    """A client of the project, which has two records."""
    sandbox, project = served
    made = RedcapClient(sandbox.api_url, Token(sandbox.token(project)), timeout_seconds=10, sleep=time.sleep)
    rows = [{"record_id": "1", "race___3": "1", "sex": "1"}, {"record_id": "2", "race____2": "1", "sex": "2"}]
    made.import_records(rows, overwrite=False)
    return made


def _with_text(client: RedcapClient, monkeypatch: pytest.MonkeyPatch, **texts: str) -> None:
    """Let the dictionary say other choices than the server exports."""
    sent = client.metadata()
    key = "select_choices_or_calculations"
    rows: list[Row] = [{**row, key: texts.get(row["field_name"], row[key])} for row in sent]
    monkeypatch.setattr(client, "metadata", lambda: rows)


def test_the_sandbox_sends_labels_with_bars_as_a_server_does(client: RedcapClient) -> None:
    """The text comes back as it is, the codes are those of the choices, and none is made of a label."""
    texts = {row["field_name"]: row["select_choices_or_calculations"] for row in client.metadata()}
    assert (texts["race"], texts["sex"]) == (RACE, SEX)
    named = [row for row in client.field_names() if row["original_field_name"] == "race"]
    assert [(row["choice_value"], row["export_field_name"]) for row in named] == list(zip(CODES, COLUMNS, strict=True))
    [first, _] = client.records(["1", "2"], ["base"])
    assert [name for name in first if name.startswith("race")] == COLUMNS


def test_a_label_with_a_bar_makes_no_code(client: RedcapClient) -> None:
    """A radio takes the codes of its choices and no part of a label; labels are shown whole."""
    with pytest.raises(WriteRefused):
        client.import_records([{"record_id": "3", "sex": "man"}], overwrite=False)
    field = pull_project(client).dictionary.by_name["sex"]
    assert [(one.code, one.label) for one in field.choices] == [("1", "male | man"), ("2", "female")]


def test_the_xml_of_such_a_project_has_its_labels_whole(served: tuple[Running, StoredProject]) -> None:
    """A project XML carries them there and back."""
    sandbox, project = served
    asked = {"token": sandbox.token(project), "content": "project_xml"}
    xml = requests.post(sandbox.api_url, data=asked, timeout=10).text
    rows = project_from_odm(xml, clock=Clock()).structure.metadata
    texts = {row["field_name"]: row["select_choices_or_calculations"] for row in rows}
    assert (texts["race"], texts["sex"]) == (RACE, SEX)


@pytest.mark.parametrize(
    ("text", "invented"),
    [
        (RACE, ()),
        (RACE.replace("|or|", "| or, maybe |"), ("race___or",)),
        (RACE.replace("|or|", "| 7, 8 or 9 | x, y |"), ("race___7", "race___x")),
        (RACE.replace("|or|", "\n or, else\n"), ("race___or",)),
        (RACE.replace(" | 4, Black", ""), ()),
    ],
)
def test_a_pull_takes_the_codes_that_the_server_exports(
    client: RedcapClient, monkeypatch: pytest.MonkeyPatch, text: str, invented: tuple[str, ...]
) -> None:
    """A column that the text of the choices seems to have stops nothing, and labels stay with their codes."""
    _with_text(client, monkeypatch, race=text)
    pulled = pull_project(client)
    assert pulled.structure.invented == invented
    assert pulled.unseen == ()
    choices = {one.code: one.label for one in pulled.dictionary.by_name["race"].choices}
    assert [*choices] == CODES
    assert (choices["-2"], choices["66"]) == ("Asian", "Unknown")
    assert choices["3"].startswith("Native Hawaiian")
    assert list(pulled.tables["base"].text["race___3"]) == ["1", "0"]
    assert RawStructure.from_json(pulled.structure.json()).dictionary == pulled.dictionary


def test_a_structure_without_news_is_written_as_before(client: RedcapClient) -> None:
    """Options are part of a structure only where they differ from the text: other snapshots keep their names."""
    structure = pull_project(client).structure
    assert (structure.options, b"options" in structure.json()) == ((), False)
    assert RawStructure.from_json(structure.json()) == structure


def test_a_column_that_the_server_names_and_does_not_send_is_a_loss(
    client: RedcapClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Codes that the server says it has are demanded of every answer."""
    more = {"original_field_name": "race", "choice_value": "5", "export_field_name": "race___5"}
    rows = [*client.field_names(), more]
    monkeypatch.setattr(client, "field_names", lambda: rows)
    with pytest.raises(ExportIncomplete, match="lacks 1 column"):
        pull_project(client)


def test_a_server_that_does_not_tell_is_read_by_the_text(client: RedcapClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the call is refused, bars without a code behind them are part of labels all the same."""

    def refused() -> list[Row]:
        raise RedcapRefused("api.refused", message="")

    monkeypatch.setattr(client, "field_names", refused)
    assert [one.code for one in pull_project(client).dictionary.by_name["race"].choices] == CODES


def test_the_log_of_a_night_names_what_the_text_invents(
    client: RedcapClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever reads the log learns which columns the dictionary seems to have."""
    _with_text(client, monkeypatch, race=RACE.replace("|or|", "| or, maybe |"))
    with caplog.at_level(logging.WARNING):
        take_pull(client, SnapshotStore(tmp_path / "s"), RedcapTable(), datetime.now(UTC), study="bars")
    assert "race___or" in caplog.text
