"""How often a key may ask: a token bucket for each (GCRA, as pyrate-limiter has it).

A worker draws a lease of a hundredth of the limit at once and spends it request by request, so that the
bucket is asked once a lease. Where the store is PostgreSQL the buckets are in it, for all workers together;
on SQLite each worker has its own.
"""

from asyncio import Lock
from collections.abc import Callable
from math import ceil
from time import monotonic

from pyrate_limiter import (
    AbstractBucket,
    Decision,
    Duration,
    InMemoryStateStore,
    Rate,
    RateItem,
    StateAlgorithm,
    StateBucket,
    StateStore,
    WallClock,
)
from starlette.concurrency import run_in_threadpool

from app.access.keys import Key
from app.database import Database
from app.errors import TooManyRequestsError
from app.repository.api_keys import read_spent_until, update_spent_until

LEASES = 100  # how many make up a minute's allowance


class SharedState(StateStore):
    """A key's bucket in the store, where all workers find it."""

    default_clock = WallClock()

    def __init__(self, database: Database, key_id: int) -> None:
        self._database = database
        self._key_id = key_id

    def check(self, algorithm: StateAlgorithm, rates: list[Rate], now: int, weight: int) -> Decision:
        """One worker at a time: the row is locked meanwhile."""
        with self._database.write() as connection:
            before = (read_spent_until(connection, self._key_id),)
            [until], decision = algorithm.step(rates, before, now, weight)
            if decision.allowed:
                update_spent_until(connection, self._key_id, int(until))
        return decision

    def read(self, algorithm: StateAlgorithm, rates: list[Rate]) -> tuple[float, ...]:
        """Where the bucket stands."""
        del algorithm, rates
        with self._database.read() as connection:
            return (read_spent_until(connection, self._key_id),)

    def reset(self) -> None:
        """Fill it."""
        with self._database.write() as connection:
            update_spent_until(connection, self._key_id, 0)


class Allowance:
    """What one key may still ask of this worker.

    Args:
        bucket: Where more is drawn from.
        lease: Requests drawn at once.
        is_near: Whether drawing takes no longer than handing it to a thread would.
        clock: Seconds that only grow.
    """

    def __init__(
        self,
        bucket: AbstractBucket,
        *,
        lease: int,
        is_near: bool,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._bucket = bucket
        self._lease = lease
        self._is_near = is_near
        self._clock = clock
        self._lock = Lock()
        self._left = 0
        self._dry_until = float("-inf")

    async def spend(self) -> None:
        """Take one request off it.

        Raises:
            TooManyRequestsError: there is none left; says after how many seconds there will be.
        """
        if self._left == 0:
            async with self._lock:
                if self._left == 0:
                    await self._draw()
        self._left -= 1

    async def _draw(self) -> None:
        # A bucket that is empty is not asked again before it can have filled, however many ask us.
        if (wait := self._dry_until - self._clock()) <= 0:
            decision = self._take() if self._is_near else await run_in_threadpool(self._take)
            if decision.allowed:
                self._left = self._lease
                return
            wait = (decision.retry_after_ms or 0) / 1000
            self._dry_until = self._clock() + wait
        seconds = max(1, ceil(wait))
        raise TooManyRequestsError(
            f"This key has asked too often; try again in {seconds} s, or ask for many tracks at once.",
            headers={"Retry-After": str(seconds)},
        )

    def _take(self) -> Decision:
        decision = self._bucket.put_decision(RateItem("", self._bucket.now(), self._lease))  # type: ignore[no-untyped-call]
        assert isinstance(decision, Decision)  # neither store answers with an awaitable
        return decision


class RateLimits:
    """The allowance of each key.

    Args:
        database: Where the keys are.
        limit: Requests a minute of one key: that many at once, then evenly as they come back; 0 for no limit.
    """

    def __init__(self, database: Database, limit: int) -> None:
        self._database = database
        self._limit = limit
        self._allowances: dict[int, Allowance] = {}

    async def spend(self, key: Key) -> None:
        """Count a request of ``key``; raises as ``Allowance.spend``."""
        if not self._limit:
            return
        allowance = self._allowances.get(key.id)
        if allowance is None:
            allowance = self._allowances[key.id] = self._build(key)
        await allowance.spend()

    def _build(self, key: Key) -> Allowance:
        near = self._database.is_embedded
        store: StateStore = InMemoryStateStore() if near else SharedState(self._database, key.id)
        bucket = StateBucket([Rate(self._limit, Duration.MINUTE)], store=store)
        return Allowance(bucket, lease=max(1, self._limit // LEASES), is_near=near)
