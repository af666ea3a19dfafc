"""A process that serves finds by itself what changes in its folders."""

import asyncio
import logging
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from app.model_store import ModelStore
from app.model_watch import following
from tests.small_bundles import publish_small


async def _until(seen: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not seen():
        assert time.monotonic() < end
        await asyncio.sleep(0.01)


def _version(store: ModelStore) -> int:
    return store.models["lstm"].bundle.version


def test_what_is_published_is_followed_without_being_asked(tmp_path: Path) -> None:
    async def run() -> None:
        async with following(store, 0.02):
            publish_small(tmp_path, version=2)
            await _until(lambda: _version(store) == 2)
        publish_small(tmp_path, version=3)
        await asyncio.sleep(0.1)

    publish_small(tmp_path)
    store = ModelStore([tmp_path])
    store.load()
    asyncio.run(run())
    assert _version(store) == 2  # nobody looks once the service has stopped


def test_a_look_that_fails_is_told_and_is_not_the_last(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    class Faltering(ModelStore):
        looks = 0

        def follow(self) -> bool:
            self.looks += 1
            if self.looks == 1:
                raise OSError("the disk stumbled")
            return super().follow()

    async def run() -> None:
        async with following(store, 0.02):
            await _until(lambda: "lstm" in store.models)

    store = Faltering([tmp_path])
    publish_small(tmp_path)
    with caplog.at_level(logging.ERROR):
        asyncio.run(run())
    assert "the disk stumbled" in caplog.text
