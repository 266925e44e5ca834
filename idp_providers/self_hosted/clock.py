"""Time as waits need it: it never jumps, and a test may set its own."""

import asyncio
import time


class Clock:
    """Seconds since some moment."""

    def now(self) -> float:
        return time.monotonic()

    async def wait_until(self, moment: float) -> None:
        """Return at that moment; at once if it is over."""
        if (seconds := moment - self.now()) > 0:
            await asyncio.sleep(seconds)
