"""Strings planted in every identifier field come out nowhere."""

from __future__ import annotations

import email
import email.policy
import json
import os
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from random import Random

import pypdfium2

from nightround.study.folder import load_content_module
from redcap_sync.api.client import RedcapClient
from redcap_sync.api.token import Token
from redcap_sync.project.project_folder import dictionary_from_folder
from redcap_sync.sandbox import running
from redcap_sync.sandbox.project_sources import project_from_folder

ROOT = Path(__file__).parents[2]
STUDY = ROOT / "expectations" / "venous_occlusion"
CANARY = "CANARY7431"
BORN = "1931-03-07"
"""A canary for the one identifier that must be a date; nobody else in the cohort is that old."""
NIGHT = datetime(2025, 7, 7, 2, 30)  # noqa: DTZ001 - the server's own clock


def told(folder: Path) -> dict[str, str]:
    """Everything a run tells people, as text, by file name: all but what is private and contains values."""
    texts: dict[str, str] = {}
    for path in folder.rglob("*"):
        if not path.is_file() or {"snapshots", "judged", "fonts"} & set(path.parts) or ".sqlite3" in path.name:
            continue
        if path.suffix == ".pdf":
            document = pypdfium2.PdfDocument(path)
            texts[path.name] = "".join(page.get_textpage().get_text_bounded() for page in document)
            document.close()
        elif path.suffix == ".eml":
            message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
            parts = [part.get_content() for part in message.walk() if part.get_content_maintype() == "text"]
            texts[path.name] = "".join([str(message.items()), *parts])
        elif path.suffix not in {".docx", ".parquet"}:
            texts[path.name] = path.read_text(encoding="utf-8")
    return texts


def test_no_identifier_in_log_mail_list_report_file_name_or_json(tmp_path: Path) -> None:
    """A night over records whose identifiers are canaries, some of them broken, tells of them nowhere."""
    identifiers = [field.name for field in dictionary_from_folder(STUDY / "project").fields if field.identifier]
    assert len(identifiers) >= 2
    texts = set(identifiers) - {"birth_date"}
    rows = load_content_module(STUDY / "synthetic" / "cohort.py", "cohort").records(1)
    planted = [
        {**row, **{name: f"{CANARY}-{name}-{row['record_id']}" for name in texts if row.get(name)}} for row in rows
    ]
    project = project_from_folder(STUDY / "project", clock=lambda: NIGHT)
    with running([project], random=Random(1)) as server:
        token = server.token(project)
        client = RedcapClient(server.api_url, Token(token), sleep=lambda _: None)
        client.import_records(planted, overwrite=True)
        broken = {"record_id": "7", "redcap_event_name": "screening_arm_1", "age": "93", "villalta_total": "30"}
        client.import_records([{**broken, "birth_date": BORN}], overwrite=True)
        done = subprocess.run(
            [sys.executable, "-m", "nightround", "night", str(STUDY), "--data", "data", "--json"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
            env={
                "PATH": os.environ["PATH"],
                "PYTHONPATH": str(ROOT),
                "REDCAP_URL": server.api_url,
                "REDCAP_TOKEN": token,
            },
        )
    assert done.returncode == 3, done.stderr
    assert json.loads(done.stdout)["findings"]["opened"] >= 3
    texts_told = {"stdout": done.stdout, "stderr": done.stderr, **told(tmp_path / "data")}
    assert {"coverage.json", "findings.csv"} <= texts_told.keys()
    assert any(name.endswith(".eml") for name in texts_told)
    assert [name for name, text in texts_told.items() if any(secret in text for secret in (CANARY, BORN, token))] == []
    assert [path for path in tmp_path.rglob("*") if CANARY in path.name] == []
    kept = b"".join(path.read_bytes() for path in (tmp_path / "data").rglob("*.sqlite3*"))
    assert token.encode() not in kept
