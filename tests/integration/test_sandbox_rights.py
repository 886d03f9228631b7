"""What a token's user may do, and sees."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from redcap_sync.project.documents import StoredDocument
from redcap_sync.project.rights import Rights, User
from redcap_sync.project.state import StoredProject
from redcap_sync.sandbox import running
from tests.sandbox_examples import Clock, longitudinal_project

Call = Callable[..., requests.Response]
ROWS = (
    '[{"record_id":"1","redcap_event_name":"screening_arm_1","initials":"AB","dob":"1970-01-01","sex":"1",'
    '"redcap_data_access_group":"north_site"},'
    '{"record_id":"1","redcap_event_name":"followup_arm_1","weight":"80","comments":"free text"},'
    '{"record_id":"2","redcap_event_name":"screening_arm_1","sex":"2","redcap_data_access_group":"south_site"}]'
)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[StoredProject, Call]]:
    """A project with records of two groups, and calls in the name of any user."""
    project = longitudinal_project(tmp_path, Clock())
    with running([project]) as sandbox:

        def call(username: str | None = None, **parameters: str) -> requests.Response:
            token = sandbox.token(project, username)
            asked = {"token": token, "content": "record", "format": "json", **parameters}
            return requests.post(sandbox.api_url, data=asked, timeout=10)

        call(data=ROWS)
        yield project, call


def add(project: StoredProject, *rights: str, export: int = 1, **more: str) -> str:
    """Put a user with some rights into the project."""
    given = Rights(dict.fromkeys(rights, 1), unnamed=export)
    project.structure.users["somebody"] = User("somebody", given, **more)
    return "somebody"


def test_a_right_that_is_missing_is_named(served: tuple[StoredProject, Call]) -> None:
    """403, with the words of a server where they are known."""
    project, call = served
    somebody = add(project)
    assert call(somebody).status_code == 403
    imported = call(somebody, data='[{"record_id":"9"}]')
    assert (imported.status_code, imported.json()["error"]) == (403, "You do not have API Import/Update privileges")
    deleted = call(somebody, action="delete", **{"records[0]": "1"})
    assert deleted.json()["error"].endswith("Delete Record privileges")
    assert call(add(project, "api_export"), content="log").status_code == 403
    assert call(add(project, "api_export", "logging"), content="log").status_code == 200


def test_members_of_a_group_live_in_their_group(served: tuple[StoredProject, Call]) -> None:
    """They see, change and number their own records only, and the group column is not theirs to ask for."""
    project, call = served
    somebody = add(project, "api_export", "api_import", "record_create", "record_delete", "logging", group="north_site")
    rows = call(somebody, exportDataAccessGroups="true").json()
    assert {row["record_id"] for row in rows} == {"1"}
    assert "redcap_data_access_group" not in rows[0]
    assert call(somebody, data='[{"record_id":"2","redcap_event_name":"screening_arm_1","sex":"1"}]').status_code == 400
    assert "do not exist: 2" in call(somebody, action="delete", **{"records[0]": "2"}).json()["error"]
    assert call(somebody, content="generateNextRecordName").text == "331-1"
    assert call(somebody, data='[{"record_id":"331-1","redcap_event_name":"screening_arm_1"}]').json() == {"count": 1}
    assert project.values["331-1"].group == "north_site"
    assert {entry["record"] for entry in call(somebody, content="log").json()} <= {"1", "331-1"}


def test_members_of_a_group_read_what_happened_to_its_records(served: tuple[StoredProject, Call]) -> None:
    """The log shows them the creation, the change and the renaming of their group's records, and of no other."""
    project, call = served
    rights = ("api_export", "api_import", "record_create", "record_rename", "logging")
    somebody = add(project, *rights, group="north_site")
    call(somebody, data='[{"record_id":"331-1","redcap_event_name":"screening_arm_1","sex":"1"}]')
    assert call(somebody, action="rename", record="331-1", new_record_name="331-2").text == "1"
    entries = call(somebody, content="log", logtype="record", record="331-1").json()
    assert [(entry["action"], entry["details"]) for entry in entries] == [
        ("Update record 331-1", "record_id = '331-2'"),
        ("Update record (API) 331-1", "Assign record to Data Access Group (redcap_data_access_group = 'north_site')"),
        ("Create record (API) 331-1", "record_id = '331-1', sex = '1'"),
    ]
    assert {entry["record"] for entry in call(somebody, content="log", logtype="record").json()} == {"1", "331-1"}


