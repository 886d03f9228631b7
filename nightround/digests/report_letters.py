"""The letters to the readers of a report: that it is released and where it is, or that it is late."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from nightround.digests.channel_trouble import plain_notice
from nightround.digests.notice import Notice
from nightround.model.language import Words
from nightround.model.recipient import Recipient
from nightround.texts.catalogue import wording

SHOWN_ID = 12


def released_notice(
    short: Words,
    *,
    snapshot: str,
    day: date,
    files: Sequence[str],
    attached: bool,
    whole: bool,
    recipient: Recipient,
    synthetic: bool,
) -> Notice:
    """Compose that the version of a reader is released, or the `whole` report of a study that compares no groups.

    `files` are names, or places in the study's data folder.
    """
    say = wording(recipient.language)
    version = "whole" if whole else recipient.reports
    subject = say(f"report_letter.subject_{version}", day=f"{day}", short=short.in_(recipient.language))
    lines = [say("report_letter.released", snapshot=snapshot[:SHOWN_ID])]
    lines += [say("report_letter.attached" if attached else "report_letter.folder", file=one) for one in files]
    lines += [say("report_letter.closed")] if version == "closed" else []
    lines += [say("report_letter.synthetic")] if synthetic else []
    return plain_notice(subject, lines, recipient)


def late_notice(short: Words, *, day: date, recipient: Recipient) -> Notice:
    """Compose that a report that was due is not there. Why is the data manager's to know."""
    say = wording(recipient.language)
    subject = say("report_letter.late_subject", short=short.in_(recipient.language))
    return plain_notice(subject, [say("report_letter.late", day=f"{day}")], recipient, alarm=True)
