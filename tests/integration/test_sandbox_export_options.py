"""What the options of a record export do to rows, columns and cells."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import requests

from redcap_sync.odm.safe_xml import parse_xml
from redcap_sync.project.state import StoredProject
from redcap_sync.sandbox import running
from tests.sandbox_examples import Clock, longitudinal_project, simple_project

Export = Callable[..., requests.Response]
RECORD = {
    "record_id": "1",
    "dob": "1970-02-03",
    "sex": "2",
    "complaint___1": "1",
    "complaint____9": "1",
    "weight": "80.5",
    "height": "1.80",
    "smoker": "0",
    "comments": "it is, well",
}


@pytest.fixture
def clock() -> Clock:
    """The server's clock."""
    return Clock()


@pytest.fixture
def simple(tmp_path: Path, clock: Clock) -> Iterator[tuple[StoredProject, Export]]:
    """A classic project with one record, and a call to it."""
    project = simple_project(tmp_path, clock, missing_data_codes="NI, No information", surveys=["labs"])
    with running([project]) as sandbox:

        def call(**parameters: Any) -> requests.Response:
            asked = {"token": sandbox.token(project), "content": "record", "format": "json", **parameters}
            return requests.post(sandbox.api_url, data=asked, timeout=10)

        assert call(data=f"[{_json(RECORD)}]").json() == {"count": 1}
        yield project, call


def _json(row: dict[str, str]) -> str:
    return "{" + ",".join(f'"{name}":"{value}"' for name, value in row.items()) + "}"


def test_labels_stand_for_codes(simple: tuple[StoredProject, Export]) -> None:
    """Choices, yes and no, ticks and completion are shown by their labels."""
    row = simple[1](rawOrLabel="label").json()[0]
    assert (row["sex"], row["smoker"], row["labs_complete"]) == ("Male", "No", "Incomplete")
    assert (row["complaint___1"], row["complaint___2"]) == ("Checked", "Unchecked")
    row = simple[1](rawOrLabel="label", exportCheckboxLabel="True").json()[0]
    assert (row["complaint___1"], row["complaint___2"], row["complaint____9"]) == ("Pain", "", "Other, unclear")


def test_label_headers_may_repeat(simple: tuple[StoredProject, Export]) -> None:
    """A CSV header of labels names options in brackets and every completion alike."""
    header = simple[1](format="csv", rawOrLabelHeaders="label", csvDelimiter="tab").text.splitlines()[0].split("\t")
    assert "Complaints (choice=Pain)" in [name.strip('"') for name in header]
    assert header.count("Complete?") == 2


def test_delimiter_and_decimal_character(simple: tuple[StoredProject, Export]) -> None:
    """Cells with the delimiter in them are quoted; the decimal character changes numbers and nothing else."""
    text = simple[1](format="csv", csvDelimiter=";", decimalCharacter=",", fields="weight,comments").text
    assert text == 'weight;comments\n80,5;"it is, well"\n'
    assert simple[1](format="csv", decimalCharacter="%").status_code == 400


def test_numbers_of_eav_have_the_decimal_character(simple: tuple[StoredProject, Export]) -> None:
    """The values of number fields and calculations are written with it, other values and codes as they are."""
    asked = {"type": "eav", "fields": "sex,complaint,weight,bmi,dob", "decimalCharacter": ","}
    rows = simple[1](**asked).json()
    values = [(row["field_name"], row["value"]) for row in rows]
    assert values == [
        ("dob", "1970-02-03"),
        ("sex", "2"),
        ("complaint", "1"),
        ("complaint", "-9"),
        ("weight", "80,5"),
        ("bmi", "24,8"),
    ]


def test_checkboxes_combined(simple: tuple[StoredProject, Export]) -> None:
    """One column contains the ticked options."""
    row = simple[1](combineCheckboxOptions="true").json()[0]
    assert row["complaint"] == "1,-9"
    assert "complaint___1" not in row


