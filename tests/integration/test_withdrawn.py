"""Structure that went keeps its findings until a person accepts it, and then they are withdrawn, never fixed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from nightround.cli.snapshots import snapshots
from nightround.model.finding import FindingState, Resolution
from nightround.model.outcome import Status
from nightround.night.accepted_structure import StructureTonight
from nightround.night.night_doubts import doubts_of
from tests.lying_study import LyingStudy, lying_study, place_of
from tests.made_findings import made_outcome


def without_event(study: LyingStudy, name: str) -> None:
    """Delete an event in REDCap, with its data and a line in the log."""
    study.server.post(content="event", action="delete", **{"events[0]": name})


def without_instrument(study: LyingStudy, name: str) -> None:
    """Delete an instrument with its fields: a new data dictionary is uploaded."""
    project = study.server.project
    structure = project.structure
    project.restructure(
        metadata=[row for row in structure.metadata if row["form_name"] != name],
        instruments=[one for one in structure.instruments if one.name != name],
        mapping=[pair for pair in structure.mapping if pair[1] != name],
        repeating=[one for one in structure.repeating if one.instrument != name],
    )
    project.log("designer", "manage", "Manage/Design", details="Upload data dictionary")


def without_field(study: LyingStudy, name: str) -> None:
    """Delete a field."""
    project = study.server.project
    project.restructure(metadata=[row for row in project.structure.metadata if row["field_name"] != name])
    project.log("designer", "manage", "Manage/Design", details="Delete project field")


def not_designated(study: LyingStudy, instrument: str) -> None:
    """Take an instrument out of the follow-up."""
    project = study.server.project
    event = study.event_id("followup_arm_1")
    project.restructure(mapping=[pair for pair in project.structure.mapping if pair != (event, instrument)])
    project.log("designer", "manage", "Manage/Design", details="Perform instrument-event mappings")


Change = tuple[Callable[[LyingStudy, str], None], str, set[str], Resolution]
CHANGES: dict[str, Change] = {
    "event": (without_event, "followup_arm_1", {"LAB-01", "VIS-01", "FAR-01"}, Resolution.RULE_WITHDRAWN),
    "repeating event": (without_event, "diary_arm_1", {"LAB-01"}, Resolution.RULE_WITHDRAWN),
    "instrument": (without_instrument, "visit", {"VIS-01"}, Resolution.FIELD_WITHDRAWN),
    "field": (without_field, "pain", {"VIS-01"}, Resolution.FIELD_WITHDRAWN),
    "designation": (not_designated, "labs", {"LAB-01"}, Resolution.RULE_WITHDRAWN),
}


@pytest.fixture
def study(tmp_path: Path) -> Iterator[LyingStudy]:
    """Three records with mistakes in every event, after their first round."""
    with lying_study(tmp_path, records=3) as one:
        one.round()
        yield one


@pytest.mark.parametrize("kind", CHANGES)
def test_what_went_keeps_its_findings_until_somebody_accepts_it(study: LyingStudy, kind: str) -> None:
    """Deleted in REDCap: open for as many nights as nobody accepts, the mail says why; accepted, they are withdrawn."""
    change, name, rules, resolution = CHANGES[kind]
    before = study.open_ones()
    change(study, name)
    for _ in range(2):
        summary = study.round()
        assert study.open_ones() == before
        assert not summary.complete
        assert f"'{name}'" in study.mails()
        assert "--structure --by NAME" in study.mails()
    study.accept(structure=True)
    closed = [one for one in study.findings() if one.state is not FindingState.OPEN]
    assert closed
    assert {one.state for one in closed} == {FindingState.WITHDRAWN}
    assert {one.resolution for one in closed} == {resolution}
    assert {one.rule_id for one in closed} <= rules
    assert study.open_ones() == before - {place_of(one) for one in closed}
    study.round()
    assert "was withdrawn" in study.mails()
    again = [one for one in study.findings() if one.state is not FindingState.OPEN]
    assert {one.resolution for one in again} <= {
        resolution,
        Resolution.FIXED,
        Resolution.EMPTIED,
        Resolution.OUT_OF_SCOPE,
    }
    assert {one.id for one in closed} <= {one.id for one in again}
    assert not any(one.resolution is Resolution.ROW_REMOVED for one in again)


@pytest.mark.parametrize("kind", CHANGES)
def test_a_structure_that_comes_back_goes_on(study: LyingStudy, kind: str) -> None:
    """A server that left a part of the structure out: the nights close nothing, and afterwards nothing is withdrawn."""
    change, name, _, _ = CHANGES[kind]
    before = study.open_ones()
    project = study.server.project
    structure = project.structure
    kept = {
        part: list(getattr(structure, part)) for part in ("metadata", "instruments", "events", "mapping", "repeating")
    }
    with study.leaving_out(lambda _record, _place: False):
        change(study, name)
        study.round()
        study.round(seconds=6)
        assert study.open_ones() == before
        project.restructure(**kept)
        project.log("designer", "manage", "Manage/Design", details="Restore")
    study.round()
    assert study.open_ones() == before
    assert all(one.state is FindingState.OPEN for one in study.findings())


def test_rows_that_a_returning_structure_leaves_out_are_suspect(study: LyingStudy) -> None:
    """An event goes with its rows and comes back without them: its findings stay open all the same."""
    before = study.open_ones()
    project = study.server.project
    kept = {part: list(getattr(project.structure, part)) for part in ("events", "mapping", "repeating")}
    without_event(study, "followup_arm_1")
    study.round()
    project.restructure(**kept)
    project.log("designer", "manage", "Manage/Design", details="Restore")
    for _ in range(2):
        assert study.round().suspects == 9
        assert study.open_ones() == before


def test_one_call_accepts_one_thing_and_names_who(study: LyingStudy) -> None:
    """A bare accept, both at once, a record of a structure and nobody's name are usage errors; each says what to do."""

    def called(*options: str) -> tuple[int, str]:
        done = CliRunner().invoke(snapshots, ["accept", str(study.folder), "--data", str(study.data), *options])
        return done.exit_code, done.output

    by = ("--by", "Dr. Data")
    for options in (by, ("--structure", "--suspects", *by)):
        code, output = called(*options)
        assert code == 2
        assert "either --structure or --suspects" in output
    assert called("--structure", "--record", "1", *by)[0] == 2
    assert called("--suspects", "--by", " ")[0] == 2
    assert called("--suspects")[0] == 2


