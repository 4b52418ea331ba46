# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What a test file needs, read from its source without importing it.

Classes of Odoo tests state it with Odoo's own tags, so that both runners know it::

    @tagged("post_install", "-at_install", "browser")

Test files that need no Odoo state it with pytest's marker: ``pytestmark = pytest.mark.no_odoo``.
conftest.py gives the tests the markers of their tags.
"""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

#: Tags that are pytest markers, too.
TAGS = {"browser", "office"}


@cache
def marks(path: Path) -> frozenset[str]:
    """The marks of a test file: of ``browser``, ``office`` and ``no_odoo``."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ClassDef):
            found |= _tags(node) & TAGS
        elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "pytestmark":
            found |= {item.attr for item in ast.walk(node.value) if isinstance(item, ast.Attribute)}
    return frozenset(found & {*TAGS, "no_odoo"})


def _tags(node: ast.ClassDef) -> set[str]:
    """Arguments of a class's decorator ``tagged``."""
    return {
        argument.value
        for decorator in node.decorator_list
        if isinstance(decorator, ast.Call) and ast.unparse(decorator.func).endswith("tagged")
        for argument in decorator.args
        if isinstance(argument, ast.Constant)
    }
