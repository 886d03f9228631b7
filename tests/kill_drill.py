"""The kill drill: nights, and what else changes a study's data, killed at random moments, compared with what is true.

A child process does one job and is killed by its own id; between jobs people edit, delete and add records, and the
server falls ill. What is true of each moment is known here, from the values themselves and four rules in plain Python.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import zipfile
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

from nightround.model.finding import FindingState
from nightround.snapshots.snapshot_store import SnapshotStore
from nightround.store.database import Store, open_store
from nightround.store.finding_rows import Change, HistoryEntry
from nightround.store.run_rows import Ended, Run
from redcap_sync.private_files import finish_private_set
from redcap_sync.sandbox import Faults
from tests.made_findings import history_of
from tests.small_study import PATIENTS, STUDY, SmallStudy

KEPT = Path(__file__).parent / "kept" / "data_ab75676" / "nightround.sqlite3"
SICK = ("server_error", "bad_gateway", "login_page", "half", "truncated", "empty", "dropped", "forbidden", "too_many")
VALUES = {
    "age": ("47", "97", "", "17", "60"),
    "systolic": ("120", "80", "70"),
    "diastolic": ("80", "120", "75"),
}
RENAMES = {"night": 60, "report": 30, "forget": 30, "migrate": 3}
"""About so many files get their names in a job."""
ENDS = {".pdf": b"%%EOF", ".html": b"</html>"}
"""How a file ends that is whole."""

Violation = tuple[str, str]
"""A rule and a record."""


def violations(patients: Mapping[str, Mapping[str, str]]) -> set[Violation]:
    """What breaks which rule of the small study: the oracle, which shares nothing with the judge."""
    found: set[Violation] = set()
    for record, values in patients.items():
        age, high, low = (values.get(name, "") for name in ("age", "systolic", "diastolic"))
        if not age:
            found.add(("required:age", record))
        elif not 18 <= int(age) <= 90:
            found.add(("range:age", record))
        if high and low and int(high) <= int(low):
            found.add(("BP-01", record))
    return found


@dataclass
class Result:
    """How a child ended: killed, or with what it printed."""

    killed: bool
    code: int
    said: Mapping[str, object] = field(default_factory=dict)


@dataclass
class KillDrill:
    """One drill: the study, the truth, and what was counted."""

    study: SmallStudy
    faults: Faults
    random: Random
    children: subprocess.Popen[str]
    reported: int = 0
    """How many reports were finished, as their register says."""
    patients: dict[str, dict[str, str]] = field(default_factory=dict)
    counted: Counter[str] = field(default_factory=Counter)
    seconds: dict[str, float] = field(default_factory=lambda: defaultdict(lambda: 1.0))
    """How long a job takes from its start to its end when nobody kills it."""
    truth: dict[int, set[Violation]] = field(default_factory=dict)
    """What was true while a run went on, by the run's id."""

    def run(self, kills: int) -> None:
        """Go on until so many jobs were killed before their end."""
        self.patients = {one["record_id"]: dict(one) for one in PATIENTS}
        for number in range(11, 41):  # so many that a few deletions are no loss that a pull refuses
            self.add(str(number))
        self.clean_round()
        while self.counted["kills"] < kills:
            job: Callable[[], None] = self.random.choices(
                (self.killed_night, self.sick_night, self.report, self.forget, self.migrate), (12, 3, 3, 1, 1)
            )[0]
            self.edit()
            job()
            self.check_reports()
            self.study.next_day()
            if self.random.random() < 0.25:
                self.clean_round()
        self.clean_round()
        self.check_all()

    def edit(self) -> None:
        """Let people edit, add and delete records."""
        for _ in range(self.random.randint(0, 3)):
            record = self.random.choice(sorted(self.patients))
            field_name = self.random.choice(sorted(VALUES))
            value = self.random.choice(VALUES[field_name])
            self.patients[record][field_name] = value
            self.study.type_in(record, **{field_name: value})
        if self.random.random() < 0.3:
            record = str(max(map(int, self.patients)) + 100)
            values = {"age": "97", "sex": "1", "systolic": "70", "diastolic": "80"}
            self.patients[record] = values
            self.study.type_in(record, **values)
        if len(self.patients) > 4 and self.random.random() < 0.2:
            self.delete(self.random.choice(sorted(self.patients)))

    def add(self, record: str) -> None:
        """Add a record with mistakes or without."""
        values = {"sex": "1", **{name: self.random.choice(some) for name, some in VALUES.items()}}
        self.patients[record] = values
        self.study.type_in(record, **values)

    def delete(self, record: str) -> None:
        """Delete a record in REDCap, where the log has a line of it."""
        self.study.delete(record)
        del self.patients[record]

    def killed_night(self) -> None:
        """A night that is killed at a random moment, unless it ends before."""
        self.after(self.child("night", kill=True))

    def sick_night(self) -> None:
        """A night on a server that falls ill, which may be killed too."""
        kind = self.random.choice(SICK)
        self.faults.script(kind, times=self.random.choice((1, 3, 60)), after=self.random.randint(0, 8))
        self.counted["sick"] += 1
        result = self.child("night", kill=self.random.random() < 0.5)
        self.faults.clear()
        self.after(result)

    def clean_round(self) -> None:
        """A night that nobody disturbs: afterwards the open findings are exactly what is wrong."""
        result = self.child("night", kill=False)
        assert result.code == 0, result
        self.after(result)
        assert result.said == {"complete": True}, result
        self.study.next_day()
        self.check_mails()

    def forget(self) -> None:
        """A patient withdraws: deleted in REDCap, a round, and a call that is killed and called again."""
        record = self.random.choice(sorted(self.patients))
        if len(self.patients) < 3:
            return
        self.delete(record)
        self.clean_round()
        result = self.child("forget", kill=True, record=record)
        again = self.child("forget", kill=False, record=record)
        done = again.code == 0 or again.said == {"error": "forget.already"}
        assert done, (result, again)
        self.counted["forgotten"] += 1
        with self.store() as store:
            assert store.finding_ids(STUDY, record) == ()
            assert store.was_forgotten(STUDY, record)
            assert store.broken_lines(STUDY) == ()

    def report(self) -> None:
        """A report by hand that is killed, and sometimes made again, with what was found meanwhile in it."""
        result = self.child("report", kill=True)
        self.counted["reports killed"] += result.killed
        assert result.killed or result.code == 0, result
        self.check_reports()
        if self.random.random() < 0.5:
            again = self.child("report", kill=False)
            assert again.code == 0, again
            self.check_reports()
            assert self.reported, "a report was made, and the register knows of none"

    def check_reports(self) -> None:
        """No report has a final name and is half made: each file is whole, and those of a report are of one making."""
        from nightround.report.register import Register

        folder = self.study.folder / "reports"
        finish_private_set(folder)  # as the next run does
        for path in (one for one in folder.rglob("*") if one.is_file() and not one.name.startswith(".")):
            content = path.read_bytes()
            assert content.rstrip().endswith(ENDS.get(path.suffix, b"")), "half a file under a final name"
            if path.suffix == ".docx":
                assert zipfile.ZipFile(path).testzip() is None
            elif path.suffix == ".json":
                json.loads(content)
        entries = Register.read(folder).entries if folder.is_dir() else ()
        for entry in entries:
            there = {name: folder / name for name in entry.files if (folder / name).exists()}
            gone = entry.files.keys() - there.keys()
            assert not gone or self.counted["forgotten"], "a report that the register has is not there"
            hashes = {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in there.items()}
            assert hashes == {name: entry.files[name] for name in there}, "files of two makings in one report"
        known = {name for entry in entries for name in entry.files}
        pages = [*folder.glob("*_zh.pdf"), *folder.glob("open/*_zh.pdf")]
        strangers = {str(path.relative_to(folder)) for path in pages} - known
        assert not strangers, "a report that the register does not have"
        self.reported = len(entries)

    def migrate(self) -> None:
        """A database of an earlier version, whose migration is killed and made again."""
        folder = self.study.data / "migrated"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        shutil.copy(KEPT, folder / "nightround.sqlite3")
        self.child("migrate", kill=True, data=folder)
        assert self.child("migrate", kill=False, data=folder).code == 0
        self.counted["migrated"] += 1
        with open_store(folder / "nightround.sqlite3") as store:
            assert store.broken_lines(STUDY) == ()
            assert (store.count_lines(STUDY), len(store.findings(STUDY)), len(store.runs(STUDY))) == (5, 4, 2)

    def child(self, job: str, *, kill: bool, record: str = "", data: Path | None = None) -> Result:
        """Do a job in a process of its own, and kill it, by its id, before it would end."""
        assert self.children.stdin is not None
        assert self.children.stdout is not None
        answer = self.study.data / "answer.json"
        answer.unlink(missing_ok=True)
        told = {
            "job": job,
            "study": str(self.study.source),
            "data": str(data or self.study.data),
            "hour": self.study.now[0].isoformat(),
            "record": record,
            "answer": str(answer),
            "seconds": 600,
            "rename": None,
        }
        if kill and self.random.random() < 0.5:
            told["rename"] = self.random.randrange(RENAMES[job])
        elif kill:
            told["seconds"] = self.random.uniform(0, self.seconds[self.kind(job)])
        self.children.stdin.write(f"{json.dumps(told)}\n")
        self.children.stdin.flush()
        code, seconds = self.children.stdout.readline().split()
        killed = int(code) < 0
        if killed:
            self.counted["kills"] += 1
        elif not kill:
            self.seconds[self.kind(job)] = float(seconds)
        self.counted["jobs"] += 1
        return Result(killed, int(code), {} if killed else json.loads(answer.read_text(encoding="utf-8")))

    def kind(self, job: str) -> str:
        """A job by how long it takes: a night with its report is another one."""
        monday = self.study.now[0].astimezone(ZoneInfo("Asia/Shanghai")).weekday() == 0
        return "night with report" if job == "night" and monday else job

    def store(self) -> Store:
        """The database of the drill."""
        return open_store(self.study.folder / "nightround.sqlite3")

    def after(self, result: Result) -> None:
        """Hold what a night did against what is true."""
        with self.store() as store:
            run = next((one for one in store.runs(STUDY) if one.job == "nightly"), None)
            if run is None or run.id in self.truth:
                assert result.killed, "a night without a run"
                self.counted["killed before the run"] += 1
                return
            self.truth[run.id] = violations(self.patients)
            self.check_lines(store, history_of(store, STUDY))
            if result.killed:
                self.counted[f"killed after {run.steps[-1].name if run.steps else 'the start'}"] += 1
                assert run.ended in {Ended.RUNNING, Ended.DONE, Ended.RED, Ended.FAILED}
            elif result.code:
                self.check_failure(store, run)
            elif result.said == {"complete": True}:
                is_open = {
                    (one.rule_id, one.row.record) for one in store.findings(STUDY) if one.state is FindingState.OPEN
                }
                assert is_open == self.truth[run.id], "lost, or closed, or too much"

    def check_lines(self, store: Store, history: tuple[HistoryEntry, ...]) -> None:
        """No line of the history says what was not true, none is doubled, and the chain is whole."""
        places = {one.id: (one.rule_id, one.row.record) for one in store.findings(STUDY)}
        last: dict[str, Change] = {}
        for line in history:
            before, closes = last.get(line.finding_id), line.change is Change.RESOLVED
            assert closes == (before in {Change.OPENED, Change.REOPENED}), "doubled"
            assert (line.change is Change.OPENED) == (before is None), "doubled"
            last[line.finding_id] = line.change
            assert (places[line.finding_id] in self.truth[line.run_id]) is not closes, "closed or opened without proof"
        assert store.broken_lines(STUDY) == ()

    def check_failure(self, store: Store, run: Run) -> None:
        """A night that failed says so in its run and in a mail."""
        self.counted["failed"] += 1
        assert run.ended is Ended.FAILED, run
        assert run.trouble is not None
        assert [one for one in store.messages(STUDY) if one.run_id == run.id and one.state.arrived], "silence"

    def check_mails(self) -> None:
        """Every change of a finding was in a mail: what the mails told joins without a gap, up to the newest line."""
        with self.store() as store:
            history = history_of(store, STUDY)
            told = 0
            for one in store.messages(STUDY):
                assert one.since <= told, "silence"
                told = max(told, one.upto) if one.counts_as_notified else told
            assert told >= max((line.position for line in history), default=0), "silence"

    def check_all(self) -> None:
        """At the end: each run that was killed is known as lost, and every snapshot is what its name says."""
        with self.store() as store:
            runs = store.runs(STUDY, limit=100_000)
            assert not [one for one in runs if one.ended is Ended.RUNNING and one.job == "nightly"]
            self.counted["lost runs"] = sum(one.ended is Ended.LOST for one in runs)
            self.counted["history lines"] = store.count_lines(STUDY)
        snapshots = SnapshotStore(self.study.folder / "snapshots")
        for manifest in snapshots.manifests():
            snapshots.load_night(manifest, STUDY)
        self.counted["snapshots"] = len(snapshots.manifests())
        self.counted["reports"] = self.reported
