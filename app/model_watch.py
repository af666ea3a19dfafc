"""Every process that serves looks at the bundles itself, so that all follow what is published or pinned."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from app.model_store import ModelStore

logger = logging.getLogger(__name__)

LOOK_SECONDS = 2.0  # one look is a stat of each file: well under a millisecond


@asynccontextmanager
async def following(store: ModelStore, seconds: float = LOOK_SECONDS) -> AsyncIterator[None]:
    """Meanwhile, load what changes in the store's folders, at most ``seconds`` after it did."""
    task = asyncio.create_task(_follow(store, seconds))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _follow(store: ModelStore, seconds: float) -> None:
    while True:
        await asyncio.sleep(seconds)
        try:
            await asyncio.to_thread(store.follow)  # not in the threads of requests, which may all be waiting
        except Exception:  # a look that fails must not be the last
            logger.exception("the bundles cannot be looked at")
