"""Server processes: started on a core of their own, watched, and stopped by their own pid."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

SERVER_CORE, CLIENT_CORE = 0, 1
UP_SECONDS, DOWN_SECONDS = 90, 15
ROOT = Path(__file__).resolve().parents[2]
QUIET = ("--no-access-log", "--log-level", "warning")  # as make run


@contextmanager
def on_cores(*cores: int) -> Iterator[None]:
    """Run on these cores meanwhile, and so does every process started; elsewhere than on Linux, anywhere."""
    if not hasattr(os, "sched_setaffinity") or (os.cpu_count() or 1) <= max(cores):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@dataclass(frozen=True)
class Server:
    """A running server on loopback."""

    port: int
    pid: int

    def cpu_seconds(self) -> float:
        """What the process has used so far, all its threads together. Linux alone."""
        # Another process' clock, as clock_getcpuclockid(3) makes it: in nanoseconds, where /proc has ticks.
        return time.clock_gettime((~self.pid << 3) | 2)

    def resident_megabytes(self) -> float:
        """Its resident memory. Linux alone."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        raise RuntimeError("the system does not say how much memory a process has")


def free_port() -> int:
    """A port on loopback that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def start(
    command: Sequence[str],
    environment: Mapping[str, str],
    *cores: int,
    python: Path = Path(sys.executable),
) -> Iterator[subprocess.Popen[bytes]]:
    """A Python process of ``python <command>``, stopped when the block ends."""
    with on_cores(*(cores or (SERVER_CORE,))):
        process = subprocess.Popen(
            [str(python), *command],
            env={**os.environ, **environment},
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
        )
    try:
        yield process
    finally:
        stop(process)


def stop(process: subprocess.Popen[bytes]) -> None:
    """Ask the process to end, and make it where it does not."""
    process.terminate()
    try:
        process.wait(DOWN_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextmanager
def serve(
    app: str, environment: Mapping[str, str], *options: str, cores: tuple[int, ...] = ()
) -> Iterator[Server]:
    """``uvicorn <app>``, up."""
    port = free_port()
    command = ["-m", "uvicorn", app, "--port", str(port), *QUIET, *options]
    with start(command, environment, *cores) as process:
        wait_until_up(port, process)
        yield Server(port, process.pid)


@contextmanager
def serve_as_make_run(
    environment: Mapping[str, str], *options: str, cores: tuple[int, ...] = ()
) -> Iterator[Server]:
    """What ``make run`` starts, up."""
    port = free_port()
    command = ["-m", "app", "serve", "--port", str(port), *options]
    with start(command, environment, *cores) as process:
        wait_until_up(port, process)
        yield Server(port, process.pid)


def wait_until_up(port: int, process: subprocess.Popen[bytes], seconds: float = UP_SECONDS) -> None:
    """Return once something listens on ``port``.

    Raises:
        RuntimeError: the process ended before.
        TimeoutError: nothing does.
    """
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended at once, with code {process.returncode}")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.005)
    raise TimeoutError("the server did not come up")
