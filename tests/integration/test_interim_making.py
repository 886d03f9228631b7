"""A report from end to end: delivered, registered, made again byte for byte, opened, and stopped by its own gate."""

from __future__ import annotations

import json
import re
import stat
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pandas as pd
import pypdfium2
import pytest

from nightround.model.errors import SelfAuditFailed, StudyFilesWrong
from nightround.model.result import ResultKey, ResultSet
from nightround.report import making
from nightround.report.edition import Edition, read_edition
from nightround.report.making import Made, Press, deliver, make_report
from nightround.report.numbers import computing
from nightround.report.numbers.facts import VERSIONS
from nightround.report.rebuilding import rebuild
from nightround.report.register import Received, Register, note_receipt
from nightround.statistics.cohort import patient_frame
from nightround.study.plan import Plan
from redcap_sync.rows.tables import Table
from tests.interim_samples import AGE_RULE, TAKEN, edition_of, open_finding, patients, press, snapshot_of

FIRST = snapshot_of(patients())
ROWS = [{**row, "age": "18"} if row["record_id"] == "2" else row for row in patients()]
SECOND = snapshot_of(ROWS, "b", TAKEN + timedelta(days=7))


@pytest.fixture(scope="module")
def delivered(tmp_path_factory: pytest.TempPathFactory) -> tuple[Press, Made, Made]:
    """Two reports, a week apart, both versions in both languages."""
    kept = press(tmp_path_factory.mktemp("made") / "reports", FIRST, SECOND)
    first = make_report(kept, edition_of(FIRST, [open_finding(AGE_RULE, "2")]), FIRST, VERSIONS)
    deliver(kept, first)
    second = make_report(kept, edition_of(SECOND), SECOND, VERSIONS)
    deliver(kept, second)
    return kept, first, second


def content_of(folder: Path) -> Mapping[str, bytes]:
    """Every file of a folder by its path, fonts apart."""
    paths = [path for path in folder.rglob("*") if path.is_file() and "fonts" not in path.parts]
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


def text_of(content: bytes) -> str:
    """All text of a PDF."""
    return "\n".join(page.get_textpage().get_text_bounded() for page in pypdfium2.PdfDocument(content))


def test_a_report_is_files_that_only_their_owner_reads(delivered: tuple[Press, Made, Made]) -> None:
    """PDF, page and Word file in both languages, result rows next to them, the open version in a folder of its own."""
    kept, first, _ = delivered
    names = set(first.files)
    stem = "sample_2026-11-22"
    assert {f"{stem}_{language}.{kind}" for language in ("zh", "en") for kind in ("pdf", "html", "docx")} < names
    assert {f"{stem}_results.csv", f"{stem}_results.json", f"open/{stem}_open_zh.pdf"} < names
    assert {stat.S_IMODE((kept.folder / name).stat().st_mode) for name in names} == {0o600}


def test_all_reports_share_one_folder_of_fonts(delivered: tuple[Press, Made, Made]) -> None:
    """Each face that a page names is found from where the page is, also made again; no face is there twice."""
    kept, first, _ = delivered
    rebuild(kept, FIRST.id)
    faces = sorted(path for path in kept.folder.rglob("*.ttf"))
    assert {path.parent for path in faces} == {kept.folder / "fonts"}
    assert (kept.folder / "fonts" / "licences").is_dir()
    pages = [name for name in first.files if name.endswith(".html")]
    for page in [kept.folder / name for name in (*pages, *(f"rebuilt/{name}" for name in pages))]:
        named = re.findall(r"url\(\"([^\"]+)\"\)", page.read_text(encoding="utf-8"))
        assert named
        assert {path for one in named if (path := (page.parent / one).resolve()).exists()} == set(faces)


