"""Fixtures and settings that more than one folder of tests uses."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import settings

from redcap_sync import clean_text
from tests.postgres_server import INSTALL, programs, running_server
from tests.store_places import KINDS, new_file, new_schema

# The same examples in every CI run; a longer search with fresh ones is `HYPOTHESIS_PROFILE=search make test`.
settings.register_profile("ci", derandomize=True, deadline=None)
settings.register_profile("search", max_examples=2000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


@contextmanager
def secrets_forgotten() -> Iterator[None]:
    """Afterwards the process masks what it masked before: a made-up secret such as "another" is a word elsewhere."""
    before = list(clean_text._secrets)
    try:
        yield
    finally:
        clean_text._secrets[:] = before


@pytest.fixture(scope="module", autouse=True)
def no_secrets_of_other_modules() -> Iterator[None]:
    """What the fixtures of a module keep secret is no secret of the next module."""
    with secrets_forgotten():
        yield


@pytest.fixture(autouse=True)
def no_secrets_of_other_tests() -> Iterator[None]:
    """What a test keeps secret is no secret of the next one."""
    with secrets_forgotten():
        yield


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """The URL of a PostgreSQL server of the tests' own; skips where none is installed."""
    if programs() is None:
        pytest.skip(INSTALL)
    with running_server() as url:
        yield url


@pytest.fixture(params=KINDS)
def store_at(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The path or URL of a database that is not there yet, once of each kind."""
    if request.param == "sqlite":
        return new_file(tmp_path, "nightround")
    return new_schema(request.getfixturevalue("postgresql"), "nightround")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what was not tested because a program is missing."""
    if programs() is None:
        terminalreporter.write_line(f"NOT TESTED: the database on a server. {INSTALL}")
