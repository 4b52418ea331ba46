# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The state folder: everything that the tool fetches or makes."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from .common import REPO, Problem, say


class State:
    """Paths inside the state folder, and locks between processes that share it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.logs = root / "logs"
        self.data = root / "data"
        self.filestores = self.data / "filestore"
        self.bin = root / "bin"
        self.locks = root / "locks"
        self.screenshots = root / "screenshots"

    def prepare(self) -> None:
        """Make the folders."""
        try:
            for folder in (self.logs, self.bin, self.screenshots, self.filestores, self.locks):
                folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise Problem(
                f"the state folder {self.root} cannot be written ({error.strerror}): "
                "name another one with CRM_KPI_STATE"
            ) from error

    @contextlib.contextmanager
    def lock(self, name: str) -> Iterator[None]:
        """Hold an exclusive lock between processes; the system releases it when the process ends."""
        with (self.locks / name).open("w") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                say(f"waiting for another run that makes {name}")
                fcntl.flock(handle, fcntl.LOCK_EX)
            yield


def state_folder() -> State:
    """The state folder of this call: CRM_KPI_STATE or `.odoo` in the repository."""
    named = os.environ.get("CRM_KPI_STATE")
    return State(Path(named).expanduser().resolve() if named else REPO / ".odoo")
