"""``python -m app.health.probe``: a container's health check, on what the standard library has.

It asks ``/healthz`` and not ``/readyz``: what comes of an unhealthy container is a restart, which mends no
database.
"""

import os
from http.client import HTTPConnection, HTTPException

TIMEOUT = 4.0  # seconds; the Dockerfile gives the check 5


def is_alive(port: int) -> bool:
    """Whether a server on this machine's ``port`` answers ``/healthz`` with 200."""
    connection = HTTPConnection("127.0.0.1", port, timeout=TIMEOUT)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    raise SystemExit(0 if is_alive(int(os.environ.get("UVICORN_PORT", "8000"))) else 1)
