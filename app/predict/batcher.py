"""Single requests that come at the same time are answered together: one read, one inference a day ahead.

A track of a batch costs about a quarter of what it costs alone, and nobody waits for company: what has come
in by the time the last batch is done is the next one.
"""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import Context, copy_context
from itertools import accumulate
from typing import Any, NamedTuple

from app.database import Database
from app.predict.schemas import Prediction, PredictRequest
from app.predict.service import NotAtHandError, Outcome, Predictor

MOST = 64  # days ahead that a batch forecasts: about as many windows as the runtime takes in one call


class _Waiting(NamedTuple):
    asked: PredictRequest
    answer: "asyncio.Future[Prediction]"
    context: Context  # of the request: log lines and spans go by it


class Batcher:
    """Answers single requests, as many at once as there are.

    An embedded store is read on the event loop, which takes no longer than handing the work to a thread
    would. One over a network may keep a reader waiting, so a thread of its own reads that.

    Args:
        database: The store.
        predictor: What answers.
    """

    def __init__(self, database: Database, predictor: Predictor) -> None:
        self._reader = database.reader()
        self._predictor = predictor
        self._waiting: list[_Waiting] = []
        self._under_way = False
        self._thread = None if database.is_embedded else ThreadPoolExecutor(1, "predict")

    async def predict(self, asked: PredictRequest) -> Prediction:
        """Forecast one track.

        Raises:
            ChartcastError: 404, 409 or 422, as the contract says.
            NotAtHandError: the region's market or the model's past in it has to be looked up first.
        """
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Prediction] = loop.create_future()
        self._waiting.append(_Waiting(asked, answer, copy_context()))
        if not self._under_way:
            self._under_way = True
            loop.call_soon(self._start, loop)  # after the requests that this turn of the loop brings
        try:
            return await answer
        finally:
            del answer  # which holds the error that is raised, whose traceback holds this frame

    def close(self) -> None:
        """Let the thread and the connection go."""
        if self._thread is not None:
            self._thread.shutdown()
        self._reader.close()

    def _start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Answer those who wait, then those who came meanwhile."""
        count = _count_first(self._waiting)
        batch, self._waiting = self._waiting[:count], self._waiting[count:]
        if not batch:
            self._under_way = False
        elif self._thread is None:
            self._finish(batch, batch[0].context.run(self._answer, batch), loop)
        else:
            self._start_in(self._thread, batch, loop)

    def _start_in(
        self, thread: ThreadPoolExecutor, batch: Sequence[_Waiting], loop: asyncio.AbstractEventLoop
    ) -> None:
        def finish(answering: "Future[list[Outcome | Exception]]") -> None:
            error = answering.exception()
            outcomes = answering.result() if error is None else [error] * len(batch)
            loop.call_soon_threadsafe(self._finish, batch, outcomes, loop)

        try:  # past ``run_in_executor``, whose futures cost a third of the way there and back
            answering = thread.submit(batch[0].context.run, self._answer, batch)
        except RuntimeError as error:  # there was no thread to be had
            self._finish(batch, [error] * len(batch), loop)
        else:
            answering.add_done_callback(finish)

    def _finish(
        self,
        batch: Sequence[_Waiting],
        outcomes: Sequence[Outcome | BaseException],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        for (_, answer, _), outcome in zip(batch, outcomes, strict=True):
            if answer.done():
                continue  # whoever asked has gone
            if isinstance(outcome, BaseException):
                answer.set_exception(outcome)
            else:
                answer.set_result(outcome)
        loop.call_soon(self._start, loop)

    def _answer(self, batch: Sequence[_Waiting]) -> list[Outcome | Exception]:
        """An outcome for each, in their order; those alike but for the track are forecast together."""
        outcomes: dict[int, Outcome | Exception] = {}
        alike: dict[Any, list[int]] = defaultdict(list)
        for i, (asked, *_) in enumerate(batch):
            alike[_but_for_the_track(asked)].append(i)
        for indices in alike.values():
            answered = self._answer_alike([batch[i].asked for i in indices])
            outcomes |= zip(indices, answered, strict=True)
        return [outcomes[i] for i in range(len(batch))]

    def _answer_alike(self, asked: Sequence[PredictRequest]) -> Sequence[Outcome | Exception]:
        try:
            return self._reader.read(
                lambda connection: self._predictor.predict_batch(connection, asked, asked[0], at_hand=True)
            )
        except NotAtHandError as error:  # with each upload: its traceback holds all who wait for it
            if len(asked) > 1:  # what one of them wants need not be what the others do
                return [outcome for one in asked for outcome in self._answer_alike([one])]
            return [error.with_traceback(None)]
        except Exception as error:  # every one of them is told
            return [error] * len(asked)


def _count_first(waiting: Sequence[_Waiting]) -> int:
    """How many of those who wait to answer together: a day ahead each is one run of a track's model."""
    days = accumulate(asked.horizon for asked, *_ in waiting)
    return max(1, sum(total <= MOST for total in days))


def _but_for_the_track(asked: PredictRequest) -> Any:
    return (
        asked.region,
        asked.model,
        asked.as_of,
        asked.horizon,
        tuple(asked.levels),
        asked.include_history,
        asked.include_presence,
    )
