"""Worklists that are put into a study's inbox: read by the next round, answered line by line, never read twice."""

from __future__ import annotations

import io
import os
import shutil
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from nightround.findings.spreadsheet_parts import LARGEST_FILE
from nightround.findings.worklist_sheet import COLUMNS, HIDDEN, write_sheet
from nightround.model.errors import StudyFilesWrong
from nightround.night import inbox_step
from nightround.night.worklist_step import worklist_of
from nightround.store.database import open_store
from tests.small_study import FOLDER, STUDY, SmallStudy, small_study

ANSWER = COLUMNS.index("answer") + 1
PEOPLE = """
[[people]]
role = "coordinator"
address = "coordinator@example.org"
language = "en"

[inbox]
folder = "FOLDER"
"""


@dataclass
class Inbox:
    """A study with an inbox, after one night."""

    study: SmallStudy
    folder: Path

    def sheet(self, whom: str = "", answer: str = "Other", lines: int = 100) -> bytes:
        """A list of what is open, with one answer on so many lines."""
        made: list[bytes] = []

        def step(night: Any) -> None:
            listed, places = worklist_of(night.facts, night.store, whom)
            made.append(write_sheet(STUDY, listed, places, "en", whom=whom))

        self.study.command("worklist", step)
        return changed(made[0], lambda book: fill(book.worksheets[0], answer, lines))

    def put(self, content: bytes, name: str = "list.xlsx") -> Path:
        """Put a file into the inbox, saved at the study's hour."""
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        self.saved(path, -3600)
        return path

    def saved(self, path: Path, seconds: float) -> None:
        """Say that a file was saved so many seconds after the study's hour."""
        moment = self.study.now[0].timestamp() + seconds
        os.utime(path, (moment, moment), follow_symlinks=False)

    def night(self) -> dict[str, str]:
        """Make a round on the next day; gives the text of each receipt's mail by the role of its reader."""
        self.study.next_day()
        before = set(self.outbox.glob("*.eml"))
        self.study.round()
        return self.mails(before)

    @property
    def outbox(self) -> Path:
        """Where mails are written to."""
        return self.study.folder / "outbox"

    def mails(self, before: set[Path]) -> dict[str, str]:
        """The receipts among the new mails, several to one person one after another."""
        found: dict[str, str] = {}
        for path in sorted(set(self.outbox.glob("*.eml")) - before):
            mail = message_from_bytes(path.read_bytes(), policy=default)
            body = mail.get_body(("plain",))
            assert body is not None
            if "inbox folder" in body.get_content():
                role = "coordinator" if "_coordinator_" in path.name else "data_manager"
                found[role] = found.get(role, "") + f"{mail['Subject']}\n{body.get_content()}"
        return found

    def answers(self) -> list[tuple[str, str]]:
        """The code and the name of each answer that a finding has."""
        return [(one.answer.code.value, one.answer.by) for one in self.study.findings() if one.answer]

    def there(self) -> list[str]:
        """What lies in the inbox, from it on, but folders."""
        found = (path for path in self.folder.rglob("*") if path.is_symlink() or not path.is_dir())
        return sorted(path.relative_to(self.folder).as_posix() for path in found)

    def receipts(self) -> str:
        """All receipts, one after another."""
        return "".join(path.read_text("utf-8-sig") for path in sorted(self.folder.rglob("*_receipt.csv")))


def fill(sheet: Any, answer: str, lines: int) -> None:
    """Answer the first lines of a list."""
    for row in range(3, min(sheet.max_row, lines + 2) + 1):
        sheet.cell(row, ANSWER).value = answer


def changed(content: bytes, change: Callable[[Any], None]) -> bytes:
    """A spreadsheet with a change, as a program saves it."""
    book, out = openpyxl.load_workbook(io.BytesIO(content)), io.BytesIO()
    change(book)
    book.save(out)
    return out.getvalue()


@pytest.fixture
def inbox(tmp_path: Path) -> Iterator[Inbox]:
    """The study after one night, with a coordinator and a share."""
    source, folder = tmp_path / "source", tmp_path / "share"
    shutil.copytree(FOLDER, source)
    folder.mkdir(mode=0o755)
    with (source / "study.toml").open("a", encoding="utf-8") as file:
        file.write(PEOPLE.replace("FOLDER", str(folder)))
    with small_study(tmp_path / "data", source) as study:
        study.round()
        yield Inbox(study, folder)


