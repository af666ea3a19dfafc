"""The process above several workers, which starts another where one dies, and says so."""

import logging

from uvicorn.supervisors import Multiprocess

logger = logging.getLogger(__name__)


class Supervisor(Multiprocess):
    """uvicorn's, which tells of a death among lines of no interest, below the level that is written."""

    def keep_subprocess_alive(self) -> None:
        """uvicorn's call, twice a second: look at the workers."""
        before = list(self.processes)
        super().keep_subprocess_alive()
        for worker, now in zip(before, self.processes, strict=True):
            if now is not worker:
                fields = {"worker": worker.pid, "exit_code": worker.exitcode, "successor": now.pid}
                logger.error("a worker died and another was started", extra=fields)
