"""The server's side of the state: its projects, the tokens of their users, its version and address."""

from __future__ import annotations

from datetime import datetime
from random import Random

from redcap_sync.project.flat import everything
from redcap_sync.project.rights import User
from redcap_sync.project.state import OWNER, Clock, StoredProject
from redcap_sync.sandbox.rendered import RenderedLines

VERSION = "14.5.0"
TOKEN_LENGTH = 32
SUPER_TOKEN_LENGTH = 64
FIRST_PROJECT_ID = 13


def server_time() -> datetime:
    """Return the time as REDCap keeps it: of the server's place, to the second."""
    return datetime.now().replace(microsecond=0)  # noqa: DTZ005 - REDCap's times are server-local


class Installation:
    """All projects of one sandbox server."""

    def __init__(
        self, *, random: Random, clock: Clock = server_time, super_token: str | None = None, public_url: str = ""
    ) -> None:
        self._random = random
        self.clock = clock
        """The time of projects that are created by a call."""
        self.super_token = super_token
        self.public_url = public_url.rstrip("/")
        """Address in the links the API gives out; the listen address where none is set."""
        self.projects: dict[int, StoredProject] = {}
        self._rendered: dict[int, RenderedLines] = {}
        self._tokens: dict[str, tuple[int, str]] = {}

    def add(self, project: StoredProject) -> None:
        """Take a project in, giving it an id where it has none that is free."""
        wanted = project.project_id
        if not wanted or wanted in self.projects:
            wanted = max([FIRST_PROJECT_ID - 1, *self.projects]) + 1
            project.restructure(settings={**project.structure.settings, "project_id": wanted})
        self.projects[wanted] = project

    def prepare(self) -> None:
        """Render what is there for a full export, which is what most clients ask for first."""
        for project in self.projects.values():
            if len(project.values):
                self.rendered_of(project).lines(everything(project), ",")

    def rendered_of(self, project: StoredProject) -> RenderedLines:
        """Return the remembered lines of a project."""
        return self._rendered.setdefault(project.project_id, RenderedLines())

    def token(self, project: StoredProject, username: str = OWNER) -> str:
        """Return the token of a user of a project, made when first asked for."""
        holder = (project.project_id, username)
        for token, known in self._tokens.items():
            if known == holder:
                return token
        token = "".join(self._random.choices("0123456789ABCDEF", k=TOKEN_LENGTH))
        self._tokens[token] = holder
        return token

    def tokens(self) -> dict[str, tuple[int, str]]:
        """Every token with the project id and the user it stands for."""
        return dict(self._tokens)

    def restore_tokens(self, tokens: dict[str, tuple[int, str]]) -> None:
        """Take over tokens that were kept on disk."""
        self._tokens |= tokens

    def holder(self, token: str) -> tuple[StoredProject, User] | None:
        """Find the project and the user of a token; None for a token that means nothing."""
        project_id, username = self._tokens.get(token, (0, ""))
        project = self.projects.get(project_id)
        user = project.structure.users.get(username) if project else None
        if project is None or user is None or user.expired(project.clock().date()):
            return None
        return project, user
