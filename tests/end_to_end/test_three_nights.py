"""Three nights find exactly what was planted, and leave what a hospital would want to read."""

from __future__ import annotations

import csv
import email
import email.policy
import json
import re
import stat
import tomllib
from collections import Counter
from pathlib import Path

import pandas as pd
import pypdfium2
import pytest

from nightround.model.outcome import Status
from nightround.simulation.demo import STUDY
from nightround.store.database import Store, open_store
from nightround.store.finding_rows import HistoryEntry
from nightround.store.run_rows import Ended
from tests.end_to_end.conftest import Demo
from tests.made_findings import history_of

STORY = Path(__file__).parents[2] / "expectations" / "venous_occlusion" / "synthetic" / "nights.toml"
NIGHTS = tomllib.loads(STORY.read_text(encoding="utf-8"))["night"]
WHERE = ("rule", "record", "event", "instance")
SIGNED = ("签署", "Sign-off")
"""The head of the sheet that is signed, in either language."""


def store_of(demo: Demo) -> Store:
    """The demo's own database."""
    return open_store(demo.study / "nightround.sqlite3")


def changes_by_night(demo: Demo) -> list[dict[tuple[str, str, str, int], str]]:
    """What each night did to each finding, from the append-only history."""
    with store_of(demo) as store:
        places = {
            one.id: (one.rule_id, one.row.record, one.row.event, one.row.instance) for one in store.findings(STUDY)
        }
        history = history_of(store, STUDY)
    nights: list[dict[tuple[str, str, str, int], str]] = []
    open_before: set[tuple[str, str, str, int]] = set()
    for run_id in sorted({entry.run_id for entry in history}):
        changed = {places[entry.finding_id]: entry.change.value for entry in entries_of(history, run_id)}
        nights.append({**dict.fromkeys(open_before, "persisting"), **changed})
        open_before = {place for place, change in nights[-1].items() if change != "resolved"}
    return nights


def entries_of(history: tuple[HistoryEntry, ...], run_id: int) -> list[HistoryEntry]:
    """The history of one run."""
    return [entry for entry in history if entry.run_id == run_id]


@pytest.mark.parametrize("number", [1, 2, 3])
def test_each_night_finds_exactly_what_was_planted(demo: Demo, number: int) -> None:
    """Opened, persisting, resolved and reopened are those of the story, and no other finding exists."""
    expected = {
        (one["rule"], one["record"], one["event"], one.get("instance", 0)): one["change"]
        for one in NIGHTS[number - 1]["expected"]
    }
    assert changes_by_night(demo)[number - 1] == expected


def test_the_story_shows_all_four_changes() -> None:
    """Opened, persisting, resolved and reopened each occur, or the demo shows too little."""
    seen = Counter(one["change"] for night in NIGHTS for one in night["expected"])
    assert set(seen) == {"opened", "persisting", "resolved", "reopened"}


def test_every_rule_is_accounted_for_every_night(demo: Demo) -> None:
    """Passed + failed + not applicable + could not be evaluated = all known rules, in each certificate."""
    certificates = sorted((demo.study / "runs").rglob("coverage.json"))
    assert len(certificates) == 3
    for path in certificates:
        document = json.loads(path.read_text(encoding="utf-8"))
        assert document["complete"] is True
        assert sum(document[status.value] for status in Status) == document["known"] == len(document["rules"])
        assert document["could_not_be_evaluated"] == 0
        assert document["known"] >= 200


def test_great_expectations_own_results_are_kept(demo: Demo) -> None:
    """Each run keeps the result of each suite in GX's form: as many verdicts as judged rules, and no record id.

    The instrument of queries has no row yet, so that there is nothing to judge its rules on.
    """
    newest = max((demo.study / "runs").iterdir())
    checkpoint = json.loads((newest / "great_expectations.json").read_text(encoding="utf-8"))
    suites = checkpoint["validation_results"]
    judged = json.loads((newest / "coverage.json").read_text(encoding="utf-8"))
    of_queries = [rule for rule in judged["rules"] if ":dq_" in rule["id"]]
    failed = sum(not verdict["success"] for suite in suites for verdict in suite["expectations"])
    assert sum(len(suite["expectations"]) for suite in suites) == judged["known"] - len(of_queries)
    assert failed == judged["failed"] == 8
    assert {key for suite in suites for verdict in suite["expectations"] for key in verdict["result"]} == {
        "element_count",
        "checked_count",
        "unexpected_count",
        "partial_unexpected_index_list",
        "could_not_be_evaluated",
    }


