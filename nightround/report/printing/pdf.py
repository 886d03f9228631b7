"""Typeset HTML as an archive PDF (PDF/A-3a, tagged). The one importer of WeasyPrint.

It runs in a process of its own, which `typesetting` starts and limits: `python -m nightround.report.printing.pdf` reads
one job as JSON from standard input and writes the PDF to standard output.
"""

from __future__ import annotations

import gc
import json
import logging
import resource
import sys
import warnings
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, TextIO

from nightround.model.errors import SystemLibraryMissing
from redcap_sync.messages import Message

VARIANT = "pdf/a-3a"
ASSET_SCHEME = "asset:"


def missing_library(detail: Message | str) -> SystemLibraryMissing:
    """The error for an operating system without Pango; `detail` is the loader's own words."""
    return SystemLibraryMissing("report.no_library", detail=detail)


def import_weasyprint() -> Any:
    """WeasyPrint, or SystemLibraryMissing where Pango or HarfBuzz's subsetter is not installed.

    Without the subsetter WeasyPrint still works, but slowly, and its output differs from run to run.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            import weasyprint
            from weasyprint.text import ffi
    except OSError as error:
        raise missing_library(str(error).split(".  ")[0]) from error
    if ffi.harfbuzz_subset is None:
        raise missing_library(Message.of("report.reason.no_subsetter"))
    return weasyprint


def locked_fetcher(weasyprint: Any, assets: Mapping[str, str]) -> Any:
    """A fetcher that serves a fixed set of names and refuses every file and every address."""

    class LockedFetcher(weasyprint.urls.URLFetcher):  # type: ignore[misc]
        def fetch(self, url: str, headers: Mapping[str, str] | None = None) -> Any:  # noqa: ARG002
            if not url.startswith(ASSET_SCHEME) or url.removeprefix(ASSET_SCHEME) not in assets:
                raise ValueError("only the report's own assets are read")
            content = Path(assets[url.removeprefix(ASSET_SCHEME)]).read_bytes()
            return weasyprint.urls.URLFetcherResponse(url, content)

    return LockedFetcher(allowed_protocols={ASSET_SCHEME.rstrip(":")}, allow_redirects=False)


def name_each_attachment_once(_document: Any, pdf: Any) -> None:
    """Mend /AF: WeasyPrint 70 lists every associated file twice, which PDF/A-3 readers may reject."""
    files = pdf.catalog.get("AF", [])
    files[:] = dict.fromkeys(files)


def typeset(job: Mapping[str, Any]) -> bytes:
    """Make the PDF of a job: html, assets (name to path), made_at (ISO), attachments (name, description, text)."""
    weasyprint = import_weasyprint()
    fetcher = locked_fetcher(weasyprint, job["assets"])
    made_at = datetime.fromisoformat(job["made_at"])
    attachments = [
        weasyprint.Attachment(
            string=attachment["text"].encode(),
            name=attachment["name"],
            description=attachment["description"],
            created=made_at,
            modified=made_at,
            relationship="Data",
            url_fetcher=fetcher,
        )
        for attachment in job["attachments"]
    ]
    document = weasyprint.HTML(string=job["html"], base_url=None, url_fetcher=fetcher)
    pdf: bytes = document.write_pdf(
        pdf_variant=VARIANT, pdf_tags=True, attachments=attachments, finisher=name_each_attachment_once
    )
    return pdf


def work(stdin: TextIO, stdout: BinaryIO, stderr: TextIO) -> int:
    """Do one job and return the exit code: 0, or 16 where a system library is missing."""
    job = json.load(stdin)
    stdin.close()
    resource.setrlimit(resource.RLIMIT_AS, (job["memory_limit"], job["memory_limit"]))
    logging.basicConfig(stream=stderr, format="%(message)s", level=logging.WARNING)
    gc.disable()  # a short life: collecting costs more time than it frees memory
    try:
        stdout.write(typeset(job))
    except SystemLibraryMissing as error:
        stderr.write(error.why)
        return SystemLibraryMissing.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(work(sys.stdin, sys.stdout.buffer, sys.stderr))
