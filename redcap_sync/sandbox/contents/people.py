"""user, userRole, userRoleMapping: who works in a project, and with which rights."""

from __future__ import annotations

import string
from collections.abc import Mapping
from random import Random
from typing import Any

from redcap_sync.project.rights import RANDOMIZATION_RIGHTS, Rights, Role, User
from redcap_sync.project.state import StoredProject
from redcap_sync.sandbox.call import ApiCall
from redcap_sync.sandbox.call_error import ApiError, not_valid, values_not_valid
from redcap_sync.sandbox.contents.actions import by_action, named
from redcap_sync.sandbox.rendering import Answer, count_answer, rows_answer
from redcap_sync.sandbox.rights_in import changed_rights
from redcap_sync.sandbox.rows_in import cell_text, imported_rows

ROLE_NAME_LENGTH = 10
LAST_OF_A_ROLE = (
    *("lock_records_customization", "lock_records", "lock_records_all_forms"),
    *(*RANDOMIZATION_RIGHTS, "forms", "forms_export", "data_quality_resolution"),
)
ROLE_MAPPING_KEYS = ("username", "unique_role_name", "data_access_group")


def export_users(call: ApiCall) -> Answer:
    """Every user with rights, those of the role where the user has one."""
    call.require("api_export")
    call.log("manage", "Manage/Design", details="Export users (API)")
    rows = [_user_row(call.project, user) for user in call.project.structure.users.values()]
    columns = tuple(_user_row(call.project, User("", Rights())))
    return rows_answer(rows, call.parameters.format, columns=columns, root="users")


def import_users(call: ApiCall) -> Answer:
    """Add users or change them; rights that are not named keep what they are, or are none for a new user."""
    call.require("api_import", "user_rights")
    rows = imported_rows(call.parameters)
    users = dict(call.project.structure.users)
    for row in rows:
        name = cell_text(row.get("username"))
        if not name:
            raise not_valid("username")
        users[name] = _changed_user(call.project, users.get(name) or User(name, Rights()), row)
    call.project.restructure(users=users)
    for row in rows:
        call.log("user", f"Add user {row['username']}", details=f"user = '{row['username']}'")
    return count_answer(len(rows))


def _changed_user(project: StoredProject, user: User, row: Mapping[str, Any]) -> User:
    group = cell_text(row.get("data_access_group", user.group))
    if group and project.group(group) is None:
        raise values_not_valid("data_access_group", [group])
    texts = {
        key: cell_text(row.get(key, getattr(user, key))) for key in ("email", "firstname", "lastname", "expiration")
    }
    return User(
        user.username,
        changed_rights(user.rights, row, project.instrument_names),
        **texts,
        group=group,
        more_groups=user.more_groups,
        role=user.role,
    )


def delete_users(call: ApiCall) -> Answer:
    """Take users out of the project."""
    call.require("user_rights")
    gone = named(call, "users", call.project.structure.users)
    users = {name: user for name, user in call.project.structure.users.items() if name not in gone}
    call.project.restructure(users=users)
    for name in gone:
        call.log("user", f"Delete user {name}", details=f"user = '{name}'")
    return count_answer(len(gone))


def _user_row(project: StoredProject, user: User) -> dict[str, Any]:
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
        **_rights_row(project, rights),
    }


def _rights_row(project: StoredProject, rights: Rights) -> dict[str, Any]:
    enabled = bool(project.structure.settings["randomization_enabled"])
    row = rights.row(project.instrument_names, randomization=enabled)
    if not project.structure.data_resolution_workflow:
        del row["data_quality_resolution"]
    return row


def export_roles(call: ApiCall) -> Answer:
    """Every role with its rights, in the order in which they were made."""
    call.require("api_export")
    call.log("manage", "Manage/Design", details="Export user roles (API)")
    rows = [_role_row(call.project, role) for role in call.project.structure.roles]
    columns = tuple(_role_row(call.project, Role("", "", Rights())))
    return rows_answer(rows, call.parameters.format, columns=columns, root="userroles")


