# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from datetime import datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

from odoo.tests import freeze_time, tagged

from .common_history import HistoryCase

#: Where the time zone of a company comes from, by priority.
SOURCES = ("setting", "calendar", "working hours", "contact")
ORDERS = ("2026-10-01 22:30:00", "2026-10-10 12:00:00", "2026-10-31 23:30:00")
MESSAGE = "2026-10-05 23:00:00"


def day_of(instant, tz):
    moment = datetime.fromisoformat(instant).replace(tzinfo=ZoneInfo("UTC"))
    return moment.astimezone(ZoneInfo(tz)).date()


@tagged("post_install", "-at_install")
class TestTimeZone(HistoryCase):
    """All facts follow a change of the time zone, wherever it is set."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.customer = cls._customer()
        cls.orders = [cls._order(cls.customer, date) for date in ORDERS]
        cls.lead = cls._lead(partner_id=cls.customer.id, user_id=cls.ann.id, type="opportunity")
        cls.env["mail.message"].create(
            {
                "model": "crm.lead",
                "res_id": cls.lead.id,
                "date": MESSAGE,
                "author_id": cls.ann.partner_id.id,
                "message_type": "comment",
                "subtype_id": cls.env.ref("mail.mt_comment").id,
                "body": "text",
            }
        )
        source = cls.env["crm.kpi.source"].create(
            {
                "name": "Orders of the test",
                "code": "test_zone_orders",
                "model_id": cls.env["ir.model"]._get_id("sale.order"),
                "date_field": "date_order",
                "company_field": "company_id",
                "partner_field": "partner_id",
            }
        )
        category = cls.env.ref("crm_kpi.crm_kpi_category_conversion")
        cls.count, cls.gap = cls.env["crm.kpi"].create(
            [
                {"name": name, "code": f"test_zone_{name}", "category_id": category.id,
                 "source_id": source.id, "state": "published", **values}
                for name, values in (
                    ("count", {}),
                    ("gap", {"aggregator": "sum_known", "value_field": "kpi_gap_days"}),
                )
            ]
        )  # fmt: skip

    def _use(self, source, tz):
        """Set the time zone of the company at one of its sources; those before it are empty."""
        company = self.company.sudo()
        company.kpi_tz = tz if source == "setting" else False
        if source == "calendar":
            company.resource_calendar_id.tz = tz
        elif source == "working hours":
            company.resource_calendar_id = company.resource_calendar_id.copy({"tz": tz})
        elif source == "contact":
            company.resource_calendar_id = False
            company.partner_id.tz = tz
        self.assertEqual(company._kpi_tz(), tz)

    def _month(self, kpi, day):
        period = self.env["crm.kpi.period"]._current("month", self.company, day)
        return self.env["crm.kpi.value"].search(
            [("kpi_id", "=", kpi.id), ("period_id", "=", period.id), ("level", "=", "company")]
        )

    def _refresh(self):
        self.env["crm.kpi"]._refresh(kpis=self.count | self.gap)
        self.env.invalidate_all()

    def _check(self, tz):
        days = [day_of(order, tz) for order in ORDERS]
        gaps = [(day - before).days for before, day in pairwise(days)]
        self.assertEqual([order.kpi_gap_days for order in self.orders[1:]], gaps, tz)
        row = self.env["crm.kpi.interaction"].search(
            [("res_model", "=", "crm.lead"), ("res_id", "=", self.lead.id)]
        )
        self.assertEqual(row.day, day_of(MESSAGE, tz), tz)
        for month in (9, 10, 11):
            first = datetime(2026, month, 1).date()
            in_month = [i for i, day in enumerate(days) if day.month == month]
            self.assertEqual(self._month(self.count, first).value, len(in_month), (tz, month))
            total = self._month(self.gap, first).value
            self.assertEqual(total or 0, sum(gaps[i - 1] for i in in_month if i), (tz, month))

    def test_facts_follow_each_source(self):
        with freeze_time("2026-11-20 12:00:00"):
            self._use("setting", "Europe/Brussels")
            self._refresh()
            self._check("Europe/Brussels")
            self._use("setting", "America/New_York")
            self._refresh()
            self._check("America/New_York")
            self._use("calendar", "America/New_York")
            zones = ("Europe/Brussels", "America/New_York", "Asia/Tokyo")
            for source, tz in zip(SOURCES[1:], zones, strict=True):
                self._use(source, tz)
                self._refresh()
                self._check(tz)
            # once more at the same place, without a change of the company itself
            self.company.sudo().partner_id.tz = "Pacific/Auckland"
            self._refresh()
            self._check("Pacific/Auckland")
            self.assertEqual(self.company.kpi_facts_tz, "Pacific/Auckland")

    def test_locked_values_stay_and_differences_are_listed(self):
        for date in ("2026-07-10 12:00:00", "2026-07-31 22:30:00"):
            self._order(self.customer, date)
        calendar = self.company.resource_calendar_id.sudo()
        self.company.sudo().kpi_tz = False
        calendar.tz = "Europe/Brussels"
        july, august = (datetime(2026, month, 1).date() for month in (7, 8))
        with freeze_time("2026-11-20 12:00:00"):
            self._refresh()
            self.assertEqual([self._month(self.count, day).value for day in (july, august)], [1, 1])
            self.assertEqual(self._month(self.count, august).period_state, "locked")
            calendar.tz = "America/New_York"
            self._refresh()
            self.assertEqual([self._month(self.count, day).value for day in (july, august)], [1, 1])
            listed = self.env["crm.kpi.restatement"].search(
                [("kpi_id", "=", self.count.id), ("level", "=", "company"),
                 ("period_id.kind", "=", "month")]
            )  # fmt: skip
            self.assertEqual(
                {(r.period_id.date_from, r.value_locked, r.value_now) for r in listed},
                {(july, 1, 2), (august, 1, 0)},
            )
