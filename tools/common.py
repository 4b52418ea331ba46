# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Small helpers that every module of the tool uses."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import socket
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

REPO = Path(__file__).resolve().parent.parent


class Problem(Exception):
    """An expected failure: one line that says what is missing and how to fix it."""


def say(text: str) -> None:
    """Print progress to standard error; standard output holds only the results of commands."""
    print(f"==> {text}", file=sys.stderr, flush=True)


@contextlib.contextmanager
def step(text: str) -> Iterator[None]:
    """Announce a step that takes time and print how long it took."""
    say(f"{text} ...")
    start = time.monotonic()
    yield
    say(f"{text}: {time.monotonic() - start:.0f} s")


def digest(*parts: str | bytes) -> str:
    """Short hash of the parts. The length of each part is hashed too, so ("ab", "c") differs from ("a", "bc")."""
    result = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        result.update(b"%d:" % len(data) + data)
    return result.hexdigest()[:12]


def write_if_changed(path: Path, text: str) -> None:
    """Write a file atomically, and only when its content differs: other processes may be reading it."""
    with contextlib.suppress(OSError):
        if path.read_text() == text:
            return
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    temporary.write_text(text)
    temporary.replace(path)


def remove(path: Path) -> None:
    """Remove a folder tree if it exists."""
    if path.exists():
        shutil.rmtree(path)


def side_by_side(*tasks: Callable[[], object]) -> list:
    """Run tasks at the same time and return their results. Each task waits for the network or for a program."""
    with ThreadPoolExecutor(len(tasks)) as pool:
        return [future.result() for future in [pool.submit(task) for task in tasks]]


def strict() -> bool:
    """Whether a missing tool is an error instead of a reason to skip checks (set by .ci/run)."""
    return os.environ.get("CRM_KPI_STRICT", "") not in ("", "0")


def port_is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Whether a server can listen on this port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True
