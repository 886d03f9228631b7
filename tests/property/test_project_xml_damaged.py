"""Whatever happened to a project XML on its way, it is read or refused in words."""

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from redcap_sync.errors import ProjectFileWrong
from redcap_sync.odm.project_file import read_project_file
from tests.project_xml import Item, Opened, project_xml

ITEMS = [
    Item("record_id", "visit"),
    Item("weight", "visit", validation="number", minimum="30", maximum="160"),
    Item("signs", "visit", "checkbox", choices="1, Red | 2, Warm"),
    Item("seen_at", "event_log", validation="datetime_ymd"),
]
WHOLE = project_xml(
    ITEMS,
    [
        Opened("1", "visit", {"record_id": "1", "weight": "70", "signs___2": "1"}, event="one_arm_1"),
        Opened("1", "event_log", {"seen_at": "2024-05-01T08:30"}, event="one_arm_1", instance=2),
    ],
    events={"one_arm_1": ["visit", "event_log"], "two_arm_2": ["visit"]},
    repeating=[("one_arm_1", "event_log"), ("two_arm_2", "")],
    codes="NI, No information",
    rules=[("Heavy", "[weight] > 100"), ("Light", "[weight] < 40")],
)
WORDS = ["", '"', "<", ">", "&", "'", "\n", "-1", "9" * 20, "é", "visit", "ODM", "<x>", "</Study>", "&amp;"]
DAMAGE = st.lists(
    st.tuples(st.integers(0, len(WHOLE)), st.integers(0, 40), st.sampled_from(WORDS)), min_size=1, max_size=4
)


@pytest.fixture(scope="session")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the damaged files are written, one after another."""
    return tmp_path_factory.mktemp("damaged") / "project.xml"


@settings(max_examples=400, deadline=None)
@given(DAMAGE)
def test_a_damaged_file_is_read_or_refused(file: Path, damage: list[tuple[int, int, str]]) -> None:
    """Pieces that are cut out of a file or put into it never end in another error than ProjectFileWrong."""
    text = WHOLE
    for start, length, put in damage:
        text = text[:start] + put + text[start + length :]
    file.write_text(text, encoding="utf-8", newline="")
    with suppress(ProjectFileWrong):
        assert read_project_file(file).dictionary.fields
