"""The sandbox's socket."""

import socket

from redcap_sync.sandbox.running import listening


def test_small_answers_are_sent_at_once() -> None:
    """The listening socket names its protocol, on which asyncio's TCP_NODELAY depends: without it answers wait 40 ms."""
    with listening(0) as listener:
        assert listener.proto == socket.IPPROTO_TCP