def test_missing_data_codes_have_a_column_of_a_checkbox(simple: tuple[StoredProject, Export]) -> None:
    """A code is taken as a value in any field, and has an option on every checkbox."""
    rows = simple[1](data='[{"record_id":"2","weight":"NI","complaint___ni":"1"}]')
    assert rows.json() == {"count": 1}
    row = simple[1](records="2").json()[0]
    assert (row["weight"], row["complaint___ni"], row["complaint___1"]) == ("NI", "1", "0")
    assert simple[1](records="2", rawOrLabel="label").json()[0]["weight"] == "No information"


def test_status_of_an_untouched_instrument(simple: tuple[StoredProject, Export]) -> None:
    """It is 0, or blank where a gray status is asked to be blank; a status that was stored stays."""
    assert simple[1]().json()[0]["labs_complete"] == "0"
    simple[1](data='[{"record_id":"1","baseline_complete":"0"}]')
    row = simple[1](exportBlankForGrayFormStatus="True").json()[0]
    assert (row["baseline_complete"], row["labs_complete"]) == ("0", "")


def test_survey_columns(simple: tuple[StoredProject, Export]) -> None:
    """The identifier follows the id columns, a survey's timestamp is before its fields."""
    names = list(simple[1](exportSurveyFields="True").json()[0])
    assert names[:3] == ["record_id", "redcap_survey_identifier", "initials"]
    assert names[names.index("labs_timestamp") + 1] == "weight"


def test_eav_has_what_is_stored_and_nothing_else(simple: tuple[StoredProject, Export]) -> None:
    """A row per stored value, one per ticked option by its code; no blanks, ids or zeros are made up."""
    rows = simple[1](type="eav", fields="complaint,weight,scan").json()
    assert rows == [
        {"record": "1", "field_name": "complaint", "value": "1"},
        {"record": "1", "field_name": "complaint", "value": "-9"},
        {"record": "1", "field_name": "weight", "value": "80.5"},
    ]
    labelled = simple[1](type="eav", fields="complaint,sex", rawOrLabel="label").json()
    assert [row["value"] for row in labelled] == ["Male", "Pain", "Other, unclear"]


def test_xml_has_items_with_cdata(simple: tuple[StoredProject, Export]) -> None:
    """XML is the default format, and a blank is an empty element."""
    text = simple[1](format="", fields="comments,initials").text
    assert text.startswith('<?xml version="1.0" encoding="UTF-8" ?>\n<records><item><initials></initials>')
    assert "<comments><![CDATA[it is, well]]></comments>" in text
    assert ET.fromstring(text).findtext("item/comments") == "it is, well"  # noqa: S314 - our own document


def test_odm_is_odm_and_comes_in_again(simple: tuple[StoredProject, Export]) -> None:
    """The data alone in ODM, as the format says; imported, they are the same rows."""
    project, call = simple
    before, odm = call().json(), call(format="odm")
    root = parse_xml(odm.text)
    assert root.tag == "{http://www.cdisc.org/ns/odm/v1.3}ODM"
    assert [child.tag.rpartition("}")[2] for child in root] == ["ClinicalData"]
    assert call(action="delete", **{"records[0]": "1"}).text == "1"
    assert call(format="odm", data=odm.text, returnFormat="json").json() == {"count": 1}
    assert call().json() == before
    assert project.values.names() == ["1"]


def test_filter_logic_is_of_rows(tmp_path: Path) -> None:
    """Rows for which the logic is true stay; an event in front of a field looks into that event."""
    project = longitudinal_project(tmp_path)
    rows = (
        '[{"record_id":"1","redcap_event_name":"screening_arm_1","sex":"1"},'
        '{"record_id":"1","redcap_event_name":"followup_arm_1","weight":"70"},'
        '{"record_id":"1","redcap_event_name":"followup_arm_1","redcap_repeat_instrument":"visit",'
        '"redcap_repeat_instance":"1","pain":"7"},'
        '{"record_id":"2","redcap_event_name":"followup_arm_1","weight":"90"}]'
    )
    with running([project]) as sandbox:

        def call(**parameters: str) -> Any:
            asked = {"token": sandbox.token(project), "content": "record", "format": "json", **parameters}
            return requests.post(sandbox.api_url, data=asked, timeout=10).json()

        assert call(data=rows) == {"count": 2}
        assert [row["weight"] for row in call(filterLogic="[weight] > 80")] == ["90"]
        from_screening = call(filterLogic="[screening_arm_1][sex] = '1' and [pain] = 7")
        assert [row["redcap_repeat_instrument"] for row in from_screening] == ["visit"]
        last = call(filterLogic="[pain][last-instance] = '7' and [weight] <> ''")
        assert [row["redcap_repeat_instance"] for row in last] == ["", 1]
        assert "error" in call(filterLogic="[weight] >")


