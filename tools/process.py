# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Running other programs, with their output in a log file."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

ERROR = re.compile(r"\bE: |ERROR|CRITICAL|[Ee]rror:|FATAL|No space")
MODULE = re.compile(r"Loading module (\S+) \((\d+)/(\d+)\)")


def error_line(log: Path) -> str:
    """The line of a log that most probably states the error."""
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    errors = [
        line
        for line in lines
        if ERROR.search(line)
        and "Some index files failed" not in line  # apt states the reason in the lines before
    ]
    return (errors or lines or ["no output"])[-1][:300]


class Progress:
    """Shows the module that Odoo loads, as "12/102 sale": on one line of a terminal, else every 15 s."""

    def __init__(self) -> None:
        self.tty = sys.stderr.isatty()
        self.shown = 0.0

    def __call__(self, line: str) -> None:
        found = MODULE.search(line)
        if found and time.monotonic() - self.shown > (0.2 if self.tty else 15):
            self.shown = time.monotonic()
            text = f"    {found[2]}/{found[3]} {found[1]}"
            self._print(f"\r{text:<60}" if self.tty else f"{text}\n")

    def end(self) -> None:
        if self.tty and self.shown:
            self._print("\r" + " " * 60 + "\r")

    def _print(self, text: str) -> None:
        print(text, end="", file=sys.stderr, flush=True)


def run_logged(
    command: Sequence[str | Path],
    log: Path,
    *,
    env: dict[str, str] | None = None,
    cwd: Path | None = None,
    stdin: str | None = None,
    progress: bool = False,
) -> None:
    """Run a command with its output in a log file; raise subprocess.CalledProcessError when it fails."""
    log.parent.mkdir(parents=True, exist_ok=True)
    command = [str(part) for part in command]
    shown = Progress()
    with log.open("w") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE if stdin is not None else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env=env,
            cwd=cwd,
        )
        with process:
            if stdin is not None and process.stdin:
                process.stdin.write(stdin)
                process.stdin.close()
            for line in process.stdout or ():
                output.write(line)
                if progress:
                    shown(line)
            shown.end()
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)


def hand_over(command: Sequence[str], env: dict[str, str], cwd: Path | None = None) -> NoReturn:
    """Replace this process by another program."""
    sys.stdout.flush()
    sys.stderr.flush()
    if cwd:
        os.chdir(cwd)
    os.execvpe(command[0], list(command), env)  # noqa: S606  (a list of arguments, no shell)
