"""The processes of the kill drill, each of which does one job of the small study and is killed, and their study."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.small_study import FOLDER, PLAN, SmallStudy

ROOT = Path(__file__).parents[1]
CHILDREN = """
import json, os, signal, sys, time
from datetime import datetime
from pathlib import Path
import alembic.command, great_expectations, redcap, scipy.stats, sqlalchemy.dialects.sqlite
from nightround.night.run_job import open_night, run_job
from nightround.store.database import open_store
from nightround.study.folder import find_content
from nightround.validation import gx_judge
from redcap_sync.errors import ExplainedError
import nightround.report.forget_in_reports, nightround.report.making

def opened(job, told):
    hour = datetime.fromisoformat(told["hour"])
    return open_night(
        told["study"], data=Path(told["data"]), job=job, content=find_content({}), environ=os.environ,
        clock=lambda: hour, sleep=lambda _: None,
    )

def night(told):
    with opened("nightly", told) as one:
        return run_job(one, "nightly").complete

def forget(told):
    with opened("forget", told) as one:
        run_job(one, "forget", lambda it: it.forget(told["record"], by="drill", though_in_redcap=False))
    return True

def report(told):
    def steps(it):
        last = it.last_snapshot()
        it.report(last, it.validate(last))

    with opened("report", told) as one:
        run_job(one, "report", steps)
    return True

def migrate(told):
    open_store(Path(told["data"]) / "nightround.sqlite3").close()
    return True

def killed_at_rename(number):
    replace, left = os.replace, [number]
    def counted(*paths, **more):
        left[0] -= 1
        if left[0] < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return replace(*paths, **more)
    os.replace = counted

def work(told):
    if told["rename"] is not None:
        killed_at_rename(told["rename"])
    try:
        said, code = {"complete": globals()[told["job"]](told)}, 0
    except ExplainedError as error:
        said, code = {"error": error.code}, error.exit_code
    except BaseException as error:
        said, code = {"error": type(error).__name__}, 1
    Path(told["answer"]).write_text(json.dumps(said))
    os._exit(code)

print("ready", flush=True)
for line in sys.stdin:
    told = json.loads(line)
    begun = time.monotonic()
    child = os.fork()
    if child == 0:
        work(told)
    ended = 0
    while not ended:
        time.sleep(0.0005)
        if time.monotonic() - begun > told["seconds"]:
            os.kill(child, signal.SIGKILL)
        ended, status = os.waitpid(child, os.WNOHANG)
    print(os.waitstatus_to_exitcode(status), time.monotonic() - begun, flush=True)
"""
"""Imports once, then does each job that it reads in a process of its own, which it kills after so many seconds, or
which ends itself before a file gets its name."""


def drill_folder(folder: Path) -> Path:
    """The small study with a plan, and a report on Mondays."""
    shutil.copytree(FOLDER, folder)
    settings = (folder / "study.toml").read_text(encoding="utf-8")
    (folder / "study.toml").write_text(settings.replace("weekdays = []", 'weekdays = ["mon"]'), encoding="utf-8")
    (folder / "plan.toml").write_text(PLAN, encoding="utf-8")
    return folder


@contextmanager
def children(study: SmallStudy) -> Iterator[subprocess.Popen[str]]:
    """The process that makes the drill's children."""
    with subprocess.Popen(
        (sys.executable, "-c", CHILDREN),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=ROOT,
        env={**os.environ, **study.environ, "PYTHONPATH": str(ROOT)},
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        try:
            yield process
        finally:
            process.stdin.close()
