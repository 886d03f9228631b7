"""Make the two pictures of the README from a demo: a page of the report, and the terminal. Needs chromium."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pypdfium2
from PIL import Image
from rich.console import Console
from rich.text import Text

PICTURES = Path(__file__).parent
TABLE_1 = 5
"""The page of the report that is shown, counted from 0."""
COLUMNS = 96
FRAME = """<!DOCTYPE html><meta charset="utf-8"><style>body{{margin:0;padding:18px;background:#fff}}
pre{{font:13px/1.32 "DejaVu Sans Mono",monospace}}</style><pre>{code}</pre>"""


def main() -> None:
    """Run a demo and take the pictures."""
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        printed = run_demo(work).replace(f"{work}/", "")
        page_picture(max(work.glob("demo/venous_occlusion/reports/*_zh.pdf")))
        terminal_picture(work, printed)


def run_demo(work: Path) -> str:
    """Run the demo in colour and return what it printed."""
    command = [sys.executable, "-m", "nightround", "demo", "--out", str(work / "demo")]
    colour = {**os.environ, "COLUMNS": str(COLUMNS), "FORCE_COLOR": "1"}
    return subprocess.run(command, check=True, capture_output=True, text=True, env=colour).stdout  # noqa: S603


def page_picture(report: Path) -> None:
    """Render Table 1 of the report."""
    document = pypdfium2.PdfDocument(report)
    save(document[TABLE_1].render(scale=1.4).to_pil(), "report.png")
    document.close()


def terminal_picture(work: Path, printed: str) -> None:
    """Let a browser draw what the terminal showed."""
    with (work / "unused").open("w", encoding="utf-8") as nowhere:
        console = Console(record=True, width=COLUMNS, file=nowhere)
        console.print(Text.from_ansi(printed))
    (work / "demo.html").write_text(console.export_html(code_format=FRAME, inline_styles=True), encoding="utf-8")
    options = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--hide-scrollbars",
        f"--user-data-dir={work / 'profile'}",
    ]
    shot = [f"--screenshot={work / 'demo.png'}", "--window-size=820,1350", "--force-device-scale-factor=1.5"]
    subprocess.run(["chromium", *options, *shot, f"file://{work / 'demo.html'}"], check=True, capture_output=True)  # noqa: S603, S607
    save(Image.open(work / "demo.png").convert("RGB"), "demo.png")


def save(picture: Image.Image, name: str) -> None:
    """Keep a picture with few colours, and so small."""
    picture.convert("P", palette=Image.Palette.ADAPTIVE, colors=64).save(PICTURES / name, optimize=True)


main()
