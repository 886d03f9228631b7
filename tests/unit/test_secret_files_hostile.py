"""A file of a token or of a key that is none is refused at once, and nothing of it is shown."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from nightround.snapshots.vault import find_key
from redcap_sync.api.token import find_token
from redcap_sync.errors import ExplainedError

KINDS = ("pipe", "device", "folder", "loop", "gigabytes", "latin", "text", "long name", "NUL")
SECRET = "SECRET-SECRET-SECRET"


def hostile(folder: Path, kind: str) -> Path:
    """A path of some kind."""
    file = folder / "secret"
    if kind == "pipe":
        os.mkfifo(file)
    elif kind == "folder":
        file.mkdir()
    elif kind == "gigabytes":
        file.touch()
        os.truncate(file, 2**32)
    elif kind in ("latin", "text"):
        file.write_bytes(SECRET.encode() + (b"\xe9" if kind == "latin" else "é".encode()))
    elif kind in ("device", "loop"):
        file.symlink_to({"device": "/dev/zero", "loop": "secret"}[kind])
    else:
        return folder / {"long name": "a" * 5000, "NUL": "a\0b"}[kind]
    return file


@pytest.mark.parametrize("kind", KINDS)
def test_a_token_file(tmp_path: Path, kind: str) -> None:
    """The error is one of the token, exit code 12."""
    with pytest.raises(ExplainedError) as caught:
        find_token({}, variable="REDCAP_TOKEN", file=hostile(tmp_path, kind))
    assert caught.value.exit_code == 12
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("kind", KINDS)
def test_a_key_file(tmp_path: Path, kind: str) -> None:
    """The error is one of the study's files, exit code 10."""
    with pytest.raises(ExplainedError) as caught:
        find_key({}, variable="KEY", file=hostile(tmp_path, kind))
    assert caught.value.exit_code == 10
    assert SECRET not in str(caught.value)


def test_a_key_of_other_characters_in_the_environment() -> None:
    """What is no base64 is refused, whatever its characters."""
    with pytest.raises(ExplainedError) as caught:
        find_key({"KEY": "é" * 44}, variable="KEY", file=None)
    assert caught.value.exit_code == 10
