"""Write docs/drill.md and its figure from a drill of the shipped study: `make drill`."""

from __future__ import annotations

import os
import re
import sys
import tempfile
from pathlib import Path

from nightround.cli.main import cli

DOCS = Path(__file__).parent
ERRORS, SEED = "2000", "1"
BEGIN, END = "<!-- measured: written by `make drill` -->", "<!-- end of what was measured -->"


def measured(out: Path) -> str:
    """The page of the drill, one heading level lower, its figure where the documents have theirs."""
    options = ["--errors", ERRORS, "--seed", SEED, "--out", str(out), "--data", str(out / "no_data")]
    cli.main(["drill", "venous_occlusion", *options, "--language", "en"], standalone_mode=False)
    page = (out / "page.md").read_text(encoding="utf-8").split("\n", 1)[1]
    return re.sub(r"^#", "##", page, flags=re.MULTILINE).replace("(figure.svg)", "(pictures/drill.svg)").strip()


def main() -> None:
    """Replace what was measured before."""
    with tempfile.TemporaryDirectory() as folder:
        text = measured(Path(folder))
        (DOCS / "pictures" / "drill.svg").write_bytes((Path(folder) / "figure.svg").read_bytes())
    before, rest = (DOCS / "drill.md").read_text(encoding="utf-8").split(BEGIN)
    after = rest.split(END)[1]
    (DOCS / "drill.md").write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    os.chdir(DOCS.parent)
    sys.exit(main())
