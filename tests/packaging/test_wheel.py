"""The wheel works alone: built, installed and used from an empty folder, far from the checkout."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel with what is installed, without fetching anything."""
    out = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(ROOT)],
        check=True,
        capture_output=True,
        timeout=300,
    )
    return next(out.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Unpack the wheel as an installer would, into a folder of its own."""
    site = tmp_path_factory.mktemp("site")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    return site


def run(installed: Path, cwd: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run the command of the unpacked wheel, with the checkout out of reach."""
    code = "import sys; from nightround.cli.main import main; main(sys.argv[1:])"
    return subprocess.run(
        [sys.executable, "-P", "-c", code, *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(installed), **environ},
    )


def test_only_the_two_names_become_importable(installed: Path) -> None:
    """Nothing generic (jobs, tests, expectations) lands among the installed packages."""
    names = {path.name for path in installed.iterdir() if not path.name.endswith(".dist-info")}
    assert names == {"nightround", "redcap_sync"}


def test_help_works_from_an_empty_folder(installed: Path, tmp_path: Path) -> None:
    """`nightround --help` answers without the checkout."""
    done = run(installed, tmp_path, "--help")
    assert done.returncode == 0, done.stderr
    assert "ward round" in done.stdout


def test_the_content_travels_inside(installed: Path, tmp_path: Path) -> None:
    """The shipped study, its templates, fonts and jobs are found in the wheel and its rules listed."""
    done = run(installed, tmp_path, "rules", "venous_occlusion")
    assert done.returncode == 0, done.stderr
    assert "range:" in done.stdout
    content = installed / "nightround" / "_content"
    assert (content / "jobs" / "nightly.py").is_file()
    assert list((content / "report_templates" / "fonts").glob("*.ttf"))
    assert list((content / "report_templates" / "fonts" / "licences").iterdir())


def test_a_user_mistake_shows_no_traceback(installed: Path, tmp_path: Path) -> None:
    """An unknown study ends in exit code 10 with the known ones named."""
    done = run(installed, tmp_path, "rules", "no_such_study")
    assert done.returncode == 10
    assert "venous_occlusion" in done.stderr
    assert "Traceback" not in done.stderr
