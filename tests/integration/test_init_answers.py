"""`nightround init`: whom it is told to write to and how, what it writes of that, and what it says is next."""

from __future__ import annotations

import io
import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from nightround.cli.main import main
from nightround.study.folder import load_study
from redcap_sync.project.dictionary_csv import dictionary_from_csv
from redcap_sync.project.structure import METADATA_KEYS, METADATA_TITLES
from tests.mail_server import mail_server

ROWS = (
    {"field_name": "record_id", "form_name": "visit", "field_type": "text", "field_label": "Record"},
    {"field_name": "age", "form_name": "visit", "field_type": "text", "field_label": 'Age, "years"\nat entry'}
    | {"text_validation_type_or_show_slider_number": "integer", "text_validation_min": "18", "required_field": "y"},
)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A data dictionary as REDCap's own page downloads it."""
    import csv

    file = tmp_path / "downloaded.csv"
    with file.open("w", encoding="utf-8", newline="") as opened:
        writer = csv.writer(opened)
        writer.writerow(METADATA_TITLES)
        writer.writerows([row.get(key, "") for key in METADATA_KEYS] for row in ROWS)
    return file


def ended(*words: str) -> int:
    """The exit code of a command."""
    with pytest.raises(SystemExit) as end:
        main(list(words))
    return int(end.value.code or 0)


def made(folder: Path, source: Path, capsys: pytest.CaptureFixture[str], *options: str) -> dict[str, Any]:
    """What init says in JSON, without a keyboard."""
    words = ("init", str(folder), "--from", str(source), "--language", "en", *options)
    assert ended(*words, "--data", str(folder.parent / "data"), "--yes", "--json") == 0
    return dict(json.loads(capsys.readouterr().out))


def settings_of(folder: Path) -> dict[str, Any]:
    """study.toml as it is written."""
    return tomllib.loads((folder / "study.toml").read_text(encoding="utf-8"))


def test_people_and_their_mail_server_are_options(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each person has a role, the channel is tried, and a server that does not answer is named as wrong."""
    people = ("--mail", "dm@example.org", "--person", "coordinator=c@example.org")
    with mail_server() as server:
        smtp = ("--smtp", f"127.0.0.1:{server.port}", "--smtp-security", "none")
        found = made(tmp_path / "study", source, capsys, *people, *smtp)
        assert server.taken == []
    lines = {one["check"]: one["state"] for one in found["doctor"]["checks"]}
    assert (lines["channel"], lines["people"]) == ("fine", "fine")
    told = settings_of(tmp_path / "study")
    assert {one["role"]: one["address"] for one in told["people"]} == {
        "data_manager": "dm@example.org",
        "coordinator": "c@example.org",
    }
    assert [one["owns"] for one in told["people"]] == [["data_manager"], ["coordinator"]]
    assert told["channels"][0]["sender"] == "dm@example.org"
    silent = made(tmp_path / "other", source, capsys, *smtp)
    assert {one["check"]: one["state"] for one in silent["doctor"]["checks"]}["channel"] == "wrong"


def test_the_dictionary_is_there_at_once(source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Before any pull the rules of the dictionary can be listed, and the file reads as the one that was given."""
    folder = tmp_path / "study"
    made(folder, source, capsys)
    assert dictionary_from_csv(folder / "dictionary.csv") == dictionary_from_csv(source)
    assert ended("rules", str(folder), "--json") == 0
    kinds = {one["kind"] for one in json.loads(capsys.readouterr().out)["rules"]}
    assert {"required", "range"} <= kinds


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_readme_names_the_commands_of_this_folder(
    language: str, source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each next step can be copied, with the data folder that was named, in the language of the study alone."""
    folder = tmp_path / "my study"
    words = ("init", str(folder), "--from", str(source), "--language", language, "--data", str(tmp_path / "data"))
    assert ended(*words, "--yes") == 0
    assert "nightround night '" in capsys.readouterr().out
    text = (folder / "README.md").read_text(encoding="utf-8")
    for command in ("doctor", "night", "report", "status", "serve"):
        assert f"nightround {command} '{folder}' --data {tmp_path / 'data'}" in text
    assert ("本研究" in text) == (language == "zh")
    assert ("This study" in text) == (language == "en")


def test_what_is_asked_is_tried_until_it_works(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mail server that does not answer is asked for again; nobody has to be a coordinator."""
    folder = tmp_path / "study"
    with mail_server() as server:
        answers = ["en", "dm@example.org", "", "pi@example.org"]
        answers += ["127.0.0.1:9", "none", "", ""]
        answers += [f"127.0.0.1:{server.port}", "none", "alerts@example.org", ""]
        monkeypatch.setattr("sys.stdin", io.StringIO("\n".join(answers) + "\n"))
        assert ended("init", str(folder), "--from", str(source), "--data", str(tmp_path / "data")) == 0
    told = settings_of(folder)
    assert [one["role"] for one in told["people"]] == ["data_manager", "principal_investigator"]
    assert told["channels"][0]["sender"] == "alerts@example.org"
    assert "does not work" in capsys.readouterr().out


@pytest.mark.parametrize(
    "options",
    [
        ("--person", "coordinator"),
        ("--person", "=a@example.org"),
        ("--smtp", "host:port"),
        ("--smtp", ":25"),
        ("--smtp", "host:70000"),
        ("--mail", "no address"),
        ("--time-zone", "Nowhere/Town"),
        ("--smtp", "host", "--smtp-user-env", "MAIL_USER"),
    ],
    ids=" ".join,
)
def test_an_answer_that_is_none_writes_nothing(
    options: tuple[str, ...], source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A mistake is named before a file is written."""
    assert ended("init", str(tmp_path / "study"), "--from", str(source), "--yes", *options) in (2, 10)
    assert capsys.readouterr().err
    assert not (tmp_path / "study").exists()


def test_the_folder_is_read_back(source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What init writes is a study, with a login of the mail server too."""
    password = tmp_path / "password"
    password.write_text("made up")
    login = ("--smtp", "mail.example.org", "--smtp-user-env", "MAIL_USER", "--smtp-password-file", str(password))
    made(tmp_path / "study", source, capsys, *login)
    (channel,) = load_study(tmp_path / "study").settings.channels
    assert (channel.host, channel.user_env, channel.password_file) == ("mail.example.org", "MAIL_USER", password)
