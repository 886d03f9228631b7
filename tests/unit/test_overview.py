"""The data manager's overview: its numbers are those of the findings and their history, and its page needs nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nightround.digests.overview import NIGHTS, Overview, overview_of
from nightround.digests.overview_page import OverviewFacts, overview_page
from nightround.digests.templates import load_digest_templates
from nightround.model.finding import Finding, FindingState
from nightround.model.finding_answer import Change
from nightround.model.language import LANGUAGES, Language, Words
from nightround.model.rule import Severity
from redcap_sync.rows.tables import RowKey

TEMPLATES = Path(__file__).parents[2] / "report_templates" / "digest"
DAY = date(2025, 7, 1)
OPEN, RESOLVED, WAIVED = FindingState.OPEN, FindingState.RESOLVED, FindingState.WAIVED
CHANGES = {OPEN: Change.REOPENED, RESOLVED: Change.RESOLVED, WAIVED: Change.WAIVED}


@dataclass(frozen=True)
class Line:
    """A line of a made-up history."""

    finding_id: str
    run_id: int
    change: Change
    was: FindingState | None


def finding(name: str, state: FindingState = OPEN, **more: object) -> Finding:
    """A made-up finding of the record of its name."""
    now = datetime(2025, 7, 1, tzinfo=UTC)
    made = Finding(
        name, "s", "R-1", RowKey(name, "", "visit", 0), ("age",), Severity.MAJOR, "coordinator", state, now, now
    )
    return replace(made, **more)  # type: ignore[arg-type]


def lines_of(lives: dict[str, list[FindingState | None]]) -> Iterator[Line]:
    """The history of findings whose state after each night is given; None before one was opened."""
    nights = max(map(len, lives.values()), default=0)
    for night in range(nights):
        for name, states in lives.items():
            before, after = (states[night - 1] if night else None), states[night]
            if after is not None and after is not before:
                yield Line(name, night + 1, Change.OPENED if before is None else CHANGES[after], before)


LIVES = st.lists(
    st.tuples(st.integers(0, 5), st.lists(st.sampled_from([OPEN, RESOLVED, WAIVED]), min_size=6, max_size=6)),
    max_size=8,
)


@settings(max_examples=60)
@given(drawn=LIVES, known=st.integers(1, 6))
def test_each_night_is_what_it_was(drawn: list[tuple[int, list[FindingState]]], known: int) -> None:
    """Going back along the history gives the counts of each night, also where the history before is not read."""
    lives = {
        f"f{number}": [None] * start + [OPEN, *states][: 6 - start] for number, (start, states) in enumerate(drawn)
    }
    findings = [finding(name, states[-1] or OPEN) for name, states in lives.items()]
    shown = [(run, DAY + timedelta(days=run)) for run in range(7 - known, 7)]
    history = [line for line in lines_of(lives) if line.run_id >= shown[0][0]]
    found = overview_of(findings, history, shown, None)
    for (run, _), night in zip(shown, found.nights, strict=True):
        assert night.open == sum(states[run - 1] is OPEN for states in lives.values())
        own = [line for line in history if line.run_id == run]
        assert night.new == sum(line.change in (Change.OPENED, Change.REOPENED) for line in own)
        assert night.closed == sum(line.change is Change.RESOLVED for line in own)
    assert found.total.open == sum(one.state is OPEN for one in findings)


def small() -> Overview:
    """Two groups, two owners, one finding that another one speaks for, one that was closed tonight."""
    findings = [
        finding("1", rule_id="R-2", severity=Severity.CRITICAL),
        finding("2", owner="data_manager"),
        finding("3", under="2"),
        finding("4", RESOLVED),
        finding("5", WAIVED),
    ]
    history = [
        Line("1", 7, Change.OPENED, None),
        Line("4", 7, Change.RESOLVED, OPEN),
        Line("3", 7, Change.OPENED, None),
    ]
    nights = [(6, DAY), (7, DAY + timedelta(days=1))]
    return overview_of(findings, history, nights, {"1": "north", "2": "south"})


def test_rules_owners_and_groups_add_up() -> None:
    """Each table counts every finding once, the worst first; what another finding speaks for is in none."""
    found = small()
    assert (found.total.open, found.total.new, found.total.closed) == (2, 1, 1)
    assert [(one.name, one.open) for one in found.by_rule] == [("R-2", 1), ("R-1", 1)]
    assert [(one.name, one.open) for one in found.by_owner] == [("coordinator", 1), ("data_manager", 1)]
    assert {one.name: one.open for one in found.by_group} == {"north": 1, "south": 1, "": 0}
    assert found.quiet[WAIVED] == 1
    assert [night.open for night in found.nights] == [2, 2]


def page_of(found: Overview, language: Language, *, complete: bool = True) -> str:
    """The page of some numbers."""
    facts = OverviewFacts(
        title=Words("甲研究", "Study A"),
        now=datetime(2025, 7, 2, 2, 30, tzinfo=UTC),
        rules={},
        group_labels={"north": "北区 North <ward>"},
        complete=complete,
        synthetic=True,
    )
    return overview_page(found, facts, load_digest_templates(TEMPLATES), language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_is_whole_by_itself(language: Language) -> None:
    """No script, nothing from outside, one language, everything escaped, a bar a night within the chart."""
    page = page_of(small(), language)
    assert "<script" not in page
    assert re.findall(r"(?:src|href)=|url\(|@import", page) == []
    assert bool(re.search("[\u3400-\u9fff]", page.replace("</style>", "").partition("<body>")[2])) == (language == "zh")
    assert "<ward>" not in page
    assert len(re.findall("<rect ", page)) == 3 * 2
    assert all(float(y) >= 0 for y in re.findall(r'<rect x="[0-9.]+" y="([0-9.-]+)"', page))
    assert all(float(x) < NIGHTS * 10 for x in re.findall(r'<rect x="([0-9.]+)"', page))


def test_an_incomplete_night_says_so() -> None:
    """The page of a night that could not see everything begins with that."""
    assert "INCOMPLETE" in page_of(small(), "en", complete=False)
    assert "INCOMPLETE" not in page_of(small(), "en")


def test_a_study_without_findings_has_a_page() -> None:
    """Nothing open and no history is a page that says so."""
    assert "Nothing is open" in page_of(overview_of([], [], [(1, DAY)], None), "en")
