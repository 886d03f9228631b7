"""A study file with a mistake in it says where, and what was probably meant."""

from datetime import date
from pathlib import Path

import pytest

from nightround.model.errors import StudyFilesWrong
from nightround.model.outcome import Status
from nightround.study.folder import load_study
from nightround.study.rules.rule_files import read_rules
from nightround.study.settings import StudySettings, checked, read_toml
from nightround.validation.run import validate
from tests.made_up import NIGHT, project, rule, snapshot

DICTIONARY = project("record_id visit text - -", "weight visit text number -", events={"one_arm_1": ["visit"]})
GOOD_RULE = rule("good", "visit", "[weight] > 1")
GOOD = """
[study]
id = "s"
title = { zh = "研究", en = "Study" }
[[people]]
role = "coordinator"
address = "a@example.org"
language = "zh"
"""


def read(tmp_path: Path, text: str) -> StudySettings:
    """Write a study.toml and read it as the engine does."""
    file = tmp_path / "study.toml"
    file.write_text(text, encoding="utf-8")
    return checked(StudySettings, read_toml(file), file=file)


def test_a_good_file_is_read(tmp_path: Path) -> None:
    """What is not said has its default, and the record id stays out of messages unless the study says so."""
    settings = read(tmp_path, GOOD)
    assert settings.study.title.words().in_("zh") == "研究"
    assert settings.study.record_id_in_messages is False
    assert settings.redcap.token_env == "REDCAP_TOKEN"


@pytest.mark.parametrize(
    ("wrong", "place", "nearest"),
    [
        (
            GOOD.replace("[study]", "[study]\nrecord_id_in_message = true"),
            "study.record_id_in_message",
            "record_id_in_messages",
        ),
        (GOOD.replace("language =", "langauge = 'en'\nlanguage ="), "people.0.langauge", "language"),
        (GOOD + "[reports]\nweekdays = ['mon']", "reports", "report"),
    ],
)
def test_an_unknown_key_names_the_nearest_one(tmp_path: Path, wrong: str, place: str, nearest: str) -> None:
    """A misspelt key is refused with exit code 10, its place and the nearest known key, at every depth."""
    with pytest.raises(StudyFilesWrong) as caught:
        read(tmp_path, wrong)
    assert place in caught.value.what
    assert repr(nearest) in caught.value.why
    assert caught.value.exit_code == 10


def test_a_key_that_is_like_none_lists_them_all(tmp_path: Path) -> None:
    """A key that resembles no known one is answered with the list of known keys."""
    with pytest.raises(StudyFilesWrong, match="xyz") as caught:
        read(tmp_path, GOOD.replace("[study]", "[study]\nxyz = 1"))
    assert "title" in caught.value.why


def test_a_missing_key_is_named(tmp_path: Path) -> None:
    """A file without a required key says which one."""
    with pytest.raises(StudyFilesWrong, match=r"study\.id"):
        read(tmp_path, GOOD.replace('id = "s"', ""))


@pytest.mark.parametrize("text", ["[study\nid=1", 'id = "unclosed'])
def test_broken_toml_says_where(tmp_path: Path, text: str) -> None:
    """A file that is no TOML names the line."""
    with pytest.raises(StudyFilesWrong, match="line"):
        read(tmp_path, text)


def test_a_file_in_another_encoding_says_so(tmp_path: Path) -> None:
    """A file saved as GBK is not a traceback."""
    file = tmp_path / "study.toml"
    file.write_bytes('title = "研究"'.encode("gbk"))
    with pytest.raises(StudyFilesWrong, match="UTF-8"):
        read_toml(file)


BROKEN_RULE = """[[rule]]
id = "B"
instrument = "visit"
title = { zh = "坏", en = "broken" }
discrepancy = "[weight] >= "
severity = "minor"
fields = ["weight"]
advice = { zh = "无", en = "none" }
source = "none"
"""


def test_a_broken_rule_is_refused_where_it_is_written_and_kept_for_the_night(tmp_path: Path) -> None:
    """Whoever works on rules is shown line and caret; a night keeps the rule, and it can only not be evaluated."""
    (tmp_path / "b.toml").write_text(BROKEN_RULE, encoding="utf-8")
    with pytest.raises(StudyFilesWrong, match=r"(?s)b\.toml, rule B.*line 1 .*\^"):
        read_rules(tmp_path)
    (kept,) = read_rules(tmp_path, strict=False)
    validation = validate(snapshot(DICTIONARY, []), [kept, GOOD_RULE], now=NIGHT.replace(tzinfo=None))
    assert validation.outcomes[0].status is Status.NOT_EVALUATED
    assert "character" in str(validation.outcomes[0].reason)
    assert validation.outcomes[1].status is Status.NOT_APPLICABLE
    assert validation.coverage.complete


