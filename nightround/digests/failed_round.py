"""The notice of a round that did not end. It needs the settings of the study and the facts, nothing else.

Its texts and its form are the engine's own: templates that a study edits may be what failed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from nightround.digests.notice import Notice
from nightround.digests.plain_page import plain_page
from nightround.model.language import Language, Words
from nightround.model.recipient import Recipient
from nightround.texts.catalogue import SEPARATORS, Wording, in_language, own_texts, wording
from redcap_sync.column_name import without_codes
from redcap_sync.errors import ExplainedError
from redcap_sync.messages import Message

NO_COUNTS = {"opened": 0, "reopened": 0, "resolved": 0, "open": 0}
RECONCILE = "reconcile"
"""The step that brings the findings up to date."""


@dataclass(frozen=True)
class StepDone:
    """A step that ended, with what it noted."""

    name: str
    note: Message | None = None


@dataclass(frozen=True)
class FailedRound:
    """What was done of a round, what was not, and why."""

    errors: Sequence[ExplainedError]
    stopped_at: str
    """The step that stopped the round; '' where it stopped before its first, or between two."""
    done: Sequence[StepDone] = ()
    undone: Sequence[str] = ()
    last_complete: datetime | None = None
    suspects: Sequence[Message] = ()
    """How many rows and answers are gone without a line in REDCap's log, where there are any."""
    store_read: bool = True
    """Whether the database could say when the last complete round was."""


def failure_notice(
    title: Words,
    failed: FailedRound,
    *,
    recipient: Recipient,
    now: datetime,
    synthetic: bool,
    short: Words | None = None,
) -> Notice:
    """Compose that a round failed, for one person: what was done, what was not, why, and what to do.

    `short` is the name that subjects begin with; without it the title is.
    """
    writer = _FailureWriter(failed, recipient.language, wording(recipient.language), now)
    shown = title.in_(recipient.language)
    lines = list(writer.lines(synthetic=synthetic))
    named = short.in_(recipient.language) if short else shown
    return Notice(
        recipient=recipient,
        subject=" ".join(writer.say("notice.subject", headline=writer.headline(), short=named).split()),
        text="\n\n".join((shown, writer.headline(), *lines)) + "\n",
        html=plain_page(recipient.language, shown, writer.headline(), lines, alarm=True),
        counts=NO_COUNTS,
    )


@dataclass(frozen=True)
class _FailureWriter:
    """Puts a failed round into words."""

    failed: FailedRound
    language: Language
    say: Wording
    now: datetime

    @property
    def reconciled(self) -> bool:
        return any(one.name == RECONCILE for one in self.failed.done)

    def headline(self) -> str:
        return self.say("notice.partly_completed" if self.reconciled else "notice.not_completed")

    def lines(self, *, synthetic: bool) -> Iterator[str]:
        say, failed = self.say, self.failed
        yield say("notice.as_of", when=hour_of(self.now))
        for error in failed.errors:
            yield say("notice.reason", what=self.plain(error.part("what")))
            yield say("notice.remedy", remedy=self.plain(error.part("remedy")))
        if failed.stopped_at:
            yield say("notice.stopped_at", step=self.step(failed.stopped_at))
        elif not failed.done:
            yield say("notice.not_begun")
        if failed.done:
            yield say("notice.done", steps=self.listed([self.with_note(one) for one in failed.done]))
        if failed.undone:
            yield say("notice.undone", steps=self.listed([self.step(name) for name in failed.undone]))
        yield say("notice.findings_current" if self.reconciled else "notice.findings_unchanged")
        yield from map(self.plain, failed.suspects)
        yield self.last_complete()
        yield say("notice.no_values")
        if synthetic:
            yield say("notice.synthetic")

    def plain(self, message: Message) -> str:
        """A message in the reader's language. It names no export column: the code of an option is a value."""
        return without_codes(in_language(message, self.language))

    def last_complete(self) -> str:
        if not self.failed.store_read:
            return self.say("notice.unknown_complete")
        last = self.failed.last_complete
        if last is None:
            return self.say("notice.never_complete")
        return self.say("notice.last_complete", when=hour_of(last.astimezone(self.now.tzinfo)))

    def with_note(self, one: StepDone) -> str:
        if one.note is None:
            return self.step(one.name)
        return self.say("notice.step_and_note", step=self.step(one.name), note=self.say.say(one.note))

    def step(self, name: str) -> str:
        return step_name(name, self.language)

    def listed(self, texts: Sequence[str]) -> str:
        return SEPARATORS[self.language].join(texts)


def step_name(name: str, language: Language) -> str:
    """What a step is called; one of a study's own job by its name."""
    code = f"notice.step.{name}"
    return wording(language)(code) if code in own_texts() else name


def hour_of(moment: datetime) -> str:
    """A moment as mails show it, on its own clock."""
    return moment.strftime("%Y-%m-%d %H:%M %Z").strip()
