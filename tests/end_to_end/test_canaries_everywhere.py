"""Canaries in every field, record id, title, token, password and server text come out nowhere, whatever happens."""

from __future__ import annotations

import base64
import csv
import email
import email.policy
import json
import logging
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from nightround.night import Night
from nightround.night.run_job import open_night, run_job
from nightround.study.folder import find_content
from nightround.texts.text_gate import close_the_gate
from redcap_sync.api.client import RedcapClient
from redcap_sync.api.token import Token
from redcap_sync.errors import ExplainedError
from redcap_sync.sandbox import running
from redcap_sync.sandbox.faults import Faults
from redcap_sync.sandbox.project_sources import project_from_folder
from tests.scripted_server import answering
from tests.small_study import FOLDER, STUDY

ROOT = Path(__file__).parents[2]
RECORDS = ("CANARY-R-7431", "CANARY R 0042")
KEY = base64.b64encode(bytes(range(32))).decode()
PASSWORD = "canary-password"
CONTROLS = "\x1b[31m\x07\x9b2J\u202e\u200f\u2066"
HARMFUL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
VALUES = {
    "note": "CANARY-note-7431",
    "long_note": "CANARY first line\nCANARY second \x1b[2J line",
    "mail": "canary.seven@example.org",
    "phone": "(555) 743-1743",
    "born": "1931-07-31",
    "seen": "1931-07-31 07:43",
    "age": "743174317",
    "systolic": "74317.431",
    "diastolic": "974317.431",
    "sort": "codecanary",
    "many___codebox": "1",
    "slide": "7431",
}
SECRET_VALUES = tuple(
    {*VALUES.values(), "CANARY first line", "CANARY second", "codecanary"} - {"1", "7431", VALUES["long_note"]}
)
FIELDS = (
    ("note", "text", "", ""),
    ("long_note", "notes", "", ""),
    ("mail", "text", "", "email"),
    ("phone", "text", "", "phone"),
    ("born", "text", "", "date_ymd"),
    ("seen", "text", "", "datetime_ymd"),
    ("sort", "dropdown", f"codecanary, Label {CONTROLS} of a choice | 2, Other", ""),
    ("many", "checkbox", f"codebox, Box {CONTROLS} | 2, Other", ""),
    ("slide", "slider", "", ""),
    ("total", "calc", "[systolic] + [diastolic]", ""),
)
RULE = """
[[rule]]
id = "ALL-01"
instrument = "baseline"
title = { zh = "全部字段为空", en = "Every field is blank" }
discrepancy = "%s"
severity = "critical"
owner = "coordinator"
fields = ["note"]
advice = { zh = "请核对病历。", en = "Check the chart." }
source = "a test"

[[rule.examples]]
verdict = "passes"
values = { note = "" }

[[rule.examples]]
verdict = "fails"
values = { note = "x" }

[[rule]]
id = "GONE-01"
instrument = "baseline"
title = { zh = "没有这个选项", en = "No such option" }
discrepancy = "[many(nosuchbox)] = '1'"
severity = "minor"
owner = "coordinator"
fields = ["many"]
advice = { zh = "请核对病历。", en = "Check the chart." }
source = "a test"
"""


