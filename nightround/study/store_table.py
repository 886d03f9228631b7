"""The table of `study.toml` that says where the database is."""

from __future__ import annotations

from typing import Literal

from nightround.study.study_model import StudyModel
from nightround.study.text_checks import EnvironmentName


class StoreTable(StudyModel):
    """`[store]`: where the study's database is; a file in the data folder unless a server is named."""

    url_env: EnvironmentName | Literal[""] = ""
    """The variable with the URL of a PostgreSQL database, which may have a password in it."""
