"""Microsoft Teams: a workflow that waits for a webhook. It answers 202 and posts the card afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from nightround.digests.channels.channel import OutgoingMessage, ServerAnswer
from nightround.digests.channels.webhook import SecretAddress, WebAnswer, by_status

ACCEPTED = 202
CARD = "application/vnd.microsoft.card.adaptive"


class Teams:
    """A workflow of Teams: 28 KB a message, four a second (Microsoft's documentation of webhooks in Teams)."""

    longest: ClassVar = 15_000
    """Bytes of text; each line of it has a block of its own in the card."""
    per_minute: ClassVar = 60

    def request(self, secret: SecretAddress, letter: OutgoingMessage, text: str) -> tuple[str, Mapping[str, Any]]:
        """An adaptive card with a block for each line, so that lines stay lines."""
        lines = [line for line in text.removeprefix(letter.subject).split("\n") if line.strip()]
        heading = {"type": "TextBlock", "text": letter.subject, "weight": "Bolder", "wrap": True}
        blocks = [{"type": "TextBlock", "text": line, "wrap": True, "spacing": "Small"} for line in lines]
        card = {"type": "AdaptiveCard", "version": "1.4", "body": [heading, *blocks]}
        return secret.url, {"type": "message", "attachments": [{"contentType": CARD, "content": card}]}

    def read(self, answer: WebAnswer) -> ServerAnswer:
        """202 where the workflow took the card."""
        return ServerAnswer.delivered(answer.shown) if answer.status == ACCEPTED else by_status(answer)
