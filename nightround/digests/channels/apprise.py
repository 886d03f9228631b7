"""Whatever else Apprise speaks, by its own form of address. The one module that imports it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from nightround.digests.channels.channel import LOCALHOST, OutgoingMessage, Probe, ServerAnswer
from nightround.digests.channels.short_text import chat_text
from nightround.digests.channels.webhook import SecretAddress
from nightround.model.errors import ChannelUnusable
from nightround.texts.catalogue import in_language
from redcap_sync.messages import Message

OWN_SENDERS = {"wecombot": "wecom", "dingtalk": "dingtalk", "feishu": "feishu", "lark": "feishu"}
"""Services that say in an HTTP 200 that they took nothing, with the kind of channel that reads it.

Measured: Apprise 2.3 takes WeCom's 45009 and DingTalk's 130101 for success.
"""


@dataclass(frozen=True)
class AppriseChannel:
    """A service that Apprise knows. Apprise says whether it was taken, and nothing of why not."""

    name: str
    url: Callable[[], str]
    """Reads Apprise's address. Raises ChannelUnusable."""
    rest: Callable[[OutgoingMessage], Message]
    """Says where the whole of a letter is of which the service takes a part only."""
    domain: str = LOCALHOST

    def probe(self) -> Probe:
        """Read the address. Apprise cannot reach a service without sending it something."""
        service = self._service()
        return Probe.of(service) if isinstance(service, ServerAnswer) else Probe.fine("apprise")

    def _service(self) -> Any:
        """The service of the address; an answer where there is none, or one that has a sender here."""
        import apprise

        try:
            secret = SecretAddress(self.url())
        except ChannelUnusable as error:
            return ServerAnswer.unusable(error)
        service = apprise.Apprise.instantiate(secret.url)
        if service is None:
            return ServerAnswer.down("delivery.no_address")
        schemas: set[str] = service.schemas()  # type: ignore[no-untyped-call]
        if own := OWN_SENDERS.keys() & schemas:
            return ServerAnswer.down("delivery.own_sender", kind=OWN_SENDERS[min(own)])
        return service

    def send(self, letter: OutgoingMessage) -> ServerAnswer:
        """Send a letter once."""
        import apprise

        service = self._service()
        if isinstance(service, ServerAnswer):
            return service
        text = chat_text(
            letter.subject,
            letter.text,
            longest=service.body_maxlen,
            rest=lambda: in_language(self.rest(letter), letter.recipient.language),
        )
        sender = apprise.Apprise()
        sender.add(service)
        body = text.removeprefix(letter.subject).strip()
        if sender.notify(body=body, title=letter.subject, body_format=apprise.NotifyFormat.TEXT):
            return ServerAnswer.delivered("Apprise")
        # It says neither whether the service refused the message nor whether it has it.
        return ServerAnswer.unknown("delivery.apprise")
