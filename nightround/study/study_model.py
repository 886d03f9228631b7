"""What every table of a study file has in common."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Strict
from pydantic_core import PydanticCustomError

from nightround.texts.catalogue import in_language
from redcap_sync.messages import Message

LONGEST_TEXT = 200_000
"""Characters; the logic of a rule of 3,000 parts is a third of it."""

WholeNumber = Annotated[int, Strict()]
Decimal = Annotated[float, Strict()]
"""A number and neither a text nor true or false. A whole number is one too."""


class StudyModel(BaseModel):
    """A table of a study file: frozen, and a key it does not know is an error."""

    model_config = ConfigDict(
        use_attribute_docstrings=True, frozen=True, extra="forbid", allow_inf_nan=False, str_max_length=LONGEST_TEXT
    )


def wrong_value(code: str, **facts: str | float) -> PydanticCustomError:
    """The mistake in a value of a study file, with the code of its text: `study_file.said.<code>`."""
    return PydanticCustomError(code, in_language(Message.of(f"study_file.said.{code}", **facts), "en"), facts)
