"""Files of a study have one writer: private from their first moment, and whole or not there."""

from __future__ import annotations

import ast
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from redcap_sync.private_files import write_private

ROOT = Path(__file__).parents[2]
WRITER = ROOT / "redcap_sync" / "private_files.py"
WRITING_METHODS = {"write_bytes", "write_text", "touch", "to_csv", "to_excel", "to_pickle", "savefig"}
WRITING_FUNCTIONS = {"copy", "copy2", "copyfile", "copytree", "copyfileobj", "move", "mkstemp", "NamedTemporaryFile"}
FLAGS = {"O_CREAT", "O_WRONLY", "O_RDWR"}


def sources() -> list[Path]:
    """The modules of both packages, but the writer, and the sandbox, which is a server of its own."""
    found = [*(ROOT / "nightround").rglob("*.py"), *(ROOT / "redcap_sync").rglob("*.py")]
    return [path for path in found if path != WRITER and "sandbox" not in path.parts]


def writers(source: Path) -> Iterator[str]:
    """Each call of a module that may write a file, with its line."""
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and (what := _writes(node)):
            yield f"{source.name}:{node.lineno} {what}"


def _writes(call: ast.Call) -> str:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    owner = getattr(getattr(call.func, "value", None), "id", "")
    if name in WRITING_METHODS or (owner in {"shutil", "tempfile"} and name in WRITING_FUNCTIONS):
        return name
    if name == "open" and any(_writing_mode(one) for one in (*call.args, *(one.value for one in call.keywords))):
        return "open"
    # Parquet and Word files are made in memory: a path would be written next to all this.
    return name if name == "to_parquet" and any(not isinstance(one, ast.Name) for one in call.args) else ""


def _writing_mode(argument: ast.expr) -> bool:
    text = argument.value if isinstance(argument, ast.Constant) else None
    flags = {getattr(node, "attr", "") or getattr(node, "id", "") for node in ast.walk(argument)}
    return bool(flags & FLAGS) or (isinstance(text, str) and len(text) <= 3 and bool(set(text) & set("wax+")))


def test_no_module_writes_a_file_but_the_one_writer() -> None:
    """Whoever adds a file that contains data finds here that there is a writer for it."""
    assert [found for source in sources() for found in writers(source)] == []


@pytest.mark.parametrize(
    "written",
    [
        "p.write_text('x')",
        "open(p, 'w')",
        "p.open('ab')",
        "os.open(a, O_CREAT)",
        "shutil.copytree(a, b)",
        "p.touch()",
    ],
)
def test_a_second_writer_would_be_found(tmp_path: Path, written: str) -> None:
    """Each way to write a file is seen in a source."""
    (tmp_path / "module.py").write_text(written, encoding="utf-8")
    assert len(list(writers(tmp_path / "module.py"))) == 1


def test_a_file_is_private_from_its_first_moment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """0600 before there is a byte in it, whatever the umask, in a folder of 0700."""
    seen: list[int] = []
    synced = os.fsync

    def fsync(descriptor: int) -> None:
        seen.append(stat.S_IMODE(os.fstat(descriptor).st_mode))
        synced(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    before = os.umask(0)
    try:
        path = write_private(tmp_path / "new" / "file", b"x")
    finally:
        os.umask(before)
    assert seen == [0o600, 0o700]
    assert (path.read_bytes(), [one.name for one in path.parent.iterdir()]) == (b"x", ["file"])


def test_what_cannot_be_written_leaves_the_file_of_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error on the way leaves the old content, and no half of the new one next to it."""
    path = write_private(tmp_path / "file", b"old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_private(path, b"new")
    assert (path.read_bytes(), [one.name for one in tmp_path.iterdir()]) == (b"old", ["file"])
