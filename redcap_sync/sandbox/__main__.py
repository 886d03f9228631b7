"""The sandbox alone: `python -m redcap_sync.sandbox --port N --project FILE.xml`."""

from __future__ import annotations

import argparse
import sys
from datetime import datetime
from pathlib import Path
from random import SystemRandom

from redcap_sync.errors import ExplainedError
from redcap_sync.sandbox.installation import Installation
from redcap_sync.sandbox.project import project_from_folder, project_from_xml
from redcap_sync.sandbox.running import LOCAL, listening, server_of


def main(arguments: list[str] | None = None) -> int:
    """Serve until interrupted. Prints `project PATH TOKEN` for each project, then `ready URL`."""
    options = _parser().parse_args(arguments)
    try:
        with listening(options.port) as listener:
            url = f"http://{LOCAL}:{listener.getsockname()[1]}"
            installation = _installation(options, url)
            _say(f"ready {url}")
            server_of(installation).run(sockets=[listener])
    except ExplainedError as wrong:
        sys.stderr.write(f"{wrong}\n")
        return wrong.exit_code
    return 0


def _installation(options: argparse.Namespace, url: str) -> Installation:
    public_url = options.public_url or url
    installation = Installation(random=SystemRandom(), super_token=options.super_token, public_url=public_url)
    for path in options.project:
        load = project_from_folder if path.is_dir() else project_from_xml
        project = load(path, clock=_server_time)
        installation.add(project)
        _say(f"project {path} {installation.token(project)}")
    return installation


def _server_time() -> datetime:
    """Return the time as REDCap keeps it: of the server's place, to the second."""
    return datetime.now().replace(microsecond=0)  # noqa: DTZ005 - REDCap's times are server-local


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m redcap_sync.sandbox", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--project", type=Path, action="append", default=[], help="a project XML or a project folder")
    parser.add_argument("--public-url", help="address in the links that are given out")
    parser.add_argument("--super-token", help="64 characters that may create projects")
    return parser


if __name__ == "__main__":
    sys.exit(main())
