"""WeCom (企业微信): a robot in a group. It answers HTTP 200 also where it takes nothing, and says so in `errcode`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from nightround.digests.channels.channel import OutgoingMessage, ServerAnswer
from nightround.digests.channels.webhook import SecretAddress, WebAnswer, by_number

BUSY = frozenset({-1, 45009, 45033})
"""System busy, too many calls, too many at the same time. Source: WeCom's developer centre, global error codes."""


class WeCom:
    """WeCom's group robot. Source of both limits: WeCom's developer centre, group robot configuration."""

    longest: ClassVar = 2048
    per_minute: ClassVar = 20

    def request(self, secret: SecretAddress, _letter: OutgoingMessage, text: str) -> tuple[str, Mapping[str, Any]]:
        """A text message."""
        return secret.url, {"msgtype": "text", "text": {"content": text}}

    def read(self, answer: WebAnswer) -> ServerAnswer:
        """`{"errcode": 0, "errmsg": "ok"}` where the message was taken."""
        return by_number(answer, "errcode", BUSY)
