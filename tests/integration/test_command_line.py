"""The command line as a whole: its help, its old names, and what a call with --json prints when it fails."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest

from nightround.cli.main import OLD_NAMES, SECTIONS, cli, main
from nightround.cli.options import wants_json

ROOT = Path(__file__).parents[2]
STUDY = ROOT / "expectations" / "venous_occlusion"


def called(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of a call."""
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    return int(ended.value.code or 0), *capsys.readouterr()


def commands(group: click.Group) -> list[click.Command]:
    """Every command of a group, and those of the groups in it."""
    below = [one for one in group.commands.values() if isinstance(one, click.Group)]
    return [*group.commands.values(), *(command for one in below for command in commands(one))]


def test_help_lists_every_command_in_its_section(capsys: pytest.CaptureFixture[str]) -> None:
    """Each command is under a heading with a whole sentence; old names are not listed."""
    code, out, _ = called(capsys, "--help")
    assert code == 0
    for heading, section in SECTIONS.items():
        assert f"{heading}:" in out
        assert all(f"\n  {command.name} " in out for command in section)
    assert "..." not in out.split("\n\n", 2)[2]
    assert not any(f"\n  {command.name} " in out for command in OLD_NAMES)


def test_help_answers_at_once() -> None:
    """`nightround --help` needs less than 0.4 s of processor time, so that the machine's load does not matter."""
    script = (
        "import time; from nightround.cli.main import main\ntry: main(['--help'])\nfinally: print(time.process_time())"
    )
    spent = [
        float(
            subprocess.run(
                [sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=True
            ).stdout.splitlines()[-1]
        )
        for _ in range(3)
    ]
    assert min(spent) < 0.4


def test_every_command_that_names_a_study_takes_data() -> None:
    """`--data` is understood wherever a STUDY is an argument, in the list of rules too."""
    from nightround.cli.rules import list_rules

    named = [
        command
        for command in [*commands(cli), list_rules]
        if any(one.name in {"study", "studies"} for one in command.params if isinstance(one, click.Argument))
    ]
    assert len(named) > 8
    assert all("--data" in [name for one in command.params for name in one.opts] for command in named)


@pytest.mark.parametrize(
    ("arguments", "code", "word"),
    [
        (["night", "no_such_study", "--json"], 10, "no_such_study"),
        (["check", "venous_occlusion", "--json"], 10, "no snapshot"),
        (["report-given", "venous_occlusion", "somebody", "--json"], 10, "no snapshot"),
        (["rules", "no_such_study", "--json"], 10, "no_such_study"),
        (["rules", "lint", "no_such_study", "--json"], 10, "no_such_study"),
        (["rules", "backtest", "AGE-1", "--json"], 10, "AGE-1"),
        (["snapshots", "list", "no_such_study", "--json"], 10, "no_such_study"),
        (["snapshots", "show", "ffff", "venous_occlusion", "--json"], 2, "ffff"),
        (["table", __file__, "--plan", __file__, "--json"], 10, "test_command_line"),
        (["audit-table", __file__, "--json"], 10, "test_command_line"),
        (["try", __file__, "--json"], 10, "test_command_line"),
        (["nihgt", "venous_occlusion", "--json"], 2, "nihgt"),
        (["night", "--json"], 2, "STUDY"),
        (["night", "venous_occlusion", "--jsonn", "--json"], 2, "--jsonn"),
    ],
)
def test_an_error_under_json_is_one_document(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    arguments: list[str],
    code: int,
    word: str,
) -> None:
    """Code, what, why and what to do on stdout, with the exit code; the text on stderr, no traceback."""
    monkeypatch.chdir(tmp_path)
    ended, out, err = called(capsys, *arguments)
    document = json.loads(out)
    assert (ended, document["exit_code"]) == (code, code)
    assert document.keys() == {"error", "exit_code"}
    assert document["error"].keys() == {"code", "what", "why", "remedy"}
    assert all(document["error"].values())
    assert word in document["error"]["what"]
    assert err
    assert "Traceback" not in err


def test_a_bug_under_json_is_a_document_and_a_traceback(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A tool that reads stdout learns of a bug as of any error; a call without --json shows the traceback alone."""

    def broken(_study: str | None) -> Path:
        raise ZeroDivisionError

    monkeypatch.setattr("nightround.cli.rules.folder_of", broken)
    code, out, err = called(capsys, "rules", "lint", "--json")
    document = json.loads(out)
    assert (code, document["exit_code"], document["error"]["code"]) == (1, 1, "bug")
    assert "Traceback" in err
    with pytest.raises(ZeroDivisionError):
        main(["rules", "lint"])


def test_the_old_name_of_report_given_still_works(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """`handed` says on stderr what it is called now, and does the same."""
    monkeypatch.chdir(tmp_path)
    old = called(capsys, "handed", "venous_occlusion", "somebody")
    new = called(capsys, "report-given", "venous_occlusion", "somebody")
    assert old[:2] == new[:2]
    assert "`handed` is now `report-given`" in old[2]
    assert new[2] in old[2]


def test_a_study_is_named_by_its_folder_everywhere(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A path, absolute or relative, names the study as its name does, and its data lies under the study's id."""
    shutil.copytree(STUDY, tmp_path / "mine")
    monkeypatch.chdir(tmp_path)
    for named in ("mine", "./mine", str(tmp_path / "mine")):
        assert called(capsys, "rules", named, "--data", "d", "--json")[0] == 0
        assert called(capsys, "rules", "lint", named, "--data", "d")[0] == 0
        assert json.loads(called(capsys, "snapshots", "list", named, "--data", "d", "--json")[1])["study"] == (
            "venous_occlusion"
        )
        for command in (["check", named], ["report", named], ["report-given", named, "somebody"]):
            code, _, err = called(capsys, *command, "--data", "d")
            assert (code, "no snapshot" in err) == (10, True)
        code, _, err = called(capsys, "rules", "backtest", named, "AGE-01", "--data", "d")
        assert (code, "no snapshot" in err) == (10, True)
        assert called(capsys, "pull", named, "--data", "d")[0] == 11
    assert [path.name for path in (tmp_path / "d").iterdir()] == ["venous_occlusion"]


def test_json_after_a_double_dash_is_a_word() -> None:
    """What follows -- is an argument, whatever it looks like."""
    assert wants_json(["night", "s", "--json"])
    assert not wants_json(["night", "--", "--json"])
