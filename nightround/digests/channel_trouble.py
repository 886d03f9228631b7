"""The mail to the data manager about a channel that does not work, and the message that tries one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from nightround.digests.failed_round import NO_COUNTS, hour_of
from nightround.digests.notice import Notice
from nightround.digests.plain_page import plain_page
from nightround.model.language import Words
from nightround.model.recipient import Recipient
from nightround.store.message_rows import StoredMessage
from nightround.texts.catalogue import in_language, wording

SHOWN_MESSAGES = 20


def trouble_notice(
    short: Words, study: str, channel: str, messages: Sequence[StoredMessage], *, recipient: Recipient
) -> Notice:
    """Compose that messages did not get through on a channel: for whom, and what came back."""
    say = wording(recipient.language)
    listed = [
        say(
            "trouble.line",
            role=one.role or one.kind.value,
            state=say(f"trouble.state.{one.state.value}"),
            said=in_language(one.said, recipient.language),
        )
        for one in messages[:SHOWN_MESSAGES]
    ]
    lines = [say("trouble.intro", channel=channel), *listed]
    lines += [say("trouble.more", count=len(messages) - SHOWN_MESSAGES)] if len(messages) > SHOWN_MESSAGES else []
    lines += [say("trouble.again"), say("trouble.list", study=study), say("trouble.no_values")]
    subject = say("trouble.subject", channel=channel, short=short.in_(recipient.language))
    return plain_notice(subject, lines, recipient, alarm=True)


def trial_notice(short: Words, channel: str, *, recipient: Recipient, now: datetime) -> Notice:
    """Compose a harmless message that shows whether a channel works."""
    say = wording(recipient.language)
    lines = [say("test_message.text", role=recipient.role, when=hour_of(now), channel=channel)]
    return plain_notice(say("test_message.subject", short=short.in_(recipient.language)), lines, recipient)


def plain_notice(subject: str, lines: Sequence[str], recipient: Recipient, *, alarm: bool = False) -> Notice:
    """A notice of some lines, which needs no template."""
    return Notice(
        recipient=recipient,
        subject=subject,
        text="\n\n".join(lines) + "\n",
        html=plain_page(recipient.language, "Nightround", subject, lines, alarm=alarm),
        counts=NO_COUNTS,
    )
