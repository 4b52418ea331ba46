# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from datetime import date

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form, TransactionCase, freeze_time, new_test_user, tagged
from odoo.tools import SQL, mute_logger

from ..hooks import uninstall_hook


@tagged("post_install", "-at_install")
class TestEntry(TransactionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.Entry = cls.env["crm.kpi.entry"]
        cls.company = cls.env.company
        cls.company.kpi_tz = "UTC"
        cls.company.kpi_week_start = "1"
        if not cls.env.ref("crm_kpi.crm_kpi_source_entry", raise_if_not_found=False):
            source = cls.env["crm.kpi.source"].create(
                {
                    "name": "Manual entries",
                    "code": "entry",
                    "kind": "event",
                    "model_id": cls.env["ir.model"]._get_id("crm.kpi.entry"),
                    "date_field": "date_from",
                    "date_end_field": "date_to",
                    "user_field": "user_id",
                    "team_field": "team_id",
                    "segment_field": "segment_id",
                }
            )
            cls.env["ir.model.data"]._update_xmlids(
                [{"xml_id": "crm_kpi.crm_kpi_source_entry", "record": source}]
            )
        cls.kpi = cls.env["crm.kpi"].create(
            {
                "name": "Brochures",
                "code": "test_brochures",
                "kind": "manual",
                "category_id": cls.env["crm.kpi.category"].search([], limit=1).id,
                "state": "published",
            }
        )
        cls.rep = new_test_user(cls.env, "entry_rep", groups="sales_team.group_sale_salesman")
        cls.other = new_test_user(cls.env, "entry_other", groups="sales_team.group_sale_salesman")
        cls.all_leads = new_test_user(
            cls.env, "entry_all", groups="sales_team.group_sale_salesman_all_leads"
        )
        cls.manager = new_test_user(
            cls.env, "entry_manager", groups="sales_team.group_sale_manager"
        )
        cls.team = cls.env["crm.team"].create({"name": "Entry team"})
        cls.segment = cls.env.ref("crm_kpi.segment_company")

    def entry(self, day="2026-03-17", value=1.0, **vals):
        return self.Entry.create({"kpi_id": self.kpi.id, "date": day, "value": value, **vals})

    def test_any_day_stands_for_its_period(self):
        for kind, first, after in [
            ("day", date(2026, 3, 17), date(2026, 3, 18)),
            ("week", date(2026, 3, 16), date(2026, 3, 23)),
            ("month", date(2026, 3, 1), date(2026, 4, 1)),
            ("quarter", date(2026, 1, 1), date(2026, 4, 1)),
            ("year", date(2026, 1, 1), date(2027, 1, 1)),
        ]:
            entry = self.entry(period_kind=kind)
            self.assertEqual((entry.date_from, entry.date_to), (first, after))
        entry.write({"period_kind": "month", "date": "2026-05-31"})
        self.assertEqual((entry.date_from, entry.date_to), (date(2026, 5, 1), date(2026, 6, 1)))
        self.assertEqual(entry.date_last, date(2026, 5, 31))
        self.assertEqual(entry.display_name, "Brochures 2026-05")

    def test_days_of_two_periods_are_said(self):
        """A week over New Year counts in no month, quarter and year; the form says so."""
        left_out = {
            ("week", "2026-12-31"): "Month, Quarter, Year",
            ("week", "2026-12-08"): False,
            ("week", "2026-09-30"): "Month, Quarter",
            ("week", "2026-11-30"): "Month",
            ("day", "2026-12-31"): False,
            ("month", "2026-12-31"): False,
            ("quarter", "2026-12-31"): False,  # longer than a month
            ("year", "2026-12-31"): False,
        }
        for (kind, day), expected in left_out.items():
            with Form(self.Entry.with_user(self.manager)) as form:
                form.kpi_id = self.kpi
                form.period_kind = kind
                form.date = day
                self.assertEqual(form.left_out_text, expected, (kind, day))
        for first, last, expected in (
            ("2026-12-15", "2027-01-14", "Month, Quarter, Year"),  # 31 days
            ("2026-12-15", "2027-01-15", "Quarter, Year"),  # longer than a month
            ("2026-02-01", "2026-03-31", False),  # two whole months of one quarter
            ("2026-03-01", "2026-04-30", "Quarter"),
        ):
            with Form(self.Entry.with_user(self.manager)) as form:
                form.kpi_id = self.kpi
                form.period_kind = "custom"
                form.date_from = first
                form.date_last = last
                self.assertEqual(form.left_out_text, expected, first)
        # weeks of 31 December, 30 September and 30 November; the warning is about months
        self.assertTrue(
            self.kpi.data_warning.startswith("Manual entries with days of two months: 3.")
        )
        self.company.write({"fiscalyear_last_month": "1", "fiscalyear_last_day": 31})
        entry = self.entry("2026-01-28", period_kind="week")
        self.assertEqual(entry.left_out_text, "Month, Fiscal quarter, Fiscal year")
        entry = self.entry("2026-01-28", period_kind="quarter")
        self.assertEqual(entry.left_out_text, "Fiscal quarter, Fiscal year")
        self.assertEqual(entry.display_name, "Brochures 2026-Q1")
        self.company.write({"fiscalyear_last_month": "3"})
        entry = self.entry("2026-05-28", period_kind="quarter")
        self.assertEqual((entry.left_out_text, entry.display_name),
                         (False, "Brochures Q1 FY 2026/27"))  # fmt: skip

    def test_form(self):
        with Form(self.Entry.with_user(self.manager)) as form:
            form.kpi_id = self.kpi
            form.period_kind = "quarter"
            form.date = "2026-05-05"
            form.value = 12
            self.assertEqual(form.date_from, date(2026, 4, 1))
            self.assertEqual(form.date_last, date(2026, 6, 30))
        entry = form.record
        self.assertEqual((entry.date_from, entry.date_to), (date(2026, 4, 1), date(2026, 7, 1)))
        with Form(self.Entry.with_user(self.manager)) as form:
            form.kpi_id = self.kpi
            form.period_kind = "custom"
            form.date_from = "2026-05-05"
            form.date_last = "2026-05-20"
            form.value = 3
        self.assertEqual(form.record.date_to, date(2026, 5, 21))

    def test_dates_of_an_import(self):
        def kind(first, after):
            return self.Entry.create(
                {"kpi_id": self.kpi.id, "date_from": first, "date_to": after, "value": 1}
            ).period_kind

        named = self.Entry.create(
            {
                "kpi_id": self.kpi.id,
                "period_kind": "custom",
                "date_from": "2026-05-01",
                "date_to": "2026-06-01",
                "value": 1,
            }
        )
        self.assertEqual((named.period_kind, named.date), ("custom", date(2026, 5, 1)))
        self.assertEqual(kind("2026-03-01", "2026-04-01"), "month")
        self.assertEqual(kind("2026-01-01", "2026-04-01"), "quarter")
        self.assertEqual(kind("2026-03-02", "2026-04-01"), "custom")

    def test_dates_that_do_not_fit(self):
        with self.assertRaisesRegex(ValidationError, "Custom"):
            self.entry(period_kind="month", date_from="2026-03-02", date_to="2026-04-02")
        entry = self.entry()
        with self.assertRaisesRegex(ValidationError, "First day"):
            entry.date_from = "2026-03-05"
        with self.assertRaises(Exception), mute_logger("odoo.sql_db"):  # noqa: B017
            self.entry(period_kind="custom", date_from="2026-03-02", date_to="2026-03-02")

    def test_manual_kpis_only(self):
        computed = self.env["crm.kpi"].search([("kind", "!=", "manual")], limit=1)
        if not computed:
            source = self.env["crm.kpi.source"].search([], limit=1)
            computed = self.env["crm.kpi"].create(
                {
                    "name": "Computed",
                    "code": "test_computed",
                    "source_id": source.id,
                    "category_id": self.kpi.category_id.id,
                }
            )
        with self.assertRaisesRegex(ValidationError, "KPI: .* is computed"):
            self.entry(kpi_id=computed.id)

    def test_value_is_required_and_may_be_zero(self):
        with self.assertRaisesRegex(ValidationError, "Value"):
            self.Entry.create({"kpi_id": self.kpi.id, "date": "2026-03-01"})
        with self.assertRaisesRegex(ValidationError, "Value"):
            self.entry(value=float("inf"))
        self.assertEqual(self.entry(value=0).value, 0)

    @mute_logger("odoo.sql_db")
    def test_duplicates(self):
        self.entry()
        mine = self.entry(user_id=self.rep.id)
        self.entry(user_id=self.rep.id, segment_id=self.segment.id)
        self.entry(team_id=self.team.id)
        with self.assertRaisesRegex(ValidationError, "Salesperson"):
            self.entry("2026-03-01")
        with self.assertRaisesRegex(ValidationError, "Salesperson"):
            self.entry(user_id=self.rep.id)
        with self.assertRaisesRegex(ValidationError, "Salesperson"):
            mine.user_id = False
        mine.user_id = self.other

    def test_team_of_the_salesperson_is_proposed(self):
        self.env["crm.team.member"].create({"crm_team_id": self.team.id, "user_id": self.rep.id})
        self.rep.invalidate_recordset()
        self.assertEqual(self.entry(user_id=self.rep.id).team_id, self.team)
        second = self.env["crm.team"].create({"name": "Another"})
        kept = self.entry("2026-04-01", user_id=self.rep.id, team_id=second.id)
        self.assertEqual(kept.team_id, second)

    def test_companies(self):
        second = self.env["res.company"].create({"name": "Second"})
        theirs = self.env["crm.kpi.segment.set"].create(
            {
                "name": "Theirs",
                "company_id": second.id,
                "segment_ids": [(0, 0, {"name": "One", "domain": "[]"})],
            }
        )
        with self.assertRaisesRegex(ValidationError, "Segment"):
            self.entry(segment_id=theirs.segment_ids[0].id)
        team = self.env["crm.team"].create({"name": "Their team", "company_id": second.id})
        with self.assertRaises(UserError):
            self.entry(team_id=team.id)
        entry = self.entry(company_id=second.id)
        self.assertNotIn(entry, self.Entry.with_user(self.manager).search([]))

    def test_rights(self):
        whole, mine = self.entry(), self.entry(user_id=self.rep.id)
        theirs = self.entry(user_id=self.other.id)
        entries = whole | mine | theirs
        self.assertEqual(self.Entry.with_user(self.rep).search([]) & entries, mine)
        self.assertEqual(self.Entry.with_user(self.all_leads).search([]) & entries, entries)
        for user in (self.rep, self.all_leads):
            for call in (
                lambda u=user: mine.with_user(u).write({"value": 9}),
                lambda u=user: mine.with_user(u).unlink(),
                lambda u=user: self.Entry.with_user(u).create(
                    {"kpi_id": self.kpi.id, "date": "2026-01-01", "value": 1, "user_id": u.id}
                ),
            ):
                with self.assertRaises(AccessError):
                    call()
        portal = new_test_user(self.env, "entry_portal", groups="base.group_portal")
        with self.assertRaises(AccessError):
            mine.with_user(portal).read(["value"])
        made = self.Entry.with_user(self.manager).create(
            {"kpi_id": self.kpi.id, "date": "2026-01-01", "value": 1, "user_id": self.rep.id}
        )
        made.write({"value": 2, "note": "counted again"})
        made.unlink()

    def test_engine_reads_entries_by_containment(self):
        with freeze_time("2026-05-20 12:00:00"):
            self.entry("2026-03-17", 10, user_id=self.rep.id)
            self.entry("2026-03-01", 5, team_id=self.team.id, segment_id=self.segment.id)
            self.entry("2026-01-01", 100, period_kind="quarter")
            self.entry("2026-03-30", 1000, period_kind="week")  # until 5 April
            periods = self.env["crm.kpi.period"]._ensure(
                date(2026, 1, 1), date(2026, 5, 1), ("month", "quarter", "year")
            )
            periods = periods.filtered(lambda p: p.company_id == self.company)
            self.env["crm.kpi"]._refresh(periods, self.kpi)
        self.assertFalse(self.kpi.last_error)

        def value(kind, first, level="company", **dimension):
            found = self.env["crm.kpi.value"].search(
                [
                    ("kpi_id", "=", self.kpi.id),
                    ("period_id.kind", "=", kind),
                    ("period_id.date_from", "=", first),
                    ("period_id.company_id", "=", self.company.id),
                    ("level", "=", level),
                    *[(name, "=", record.id) for name, record in dimension.items()],
                ]
            )
            return found.value if found else None

        self.assertEqual(value("month", "2026-03-01"), 15)
        self.assertEqual(value("month", "2026-04-01"), 0)
        self.assertEqual(value("quarter", "2026-01-01"), 115)
        self.assertEqual(value("year", "2026-01-01"), 1115)
        self.assertEqual(value("month", "2026-03-01", "user", user_id=self.rep), 10)
        self.assertEqual(value("month", "2026-03-01", "team", team_id=self.team), 5)
        self.assertEqual(value("month", "2026-03-01", "segment", segment_id=self.segment), 5)

    def test_removal_of_the_addon(self):
        """Entries and own KPIs do not keep the shipped records from being deleted.

        Odoo would log an error for each refusal of the database.
        """
        self.entry("2026-03-01", 10)
        shipped = self.env["crm.kpi.source"].search([], limit=1)
        self.env["crm.kpi"].create(
            {
                "name": "Own",
                "code": "test_own",
                "kind": "aggregate",
                "source_id": shipped.id,
                "aggregator": "count",
                "category_id": self.kpi.category_id.id,
            }
        )
        uninstall_hook(self.env)
        for model in ("crm.kpi.source", "crm.kpi.category", "crm.kpi.segment.set"):
            table = SQL.identifier(self.env[model]._table)
            self.env.cr.execute(SQL("DELETE FROM %s", table))
