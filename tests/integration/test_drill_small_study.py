"""The drill on a study of four fields: what is planted, what is found, and what the command says of it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from nightround.cli.main import cli
from tests.small_study import small_study

SMALL = Path(__file__).parents[1] / "kept" / "small_study"
PEOPLE = "record_id,age,sex,systolic,diastolic,sample_complete\n"
KINDS = """
shipped = false
[[kind]]
id = "too_old"
title = { zh = "年龄过大", en = "Too old" }
[[kind.forms]]
where = { fields = ["age"] }
how = { change = "add", by = [100] }
[[kind]]
id = "a_little_older"
title = { en = "A little older" }
[[kind.forms]]
where = { fields = ["age"] }
how = { change = "add", by = [1] }
[[kind]]
id = "nowhere"
title = { en = "A field that is not there" }
[[kind.forms]]
where = { fields = ["no_such_field"] }
how = { change = "no_choice" }
"""


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """The small study with twenty people whose values are right."""
    folder = tmp_path / "small_study"
    shutil.copytree(SMALL, folder)
    instrument = (folder / "project" / "instruments.csv").read_text(encoding="utf-8").splitlines()[1].split(",")[0]
    rows = [f"{n},{30 + n},{1 + n % 2},{110 + n},{70 + n % 9},2\n" for n in range(1, 21)]
    records = PEOPLE.replace("sample_complete", f"{instrument}_complete") + "".join(rows)
    (folder / "project" / "records.csv").write_text(records, encoding="utf-8")
    return folder


def drilled(study: Path, *options: str) -> dict[str, object]:
    """The JSON of a drill."""
    data = str(study.parent / "data")
    result = CliRunner().invoke(cli, ["drill", str(study), "--data", data, "--json", *options])
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert isinstance(document, dict)
    return document


def kinds_of(study: Path, text: str = KINDS) -> str:
    """A file of kinds next to the study."""
    file = study.parent / "kinds.toml"
    file.write_text(text, encoding="utf-8")
    return str(file)


def test_kinds_of_a_file_are_planted_and_counted(study: Path) -> None:
    """What breaks a rule is found each time; what keeps every rule is not, and the reason names the rules."""
    found = drilled(study, "--errors", "20", "--kinds", kinds_of(study))
    by_kind = {one["kind"]: (one["planted"], one["found"]) for one in found["kinds"]}
    assert by_kind == {"too_old": (10, 10), "a_little_older": (10, 0), "nowhere": (0, 0)}
    assert (found["planted"], found["found"], found["false_alarms"]) == (20, 10, 0)
    unseen = {(one["kind"], one["field"]): one for one in found["unseen"]}
    assert set(unseen) == {("a_little_older", "age"), ("nowhere", "")}
    assert "age" in unseen["a_little_older", "age"]["reason"]


def test_the_detectable_size_is_stated_and_kept(study: Path) -> None:
    """Every error that moves a number at least so far is found."""
    found = drilled(study, "--errors", "60", "--seed", "5")
    assert {one["field"] for one in found["detectable"]} == {"age", "systolic", "diastolic"}
    beyond = found["beyond_detectable"]
    assert beyond["planted"] == beyond["found"] > 0


def test_a_seed_gives_the_same_drill_and_another_seed_another(study: Path) -> None:
    """A number in a paper can be made again."""
    first, again, other = (drilled(study, "--errors", "40", "--seed", seed) for seed in ("7", "7", "8"))
    assert first == again
    assert first["fields"] != other["fields"]


def test_what_is_wrong_before_is_a_false_alarm_in_made_up_data(study: Path) -> None:
    """Clean data must have no finding; one that they have is counted, and is no error found."""
    file = study / "project" / "records.csv"
    file.write_text(file.read_text(encoding="utf-8").replace("1,31,2", "1,131,2", 1), encoding="utf-8")
    found = drilled(study, "--errors", "20", "--kinds", kinds_of(study))
    assert found["findings_before"] == found["false_alarms"] > 0


def test_nothing_of_a_study_is_changed(study: Path) -> None:
    """A drill works on copies in memory and leaves no file behind."""
    before = {path: path.read_bytes() for path in study.rglob("*") if path.is_file()}
    drilled(study, "--errors", "10")
    assert {path: path.read_bytes() for path in study.rglob("*") if path.is_file()} == before
    assert not (study.parent / "data").exists()


def test_no_value_is_in_the_document(study: Path) -> None:
    """The document may go to anybody: a planted text that no reason needs is not in it."""
    text = 'shipped = false\n[[kind]]\nid = "a"\ntitle = { en = "A" }\n[[kind.forms]]\n'
    text += 'where = { fields = ["age"] }\nhow = { change = "set", to = ["87654"] }\n'
    assert "87654" not in json.dumps(drilled(study, "--errors", "5", "--kinds", kinds_of(study, text)))


def test_the_page_has_tables_and_figure(study: Path) -> None:
    """Markdown, an SVG and the JSON, in the language that is asked for; an earlier drill there is replaced."""
    out = study.parent / "out"
    for language in ("en", "zh"):
        options = ["--errors", "20", "--data", str(study.parent / "data"), "--out", str(out), "--language", language]
        result = CliRunner().invoke(cli, ["drill", str(study), *options, "--kinds", kinds_of(study)])
        assert result.exit_code == 0, result.output
        page = (out / "page.md").read_text(encoding="utf-8")
        assert ("Too old" if language == "en" else "年龄过大") in page
        assert "figure.svg" in page
        assert (out / "figure.svg").read_text(encoding="utf-8").startswith("<svg")
        assert json.loads((out / "result.json").read_text(encoding="utf-8"))["planted"] == 20


def test_a_folder_of_something_else_is_not_touched(study: Path) -> None:
    """`--out` on a folder with other files is a mistake of usage, and its files stay."""
    out = study.parent / "out"
    out.mkdir()
    (out / "mine.txt").write_text("mine", encoding="utf-8")
    arguments = ["drill", str(study), "--errors", "5", "--data", str(study.parent / "data"), "--out", str(out)]
    result = CliRunner().invoke(cli, arguments)
    assert getattr(result.exception, "exit_code", None) == 2
    assert (out / "mine.txt").read_text(encoding="utf-8") == "mine"


def test_a_study_without_data_is_drilled_on_a_twin(study: Path) -> None:
    """Its dictionary and its rules are enough."""
    (study / "project" / "records.csv").unlink()
    found = drilled(study, "--errors", "40")
    assert found["data"] == "twin"
    assert found["found"] > 0


def test_kinds_that_fit_nothing_are_a_mistake_of_usage(study: Path) -> None:
    """A drill of no error would look like a perfect one."""
    text = KINDS.replace('"age"', '"no_age"')
    arguments = ["drill", str(study), "--data", str(study.parent / "data"), "--kinds", kinds_of(study, text)]
    result = CliRunner().invoke(cli, arguments)
    assert getattr(result.exception, "exit_code", None) == 2


def test_the_last_snapshot_is_drilled_where_there_is_one(tmp_path: Path) -> None:
    """Its own findings may be true: they are counted apart and are no false alarms; nothing of it is changed."""
    patients = [
        {"record_id": str(n), "age": "97" if n == 2 else str(30 + n), "sex": "1", "systolic": "120", "diastolic": "80"}
        for n in range(1, 13)
    ]
    with small_study(tmp_path / "data", patients=patients) as opened:
        opened.round()
    before = sorted((path, path.stat().st_mtime_ns) for path in (tmp_path / "data").rglob("*") if path.is_file())
    options = ["--data", str(tmp_path / "data"), "--errors", "24", "--kinds", kinds_of(tmp_path / "any"), "--json"]
    result = CliRunner().invoke(cli, ["drill", str(SMALL), *options])
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    by_kind = {one["kind"]: (one["planted"], one["found"]) for one in found["kinds"]}
    assert found["data"] == "snapshot"
    assert by_kind["too_old"][0] - by_kind["too_old"][1] <= 1  # a value that is already asked about says nothing new
    assert found["findings_before"] > 0
    assert found["false_alarms"] == 0
    assert sorted((p, p.stat().st_mtime_ns) for p in (tmp_path / "data").rglob("*") if p.is_file()) == before
