"""Run the PDF maker in a worker process with limits, so that no report can take a server with it."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from xml.sax.saxutils import escape

import nightround
from nightround.model.errors import SystemLibraryMissing
from nightround.report.printing.pdf import missing_library
from redcap_sync.errors import ExplainedError
from redcap_sync.messages import Message
from redcap_sync.private_files import write_private

log = logging.getLogger(__name__)

WORKER = (sys.executable, "-m", "nightround.report.printing.pdf")
MEMORY_LIMIT = 2 * 1024**3
"""Bytes of address space; a report of 500 pages was measured at 3.5 GB and is not wanted."""
SECONDS = 120.0
"""Wall clock; a 13-page report takes 7 seconds."""

FONT_FOLDER = "fonts"
ASSET_SUFFIXES = (".svg", ".png")
FONTCONFIG = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir>{fonts}</dir><cachedir>{cache}</cachedir></fontconfig>
"""


class ReportNotMade(ExplainedError):
    """The report could not be typeset within its limits."""

    exit_code = 10


@dataclass(frozen=True)
class Attachment:
    """A text file that travels inside the PDF."""

    name: str
    description: str
    text: str


@dataclass(frozen=True)
class WorkerLimits:
    """How much a worker may take: bytes of memory, seconds of wall clock."""

    memory: int = MEMORY_LIMIT
    seconds: float = SECONDS


def pdf_bytes(
    html: str,
    *,
    made_at: datetime,
    templates: Path,
    template_folders: Sequence[Path] = (),
    attachments: Iterable[Attachment] = (),
    limits: WorkerLimits = WorkerLimits(),
    worker: Sequence[str] = WORKER,
) -> bytes:
    """Typeset `html` as PDF/A-3a with its attachments. The same input gives the same bytes.

    `made_at` dates the file and its attachments: the data cut-off, never now. `templates` contains the fonts, no other
    font of the machine is seen; pictures of `templates` and `template_folders` can be named as asset:NAME. Raises
    SystemLibraryMissing without Pango, ReportNotMade when a limit is passed or the template cannot be typeset.
    """
    job = {
        "html": html,
        "assets": {name: str(path) for name, path in assets((templates, *template_folders)).items()},
        "made_at": made_at.isoformat(),
        "attachments": [asdict(attachment) for attachment in attachments],
        "memory_limit": limits.memory,
    }
    with tempfile.TemporaryDirectory() as folder:
        environment = worker_environment(templates / FONT_FOLDER, Path(folder), os.environ)
        return run(worker, json.dumps(job), environment, limits.seconds)


def assets(folders: Iterable[Path]) -> dict[str, Path]:
    """The pictures a template may show, by file name; a later folder goes before an earlier one."""
    return {path.name: path for folder in folders for path in sorted(folder.glob("*")) if path.suffix in ASSET_SUFFIXES}


def worker_environment(fonts: Path, folder: Path, outer: Mapping[str, str]) -> dict[str, str]:
    """The worker's environment: only the bundled fonts, this package on its path, no colours, no proxies."""
    configuration = folder / "fonts.conf"
    text = FONTCONFIG.format(fonts=escape(str(fonts.resolve())), cache=escape(str(folder)))
    write_private(configuration, text.encode())
    return {
        **{name: outer[name] for name in ("PATH", "LD_LIBRARY_PATH", "SYSTEMROOT") if name in outer},
        "FONTCONFIG_FILE": str(configuration),
        "PYTHONPATH": str(Path(nightround.__file__).parents[1]),
        "PYTHONIOENCODING": "utf-8",
        "HOME": str(folder),
    }


def run(worker: Sequence[str], job: str, environment: Mapping[str, str], seconds: float) -> bytes:
    """Give a worker its job and take the PDF from it."""
    try:
        done = subprocess.run(  # noqa: S603 - our own module, no text of the user in the command
            worker, input=job.encode(), capture_output=True, env=environment, timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise not_made(Message.of("report.reason.too_slow", seconds=f"{seconds:g}")) from error
    remarks = done.stderr.decode(errors="replace").strip()
    if done.returncode == SystemLibraryMissing.exit_code:
        raise missing_library(remarks)
    if done.returncode != 0:
        raise not_made(kind_of_error(remarks) or Message.of("report.reason.worker", code=done.returncode))
    for line in remarks.splitlines():
        log.warning("typesetting: %s", line)
    return done.stdout


def kind_of_error(remarks: str) -> str:
    """The kind of a Python error, without its message, which could contain text of a record."""
    return remarks.rsplit("\n", 1)[-1].split(":", 1)[0]


def not_made(reason: Message | str) -> ReportNotMade:
    """The error for a report that could not be typeset."""
    return ReportNotMade("report.not_typeset", reason=reason)
