"""Feishu (飞书, Lark): a robot in a group. What it says of a message is `code`, formerly `StatusCode`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from nightround.digests.channels.channel import OutgoingMessage, ServerAnswer
from nightround.digests.channels.webhook import SecretAddress, WebAnswer, by_number

BUSY = frozenset({11232, 11233, 99991400})
"""Too many messages. Source: Feishu's developer documentation, custom bot and general error codes."""


class Feishu:
    """Feishu's custom bot. It takes 20 KB a message and 100 messages a minute (the same source)."""

    longest: ClassVar = 18_000
    """Some bytes less than it takes: those of the document around the text, and of what is escaped in it."""
    per_minute: ClassVar = 100

    def request(self, secret: SecretAddress, _letter: OutgoingMessage, text: str) -> tuple[str, Mapping[str, Any]]:
        """A text message."""
        return secret.url, {"msg_type": "text", "content": {"text": text}}

    def read(self, answer: WebAnswer) -> ServerAnswer:
        """`{"code": 0, ...}`, or `{"StatusCode": 0, ...}` of an older bot; an error may have any HTTP status."""
        name = "code" if "code" in answer.document else "StatusCode"
        number = answer.document.get(name)
        if isinstance(number, int) and number in BUSY:
            return ServerAnswer.busy(answer.shown)
        return by_number(answer, name, BUSY)