def test_a_list_is_read_by_the_next_round_and_counts_tonight(inbox: Inbox) -> None:
    """Its answers are written down under its role, its reader gets a receipt line by line, and it is moved away."""
    inbox.put(inbox.sheet("coordinator", lines=1), "my answers.xlsx")
    mails = inbox.night()
    assert inbox.answers() == [("other", "coordinator")]
    assert "Worklist read, 1 answered, 0 refused" in mails["coordinator"]
    assert "data_manager" not in mails
    assert inbox.there() == ["done/small_study_00001_my answers.xlsx", "done/small_study_00001_receipt.csv"]
    assert "3," in inbox.receipts()
    assert ",answered," in inbox.receipts()
    assert ",left blank," in inbox.receipts()
    assert "done/small_study_00001_receipt.csv" in mails["coordinator"]
    assert oct((inbox.folder / "done").stat().st_mode)[-3:] == "755"
    assert oct((inbox.folder / "done" / "small_study_00001_receipt.csv").stat().st_mode)[-3:] == "644"
    run = inbox.study.last_run()
    with open_store(inbox.study.folder / "nightround.sqlite3") as store:
        answered = next(one for one in store.findings(STUDY) if one.answer)
        changes = [entry for entry in store.history(STUDY, answered.id) if entry.change == "answered"]
    assert [entry.run_id for entry in changes] == [run.id]


@pytest.mark.parametrize(
    ("name", "by", "reader"),
    [
        ("Coordinator/a.xlsx", "coordinator", "coordinator"),
        ("coordinator_2025-07.xlsx", "coordinator", "coordinator"),
        ("coordinators.xlsx", "inbox", "data_manager"),
        ("from data_manager.xlsx", "data_manager", "data_manager"),
    ],
)
def test_who_answered_is_the_role_of_the_folder_or_of_the_name(inbox: Inbox, name: str, by: str, reader: str) -> None:
    """Where neither names a role the history says so, and the data manager gets the receipt."""
    inbox.put(inbox.sheet(lines=1), name)
    mails = inbox.night()
    assert inbox.answers() == [("other", by)]
    assert set(mails) == {reader}
    assert ("does not say who" in mails[reader]) is (by == "inbox")


def test_the_same_list_is_not_read_twice(inbox: Inbox) -> None:
    """A copy of it is refused with the day on which it was read; it is mailed once, however often it comes."""
    content = inbox.sheet("coordinator", lines=1)
    inbox.put(content)
    inbox.night()
    inbox.put(content)
    assert "2025-07-03" in inbox.night()["coordinator"]
    inbox.put(content)
    assert inbox.night() == {}
    assert [name for name in inbox.there() if name.startswith("refused/")] == [
        "refused/small_study_00002_list.xlsx",
        "refused/small_study_00002_receipt.csv",
        "refused/small_study_00003_list.xlsx",
        "refused/small_study_00003_receipt.csv",
    ]
    assert inbox.answers() == [("other", "coordinator")]


