"""In which language commands speak to who calls them."""

from __future__ import annotations

from collections.abc import Mapping

from nightround.model.language import LANGUAGES, Language

VARIABLE = "NIGHTROUND_LANGUAGE"
LOCALE = ("LC_ALL", "LC_MESSAGES", "LANG")
"""The first of them that is set decides. Source: POSIX, Environment Variables, 8.2."""


def terminal_language(environ: Mapping[str, str]) -> Language:
    """What NIGHTROUND_LANGUAGE says, else Chinese where the terminal's locale is Chinese, else English."""
    wanted = environ.get(VARIABLE, "")
    if wanted in LANGUAGES:
        return "zh" if wanted == "zh" else "en"
    locale = next((environ[name] for name in LOCALE if environ.get(name)), "")
    return "zh" if locale.lower().startswith("zh") else "en"
