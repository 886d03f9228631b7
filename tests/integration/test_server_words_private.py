"""What a server says of a refused call is in one private file of the run, and nowhere else."""

from __future__ import annotations

import email
import email.policy
import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.scripted_server import answering
from tests.small_study import FOLDER, STUDY

ROOT = Path(__file__).parents[2]
TOKEN = "0123456789ABCDEF0123456789ABCDEF"
CANARIES = ("CANARY-R-0042", "CANARY-VALUE", TOKEN, "canary-password", "\x1b", "\u202e")
SAID = f"record CANARY-R-0042 has hiv_status CANARY-VALUE for token {TOKEN} \x1b[31m\u202e"


def run(data: Path, url: str, command: str, *options: str) -> subprocess.CompletedProcess[str]:
    """A command on the study, at an address."""
    return subprocess.run(
        [sys.executable, "-m", "nightround", command, str(FOLDER), "--data", str(data), *options],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "REDCAP_URL": url, "REDCAP_TOKEN": TOKEN},
    )


def mails(data: Path) -> str:
    """Every mail, headers and bodies decoded."""
    found = []
    for path in data.rglob("*.eml"):
        message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        found += [str(message.items()), *(one.get_content() for one in message.walk() if not one.is_multipart())]
    return "".join(found)


@pytest.mark.parametrize("status", [200, 400, 403])
@pytest.mark.parametrize("command", ["night", "pull"])
def test_the_words_of_a_refusal_are_in_one_private_file(tmp_path: Path, status: int, command: str) -> None:
    """Terminal, JSON, log, mail and database have our sentence and name the file, which its owner alone may read."""
    with answering(status, json.dumps({"error": SAID}).encode()) as url:
        done = run(tmp_path, url.replace("://", "://nurse:canary-password@"), command, "--json")
    assert done.returncode == 12, done.stderr
    (details,) = tmp_path.rglob("server_said.txt")
    assert details.parent.parent == tmp_path / STUDY / "runs"
    assert stat.S_IMODE(details.stat().st_mode) == 0o600
    kept = details.read_text()
    assert "CANARY-VALUE" in kept
    assert not [one for one in (TOKEN, "canary-password", "\x1b", "\u202e") if one in kept]
    others = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file() and path != details)
    told = f"{done.stdout} {json.loads(done.stdout)} {done.stderr} {mails(tmp_path)}"
    assert [one for one in CANARIES if one in told] == []
    assert [one for one in CANARIES[:4] if one.encode() in others] == []
    assert str(details) in done.stderr
    assert str(details) in json.loads(done.stdout)["error"]["remedy"]
    assert (str(details) in mails(tmp_path)) == (command == "night")
    assert ("HTTP 403" if status == 403 else f"status {status}") in done.stderr


def test_an_address_with_a_password_tells_no_password(tmp_path: Path) -> None:
    """A server that is not there is named without the user and the password of its address."""
    done = run(tmp_path, "http://nurse:canary-password@127.0.0.1:9/api/", "night")
    assert done.returncode == 11
    assert "http://***@127.0.0.1:9/api/" in done.stderr
    others = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    told = f"{done.stdout} {done.stderr} {mails(tmp_path)}"
    assert not [one for one in ("canary-password", "nurse", TOKEN) if one in told or one.encode() in others]


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_a_bug_shows_its_traceback_and_no_value(tmp_path: Path, options: tuple[str, ...]) -> None:
    """Frames and class are on stderr; the message, which has the value, is nowhere."""
    (tmp_path / "sitecustomize.py").write_text(
        "import nightround.cli.options as o, nightround.cli.rules as r\n"
        "def broken(_): int(''.join(['CANARY', '-VALUE']))\n"
        "r.folder_of = broken\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "nightround", "rules", "lint", str(FOLDER), *options],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"},
    )
    assert done.returncode == 1
    assert "Traceback" in done.stderr
    assert "in broken" in done.stderr
    assert done.stderr.rstrip().endswith("ValueError")
    assert "CANARY-VALUE" not in done.stdout + done.stderr
