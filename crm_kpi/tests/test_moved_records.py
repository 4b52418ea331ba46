# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Records that are merged, moved or split keep the credit of the moment."""

from odoo import Command
from odoo.tests import tagged

from .common_history import HistoryCase, utc

WON = ("kpi_won_date", "kpi_won_user_id", "kpi_won_team_id")
CONFIRMED = ("date_order", "kpi_first_confirm_date", "kpi_confirm_user_id", "kpi_confirm_team_id")


@tagged("post_install", "-at_install")
class TestMovedRecords(HistoryCase):
    def _credit(self, record, names):
        return tuple(record[name] for name in names)

    def _win(self, when, **values):
        with self.at(when):
            lead = self._lead(**values)
            lead.action_set_won()
        return lead

    def _confirmed(self, when, customer, amount=100.0, **values):
        with self.at(when):
            order = self._order(
                customer, when, amount, state="draft", user=self.ann, team_id=self.north.id,
                **values,
            )  # fmt: skip
            order.action_confirm()
        return order

    # --- DEALS ---

    def test_won_deal_takes_in_an_open_one_of_another_salesperson(self):
        won = self._win("2026-09-10 08:00")
        with self.at("2026-09-20 08:00"):
            pending = self._lead(user_id=self.bob.id, team_id=self.south.id, expected_revenue=7)
        with self.at("2026-10-01 08:00"):
            kept = (pending + won).merge_opportunity(user_id=self.bob.id, team_id=self.south.id)
        self.assertEqual(kept, won)
        self.assertEqual(self._credit(kept, WON), (utc("2026-09-10 08:00"), self.ann, self.north))
        self.assertEqual(kept.user_id, self.bob)

    def test_two_won_deals_are_one_with_the_orders_of_both(self):
        customer = self._customer()
        first = self._win("2026-09-10 08:00", partner_id=customer.id)
        second = self._win("2026-09-20 08:00", partner_id=customer.id, user_id=self.bob.id)
        orders = self._confirmed("2026-09-10 08:00", customer, 700, opportunity_id=first.id)
        orders += self._confirmed("2026-09-20 08:00", customer, 300, opportunity_id=second.id)
        before = {lead: self._credit(lead, WON) for lead in first + second}
        credit = [self._credit(order, CONFIRMED) for order in orders]
        with self.at("2026-10-01 08:00"):
            kept = (first + second).merge_opportunity()
        self.assertEqual(self._credit(kept, WON), before[kept])
        self.assertEqual(kept.kpi_deal_amount, 1000)
        self.assertEqual([self._credit(order, CONFIRMED) for order in orders], credit)

    def test_lost_deal_takes_in_nothing_of_its_loss(self):
        """A lost deal and an open one become one open deal, which is not lost."""
        with self.at("2026-09-10 08:00"):
            lost = self._lead()
            lost.action_set_lost()
            pending = self._lead(user_id=self.bob.id, probability=60)
        with self.at("2026-10-01 08:00"):
            kept = (lost + pending).merge_opportunity()
        self.assertEqual(kept, pending)
        self.assertFalse(kept.kpi_lost_date or kept.kpi_won_date)

    def test_deal_moves_to_another_team_and_company_owner(self):
        won = self._win("2026-09-10 08:00")
        credit = self._credit(won, WON)
        with self.at("2026-10-01 08:00"):
            won.team_id = self.south
            won.user_id = False
            won.partner_id = self._customer("New owner")
        self.assertEqual(self._credit(won, WON), credit)

    # --- ORDERS ---

    def test_order_moves_to_another_deal(self):
        customer = self._customer()
        first = self._win("2026-09-10 08:00", partner_id=customer.id)
        second = self._win("2026-09-11 08:00", partner_id=customer.id, user_id=self.bob.id)
        order = self._confirmed("2026-09-10 08:00", customer, 700, opportunity_id=first.id)
        other = self._confirmed("2026-09-11 08:00", customer, 50, opportunity_id=first.id)
        credit = self._credit(order, CONFIRMED)
        self.assertEqual((first.kpi_deal_amount, second.kpi_deal_amount), (750, 0))
        with self.at("2026-10-01 08:00"):
            order.opportunity_id = second
        self.assertEqual(self._credit(order, CONFIRMED), credit)
        self.assertEqual((first.kpi_deal_amount, second.kpi_deal_amount), (50, 700))
        with self.at("2026-10-02 08:00"):
            (order + other).write({"user_id": self.bob.id, "team_id": self.south.id})
        self.assertEqual(self._credit(order, CONFIRMED), credit)

    def test_order_is_split(self):
        """The part that is ordered anew has its own date and salesperson."""
        order = self._confirmed("2026-09-10 08:00", self._customer(), 700)
        credit = self._credit(order, CONFIRMED)
        with self.at("2026-10-01 08:00"):
            part = order.copy({"user_id": self.bob.id, "team_id": self.south.id})
            self.assertFalse(part.kpi_first_confirm_date or part.kpi_sent_date)
            part.order_line.price_unit = 300
            order.order_line.price_unit = 400
        with self.at("2026-10-02 08:00"):
            part.action_confirm()
        self.assertEqual(self._credit(order, CONFIRMED), credit)
        self.assertEqual(
            self._credit(part, CONFIRMED),
            (utc("2026-10-02 08:00"), utc("2026-10-02 08:00"), self.bob, self.south),
        )
        self.assertEqual((order.kpi_amount, part.kpi_amount), (400, 300))

    # --- CONTACTS ---

    def test_merged_contacts_keep_the_credit_of_their_records(self):
        keep, lose = self._customer("Keep"), self._customer("Lose")
        lose.user_id = self.bob
        won = self._win("2026-09-10 08:00", partner_id=lose.id)
        order = self._confirmed("2026-09-10 08:00", lose, 700)
        later = self._confirmed("2026-09-15 08:00", keep, 300)
        self._derive_orders()
        before = self._credit(won, WON), self._credit(order, CONFIRMED)
        self.assertEqual((order.kpi_order_no, later.kpi_order_no), (1, 1))
        with self.at("2026-10-01 08:00"):
            self.env["base.partner.merge.automatic.wizard"]._merge((keep | lose).ids, keep)
        self._derive_orders()
        self.env.invalidate_all()
        self.assertEqual((won.partner_id, order.partner_id), (keep, keep))
        self.assertEqual((self._credit(won, WON), self._credit(order, CONFIRMED)), before)
        self.assertEqual((order.kpi_order_no, later.kpi_order_no), (1, 2))

    def test_customer_moves_to_another_company_of_a_group(self):
        parent = self._customer("Group")
        customer = self._customer("Mill")
        order = self._confirmed("2026-09-10 08:00", customer, 700)
        credit = self._credit(order, CONFIRMED)
        with self.at("2026-10-01 08:00"):
            customer.write({"is_company": False, "parent_id": parent.id})
            parent.write({"user_id": self.bob.id, "child_ids": [Command.link(customer.id)]})
        self._derive_orders()
        self.assertEqual(order.partner_id.commercial_partner_id, parent)
        self.assertEqual(self._credit(order, CONFIRMED), credit)
