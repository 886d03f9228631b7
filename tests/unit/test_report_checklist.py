"""Reporting guidelines item by item, the methods for a manuscript, and what a report says that it does not show."""

import re
from functools import cache

import pytest

from nightround.model.language import LANGUAGES, Language
from nightround.report.numbers.gathering import inputs_of
from nightround.report.numbers.inputs import ReportInputs
from nightround.report.open_version.opened import open_inputs
from nightround.report.printing.context import ReportContext, build_report
from nightround.report.printing.render import html
from nightround.report.self_audit.audit_page import contradictions_of_page
from nightround.report.tables.absent_parts import absent_parts
from nightround.report.tables.checklist_page import read_guideline
from nightround.report.tables.manuscript import manuscript
from nightround.study.methods import words_of
from nightround.study.plan import Plan
from nightround.texts.catalogue import read_wording
from tests.interim_samples import AGE_RULE, PLANNED, edition_of, open_finding, patients, snapshot_of
from tests.report_samples import TEMPLATES

GUIDELINES = {"strobe": 34, "consort": 42}
PLACES = {
    "baseline", "change", "checked", "cover", "curves", "deaths", "deviations", "differences", "doubt", "endpoints",
    "enrolment", "exposure", "factors", "flow", "follow_up", "limitations", "manuscript", "missing", "population",
    "provenance", "safety", "sites", "summary", "trust_methods",
}  # fmt: skip
ANCHOR = re.compile(r'id="([\w-]+)"')


@cache
def report(guideline: str, language: Language, version: str = "closed") -> tuple[ReportInputs, ReportContext, str]:
    """A report whose plan chooses a guideline, and its page."""
    plan = Plan.model_validate({**PLANNED.model_dump(), "report": {"checklist": guideline}})
    snapshot = snapshot_of(patients())
    closed = inputs_of(edition_of(snapshot, [open_finding(AGE_RULE, "5")], plan=plan), snapshot)
    inputs = closed if version == "closed" else open_inputs(closed)
    context = build_report(inputs, language, TEMPLATES)
    return inputs, context, html(context, TEMPLATES)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("version", ["closed", "open"])
@pytest.mark.parametrize("guideline", GUIDELINES)
def test_every_item_has_a_place_that_exists_or_is_the_authors(guideline: str, version: str, language: Language) -> None:
    """All items are on the page; each place is an anchor of it, and an item without one is left to the author."""
    inputs, context, page = report(guideline, language, version)
    assert context.checklist
    say = read_wording([TEMPLATES], language)
    lines = [line for _, lines in context.checklist.sections for line in lines]
    assert len(lines) == len({line.number for line in lines}) == GUIDELINES[guideline]
    assert {place.anchor for line in lines for place in line.places} <= set(ANCHOR.findall(page))
    assert all(line.places or line.remark == say("author_writes") for line in lines)
    assert any(line.places and not line.remark for line in lines)
    assert list(contradictions_of_page(page, context, inputs)) == []


def test_a_part_that_the_report_has_not_is_left_to_the_author() -> None:
    """Follow-up time is the author's where the plan has no schedule of visits, and the flow diagram never is."""
    _, context, _ = report("strobe", "en")
    assert context.checklist
    lines = {line.number: line for _, lines in context.checklist.sections for line in lines}
    assert lines["14c"].remark == "author writes"
    assert [place.label for place in lines["13c"].places] == ["Figure 2"]
    assert [place.label for place in lines["15"].places][:3] == ["Table B", "Table 2", "Table 3"]


@pytest.mark.parametrize("guideline", GUIDELINES)
def test_a_guideline_names_parts_that_reports_can_have_and_its_source(guideline: str) -> None:
    """No item waits for a part that no report has; the source is an article that can be found."""
    found = read_guideline(TEMPLATES, guideline)
    assert {name for section in found.sections for item in section.items for name in item.where} <= PLACES
    assert "doi:10." in found.source


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_methods_name_every_test_that_ran_and_the_versions(language: Language) -> None:
    """Each method behind a printed P is in the paragraph once, with the packages that computed."""
    inputs, context, _ = report("strobe", language)
    (paragraph,) = (one for one in context.methods if one.id == "manuscript")
    tests = {row.method for row in inputs.results if row.statistic == "p" and row.value is not None and row.method}
    assert tests
    assert all(words_of(name).in_(language) in paragraph.texts[0] for name in tests)
    assert f"Nightround {inputs.versions['nightround']}" in paragraph.texts[0]


def test_the_open_version_compares_no_groups_in_its_methods() -> None:
    """Its paragraph speaks of description, endpoints and missing values alone."""
    inputs, _, _ = report("strobe", "en", "open")
    text = manuscript(inputs, read_wording([TEMPLATES], "en"))
    assert "compared" not in text.replace("before-after comparison", "")
    assert "Missing values were not imputed" in text


@pytest.mark.parametrize("family", ["holm", "fdr"])
def test_tables_whose_p_values_were_adjusted_are_named(family: str) -> None:
    """The adjustment of a table is said of that table, and that the others have none of them."""
    inputs, _, _ = report("strobe", "en")
    written = inputs.plan.model_dump()
    written["tables"][0]["family"] = family
    plan = Plan.model_validate(written)
    said = manuscript(ReportInputs(**{**vars(inputs), "plan": plan}), read_wording([TEMPLATES], "en"))
    assert "P values of Table 1 were adjusted by" in said
    assert "Table 2, Table 3 were not adjusted" in said


def test_what_is_missing_says_why() -> None:
    """A plan without follow-up, exposure and deaths, in a project without groups, has a line of each."""
    inputs, context, _ = report("", "en")
    lines = list(absent_parts(inputs, read_wording([TEMPLATES], "en")))
    assert [line.partition(":")[0] for line in lines] == [
        "Follow-up and retention", "Exposure", "Deaths", "Sites", "Reporting checklist",
    ]  # fmt: skip
    assert context.checklist is None
    assert any(one.id == "absent" and one.listed == tuple(lines) for one in context.methods)


def test_what_the_open_version_withholds_is_not_called_unplanned() -> None:
    """Deaths that are the grouping field are withheld, which is another reason than a plan without deaths."""
    deaths = {"among": "treated", "field": "patency", "codes": ["0"]}
    plan = Plan.model_validate({**PLANNED.model_dump(), "deaths": deaths})
    snapshot = snapshot_of(patients())
    inputs = open_inputs(inputs_of(edition_of(snapshot, plan=plan), snapshot))
    (line,) = (one for one in absent_parts(inputs, read_wording([TEMPLATES], "en")) if one.startswith("Deaths"))
    assert "withholds" in line
