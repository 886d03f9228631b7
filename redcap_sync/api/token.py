"""The API token: 32 characters that open every record, so it never shows itself."""

from __future__ import annotations

import logging
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import TypedDict

from redcap_sync.clean_text import keep_secret
from redcap_sync.errors import ProjectFileWrong, RedcapRefused
from redcap_sync.messages import Message
from redcap_sync.regular_files import read_text_file

log = logging.getLogger(__name__)
TOKEN_LENGTH = 32
LARGEST = 10_000
"""Bytes of a file that contains a token and nothing else."""


class TokenPlaces(TypedDict):
    """Where a token may be, as keywords: a variable, a file, and service and user name of the system's keyring."""

    variable: str
    file: Path | None
    keyring: tuple[str, str]


class Token:
    """A secret. Its repr and str are masked; `reveal()` is called at one place, the API client."""

    __slots__ = ("_secret",)

    def __init__(self, secret: str) -> None:
        if len(secret) != TOKEN_LENGTH:
            raise RedcapRefused("token.length", count=len(secret), length=TOKEN_LENGTH)
        keep_secret(secret)
        self._secret = secret

    def __repr__(self) -> str:
        return "Token(masked)"

    def reveal(self) -> str:
        """Give the secret itself."""
        return self._secret


def find_token(
    environ: Mapping[str, str], *, variable: str, file: Path | None, keyring: tuple[str, str] = ("", "")
) -> Token:
    """Read the token from the environment, else from a file, else from the system's keyring.

    `keyring` is the service and the user name the token lies under there; service '' for none.
    """
    if environ.get(variable):
        return Token(environ[variable].strip())
    if file is not None and (text := _read(file)) is not None:
        return Token(text)
    service, username = keyring
    secret = _from_keyring(service, username) if service else None
    if secret:
        return Token(secret.strip())
    places = [Message.of("token.place.variable", variable=variable)]
    places += [Message.of("token.place.file", file=str(file))] if file else []
    places += [Message.of("token.place.keyring", service=service, username=username)] if service else []
    raise RedcapRefused("token.none", places=tuple(places), variable=variable)


def where_to_replace(
    environ: Mapping[str, str], *, variable: str, file: Path | None, keyring: tuple[str, str] = ("", "")
) -> Message:
    """How to put another token in the place of the one that `find_token` takes."""
    service, username = keyring
    if environ.get(variable) or not (file or service):
        return Message.of("token.replace.variable", variable=variable)
    if file is not None and (file.exists() or not service):
        return Message.of("token.replace.file", file=str(file))
    return Message.of("token.replace.keyring", service=service, username=username)


def _read(file: Path) -> str | None:
    """Read a token file, None where there is none, and warn of one that others can read.

    It is a warning and no refusal, because the secrets of containers are mounted so that every user of the one
    container may read them.
    """
    try:
        text, mode = read_text_file(file, largest=LARGEST), file.stat().st_mode
    except FileNotFoundError:
        return None
    except (OSError, ProjectFileWrong) as error:
        raise RedcapRefused("token.file", file=str(file), error=type(error).__name__) from None
    others = [who for who, bit in (("its group", stat.S_IRGRP), ("everybody", stat.S_IROTH)) if mode & bit]
    if others and os.name == "posix":
        log.warning(
            "The token file %s can be read by %s (mode %03o); the token in it opens every record of the project. "
            "What to do: chmod 600 %s",
            *(file, " and ".join(others), stat.S_IMODE(mode), file),
        )
    return text.strip()


def _from_keyring(service: str, username: str) -> str | None:
    import keyring
    from keyring.errors import KeyringError

    try:
        return keyring.get_password(service, username)
    except KeyringError as error:
        trouble = type(error).__name__
    raise RedcapRefused("token.keyring", error=trouble)
