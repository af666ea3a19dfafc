"""What a model makes of a region's charts as a whole: worked out once for each state of them, and kept."""

import datetime as dt
from collections.abc import Callable, Iterator
from threading import Lock
from typing import Generic, NamedTuple, TypeVar

from app.model_store import RunningModel
from app.repository.issued_forecasts import Issuer
from app.repository.regions import RegionState

Value = TypeVar("Value")


class Key(NamedTuple):
    """What a model says in a region as of a day goes by."""

    region: RegionState  # its version changes with its charts: nothing kept is ever stale
    as_of: dt.date
    issuer: Issuer


def key_of(region: RegionState, model: RunningModel, as_of: dt.date) -> Key:
    """The key of a running model's part in a region."""
    bundle = model.bundle
    return Key(region, as_of, Issuer(bundle.name, bundle.version, bundle.weights_hash))


class Kept(Generic[Value]):
    """Values by what they go by, in this process.

    Args:
        most: How many are kept at the most; one more and all are forgotten.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = Lock()
        self._values: dict[Key, Value] = {}
        self._under_way: dict[Key, Lock] = {}

    def __iter__(self) -> Iterator[Key]:
        return iter(list(self._values))

    def find(self, key: Key) -> Value | None:
        """The value, where it is at hand."""
        return self._values.get(key)

    def get(self, key: Key, make: Callable[[], Value]) -> Value:
        """The value; of many who want one that is not at hand one makes it, and the others wait."""
        with self._lock:
            if key in self._values:
                return self._values[key]
            under_way = self._under_way.setdefault(key, Lock())
        with under_way:
            with self._lock:
                if key in self._values:
                    return self._values[key]
            try:
                return self._keep(key, make())
            finally:
                with self._lock:
                    self._under_way.pop(key, None)

    def _keep(self, key: Key, value: Value) -> Value:
        with self._lock:
            self._forget_older(key.region)
            if len(self._values) >= self._most:
                self._values.clear()
            self._values[key] = value
        return value

    def _forget_older(self, region: RegionState) -> None:
        """Drop what is of an earlier version of the region: nobody can ask for it again."""
        # The other way round nothing is: a reader that began before an upload may come in after it.
        for key in [k for k in self._values if k.region.code == region.code]:
            old = key.region
            if old.version < region.version or old.artists_version < region.artists_version:
                del self._values[key]
