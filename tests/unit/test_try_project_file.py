"""A project XML is read by its structure, and nothing else is mistaken for one."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from nightround.rule_desk.try_project import try_project
from redcap_sync.dictionary import Group
from redcap_sync.errors import ProjectFileWrong
from redcap_sync.odm.project_file import ProjectFile, read_project_file
from redcap_sync.project.custom_rules import CustomRule, read_custom_rules
from tests.project_xml import HEAD, Item, Opened, project_xml

NOW = datetime(2025, 1, 1)  # noqa: DTZ001 - REDCap stores no zone
REAL = Path(__file__).parents[3] / "shared" / "redcap_projects"
EVERY_FILE = sorted(REAL.rglob("*.xml")) if REAL.exists() else []
ITEMS = [
    Item("record_id", "visit"),
    Item("weight", "visit", validation="number", minimum="30", maximum="160"),
    Item("note", "visit", "notes", more={"FieldAnnotation": "line 1\nline 2"}),
    Item("signs", "visit", "checkbox", choices="1, Red | 2, Warm"),
    Item("seen_at", "event_log", validation="datetime_ymd"),
]


def read(tmp_path: Path, text: str) -> ProjectFile:
    """Write a file and read it."""
    path = tmp_path / "project.xml"
    path.write_text(text, encoding="utf-8", newline="")
    return read_project_file(path)


def test_structure_values_rules_and_codes(tmp_path: Path) -> None:
    """Fields, choices, ranges, codes, rules in their order, and every cell as it was written."""
    data = [
        Opened("1", "visit", {"record_id": "1", "weight": "070", "note": "a\nb", "signs___2": "1"}),
        Opened("1", "event_log", {"seen_at": "2024-05-01T08:30"}, instance=2),
    ]
    rules = [("First", "[weight] > '100'"), ("Second", "[note] = ''")]
    text = project_xml(ITEMS, data, repeating=[("", "event_log")], codes="NI, No information\n-99, Asked", rules=rules)
    got = read(tmp_path, text)
    assert got.redcap_version == "13.8.1"
    assert got.rules == tuple(CustomRule(*one) for one in rules)
    assert [one.code for one in got.dictionary.missing_data_codes] == ["NI", "-99"]
    weight, note = got.dictionary.by_name["weight"], got.dictionary.by_name["note"]
    assert (weight.validation, weight.minimum, weight.maximum) == ("number", "30", "160")
    assert (note.type, note.annotation) == ("notes", "line 1\nline 2")
    base, repeat = got.records
    assert (base["weight"], base["note"], base["signs___1"], base["signs___2"]) == ("070", "a\nb", "0", "1")
    assert (repeat["redcap_repeat_instrument"], repeat["redcap_repeat_instance"]) == ("event_log", "2")
    assert repeat["seen_at"] == "2024-05-01 08:30"


def test_a_record_with_repeat_instances_alone_has_its_base_row(tmp_path: Path) -> None:
    """REDCap holds at least the record id where an instance of the event was stored."""
    events = {"one_arm_1": ["visit", "event_log"], "two_arm_1": ["visit"]}
    data = [Opened("7", "event_log", {"seen_at": "2024-05-01T08:30"}, event="one_arm_1")]
    got = read(tmp_path, project_xml(ITEMS, data, events=events, repeating=[("one_arm_1", "event_log")]))
    assert [(row["redcap_event_name"], row["redcap_repeat_instrument"]) for row in got.records] == [
        ("one_arm_1", ""),
        ("one_arm_1", "event_log"),
    ]


def test_several_pieces_give_the_same_as_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However the file is cut while it is read, line breaks in values survive."""
    data = [Opened(str(n), "visit", {"record_id": str(n), "note": f'"a" < b\n{n} > 0'}) for n in range(30)]
    text = project_xml(ITEMS, data)
    whole = read(tmp_path, text)
    monkeypatch.setattr("redcap_sync.odm.safe_xml.BLOCK", 37)
    assert read(tmp_path, text).records == whole.records
    assert whole.records[3]["note"] == '"a" < b\n3 > 0'


