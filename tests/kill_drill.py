"""The kill drill: nights, and what else changes a study's data, killed at random moments, held against what is true.

A child process does one job and is killed by its own id; between jobs people edit, delete and add records, and the
server falls ill. What is true of each moment is known here, from the values themselves and four rules in plain Python.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from nightround.model.finding import FindingState
from nightround.snapshots.snapshot_store import SnapshotStore
from nightround.store.database import Store, open_store
from nightround.store.finding_rows import Change, HistoryEntry
from nightround.store.run_rows import Ended, Run
from redcap_sync.sandbox import Faults
from tests.made_findings import history_of
from tests.small_study import FOLDER, PATIENTS, STUDY, SmallStudy

ROOT = Path(__file__).parents[1]
KEPT = Path(__file__).parent / "kept" / "data_ab75676" / "nightround.sqlite3"
SICK = ("server_error", "bad_gateway", "login_page", "half", "truncated", "empty", "dropped", "forbidden", "too_many")
VALUES = {
    "age": ("47", "97", "", "17", "60"),
    "systolic": ("120", "80", "70"),
    "diastolic": ("80", "120", "75"),
}
CHILDREN = """
import json, os, signal, sys, time
from datetime import datetime
from pathlib import Path
import alembic.command, great_expectations, redcap, scipy.stats, sqlalchemy.dialects.sqlite
from nightround.night.run_job import open_night, run_job
from nightround.store.database import open_store
from nightround.study.folder import find_content
from nightround.validation import gx_judge
from redcap_sync.errors import ExplainedError
import nightround.report.forget_in_reports

def opened(job, told):
    hour = datetime.fromisoformat(told["hour"])
    return open_night(
        told["study"], data=Path(told["data"]), job=job, content=find_content({}), environ=os.environ,
        clock=lambda: hour, sleep=lambda _: None,
    )

def night(told):
    with opened("nightly", told) as one:
        return run_job(one, "nightly").complete

def forget(told):
    with opened("forget", told) as one:
        run_job(one, "forget", lambda it: it.forget(told["record"], by="drill", though_in_redcap=False))
    return True

def migrate(told):
    open_store(Path(told["data"]) / "nightround.sqlite3").close()
    return True

def work(told):
    try:
        said, code = {"complete": globals()[told["job"]](told)}, 0
    except ExplainedError as error:
        said, code = {"error": error.code}, error.exit_code
    except BaseException as error:
        said, code = {"error": type(error).__name__}, 1
    Path(told["answer"]).write_text(json.dumps(said))
    os._exit(code)

print("ready", flush=True)
for line in sys.stdin:
    told = json.loads(line)
    begun = time.monotonic()
    child = os.fork()
    if child == 0:
        work(told)
    ended = 0
    while not ended:
        time.sleep(0.0005)
        if time.monotonic() - begun > told["seconds"]:
            os.kill(child, signal.SIGKILL)
        ended, status = os.waitpid(child, os.WNOHANG)
    print(os.waitstatus_to_exitcode(status), time.monotonic() - begun, flush=True)
"""
"""Imports once, then does each job that it reads in a process of its own, which it kills after so many seconds."""

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


@contextmanager
def children(study: SmallStudy) -> Iterator[subprocess.Popen[str]]:
    """The process that makes the drill's children."""
    with subprocess.Popen(
        (sys.executable, "-c", CHILDREN),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=ROOT,
        env={**os.environ, **study.environ, "PYTHONPATH": str(ROOT)},
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        try:
            yield process
        finally:
            process.stdin.close()


@dataclass
class KillDrill:
    """One drill: the study, the truth, and what was counted."""

    study: SmallStudy
    faults: Faults
    random: Random
    children: subprocess.Popen[str]
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
                (self.killed_night, self.sick_night, self.forget, self.migrate), (12, 3, 1, 1)
            )[0]
            self.edit()
            job()
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
            "study": str(FOLDER),
            "data": str(data or self.study.data),
            "hour": self.study.now[0].isoformat(),
            "record": record,
            "answer": str(answer),
            "seconds": self.random.uniform(0, self.seconds[job]) if kill else 600,
        }
        self.children.stdin.write(f"{json.dumps(told)}\n")
        self.children.stdin.flush()
        code, seconds = self.children.stdout.readline().split()
        killed = int(code) < 0
        if killed:
            self.counted["kills"] += 1
        elif not kill:
            self.seconds[job] = float(seconds)
        self.counted["jobs"] += 1
        return Result(killed, int(code), {} if killed else json.loads(answer.read_text(encoding="utf-8")))

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
