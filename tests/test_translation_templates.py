# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The translation templates hold the terms of the source, all of them and no others."""

import importlib
import sys
from pathlib import Path
from unittest.mock import patch

import polib

from odoo.tests import TransactionCase, tagged
from odoo.tools.translate import TranslationModuleReader

TOOLS = Path(__file__).resolve().parents[1] / "tools"


@tagged("post_install", "-at_install")
class TestTranslationTemplates(TransactionCase):
    def test_up_to_date(self):
        with patch.object(sys, "path", [str(TOOLS), *sys.path]):
            pot = importlib.import_module("pot")
        wanted = [("name", "in", pot.addons()), ("state", "=", "installed")]
        if self.env["ir.module.module"].search_count(wanted) < len(pot.addons()):
            self.skipTest("an addon lacks terms where another one is not installed")
        # all at once, because each reading walks through all of Odoo
        source = {addon: set() for addon in pot.addons()}
        for addon, _type, _name, _id, term, *_rest in TranslationModuleReader(
            self.env.cr, modules=pot.addons()
        ):
            source[addon].add(term)
        anywhere = set().union(*source.values())
        for addon, terms in source.items():
            with self.subTest(addon=addon):
                template = {entry.msgid for entry in polib.pofile(str(pot.file_of(addon)))}
                hint = "./run pot writes the templates"
                self.assertEqual(sorted(terms - template), [], f"missing: {hint}")
                self.assertEqual(sorted(template - anywhere), [], f"not there any more: {hint}")
