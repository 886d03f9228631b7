"""The overview of a study: written by each round over the one before, and with the data manager's mail alone."""

from __future__ import annotations

import re
import shutil
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

import pytest

from nightround.night import overview_step
from tests.small_study import FOLDER, small_study

PEOPLE = """
[[people]]
role = "data_manager"
address = "dm@example.org"
language = "zh"
owns = ["data_manager", "coordinator"]

[[people]]
role = "coordinator"
address = "c@example.org"
language = "en"
owns = ["coordinator"]
"""


def source(folder: Path) -> Path:
    """The small study with two people."""
    shutil.copytree(FOLDER, folder)
    text = (folder / "study.toml").read_text(encoding="utf-8")
    others = re.sub(r"\[\[people\]\].*?\n\n", "", text, flags=re.DOTALL)
    (folder / "study.toml").write_text(others + PEOPLE, encoding="utf-8")
    return folder


def mails(outbox: Path) -> dict[str, list[EmailMessage]]:
    """The mails of an outbox by their readers."""
    found: dict[str, list[EmailMessage]] = {}
    for path in sorted(outbox.glob("*.eml")):
        mail = message_from_bytes(path.read_bytes(), policy=default)
        assert isinstance(mail, EmailMessage)
        found.setdefault(str(mail["To"]), []).append(mail)
    return found


def test_each_round_overwrites_the_overview_and_mails_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One file a language, for its owner alone, with tonight's counts; a failing overview is said and stops nothing."""
    with small_study(tmp_path / "data", source(tmp_path / "study")) as study:
        first = study.round()
        page = study.folder / "overview_en.html"
        before = page.read_text(encoding="utf-8")
        assert f"<b>{first.findings['opened']}</b>" in before
        assert page.stat().st_mode & 0o077 == 0
        sent = mails(study.folder / "outbox")
        names = {to: [one.get_filename() for mail in of for one in mail.iter_attachments()] for to, of in sent.items()}
        assert names["dm@example.org"] == ["overview_zh.html"]
        assert not any("overview" in str(name) for name in names["c@example.org"])
        study.next_day()
        study.corrected("2", age="57")
        study.round()
        after = page.read_text(encoding="utf-8")
        assert after.count("<rect ") == 2 * before.count("<rect ") == 6
        study.next_day()
        monkeypatch.setattr(overview_step, "overview_of", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            study.round()
        last = study.last_run()
        assert {step.name: step.ended.value for step in last.steps}["alert"] == "done"
        assert page.read_text(encoding="utf-8") == after
