"""Who knows only Great Expectations loads the printed suites and judges a frame of their own with them."""

import json
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import great_expectations as gx
import pandas as pd
import pytest

import nightround.validation.gx_judge
from nightround.rule_desk.rule_documents import suites_document
from nightround.study.folder import load_study
from tests.docs_blocks import blocks_of

ROOT = Path(__file__).parents[2]
STUDY = ROOT / "expectations" / "venous_occlusion"
GUIDE = ROOT / "docs" / "great_expectations.md"
assert nightround.validation.gx_judge

KEYS = {"event": "screening_arm_1", "instrument": "demographics", "instance": 0}


@cache
def printed() -> str:
    """What `nightround rules STUDY --suite` prints."""
    return json.dumps(suites_document(load_study(STUDY)), ensure_ascii=False)


def suite_named(name: str) -> dict[str, Any]:
    """One suite of it, as a user reads it back."""
    return next(suite for suite in json.loads(printed()) if suite["name"] == name)


@pytest.fixture
def judged(request: pytest.FixtureRequest) -> Iterator[Any]:
    """Judges a frame with a suite in an ordinary ephemeral context."""
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False, "metric_calculations": False}
    name = request.node.name

    def judge(frame: pd.DataFrame, suite: Any) -> dict[str, Any]:
        asset = context.data_sources.add_pandas(name).add_dataframe_asset("rows")
        batch = asset.add_batch_definition_whole_dataframe("all").get_batch(batch_parameters={"dataframe": frame})
        found = batch.validate(suite)
        return {one.expectation_config.meta["rule_id"]: one for one in found.results}

    yield judge
    context.data_sources.delete(name)


def plain_frame(*rows: dict[str, Any]) -> pd.DataFrame:
    """Every column that the suite names, filled where a row says so."""
    columns = suite_named("demographics")["meta"]["columns"]
    frame = pd.DataFrame([{**KEYS, "record": str(number), **row} for number, row in enumerate(rows, start=1)])
    return frame.reindex(columns=columns).astype({"age": "float64"})


def test_a_suite_loads_whole_and_judges_a_plain_frame(judged: Any) -> None:
    """With our module imported nothing is lost, and each rule says which rows fail."""
    written = suite_named("demographics")
    suite = gx.ExpectationSuite(**written)
    assert len(suite.expectations) == len(written["expectations"]) == suite.meta["rules"]
    found = judged(plain_frame({"age": 80}, {"age": 50}, {"age": None}, {"age": 17}), suite)
    assert len(found) == len(written["expectations"])
    assert found["AGE-01"].success is False
    assert found["AGE-01"].result["partial_unexpected_index_list"] == [0, 3]
    counts = ("element_count", "checked_count", "unexpected_count", "could_not_be_evaluated")
    assert [found["AGE-01"].result[name] for name in counts] == [4, 3, 2, ""]


def test_a_column_that_is_not_there_is_no_success(judged: Any) -> None:
    """A rule whose column the frame lacks fails and says that it could not be evaluated."""
    frame = plain_frame({"age": 50}).drop(columns=["birth_date"])
    found = judged(frame, gx.ExpectationSuite(**suite_named("demographics")))
    assert found["AGE-02"].success is False
    assert "birth_date" in found["AGE-02"].result["could_not_be_evaluated"]
    assert found["AGE-01"].success is True


def test_a_file_context_takes_the_suites_as_they_are(tmp_path: Path) -> None:
    """Each suite, written into a context's folder under its name, is found there whole, and its file is left alone."""
    gx.get_context(mode="file", project_root_dir=tmp_path)
    folder = tmp_path / "gx" / "expectations"
    for suite in json.loads(printed()):
        (folder / f"{suite['name']}.json").write_text(json.dumps(suite, ensure_ascii=False), encoding="utf-8")
    before = {path.name: path.read_bytes() for path in folder.glob("*.json")}
    context = gx.get_context(mode="file", project_root_dir=tmp_path)
    for suite in json.loads(printed()):
        loaded = context.suites.get(suite["name"])
        assert len(loaded.expectations) == suite["meta"]["rules"]
        assert loaded.expectations[0].meta["rule_id"] == suite["expectations"][0]["meta"]["rule_id"]
    assert {path.name: path.read_bytes() for path in folder.glob("*.json")} == before


def run(code: str, folder: Path) -> str:
    """Run a block of the guide in a folder that contains what `nightround rules STUDY --suite` printed."""
    (folder / "suites.json").write_text(printed(), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_without_our_module_every_rule_is_lost_in_silence_and_the_count_says_so(tmp_path: Path) -> None:
    """Great Expectations drops what it does not know and calls the rest a success; the guide's count shows it."""
    (_, counting, *_) = blocks_of(GUIDE, "python")
    (count,) = [line for line in counting.splitlines() if line.startswith("loaded")]
    code = f"""
import json
import great_expectations as gx

written = next(one for one in json.load(open("suites.json", encoding="utf-8")) if one["name"] == "demographics")
suite = gx.ExpectationSuite(**written)
import pandas as pd
frame = pd.DataFrame({{"record": ["1"], "age": [900.0]}})
asset = gx.get_context(mode="ephemeral").data_sources.add_pandas("own").add_dataframe_asset("rows")
batch = asset.add_batch_definition_whole_dataframe("all").get_batch(batch_parameters={{"dataframe": frame}})
print(batch.validate(suite).success)
{count}
print(loaded)
"""
    assert run(code, tmp_path).split() == ["True", "False"]


def test_the_guide_does_what_it_says(tmp_path: Path) -> None:
    """The blocks of the guide run one after another, and end with the failing rule and its rows."""
    said = run("\n".join(blocks_of(GUIDE, "python")), tmp_path)
    assert said.splitlines()[-1] == "AGE-01 [0]"


@pytest.mark.parametrize("suite", json.loads(printed()), ids=lambda suite: suite["name"])
def test_every_expectation_says_what_it_is_in_both_languages(suite: dict[str, Any]) -> None:
    """Severity, owner, source, hash and title are in each; what has logic says in words when it asks."""
    for one in suite["expectations"]:
        meta = one["meta"]
        assert one["severity"] in ("critical", "warning", "info")
        assert all(meta[name] for name in ("rule_id", "owner", "source", "origin", "logic_sha256"))
        assert all(meta["title"][language] for language in ("zh", "en"))
        assert all(bool(meta["in_words"][language]) == bool(meta["logic"]) for language in ("zh", "en"))