BOMB = (
    '<?xml version="1.0"?><!DOCTYPE ODM [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    "<ODM>&b;&b;</ODM>"
)
OUTSIDE = '<?xml version="1.0"?><!DOCTYPE ODM [<!ENTITY x SYSTEM "file:///etc/hostname">]><ODM>&x;</ODM>'


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "empty"),
        ("<!DOCTYPE html><html><body>Log in</body></html>", "login page"),
        ("<html><body>Log in</body></html>", "login page"),
        ("record_id,weight\n1,70\n", "not XML at all"),
        ("{}", "not XML at all"),
        ("<records><item/></records>", "outermost element is records"),
        (project_xml(ITEMS)[:1500], "cut off"),
        (project_xml(ITEMS, [Opened("1", "visit", {"record_id": "1"})])[:-30], "cut off"),
        (HEAD + "</ODM>", "no field"),
        (BOMB, "document type"),
        (OUTSIDE, "document type"),
        ("<?xml version='1.0'?>" + " " * 3_000_000 + BOMB[21:], "document type"),
        ("<!--" + "x" * 3_000_000, "cut off"),
        (HEAD + "<Study>" * 100_000, "cut off"),
    ],
)
def test_anything_else_is_refused_with_its_reason(tmp_path: Path, text: str, why: str) -> None:
    """Web pages, tables, cut files, other XML, entity bombs and outside entities end in exit code 10."""
    with pytest.raises(ProjectFileWrong, match=why) as caught:
        read(tmp_path, text)
    assert caught.value.exit_code == 10


def test_a_label_may_speak_of_document_types(tmp_path: Path) -> None:
    """Only a declaration is refused, not the words in a comment or in character data."""
    spoken = HEAD + "<!-- <!DOCTYPE x> -->"
    text = project_xml(ITEMS).replace(HEAD, spoken).replace(">weight<", "><![CDATA[<!DOCTYPE ODM>]]><")
    assert read(tmp_path, text).dictionary.by_name["weight"].label == "<!DOCTYPE ODM>"


def test_a_file_that_is_not_there_or_too_large_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing file, a folder and a file that does not fit into memory end in exit code 10, not in a traceback."""
    for path in (tmp_path / "none.xml", tmp_path):
        with pytest.raises(ProjectFileWrong, match="cannot be opened"):
            read_project_file(path)

    def full(*_anything: object, **_named: object) -> None:
        raise MemoryError

    monkeypatch.setattr("redcap_sync.odm.loading.load_values", full)
    with pytest.raises(ProjectFileWrong, match="too large for this machine's memory"):
        read(tmp_path, project_xml(ITEMS, [Opened("1", "visit", {"record_id": "1"})]))


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    """A picture or a zip file is no project XML."""
    path = tmp_path / "project.zip"
    path.write_bytes(b"PK\x03\x04\xff\xfe\x00")
    with pytest.raises(ProjectFileWrong, match="cannot be read as text"):
        read_project_file(path)


def test_custom_rules_from_a_csv(tmp_path: Path) -> None:
    """Rules come in the order of the file, with or without a byte order mark, and commas in their logic."""
    path = tmp_path / "rules.csv"
    path.write_text("\ufeffrule_name,rule_logic,real_time_execution\nA,\"[a] = '1,2'\",y\nB,[b] > 1,\n", "utf-8")
    assert read_custom_rules(path) == (CustomRule("A", "[a] = '1,2'"), CustomRule("B", "[b] > 1"))
    path.write_text("name,logic\nA,[a]\n", "utf-8")
    with pytest.raises(ProjectFileWrong, match="header"):
        read_custom_rules(path)


@pytest.mark.skipif(not EVERY_FILE, reason="the folder ../shared/redcap_projects is not here")
@pytest.mark.parametrize("path", EVERY_FILE, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_every_real_file_is_read(path: Path) -> None:
    """Whatever version wrote it, its fields are there and each row names a known event and instrument."""
    got = read_project_file(path)
    assert got.dictionary.fields
    assert got.redcap_version[0].isdigit()
    for row in got.records:
        assert row.get("redcap_event_name", "") in got.dictionary.event_names


def test_arms_and_groups_are_what_the_file_says_and_no_number_is_made_up(tmp_path: Path) -> None:
    """A record's group is read from its rows; ids, which a file does not have, stay unknown."""
    data = [
        Opened(record, "visit", {"weight": "70", **group}, event="one_arm_1")
        for record, group in (("1", {"redcap_data_access_group": "the_north"}), ("2", {}))
    ]
    text = project_xml(ITEMS, data, events={"one_arm_1": ["visit"], "two_arm_1": ["visit"]})
    assert read(tmp_path, text).groups is None
    group = (
        '<redcap:DataAccessGroupsGroup><redcap:DataAccessGroups group_name="The North"/></redcap:DataAccessGroupsGroup>'
    )
    got = read(tmp_path, text.replace("</GlobalVariables>", f"{group}</GlobalVariables>"))
    assert got.groups == {"1": "the_north"}
    assert got.dictionary.groups == (Group("the_north", "The North"),)
    assert got.dictionary.project_id is None
    assert [event.event_id for event in got.dictionary.events] == [None, None]
    assert [arm.number for arm in got.dictionary.arms] == [1]
    rule = CustomRule("Of the north", "[record-dag-label] = 'The North' and [weight] > 60")
    last = try_project(got, [rule], now=NOW)[-1]
    assert [row.record for row in last.rows or ()] == ["1"]
