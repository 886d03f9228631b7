"""What visits are called, and that the engine speaks of no study in particular."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from nightround.model.language import Words
from nightround.report.numbers.gathering import with_visit_labels
from nightround.report.tables.planned_tables import visit_labels
from nightround.study.plan import Plan
from nightround.study.plan_variables import VisitLabels
from nightround.texts.catalogue import own_texts, read_wording
from tests.report_samples import PLAN, TEMPLATES

ENGLISH = read_wording([TEMPLATES], "en")
EVENTS = {"start_arm_1": Words("基线", "Baseline"), "week_12_arm_1": Words("第12周", "Week 12")}
OF_THE_FIRST_STUDY = re.compile(
    r"patency|occlu|iliocaval|\bIVC\b|\bPTS\b|villalta|balloon|venous|stent|thromb|surg|\b6 months\b"
    r"|术前|术后|手术|通畅|闭塞|静脉|球囊|血栓|滤器",
    re.IGNORECASE,
)


def plan_at(before: str, after: str) -> Plan:
    """A plan whose second table compares two events."""
    document = PLAN.model_dump(mode="json")
    table = next(one for one in document["tables"] if one["kind"] == "before_after")
    for variable in (one for section in table["sections"] for one in section["variables"]):
        variable["before"], variable["after"] = (f"[{event}][knee]" if event else "[knee]" for event in (before, after))
        variable["levels"] = [{**level, "field": None} for level in variable["levels"]]
    return Plan.model_validate({**document, "tables": [table], "regressions": [], "per_patient": []})


def test_visits_are_called_as_redcap_calls_their_events() -> None:
    """Without a name in the plan, a table's visits have the labels of its events."""
    plan = with_visit_labels(plan_at("start_arm_1", "week_12_arm_1"), EVENTS)
    assert visit_labels(plan.tables[0], ENGLISH) == ("Baseline", "Week 12")


def test_the_plan_names_its_visits_first() -> None:
    """A name in the plan goes before REDCap's."""
    plan = plan_at("start_arm_1", "week_12_arm_1")
    named = plan.tables[0].model_copy(
        update={"visits": VisitLabels(before=Words("前", "Entry"), after=Words("后", "Exit"))}
    )
    plan = with_visit_labels(plan.model_copy(update={"tables": (named,)}), EVENTS)
    assert visit_labels(plan.tables[0], ENGLISH) == ("Entry", "Exit")


@pytest.mark.parametrize("events", [("", ""), ("start_arm_1", "lost_arm_1"), ("start_arm_1", "start_arm_1")])
def test_a_visit_without_a_name_is_counted(events: tuple[str, str]) -> None:
    """A project without events, an event without a label, and two fields of one event are the first and the second."""
    plan = with_visit_labels(plan_at(*events), EVENTS)
    assert visit_labels(plan.tables[0], ENGLISH) == ("First visit", "Second visit")


def words_of_the_engine() -> Iterator[tuple[str, str]]:
    """Every text for people: of the catalogue, and of the report and the mails."""
    for code, texts in own_texts().items():
        yield from ((code, text) for text in texts.values())
    for path in (*TEMPLATES.glob("*.toml"), *TEMPLATES.glob("*/*.toml"), *TEMPLATES.rglob("*.j2")):
        yield str(path.relative_to(TEMPLATES)), path.read_text(encoding="utf-8")


def test_no_text_of_the_engine_is_about_one_study() -> None:
    """A second study reads nothing of the first one's disease, treatment or visits."""
    said = [
        (code, found[0])
        for code, text in words_of_the_engine()
        if (found := OF_THE_FIRST_STUDY.search(text.replace("expectations/venous_occlusion", "")))
    ]
    assert said == []


def test_the_report_and_the_mails_have_words() -> None:
    """The search above reads the words of both."""
    assert {"words.toml", str(Path("digest", "words.toml"))} <= {code for code, _ in words_of_the_engine()}
