# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""One broken definition never stops another, and its failure is shown where it belongs."""

import io
from unittest.mock import patch

import openpyxl

from odoo import fields
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Command
from odoo.tests import freeze_time, tagged
from odoo.tools import SQL, mute_logger

from ..definitions.fitting import PARTS
from ..refresh.steps import GoalsStep, PeriodsStep
from ..workbook.request import WorkbookRequest
from .common_board import BoardCase

LOGGER = "odoo.addons.crm_kpi.refresh"
#: A company whose time zone no database knows.
UNKNOWN_ZONE = "Europe/Atlantis"


class FaultCase(BoardCase):
    """Two sources of the same leads: the second one, and its KPI, are broken."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # only the KPIs of the test, so that a scheduled refresh is quick
        cls.env.flush_all()
        cls.env.cr.execute("UPDATE crm_kpi SET state = 'draft' WHERE code NOT LIKE 'test_%'")
        cls.env.invalidate_all()
        cls.second = cls.source.copy({"code": "test_second", "name": "Second"})
        cls.victim = cls.make_kpi("victim", name="Victim", source_id=cls.second.id)
        cls.sibling = cls.make_kpi("sibling", name="Sibling", source_id=cls.second.id)
        cls.sum = cls.make_kpi(
            "both", name="Both", kind="formula", formula="test_victim + test_leads"
        )
        cls.good = cls.leads | cls.amount | cls.share
        cls.board.card_ids = [
            Command.create({"kpi_id": kpi.id, "sequence": 10})
            for kpi in cls.victim | cls.sibling | cls.sum
        ]
        cls.goal = cls.env["crm.kpi.goal"].create(
            [
                {
                    "kpi_id": kpi.id,
                    "period_id": cls.period("month", "2026-04-14").id,
                    "scope": "company",
                    "kind": "at_least",
                    "target": 5,
                }
                for kpi in cls.leads | cls.victim
            ]
        )
        cls.refresh()

    def spoil(self, record, **columns):
        """Write columns by SQL: what was correct when it was saved, and is not any more."""
        self.env.flush_all()
        for name, value in columns.items():
            self.env.cr.execute(
                SQL(
                    "UPDATE %s SET %s = %s WHERE id = ANY(%s)",
                    SQL.identifier(record._table),
                    SQL.identifier(name),
                    value,
                    record.ids,
                )
            )
        self.env.invalidate_all()

    def refresh_scheduled(self):
        """The scheduled refresh of all sources and companies, in one transaction."""
        with patch.object(self.registry["ir.cron"], "_commit_progress", return_value=1):
            self.env["crm.kpi"]._cron_refresh()
        self.env.invalidate_all()

    def refresh_all(self):
        self.env["crm.kpi"]._refresh()
        self.env.invalidate_all()

    def health(self, user=None):
        """Failures as seen by a KPI administrator."""
        health = self.env["crm.kpi.health"].with_user(user or self.ada)
        return health.with_company(self.company).search([])

    def test_health_is_empty(self):
        self.assertFalse(self.health())
        self.assertFalse(self.victim.last_error)


@tagged("post_install", "-at_install")
class TestDeletedField(FaultCase):
    """A custom field that a definition uses is deleted."""

    def make_field(self, name, ttype="float", model="crm.lead", **values):
        return self.env["ir.model.fields"].create(
            {
                "name": name,
                "model_id": self.env["ir.model"]._get_id(model),
                "field_description": name,
                "ttype": ttype,
                **values,
            }
        )

    def delete(self, *deleted):
        for field in deleted:
            field.unlink()
        self.env.invalidate_all()
        self.make_lead("2026-04-14 11:00:00", expected_revenue=5)

    def assert_others_are_new(self):
        month = self.period("month", "2026-04-14")
        self.assertEqual(self.value(self.leads, month), 7)
        self.assertEqual(self.value(self.amount, month), 1175)
        self.assertFalse(self.good.filtered("last_error"))

    def test_in_the_filter_of_a_source(self):
        """The other sources are computed, by hand and by schedule, and the new month exists."""
        for refresh in (self.refresh_all, self.refresh_scheduled):
            with self.subTest(refresh.__name__), self.cr.savepoint() as savepoint:
                field = self.make_field("x_gone", "boolean")
                self.second.domain = "[('x_gone', '=', False)]"
                self.delete(field)
                with self.assertLogs(LOGGER, "WARNING"), freeze_time("2026-06-02 10:00:00"):
                    refresh()
                self.assert_others_are_new()
                june = self.env["crm.kpi.period"].search(
                    [("company_id", "=", self.company.id), ("name", "=", "2026-06")]
                )
                self.assertEqual(june.state, "open")
                for kpi in self.victim | self.sibling:
                    self.assertIn(
                        "Filter of the source “Second”: Lead has no field x_gone. Choose",
                        kpi.last_error,
                    )
                    self.assertTrue(kpi.next_try)
                savepoint.rollback()
                self.registry.reset_changes()
                self.env.invalidate_all()

    def test_as_the_value(self):
        cases = {
            "x_int": ("integer", {}, "sum"),
            "x_float": ("float", {}, "avg"),
            "x_bool": ("boolean", {}, "sum"),
            "x_char": ("char", {}, "count_distinct"),
        }
        made, kpis = [], self.env["crm.kpi"]
        for name, (ttype, values, aggregator) in cases.items():
            made.append(self.make_field(name, ttype, **values))
            kpis |= self.make_kpi(name[2:], aggregator=aggregator, value_field=name)
        made.append(self.make_field("x_number", "integer", "res.partner"))
        kpis |= self.make_kpi("path", aggregator="sum", value_field="partner_id.x_number")
        self.delete(*made)
        with self.assertLogs(LOGGER, "WARNING"):
            self.refresh_scheduled()
        self.assert_others_are_new()
        for kpi in kpis:
            self.assertIn(f"has no field {kpi.value_field.split('.')[-1]}", kpi.last_error)
        self.assertEqual(set(kpis.ids), set(self.health().mapped("res_id")))

    def test_where_nothing_changed(self):
        """The next scheduled refresh has the error, although no record of any period changed."""
        fields_ = self.make_field("x_gone", "boolean"), self.make_field("x_number")
        value = self.make_kpi("value", aggregator="sum", value_field="x_number")
        self.victim.domain = "[('x_gone', '=', False)]"
        self.refresh()
        values = self.env["crm.kpi.value"].search([("kpi_id", "in", (self.victim | value).ids)])
        before = values.read(["value", "computed_at"])
        for field in fields_:
            field.unlink()
        self.env.invalidate_all()
        # by the next morning, all cache keys are those of the day
        with freeze_time("2026-04-15 06:15:00"), mute_logger(LOGGER):
            self.refresh_scheduled()
        self.assertIn("has no field x_gone", self.victim.last_error)
        self.assertIn("has no field x_number", value.last_error)
        self.assertFalse((self.good | self.sibling).filtered("last_error"))
        self.assertEqual(values.read(["value", "computed_at"]), before)
        self.assertEqual(
            {(row.kind, row.name) for row in self.health()},
            {("kpi", "Victim"), ("kpi", "value"), ("formula", "Both")},
        )
        # the remedy clears it at once
        self.victim.domain = "[]"
        value.write({"value_field": "expected_revenue", "unit": "money"})
        self.refresh_all()
        self.assertFalse(self.health())

    def test_value_whose_module_is_uninstalled(self):
        """A number that only one KPI sums: that KPI fails, all others are new."""
        field = self.make_field("x_number")
        value = self.make_kpi("value", aggregator="sum", value_field="x_number")
        second = self.make_kpi("more", aggregator="avg", value_field="x_number", state="draft")
        self.refresh()
        self.env["ir.model.data"].create(
            {
                "module": "crm_kpi_gone",
                "name": "field_number",
                "model": field._name,
                "res_id": field.id,
            }
        )
        self.env["ir.model.data"]._module_data_uninstall(["crm_kpi_gone"])
        self.assertFalse(field.exists())
        self.assertNotIn("x_number", self.env["crm.lead"]._fields)
        self.delete()
        for refresh in (self.refresh_scheduled, self.refresh_all):
            with mute_logger(LOGGER):
                refresh()
            self.assert_others_are_new()
            self.assertIn("Value: Lead has no field x_number. Choose", value.last_error)
            self.assertFalse((self.sibling | self.victim | second).filtered("last_error"))
            self.assertEqual(self.health().mapped("res_id"), value.ids)

    def test_value_whose_column_is_dropped(self):
        """By SQL, while the field is still known: that KPI fails, all others are new."""
        self.make_field("x_number")
        value = self.make_kpi("value", aggregator="sum", value_field="x_number")
        self.refresh()
        self.make_lead("2026-04-14 11:00:00", expected_revenue=5)
        self.env.flush_all()
        self.env.cr.execute("ALTER TABLE crm_lead DROP COLUMN x_number")
        self.env.invalidate_all()
        for refresh in (self.refresh_scheduled, self.refresh_all):
            with mute_logger(LOGGER, "odoo.sql_db"):
                refresh()
            self.assert_others_are_new()
            self.assertIn("x_number does not exist", value.last_error)
            self.assertEqual(self.health().mapped("res_id"), value.ids)

    def test_in_the_filter_of_a_kpi(self):
        """The reasons, the records and the preview say what is missing, without a traceback."""
        field = self.make_field("x_gone", "boolean", "res.partner")
        self.victim.domain = "[('partner_id', 'any', [('x_gone', '=', False)])]"
        self.sibling.domain = "['!', ('partner_id.x_gone', '=', True)]"
        self.delete(field)
        with self.assertLogs(LOGGER, "WARNING"):
            self.refresh_all()
        self.assert_others_are_new()
        for kpi in self.victim | self.sibling:
            text = f"Filter of the KPI “{kpi.name}”: Contact has no field x_gone."
            self.assertIn(text, kpi.last_error)
            [part] = self.ask("get_explanation", kpi)
            self.assertIn(text, part["note"])
            self.assertIsNone(part["included"])
            with self.assertRaisesRegex(UserError, "Contact has no field x_gone"):
                self.ask("open_records", kpi)
            kpis = self.env["crm.kpi"].with_user(self.ada).with_company(self.company)
            self.assertIn("x_gone", kpis.get_preview(kpi.id, {})["error"])
        # the other part of a formula is still explained
        parts = {part["name"]: part for part in self.ask("get_explanation", self.sum)}
        self.assertIn("x_gone", parts["Victim"]["note"])
        self.assertEqual(parts["Leads"]["included"]["count"], 7)


@tagged("post_install", "-at_install")
class TestArchivedComponent(FaultCase):
    def test_archived_component_is_counted_on(self):
        """A rate goes on when its component is archived, this month and in the next one."""
        self.goal.action_archive()  # it would keep the KPI switched on
        (self.big | self.leads).active = False
        self.make_lead("2026-04-15 05:00:00", expected_revenue=500)
        self.refresh_scheduled()
        april = self.period("month", "2026-04-14")
        # leads of April: 6 and the new one; above 100: 500, 600 and the new one
        self.assertAlmostEqual(self.value(self.share, april), 3 / 7)
        with freeze_time("2026-05-10 06:00:00"):
            self.make_lead("2026-05-02 05:00:00", expected_revenue=500)
            self.make_lead("2026-05-03 05:00:00", expected_revenue=5)
            self.refresh_scheduled()
            self.assertAlmostEqual(
                self.value(self.share, self.period("month", "2026-05-02")), 1 / 2
            )
        self.assertEqual(
            {part["name"] for part in self.ask("get_explanation", self.share)}, {"big", "Leads"}
        )

    def test_archived_component_of_a_component(self):
        double = self.make_kpi("double", kind="formula", formula="test_share * 2", unit="percent")
        (self.share | self.big).active = False
        self.make_lead("2026-04-15 05:00:00", expected_revenue=500)
        self.refresh_all()
        self.assertAlmostEqual(self.value(double, self.period("month", "2026-04-14")), 6 / 7)


@tagged("post_install", "-at_install")
class TestSegmentNames(FaultCase):
    def tags_in_use(self, *names):
        """Tags with English and German names, each of a customer."""
        self.env["res.lang"]._activate_lang("de_DE")
        tags = self.env["res.partner.category"].create([{"name": en} for en, _de in names])
        for tag, (_en, german) in zip(tags, names, strict=True):
            tag.with_context(lang="de_DE").name = german
        self.env["res.partner"].create(
            {"name": "ACME", "is_company": True, "category_id": [Command.set(tags.ids)]}
        )
        return tags

    def names(self, segment_set, tags, lang):
        segments = segment_set.with_context(lang=lang).segment_ids
        by_tag = {segment.category_id: segment.name for segment in segments}
        return [by_tag[tag.with_context(lang=lang)] for tag in tags]

    def test_same_name_in_one_language(self):
        segment_set = self.env.ref("crm_kpi.segment_set_tag")
        tags = self.tags_in_use(("Key account", "Großkunde"), ("Large customer", "Großkunde"))
        segment_set._update_members()
        self.assertEqual(self.names(segment_set, tags, "en_US"), ["Key account", "Large customer"])
        self.assertEqual(self.names(segment_set, tags, "de_DE"), ["Großkunde", "Großkunde (2)"])
        self.assertTrue(
            self.env["crm.kpi.segment.member"].search_count([("set_id", "=", segment_set.id)])
        )

    def test_exchanged_names(self):
        """A name that is the English one of another segment, and one that exists already."""
        segment_set = self.env.ref("crm_kpi.segment_set_tag")
        tags = self.tags_in_use(("Gift", "Poison"), ("Poison", "Gift"))
        segment_set._update_members()
        self.assertEqual(self.names(segment_set, tags, "de_DE"), ["Poison", "Gift"])
        more = self.tags_in_use(("Present", "Gift"))
        segment_set._update_members()
        self.assertEqual(self.names(segment_set, more, "de_DE"), ["Gift (2)"])
        self.assertEqual(self.names(segment_set, more, "en_US"), ["Present"])

    def test_industries(self):
        self.env["res.lang"]._activate_lang("de_DE")
        industries = self.env["res.partner.industry"].create([{"name": "Ore"}, {"name": "Iron"}])
        industries.with_context(lang="de_DE").name = "Erz"
        self.env["res.partner"].create(
            [{"name": i.name, "is_company": True, "industry_id": i.id} for i in industries]
        )
        segment_set = self.env.ref("crm_kpi.segment_set_industry")
        segment_set._update_members()
        german = segment_set.with_context(lang="de_DE").segment_ids
        names = {s.name for s in german if s.industry_id.id in industries.ids}
        self.assertEqual(names, {"Erz", "Erz (2)"})

    def test_broken_set_stops_no_other(self):
        """The failure of one set is noted; the other sets are updated."""
        segment_sets = self.env["crm.kpi.segment.set"]
        tags, industries = (
            self.env.ref(f"crm_kpi.segment_set_{kind}") for kind in ("tag", "industry")
        )
        industry = self.env["res.partner.industry"].create({"name": "Ore"})
        customer = self.env["res.partner"].create(
            {"name": "Mine", "is_company": True, "industry_id": industry.id}
        )
        update = type(segment_sets)._update_set

        def fails(segment_set, day):
            if segment_set == tags:
                raise ValueError("broken")
            return update(segment_set, day)

        with patch.object(type(segment_sets), "_update_set", fails):
            with self.assertLogs(LOGGER, "ERROR") as logs:
                (tags | industries)._update_members()
            self.assertIn("Traceback", "".join(logs.output))
            with mute_logger(LOGGER):
                answer = tags.action_update_members()
        self.assertIn("broken", answer["params"]["message"])
        member = self.env["crm.kpi.segment.member"].search(
            [("set_id", "=", industries.id), ("partner_id", "=", customer.id)]
        )
        self.assertEqual(member.segment_id.industry_id, industry)
        [failure] = self.health()
        self.assertEqual((failure.kind, failure.error), ("refresh", "broken"))
        self.assertIn(tags.name, failure.name)
        (tags | industries)._update_members()
        self.assertFalse(self.health())


@tagged("post_install", "-at_install")
class TestTimeZone(FaultCase):
    def test_unknown_zone_stops_no_other_company(self):
        """Order histories of all companies are derived; the administrator reads what is wrong."""
        other = self.env["res.company"].create({"name": "Sunken company"})
        self.env.user.company_ids |= other
        self.ada.company_ids |= other
        customer = self.env["res.partner"].create({"name": "Customer"})
        product = self.env["product.product"].create({"name": "Ore", "taxes_id": False})
        orders = self.env["sale.order"].create(
            [
                {
                    "partner_id": customer.id,
                    "company_id": company.id,
                    "order_line": [Command.create({"product_id": product.id, "price_unit": 100})],
                }
                for company in (self.company, other)
            ]
        )
        orders.action_confirm()
        calendar = other.resource_calendar_id
        self.spoil(calendar, tz=UNKNOWN_ZONE)
        self.spoil(other.partner_id, tz="America/Lima")
        self.assertEqual(other._kpi_tz(), "America/Lima")
        self.spoil(other, kpi_tz="Nowhere")
        self.assertEqual(other._kpi_tz(), "America/Lima")
        self.spoil(other.partner_id, tz="Nowhere")
        self.assertEqual(other._kpi_tz(), "UTC")
        self.refresh_all()
        self.assertEqual(orders.mapped("kpi_order_no"), [1, 1])
        [failure] = self.health(self.ada.with_context(allowed_company_ids=other.ids)).filtered(
            lambda row: row.company_id == other
        ) or self.env["crm.kpi.failure"].search([("company_id", "=", other.id)])
        self.assertIn("does not know the time zone Nowhere", failure.error)
        self.assertIn("midnight of UTC", failure.error)
        self.spoil(other, kpi_tz="Europe/Paris")
        self.refresh_all()
        self.assertFalse(self.env["crm.kpi.failure"].search([]))

    def test_zone_that_only_python_knows(self):
        """Python may have a newer list of time zones than the database."""
        known = type(self.company)._kpi_knows_tz
        self.assertTrue(self.company._kpi_knows_tz("Europe/Brussels"))
        self.assertFalse(self.company._kpi_knows_tz(UNKNOWN_ZONE))
        for name in ("", "../etc", "Europe/Brussels\x00", "+25:00"):
            self.assertFalse(self.company._kpi_knows_tz(name), name)

        def unknown(company, name):
            return name != "Asia/Tokyo" and known(company, name)

        with (
            patch.object(type(self.company), "_kpi_knows_tz", unknown),
            self.assertRaisesRegex(ValidationError, "database does not know Asia/Tokyo"),
        ):
            self.company.kpi_tz = "Asia/Tokyo"


@tagged("post_install", "-at_install")
class TestHealth(FaultCase):
    def test_what_failed_since_when_and_next_try(self):
        segment_set = self.env["crm.kpi.segment.set"].create({"name": "Filters", "kind": "domain"})
        segment = self.env["crm.kpi.segment"].create(
            {"set_id": segment_set.id, "name": "Spoilt", "domain": "[]"}
        )
        mailing = self.env["crm.kpi.mailing"].create(
            {
                "name": "Monday meeting",
                "board_id": self.board.id,
                "company_id": self.company.id,
                "user_ids": [Command.set(self.mia.ids)],
            }
        )
        self.spoil(self.victim, domain="[('x_gone', '=', 1)]")
        self.spoil(segment, domain="[('x_gone', '=', 1)]")
        self.make_lead("2026-04-14 11:00:00", expected_revenue=5)
        backfill = self.env["crm.kpi.backfill"]
        backfill.create({"name": "leads", "last_id": 1})
        with (
            patch.object(
                type(self.env["crm.lead"]), "_kpi_backfill_stamps", side_effect=KeyError("leads")
            ),
            mute_logger(LOGGER + ".backfill"),
        ):
            backfill._continue(between=lambda: True)
        with (
            patch.object(type(self.env["crm.kpi.goal"]), "_refresh", side_effect=KeyError("goal")),
            patch.object(
                type(self.env["crm.kpi.export"]), "_write_workbook", side_effect=ValueError("full")
            ),
            mute_logger(LOGGER, "odoo.addons.crm_kpi.models.workbook.crm_kpi_mailing"),
        ):
            self.refresh_all()
            mailing._send()
        rows = {(row.kind, row.name): row for row in self.health()}
        now = fields.Datetime.now()
        kpi = rows.pop(("kpi", "Victim"))
        self.assertIn("x_gone", kpi.error)
        self.assertEqual((kpi.res_id, kpi.date, kpi.next_try), (
            self.victim.id, now, self.victim.next_try))  # fmt: skip
        self.assertIn("x_gone", rows.pop(("segment", "Spoilt")).error)
        self.assertEqual(rows.pop(("mailing", "Monday meeting")).next_try, mailing.next_date)
        history = rows.pop(("history", "leads"))
        self.assertEqual((history.error, history.date), ("KeyError: 'leads'", now))
        formula = rows.pop(("formula", "Both"))
        self.assertEqual(formula.error, "It waits for a component that failed: Victim")
        self.assertEqual((formula.date, formula.next_try), (kpi.date, kpi.next_try))
        self.assertEqual(formula.action_open()["res_id"], self.sum.id)
        [goals] = rows.values()
        self.assertEqual((goals.kind, goals.name, goals.company_id, goals.error), (
            "refresh", "Goals", self.company, "KeyError: 'goal'"))  # fmt: skip
        self.assertEqual(goals.next_try, self.env.ref("crm_kpi.ir_cron_refresh").nextcall)
        self.assertEqual(kpi.action_open()["res_model"], "crm.kpi")
        self.assertFalse(goals.action_open())
        # a failure keeps the day on which it began
        with (
            freeze_time("2026-04-16 06:00:00"),
            mute_logger(LOGGER),
            patch.object(
                type(self.env["crm.lead"]), "_kpi_backfill_stamps", side_effect=KeyError("leads")
            ),
        ):
            self.refresh_scheduled()
        for kind in ("kpi", "formula", "history"):
            [row] = self.health().filtered(lambda row, kind=kind: row.kind == kind)
            self.assertEqual(row.date, now, kind)
        self.victim.domain = "[]"
        segment.domain = "[]"
        self.env["crm.kpi.backfill"].search([]).unlink()
        mailing.unlink()
        self.refresh_all()
        self.assertFalse(self.health())

    def test_formula_that_waits(self):
        """Each formula behind which a KPI fails; not one that is not computed, or that fails."""
        double = self.make_kpi("double", name="Double", kind="formula", formula="test_both * 2")
        self.make_kpi("draft", kind="formula", formula="test_both * 3", state="draft")
        self.goal.action_archive()  # it would keep the KPI switched on
        (self.sum | self.victim).active = False
        self.spoil(self.victim | self.sibling, domain="[('x_gone', '=', 1)]")
        with mute_logger(LOGGER):
            self.refresh_scheduled()
        rows = {(row.kind, row.name): row for row in self.health()}
        self.assertEqual(set(rows), {("kpi", "Victim"), ("kpi", "Sibling"), ("formula", "Double")})
        self.assertIn("failed: Victim", rows["formula", "Double"].error)
        # what is not computed any more is not tried again: it is not listed
        (self.sibling | double).active = False
        self.assertFalse(self.health())
        double.active = True
        self.spoil(double, formula="test_both * 1e400")
        with mute_logger(LOGGER):
            self.refresh_scheduled()
        rows = {(row.kind, row.name) for row in self.health()}
        self.assertEqual(rows, {("kpi", "Victim"), ("kpi", "Double")})

    def test_only_administrators_read_it(self):
        for user in (self.mia, self.ann):
            with self.assertRaises(UserError):
                self.env["crm.kpi.health"].with_user(user).search([])


@tagged("post_install", "-at_install")
class TestFaultMatrix(FaultCase):
    """Every place where a definition can break, and every reader and runner."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.mia.email = "mia@example.com"
        cls.mailing = cls.env["crm.kpi.mailing"].create(
            {
                "name": "Monday meeting",
                "board_id": cls.board.id,
                "company_id": cls.company.id,
                "scope": "company",
                "complete": False,
                "period_kind": "month",
                "user_ids": [Command.set(cls.mia.ids)],
            }
        )

    def breaks(self):
        """Yield what breaks, the KPIs that fail, and a part of their error."""
        both = self.victim | self.sibling
        paths = [name for name in PARTS if name != "date_end_field"]
        for name in (*paths, "date_end_field"):
            yield (
                f"source {name}",
                both,
                "x_gone",
                lambda n=name: self.spoil(self.second, **{n: "x_gone"}),
            )
        yield (
            "path",
            both,
            "x_gone",
            lambda: self.spoil(self.second, partner_field="partner_id.x_gone.parent_id"),
        )
        yield (
            "source filter",
            both,
            "x_gone",
            lambda: self.spoil(self.second, domain="[('x_gone', '=', 1)]"),
        )
        yield "source filter syntax", both, "", lambda: self.spoil(self.second, domain="[(")
        for text, part in (
            ("[('partner_id.x_gone', '=', 1)]", "x_gone"),
            ("[('create_date', '=', 'when')]", ""),
            ("[('name', 'unlike', 'x')]", ""),
            ("nonsense(", ""),
        ):
            yield (
                f"filter {text}",
                self.victim,
                part,
                lambda t=text: self.spoil(self.victim, domain=t),
            )
        yield (
            "value",
            self.victim,
            "x_gone",
            lambda: self.spoil(self.victim, aggregator="sum", value_field="x_gone"),
        )
        yield (
            "value of another type",
            self.victim,
            "",
            lambda: self.spoil(self.victim, aggregator="sum", value_field="name"),
        )
        for text, part in (
            ("test_victim +", "Formula"),
            ("test_victim + test_gone", "test_gone"),
            ("test_both + test_leads", "test_both"),
            ("test_victim * 1e400", "too large"),
        ):
            yield f"formula {text}", self.sum, part, lambda t=text: self.spoil(self.sum, formula=t)

    def workbook(self):
        file = io.BytesIO()
        env = self.env(user=self.mia.id, context={"allowed_company_ids": self.company.ids})
        env["crm.kpi.export"]._write_workbook(
            WorkbookRequest(
                board_id=self.board.id,
                filters={"company_id": self.company.id, "scope": "company"},
                records=True,
            ),
            file,
        )
        book = openpyxl.load_workbook(file, data_only=True)
        return {str(c) for sheet in book for row in sheet.iter_rows(values_only=True) for c in row}

    def mailed(self):
        """The texts of the workbook that is sent by mail."""
        self.mailing._send()
        self.assertFalse(self.mailing.last_error)
        mail = self.env["mail.mail"].search(
            [("recipient_ids", "in", self.mia.partner_id.ids)], order="id DESC", limit=1
        )
        book = openpyxl.load_workbook(io.BytesIO(mail.attachment_ids.raw), data_only=True)
        return {str(c) for sheet in book for row in sheet.iter_rows(values_only=True) for c in row}

    def assert_readers_go_on(self, failing, part):
        shown = {card["kpi"]["id"]: card for card in self.show()["cards"]}
        self.assertEqual(shown[self.leads.id]["value"], 7)
        self.assertEqual(shown[self.leads.id]["state"], "ok")
        for kpi in failing:
            self.assertIn(shown[kpi.id]["state"], ("stale", "not_available"))
            self.ask("get_detail", kpi)
            self.ask("get_leaderboard", kpi)
            self.ask("get_explanation", kpi)
            try:
                self.ask("open_records", kpi)
            except UserError as error:
                self.assertIn(part, str(error))
        self.assertEqual(self.ask("get_detail", self.leads)["card"]["value"], 7)
        [why] = self.ask("get_explanation", self.leads)
        self.assertEqual(why["included"]["count"], 7)
        self.assertEqual(len(self.ask("open_records", self.leads)["domain"][0][2]), 7)
        self.assertEqual(self.goal[0].value, 7)
        for texts in (self.workbook(), self.mailed()):
            self.assertIn("Leads", texts)
            self.assertIn("7", texts)

    def test_source_of_events(self):
        self.run_matrix(self.breaks(), both_runners=True)

    def test_source_of_open_records(self):
        """A snapshot of which the past is known."""
        self.second.write(
            {
                "kind": "snapshot",
                "rebuildable": True,
                "date_end_field": "date_closed",
                "stable_fields": "name,partner_id",
            }
        )
        self.refresh()
        self.assertEqual(self.value(self.victim, self.period("month", "2026-03-14")), 12)
        self.run_matrix(self.breaks())

    def test_source_of_customers(self):
        """A cohort; the events behind it break, too."""
        events = self.source.copy({"code": "test_events", "name": "Events"})
        self.second.write(
            {
                "model_id": self.env["ir.model"]._get_id("crm.kpi.customer.period"),
                "kind": "cohort",
                "company_field": False,
                "date_field": False,
                "base_source_ids": [Command.set(events.ids)],
            }
        )
        self.refresh()
        self.assertEqual(self.value(self.victim, self.period("month", "2026-04-14")), 0)
        both = self.victim | self.sibling
        self.run_matrix(
            [
                *self.breaks(),
                ("events: date", both, "x_gone", lambda: self.spoil(events, date_field="x_gone")),
                (
                    "events: filter",
                    both,
                    "x_gone",
                    lambda: self.spoil(events, domain="[('x_gone', '=', 1)]"),
                ),
            ]
        )

    def run_matrix(self, breaks, both_runners=False):
        """Each break, by the two runners or by one in turn; all readers after one of them."""
        loggers = mute_logger(LOGGER + ".failures", LOGGER + ".refresh", "odoo.sql_db")
        for number, (what, failing, part, spoil) in enumerate(breaks):
            runners = (self.refresh_all, self.refresh_scheduled)[:: -1 if number % 2 else 1]
            for runner in runners[: 1 + both_runners]:
                with (
                    self.subTest(what, runner=runner.__name__),
                    self.cr.savepoint() as savepoint,
                    loggers,
                ):
                    spoil()
                    self.make_lead("2026-04-14 11:00:00", expected_revenue=5)
                    runner()
                    self.assertFalse(self.good.filtered("last_error").mapped("last_error"))
                    for kpi in failing:
                        self.assertTrue(kpi.last_error, kpi.code)
                        self.assertIn(part, kpi.last_error)
                        self.assertTrue(kpi.next_try > fields.Datetime.now())
                    waiting = self.sum - failing
                    self.assertEqual(
                        {(row.kind, row.name) for row in self.health()},
                        {("kpi", kpi.name) for kpi in failing}
                        | {("formula", kpi.name) for kpi in waiting},
                    )
                    if runner == runners[0]:
                        self.assert_readers_go_on(failing, part)
                    savepoint.rollback()
                    self.env.invalidate_all()

    def test_step_stops_no_other(self):
        """Any exception in one step: the others run, and the failure of the step is noted."""
        self.make_lead("2026-04-14 11:00:00", expected_revenue=5)
        for step in (PeriodsStep, GoalsStep):
            for runner in (self.refresh_all, self.refresh_scheduled):
                with (
                    self.subTest(step.__name__, runner=runner.__name__),
                    self.cr.savepoint() as savepoint,
                ):
                    with (
                        patch.object(step, "_run", side_effect=AttributeError("gone")),
                        self.assertLogs(LOGGER, "ERROR") as logs,
                    ):
                        runner()
                    self.assertIn("Traceback", "".join(logs.output))
                    self.assertEqual(self.value(self.leads, self.period("month", "2026-04-14")), 7)
                    [row] = self.health()
                    self.assertEqual(row.error, "AttributeError: gone")
                    self.assertEqual(row.company_id, self.company)
                    savepoint.rollback()
                    self.env.invalidate_all()

    def test_currency(self):
        """A currency is archived, or its rate deleted: amounts count as documented, and all goes on."""
        coin = self.env["res.currency"].create({"name": "XTS", "symbol": "¤"})
        rate = {"currency_id": coin.id, "company_id": self.company.id, "name": "2026-01-01"}
        rates = self.env["res.currency.rate"].create({**rate, "rate": 2})
        pricelist = self.env["product.pricelist"].create(
            {"name": "Coins", "currency_id": coin.id, "company_id": self.company.id}
        )
        product = self.env["product.product"].create({"name": "Ore", "taxes_id": False})

        def order(amount):
            self.env["sale.order"].create(
                {
                    "partner_id": self.env["res.partner"].create({"name": "Buyer"}).id,
                    "company_id": self.company.id,
                    "pricelist_id": pricelist.id,
                    "date_order": "2026-04-10 10:00:00",
                    "order_line": [
                        Command.create({"product_id": product.id, "price_unit": amount})
                    ],
                }
            )

        order(100)
        source = self.env["crm.kpi.source"].create(
            {
                "name": "Orders",
                "code": "test_orders",
                "model_id": self.env["ir.model"]._get_id("sale.order"),
                "date_field": "date_order",
                "user_field": "user_id",
                "partner_field": "partner_id",
            }
        )
        coins = self.make_kpi(
            "coins", source_id=source.id, aggregator="sum", value_field="amount_total", unit="money"
        )
        april = self.period("month", "2026-04-14")
        self.refresh()
        self.assertEqual(self.value(coins, april), 50)
        self.make_lead("2026-04-14 11:00:00", expected_revenue=5)
        for break_, value, runner in (
            # after an order of 40 more
            (lambda: (setattr(coin, "active", False), order(40)), 70, self.refresh_all),
            (lambda: rates.unlink(), 140, self.refresh_scheduled),
            (lambda: rates.create({**rate, "rate": 4}), 35, self.refresh_all),
            (lambda: rates.search([("currency_id", "=", coin.id)]).unlink(), 140, self.refresh_all),
            (lambda: rates.create({**rate, "rate": 2}), 70, self.refresh_scheduled),
        ):
            break_()
            runner()
            self.assertEqual(self.value(coins, april), value)
            self.assertFalse(self.health())
            warning = coins.with_company(self.company).data_warning
            if value == 140:
                self.assertIn(
                    "Amounts in XTS that count one to one, because there was no exchange rate: 2.",
                    warning,
                )
            else:
                self.assertFalse(warning)
            self.assert_readers_go_on(self.env["crm.kpi"], "")

    def test_people_gone(self):
        """A salesperson and a team of past records are archived or deleted: all goes on."""
        self.cid.active = False
        self.south.unlink()
        self.make_lead("2026-04-14 11:00:00", expected_revenue=5)
        for runner in (self.refresh_all, self.refresh_scheduled):
            runner()
            self.assertFalse(self.health())
            self.assert_readers_go_on(self.env["crm.kpi"], "")