def made_study(folder: Path) -> Path:
    """A copy of the small study with a field of each type, a rule that reads them all, and hostile labels."""
    study = Path(shutil.copytree(FOLDER, folder / STUDY))
    settings = study / "study.toml"
    hidden = settings.read_text(encoding="utf-8").replace("record_id_in_messages = true", "")
    settings.write_text(hidden, encoding="utf-8")
    about = study / "project" / "project.json"
    project = json.loads(about.read_text(encoding="utf-8"))
    about.write_text(json.dumps({**project, "project_title": f"A {CONTROLS} title\r\nERROR forged"}), encoding="utf-8")
    with (study / "project" / "metadata.csv").open("a", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        for name, kind, choices, validation in FIELDS:
            label = f"Label {CONTROLS} of {name}"
            writer.writerow([name, "baseline", "", kind, label, choices, "", validation, *([""] * 10)])
    (study / "project" / "instruments.csv").write_text(
        f"instrument_name,instrument_label\nbaseline,Base {CONTROLS} line\n", encoding="utf-8"
    )
    asked = " or ".join([f"[{name}] <> ''" for name, kind, _, _ in FIELDS if kind != "checkbox"])
    with (study / "rules" / "pressure.toml").open("a", encoding="utf-8") as file:
        file.write(RULE % f"{asked} or [many(codebox)] = '1'")
    return study


@dataclass
class Everything:
    """A study full of canaries, and all texts that it gave out."""

    study: Path
    data: Path
    environ: dict[str, str]
    faults: Faults
    client: RedcapClient
    now: list[datetime]
    said: dict[str, str] = field(default_factory=dict)

    def night(self, name: str, steps: Callable[[Night], object] | None = None, **environ: str) -> None:
        """A round, whatever comes of it; the error as the command line prints it is kept."""
        settings: dict[str, Any] = {"clock": lambda: self.now[0], "sleep": lambda _: None}
        content = find_content({})
        try:
            with open_night(
                str(self.study),
                data=self.data,
                job="nightly",
                content=content,
                environ={**self.environ, **environ},
                **settings,
            ) as night:
                self.said[name] = "\n".join(run_job(night, "nightly", steps).lines())
        except ExplainedError as error:
            self.said[name] = f"{error} {error!r} {error.shown().document()}"
        except Exception as error:
            logging.getLogger("nightround").exception("a bug")
            self.said[name] = type(error).__name__
        self.now[0] += timedelta(days=1)

    def command(self, *words: str) -> str:
        """What a command prints on stdout and stderr."""
        done = subprocess.run(
            [sys.executable, "-m", "nightround", *words],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **self.environ},
        )
        self.said[" ".join(words[:2])] = done.stdout + done.stderr
        return done.stdout + done.stderr


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Everything]:
    """Good nights, failing nights of each kind and a bug, over HTTP, with a password in the address."""
    folder = tmp_path_factory.mktemp("canaries")
    study = made_study(folder)
    now, faults = [datetime(2025, 7, 1, 18, 30, tzinfo=UTC)], Faults()
    project = project_from_folder(study / "project", clock=lambda: now[0].replace(tzinfo=None))
    with running([project], faults=faults, random=Random(1)) as server:
        token = server.token(project)
        client = RedcapClient(server.api_url, Token(token), sleep=lambda _: None)
        client.import_records([{"record_id": one, **VALUES} for one in RECORDS], overwrite=True)
        environ = {
            "REDCAP_URL": server.api_url.replace("://", f"://nurse:{PASSWORD}@"),
            "REDCAP_TOKEN": token,
            "NIGHTROUND_SNAPSHOT_KEY": KEY,
        }
        yield Everything(study, folder / "data", environ, faults, client, now)


