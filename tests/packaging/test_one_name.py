"""One name for one thing: each class and each file name of the two packages is there once."""

import ast
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
CLASSES: dict[str, str] = {}
"""Class names that may be defined twice, with the reason."""
FILES = {
    "demo.py": "a command and what it runs",
    "pull.py": "a command and what it runs",
    "try_project.py": "a command and what it runs",
    "dictionary.py": "the sandbox has one file for each content of REDCap's API",
    "events.py": "the sandbox has one file for each content of REDCap's API",
    "pdf.py": "the sandbox has one file for each content of REDCap's API",
    "errors.py": "both packages have an error tree, the upper one grown on the lower",
    "labels.py": "labels in two languages: of a study's own texts, and in the words of REDCap's logic",
    "language.py": "the language of a reader, and the logic language",
    "tables.py": "tables of the report's statistics, and the tables that an export is sorted into",
}
"""File names that may be there twice, with the reason."""


def sources() -> list[Path]:
    """Every source file of the two packages."""
    return [path for package in ("nightround", "redcap_sync") for path in sorted((ROOT / package).rglob("*.py"))]


def classes(path: Path) -> Iterator[str]:
    """The classes that a file defines, those inside of others too."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return (node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef))


def twice(pairs: Iterable[tuple[str, Path]]) -> dict[str, list[str]]:
    """Names that are there more than once, with their files."""
    found: dict[str, list[str]] = defaultdict(list)
    for name, path in pairs:
        found[name].append(str(path.relative_to(ROOT)))
    return {name: where for name, where in sorted(found.items()) if len(where) > 1}


def test_each_class_name_is_defined_once() -> None:
    """A name that means two things is read twice; what is allowed has a reason and is still there."""
    found = twice((name, path) for path in sources() for name in classes(path))
    assert found.keys() == CLASSES.keys(), found


def test_each_file_name_is_there_once() -> None:
    """A file is found by its name alone; what is allowed has a reason and is still there."""
    found = twice((path.name, path) for path in sources() if not path.stem.startswith("__"))
    assert found.keys() == FILES.keys(), found
