"""ntfy: a topic at a server, one's own or ntfy.sh. It answers with the message as it keeps it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from nightround.digests.channels.channel import OutgoingMessage, ServerAnswer
from nightround.digests.channels.webhook import OK, SecretAddress, WebAnswer, by_status


class Ntfy:
    """ntfy's publishing as JSON: 4,096 bytes a message, and a message in five seconds (ntfy's documentation)."""

    longest: ClassVar = 4000
    per_minute: ClassVar = 12

    def request(self, secret: SecretAddress, letter: OutgoingMessage, text: str) -> tuple[str, Mapping[str, Any]]:
        """Title and message for the topic that the address ends with, sent to the server's root as JSON is."""
        server, _, topic = secret.url.rstrip("/").rpartition("/")
        message = text.removeprefix(letter.subject).strip()
        return f"{server}/", {"topic": topic, "title": letter.subject, "message": message}

    def read(self, answer: WebAnswer) -> ServerAnswer:
        """`{"id": "...", "event": "message", ...}` where the message was taken."""
        kept = answer.document
        if answer.status == OK and kept.get("event") == "message" and kept.get("id"):
            return ServerAnswer.delivered(f"HTTP {answer.status} {kept['id']}")
        return by_status(answer)
