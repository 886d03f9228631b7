"""The API token never shows itself."""

import logging
from pathlib import Path

import pytest

from redcap_sync.api.token import Token, find_token
from redcap_sync.errors import RedcapRefused

SECRET = "0123456789ABCDEF0123456789ABCDEF"


def test_a_token_is_masked_in_every_form() -> None:
    """Neither repr, str nor format of a token shows a character of it."""
    token = Token(SECRET)
    assert SECRET not in f"{token!r} {token!s} {token} {[token]}"
    assert token.reveal() == SECRET


def test_a_token_of_the_wrong_length_is_refused_without_showing_it() -> None:
    """A cut token is refused, and the message does not repeat it."""
    with pytest.raises(RedcapRefused) as caught:
        Token("SHORTSECRET")
    assert "SHORTSECRET" not in str(caught.value)


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    """A token in the environment is taken before the one in the file; blanks around it do not count."""
    file = tmp_path / "token"
    file.write_text("F" * 32 + "\n")
    file.chmod(0o600)
    assert find_token({"T": SECRET}, variable="T", file=file).reveal() == SECRET
    assert find_token({}, variable="T", file=file).reveal() == "F" * 32


def test_no_token_says_where_one_is_looked_for() -> None:
    """Without a token the error names the variable."""
    with pytest.raises(RedcapRefused, match="no API token") as caught:
        find_token({}, variable="REDCAP_TOKEN", file=None)
    assert "REDCAP_TOKEN" in caught.value.remedy


@pytest.mark.parametrize(
    ("mode", "told"),
    [(0o600, ""), (0o400, ""), (0o640, "its group (mode 640)"), (0o644, "its group and everybody (mode 644)")],
)
def test_a_token_file_that_others_can_read_is_warned_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, mode: int, told: str
) -> None:
    """The token is taken, and a warning names the file, who can read it and the command that fixes it."""
    file = tmp_path / "token"
    file.write_text(SECRET)
    file.chmod(mode)
    with caplog.at_level(logging.WARNING):
        assert find_token({}, variable="T", file=file).reveal() == SECRET
    assert bool(caplog.records) == bool(told)
    assert told in caplog.text
    assert SECRET not in caplog.text
    if told:
        assert f"chmod 600 {file}" in caplog.text


@pytest.mark.parametrize("trouble", ["bytes", "denied"])
def test_a_token_file_that_cannot_be_read_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    """Bytes that are no text, and a file of somebody else, end in words without what was read."""
    file = tmp_path / "token"
    file.write_bytes(b"SECRET\xff")
    if trouble == "denied":

        def denied(*_anything: object, **_named: object) -> int:
            raise PermissionError

        file.write_bytes(b"SECRET")
        monkeypatch.setattr("redcap_sync.regular_files.os.open", denied)
    with pytest.raises(RedcapRefused, match="cannot be read") as caught:
        find_token({}, variable="T", file=file)
    assert caught.value.__cause__ is None
    assert "SECRET" not in str(caught.value)
