"""Whatever a server leaves out, and however often, no finding closes without its proof: the model knows the truth."""

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from nightround.model.finding import Finding, FindingState, Resolution
from nightround.store.database import open_store
from redcap_sync.rows.tables import RowKey
from tests.lying_study import KILLED_AT, RULES, STUDY, LyingStudy, lying_study, place_of

RECORDS = ("1", "2", "3")
EVENTS = ("screening_arm_1", "followup_arm_1", "diary_arm_1")
Row = tuple[str, str, int]
names = st.sampled_from(RECORDS)
LIES = ("event", "instrument", "instance", "record", "half", "structure")
BLANKS = ("a field", "an event's answers", "an instrument's answers", "a record's answers")
"""What a server may lose of rows that it still has."""
HOURS = st.sampled_from((6, 24 * 3600, 8 * 24 * 3600))
"""Seconds between two rounds: at once, a night, and so many that everything is pulled."""


class KilledError(BaseException):
    """The process ended in mid-round."""


class LyingServer(RuleBasedStateMachine):
    """A study whose server tells lies of several kinds, for several rounds, between edits that are true."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.stack = contextlib.ExitStack()
        self.proven: set[Row] = set()
        """Rows of which the log or a person said that they were removed."""
        self.emptied: set[str] = set()
        """Records whose initials a person took out, with a line in the log."""
        self.untraced: set[str] = set()
        """Records that were removed with every trace, and that nobody has accepted."""
        self.before: dict[str, Finding] = {}
        self.edits = 0

    @initialize()
    def start(self) -> None:
        """Serve three records with a mistake in every event, and make the first round."""
        self.study: LyingStudy = self.stack.enter_context(lying_study(self.folder, records=len(RECORDS)))
        self.numbers = {self.study.event_id(name): name for name in EVENTS}
        self.study.round()
        self.before = {one.id: one for one in self.study.findings()}

    def teardown(self) -> None:
        """Stop the server."""
        self.stack.close()
        shutil.rmtree(self.folder)

    def rows_of(self, record: str) -> set[Row]:
        """The true rows of a record."""
        values = self.study.server.project.values
        places = values[record].rows if record in values else ()
        return {(record, self.numbers[place.event_id], place.instance) for place in places}

    @property
    def there(self) -> list[str]:
        """The records that truly are there."""
        return list(self.study.server.project.values.names())

    @rule(record=names)
    def correct(self, record: str) -> None:
        """Correct the initials of a record."""
        if record in self.there:
            self.study.server.write(record, initials="OK")

    @rule(record=names)
    def empty(self, record: str) -> None:
        """Take out the initials of a record."""
        if record in self.there:
            self.study.server.write(record, initials="")
            self.emptied.add(record)

    @rule(record=names, erased=st.booleans())
    def delete(self, record: str, erased: bool) -> None:  # noqa: FBT001
        """Delete a record, sometimes with every trace in the log."""
        if record in self.there:
            rows = self.rows_of(record)
            self.study.server.delete(record, erase_log=erased)
            if erased:
                self.untraced.add(record)
            else:
                self.proven |= rows

    @rule(record=names, event=st.sampled_from(EVENTS[1:]))
    def delete_event(self, record: str, event: str) -> None:
        """Delete what a record has in an event; the log has a line of it."""
        if record in self.there:
            self.proven |= {row for row in self.rows_of(record) if row[1] == event}
            self.study.server.post(content="record", action="delete", **{"records[0]": record, "event": event})

    @precondition(lambda self: self.untraced)
    @rule()
    def accept(self) -> None:
        """A person who knows that a record was removed says so, once it is suspect."""
        suspects = {row.record for row in self.suspects()}
        for record in sorted(self.untraced & suspects):
            self.study.accept(record=record)
            self.untraced.discard(record)
            self.proven |= {(record, one.row.event, one.row.instance) for one in self.before.values()}

    def suspects(self) -> frozenset[RowKey]:
        """The rows that the store has as suspect."""
        with open_store(self.study.data / STUDY / "nightround.sqlite3") as store:
            return store.suspects(STUDY)

    @rule()
    def tell_the_truth(self) -> None:
        """A round of an honest server."""
        self.study.round()
        self.check()

    @rule(
        kind=st.sampled_from(LIES + BLANKS),
        rounds=st.integers(1, 3),
        record=names,
        event=st.sampled_from(EVENTS),
        seconds=HOURS,
        edited=st.booleans(),
    )
    def lie(self, kind: str, rounds: int, record: str, event: str, seconds: int, edited: bool) -> None:  # noqa: FBT001
        """Some rounds of a server that leaves something out, with or without a true edit that has it fetched."""
        if edited and record in self.there:
            self.edits += 1
            self.study.server.write(record, comments=f"seen {self.edits} times")
        with self.lying(kind, record, event):
            for _ in range(rounds):
                self.study.round(seconds=seconds)
                self.check()

    @rule(
        kind=st.sampled_from(LIES + BLANKS),
        at=st.sampled_from(range(len(KILLED_AT))),
        record=names,
        event=st.sampled_from(EVENTS),
    )
    def lie_and_die(self, kind: str, at: int, record: str, event: str) -> None:
        """A round of a lying server that is killed at some step, and one that is not."""

        def killed(*_: object, **__: object) -> None:
            raise KilledError

        with self.lying(kind, record, event):
            with contextlib.suppress(KilledError), patch.object(*KILLED_AT[at], killed):
                self.study.round()
            self.study.round(seconds=6)
            self.check()

    @contextlib.contextmanager
    def lying(self, kind: str, record: str, event: str) -> Iterator[None]:
        """Let the server leave out something, with or without a word of its structure."""
        if kind == "structure":
            with self.without_event(event):
                yield
            return
        number = self.study.event_id(event)
        if kind in BLANKS:
            blanked = {
                "a field": lambda name, _, column: name == record and column in {"initials", "weight"},
                "an event's answers": lambda _, place, __: place.event_id == number,
                "an instrument's answers": lambda _, __, column: column in {"weight", "height", "labs_complete"},
                "a record's answers": lambda name, _, __: name == record,
            }[kind]
            with self.study.blanking(blanked):
                yield
            return
        left_out = {
            "event": lambda _, place: place.event_id == number,
            "instrument": lambda _, place: place.instrument == "visit",
            "instance": lambda _, place: place.instance > 1,
            "record": lambda name, _: name == record,
            "half": lambda name, place: (int(name) + place.instance + place.event_id) % 2 == 0,
        }[kind]
        with self.study.leaving_out(left_out):
            yield

    @contextlib.contextmanager
    def without_event(self, event: str) -> Iterator[None]:
        """Let the structure lack an event, and the export its rows."""
        project, number = self.study.server.project, self.study.event_id(event)
        structure = project.structure
        kept = {part: list(getattr(structure, part)) for part in ("events", "mapping", "repeating")}
        with self.study.leaving_out(lambda _, place: place.event_id == number):
            project.restructure(
                events=[one for one in structure.events if one.event_id != number],
                mapping=[pair for pair in structure.mapping if pair[0] != number],
                repeating=[one for one in structure.repeating if one.event_id != number],
            )
            project.log("designer", "manage", "Manage/Design", details="Delete event")
            yield
        project.restructure(**kept)
        project.log("designer", "manage", "Manage/Design", details="Create event")

    def check(self) -> None:
        """Hold each finding that a round closed against the truth."""
        now = {one.id: one for one in self.study.findings()}
        for finding in now.values():
            earlier = self.before.get(finding.id)
            if finding.state is not FindingState.OPEN and (earlier is None or earlier.state is FindingState.OPEN):
                assert self.is_proven(finding), (place_of(finding), finding.resolution)
        self.before = now

    def is_proven(self, finding: Finding) -> bool:
        """Whether the truth has what a resolution says."""
        row = finding.row
        if finding.resolution is Resolution.ROW_REMOVED:
            return (row.record, row.event, row.instance) in self.proven
        stored = self.study.server.project.values
        if row.record not in stored or finding.state is not FindingState.RESOLVED:
            return False
        if finding.rule_id.startswith("visit:"):  # a visit that was removed is missing, until what makes it due is too
            return any(record == row.record for record, _, _ in self.proven)
        if finding.rule_id == "FAR-01":
            return (row.record, "followup_arm_1", 0) in self.proven
        emptied = finding.resolution is Resolution.EMPTIED and row.record in self.emptied
        corrected = any(cells.get("initials") == "OK" for cells in stored[row.record].rows.values())
        return finding.rule_id == "INI-01" and (emptied or corrected)

    @invariant()
    def what_is_truly_wrong_is_known(self) -> None:
        """No finding is lost: each mistake that is truly there had its finding from the first round on."""
        own = [place_of(one) for one in self.before.values() if one.rule_id in RULES]
        assert len(own) == len(set(own))
        assert len(own) in {0, 5 * len(RECORDS)}


LyingServer.TestCase.settings = settings(
    max_examples=100 if settings.get_current_profile_name() == "search" else 4,
    stateful_step_count=8,
    deadline=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)
test_no_finding_closes_without_its_proof = LyingServer.TestCase
