"""Small studies on which commands are called as a person calls them: their sandbox is in the environment."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from nightround.cli import study_job
from nightround.cli.main import main
from tests.small_study import FOLDER, SmallStudy, small_study

Call = Callable[..., tuple[int, dict[str, Any]]]


@contextmanager
def commanded_study(folder: Path, monkeypatch: pytest.MonkeyPatch, **made: Any) -> Iterator[SmallStudy]:
    """The study after one night, at its own hour; `made` is what `small_study` takes."""
    with small_study(folder, **made) as one:
        _reached_by_environment(one, monkeypatch)
        monkeypatch.setattr(study_job, "now", lambda: one.now[0])
        one.round()
        yield one


@contextmanager
def editable_study(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SmallStudy]:
    """The study before its first night, in a folder that may be changed, with its sandbox in the environment."""
    shutil.copytree(FOLDER, folder / "study")
    with small_study(folder / "data", folder / "study") as one:
        _reached_by_environment(one, monkeypatch)
        yield one


def _reached_by_environment(study: SmallStudy, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in study.environ.items():
        monkeypatch.setenv(name, value)


def call_of(study: SmallStudy, capsys: pytest.CaptureFixture[str]) -> Call:
    """A command on the study, as its exit code and its JSON; `rules` with a word of its own, such as change."""

    def called(command: str, *options: str) -> tuple[int, dict[str, Any]]:
        capsys.readouterr()
        words = [one for one in options if one == "change"]
        others = [one for one in options if one != "change"]
        with pytest.raises(SystemExit) as ended:
            main([command, *words, str(study.source), *others, "--data", str(study.data), "--json"])
        out = capsys.readouterr().out
        return int(ended.value.code or 0), json.loads(out) if out else {}

    return called
