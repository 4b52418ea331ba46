# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The web client shows what the views of the settings contain."""

import unittest
from pathlib import Path

from lxml import etree

ROOT = Path(__file__).resolve().parents[1]


class TestSettingsViews(unittest.TestCase):
    def test_words_beside_fields_are_in_an_element(self):
        """The web client drops the text of a ``setting`` that is in no element inside it."""
        files = list(ROOT.glob("crm_kpi*/*/*settings_views.xml"))
        self.assertTrue(files)
        for path in files:
            for setting in etree.parse(path).iter("setting"):
                words = "".join(setting.xpath("text()")).strip()
                self.assertFalse(words, f"{path.parents[1].name}: {setting.get('id')}")
