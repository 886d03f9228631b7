"""A file that goes with a message to a person."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass, field
from html import unescape

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@dataclass(frozen=True)
class AttachedFile:
    """A file that goes with a message: its name, its media type and what is in it."""

    name: str
    media_type: str
    content: bytes = field(repr=False)

    @property
    def texts(self) -> tuple[str, ...]:
        """What can be read in it: of a spreadsheet the text of each of its parts."""
        if self.media_type != XLSX:
            return (self.content.decode("utf-8", "replace"),)
        with zipfile.ZipFile(io.BytesIO(self.content)) as parts:
            return tuple(unescape(parts.read(one).decode("utf-8", "replace")) for one in parts.infolist())
