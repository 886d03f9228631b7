"""What is known of the fields of a real study in sum: means, spreads and shares; never a row, never a small count."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from nightround.model.errors import UsageWrong
from redcap_sync.regular_files import read_text_file


class FieldSummary(BaseModel):
    """Of one field, whatever is known."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    mean: float | None = None
    sd: float | None = Field(default=None, ge=0)
    shares: dict[str, float] = {}
    """By code, between 0 and 1; a code whose count was too small to be given is left out."""


class StudySummary(BaseModel):
    """The fields of a study, by name."""

    model_config = ConfigDict(extra="forbid")

    fields: dict[str, FieldSummary]


def read_summary(path: Path) -> Mapping[str, Mapping[str, Any]]:
    """Read a summary of fields; raises UsageWrong for another file."""
    try:
        read = StudySummary.model_validate(json.loads(read_text_file(path)))
    except (ValueError, ValidationError) as error:
        raise UsageWrong("twin.summary", file=path.name, error=type(error).__name__) from None
    return {name: one.model_dump() for name, one in read.fields.items()}