def test_nobody_is_put_into_a_group_that_is_not_there(served: tuple[StoredProject, Call]) -> None:
    """An assignment of roles that names an unknown group is refused as one of groups is, and changes nothing."""
    project, call = served
    somebody = add(project, group="north_site")
    row = f'[{{"username":"{somebody}","unique_role_name":"","data_access_group":"nowhere"}}]'
    refused = call(content="userRoleMapping", action="import", data=row)
    assert (refused.status_code, "'nowhere'" in refused.json()["error"]) == (400, True)
    assert project.structure.users[somebody].group == "north_site"


def test_who_manages_no_groups_sees_no_list_of_them(served: tuple[StoredProject, Call]) -> None:
    """Groups and who is in them need the right Data Access Groups; the column of the records does not."""
    project, call = served
    somebody = add(project, "api_export")
    for content in ("dag", "userDagMapping"):
        refused = call(somebody, content=content)
        assert (refused.status_code, "Data Access Groups" in refused.json()["error"]) == (403, True)
    column = [row["redcap_data_access_group"] for row in call(somebody, exportDataAccessGroups="True").json()]
    assert column == ["north_site", "north_site", "south_site"]
    somebody = add(project, "api_export", "data_access_groups")
    assert [row["unique_group_name"] for row in call(somebody, content="dag").json()] == ["north_site", "south_site"]


def test_a_project_without_groups_has_no_column_of_them(served: tuple[StoredProject, Call]) -> None:
    """The column is there only where it is asked for and the project has groups; the list of none is empty."""
    _, call = served
    assert "redcap_data_access_group" not in call().json()[0]
    call(content="dag", action="delete", **{"dags[0]": "north_site", "dags[1]": "south_site"})
    assert call(content="dag").json() == []
    assert "redcap_data_access_group" not in call(exportDataAccessGroups="true").json()[0]


def test_a_record_that_joins_a_group_leaves_an_entry_of_its_own(served: tuple[StoredProject, Call]) -> None:
    """A new record is created and then put into its group; leaving the group is one more entry."""
    _, call = served
    row = '[{"record_id":"2","redcap_event_name":"screening_arm_1","redcap_data_access_group":"%s"}]'
    for group in ("north_site", "north_site", ""):
        call(data=row % group, overwriteBehavior="overwrite")
    entries = [(one["action"], one["details"]) for one in call(content="log", record="2").json()]
    assert entries == [
        ("Update record (API) 2", "Remove record from Data Access Group (redcap_data_access_group = '')"),
        ("Update record (API) 2", "Assign record to Data Access Group (redcap_data_access_group = 'north_site')"),
        ("Update record (API) 2", "Assign record to Data Access Group (redcap_data_access_group = 'south_site')"),
        ("Create record (API) 2", "record_id = '2', sex = '2'"),
    ]


def test_export_levels_of_instruments(served: tuple[StoredProject, Call]) -> None:
    """Level 0 hides an instrument, 3 its identifiers, 2 also dates and free text; with 0 for all there are no data."""
    project, call = served
    somebody = add(project, "api_export")
    rights = project.structure.users[somebody].rights
    rights.forms_export = {"baseline": 3, "labs": 0, "visit": 0}
    columns = set(call(somebody).json()[0])
    assert {"sex", "baseline_complete"} <= columns
    assert not columns & {"initials", "dob", "weight", "labs_complete"}
    rights.forms_export = {"baseline": 2, "labs": 2, "visit": 2}
    columns = set(call(somebody).json()[0])
    assert {"sex", "weight", "pain"} <= columns
    assert not columns & {"initials", "dob", "comments", "visit_date", "scan"}
    rights.forms_export = dict.fromkeys(project.instrument_names, 0)
    assert call(somebody).status_code == 403


def test_entry_levels_of_instruments(served: tuple[StoredProject, Call]) -> None:
    """None and read-only let no value be changed, in old codes and new; what stays as it is may come along."""
    project, call = served
    somebody = add(project, "api_import", "api_export")
    rights = project.structure.users[somebody].rights
    changed = '[{"record_id":"1","redcap_event_name":"followup_arm_1","weight":"81"}]'
    same = changed.replace("81", "80").replace('"weight"', '"labs_complete":"","weight"')
    for closed in (0, 2, 128, 129):
        rights.forms = {"labs": closed}
        refused = call(somebody, data=changed)
        assert refused.status_code == 400
        assert refused.json()["error"].startswith('"1","weight","81","Your user privileges do not allow you to change')
        assert call(somebody, data=same).json() == {"count": 1}
        cell = {"record": "1", "event": "followup_arm_1", "field": "scan"}
        assert call(somebody, content="file", action="import", **cell).status_code == 403
    assert {row["weight"] for row in call(somebody, fields="weight").json()} == {"", "80"}
    for opened in (1, 3, 130, 138):
        rights.forms = {"labs": opened}
        assert call(somebody, data=changed).json() == {"count": 1}


