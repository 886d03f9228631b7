"""Choosing what a call wants, and the things it names."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from redcap_sync.sandbox.call import ApiCall
from redcap_sync.sandbox.call_error import not_valid, values_not_valid
from redcap_sync.sandbox.rendering import Answer

Handler = Callable[[ApiCall], Answer]


def by_action(export: Handler, imported: Handler, others: Mapping[str, Handler] | None = None) -> Handler:
    """Choose by the action; without one, data mean an import."""
    known = {"": export, "export": export, **(others or {})}

    def handler(call: ApiCall) -> Answer:
        if call.imports:
            return imported(call)
        action = call.parameters.text("action")
        if action not in known:
            raise not_valid("action")
        return known[action](call)

    return handler


def named(call: ApiCall, parameter: str, known: Collection[str]) -> list[str]:
    """Read what an array parameter names, each once, which may be nothing; refuse what is not there."""
    found = list(dict.fromkeys(call.parameters.names(parameter)))
    if unknown := [name for name in found if name not in known]:
        raise values_not_valid(parameter, unknown)
    return found
