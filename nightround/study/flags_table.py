"""The table of `study.toml` that says how findings are asked about in REDCap itself."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from nightround.study.study_model import StudyModel, WholeNumber
from nightround.study.text_checks import Id


class FlagsTable(StudyModel):
    """`[flags]`: questions about findings that are written into REDCap."""

    nightly: bool = False
    """Whether each night writes them; without it only `nightround flags STUDY --apply` does."""
    most_a_night: WholeNumber = Field(default=200, ge=1, le=10_000)
    """So many rows are written in one run at most; the rest waits for the next one."""
    road: Literal["instrument", "workflow"] = "instrument"
    """Rows of the instrument `data_query`, or where possible queries of REDCap's Data Resolution Workflow."""
    module_prefix: Id = "vanderbilt_dataQuality"
    """The prefix under which the site has the Data Quality API module."""
