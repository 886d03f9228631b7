"""Canaries drawn at random are planted in any place that people or servers fill, and every output is searched."""

from __future__ import annotations

import base64
import csv
import email
import email.policy
import io
import json
import logging
import os
import re
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any
from unittest import mock

import openpyxl
import requests
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from nightround.cli.main import main
from redcap_sync.api.client import RedcapClient
from redcap_sync.api.token import Token
from redcap_sync.sandbox import running
from redcap_sync.sandbox.project_sources import project_from_folder
from tests.scripted_server import answering
from tests.small_study import FOLDER, STUDY

KEY = base64.b64encode(bytes(range(32))).decode()
USER, PASSWORD = "canary-user", "canary-password"
PLANTED_TOKEN, PLANTED_PASSWORD = "0123456789ABCDEF0123456789ABCDEF", "planted-password"
HARMFUL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
CONTROLS = tuple("\x07\x08\x0b\x1b\x7f\x85\x9b\u061c\u200e\u200f\u202a\u202e\u2066\u2069")
LINE = "\nERROR a forged line"
PIECES = (
    *CONTROLS,
    "\x1b[2J",
    f"\r{LINE}",
    PLANTED_TOKEN,
    f"http://someone:{PLANTED_PASSWORD}@host/x",
    "<b onload=x>",
    "{{ 7 * 7 }}",
    "=1+1",
    "标题",
    "title ",
)
"""What a title, a label or an answer may hold: controls of a terminal, secrets by their form, a forged line."""
FREE = {"findings", "finding", "try", "forget", "worklist.xlsx"}
"""Commands for who may read the data folder, which name records, a list for them, and what is given the record."""
OF_CODES = {"init", "init/", "twin", "twin/", "drill", "drill/", "flags", "rules"}
"""Commands, and the files that they write, about the dictionary, whose choices have codes."""
TOLD_COMMENT = {"finding", "findings", "answer", "approve", "snooze"}
"""Commands about a finding, which show who is allowed to read it what was said of it."""
SAFE_PIECES = tuple(piece for piece in PIECES if piece.isprintable())
"""What a study's own files may hold; a control character in them is refused."""
texts = st.lists(st.sampled_from(PIECES), min_size=1, max_size=6).map(lambda parts: "A " + "".join(parts))
settings_texts = st.lists(st.sampled_from(SAFE_PIECES), min_size=1, max_size=6).map(lambda parts: "A " + "".join(parts))
names = st.text("abcdefghjkmnpqrstuvwxyz", min_size=10, max_size=14)
digits = st.integers(10**8, 10**9 - 1).map(str)


@dataclass(frozen=True)
class Planted:
    """The canaries of one example."""

    project_title: str
    instrument_label: str
    field_label: str
    choice_label: str
    study_title: str
    rule_title: str
    advice: str
    answer: str
    comment: str
    """What people say of findings."""
    status: int
    code: str
    """The code of a choice of a checkbox, which is part of the name of a column."""
    text_value: str
    number: str
    record: str
    sealed: bool

    @property
    def values(self) -> tuple[str, ...]:
        """What was typed into REDCap, and the code of a choice."""
        return (self.text_value, self.number, self.code)


planted = st.builds(
    Planted,
    project_title=texts,
    instrument_label=texts,
    field_label=texts,
    choice_label=texts,
    study_title=settings_texts,
    rule_title=settings_texts,
    advice=settings_texts,
    answer=texts,
    comment=st.tuples(settings_texts, names).map(lambda parts: f"{parts[0]} comment{parts[1]}"),
    status=st.sampled_from([200, 400, 403, 500]),
    code=names.map(lambda name: f"code{name}"),
    text_value=names.map(lambda name: f"value{name}"),
    number=digits,
    record=names.map(lambda name: f"R-{name}"),
    sealed=st.booleans(),
)


def toml_text(text: str) -> str:
    """A text as TOML writes it, with every character escaped that may be."""
    return json.dumps(text).replace("\x7f", "\\u007f")


