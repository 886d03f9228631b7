"""The sandbox alone: `python -m redcap_sync.sandbox --port N --project FILE.xml`."""

from __future__ import annotations

import argparse
import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from random import SystemRandom
from typing import NamedTuple

from redcap_sync.errors import ExplainedError
from redcap_sync.project.rights import User, every_right
from redcap_sync.project.state import StoredProject
from redcap_sync.sandbox.faults import Faults
from redcap_sync.sandbox.installation import SUPER_TOKEN_LENGTH, Installation, server_time
from redcap_sync.sandbox.project_sources import project_from_folder, project_from_xml
from redcap_sync.sandbox.running import LOCAL, listening, server_of
from redcap_sync.sandbox.storage import Storage

LARGEST_PORT = 65535


def main(arguments: list[str] | None = None) -> int:
    """Serve until interrupted. Prints `project PATH TOKEN`, `user PATH NAME TOKEN` for more users, then `ready URL`."""
    options = _parser().parse_args(arguments)
    try:
        with _listening(options.port) as listener:
            url = f"http://{LOCAL}:{listener.getsockname()[1]}"
            storage = Storage(options.state) if options.state else None
            installation = _installation(options, url, storage)
            faults = Faults() if options.faults else None
            server = server_of(installation, faults, storage)
            _say(f"ready {url}")
            server.run(sockets=[listener])
    except ExplainedError as wrong:
        sys.stderr.write(f"{wrong}\n")
        return wrong.exit_code
    return 0


@contextmanager
def _listening(port: int) -> Iterator[socket.socket]:
    with ExitStack() as stack:
        try:
            listener = stack.enter_context(listening(port))
        except OSError as error:
            _parser().error(f"port {port} of {LOCAL} cannot be listened on: {error.strerror}")
        yield listener


def _installation(options: argparse.Namespace, url: str, storage: Storage | None) -> Installation:
    public_url = options.public_url or url
    installation = Installation(random=SystemRandom(), super_token=options.super_token, public_url=public_url)
    projects: dict[Path, StoredProject] = {}
    for path in options.project:
        projects[path] = _loaded(path, calculated=options.calculated)
        if options.data_quality_module:
            projects[path].restructure(data_resolution_workflow=True, data_quality_module=options.data_quality_module)
        installation.add(projects[path])
    if storage is not None:
        storage.restore(installation)
    for path, project in projects.items():
        for wanted in options.user:
            _add_user(path, project, wanted)
    installation.prepare()
    for path, project in projects.items():
        _say(f"project {path} {installation.token(project)}")
        for wanted in options.user:
            _say(f"user {path} {wanted.name} {installation.token(project, wanted.name)}")
    return installation


def _loaded(path: Path, *, calculated: bool) -> StoredProject:
    if path.is_dir():
        return project_from_folder(path, clock=server_time)
    return project_from_xml(path, clock=server_time, calculated=calculated)


class _WantedUser(NamedTuple):
    name: str
    group: str
    role: str


def _user(written: str) -> _WantedUser:
    """Read `NAME`, `NAME,group=UNIQUE_NAME`, `NAME,role=TITLE`, or both."""
    name, *more = (part.strip() for part in written.split(","))
    pairs = [part.partition("=") for part in more]
    if not name or any(key not in ("group", "role") or not value for key, _, value in pairs):
        raise argparse.ArgumentTypeError(f"a user is NAME, NAME,group=GROUP, NAME,role=ROLE or both, not {written}")
    found = {key: value for key, _, value in pairs}
    return _WantedUser(name, found.get("group", ""), found.get("role", ""))


def _add_user(path: Path, project: StoredProject, wanted: _WantedUser) -> None:
    """Add a user with every right, or with those of a role; one that is there keeps what is not named."""
    users, roles = project.structure.users, project.structure.roles
    role = next((role for role in roles if wanted.role in (role.label, role.unique_name)), None)
    if wanted.group and project.group(wanted.group) is None:
        _parser().error(f"{path} has no data access group {wanted.group}")
    if wanted.role and role is None:
        _parser().error(f"{path} has no role {wanted.role}")
    user = users.get(wanted.name) or User(wanted.name, every_right())
    user.group = wanted.group or user.group
    user.role = role.unique_name if wanted.role and role else user.role
    project.restructure(users={**users, wanted.name: user})


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _port(written: str) -> int:
    if not written.isdecimal() or int(written) > LARGEST_PORT:
        raise argparse.ArgumentTypeError(f"a port is a number from 0 to {LARGEST_PORT}")
    return int(written)


def _super_token(written: str) -> str:
    if len(written) != SUPER_TOKEN_LENGTH:
        raise argparse.ArgumentTypeError(f"a super token has {SUPER_TOKEN_LENGTH} characters, this one {len(written)}")
    return written


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m redcap_sync.sandbox", description=__doc__)
    parser.add_argument("--port", type=_port, default=0, help="port on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--project", type=Path, action="append", default=[], help="a project XML or a project folder")
    parser.add_argument(
        "--user",
        type=_user,
        action="append",
        default=[],
        metavar="NAME[,group=GROUP][,role=ROLE]",
        help="one more user of each project, who has every right or those of a role; the token is printed",
    )
    parser.add_argument("--calculated", action="store_true", help="keep the calculated values a project XML stores")
    parser.add_argument(
        "--data-quality-module",
        metavar="PREFIX",
        help="let each project have the Data Resolution Workflow, and the Data Quality API module under this prefix",
    )
    parser.add_argument("--public-url", help="address in the links that are given out")
    parser.add_argument("--super-token", type=_super_token, help="64 characters that may create projects")
    parser.add_argument("--state", type=Path, help="a SQLite file that the state is kept in")
    parser.add_argument("--faults", action="store_true", help="let requests ask for faults (POST /faults)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
