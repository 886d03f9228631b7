"""A data folder that no file system makes: a sentence and an exit code, no traceback."""

from __future__ import annotations

import pytest

from nightround.cli.main import main


@pytest.mark.parametrize("command", ["check", "report"])
@pytest.mark.parametrize("folder", ["/proc/nightround", "/dev/null/nightround", f"/tmp/{'n' * 300}"])  # noqa: S108 - is never made
def test_a_folder_that_cannot_be_made_is_a_mistake_of_a_user(
    command: str, folder: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """/proc says that it is not there, /dev/null that it is a file, and a name may be too long: 10, with what to do."""
    monkeypatch.setenv("REDCAP_URL", "http://127.0.0.1:1/api/")
    monkeypatch.setenv("REDCAP_TOKEN", "A" * 32)
    with pytest.raises(SystemExit) as ended:
        main([command, "venous_occlusion", "--data", folder])
    said = capsys.readouterr().err
    assert ended.value.code == 10, said
    assert "Traceback" not in said
    assert "--data" in said
