"""What cover and last page say of a study, as a committee files its reports."""

from dataclasses import replace

import pytest

from nightround.model.language import LANGUAGES, Language, Words
from nightround.report.printing.context import build_report
from nightround.report.printing.render import html
from nightround.study.plan_analyses import ReportFacts
from tests.report_samples import TEMPLATES, night

FACTS = ReportFacts(
    protocol="NR-2026-01", site=Words("合成中心", "Made-up site"), signatures=(Words("统计师", "Statistician"),)
)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_fact_of_the_plan_has_a_line_and_one_it_lacks_has_none(language: Language) -> None:
    """Protocol and site are on the cover, no investigator does, and the role that signs is on the last page."""
    inputs = night()
    named = replace(inputs, plan=inputs.plan.model_copy(update={"report": FACTS}))
    report = build_report(named, language, TEMPLATES)
    assert {"NR-2026-01", FACTS.site.in_(language)} <= {text for _, text in report.facts}
    assert all(text for _, text in report.facts)
    assert FACTS.signatures[0].in_(language) in html(report, TEMPLATES)
    assert 'id="sign-off"' not in html(build_report(inputs, language, TEMPLATES), TEMPLATES)


def test_what_the_cover_says_changes_no_number() -> None:
    """A plan with another protocol number is no cause of a changed number."""
    plan = night().plan
    assert plan.model_copy(update={"report": FACTS}).numbers == plan.numbers
    assert plan.model_copy(update={"population": "other"}).numbers != plan.numbers
