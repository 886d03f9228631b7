"""A flat export becomes one table per instrument, and no value is lost on the way."""

import pandas as pd
import pytest

from redcap_sync.dictionary import Dictionary, dictionary_from_api, parse_choices
from redcap_sync.errors import ExportIncomplete
from redcap_sync.rows.tables import RowKey, tables_from_records

COLUMNS = "field_name form_name field_type text_validation_type_or_show_slider_number select_choices_or_calculations"


def metadata(*rows: str) -> list[dict[str, str]]:
    """Write metadata rows as `name form type validation choices`, '-' for blank."""
    names = COLUMNS.split()
    return [dict(zip(names, (cell.replace("-", "") for cell in row.split(maxsplit=4)), strict=True)) for row in rows]


@pytest.fixture
def dictionary() -> Dictionary:
    """A longitudinal project with two events, one plain and one repeating instrument."""
    return dictionary_from_api(
        project={"project_title": "SYNTHETIC", "is_longitudinal": 1, "missing_data_codes": "NI, No information"},
        metadata=metadata(
            "record_id visit text - -",
            "seen_on visit text date_dmy -",
            "weight visit text number_1dp -",
            "grade visit radio - 0, None | 1, Mild, or so",
            "signs visit checkbox - 1, Red | 2, Warm",
            "event_name_ae adverse text - -",
        ),
        instruments=[
            {"instrument_name": "visit", "instrument_label": "Visit"},
            {"instrument_name": "adverse", "instrument_label": "Adverse event"},
        ],
        events=[
            {"unique_event_name": "base_arm_1", "event_name": "Base", "arm_num": 1},
            {"unique_event_name": "end_arm_1", "event_name": "End", "arm_num": 1},
        ],
        mapping=[
            {"unique_event_name": "base_arm_1", "form": "visit"},
            {"unique_event_name": "end_arm_1", "form": "visit"},
            {"unique_event_name": "end_arm_1", "form": "adverse"},
        ],
        repeating=[{"event_name": "end_arm_1", "form_name": "adverse"}],
    )


def test_rows_go_to_the_instruments_designated_to_their_event(dictionary: Dictionary) -> None:
    """A base row reaches each instrument of its event that does not repeat there, a repeat row its own only."""
    records = [
        {"record_id": "1", "redcap_event_name": "base_arm_1", "weight": "70.5"},
        {"record_id": "1", "redcap_event_name": "end_arm_1", "weight": ""},
        {
            "record_id": "1",
            "redcap_event_name": "end_arm_1",
            "redcap_repeat_instrument": "adverse",
            "redcap_repeat_instance": 2,
            "event_name_ae": "bleeding",
        },
    ]
    tables = tables_from_records(dictionary, records)
    assert [tables["visit"].row_key(i) for i in range(2)] == [
        RowKey("1", "base_arm_1", "visit", 0),
        RowKey("1", "end_arm_1", "visit", 0),
    ]
    assert [tables["adverse"].row_key(0)] == [RowKey("1", "end_arm_1", "adverse", 2)]
    assert len(tables["adverse"]) == 1


def test_text_is_kept_and_typed_beside_it(dictionary: Dictionary) -> None:
    """A cell keeps its exact text; what cannot be read as its type is missing only in the typed column."""
    row = {"record_id": "007", "redcap_event_name": "base_arm_1", "weight": "NI", "seen_on": "2024-02-29", "grade": "1"}
    visit = tables_from_records(dictionary, [row, {**row, "weight": "70.50", "seen_on": "2023-02-29"}])["visit"]
    assert list(visit.keys["record"]) == ["007", "007"]
    assert list(visit.text["weight"]) == ["NI", "70.50"]
    assert visit.typed["weight"].isna().tolist() == [True, False]
    assert visit.typed["seen_on"].isna().tolist() == [False, True]
    assert visit.typed["seen_on"].dtype == "datetime64[ns]"
    assert visit.typed["weight"].dtype == "float64"


def test_columns_are_the_dictionarys_and_not_the_rows(dictionary: Dictionary) -> None:
    """A field nobody filled is a column all the same; a checkbox has one per option and missing code; status last."""
    visit = tables_from_records(dictionary, [])["visit"]
    assert list(visit.text.columns) == [
        "seen_on",
        "weight",
        "grade",
        "signs___1",
        "signs___2",
        "signs___ni",
        "visit_complete",
    ]
    assert isinstance(visit.typed, pd.DataFrame)


def test_choices_keep_commas_in_labels() -> None:
    """The code ends at the first comma; a label may hold others; codes may be negative."""
    assert [(c.code, c.label) for c in parse_choices("1, A, or B | -99, Unknown")] == [
        ("1", "A, or B"),
        ("-99", "Unknown"),
    ]


def test_an_empty_dictionary_is_refused() -> None:
    """A dictionary without a field is an incomplete export, not an empty study."""
    with pytest.raises(ExportIncomplete):
        dictionary_from_api(project={}, metadata=[], instruments=[])


@pytest.mark.parametrize(
    ("codes", "choices", "column"),
    [("-99, Unknown | NI, None", "1, Red | -99, Unknown", "signs____99"), ("", "A, Red | a, Warm", "signs___a")],
)
def test_options_that_share_a_column_keep_its_value(codes: str, choices: str, column: str) -> None:
    """A choice that is a missing data code too, or differs from another in its case alone, loses no tick."""
    row = {"field_name": "signs", "form_name": "visit", "field_type": "checkbox"}
    shared = dictionary_from_api(
        project={"missing_data_codes": codes},
        metadata=[
            {"field_name": "record_id", "form_name": "visit", "field_type": "text"},
            {**row, "select_choices_or_calculations": choices},
        ],
        instruments=[{"instrument_name": "visit", "instrument_label": "Visit"}],
    )
    table = tables_from_records(shared, [{"record_id": "1", column: "1"}])["visit"]
    assert table.text[column].tolist() == ["1"]


@pytest.mark.parametrize("validation", ["date_dmy", "datetime_ymd", "datetime_seconds_mdy"])
def test_a_date_no_clock_reaches_is_missing_and_its_text_stays(validation: str) -> None:
    """A year mistyped as 0216 or 9999 stops no pull: it is missing among the dates, and a rule still finds the text."""
    time = {"date": "", "datetime": " 10:00", "datetime_seconds": " 10:00:00"}[validation.rsplit("_", 1)[0]]
    written = [f"{day}{time}" for day in ("0216-03-01", "2016-03-01", "9999-12-31", "1500-01-01")]
    field = {"field_name": "seen", "form_name": "visit", "field_type": "text"}
    project = dictionary_from_api(
        project={},
        metadata=[
            {"field_name": "record_id", "form_name": "visit", "field_type": "text"},
            {**field, "text_validation_type_or_show_slider_number": validation},
        ],
        instruments=[{"instrument_name": "visit", "instrument_label": "Visit"}],
    )
    rows = [{"record_id": str(number), "seen": text} for number, text in enumerate(written)]
    table = tables_from_records(project, rows)["visit"]
    assert table.text["seen"].tolist() == written
    assert table.typed["seen"].isna().tolist() == [True, False, True, True]
