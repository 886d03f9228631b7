"""The code that a document shows."""

import re
from pathlib import Path


def blocks_of(document: Path, language: str) -> list[str]:
    """Every block of a language, in order."""
    return re.findall(rf"```{language}\n(.*?)```", document.read_text(encoding="utf-8"), flags=re.DOTALL)
