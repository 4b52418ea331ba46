# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Texts for users are plain English: wordings that users did not understand do not come back.

Nothing here needs Odoo: the sources are searched, without comments in Python.
"""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

pytestmark = pytest.mark.no_odoo

REPO = Path(__file__).resolve().parent.parent
ADDONS = sorted(path.parent for path in REPO.glob("*/__manifest__.py"))

#: A wording, and what to say instead.
RETIRED = {
    r"Goal and its talk": "Goal & discussion",
    r"Of others than chosen": "Other salespeople's",
    r"In the number": "Included",
    r"All records dated": "Total in this period",
    r"Not of the kind": "Excluded: …",
    r"Nothing to compute": "No data for this period yet",
    r"Known (for all from|when the period)": "Final on …, Available after …",
    r"of at least %\(?\w*\)?s": "Too little data (1 of 5 needed)",
    r"\bn = ": "6 orders",
    r"(worse|better) than in": "↓ 45 % vs Oct 1–28",
    r"in the whole of": "October total",
    r"at a cost\b": "On track – but … is off track",
    r"Half of them are|or beyond": "Median, Best",
    r"by chance": "Values outside this range are unusual",
    r"What is promised|How it is kept|Promised|Attained|Reasons and means": "Target, Progress",
    r"At this pace|At the end\b": "Forecast",
    r"Mend the file|is no number|export it anew": "Fix the file or export it again.",
    r"Change all of them|Another file|Show these first": "Apply, Choose another file",
    r"at any price|suffers first": "Balances …: gets worse first if that is pushed too hard",
    r"Rearrang|Take off the|Show on a wall|Keys of the": "Edit, Remove, TV mode, Keyboard shortcuts",
    r"Workbooks by mail|Receivers|At hour": "Scheduled reports, Recipients, Time",
    r"To come": "Upcoming",
    r"Exchanges|Churned from|First day after|From \(instant\)": "Conversations, Last day",
    r"are given up": "will be lost",
    r"Aggregate of records|Formula over KPIs": "Count or sum records, Calculate from other KPIs",
    r"facts at all|What a fact of": "Which records does this source contain?",
    r"Whose record it is|Beside the source": "Credited to, In addition to the source's filter",
    r"Maturity days|Trailing months": "Wait before final (days), Months looked back",
    r"Silence of|Usual gap|Forget history": "Usual time between orders, Delete history",
    r"So many closed periods|Nothing was restated": "No changes to locked periods",
}


def python_texts(path):
    """Strings of a module that may be shown: without docstrings."""
    tree = ast.parse(path.read_text())
    shown = {id(node): node for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and isinstance(body[0], ast.Expr):
            shown.pop(id(body[0].value), None)
    return [node.value for node in shown.values() if isinstance(node.value, str)]


@cache
def texts():
    """``(path, text)`` of what may be shown to users."""
    return tuple(_texts())


def _texts():
    for addon in ADDONS:
        for path in sorted(addon.rglob("*")):
            if {"tests", "i18n", "bench", "scale"} & set(path.relative_to(addon).parts):
                continue
            if path.suffix == ".py":
                yield from ((path, text) for text in python_texts(path))
            elif path.suffix == ".js":
                code = re.sub(r"/\*.*?\*/|//[^\n]*", "", path.read_text(), flags=re.DOTALL)
                yield path, code
            elif path.suffix in (".xml", ".csv"):
                yield path, re.sub(r"<!--.*?-->", "", path.read_text(), flags=re.DOTALL)


@pytest.mark.parametrize("wording", RETIRED)
def test_retired_wording(wording):
    found = [
        f"{path.relative_to(REPO)}: {match.group()}"
        for path, text in texts()
        for match in re.finditer(wording, text)
    ]
    assert not found, f"say: {RETIRED[wording]}"
