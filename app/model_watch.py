"""Every process that serves looks at the bundles itself, so that all follow what is published or pinned."""

import asyncio
from contextlib import AbstractAsyncContextManager

from app.model_store import ModelStore
from app.repeating import repeating

LOOK_SECONDS = 2.0  # one look is a stat of each file: well under a millisecond


def following(store: ModelStore, seconds: float = LOOK_SECONDS) -> AbstractAsyncContextManager[None]:
    """Meanwhile, load what changes in the store's folders, at most ``seconds`` after it did."""
    # Not in the threads of requests, which may all be waiting.
    return repeating(lambda: asyncio.to_thread(store.follow), seconds)
