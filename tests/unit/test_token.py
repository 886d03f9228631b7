"""The API token never shows itself."""

from pathlib import Path

import pytest

from redcap_sync.errors import RedcapRefused
from redcap_sync.token import Token, find_token

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
    assert find_token({"T": SECRET}, variable="T", file=file).reveal() == SECRET
    assert find_token({}, variable="T", file=file).reveal() == "F" * 32


def test_no_token_says_where_one_is_looked_for() -> None:
    """Without a token the error names the variable."""
    with pytest.raises(RedcapRefused, match="no API token") as caught:
        find_token({}, variable="REDCAP_TOKEN", file=None)
    assert "REDCAP_TOKEN" in caught.value.remedy
