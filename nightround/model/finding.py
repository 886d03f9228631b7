"""A violation followed through time, and what one night changed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from operator import attrgetter

from nightround.model.finding_answer import FindingAnswer, Moved, Snooze
from nightround.model.fix_proof import NO_PROOF, FixProof
from nightround.model.language import Words
from nightround.model.rule import Rule, Severity
from redcap_sync.rows.tables import RowKey

ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
"""Made once: `json.dumps` makes one for each call that gives it options."""


class FindingState(StrEnum):
    """Where a finding is between being seen and being closed."""

    OPEN = "open"
    ANSWERED = "answered"
    """A person answered; the answer waits to be accepted or returned, or for a night to see the correction."""
    WAIVED = "waived"
    """The answer was accepted, for exactly these values and this logic."""
    SNOOZED = "snoozed"
    """It was put off to a day. It is judged, and stays in doubt."""
    RESOLVED = "resolved"
    """The data say that it is over."""
    WITHDRAWN = "withdrawn"
    """Nobody asks any more: its rule was changed, or its rule or field is gone. That proves nothing of the data."""

    @property
    def live(self) -> bool:
        """Whether the row still breaks its rule, as far as anybody knows."""
        return self is not FindingState.RESOLVED and self is not FindingState.WITHDRAWN  # hashing one takes longer

    @property
    def quiet(self) -> bool:
        """Whether it is live and nobody is asked about it."""
        return self.live and self is not FindingState.OPEN


QUIET_STATES = (FindingState.ANSWERED, FindingState.WAIVED, FindingState.SNOOZED)
"""The states in which nobody is asked about a live finding, in the order in which they are listed."""
QUIET = frozenset(QUIET_STATES)
UNCOUNTED = frozenset({FindingState.WAIVED, FindingState.SNOOZED})
"""The states whose findings do not decide the exit code."""


class Resolution(StrEnum):
    """Why a finding was closed: what a complete snapshot proved of its row, or what became of its rule."""

    FIXED = "fixed"
    """The rule was judged and the row no longer breaks it."""
    OUT_OF_SCOPE = "out_of_scope"
    """The row is there, and the rule concerns no row any more."""
    EMPTIED = "emptied"
    """The row is there, but a cell the rule needs was blanked, so nothing says that it was right."""
    ROW_REMOVED = "row_removed"
    """The row, or its whole record, was removed by a person: the log says so, or somebody accepted it."""
    RULE_CHANGED = "rule_changed"
    """The rule asks something else than on the night that saw it last, and the row does not break it as it is now."""
    RULE_WITHDRAWN = "rule_withdrawn"
    """The study has the rule no longer, or no longer where the finding is."""
    FIELD_WITHDRAWN = "field_withdrawn"
    """A field of the finding is no longer in the project, and a person accepted it."""


WITHDRAWALS = frozenset({Resolution.RULE_CHANGED, Resolution.RULE_WITHDRAWN, Resolution.FIELD_WITHDRAWN})
"""The resolutions of findings that are withdrawn, not resolved."""


@dataclass(frozen=True)
class Finding:
    """A violation followed through time."""

    id: str
    study: str
    rule_id: str
    row: RowKey
    fields: tuple[str, ...]
    severity: Severity
    owner: str
    state: FindingState
    opened_at: datetime
    last_seen_at: datetime
    resolved_at: datetime | None = None
    times_reopened: int = 0
    observed: Mapping[str, str] = field(default_factory=dict, repr=False)
    logic: str = ""
    """Hash of the logic under which it was seen last; '' where an earlier version did not write it."""
    title: Words = Words("", "")
    """What it is shown as; kept, because the rule may go."""
    under: str = ""
    """Id of the finding that speaks for it, of another rule on the same cell; '' where it speaks for itself."""
    others: tuple[RowKey, ...] = ()
    """The rows that broke the rule together with `row` when it was seen last, of a rule across rows."""
    group: str = ""
    """The data access group that it is one of, of a rule on all rows together; '' for none or all."""

    @property
    def of_cohort(self) -> bool:
        """Whether it is one of all rows together, and so of no record."""
        return not self.row.record

    @property
    def rows(self) -> tuple[RowKey, ...]:
        """Every row that it concerns, its own first."""
        return (self.row, *self.others)

    @property
    def order(self) -> tuple[int, str, RowKey, tuple[str, ...]]:
        """The order findings are listed in everywhere: worst first, then rule, row and fields."""
        return (self.severity.rank, self.rule_id, self.row, self.fields)

    resolution: Resolution | None = None
    fix: FixProof | None = None
    """How far it is proven who corrected what; None of a live finding, and where an earlier version closed it."""
    deviation: bool = False
    """Whether its rule is one of protocol deviations, which nobody can correct."""
    answer: FindingAnswer | None = None
    """What was said of it; it stays while the finding is closed, until it comes back."""
    snooze: Snooze | None = None
    last: Moved | None = field(default=None, compare=False, repr=False)
    """What was done to it just now, for the history; None of a finding as it was read."""

    @property
    def proof(self) -> FixProof | None:
        """The proof of a closed finding; None of a live one."""
        return None if self.state.live else self.fix or NO_PROOF

    @property
    def closed_without_change(self) -> bool:
        """Whether it was closed though no cell that its rule reads was changed."""
        return self.fix is not None and self.fix.changed is False

    def shown_as(self, rule: Rule | None) -> Words:
        """What it is shown as; `rule` is None where the study has its rule no longer."""
        return rule.finding_title if rule and not (self.of_cohort and any(self.title)) else self.title

    def seen_again(self, now: datetime) -> Finding:
        """The same finding, seen at another hour; `dataclasses.replace` takes ten times as long."""
        same = object.__new__(Finding)
        same.__dict__.update(self.__dict__, last_seen_at=now)
        return same


@dataclass(frozen=True)
class AlikeFindings:
    """How many findings of one rule are alike in all that a night's numbers ask of them."""

    rule_id: str
    owner: str
    state: FindingState
    severity: Severity
    fields: tuple[str, ...]
    count: int
    deviation: bool = False
    spoken_for: bool = False
    """Whether another finding speaks for them."""
    excused: bool = False
    """Whether one speaks for them that is waived or snoozed."""

    @property
    def counted(self) -> bool:
        """Whether they can decide an exit code, see `LedgerDelta.counted`."""
        return self.state.live and self.state not in UNCOUNTED and not self.excused and not self.deviation