def test_the_failure_table_is_complete(demo: Demo) -> None:
    """Every failing row of the last night is in one table, with its place and what was observed."""
    newest = max((demo.study / "runs").iterdir())
    table = pd.read_parquet(newest / "failures.parquet")
    judged = json.loads((newest / "coverage.json").read_text(encoding="utf-8"))
    assert len(table) == sum(rule["failed"] for rule in judged["rules"])
    wrong_date = table[table["rule"] == "SES-02"].iloc[0]
    assert (wrong_date["record"], wrong_date["event"], wrong_date["instance"]) == ("17", "session_3_arm_1", 0)
    assert "2021-12-01" in json.loads(wrong_date["observed"]).values()


def test_every_run_and_step_is_remembered(demo: Demo) -> None:
    """Three runs ended, each with its steps; the last one printed the report."""
    with store_of(demo) as store:
        runs = store.runs(STUDY)
    assert [run.ended for run in runs] == [Ended.DONE] * 3
    assert [step.name for step in runs[0].steps] == [
        "pull",
        "validate",
        "reconcile",
        "lists",
        "overview",
        "alert",
        "report",
    ]
    assert runs[0].complete


def test_the_findings_list_leads_to_redcap(demo: Demo) -> None:
    """Each finding of the CSV has a link to the page of its record, event and instrument."""
    newest = max((demo.study / "runs").iterdir())
    rows = list(csv.DictReader((newest / "findings.csv").read_text(encoding="utf-8-sig").splitlines()))
    assert Counter(row["state"] for row in rows) == {"open": 8, "resolved": 11}
    for row in rows:
        assert re.search(rf"/redcap_v[\d.]+/DataEntry/index\.php\?pid=\d+&id={row['record']}&event_id=\d+", row["link"])
        assert f"page={row['instrument']}" in row["link"]


def test_each_person_gets_one_digest_a_night_in_their_language(demo: Demo) -> None:
    """The coordinator's mails are Chinese, the principal investigator's English, one a night at most."""
    mails = [
        email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        for path in sorted((demo.study / "outbox").glob("*.eml"))
    ]
    by_person_and_day = Counter((mail["To"], mail["Date"]) for mail in mails)
    assert set(by_person_and_day.values()) == {1}
    coordinator = [mail for mail in mails if "coordinator" in mail["To"]]
    assert len(coordinator) == 3
    assert all(re.search(r"[\u4e00-\u9fff]", mail["Subject"]) for mail in coordinator)
    investigator = [mail for mail in mails if "principal" in mail["To"]]
    assert investigator
    assert not any(re.search(r"新增|已修复", mail["Subject"]) for mail in investigator)


def test_the_report_says_what_the_study_says(demo: Demo) -> None:
    """Both PDFs hold the flow 72 > 62 > 43/19 and the primary endpoint with Wilson's interval of 43/62."""
    for language in ("zh", "en"):
        text = pdf_text(demo, language)
        for number in ("72", "62", "43", "19", "69.4", "57.0", "79.4"):
            assert number in text, (language, number)


def test_the_last_report_says_what_changed_since_the_first_and_through_whom(demo: Demo) -> None:
    """Night 3 prints again: the rate of 42/62 became 43/62 through records 5 and 25, whose edits are in the story."""
    with (max((demo.study / "reports").glob("*_changes.csv"))).open(encoding="utf-8-sig", newline="") as file:
        changed = {(one["table"], one["variable"], one["statistic"]): one for one in csv.DictReader(file)}
    rate = changed["endpoints", "patency_6_months", "percent"]
    assert (rate["before"], rate["now"], rate["causes"]) == ("67.7", "69.4", "edited: 5 25")
    told = pdf_text(demo, "en")
    assert "last report: 2025-07-05" in told
    assert "edited: 5, 25" in told
    edited = {edit["record"] for night in NIGHTS[1:] for edit in night["edits"]}
    named = {record for one in changed.values() for record in one["causes"].removeprefix("edited: ").split()}
    assert named <= edited


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_open_report_holds_neither_the_split_nor_the_rate_it_follows_from(demo: Demo, language: str) -> None:
    """The groups are the outcome: 43 patent, 19 occluded and 69.4% are in no page and no attachment of it."""
    document = pypdfium2.PdfDocument(max((demo.study / "reports" / "open").glob(f"*_{language}.pdf")))
    pages = "".join(page.get_textpage().get_text_bounded() for page in document)
    attached = [document.get_attachment(number) for number in range(document.count_attachments())]
    files = {one.get_name(): bytes(one.get_data()).decode("utf-8-sig") for one in attached}
    document.close()
    plain = re.sub(r"\s", "", pages)
    assert "n=62" in plain
    assert not [
        told for told in ("n=43", "n=19", "43/62", "19/62", "69.4%", "57.0～79.4", "57.0to79.4") if told in plain
    ]
    rows = list(csv.DictReader(files["results.csv"].splitlines()))
    assert len(rows) > 100
    told = {(one["variable"], one["statistic"]) for one in rows if one["table"] in {"endpoints", "bounds", "flow"}}
    assert {one for one in told if one[0] in {"patency_6_months", "patent", "occluded"}} == {
        ("patency_6_months", "n"),
        ("patency_6_months", "missing"),
    }
    assert not [one for one in rows if one["group"] or one["n"] in {"43", "19"}]
    assert files.keys() == {
        "results.csv",
        "results.json",
        "results_ars.json",
        "outcomes.csv",
        "trust.csv",
        "changes.csv",
    }


