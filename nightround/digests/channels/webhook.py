"""What the services have in common that take a JSON document at a secret address."""

from __future__ import annotations

import json
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol
from urllib.parse import parse_qsl, urlsplit

import requests
from urllib3.exceptions import HTTPError, NewConnectionError

from nightround.digests.channels.channel import LOCALHOST, OutgoingMessage, Probe, ServerAnswer, shown_reply
from nightround.digests.channels.short_text import chat_text
from nightround.model.errors import ChannelUnusable
from nightround.texts.catalogue import in_language
from redcap_sync.api.pacing import RequestBudget
from redcap_sync.clean_text import keep_secret, keep_secrets_of
from redcap_sync.messages import Message

SECONDS = (10.0, 30.0)
"""How long connecting, and each part of an answer, may take."""
OK, NEVER, SERVER_ERROR = 200, 400, 500
TOO_MANY, NOT_NOW = 429, 503
"""RFC 6585, section 4; RFC 9110, section 15.6.4: the request was not carried out."""
LEAST_TOKEN = 12
"""Characters of a part of an address that may be a token; a shorter one is an ordinary word."""
LARGEST_REPLY = 10_000
"""Bytes of an answer that are read."""


@dataclass(frozen=True)
class WebAnswer:
    """An HTTP status with the beginning of its body."""

    status: int
    text: str

    @property
    def document(self) -> Mapping[str, Any]:
        """The body as JSON; blank where it is no JSON object."""
        try:
            found = json.loads(self.text)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    @property
    def shown(self) -> str:
        """The answer for a log line."""
        return f"HTTP {self.status} {self.text}".strip()


@dataclass(frozen=True)
class SecretAddress:
    """The address of a webhook. Who has it can write into the room, so that it is masked wherever a text leaves."""

    url: str

    def __post_init__(self) -> None:
        """Keep the address secret, and each part of it that may be the token."""
        parts = urlsplit(self.url)
        tokens = [one for one in parts.path.split("/") if len(one) >= LEAST_TOKEN]
        tokens += [value for _, value in parse_qsl(parts.query) if len(value) >= LEAST_TOKEN]
        for secret in (self.url, *tokens):
            keep_secret(secret)
        keep_secrets_of(self.url)

    def __repr__(self) -> str:
        """Without the address."""
        return "SecretAddress(masked)"


class Service(Protocol):
    """What one service takes and how it answers."""

    longest: ClassVar[int]
    """Bytes of text in one message."""
    per_minute: ClassVar[int]

    def request(self, secret: SecretAddress, letter: OutgoingMessage, text: str) -> tuple[str, Mapping[str, Any]]:
        """Address and document of a letter whose text is put as the service takes it."""

    def read(self, answer: WebAnswer) -> ServerAnswer:
        """What an answer of the service means."""


@dataclass(frozen=True)
class WebhookChannel:
    """A service that takes messages at a secret address. It leads to a room of several people, not to a mail box."""

    name: str
    service: Service
    url: Callable[[], str]
    """Reads the address. Raises ChannelUnusable."""
    budget: RequestBudget
    rest: Callable[[OutgoingMessage], Message]
    """Says where the whole of a letter is of which the service takes a part only."""
    domain: str = LOCALHOST

    def send(self, letter: OutgoingMessage) -> ServerAnswer:
        """Send a letter once."""
        try:
            secret = SecretAddress(self.url())
        except ChannelUnusable as error:
            return ServerAnswer.unusable(error)
        text = chat_text(
            letter.subject,
            letter.text,
            longest=self.service.longest,
            rest=lambda: in_language(self.rest(letter), letter.recipient.language),
        )
        address, document = self.service.request(secret, letter, text)
        self.budget.take()
        return posted(address, document, self.service.read)

    def probe(self) -> Probe:
        """Reach the server of the address by its root, which neither names the secret nor posts anything."""
        try:
            secret = SecretAddress(self.url())
        except ChannelUnusable as error:
            return Probe.of(ServerAnswer.unusable(error))
        return reached(secret)


def reached(secret: SecretAddress) -> Probe:
    """Whether the server of a secret address answers, whatever it says of its root."""
    parts = urlsplit(secret.url)
    host = parts.hostname or ""
    try:
        requests.head(f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}/", timeout=SECONDS, allow_redirects=False)
    except requests.RequestException as error:
        return Probe.of(_not_posted(error))
    return Probe.fine("web", host=host)


def posted(address: str, document: Mapping[str, Any], read: Callable[[WebAnswer], ServerAnswer]) -> ServerAnswer:
    """Send a JSON document, and read what comes back. The address is a secret: no error names it."""
    content = json.dumps(document, ensure_ascii=False).encode()
    headers = {"Content-Type": "application/json; charset=utf-8"}
    try:
        reply = requests.post(
            address, data=content, headers=headers, timeout=SECONDS, allow_redirects=False, stream=True
        )
        with reply:
            text = reply.raw.read(LARGEST_REPLY, decode_content=True).decode("utf-8", "replace")
    except requests.RequestException as error:
        return _not_posted(error)
    except (OSError, HTTPError) as error:  # while the body of the answer was read
        return ServerAnswer.unknown("delivery.no_reply", error=type(error).__name__)
    return read(WebAnswer(reply.status_code, text))


def _not_posted(error: requests.RequestException) -> ServerAnswer:
    """Whether the service has the message perhaps, or cannot have it because nothing was sent."""
    name = type(error).__name__
    reason = getattr(error.args[0], "reason", None) if error.args else None
    if isinstance(error, requests.ConnectTimeout) or isinstance(reason, NewConnectionError):
        return ServerAnswer.down("delivery.no_web_connection", again_soon=True, error=name)
    if isinstance(error, (requests.exceptions.SSLError, requests.exceptions.ProxyError)):
        return ServerAnswer.down("delivery.no_web_connection", error=name)
    if isinstance(error, ValueError):  # requests' own errors of an address that is none
        return ServerAnswer.down("delivery.no_address")
    return ServerAnswer.unknown("delivery.no_reply", error=name)


def by_status(answer: WebAnswer) -> ServerAnswer:
    """What an HTTP status means that is not the one of success."""
    if answer.status in {TOO_MANY, NOT_NOW}:
        return ServerAnswer.busy(answer.shown)
    if NEVER <= answer.status < SERVER_ERROR:
        return ServerAnswer.refused(answer.shown)
    return ServerAnswer.unknown("delivery.odd_reply", reply=shown_reply(answer.shown))


def by_number(answer: WebAnswer, name: str, busy: Container[int]) -> ServerAnswer:
    """Read an answer whose document has a number that is 0 when the message was taken, whatever the HTTP status says.

    `busy` are the numbers that mean: too many messages, or try later.
    """
    number = answer.document.get(name)
    if answer.status != OK or not isinstance(number, int) or isinstance(number, bool):
        return by_status(answer)
    if number == 0:
        return ServerAnswer.delivered(answer.shown)
    return ServerAnswer.busy(answer.shown) if number in busy else ServerAnswer.refused(answer.shown)
