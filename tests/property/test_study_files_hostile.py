"""Whatever is in a study's folder: it is read with values that work, or refused with exit code 10, and soon."""

from __future__ import annotations

import json
import math
import os
import types
import typing
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from nightround.model.language import LANGUAGES
from nightround.rule_desk.examples import run_examples
from nightround.study.folder import Content, Study, load_study
from nightround.study.rules.of_dictionary import rules_from_dictionary
from nightround.study.rules.rule_files import RuleTable
from nightround.study.rules.score_tables import ScoresTable
from nightround.study.settings import StudySettings
from nightround.texts.catalogue import in_language, read_wording
from redcap_sync.errors import ExplainedError
from tests.made_up import project

NOW = datetime(2026, 11, 28, tzinfo=UTC)
STUDY = {"study": {"id": "s", "title": {"zh": "研究", "en": "Study"}}}
RULE = {
    "id": "R",
    "instrument": "visit",
    "title": {"zh": "题", "en": "title"},
    "discrepancy": "[weight] > 1",
    "severity": "minor",
    "fields": ["weight"],
    "advice": {"zh": "无", "en": "none"},
    "source": "none",
}
EGFR = {
    "name": "egfr",
    "variant": "ckd_epi_2021",
    "id": "GFR",
    "instrument": "visit",
    "items": {"creatinine": "cr", "age": "[one_arm_1][age]", "sex": "sex"},
    "units": {"creatinine": "mg/dL"},
    "values": {"sex": {"female": "2", "male": "1"}},
    "total": "egfr",
    "grade": "stage",
    "grades": {f"G{name}": name for name in ("1", "2", "3a", "3b", "4", "5")},
    "rules": {"total": {"id": "GFR-01"}},
}
VILLALTA = {
    "name": "villalta",
    "variant": "isth_2009",
    "id": "VIL",
    "instrument": "visit",
    "items": "vil_{item}",
    "total": "villalta",
    "grade": "pts",
    "rules": {"total": {"id": "VIL-01"}},
}
INSIDE = [
    *(("items", key) for key in EGFR["items"]),
    ("units", "creatinine"),
    *(("values", "sex", key) for key in ("female", "male")),
    ("grades", "G1"),
    *(("rules", "total", key) for key in ("id", "was", "severity", "fields", "analyst")),
    *((key, "unknown") for key in ("items", "units", "values", "grades", "rules")),
]
"""Places inside of the tables of a score, whose keys are those of the score."""
NUMBERS = [math.nan, math.inf, -math.inf, -1, -50, -0.0, 0, 1, 2, 1e308, 5e-324, 10**12, 2**63, 10**400]
IDS = ["../escaped", "/abs", "", ".", "..", ".hidden", "a/b", "a\\b", "C:x", "nul", "COM1", "a" * 65, "ａ", "а", "x\n"]
TEXTS = [
    "a@b@c",
    "nobody",
    "x@y\r\nBcc: z@y",
    "a\0b",
    "\x1b[2J",
    "\u202egnp",
    "\x85",
    "é" * 3000,
    "Asia/Shangai",
    "Asia",
    " ",
]
ODD: list[Any] = [True, [], {}, [[]], [{}], {"a": {"b": 1}}, "'", '"""', "[weight", "(" * 3000]
HOSTILE = [*NUMBERS, *IDS, *TEXTS, *ODD]


def toml_of(value: Any) -> str:
    """A value as TOML, tables inline."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {toml_of(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml_of, value)) + "]"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else repr(value)


def document_of(tables: dict[str, Any]) -> str:
    """A TOML document."""
    return "".join(f"{key} = {toml_of(value)}\n" for key, value in tables.items())


def places(model: type[BaseModel], before: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The place of each key of a model, tables and the first entry of each list of tables included."""
    for name, field in model.model_fields.items():
        yield (*before, name)
        for inner, within in models_in(field.annotation, (*before, name)):
            yield from places(inner, within)