def pdf_text(demo: Demo, language: str) -> str:
    """All text of the last report, page by page."""
    document = pypdfium2.PdfDocument(max((demo.study / "reports").glob(f"*_{language}.pdf")))
    try:
        return "\n".join(page.get_textpage().get_text_bounded() for page in document)
    finally:
        document.close()


def test_chinese_is_real_glyphs(demo: Demo) -> None:
    """The Chinese report's text is Chinese characters of the bundled family, none of them a box."""
    text = pdf_text(demo, "zh")
    assert len(re.findall(r"[\u4e00-\u9fff]", text)) > 500
    assert "\ufffd" not in text
    assert "\u25a1" not in text


def test_no_page_of_a_report_is_left_nearly_empty(demo: Demo) -> None:
    """No heading is alone, and no last page holds three lines, whatever the night, the language or the version."""
    reports = [*(demo.study / "reports").glob("*.pdf"), *(demo.study / "reports" / "open").glob("*.pdf")]
    assert len(reports) == 8
    for report in reports:
        document = pypdfium2.PdfDocument(report)
        pages = [page.get_textpage().get_text_bounded() for page in document]
        document.close()
        # What is signed has a sheet of its own where the page before it has no room.
        written = [len(page) for page in pages if not any(head in page for head in SIGNED)]
        assert min(written) > 400, (report.name, written)


def test_no_incomplete_mark_on_a_complete_run(demo: Demo) -> None:
    """INCOMPLETE is in no file name of a whole run."""
    assert not [path for path in demo.folder.rglob("*") if "INCOMPLETE" in path.name]


def test_nothing_the_nights_left_can_be_read_by_others(demo: Demo) -> None:
    """Every folder of the study's data opens for its owner alone, and so does every file in it, fonts included."""
    paths = [demo.study, *demo.study.rglob("*")]
    assert len(paths) > 40
    modes = {(path.is_dir(), stat.S_IMODE(path.stat().st_mode)) for path in paths}
    assert modes == {(True, 0o700), (False, 0o600)}


def test_the_demo_says_what_to_open(demo: Demo) -> None:
    """What the demo prints at its end are paths that exist, and it says that its patients are made up."""
    assert "synthetic" in demo.printed
    named = [line.split()[-1] for line in demo.printed.split("What to open")[1].splitlines() if line.strip()]
    assert len(named) == 6
    assert all(Path(path).exists() for path in named)


def test_no_identifier_leaves_the_data_folder(demo: Demo) -> None:
    """Names and hospital numbers are in snapshot and database only: in no mail, list, report, file name or output."""
    canaries = ("SYNTHETIC-0", "合成病例")
    told = [
        path
        for path in demo.study.rglob("*")
        if path.is_file() and path.suffix in {".eml", ".html", ".csv", ".json"} and "snapshots" not in path.parts
    ]
    assert len(told) > 10
    for path in told:
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".eml":
            message = email.message_from_string(text, policy=email.policy.default)
            text = "".join(part.get_content() for part in message.walk() if part.get_content_maintype() == "text")
        assert not any(canary in text for canary in canaries), path.name
    for language in ("zh", "en"):
        assert not any(canary in pdf_text(demo, language) for canary in canaries)
    assert not any(canary in str(path) for path in demo.folder.rglob("*") for canary in canaries)
    assert not any(canary in demo.printed for canary in canaries)