def test_a_process_that_is_killed_before_it_moves_a_file_reads_no_line_twice(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next round moves it with the receipt of the first one; one mail, one line of history for each answer."""
    inbox.put(inbox.sheet("coordinator", lines=1))
    before = set(inbox.outbox.glob("*.eml"))

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(inbox_step, "put_away", killed)
        inbox.study.next_day()
        with pytest.raises(KeyboardInterrupt):
            inbox.study.round()
    assert inbox.there() == ["list.xlsx"]
    inbox.night()
    assert inbox.mails(before)["coordinator"].count("Worklist read, 1 answered") == 1
    assert ",answered," in inbox.receipts()
    with open_store(inbox.study.folder / "nightround.sqlite3") as store:
        answered = next(one for one in store.findings(STUDY) if one.answer)
        history = [entry.change for entry in store.history(STUDY, answered.id)]
    assert history.count("answered") == 1


def test_a_list_never_overwrites_what_is_newer(inbox: Inbox) -> None:
    """Of two lists the one that was saved first is read first; the other's line is refused, with the reason."""
    first, second = inbox.sheet("coordinator", "Other", 1), inbox.sheet("coordinator", "Data missing", 1)
    inbox.saved(inbox.put(second, "a.xlsx"), -60)
    inbox.saved(inbox.put(first, "b.xlsx"), -120)
    mail = inbox.night()["coordinator"]
    assert inbox.answers() == [("other", "coordinator")]
    assert "changed after the list was made" in mail


def with_part(content: bytes, name: str, part: bytes) -> bytes:
    """A spreadsheet with one part more."""
    out = io.BytesIO(content)
    with zipfile.ZipFile(out, "a", zipfile.ZIP_DEFLATED) as made:
        made.writestr(name, part)
    return out.getvalue()


HOSTILE: dict[str, tuple[Callable[[Inbox, bytes], object], str]] = {
    "no spreadsheet": (lambda box, _: box.put(b"finding,answer\n", "list.csv"), "no .xlsx file"),
    "half of one": (lambda box, sheet: box.put(sheet[: len(sheet) // 2], "half.xlsx"), "no .xlsx file"),
    "a bomb": (lambda box, sheet: box.put(with_part(sheet, "xl/b.xml", b"0" * 150_000_000), "b.xlsx"), "too large"),
    "macros": (lambda box, sheet: box.put(with_part(sheet, "xl/vbaProject.bin", b"x"), "m.xlsx"), "macros"),
    "another study": (
        lambda box, sheet: box.put(changed(sheet, lambda book: book[HIDDEN].cell(3, 1, "another")), "o.xlsx"),
        "of another study",
    ),
    "a pipe": (lambda box, _: os.mkfifo(box.folder / "pipe.xlsx"), "a pipe or a device"),
    "a link": (lambda box, _: (box.folder / "link.xlsx").symlink_to("/etc/passwd"), "a link to another place"),
    "a link to nothing": (lambda box, _: (box.folder / "gone.xlsx").symlink_to("gone"), "a link to another place"),
    "huge": (lambda box, _: os.truncate(box.put(b"PK", "h.xlsx"), LARGEST_FILE + 1), "too large"),
    "a strange name": (lambda box, _: box.put(b"x", "a\x1b[2J\n97 \u202e" + "x" * 150 + ".xlsx"), "no .xlsx file"),
    "no name in letters": (lambda box, _: box.put(b"y", os.fsdecode(b"\xff\xfe.xlsx")), "no .xlsx file"),
    "another folder": (lambda box, sheet: box.put(sheet, "somebody/a.xlsx"), "the name of the folder is no role"),
}


def test_hostile_files_get_their_sentence_and_stop_nothing(inbox: Inbox, capsys: pytest.CaptureFixture[str]) -> None:
    """All of them on one night, with a good list among them: each is refused, put away, and said by mail."""
    sheet = inbox.sheet("coordinator", lines=1)
    for number, (put, _) in enumerate(HOSTILE.values()):
        put(inbox, with_part(sheet, f"xl/{number}.txt", b""))
    inbox.put(sheet, "good.xlsx")
    mails = inbox.night()
    assert inbox.answers() == [("other", "coordinator")]
    for name, (_, said) in HOSTILE.items():
        assert said in mails["data_manager"], name
        assert said in inbox.receipts() or name == "another folder", name
    assert [name for name in inbox.there() if not name.startswith(("done/", "refused/"))] == ["somebody/a.xlsx"]
    assert not any("\x1b" in name or "\n" in name for name in inbox.there())
    assert "[2J" not in mails["data_manager"]
    assert "[2J" not in capsys.readouterr().err
    assert (inbox.folder / "refused").stat().st_mode & 0o777 == 0o755
    assert inbox.study.last_run().complete


def test_formulas_and_forged_lines_are_refused_one_by_one(inbox: Inbox) -> None:
    """A line that is a formula, or of no finding, is refused; the others of the same list count."""

    def forge(book: Any) -> None:
        sheet = book.worksheets[0]
        sheet.cell(3, ANSWER).value = '=HYPERLINK("http://x")'
        sheet.cell(4, COLUMNS.index("finding") + 1).value = "97 of patient 2"

    inbox.put(changed(inbox.sheet("coordinator"), forge))
    mail = inbox.night()["coordinator"]
    assert "Line 3 " in mail
    assert "a cell contains a formula" in mail
    assert "Line 4 was refused: no finding of the study has this id" in mail
    assert "97 of" not in mail + inbox.receipts()
    assert inbox.receipts().count(",answered,") == len(inbox.answers()) > 0


@pytest.mark.parametrize("part", [0.0, 0.5])
def test_a_file_that_is_still_being_copied_is_left_for_the_next_round(inbox: Inbox, part: float) -> None:
    """What is there may be the beginning of a list: the data manager is notified, and the whole file is read later."""
    sheet = inbox.sheet("coordinator", lines=1)
    path = inbox.put(sheet[: int(len(sheet) * part)])
    inbox.saved(path, 24 * 3600 - 30)
    assert "perhaps still being copied" in inbox.night()["data_manager"]
    assert inbox.there() == ["list.xlsx"]
    path.write_bytes(sheet)
    inbox.saved(path, 24 * 3600 - 30)
    assert "1 answered" in inbox.night()["coordinator"]


def test_files_of_the_system_and_hidden_ones_are_left_alone(inbox: Inbox) -> None:
    """What Excel, Windows and file servers make in a folder is no list of anybody."""
    names = ["~$list.xlsx", ".DS_Store", "Thumbs.db", ".part/a.xlsx"]
    for name in names:
        inbox.put(b"x", name)
    assert inbox.night() == {}
    assert inbox.there() == sorted(names)


def test_an_inbox_that_is_not_there_is_said_and_stops_no_night(inbox: Inbox) -> None:
    """A share that is not mounted: findings are up to date, the mail names the step, the run ends with 10."""
    inbox.folder.rmdir()
    inbox.study.next_day()
    before = set(inbox.outbox.glob("*.html"))
    with pytest.raises(StudyFilesWrong) as wrong:
        inbox.study.round()
    assert wrong.value.code == "inbox.no_folder"
    assert wrong.value.exit_code == 10
    mails = [path.read_text("utf-8") for path in set(inbox.outbox.glob("*.html")) - before]
    assert any("reading of the inbox" in mail and str(inbox.folder) in mail for mail in mails)
    assert not inbox.folder.exists()


def test_a_file_that_cannot_be_moved_is_not_read_again(inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its answers count once; each night says that it lies there, until the folder lets it go."""
    inbox.put(inbox.sheet("coordinator", lines=1))

    def refused(*_: object) -> None:
        raise PermissionError(13, "no", "x")

    with monkeypatch.context() as patch:
        patch.setattr(inbox_step, "put_away", refused)
        for _ in range(2):
            inbox.study.next_day()
            with pytest.raises(StudyFilesWrong, match="could not be moved away"):
                inbox.study.round()
    assert inbox.answers() == [("other", "coordinator")]
    assert inbox.night() == {}
    assert inbox.there() == ["done/small_study_00001_list.xlsx", "done/small_study_00001_receipt.csv"]


@pytest.mark.parametrize("kind", ["file", "link"])
def test_nothing_is_written_through_a_link_or_over_a_file(inbox: Inbox, tmp_path: Path, kind: str) -> None:
    """Where 'done' is no folder the night says so, and nothing lands elsewhere."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    if kind == "link":
        (inbox.folder / "done").symlink_to(elsewhere)
    else:
        (inbox.folder / "done").write_bytes(b"mine")
        inbox.saved(inbox.folder / "done", 24 * 3600 + 1)
    inbox.put(inbox.sheet("coordinator", lines=1))
    inbox.study.next_day()
    with pytest.raises(StudyFilesWrong, match="no folder"):
        inbox.study.round()
    assert list(elsewhere.iterdir()) == []
    assert inbox.answers() == [("other", "coordinator")]


def test_receipts_are_in_the_language_of_their_reader(inbox: Inbox) -> None:
    """A Chinese reader's mail and receipt have no English sentence, and no word of the file's name."""
    path = inbox.study.source / "study.toml"
    text = path.read_text("utf-8")
    path.write_text(
        text.replace('example.org"\nlanguage = "en"\n\n[inbox]', 'example.org"\nlanguage = "zh"\n\n[inbox]'), "utf-8"
    )
    inbox.put(b"no list", "coordinator 王某.xlsx")
    inbox.study.next_day()
    before = set(inbox.outbox.glob("*.html"))
    inbox.study.round()
    mails = [one.read_text("utf-8") for one in set(inbox.outbox.glob("*_coordinator_*.html")) - before]
    assert len([mail for mail in mails if "收件文件夹中的文件未读取" in mail]) == 1
    assert "未接受" in inbox.receipts()
    assert not any("王某" in mail for mail in mails)


def test_doctor_tries_the_inbox(inbox: Inbox) -> None:
    """A folder that is not there is wrong before a night finds it out."""
    from nightround.night.machine_checks import inbox_line

    assert inbox_line(inbox.folder, inbox.study.folder).exit_code == 0
    assert inbox_line(inbox.study.folder / "inbox", inbox.study.folder).exit_code == 0
    with pytest.raises(StudyFilesWrong):
        inbox_line(inbox.folder / "none", inbox.study.folder)
