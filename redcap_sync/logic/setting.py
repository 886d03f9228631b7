"""What an evaluation depends on besides the data."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from redcap_sync.logic.switches import Switches
from redcap_sync.missing_codes import MissingCodes


@dataclass(frozen=True)
class Setting:
    """The moment of the run, REDCap's unverified behaviours, and the project's missing data codes."""

    now: datetime
    switches: Switches
    missing_codes: MissingCodes

    def codes_without_value(self, field: str) -> Collection[str]:
        """The missing data codes that are a blank wherever values of a field are ordered or calculated with."""
        if self.switches.missing_code_is_a_value:
            return ()
        return self.missing_codes.at(field) if self.switches.code_within_limits_is_a_value else self.missing_codes

    def meaning(self, text: str, *, words: bool) -> str:
        """What a text in quotes stands for as an operand; `words` says whether today and now are meant."""
        if text == "NaN" and self.switches.nan_is_blank:
            return ""
        if words and self.switches.today_in_comparisons and text in ("today", "now"):
            return f"{self.now:%Y-%m-%d}" if text == "today" else f"{self.now:%Y-%m-%d %H:%M:%S}"
        return text
