"""The channels of a study as study.toml describes them. What is secret is read each time a letter is sent."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from nightround.digests.channels.apprise import AppriseChannel
from nightround.digests.channels.channel import Channel, Channels, OutgoingMessage
from nightround.digests.channels.dingtalk import DingTalk
from nightround.digests.channels.feishu import Feishu
from nightround.digests.channels.ntfy import Ntfy
from nightround.digests.channels.outbox_folder import OutboxFolder
from nightround.digests.channels.slack import Slack
from nightround.digests.channels.smtp import PORTS, Login, SmtpChannel
from nightround.digests.channels.teams import Teams
from nightround.digests.channels.webhook import Service, WebhookChannel
from nightround.digests.channels.wecom import WeCom
from nightround.model.errors import ChannelUnusable
from nightround.model.recipient import OUTBOX
from nightround.study.channel_table import ChannelTable
from redcap_sync.api.pacing import RequestBudget
from redcap_sync.clean_text import keep_secret
from redcap_sync.errors import ProjectFileWrong
from redcap_sync.messages import Message
from redcap_sync.regular_files import read_text_file

SERVICES: Mapping[str, Service] = {
    "wecom": WeCom(),
    "dingtalk": DingTalk(),
    "feishu": Feishu(),
    "slack": Slack(),
    "teams": Teams(),
    "ntfy": Ntfy(),
}
"""The services with a webhook that have a sender here, by the kind of their channel."""
LARGEST_SECRET = 10_000
"""Bytes of a file that contains a password and nothing else."""

Sleep = Callable[[float], None]


def channels_of(tables: tuple[ChannelTable, ...], folder: Path, environ: Mapping[str, str], sleep: Sleep) -> Channels:
    """The channels by id. `folder` is the outbox folder, which is a channel too, whatever the study says."""
    maker = _Maker(OutboxFolder(folder), frozenset(one.id for one in tables if one.kind == "smtp"), environ, sleep)
    return {OUTBOX: maker.outbox} | {table.id: maker.channel(table) for table in tables}


@dataclass(frozen=True)
class _Maker:
    """What channels are made of."""

    outbox: OutboxFolder
    by_mail: frozenset[str]
    environ: Mapping[str, str] = field(repr=False)
    sleep: Sleep

    def channel(self, table: ChannelTable) -> Channel:
        """One channel."""
        if table.kind == "outbox":
            return OutboxFolder(self.outbox.folder, name=table.id)
        if table.kind == "smtp":
            return SmtpChannel(
                table.id,
                table.host,
                table.port or PORTS[table.security],
                table.security,
                table.sender,
                login=lambda: self.login(table),
                reply_to=table.reply_to,
                bounce=table.bounce,
            )
        if table.kind == "apprise":
            return AppriseChannel(table.id, lambda: self.variable(table.url_env), self.rest)
        service = SERVICES[table.kind]
        budget = RequestBudget(service.per_minute, clock=time.monotonic, sleep=self.sleep)
        return WebhookChannel(table.id, service, lambda: self.variable(table.url_env), budget, self.rest)

    def rest(self, letter: OutgoingMessage) -> Message:
        """Where the whole of a letter is: in the person's mail, else as a file."""
        if self.by_mail.intersection(letter.recipient.channels):
            return Message.of("delivery.rest_by_mail")
        try:
            return Message.of("delivery.rest_in_folder", file=self.outbox.write(letter).name)
        except (OSError, ChannelUnusable):
            return Message.of("delivery.rest_cut")

    def variable(self, name: str) -> str:
        """A secret of the environment."""
        value = self.environ.get(name, "").strip()
        if not value:
            raise ChannelUnusable("channel.no_variable", variable=name)
        return value

    def login(self, table: ChannelTable) -> Login:
        """User and password of a mail server."""
        if not table.user_env:
            return "", ""
        user = self.variable(table.user_env)
        password = self.password(table, user)
        keep_secret(password)
        return user, password

    def password(self, table: ChannelTable, user: str) -> str:
        if table.password_env:
            return self.variable(table.password_env)
        if table.password_file:
            return _of_file(table.password_file)
        return _of_keyring(table.password_keyring, user)


def _of_file(path: Path) -> str:
    try:
        password = read_text_file(path, largest=LARGEST_SECRET).strip()
    except (OSError, ProjectFileWrong) as error:
        raise ChannelUnusable("channel.no_file", file=str(path), error=type(error).__name__) from None
    if not password:
        raise ChannelUnusable("channel.no_file", file=str(path), error="0 bytes")
    return password


def _of_keyring(service: str, user: str) -> str:
    import keyring
    from keyring.errors import KeyringError

    try:
        password = keyring.get_password(service, user)
    except KeyringError as error:
        raise ChannelUnusable("channel.keyring", service=service, error=type(error).__name__) from None
    if not password:
        raise ChannelUnusable("channel.keyring", service=service, error="-")
    return password
