"""How fast the pull is: 10,000 records of 300 fields over HTTP, next to the bare download and next to PyCap.

    python -m benchmarks.pull [--rounds 5]

All are measured in turns against one server in a process of its own, so that a slow moment of the
machine hits each of them, and a night lies between them; medians and ratios are printed. A ratio that
is missed by more than a tenth ends the benchmark with exit code 1. What is compared with the pull has
a process of its own too, as a night has, because what another left behind in memory would be paid for
by the next. Peak memory is measured in a fresh process each, as the growth of its largest resident size
by the pull, after a small project was pulled.
How fast the sandbox itself serves everything as CSV is compared with reading those bytes with pandas: the very
first call to a fresh sandbox, which rendered its records as it started, a call again, and one for columns that
nobody asked for before, whose lines are all rendered while the caller waits.
A sandbox answers from memory; a server reads its database. So a pull and PyCap's one call are once timed also
with a pause before each answer: a millisecond for each record of 300 fields.
"""

from __future__ import annotations

import argparse
import io
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from statistics import median
from typing import IO, Any, NamedTuple, cast

import pandas as pd
import redcap
import requests

from benchmarks.aims import Aim, check
from benchmarks.pull_project import FIELDS, INSTRUMENTS
from nightround.snapshots.snapshot_store import SnapshotStore
from redcap_sync.api.client import RedcapClient
from redcap_sync.api.token import Token
from redcap_sync.pulling.pull import pull_project
from redcap_sync.pulling.pulled import Pull
from redcap_sync.sandbox.server import FAULT_HEADER

RECORDS, BATCH, PROBED, WORKERS = 10_000, 100, 10, 2
SECONDS_A_RECORD = 0.001
NIGHT = datetime(2025, 3, 6, tzinfo=UTC)


class Served(NamedTuple):
    """A server in its own process: its address, the project's token, that of a small one, and a way to edit records."""

    url: str
    token: str
    small: str
    edit: Callable[[int], None]


@contextmanager
def server() -> Iterator[Served]:
    """Start the server; it stops at the end."""
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.pull_project"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    talk = cast("IO[str]", process.stdin), cast("IO[str]", process.stdout)

    def edit(count: int) -> None:
        talk[0].write(f"{count}\n")
        talk[0].flush()
        talk[1].readline()

    try:
        yield Served(*talk[1].readline().split(), edit)
    finally:
        talk[0].write("\n")
        talk[0].close()
        process.wait(20)


def client(url: str, token: str) -> RedcapClient:
    """A client without a budget: the server is ours."""
    return RedcapClient(url, Token(token), sleep=time.sleep)


def requests_of_a_pull(url: str, token: str) -> list[dict[str, Any]]:
    """The forms that one full pull posts, in their order."""
    posted: list[dict[str, Any]] = []
    noting = client(url, token)
    post = noting.session.post

    def note(address: str, data: dict[str, Any], **more: Any) -> requests.Response:
        posted.append(dict(data))
        return post(address, data=data, **more)

    noting.session.post = note  # type: ignore[method-assign]
    pull_project(noting)
    return posted


def bare(url: str, posted: list[dict[str, Any]]) -> list[int]:
    """Post the same forms, batches with as many threads as the pull, and look at nothing; returns the bytes of each."""
    session = requests.Session()

    def one(form: dict[str, Any]) -> int:
        return len(session.post(url, data=form, timeout=60).content)

    batches = [form for form in posted if f"records[{PROBED}]" in form]
    alone = [one(form) for form in posted if f"records[{PROBED}]" not in form]
    with ThreadPoolExecutor(WORKERS) as threads:
        return [*alone, *threads.map(one, batches)]


def everything(url: str, token: str) -> bytes:
    """Export all as CSV in one call, and look at nothing."""
    form = {"token": token, "content": "record", "format": "csv", "type": "flat"}
    return requests.post(url, data=form, timeout=60).content


