# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import io

import openpyxl

from odoo.fields import Command

from ..workbook.request import WorkbookRequest
from .common import KpiCommon

SECRET = "Secret margin"


class ExportCase(KpiCommon):
    """Leads of Ann, Bob and Cid in two months; a rate, and a KPI for members of a group."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.manager = cls.make_user("Mona", "sales_team.group_sale_manager")
        cls.won = cls.make_kpi("won", domain="[('priority', '=', '2')]")
        cls.all_leads = cls.make_kpi("all")
        cls.rate = cls.make_kpi(
            "rate",
            name="Share won",
            kind="formula",
            formula="test_won / test_all",
            unit="percent",
            digits=1,
        )
        cls.amount = cls.make_kpi(
            "amount",
            name="=Amount & more",
            aggregator="sum",
            value_field="expected_revenue",
            unit="money",
            visibility="own",
        )
        cls.median = cls.make_kpi(
            "median",
            name="Median amount",
            aggregator="median",
            value_field="expected_revenue",
            unit="money",
        )
        cls.closed_group = cls.env["res.groups"].create({"name": "Board of directors"})
        cls.secret = cls.make_kpi(
            "secret", name=SECRET, group_ids=[Command.set(cls.closed_group.ids)]
        )
        cls.kpis = cls.rate | cls.amount | cls.median | cls.secret
        country = cls.env.ref("base.be")
        partner = cls.env["res.partner"].create({"name": "Customer", "country_id": country.id})
        for day, user, team, amount, priority in (
            ("2026-02-03", cls.ann, cls.north, 100, "2"),
            ("2026-02-04", cls.bob, cls.north, 50, "1"),
            ("2026-03-03", cls.ann, cls.north, 10, "2"),
            ("2026-03-04", cls.ann, cls.north, 20, "1"),
            ("2026-03-05", cls.bob, cls.north, 30.5, "2"),
            ("2026-03-06", cls.cid, cls.south, 1000, "1"),
            ("2026-03-07", cls.env["res.users"], cls.south, 7, "1"),
        ):
            cls.make_lead(
                f"{day} 10:00:00",
                name=f"=Lead {amount}",
                user_id=user.id,
                team_id=team.id,
                expected_revenue=amount,
                priority=priority,
                partner_id=partner.id,
            )
        cls.february, cls.march = (
            cls.period("month", "2026-02-10"),
            cls.period("month", "2026-03-10"),
        )
        cls.goal = cls.env["crm.kpi.goal"].create(
            [
                {
                    "kpi_id": cls.rate.id,
                    "period_id": cls.march.id,
                    "scope": "user",
                    "user_id": user.id,
                    "kind": "at_least",
                    "target": target,
                    "note": "=HYPERLINK(1)",
                }
                for user, target in ((cls.ann, 0.4), (cls.bob, 0.9))
            ]
        )
        cls.env["crm.kpi"]._refresh(
            periods=cls.february | cls.march, kpis=cls.kpis | cls.won | cls.all_leads
        )
        cls.env.flush_all()

    def options(self, **options):
        filters = {
            "company_id": self.company.id,
            "period_kind": "month",
            "date": "2026-03-01",
            "scope": "company",
            **options.pop("filters", {}),
        }
        return {"kpi_ids": self.kpis.ids, "filters": filters, "records": True, **options}

    def workbook(self, user, **options):
        """``(name, live workbook, workbook of cached values)``."""
        env = self.env(user=user.id, context={"lang": user.lang, "tz": "UTC"})
        file = io.BytesIO()
        name = env["crm.kpi.export"]._write_workbook(
            WorkbookRequest(**self.options(**options)), file
        )
        return (
            name,
            openpyxl.load_workbook(file),
            openpyxl.load_workbook(file, data_only=True),
        )

    def block(self, sheet, title, header):
        """Rows of a table of a KPI as a dict of the first cell to the cells of the periods."""
        rows = list(sheet.iter_rows(values_only=True))
        start = next(i for i, row in enumerate(rows) if row[0] == title)
        start = next(i for i in range(start, len(rows)) if rows[i][0] == header)
        periods = [name for name in rows[2][1:] if name]
        result = {}
        for row in rows[start + 1 :]:
            if row[0] is None:
                break
            result[row[0]] = list(row[1 : 1 + len(periods)])
        return result

    def texts(self, book):
        return {
            str(cell) for sheet in book for row in sheet.iter_rows(values_only=True) for cell in row
        }