def test_the_patients_of_a_report_are_read_from_the_snapshot_once(
    delivered: tuple[Press, Made, Made], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Numbers, values in doubt and news share them; those of the last report are read once too."""
    kept, _, _ = delivered
    third = snapshot_of(ROWS[1:], "c", TAKEN + timedelta(days=14))
    read: list[Mapping[str, Table]] = []

    def counted(plan: Plan, tables: Mapping[str, Table], *codes: Sequence[str]) -> pd.DataFrame:
        read.append(tables)
        return patient_frame(plan, tables, *codes)

    monkeypatch.setattr(computing, "patient_frame", counted)
    monkeypatch.setattr(making, "make_edition", lambda _press, _edition, inputs, *_: inputs)
    made = make_report(kept, edition_of(third), third, VERSIONS)
    assert made.news.changed  # type: ignore[attr-defined]
    assert read == [third.tables, kept.snapshots.load(SECOND.id, "sample").tables]


def test_a_past_report_is_made_again_byte_for_byte(delivered: tuple[Press, Made, Made]) -> None:
    """Every file of both versions comes out identical, from the snapshot and the stored edition alone."""
    kept, first, _ = delivered
    paths = rebuild(kept, FIRST.id)
    again = content_of(kept.folder / "rebuilt")
    assert dict(first.files) == {name: again[name] for name in first.files}
    assert len(paths) == len(first.files)


def test_a_report_that_came_out_otherwise_is_not_written(tmp_path: Path, delivered: tuple[Press, Made, Made]) -> None:
    """Where the snapshot gives another report, the error names the files and nothing is left behind."""
    kept, first, _ = delivered
    other = snapshot_of(ROWS, "a", TAKEN)
    elsewhere = press(tmp_path / "reports", other)
    deliver(elsewhere, first)
    with pytest.raises(SelfAuditFailed, match="is not the same") as caught:
        rebuild(elsewhere, FIRST.id)
    assert caught.value.exit_code == 17
    assert not (elsewhere.folder / "rebuilt").exists()
    assert kept.folder != elsewhere.folder


def test_a_snapshot_without_a_report_cannot_be_made_again(delivered: tuple[Press, Made, Made]) -> None:
    """The register says which reports there were."""
    with pytest.raises(StudyFilesWrong, match="No report was made"):
        rebuild(delivered[0], "c" * 64)


def test_a_second_report_of_one_snapshot_is_the_first(delivered: tuple[Press, Made, Made]) -> None:
    """Another run on the same data, nothing else changed, prints the very same files and counts as no new look."""
    kept, first, _ = delivered
    edition = edition_of(FIRST, [open_finding(AGE_RULE, "2")])
    later = replace(edition, run=replace(edition.run, run_id="99", night=99))
    again = make_report(kept, later, FIRST, ("closed",))
    assert all(first.files[name] == content for name, content in again.files.items())
    assert again.edition.look.number == 1


def test_looks_are_counted_and_named(delivered: tuple[Press, Made, Made]) -> None:
    """The second report is the second look and says when the first one was; the register has a line for each."""
    kept, first, second = delivered
    assert (first.edition.look.number, second.edition.look.number) == (1, 2)
    page = second.files["sample_2026-11-29_en.html"].decode()
    assert "This is look 2 at the outcome by group (before: 2026-11-22)" in re.sub(r"\s+", " ", page)
    register = json.loads((kept.folder / "register.json").read_text(encoding="utf-8"))
    assert [entry["looked_at"] for entry in register] == [True, True]


def test_what_changed_since_the_first_report_names_the_record(delivered: tuple[Press, Made, Made]) -> None:
    """The second report lists the numbers that the corrected age moved, on the page and as a file."""
    _, _, second = delivered
    assert second.edition.news is not None
    assert second.edition.news.records == ("2",)
    assert "edited: 2" in second.files["sample_2026-11-29_en.html"].decode()
    assert b"table1,age,summary" in second.files["sample_2026-11-29_changes.csv"]


def test_the_open_version_shows_nothing_by_group(delivered: tuple[Press, Made, Made]) -> None:
    """No group's name, no difference, no test between groups and no odds: neither on a page nor in a file."""
    _, first, _ = delivered
    opened = {name: content for name, content in first.files.items() if name.startswith("open/")}
    for name, content in opened.items():
        if name.endswith((".html", ".csv", ".json")):
            text = content.decode()
            assert not re.search(r"通畅组|闭塞组|Patency group|Occlusion group", text), name
    rows = opened["open/sample_2026-11-22_open_results.csv"].decode()
    assert not re.search(r"difference|smd|ancova|firth|logistic|odds_ratio", rows)
    assert "All patients" in opened["open/sample_2026-11-22_open_en.html"].decode()
    text = text_of(opened["open/sample_2026-11-22_open_zh.pdf"])
    assert "公开报告" in text
    assert "闭塞组" not in text
    assert "闭塞组" in text_of(first.files["sample_2026-11-22_zh.pdf"])


def test_the_register_holds_who_was_given_what(tmp_path: Path) -> None:
    """A receipt names role, version and moment, survives a second report, and is refused where there was no report."""
    kept = press(tmp_path / "reports", FIRST)
    deliver(kept, make_report(kept, edition_of(FIRST), FIRST, ("open",)))
    note_receipt(kept.folder, FIRST.id, Received("sponsor", "open", TAKEN))
    deliver(kept, make_report(kept, edition_of(FIRST), FIRST, ("open",)))
    (entry,) = Register.read(kept.folder).entries
    assert entry.received == (Received("sponsor", "open", TAKEN),)
    for snapshot, version in ((FIRST.id, "closed"), (SECOND.id, "open")):
        with pytest.raises(StudyFilesWrong, match=f"no {version} report"):
            note_receipt(kept.folder, snapshot, Received("sponsor", version, TAKEN))


def test_an_open_report_alone_is_no_look(tmp_path: Path) -> None:
    """A report that shows nothing by group counts as no look at the outcome."""
    kept = press(tmp_path / "reports", FIRST, SECOND)
    deliver(kept, make_report(kept, edition_of(FIRST), FIRST, ("open",)))
    assert Register.read(kept.folder).look(SECOND.id).number == 1


def test_a_failed_audit_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A number that the snapshot does not give a second time stops everything before anything is written."""
    computed = making.results_of

    def otherwise(*given: object) -> ResultSet:
        rows = computed(*given)  # type: ignore[arg-type]
        key = ResultKey("table1", "age", "mean", "open")
        return ResultSet(replace(row, value=1.0) if row.key == key else row for row in rows)

    monkeypatch.setattr(making, "results_of", otherwise)
    kept = press(tmp_path / "reports", FIRST)
    with pytest.raises(SelfAuditFailed, match="not released") as caught:
        make_report(kept, edition_of(FIRST), FIRST, VERSIONS)
    assert "table1 / age / open / mean" in str(caught.value)
    assert not kept.folder.exists()


def test_a_template_that_changes_a_number_is_stopped(tmp_path: Path) -> None:
    """A study's own template that prints other cells does not get past the gate."""
    kept = press(tmp_path / "reports", FIRST)
    templates = tmp_path / "templates"
    templates.mkdir()
    for path in kept.templates.iterdir():
        (templates / path.name).symlink_to(path)
    own = templates / "sample"
    own.mkdir()
    macros = (kept.templates / "macros.html.j2").read_text(encoding="utf-8")
    (own / "macros.html.j2").write_text(macros.replace("words(cell.text)", "words(cell.text|replace('1', '2'))"))
    with pytest.raises(SelfAuditFailed, match="not released"):
        make_report(replace(kept, templates=templates), edition_of(FIRST), FIRST, ("closed",))
    assert not kept.folder.exists()


def test_an_edition_holds_no_value_of_a_patient(delivered: tuple[Press, Made, Made]) -> None:
    """What is kept to make a report again has names of rules and records, and nothing that was observed."""
    kept, first, _ = delivered
    stored = (kept.folder / "editions" / FIRST.id / "edition.json").read_bytes()
    assert read_edition(stored) == first.edition
    assert b"observed" not in stored or b'"observed": {}' in stored
    assert all(not finding.observed for finding in first.edition.findings)


def test_an_edition_of_another_version_is_explained() -> None:
    """A file that cannot be read back is an error of its own, not a traceback."""
    with pytest.raises(StudyFilesWrong, match="cannot be read"):
        read_edition(b'{"study": 3}')


def test_two_reports_of_one_day_do_not_overwrite_each_other(tmp_path: Path) -> None:
    """The later one carries its hour."""
    later = snapshot_of(ROWS, "b", TAKEN + timedelta(hours=5))
    kept = press(tmp_path / "reports", FIRST, later)
    deliver(kept, make_report(kept, edition_of(FIRST), FIRST, ("open",)))
    names = set(make_report(kept, edition_of(later), later, ("open",)).files)
    assert "open/sample_2026-11-22-0700_open_zh.pdf" in names


def test_an_incomplete_run_says_so_in_its_file_names(tmp_path: Path) -> None:
    """INCOMPLETE is in every name."""
    kept = press(tmp_path / "reports", FIRST)
    edition: Edition = edition_of(FIRST)
    partial = replace(edition, run=replace(edition.run, complete=False))
    assert all("_INCOMPLETE" in name for name in make_report(kept, partial, FIRST, ("open",)).files)
