# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The database of the benchmarks: a million leads and a million orders, read as history.

``CRM_KPI_SCALE`` is another number of each. Run benchmarks alone, on an idle machine::

    ./run test -m benchmark tests/test_refresh_speed.py
"""

import os

from odoo.tests import TransactionCase

from odoo.addons.crm_kpi.refresh.steps import SegmentsStep
from odoo.addons.crm_kpi_demo.scale import generate

SIZE = int(os.environ.get("CRM_KPI_SCALE") or 1_000_000)


class ScaleCase(TransactionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company = cls.env.ref("base.main_company")
        cls.salespeople = cls.env["res.users"].browse(generate(cls.env, SIZE, SIZE))
        cls.env["crm.kpi.backfill"]._run()
        # Facts derived from conversations and of customers are not measured.
        cls.env["crm.kpi.dirty"].search([]).unlink()
        cls.now = cls.env.cr.now().replace(microsecond=0)
        cls.kpis = cls.env["crm.kpi"].with_company(cls.company)
        cls.kpis._refresh_periods(cls.now)
        SegmentsStep(cls.env).run()
        cls.env.cr.execute("ANALYZE crm_kpi_segment_member, crm_kpi_period")
        cls.periods = cls.env["crm.kpi.period"].search([("company_id", "=", cls.company.id)])
