"""The digest mails, word for word: `NIGHTROUND_WRITE_GOLDEN=1` writes the files anew, and a person reads the change."""

import os
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from nightround.digests.compose import digest
from nightround.digests.failed_round import FailedRound, StepDone, failure_notice
from nightround.digests.notice import NightState, Notice, RunSummary
from nightround.digests.templates import load_digest_templates
from nightround.model.finding import FindingState, LedgerDelta, Resolution
from nightround.model.language import Language, Words
from nightround.model.links import Places
from nightround.model.recipient import Recipient
from nightround.model.rule import Severity
from redcap_sync.errors import RedcapUnreachable
from redcap_sync.messages import Message
from tests.made_findings import made_finding, made_row, made_rule, night

HERE = Path(__file__).parent
TEMPLATES = load_digest_templates(HERE.parents[1] / "report_templates" / "digest")
NOW = datetime(2025, 5, 20, 10, 30, tzinfo=timezone(timedelta(hours=8)))
"""A Tuesday."""
TITLE = Words("慢性髂腔静脉闭塞队列（合成数据）", "Chronic iliocaval occlusion cohort (synthetic)")
RULES = {
    "VIL-01": made_rule("VIL-01"),
    "VIL-02": made_rule(
        "VIL-02",
        title=Words("PTS 分级应与 Villalta 总分一致", "The PTS grade agrees with the Villalta total"),
        advice=Words(
            "0–4 分为无，5–9 分为轻度，10–14 分为中度，≥15 分或有溃疡为重度。",
            "0-4 none, 5-9 mild, 10-14 moderate, 15 or more or an ulcer severe.",
        ),
        severity=Severity.CRITICAL,
    ),
    "DAT-01": made_rule(
        "DAT-01",
        title=Words("第 2 次治疗应晚于第 1 次", "Session 2 comes after session 1"),
        advice=Words("请核对手术记录中的日期。", "Compare the dates with the operation notes."),
        instrument="session",
        fields=("session_date",),
        severity=Severity.MINOR,
    ),
}
PLACES = Places(
    base_url="https://redcap.hospital.example",
    version="15.0.5",
    project_id=128,
    record_id_allowed=True,
    events={"session_2_arm_1": "第2次手术 Session 2", "month_6_arm_1": "术后6个月 Month 6"},
    event_ids={"session_2_arm_1": 402, "month_6_arm_1": 404},
    instruments={"villalta": "Villalta", "session": "Session"},
)
SESSION = {"event": "session_2_arm_1", "instrument": "session"}
CRITICAL = {"severity": Severity.CRITICAL}
MINOR = {"severity": Severity.MINOR, "fields": ("session_date",)}
CLOSED = {"state": FindingState.RESOLVED, "resolved_at": night(8)}
DELTA = LedgerDelta(
    opened=(
        made_finding("VIL-01", made_row("1012")),
        made_finding("VIL-02", made_row("1012"), **CRITICAL),
        made_finding("DAT-01", made_row("1012", **SESSION), **MINOR),
        made_finding("VIL-01", made_row("1007")),
        made_finding("VIL-02", made_row("999"), **CRITICAL),
    ),
    reopened=(made_finding("DAT-01", made_row("1003", instance=2, **SESSION), times_reopened=1, **MINOR),),
    resolved=(
        made_finding("VIL-01", made_row("1001"), resolution=Resolution.FIXED, **CLOSED),
        made_finding("VIL-01", made_row("1002"), resolution=Resolution.ROW_REMOVED, **CLOSED),
        made_finding("DAT-01", made_row("1004", **SESSION), resolution=Resolution.OUT_OF_SCOPE, **CLOSED, **MINOR),
    ),
    persisting=(
        made_finding("OLD-9", made_row("1005")),
        made_finding("VIL-01", made_row("1006"), opened_at=night(6)),
    ),
)
WHOLE = RunSummary(NightState.WHOLE, known=18, judged=18)
INCOMPLETE = RunSummary(
    NightState.INCOMPLETE,
    known=18,
    judged=16,
    trouble=(Message.of("pull.records_missing.what", asked=72, given=70, missing=2),),
    unjudged={"VIL-02": Message.of("logic.column", name="pts_grade")},
    unaccounted=("LAB-03",),
)
FAILED = FailedRound(
    [RedcapUnreachable("api.silent", url="https://redcap.hospital.example/api/", error="ReadTimeout")],
    "validate",
    done=[StepDone("pull", Message.of("step.read", snapshot="3f2a91c0"))],
    undone=["validate", "reconcile", "lists", "alert"],
    last_complete=NOW - timedelta(days=1),
)
MANAGER = Recipient("data_manager", "dm@hospital.example", "en", ("coordinator", "data_manager"))
MONDAY = NOW - timedelta(days=1)

CASES = {
    "changes": (DELTA, WHOLE, PLACES, NOW),
    "incomplete": (replace(DELTA, resolved=()), INCOMPLETE, replace(PLACES, record_id_allowed=False), NOW),
    "alive": (LedgerDelta(), WHOLE, PLACES, MONDAY),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_digest_reads_as_agreed(case: str, language: Language) -> None:
    """Subject and text of each kind of night, in each language."""
    delta, last_night, places, now = CASES[case]
    notice = digest(
        TITLE,
        delta,
        night=last_night,
        rules=RULES,
        recipient=replace(MANAGER, language=language),
        places=places,
        templates=TEMPLATES,
        now=now,
        synthetic=True,
    )
    assert notice is not None
    assert_agreed(case, notice)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_notice_of_a_failure_reads_as_agreed(language: Language) -> None:
    """Subject and text, in each language."""
    reader = replace(MANAGER, language=language)
    assert_agreed("failed", failure_notice(TITLE, FAILED, recipient=reader, now=NOW, synthetic=True))


def assert_agreed(case: str, notice: Notice) -> None:
    """The notice is the one that a person read."""
    language = notice.recipient.language
    written = HERE / "digest" / f"{case}.{language}.txt"
    text = f"{notice.subject}\n\n{notice.text}\n"
    if os.environ.get("NIGHTROUND_WRITE_GOLDEN"):
        written.parent.mkdir(exist_ok=True)
        written.write_text(text, encoding="utf-8")
    assert text == written.read_text(encoding="utf-8")