def test_export_levels_hold_for_files_and_pdfs_too(served: tuple[StoredProject, Call]) -> None:
    """What an export hides, neither a download of its file nor a PDF of the record shows."""
    import pypdfium2

    project, call = served
    cell = {"record": "1", "event": "followup_arm_1"}
    place = next(place for place in project.values["1"].rows if project.event_name(place.event_id) == "followup_arm_1")
    document = StoredDocument(project.next_id(), "scan.txt", "text/plain", b"grey")
    project.documents.keep(document)
    project.values.write("1", place, {"scan": str(document.doc_id)})
    somebody = add(project, "api_export")
    rights = project.structure.users[somebody].rights

    def printed() -> str:
        pages = pypdfium2.PdfDocument(call(somebody, content="pdf", record="1").content)
        return " ".join(page.get_textpage().get_text_range() for page in pages)

    assert call(somebody, content="file", action="export", field="scan", **cell).content == b"grey"
    assert "free text" in printed()
    rights.forms_export = {"labs": 2}
    assert call(somebody, content="file", action="export", field="scan", **cell).status_code == 403
    assert "free text" not in printed()
    assert "Weight (kg) 80" in printed()
    rights.forms_export = {"labs": 0}
    assert "Laboratory" not in printed()


def test_closed_folders_of_the_repository_close_what_is_in_them(served: tuple[StoredProject, Call]) -> None:
    """A folder of another group, the folders below it and their files are not there for a member of a group."""
    project, call = served
    of_files = {"content": "fileRepository"}
    outer = call(**of_files, action="createFolder", name="South", dag_id="332").json()[0]["folder_id"]
    inner = call(**of_files, action="createFolder", name="Inner", folder_id=str(outer)).json()[0]["folder_id"]
    document = StoredDocument(project.next_id(), "plan.txt", "text/plain", b"plan", inner)
    project.documents.keep(document)
    somebody = add(project, "api_export", "api_import", "file_repository", group="north_site")
    assert call(**of_files, action="export", doc_id=str(document.doc_id)).content == b"plan"
    assert call(somebody, **of_files, action="list").json() == []
    for folder in (outer, inner):
        assert call(somebody, **of_files, action="list", folder_id=str(folder)).status_code == 400
    for action in ("export", "delete"):
        assert call(somebody, **of_files, action=action, doc_id=str(document.doc_id)).status_code == 400
    project.structure.users[somebody].group = "south_site"
    assert call(somebody, **of_files, action="export", doc_id=str(document.doc_id)).content == b"plan"


def test_read_only_user_rights_change_no_user(served: tuple[StoredProject, Call]) -> None:
    """Level 2 of the right to user rights is a look: users are listed, and neither added nor deleted."""
    project, call = served
    somebody = add(project, "api_export", "api_import", "user_rights")
    new = '[{"username":"tester_a"}]'
    assert call(somebody, content="user", data=new).json() == 1
    project.structure.users[somebody].rights.levels["user_rights"] = 2
    assert call(somebody, content="user").status_code == 200
    assert call(somebody, content="user", data=new).status_code == 403
    assert call(somebody, content="user", action="delete", **{"users[0]": "tester_a"}).status_code == 403


def test_a_record_id_that_identifies_is_hashed(served: tuple[StoredProject, Call]) -> None:
    """Where the id is marked as an identifier, who may not see identifiers gets a hash that stays the same."""
    project, call = served
    project.restructure(metadata=[{**row, "identifier": "y"} for row in project.structure.metadata])
    somebody = add(project, "api_export", export=3)
    first, again = call(somebody).json(), call(somebody).json()
    assert first == again
    assert {len(row["record_id"]) for row in first} == {32}


def test_an_expired_user_has_no_token(served: tuple[StoredProject, Call]) -> None:
    """From the day of expiration on, the token means nothing."""
    project, call = served
    somebody = add(project, "api_export", expiration="2025-03-01")
    assert call(somebody).status_code == 403
    project.structure.users[somebody].expiration = "2025-03-02"
    assert call(somebody).status_code == 200


def test_a_role_decides_for_its_users(served: tuple[StoredProject, Call]) -> None:
    """Somebody in a role has the role's rights, whatever their own say."""
    project, call = served
    somebody = add(project, "api_export")
    call(content="userRole", data='[{"role_label":"Nobody","logging":1}]')
    role = call(content="userRole").json()[0]["unique_role_name"]
    call(content="userRoleMapping", action="import", data=f'[{{"username":"somebody","unique_role_name":"{role}"}}]')
    assert call(somebody).status_code == 403
