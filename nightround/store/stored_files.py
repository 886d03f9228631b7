"""The files of messages that wait, in the database: sealed where the study has a key, each for its own message."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Text, bindparam, cast, select, update

from nightround.model.attached_file import AttachedFile
from nightround.store.observed_values import PREFIX, UnreadableValues, ValueSealer, sealer_of
from nightround.store.schema import messages

FILES = "files"
SEALED = "application/x-nightround-sealed"
"""The media type of what stands for files whose key is not at hand; its content is what is stored of them."""


def stored_files(
    sealer: ValueSealer, message_id: str, files: Sequence[AttachedFile]
) -> list[dict[str, str]] | str | None:
    """What is stored of the files of a message: documents with their content in base64, sealed ones as one text."""
    if is_sealed(files):
        return files[0].content.decode()
    documents = [
        {"name": one.name, "media_type": one.media_type, "content": base64.b64encode(one.content).decode()}
        for one in files
    ]
    return _sealed(sealer, message_id, documents) if documents else None


def _sealed(sealer: ValueSealer, message_id: str, documents: list[dict[str, str]]) -> list[dict[str, str]] | str:
    kept = sealer.stored(message_id, {FILES: json.dumps(documents)})
    return kept if isinstance(kept, str) else documents


def is_sealed(files: Sequence[AttachedFile]) -> bool:
    """Whether files could not be read because their key is not at hand."""
    return any(one.media_type == SEALED for one in files)


def read_files(sealer: ValueSealer, message_id: str, kept: Any) -> tuple[AttachedFile, ...]:
    """The files of a message out of what is stored; one that stands for them where the key is missing or another."""
    if isinstance(kept, str):
        values = sealer.read(message_id, kept)
        if isinstance(values, UnreadableValues):
            return (AttachedFile("", SEALED, values.kept.encode()),)
        kept = json.loads(values[FILES])
    return tuple(AttachedFile(one["name"], one["media_type"], base64.b64decode(one["content"])) for one in kept or ())


def seal_plain_files(connection: Connection) -> int:
    """Seal the files of every message that waits with them in plain; returns how many messages there were."""
    sealer, column = sealer_of(connection), messages.c.attachments
    text = cast(column, Text)
    plain = select(messages.c.id, messages.c.message_id, column).where(
        column.is_not(None), text != "null", text.not_like(f'"{PREFIX}%')
    )
    rows = [{"row": row[0], "sealed": _sealed(sealer, row[1], row[2])} for row in connection.execute(plain) if row[2]]
    if rows:
        by_id = update(messages).where(messages.c.id == bindparam("row"))
        connection.execute(by_id.values(attachments=bindparam("sealed")), rows)
    return len(rows)
