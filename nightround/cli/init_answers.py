"""What `nightround init` is answered: from its options, or asked one after another, and tried."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nightround.cli.options import existing_file
from nightround.cli.printing import language, say, text

if TYPE_CHECKING:
    from nightround.digests.channels.channel import Probe
    from nightround.study.first_folder.toml_text import Value

INVESTIGATOR = "principal_investigator"
SECURITY = ("none", "starttls", "tls")
USUAL_SECURITY = "starttls"
LARGEST_PORT = 65_535


@dataclass(frozen=True)
class MailOptions:
    """The mail server as options name it; `server` is HOST or HOST:PORT, '' for none."""

    server: str = ""
    security: str = USUAL_SECURITY
    sender: str = ""
    user_env: str = ""
    password_file: Path | None = None

    def keys(self, manager: str) -> dict[str, Value]:
        """The keys of the channel in study.toml; none without a server. Raises UsageWrong for a server that is none."""
        if not self.server:
            return {}
        host, port = _host_and_port(self.server)
        keys: dict[str, Value] = {"host": host, **({"port": port} if port else {})}
        keys |= {"security": self.security, "sender": self.sender or manager}
        keys |= {"user_env": self.user_env} if self.user_env else {}
        return keys | ({"password_file": str(self.password_file.resolve())} if self.password_file else {})


def _host_and_port(given: str) -> tuple[str, int]:
    """Host and port; 0 where the usual port is meant."""
    from nightround.model.errors import UsageWrong

    host, colon, port = given.strip().rpartition(":") if ":" in given else (given.strip(), "", "")
    number = int(port) if port.isdecimal() and len(port) < len(str(LARGEST_PORT)) + 1 else 0
    if not host or (colon and not 0 < number <= LARGEST_PORT):
        raise UsageWrong("first_folder.server", given=given)
    return host, number


def people_of(given: Sequence[str]) -> dict[str, str]:
    """Addresses by role, of options `ROLE=ADDRESS`; raises UsageWrong for one that is none."""
    from nightround.model.errors import UsageWrong

    people: dict[str, str] = {}
    for one in given:
        role, equals, address = one.partition("=")
        if not (equals and role.strip() and address.strip()):
            raise UsageWrong("first_folder.person", given=one)
        people[role.strip()] = address.strip()
    return people


def asked_people(manager: str, known: Mapping[str, str]) -> dict[str, str]:
    """Ask for the addresses of those that the options do not name; who has none is left out."""
    from nightround.study.first_folder.first_files import COORDINATOR, EXAMPLE_ADDRESS, MANAGER

    found = {MANAGER: manager or str(click.prompt(text("first_folder.ask_mail"), default=EXAMPLE_ADDRESS))}
    for role, question in ((COORDINATOR, "ask_coordinator"), (INVESTIGATOR, "ask_investigator")):
        address = known.get(role) or _asked_freely(question)
        found |= {role: address} if address else {}
    return {**found, **known}


def asked_mail(manager: str) -> dict[str, Value]:
    """Ask for the mail server until one works, or none is named."""
    while server := _asked_freely("ask_server"):
        security = click.prompt(
            text("first_folder.ask_security"), default=USUAL_SECURITY, type=click.Choice(SECURITY), show_choices=False
        )
        sender = click.prompt(text("first_folder.ask_sender"), default=manager)
        user = _asked_freely("ask_user")
        file = click.prompt(text("first_folder.ask_password"), type=existing_file) if user else None
        keys = MailOptions(server, security, sender, user, file).keys(manager)
        probe = _tried(keys)
        say(text("first_folder.server_works" if probe.works else "first_folder.server_fails", said=probe.said))
        if probe.works:
            return keys
    return {}


def _tried(keys: Mapping[str, Value]) -> Probe:
    """Whether the mail server lets us in; nothing is sent."""
    from nightround.digests.channels.channel_kinds import channels_of
    from nightround.study.channel_table import ChannelTable
    from nightround.study.settings import checked

    table = checked(ChannelTable, {"id": "mail", "kind": "smtp", **keys}, file=Path("study.toml"))
    return channels_of((table,), Path(), os.environ, time.sleep)[table.id].probe()


def _asked_freely(code: str) -> str:
    """An answer that may be empty."""
    return str(click.prompt(text(f"first_folder.{code}"), default="", show_default=False)).strip()


def asked_languages() -> str:
    """Ask in which languages the study is written."""
    choices = click.Choice(["zh", "en", "both"])
    return str(click.prompt(text("first_folder.ask_language"), default=language(), type=choices, show_choices=False))
