"""dag, userDagMapping: data access groups, who is in them, and moving from one to another."""

from __future__ import annotations

from collections.abc import Mapping

from redcap_sync.project.state import StoredProject
from redcap_sync.project.structure import StoredGroup, unique_group_name
from redcap_sync.sandbox.call import ApiCall
from redcap_sync.sandbox.call_error import ApiError, values_not_valid
from redcap_sync.sandbox.contents.actions import by_action, named
from redcap_sync.sandbox.rendering import Answer, count_answer, rows_answer, text_answer
from redcap_sync.sandbox.rows_in import cell_text, imported_rows

GROUP_KEYS = ("data_access_group_name", "unique_group_name", "data_access_group_id")
MAPPING_KEYS = ("username", "redcap_data_access_group")


def export_groups(call: ApiCall) -> Answer:
    """The data access groups."""
    call.require("api_export", "data_access_groups")
    call.log("manage", "Manage/Design", details="Export DAGs (API)")
    groups = call.project.structure.groups
    rows = [dict(zip(GROUP_KEYS, (g.name, g.unique_name, g.group_id), strict=True)) for g in groups]
    return rows_answer(rows, call.parameters.format, columns=GROUP_KEYS, root="dags")


def import_groups(call: ApiCall) -> Answer:
    """Add groups (rows with a blank unique name) or rename them: the unique name follows the name."""
    call.require("api_import", "data_access_groups")
    rows = imported_rows(call.parameters)
    groups = list(call.project.structure.groups)
    renamed: dict[str, str] = {}
    for row in rows:
        name, unique = cell_text(row.get("data_access_group_name")), cell_text(row.get("unique_group_name"))
        position = next((n for n, group in enumerate(groups) if group.unique_name == unique), None)
        if unique and position is None:
            raise values_not_valid("unique_group_name", [unique])
        if position is None:
            made = unique_group_name(name, {group.unique_name for group in groups})
            groups.append(StoredGroup(call.project.next_id(), made, name))
        elif groups[position].name != name:
            made = unique_group_name(name, {group.unique_name for group in groups if group.unique_name != unique})
            groups[position] = StoredGroup(groups[position].group_id, made, name)
            renamed = {old: made if new == unique else new for old, new in {unique: unique, **renamed}.items()}
    call.project.restructure(groups=groups)
    _rename_groups(call.project, renamed)
    call.log("manage", "Manage/Design", details="Import DAGs (API)")
    return count_answer(len(rows))


def _rename_groups(project: StoredProject, renamed: Mapping[str, str]) -> None:
    """Keep users, records, their log and allocation tables in groups whose unique names changed."""
    if not renamed:
        return
    for user in project.structure.users.values():
        user.group = renamed.get(user.group, user.group)
        user.more_groups = [renamed.get(name, name) for name in user.more_groups]
    for record in project.values.names():
        if (group := project.values[record].group) in renamed:
            project.values.join_group(record, renamed[group])
    for entry in (entry for one in project.structure.randomizations for entry in one.table):
        entry.access_group = renamed.get(entry.access_group, entry.access_group)
    project.journal.rename_groups(renamed)


def delete_groups(call: ApiCall) -> Answer:
    """Delete groups; their users and records are in none then."""
    call.require("data_access_groups")
    project = call.project
    gone = named(call, "dags", {group.unique_name for group in project.structure.groups})
    for user in project.structure.users.values():
        user.group = "" if user.group in gone else user.group
        user.more_groups = [name for name in user.more_groups if name not in gone]
    for record in project.values.names():
        if project.values[record].group in gone:
            project.values.join_group(record, "")
    project.restructure(groups=[group for group in project.structure.groups if group.unique_name not in gone])
    call.log("manage", "Manage/Design", details="Delete DAGs (API)")
    return count_answer(len(gone))


def switch_group(call: ApiCall) -> Answer:
    """Move the token's user into another group: one assigned to the user, or any for who manages groups."""
    wanted = call.parameters.text("dag")
    allowed = call.rights.may("data_access_groups") or wanted in call.user.more_groups
    if wanted and (call.project.group(wanted) is None or not allowed):
        raise values_not_valid("dag", [wanted])
    if call.user.group and call.user.group not in call.user.more_groups:
        call.user.more_groups.append(call.user.group)
    call.user.group = wanted
    call.project.restructure()
    call.log("manage", "Manage/Design", details=f"Switch DAG (API): {wanted}")
    return text_answer("1")


def export_group_mapping(call: ApiCall) -> Answer:
    """Every user with a group or with none."""
    call.require("api_export", "data_access_groups")
    call.log("manage", "Manage/Design", details="Export user-DAG assignments (API)")
    users = call.project.structure.users.values()
    rows = [{"username": user.username, "redcap_data_access_group": user.group} for user in users]
    return rows_answer(rows, call.parameters.format, columns=MAPPING_KEYS, root="items")


def import_group_mapping(call: ApiCall) -> Answer:
    """Put users into groups, or with a blank out of them."""
    call.require("api_import", "data_access_groups")
    project = call.project
    rows = [[cell_text(row.get(key)) for key in MAPPING_KEYS] for row in imported_rows(call.parameters)]
    for username, group in rows:
        if username not in project.structure.users:
            raise ApiError(f"The user '{username}' does not exist in the project")
        if group and project.group(group) is None:
            raise values_not_valid("redcap_data_access_group", [group])
    for username, group in rows:
        project.structure.users[username].group = group
    project.restructure()
    call.log("manage", "Manage/Design", details="Import user-DAG assignments (API)")
    return count_answer(len(rows))


HANDLERS = {
    "dag": by_action(export_groups, import_groups, {"delete": delete_groups, "switch": switch_group}),
    "userDagMapping": by_action(export_group_mapping, import_group_mapping),
}
