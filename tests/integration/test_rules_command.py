"""`nightround rules` lists, proves and tries the rules of a study, each with its exit code."""

import json
import shutil
from pathlib import Path

import pytest

from nightround.cli.main import main
from nightround.model.outcome import Status
from nightround.snapshots.snapshot_store import SnapshotStore
from nightround.study.folder import load_study
from tests.kept_nights import ages, keep

STUDY = Path(__file__).parents[2] / "expectations" / "venous_occlusion"
RULES = load_study(STUDY).rules
EXAMPLES = sum(len(rule.examples) for rule in RULES)


def called(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """The command's exit code and what it printed."""
    with pytest.raises(SystemExit) as ended:
        main(["rules", *arguments])
    return int(ended.value.code or 0), *capsys.readouterr()


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A copy of the study, to be changed."""
    return Path(shutil.copytree(STUDY, tmp_path / "study"))


def change(folder: Path, file: str, old: str, new: str) -> str:
    """Change a rule file of a copy; returns the folder as an argument."""
    path = folder / "rules" / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return str(folder)


def test_the_list_names_every_rule_under_its_instrument(capsys: pytest.CaptureFixture[str]) -> None:
    """Own rules are shown with severity and title in both languages, those of the dictionary by kind and field."""
    code, printed, _ = called(capsys, "venous_occlusion")
    assert code == 0
    assert (
        printed.index("demographics") < printed.index("AGE-01") < printed.index("eligibility") < printed.index("ELI-01")
    )
    assert "年龄在18~70岁之间" in printed
    assert "Age is 18 to 70 years" in printed
    assert "choice: sex" in printed
    code, listed, _ = called(capsys, "venous_occlusion", "--json")
    rules = json.loads(listed)["rules"]
    assert printed.rstrip().splitlines()[-1].startswith(f"{len(rules)} rules: {len(RULES)} of the study")


def test_the_suites_are_one_json_document(capsys: pytest.CaptureFixture[str]) -> None:
    """Every rule of the list is an expectation of exactly one suite."""
    _, listed, _ = called(capsys, "venous_occlusion", "--json")
    code, printed, _ = called(capsys, "venous_occlusion", "--suite")
    written = [one["meta"]["rule_id"] for suite in json.loads(printed) for one in suite["expectations"]]
    assert code == 0
    assert sorted(written) == sorted(rule["id"] for rule in json.loads(listed)["rules"])


def test_a_wrong_example_ends_in_3(capsys: pytest.CaptureFixture[str], copied: Path) -> None:
    """Examples that are right end in 0; one that is wrong is shown, and ends in 3."""
    assert called(capsys, str(copied), "--test")[:2] == (
        0,
        f"{EXAMPLES} examples right, 0 wrong, 0 rules without enough examples\n",
    )
    folder = change(copied, "baseline.toml", 'values = { age = "18" }', 'values = { age = "17" }')
    code, printed, _ = called(capsys, folder, "--test")
    assert code == 3
    assert printed.splitlines() == [
        "AGE-01: {'age': '17'} fails, not passes",
        f"{EXAMPLES - 1} examples right, 1 wrong, 0 rules without enough examples",
    ]


def test_the_lint_ends_in_10_for_an_error_alone(capsys: pytest.CaptureFixture[str], copied: Path) -> None:
    """Notes and warnings end in 0; an error ends in 10 and is named with its fix."""
    code, printed, _ = called(capsys, "lint")
    assert code == 0
    assert printed.splitlines()[-1].startswith("0 errors, 0 warnings, ")
    folder = change(copied, "baseline.toml", 'owner = "coordinator"', 'owner = "coordinater"')
    code, printed, _ = called(capsys, "lint", folder, "--json")
    document = json.loads(printed)
    assert (code, document["errors"], document["warnings"]) == (0, 0, 1)
    folder = change(copied, "baseline.toml", "[age] < 18", "[aeg] < 18")
    code, printed, _ = called(capsys, "lint", folder)
    assert code == 10
    assert "error: AGE-01: The project has no field aeg.\n" in printed
    assert "Fix: did you mean age?" in printed


def test_the_lint_goes_on_behind_a_rule_that_cannot_be_read(capsys: pytest.CaptureFixture[str], copied: Path) -> None:
    """Two rules with broken logic are both named, with line and caret, next to what is wrong with the others."""
    change(copied, "baseline.toml", "[age] < 18", "[age] << 18")
    change(copied, "scores.toml", "([vcss_ulcer_n] = '0' and", "([vcss_ulcer_n] = and")
    folder = change(copied, "sessions.toml", "[dcb_used] = '1'", "[dcb_usd] = '1'")
    code, printed, _ = called(capsys, "lint", folder)
    assert code == 10
    found = [line.split(":")[1].strip() for line in printed.splitlines() if line.startswith("error")]
    assert set(found) == {"AGE-01", "VCS-02", "DCB-01"}
    assert "line 1 | [age] << 18" in printed


def test_a_rule_is_tried_on_what_is_kept(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """The counts are printed night by night, or as one JSON document."""
    keep(SnapshotStore(tmp_path / "venous_occlusion" / "snapshots"), [ages(r1="80", r2="50"), ages(r1="60", r2="50")])
    arguments = ("backtest", "AGE-01", "--data", str(tmp_path))
    main_said = []
    for more in ([], ["--json"]):
        with pytest.raises(SystemExit) as ended:
            main(["rules", *arguments, *more])
        assert not ended.value.code
        main_said.append(capsys.readouterr().out)
    assert "nights on which it would have asked: 1 of 2" in main_said[0]
    assert "a value changed later: 1, no longer asked about: 1" in main_said[0]
    (one,) = json.loads(main_said[1])["rules"]
    assert (one["id"], one["nights"], one["nights_asked"], one["rows_asked"]) == ("AGE-01", 2, 1, 1)
    assert (one["later_changed"], one["changed_and_silent"]) == (1, 1)
    assert [night["status"] for night in one["by_night"]] == [Status.FAILED, Status.PASSED]


@pytest.mark.parametrize(
    "arguments", [("--catalogue", "--json"), ("--test", "--json"), ("--lint",), ("--backtest", "AGE-01")]
)
def test_what_does_not_go_together_is_wrong_usage(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]
) -> None:
    """Options that exclude each other, and those that are commands, end in 2."""
    assert called(capsys, "venous_occlusion", *arguments)[0] == 2


def test_a_rule_that_is_not_there_is_explained(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A misspelt id ends in 10 with the nearest one, and without a traceback."""
    code, printed, told = called(capsys, "backtest", "AGE-1", "--study", "venous_occlusion", "--data", str(tmp_path))
    assert (code, printed) == (10, "")
    assert "AGE-01" in told


def test_the_options_of_the_list_may_stand_in_front_of_the_study(capsys: pytest.CaptureFixture[str]) -> None:
    """`rules --json STUDY` is `rules STUDY --json`; without a study it is wrong usage."""
    assert called(capsys, "--json", "venous_occlusion") == called(capsys, "venous_occlusion", "--json")
    code, _, told = called(capsys, "--json")
    assert code == 2
    assert "Usage: nightround rules [OPTIONS] STUDY" in told


def test_which_study_must_be_said_where_there_are_two(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The only study need not be named; of two, lint and backtest name both and end in 2."""
    for name in ("first", "second"):
        shutil.copytree(STUDY, tmp_path / "expectations" / name)
    (tmp_path / "report_templates").mkdir()
    monkeypatch.setenv("NIGHTROUND_HOME", str(tmp_path))
    for arguments in (("lint",), ("backtest", "AGE-01")):
        code, _, told = called(capsys, *arguments)
        assert code == 2
        assert "Name the study: first, second." in told
    assert called(capsys, "lint", "second")[0] == 0


PROJECT_RULES = """\
rule_name,rule_logic,real_time_execution
Unknown field,"[aeg] > 5",n
No such code,"[pts_grade] = '9'",n
Never true,"[age] > 50 and [age] < 30",n
Never false,"[age] > 5 or [age] < 70 or isblankormissingcode([age])",n
Cannot be read,"[age] >> 5",n
Sound,"[age] < 18",n
The same again,"18 > [age]",n
"""


def test_the_rules_of_the_project_are_linted_and_listed(capsys: pytest.CaptureFixture[str], copied: Path) -> None:
    """What is wrong with a rule from REDCap's own page is named; it is in list, suites and catalogue."""
    (copied / "project_rules.csv").write_text(PROJECT_RULES, encoding="utf-8")
    code, printed, _ = called(capsys, "lint", str(copied), "--json")
    ids = {one.id: one.title.en for one in load_study(copied).project_rules}
    said = {
        (one["level"], ids[one["rule_id"]], one["what"].split("\n")[0])
        for one in json.loads(printed)["remarks"]
        if one["rule_id"] in ids
    }
    assert code == 10
    (sound,) = (rule_id for rule_id, name in ids.items() if name == "Sound")
    assert said == {
        ("error", "Unknown field", "The project has no field aeg."),
        ("error", "No such code", "pts_grade has no code '9'."),
        ("error", "No such code", "It can never ask with values that the dictionary allows."),
        ("error", "Never true", "It can never ask with values that the dictionary allows."),
        ("warning", "Never false", "It can never be content with values that the dictionary allows."),
        ("error", "Cannot be read", "project_rules.csv, rule Cannot be read: >> is not an operator."),
        ("warning", "The same again", f"It asks the same as {sound}."),
    }
    _, listed, _ = called(capsys, str(copied), "--json")
    assert [rule["id"] for rule in json.loads(listed)["rules"] if rule["origin"] == "redcap"] == list(ids)
    assert f"{len(RULES)} of the study, 7 of its project, " in called(capsys, str(copied))[1]
    assert f"| {sound} | Sound | `[age] < 18` |" in called(capsys, str(copied), "--catalogue")[1]
    readable = "".join(
        line for line in PROJECT_RULES.splitlines(keepends=True) if "aeg" not in line and ">>" not in line
    )
    (copied / "project_rules.csv").write_text(readable, encoding="utf-8")
    suites = json.loads(called(capsys, str(copied), "--suite")[1])
    (own,) = (suite for suite in suites if suite["name"] == "rules_of_the_project_demographics")
    assert [one["meta"]["title"]["en"] for one in own["expectations"]][-2:] == ["Sound", "The same again"]
