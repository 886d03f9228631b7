"""The contents of the API: what answers to each value of the parameter `content`."""

from collections.abc import Callable, Mapping

from redcap_sync.sandbox.call import Call
from redcap_sync.sandbox.contents import dictionary, events, groups, log, people, project, records
from redcap_sync.sandbox.rendering import Answer

HANDLERS: Mapping[str, Callable[[Call], Answer]] = {
    **dictionary.HANDLERS,
    **events.HANDLERS,
    **groups.HANDLERS,
    **log.HANDLERS,
    **people.HANDLERS,
    **project.HANDLERS,
    **records.HANDLERS,
}
