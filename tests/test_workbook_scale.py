# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Time and memory to write large workbooks; each is written in its own process."""

import sys

import pytest

from tools.workbook_scale import measure

pytestmark = pytest.mark.no_odoo


@pytest.mark.benchmark
def test_workbook_scale():
    """A hundred thousand cells in tables with live formulas, and plain rows in constant memory."""
    book = measure(sys.executable, "sheets", 100_000)
    assert book["formulas"] > 25_000
    assert book["seconds"] < 30
    small, large = (
        measure(sys.executable, "flat", 100_000),
        measure(sys.executable, "flat", 1_000_000),
    )
    # ten times the cells, the same memory except for the file itself
    assert large["megabytes"] - large["file"] / 1024 < small["megabytes"] + 30