@pytest.fixture(scope="module")
def told(everything: Everything) -> dict[str, str]:
    """All that was said in these nights, by where it was said."""
    factory = logging.getLogRecordFactory()
    close_the_gate()
    lines: list[str] = []

    class Kept(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(logging.Formatter("%(levelname)s %(message)s").format(record))

    kept, root = Kept(), logging.getLogger()
    level = root.level
    root.addHandler(kept)
    root.setLevel(logging.DEBUG)
    try:
        happen(everything)
    finally:
        root.removeHandler(kept)
        root.setLevel(level)
        logging.setLogRecordFactory(factory)
    everything.said["log"] = "\n".join(lines)
    return {**everything.said, **mails(everything.data)}


def happen(one: Everything) -> None:
    """Whatever may happen to a study."""
    one.night("first night")
    one.client.import_records([{"record_id": RECORDS[0], "note": "CANARY-note-changed"}], overwrite=True)
    one.night("second night")
    for kind in ("forbidden", "login_page", "empty", "truncated", "half", "banned", "out_of_memory", "server_error"):
        one.faults.script(kind, times=50)
        one.night(kind)
        one.faults.clear()
    words = f"{RECORDS[0]} note={VALUES['note']} token {one.environ['REDCAP_TOKEN']} {CONTROLS}"
    for status in (200, 400, 403):
        with answering(status, json.dumps({"error": words}).encode()) as url:
            one.night(f"status {status}", REDCAP_URL=url.replace("://", f"://nurse:{PASSWORD}@"))
    one.night("nobody there", REDCAP_URL=f"http://nurse:{PASSWORD}@127.0.0.1:9/api/")
    one.night("wrong token", REDCAP_TOKEN="F" * 31 + "7")
    one.night("a bug", lambda _night: int(VALUES["note"]))
    one.night("last night")
    name, data = str(one.study), ("--data", str(one.data))
    one.command("night", name, *data, "--json")
    one.command("check", name, *data)
    one.command("snapshots", "list", name, *data)
    one.command("store", "check", name, *data)
    one.command("rules", "lint", name)
    one.command("rules", name)
    one.command("report", name, *data)
    one.command("night", name, *data, "--no-such-option", VALUES["note"][:0] or "x")


def mails(data: Path) -> dict[str, str]:
    """Every mail: headers and bodies decoded, and the pages next to them."""
    texts = {path.name: path.read_text(encoding="utf-8") for path in data.rglob("outbox/*.html")}
    for path in data.rglob("*.eml"):
        message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        bodies = [part.get_content() for part in message.walk() if not part.is_multipart()]
        texts[path.name] = "\n".join([str(message.items()), *bodies])
    return texts


def having(texts: dict[str, str], secrets: tuple[str, ...]) -> list[tuple[str, str]]:
    """Where a secret is said."""
    return [(name, secret) for name, text in texts.items() for secret in secrets if secret in text]


def test_it_did_happen(everything: Everything, told: dict[str, str]) -> None:
    """The nights found the canaries, failed where they should, and mailed; else the tests below say nothing."""
    assert "opened" in told["first night"]
    assert len([name for name in told if name.endswith(".eml")]) >= 10
    assert "ValueError" in told["log"]
    assert "Traceback" in told["log"]
    assert "HTTP 403" in told["status 403"]
    listed = json.loads(everything.command("findings", str(everything.study), "--data", str(everything.data), "--json"))
    assert {one["record"] for one in listed["findings"]} == set(RECORDS)


def test_no_secret_is_told(everything: Everything, told: dict[str, str]) -> None:
    """No token, key, user or password is in a text or in a file, in no form."""
    secrets = (everything.environ["REDCAP_TOKEN"], KEY, PASSWORD, "nurse", "F" * 31 + "7")
    assert having(told, secrets) == []
    files = {str(path): path.read_bytes() for path in everything.data.rglob("*") if path.is_file()}
    assert [(path, one) for path, content in files.items() for one in secrets if one.encode() in content] == []


def test_no_value_is_told_or_in_plain_on_the_disk(everything: Everything, told: dict[str, str]) -> None:
    """No value of any field type is in a text; on the disk only the file of the server's words has one unsealed."""
    assert having(told, SECRET_VALUES) == []
    files = {path: path.read_bytes() for path in everything.data.rglob("*") if path.is_file()}
    found = {
        path.name for path, content in files.items() if having({"": content.decode(errors="replace")}, SECRET_VALUES)
    }
    assert found == {"server_said.txt"}


def test_no_record_is_told_but_to_who_may_read_the_data_folder(everything: Everything, told: dict[str, str]) -> None:
    """No log, terminal, JSON of a run, mail or file name has a record id; the private lists of a run have."""
    assert having(told, RECORDS) == []
    assert not [path for path in everything.data.rglob("*") if "CANARY" in path.name]
    files = [path for path in everything.data.rglob("*") if path.is_file() and "sqlite3" not in path.name]
    assert {path.name for path in files if RECORDS[0].encode() in path.read_bytes()} == {
        "findings.csv",
        "list_1_data_manager.csv",
        "server_said.txt",
    }


def test_no_mail_names_a_column(told: dict[str, str]) -> None:
    """A mail names fields; the code of an option is a value."""
    assert having({name: text for name, text in told.items() if name.endswith((".eml", ".html"))}, ("___",)) == []


def test_no_control_character_is_told(everything: Everything, told: dict[str, str]) -> None:
    """Titles, labels and values turn no terminal and no writing direction, and forge no line of the log."""
    everything.command("findings", str(everything.study), "--data", str(everything.data))
    everything.command("rules", str(everything.study), "--json")
    everything.command("snapshots", "show", "2025", str(everything.study), "--data", str(everything.data))
    texts = {**told, **everything.said}
    assert [(name, found[0]) for name, text in texts.items() if (found := HARMFUL.search(text))] == []
    assert not [name for name, text in texts.items() if re.search("^ERROR forged", text, re.MULTILINE)]
