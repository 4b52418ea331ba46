# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""``./run bench``: measures the KPIs on generated databases, and writes docs/benchmark.md.

Run it alone, on an idle machine. The phases are in ``crm_kpi_demo/bench``. Figures are saved at the end
of each phase, so a long run can be made in pieces.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import partial
from pathlib import Path

from .addons import split_modules
from .bench_report import Piece, Run, document, table
from .bench_rows import Figures
from .common import REPO, Problem, say, step
from .installation import Odoo
from .process import error_line
from .scale import MODULES, make_scale_database
from .state import state_folder
from .templates import Templates
from .workbook_scale import measure_workbook

DOCUMENT = REPO / "docs" / "benchmark.md"
#: Numbers of leads and of orders, by the kind of run. The other numbers stay the same, so that
#: the growth is that in leads and orders.
QUICK = {"sizes": (5_000, 20_000), "reps": 20, "customers": 1_000}
FULL = {"sizes": (50_000, 200_000, 1_000_000), "reps": 500, "customers": 50_000}
#: Minutes after which a phase is ended, by the number of leads and orders.
LIMITS = {20_000: 5, 50_000: 10, 200_000: 20, 1_000_000: 60}
#: Phases in the same database, in this order.
PHASES = ("history", "first", "changes", "rebuild", "reading", "goals")
#: Phases in a copy of the database: before the back-fill, and after it.
COPIES = ("bare", "workers")
#: Phases that do not depend on the number of records.
ONCE = ("writing", "waits", "small", "small_bare", "workbook")
#: The company of the small data set: it uses orders only.
SMALL = {"leads": 0, "orders": 830, "tickets": 0, "reps": 5, "customers": 91}
#: The company whose users write while its history is read: a whole set of the back-fill.
WAITS = {"leads": 50_000, "orders": 50_000, "tickets": 0, "reps": 20, "customers": 5_000}
GAMIFICATION = "gamification"


def command_bench(options: argparse.Namespace) -> int:
    """Measure, save each piece, print the table, and write the document."""
    plan = FULL if options.full else QUICK
    odoo = Odoo(state_folder(), options.db_url)
    people = {name: getattr(options, name) or plan[name] for name in ("reps", "customers")}
    run = Run(full=options.full, **people, **_machine(odoo))
    path = odoo.state.logs / f"bench-{'full' if options.full else 'quick'}.json"
    if options.sizes or options.phases:
        run.keep(_saved(path))
    bench = Bench(odoo, **people, commit=_commit())
    sizes = sorted(options.sizes or plan["sizes"])
    done = {piece.phase for piece in run.pieces}
    # what does not depend on the size is not measured again for each size
    wanted = options.phases or [*PHASES, *COPIES, *(name for name in ONCE if name not in done)]
    for piece in bench.pieces(sizes, set(wanted)):
        run.add(piece)
        path.write_text(json.dumps(run.as_dict(), indent=1))
    print(table(run))
    DOCUMENT.write_text(document(run))
    say(f"written: {DOCUMENT.relative_to(REPO)}")
    return 0


