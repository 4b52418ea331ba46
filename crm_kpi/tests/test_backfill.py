# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import logging
from contextlib import contextmanager

from odoo import Command
from odoo.tests import tagged
from odoo.tools import SQL

from .. import hooks
from ..facts.deals import DEAL_FIELDS
from ..facts.order_facts import FACT_FIELDS
from ..stamps import stored_columns
from .common_history import HistoryCase, utc

LEAD_FACTS = (
    "kpi_was_lead",
    "kpi_opportunity_date",
    "kpi_won_date",
    "kpi_won_user_id",
    "kpi_won_team_id",
    "kpi_lost_date",
    "kpi_lost_user_id",
    "kpi_lost_team_id",
    "kpi_days_to_opportunity",
    "kpi_days_to_win",
    "kpi_sales_cycle_days",
    "kpi_deal_amount",
    "kpi_orders_cancelled",
)
ORDER_FACTS = (
    "kpi_sent_date",
    "kpi_first_confirm_date",
    "kpi_confirm_user_id",
    "kpi_confirm_team_id",
    "kpi_amount",
    "kpi_is_qualifying",
    "kpi_order_no",
    "kpi_is_cross_sell",
    "kpi_is_upsell",
    "kpi_is_expansion",
    "kpi_cross_sell_amount",
    "kpi_upsell_amount",
    "kpi_days_to_second",
    "kpi_first90_amount",
    *FACT_FIELDS,
    *DEAL_FIELDS,
)


