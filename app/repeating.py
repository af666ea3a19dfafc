"""Something that is done every few seconds while the service runs."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

logger = logging.getLogger(__name__)


@asynccontextmanager
async def repeating(work: Callable[[], Awaitable[object]], seconds: float) -> AsyncIterator[None]:
    """Meanwhile, do ``work``, wait for ``seconds``, and again. Failing once is logged and ends nothing."""
    task = asyncio.create_task(_repeat(work, seconds))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _repeat(work: Callable[[], Awaitable[object]], seconds: float) -> None:
    while True:
        try:
            await work()
        except Exception:
            logger.exception("what is done every %g seconds failed", seconds)
        await asyncio.sleep(seconds)
