# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""``./run test``: pytest on a copy of a template database, with everything that the tests need."""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import subprocess
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from .addons import repo_addons
from .browser import need_chromium
from .common import REPO, Problem, say, side_by_side, strict
from .database_commands import module_names
from .installation import Odoo
from .marks import marks
from .node import node_modules, tools_venv
from .odoo_source import SELFIE
from .office import need_office
from .state import State, state_folder
from .templates import Templates

MAX_WORKERS = 4  # of a whole test run; each needs 1 GB and a copy of the database
#: Options of pytest whose value is the next argument.
PYTEST_VALUES = {"-c", "-k", "-m", "-n", "-o", "-p", "-r", "-W", "--cov", "--deselect", "--ignore"}
#: Options after which a whole run is not distributed to several processes.
NOT_DISTRIBUTED = ("-n", "--numprocesses", "--dist", "-p", "-m", "--pdb", "--trace", "-s")


def test_files(paths: Iterable[Path]) -> list[Path]:
    """The test files that these paths select."""
    files: list[Path] = []
    for path in paths:
        files += sorted(path.rglob("test_*.py")) if path.is_dir() else [path]
    return files


def split_test_arguments(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """Split pytest's arguments into options and paths (`folder`, `file`, `file::test`)."""
    options, paths = [], []
    for before, argument in zip(["", *arguments], arguments, strict=False):
        value = argument.startswith("-") or before in PYTEST_VALUES
        is_path = not value and Path(argument.split("::")[0]).exists()
        (paths if is_path else options).append(argument)
    return options, paths


def all_paths() -> list[str]:
    """Paths of all tests of the repository."""
    addons = [name for name in repo_addons() if (REPO / name / "tests").is_dir()]
    return [*addons, *(["tests"] if (REPO / "tests").is_dir() else [])]


def distribution(arguments: Sequence[str]) -> list[str]:
    """Options that distribute a whole run to several processes, each with its own database (see conftest.py)."""
    workers = min(os.cpu_count() or 1, MAX_WORKERS)
    if workers < 2 or any(item.startswith(NOT_DISTRIBUTED) for item in arguments):
        return []
    return ["-n", str(workers)]


def drop_orphans(odoo: Odoo) -> None:
    """Drop the test databases of runs that were killed."""
    if odoo.server.private:
        for name in odoo.databases.names():
            found = re.fullmatch(r"test_(\d+)_[\w-]+", name)
            if found and not Path("/proc", found[1]).exists():
                with contextlib.suppress(Problem):  # another run drops it
                    odoo.databases.drop(name)


def axe(state: State) -> str:
    """Path of the accessibility checker that browser tests load; empty when it is not available."""
    try:
        return str(node_modules(state, tools_venv(state)) / "axe-core" / "axe.min.js")
    except Problem as problem:
        if strict():
            raise
        say(f"tests of accessibility are skipped: {problem}")
        return ""


@dataclass(frozen=True)
class Selection:
    """What the selected test files need."""

    odoo: bool
    browser: bool
    office: bool

    @classmethod
    def of(cls, paths: Sequence[str]) -> Selection:
        files = test_files(Path(path.split("::")[0]) for path in paths)
        needs = [marks(file.resolve()) for file in files]
        return cls(
            odoo=not needs or any("no_odoo" not in item for item in needs),
            browser=any("browser" in item for item in needs),
            office=any("office" in item for item in needs),
        )


@dataclass(frozen=True)
class Trial:
    """What a run of pytest uses."""

    odoo: Odoo
    template: str = ""  # of its database; empty for tests that need no Odoo
    browser: bool = False
    axe: str = ""


def prepare_tests(options: argparse.Namespace, paths: Sequence[str]) -> Trial:
    """Fetch and make everything that the tests need, at the same time."""
    state = state_folder()
    needs = Selection.of(paths)
    state.prepare()

    def odoo_and_template() -> tuple[Odoo, str]:
        odoo = Odoo(state, options.db_url)
        if not needs.odoo:
            return odoo, ""
        drop_orphans(odoo)
        # without demo data: tests make their own records
        modules = module_names(options.modules)
        return odoo, Templates(odoo).get(modules, demo=False, web=needs.browser)

    tasks: list[Callable[[], object]] = [odoo_and_template]
    if needs.browser:
        tasks += [lambda: need_chromium(state), lambda: axe(state)]
    if needs.office:
        tasks.append(lambda: need_office(state))
    (odoo, template), *others = side_by_side(*tasks)
    selfie = odoo.home / "odoo" / "addons" / SELFIE
    if needs.browser and not selfie.exists() and "dist-packages" in odoo.home.parts:
        say(f"Debian's Odoo lacks a file that tours load: touch {selfie}")
    return Trial(odoo, template, needs.browser, others[1] if needs.browser else "")


def command_test(options: argparse.Namespace) -> int:
    """Run the tests with pytest on a copy of the template; its summary and exit code are pytest's."""
    arguments, paths = split_test_arguments(options.arguments)
    if not paths:
        paths = all_paths()
        os.chdir(REPO)
        arguments += distribution(arguments)
    trial = prepare_tests(options, paths)
    if options.prepare:
        return 0
    odoo = trial.odoo
    pytest = [str(odoo.python), "-m", "pytest", f"--rootdir={REPO}", *arguments, *paths]
    config = REPO / "pyproject.toml"
    if config.exists():
        pytest += ["-c", str(config)]
    if not trial.template:
        return subprocess.run([*pytest, "-p", "no:odoo"], env=odoo.env, check=False).returncode
    database = f"test_{os.getpid()}_{uuid.uuid4().hex[:6]}"
    # --odoo-http: without the server, pytest-odoo skips the tests that ask it
    pytest += [f"--odoo-config={odoo.conf}", f"--odoo-database={database}", "--odoo-http"]
    try:
        odoo.databases.copy(trial.template, database)
        env = {**odoo.env, "CRM_KPI_AXE": trial.axe}
        return subprocess.run(pytest, env=env, check=False).returncode
    finally:
        odoo.databases.drop(database)