PARTS = ("opened", "persisting", "resolved", "reopened", "untouched", "quiet", "moved")
"""The parts of a delta that are findings."""


@dataclass(frozen=True)
class LedgerDelta:
    """What one night changed.

    `resolved` are all that were closed, those that are withdrawn among them. `reopened` are open again: they came back,
    or nobody was asked about them and now somebody is. `untouched` are open findings about which
    this night proved nothing: their rule could not be judged, or the run was not complete. `quiet` are answered, waived
    or snoozed, and nobody is asked about them. `moved` are closed ones whose record or rule has another name now.

    `repeated` are live findings that were seen again and not read, because the result of their rule is that of when it
    settled them: persisting and quiet ones that are in no other part, as numbers. `with_repeated` reads them.
    """

    opened: tuple[Finding, ...] = ()
    persisting: tuple[Finding, ...] = ()
    resolved: tuple[Finding, ...] = ()
    reopened: tuple[Finding, ...] = ()
    untouched: tuple[Finding, ...] = ()
    quiet: tuple[Finding, ...] = ()
    moved: tuple[Finding, ...] = ()
    repeated: tuple[AlikeFindings, ...] = ()

    @classmethod
    def of(cls, parts: Mapping[str, Iterable[Finding]]) -> LedgerDelta:
        """The delta of some parts by their names."""
        return cls(repeated=(), **{name: tuple(found) for name, found in parts.items()})

    def with_repeated(self, findings: Iterable[Finding]) -> LedgerDelta:
        """The same with the repeated findings themselves, out of all findings of the study as the night left them."""
        rules = {one.rule_id for one in self.repeated}
        found = [one for one in findings if one.rule_id in rules and one.state.live]
        return replace(
            self,
            persisting=_in_order((*self.persisting, *(one for one in found if not one.state.quiet))),
            quiet=_in_order((*self.quiet, *(one for one in found if one.state.quiet))),
            repeated=(),
        )

    @property
    def speaking(self) -> LedgerDelta:
        """The same without findings that another one speaks for: what totals count and what people are notified.

        Of repeated ones it has none.
        """
        return LedgerDelta.of(
            {name: [one for one in getattr(self, name) if not one.under] for name in PARTS if name != "moved"}
        )

    @property
    def open_now(self) -> tuple[Finding, ...]:
        """Every finding that is open after this night."""
        return (*self.opened, *self.reopened, *self.persisting, *self.untouched)

    @property
    def live(self) -> tuple[Finding, ...]:
        """Every finding that is not closed after this night."""
        return (*self.open_now, *self.quiet)

    @property
    def in_doubt(self) -> tuple[Finding, ...]:
        """The live findings whose values are in doubt: none that was confirmed, or that a confirmed one speaks for."""
        return in_doubt(self.live)

    @property
    def counted(self) -> tuple[Finding, ...]:
        """The live findings that can decide an exit code: none that is waived or snoozed, or under one that is.

        Nor a protocol deviation: it is counted apart.
        """
        left = {one.id for one in self.quiet if one.state in UNCOUNTED}
        return tuple(one for one in self.live if one.id not in left and one.under not in left and not one.deviation)


def _in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    return tuple(sorted(findings, key=attrgetter("order")))


def in_doubt(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Those of some findings that leave their values in doubt.

    What was confirmed does not, nor what a confirmed finding speaks for, nor a protocol deviation, which says nothing
    against a value. What is snoozed, or has an answer that nobody has accepted, does.
    """
    live = [one for one in findings if one.state.live]
    sure = {one.id for one in live if one.state is FindingState.WAIVED}
    return tuple(one for one in live if one.id not in sure and one.under not in sure and not one.deviation)


def finding_id(
    study: str, rule_id: str, row: RowKey, fields: tuple[str, ...], *, number: int = 0, group: str = ""
) -> str:
    """The identity that a finding gets when it opens, and keeps: the same violation has the same id every night.

    Sixteen hexadecimal digits of the SHA-256 over study, rule, record, event, instrument, instance and fields. A
    finding that moved, with its record or its rule, to another name has the id of its first one; who comes after it
    to that name is counted by `number`. One of all rows together has its data access group as well.
    """
    distinguishing = [*([number] if number else []), *([{"group": group}] if group else [])]
    identity = ENCODER.encode([study, rule_id, *row, list(fields), *distinguishing])
    return hashlib.sha256(identity.encode()).hexdigest()[:16]
