"""Links into REDCap."""

from dataclasses import replace

import pytest

from nightround.findings.findings_list import findings_list
from nightround.model.links import Places, base_url_of
from nightround.model.rule import RuleKind
from nightround.study.dictionary_rules_table import DictionaryRulesTable
from nightround.study.rules.of_dictionary import rules_from_dictionary
from redcap_sync.dictionary import Dictionary, Event, Field, Instrument
from tests.made_findings import made_finding, made_row, made_rule

PLACES = Places(
    base_url="https://redcap.hospital.example/redcap",
    version="15.0.5",
    project_id=128,
    record_id_allowed=True,
    event_ids={"month_6_arm_1": 404},
)


def test_a_link_leads_to_the_field_on_the_exact_page() -> None:
    """Project, record, event, instrument, and the field as anchor."""
    assert PLACES.link(made_finding(), made_rule()) == (
        "https://redcap.hospital.example/redcap/redcap_v15.0.5/DataEntry/index.php"
        "?pid=128&id=1001&event_id=404&page=villalta#villalta_total-tr"
    )


def test_a_repeated_row_is_linked_with_its_instance() -> None:
    """Without the instance REDCap would open the first one."""
    assert "&page=villalta&instance=3#" in PLACES.link(made_finding(row=made_row(instance=3)), made_rule())


def test_a_classic_project_has_no_event_in_its_links() -> None:
    """REDCap knows the only event of a classic project by itself."""
    link = PLACES.link(made_finding(row=made_row(event="")), made_rule())
    assert link.endswith("?pid=128&id=1001&page=villalta#villalta_total-tr")


def test_a_finding_without_a_field_is_linked_to_its_page() -> None:
    """A missing instrument has no field to lead to."""
    assert PLACES.link(made_finding(fields=()), made_rule()).endswith("&page=villalta")


@pytest.mark.parametrize("record", ["a&b=c", "张 1", "x#y", "../..", "<b>"])
def test_a_strange_record_id_stays_one_value_of_the_query(record: str) -> None:
    """No record id can add a parameter, leave the query or break out of the link."""
    query = PLACES.link(made_finding(row=made_row(record)), made_rule()).split("?")[1]
    assert query.count("&") == 3
    assert not set(query) & set("<> \"'/") - {"#"}


def test_no_record_id_stands_in_a_link_unless_the_study_allows_it() -> None:
    """The link then leads to the project's home."""
    hidden = replace(PLACES, record_id_allowed=False).link(made_finding(row=made_row("CANARY-7Q")), made_rule())
    assert hidden == "https://redcap.hospital.example/redcap/redcap_v15.0.5/index.php?pid=128"


def test_an_event_without_a_known_number_is_not_guessed() -> None:
    """A wrong event would show another visit's page; the project's home is honest."""
    assert PLACES.link(made_finding(row=made_row(event="new_arm_1")), made_rule()).endswith("index.php?pid=128")


def test_a_project_without_a_known_number_is_linked_to_redcap_itself() -> None:
    """An offline project file has no project number."""
    assert (
        replace(PLACES, project_id=None).link(made_finding(), made_rule()) == "https://redcap.hospital.example/redcap/"
    )


def test_places_come_from_the_structure_of_the_project() -> None:
    """Labels, event numbers and the order of the visits."""
    dictionary = Dictionary(
        title="made up",
        longitudinal=True,
        fields=(Field("record_id", "villalta", "text"),),
        instruments=(Instrument("villalta", "Villalta score"),),
        events=(Event("session_1_arm_1", "Session 1", 1, 401), Event("month_6_arm_1", "Month 6", 1, None)),
        designations=frozenset(),
        repeating=frozenset(),
        project_id=128,
    )
    places = Places.of(
        dictionary, api_url="https://redcap.hospital.example/api/", version="15.0.5", record_id_allowed=False
    )
    assert places == Places(
        base_url="https://redcap.hospital.example",
        version="15.0.5",
        project_id=128,
        record_id_allowed=False,
        events={"session_1_arm_1": "Session 1", "month_6_arm_1": "Month 6"},
        event_ids={"session_1_arm_1": 401},
        fields={"record_id": ""},
        instruments={"villalta": "Villalta score"},
    )
    assert [places.event_order(event) for event in ("session_1_arm_1", "month_6_arm_1", "other")] == [0, 1, 2]


@pytest.mark.parametrize(
    ("api_url", "base_url"),
    [
        ("https://redcap.hospital.example/api/", "https://redcap.hospital.example"),
        ("https://redcap.hospital.example/redcap/api", "https://redcap.hospital.example/redcap"),
        ("http://127.0.0.1:8088/api/", "http://127.0.0.1:8088"),
        ("http://[::1]:8088/api/", "http://[::1]:8088"),
        ("https://user:secret@redcap.hospital.example/api/?token=A", "https://redcap.hospital.example"),
    ],
)
def test_the_address_of_redcap_comes_from_the_address_of_its_api(api_url: str, base_url: str) -> None:
    """Without `/api/`, and without a name, password or token that stood in it."""
    assert base_url_of(api_url) == base_url


@pytest.mark.parametrize("api_url", ["javascript:alert(1)", "redcap.hospital.example/api/", "", "ftp://x/api/"])
def test_an_address_that_is_no_web_address_is_refused(api_url: str) -> None:
    """A mail never carries a link that runs something."""
    with pytest.raises(ValueError, match="neither http nor https"):
        base_url_of(api_url)


def test_a_missing_visit_is_shown_at_the_visit_and_its_link_leads_there() -> None:
    """It is kept at the record's first row, because the visit has none; who fixes it opens the visit itself."""
    dictionary = Dictionary(
        title="Synthetic study",
        longitudinal=True,
        fields=(Field("record_id", "base", "text"), Field("seen", "visit", "text")),
        instruments=(Instrument("diary", "Diary"), Instrument("base", "Base"), Instrument("visit", "Visit")),
        events=(Event("start_arm_1", "Start", 1, 401), Event("month_6_arm_1", "Month 6", 1, 404)),
        designations=frozenset({("start_arm_1", "base"), ("month_6_arm_1", "visit"), ("month_6_arm_1", "diary")}),
        repeating=frozenset({("month_6_arm_1", "diary")}),
        project_id=128,
    )
    places = Places.of(
        dictionary, api_url="https://redcap.hospital.example/api/", version="15.0.5", record_id_allowed=True
    )
    visits = DictionaryRulesTable.model_validate({"visits": [{"event": "month_6_arm_1"}], "absent": False})
    (rule,) = (one for one in rules_from_dictionary(dictionary, visits) if one.kind is RuleKind.VISIT)
    missing = made_finding("visit:month_6_arm_1", made_row("7", event="start_arm_1", instrument="base"), fields=())
    assert rule.id == missing.rule_id
    assert places.link(missing, rule).endswith("?pid=128&id=7&event_id=404&page=visit")
    assert places.place_of(missing, rule) == ("7", "month_6_arm_1", "visit", 0)
    other = made_finding("absent:base", made_row("7", event="start_arm_1", instrument="base"), fields=())
    assert places.place_of(other, made_rule()) == other.row
    assert places.place_of(missing, None) == missing.row
    listed = findings_list([missing], {rule.id: rule}, places, {})
    assert "month_6_arm_1,visit," in listed
