"""What a text may have when it leaves the program: no secret, no user info of an address, no control character."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote, quote_plus, unquote, urlsplit

MASK = "***"
SHORTEST_SECRET = 6
"""Characters; a shorter one would mask parts of ordinary words. In an address it is masked all the same."""
HALF = "\ufffd"
"""Stands for half a character, which cannot be encoded."""

_LINE_ENDS = re.compile("\r\n?|[\u2028\u2029]")
_CONTROL = re.compile(
    "["
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 and C1 but tab and newline
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # those that turn the writing direction
    "\U000e0000-\U000e007f"  # tags, which no font shows
    "]"
)
_HALVES = re.compile("[\ud800-\udfff]")
_USER_INFO = re.compile(r"(?<=://)[^\s/?#\"'<>]*@")
_TOKEN = re.compile(r"(?<![0-9A-Fa-f])(?:[0-9A-Fa-f]{32}|[0-9A-F]{64})(?![0-9A-Fa-f])")
"""An API token, or a super token, by its form. The hash of a snapshot has 64 digits in lower case."""

_secrets: list[str] = []
"""The longest first: one may be part of another."""


def keep_secret(secret: str) -> None:
    """Mask a secret in every text that leaves this process from now on, in the forms an address or JSON gives it."""
    if len(secret) >= SHORTEST_SECRET:
        forms = {secret, quote(secret), quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1]}
        _secrets[:] = sorted(forms.union(_secrets), key=len, reverse=True)


def keep_secrets_of(url: str) -> None:
    """Keep the password of an address secret, also where it is alone."""
    try:
        password = urlsplit(url).password
    except ValueError:
        return
    for form in {password or "", unquote(password or "")}:
        keep_secret(form)


def clean(text: str) -> str:
    """A text without control characters but tab and newline, with every secret masked.

    Control characters go first: one in the middle of a secret would hide it from the mask.
    """
    return masked(text if text.isascii() and text.isprintable() else _stripped(text))


def one_line(text: str) -> str:
    """The same in one line: line ends and tabs become blanks."""
    return re.sub(r"[\n\t]", " ", clean(text))


def masked(text: str) -> str:
    """A text without the secrets of this process, tokens by their form, and the user info of addresses."""
    for secret in _secrets:
        text = text.replace(secret, MASK)
    if "://" in text:
        text = _USER_INFO.sub(f"{MASK}@", text)
    return _TOKEN.sub(MASK, text)


def clean_tree(thing: Any) -> Any:
    """The same thing with every text in it cleaned: what a JSON document is made of, names of keys too."""
    if isinstance(thing, str):
        return clean(thing)
    if isinstance(thing, Mapping):
        return {clean_tree(name): clean_tree(value) for name, value in thing.items()}
    if isinstance(thing, Iterable) and not isinstance(thing, bytes):
        return [clean_tree(one) for one in thing]
    return thing


def _stripped(text: str) -> str:
    return _HALVES.sub(HALF, _CONTROL.sub("", _LINE_ENDS.sub("\n", text)))
