# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import fields
from odoo.fields import Command
from odoo.tests import freeze_time

from .common import KpiCommon

#: Wednesday 15 April 2026, 8 o'clock in Brussels: 10 of the 22 working days of April are over.
NOW = "2026-04-15 06:00:00"
#: Leads by local day, salesperson and amount. First ten working days: 1 to 14 April, 2 to 13
#: March, and in 2025 1 to 14 April.
LEADS = (
    ("2025-04-02", "ann", 10),
    ("2025-04-14", "ann", 10),
    ("2025-04-15", "ann", 10),  # eleventh working day
    ("2026-02-10", "ann", 10),
    ("2026-02-11", "ann", 10),
    ("2026-02-12", "bob", 10),
    ("2026-02-13", "cid", 10),
    ("2026-03-02", "ann", 10),
    ("2026-03-13", "ann", 200),
    ("2026-03-13", "bob", 300),
    ("2026-03-16", "bob", 10),  # eleventh working day
    ("2026-03-31", "cid", 10),
    ("2026-04-01", "ann", 10),
    ("2026-04-02", "ann", 500),
    ("2026-04-08", "ann", 10),
    ("2026-04-09", "bob", 20),
    ("2026-04-14", "cid", 600),
    ("2026-04-14", "nobody", 30),
)


class BoardCase(KpiCommon):
    """Leads of North (Ann, Bob) and South (Cid) around 15 April 2026, and a board of their KPIs."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        clock = freeze_time(NOW)
        clock.start()
        cls.addClassCleanup(clock.stop)
        cls.boards = cls.env["crm.kpi.board"]
        cls.mia, cls.ada = (
            cls.make_user(name, "sales_team.group_sale_manager", *groups)
            for name, *groups in (("Mia",), ("Ada", "crm_kpi.group_kpi_admin"))
        )
        people = {
            "ann": (cls.ann, cls.north),
            "bob": (cls.bob, cls.north),
            "cid": (cls.cid, cls.south),
            "nobody": (cls.env["res.users"], cls.env["crm.team"]),
        }
        for day, who, amount in LEADS:
            user, team = people[who]
            cls.make_lead(
                f"{day} 10:00:00",
                name=who,
                user_id=user.id,
                team_id=team.id,
                expected_revenue=amount,
            )
        cls.leads = cls.make_kpi("leads", name="Leads")
        cls.amount = cls.make_kpi(
            "amount", aggregator="sum", value_field="expected_revenue", unit="money"
        )
        cls.big = cls.make_kpi("big", domain="[('expected_revenue', '>', 100)]")
        cls.share = cls.make_kpi(
            "share",
            kind="formula",
            formula="test_big / test_leads",
            unit="percent",
            min_sample=4,
            counter_kpi_id=cls.leads.id,
        )
        cls.board = cls.boards.create(
            {
                "name": "Leads",
                "user_id": False,
                "period_kind": "month",
                "card_ids": [
                    Command.create({"kpi_id": kpi.id, "sequence": index})
                    for index, kpi in enumerate(cls.leads | cls.amount | cls.share)
                ],
            }
        )
        cls.refresh()

    @classmethod
    def refresh(cls):
        """Refresh the periods of the company and all test KPIs."""
        now = fields.Datetime.now()
        cls.env["crm.kpi"].sudo().with_company(cls.company)._refresh_periods(now)
        periods = cls.env["crm.kpi.period"].search([("company_id", "=", cls.company.id)])
        kpis = cls.env["crm.kpi"].search([("code", "=like", "test_%")])
        cls.env["crm.kpi"]._refresh(periods, kpis)
        cls.env.flush_all()

    def show(self, user=None, board=None, **filters):
        """The board as a user sees it, by default a user who may read all values."""
        boards = self.boards.with_user(user or self.mia).with_company(self.company)
        self.env.flush_all()
        return boards.get_board((board or self.board).id, filters)

    def choices(self, user=None, **filters):
        """What the filters of the board offer a user."""
        boards = self.boards.with_user(user or self.mia).with_company(self.company)
        self.env.flush_all()
        return boards.get_filter_choices(self.board.id, filters)

    def card(self, kpi, user=None, **filters):
        [card] = [c for c in self.show(user, **filters)["cards"] if c["kpi"]["id"] == kpi.id]
        return card

    def ask(self, method, kpi, user=None, filters=None, **kwargs):
        boards = self.boards.with_user(user or self.mia).with_company(self.company)
        self.env.flush_all()
        return getattr(boards, method)(kpi.id, filters or {}, **kwargs)

    def count(self, condition="TRUE", first="2026-04-01", after="2026-05-01"):
        """Number of leads of the company between two local days, in plain SQL."""
        self.env.cr.execute(
            f"""SELECT count(*), COALESCE(sum(expected_revenue), 0) FROM crm_lead
                 WHERE company_id = %s AND {condition}
                   AND create_date >= %s::timestamp - interval '2 hours'
                   AND create_date < %s::timestamp - interval '2 hours'""",
            [self.company.id, first, after],
        )
        return self.env.cr.fetchone()
