"""Commands speak the language that the caller's environment asks for; JSON is English everywhere."""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

import pytest

from nightround.cli.main import main
from nightround.cli.printing import WORDS_OF
from nightround.model.delivery import DeliveryState
from nightround.model.finding import QUIET_STATES, FindingState, Resolution
from nightround.model.finding_answer import AnswerCode, Change, Why
from nightround.model.fix_proof import ProofGrade
from nightround.model.outcome import Status
from nightround.model.rule import Severity
from nightround.night.recorder import CHANGES
from nightround.store.run_rows import Ended
from nightround.texts.catalogue import texts_under
from nightround.texts.terminal import terminal_language


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, "en"),
        ({"LANG": "C.UTF-8"}, "en"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "en_GB.UTF-8"}, "en"),
        ({"LANG": "en_GB.UTF-8", "LC_MESSAGES": "zh_TW"}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": ""}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "NIGHTROUND_LANGUAGE": "en"}, "en"),
        ({"LANG": "C", "NIGHTROUND_LANGUAGE": "zh"}, "zh"),
        ({"LANG": "C", "NIGHTROUND_LANGUAGE": "fr"}, "en"),
    ],
)
def test_the_variable_decides_then_the_locale_then_english(environ: Mapping[str, str], expected: str) -> None:
    """A language that there is no text in changes nothing."""
    assert terminal_language(environ) == expected


@pytest.mark.parametrize(("language", "said"), [("zh", "尚无"), ("en", "none yet")])
def test_a_command_speaks_it(
    language: str, said: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The status of a study that never ran, in words and as JSON."""
    monkeypatch.setenv("NIGHTROUND_LANGUAGE", language)
    words = ["status", "venous_occlusion", "--data", str(tmp_path)]
    for call in (words, [*words, "--json"]):
        with pytest.raises(SystemExit) as ended:
            main(call)
        assert ended.value.code in {None, 0}
        out = capsys.readouterr().out
        if call is words:
            assert said in out
            assert ("last" in out) is (language == "en")
        else:
            assert json.loads(out)["studies"][0]["last_attempt"] is None


def test_every_count_of_a_summary_has_its_words() -> None:
    """What a run counts, and how it can end, is in the catalogue: a new state must not stop a command."""
    assert {*CHANGES, *(one.value for one in QUIET_STATES)} <= texts_under("terminal.findings").keys()
    assert {one.value for one in Status} == texts_under("terminal.outcomes").keys()
    assert {one.value for one in Ended} <= texts_under("terminal.ended").keys()


@pytest.mark.parametrize(
    ("kind", "codes"),
    [
        ("state", FindingState),
        ("severity", Severity),
        ("resolution", Resolution),
        ("proof", ProofGrade),
        ("answer_code", AnswerCode),
        ("change", Change),
        ("why", Why),
        ("outcome", Status),
        ("delivery", DeliveryState),
    ],
)
def test_every_code_has_the_word_that_tables_print(kind: str, codes: type[StrEnum]) -> None:
    """A state that is added without its words would stop a command that lists it."""
    assert {one.value for one in codes} == texts_under(WORDS_OF.get(kind, f"printed.{kind}")).keys()


def test_errors_are_in_it_and_their_document_is_english(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """An error explained and a wrong call: stderr is Chinese, and what a program reads is not."""
    monkeypatch.setenv("NIGHTROUND_LANGUAGE", "zh")
    with pytest.raises(SystemExit):
        main(["night", str(tmp_path / "no_such_study"), "--data", str(tmp_path / "data"), "--json"])
    out, err = capsys.readouterr()
    assert json.loads(out)["error"]["what"].isascii()
    assert not err.isascii()
    with pytest.raises(SystemExit) as ended:
        main(["findings", "venous_occlusion", "--data", str(tmp_path)])
    assert ended.value.code == 2
    assert "尚无 venous_occlusion 的数据库" in capsys.readouterr().err
