"""What a report says of itself: how far its numbers can be trusted, and what changed since the last one.

Plain types that `nightround.interim` fills in; nothing here is computed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal, NamedTuple

Version = Literal["closed", "open"]
VERSIONS: tuple[Version, ...] = ("closed", "open")


class Line(NamedTuple):
    """A line of a table: the id of the table (or `endpoints`) and of the variable."""

    table: str
    variable: str


class LineVerdict(StrEnum):
    """What the values under open findings can do to a line."""

    UNTOUCHED = "untouched"
    """None of its values is under an open finding."""
    STANDS = "stands"
    """Whatever they turn out to be, what is printed stays."""
    ESTIMATE = "estimate"
    """A printed estimate moves."""
    CONCLUSION = "conclusion"
    """P crosses 0.05, or an interval takes in or leaves out no effect."""


@dataclass(frozen=True)
class LineTrust:
    """How far one line of a table can be trusted.

    `open_values` of its `known` values are under an open finding. The texts are its leading estimate and P: as
    reported, without those values, and the lowest and highest they can make of it.
    """

    line: Line
    known: int
    open_values: int
    verdict: LineVerdict | None
    """None where it is not reported."""
    reported: str = ""
    excluded: str = ""
    extremes: tuple[str, str] = ("", "")
    by_observed: bool = False
    """Whether the extremes are those observed, because the field has no limits."""
    measure: str = ""
    """Which statistic the leading estimate is: a difference of the groups, a change, a percentage or a mean."""


@dataclass(frozen=True)
class FindingWeight:
    """How far the correction of one finding could move a reported number.

    `shift` is in standard deviations of the variable; it and the verdict are None where they are not shown. `lines`
    are those that contain one of its values.
    """

    finding: str
    lines: tuple[Line, ...]
    shift: float | None
    verdict: LineVerdict | None
    membership: bool = False
    """Whether it is on who is analysed or in which group, so that every line could move."""


@dataclass(frozen=True)
class Checked:
    """What was checked of one variable: rules that name it, how many failed, values it has."""

    line: Line
    rules: int
    failed: int
    known: int
    open_values: int


@dataclass(frozen=True)
class Filled:
    """How complete an instrument is at an event: rows begun of those expected, and required cells filled."""

    instrument: str
    event: str
    begun: int
    expected: int
    filled: int
    cells: int


class PartKind(StrEnum):
    """By what the patients are parted whose completeness is counted."""

    GROUP = "group"
    SITE = "site"


@dataclass(frozen=True)
class PartFilled:
    """How complete the data of some patients are at an event, over all of its instruments; counts as in `Filled`.

    `part` is the id of a group of the plan, or the unique name of a data access group.
    """

    kind: PartKind
    part: str
    event: str
    begun: int
    expected: int
    filled: int
    cells: int


@dataclass(frozen=True)
class Ageing:
    """How long findings stand: days open of the open ones, and days until closed of the closed ones."""

    open_median: float | None
    open_oldest: int | None
    closed: int
    closed_median: float | None


@dataclass(frozen=True)
class Trust:
    """Everything a report says of how far it can be trusted."""

    lines: tuple[LineTrust, ...] = ()
    weights: tuple[FindingWeight, ...] = ()
    checked: tuple[Checked, ...] = ()
    completeness: tuple[Filled, ...] = ()
    parts: tuple[PartFilled, ...] = ()
    """Completeness by group of the plan, and by data access group where there are several."""
    ageing: Ageing | None = None
    membership: int = 0
    """Open findings on the fields that decide who is analysed and in which group."""

    def of(self, line: Line) -> LineTrust | None:
        """What is known of one line."""
        return next((one for one in self.lines if one.line == line), None)


class CauseKind(StrEnum):
    """Why a reported number is another one than before."""

    NEW = "new"
    EDITED = "edited"
    DELETED = "deleted"
    PLAN = "plan"
    SOFTWARE = "software"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Cause:
    """One cause, with the records it is about where it is about records."""

    kind: CauseKind
    records: tuple[str, ...] = ()


@dataclass(frozen=True)
class ChangedNumber:
    """A printed number that was another one in the last report; '' where it was not there."""

    table: str
    variable: str
    statistic: str
    group: str
    visit: str
    level: str
    before: str
    now: str
    causes: tuple[Cause, ...]


@dataclass(frozen=True)
class News:
    """What changed since the last report, of `compared` printed numbers."""

    since: datetime
    snapshot: str
    compared: int
    changed: tuple[ChangedNumber, ...]
    findings_before: int
    rules_before: int
    rules_changed: bool = False

    @property
    def records(self) -> tuple[str, ...]:
        """Every record that changed a number, each once."""
        return tuple(dict.fromkeys(r for one in self.changed for cause in one.causes for r in cause.records))


@dataclass(frozen=True)
class PatientPair:
    """A measurement of one patient at both visits, in the variable's unit; nothing says whose it is."""

    group: str
    before: float
    after: float


EMPTY_TRUST = Trust()


@dataclass(frozen=True)
class Look:
    """Which look at the outcome by group this is; a report of a snapshot that was looked at before is no new one."""

    number: int = 1
    earlier: tuple[datetime, ...] = field(default=())
