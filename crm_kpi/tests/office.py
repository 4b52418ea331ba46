# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Headless LibreOffice, which recalculates the formulas of a workbook independently."""

import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

import openpyxl

# by default LibreOffice keeps the cached values of files that it did not write
ALWAYS_RECALCULATE = """<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry">
  <item oor:path="/org.openoffice.Office.Calc/Formula/Load">
    <prop oor:name="OOXMLRecalcMode" oor:op="fuse"><value>0</value></prop>
  </item>
</oor:items>
"""


def soffice():
    """Path of LibreOffice, set by ``./run``; without it the test is skipped."""
    found = shutil.which("soffice")
    if not found:
        if os.environ.get("CRM_KPI_STRICT", "0") not in ("", "0"):
            raise AssertionError("no LibreOffice: apt install libreoffice-calc-nogui")
        raise unittest.SkipTest("LibreOffice not found")
    return found


def convert(path, kind, folder):
    """Open a workbook in LibreOffice, recalculate it, and save it in another format."""
    with tempfile.TemporaryDirectory() as profile:
        settings = Path(profile, "user", "registrymodifications.xcu")
        settings.parent.mkdir(parents=True)
        settings.write_text(ALWAYS_RECALCULATE)
        subprocess.run(
            [
                soffice(),
                "--headless",
                f"-env:UserInstallation=file://{profile}",
                "--convert-to",
                kind,
                "--outdir",
                str(folder),
                str(path),
            ],
            check=True,
            capture_output=True,
            timeout=300,
        )
    return Path(folder, Path(path).stem).with_suffix(f".{kind.split(':')[0]}")


def formula_cells(path):
    """``{(sheet, cell): (formula, cached value, recalculated value)}`` of a workbook."""
    formulas = openpyxl.load_workbook(path)
    cached = openpyxl.load_workbook(path, data_only=True)
    with tempfile.TemporaryDirectory() as folder:
        again = openpyxl.load_workbook(
            convert(path, "xlsx:Calc MS Excel 2007 XML", folder), data_only=True
        )
        return {
            (sheet.title, cell.coordinate): (
                cell.value,
                cached[sheet.title][cell.coordinate].value,
                again[sheet.title][cell.coordinate].value,
            )
            for sheet in formulas
            for row in sheet.iter_rows()
            for cell in row
            if cell.data_type == "f"
        }
