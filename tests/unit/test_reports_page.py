"""The page: escaped, complete, in one language, and marked where it must be."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from nightround.model.errors import StudyFilesWrong
from nightround.model.finding import LedgerDelta
from nightround.model.language import LANGUAGES, Language, Words
from nightround.model.outcome import Coverage, Status
from nightround.report.numbers.facts import Cause, CauseKind, ChangedNumber, News
from nightround.report.printing.attachments import attachments, steady
from nightround.report.printing.context import build_report
from nightround.report.printing.render import html, split_hyphenated, split_symbols
from nightround.study.plan_analyses import ReportFacts
from nightround.texts.catalogue import read_wording
from nightround.texts.csv_text import harmless
from redcap_sync.messages import Message
from tests.report_samples import CUTOFF, OUTCOMES, PLAN, RULES, SECRET, SNAPSHOT, TEMPLATES, night

ONE_MORE = ChangedNumber("flow", "finished", "n", "", "", "", "61", "62", (Cause(CauseKind.NEW, ("9",)),))
NEWS = News(CUTOFF, SNAPSHOT, 9, (ONE_MORE,), 0, 3)
HOSTILE = "<img src=x onerror=alert(1)>{{ 7*7 }}\"'</style><script>\u202eevil</script>&lt;b&gt;"


def page(language: Language = "en", **changes: object) -> str:
    """The HTML of a night."""
    return html(build_report(night(**changes), language, TEMPLATES), TEMPLATES)


def test_every_text_from_outside_is_escaped() -> None:
    """A title with markup, a template expression and a direction mark is printed as the characters it is."""
    rules = tuple(replace(rule, title=Words(HOSTILE, HOSTILE)) for rule in RULES)
    outcomes = tuple(replace(outcome, reason=Message.read(HOSTILE)) for outcome in OUTCOMES)
    made = page(title=Words(HOSTILE, HOSTILE), rules=rules, outcomes=outcomes, versions={HOSTILE: HOSTILE})
    assert "<img" not in made
    assert "<script" not in made
    assert "\u202e" not in made
    assert "{{ 7*7 }}" in made
    assert "&lt;img src=x" in made


def test_no_patient_value_reaches_the_page_or_its_attachments() -> None:
    """What a finding or a violation observed stays in the store."""
    files = "".join(attachment.text for attachment in attachments(night()))
    assert SECRET not in page("zh") + page("en") + files


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_synthetic_study_says_so_in_both_languages(language: Language) -> None:
    """The mark is in the running foot and on the cover; a real study has none."""
    assert page(language).count("SYNTHETIC DATA") >= 2
    assert page(language).count("合成数据") >= 2
    assert "SYNTHETIC" not in page(language, synthetic=False)


def test_an_incomplete_run_is_marked_on_every_page() -> None:
    """Where the run did not see everything, or a rule is unaccounted for, the page says INCOMPLETE."""
    assert "INCOMPLETE" not in page()
    assert page(run=replace(night().run, complete=False)).count("INCOMPLETE") >= 3
    coverage = Coverage(("V1", "V2", "V3", "V4"), dict.fromkeys(Status, 1), ("V4",), {})
    assert "Not accounted for: V4." in page(coverage=coverage)
    assert "INCOMPLETE" in page(coverage=coverage)


def test_the_coverage_certificate_adds_up_on_the_page() -> None:
    """Known = passed + failed + not applicable + could not be evaluated."""
    assert "3 = 1 + 1 + 1 + 0" in page()


def test_a_night_without_findings_says_so() -> None:
    """An empty table is no table."""
    made = page(delta=LedgerDelta(), outcomes=OUTCOMES[1:2])
    assert "No finding is open." in made
    assert "table-open_findings" not in made
    assert "table-failed_rules" not in made


def test_the_whole_snapshot_hash_and_the_cutoff_are_printed() -> None:
    """The report names the data it was made from."""
    assert SNAPSHOT in page()
    assert "2026-11-22 02:00 (UTC+08:00)" in page()


BLOCKS = sorted(
    str(path.relative_to(TEMPLATES))
    for path in (*TEMPLATES.glob("*.j2"), *TEMPLATES.glob("pages/*.j2"), *TEMPLATES.glob("*.css"))
    if path.name != "figure.svg.j2"  # a drawing as a file of its own, in no page of the report
)
"""Every file of the report's templates that a study may put its own before."""


def own_templates(folder: Path, **files: str) -> Path:
    """Our templates with files of the study `sample` before them."""
    templates = folder / "report_templates"
    templates.mkdir()
    for path in TEMPLATES.iterdir():
        (templates / path.name).symlink_to(path)
    for name, text in files.items():
        own = templates / "sample" / name
        own.parent.mkdir(parents=True, exist_ok=True)
        own.write_text(text, encoding="utf-8")
    return templates


