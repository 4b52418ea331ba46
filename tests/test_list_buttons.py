# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Buttons in the rows of lists have a name: Odoo shows the title of a button only to a mouse."""

from pathlib import Path
from xml.etree import ElementTree

import pytest

pytestmark = pytest.mark.no_odoo

REPO = Path(__file__).resolve().parent.parent


def test_buttons_in_lists_have_a_name():
    nameless = [
        f"{path.relative_to(REPO)}: {button.get('name')}"
        for folder in ("views", "wizard")
        for path in sorted(REPO.glob(f"crm_kpi*/{folder}/*.xml"))
        for view in ElementTree.parse(path).iter("list")
        for button in view.iter("button")
        if not button.get("string")
    ]
    assert not nameless