class BackfillCase(HistoryCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # as in normal use: changes are tracked
        cls.env = cls.env(context=dict(cls.env.context, tracking_disable=False))

    @contextmanager
    def at(self, when):
        with super().at(when):
            yield
            self.env.flush_all()
            # tracking values are written before a commit
            self.env.cr.flush()

    def _facts(self, records, names):
        records.invalidate_recordset()
        return {
            (record.id, name): record[name]
            if record._fields[name].type != "float"
            else record[name] and round(record[name], 4)
            for record in records.with_context(active_test=False)
            for name in names
        }

    def _wipe(self, records, names):
        self.env.flush_all()
        self.env.cr.execute(
            SQL(
                "UPDATE %s SET %s WHERE id = ANY(%s)",
                SQL.identifier(records._table),
                SQL(", ").join(SQL("%s = NULL", SQL.identifier(name)) for name in names),
                records.ids,
            )
        )
        self.env.invalidate_all()


@tagged("post_install", "-at_install")
class TestBackfill(BackfillCase):
    def assertBackfilled(self, records, names):
        lived = self._facts(records, names)
        self._wipe(records, names)
        self.env["crm.kpi.backfill"]._run()
        # as the installation does
        if records._name == "sale.order":
            records._kpi_mark_dirty(records.ids)
            records._kpi_derive()
        filled = self._facts(records, names)
        for (record_id, name), value in lived.items():
            self.assertEqual(
                filled[record_id, name],
                value,
                f"{name} of {records.browse(record_id).display_name}",
            )

    # --- STAMPS = BACK-FILL ---

    def test_leads(self):
        # a merge mixes two histories: the stamps of the head are kept
        lead = {}
        partner = self.env["res.partner"]
        with self.at("2026-01-05 08:00:07"):
            for name in ("steps", "again", "lost", "restored", "cleaned"):
                lead[name] = self._lead(name=name, expected_revenue=1000)
            for name in ("converted", "waiting", "unqualified", "head", "tail"):
                lead[name] = self._lead(name=name, type="lead")
        with self.at("2026-01-15 09:00"):
            (lead["converted"] + lead["head"]).convert_opportunity(partner)
            lead["steps"].action_set_won()
            lead["again"].action_set_won()
            lead["unqualified"].action_set_lost()
        with self.at("2026-01-20 09:00"):
            lead["steps"].stage_id = self.stage_paid
            lead["again"].write({"stage_id": self.stage_new.id, "probability": 10})
            lead["converted"].convert_opportunity(partner)
            lead["lost"].action_set_lost()
            lead["restored"].action_set_lost()
            lead["cleaned"].probability = 40
            lead["cleaned"].action_archive()
        with self.at("2026-02-01 09:00"):
            lead["steps"].action_archive()
            lead["again"].action_set_won()
            lead["restored"].action_restore()
            lead["imported"] = self._lead(name="imported", stage_id=self.stage_won.id)
            # Odoo keeps only the last conversion, so a second one cannot be back-filled
            lead["copy"] = lead["head"].copy({"name": "copy"})
        with self.at("2026-02-03 09:00"):
            (lead["head"] + lead.pop("tail")).merge_opportunity()
            lead["head"].action_set_won()
        twice = lead.pop("converted")
        leads = self.env["crm.lead"].concat(*lead.values())
        self.assertEqual(leads.exists(), leads)
        self.assertBackfilled(leads, LEAD_FACTS)
        self.assertEqual(lead["steps"].kpi_won_date, utc("2026-01-15 09:00"))
        self.assertEqual(lead["again"].kpi_won_date, utc("2026-02-01 09:00"))
        self.assertEqual(lead["lost"].kpi_lost_date, utc("2026-01-20 09:00"))
        self.assertEqual(lead["head"].kpi_merged_count, 1)
        self._wipe(twice, LEAD_FACTS)
        self.env["crm.kpi.backfill"]._run()
        self.assertEqual(twice.kpi_opportunity_date, utc("2026-01-20 09:00"))

    def test_untracked_lead_takes_its_own_dates(self):
        with self.at("2026-01-05 08:00"):
            lead = self._lead().with_context(tracking_disable=True)
        with self.at("2026-01-15 09:00"):
            lead.action_set_won()
        self.assertBackfilled(lead, LEAD_FACTS)
        self.assertEqual(lead.kpi_won_date, utc("2026-01-15 09:00"))

    def test_deal_amounts(self):
        customer = self._customer()
        leads = self._lead(expected_revenue=9000) + self._lead(expected_revenue=2000)
        leads += self._lead(expected_revenue=1000) + self._lead(expected_revenue=400)
        cancelled = self._order(customer, "2026-11-03", 800, opportunity_id=leads[2].id)
        cancelled._action_cancel()
        self._order(customer, "2026-11-03", 5, state="cancel", opportunity_id=leads[3].id)
        for amount in (7000, 3000):
            self._order(customer, "2026-11-03", amount, opportunity_id=leads[0].id)
        self._order(customer, "2026-11-03", 77, state="sent", opportunity_id=leads[1].id)
        leads.action_set_won()
        self.assertEqual(leads.mapped("kpi_deal_amount"), [10000, 2000, 0, 400])
        self.assertEqual(leads.mapped("kpi_orders_cancelled"), [False, False, True, False])
        self.assertBackfilled(leads, LEAD_FACTS)

    def test_deal_amount_of_an_order_in_another_currency(self):
        dollar = self.env.ref("base.USD")
        dollar.active = True
        other = self.env["res.company"].create({"name": "Inc", "currency_id": dollar.id})
        self.env.user.company_ids |= other
        self.env["res.currency.rate"].create(
            {"currency_id": dollar.id, "company_id": False, "name": "2026-01-01", "rate": 1.0}
        )
        self.env["res.currency.rate"].create(
            {
                "currency_id": self.company.currency_id.id,
                "company_id": False,
                "name": "2026-01-01",
                "rate": 0.8,
            }
        )
        lead = self._lead(stage_id=self.stage_won.id)
        order = (
            self.env["sale.order"]
            .with_company(other)
            .create(
                {
                    "partner_id": self._customer().id,
                    "company_id": other.id,
                    "state": "sale",
                    "date_order": "2026-11-02",
                    "order_line": [
                        Command.create(
                            {"product_id": self.goods.id, "price_unit": 100, "tax_ids": []}
                        )
                    ],
                }
            )
        )
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE sale_order SET opportunity_id = %s WHERE id = %s", [lead.id, order.id]
        )
        self._wipe(lead, LEAD_FACTS)
        self.env["crm.kpi.backfill"]._run()
        self.assertEqual(lead.kpi_deal_amount, 80)

    def test_orders(self):
        chair = self._product("Chair", self.chairs)
        throne = self._product("Throne", self.chairs)
        desk = self._product("Desk", self.desks)
        customers = [self._customer(f"C{n}") for n in range(4)]
        order = {}
        with self.at("2026-01-05 08:00"):
            for name, customer, lines in (
                ("sent", 0, [(chair, 1, 100)]),
                ("direct", 0, [(desk, 2, 300)]),
                ("twice", 1, [(chair, 1, 100), (desk, 1, 50)]),
                ("cancelled", 1, [(chair, 1, 100)]),
                ("quoted", 2, [(chair, 1, 100)]),
                ("draft", 2, [(chair, 1, 100)]),
                ("mailed", 3, [(chair, 1, 100)]),
                ("upsell", 0, [(throne, 1, 150)]),
            ):
                order[name] = self._order(
                    customers[customer],
                    "2026-01-05 08:00",
                    lines=lines,
                    state="draft",
                    user=self.ann,
                    name=name,
                )
        with self.at("2026-01-06 08:00"):
            sent = [order[name] for name in ("sent", "twice", "quoted", "cancelled", "upsell")]
            self.env["sale.order"].concat(*sent).action_quotation_sent()
            order["mailed"].with_user(self.ann).message_post(
                body="Our quotation", message_type="comment", subtype_xmlid="mail.mt_comment"
            )
            order["mailed"].action_quotation_sent()
            order["draft"].with_user(self.ann).message_post(
                body="Internal note", message_type="comment", subtype_xmlid="mail.mt_note"
            )
        with self.at("2026-01-10 08:00"):
            for name in ("sent", "twice", "direct", "cancelled", "mailed"):
                order[name].action_confirm()
        with self.at("2026-02-10 08:00"):
            order["twice"]._action_cancel()
            order["cancelled"]._action_cancel()
            order["twice"].action_draft()
            order["upsell"].action_confirm()
        with self.at("2026-03-10 08:00"):
            order["twice"].action_confirm()
            order["imported"] = self._order(customers[3], "2025-12-12 12:12:12", user=self.bob)
        orders = self.env["sale.order"].concat(*order.values())
        orders[:2].order_line.discount = 25
        orders[:5].opportunity_id = self._lead()
        orders[2:4].tag_ids = self.company.kpi_renewal_tag_id
        desk.product_tag_ids = self.company.kpi_sample_tag_id
        self._derive_orders()
        lines = orders.order_line
        categories = lines.mapped("kpi_categ_id")
        self.assertTrue(categories)
        of_lines = self._facts(lines, ["kpi_categ_id"])
        self._wipe(lines, ["kpi_categ_id"])
        self.assertBackfilled(orders, ORDER_FACTS)
        self.assertEqual(self._facts(lines, ["kpi_categ_id"]), of_lines)
        self.assertEqual(order["twice"].kpi_first_confirm_date, utc("2026-01-10 08:00"))
        self.assertEqual(order["twice"].kpi_sent_date, utc("2026-01-06 08:00"))
        self.assertTrue(order["upsell"].kpi_is_upsell)

    def test_sent_with_the_first_message(self):
        """The sending date of an imported order is known only from its messages."""
        order = self._order(self._customer(), "2026-01-10 08:00", user=self.ann)
        for day, subtype in (("2026-01-03", "mt_note"), ("2026-01-05", "mt_comment")):
            with self.at(f"{day} 09:00"):
                order.with_user(self.ann).message_post(
                    body="Text", message_type="comment", subtype_xmlid=f"mail.{subtype}"
                )
        self.env.cr.execute(
            "UPDATE mail_message_subtype SET internal = NULL WHERE id = %s",
            [self.env.ref("mail.mt_comment").id],
        )
        self._wipe(order, ORDER_FACTS)
        self.env["crm.kpi.backfill"]._run()
        self.assertEqual(order.kpi_sent_date, utc("2026-01-05 09:00"))
        self.assertEqual(order.kpi_first_confirm_date, utc("2026-01-10 08:00"))

    def test_state_labels_of_other_languages(self):
        # tracking keeps the label of the state in the language of the user
        self.env["res.lang"]._activate_lang("fr_FR")
        states = self.env["ir.model.fields.selection"].search(
            [("field_id", "=", self.env["ir.model.fields"]._get("sale.order", "state").id)]
        )
        for state in states:
            state.with_context(lang="fr_FR").name = f"FR {state.value}"
        with self.at("2026-01-05 08:00"):
            order = self._order(self._customer(), "2026-01-05 08:00", state="draft")
        french = order.with_context(lang="fr_FR")
        with self.at("2026-01-07 08:00"):
            french.action_quotation_sent()
        with self.at("2026-01-10 08:00"):
            french.action_confirm()
        with self.at("2026-01-12 08:00"):
            french._action_cancel()
            order.action_draft()
        with self.at("2026-01-20 08:00"):
            order.action_confirm()
        self._derive_orders()
        labels = self.env["mail.tracking.value"].search(
            [("mail_message_id", "in", order.message_ids.ids)]
        )
        self.assertIn("FR sale", labels.mapped("new_value_char"), "the test is about labels")
        self.assertBackfilled(order, ORDER_FACTS)
        self.assertEqual(order.kpi_first_confirm_date, utc("2026-01-10 08:00"))

    # --- THE RUN ---

    def test_second_run_changes_nothing(self):
        with self.at("2026-01-05 08:00"):
            done, todo = self._lead(), self._lead()
        with self.at("2026-01-15 08:00"):
            (done + todo).action_set_won()
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE crm_lead SET kpi_won_date = '2020-01-01' WHERE id = %s", [done.id]
        )
        self._wipe(todo, LEAD_FACTS)
        with self.assertLogs("odoo.addons.crm_kpi.refresh.backfill", logging.INFO) as logs:
            self.env["crm.kpi.backfill"]._run()
        self.assertIn("leads: 1 changed", logs.output[0])
        self.assertEqual(done.kpi_won_date, utc("2020-01-01"))
        self.assertEqual(todo.kpi_won_date, utc("2026-01-15 08:00"))

    def test_installation_filled_existing_records(self):
        """The demo data existed before this module was installed."""
        self.env.flush_all()
        for table, missing in (
            ("crm_lead", "kpi_was_lead IS NULL"),
            ("crm_lead", "won_status = 'won' AND kpi_won_date IS NULL"),
            ("crm_lead", "won_status = 'lost' AND kpi_lost_date IS NULL"),
            ("sale_order", "kpi_is_qualifying IS NULL"),
            ("sale_order", "state = 'sale' AND kpi_sent_date IS NULL"),
            ("sale_order", "state = 'sale' AND kpi_first_confirm_date IS NULL"),
        ):
            with self.subTest(missing):
                query = SQL("SELECT id FROM %s WHERE %s", SQL.identifier(table), SQL(missing))
                self.assertEqual(self.env.execute_query(query), [])

    def test_no_stored_field_is_computed_at_installation(self):
        """On large tables the columns of computed fields are created before the fields."""
        columns = stored_columns(*hooks.WITH_HISTORY)
        for model in ("account.move.line", "crm.lead", "sale.order", "sale.order.line"):
            stamped = {
                name
                for stamp in getattr(self.env[model], "_kpi_stamps", ())
                for name in stamp.fields
            }
            computed = {
                name: field.column_type[0]
                for name, field in self.env[model]._fields.items()
                if name.startswith("kpi_") and field.store and (field.compute or name in stamped)
            }
            self.assertEqual(columns.pop(self.env[model]._table), computed)
        self.assertFalse(columns)
