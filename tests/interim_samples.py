"""A small synthetic project, wide enough for every part of a report: its snapshot, its plan, its edition."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from nightround.model.finding import Finding, FindingState, LedgerDelta
from nightround.model.language import Words
from nightround.model.outcome import Coverage, Outcome, Status
from nightround.model.rule import Rule, Severity
from nightround.model.snapshot import Snapshot
from nightround.report.edition import Edition, OutcomeKept, hash_of_rules
from nightround.report.making import Press, hash_of_templates
from nightround.report.numbers.inputs import RunFacts
from nightround.snapshots.renamed_ids import RenamedIds
from nightround.snapshots.vault import Vault
from nightround.study.plan import Plan
from redcap_sync.dictionary import Dictionary, dictionary_from_api
from redcap_sync.rows.tables import RowKey, tables_from_records
from tests.report_samples import PLAN, TEMPLATES

ZONE = timezone(timedelta(hours=8))
TAKEN = datetime(2026, 11, 22, 2, 0, tzinfo=ZONE)
FIELDS = {
    "record_id": {},
    "entered": {"text_validation_type_or_show_slider_number": "date_ymd"},
    "seen": {"text_validation_type_or_show_slider_number": "date_ymd"},
    "sex": {"field_type": "radio", "select_choices_or_calculations": "1, 男 Male | 2, 女 Female"},
    "age": {
        "text_validation_type_or_show_slider_number": "integer",
        "text_validation_min": "18",
        "text_validation_max": "90",
        "required_field": "y",
    },
    "side": {},
    "days": {"text_validation_type_or_show_slider_number": "integer"},
    "finished": {},
    "patency": {},
    "knee_0": {"text_validation_type_or_show_slider_number": "number"},
    "knee_6": {"text_validation_type_or_show_slider_number": "number"},
    "pts_0": {},
    "pts_6": {},
    "plt_0": {"text_validation_type_or_show_slider_number": "number"},
    "plt_6": {"text_validation_type_or_show_slider_number": "number"},
}
EVENT_FIELDS = {
    "term": {"field_type": "radio", "select_choices_or_calculations": "1, 疼痛 Pain | 2, 血肿 Haematoma"},
    "grade": {"field_type": "radio", "select_choices_or_calculations": "1, 1级 Grade 1 | 2, 2级 Grade 2"},
    "serious": {"field_type": "yesno"},
}


def dictionary() -> Dictionary:
    """One instrument with a row a patient, and adverse events that repeat."""
    metadata = [
        {"field_name": name, "form_name": form, "field_type": "text", "field_label": name, **about}
        for form, fields in (("chart", FIELDS), ("adverse_event", EVENT_FIELDS))
        for name, about in fields.items()
    ]
    return dictionary_from_api(
        project={"project_title": "made up", "is_longitudinal": 0},
        metadata=metadata,
        instruments=[
            {"instrument_name": "chart", "instrument_label": "病历 Chart"},
            {"instrument_name": "adverse_event", "instrument_label": "不良事件 Adverse event"},
        ],
        repeating=[{"form_name": "adverse_event"}],
    )


def patient(number: int) -> dict[str, str]:
    """One row of the export: a patient whose values follow from the number."""
    shut = number % 3 == 0
    return {
        "record_id": str(number),
        "entered": f"2026-{1 + number % 9:02d}-10",
        "seen": f"2026-{3 + number % 9:02d}-{1 + number % 27:02d}",
        "sex": str(1 + number % 2),
        "age": str(40 + number * 7 % 31),
        "side": str(1 + number % 2),
        "days": str(100 + number * 37 % 411),
        "finished": "1",
        "patency": "0" if shut else "1",
        "knee_0": f"{45 + number % 7}.{number % 10}",
        "knee_6": f"{44 + number % 5 + shut}.{(number * 3) % 10}",
        "pts_0": str(number % 2),
        "pts_6": str(int(shut)),
        "plt_0": str(180 + number * 13 % 90),
        "plt_6": str(170 + number * 17 % 90),
    }


def patients(count: int = 24) -> list[dict[str, str]]:
    """The rows of the export, with two adverse events."""
    events = [
        {"record_id": "1", "redcap_repeat_instrument": "adverse_event", "redcap_repeat_instance": "1", **event}
        for event in ({"term": "1", "grade": "1", "serious": "0"},)
    ]
    return [*(patient(number) for number in range(1, count + 1)), *events]


def snapshot_of(rows: Sequence[Mapping[str, str]], name: str = "a", taken: datetime = TAKEN) -> Snapshot:
    """A snapshot of some rows, its id made of one letter."""
    made = dictionary()
    columns = {column for one in made.instruments for column in made.columns_of(one.name)}
    keys = {"record_id": "", "redcap_repeat_instrument": "", "redcap_repeat_instance": ""}
    full = [{**keys, **dict.fromkeys(columns, ""), **row} for row in rows]
    return Snapshot(name * 64, "sample", taken, "15.0.0", made, tables_from_records(made, full))


PLANNED: Plan = Plan.model_validate(
    {
        **PLAN.model_dump(),
        "tables": [{**PLAN.tables[0].model_dump(), "effects": ["difference", "smd"]}, *PLAN.tables[1:]],
        "flow": [
            {"id": "treated", "label": "Treated"},
            {"id": "stopped", "label": "Stopped", "of": "treated", "side": True,
             "where": [{"field": "finished", "codes": ["0"]}]},
            {"id": "finished", "label": "Finished", "of": "treated", "where": [{"field": "finished", "codes": ["1"]}]},
        ],
        "accrual": {"entered": "entered", "target": 30},
        "safety": {
            "instrument": "adverse_event", "among": "treated", "term": "term", "grade": "grade", "serious": "serious",
        },
        "literature": [
            {"id": "other", "endpoint": "patency", "label": "Other", "percent": 83, "n": 121, "source": "doi:10.1"},
        ],
        "survival": [
            {"id": "over_time", "label": {"zh": "通畅率随时间的变化", "en": "Patency over time"},
             "population": "treated", "since": "entered", "until": ["seen"],
             "events": [{"field": "patency", "codes": ["0"]}], "unit": {"zh": "d", "en": "days"}, "at": [0, 50, 75]},
        ],
        "per_patient": [{"table": "table2", "variables": ["knee"]}],
    }
)  # fmt: skip

AGE_RULE = Rule("AGE", Words("年龄核对", "Age agrees"), "chart", "[age] > 100", Severity.MAJOR, ("age",))
PATENCY_RULE = Rule(
    "PAT", Words("通畅核对", "Patency agrees"), "chart", "[patency] = ''", Severity.CRITICAL, ("patency",)
)
RULES = (AGE_RULE, PATENCY_RULE)


def open_finding(rule: Rule, record: str, fields: tuple[str, ...] | None = None) -> Finding:
    """A finding that is open on one record."""
    return Finding(
        id=f"{rule.id}-{record}",
        study="sample",
        rule_id=rule.id,
        row=RowKey(record, "", "chart", 0),
        fields=fields or rule.fields,
        severity=rule.severity,
        owner="coordinator",
        state=FindingState.OPEN,
        opened_at=TAKEN - timedelta(days=3),
        last_seen_at=TAKEN,
    )


def edition_of(snapshot: Snapshot, findings: Sequence[Finding] = (), **changes: Any) -> Edition:
    """The edition of a snapshot's report."""
    outcomes = (Outcome("AGE", Status.FAILED, 24, 24, len(findings)), Outcome("PAT", Status.PASSED, 24, 24, 0))
    made = Edition(
        study="sample",
        title=Words("合成研究", "Made-up study"),
        synthetic=True,
        record_ids=True,
        run=RunFacts("7", snapshot.id, snapshot.taken_at, night=7, complete=True),
        plan=PLANNED,
        rules=RULES,
        rules_hash=hash_of_rules(RULES),
        outcomes=tuple(OutcomeKept.of(one) for one in outcomes),
        coverage=Coverage(("AGE", "PAT"), {**dict.fromkeys(Status, 0), Status.PASSED: 1, Status.FAILED: 1}, (), {}),
        delta=LedgerDelta(opened=tuple(findings)),
        findings=tuple(findings),
        versions={"nightround": "0.1.0"},
        templates=hash_of_templates(TEMPLATES, "sample"),
    )
    return replace(made, **changes)


class KeptSnapshots:
    """Snapshots by their ids, as the store gives them back."""

    def __init__(self, *kept: Snapshot) -> None:
        self.kept = {one.id: one for one in kept}

    @property
    def renamed_ids(self) -> RenamedIds:
        """No record was taken out of any of them."""
        return RenamedIds(Path("renamed.json"), Vault())

    def load(self, snapshot_id: str, study: str) -> Snapshot:
        """One snapshot."""
        assert study == "sample"
        return self.kept[snapshot_id]


def press(folder: Path, *kept: Snapshot) -> Press:
    """A press over some snapshots."""
    return Press(TEMPLATES, KeptSnapshots(*kept), folder)  # type: ignore[arg-type]
