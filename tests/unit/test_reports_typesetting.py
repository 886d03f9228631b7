"""The worker that makes the PDF: its environment, its limits and its failures."""

import builtins
import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from nightround.model.errors import SystemLibraryMissing
from nightround.report.printing import pdf
from nightround.report.printing.typesetting import ReportNotMade, WorkerLimits, assets, pdf_bytes, worker_environment
from tests.report_samples import CUTOFF, TEMPLATES

PACKAGES = ("libpangoft2-1.0-0", "libharfbuzz-subset0")


def worker(program: str) -> tuple[str, ...]:
    """A worker that runs a small program instead of WeasyPrint."""
    return (sys.executable, "-c", program)


def run(program: str, seconds: float = 20.0) -> bytes:
    """Give a small program the job of an empty page."""
    limits = WorkerLimits(seconds=seconds)
    return pdf_bytes("<p>", made_at=CUTOFF, templates=TEMPLATES, worker=worker(program), limits=limits)


def test_a_missing_pango_names_both_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where Pango is not installed the error has exit code 16 and the line that fixes it."""
    real = builtins.__import__

    def without_pango(name: str, *rest: Any) -> Any:
        if name == "weasyprint":
            raise OSError("cannot load library 'libpango-1.0-0'.  Additionally, ctypes failed")
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without_pango)
    with pytest.raises(SystemLibraryMissing) as caught:
        pdf.import_weasyprint()
    assert caught.value.exit_code == 16
    assert all(package in caught.value.remedy for package in PACKAGES)
    assert "libpango" in caught.value.why


def test_a_missing_library_in_the_worker_reaches_the_caller() -> None:
    """Exit code 16 of the worker becomes the same error, with the loader's words."""
    with pytest.raises(SystemLibraryMissing, match="libpangoft2") as caught:
        run("import sys; sys.stderr.write('cannot load libpangoft2'); sys.exit(16)")
    assert all(package in caught.value.remedy for package in PACKAGES)


def test_a_worker_that_takes_too_long_is_ended() -> None:
    """The wall clock limit holds, and the error says so."""
    with pytest.raises(ReportNotMade, match=r"longer than 0\.2 seconds"):
        run("import time; time.sleep(30)", seconds=0.2)


def test_an_error_of_the_worker_is_told_by_its_kind_only() -> None:
    """The message of an error could contain text of a record; its kind is enough."""
    with pytest.raises(ReportNotMade, match="ValueError") as caught:
        run("raise ValueError('the value of patient 7')")
    assert "patient" not in str(caught.value)


def test_the_worker_obeys_its_memory_limit() -> None:
    """A job whose limit is too small for the work fails instead of taking the memory."""
    with pytest.raises(ReportNotMade):
        pdf_bytes("<p>x</p>" * 10, made_at=CUTOFF, templates=TEMPLATES, limits=WorkerLimits(memory=64 * 1024**2))


def test_remarks_of_the_typesetter_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    """What WeasyPrint complains of is a warning in our log, and the PDF is still handed out."""
    assert run("import sys; print('PDF', end=''); sys.stderr.write('unknown property: colour')") == b"PDF"
    assert "unknown property" in caplog.text


def test_the_worker_sees_the_bundled_fonts_and_nothing_of_the_environment(tmp_path: Path) -> None:
    """Only the font folder is configured; tokens and proxies of the caller are not passed on."""
    outer = {"PATH": "/bin", "REDCAP_TOKEN": "secret", "HTTPS_PROXY": "http://proxy"}
    inner = worker_environment(TEMPLATES / "fonts", tmp_path, outer)
    assert inner.keys().isdisjoint({"REDCAP_TOKEN", "HTTPS_PROXY"})
    assert Path(inner["FONTCONFIG_FILE"]).read_text(encoding="utf-8").count("<dir>") == 1


def test_a_study_picture_goes_before_ours(tmp_path: Path) -> None:
    """Pictures are named by file name; the later folder wins, other files are none."""
    for name in ("ours", "study"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "logo.svg").write_text(name)
        (tmp_path / name / "secret.txt").write_text(name)
    assert assets([tmp_path / "ours", tmp_path / "study"]) == {"logo.svg": tmp_path / "study" / "logo.svg"}


def test_the_worker_answers_with_exit_code_16_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker's own end: a missing library is said on standard error, nothing is written."""

    def refuse(_job: object) -> bytes:
        raise pdf.missing_library("no libpango")

    monkeypatch.setattr(pdf, "typeset", refuse)
    monkeypatch.setattr(pdf.resource, "setrlimit", lambda *_: None)
    monkeypatch.setattr(pdf.gc, "disable", lambda: None)
    out, err = io.BytesIO(), io.StringIO()
    assert pdf.work(io.StringIO(json.dumps({"memory_limit": 1})), out, err) == 16
    assert (out.getvalue(), err.getvalue()) == (b"", "no libpango")