def test_a_rule_may_say_what_its_findings_are_shown_as(tmp_path: Path) -> None:
    """`problem` is optional; without it, or in a language that it lacks, the title is shown."""
    whole = BROKEN_RULE.replace("[weight] >= ", "[weight] >= 200")
    (tmp_path / "a.toml").write_text(whole, encoding="utf-8")
    problem = 'id = "C"\nproblem = { zh = "体重过高", en = "" }'
    (tmp_path / "b.toml").write_text(whole.replace('id = "B"', problem), encoding="utf-8")
    without, named = read_rules(tmp_path)
    assert without.finding_title == ("坏", "broken")
    assert named.finding_title == ("体重过高", "broken")


def test_the_rules_a_project_has_in_redcap_run_as_they_are(tmp_path: Path) -> None:
    """`project_rules.csv`, saved from REDCap's Data Quality page, is read next to the study's own rules."""
    (tmp_path / "study.toml").write_text(GOOD, encoding="utf-8")
    csv = "rule_name,rule_logic,real_time_execution\nHeavy,[weight] > 200,y\nBroken,[weight] >,\n"
    (tmp_path / "project_rules.csv").write_text(csv, encoding="utf-8")
    study = load_study(tmp_path)
    assert [(one.id.rpartition("-")[0], one.title.en, one.origin) for one in study.project_rules] == [
        ("project:heavy", "Heavy", "redcap"),
        ("project:broken", "Broken", "redcap"),
    ]
    rows = [{"record_id": "1", "redcap_event_name": "one_arm_1", "weight": "250"}]
    validation = validate(snapshot(DICTIONARY, rows), study.project_rules, now=NIGHT.replace(tzinfo=None))
    assert [one.status for one in validation.outcomes] == [Status.FAILED, Status.NOT_EVALUATED]


RULE_HEAD = """[[rule]]
instrument = "one"
title = { zh = "坏", en = "broken" }
discrepancy = "[weight] > 200"
severity = "minor"
fields = ["weight"]
advice = { zh = "", en = "" }
source = ""
"""


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ('id = "A"', 'id = "B"\nwas = "A"'),
        ('id = "A"\nwas = "OLD"', 'id = "B"\nwas = ["OLDER", "OLD"]'),
        ('id = "A"', 'id = "B"\nwas = "B"'),
    ],
)
def test_an_earlier_id_belongs_to_one_rule_alone(tmp_path: Path, first: str, second: str) -> None:
    """An id in `was` that another rule has, or had too, says not whose its findings are: it is refused."""
    text = "\n".join(RULE_HEAD + line for line in (first + "\n", second + "\n"))
    (tmp_path / "a.toml").write_text(text, encoding="utf-8")
    with pytest.raises(StudyFilesWrong, match="was, which is the id of another rule"):
        read_rules(tmp_path)


def test_a_rule_is_switched_off_until_a_day(tmp_path: Path) -> None:
    """On the day itself it is judged again."""
    off = '\n[rules]\noff = [{ id = "required:weight", reason = "New scales", until = 2025-03-01 }]\n'
    (tmp_path / "study.toml").write_text(GOOD + off, encoding="utf-8")
    rules = load_study(tmp_path).settings.rules
    assert [one.reason for one in rules.off_on(date(2025, 2, 28)).values()] == ["New scales"]
    assert rules.off_on(date(2025, 3, 1)) == {}


@pytest.mark.parametrize("entry", ['{ id = "A", reason = "x" }', '{ id = "A", until = 2025-03-01 }', '{ id = "A" }'])
def test_a_rule_is_switched_off_for_a_reason_and_not_for_ever(tmp_path: Path, entry: str) -> None:
    """Without a reason or an end it would be a rule that nobody remembers."""
    (tmp_path / "study.toml").write_text(f"{GOOD}\n[rules]\noff = [{entry}]\n", encoding="utf-8")
    with pytest.raises(StudyFilesWrong, match=r"rules\.off\.0"):
        load_study(tmp_path)


def test_a_folder_without_the_file_says_so(tmp_path: Path) -> None:
    """A study folder without study.toml is refused by name."""
    with pytest.raises(StudyFilesWrong, match=r"study\.toml does not exist"):
        read_toml(tmp_path / "study.toml")


MAIL = """
[[channels]]
id = "mail"
kind = "smtp"
host = "mail.hospital.example"
sender = "Nightround <nightround@hospital.example>"
"""


