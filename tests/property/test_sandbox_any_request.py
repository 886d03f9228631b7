"""Whatever a client sends, the sandbox answers: with what was asked for, or with a refusal in words."""

from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st

from redcap_sync.project.state import StoredProject
from redcap_sync.sandbox import Running, running
from redcap_sync.sandbox.contents import HANDLERS
from redcap_sync.sandbox.installation import Installation
from redcap_sync.sandbox.parameters import parameters_from_pairs
from redcap_sync.sandbox.project_sources import project_from_folder
from redcap_sync.sandbox.server import answer
from tests.sandbox_examples import Clock, longitudinal_folder, simple_folder, write_rows

SUPER = "S" * 64
PARAMETERS = (
    "format returnFormat action data odm type records[0] fields[] forms events arms[0] arm dags[0] users[0] roles[0] "
    "record field event instrument repeat_instance filterLogic dateRangeBegin dateRangeEnd rawOrLabel "
    "rawOrLabelHeaders exportCheckboxLabel exportSurveyFields exportDataAccessGroups csvDelimiter decimalCharacter "
    "combineCheckboxOptions overwriteBehavior forceAutoNumber returnContent dateFormat backgroundProcess "
    "new_record_name dag user logtype beginTime endTime report_id folder_id doc_id name dag_id role_id allRecords "
    "compactDisplay override delete_logging returnMetadataOnly exportFiles randomization_id returnAlt"
)
WORDS = (
    "csv json xml odm eav flat label raw both true 1 2 -1 0 1.5 ² ٣ x export import delete list createFolder rename "
    "randomize switch labs visit baseline scan sex pain complaint complaint___1 record_id north_site followup_arm_1 "
    "screening_arm_1 diary_arm_1 sandbox_user tab ; overwrite normal MDY ids auto_ids nothing yesterday 2025-01-01 9 "
    "((("
)
LONG = "7" * 5000
TEXTS = [
    "",
    LONG,
    f"-{LONG}.{LONG}",
    f"1e{LONG}",
    f"[sex][{LONG}] > {LONG[:400]} or [sex] = '{LONG}'",
    f'[{{"record_id":{LONG},"redcap_event_name":"screening_arm_1","arm_num":{LONG},"pain":1e999}}]',
    f'[{{"record_id":"{LONG}","sex":"1","weight":"{LONG}","height":"{LONG}.00"}}]',
    '[{"record_id":"\\ud83d","initials":"\\udc00"}]',
    "[" * 100_000,
    "\u0000\u202e\r\n",
    "2025-01-01 24:00",
    "[sex]='1'",
    "[sex",
    "datediff([dob],'today','y')>3",
    "[next-event-name][sex]='' or 1/0",
    "[pain][last-instance]>1",
    "[]",
    "{}",
    "[null]",
    "[[]]",
    "[{}]",
    '[{"record_id":null}]',
    '[{"record_id":{"a":[1]}}]',
    '[{"record_id":"1","redcap_event_name":"screening_arm_1","sex":"1"}]',
    '[{"record_id":"1","redcap_event_name":"followup_arm_1","redcap_repeat_instrument":"visit","pain":"3"}]',
    '[{"record_id":"1","redcap_event_name":"diary_arm_1","redcap_repeat_instance":"²","weight":"3"}]',
    '[{"record_id":"1","redcap_event_name":"diary_arm_1","redcap_repeat_instance":"99999999999","weight":"3"}]',
    '[{"record_id":"1","sex":"1","weight":"80","height":"1.80"}]',
    '[{"field_name":"a","form_name":"b","field_type":"calc","select_choices_or_calculations":"[[["}]',
    '[{"arm_num":"²","name":"x"},{"event_name":"E","arm_num":1}]',
    '[{"event_name":"E","arm_num":1}]',
    '[{"username":"u","forms":"x","design":"²"}]',
    '[{"username":["a"],"forms":{"labs":null}}]',
    '[{"data_access_group_name":"","unique_group_name":""}]',
    '[{"event_name":"followup_arm_1","form_name":"labs"}]',
    '{"project_title":"x","purpose":"1","is_longitudinal":"²"}',
    '{"project_title":"x","purpose":1,"is_longitudinal":0}',
    "<a><b><c>1</c></b></a>",
    "record_id,sex\n1,1\n",
    'a\n\x00\n"',
    "<ODM/>",
    "<ODM><SubjectData SubjectKey='1'><FormData FormOID='Form.labs' FormRepeatKey='²'/></SubjectData></ODM>",
]
CALLS = st.lists(
    st.tuples(
        st.sampled_from(sorted(HANDLERS)),
        st.sampled_from(["json", "csv", "xml"]),
        st.dictionaries(st.sampled_from(PARAMETERS.split()), st.sampled_from([*WORDS.split(), *TEXTS]), max_size=7),
        st.sampled_from(["simple", "longitudinal", "super"]),
    ),
    min_size=1,
    max_size=6,
)


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A classic and a longitudinal project, written once."""
    folder = tmp_path_factory.mktemp("any")
    reports = [{"report_id": 9, "title": "Women", "fields": ["record_id", "gone"], "logic": "[sex] = '1'"}]
    more = {"reports": reports, "randomizations": [{"target_field": "smoker"}]}
    simple = simple_folder(folder / "s", surveys=["labs"], missing_data_codes="NI, No", **more)
    write_rows(simple / "allocation_smoker.csv", ["redcap_randomization_group"], [["1"], ["0"], ["1"]])
    return simple, longitudinal_folder(folder / "l", surveys=["visit"])


@settings(max_examples=300, deadline=None)
@given(CALLS)
def test_every_call_is_answered(folders: tuple[Path, Path], calls: list[tuple[str, str, dict[str, str], str]]) -> None:
    """Calls one after another, each with parameters that may mean nothing: an answer, or a refusal with its status."""
    installation = Installation(random=Random(1), clock=Clock(), super_token=SUPER)
    projects: list[StoredProject] = [project_from_folder(folder, clock=Clock()) for folder in folders]
    for project in projects:
        installation.add(project)
    tokens = dict(zip(("simple", "longitudinal"), map(installation.token, projects), strict=True)) | {"super": SUPER}
    for content, written, parameters, who in calls:
        sent = {"token": tokens[who], "format": written, **parameters, "content": content}
        told = answer(installation, parameters_from_pairs(sent.items()))
        assert told.status in (200, 400, 403, 406)
        assert told.status == 200 or b"rror" in told.body or b"ERROR" in told.body


ODD = st.sampled_from([*WORDS.split(), *TEXTS]) | st.text(max_size=8).map(lambda text: text.encode("utf-8", "replace"))
"""Values that are out of place nearly everywhere, and any text at all."""


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Running]:
    """A server to which projects are given and taken away."""
    with running([], random=Random(1), clock=Clock(), super_token=SUPER) as listening:
        yield listening


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(sorted(HANDLERS)),
            st.fixed_dictionaries(dict.fromkeys(PARAMETERS.split(), ODD)),
            st.sets(st.sampled_from(PARAMETERS.split()), max_size=60),
        ),
        min_size=1,
        max_size=4,
    )
)
def test_no_call_ends_in_an_error_of_the_server(
    folders: tuple[Path, Path], sandbox: Running, calls: list[tuple[str, dict[str, str], set[str]]]
) -> None:
    """Odd values in every parameter of every content, over HTTP, and a survey answered with them: never a 500."""
    sandbox.installation.projects.clear()
    for project in (project_from_folder(folder, clock=Clock()) for folder in folders):
        sandbox.installation.add(project)
        token, session = sandbox.token(project), requests.Session()
        data = '[{"record_id":"1","redcap_event_name":"followup_arm_1"}]' if project.longitudinal else None
        known = {"token": token, "content": "record", "data": data or '[{"record_id":"1"}]', "format": "json"}
        assert session.post(sandbox.api_url, data=known, timeout=10).status_code == 200
        where = {"content": "surveyLink", "record": "1", "event": "followup_arm_1"}
        link = session.post(
            sandbox.api_url,
            data={"token": token, **where, "instrument": "visit" if project.longitudinal else "labs"},
            timeout=10,
        ).text
        for content, parameters, left_out in calls:
            sent = {name: value for name, value in parameters.items() if name not in left_out}
            asked = {**sent, "token": token, "content": content}
            assert session.post(sandbox.api_url, data=asked, timeout=10).status_code in (200, 400, 403, 406)
            answers = dict(zip(("weight", "height", "smoker", "comments", "pain"), sent.values(), strict=False))
            assert session.post(link, data=answers, timeout=10).status_code in (200, 404)
            for page in ("index.php", "DataEntry/record_home.php", "DataEntry/index.php"):
                query = dict(zip(("id", "page", "event_id", "instance"), sent.values(), strict=False))
                address = f"{sandbox.url}/redcap_v14.5.0/{page}"
                short = {name: value[:200] for name, value in query.items()}
                found = session.get(address, params={"pid": str(project.project_id), **short}, timeout=10)
                assert found.status_code in (200, 404)