def _role_row(project: StoredProject, role: Role) -> dict[str, Any]:
    """The rights of a role; they end in another order than a user's, as the clients' recorded answers have them."""
    rights = _rights_row(project, role.rights)
    last = {name: rights.pop(name) for name in LAST_OF_A_ROLE if name in rights}
    return {"unique_role_name": role.unique_name, "role_label": role.label, **rights, **last}


def import_roles(call: ApiCall) -> Answer:
    """Add roles (rows without unique_role_name) or change them."""
    call.require("api_import", "user_rights")
    rows = imported_rows(call.parameters)
    roles = {role.unique_name: role for role in call.project.structure.roles}
    names = call.project.instrument_names
    for row in rows:
        unique = cell_text(row.get("unique_role_name"))
        if unique and unique not in roles:
            raise values_not_valid("unique_role_name", [unique])
        role = roles.get(unique) or Role(_new_role_name(call, roles), "", Rights())
        label = cell_text(row.get("role_label", role.label))
        roles[role.unique_name] = Role(role.unique_name, label, changed_rights(role.rights, row, names))
    call.project.restructure(roles=list(roles.values()))
    call.log("user", "Edit user role" if roles else "Add user role", details="Import user roles (API)")
    return count_answer(len(rows))


def _new_role_name(call: ApiCall, taken: Mapping[str, Role]) -> str:
    """`U-` and ten characters; made from project and number, so that a run can be repeated."""
    letters = Random(f"{call.project.project_id}/{call.project.next_id()}")
    while True:
        name = "U-" + "".join(letters.choices(string.ascii_uppercase + string.digits, k=ROLE_NAME_LENGTH))
        if name not in taken:
            return name


def delete_roles(call: ApiCall) -> Answer:
    """Delete roles; users who had one keep their own rights."""
    call.require("user_rights")
    gone = named(call, "roles", {role.unique_name for role in call.project.structure.roles})
    for user in call.project.structure.users.values():
        user.role = "" if user.role in gone else user.role
    call.project.restructure(roles=[role for role in call.project.structure.roles if role.unique_name not in gone])
    call.log("user", "Delete user role", details="Delete user roles (API)")
    return count_answer(len(gone))


def export_role_mapping(call: ApiCall) -> Answer:
    """Every user with a role or with none."""
    call.require("api_export")
    call.log("manage", "Manage/Design", details="Export user-role assignments (API)")
    rows = [
        dict(zip(ROLE_MAPPING_KEYS, (user.username, user.role, user.group), strict=True))
        for user in call.project.structure.users.values()
    ]
    return rows_answer(rows, call.parameters.format, columns=ROLE_MAPPING_KEYS, root="items")


def import_role_mapping(call: ApiCall) -> Answer:
    """Put users into roles, or with a blank out of them."""
    call.require("api_import", "user_rights")
    rows = [{name: cell_text(value) for name, value in row.items()} for row in imported_rows(call.parameters)]
    users, known = call.project.structure.users, {role.unique_name for role in call.project.structure.roles}
    for row in rows:
        if row.get("username", "") not in users:
            raise ApiError(f"The user '{row.get('username', '')}' does not exist in the project")
        if row.get("unique_role_name") and row["unique_role_name"] not in known:
            raise values_not_valid("unique_role_name", [row["unique_role_name"]])
        if row.get("data_access_group") and call.project.group(row["data_access_group"]) is None:
            raise values_not_valid("data_access_group", [row["data_access_group"]])
    for row in rows:
        user = users[row["username"]]
        user.role = row.get("unique_role_name", "")
        user.group = row.get("data_access_group", user.group)
    call.project.restructure(users=users)
    call.log("user", "Assign user to role", details="Import user-role assignments (API)")
    return count_answer(len(rows))


HANDLERS = {
    "user": by_action(export_users, import_users, {"delete": delete_users}),
    "userRole": by_action(export_roles, import_roles, {"delete": delete_roles}),
    "userRoleMapping": by_action(export_role_mapping, import_role_mapping),
}
