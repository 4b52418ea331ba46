# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The layout shows the architecture: which folder may import which, and one file per model.

Nothing here needs Odoo: the code is parsed.
"""

import ast
import re
from collections import defaultdict
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

pytestmark = pytest.mark.no_odoo

REPO = Path(__file__).resolve().parent.parent
CORE = REPO / "crm_kpi"
ADDONS = sorted(path.parent for path in REPO.glob("*/__manifest__.py"))
#: Folders of plain modules. They never import models.
CONCEPTS = {
    "alerts",
    "board",
    "conversations",
    "customers",
    "definitions",
    "engine",
    "entries",
    "facts",
    "follow",
    "goals",
    "periods",
    "pipeline",
    "refresh",
    "segments",
    "stamps",
    "workbook",
}


def product_files(addon):
    return [path for path in sorted(addon.rglob("*.py")) if "tests" not in path.parts]


def imports(path, addon):
    """Names that a file of an addon imports from the addon: list of ``(folder, name)``."""
    package = path.relative_to(addon).parts[:-1]
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.ImportFrom):
            continue
        module = node.module.split(".") if node.module else []
        if node.level:
            target = [*package[: len(package) - node.level + 1], *module]
        elif module[:3] == ["odoo", "addons", addon.name]:
            target = module[3:]
        else:
            continue
        found += [((target or [alias.name])[0], alias.name) for alias in node.names]
    return found


def folder_imports():
    """Folder of the core to the set of folders that it imports."""
    result = defaultdict(set)
    for path in product_files(CORE):
        folder = path.relative_to(CORE).parts[0]
        if folder.endswith(".py"):
            continue
        result[folder] |= {target for target, _name in imports(path, CORE)} - {folder}
    return result


def model_of(node):
    """The model that a class defines or extends, ``None`` for other classes."""
    values = {}
    for item in node.body:
        if isinstance(item, ast.Assign) and isinstance(item.targets[0], ast.Name):
            name = item.targets[0].id
            if name in ("_name", "_inherit"):
                values[name] = ast.literal_eval(item.value)
    inherited = values.get("_inherit")
    return values.get("_name") or (inherited if isinstance(inherited, str) else None)


def test_concepts_exist():
    missing = [name for name in sorted(CONCEPTS) if not (CORE / name).is_dir()]
    assert not missing


def test_concepts_do_not_import_models():
    above = {"models", "wizard", "controllers"}
    wrong = {
        folder: sorted(targets & above)
        for folder, targets in folder_imports().items()
        if folder in CONCEPTS and targets & above
    }
    assert not wrong


def test_folders_form_layers():
    try:
        list(TopologicalSorter(folder_imports()).static_order())
    except CycleError as error:
        pytest.fail(f"folders that import each other: {' -> '.join(error.args[1])}")


def test_no_private_name_is_imported_across_folders():
    wrong = [
        f"{path.relative_to(REPO)}: {target}.{name}"
        for path in product_files(CORE)
        for target, name in imports(path, CORE)
        if name.startswith("_") and target != path.relative_to(CORE).parts[0]
    ]
    assert not wrong


def test_one_file_per_model():
    places = defaultdict(list)
    for addon in ADDONS:
        for path in product_files(addon):
            for node in ast.parse(path.read_text()).body:
                if isinstance(node, ast.ClassDef) and (model := model_of(node)):
                    places[addon.name, model].append(str(path.relative_to(REPO)))
    assert len(places) > 60, "models are found"
    assert not {key: files for key, files in places.items() if len(files) > 1}


def test_core_names_no_glue_addon():
    others = [addon.name for addon in ADDONS if addon != CORE]
    pattern = re.compile(r"\b(?:" + "|".join(others) + r"|helpdesk\.ticket)\b")
    files = [*product_files(CORE), *CORE.glob("data/*.xml"), *CORE.glob("views/*.xml")]
    wrong = [
        str(path.relative_to(REPO))
        for path in files
        if "static" not in path.parts and pattern.search(path.read_text())
    ]
    assert not wrong
