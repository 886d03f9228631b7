"""A study may be written in one language: its files need no other, and nothing that it writes has another."""

from pathlib import Path

import pytest

from nightround.findings.findings_list import findings_list
from nightround.model.errors import StudyFilesWrong
from nightround.model.language import LANGUAGES, Language, Words
from nightround.model.links import Places
from nightround.model.outcome import Outcome, Status
from nightround.study.plan import read_plan
from nightround.study.rules.rule_files import read_rule_file
from nightround.study.settings import read_settings, redcap_address
from nightround.validation.coverage import certificate, certify
from redcap_sync.messages import Message

ONE = """
[study]
id = "s"
title = { LANG = "一 One" }
language = "LANG"
"""
RULE = """
[[rule]]
id = "r"
instrument = "i"
severity = "minor"
title = { LANG = "A title" }
advice = { LANG = "Do it." }
discrepancy = "[a] > 1"
"""


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_title_in_one_language_is_enough(tmp_path: Path, language: Language) -> None:
    """A study with a title in one language is read, and both readers get that title."""
    (tmp_path / "study.toml").write_text(ONE.replace("LANG", language), encoding="utf-8")
    study = read_settings(tmp_path).study
    assert study.title.words() == Words("一 One", "一 One")
    assert study.languages == (language,)


def test_no_language_at_all_is_a_mistake(tmp_path: Path) -> None:
    """A title without a text in any language is refused, and the message says what is needed."""
    (tmp_path / "study.toml").write_text('[study]\nid = "s"\ntitle = {}\n', encoding="utf-8")
    with pytest.raises(StudyFilesWrong, match="one language at least"):
        read_settings(tmp_path)


def test_a_person_reads_what_is_written(tmp_path: Path) -> None:
    """A Chinese reader of an English study is refused: the person would get words that the study does not have."""
    person = '\n[[people]]\nrole = "r"\naddress = "a@example.org"\nlanguage = "zh"\n'
    (tmp_path / "study.toml").write_text(ONE.replace("LANG", "en") + person, encoding="utf-8")
    with pytest.raises(StudyFilesWrong, match=r"role r reads zh"):
        read_settings(tmp_path)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_rule_in_one_language_without_a_source_is_read(tmp_path: Path, language: Language) -> None:
    """Title and advice in one language are enough, and neither problem nor source is needed."""
    file = tmp_path / "r.toml"
    file.write_text(RULE.replace("LANG", language), encoding="utf-8")
    (rule,) = read_rule_file(file)
    assert rule.finding_title == Words("A title", "A title")
    assert rule.advice == Words("Do it.", "Do it.")


@pytest.mark.parametrize("language", LANGUAGES)
def test_lists_have_the_study_s_language_alone(language: Language) -> None:
    """The list of findings has one title, and the certificate one reason a rule, in the study's language."""
    (other,) = set(LANGUAGES) - {language}
    heads = findings_list((), {}, Places("", "", None), {}, (language,)).splitlines()[0].split(",")
    assert f"title_{language}" in heads
    assert f"title_{other}" not in heads
    outcome = Outcome("r", Status.NOT_EVALUATED, 0, 0, 0, reason=Message.of("night.no_plan.what"))
    made = certificate(certify((), (outcome,)), (outcome,), run_id="1", snapshot_id="a", languages=(language,))
    assert [*made["rules"][0]["reason"]] == [language]


def test_a_study_s_own_address_goes_before_the_environment(tmp_path: Path) -> None:
    """The address in study.toml is used with its last slash, whatever the environment has for another study."""
    text = ONE.replace("LANG", "en") + '\n[redcap]\nurl = "https://a.example/api/"\n'
    (tmp_path / "study.toml").write_text(text, encoding="utf-8")
    settings = read_settings(tmp_path).redcap
    assert redcap_address(settings, {"REDCAP_URL": "https://b.example/api/"}) == "https://a.example/api/"


def test_a_plan_without_groups_has_one_column(tmp_path: Path) -> None:
    """A plan that names no grouping field has everybody in one group."""
    file = tmp_path / "plan.toml"
    file.write_text('policy = "recommended"\npopulation = "all"\n[[flow]]\nid = "all"\nlabel = "All"\n')
    plan = read_plan(file)
    assert [group.id for group in plan.groups] == ["all"]
    assert plan.grouping is None


@pytest.mark.parametrize(
    "lines", ['grouping = "arm"', '[[groups]]\nid = "a"\nlabel = "A"\ncodes = ["1"]'], ids=["no groups", "no field"]
)
def test_groups_need_their_field(tmp_path: Path, lines: str) -> None:
    """A grouping field without groups, or groups without a field, is a mistake that is named."""
    file = tmp_path / "plan.toml"
    file.write_text(f'policy = "recommended"\npopulation = "all"\n{lines}\n[[flow]]\nid = "all"\nlabel = "All"\n')
    with pytest.raises(StudyFilesWrong, match="group"):
        read_plan(file)
