"""How often a key may ask."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest
from pyrate_limiter import AbstractClock, Duration, Rate, StateBucket

from app.access.keys import Key
from app.access.limits import LEASES, Allowance, RateLimits, SharedState
from app.access.rules import Rule
from app.database import Database, build_engine
from app.errors import TooManyRequestsError
from tests.access.stored_keys import store_key


class Clock(AbstractClock):
    """Time, moved by hand."""

    def __init__(self) -> None:
        self.milliseconds = 1_700_000_000_000

    def now(self) -> int:
        return self.milliseconds

    def seconds(self) -> float:
        return self.milliseconds / 1000


def _build(limit: int, clock: Clock, lease: int = 1) -> Allowance:
    bucket = StateBucket([Rate(limit, Duration.MINUTE)], clock=clock)
    return Allowance(bucket, lease=lease, is_near=True, clock=clock.seconds)


def _spend(allowance: Allowance, times: int) -> int:
    """How many of so many requests are let through."""

    async def spend() -> int:
        passed = 0
        for _ in range(times):
            try:
                await allowance.spend()
                passed += 1
            except TooManyRequestsError:
                pass
        return passed

    return asyncio.run(spend())


def _seconds_to_wait(allowance: Allowance) -> int:
    with pytest.raises(TooManyRequestsError) as caught:
        asyncio.run(allowance.spend())
    return int(caught.value.headers["Retry-After"])


def test_a_minutes_allowance_may_go_at_once_and_comes_back_evenly() -> None:
    clock = Clock()
    allowance = _build(6, clock)
    assert _spend(allowance, 10) == 6
    assert _seconds_to_wait(allowance) == 10
    clock.milliseconds += 9_500
    assert _seconds_to_wait(allowance) == 1  # whole seconds, and never 0
    clock.milliseconds += 500
    assert _spend(allowance, 10) == 1
    clock.milliseconds += 60_000
    assert _spend(allowance, 10) == 6


def test_leases_change_how_often_the_bucket_is_asked_and_not_how_much_is_in_it() -> None:
    clock = Clock()
    assert _spend(_build(600, clock, lease=6), 700) == 600
    assert _spend(_build(600, clock, lease=7), 700) == 595  # what is left is no whole lease


def test_a_bucket_that_is_empty_is_not_asked_again_before_it_can_have_filled() -> None:
    clock = Clock()
    allowance = _build(6, clock)
    _spend(allowance, 7)
    asked: list[object] = []
    allowance._bucket.put_decision = asked.append  # type: ignore[method-assign,assignment]
    assert _spend(allowance, 50) == 0
    assert asked == []


def _key(key_id: int) -> Key:
    return Key(key_id, "somebody", Rule.PREDICT, b"", float("inf"), revoked=False)


def test_each_key_has_its_own_and_zero_is_no_limit(sqlite_database_url: str) -> None:
    database = Database(build_engine(sqlite_database_url))

    async def ask(limits: RateLimits, key_id: int, times: int) -> int:
        passed = 0
        for _ in range(times):
            try:
                await limits.spend(_key(key_id))
                passed += 1
            except TooManyRequestsError:
                pass
        return passed

    async def run() -> list[int]:
        limits = RateLimits(database, 5)
        counts = [await ask(limits, key_id, 8) for key_id in (1, 2)]
        return [*counts, await ask(RateLimits(database, 0), 1, 1000)]

    assert asyncio.run(run()) == [5, 5, 1000]
    database.dispose()


def test_workers_share_one_allowance_where_the_store_is_postgres(postgres_database_url: str) -> None:
    store_key(postgres_database_url, "predict")
    workers = 4

    def work(_worker: int) -> int:
        database = Database(build_engine(postgres_database_url))  # as another process would
        try:
            return _spend_all(RateLimits(database, 40), 25)
        finally:
            database.dispose()

    with ThreadPoolExecutor(workers) as threads:
        passed = sum(threads.map(work, range(workers)))
    # Exact, but for the one that comes back every 1.5 seconds meanwhile.
    assert 40 <= passed <= 45


def _spend_all(limits: RateLimits, times: int) -> int:
    async def spend() -> int:
        passed = 0
        for _ in range(times):
            try:
                await limits.spend(_key(1))
                passed += 1
            except TooManyRequestsError:
                pass
        return passed

    return asyncio.run(spend())


def test_a_large_limit_asks_the_shared_store_once_a_lease(postgres_database_url: str) -> None:
    store_key(postgres_database_url, "predict")
    database = Database(build_engine(postgres_database_url))
    limits = RateLimits(database, 1000 * LEASES)
    assert _spend_all(limits, 999) == 999
    state = SharedState(database, 1)
    bucket = StateBucket([Rate(1000 * LEASES, Duration.MINUTE)], store=state)
    assert 0 < bucket.count() <= 1000  # type: ignore[operator]
    state.reset()
    assert bucket.count() == 0
    database.dispose()
