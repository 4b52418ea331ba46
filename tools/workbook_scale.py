# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Time and memory to write large workbooks; each is written in its own process, without Odoo."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from .common import REPO

SCRIPT = """
import io, json, resource, sys, time, types
# the package without its models, which need Odoo
package = sys.modules["crm_kpi"] = types.ModuleType("crm_kpi")
package.__path__ = [sys.argv[1]]
from crm_kpi.workbook import content as wb
from crm_kpi.workbook.report import write_report

kind, count = sys.argv[2], int(sys.argv[3])
words = dict.fromkeys(
    "summary period whole team user segment heat trend target forecast records attainment status "
    "total not_summable partial chart_note".split(), "word")
content = wb.Content("Title", "", words, periods=[f"P{i}" for i in range(12)])
cells = 0
if kind == "sheets":
    class Ratio:
        import ast
        from collections import namedtuple
        Component = namedtuple("Component", "code shift")
        components = (Component("a", ""), Component("b", ""))
        tree = ast.parse("a / b", mode="eval").body
        def evaluate(self, values, constants):
            a, b = values.values()
            return a / b
    parts = [("a", ""), ("b", "")]
    def row(i):
        a = [float(i % 7 + j) for j in range(12)]
        b = [float(i % 11 + j + 1) for j in range(12)]
        return wb.Row(f"Salesperson {i}", [x / y for x, y in zip(a, b)], {}, dict(zip(parts, (a, b))),
                      record_count=i, target=0.5, attainment=1.0, status="on_track", status_text="On track")
    people = count // 41 // 5
    measures = []
    for m in range(5):
        rows = [row(i) for i in range(people)]
        measures.append(wb.Measure(
            key=m, name=f"KPI {m}", about="", category="C", number_format="0.0%",
            part_formats=dict.fromkeys(parts, "0"), direction="increase", unit="percent",
            whole=row(1), targets=[None] * 12, forecasts=[None] * 12, counts=[1] * 12,
            blocks=[wb.Block("user", "Who", rows)], formula=Ratio(), constants=[{}] * 12,
            part_names=dict(zip(parts, "ab")), part_summable=dict.fromkeys(parts, True)))
    content.sheets = [("C", measures)]
    cells = 5 * people * 41
else:
    rows = ([f"KPI {i % 9}", "Category", "November 2026", 46348, "Salesperson", f"Salesperson {i}",
             (i / 7, "0.0%"), i, None, None] for i in range(count // 8))
    content.pages = [wb.Page("Values", "Values", [wb.Table("Values", list("abcdefghij"), rows)])]
    cells = count
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
start = time.perf_counter()
file = io.BytesIO()
formulas = write_report(file, content, flat=kind == "flat")
print(json.dumps({
    "cells": cells, "formulas": formulas, "seconds": round(time.perf_counter() - start, 2),
    "megabytes": (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024,
    "file": len(file.getvalue()) // 1024}))
"""


def measure(python: Path | str, kind: str, count: int) -> dict[str, float]:
    """Write a workbook: ``sheets`` has tables with live formulas, ``flat`` plain rows.

    :return: cells, formulas, seconds, megabytes of memory, kilobytes of the file
    """
    done = subprocess.run(
        [str(python), "-c", SCRIPT, str(REPO / "crm_kpi"), kind, str(count)],
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def measure_workbook(python: Path | str) -> dict[str, float]:
    """The figures of the benchmark: a workbook of 100,000 cells."""
    book = measure(python, "sheets", 100_000)
    return {f"workbook.{name}": value for name, value in book.items()}
