"""The token shows nowhere: not in a URL, a log, an exception or anything that hangs on one."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from redcap_sync.api.token import find_token
from redcap_sync.errors import ExplainedError, RedcapRefused
from redcap_sync.sandbox.faults import KINDS
from tests.pull_examples import Served, served

SECRET = "0123456789ABCDEF0123456789ABCDEF"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Served]:
    """A server whose faults can be scripted."""
    with served(tmp_path / "project", records=6) as one:
        yield one


def everything_of(error: BaseException) -> str:
    """Every text that hangs on an exception: itself, its causes and contexts, their attributes and requests."""
    seen: list[object] = []
    texts: list[str] = []

    def look(thing: object, depth: int) -> None:
        if depth > 6 or any(thing is one for one in seen):
            return
        seen.append(thing)
        texts.append(repr(thing) + str(thing))
        if isinstance(thing, dict):
            for value in thing.values():
                look(value, depth + 1)
        elif isinstance(thing, list | tuple | set):
            for value in thing:
                look(value, depth + 1)
        elif isinstance(thing, BaseException) or type(thing).__module__.startswith(("requests", "urllib3")):
            look(vars(thing) if hasattr(thing, "__dict__") else "", depth + 1)
        if isinstance(thing, BaseException):
            look(thing.args, depth + 1)
            look(thing.__cause__, depth + 1)
            look(thing.__context__, depth + 1)

    look(error, 0)
    return " ".join(texts)


@pytest.mark.parametrize("kind", sorted(KINDS - {"changed", "half", "wrong_clock"}))
def test_a_failing_server_makes_nobody_tell_the_token(
    server: Served, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    """With every logger at DEBUG neither the logs nor the exception, to its last attribute, hold the token."""
    caplog.set_level(logging.DEBUG)
    for name in ("urllib3", "requests", "redcap", "uvicorn", "nightround", "redcap_sync"):
        caplog.set_level(logging.DEBUG, logger=name)
    server.client = server.fresh_client(timeout_seconds=0.3, attempts=2)
    server.faults.script(kind, times=10_000, seconds=0.6)
    token = server.sandbox.token(server.project)
    with pytest.raises(ExplainedError) as caught:
        server.pull()
    assert token not in everything_of(caught.value)
    assert token not in caplog.text
    assert "POST /api/" in caplog.text or kind in {"slow", "dropped"}, "urllib3 did log at DEBUG"


def test_nothing_listening_tells_no_token(caplog: pytest.LogCaptureFixture) -> None:
    """A refused connection carries the request in its exception; ours does not carry that exception."""
    from redcap_sync.api.client import RedcapClient
    from redcap_sync.api.token import Token

    caplog.set_level(logging.DEBUG)
    client = RedcapClient("http://127.0.0.1:9/api/", Token(SECRET), attempts=2, sleep=lambda _: None)
    with pytest.raises(ExplainedError) as caught:
        client.version()
    assert SECRET not in everything_of(caught.value) + caplog.text + repr(client)
    assert caught.value.__context__ is None


class FakeKeyring:
    """A keyring that contains one token."""

    def get_password(self, service: str, username: str) -> str | None:
        """Give the token of one study."""
        return SECRET if (service, username) == ("redcap", "study_1") else None


def test_a_token_from_the_keyring(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The keyring is asked after environment and file; what it does not hold is reported without a secret."""
    import keyring

    monkeypatch.setattr(keyring, "get_password", FakeKeyring().get_password)
    places: dict[str, Any] = {"variable": "T", "file": tmp_path / "absent"}
    assert find_token({}, **places, keyring=("redcap", "study_1")).reveal() == SECRET
    assert find_token({"T": "F" * 32}, **places, keyring=("redcap", "study_1")).reveal() == "F" * 32
    with pytest.raises(RedcapRefused, match="no API token") as caught:
        find_token({}, **places, keyring=("redcap", "other"))
    assert "keyring has nothing for redcap and other" in caught.value.why


def test_a_keyring_that_cannot_be_read_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    """A locked or absent keyring ends in 12 with another way to give the token."""
    import keyring
    from keyring.errors import NoKeyringError

    def absent(_service: str, _username: str) -> str:
        raise NoKeyringError(SECRET)

    monkeypatch.setattr(keyring, "get_password", absent)
    with pytest.raises(RedcapRefused, match="keyring cannot be read") as caught:
        find_token({}, variable="T", file=None, keyring=("redcap", "study_1"))
    assert SECRET not in everything_of(caught.value)
