"""What all property tests have in common."""

from __future__ import annotations

import pytest

TRACED_AT_LENGTH = ("test_logic_agreement", "test_validation_oracle", "test_rules_in_parts", "test_rules_reach")
"""Tests whose millions of steps take two to three times as long where coverage is measured."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Measure no coverage where it costs most: unit tests run the same lines."""
    for item in items:
        if item.path.stem in TRACED_AT_LENGTH:
            item.add_marker(pytest.mark.no_cover)
