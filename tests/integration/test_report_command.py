"""`nightround report` as a person types it: mistakes are theirs and mail nobody, and listings lie beside the report."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from nightround.cli import study_job
from nightround.cli.main import main
from nightround.report.listing_files import LISTINGS
from tests.commanded_study import call_of, editable_study
from tests.small_study import SmallStudy

PLAN = """
policy = "recommended"
population = "entered"

[[flow]]
id = "entered"
label = "Entered"

[[endpoints]]
id = "women"
label = "Women"
among = "entered"
field = "[sex]"
codes = ["2"]
"""


FOUND = 3
"""The study has a finding above its severity, as it had at night."""


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SmallStudy]:
    """A study with a plan, in one language, after its first night."""
    with editable_study(tmp_path, monkeypatch) as one:
        (one.source / "plan.toml").write_text(PLAN, encoding="utf-8")
        settings = one.source / "study.toml"
        settings.write_text(settings.read_text(encoding="utf-8").replace("[study]", '[study]\nlanguage = "en"', 1))
        monkeypatch.setattr(study_job, "now", lambda: one.now[0])
        one.round()
        yield one


def test_a_mistake_is_the_persons_and_mails_nobody(study: SmallStudy, capsys: pytest.CaptureFixture[str]) -> None:
    """A record or a snapshot that is not there, and options that exclude one another, end with 2 and no mail."""
    call = call_of(study, capsys)
    mails = sorted((study.folder / "outbox").iterdir())
    for options in (
        ["--patient", "nobody"],
        ["--patient", ""],
        ["--snapshot", "no_such_snapshot"],
        ["--patient", "1", "--open"],
        ["--patient", "1", "--snapshot", "no_such_snapshot"],
        ["--snapshot", "no_such_snapshot", "--listings"],
    ):
        with pytest.raises(SystemExit) as ended:
            main(["report", str(study.source), *options, "--data", str(study.data)])
        said = capsys.readouterr()
        assert ended.value.code == 2, options
        assert "Traceback" not in said.err
        assert "nobody" not in said.err + said.out
    assert sorted((study.folder / "outbox").iterdir()) == mails
    assert call("report", "--patient", "1")[0] == 0


def test_listings_lie_beside_the_report_and_can_be_made_again(
    study: SmallStudy, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--listings` adds a page and a line for each record behind a count; a report in one language is made again."""
    call = call_of(study, capsys)
    code, told = call("report", "--listings")
    assert code == FOUND
    files = {Path(name) for name in told["files"]}
    kept = sorted((study.folder / "reports" / LISTINGS).iterdir())
    assert [one.suffix for one in kept] == [".csv", ".pdf"]
    assert set(kept) <= files
    lines = kept[0].read_text(encoding="utf-8-sig").splitlines()
    assert "flow,entered,n,,,,3,2" in lines
    assert "endpoints,women,count,,,,1,2" in lines
    assert call("report", "--snapshot", told["snapshot"])[0] == 0