def test_people_have_the_channels_they_name_or_the_first_one(tmp_path: Path) -> None:
    """A study without channels has the outbox folder; a port is that of the security."""
    assert [one.channels for one in read(tmp_path, GOOD).recipients()] == [("outbox",)]
    assert [one.channels for one in read(tmp_path, GOOD + MAIL).recipients()] == [("mail",)]
    named = GOOD + 'channels = ["outbox", "mail"]\n' + MAIL
    assert [one.channels for one in read(tmp_path, named).recipients()] == [("outbox", "mail")]
    kept = read(tmp_path, named).model_dump(mode="json")
    assert StudySettings.model_validate(kept).channels == read(tmp_path, named).channels


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (
            GOOD + 'channels = ["fax"]\n' + MAIL,
            "names the channel fax, which the study does not have; it has mail, outbox",
        ),
        (GOOD + MAIL + MAIL, "the channel mail is there twice"),
        (GOOD + MAIL.replace("host", "hosst"), "channels.0.hosst"),
        (GOOD + MAIL.replace('host = "mail.hospital.example"', ""), "a channel of the kind smtp has host"),
        (
            GOOD
            + MAIL.replace("sender = ", "reply_to = ").replace("Nightround <nightround@hospital.example>", "a@b.c"),
            "sender",
        ),
        (GOOD + MAIL + 'url_env = "URL"\n', "a channel of the kind smtp has no url_env"),
        (GOOD + MAIL.replace('"smtp"', '"wecom"'), "a channel of the kind wecom has no host"),
        (GOOD + '[[channels]]\nid = "w"\nkind = "wecom"\n', "a channel of the kind wecom has url_env"),
        (GOOD + '[[channels]]\nid = "w"\nhost = "x"\n', "a channel of the kind outbox has no host"),
        (GOOD + '[[channels]]\nid = "w"\nkind = "fax"\n', "'outbox', 'smtp'"),
        (GOOD + MAIL + 'user_env = "U"\n', "user_env and one of"),
        (GOOD + MAIL + 'password_env = "P"\n', "user_env and one of"),
        (GOOD + MAIL + 'user_env = "U"\npassword_env = "P"\npassword_file = "f"\n', "user_env and one of"),
        (GOOD + MAIL + 'user_env = "U"\npassword_env = "P"\nsecurity = "none"\n', "plain text"),
        (GOOD + MAIL.replace("Nightround <nightround@hospital.example>", "Nightround"), "sender"),
        (GOOD + MAIL.replace("Nightround <", "A, B <"), "sender"),
        (GOOD + MAIL + 'bounce = "x y"\n', "mail address"),
        (GOOD + MAIL + "port = 70000\n", "65535"),
    ],
)
def test_a_channel_that_cannot_be_used_is_refused(tmp_path: Path, wrong: str, said: str) -> None:
    """Exit code 10 before the first night, with what is wrong; no message would find out by being lost."""
    with pytest.raises(StudyFilesWrong) as caught:
        read(tmp_path, wrong)
    assert said in f"{caught.value.what} {caught.value.why}"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("[due]\ncountry = 'China'\n", "two capital letters"),
        ("[due]\ncountry = 'XX'\n", "two capital letters"),
        ("[due]\ncountry = 'DE'\nsubdivision = 'ZZ'\n", "no subdivision"),
        ("[due]\ncritical = { days = 0 }\n", "1 or more"),
        ("[due]\nmajor = { days = 5, then = ['data_manger'] }\n", "the role data_manger"),
        ("[links]\nbase_url = 'ftp://hospital.example'\n", "http or https"),
        ("[links]\nbase_url = 'https://hospital.example/?token=1'\n", "http or https"),
        ("[alerts.flood]\npercent = 0\n", "greater than 0"),
    ],
)
def test_what_is_due_and_where_pages_are_is_checked(tmp_path: Path, wrong: str, said: str) -> None:
    """A calendar nobody knows, a role nobody has and an address that is none are refused with their reason."""
    with pytest.raises(StudyFilesWrong, match=said):
        read(tmp_path, GOOD + wrong)


def test_the_short_name_is_the_id_unless_the_study_says_so(tmp_path: Path) -> None:
    """Subjects begin with it, so that it is never blank and never long."""
    assert read(tmp_path, GOOD).study.short_name == ("s", "s")
    short = GOOD.replace("[[people]]", "short = { zh = '短', en = 'Short' }\n[[people]]", 1)
    assert read(tmp_path, short).study.short_name.zh == "短"
    with pytest.raises(StudyFilesWrong, match="characters"):
        read(tmp_path, short.replace("'短'", f"'{'长' * 25}'"))


def test_the_kept_copy_of_the_settings_is_read_whoever_the_study_names(tmp_path: Path) -> None:
    """What is written with every default in it is read again, also where nobody has the role of a default."""
    settings = read(tmp_path, GOOD)
    assert checked(StudySettings, settings.model_dump(mode="json"), file=tmp_path / "copy") == settings
