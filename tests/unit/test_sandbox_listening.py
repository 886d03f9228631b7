"""The sandbox's socket."""

import socket

from redcap_sync.sandbox.running import listening


def test_small_answers_are_sent_at_once() -> None:
    """The listening socket names its protocol, which asyncio asks for before it sets TCP_NODELAY."""
    with listening(0) as listener:
        assert listener.proto == socket.IPPROTO_TCP