@pytest.mark.parametrize(("unjudged", "many"), [(1, False), (2, True)])
def test_a_tenth_of_the_rules_may_stop_being_judged(unjudged: int, many: bool) -> None:  # noqa: FBT001
    """Of ten rules that were judged one may be not applicable; with two the night is in doubt."""
    before = [made_outcome(f"R{number}") for number in range(10)]
    after = [
        made_outcome(one.rule_id, status=Status.NOT_APPLICABLE if number < unjudged else Status.PASSED)
        for number, one in enumerate(before)
    ]
    doubts = doubts_of(StructureTonight(()), (), after, before)
    assert (bool(doubts), doubts.many_sudden, len(doubts.sudden)) == (many, many, unjudged)


def test_a_night_that_judges_much_less_is_red_and_closes_nothing_for_those_rules(study: LyingStudy) -> None:
    """Every weight is blanked: its rule is suddenly not applicable. Exit code 4 before 3, and JSON states both."""
    before = study.open_ones()
    for record in ("1", "2", "3"):
        study.server.write(record, weight="")
        study.diary(record, 1, weight="")
        study.server.write(record, initials="OK")
    summary = study.round()
    document = summary.document()
    assert summary.exit_code == 4
    assert document["unjudged"]["too_many"]
    assert document["unjudged"]["sudden"] > 0
    assert document["severe"]["count"] > 0
    weights = {one for one in before if one[0] in {"LAB-01", "FAR-01"}}
    assert study.open_ones() >= weights
    assert not any(one[0] == "INI-01" for one in study.open_ones())
    assert json.dumps(document)