def two_nights(folder: Path) -> tuple[dict[str, float], Pull]:
    """The seconds of a fresh server's first call, and of what follows a night: a day of edits, and an increment.

    A fresh server, because its log contains what a real one has of the day before: one pull, and what people did.
    """
    with server() as (url, token, _, edit):
        first_export, _ = timed(partial(everything, url, token))
        whole = pull_project(client(url, token))
        store = SnapshotStore(folder)
        save_full, _ = timed(partial(store.save, "b", whole, NIGHT))
        edit(RECORDS // 100)
        pulling, step = timed(lambda: pull_project(client(url, token), base=whole))
        if step.summary.kind != "incremental" or step.id != pull_project(client(url, token)).id:
            raise SystemExit("the increment is not what a full pull gives")
        save_step, _ = timed(partial(store.save, "b", step, NIGHT))
    seconds = {
        "sandbox, first export": first_export,
        "save full": save_full,
        "incremental pull": pulling,
        "save incremental": save_step,
    }
    return seconds, step


def other_columns(url: str, token: str, left_out: int) -> bytes:
    """Export all but one field as CSV, and look at nothing."""
    names = ["record_id", *(f"field_{n:03d}" for n in range(1, FIELDS) if n != left_out)]
    names += [f"form_{n}_complete" for n in range(INSTRUMENTS)]
    fields = {f"fields[{n}]": name for n, name in enumerate(names)}
    form = {"token": token, "content": "record", "format": "csv", "type": "flat", **fields}
    return requests.post(url, data=form, timeout=60).content


def pycap_at_once(url: str, token: str) -> Any:
    """PyCap's own export of everything in one call, as a data frame."""
    return redcap.Project(url, token).export_records(format_type="df")


def from_a_database(url: str, token: str) -> dict[str, float]:
    """Seconds where a server takes time for each record it reads, in as many processes as it is asked by at once."""
    pulling = client(url, token)
    with pausing(pulling.session), pausing(redcap.request._session):  # noqa: SLF001 - the one session that PyCap has
        pulled, _ = timed(partial(pull_project, pulling))
        at_once, _ = timed(partial(pycap_at_once, url, token))
    return {"full pull, from a database": pulled, "PyCap df, from a database": at_once}


@contextmanager
def pausing(session: requests.Session) -> Iterator[None]:
    """Let a session ask the server to pause before each answer about records, as long as their cells would take."""
    post = session.post

    def slow(address: str, data: Any = None, **more: Any) -> requests.Response:
        records = sum(name.startswith("records[") for name in data) or RECORDS
        share = 1 if "forms[0]" in data or "fields[1]" in data else 1 / FIELDS
        pause = records * share * SECONDS_A_RECORD if data["content"] == "record" else 0
        return post(address, data=data, headers={FAULT_HEADER: f"slow;{pause}"}, **more)

    session.post = slow  # type: ignore[method-assign, assignment]
    try:
        yield
    finally:
        session.post = post  # type: ignore[method-assign]


def pycap_in_batches(url: str, token: str) -> Any:
    """The same in the batches that a server with little memory needs."""
    project = redcap.Project(url, token)
    starts = range(1, RECORDS + 1, BATCH)
    names = [[str(n) for n in range(start, start + BATCH)] for start in starts]
    return pd.concat([project.export_records(format_type="df", records=one) for one in names])


def timed(call: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds, and what came."""
    began = time.perf_counter()
    result = call()
    return time.perf_counter() - began, result


Prepare = Callable[[], Callable[[], Any]]
"""Makes ready what is not timed, and returns what is."""


def candidates(url: str, token: str) -> dict[str, Prepare]:
    """What is compared with the full pull, and the pull itself."""
    return {
        "bare download": lambda: partial(bare, url, requests_of_a_pull(url, token)),
        "full pull": lambda: lambda: pull_project(client(url, token)).told.requests,
        "PyCap df, one call": lambda: partial(pycap_at_once, url, token),
        "PyCap df, batches": lambda: partial(pycap_in_batches, url, token),
    }


def work(name: str, url: str, token: str) -> None:
    """Run a candidate for each line of stdin, and print its seconds and what can be counted of its result."""
    for _ in sys.stdin:
        seconds, result = timed(candidates(url, token)[name]())
        print(json.dumps([seconds, result if isinstance(result, (int, list)) else None]), flush=True)
        del result  # a night does not contain what another night pulled


@contextmanager
def in_processes(url: str, token: str) -> Iterator[dict[str, Callable[[], tuple[float, Any]]]]:
    """Each candidate in a process of its own, ready to run once more."""
    started = {
        name: subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-m", "benchmarks.pull", "--work", name, url, token],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in candidates(url, token)
    }

    def run(process: subprocess.Popen[str]) -> tuple[float, Any]:
        talk = cast("IO[str]", process.stdin), cast("IO[str]", process.stdout)
        talk[0].write("once more\n")
        talk[0].flush()
        seconds, counted = json.loads(talk[1].readline())
        return seconds, counted

    try:
        yield {name: partial(run, process) for name, process in started.items()}
    finally:
        for process in started.values():
            process.communicate(timeout=60)


def measure(rounds: int) -> tuple[dict[str, Any], list[Aim]]:
    """Measure everything in turns."""
    seconds: dict[str, list[float]] = {}
    figures: dict[str, Any] = {}
    with (
        server() as (url, token, small, edit),
        in_processes(url, token) as processes,
        tempfile.TemporaryDirectory() as folder,
    ):
        body = everything(url, token)
        here: dict[str, Callable[[], Any]] = {
            "sandbox, export again": lambda: everything(url, token),
            "pandas reads it": lambda: pd.read_csv(io.BytesIO(body)),
            "pandas reads it as text": lambda: pd.read_csv(io.BytesIO(body), dtype=str),
        }
        for turn in range(rounds):
            for name, run in processes.items():
                edit(
                    0
                )  # a night later, so that the log of the last hours contains what one night left, as a real one does
                spent, figures[name] = run()
                seconds.setdefault(name, []).append(spent)
            for name, step in here.items():
                seconds.setdefault(name, []).append(timed(step)[0])
            spent, _ = timed(partial(other_columns, url, token, turn + 1))
            seconds.setdefault("sandbox, other columns", []).append(spent)
            of_nights, increment = two_nights(Path(folder) / f"snapshots-{turn}")
            for name, spent in of_nights.items():
                seconds.setdefault(name, []).append(spent)
        seconds |= {name: [spent] for name, spent in from_a_database(url, token).items()}
        peaks = {kind: peak(kind, url, token, small) for kind in ("pull", "pycap")}
    return report(seconds, figures, increment, peaks)


def report(
    seconds: dict[str, list[float]], figures: dict[str, Any], step: Pull, peaks: dict[str, Any]
) -> tuple[dict[str, Any], list[Aim]]:
    """Medians, and the ratios that are aimed at."""
    middle = {name: median(values) for name, values in seconds.items()}
    batch = max(figures["bare download"]) / 1e6
    allowed = peaks["pull"]["frame, MB"] + 3 * batch

    def ratio(ours: str, theirs: str) -> float:
        return middle[ours] / middle[theirs]

    aims = [
        Aim("full pull / bare download", 1.5, ratio("full pull", "bare download")),
        Aim(
            "full pull / PyCap df, one call, from a database",
            1,
            ratio("full pull, from a database", "PyCap df, from a database"),
        ),
        Aim("full pull / PyCap df, batches", 1, ratio("full pull", "PyCap df, batches")),
        Aim("incremental / full, time", 0.1, ratio("incremental pull", "full pull")),
        Aim("incremental / full, requests", 0.05, step.summary.requests / figures["full pull"]),
        Aim("peak memory / (frame + 3 x one batch)", 1, peaks["pull"]["peak growth, MB"] / allowed),
        Aim("sandbox, export again / pandas reads it", 1, ratio("sandbox, export again", "pandas reads it")),
        Aim(
            "sandbox, first export / pandas reads it as text",
            1,
            ratio("sandbox, first export", "pandas reads it as text"),
        ),
        Aim(
            "sandbox, other columns / pandas reads it as text",
            1,
            ratio("sandbox, other columns", "pandas reads it as text"),
        ),
    ]
    document = {
        "seconds": {name: round(value, 3) for name, value in middle.items()},
        "full pull / PyCap df, one call": round(ratio("full pull", "PyCap df, one call"), 3),
        "requests": {"full": figures["full pull"], "incremental": step.summary.requests},
        "MB downloaded": round(sum(figures["bare download"]) / 1e6, 1),
        "MB of the largest batch": round(batch, 2),
        "memory": peaks,
    }
    return document, aims


def frame_bytes(pull: Pull) -> int:
    """The size of what a pull leaves: the text and the typed columns of all tables."""
    frames = [part for table in pull.tables.values() for part in (table.keys, table.text, table.typed)]
    return int(sum(frame.memory_usage(deep=True).sum() for frame in [*frames, pull.rows]))


def peak(kind: str, url: str, token: str, small: str) -> Any:
    """Run one pull in a fresh process, and return what it says of its memory."""
    done = subprocess.run(  # noqa: S603 - our own module
        [sys.executable, "-m", "benchmarks.pull", "--peak", kind, url, token, small],
        check=True,
        capture_output=True,
        text=True,
    )
    return json.loads(done.stdout)


def memory(name: str) -> int:
    """A line of what Linux says of this process's memory, in bytes."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name)) * 1024


def say_peak(kind: str, url: str, token: str, small: str) -> None:
    """Print the growth of the largest resident size, in a process that has pulled a small project like it."""
    pull = (lambda one: pull_project(client(url, one))) if kind == "pull" else (lambda one: pycap_at_once(url, one))
    pull(small)
    before = memory("VmHWM")
    result = pull(token)
    grown = memory("VmHWM") - before
    size = frame_bytes(result) if kind == "pull" else int(result.memory_usage(deep=True).sum())
    print(json.dumps({"peak growth, MB": round(grown / 1e6, 1), "frame, MB": round(size / 1e6, 1)}))


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--work", nargs=3, metavar=("NAME", "URL", "TOKEN"), help=argparse.SUPPRESS)
    parser.add_argument("--peak", nargs=4, metavar=("KIND", "URL", "TOKEN", "SMALL"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.work:
        work(*asked.work)
    elif asked.peak:
        say_peak(*asked.peak)
    else:
        document, aims = measure(asked.rounds)
        print(json.dumps(document, indent=1))
        check(aims)


if __name__ == "__main__":
    main()