def models_in(kind: Any, before: tuple[str | int, ...]) -> Iterator[tuple[type[BaseModel], tuple[str | int, ...]]]:
    """The models that a type is made of, with their place."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        yield kind, before
    elif typing.get_origin(kind) is tuple:
        yield from models_in(typing.get_args(kind)[0], (*before, 0))
    elif typing.get_origin(kind) in (typing.Union, types.UnionType):
        for one in typing.get_args(kind):
            yield from models_in(one, before)


FILLED = {
    **STUDY,
    "redcap": {},
    "snapshots": {},
    "report": {},
    "alerts": {},
    "people": [{"role": "coordinator", "address": "a@example.org", "language": "zh"}],
    "dictionary_rules": {
        "visits": [{"event": "one_arm_1"}],
        "limits": [{"field": "weight", "maximum": "300", "source": "none"}],
        "expected_missing": [{"when": "[weight] > 1", "reason": {"zh": "因", "en": "why"}, "event": "one_arm_1"}],
    },
}


def with_value(tables: Any, place: tuple[str | int, ...], value: Any) -> Any:
    """A copy of nested tables with one value replaced."""
    if not place:
        return value
    first, *rest = place
    if isinstance(first, int):
        return [with_value(tables[0] if tables else {}, tuple(rest), value)]
    return {**tables, first: with_value(tables.get(first, {}), tuple(rest), value)}


def load(folder: Path, settings_text: str, rules_text: str = "") -> Study | ExplainedError:
    """Write the files of a study and load them; the study, or the error it was refused with."""
    (folder / "rules").mkdir(parents=True, exist_ok=True)
    (folder / "study.toml").write_text(settings_text, encoding="utf-8", newline="")
    (folder / "rules" / "a.toml").write_text(rules_text or "rule = []", encoding="utf-8", newline="")
    try:
        return load_study(folder)
    except ExplainedError as error:
        return error


def assert_refused(error: ExplainedError) -> None:
    """The error has the code of study files, and one line for each of its texts, in both languages."""
    assert error.exit_code == 10
    for part in ("what", "why", "remedy"):
        for language in LANGUAGES:
            assert in_language(error.part(part), language)


def assert_works(study: Study, data: Path) -> None:
    """What was accepted can be used: a folder inside, times that exist, waits that end, mails that can be written."""
    assert (data / study.id).resolve().parent == data.resolve()
    for rule in study.rules:
        assert (data / rule.id).resolve().parent == data.resolve()
    redcap, kept = study.settings.redcap, study.settings.snapshots
    assert 1 <= redcap.timeout_seconds <= 3600
    assert 0 <= redcap.largest_loss_percent <= 100
    assert 60 / redcap.requests_per_minute <= 60
    assert redcap.batch_records * redcap.workers < 10**6
    assert NOW - timedelta(days=kept.keep_days, weeks=kept.keep_weeks) - timedelta(days=redcap.full_pull_days)
    assert NOW.astimezone(ZoneInfo(study.settings.study.time_zone))
    for person in study.settings.people:
        mail = EmailMessage()
        mail["To"] = person.address
        mail["Subject"] = f"{study.settings.study.title.zh} {person.role}"
        assert mail.as_bytes().count(b"\n\n") == 1
        assert len(mail["To"].addresses) == 1


PLACES = tuple(places(StudySettings))


@settings(max_examples=250, deadline=None)
@given(place=st.sampled_from(PLACES), value=st.sampled_from(HOSTILE))
def test_each_key_of_the_settings_with_hostile_values(
    tmp_path_factory: pytest.TempPathFactory, place: tuple[str | int, ...], value: Any
) -> None:
    """Each key is read with a value that works, or refused with exit code 10 and a sentence in both languages."""
    folder = tmp_path_factory.mktemp("study")
    found = load(folder, document_of(with_value(FILLED, place, value)))
    if isinstance(found, ExplainedError):
        assert_refused(found)
    else:
        assert_works(found, folder)


@settings(max_examples=120, deadline=None)
@given(place=st.sampled_from(tuple(places(RuleTable))), value=st.sampled_from(HOSTILE))
def test_each_key_of_a_rule_with_hostile_values(
    tmp_path_factory: pytest.TempPathFactory, place: tuple[str | int, ...], value: Any
) -> None:
    """A rule is read, or refused with exit code 10 and a sentence in both languages."""
    folder = tmp_path_factory.mktemp("study")
    found = load(folder, document_of(STUDY), document_of({"rule": [with_value(RULE, place, value)]}))
    if isinstance(found, ExplainedError):
        assert_refused(found)
    else:
        assert_works(found, folder)


@settings(max_examples=250, deadline=None)
@given(
    table=st.sampled_from([EGFR, VILLALTA]),
    place=st.sampled_from([*places(ScoresTable), *INSIDE]),
    value=st.sampled_from([*HOSTILE, "a' or '1' = '1", "[a][b]", "f(1)", "f(')", "{item}", "[one_arm_1][egfr]", "1"]),
)
def test_each_key_of_a_score_with_hostile_values(
    tmp_path_factory: pytest.TempPathFactory, table: dict[str, Any], place: tuple[str | int, ...], value: Any
) -> None:
    """A score makes rules whose examples are right, or is refused with exit code 10 and a sentence for each reader."""
    assume(len(place) == 1 or isinstance(table.get(str(place[0])), dict))
    assume((place, value) != (("missing_code",), "1"))  # an answer of the score cannot mean that there is none
    folder = tmp_path_factory.mktemp("study")
    found = load(folder, document_of(STUDY), document_of({"scores": [with_value(table, place, value)]}))
    if isinstance(found, ExplainedError):
        assert_refused(found)
    else:
        assert_works(found, folder)
        assert all(rule.fields for rule in found.rules)
        assert run_examples(found.rules, [value if place == ("missing_code",) else "UNK"]).wrong == ()


@settings(max_examples=120, deadline=None)
@given(content=st.binary(max_size=200) | st.text(max_size=200).map(lambda one: one.encode("utf-8", "surrogatepass")))
def test_any_bytes_are_a_study_file(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    """Bytes of any kind in place of a file are refused with exit code 10."""
    folder = tmp_path_factory.mktemp("study")
    (folder / "study.toml").write_bytes(content)
    with pytest.raises(ExplainedError) as caught:
        load_study(folder)
    assert_refused(caught.value)


GOOD = document_of(STUDY)
FILES = {
    "5,000 nested arrays": "x = " + "[" * 5000 + "]" * 5000,
    "nested tables": "x = " + "{a = " * 3000 + "1" + "}" * 3000,
    "a key of 100,000 parts": "a." * 100_000 + "a = 1",
    "a quoted key of many parts": '"a" . ' * 50_000 + "a = 1",
    "a table of many parts": "[" + "a." * 100_000 + "a]",
    "an inline key of many parts": "x = {" + "a." * 100_000 + "a = 1}",
    "a number of 6,000 digits": "x = " + "9" * 6000,
    "a key twice": GOOD + GOOD,
    "NUL": "x = 'a\0b'",
    "a key with a control character": '"a\\u0007" = 1',
    "a key of a megabyte": "a" * 1_000_000 + " = 1",
    "a text of a megabyte": "x = '" + "a" * 1_000_000 + "'",
}


@pytest.mark.parametrize("text", FILES.values(), ids=FILES)
@pytest.mark.parametrize("name", ["study.toml", "plan.toml", "rules/a.toml"])
def test_a_hostile_document_is_refused(tmp_path: Path, name: str, text: str) -> None:
    """Deep, long and broken documents are refused wherever they are."""
    (tmp_path / "rules").mkdir()
    (tmp_path / "study.toml").write_text(GOOD, encoding="utf-8")
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(ExplainedError) as caught:
        load_study(tmp_path)
    assert_refused(caught.value)


@pytest.mark.parametrize("kind", ["pipe", "device", "folder", "loop", "nowhere", "gigabytes", "latin"])
@pytest.mark.parametrize("name", ["study.toml", "plan.toml", "project_rules.csv", "rules/a.toml"])
def test_what_is_no_ordinary_file_is_refused_at_once(tmp_path: Path, name: str, kind: str) -> None:
    """A pipe, a device, a folder, a link to itself or nowhere, a huge file and one in another encoding."""
    (tmp_path / "rules").mkdir()
    (tmp_path / "study.toml").write_text(GOOD, encoding="utf-8")
    file = tmp_path / name
    file.unlink(missing_ok=True)
    if kind == "pipe":
        os.mkfifo(file)
    elif kind == "folder":
        file.mkdir()
    elif kind == "gigabytes":
        file.touch()
        os.truncate(file, 4 * 2**30)
    elif kind == "latin":
        file.write_bytes(b"x = 'caf\xe9'")
    else:
        file.symlink_to({"device": "/dev/zero", "loop": file.name, "nowhere": "nothing"}[kind])
    with pytest.raises(ExplainedError) as caught:
        load_study(tmp_path)
    assert_refused(caught.value)


def test_rules_that_are_no_folder_are_refused(tmp_path: Path) -> None:
    """A file in place of the folder of rules is no study without rules."""
    (tmp_path / "study.toml").write_text(GOOD, encoding="utf-8")
    (tmp_path / "rules").write_text("")
    with pytest.raises(ExplainedError) as caught:
        load_study(tmp_path)
    assert_refused(caught.value)


@pytest.mark.parametrize("name", ["a" * 5000, "a\0b", "", "../../etc", "\x1b[2J"])
def test_a_name_of_no_study_is_refused(tmp_path: Path, name: str) -> None:
    """Names that no file can have, and names that lead elsewhere."""
    (tmp_path / "expectations").mkdir()
    with pytest.raises(ExplainedError) as caught:
        Content(tmp_path).study_folder(name)
    assert_refused(caught.value)


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    """Editors of Windows write one in front of UTF-8."""
    found = load(tmp_path, "\ufeff" + GOOD)
    assert isinstance(found, Study)


def test_an_id_belongs_to_one_rule(tmp_path: Path) -> None:
    """No other rule of the study has the id of a rule."""
    rule = {**RULE, "id": "1"}
    found = load(tmp_path, GOOD, document_of({"rule": [rule, rule]}))
    assert isinstance(found, ExplainedError)
    assert_refused(found)


def test_no_rule_of_the_study_can_have_the_id_of_a_rule_of_the_project(tmp_path: Path) -> None:
    """The ids of a project's rules begin with `project:`, which no id of a rule file can hold."""
    (tmp_path / "project_rules.csv").write_text("rule_name,rule_logic\na,[weight] > 1\n")
    found = load(tmp_path, GOOD, document_of({"rule": [{**RULE, "id": "1"}]}))
    assert isinstance(found, Study)
    (of_project,) = found.project_rules
    refused = load(tmp_path, GOOD, document_of({"rule": [{**RULE, "id": of_project.id}]}))
    assert isinstance(refused, ExplainedError)


