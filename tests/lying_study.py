"""Rounds of a synthetic study with visits, on a server that can leave out what it has, with or without its log."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from nightround.model.finding import Finding, FindingState
from nightround.night import Night, night_ledger, steps
from nightround.night.run_job import open_night, run_job
from nightround.night.summary import Summary
from nightround.store.database import open_store
from nightround.store.run_rows import Run
from nightround.study.folder import find_content
from redcap_sync.project.values import ValuePlace
from tests.pull_examples import Served, served

STUDY = "lying_study"
SETTINGS = """
[study]
id = "lying_study"
time_zone = "UTC"
synthetic = true
record_id_in_messages = true

[study.title]
zh = "合成随访研究"
en = "Synthetic study with visits"

[[people]]
role = "data_manager"
address = "data.manager@example.org"
language = "en"
owns = ["data_manager", "coordinator"]

[redcap]
largest_loss_percent = 100

[dictionary_rules]
range = true
choice = true
required = false
severity = "minor"

[report]
weekdays = []
"""
RULES = {
    "INI-01": ("baseline", "[initials] = 'XX'", ["initials"], "critical"),
    "LAB-01": ("labs", "[weight] > 200", ["weight"], "critical"),
    "VIS-01": ("visit", "[pain] > 8", ["pain"], "major"),
    "FAR-01": ("baseline", "[followup_arm_1][weight] > 200", ["initials"], "major"),
    "HGT-01": ("labs", "[height] > 3", ["height"], "minor"),
}
RULE = """
[[rule]]
id = "{id}"
instrument = "{instrument}"
title = {{ zh = "{id}", en = "{id}" }}
discrepancy = "{discrepancy}"
severity = "{severity}"
owner = "coordinator"
fields = {fields}
advice = {{ zh = "请核对。", en = "Check it." }}
source = "made up"
"""
KILLED_AT = ((steps, "note_back"), (steps, "remove_old"), (steps, "settle_structure"), (night_ledger, "reconcile"))
"""Between which steps of a round a process may end: before these functions."""
DIARY = {"redcap_event_name": "diary_arm_1"}


@dataclass
class LyingStudy:
    """The study, its server, and its data folder."""

    server: Served
    folder: Path
    data: Path
    environ: dict[str, str] = field(default_factory=dict)

    @property
    def now(self) -> datetime:
        """The hour, which is the server's too."""
        return self.server.clock.now.replace(tzinfo=UTC)

    @contextmanager
    def opened(self, job: str = "nightly") -> Iterator[Night]:
        """Open one run."""
        token = self.server.sandbox.token(self.server.project, self.username)
        environ = {"REDCAP_URL": self.server.url, "REDCAP_TOKEN": token}
        with open_night(
            str(self.folder),
            data=self.data,
            job=job,
            content=find_content({}),
            environ=environ,
            clock=lambda: self.now,
            sleep=lambda _: None,
        ) as night:
            yield night

    username: str | None = None

    def round(self, *, seconds: float = 24 * 3600) -> Summary:
        """Make one round, so many seconds after whatever was before."""
        self.server.clock.forward(seconds=seconds)
        with self.opened() as night:
            return run_job(night, "nightly")

    def accept(self, *, record: str | None = None, structure: bool = False) -> Summary:
        """Accept what is gone as the command line does."""
        from nightround.night.acceptance import accept_rows, accept_whole_structure

        def steps(night: Night) -> None:
            if structure:
                accept_whole_structure(night, by="Dr. Data")
            else:
                accept_rows(night, by="Dr. Data", record=record)

        with self.opened("accept") as night:
            return run_job(night, "accept", steps)

    def findings(self) -> tuple[Finding, ...]:
        """All findings."""
        with open_store(self.data / STUDY / "nightround.sqlite3") as store:
            return store.findings(STUDY)

    def open_ones(self) -> set[tuple[str, str, str, int]]:
        """Rule, record, event and instance of every open finding."""
        return {place_of(one) for one in self.findings() if one.state is FindingState.OPEN}

    def last_run(self) -> Run:
        """The newest run that ended."""
        with open_store(self.data / STUDY / "nightround.sqlite3") as store:
            run = store.last_run(STUDY)
        assert run is not None
        return run

    def mails(self) -> str:
        """The texts of the newest mail to the data manager."""
        newest = max((self.data / STUDY / "outbox").glob("*.eml"), key=lambda path: path.stat().st_mtime_ns)
        from email import policy
        from email.parser import BytesParser

        message = BytesParser(policy=policy.default).parsebytes(newest.read_bytes())
        body = message.get_body(("plain",))
        assert body is not None
        return str(body.get_content())

    @contextmanager
    def leaving_out(self, left_out: Callable[[str, ValuePlace], bool]) -> Iterator[None]:
        """Let the server leave out rows, of ids and of cells alike, without a line in its log; then tell the truth."""
        values = self.server.project.values
        with self.values_restored():
            for record, place, _ in [*values.rows()]:
                if left_out(record, place):
                    values.delete_row(record, place)
            yield

    @contextmanager
    def blanking(self, blanked: Callable[[str, ValuePlace, str], bool]) -> Iterator[None]:
        """Let the server lose answers, by record, place and column, without a line in its log; then tell the truth."""
        values = self.server.project.values
        with self.values_restored():
            for record, place, cells in [*values.rows()]:
                lost = {column: "" for column in cells if column != "record_id" and blanked(record, place, column)}
                if lost:
                    values.write(record, place, lost)
            yield

    @contextmanager
    def values_restored(self) -> Iterator[None]:
        """Put back afterwards, without a line in the log, every value that there is now."""
        values = self.server.project.values
        kept = {name: copy.deepcopy(values[name]) for name in values.names()}
        try:
            yield
        finally:
            for name in [one for one in values.names() if one not in kept]:
                values.delete(name)
            for name, stored in kept.items():
                values.put(name, stored)

    def event_id(self, name: str) -> int:
        """The number of an event."""
        event = self.server.project.event(name)
        assert event is not None
        return event.event_id

    def in_event(self, name: str) -> Callable[[str, ValuePlace], bool]:
        """Whether a row lies in an event."""
        number = self.event_id(name)
        return lambda _, place: place.event_id == number

    def diary(self, record: str, instance: int, **values: Any) -> None:
        """Enter values of one instance of the repeating event."""
        row = {"record_id": record, **DIARY, "redcap_repeat_instance": instance, **values}
        self.server.client.import_records([row], overwrite=True)


def place_of(finding: Finding) -> tuple[str, str, str, int]:
    """Rule, record, event and instance."""
    return (finding.rule_id, finding.row.record, finding.row.event, finding.row.instance)


def write_study(folder: Path) -> Path:
    """Write the study's own files."""
    (folder / "rules").mkdir(parents=True)
    (folder / "study.toml").write_text(SETTINGS, encoding="utf-8")
    rules = [
        RULE.format(id=id_, instrument=instrument, discrepancy=logic, fields=fields, severity=severity)
        for id_, (instrument, logic, fields, severity) in RULES.items()
    ]
    (folder / "rules" / "all.toml").write_text("".join(rules).replace("'XX'", "'XX'"), encoding="utf-8")
    return folder


@contextmanager
def lying_study(folder: Path, *, records: int = 8) -> Iterator[LyingStudy]:
    """Serve some records, each with a mistake in every event: the initials, the weight, the pain, the diary."""
    with served(folder / "project", records=records) as server:
        study = LyingStudy(server, write_study(folder / STUDY), folder / "data")
        for number in range(1, records + 1):
            server.write(str(number), initials="XX")
            server.write(str(number), weight="201")
            server.visit(str(number), 2, pain="9")
            study.diary(str(number), 1, weight="202")
        yield study
