"""Reports of other shapes: three groups with missed visits and a repeating instrument, and a study of a single arm."""

from dataclasses import replace
from functools import cache

import pytest

from nightround.model.language import LANGUAGES, Language
from nightround.report.making import Pages, pages_of
from nightround.report.numbers.gathering import inputs_of
from nightround.report.printing.typesetting import pdf_bytes
from nightround.report.self_audit.gate import contradictions
from nightround.study.plan import Plan
from tests.interim_samples import AGE_RULE, PLANNED, edition_of, open_finding, patients, snapshot_of
from tests.page_fill import half_empty_pages
from tests.report_samples import TEMPLATES

ARMS = tuple({"id": f"arm_{code}", "label": f"Arm {code}", "codes": [code]} for code in "123")
CONDUCT = {
    "follow_up": {"among": "treated", "since": "entered", "ended": "finished",
                  "visits": [{"id": "seen", "came": "seen", "within_days": 90, "label": "Visit 1"},
                             {"id": "knee", "came": "knee_6", "within_days": 180, "label": "Visit 2"}]},
    "exposure": {"among": "treated", "label": "Doses", "instrument": "adverse_event", "entered": "term",
                 "amounts": [{"id": "dose", "label": "Dose", "unit": "mg", "field": "grade"}]},
    "report": {"checklist": "consort"},
    "regressions": (),
}  # fmt: skip


def rows() -> list[dict[str, str]]:
    """Patients in three arms; a sixth of them missed the last visit; events that repeat."""
    events = [
        {"record_id": str(number), "redcap_repeat_instrument": "adverse_event", "redcap_repeat_instance": str(instance),
         "term": str(1 + number % 2), "grade": "1", "serious": "0"}
        for number in range(2, 40, 3)
        for instance in range(1, 2 + number % 3)
    ]  # fmt: skip
    gone = {"seen": "", "knee_6": "", "pts_6": "", "plt_6": ""}
    people = [
        {**row, "side": str(1 + int(row["record_id"]) % 3), **(gone if int(row["record_id"]) % 6 == 0 else {})}
        for row in patients(48)
        if "age" in row
    ]
    return [*people, *events]


def plan_of(name: str) -> Plan:
    """The made-up plan for three arms, or for one."""
    written = {**PLANNED.model_dump(), **CONDUCT}
    if name == "single arm":
        del written["groups"]
        return Plan.model_validate({**written, "grouping": None})
    for table in written["tables"]:
        sections = [
            [
                {**one, "test": None, "between": None, "beside": ()}
                for one in section["variables"]
                if one["id"] != "side"
            ]
            for section in table["sections"]
        ]
        table["sections"] = [{"variables": variables} for variables in sections if variables]
    return Plan.model_validate({**written, "grouping": "side", "groups": ARMS})


@cache
def report(name: str) -> tuple[Pages, list[str]]:
    """The pages of a report in both languages, and what its own audit says of them."""
    snapshot = replace(snapshot_of(rows()), groups={str(number): f"site_{number % 3}" for number in range(1, 40)})
    inputs = inputs_of(edition_of(snapshot, [open_finding(AGE_RULE, "5")], plan=plan_of(name)), snapshot)
    pages = pages_of(inputs, TEMPLATES)
    return pages, [str(one) for one in contradictions(inputs, inputs.results, pages.html, pages.contexts)]


@pytest.mark.parametrize("name", ["three arms", "single arm"])
def test_its_own_audit_lets_it_pass_and_no_table_is_empty(name: str) -> None:
    """Also with the largest difference of three groups, which has no interval; a table without a line is not shown."""
    pages, found = report(name)
    assert found == []
    tables = pages.contexts["en"].tables
    assert {"follow_up", "exposure", "sites", "safety"} <= {table.id for table in tables}
    assert [table.id for table in tables if not table.rows] == []


@pytest.mark.parametrize(("name", "language"), [("three arms", LANGUAGES[0]), ("single arm", LANGUAGES[1])])
def test_no_page_is_less_than_half_full(name: str, language: Language) -> None:
    """Before a page that begins no chapter; the file is the PDF that would be delivered."""
    pages, _ = report(name)
    content = pdf_bytes(pages.html[language], made_at=pages.inputs.run.data_cutoff, templates=TEMPLATES)
    assert half_empty_pages(content) == []