@dataclass
class Bench:
    """Makes the databases and runs the phases, each in a process of Odoo."""

    odoo: Odoo
    reps: int
    customers: int
    commit: str

    def pieces(self, sizes: list[int], wanted: set[str]) -> Iterator[Piece]:
        """Measure the wanted phases."""
        for phase in ONCE:
            if phase in wanted:
                yield self._piece(0, phase, getattr(self, f"_{phase}"))
        if wanted - set(ONCE):
            for size in sizes:
                yield from self._size(size, wanted)

    def _size(self, size: int, wanted: set[str]) -> Iterator[Piece]:
        """Measure the wanted phases with a number of leads and orders."""
        numbers = {
            "leads": size,
            "orders": size,
            "tickets": size // 10,
            "reps": self.reps,
            "customers": self.customers,
        }
        modules = (*MODULES, GAMIFICATION)
        with contextlib.ExitStack() as databases:
            name, bare, after = (
                databases.enter_context(self._database(label))
                for label in (str(size), f"{size}_bare", f"{size}_workers")
            )

            def generate() -> Figures:
                Templates(self.odoo).get(modules, demo=False)  # installing is not measured
                start = time.monotonic()
                make_scale_database(self.odoo, name, numbers, modules=modules)
                return {"generate.wall": time.monotonic() - start}

            yield self._piece(size, "generate", generate)
            if "bare" in wanted:
                self.odoo.databases.copy(name, bare)
            in_order = self._in_order(wanted)
            for phase in in_order:
                # without the first refresh of one worker, the values are those of two workers
                database = name if phase == "history" or "first" in in_order else after
                piece = self._piece(size, phase, partial(self._phase, database, phase, size))
                yield piece
                if phase == "history" and "backfill.wall" not in piece.figures:
                    break
                if phase == "history" and "workers" in wanted:
                    self.odoo.databases.copy(name, after)
                    yield self._piece(size, "workers", lambda: self._phase(after, "workers", size))
                    if "first" in in_order:
                        self.odoo.databases.drop(after)
            if "bare" in wanted:
                yield self._piece(size, "bare", lambda: self._phase(bare, "bare", size))

    def _in_order(self, wanted: set[str]) -> list[str]:
        """The phases of the same database: all others need the history, and most the values."""
        if not wanted - {*ONCE, "bare"}:
            return []
        needed = {"history"}
        if "workers" not in wanted and not wanted <= {*ONCE, *COPIES, "history"}:
            needed.add("first")
        return [phase for phase in PHASES if phase in needed | wanted]

    def _waits(self) -> Figures:
        """Writes of users while a refresh runs."""
        with self._database("waits") as name:
            make_scale_database(self.odoo, name, WAITS, modules=("crm_kpi",))
            # the writes make the refresh slower
            return self._phase(name, "waits", 4 * WAITS["orders"])

    def _writing(self) -> Figures:
        """What users write, with the addons and without them."""
        figures = {}
        templates = Templates(self.odoo)
        _own, external = split_modules(MODULES, self.odoo.addons)
        for label, modules in (("with", MODULES), ("without", sorted(external))):
            with self._database(f"writing_{label}") as name:
                self.odoo.databases.copy(templates.get(modules, demo=False), name)
                found = self._phase(name, "writing")
                figures |= {f"{label}.{key}": value for key, value in found.items()}
        return figures

    def _small(self) -> Figures:
        return self._small_company("small")

    def _small_bare(self) -> Figures:
        return self._small_company("small_bare")

    def _small_company(self, phase: str) -> Figures:
        with self._database(phase) as name:
            make_scale_database(self.odoo, name, SMALL, modules=("crm_kpi",))
            return self._phase(name, phase)

    def _workbook(self) -> Figures:
        return measure_workbook(self.odoo.python)

    def _piece(self, size: int, phase: str, measure: Callable[[], Figures]) -> Piece:
        """Measure, and note when and in which state that was."""
        start = datetime.now(timezone.utc).replace(tzinfo=None)
        load = os.getloadavg()[0]
        figures = measure()
        minutes = (datetime.now(timezone.utc).replace(tzinfo=None) - start).total_seconds() / 60
        return Piece(
            size, phase, self.commit, f"{start:%Y-%m-%d %H:%M}", round(load, 1), minutes, figures
        )

    @contextlib.contextmanager
    def _database(self, label: str) -> Iterator[str]:
        """Name of a database, which is dropped at the end."""
        name = f"bench_{os.getpid()}_{label}"
        try:
            yield name
        finally:
            self.odoo.databases.drop(name)

    def _phase(self, database: str, phase: str, size: int = 0) -> Figures:
        """The figures of a phase; those that it had measured when it failed or took too long.

        Then there is also ``PHASE.limit`` with its minutes, or ``PHASE.failed``.
        """
        odoo, limit = self.odoo, time_limit(size)
        path = odoo.state.logs / f"{database}-{phase}.json"
        path.unlink(missing_ok=True)
        script = (REPO / "tools" / "bench_shell.py").read_text()
        text = f"PHASE, FIGURES = {phase!r}, {str(path)!r}\n{script}"
        log = odoo.state.logs / f"{database}-{phase}.log"
        # without parallel workers: the processor time is that of one process
        env = {**odoo.env, "PGOPTIONS": "-c max_parallel_workers_per_gather=0"}
        command = odoo.command("shell", "-d", database, "--no-http")
        missed = {}
        with step(f"{phase} of {database}"), log.open("w") as output:
            try:
                done = subprocess.run(
                    command,
                    input=text,
                    text=True,
                    env=env,
                    cwd=odoo.state.root,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    timeout=limit * 60,
                    check=False,
                )
            except subprocess.TimeoutExpired:
                missed = {f"{phase}.limit": limit}
                self._end_sessions(database)
                say(f"{phase} of {database} was ended after {limit} minutes")
        figures = json.loads(path.read_text()) if path.exists() else {}
        if not figures.pop("done", 0) and not missed:
            missed = {f"{phase}.failed": done.returncode}
            say(f"{phase} of {database} failed: {error_line(log)} ({log})")
        figures[f"{phase}.peak_mb"] = figures.pop("peak_mb", 0)
        path.unlink(missing_ok=True)
        return figures | missed

    def _end_sessions(self, database: str) -> None:
        """End what the server still does for a process that was ended."""
        self.odoo.databases.sql(
            (
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
                [database],
            )
        )


def time_limit(size: int) -> int:
    """Minutes after which a phase is ended."""
    return next((LIMITS[number] for number in LIMITS if size <= number), max(LIMITS.values()))


def _machine(odoo: Odoo) -> dict:
    """What the figures depend on, besides the code."""
    (row,) = odoo.databases.sql("SHOW server_version")
    if not odoo.server.private and not odoo.server.host.startswith("/"):
        raise Problem("./run bench reads the processor time of PostgreSQL: it needs a local server")
    return {"postgresql": row[0].split()[0], "processors": os.cpu_count() or 1}


def _commit() -> str:
    done = subprocess.run(
        ["git", "-C", str(REPO), "log", "-1", "--format=%h of %cs"],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip() or "unknown"


def _saved(path: Path) -> dict:
    """The figures of an earlier run."""
    return json.loads(path.read_text()) if path.exists() else {}
