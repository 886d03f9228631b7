"""Slack: an incoming webhook. It answers `ok` as text, and an error as a word with an HTTP status."""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import Any, ClassVar

from nightround.digests.channels.channel import OutgoingMessage, ServerAnswer
from nightround.digests.channels.webhook import OK, SecretAddress, WebAnswer, by_status


class Slack:
    """Slack's incoming webhook: 40,000 characters a message, one message a second (Slack's API documentation)."""

    longest: ClassVar = 12_000
    """Bytes that can be read in a room; every one of them is taken also where it is escaped."""
    per_minute: ClassVar = 60

    def request(self, secret: SecretAddress, _letter: OutgoingMessage, text: str) -> tuple[str, Mapping[str, Any]]:
        """A text message, in which nothing is a mention or a link of Slack's own: `&`, `<` and `>` are escaped."""
        return secret.url, {"text": html.escape(text, quote=False), "mrkdwn": False}

    def read(self, answer: WebAnswer) -> ServerAnswer:
        """`ok` where the message was taken."""
        if answer.status == OK and answer.text.strip() == "ok":
            return ServerAnswer.delivered(answer.shown)
        return by_status(answer)
