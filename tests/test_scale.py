# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The records that ``./run scale`` generates."""

from odoo.tests import TransactionCase, tagged

from odoo.addons.crm_kpi_demo.scale import (
    BusinessDataError,
    business_data,
    generate,
    queue_history,
)


@tagged("post_install", "-at_install")
class TestScale(TransactionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.tickets = 60 if "helpdesk.ticket" in cls.env else 0
        generate(cls.env, leads=300, orders=300, tickets=cls.tickets, reps=8, customers=40)

    def rows(self, query):
        self.env.cr.execute(query)
        return self.env.cr.fetchall()

    def test_numbers(self):
        """The prototypes of the copies are records, too."""
        leads = self.env["crm.lead"].with_context(active_test=False)
        self.assertEqual(leads.search_count([]), 301)
        self.assertEqual(self.env["sale.order"].search_count([]), 301)
        self.assertEqual(self.env["sale.order.line"].search_count([]), 601)
        for status in ("won", "lost", "pending"):
            self.assertGreater(leads.search_count([("won_status", "=", status)]), 30)

    def test_links_are_valid(self):
        """Foreign keys are not checked while the records are written."""
        tables = [
            "crm_lead", "sale_order", "sale_order_line", "mail_message", "mail_tracking_value",
            "res_partner", "res_partner_res_partner_category_rel", "helpdesk_ticket",
        ]  # fmt: skip
        keys = self.rows(
            f"""SELECT c.conrelid::regclass::text, a.attname, c.confrelid::regclass::text
                  FROM pg_constraint c
                  JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
                 WHERE c.contype = 'f' AND c.conrelid::regclass::text IN {tuple(tables)}"""
        )
        self.assertGreater(len(keys), 80)
        for table, column, target in keys:
            with self.subTest(table=table, column=column):
                broken = self.rows(
                    f"SELECT count(*) FROM {table} r LEFT JOIN {target} t ON t.id = r.{column}"
                    f" WHERE r.{column} IS NOT NULL AND t.id IS NULL"
                )
                self.assertEqual(broken, [(0,)])

    def test_indexes_are_there(self):
        """The indexes that are dropped meanwhile are made again."""
        names = {"crm_lead__user_id_index", "sale_order__partner_id_index"}
        names |= {"mail_message_model_res_id_id_idx", "mail_tracking_value__mail_message_id_index"}
        rows = self.rows(f"SELECT relname FROM pg_class WHERE relname IN {tuple(names)}")
        self.assertEqual({name for (name,) in rows}, names)

    def test_lines_add_up(self):
        rows = self.rows(
            """SELECT count(*) FROM sale_order o
                WHERE amount_untaxed <> (SELECT sum(price_subtotal) FROM sale_order_line
                                          WHERE order_id = o.id)"""
        )
        self.assertEqual(rows, [(0,)])

    def test_nothing_in_the_future(self):
        for model, field in (
            ("crm.lead", "create_date"),
            ("crm.lead", "date_closed"),
            ("sale.order", "date_order"),
            ("mail.message", "date"),
        ):
            records = self.env[model].with_context(active_test=False).search([], order="id")
            if model == "mail.message":
                records = records.filtered_domain([("message_id", "ilike", "@scale.example.com")])
            else:
                records = records[1:]  # the first is the prototype, made now
            later = records.filtered(lambda r, f=field: r[f] and r[f] > self.env.cr.now())
            self.assertFalse(later, f"{model}.{field}")

    def test_history_is_read(self):
        """The records have no stamps; the back-fill gives them those that their dates say."""
        leads = (
            self.env["crm.lead"].with_context(active_test=False).search([], order="id", offset=1)
        )
        orders = self.env["sale.order"].search([], order="id", offset=1)
        self.assertFalse(leads.filtered("kpi_won_date"))
        self.assertFalse(orders.filtered("kpi_first_confirm_date"))
        self.env["crm.kpi.backfill"].search([]).unlink()
        queue_history(self.env)
        self.assertTrue(self.env["crm.kpi.backfill"]._is_pending())
        self.assertTrue(self.env["crm.kpi.backfill"]._continue())
        self.env.invalidate_all()
        won = leads.filtered(lambda lead: lead.won_status == "won")
        self.assertEqual(won.mapped("kpi_won_date"), won.mapped("date_closed"))
        self.assertEqual(won.kpi_won_user_id, won.user_id)
        sold = orders.filtered(lambda order: order.state == "sale")
        self.assertEqual(sold.mapped("kpi_first_confirm_date"), sold.mapped("date_order"))
        self.assertTrue(leads.filtered("kpi_first_attempt_date"))
        self.assertTrue(leads.filtered("kpi_first_reply_date"))
        if self.tickets:
            tickets = self.env["helpdesk.ticket"].search([], order="id", offset=1)
            closed = tickets.filtered("closed_date")
            self.assertTrue(closed)
            self.assertEqual(closed.mapped("kpi_last_closed_date"), closed.mapped("closed_date"))
            self.assertTrue(tickets.filtered("kpi_first_response_date"))

    def test_business_data_is_refused(self):
        self.assertEqual(business_data(self.env)["Sales Order"], 301)
        with self.assertRaisesRegex(BusinessDataError, "301 × Sales Order"):
            generate(self.env, leads=1, orders=1)
