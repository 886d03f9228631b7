"""Composes a digest: what changed since the last one, for one person, in that person's language. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Required, TypedDict, Unpack

from nightround.digests.digest_writer import DATA_MANAGER, MONDAY, DigestWriter, counts_of
from nightround.digests.due_dates import DueDates
from nightround.digests.floods import FloodSince
from nightround.digests.notice import Notice, RunSummary
from nightround.digests.pages import Shown
from nightround.digests.reader_news import NOTHING_AGREED, Agreed, ReaderNews
from nightround.digests.templates import DigestTemplates
from nightround.digests.whole_list import whole_list
from nightround.model.finding import Finding, LedgerDelta
from nightround.model.language import Words
from nightround.model.links import Places
from nightround.model.recipient import Recipient
from nightround.model.rule import Rule


class DigestFacts(TypedDict, total=False):
    """What a digest and the list next to it are made of, as their keywords."""

    night: Required[RunSummary]
    rules: Required[Mapping[str, Rule]]
    recipient: Required[Recipient]
    places: Required[Places]
    templates: Required[DigestTemplates]
    now: Required[datetime]
    agreed: Agreed
    floods: Iterable[FloodSince]


def digest(
    title: Words,
    delta: LedgerDelta,
    *,
    night: RunSummary,
    rules: Mapping[str, Rule],
    recipient: Recipient,
    places: Places,
    templates: DigestTemplates,
    now: datetime,
    agreed: Agreed = NOTHING_AGREED,
    floods: Iterable[FloodSince] = (),
    synthetic: bool = False,
) -> Notice | None:
    """Compose the digest of one person, or None when there is nothing to say.

    `delta` is what changed since that person's last digest, be it one night ago or ten; findings whose owner the
    recipient stands for are listed, all others counted. `floods` are those that hold something back from this person,
    or did until the last digest. `now` is the hour in the study's time zone. A mail
    is made when something of the recipient's changed, on each working day while a critical finding waits, when a
    finding of others is overdue and passed on, on Mondays, and, for the data manager, when the
    night was not whole, another rule than before could not be judged, a rule flooded, records were renamed, or visits
    deleted.
    """
    due = _due_dates(agreed, night, now)
    part = ReaderNews.of(delta, floods, night=night, recipient=recipient, due=due, groups=places.groups)
    if not _worth_telling(part, night, recipient, now):
        return None
    wording = templates.wording[recipient.language]
    shown = Shown(rules, places, recipient.language, wording, due)
    writer = DigestWriter(part, night, recipient, shown, wording, now, agreed)
    return _notice(writer, title, templates, known_rules=frozenset(rules), synthetic=synthetic)


def waiting_for(delta: LedgerDelta, **facts: Unpack[DigestFacts]) -> Sequence[Finding]:
    """Everything that waits for the person of a digest, whether the mail shows it or not."""
    night, floods = facts["night"], facts.get("floods", ())
    reader, groups = facts["recipient"], facts["places"].groups
    due = _due_dates(facts.get("agreed", NOTHING_AGREED), night, facts["now"])
    return ReaderNews.of(delta, floods, night=night, recipient=reader, due=due, groups=groups).waiting


def private_list(delta: LedgerDelta, **facts: Unpack[DigestFacts]) -> str:
    """Everything that waits for a person as CSV with records and exact links, whatever mails may name."""
    due = _due_dates(facts.get("agreed", NOTHING_AGREED), facts["night"], facts["now"])
    named, language = replace(facts["places"], record_id_allowed=True), facts["recipient"].language
    shown = Shown(facts["rules"], named, language, facts["templates"].wording[language], due)
    return whole_list(waiting_for(delta, **facts), shown)


def _due_dates(agreed: Agreed, night: RunSummary, now: datetime) -> DueDates:
    last = night.notified_at.astimezone(now.tzinfo).date() if night.notified_at else None
    return DueDates(agreed.due, now.date(), now.tzinfo, agreed.back_since, last)


def _notice(
    writer: DigestWriter, title: Words, templates: DigestTemplates, *, known_rules: frozenset[str], synthetic: bool
) -> Notice:
    shown = title.in_(writer.recipient.language)
    page = writer.page(shown, known_rules=known_rules, synthetic=synthetic)
    return Notice(
        recipient=writer.recipient,
        subject=" ".join(writer.subject(shown).split()),
        text=templates.text(page),
        html=templates.html(page),
        counts=counts_of(writer.mine),
        attachments=writer.attachments(),
    )


def _worth_telling(part: ReaderNews, night: RunSummary, recipient: Recipient, now: datetime) -> bool:
    if part.changed or part.asked_again or now.isoweekday() == MONDAY:
        return True
    # A coordinator can do nothing about a server that was down; a mail each morning would only be learned to ignore.
    broken = not night.well or set(night.unjudged) != night.unjudged_before or night.renamed > 0
    news = broken or night.visits_removed or night.group_trouble or any(one.is_new for one in night.floods)
    return bool(news) and recipient.role == DATA_MANAGER
