"""The CSV of REDCap's page Resolve Issues: read by its heads, with a clear error for what is not known."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from redcap_sync.errors import ProjectFileWrong
from redcap_sync.write_back.query_module import QueryResponse, QueryStatus
from redcap_sync.write_back.saved_queries import SavedQuery, read_saved_queries

DASHBOARD = (
    "Current Query Status,Number of comments,Record (Sorted by DAG),Data Access Group,Event,Data Quality Rule,Field,"
    "User Assigned,Days Open,First Update,Last Update,Time Raised,Time Resolved\n"
)
"""The heads that the public validation package shows."""
NOW = datetime(2025, 7, 10, 2, 30)  # noqa: DTZ001 - server-local


def read(folder: Path, text: str) -> tuple[SavedQuery, ...]:
    """A file of that text."""
    file = folder / "queries.csv"
    file.write_text(text, encoding="utf-8")
    return read_saved_queries(file)


def test_the_file_of_the_dashboard_is_read(tmp_path: Path) -> None:
    """Record, instance, event, field, who said what when; blank rows are none, and a byte order mark is no head."""
    text = (
        "\ufeff"
        + DASHBOARD
        + (
            'CLOSED,6,1,,Event 1 (Arm 1: Arm 1),,email_v2 (Email),anna,0,"anna (07/02/2025 10:00): ""Query 1""",'
            '"ben (07/03/2025 11:00): ""Response:Verified - Confirmed correct (no error)""",07/02/2025 10:00,\n'
            ",,,,,,,,,,,,\n"
            'OPEN,1,2 (#3),,Event 1,,Field: ptname (Name),,0,"ben (2025-07-02 10:00): ""Query 2""",'
            "[same as first update],,\n"
            "OPEN,1,3,,Event 1,A rule on several fields,,,0,,,,\n"
        )
    )
    first, second, third = read(tmp_path, text)
    assert (first.line, first.record, first.event, first.field_name) == (2, "1", "Event 1 (Arm 1: Arm 1)", "email_v2")
    assert (first.status, first.response) == (QueryStatus.CLOSED, QueryResponse.CONFIRMED_CORRECT)
    assert (first.by, first.at) == ("ben", "07/03/2025 11:00")
    assert (second.line, second.record, second.instance, second.field_name) == (4, "2", 3, "ptname")
    assert (second.by, second.comment, second.response) == ("ben", "Query 2", QueryResponse.NONE)
    assert third.field_name == ""


def test_the_columns_of_the_modules_json_are_known_too(tmp_path: Path) -> None:
    """Response, comment, user and time are in columns of their own."""
    heads = "record,field_name,query_status,response,comment,username,ts\n"
    [query] = read(tmp_path, f"{heads}1,age,OPEN,WRONG_SOURCE,old chart,ben,2025-07-03 11:00:00\n")
    assert (query.response, query.comment, query.by) == (QueryResponse.WRONG_SOURCE, "old chart", "ben")
    assert query.times(NOW) == (datetime(2025, 7, 3, 11),)  # noqa: DTZ001 - server-local


@pytest.mark.parametrize(
    ("written", "days"),
    [
        ("07/03/2025 11:00", ["2025-03-07", "2025-07-03"]),
        ("13/03/2025 11:00", ["2025-03-13"]),
        ("07/12/2025 11:00", []),
        ("2025-07-03 11:00", ["2025-07-03"]),
        ("yesterday", []),
        ("", []),
    ],
)
def test_a_time_may_be_two_days_and_is_never_ahead(tmp_path: Path, written: str, days: list[str]) -> None:
    """REDCap writes days as its user likes them, and the file does not say how."""
    [query] = read(tmp_path, f"record,field,status,ts\n1,age,OPEN,{written}\n".replace("status", "query status"))
    assert [f"{one:%Y-%m-%d}" for one in query.times(NOW)] == days


@pytest.mark.parametrize(
    ("label", "response"),
    [
        ("CONFIRMED_CORRECT", QueryResponse.CONFIRMED_CORRECT),
        ("Verified - Confirmed correct (no error)", QueryResponse.CONFIRMED_CORRECT),
        ("Corrected - Typographical error", QueryResponse.TYPOGRAPHICAL_ERROR),
        ("Wrong source used", QueryResponse.WRONG_SOURCE),
        ("Data missing", QueryResponse.DATA_MISSING),
        ("Other", QueryResponse.OTHER),
        ("", QueryResponse.NONE),
    ],
)
def test_responses_by_code_or_label(tmp_path: Path, label: str, response: QueryResponse) -> None:
    """As the module's JSON writes them, and as REDCap's pages do."""
    [query] = read(tmp_path, f'record,field,query status,response\n1,age,open,"{label}"\n')
    assert query.response is response


def test_how_long_a_query_is_open_is_no_news(tmp_path: Path) -> None:
    """The same query saved again a week later says the same; another comment does not."""
    line = 'OPEN,1,1,,E,,age,,{days},,"ben (2025-07-03 11:00): ""{said}""",,\n'
    digests = [
        read(tmp_path, DASHBOARD + line.format(days=days, said=said))[0].digest
        for days, said in ((1, "a"), (8, "a"), (8, "b"))
    ]
    assert digests[0] == digests[1] != digests[2]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", "current query status"),
        ("record,query status\n1,OPEN\n", "field"),
        ("record,field,query status,Colour\n1,age,OPEN,red\n", "Colour"),
        ("record,field,query status,Record\n1,age,OPEN,1\n", "record"),
        ("record,field,query status\n1,age\n", "2"),
        ("record,field,query status\n1,age,SOLVED\n", "2"),
        ("record,field,query status,response\n1,age,OPEN,MAYBE\n", "2"),
        ('record,field,query status\n1,age,"OPEN\n', "Error"),
    ],
)
def test_a_file_that_is_not_known_is_an_error(tmp_path: Path, text: str, named: str) -> None:
    """Exit 10, and the column or the row is named; a value of the file never is."""
    with pytest.raises(ProjectFileWrong) as raised:
        read(tmp_path, text)
    assert (raised.value.code, raised.value.exit_code) == ("file.not_queries", 10)
    assert named in raised.value.why
    assert not {"SOLVED", "MAYBE", "red"} & set(str(raised.value).split())
