# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""``./run lint``: the hooks of .pre-commit-config.yaml without git and GitHub.

A test compares the names and versions here with those in that file.
"""

from __future__ import annotations

import argparse
import subprocess
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from .addons import repo_addons
from .common import REPO, Problem, say, strict
from .node import node_folder, node_modules, tools_venv
from .python_envs import python_env
from .state import state_folder

#: Files that pre-commit's general hooks do not change: generated, legal, or made for machines.
GENERATED = (
    "README.rst",
    "index.html",
    ".po",
    ".pot",
    ".svg",
    ".png",
    ".xlsx",
    "package-lock.json",
)
SKIPPED = {"lib", "node_modules", "__pycache__", "dist"}
TEXT = (
    "py",
    "xml",
    "js",
    "mjs",
    "scss",
    "csv",
    "md",
    "toml",
    "yaml",
    "txt",
    "in",
    "cfg",
    "sh",
    "json",
)


@dataclass(frozen=True)
class Check:
    """A command and the id of its hook; `fix` are the arguments that make it change files."""

    hook: str
    command: list[str]
    files: list[str] = field(default_factory=list)
    fix: tuple[str, ...] = ()
    no_fix: tuple[str, ...] = ()

    def arguments(self, fix: bool) -> list[str]:
        return [*self.command, *(self.fix if fix else self.no_fix), *self.files]


def source_files(places: Iterable[Path] | None = None) -> list[str]:
    """Files of the addons and the tools, and those of the top folder, relative to the repository."""
    folders = [REPO / name for name in (*repo_addons(), "tools", "tests", "docs", "requirements")]
    found = [path for path in REPO.iterdir() if path.is_file()]
    found += [path for place in places or folders for path in place.rglob("*") if path.is_file()]
    kept = (path.relative_to(REPO) for path in found)
    return sorted(str(path) for path in kept if not SKIPPED.intersection(path.parts))


def ending(files: Iterable[str], *endings: str) -> list[str]:
    """The files with one of these endings."""
    return [name for name in files if name.endswith(endings)]


def general_checks(tools: Path, files: list[str]) -> list[Check]:
    """Hooks of pre-commit-hooks; those that can, correct the files, as they do under pre-commit."""
    written = [
        name
        for name in files
        if not name.endswith(GENERATED)
        and (name.rpartition(".")[2] in TEXT or name in ("run", ".ci/run"))
    ]

    def check(hook: str, program: str, names: list[str], *options: str) -> Check:
        return Check(hook, [str(tools / "bin" / program), *options], names)

    return [
        check("trailing-whitespace", "trailing-whitespace-fixer", written),
        check("end-of-file-fixer", "end-of-file-fixer", written),
        check("mixed-line-ending", "mixed-line-ending", written, "--fix=lf"),
        check("check-merge-conflict", "check-merge-conflict", written, "--assume-in-merge"),
        check("check-xml", "check-xml", ending(files, ".xml", ".svg")),
        check("debug-statements", "debug-statement-hook", ending(files, ".py")),
    ]


def python_checks(tools: Path) -> list[Check]:
    """Hooks for Python, manifests, XML data and translations."""
    programs, addons = tools / "bin", sorted(repo_addons())
    ruff, pylint = str(programs / "ruff"), str(programs / "pylint")
    checks = [
        Check("ruff", [ruff, "check", "--output-format=concise"], ["."], ("--fix",)),
        Check("ruff-format", [ruff, "format"], ["."], (), ("--check", "--output-format=concise")),
    ]
    if addons:
        oca = str(programs / "oca-checks-odoo-module")
        checks += [
            Check("pylint_odoo", [pylint, "--rcfile=.pylintrc-mandatory"], addons),
            Check("oca-checks-odoo-module", [oca], addons, ("--fix",)),
        ]
    return checks


def web_checks(node: Path, packages: Path, files: list[str]) -> list[Check]:
    """Hooks for JavaScript, XML and style sheets."""

    def script(name: str) -> list[str]:
        return [str(node), str(packages / name)]

    prettier = [*script("prettier/bin/prettier.cjs"), "--log-level", "warn"]
    eslint = [*script("eslint/bin/eslint.js"), "--max-warnings", "0"]
    formatted = ending(files, ".js", ".mjs", ".xml", ".scss")
    return [
        Check("prettier", prettier, formatted, ("--write",), ("--check",)),
        Check("eslint", eslint, ending(files, ".js", ".mjs"), ("--fix",)),
    ]


def all_checks(tools: Path) -> list[Check]:
    """All checks that need only Python packages."""
    files = source_files()
    translations = ending(files, ".po", ".pot")
    checks = [*general_checks(tools, files), *python_checks(tools)]
    readme = [str(tools / "bin" / "python"), "-m", "tools.readme"]
    checks.append(Check("readme", readme, [], (), ("--check",)))
    if translations:
        checks.append(Check("oca-checks-po", [str(tools / "bin" / "oca-checks-po")], translations))
    return checks


def run_check(check: Check, fix: bool) -> tuple[bool, str]:
    """Whether a check passes, and its output."""
    done = subprocess.run(
        check.arguments(fix),
        cwd=REPO,
        env=python_env(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return not done.returncode, done.stdout


def command_lint(
    options: argparse.Namespace, run: Callable[[Check, bool], tuple[bool, str]] = run_check
) -> int:
    """Check style and rules of all files; with `--fix`, correct what the tools can correct."""
    state = state_folder()
    tools = tools_venv(state)
    checks = all_checks(tools)
    try:
        packages = node_modules(state, tools)
        checks += web_checks(node_folder(tools) / "bin" / "node", packages, source_files())
    except Problem as problem:
        if strict():
            raise
        say(f"prettier and eslint are left out: {problem}")
    failed = []
    for check in checks:
        passed, output = run(check, options.fix)
        print(f"{check.hook}: {'ok' if passed else 'failed'}")
        if not passed:
            failed.append(check.hook)
            print(output)
    if failed:
        print(f"lint: {', '.join(failed)} failed (./run lint --fix corrects some)")
        return 1
    print("lint: all checks passed")
    return 0
