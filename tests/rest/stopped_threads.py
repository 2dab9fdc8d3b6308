"""Stops single threads of a child process, as a debugger does: a stopped thread looks at nothing any more."""

import ctypes
import errno
import os
from pathlib import Path

import pytest

PTRACE_CONT, PTRACE_SEIZE, PTRACE_INTERRUPT, WALL = 7, 0x4206, 0x4207, 0x40000000
LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
LIBC.ptrace.restype = ctypes.c_long


def busy_threads(process):
    """Threads that have run for a tenth of a second, but for the first, which takes the signals."""
    def seconds(thread):
        return int((thread / "schedstat").read_text(encoding="ascii").split()[0]) / 1e9

    threads = Path(f"/proc/{process.pid}/task").iterdir()
    return [int(thread.name) for thread in threads if int(thread.name) != process.pid and seconds(thread) > 0.1]


def stop_thread(thread):
    if LIBC.ptrace(PTRACE_SEIZE, thread, None, None) != 0:
        error = ctypes.get_errno()
        if error == errno.EPERM:
            pytest.skip("skipped: this machine lets nobody trace a process")
        raise OSError(error, os.strerror(error))
    assert LIBC.ptrace(PTRACE_INTERRUPT, thread, None, None) == 0
    os.waitpid(thread, WALL)


def reap(threads):
    """To be called until the process has ended: it is not over before the one who traced its threads has taken note of theirs."""
    for thread in threads:
        try:
            stopped, status = os.waitpid(thread, os.WNOHANG | WALL)
        except ChildProcessError:
            continue
        if stopped and os.WIFSTOPPED(status):
            LIBC.ptrace(PTRACE_CONT, thread, None, None)