def test_date_range_selects_records_by_the_log(simple: tuple[StoredProject, Export], clock: Clock) -> None:
    """Records that were created or changed in the range come back whole, whatever dates their fields hold."""
    clock.forward(days=1)
    simple[1](data='[{"record_id":"2"},{"record_id":"3"}]')
    clock.forward(days=1)
    simple[1](data='[{"record_id":"1","smoker":"1"}]')
    simple[1](data='[{"record_id":"3"}]')
    second_day = {"dateRangeBegin": "2025-03-02 00:00:00", "dateRangeEnd": "2025-03-02 23:59:59"}
    assert [row["record_id"] for row in simple[1](**second_day).json()] == ["2", "3"]
    assert [row["record_id"] for row in simple[1](dateRangeBegin="2025-03-03 00:00:00").json()] == ["1"]
    assert [row["record_id"] for row in simple[1](dateRangeEnd="2025-03-01 23:59:59").json()] == ["1"]
    assert len(simple[1](dateRangeBegin="").json()) == 3


def test_arrays_in_every_writing(simple: tuple[StoredProject, Export]) -> None:
    """Indexed, empty brackets, a comma-joined scalar and a plain one all name fields."""
    for asked in (
        {"fields[0]": "sex", "fields[1]": "weight"},
        {"fields[]": ["sex", "weight"]},
        {"fields": "sex,weight"},
    ):
        assert list(simple[1](**asked).json()[0]) == ["sex", "weight"]
    assert list(simple[1](fields="sex", eventName="label", unknown="1").json()[0]) == ["sex"]


def test_nothing_selected_is_empty_in_each_format(simple: tuple[StoredProject, Export]) -> None:
    """No rows: an empty JSON list, a lone newline in CSV."""
    assert simple[1](records="99").text == "[]"
    assert simple[1](records="99", format="csv").text == "\n"


def test_fields_without_a_column_are_an_empty_export(simple: tuple[StoredProject, Export]) -> None:
    """A descriptive field alone, or one that the user may not see, gives no row rather than rows without a cell."""
    project, call = simple
    assert call(fields="hint").json() == []
    assert call(fields="hint", format="csv").text == "\n"
    project.structure.users["sandbox_user"].rights.forms_export["labs"] = 0
    assert call(fields="weight,comments").json() == []
    assert call(fields="record_id,weight").json() == [{"record_id": "1"}]


def test_a_pdf_is_blank_or_of_one_record_or_of_all(simple: tuple[StoredProject, Export]) -> None:
    """Blank instruments name every field; a record's PDF its values; compact ones leave out what has none."""
    import pypdfium2

    call = simple[1]
    assert call(data='[{"record_id":"2","weight":"70"}]').json() == {"count": 1}

    def printed(**asked: str) -> str:
        answer = call(content="pdf", **asked)
        assert answer.headers["content-type"] == 'application/pdf; name="Simple.pdf"'
        pages = pypdfium2.PdfDocument(answer.content)
        return " ".join(page.get_textpage().get_text_range() for page in pages)

    blank, one, every = printed(), printed(record="1"), printed(allRecords="1")
    assert all(piece in blank for piece in ("SYNTHETIC DATA", "Baseline", "Laboratory", "Weight (kg)"))
    assert "80.5" not in blank + printed(instrument="labs")
    assert "Laboratory" in printed(instrument="labs")
    assert "Baseline" not in printed(instrument="labs")
    assert "Weight (kg) 80.5" in one
    assert "Weight (kg) 70" not in one
    assert all(piece in every for piece in ("Weight (kg) 80.5", "Weight (kg) 70", "Record ID 1", "Record ID 2"))
    assert "Height (m)" in printed(record="2", instrument="labs")
    assert "Height (m)" not in printed(record="2", instrument="labs", compactDisplay="true")
