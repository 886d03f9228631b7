"""What a text of a study file may hold: no control characters anywhere, and a narrower form for ids and addresses."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from email.utils import parseaddr
from typing import Annotated, Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, StringConstraints

from nightround.study.study_model import wrong_value
from nightround.study.working_days import is_known_country

LONGEST_ID = 64
LONGEST_LINE = 1000
LONGEST_SHORT = 24
LONGEST_ADDRESS = 254
"""Of a mail address, by RFC 5321."""
ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
DEVICES = frozenset({"con", "prn", "aux", "nul", *(f"{one}{n}" for one in ("com", "lpt") for n in range(10))})
"""Names that Windows gives to devices, with whatever extension: a study folder may lie on a shared drive."""
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
LOCAL_PART = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
DOMAIN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*")
COUNTRY = re.compile(r"[A-Z]{2}")
HOUR = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]")
LINE_BREAKS = "\n\r\t\x85\u2028\u2029"
DIRECTIONS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Characters that turn the direction of text, so that it is read as something else than it is."""


def control_character(text: str) -> str:
    """The first character that no text may hold, such as NUL; '' where there is none. Tabs and new lines may be."""
    found = (
        one for one in text if one in DIRECTIONS or (unicodedata.category(one) in ("Cc", "Cs") and one not in "\n\t")
    )
    return next(found, "")


def texts_within(value: Any) -> Iterator[tuple[str, str]]:
    """Each text of a TOML document, keys among them, with its place; however deep, without recursion."""
    waiting: list[tuple[str, Any]] = [("", value)]
    while waiting:
        place, one = waiting.pop()
        if isinstance(one, str):
            yield place, one
        elif isinstance(one, dict):
            for key, inner in one.items():
                yield place, key
                waiting.append((f"{place}.{key}"[-LONGEST_LINE:].lstrip("."), inner))
        elif isinstance(one, list):
            waiting += [(f"{place}.{number}"[-LONGEST_LINE:].lstrip("."), inner) for number, inner in enumerate(one)]


def is_id(text: str) -> bool:
    """Whether a text may name a study or a rule, and so a folder or a file."""
    return len(text) <= LONGEST_ID and bool(ID.fullmatch(text)) and text.lower() not in DEVICES


def _id(text: str) -> str:
    if not is_id(text):
        raise wrong_value("id", longest=LONGEST_ID)
    return text


def _line(text: str) -> str:
    if any(one in text for one in LINE_BREAKS):
        raise wrong_value("line")
    return text


def _filled(text: str) -> str:
    if not text.strip():
        raise wrong_value("blank")
    return text


def _variable(text: str) -> str:
    if not VARIABLE.fullmatch(text):
        raise wrong_value("variable")
    return text


def _address(text: str) -> str:
    local, _, domain = text.rpartition("@")
    if len(text) > LONGEST_ADDRESS or not LOCAL_PART.fullmatch(local) or not DOMAIN.fullmatch(domain):
        raise wrong_value("address")
    return text


def _sender(text: str) -> str:
    name, address = parseaddr(text)
    _address(address)
    if text not in {address, f"{name} <{address}>", f'"{name}" <{address}>'}:
        raise wrong_value("sender")
    return text


def _time_zone(text: str) -> str:
    try:
        ZoneInfo(text)
    except (KeyError, ValueError, OSError):  # unknown, a path out of the list of zones, a folder of it
        raise wrong_value("time_zone") from None
    return text


def _hour(text: str) -> str:
    if not HOUR.fullmatch(text):
        raise wrong_value("hour")
    return text


def _web_address(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query or parts.fragment:
        raise wrong_value("web_address")
    return text.rstrip("/")


def _country(text: str) -> str:
    if not COUNTRY.fullmatch(text) or not is_known_country(text):
        raise wrong_value("country")
    return text


Line = Annotated[str, StringConstraints(max_length=LONGEST_LINE), AfterValidator(_line)]
"""A text of one line."""
FilledLine = Annotated[Line, AfterValidator(_filled)]
"""A text of one line that says something."""
ShortLine = Annotated[str, StringConstraints(max_length=LONGEST_SHORT), AfterValidator(_line), AfterValidator(_filled)]
"""A name so short that the rest of a subject can still be read on a phone."""
Id = Annotated[str, AfterValidator(_id)]
"""An id that may be the name of a file: letters, digits, _ and -, the first one a letter or digit."""
EnvironmentName = Annotated[str, AfterValidator(_variable)]
"""The name of an environment variable."""
MailAddress = Annotated[str, AfterValidator(_address)]
"""A mail address without a display name."""
SenderAddress = Annotated[FilledLine, AfterValidator(_sender)]
"""A mail address, with a display name or without: `Nightround <alerts@hospital.example>`."""
HourOfDay = Annotated[str, AfterValidator(_hour)]
"""An hour of the day as `02:30`, from 00:00 to 23:59."""
TimeZone = Annotated[str, AfterValidator(_time_zone)]
"""The name of a time zone that is known."""
WebAddress = Annotated[Line, AfterValidator(_web_address)]
"""An address of http or https without user, query and fragment."""
Country = Annotated[str, AfterValidator(_country)]
"""The two letters of a country whose working days are known."""