@pytest.mark.parametrize(
    "text", ["x = 'a text'", "x = 1", "[x", "x = " + "[" * 5000, "x = { zh = '一' }", "x = " + "9" * 6000]
)
def test_words_that_are_none_are_refused(tmp_path: Path, text: str) -> None:
    """The words of a study's mails and reports, whatever is in their file."""
    (tmp_path / "words.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ExplainedError) as caught:
        read_wording([tmp_path], "zh")
    assert_refused(caught.value)


def test_words_in_a_pipe_are_refused_at_once(tmp_path: Path) -> None:
    """A pipe in place of the file of words is not waited for."""
    os.mkfifo(tmp_path / "words.toml")
    with pytest.raises(ExplainedError) as caught:
        read_wording([tmp_path], "zh")
    assert_refused(caught.value)


DICTIONARY = project(
    "record_id visit text - -",
    "weight visit text number -",
    events={"one_arm_1": ["visit"], "two_arm_1": ["visit"]},
)


@settings(max_examples=120, deadline=None)
@given(place=st.sampled_from([one for one in PLACES if one[0] == "dictionary_rules"]), value=st.sampled_from(HOSTILE))
def test_rules_of_the_dictionary_with_hostile_settings(
    tmp_path_factory: pytest.TempPathFactory, place: tuple[str | int, ...], value: Any
) -> None:
    """Limits, visits and expected blanks of any kind make rules, or are refused with exit code 10."""
    filled = with_value(FILLED, ("dictionary_rules", "visits"), [{"event": "two_arm_1"}])
    found = load(tmp_path_factory.mktemp("study"), document_of(with_value(filled, place, value)))
    if isinstance(found, ExplainedError):
        return
    try:
        assert all(rule.id for rule in rules_from_dictionary(DICTIONARY, found.settings.dictionary_rules))
    except ExplainedError as error:
        assert_refused(error)
