"""A study whose address or token leads to another project: nothing of that project gets into its snapshots."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from nightround.model.language import LANGUAGES
from nightround.night.project_identity import AnotherProject, is_another, known_structure
from nightround.snapshots.snapshot_store import SnapshotStore
from nightround.texts.catalogue import in_language
from redcap_sync.api.client import RedcapClient
from redcap_sync.api.token import Token
from redcap_sync.pulling.raw_structure import RawStructure
from redcap_sync.sandbox import running
from redcap_sync.sandbox.project_sources import project_from_folder
from tests.small_study import FOLDER, PATIENTS, SmallStudy, small_study


@pytest.fixture
def study(tmp_path: Path) -> Iterator[SmallStudy]:
    """The small study after its first night."""
    with small_study(tmp_path) as opened:
        opened.round()
        opened.next_day()
        yield opened


@contextmanager
def copied(study: SmallStudy, **settings: str) -> Iterator[dict[str, str]]:
    """A copy of the project with other settings, with the same patients, on a server of its own."""
    project = project_from_folder(FOLDER / "project", clock=lambda: study.now[0].replace(tzinfo=None))
    project.structure.settings.update(settings)
    with running([project], random=Random(2)) as server:
        token = server.token(project)
        RedcapClient(server.api_url, Token(token), sleep=lambda _: None).import_records(list(PATIENTS), overwrite=True)
        yield {"REDCAP_URL": server.api_url, "REDCAP_TOKEN": token}


def files_of(folder: Path) -> dict[str, bytes]:
    """Every file of the snapshots with its bytes."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("damaged", ["nothing", "latest.json", "objects"])
def test_a_copy_with_another_number_is_refused_before_anything_is_written(study: SmallStudy, damaged: str) -> None:
    """Both projects are named, in both languages; not a byte of the snapshots changes, whatever of them is damaged."""
    snapshots = study.folder / "snapshots"
    if damaged == "latest.json":
        (snapshots / damaged).unlink()
    if damaged == "objects":
        for path in snapshots.glob("objects/*.parquet"):
            path.write_bytes(b"")
    before = files_of(snapshots)
    with (
        copied(study, project_id="4711", project_title="Another trial") as environ,
        pytest.raises(AnotherProject) as caught,
    ):
        study.round(environ={**study.environ, **environ})
    assert caught.value.exit_code == 10
    assert files_of(snapshots) == before
    for language in LANGUAGES:
        said = in_language(caught.value.part("what"), language)
        assert "4711" in said
        assert "Another trial" in said
        assert "small_study" in said


def test_another_title_alone_is_the_same_project(study: SmallStudy) -> None:
    """A project that was renamed is pulled on."""
    structure = known_structure(SnapshotStore(study.folder / "snapshots"))
    assert structure is not None
    assert not is_another(structure, replace(structure, project={**structure.project, "project_title": "New"}))


def changed(structure: RawStructure, change: str) -> RawStructure:
    """A structure with one thing changed."""
    first, *others = structure.metadata
    new = {
        "number": {"project": {**structure.project, "project_id": 99}},
        "no number": {"project": {**structure.project, "project_id": ""}},
        "title": {"project": {**structure.project, "project_title": "New"}},
        "record id": {"metadata": [{**first, "field_name": "patient"}, *others]},
        "fields": {"metadata": [first, *({**row, "field_name": f"new_{row['field_name']}"} for row in others)]},
    }
    return replace(structure, **new[change])


@pytest.mark.parametrize(
    ("changes", "another"),
    [
        (("number",), True),
        (("no number",), False),
        (("title", "no number"), True),
        (("record id",), False),
        (("fields",), False),
        (("title", "fields"), True),
        (("title", "record id"), True),
    ],
)
def test_what_makes_another_project(study: SmallStudy, changes: tuple[str, ...], *, another: bool) -> None:
    """The number alone; where it is the same, two of title, record id field and most fields."""
    structure = known_structure(SnapshotStore(study.folder / "snapshots"))
    assert structure is not None
    found = structure
    for change in changes:
        project = changed(found, change)
        found = replace(project, project={**project.project, **({"project_id": ""} if "no number" in changes else {})})
    assert is_another(structure, found) is another
