"""Heavy packages stay where they belong, and are not loaded before they are needed."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted([*(ROOT / "nightround").rglob("*.py"), *(ROOT / "redcap_sync").rglob("*.py")])
ONE_IMPORTER = {
    "redcap": "redcap_sync/api/client.py",
    "great_expectations": "nightround/validation/gx_judge.py",
    "weasyprint": "nightround/report/printing/pdf.py",
    "apscheduler": "nightround/night/scheduler.py",
    "openpyxl": "nightround/findings/worklist_sheet.py",
}


def imported_names(source: Path) -> set[str]:
    """The top-level packages a module imports anywhere in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.split(".")[0])
    return names


@pytest.mark.parametrize(("package", "module"), ONE_IMPORTER.items())
def test_a_heavy_package_has_one_importer(package: str, module: str) -> None:
    """PyCap, Great Expectations, WeasyPrint and APScheduler are each imported in one module."""
    importers = [str(source.relative_to(ROOT)) for source in SOURCES if package in imported_names(source)]
    assert importers == [module]


def test_help_loads_no_heavy_package() -> None:
    """`--help` answers at once because pandas, scipy and the four heavy packages stay unloaded."""
    code = (
        "import sys; from nightround.cli.main import cli;"
        "cli.main(['--help'], standalone_mode=False);"
        "print(sorted(set(sys.modules) & set(sys.argv[1:])))"
    )
    heavy = [*ONE_IMPORTER, "pandas", "numpy", "scipy", "sqlalchemy", "starlette", "pydantic", "requests"]
    done = subprocess.run(
        [sys.executable, "-c", code, *heavy], capture_output=True, text=True, timeout=60, check=True, cwd=ROOT
    )
    assert done.stdout.rstrip().endswith("[]")


def test_functions_and_modules_stay_small() -> None:
    """No function is longer than 60 lines and no module longer than 450."""
    long_modules = [s for s in SOURCES if len(s.read_text(encoding="utf-8").splitlines()) > 450]
    long_functions = [
        f"{source.relative_to(ROOT)}:{node.lineno} {node.name}"
        for source in SOURCES
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef) and (node.end_lineno or 0) - node.lineno >= 60
    ]
    assert (long_modules, long_functions) == ([], [])
