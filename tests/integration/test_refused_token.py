"""A token that REDCap does not accept: one mail that says what to do, and a new token without a new start."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from nightround.night.run_job import run_scheduled
from nightround.study.folder import find_content
from redcap_sync.api.token import where_to_replace
from redcap_sync.errors import RedcapRefused
from tests.small_study import FOLDER, STUDY, SmallStudy, small_study

WRONG = "0123456789ABCDEF" * 2


def served_night(study: SmallStudy, environ: dict[str, str]) -> list[str]:
    """The next hour of the schedule, as `serve` makes its round; gives the new mails."""
    study.next_day()
    before = set((study.folder / "outbox").glob("*.html"))
    run_scheduled(
        "nightly",
        [str(study.source)],
        data=study.data,
        content=find_content({}),
        environ=environ,
        clock=lambda: study.now[0] + timedelta(minutes=1),
        sleep=lambda _: None,
    )
    return [path.read_text("utf-8") for path in set((study.folder / "outbox").glob("*.html")) - before]


@pytest.mark.parametrize("place", ["file", "variable"])
def test_a_refused_token_is_one_mail_and_the_next_round_takes_the_new_one(tmp_path: Path, place: str) -> None:
    """The mail names study and place, no token; `serve` reads the token for each round anew."""
    source, file = tmp_path / "source", tmp_path / "token"
    shutil.copytree(FOLDER, source)
    with (source / "study.toml").open("a", encoding="utf-8") as settings:
        settings.write(f'\n[redcap]\ntoken_file = "{file}"\n')
    with small_study(tmp_path / "data", source) as study:
        environ = dict(study.environ)
        right = environ.pop("REDCAP_TOKEN")

        def hand_over(token: str) -> None:
            if place == "variable":
                environ["REDCAP_TOKEN"] = token
            else:
                file.write_text(token)
                file.chmod(0o600)

        hand_over(right)
        study.round(environ=environ)
        hand_over(WRONG)
        (mail,) = served_night(study, environ)
        assert f"does not accept the API token of the study {STUDY} (HTTP 403)" in mail
        assert "on its API page" in mail
        assert (str(file) if place == "file" else "REDCAP_TOKEN") in mail
        assert WRONG not in mail
        assert study.last_run().exit_code == 12
        assert study.last_run().snapshot_id is None
        hand_over(right)
        served_night(study, environ)
        assert study.last_run().complete


def test_the_place_of_a_token_is_the_one_it_was_read_from(tmp_path: Path) -> None:
    """The variable where it is set, else the file, else the keyring; where there is none yet, what study.toml names."""
    file = tmp_path / "token"
    ring, none = ("redcap", "s"), ("", "")

    def code(environ: dict[str, str], named: Path | None, keyring: tuple[str, str]) -> str:
        return where_to_replace(environ, variable="T", file=named, keyring=keyring).code.rpartition(".")[2]

    assert code({"T": WRONG}, file, ring) == "variable"
    assert code({}, file, none) == "file"
    assert code({}, file, ring) == "keyring"
    file.touch()
    assert code({}, file, ring) == "file"
    assert code({}, None, ring) == "keyring"
    assert code({}, None, none) == "variable"


def test_another_refusal_is_no_matter_of_the_token(tmp_path: Path) -> None:
    """A token of the wrong length never reaches the server: its own sentence stays."""
    with small_study(tmp_path / "data") as study, pytest.raises(RedcapRefused) as wrong:
        study.round(environ={**study.environ, "REDCAP_TOKEN": "short"})
    assert wrong.value.code == "token.length"
