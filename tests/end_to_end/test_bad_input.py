"""Whatever is wrong is reported in plain words, with its exit code, and nothing is lost."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.scripted_server import answering

ROOT = Path(__file__).parents[2]
STUDY = ROOT / "expectations" / "venous_occlusion"
TOKEN = "0123456789ABCDEF0123456789ABCDEF"
LOGIN = b"<!DOCTYPE html><html><title>Log in</title></html>"


def nightround(cwd: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run the command as a user would, with nothing of this machine's REDCap settings."""
    return subprocess.run(
        [sys.executable, "-m", "nightround", *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **environ},
    )


def assert_explained(done: subprocess.CompletedProcess[str], code: int, *words: str) -> None:
    """The command ended with its code, said why and what to do, and showed no traceback and no token."""
    assert done.returncode == code, done.stderr
    assert "What to do:" in done.stderr or "Hint:" in done.stderr
    for word in words:
        assert word in done.stderr
    assert "Traceback" not in done.stderr
    assert TOKEN not in done.stderr + done.stdout
    assert done.stdout == ""


def test_no_address(tmp_path: Path) -> None:
    """Without REDCAP_URL the command names the variable."""
    assert_explained(nightround(tmp_path, "night", "venous_occlusion"), 11, "REDCAP_URL")


def test_no_token(tmp_path: Path) -> None:
    """Without a token the command names the variable."""
    done = nightround(tmp_path, "night", "venous_occlusion", REDCAP_URL="http://127.0.0.1:9/api/")
    assert_explained(done, 12, "REDCAP_TOKEN")


def test_a_token_that_was_cut(tmp_path: Path) -> None:
    """A token of the wrong length is refused before it is sent anywhere."""
    done = nightround(
        tmp_path, "night", "venous_occlusion", REDCAP_URL="http://127.0.0.1:9/api/", REDCAP_TOKEN=TOKEN[:-1]
    )
    assert_explained(done, 12, "31 characters")
    assert TOKEN[:-1] not in done.stderr


def test_an_unreachable_server(tmp_path: Path) -> None:
    """A server that does not listen ends in 11, after the attempts that a busy server deserves."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{held.getsockname()[1]}/api/"
    done = nightround(tmp_path, "pull", "venous_occlusion", REDCAP_URL=url, REDCAP_TOKEN=TOKEN)
    assert_explained(done, 11, "did not answer")


@pytest.mark.parametrize(
    ("status", "body", "content_type", "code", "word"),
    [
        (200, LOGIN, "text/html", 11, "web page"),
        (200, b"", "application/json", 13, "empty body"),
        (
            403,
            b'{"error":"You do not have permissions to use the API"}',
            "application/json",
            12,
            "(HTTP 403)",
        ),
    ],
)
def test_a_server_that_is_not_there_for_us(
    tmp_path: Path, status: int, body: bytes, content_type: str, code: int, word: str
) -> None:
    """A login page with status 200, an empty body and a refusal each end in their own code, and leave no snapshot."""
    with answering(status, body, content_type) as url:
        done = nightround(tmp_path, "night", "venous_occlusion", "--data", "d", REDCAP_URL=url, REDCAP_TOKEN=TOKEN)
    assert_explained(done, code, word)
    assert not list((tmp_path / "d").rglob("taken/*"))
    # On Mondays everybody gets a sign of life, and learns of the failure too.
    told = [path.name for path in (tmp_path / "d").rglob("*.eml") if "data_manager" in path.name]
    assert len(told) == 1, "the data manager is told that the night failed"


@pytest.fixture
def broken_study(tmp_path: Path) -> Path:
    """A copy of the study, to be broken."""
    return Path(shutil.copytree(STUDY, tmp_path / "study"))


def test_an_unknown_key(tmp_path: Path, broken_study: Path) -> None:
    """A misspelt key of study.toml is answered with the nearest known one."""
    file = broken_study / "study.toml"
    file.write_text(file.read_text(encoding="utf-8") + "\n[repport]\nweekdays = ['mon']\n", encoding="utf-8")
    assert_explained(nightround(tmp_path, "rules", str(broken_study)), 10, "repport", "'report'")


def test_broken_logic(tmp_path: Path, broken_study: Path) -> None:
    """A rule whose logic cannot be read is shown with its file, its line and a caret under the place."""
    rules = broken_study / "rules" / "zz_broken.toml"
    rules.write_text(
        """[[rule]]
id = "BROKEN"
instrument = "villalta"
title = { zh = "坏", en = "broken" }
discrepancy = "[villalta_total] >= "
severity = "minor"
fields = ["villalta_total"]
advice = { zh = "无", en = "none" }
source = "none"
""",
        encoding="utf-8",
    )
    done = nightround(tmp_path, "rules", str(broken_study))
    assert_explained(done, 10, "zz_broken.toml, rule BROKEN", "line 1 | [villalta_total] >=", "^")


def test_wrong_usage(tmp_path: Path) -> None:
    """A command that does not exist ends in 2."""
    assert nightround(tmp_path, "nihgt", "venous_occlusion").returncode == 2


def test_a_database_of_a_newer_version(tmp_path: Path) -> None:
    """A database that this version does not know is left alone, with exit code 15."""
    import sqlite3

    folder = tmp_path / "d" / "venous_occlusion"
    folder.mkdir(parents=True)
    with sqlite3.connect(folder / "nightround.sqlite3") as database:
        database.execute("CREATE TABLE alembic_version (version_num VARCHAR(32))")
        database.execute("INSERT INTO alembic_version VALUES ('9999')")
    database.close()
    done = nightround(
        tmp_path, "check", "venous_occlusion", "--data", "d", REDCAP_URL="http://127.0.0.1:9/api/", REDCAP_TOKEN=TOKEN
    )
    assert_explained(done, 15, "9999")


def test_checking_before_the_first_pull(tmp_path: Path) -> None:
    """`check` without a snapshot says to pull first."""
    assert_explained(nightround(tmp_path, "check", "venous_occlusion"), 10, "nightround pull")


def test_the_demo_never_replaces_a_folder_that_is_not_its_own(tmp_path: Path) -> None:
    """A folder with something else in it is refused and left as it was."""
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "thesis.txt").write_text("years of work")
    assert_explained(nightround(tmp_path, "demo", "--out", "precious"), 2, "precious")
    assert (tmp_path / "precious" / "thesis.txt").read_text() == "years of work"
