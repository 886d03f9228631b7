"""What docs/tables.md says of the two commands about tables is what they do."""

import json
import re
from decimal import Decimal
from pathlib import Path

import click
import pytest

from nightround.cli.main import cli
from nightround.published_tables.audit_document import audit
from nightround.published_tables.document_form import document_of
from tests.property.test_audit_own_tables import RATES

DOCUMENT = (Path(__file__).parents[2] / "docs" / "tables.md").read_text(encoding="utf-8")


def test_the_example_is_a_table_without_a_contradiction() -> None:
    """The JSON of the page is read, and every test in it belongs to its numbers."""
    found = re.search(r"^    \{\n.*?^    \}$", DOCUMENT, flags=re.MULTILINE | re.DOTALL)
    assert found is not None
    result = audit(document_of(json.loads(found[0], parse_float=Decimal)))
    assert (result.checked, result.inconsistent) == (15, ())


def test_the_stated_rates_are_those_that_are_tested() -> None:
    """At least 98% of wrong counts and percentages, 85% of P, 80% of statistics, 75% of means."""
    stated = re.search(
        r"at least (\d+)%,\na wrong P in (\d+)%, a wrong statistic in (\d+)%, a wrong mean .* (\d+)%", DOCUMENT
    )
    assert stated is not None
    tested = [RATES[kind] for kind in ("count", "P", "statistic", "mean")]
    assert [int(rate) / 100 for rate in stated.groups()] == tested
    assert RATES["percentage"] == RATES["count"]


@pytest.mark.parametrize("name", ["table", "audit-table"])
def test_every_option_of_the_page_exists(name: str) -> None:
    """The command lines of the page hold only options that the command has."""
    usage = next(line for line in DOCUMENT.splitlines() if line.startswith(f"    nightround {name} "))
    options = {option for one in cli.commands[name].params if isinstance(one, click.Option) for option in one.opts}
    assert set(re.findall(r"--[a-z]+", usage)) <= options
