"""Project files that real servers wrote come back through the API as those servers exported them."""

import csv
from io import StringIO
from pathlib import Path

import pytest
import requests

from redcap_sync.project.state import StoredProject
from redcap_sync.project.structure import METADATA_KEYS, METADATA_TITLES
from redcap_sync.sandbox import running
from redcap_sync.sandbox.project_sources import project_from_xml
from tests.sandbox_examples import Clock

REAL = Path(__file__).parents[3] / "shared" / "redcap_projects"
WITH_DATA = sorted(REAL.glob("*/project.xml")) if REAL.exists() else []
EVERY_FILE = [*WITH_DATA, *sorted(REAL.glob("*.xml"))] if REAL.exists() else []
NO_FILES = "the folder ../shared/redcap_projects is not here"


def _name(path: Path) -> str:
    return path.parent.name if path.name == "project.xml" else path.stem


def _exported(
    path: Path, content: str, *, calculated: bool = False, **parameters: str
) -> tuple[StoredProject, list[dict[str, str]]]:
    project = project_from_xml(path, clock=Clock(), calculated=calculated)
    with running([project]) as sandbox:
        asked = {"token": sandbox.token(project), "content": content, "format": "csv", **parameters}
        answer = requests.post(sandbox.api_url, data=asked, timeout=30)
    assert answer.status_code == 200, answer.text
    return project, list(csv.DictReader(StringIO(answer.content.decode(), newline="")))


def _not_in_the_file(row: dict[str, str], key: str) -> bool:
    """A project XML carries neither the query of an sql field nor the range of a slider."""
    return (row["field_type"] == "sql" and key == "select_choices_or_calculations") or (
        row["field_type"] == "slider" and key.startswith("text_validation_m")
    )


def _plain(text: str) -> str:
    """Line ends as one kind, and choices without the blanks around their bars, which servers set differently."""
    return "|".join(part.strip() for part in text.replace("\r\n", "\n").split("|"))


@pytest.mark.skipif(not WITH_DATA, reason=NO_FILES)
@pytest.mark.parametrize("path", WITH_DATA, ids=_name)
def test_the_dictionary_comes_back(path: Path) -> None:
    """Every cell of the data dictionary that the file carries is as the server exported it."""
    with (path.parent / "dictionary.csv").open(encoding="utf-8-sig", newline="") as file:
        expected = list(csv.DictReader(file))
    _, answered = _exported(path, "metadata")
    names = [row[METADATA_TITLES[0]] for row in expected]
    # One of the dictionaries was saved before its project got one more field.
    got = [row for row in answered if row["field_name"] in names]
    assert [row["field_name"] for row in got] == names
    for mine, theirs in zip(got, expected, strict=True):
        for key, title in zip(METADATA_KEYS, METADATA_TITLES, strict=True):
            if not _not_in_the_file(mine, key):
                assert _plain(mine[key]) == _plain(theirs[title]), (mine["field_name"], key)


@pytest.mark.skipif(not WITH_DATA, reason=NO_FILES)
@pytest.mark.parametrize("path", WITH_DATA, ids=_name)
def test_the_data_come_back(path: Path) -> None:
    """Rows, columns and values are as the server exported them, but calculated values and file names."""
    with (path.parent / "data.csv").open(encoding="utf-8-sig", newline="") as file:
        expected = list(csv.DictReader(file))
    groups = "redcap_data_access_group" in expected[0]
    project, got = _exported(path, "record", exportDataAccessGroups=str(groups))
    kinds = {name: column.field.type if column.field else "" for name, column in project.layout.by_name.items()}
    assert [name for name in got[0] if name in expected[0]] == list(expected[0])
    assert len(got) == len(expected)
    for mine, theirs in zip(got, expected, strict=True):
        for name, value in theirs.items():
            if kinds.get(name) == "calc":
                assert mine[name] == ""
            elif kinds.get(name) == "file":
                assert bool(mine[name]) == bool(value)
            else:
                assert _meaning(mine[name], kinds.get(name, "")) == _meaning(value, kinds.get(name, "")), name


def _meaning(value: str, kind: str) -> str:
    """Whoever saved these exports opened some in R, which wrote yes and no as TRUE and FALSE."""
    written = " ".join(value.split())
    return {"TRUE": "1", "FALSE": "0"}.get(written, written) if kind in ("radio", "yesno", "truefalse") else written


@pytest.mark.skipif(not EVERY_FILE, reason=NO_FILES)
@pytest.mark.parametrize("path", EVERY_FILE, ids=_name)
def test_every_file_loads(path: Path) -> None:
    """Whatever version wrote it, a file becomes a project whose rows can be exported."""
    project, rows = _exported(path, "record")
    assert project.structure.metadata
    assert len({row[project.id_field] for row in rows}) == len(project.values)


@pytest.mark.skipif(not REAL.exists(), reason=NO_FILES)
def test_no_project_is_passed_over() -> None:
    """Every folder that is there is compared, dictionary and data, and every other XML is at least loaded."""
    folders = sorted(path for path in REAL.iterdir() if path.is_dir())
    assert [path.parent for path in WITH_DATA] == folders
    assert all((folder / name).is_file() for folder in folders for name in ("dictionary.csv", "data.csv"))
    assert sorted(EVERY_FILE) == sorted(REAL.rglob("*.xml"))


@pytest.mark.skipif(not WITH_DATA, reason=NO_FILES)
@pytest.mark.parametrize("path", WITH_DATA, ids=_name)
def test_calculated_values_come_back_where_the_file_is_uploaded_on_a_page(path: Path) -> None:
    """Loaded as REDCap's page may do it, every calculated value the server exported is there."""
    with (path.parent / "data.csv").open(encoding="utf-8-sig", newline="") as file:
        expected = list(csv.DictReader(file))
    project, got = _exported(path, "record", calculated=True)
    names = [field.name for field in project.dictionary.fields if field.type == "calc" and field.name in expected[0]]
    for mine, theirs in zip(got, expected, strict=True):
        for name in names:
            # One of the exports is older than its XML: a calculation was blank then.
            assert mine[name] == theirs[name] or not theirs[name], name


STRUCTURE = sorted(REAL.glob("*/event.csv")) + sorted(REAL.glob("*/arm.csv")) if REAL.exists() else []


@pytest.mark.skipif(not STRUCTURE, reason=NO_FILES)
@pytest.mark.parametrize("path", STRUCTURE, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_arms_and_events_come_back(path: Path) -> None:
    """In the server's order and under the server's names; the ids of events are the server's own."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        expected = list(csv.DictReader(file))
    _, got = _exported(path.parent / "project.xml", path.stem)
    assert list(got[0]) == list(expected[0])
    for row in [*got, *expected]:
        row.pop("event_id", None)
    assert got == expected
