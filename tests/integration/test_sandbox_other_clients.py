"""Clients of other languages get the same answers: in their request shapes, and through their own HTTP libraries.

The shapes are those of the clients named next to them and of the examples in the API's own help, as they are public:
REDCapR and redcapAPI (R), phpcap (PHP), redcaplite (Python), curl and the API playground.
"""

import csv
import json
import shutil
import subprocess
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import requests

from redcap_sync.sandbox import running
from tests.sandbox_examples import Clock, longitudinal_project

ROWS = [
    {"record_id": "1", "redcap_event_name": "screening_arm_1", "sex": "1", "initials": "ä, b"},
    {"record_id": "1", "redcap_event_name": "followup_arm_1", "weight": "80.5"},
    {"record_id": "2", "redcap_event_name": "screening_arm_1", "sex": "2", "redcap_data_access_group": "north_site"},
    {"record_id": "3", "redcap_event_name": "screening_arm_1", "sex": "2"},
]
WANTED = [
    {"record_id": "1", "redcap_event_name": "screening_arm_1", "initials": "ä, b", "sex": "1"},
    {"record_id": "2", "redcap_event_name": "screening_arm_1", "initials": "", "sex": "2"},
]
EXPORT = {"content": "record", "rawOrLabel": "raw"}
INDEXED = {
    "records[0]": "1",
    "records[1]": "2",
    "fields[0]": "record_id",
    "fields[1]": "initials",
    "fields[2]": "sex",
    "events[0]": "screening_arm_1",
}
JOINED = {"records": "1,2", "fields": "record_id,initials,sex", "events": "screening_arm_1"}
EMPTY_BRACKETS = [
    *(("records[]", "1"), ("records[]", "2")),
    *(("fields[]", "record_id"), ("fields[]", "initials"), ("fields[]", "sex"), ("events[]", "screening_arm_1")),
]
SHAPES: dict[str, tuple[Any, dict[str, str]]] = {
    "PyCap": ({**EXPORT, **INDEXED, "format": "json", "type": "flat", "eventName": "label"}, {}),
    "REDCapR": (
        {
            **EXPORT,
            **JOINED,
            "format": "csv",
            "type": "flat",
            "rawOrLabelHeaders": "raw",
            "exportCheckboxLabel": "false",
            "exportSurveyFields": "false",
            "exportDataAccessGroups": "false",
            "filterLogic": "",
            "exportBlankForGrayFormStatus": "false",
        },
        {"User-Agent": "OuhscBbmc/REDCapR"},
    ),
    "redcapAPI": ({**EXPORT, **INDEXED, "format": "csv", "returnFormat": "csv", "csvDelimiter": ","}, {}),
    "phpcap": ({**EXPORT, **INDEXED, "format": "json", "returnFormat": "json", "dateRangeBegin": ""}, {}),
    "redcaplite": ({**EXPORT, **INDEXED, "action": "export", "format": "csv", "returnFormat": "json"}, {}),
    "playground": ([*EXPORT.items(), *EMPTY_BRACKETS, ("format", "json"), ("csvDelimiter", "")], {}),
    "curl": ({**EXPORT, **INDEXED, "format": "json"}, {"Accept": "application/json"}),
    "capitals": ({**EXPORT, **INDEXED, "format": "CSV", "returnFormat": "JSON"}, {"Accept": "*/*"}),
    "no format": ({**EXPORT, **INDEXED}, {}),
}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[str, str]]:
    """Address and token of a longitudinal project with three records."""
    project = longitudinal_project(tmp_path, Clock())
    with running([project]) as sandbox:
        url, token = sandbox.api_url, sandbox.token(project)
        sent = {"token": token, "content": "record", "format": "json", "data": json.dumps(ROWS)}
        assert requests.post(url, data=sent, timeout=10).json() == {"count": 3}
        yield url, token


def rows_of(answer: requests.Response) -> list[dict[str, str]]:
    """Read rows in whatever format they came, by the answer's own type."""
    answer.encoding = "utf-8"
    kind = answer.headers["content-type"].partition(";")[0]
    if kind == "application/json":
        rows = answer.json()
    elif kind == "text/csv":
        rows = list(csv.DictReader(StringIO(answer.text, newline="")))
    else:
        from redcap_sync.odm.safe_xml import parse_xml

        rows = [{cell.tag: cell.text or "" for cell in item} for item in parse_xml(answer.text)]
    return [{name: value for name, value in row.items() if "repeat" not in name} for row in rows]


@pytest.mark.parametrize("client", SHAPES)
@pytest.mark.parametrize("multipart", [False, True], ids=["form", "multipart"])
def test_every_shape_gets_the_same_rows(server: tuple[str, str], client: str, *, multipart: bool) -> None:
    """Arrays with index, with empty brackets or joined; any case of the format; form-encoded or in parts."""
    url, token = server
    parameters, headers = SHAPES[client]
    pairs = [("token", token), *(parameters.items() if isinstance(parameters, dict) else parameters)]
    body: dict[str, Any] = {"files": [(k, (None, v)) for k, v in pairs]} if multipart else {"data": pairs}
    answer = requests.post(url, headers=headers, timeout=10, **body)
    assert answer.status_code == 200
    assert rows_of(answer) == WANTED


