"""What the documents say is what the code does."""

import importlib
import pkgutil
import re
import shlex
from pathlib import Path

import click
import pytest

import nightround
import redcap_sync
from nightround.cli.main import cli
from redcap_sync.errors import ExplainedError

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
EXIT_CODES = (ROOT / "docs" / "exit-codes.md").read_text(encoding="utf-8")
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def shell_lines(document: str) -> list[str]:
    """Every command of the document's shell blocks."""
    blocks = re.findall(r"```sh\n(.*?)```", document, flags=re.DOTALL)
    return [line.strip() for block in blocks for line in block.splitlines() if line.strip()]


def all_classes(base: type[ExplainedError]) -> set[type[ExplainedError]]:
    """A class and every class below it."""
    return {base}.union(*(all_classes(below) for below in base.__subclasses__()))


def nightround_lines() -> list[str]:
    """Every call of nightround in the shell blocks of all documents, each once."""
    lines = [line for document in DOCUMENTS for line in shell_lines(document.read_text(encoding="utf-8"))]
    called = [line for line in lines if "RUN_FOLDER" not in line and re.search(r"(^|/)nightround [a-z]", line)]
    return list(dict.fromkeys(called))


@pytest.mark.parametrize("line", nightround_lines())
def test_every_nightround_command_of_a_document_exists(line: str) -> None:
    """A command that a document shows is known to the command line, with the options it is shown with."""
    words = shlex.split(line.split("nightround ", 1)[1])
    command: click.Command = cli
    while isinstance(command, click.Group):
        _, found, words = command.resolve_command(click.Context(command), words)
        assert found is not None
        command = found
    options = {name for parameter in command.params for name in parameter.opts}
    assert {word for word in words if word.startswith("--")} <= options


@pytest.mark.parametrize("line", [line for line in shell_lines(README) if line.startswith("make ")])
def test_every_make_target_of_the_readme_exists(line: str) -> None:
    """A make target the README shows is in the Makefile."""
    target = shlex.split(line)[1]
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_and_picture_of_a_document_is_there(document: Path) -> None:
    """A relative link leads to a file of the repository."""
    targets = re.findall(r"\]\((?!https?:|#)([^)#]+)", document.read_text(encoding="utf-8"))
    assert [target for target in targets if not (document.parent / target).exists()] == []


@pytest.mark.parametrize(
    "path", sorted(set(re.findall(r"`((?:[\w.-]+/)+[\w.<>-]*)`", README + (ROOT / "CONTRIBUTING.md").read_text())))
)
def test_every_path_that_is_named_is_there(path: str) -> None:
    """A folder or file that README or CONTRIBUTING names exists; <study> stands for any."""
    assert list(ROOT.glob(path.replace("<study>", "*").rstrip("/")))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_test_that_a_document_names_is_there(document: Path) -> None:
    """`tests/<file>.py::<test>` is a test of that file, and `tests/<file>.py` a file."""
    named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", document.read_text(encoding="utf-8"))
    lost = [
        (file, name)
        for file, name in named
        if not (ROOT / file).is_file() or (name and f"\ndef {name}(" not in (ROOT / file).read_text(encoding="utf-8"))
    ]
    assert lost == []


def test_every_error_class_stands_beside_its_exit_code() -> None:
    """Each error a user can meet is in the table of exit codes, in the line of its own code."""
    for package in (nightround, redcap_sync):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.endswith("__main__") and ".migrations." not in module.name:
                importlib.import_module(module.name)
    for one in all_classes(ExplainedError) - {ExplainedError}:
        line = next((line for line in EXIT_CODES.splitlines() if f"`{one.__name__}`" in line), "")
        assert line.startswith(f"| {one.exit_code} |"), one.__name__


def test_the_python_version_of_the_readme_is_that_of_the_package() -> None:
    """README and pyproject.toml ask for the same Python."""
    asked = re.search(r"requires-python = \">=([\d.]+)\"", (ROOT / "pyproject.toml").read_text())
    assert asked is not None
    assert f"Python {asked[1]} or newer" in README


@pytest.mark.parametrize("name", sorted(cli.commands))
def test_every_command_explains_itself(name: str) -> None:
    """Each command has a sentence of help, and so has each of its options."""
    command = cli.commands[name]
    assert command.help
    assert all(getattr(option, "help", None) for option in command.params if isinstance(option, click.Option))
