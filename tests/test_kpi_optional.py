# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The list of KPIs of apps that are not installed equals what their addons define."""

import ast
import csv
import importlib
import re
import sys
import unittest
from pathlib import Path
from unittest.mock import patch
from xml.etree import ElementTree

from odoo.tests import TransactionCase, tagged

ROOT = Path(__file__).resolve().parents[1]


def manifest(addon):
    return ast.literal_eval((ROOT / addon / "__manifest__.py").read_text())


def text(record, name):
    field = record.find(f"field[@name='{name}']")
    return None if field is None else (field.text or field.get("ref") or field.get("eval"))


class TestOptional(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        with (ROOT / "crm_kpi/data/crm.kpi.optional.csv").open() as lines:
            cls.optional = {row["code"]: row for row in csv.DictReader(lines)}

    def test_equal_to_the_data_files(self):
        defined = {}
        for addon in sorted(path.parent.name for path in ROOT.glob("crm_kpi_*/__manifest__.py")):
            for name in manifest(addon).get("data", ()):
                if not name.endswith(".xml"):
                    continue
                for record in ElementTree.parse(ROOT / addon / name).iter("record"):
                    if (
                        record.get("model") == "crm.kpi"
                        and text(record, "code")
                        and text(record, "is_component") != "True"
                    ):
                        self.assertNotIn(text(record, "code"), defined)
                        defined[text(record, "code")] = (
                            addon,
                            text(record, "name"),
                            text(record, "metric_class"),
                            text(record, "category_id").removeprefix("crm_kpi."),
                            " ".join(text(record, "description").split()),
                        )
        listed = {
            code: (
                row["module"],
                row["name"],
                row["metric_class"],
                row["category_id/id"],
                row["description"],
            )
            for code, row in self.optional.items()
        }
        self.assertEqual(listed, defined, "run ./run kpi-table")

    def test_apps(self):
        for row in self.optional.values():
            self.assertTrue(row["apps"])
            needed, seen = set(manifest(row["module"])["depends"]), set()
            while glue := {name for name in needed if name.startswith("crm_kpi_")} - seen:
                seen |= glue
                needed |= {name for addon in glue for name in manifest(addon)["depends"]}
            for app in row["apps"].split(","):
                self.assertIn(app, needed)
                self.assertFalse(app.startswith("crm_kpi"))

    def test_core_names_no_kpi_of_another_addon(self):
        codes = "|".join(sorted(self.optional))
        quoted = re.compile(rf"""["'>](?:{codes})["'<]""")
        for path in (ROOT / "crm_kpi").rglob("*"):
            if path.suffix in (".py", ".xml", ".js") and not {"demo", "tests"} & {*path.parts}:
                self.assertFalse(quoted.findall(path.read_text()), path)

    def test_tool_writes_the_same_file(self):
        with patch.object(sys, "path", [str(ROOT / "tools"), *sys.path]):
            tool = importlib.import_module("kpi_optional")
        self.assertEqual((ROOT / "crm_kpi/data/crm.kpi.optional.csv").read_text(), tool.render())


@tagged("post_install", "-at_install")
class TestOptionalInTheDatabase(TransactionCase):
    def test_installed_addons_define_their_optional_kpis(self):
        installed = set(
            self.env["ir.module.module"].search([("state", "=", "installed")]).mapped("name")
        )
        optional = self.env["crm.kpi.optional"].search([])
        self.assertTrue(optional)
        codes = set(self.env["crm.kpi"].search([]).mapped("code"))
        for kpi in optional:
            self.assertEqual(kpi.code in codes, kpi.module in installed, kpi.code)
        missing = self.env["crm.kpi.library"].search([("status", "=", "missing")])
        self.assertEqual(
            set(missing.mapped("code")),
            set(optional.filtered(lambda o: o.module not in installed).mapped("code")),
        )
