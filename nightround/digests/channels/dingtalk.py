"""DingTalk (钉钉): a robot in a group. It answers HTTP 200 also where it takes nothing, and says so in `errcode`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from nightround.digests.channels.channel import OutgoingMessage, ServerAnswer
from nightround.digests.channels.webhook import SecretAddress, WebAnswer, by_number

BUSY = frozenset({-1, 130101, 302033, 410100})
"""System busy, and three numbers for too many messages. Source: DingTalk's developer documentation, custom robot."""


class DingTalk:
    """DingTalk's custom robot. It takes 20,000 bytes a message and 20 messages a minute (the same source)."""

    longest: ClassVar = 18_000
    """Some bytes less than it takes: those of the document around the text, and of what is escaped in it."""
    per_minute: ClassVar = 20

    def request(self, secret: SecretAddress, _letter: OutgoingMessage, text: str) -> tuple[str, Mapping[str, Any]]:
        """A text message."""
        return secret.url, {"msgtype": "text", "text": {"content": text}}

    def read(self, answer: WebAnswer) -> ServerAnswer:
        """`{"errcode": 0, "errmsg": "ok"}` where the message was taken."""
        return by_number(answer, "errcode", BUSY)
