"""A project of the sandbox, and what one can be made from."""

from redcap_sync.sandbox.folder import project_from_folder
from redcap_sync.sandbox.state import OWNER, SandboxProject

__all__ = ["OWNER", "SandboxProject", "project_from_folder"]
