"""Requests from several threads at once, for as long as a test wants them."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import httpx

from tests.faults.servers import SECONDS

Ask = Callable[[httpx.Client, int], httpx.Response]


class Load:
    """Answers as they come in; ``errors`` are of requests that got none."""

    def __init__(self) -> None:
        self.answers: list[httpx.Response] = []
        self.errors: list[Exception] = []
        self.is_over = threading.Event()

    def run(self, address: str, ask: Ask) -> None:
        """Ask one time after the other until it is over."""
        number = 0
        with httpx.Client(base_url=address, timeout=SECONDS, trust_env=False) as client:
            while not self.is_over.is_set():
                number += 1
                try:
                    self.answers.append(ask(client, number))
                except httpx.HTTPError as error:
                    self.errors.append(error)

    def statuses(self) -> set[int]:
        """Of all answers so far."""
        return {answer.status_code for answer in list(self.answers)}


@contextmanager
def under_load(address: str, asks: Sequence[Ask]) -> Iterator[Load]:
    """Meanwhile, a client for each of ``asks``."""
    load = Load()
    threads = [threading.Thread(target=load.run, args=(address, ask)) for ask in asks]
    for thread in threads:
        thread.start()
    try:
        yield load
    finally:
        load.is_over.set()
        for thread in threads:
            thread.join(SECONDS)
