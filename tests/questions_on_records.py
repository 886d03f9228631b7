"""Projects that have the instrument of questions, and the questions that are on their records."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Mapping, Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

import requests

from redcap_sync.api.client import RedcapClient
from redcap_sync.write_back.query_instrument import INSTRUMENT, dictionary_rows


def with_instrument(project: Path, folder: Path) -> Path:
    """A copy of the folder of a classic project, in which the instrument of questions repeats."""
    shutil.copytree(project, folder)
    with (folder / "metadata.csv").open("a", encoding="utf-8", newline="") as file:
        csv.DictWriter(file, list(dictionary_rows()[0]), lineterminator="\n").writerows(dictionary_rows())
    with (folder / "instruments.csv").open("a", encoding="utf-8") as file:
        file.write("data_query,Data queries\n")
    (folder / "repeating.csv").write_text("event_name,form_name,custom_form_label\n,data_query,\n", encoding="utf-8")
    return folder


def questions_of(client: RedcapClient, records: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The questions that records have in REDCap, by their id."""
    rows = client.records(list(records), [INSTRUMENT])
    return {row["dq_id"]: row for row in rows if row.get("redcap_repeat_instrument") == INSTRUMENT}


class _Form(HTMLParser):
    """What a browser would send of the form of a page, and what else it shows."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.sent: dict[str, str] = {}
        self.offered: dict[str, list[str]] = {}
        """The values of each choice."""
        self._area = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take a control with the value that it has."""
        given = {name: value or "" for name, value in attrs}
        name, kind = given.get("name", ""), given.get("type", "text")
        if tag == "input" and kind in ("radio", "checkbox"):
            self.offered.setdefault(name, []).append(given["value"])
            self.sent |= {name: given["value"]} if "checked" in given else {}
        elif tag == "input":
            self.sent[name] = given.get("value", "")
        elif tag == "textarea":
            self._area, self.sent[name] = name, ""

    def handle_endtag(self, tag: str) -> None:
        """Leave a control of several lines."""
        self._area = "" if tag == "textarea" else self._area

    def handle_data(self, data: str) -> None:
        """Take the text of a control of several lines."""
        if self._area:
            self.sent[self._area] += data


def typed_on_page(address: str, by: str, **values: str) -> str:
    """Open the page of an instrument as a browser does, type values into it, and save it; gives the page after that.

    What the page does not offer cannot be typed.
    """
    form = _Form(requests.get(address, timeout=30).text)
    for name, value in values.items():
        assert name in form.sent or value in form.offered.get(name, ()), f"the page does not offer {name}"
    answer = requests.post(address.partition("#")[0], data={**form.sent, **values, "saved-by": by}, timeout=30)
    assert answer.ok
    return answer.text


def page_of_question(row: Mapping[str, Any], finding_link: str) -> str:
    """The address of a question on its record, in the project that the link of a finding leads to."""
    where = parse_qs(urlsplit(finding_link).query)
    asked = {"pid": where["pid"][0], "id": row["record_id"], "page": INSTRUMENT}
    asked |= {"event_id": where["event_id"][0]} if "event_id" in where else {}
    query = urlencode({**asked, "instance": row["redcap_repeat_instance"]})
    return urlunsplit(urlsplit(finding_link)._replace(query=query, fragment=""))