@pytest.mark.parametrize("block", BLOCKS)
def test_a_study_puts_a_block_of_its_own_before_any_of_ours(block: str, tmp_path: Path) -> None:
    """Its file is used in the place of ours, can include ours, and the rest of the page stays as it is."""
    mark = f"/* own {block} */"
    if block == "macros.html.j2":
        text = (
            (TEMPLATES / block)
            .read_text(encoding="utf-8")
            .replace('<div class="table-end">', mark + '<div class="table-end">')
        )
    else:
        text = f'{mark}{{% include "original/{block}" %}}'
    inputs = night(news=NEWS, plan=PLAN.model_copy(update={"report": ReportFacts(checklist="strobe")}))
    templates = own_templates(tmp_path, **{block: text})
    ours = html(build_report(inputs, "en", TEMPLATES), TEMPLATES)
    made = html(build_report(inputs, "en", templates), templates)
    assert mark in made
    assert made.replace(mark, "") == ours


def test_a_study_overrides_a_text(tmp_path: Path) -> None:
    """A text in the words of the study goes before ours; the others stay."""
    templates = own_templates(tmp_path, **{"words.toml": 'interim_report = { zh = "期中报告", en = "DMC report" }'})
    made = html(build_report(night(), "en", templates), templates)
    assert "DMC report" in made
    assert "Limitations" in made


def test_the_documents_name_every_block() -> None:
    """docs/report.md lists each file that a study may put its own before."""
    text = (TEMPLATES.parent / "docs" / "report.md").read_text(encoding="utf-8")
    assert [block for block in BLOCKS if f"`{block}`" not in text] == []


def test_a_text_that_is_missing_is_named() -> None:
    """A template that asks for an unknown text ends with the text's name and where it belongs."""
    with pytest.raises(StudyFilesWrong, match="no_such_text"):
        read_wording([TEMPLATES], "en")("no_such_text")


def test_every_text_has_both_languages_with_the_same_places() -> None:
    """No text is missing in a language, and both fill in the same numbers."""
    zh, en = (read_wording([TEMPLATES], language).texts for language in LANGUAGES)
    assert zh.keys() == en.keys()
    places = [
        {name: sorted({re.split("[:}]", part)[0] for part in text.split("{")[1:]}) for name, text in texts.items()}
        for texts in (zh, en)
    ]
    assert places[0] == places[1]


def test_statistical_symbols_are_found_in_a_sentence() -> None:
    """P before a sign or 'value' is a symbol; the P of a word is none, and the comparison is not broken over lines."""
    assert split_symbols("共 3 项 P < 0.05，IVC 与 PLT") == ["共 3\u00a0项 ", "P", "\u00a0<\u00a00.05，IVC 与 PLT"]
    assert split_symbols("P values of a t test") == ["", "P", " values of a ", "t", " test"]


def test_a_word_with_a_hyphen_is_kept_on_one_line() -> None:
    """Letters around a hyphen make one word; a range of numbers and what was typed without end are none."""
    assert split_hyphenated("IVC near-renal, cm") == ["IVC ", "near-renal", ", cm"]
    assert split_hyphenated("150-210 d") == ["150-210 d"]
    assert split_hyphenated("a-" * 500) == ["a-" * 500]


def test_result_rows_travel_as_json_with_what_they_were_computed_from() -> None:
    """The JSON contains every row to ten digits, by column, the snapshot and the cut-off."""
    document = json.loads(next(one.text for one in attachments(night()) if one.name == "results.json"))
    assert document["snapshot"] == SNAPSHOT
    assert {len(column) for column in document["results"].values()} == {len(night().results)}
    assert document["results"]["value"][0] == 72


def test_the_last_bits_of_a_processor_do_not_reach_a_file() -> None:
    """What two kinds of processor made of one ANCOVA is written as the same number; a missing one stays missing."""
    assert steady(-1.7868834601499004) == steady(-1.7868834601499037) == -1.78688346
    assert steady(72.0) == 72
    assert steady(None) is None


@pytest.mark.parametrize("typed", ["=1+1", "+cmd", "@SUM(A1)", "-2+3"])
def test_a_spreadsheet_does_not_run_what_was_typed(typed: str) -> None:
    """A text that begins like a formula gets a quote before it; a number stays a number."""
    assert harmless(typed) == f"'{typed}"
    assert harmless(-2.5) == -2.5


def test_a_plan_without_endpoints_tables_or_factors_still_makes_a_report() -> None:
    """What the plan does not ask for is left out, its heading with it."""
    plan = PLAN.model_copy(update={"endpoints": (), "tables": (), "regressions": ()})
    made = page(plan=plan)
    assert "Patient flow" in made
    assert "Key findings" in made
    assert "<h2>Endpoints</h2>" not in made
    assert "Primary endpoint" not in made
