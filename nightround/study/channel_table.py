"""`[[channels]]` of study.toml: the ways by which messages go out."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from nightround.study.study_model import StudyModel, WholeNumber, wrong_value
from nightround.study.text_checks import EnvironmentName, Id, Line, MailAddress, SenderAddress

ChannelKind = Literal["outbox", "smtp", "wecom", "dingtalk", "feishu", "slack", "teams", "ntfy", "apprise"]
MAIL_KEYS = ("host", "port", "security", "sender", "reply_to", "bounce", "user_env")
PASSWORDS = ("password_env", "password_file", "password_keyring")
OWN_MACHINE = frozenset({"localhost", "127.0.0.1", "::1"})


class ChannelTable(StudyModel):
    """`[[channels]]`: a way by which messages go out. Neither a password nor the address of a webhook is here."""

    id: Id
    """The name by which people choose it."""
    kind: ChannelKind = "outbox"
    """How it sends. `outbox` writes files and sends nothing."""
    host: Line = ""
    """The mail server, of `smtp`."""
    port: WholeNumber | None = Field(default=None, ge=1, le=65_535)
    """Unless given: 25, 587 with STARTTLS, 465 with TLS."""
    security: Literal["none", "starttls", "tls"] = "starttls"
    """How the connection to the mail server is protected."""
    sender: SenderAddress | Literal[""] = ""
    """The address that mails come from."""
    reply_to: MailAddress | Literal[""] = ""
    """The address that answers go to; the sender's unless given."""
    bounce: MailAddress | Literal[""] = ""
    """Where a server sends back what it cannot deliver; the sender's address unless given."""
    user_env: EnvironmentName | Literal[""] = ""
    """The variable with the user name, where the server asks for one."""
    password_env: EnvironmentName | Literal[""] = Field(default="", examples=["MAIL_PASSWORD"])
    """The variable with the password."""
    password_file: Path | None = None
    """The file with the password."""
    password_keyring: Line = Field(default="", examples=["nightround"])
    """The service under whose name the password lies in the system's keyring; the user there is the mail user."""
    url_env: EnvironmentName | Literal[""] = ""
    """The variable with the address of a webhook, which is a secret."""

    @model_validator(mode="after")
    def _keys_fit_the_kind(self) -> Self:
        """A key that this kind does not read is a mistake, and so is one that is missing."""
        fields = type(self).model_fields
        for key in (*MAIL_KEYS, *PASSWORDS) if self.kind != "smtp" else ("url_env",):
            if getattr(self, key) != fields[key].default:
                raise wrong_value("channel_key", key=key, kind=self.kind)
        needed = {"outbox": (), "smtp": ("host", "sender")}.get(self.kind, ("url_env",))
        for key in needed:
            if not getattr(self, key):
                raise wrong_value("channel_needs", key=key, kind=self.kind)
        self._require_one_password()
        return self

    def _require_one_password(self) -> None:
        passwords = [name for name in PASSWORDS if getattr(self, name)]
        if len(passwords) > 1 or bool(passwords) != bool(self.user_env):
            raise wrong_value("channel_login", passwords=", ".join(PASSWORDS))
        if passwords and self.security == "none" and self.host not in OWN_MACHINE:
            raise wrong_value("channel_plain")
