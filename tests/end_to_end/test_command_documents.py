"""Every JSON document and every table that the commands make of the demo's data."""

from __future__ import annotations

import csv
import json
import re
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pypdfium2
import pytest

from nightround.cli.main import main
from nightround.cli.printing import cells_of
from nightround.simulation.demo import STUDY
from nightround.study.folder import load_content_module
from tests.end_to_end.conftest import Demo
from tests.project_xml import Item, Opened, project_xml

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "expectations" / STUDY
TABLES = ROOT / "tests" / "reference" / "published_tables.json"
WIDTH = 80


@pytest.fixture(scope="module")
def data(demo: Demo, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the demo's data, so that nothing is added to what other tests look at."""
    return Path(shutil.copytree(demo.folder, tmp_path_factory.mktemp("documents") / "data"))


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an export of the cohort and a project XML."""
    folder = tmp_path_factory.mktemp("files")
    rows = load_content_module(FOLDER / "synthetic" / "cohort.py", "cohort_of_documents").records(1)
    with (folder / "export.csv").open("w", encoding="utf-8", newline="") as lines:
        writer = csv.DictWriter(lines, list(dict.fromkeys(name for row in rows for name in row)), restval="")
        writer.writeheader()
        writer.writerows(rows)
    items = [Item("record_id", "visit"), Item("weight", "visit", validation="number", minimum="30", maximum="160")]
    opened = [Opened("1", "visit", {"record_id": "1", "weight": "700"})]
    rules = [("Heavy", "isnumber([weight]) and [weight] > 100")]
    (folder / "project.xml").write_text(project_xml(items, opened, rules=rules), "utf-8")
    return folder


def called(capsys: pytest.CaptureFixture[str], arguments: Sequence[str]) -> tuple[int, str]:
    """Exit code and stdout of a call."""
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    return int(ended.value.code or 0), capsys.readouterr().out


def calls(data: Path, files: Path) -> Iterator[list[str]]:
    """A call of each command that knows --json, without it."""
    at = ["--data", str(data)]
    taken = sorted(path.stem.split("_")[1] for path in (data / STUDY / "snapshots" / "taken").iterdir())
    yield ["check", STUDY, *at]
    yield ["report-given", STUDY, "principal_investigator", *at]
    yield ["rules", STUDY, *at]
    yield ["rules", STUDY, "--suite", *at]
    yield ["rules", "lint", STUDY, *at]
    yield ["rules", "backtest", STUDY, "SES-02", *at]
    yield ["snapshots", "list", STUDY, *at]
    yield ["snapshots", "show", taken[0], STUDY, *at]
    yield ["snapshots", "diff", "2025-07-05", "2025-07-07", str(FOLDER), *at]
    yield ["try", str(files / "project.xml")]
    yield ["table", str(files / "export.csv"), "--plan", str(FOLDER / "plan.toml"), "--compare", "recommended"]
    yield ["audit-table", str(TABLES)]


def objects(document: Any, inside: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every object of a document, with the name of the list or key that it is in."""
    if isinstance(document, dict):
        yield inside, document
        for name, one in document.items():
            yield from objects(one, name)
    elif isinstance(document, list):
        for one in document:
            yield from objects(one, inside)


def misnamed(document: Any, rule_ids: frozenset[str]) -> list[str]:
    """Places where a rule is not named as agreed: `id` in the objects of a list `rules`, else `rule_id`."""
    found = []
    for inside, one in objects(document):
        if inside == "rules" and (not isinstance(one.get("id"), str) or "rule_id" in one):
            found.append(f"an object of rules has {list(one)[:3]}")
        named = {name for name, value in one.items() if isinstance(value, str) and value in rule_ids}
        wrong = named - ({"id"} if inside == "rules" else {"rule_id"}) | ({"rule"} & one.keys())
        found += [f"{inside}: {name}" for name in wrong]
    return found


@pytest.fixture(scope="module")
def rule_ids(demo: Demo) -> frozenset[str]:
    """Every rule of the demo."""
    newest = max((demo.study / "runs").iterdir())
    judged = json.loads((newest / "coverage.json").read_text(encoding="utf-8"))["rules"]
    return frozenset(one["id"] for one in judged)


def test_a_rule_is_named_alike_in_every_file_of_the_demo(demo: Demo, rule_ids: frozenset[str]) -> None:
    """Certificates, Great Expectations' results, editions, registers and what is attached to the PDFs."""
    texts = {str(path): path.read_bytes() for path in demo.study.rglob("*.json")}
    for path in demo.study.rglob("*.pdf"):
        document = pypdfium2.PdfDocument(path)
        attached = map(document.get_attachment, range(document.count_attachments()))
        texts |= {
            f"{path}/{one.get_name()}": bytes(one.get_data()) for one in attached if one.get_name().endswith("json")
        }
        document.close()
    names = {Path(name).name.split("_2025")[0] for name in texts}
    assert {"coverage.json", "great_expectations.json", "edition.json", "register.json", "results.json"} <= names
    wrong = {name: found for name, text in texts.items() if (found := misnamed(json.loads(text), rule_ids))}
    assert wrong == {}


def test_every_command_prints_one_document(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    data: Path,
    files: Path,
    rule_ids: frozenset[str],
) -> None:
    """Nothing else is on stdout, a rule is named alike in all, and a document that ends with another code says so."""
    monkeypatch.chdir(files)
    for arguments in calls(data, files):
        code, out = called(capsys, [*arguments, "--json"])
        document = json.loads(out)
        assert misnamed(document, rule_ids) == [], arguments
        if code:
            assert document["exit_code"] == code, arguments
        if arguments[0] == "check":
            assert code == 3
            assert document["severe"]["count"] > 0
            assert document["severe"]["severity"] == "critical"


def test_a_document_with_a_rule_by_another_name_is_found() -> None:
    """The walk that the tests above make sees each kind of mistake."""
    ids = frozenset({"AGE-01"})
    assert misnamed({"rules": [{"rule_id": "AGE-01"}]}, ids)
    assert misnamed({"findings": [{"id": "AGE-01"}]}, ids)
    assert misnamed({"findings": [{"rule": "7"}]}, ids)
    assert misnamed({"a": {"named": "AGE-01"}}, ids)
    assert not misnamed({"rules": [{"id": "AGE-01"}], "findings": [{"id": "f", "rule_id": "AGE-01"}]}, ids)


TOKENS = re.compile(r"[^\s│┃|:;,]*\d[^\s│┃|:;,]*")
"""What contains a digit, up to the next blank or sign that ends a word."""


def test_no_number_is_broken_at_80_columns(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, data: Path, files: Path
) -> None:
    """What is printed at 80 columns has exactly the numbers of a very wide terminal, none in pieces."""
    monkeypatch.chdir(files)
    for arguments in calls(data, files):
        if arguments[0] in {"check", "report-given", "audit-table"} or "--suite" in arguments:
            continue
        monkeypatch.setenv("COLUMNS", "2000")
        whole = set(TOKENS.findall(called(capsys, arguments)[1]))
        monkeypatch.setenv("COLUMNS", str(WIDTH))
        narrow = called(capsys, arguments)[1]
        assert set(TOKENS.findall(narrow)) == whole, arguments
        tables = [line for line in narrow.splitlines() if "│" in line or "━" in line]
        assert all(cells_of(line) <= WIDTH for line in tables), arguments


def test_the_demo_breaks_no_word(demo: Demo) -> None:
    """The ids of rules, the counts and the words of the notes are whole in what the demo prints."""
    assert re.search(r"record 32 +breaks +range:occlusion_length ", demo.printed)
    assert re.search(r"could not be evaluated │ +0", demo.printed)
    assert demo.printed.count("complete: every known rule is accounted for; open now at severity critical:") == 3
