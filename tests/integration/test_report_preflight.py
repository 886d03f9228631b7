"""The PDF before an archive's own eyes: PDFBox Preflight, which Debian carries, knows PDF/A-1b.

What PDF/A-1b asks beyond PDF/A-3 is named here; whatever else Preflight finds is wrong in PDF/A-3 too.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from nightround.model.language import LANGUAGES, Language
from nightround.report.printing.attachments import attachments
from nightround.report.printing.context import build_report
from nightround.report.printing.render import html
from nightround.report.printing.typesetting import pdf_bytes
from tests.report_samples import CUTOFF, TEMPLATES, night

JARS = Path("/usr/share/java")
NAMES = ("preflight", "pdfbox2", "fontbox2", "xmpbox", "commons-logging", "javax.activation", "jaxb-api")
PACKAGES = "libpdfbox2-java libactivation-java libjaxb-api-java qpdf"
ALLOWED_IN_3 = (
    "EmbeddedFile entry is present",  # ISO 19005-3, 6.8: files may be embedded
    "CIDSet entry is missing",  # ISO 19005-2 and -3, 6.2.11.4.2: optional
    # XMP with its namespaces declared on rdf:RDF, which Preflight's reader of A-1 does not follow.
    "Schema is not set in this document : http://www.aiim.org/pdfa/ns/id/",
)
FOUND = re.compile(r"^\d+(?:\.\d+)* : .*$", re.MULTILINE)

pytestmark = pytest.mark.skipif(
    not all((JARS / f"{name}.jar").exists() for name in NAMES) or not (shutil.which("qpdf") and shutil.which("java")),
    reason=f"Preflight is not installed: apt-get install {PACKAGES}",
)


def preflight(content: bytes, folder: Path) -> list[str]:
    """What Preflight finds, its object streams unpacked first, because PDF/A-1 knows none."""
    made, plain = folder / "made.pdf", folder / "plain.pdf"
    made.write_bytes(content)
    subprocess.run(
        [shutil.which("qpdf") or "qpdf", "--object-streams=disable", "--newline-before-endstream", made, plain],
        check=True,
    )
    jars = ":".join(str(JARS / f"{name}.jar") for name in NAMES)
    command = [shutil.which("java") or "java", "-cp", jars, "org.apache.pdfbox.preflight.Validator_A1b", str(plain)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    said = ended.stdout + ended.stderr
    assert "is not a valid PDF/A-1b file" in said, said
    return FOUND.findall(said)


@pytest.mark.parametrize("language", LANGUAGES)
def test_preflight_finds_only_what_pdf_a_3_allows(language: Language, tmp_path: Path) -> None:
    """Fonts, colours, annotations, actions and structure are those of an archive file."""
    inputs = night()
    page = html(build_report(inputs, language, TEMPLATES), TEMPLATES)
    pdf = pdf_bytes(page, made_at=CUTOFF, templates=TEMPLATES, attachments=attachments(inputs))
    found = preflight(pdf, tmp_path)
    assert found
    assert [one for one in found if not any(allowed in one for allowed in ALLOWED_IN_3)] == []
