# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The addons of this repository: manifests, dependencies, and hashes of their content."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from pathlib import Path

from .common import REPO, Problem, digest


def read_manifest(folder: Path) -> dict:
    """The manifest of an addon."""
    path = folder / "__manifest__.py"
    try:
        return ast.literal_eval(path.read_text())
    except (SyntaxError, ValueError) as error:
        raise Problem(f"{path.relative_to(REPO)} is not a valid manifest: {error}") from error


def repo_addons(repo: Path = REPO) -> dict[str, dict]:
    """The installable addons of the repository with their manifests."""
    found = {
        path.parent.name: read_manifest(path.parent)
        for path in sorted(repo.glob("*/__manifest__.py"))
    }
    return {name: manifest for name, manifest in found.items() if manifest.get("installable", True)}


def split_modules(wanted: Iterable[str], addons: dict[str, dict]) -> tuple[set[str], set[str]]:
    """Split modules into those of this repository (with their dependencies here) and the others."""
    own, external, todo = set(), set(), list(wanted)
    while todo:
        name = todo.pop()
        if name not in addons:
            external.add(name)
        elif name not in own:
            own.add(name)
            todo += addons[name].get("depends", ["base"])
    return own, external


def tree_files(folder: Path) -> list[Path]:
    """Files of an addon that affect a database: no byte code, Python tests or texts for developers."""
    files = []
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        if (
            path.is_file()
            and "__pycache__" not in parts
            and parts[0] not in ("tests", "readme", "README.rst")
        ):
            files.append(path)
    return files


def tree_hash(folders: Iterable[Path]) -> str:
    """Hash of the content of addons; it is the same in every check-out."""
    parts: list[str | bytes] = []
    for folder in sorted(folders):
        for path in tree_files(folder):
            parts += [f"{folder.name}/{path.relative_to(folder)}", path.read_bytes()]
    return digest(*parts)


def assets_hash(folders: Iterable[Path]) -> str:
    """Hash of what Odoo compares to see whether web assets are out of date: paths and times of the files."""
    return digest(
        *(
            f"{folder.name}/{path.relative_to(folder)} {path.stat().st_mtime_ns}"
            for folder in sorted(folders)
            for path in tree_files(folder)
            if "static" in path.relative_to(folder).parts[:1]
        )
    )


def is_demo(name: str) -> bool:
    """Whether an addon holds only demo data: it is installed in demo databases only, and last."""
    return name.endswith("_demo")
