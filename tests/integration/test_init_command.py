"""`nightround init`: from a server's address to a first round and a report, for whatever project is there."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pypdfium2
import pytest

from nightround.cli.main import main
from redcap_sync.sandbox import running
from redcap_sync.sandbox.project_sources import project_from_folder, project_from_xml
from tests.sandbox_examples import Clock

REAL = Path(__file__).parents[3] / "shared" / "redcap_projects"
FILES = sorted([*REAL.glob("*/project.xml"), *REAL.glob("*.xml")]) if REAL.exists() else []
CHOSEN = FILES if os.environ.get("NIGHTROUND_SOAK_PROJECTS") else FILES[2::3]
"""A third of the projects: `make soak` takes all."""
VERSIONS = ("closed version", "open version", "closed report", "open report", "committee alone")
"""Words of a study that compares groups, which a project just begun does not."""
NO_FILES = "the folder ../shared/redcap_projects is not here"
CHINESE = re.compile("[\u3400-\u9fff]")
STYLE = re.compile("<style.*?</style>", re.DOTALL)
SMALL = Path(__file__).parents[1] / "kept" / "small_study"
FIRST_STUDY = ("venous", "occlusion", "Villalta")


def _name(path: Path) -> str:
    return path.parent.name if path.name == "project.xml" else path.stem


def _run(*words: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(list(words))
    return int(ended.value.code or 0)


@pytest.mark.skipif(not FILES, reason=NO_FILES)
@pytest.mark.parametrize("path", CHOSEN, ids=_name)
def test_any_project_has_a_round_and_a_report(path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without a keyboard: a folder, a round, a report, and no other study or language in them."""
    folder, data, token = tmp_path / "study", tmp_path / "data", tmp_path / "token"
    project = project_from_xml(path, clock=Clock())
    with running([project]) as sandbox:
        token.write_text(sandbox.token(project))
        token.chmod(0o600)
        where = ("--url", sandbox.api_url, "--token-file", str(token))
        assert _run("init", str(folder), *where, "--language", "en", "--yes", "--json") == 0
        made = json.loads(capsys.readouterr().out)
        assert [one["check"] for one in made["doctor"]["checks"] if one["state"] == "wrong"] == []
        assert _run("rules", str(folder), "--data", str(data), "--json") == 0
        assert json.loads(capsys.readouterr().out)["study"] == made["study"]
        assert _run("doctor", str(folder), "--data", str(data)) == 0
        assert _run("night", str(folder), "--data", str(data)) in (0, 3)
        assert _run("report", str(folder), "--data", str(data)) == 0
    written = [one for one in (data / made["study"]).rglob("*") if one.suffix in (".html", ".csv", ".eml")]
    written += [one for one in folder.rglob("*") if one.is_file()]
    assert [one for one in written if one.name.endswith("_en.html")]
    assert list((data / made["study"] / "reports").rglob("*_zh.*")) == []
    assert not (data / made["study"] / "reports" / "open").exists()
    for one in written:
        text = STYLE.sub("", one.read_text(encoding="utf-8-sig"))
        assert not CHINESE.search(text) or CHINESE.search(path.read_text(encoding="utf-8")), one.name
        assert [word for word in (*FIRST_STUDY, *VERSIONS) if word in text] == [], one.name


def test_yes_without_a_source_is_a_mistake(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where nothing may be asked and nothing is named, the message says what is needed; nothing is written."""
    assert _run("init", str(tmp_path / "study"), "--yes") == 2
    assert "--from" in capsys.readouterr().err
    assert not (tmp_path / "study").exists()


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_project_without_records_has_one_page(language: str, tmp_path: Path) -> None:
    """The report of an empty project is one page that says so, in the study's language alone."""
    folder, data, token = tmp_path / "study", tmp_path / "data", tmp_path / "token"
    project = project_from_folder(SMALL / "project", clock=Clock())
    with running([project]) as sandbox:
        token.write_text(sandbox.token(project))
        token.chmod(0o600)
        where = ("--url", sandbox.api_url, "--token-file", str(token))
        assert _run("init", str(folder), *where, "--language", language, "--yes") == 0
        assert _run("pull", str(folder), "--data", str(data)) == 0
        assert _run("report", str(folder), "--data", str(data)) == 0
    made = sorted(data.glob("*/reports/*.pdf"))
    assert [one.stem[-2:] for one in made] == [language]
    document = pypdfium2.PdfDocument(made[0].read_bytes())
    assert len(document) == 1
    text = document[0].get_textpage().get_text_range()
    assert ("没有病例记录" if language == "zh" else "has no record") in text
