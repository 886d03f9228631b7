"""The data folder belongs to another user: a sentence and an exit code, no traceback, and nothing is changed."""

from __future__ import annotations

import os
import site
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.small_study import FOLDER, SmallStudy, small_study

ROOT = Path(__file__).parents[2]
NOBODY = 65534
"""The user that owns nothing, on Debian and elsewhere."""
COMMANDS = (
    ("night",),
    ("pull",),
    ("check",),
    ("status",),
    ("findings",),
    ("snapshots", "list"),
    ("store", "check"),
)


PYTHONS = (sys.executable, f"/usr/bin/python3.{sys.version_info.minor}")
"""This Python, or the system's own of the same version: ours may lie in the home of root."""


def run_as_nobody(words: tuple[str, ...], environ: Mapping[str, str], python: str) -> subprocess.CompletedProcess[str]:
    """Run a command of Nightround as the user who owns nothing."""
    return subprocess.run(
        [python, "-m", "nightround", *words],
        user=NOBODY,
        group=NOBODY,
        extra_groups=(),
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.pathsep.join([str(ROOT), *site.getsitepackages()]),
            "HOME": "/nonexistent",
            **environ,
        },
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def works(python: str) -> bool:
    """Whether nobody can run Nightround with this Python."""
    try:
        return run_as_nobody(("--version",), {}, python).returncode == 0
    except OSError:
        return False


@pytest.fixture(scope="module")
def python() -> str:
    """A Python that another user can run."""
    if os.geteuid() != 0:
        pytest.skip("only root can run a command as another user")
    found = next(filter(works, PYTHONS), None)
    if found is None:
        pytest.skip("another user can run no Python with what Nightround needs, or not read this checkout")
    return found


@pytest.fixture(scope="module")
def study(python: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallStudy]:
    """A study with a round behind it, whose data folder lies where everybody can reach it."""
    del python  # without one there is nothing to make
    tmp_path = tmp_path_factory.mktemp("another_user")
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_uid == 0 and folder.is_relative_to("/tmp"):  # noqa: S108 - where pytest makes its folders
            folder.chmod(folder.stat().st_mode | 0o011)
    with small_study(tmp_path / "data") as one:
        one.round()
        one.next_day()
        yield one


def files(folder: Path) -> dict[str, bytes]:
    """Every file of a folder."""
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_data_folder_of_another_user(study: SmallStudy, python: str, words: tuple[str, ...]) -> None:
    """Each command ends with 10 and one explained error, tells no traceback, and leaves every file as it was."""
    study.data.chmod(0o755)
    study.folder.chmod(0o700)
    before = files(study.folder)
    ended = run_as_nobody((*words, str(FOLDER), "--data", str(study.data)), study.environ, python)
    assert "Traceback" not in ended.stderr
    assert ended.returncode == 10, ended.stderr
    assert files(study.folder) == before


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_data_folder_that_another_user_may_read_and_not_write(
    study: SmallStudy, python: str, words: tuple[str, ...]
) -> None:
    """No traceback either: what only reads answers or says why it cannot, what writes ends with 10."""
    for path in (study.data, *study.data.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    before = files(study.folder)
    ended = run_as_nobody((*words, str(FOLDER), "--data", str(study.data)), study.environ, python)
    assert "Traceback" not in ended.stderr
    assert ended.returncode in ({10} if words[0] in {"night", "pull", "check"} else {0, 10}), ended.stderr
    assert files(study.folder) == before