def made_study(folder: Path, one: Planted) -> Path:
    """A copy of the small study with the canaries in its own files and in the files of its project."""
    study = Path(shutil.copytree(FOLDER, folder / STUDY))
    written = study / "study.toml"
    text = written.read_text(encoding="utf-8").replace("record_id_in_messages = true", "")
    written.write_text(text.replace('"Small synthetic study"', toml_text(one.study_title)), encoding="utf-8")
    rules = study / "rules" / "pressure.toml"
    text = rules.read_text(encoding="utf-8")
    text = text.replace('"Systolic pressure is above diastolic pressure"', toml_text(one.rule_title))
    rules.write_text(text.replace('"Check the chart."', toml_text(one.advice)), encoding="utf-8")
    about = study / "project" / "project.json"
    project = json.loads(about.read_text(encoding="utf-8"))
    about.write_text(json.dumps({**project, "project_title": one.project_title}), encoding="utf-8")
    with (study / "project" / "metadata.csv").open("a", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        for name, kind, choices in (("note", "text", ""), ("many", "checkbox", f"{one.code}, {flat(one)} | 2, Other")):
            writer.writerow([name, "baseline", "", kind, one.field_label, choices, "", *([""] * 11)])
    with (study / "project" / "instruments.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("instrument_name", "instrument_label"), ("baseline", one.instrument_label)])
    return study


def flat(one: Planted) -> str:
    """The label of a choice: a line end or a bar would be part of the list's own form."""
    return re.sub(r"[\r\n|]", " ", one.choice_label)


@dataclass
class Outputs:
    """All that came out, by where."""

    said: dict[str, str] = field(default_factory=dict)
    codes: dict[str, Any] = field(default_factory=dict)

    def run(self, *words: str, name: str = "", **environ: str) -> str:
        """Run a command in this process; what it prints is kept, a document of JSON with its texts as they are."""
        name = name or " ".join(word for word in words if not word.startswith("/"))
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err), mock.patch.dict(os.environ, environ):
            try:
                main(list(words))
            except SystemExit as ended:
                self.codes[name] = ended.code
        shown = "\n".join(strings(json.loads(out.getvalue()))) if "--json" in words else out.getvalue()
        self.said[name] = f"{shown}\n{err.getvalue()}"
        return out.getvalue()


def strings(thing: Any) -> Iterator[str]:
    """Every text of a document, names of keys too."""
    if isinstance(thing, dict):
        yield from (text for pair in thing.items() for part in pair for text in strings(part))
    elif isinstance(thing, list):
        yield from (text for part in thing for text in strings(part))
    else:
        yield str(thing)


def mails(data: Path) -> dict[str, str]:
    """Every mail: headers and bodies decoded, and the pages next to them."""
    found = {path.name: path.read_text(encoding="utf-8") for path in data.rglob("outbox/*.html")}
    for path in data.rglob("*.eml"):
        message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        bodies = [part.get_content() for part in message.walk() if not part.is_multipart()]
        found[path.name] = "\n".join([str(message.items()), *map(str, bodies)])
    return found


def stored(data: Path) -> str:
    """What the database keeps of runs, steps and mails: the texts that were said, and no data."""
    (path,) = data.rglob("nightround.sqlite3")
    with closing(sqlite3.connect(path)) as connection:
        kept = [
            row
            for table in ("runs", "steps", "messages", "outcomes")
            for row in connection.execute(f"SELECT * FROM {table}")  # noqa: S608
        ]
    return "\n".join(str(cell) for row in kept for cell in row)


@contextmanager
def log_lines() -> Iterator[list[str]]:
    """Every line that is logged meanwhile; the loggers are afterwards what they were."""
    lines: list[str] = []

    class Kept(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(logging.Formatter("%(levelname)s %(message)s").format(record))

    root, factory = logging.getLogger(), logging.getLogRecordFactory()
    handlers, level = list(root.handlers), root.level
    root.addHandler(Kept())
    try:
        yield lines
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
        logging.setLogRecordFactory(factory)


def everything_said(folder: Path, one: Planted) -> tuple[Outputs, dict[str, str]]:
    """Let nights, failures and commands happen to a study with canaries; returns what was said, and the secrets."""
    outputs, study, data = Outputs(), made_study(folder, one), folder / "data"
    project = project_from_folder(study / "project", clock=datetime.now)
    with ExitStack() as held:
        server = held.enter_context(running([project], random=Random(1)))
        lines = held.enter_context(log_lines())
        token = server.token(project)
        client = RedcapClient(server.api_url, Token(token), sleep=lambda _: None)
        values = {"age": one.number, "systolic": "80", "diastolic": "120", "note": one.text_value}
        client.import_records(
            [{"record_id": one.record, **values, f"many___{one.code}": "1"}, {"record_id": "2", "age": "47"}],
            overwrite=True,
        )
        form = {"token": token, "content": "project_xml", "exportFiles": "false", "returnMetadataOnly": "false"}
        (folder / "project.xml").write_bytes(requests.post(server.api_url, data=form, timeout=30).content)
        environ = {
            "REDCAP_URL": server.api_url.replace("://", f"://{USER}:{PASSWORD}@"),
            "REDCAP_TOKEN": token,
            **({"NIGHTROUND_SNAPSHOT_KEY": KEY} if one.sealed else {}),
        }
        held.enter_context(mock.patch.dict(os.environ, environ))
        commands(outputs, study, data, client, one)
        outputs.said["log"] = "\n".join(lines)
    outputs.said["database"] = stored(data)
    outputs.said["file names"] = "\n".join(str(path.relative_to(data)) for path in data.rglob("*"))
    outputs.said |= mails(data)
    return outputs, {"token": token, "key": KEY, "password": PASSWORD, "user": USER}


def commands(outputs: Outputs, study: Path, data: Path, client: RedcapClient, one: Planted) -> None:
    """Each command that people or a clock run, good nights and bad ones."""
    name, there = str(study), ("--data", str(data))
    outputs.run("night", name, *there, name="first night")
    client.import_records([{"record_id": "2", "systolic": "70", "diastolic": "90"}], overwrite=True)
    outputs.run("pull", name, *there, "--json")
    outputs.run("check", name, *there, "--json")
    outputs.run("night", name, *there, "--json")
    for group in (("status",), ("findings",), ("snapshots", "list"), ("store", "check")):
        outputs.run(*group, name, *there)
        outputs.run(*group, name, *there, "--json")
    found = json.loads(outputs.run("findings", name, *there, "--json"))["findings"]
    outputs.run("finding", name, found[0]["id"], *there, name="finding")
    outputs.run("finding", name, found[0]["id"], *there, "--json", name="finding --json")
    for words in (("rules",), ("rules", "lint")):
        outputs.run(*words, name)
        outputs.run(*words, name, "--json")
    outputs.run("try", str(study.parent / "project.xml"), name="try")
    about_findings(outputs, study, data, [row["id"] for row in found], one)
    about_the_study(outputs, study, data)
    with answering(one.status, json.dumps({"error": f"{one.answer} {one.record} {one.text_value}"}).encode()) as url:
        for command in ("night", "pull"):
            address = url.replace("://", f"://{USER}:{PASSWORD}@")
            outputs.run(command, name, *there, "--wait", "0", name=f"{command}, strange answer", REDCAP_URL=address)
    nobody = f"http://{USER}:{PASSWORD}@127.0.0.1:9/api/"
    outputs.run("pull", name, *there, name="pull, nobody there", REDCAP_URL=nobody)
    outputs.run("forget", name, one.record, "--by", "somebody", "--still-in-redcap", *there, name="forget")


def about_findings(outputs: Outputs, study: Path, data: Path, found: list[str], one: Planted) -> None:
    """What people say of findings: answers with comments, lists that go out and come back, questions, messages."""
    name, there, by = str(study), ("--data", str(data)), ("--by", "somebody", "--comment", one.comment)
    listed = str(study.parent / "list.xlsx")
    outputs.run("answer", name, found[0], "--code", "confirmed_correct", *by, *there, name="answer")
    outputs.run("approve", name, found[0], *by, *there, "--json", name="approve")
    outputs.run("answer", name, found[0], "--code", "no_such_code", *by, *there, name="answer, no such code")
    outputs.run("snooze", name, found[-1], "--until", "2099-01-01", *by, *there, name="snooze")
    outputs.run("worklist", name, "--out", listed, *there, name="worklist")
    outputs.said["worklist.xlsx"] = "\n".join(cells_of(Path(listed)))
    outputs.run("worklist", name, "--read", listed, *by[:2], *there, name="worklist, read again")
    outputs.run("worklist", name, "--read", str(study / "study.toml"), *by[:2], *there, name="worklist, no such file")
    outputs.run("night", name, *there, name="night, answered")
    for words in (("--json",), ("--test", "data_manager")):
        outputs.run("notify", name, *words, *there)
    outputs.run("flags", name, "--dry-run", *there, "--json")
    outputs.run("flags", name, "--instrument", *there)


def about_the_study(outputs: Outputs, study: Path, data: Path) -> None:
    """What is made from a project and from a study: a twin, a drill, a folder, suggestions, what doctor sees."""
    name, there, xml = str(study), ("--data", str(data)), str(study.parent / "readable.xml")
    text = (study.parent / "project.xml").read_text(encoding="utf-8")
    Path(xml).write_text(re.sub("[\x00-\x08\x0b\x0c\x0e-\x1f]", "", text), encoding="utf-8")
    made = {word: study.parent / word for word in ("twin", "drill", "init")}
    outputs.run("doctor", name, *there)
    outputs.run("doctor", name, *there, "--json")
    outputs.run("rules", "suggest", name, *there)
    outputs.run("twin", xml, "--records", "5", "--out", str(made["twin"]), name="twin")
    outputs.run("drill", name, "--errors", "5", "--out", str(made["drill"]), *there, "--json", name="drill")
    outputs.run("init", str(made["init"]), "--from", xml, "--yes", *there, name="init")
    for word, folder in made.items():
        files = [path for path in folder.rglob("*") if path.is_file()]
        assert files, outputs.said[word]
        outputs.said[f"{word}/"] = "\n".join(path.read_bytes().decode(errors="replace") for path in files)


def cells_of(path: Path) -> Iterator[str]:
    """Every text of a spreadsheet."""
    for sheet in openpyxl.load_workbook(path):
        yield from (str(cell.value) for row in sheet.iter_rows() for cell in row if cell.value is not None)


def having(said: Mapping[str, str], canaries: tuple[str, ...]) -> list[tuple[str, str]]:
    """Where a canary is said."""
    return [(name, canary) for name, text in said.items() for canary in canaries if canary in text]


def command_of(name: str) -> str:
    """The command whose output has a name."""
    return re.split(r"[ ,]", name)[0]


@settings(max_examples=3, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(one=planted)
def test_no_canary_comes_out(one: Planted) -> None:
    """No secret, value, control character or forged line is in any output; a record only where it may be."""
    with tempfile.TemporaryDirectory() as folder:
        outputs, secrets = everything_said(Path(folder), one)
        files = {path: path.read_bytes() for path in (Path(folder) / "data").rglob("*") if path.is_file()}
    said = outputs.said
    assert outputs.codes["first night"] == 3, said["first night"]
    assert outputs.codes["forget"] == 0, said["forget"]
    assert [name for name, code in outputs.codes.items() if code == 1] == []
    assert {name for name in said if name.endswith(".eml")}
    assert having(said, tuple(secrets.values())) == []
    assert [
        (path.name, name) for path, kept in files.items() for name, one in secrets.items() if one.encode() in kept
    ] == []
    # The files of a twin, a drill and a new study have the dictionary's own texts, as they are.
    printed = {name: text for name, text in said.items() if not name.endswith("/")}
    assert having(printed, (PLANTED_TOKEN, PLANTED_PASSWORD)) == []
    assert [(name, HARMFUL.findall(text)) for name, text in printed.items() if HARMFUL.search(text)] == []
    assert [name for name, text in printed.items() if LINE in text] == []
    shown = {name: text for name, text in said.items() if command_of(name) != "try"}
    assert having(shown, one.values[:2]) == []
    assert having({name: text for name, text in shown.items() if command_of(name) not in OF_CODES}, (one.code,)) == []
    said_of_findings = {name: text for name, text in shown.items() if command_of(name) not in TOLD_COMMENT}
    assert having(said_of_findings, (one.comment.split()[-1],)) == []
    private = {name: text for name, text in said.items() if command_of(name) not in FREE}
    assert having(private, (one.record,)) == []
    if one.sealed:
        plain = {path.name for path, kept in files.items() if any(value.encode() in kept for value in one.values[:2])}
        assert plain <= {"server_said.txt"}
