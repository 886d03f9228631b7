"""What of a study concerns one reader tonight: what is theirs, what is passed on to them, what is held back. Pure."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from nightround.digests.due_dates import DueDates
from nightround.digests.floods import FloodSince, held_ids, without_floods
from nightround.digests.notice import RunSummary
from nightround.digests.reader_groups import seen_by
from nightround.model.finding import Finding, FindingState, LedgerDelta
from nightround.model.language import Words
from nightround.model.recipient import Recipient
from nightround.model.rule import Severity
from nightround.study.alert_tables import DueTable


@dataclass(frozen=True)
class Agreed:
    """What a study has agreed on its mails, and what they need of its past."""

    short: Words = Words("", "")
    """The name that subjects begin with."""
    due: DueTable = field(default_factory=DueTable)
    list_page: str = ""
    """The address of the page with all findings; '' where there is none, and lists are attached."""
    private_list: str = ""
    """Where the list is that names the records, for who may read the data folder."""
    worklist: str | None = None
    """Where the reader's worklist is, in the data folder of the study; '' where it is attached, None without one."""
    back_since: Mapping[str, datetime] = field(default_factory=dict)
    """When findings that were closed came back, by id."""


NOTHING_AGREED = Agreed()


@dataclass(frozen=True)
class ReaderNews:
    """What of the study concerns one reader tonight."""

    seen: LedgerDelta
    """All that the reader may hear of."""
    mine: LedgerDelta
    """What the reader should correct."""
    passed_on: tuple[Finding, ...]
    """Overdue findings of others, which are this reader's to ask for."""
    withheld: int
    """Findings of the reader's own that a flood holds back."""
    due: DueDates

    @classmethod
    def of(
        cls,
        delta: LedgerDelta,
        floods: Iterable[FloodSince],
        *,
        night: RunSummary,
        recipient: Recipient,
        due: DueDates,
        groups: Mapping[str, str],
    ) -> ReaderNews:
        """Take a reader's part out of what changed in the study."""
        seen = _asked(seen_by(recipient.groups, delta, groups))
        floods = [replace(one, changes=seen_by(recipient.groups, one.changes, groups)) for one in floods]
        mine = _owned(without_floods(seen, floods), recipient.owns, night.switched_off)
        held = held_ids(floods)
        known = {one.id for one in mine.open_now} | held
        others = (one for one in seen.open_now if one.id not in known and one.rule_id not in night.switched_off)
        withheld = sum(one.id in held and one.owner in recipient.owns for one in seen.open_now)
        return cls(seen, mine, due.passed_on(others, recipient.role), withheld, due)

    @property
    def waiting(self) -> tuple[Finding, ...]:
        """What waits for the reader: to correct it, or to ask for it where it is overdue with somebody else."""
        return (*self.mine.open_now, *self.passed_on)

    @property
    def changed(self) -> bool:
        """Whether something of the reader's changed."""
        return bool(self.mine.opened or self.mine.reopened or self.mine.resolved)

    @property
    def asked_again(self) -> bool:
        """Whether a critical finding waits for this reader, and somebody works today; or one has become overdue."""
        critical = any(one.severity is Severity.CRITICAL for one in self.waiting)
        return (critical and self.due.is_working_day) or any(map(self.due.is_newly_overdue, self.passed_on))


def _asked(delta: LedgerDelta) -> LedgerDelta:
    """A delta without protocol deviations, which nobody can correct: they are counted and listed apart."""
    names = ("opened", "persisting", "resolved", "reopened", "untouched", "quiet")
    return LedgerDelta(**{name: tuple(one for one in getattr(delta, name) if not one.deviation) for name in names})


def _owned(delta: LedgerDelta, owners: Iterable[str], quiet: Container[str]) -> LedgerDelta:
    """The part of a delta that concerns somebody, without open findings of `quiet` rules."""

    def of(found: Iterable[Finding]) -> tuple[Finding, ...]:
        return tuple(
            one
            for one in found
            if one.owner in owners and not (one.state is FindingState.OPEN and one.rule_id in quiet)
        )

    return LedgerDelta(
        opened=of(delta.opened),
        persisting=of(delta.persisting),
        resolved=of(delta.resolved),
        reopened=of(delta.reopened),
        untouched=of(delta.untouched),
    )
