"""What a digest is made of, and what comes out: a notice that any channel can deliver."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Self

from nightround.digests.floods import FloodSeen
from nightround.model.attached_file import AttachedFile
from nightround.model.doubts import Unjudged
from nightround.model.outcome import Coverage, Outcome, Status
from nightround.model.recipient import Recipient
from redcap_sync.clean_text import clean, one_line
from redcap_sync.messages import Message

SWITCHED_OFF = "outcome.switched_off"
"""The reason of a rule that the study has switched off for a time."""


class NightState(StrEnum):
    """How far last night's run can be believed."""

    WHOLE = "whole"
    DOUBTFUL = "doubtful"
    """What it saw it judged, and closed what that proves; something that was there before is missing."""
    INCOMPLETE = "incomplete"


@dataclass(frozen=True)
class RunSummary:
    """What a digest says of the run itself.

    `unjudged` are the rules that could not be evaluated, with the reason; `unjudged_before` those of
    the night before, so that a rule that stays broken is not news every morning. `trouble` says why
    a run is not whole. `failed` are the steps that the run went on without, each with the reason, `done` those that
    ended, and `lost` the hours of earlier rounds that never did. `last_complete` is when the last
    complete round before this one began.
    """

    state: NightState
    known: int = 0
    judged: int = 0
    trouble: tuple[Message, ...] = ()
    unjudged: Mapping[str, Message] = field(default_factory=dict)
    unjudged_before: frozenset[str] = frozenset()
    unaccounted: tuple[str, ...] = ()
    switched_off: frozenset[str] = frozenset()
    """Of `unjudged` those that the study has switched off: their findings stay open, and no mail repeats them."""
    renamed: int = 0
    """Records that were renamed in REDCap, whose findings went with them."""
    visits_removed: Mapping[str, int] = field(default_factory=dict)
    """How many records lost a visit that was deleted in REDCap, by the visit's label."""
    first_mail: bool = False
    """Whether the reader had no mail before; the mail then says whether this study's mails name records."""
    notified_at: datetime | None = None
    """When the reader's last digest was written; None before the first."""
    failed: Mapping[str, Message] = field(default_factory=dict)
    done: tuple[str, ...] = ()
    lost: tuple[datetime, ...] = ()
    last_complete: datetime | None = None
    notes: tuple[Message, ...] = ()
    """What the first mail says of the study's rights."""
    judgements: Unjudged = Unjudged()
    """How many rules could not be judged: too many make the night red, and every mail says so first."""
    floods: tuple[FloodSeen, ...] = ()
    """Rules whose new findings the data manager alone sees, until they are released."""
    group_trouble: tuple[Message, ...] = ()
    """Why the data access group of the reader, for the data manager of any reader, is not known."""

    @classmethod
    def of(
        cls,
        outcomes: Iterable[Outcome],
        coverage: Coverage,
        *,
        complete: bool,
        doubtful: bool = False,
        notes: tuple[Message, ...] = (),
        trouble: tuple[Message, ...] = (),
        unjudged_before: Iterable[str] = (),
        renamed: int = 0,
        visits_removed: Mapping[str, int] | None = None,
        failed: Mapping[str, Message] | None = None,
        done: Iterable[str] = (),
        lost: tuple[datetime, ...] = (),
        last_complete: datetime | None = None,
        judgements: Unjudged | None = None,
        floods: Iterable[FloodSeen] = (),
    ) -> Self:
        """Sum up a run that ended. It is whole when the data were complete and every rule accounted for.

        `complete` leaves doubts aside.
        """
        unjudged = unjudged_of(outcomes)
        return cls(
            state=_state(complete=complete and coverage.complete, doubtful=doubtful),
            known=len(coverage.known),
            judged=len(coverage.known) - len(coverage.unaccounted) - len(unjudged),
            trouble=trouble,
            unjudged=unjudged,
            unjudged_before=frozenset(unjudged_before),
            unaccounted=coverage.unaccounted,
            renamed=renamed,
            visits_removed=visits_removed or {},
            switched_off=frozenset(rule_id for rule_id, why in unjudged.items() if why.code == SWITCHED_OFF),
            failed=failed or {},
            done=tuple(done),
            lost=lost,
            last_complete=last_complete,
            notes=notes,
            judgements=judgements or Unjudged(),
            floods=tuple(floods),
        )

    @property
    def too_few(self) -> bool:
        """Whether so few rules were judged that nothing can be said of the study."""
        return self.judgements.too_many

    @property
    def well(self) -> bool:
        """Whether there is nothing to say of the run itself."""
        return self.state is NightState.WHOLE and not (self.failed or self.lost or self.too_few)


def _state(*, complete: bool, doubtful: bool) -> NightState:
    if not complete:
        return NightState.INCOMPLETE
    return NightState.DOUBTFUL if doubtful else NightState.WHOLE


def unjudged_of(outcomes: Iterable[Outcome]) -> dict[str, Message]:
    """The rules that could not be evaluated, with their reasons, by rule id."""
    found = (one for one in outcomes if one.status is Status.NOT_EVALUATED)
    unknown = Message.of("outcome.no_reason")
    return {one.rule_id: one.reason or unknown for one in sorted(found, key=lambda one: one.rule_id)}


@dataclass(frozen=True)
class Notice:
    """A digest for one person, ready to be delivered; it contains no patient's value, no secret, no control character.

    `counts` has the keys opened, reopened, resolved and open.
    """

    recipient: Recipient
    subject: str
    text: str
    html: str
    counts: Mapping[str, int]
    attachments: tuple[AttachedFile, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "subject", one_line(self.subject))
        object.__setattr__(self, "text", clean(self.text))
        object.__setattr__(self, "html", clean(self.html))
