# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Marks are collected per transaction and written by one statement."""

import traceback
from pathlib import Path
from unittest.mock import patch

from odoo.tests import tagged

from .common_history import HistoryCase

#: Folder of this addon, without those that extend it.
ADDON = str(Path(__file__).parents[1]) + "/"


@tagged("post_install", "-at_install")
class TestMarks(HistoryCase):
    def setUp(self):
        super().setUp()
        self.customer = self._customer()
        self.lead = self._lead(partner_id=self.customer.id, user_id=self.ann.id)
        self.order = self._order(
            self.customer,
            "2026-01-05",
            lines=[(self.goods, 1, 100), (self.goods, 2, 50)],
            state="draft",
            user=self.ann,
            opportunity_id=self.lead.id,
        )
        self._forget_marks()

    def _forget_marks(self):
        self.env.cr.flush()
        self.env.cr.execute("DELETE FROM crm_kpi_dirty")

    def _marks(self):
        self.env.cr.execute("SELECT res_model, res_id FROM crm_kpi_dirty ORDER BY 1, 2")
        return self.env.cr.fetchall()

    def _own_queries(self, action):
        """The queries of an action until its commit that the code of this addon makes: those
        during which it is the innermost addon that runs."""
        cursor = type(self.env.cr)
        execute, own = cursor.execute, []

        def noted(cr, query, *args, **kwargs):
            addons = [
                frame.filename
                for frame in traceback.extract_stack()[:-1]
                if "/addons/" in frame.filename or "/crm_kpi" in frame.filename
            ]
            # Odoo's own queries for the fields of other apps pass through write() here, too
            is_own = addons[-1].startswith(ADDON) and addons[-1] != __file__
            if is_own and "kpi_" in str(query):
                own.append(str(query))
            return execute(cr, query, *args, **kwargs)

        self.env.cr.flush()
        with patch.object(cursor, "execute", noted):
            action()
            self.env.cr.flush()
        return own

    def _send(self, order):
        order.message_post(body="Hello", message_type="comment", subtype_xmlid="mail.mt_comment")

    def test_written_at_the_end(self):
        self.order.action_confirm()
        self._send(self.order)
        self.order.order_line[0].product_uom_qty = 3
        self.assertEqual(self._marks(), [])
        self.env.cr.flush()
        self.assertEqual(self._marks(), [("crm.lead", self.lead.id), ("sale.order", self.order.id)])

    def test_written_before_records_are_derived(self):
        self.order.action_confirm()
        self.env["sale.order"]._kpi_derive()
        self.assertEqual(self.order.kpi_order_no, 1)

    def test_kept_or_forgotten_with_the_savepoint(self):
        self.order.action_confirm()
        with self.env.cr.savepoint() as savepoint:
            self._send(self._order(self.customer, "2026-01-06"))
            savepoint.rollback()
        self.env.cr.flush()
        self.assertEqual(self._marks(), [("crm.lead", self.lead.id), ("sale.order", self.order.id)])

    def test_lines_of_confirmed_orders(self):
        """A line of a quotation counts nowhere."""
        self.order.order_line[0].product_uom_qty = 3
        self.env.cr.flush()
        self.assertEqual(self._marks(), [])
        self.order.action_confirm()
        self._forget_marks()
        self.order.order_line[0].product_uom_qty = 4
        self.env.cr.flush()
        self.assertEqual(self._marks(), [("crm.lead", self.lead.id), ("sale.order", self.order.id)])

    def test_few_queries_of_users(self):
        order = self.order.with_user(self.ann)
        self.env["mail.message"].search([], limit=1)  # fills caches of the registry
        # the marks; and the state of the lead, whose expected revenue follows the order
        self.assertEqual(len(self._own_queries(order.action_confirm)), 2)
        self.assertEqual(len(self._own_queries(lambda: self._send(order))), 1)
