"""While a pass sends by a channel, no other pass of this process takes messages for it."""

from server.notify.sending.waking import wake


class Holding:
    """The channel of one pass, among those that are busy.

    Of a pass that has more sends than the channel has places, it is free once the last of them has
    one: while those are in the air, the next pass is claimed. Where the channel hangs, that one
    gets no place, and no third one is claimed. A smaller pass holds it until all are sent.
    """

    def __init__(self, channel: str, busy: set[str]) -> None:
        self._channel, self._busy = channel, busy
        self._left: int | None = None
        self._is_free = False

    def until_begun(self, sends: int) -> None:
        """The pass has so many sends, more than places."""
        self._left = sends

    def begun(self) -> None:
        """One of the sends has its place."""
        if self._left is not None:
            self._left -= 1
            if self._left == 0:
                self.free()

    def free(self) -> None:
        """Let other passes have it; nothing happens the second time."""
        if not self._is_free:
            self._is_free = True
            self._busy.discard(self._channel)
            # What was queued for this channel while it was busy.
            wake()
