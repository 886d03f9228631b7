"""The results of the rules are kept in one private file, which is never needed and never trusted blindly."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from nightround.model.snapshot import Snapshot
from nightround.night.lists_step import earlier_results
from nightround.snapshots.vault import Vault
from nightround.validation import early_import
from nightround.validation.early_import import import_judge_early, needs_judge
from nightround.validation.judged_file import JudgedFile
from nightround.validation.run import Validation, validate
from redcap_sync.pulling.content_hash import digest_of, table_pieces
from tests.made_up import NIGHT, project, rule, snapshot

NOW = NIGHT.replace(tzinfo=None)
CANARY = "CANARY-7431"
DICTIONARY = project("record_id visit text - -", "weight visit text number -", events={"one_arm_1": ["visit"]})
RULES = (rule("heavy", "visit", "[weight] > 100"), rule("light", "visit", "[weight] < 1"))
UNREADABLE = (*RULES, rule("no such column", "visit", "[nobody] > 1"))
DATED = (*RULES, rule("dated", "visit", "datediff('2025-07-01', 'today', 'd') > 900 and [weight] > 0"))


def taken(*weights: str) -> Snapshot:
    """A snapshot of as many records, with the hashes of its parts."""
    rows = [
        {"record_id": f"{CANARY}-{n}", "redcap_event_name": "one_arm_1", "weight": weight}
        for n, weight in enumerate(weights)
    ]
    made = snapshot(DICTIONARY, rows)
    return replace(made, parts={"*structure": "s", "visit": digest_of(table_pieces(made.tables["visit"]))})


def night(file: JudgedFile, *weights: str, run: int, **more: Any) -> Validation:
    """Judge what has to be judged, and keep it."""
    validation = validate(
        taken(*weights), more.pop("rules", RULES), now=more.pop("now", NOW), known=file.load(), run=str(run)
    )
    file.save(validation)
    return validation


def judged_in(validation: Validation) -> dict[str, str]:
    """The run in which each rule was judged."""
    return {one.rule_id: one.run for one in validation.judged}


def test_what_did_not_change_is_taken_from_the_file(tmp_path: Path) -> None:
    """The second night judges nothing and leaves the file alone; the third has other data."""
    file = JudgedFile(tmp_path, "made_up", Vault())
    first = night(file, "50", "150", run=1)
    before = file.path.stat().st_mtime_ns
    second = night(file, "50", "150", run=2)
    assert judged_in(second) == {"heavy": "1", "light": "1"}
    assert second.outcomes == first.outcomes
    assert [dict(one.observed) for one in second.violations] == [{"weight": "150"}]
    assert file.path.stat().st_mtime_ns == before
    assert judged_in(night(file, "50", "0", run=3)) == {"heavy": "3", "light": "3"}
    assert {path.name for path in file.path.parent.iterdir()} == {"rules.nrj"}


def test_the_file_is_private_and_sealed_where_there_is_a_key(tmp_path: Path) -> None:
    """Its folder and the file open for their owner alone, and with a key nothing can be read in it."""
    file = JudgedFile(tmp_path, "made_up", Vault(b"k" * 32))
    night(file, "150", run=1)
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.path.parent.stat().st_mode) == 0o700
    assert file.path.read_bytes().startswith(b"NRS1")
    assert judged_in(night(file, "150", run=2)) == {"heavy": "1", "light": "1"}


def cut(content: bytes) -> bytes:
    """The file as a crash of the disk may leave it."""
    return content[: len(content) // 2]


def flipped(content: bytes) -> bytes:
    """The file with one bit changed."""
    return content[:-3] + bytes([content[-3] ^ 1]) + content[-2:]


@pytest.mark.parametrize("damage", [cut, flipped, lambda _: b"", lambda _: b"NRJ1", lambda _: b"{}" * 200])
@pytest.mark.parametrize("vault", [Vault(), Vault(b"k" * 32)], ids=["open", "sealed"])
def test_a_damaged_file_means_that_everything_is_judged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, damage: Callable[[bytes], bytes], vault: Vault
) -> None:
    """The log says so, the outcomes are right, and the file is whole again."""
    file = JudgedFile(tmp_path, "made_up", vault)
    first = night(file, "50", "150", run=1)
    file.path.write_bytes(damage(file.path.read_bytes()))
    second = night(file, "50", "150", run=2)
    assert judged_in(second) == {"heavy": "2", "light": "2"}
    assert second.outcomes == first.outcomes
    assert "every rule is judged again, because rules.nrj cannot be used" in caplog.text
    assert CANARY not in caplog.text
    assert judged_in(night(file, "50", "150", run=3)) == {"heavy": "2", "light": "2"}


@pytest.mark.parametrize(
    "other", [("another_study", Vault()), ("made_up", Vault(b"l" * 32))], ids=["of another study", "of another key"]
)
def test_a_file_that_belongs_elsewhere_is_not_used(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, other: tuple[str, Vault]
) -> None:
    """A file of another study or another key says nothing of this one, and the log names it."""
    night(JudgedFile(tmp_path, *other), "50", "150", run=1)
    file = JudgedFile(tmp_path, "made_up", Vault(b"k" * 32))
    assert file.load() == {}
    assert "every rule is judged again" in caplog.text


def test_outcomes_of_another_version_are_judged_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Code that judges otherwise may come to something else."""
    file = JudgedFile(tmp_path, "made_up", Vault())
    night(file, "150", run=1)
    monkeypatch.setattr("nightround.validation.rule_inputs.code_hash", lambda: "of the next version")
    assert needs_judge(file.load(), NOW)
    assert judged_in(night(file, "150", run=2)) == {"heavy": "2", "light": "2"}


