"""Uploaded files: those of file fields, and the folders and files of the file repository."""

from __future__ import annotations

from dataclasses import dataclass

from redcap_sync.whole_numbers import whole_number


@dataclass(frozen=True)
class StoredDocument:
    """One stored file."""

    doc_id: int
    name: str
    media_type: str
    content: bytes
    folder_id: int | None = None
    """Folder of the repository it lies in (0 is the top); None for the file of a field."""


@dataclass(frozen=True)
class Folder:
    """A folder of the file repository; `parent` 0 is the top."""

    folder_id: int
    name: str
    parent: int = 0
    group_id: int | None = None
    role: str = ""


class Documents:
    """All documents and folders of a project."""

    def __init__(self) -> None:
        self.files: dict[int, StoredDocument] = {}
        self.folders: dict[int, Folder] = {}
        self.changed: set[int] = set()
        """Documents touched since the state was last kept on disk."""

    def keep(self, document: StoredDocument) -> None:
        """Store a document."""
        self.files[document.doc_id] = document
        self.changed.add(document.doc_id)

    def remove(self, doc_id: int) -> None:
        """Forget a document."""
        del self.files[doc_id]
        self.changed.add(doc_id)

    def named(self, doc_id: str) -> StoredDocument | None:
        """Find the document behind the id a file field stores."""
        number = whole_number(doc_id)
        return None if number is None else self.files.get(number)

    def name_of(self, doc_id: str) -> str:
        """File name behind the id a file field stores."""
        found = self.named(doc_id)
        return found.name if found else ""
