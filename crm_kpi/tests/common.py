# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from datetime import date

from odoo import fields
from odoo.tests import TransactionCase

DISABLED_MAIL = {
    "tracking_disable": True,
    "mail_create_nolog": True,
    "mail_create_nosubscribe": True,
    "mail_notrack": True,
    "no_reset_password": True,
}


class KpiCommon(TransactionCase):
    """A company in Brussels with two teams, three salespeople and its own KPIs."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env = cls.env(context=dict(cls.env.context, **DISABLED_MAIL))
        cls.company = cls.env["res.company"].create(
            # examples are small
            {
                "name": "KPI company",
                "kpi_tz": "Europe/Brussels",
                "kpi_week_start": "1",
                "kpi_min_cell": 0,
            }
        )
        cls.env.user.company_ids |= cls.company
        cls.env = cls.env(context=dict(cls.env.context, allowed_company_ids=[cls.company.id]))
        cls.company = cls.company.with_env(cls.env)
        cls.kpis = cls.env["crm.kpi"]
        cls.category = cls.env.ref("crm_kpi.crm_kpi_category_conversion")
        cls.ann, cls.bob, cls.cid = (
            cls.make_user(name, "sales_team.group_sale_salesman") for name in ("Ann", "Bob", "Cid")
        )
        cls.north, cls.south = cls.env["crm.team"].create(
            [
                {
                    "name": name,
                    "company_id": cls.company.id,
                    "member_ids": [fields.Command.set(members.ids)],
                }
                for name, members in (("North", cls.ann | cls.bob), ("South", cls.cid))
            ]
        )
        cls.source = cls.env["crm.kpi.source"].create(
            {
                "name": "Test leads",
                "code": "test_leads",
                "model_id": cls.env["ir.model"]._get_id("crm.lead"),
                "date_field": "create_date",
                "user_field": "user_id",
                "team_field": "team_id",
                "company_field": "company_id",
                "partner_field": "partner_id",
            }
        )

    @classmethod
    def make_user(cls, name, *groups, company=None):
        """A user of one company, by default the test company, whose login is ``kpi_<name>``.

        :param groups: external ids of the user's groups
        """
        company = company or cls.company
        return cls.env["res.users"].create(
            {
                "name": name,
                "login": f"kpi_{name.lower()}",
                "company_id": company.id,
                "company_ids": [fields.Command.set(company.ids)],
                "group_ids": [fields.Command.set([cls.env.ref(group).id for group in groups])],
            }
        )

    @classmethod
    def make_kpi(cls, code, **values):
        """A published KPI over the test source, or a formula."""
        values = {
            "name": code,
            "code": f"test_{code}",
            "category_id": cls.category.id,
            "source_id": cls.source.id,
            "state": "published",
            **values,
        }
        return cls.env["crm.kpi"].create(values)

    @classmethod
    def make_lead(cls, created, **values):
        """A lead created at a UTC time, without default owner."""
        values = {
            "name": "Lead",
            "type": "opportunity",
            "company_id": cls.company.id,
            "user_id": False,
            "team_id": False,
            **values,
        }
        lead = cls.env["crm.lead"].create(values)
        cls.backdate(lead, create_date=created)
        return lead

    @classmethod
    def backdate(cls, records, **columns):
        """Write columns by SQL that the ORM does not write, such as ``create_date``."""
        cls.env.flush_all()
        for name, value in columns.items():
            cls.env.cr.execute(
                f'UPDATE "{records._table}" SET "{name}" = %s, write_date = '
                "clock_timestamp() AT TIME ZONE 'UTC' WHERE id = ANY(%s)",
                [value, records.ids],
            )
        if records._name == "crm.lead" and "create_date" in columns:
            # the first states of the leads begin with them
            cls.env["crm.kpi.lead.state"].sudo()._write_states()
            cls.env.cr.execute(
                """UPDATE crm_kpi_lead_state SET date_from = %s
                    WHERE id IN (SELECT min(id) FROM crm_kpi_lead_state
                                  WHERE lead_id = ANY(%s) GROUP BY lead_id)""",
                [columns["create_date"], records.ids],
            )
        records.invalidate_recordset()

    @classmethod
    def period(cls, kind, day):
        """The period of the test company that holds a day (a date or ISO text)."""
        day = date.fromisoformat(day) if isinstance(day, str) else day
        return cls.env["crm.kpi.period"]._current(kind, cls.company, day)

    def cells(self, kpi, period, level=None):
        domain = [("kpi_id", "=", kpi.id), ("period_id", "=", period.id)]
        if level:
            domain.append(("level", "=", level))
        return self.env["crm.kpi.value"].search(domain)

    def value(self, kpi, period, level="company", **dimensions):
        """Value of one cell; ``None`` if there is no such row or no value."""
        found = self.cells(kpi, period, level).filtered(
            lambda cell: all(cell[name] == record for name, record in dimensions.items())
        )
        self.assertLessEqual(len(found), 1)
        return None if not found or found.value is False else found.value
