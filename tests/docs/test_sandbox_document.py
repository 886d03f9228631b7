"""The page about the sandbox names tests that exist, addresses that open, and options there are."""

import re
from pathlib import Path

from redcap_sync.sandbox.__main__ import _parser
from redcap_sync.sandbox.installation import VERSION

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "sandbox.md").read_text(encoding="utf-8")
TESTS = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))


def test_every_line_of_the_checklist_has_a_test_that_exists() -> None:
    """Seventeen lines, each with at least one test function of that name."""
    lines = re.findall(r"^\| (\d+) \| .* \| (.*) \|$", PAGE, flags=re.MULTILINE)
    assert [int(number) for number, _ in lines] == list(range(1, 18))
    assert all("`test_" in tests for _, tests in lines)
    named = set(re.findall(r"`(test_\w+)`", PAGE))
    assert {name for name in named if f"def {name}(" not in TESTS} == set()


def test_options_and_version_are_those_of_the_command() -> None:
    """Every option the page names is known, none is left out, and the version is the one that is reported."""
    options = {option for action in _parser()._actions for option in action.option_strings if option.startswith("--")}
    assert set(re.findall(r"(--[a-z][a-z-]+)", PAGE)) == options - {"--help"}
    assert set(re.findall(r"redcap_v([\d.]+)/", PAGE)) == {VERSION}
