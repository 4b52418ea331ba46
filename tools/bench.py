# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""``./run bench``: measures the KPIs on generated databases, and writes docs/benchmark.md.

Run it alone, on an idle machine. The phases are in ``crm_kpi_demo/bench``.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .addons import split_modules
from .bench_report import Run, document, table
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
#: Seconds after which a phase is ended, for 20,000 leads and orders.
LIMIT = 1_800
#: Phases in the same database, in this order.
PHASES = ("history", "changes", "rebuild", "reading", "goals")
#: Phases that do not depend on the number of records.
ONCE = ("writing", "small", "workbook")
#: The company of the small data set: two years of weeks and a year of days.
SMALL = {"leads": 830, "orders": 830, "tickets": 0, "reps": 5, "customers": 91}
GAMIFICATION = "gamification"


def command_bench(options: argparse.Namespace) -> int:
    """Measure, print the table, and write the document."""
    plan = FULL if options.full else QUICK
    sizes = options.sizes or plan["sizes"]
    odoo = Odoo(state_folder(), options.db_url)
    people = {name: getattr(options, name) or plan[name] for name in ("reps", "customers")}
    bench = Bench(odoo, **people, phases=options.phases)
    start = time.monotonic()
    run = Run(full=options.full, load=os.getloadavg()[0], **people, **_machine(odoo))
    run.once = bench.once()
    # only what does not depend on the size: no database of that size is needed
    if options.phases and not set(options.phases) - set(ONCE):
        sizes = ()
    for size in sorted(sizes):
        figures = run.sizes[size] = {}
        for found in bench.size(size):
            figures |= found
            _save(odoo, run)  # a run that is ended early has saved what it knows
    run.minutes = round((time.monotonic() - start) / 60)
    _save(odoo, run)
    print(table(run))
    if not options.phases:
        DOCUMENT.write_text(document(run))
        say(f"written: {DOCUMENT.relative_to(REPO)}")
    return 0


@dataclass
class Bench:
    """Makes the databases and runs the phases, each in a process of Odoo.

    :param phases: only these; all of them without it
    """

    odoo: Odoo
    reps: int
    customers: int
    phases: list[str] | None = None

    def size(self, size: int) -> Iterator[dict[str, float]]:
        """Yield the figures of one number of leads and orders, phase by phase."""
        numbers = {
            "leads": size,
            "orders": size,
            "tickets": size // 10,
            "reps": self.reps,
            "customers": self.customers,
        }
        with self._database(str(size)) as name, self._database(f"{size}_bare") as bare:
            start = time.monotonic()
            make_scale_database(self.odoo, name, numbers, modules=(*MODULES, GAMIFICATION))
            yield {"generate.wall": time.monotonic() - start}
            if self._wanted("bare"):
                self.odoo.databases.copy(name, bare)
            for phase in PHASES:
                if self._wanted(phase) or phase == "history":
                    found = self._phase(name, phase, size)
                    yield found
                    if phase == "history" and not found.get("history.done"):
                        break  # the others need its values
            if self._wanted("bare"):
                yield self._phase(bare, "bare", size)

    def once(self) -> dict[str, float]:
        """The figures that do not depend on the number of records."""
        figures: dict[str, float] = {}
        if self._wanted("writing"):
            templates = Templates(self.odoo)
            _own, external = split_modules(MODULES, self.odoo.addons)
            for label, modules in (("with", MODULES), ("without", sorted(external))):
                with self._database(f"writing_{label}") as name:
                    self.odoo.databases.copy(templates.get(modules, demo=False), name)
                    found = self._phase(name, "writing", 0)
                    figures |= {f"{label}.{key}": value for key, value in found.items()}
        if self._wanted("small"):
            with self._database("small") as name:
                make_scale_database(self.odoo, name, SMALL)
                figures |= self._phase(name, "small", 0)
        if self._wanted("workbook"):
            figures |= measure_workbook(self.odoo.python)
        return figures

    def _wanted(self, phase: str) -> bool:
        return not self.phases or phase in self.phases

    @contextlib.contextmanager
    def _database(self, label: str) -> Iterator[str]:
        """Name of a database, which is dropped at the end."""
        name = f"bench_{os.getpid()}_{label}"
        try:
            yield name
        finally:
            self.odoo.databases.drop(name)

    def _phase(self, database: str, phase: str, size: int) -> dict[str, float]:
        """The figures of a phase; those that it had measured when it failed or took too long."""
        odoo, limit = self.odoo, LIMIT * max(1, size / 20_000)
        path = odoo.state.logs / f"{database}-{phase}.json"
        path.unlink(missing_ok=True)
        script = (REPO / "tools" / "bench_shell.py").read_text()
        text = f"PHASE, FIGURES = {phase!r}, {str(path)!r}\n{script}"
        log = odoo.state.logs / f"{database}-{phase}.log"
        # without parallel workers: the processor time is that of one process
        env = {**odoo.env, "PGOPTIONS": "-c max_parallel_workers_per_gather=0"}
        command = odoo.command("shell", "-d", database, "--no-http")
        problem = ""
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
                    timeout=limit,
                    check=False,
                )
                if done.returncode:
                    problem = error_line(log)
            except subprocess.TimeoutExpired:
                problem = f"ended after {limit:.0f} s"
                self._end_sessions(database)
        figures = json.loads(path.read_text()) if path.exists() else {}
        if not figures.pop("done", 0):
            say(f"{phase} of {database} did not finish: {problem or 'see ' + str(log)}")
            figures[f"{phase}.limit"] = limit
        else:
            figures[f"{phase}.done"] = 1
        figures[f"{phase}.peak_mb"] = figures.pop("peak_mb", 0)
        path.unlink(missing_ok=True)
        return figures

    def _end_sessions(self, database: str) -> None:
        """End what the server still does for a process that was ended."""
        self.odoo.databases.sql(
            (
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
                [database],
            )
        )


def _machine(odoo: Odoo) -> dict:
    """What the figures depend on, besides the code."""
    (row,) = odoo.databases.sql("SHOW server_version")
    if not odoo.server.private and not odoo.server.host.startswith("/"):
        raise Problem("./run bench reads the processor time of PostgreSQL: it needs a local server")
    commit = subprocess.run(
        ["git", "-C", str(REPO), "log", "-1", "--format=%h of %cs"],
        capture_output=True,
        text=True,
        check=False,
    )
    return {
        "commit": commit.stdout.strip() or "unknown",
        "postgresql": row[0].split()[0],
        "processors": os.cpu_count() or 1,
    }


def _save(odoo: Odoo, run: Run) -> None:
    """Keep the figures of the run in the state folder."""
    Path(odoo.state.logs / "bench.json").write_text(json.dumps(run.as_dict(), indent=1))
