"""The page about the twin names the options, files and reasons that there are."""

import json
import re
from pathlib import Path

from nightround.cli.twin import twin
from nightround.simulation.twin.summary_file import StudySummary
from nightround.texts.catalogue import texts_under
from tests.twin_examples import field, made, write_dictionary

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "twin.md").read_text(encoding="utf-8")


def test_options_are_those_of_the_command() -> None:
    """Every option is in the page, and the page names no other but those of the sandbox."""
    options = {name for parameter in twin.params for name in parameter.opts if name.startswith("--")}
    assert set(re.findall(r"(--[a-z]+)", PAGE)) == options | {"--project", "--calculated"}


def test_every_reason_is_explained() -> None:
    """The table of reasons is that of the catalogue."""
    known = set(texts_under("twin.reason"))
    table = PAGE[PAGE.index("| code |") :].split("\n\n")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", table, flags=re.MULTILINE)) == known


def test_the_summary_of_the_page_can_be_read() -> None:
    """The example is a summary."""
    block = re.search(r"```json\n(.*?)```", PAGE, flags=re.DOTALL)
    assert block is not None
    assert set(StudySummary.model_validate(json.loads(block[1])).fields) == {"age", "sex"}


def test_every_file_is_described(tmp_path: Path) -> None:
    """What is written into the folder is in the page."""
    from nightround.simulation.twin.twin_files import write_twin

    made_twin = made(write_dictionary(tmp_path / "d.csv", [field("id", "f"), field("x", "f")]), 3)
    assert all(f"`{path.name}`" in PAGE for path in write_twin(made_twin, tmp_path / "out"))
