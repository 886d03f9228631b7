"""user, dag: who works in a project."""

from __future__ import annotations

from typing import Any

from redcap_sync.sandbox.call import Call
from redcap_sync.sandbox.rendering import Answer, rows_answer
from redcap_sync.sandbox.rights import User
from redcap_sync.sandbox.state import SandboxProject

GROUP_KEYS = ("data_access_group_name", "unique_group_name", "data_access_group_id")


def export_users(call: Call) -> Answer:
    """Every user with rights, those of the role where the user has one."""
    call.require("api_export")
    call.log("manage", "Manage/Design", details="Export users (API)")
    rows = [_user_row(call.project, user) for user in call.project.structure.users.values()]
    return rows_answer(rows, call.parameters.format, root="users")


def export_groups(call: Call) -> Answer:
    """The data access groups."""
    call.require("api_export")
    call.log("manage", "Manage/Design", details="Export DAGs (API)")
    groups = call.project.structure.groups
    rows = [dict(zip(GROUP_KEYS, (g.name, g.unique_name, g.group_id), strict=True)) for g in groups]
    return rows_answer(rows, call.parameters.format, columns=GROUP_KEYS, root="dags")


def _user_row(project: SandboxProject, user: User) -> dict[str, Any]:
    roles = {role.unique_name: role for role in project.structure.roles}
    rights = roles[user.role].rights if user.role in roles else user.rights
    group = project.group(user.group)
    return {
        "username": user.username,
        "email": user.email,
        "firstname": user.firstname,
        "lastname": user.lastname,
        "expiration": user.expiration,
        "data_access_group": user.group,
        "data_access_group_id": group.group_id if group else "",
        **rights.row(project.instrument_names),
    }


HANDLERS = {"user": export_users, "dag": export_groups}
