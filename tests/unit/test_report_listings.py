"""The records behind each count: as many as the count says, named as the study allows, and forgotten with a patient."""

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import cast

import pytest

from nightround.model.language import LANGUAGES, Language
from nightround.model.snapshot import Snapshot
from nightround.report.forget_in_reports import forget_in_reports
from nightround.report.listing_files import LISTINGS, make_listings
from nightround.report.making import Press
from nightround.report.numbers.computing import patients_of
from nightround.report.numbers.facts import Version
from nightround.report.numbers.gathering import inputs_of
from nightround.report.numbers.inputs import ReportInputs
from nightround.report.numbers.listings import CountSource, RecordListing, listings_of
from nightround.report.open_version.opened import open_inputs
from nightround.report.tables.listing_lines import listing_tables, records_text
from nightround.study.plan import Plan
from nightround.texts.catalogue import read_wording
from tests.interim_samples import (
    AGE_RULE,
    PLANNED,
    KeptSnapshots,
    edition_of,
    open_finding,
    patients,
    snapshot_of,
)
from tests.report_samples import TEMPLATES

CONDUCT = {
    "follow_up": {"among": "treated", "since": "entered", "ended": "finished",
                  "visits": [{"id": "seen", "came": "seen", "within_days": 20}, {"id": "knee", "came": "knee_6"}]},
    "exposure": {"among": "treated", "label": "Sessions", "given": ["entered", "seen"],
                 "amounts": [{"id": "dose", "label": "Dose", "fields": ["knee_6"]}]},
    "deaths": {"among": "treated", "field": "side", "codes": ["2"], "on": "seen", "since": "entered",
               "within_days": [60], "cause": "pts_0"},
}  # fmt: skip
PLAN = Plan.model_validate({**PLANNED.model_dump(), **CONDUCT})
UNLISTED = {"literature", "bounds"}
COUNTS = {"count", "missing", "unpaired", "pairs", "unassigned", "stopped", "missed", "events", "before_start"}


@cache
def made() -> tuple[Snapshot, ReportInputs]:
    """A report with gaps: no follow-up of some, a knee that was not measured, two sites and who is in none."""
    blank = {5: {"seen": ""}, 7: {"knee_6": ""}, 11: {"finished": "0"}}
    rows = [
        {**row, **{name: text for every, gap in blank.items() if number % every == 0 for name, text in gap.items()}}
        if "age" in row
        else row
        for number, row in enumerate(patients())
    ]
    sites = {str(number): f"site_{number % 2}" for number in range(1, 21)}
    snapshot = replace(snapshot_of(rows), groups=sites)
    findings = [open_finding(AGE_RULE, "5"), open_finding(AGE_RULE, "12")]
    return snapshot, inputs_of(edition_of(snapshot, findings, plan=PLAN), snapshot)


def listings(version: str = "closed") -> list[RecordListing]:
    """Every listing of a version."""
    snapshot, closed = made()
    inputs = closed if version == "closed" else open_inputs(closed)
    counted = CountSource(PLAN, snapshot, patients_of(PLAN, snapshot))
    return list(listings_of(counted, inputs.results, inputs.delta.in_doubt))


@pytest.mark.parametrize("version", ["closed", "open"])
def test_a_listing_is_as_long_as_its_count(version: str) -> None:
    """So it is for each count of the flow, endpoints, tables, curves, visits, treatments, deaths, sites and events."""
    found = listings(version)
    wrong = [one.row.key for one in found if len(one.records) != one.row.value]
    assert wrong == []
    tables = {one.row.table for one in found}
    assert tables >= {"flow", "endpoints", "accrual", "safety", "follow_up", "exposure", "deaths", "sites", "table1"}


def test_no_count_of_patients_is_without_its_listing() -> None:
    """Each result row that counts patients is listed; what another publication counted is not ours to list."""
    _, inputs = made()
    listed = {one.row.key for one in listings()}
    wanted = {row.key for row in inputs.results if row.statistic in COUNTS and row.table not in UNLISTED}
    planned = {table.id for table in PLAN.tables} | {one.id for one in PLAN.regressions}
    assert {key for key in wanted - listed if key.table not in planned or key.statistic in COUNTS} == set()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("version", ["closed", "open"])
def test_each_line_of_the_page_has_a_name_and_no_count_of_nobody(version: str, language: Language) -> None:
    """A line says what is counted in the language of the page; lines of one part stand in one table."""
    _, closed = made()
    inputs = closed if version == "closed" else open_inputs(closed)
    tables = list(listing_tables(listings(version), inputs, read_wording([TEMPLATES], language)))
    assert len({table.title for table in tables}) == len(tables) > 8
    assert all(row.label and row.cells[0].text != "0" for table in tables for row in table.rows)


@pytest.mark.parametrize(
    ("records", "text"),
    [
        (("1", "2", "3", "5"), "1–3, 5"),
        (("1", "2", "4"), "1, 2, 4"),
        (("7", "7", "8", "9", "10"), "7 ×2, 8–10"),
        (("A-1", "A-2", "A-3"), "A-1, A-2, A-3"),
        (("1", "1", "2", "2", "3", "3"), "1–3 ×2"),
    ],
)
def test_runs_are_ranges_and_repeats_are_counted(records: tuple[str, ...], text: str) -> None:
    """Three whole numbers in a row are a range; a record that counts twice says so; other ids are listed singly."""
    assert records_text(records, read_wording([TEMPLATES], "en")).replace("\u00a0", " ") == text


@pytest.mark.parametrize(("record_ids", "named"), [(True, "P-3"), (False, "3")])
def test_records_are_named_as_the_study_allows(record_ids: bool, named: str, tmp_path: Path) -> None:  # noqa: FBT001 - a case
    """Record ids where messages may have them; else their numbers in the export, and no id in any file."""
    rows = [{**row, "record_id": f"P-{row['record_id']}"} for row in patients()]
    snapshot = snapshot_of(rows)
    edition = edition_of(snapshot, plan=PLAN, record_ids=record_ids, languages=("en",))
    press = Press(TEMPLATES, cast("object", KeptSnapshots(snapshot)), tmp_path)  # type: ignore[arg-type]
    version: Version = "closed"
    page, lines = make_listings(press, edition, snapshot, version, "sample_2026-11-22")
    text = lines.read_text(encoding="utf-8-sig")
    assert f",{named}\n" in text.replace("\r\n", "\n")
    assert ("P-" in text) is record_ids
    assert (page.suffix, lines.suffix, page.stat().st_mode & 0o777) == (".pdf", ".csv", 0o600)
    assert page.parent == tmp_path / LISTINGS


def test_listings_are_removed_with_a_patient(tmp_path: Path) -> None:
    """Each may name any record, so all go where one is forgotten; they can be made again."""
    kept = tmp_path / LISTINGS
    kept.mkdir()
    files = [kept / "sample_2026-11-22_listings.csv", kept / "sample_2026-11-22_listings_zh.pdf"]
    for file in files:
        file.write_text("1", encoding="utf-8")
    assert forget_in_reports(tmp_path, ["1"], []).removed == files
    assert list(kept.iterdir()) == []
