"""EAV rows turned into the flat rows an import checks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from redcap_sync.column_name import checkbox_column
from redcap_sync.project.flat import EVENT, REPEAT_INSTANCE, REPEAT_INSTRUMENT
from redcap_sync.project.state import StoredProject
from redcap_sync.sandbox.rows_in import cell_text

WHERE = (EVENT, REPEAT_INSTRUMENT, REPEAT_INSTANCE)


def flat_from_eav(project: StoredProject, rows: Iterable[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Gather values by record, event and instance, in the order in which they first appear.

    An option of a checkbox comes as `f___code` with 0 or 1, or as an export gives it: `f` with the code.
    """
    gathered: dict[tuple[str, ...], dict[str, str]] = {}
    for row in rows:
        texts = {name: cell_text(value) for name, value in row.items()}
        where = {name: texts[name] for name in WHERE if name in texts}
        record = texts.get("record", "")
        flat = gathered.setdefault((record, *where.values()), {project.id_field: record, **where})
        name, value = texts.get("field_name", ""), texts.get("value", "")
        field = project.dictionary.by_name.get(name)
        if field is not None and field.type == "checkbox":
            name, value = checkbox_column(name, value), "1"
        if name and name != project.id_field:
            flat[name] = value
    return list(gathered.values())