def test_the_result_of_a_run_names_the_run_that_it_repeats(tmp_path: Path) -> None:
    """Where every verdict is the same, also one that was judged again, the run is named in place of the verdicts."""
    file = JudgedFile(tmp_path, "made_up", Vault())
    documents: dict[str, Mapping[str, Any]] = {}
    days = [("50", 0), ("50", 0), ("50", 1), ("150", 2), ("150", 2)]
    for run, (weight, day) in enumerate(days, start=1):
        made = night(file, weight, run=run, rules=DATED, now=NOW + timedelta(days=day))
        documents = {str(run): json.loads(json.dumps(made.checkpoint_document(documents))), **documents}
    assert {run: one.get("repeats_run") for run, one in documents.items()} == {
        "1": None,
        "2": "1",
        "3": "1",
        "4": None,
        "5": "4",
    }
    assert all(one["success"] == documents["1"]["success"] for run, one in documents.items() if run in "23")
    assert all("validation_results" not in documents[run] for run in "235")


def test_earlier_results_are_read_back_to_the_last_run_that_lists_its_verdicts(tmp_path: Path) -> None:
    """A run that repeats another leads on to it, and a damaged file of a run is passed over."""
    contents = {
        "00001": '{"validation_results": [1]}',
        "00002": '{"validation_results": [2]}',
        "00003": '{"repeats_run": "2"}',
    }
    for folder, content in {**contents, "00004": "{", "00010": '{"repeats_run": "2"}'}.items():
        (tmp_path / "runs" / folder).mkdir(parents=True)
        (tmp_path / "runs" / folder / "great_expectations.json").write_text(content)
    assert list(earlier_results(tmp_path)) == ["10", "3", "2"]
    assert earlier_results(tmp_path / "nothing yet") == {}


def test_a_verdict_of_an_earlier_run_names_it(tmp_path: Path) -> None:
    """In a run that judged one rule again, the others say when they were judged."""
    file = JudgedFile(tmp_path, "made_up", Vault())
    night(file, "50", run=1, rules=RULES)
    made = night(file, "50", run=2, rules=DATED).checkpoint_document()
    (suite,) = made["validation_results"]
    assert {one["kwargs"]["rule_id"]: one.get("judged_in_run") for one in suite["expectations"]} == {
        "heavy": "1",
        "light": "1",
        "dated": None,
    }


def test_great_expectations_is_not_imported_where_nothing_is_judged(tmp_path: Path) -> None:
    """A night without change is judged from the file and loads no GX, also with a rule that cannot be read."""
    file = JudgedFile(tmp_path, "made_up", Vault())
    night(file, "50", "150", run=1, rules=UNREADABLE)
    code = f"""
import sys
from pathlib import Path
from nightround.snapshots.vault import Vault
from nightround.validation.early_import import import_judge_early
from nightround.validation.judged_file import JudgedFile
from tests.integration.test_judged_file import NOW, UNREADABLE, night

file = JudgedFile(Path({str(tmp_path)!r}), "made_up", Vault())
import_judge_early(file.load(), NOW)
made = night(file, "50", "150", run=2, rules=UNREADABLE)
print([one.failed for one in made.outcomes], len(made.checkpoint_document()["validation_results"]))
print("great_expectations" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["[1, 0, 0] 1", "False"]


def test_the_judge_is_imported_early_on_a_night_that_surely_needs_it(tmp_path: Path) -> None:
    """Before the first night, and on the day after for a rule that names today."""
    file = JudgedFile(tmp_path, "made_up", Vault())
    assert needs_judge(file.load(), NOW)
    night(file, "50", run=1, rules=DATED)
    assert not needs_judge(file.load(), NOW)
    assert import_judge_early(file.load(), NOW) is None
    thread = import_judge_early(file.load(), NOW + timedelta(days=1))
    assert thread is not None
    thread.join(60)
    assert early_import.JUDGE in sys.modules


def test_what_hooks_into_the_database_is_imported_before_the_thread_begins() -> None:
    """A night that ends while the judge is being imported can still write how: no hook of SQLAlchemy is half there."""
    code = """
import sys
from datetime import UTC, datetime
from nightround.validation import early_import

class Held(early_import.Thread):
    def start(self):
        print(early_import.ORM in sys.modules, "great_expectations" in sys.modules)

early_import.Thread = Held
early_import.import_judge_early({}, datetime(2025, 7, 1, tzinfo=UTC))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120)
    assert done.stdout.split() == ["True", "False"], done.stderr


def test_the_search_for_garbage_goes_on_after_the_import() -> None:
    """While the judge is imported there is none, and afterwards what is alive by then is left out of it."""
    code = """
import gc
from nightround.validation.early_import import load_judge

load_judge()
frozen = gc.get_freeze_count()
load_judge()
print(gc.isenabled(), frozen > 100_000, gc.get_freeze_count() <= frozen)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["True", "True", "True"]


def test_an_import_that_fails_is_an_error_where_the_judge_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    """What goes wrong in the thread stops nothing; the judge's own import then says what it is."""
    monkeypatch.setitem(sys.modules, early_import.JUDGE, None)
    thread = import_judge_early({}, NOW)
    assert thread is not None
    thread.join(60)
    with pytest.raises(ImportError, match="gx_judge"):
        validate(taken("50"), RULES, now=NOW)
