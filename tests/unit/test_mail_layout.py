"""Mails keep to what Outlook, Gmail and phones all show: tables, inline styles, and one sheet for the dark."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

import pytest

from nightround.digests.failed_round import FailedRound, failure_notice
from nightround.digests.floods import FloodSeen
from nightround.digests.notice import NightState, RunSummary
from nightround.findings.worklist_lines import LineFate, LineReceipt
from nightround.model.doubts import Unjudged
from nightround.model.finding import FindingState, LedgerDelta, Resolution
from nightround.model.language import LANGUAGES, Language, Words
from nightround.model.rule import Severity
from nightround.night.inbox_receipts import FileReceipt
from redcap_sync.errors import RedcapUnreachable
from redcap_sync.messages import Message
from tests.made_findings import made_finding, made_row
from tests.unit.test_alerts_digest import COORDINATOR, MANAGER, PLACES, TUESDAY, findings_of, notice_of

# What caniemail.com lists as shown by Outlook for Windows, Gmail and Apple Mail alike, or as ignored without harm.
TAGS = {"html", "head", "meta", "title", "style", "body", "table", "tr", "td", "div", "span", "a"}
ATTRIBUTES = {
    "html": {"lang"},
    "meta": {"charset", "name", "content"},
    "body": {"class", "style"},
    "table": {"class", "style", "role", "cellpadding", "cellspacing", "border", "width", "bgcolor"},
    "td": {"class", "style", "align", "valign", "width", "height", "bgcolor"},
    "div": {"class", "style"},
    "span": {"class", "style"},
    "a": {"class", "style", "href"},
}
PROPERTIES = {
    *("background-color", "color", "font-family", "font-size", "font-weight", "line-height", "text-align"),
    *("text-decoration", "padding", "padding-top", "border-left", "border-bottom", "margin", "max-width", "height"),
    *("display",),
}
DISPLAYS = {"block"}
DARK = {"background-color", "color", "border-color"}
SHEET = re.compile(r"\s*@media \(prefers-color-scheme: dark\) \{\s*(?P<rules>(?:\.[\w-]+ \{[^{}]*\}\s*)*)\}\s*")
VOID = {"meta"}
LINK_HEIGHT = 44
"""Pixels that a finger finds (Apple's Human Interface Guidelines, 44 pt; WCAG 2.2, 2.5.5, 44 CSS pixels)."""


def declarations(style: str) -> dict[str, str]:
    """The properties of an inline style."""
    pairs = (one.partition(":") for one in style.split(";") if one.strip())
    return {name.strip(): value.strip() for name, _, value in pairs}


class _Layout(HTMLParser):
    """Reads a mail and asserts that each tag, attribute and property is an allowed one."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.classes: set[str] = set()
        self.sheets: list[str] = []
        self.links: list[dict[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Check a tag."""
        found = {name: value or "" for name, value in attrs}
        assert tag in TAGS
        assert found.keys() <= ATTRIBUTES.get(tag, set()), (tag, found)
        style = declarations(found.get("style", ""))
        assert style.keys() <= PROPERTIES, style
        assert style.get("display", "block") in DISPLAYS
        assert "url(" not in found.get("style", "")
        self.classes |= set(found.get("class", "").split())
        if tag == "a":
            self.links.append(style)
            assert re.match(r"https?://", found["href"])
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Check that what is closed is what was opened last: Word closes the wrong one otherwise."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Keep the sheet."""
        if self.open and self.open[-1] == "style":
            self.sheets.append(data)


def layout_of(page: str) -> _Layout:
    """Read a page with every comment, also those for Outlook alone, as text."""
    reader = _Layout()
    reader.feed(page.replace("<!DOCTYPE html>", ""))
    reader.close()
    assert reader.open == []
    return reader


def pages(language: Language) -> dict[str, str]:
    """One page of each kind of mail."""
    reader, manager = replace(COORDINATOR, language=language), replace(MANAGER, language=language)
    worst = made_finding("C", made_row("7"), severity=Severity.CRITICAL)
    closed = made_finding("X", state=FindingState.RESOLVED, resolution=Resolution.FIXED)
    busy = LedgerDelta(opened=(*findings_of(30), worst), reopened=(made_finding("B"),), resolved=(closed,))
    off = {"VIL-01": Message.of("outcome.switched_off", until="2025-06-01", reason="new assay")}
    red = RunSummary(
        NightState.INCOMPLETE,
        known=9,
        judged=3,
        unjudged={"C": Message.of("outcome.no_row"), **off},
        switched_off=frozenset(off),
        judgements=Unjudged(6, 9, 0, 9),
        floods=(FloodSeen("VIL-01", 30, 90),),
    )
    failed = FailedRound([RedcapUnreachable("api.busy", status=503)], "pull", undone=["pull"])
    monday = TUESDAY - timedelta(days=1)
    lines = (LineReceipt(3, worst.id, LineFate.REFUSED, why=Message.of("worklist.newer")),)
    receipt = FileReceipt(TUESDAY, lines, place="done/study_00001_receipt.csv")
    return {
        "busy": notice_of(busy, recipient=reader).html,
        "hidden": notice_of(busy, recipient=reader, places=replace(PLACES, record_id_allowed=False)).html,
        "quiet": notice_of(LedgerDelta(persisting=(worst,)), recipient=reader, now=monday).html,
        "older": notice_of(replace(busy, persisting=(*findings_of(3), worst)), recipient=reader).html,
        "receipt": receipt.notice(Words("题 <b>", "A <b>"), reader).html,
        "red": notice_of(busy, recipient=manager, night=red, synthetic=True).html,
        "failed": failure_notice(
            Words("题目 <b>", "A <b> study"), failed, recipient=manager, now=datetime.now(UTC), synthetic=True
        ).html,
    }


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", ["busy", "hidden", "quiet", "older", "receipt", "red", "failed"])
def test_a_mail_keeps_to_what_every_mail_program_shows(language: Language, kind: str) -> None:
    """Tags, attributes and properties are of the list; the one sheet is for the dark, and knows each class."""
    layout = layout_of(pages(language)[kind])
    (sheet,) = layout.sheets
    rules = SHEET.fullmatch(sheet)
    assert rules is not None
    for body in re.findall(r"\{([^{}]*)\}", rules["rules"]):
        assert declarations(body.replace(" !important", "")).keys() <= DARK
    assert layout.classes <= {*re.findall(r"\.([\w-]+) ", rules["rules"]), "badge-major", "badge-minor"}
    assert all(style["line-height"] == f"{LINK_HEIGHT}px" for style in layout.links)
