"""Which findings can be queries of the Data Resolution Workflow, and the reason against each other one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nightround.findings.workflow_plan import place_in_workflow, reason_against_query
from redcap_sync.dictionary import Dictionary
from tests.made_findings import made_finding, made_row
from tests.sandbox_examples import longitudinal_project, simple_project


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Dictionary:
    """Two events, of which one repeats; `visit` repeats in the other, `labs` does not."""
    return longitudinal_project(tmp_path_factory.mktemp("project")).dictionary


@pytest.mark.parametrize(
    ("event", "fields", "more", "reason"),
    [
        ("followup_arm_1", ("weight",), {}, None),
        ("screening_arm_1", ("complaint",), {}, None),
        ("followup_arm_1", ("weight", "height"), {}, "one_field"),
        ("followup_arm_1", (), {}, "one_field"),
        ("followup_arm_1", ("weight",), {"others": (made_row("2"),)}, "one_field"),
        ("followup_arm_1", ("pain",), {"instance": 1}, "repeats"),
        ("followup_arm_1", ("pain",), {}, "repeats"),
        ("diary_arm_1", ("weight",), {"instance": 2}, "repeats"),
        ("diary_arm_1", ("weight",), {}, "repeats"),
        ("followup_arm_1", ("no_such",), {}, "no_field"),
        ("followup_arm_1", ("hint",), {}, "no_field"),
        ("screening_arm_1", ("weight",), {}, "no_event"),
        ("no_such_event", ("weight",), {}, "no_event"),
    ],
)
def test_a_query_is_about_one_field_that_does_not_repeat(
    project: Dictionary, event: str, fields: tuple[str, ...], more: dict[str, Any], reason: str | None
) -> None:
    """Anything else is asked about by the instrument, or not, and the reason says why."""
    row = made_row("1", event=event, instrument="any", instance=more.pop("instance", 0))
    found = reason_against_query(made_finding(row=row, fields=fields, **more), project)
    assert (found.value if found else None) == reason


def test_an_event_without_a_number_has_no_query(project: Dictionary) -> None:
    """Older servers do not show the numbers of events, which the module asks for."""
    unnumbered = replace(project, events=tuple(replace(one, event_id=None) for one in project.events))
    finding = made_finding(row=made_row("1", event="followup_arm_1", instrument="labs"), fields=("weight",))
    against = reason_against_query(finding, unnumbered)
    assert against is not None
    assert against.value == "no_event"


def test_a_project_without_events_needs_no_number(tmp_path: Path) -> None:
    """Its only event has one that nobody sees; the module puts it there."""
    classic = simple_project(tmp_path / "project").dictionary
    finding = made_finding(row=made_row("1", event="", instrument="labs"), fields=("weight",))
    assert reason_against_query(finding, classic) is None
    assert place_in_workflow(finding, classic) == ("1", "", "weight")
