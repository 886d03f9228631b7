"""The contents of the API: what answers to each value of the parameter `content`."""

from collections.abc import Callable, Mapping

from redcap_sync.sandbox.call import ApiCall
from redcap_sync.sandbox.contents import (
    dictionary,
    events,
    files,
    groups,
    log,
    pdf,
    people,
    project,
    records,
    reports,
    repository,
    surveys,
)
from redcap_sync.sandbox.rendering import Answer

HANDLERS: Mapping[str, Callable[[ApiCall], Answer]] = {
    **dictionary.HANDLERS,
    **events.HANDLERS,
    **files.HANDLERS,
    **groups.HANDLERS,
    **log.HANDLERS,
    **pdf.HANDLERS,
    **people.HANDLERS,
    **project.HANDLERS,
    **records.HANDLERS,
    **reports.HANDLERS,
    **repository.HANDLERS,
    **surveys.HANDLERS,
}
