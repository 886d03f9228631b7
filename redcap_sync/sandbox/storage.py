"""Keeping the sandbox's state in a SQLite file, so that it survives a restart."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from redcap_sync.errors import ProjectFileWrong
from redcap_sync.project.documents import Folder, StoredDocument
from redcap_sync.project.journal import LogEntry
from redcap_sync.project.query_threads import QueryThreads, StoredThread
from redcap_sync.project.state import ProjectStructure, StoredProject
from redcap_sync.project.values import StoredRecord, ValuePlace
from redcap_sync.sandbox.installation import Installation

TABLES = """
CREATE TABLE IF NOT EXISTS project (project_id INTEGER PRIMARY KEY, structure TEXT NOT NULL, folders TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS token (token TEXT PRIMARY KEY, project_id INTEGER NOT NULL, username TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS record (
    project_id INTEGER NOT NULL, name TEXT NOT NULL, stored TEXT NOT NULL, PRIMARY KEY (project_id, name));
CREATE TABLE IF NOT EXISTS log (
    project_id INTEGER NOT NULL, position INTEGER NOT NULL, entry TEXT NOT NULL, PRIMARY KEY (project_id, position));
CREATE TABLE IF NOT EXISTS document (
    project_id INTEGER NOT NULL, doc_id INTEGER NOT NULL, name TEXT NOT NULL, media_type TEXT NOT NULL,
    folder_id INTEGER, content BLOB NOT NULL, PRIMARY KEY (project_id, doc_id));
CREATE TABLE IF NOT EXISTS query_threads (project_id INTEGER PRIMARY KEY, threads TEXT NOT NULL);
"""
STRUCTURE = TypeAdapter(ProjectStructure)
FOLDERS = TypeAdapter(dict[int, Folder])
ENTRY = TypeAdapter(LogEntry)
THREADS = TypeAdapter(list[StoredThread])


class Storage:
    """One SQLite file. It is written after every call, in one transaction, and only what was touched."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._logged: dict[int, int] = {}
        """Log entries already kept, by project."""
        with self._explained(), closing(self._connect()) as connection, connection:
            connection.executescript(TABLES)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, ValueError, KeyError, TypeError) as error:
            trouble = type(error).__name__
        else:
            return
        raise ProjectFileWrong("file.sandbox_state", file=self._path.name, error=trouble)

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(self._path)

    def save(self, installation: Installation) -> None:
        """Keep whatever changed since the last time."""
        with closing(self._connect()) as connection, connection:
            rows = [(token, *holder) for token, holder in installation.tokens().items()]
            connection.executemany("INSERT OR REPLACE INTO token VALUES (?, ?, ?)", rows)
            for project in installation.projects.values():
                self._save_project(connection, project)

    def _save_project(self, connection: sqlite3.Connection, project: StoredProject) -> None:
        pid = project.project_id
        if project.structure_changed:
            kept = (pid, STRUCTURE.dump_json(project.structure), FOLDERS.dump_json(project.documents.folders))
            connection.execute("INSERT OR REPLACE INTO project VALUES (?, ?, ?)", kept)
            project.structure_changed = False
        _save_records(connection, project)
        _save_documents(connection, project)
        _save_threads(connection, project)
        self._save_log(connection, project)

    def _save_log(self, connection: sqlite3.Connection, project: StoredProject) -> None:
        """Append new entries; a log from which entries were erased is written anew."""
        pid, kept = project.project_id, self._logged.get(project.project_id, 0)
        if project.journal.erased:
            connection.execute("DELETE FROM log WHERE project_id = ?", (pid,))
            project.journal.erased, kept = False, 0
        entries = enumerate(project.journal.since(kept), start=kept)
        rows = [(pid, position, ENTRY.dump_json(entry)) for position, entry in entries]
        connection.executemany("INSERT INTO log VALUES (?, ?, ?)", rows)
        self._logged[pid] = len(project.journal)

    def restore(self, installation: Installation) -> None:
        """Bring back what was kept: into the projects that are there already by id, else as projects of their own."""
        with self._explained(), closing(self._connect()) as connection:
            for pid, structure, folders in connection.execute("SELECT * FROM project").fetchall():
                made = StoredProject(STRUCTURE.validate_json(structure), clock=installation.clock)
                project = installation.projects.get(pid) or made
                project.take_over(made)
                project.documents.folders = FOLDERS.validate_json(folders)
                self._restore_contents(connection, project)
                installation.projects[pid] = project
            tokens = connection.execute("SELECT token, project_id, username FROM token").fetchall()
        installation.restore_tokens({token: (pid, username) for token, pid, username in tokens})

    def _restore_contents(self, connection: sqlite3.Connection, project: StoredProject) -> None:
        pid = (project.project_id,)
        for name, stored in connection.execute("SELECT name, stored FROM record WHERE project_id = ?", pid):
            project.values.put(name, _record_from_json(json.loads(stored)))
        for (entry,) in connection.execute("SELECT entry FROM log WHERE project_id = ? ORDER BY position", pid):
            project.journal.write(ENTRY.validate_json(entry))
        found = "SELECT doc_id, name, media_type, content, folder_id FROM document WHERE project_id = ?"
        for row in connection.execute(found, pid):
            document = StoredDocument(*row)
            project.documents.files[document.doc_id] = document
        for (threads,) in connection.execute("SELECT threads FROM query_threads WHERE project_id = ?", pid):
            project.queries = QueryThreads(THREADS.validate_json(threads))
        self._logged[project.project_id] = len(project.journal)


def _save_records(connection: sqlite3.Connection, project: StoredProject) -> None:
    touched, project.values.changed = project.values.changed, set()
    pid = project.project_id
    gone = [(pid, name) for name in touched if name not in project.values]
    there = [
        (pid, name, json.dumps(_record_as_json(project.values[name]))) for name in touched if name in project.values
    ]
    connection.executemany("DELETE FROM record WHERE project_id = ? AND name = ?", gone)
    connection.executemany("INSERT OR REPLACE INTO record VALUES (?, ?, ?)", there)


def _save_documents(connection: sqlite3.Connection, project: StoredProject) -> None:
    touched, project.documents.changed = project.documents.changed, set()
    pid, files = project.project_id, project.documents.files
    gone = [(pid, doc_id) for doc_id in touched if doc_id not in files]
    there: Iterable[tuple[Any, ...]] = (
        (pid, d.doc_id, d.name, d.media_type, d.folder_id, d.content)
        for d in (files[doc_id] for doc_id in touched if doc_id in files)
    )
    connection.executemany("DELETE FROM document WHERE project_id = ? AND doc_id = ?", gone)
    connection.executemany("INSERT OR REPLACE INTO document VALUES (?, ?, ?, ?, ?, ?)", there)


def _save_threads(connection: sqlite3.Connection, project: StoredProject) -> None:
    if project.queries.changed:
        kept = (project.project_id, THREADS.dump_json(list(project.queries)))
        connection.execute("INSERT OR REPLACE INTO query_threads VALUES (?, ?)", kept)
        project.queries.changed = False


def _record_as_json(stored: StoredRecord) -> dict[str, Any]:
    return {
        "group": stored.group,
        "rows": [[*place, row] for place, row in stored.rows.items()],
        "locked": [[*place, instrument] for place, instrument in sorted(stored.locked)],
    }


def _record_from_json(kept: dict[str, Any]) -> StoredRecord:
    return StoredRecord(
        rows={ValuePlace(*place): row for *place, row in kept["rows"]},
        group=kept["group"],
        locked={(ValuePlace(*place), instrument) for *place, instrument in kept["locked"]},
    )