def test_the_type_of_a_form_may_name_its_letters(server: tuple[str, str]) -> None:
    """A charset behind the content type, and a plus for a blank, as PHP and R send them."""
    url, token = server
    body = (
        f"token={token}&content=record&format=json&records%5B0%5D=1&fields=initials&filterLogic=%5Bsex%5D+%3D+%271%27"
    )
    headers = {"Content-Type": "application/x-www-form-urlencoded; charset=UTF-8"}
    assert requests.post(url, data=body, headers=headers, timeout=10).json() == [{"initials": "ä, b"}]


IMPORTS: dict[str, tuple[dict[str, str], str]] = {
    "REDCapR": (
        {
            "content": "record",
            "format": "csv",
            "type": "flat",
            "data": "record_id,redcap_event_name,sex\n9,screening_arm_1,1",
            "overwriteBehavior": "overwrite",
            "returnContent": "ids",
            "returnFormat": "csv",
        },
        "id\n9\n",
    ),
    "redcaplite": (
        {
            "content": "record",
            "action": "import",
            "format": "json",
            "data": '[{"record_id": 9, "redcap_event_name": "screening_arm_1", "sex": 1}]',
            "forceAutoNumber": "false",
            "returnContent": "ids",
            "returnFormat": "json",
        },
        '["9"]',
    ),
    "phpcap": (
        {
            "content": "record",
            "format": "xml",
            "type": "flat",
            "overwriteBehavior": "normal",
            "forceAutoNumber": "false",
            "dateFormat": "YMD",
            "data": "<?xml version='1.0' encoding='UTF-8' ?>\n<records>\n<item>\n<record_id>9</record_id>\n"
            "<redcap_event_name>screening_arm_1</redcap_event_name>\n<sex><![CDATA[1]]></sex>\n</item>\n</records>",
            "returnFormat": "json",
        },
        '{"count":1}',
    ),
    "curl, in EAV": (
        {
            "content": "record",
            "format": "json",
            "type": "eav",
            "data": '[{"record":"9","redcap_event_name":"screening_arm_1","field_name":"sex","value":"1"}]',
        },
        '{"count":1}',
    ),
}


@pytest.mark.parametrize("client", IMPORTS)
def test_every_shape_of_an_import_is_taken(server: tuple[str, str], client: str) -> None:
    """CSV without a last line end, numbers in JSON, XML with line breaks between elements, EAV."""
    url, token = server
    parameters, told = IMPORTS[client]
    assert requests.post(url, data={"token": token, **parameters}, timeout=10).text == told
    asked = {"token": token, "content": "record", "format": "json", "records": "9", "fields": "sex"}
    assert requests.post(url, data=asked, timeout=10).json() == [{"sex": "1"}]


PERL = """
use HTTP::Tiny;
my ($url, $token) = @ARGV;
my $answer = HTTP::Tiny->new->post_form($url, {token => $token, content => 'record', format => 'json',
    'records[0]' => '1', 'records[1]' => '2', 'fields[0]' => 'record_id', 'fields[1]' => 'initials',
    'fields[2]' => 'sex', 'events[0]' => 'screening_arm_1'});
print $answer->{content};
"""
NODE = """
const [url, token] = process.argv.slice(-2);
const body = new URLSearchParams({token, content: 'record', format: 'json'});
['1', '2'].forEach(one => body.append('records[]', one));
['record_id', 'initials', 'sex'].forEach(one => body.append('fields[]', one));
body.append('events[]', 'screening_arm_1');
fetch(url, {method: 'POST', body}).then(got => got.json()).then(rows => console.log(JSON.stringify(rows)));
"""
PROGRAMS = {
    "curl": ["curl", "--silent", "--header", "Accept: application/json"],
    "perl": ["perl", "-e", PERL],
    "node": ["node", "-e", NODE, "--"],
}


@pytest.mark.parametrize("program", PROGRAMS)
def test_programs_of_other_languages_read_the_rows(server: tuple[str, str], program: str) -> None:
    """curl, Perl and JavaScript post with their own libraries and get the JSON that Python gets."""
    if shutil.which(program) is None:
        pytest.skip(f"there is no {program} on this machine")
    url, token = server
    command = [*PROGRAMS[program], url, token]
    if program == "curl":
        form = {"token": token, "content": "record", "format": "json", **INDEXED}
        command = [
            *PROGRAMS[program],
            *(part for pair in form.items() for part in ("--data-urlencode", "=".join(pair))),
        ]
        command.append(url)
    done = subprocess.run(command, capture_output=True, timeout=30, check=True)
    rows = json.loads(done.stdout)
    assert [{name: row[name] for name in WANTED[0]} for row in rows] == WANTED
