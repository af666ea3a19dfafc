"""Keeping the allocator from keeping memory."""

import ctypes
import sys

_M_ARENA_MAX = -8  # malloc.h
ARENAS = 2  # glibc would make eight a core, each of which keeps what a thread once needed


def limit_arenas() -> None:
    """Have threads share the C library's arenas, where it is glibc: a fifth of a busy worker."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, ARENAS)
