# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import Command, fields
from odoo.exceptions import AccessError
from odoo.tests import Form, tagged

from .common_history import HistoryCase, utc


@tagged("post_install", "-at_install")
class TestLeadStamps(HistoryCase):
    def _stamp(self, lead, outcome):
        return (
            lead[f"kpi_{outcome}_date"],
            lead[f"kpi_{outcome}_user_id"],
            lead[f"kpi_{outcome}_team_id"],
        )

    def assertNoStamp(self, lead, outcome):
        nothing = (False, self.env["res.users"], self.env["crm.team"])
        self.assertEqual(self._stamp(lead, outcome), nothing)

    # --- WON ---

    def test_won_is_stamped_and_kept(self):
        # Odoo's date_closed changes when the lead is archived
        with self.at("2026-10-01 08:00"):
            lead = self._lead()
            self.assertNoStamp(lead, "won")
        with self.at("2026-10-11 09:30"):
            lead.action_set_won()
        won = (utc("2026-10-11 09:30"), self.ann, self.north)
        self.assertEqual(self._stamp(lead, "won"), won)
        with self.at("2026-10-12 10:00"):
            lead.stage_id = self.stage_paid
        self.assertEqual(self._stamp(lead, "won"), won, "moved between won stages")
        with self.at("2026-10-13 10:00"):
            lead.write({"user_id": self.bob.id, "team_id": self.south.id})
        self.assertEqual(self._stamp(lead, "won"), won, "credit does not move")
        with self.at("2026-10-14 10:00"):
            lead.action_archive()
        self.assertEqual(lead.won_status, "won")
        self.assertEqual(lead.date_closed, utc("2026-10-14 10:00"), "Odoo's own date moved")
        self.assertEqual(self._stamp(lead, "won"), won, "archived")

    def test_won_is_cleared_and_won_again(self):
        with self.at("2026-10-01 08:00"):
            lead = self._lead()
        with self.at("2026-10-11 09:30"):
            lead.action_set_won()
        with self.at("2026-10-12 09:30"):
            lead.write({"stage_id": self.stage_new.id, "probability": 20})
        self.assertNoStamp(lead, "won")
        with self.at("2026-10-20 09:30"):
            lead.write({"stage_id": self.stage_won.id, "user_id": self.bob.id})
        self.assertEqual(self._stamp(lead, "won"), (utc("2026-10-20 09:30"), self.bob, self.south))

    def test_owner_is_the_one_at_the_event_within_one_transaction(self):
        lead = self._lead()
        lead.action_set_won()
        lead.write({"user_id": self.bob.id})
        self.assertEqual(lead.kpi_won_user_id, self.ann)

    def test_probability_100_outside_a_won_stage_is_not_won(self):
        # won needs a won stage, not only a probability of 100 %
        lead = self._lead()
        lead.probability = 100
        self.assertNoStamp(lead, "won")

    def test_stage_becomes_won(self):
        with self.at("2026-10-01 08:00"):
            stage = self.env["crm.stage"].create({"name": "Signed", "sequence": 40})
            lead = self._lead(stage_id=stage.id)
            other = self._lead()
        with self.at("2026-10-05 08:00"):
            stage.is_won = True
        # nothing has happened to the lead: it was won when it entered the stage
        self.assertEqual(self._stamp(lead, "won"), (utc("2026-10-01 08:00"), self.ann, self.north))
        self.assertNoStamp(other, "won")

    def test_created_in_a_won_stage(self):
        with self.at("2026-10-01 08:00"):
            lead = self._lead(stage_id=self.stage_won.id)
        self.assertEqual(self._stamp(lead, "won"), (utc("2026-10-01 08:00"), self.ann, self.north))
        self.assertEqual(lead.kpi_sales_cycle_days, 0.0)

    def test_import_by_superuser_keeps_given_dates(self):
        lead = self._lead(
            stage_id=self.stage_won.id,
            kpi_won_date="2025-03-01 10:00:00",
            kpi_won_user_id=self.bob.id,
            kpi_opportunity_date="2025-02-19 10:00:00",
        )
        self.assertEqual(lead.kpi_won_date, utc("2025-03-01 10:00"))
        self.assertEqual(lead.kpi_won_user_id, self.bob)
        self.assertEqual(lead.kpi_sales_cycle_days, 10.0)

    def test_system_user_gets_no_credit(self):
        lead = self._lead(user_id=self.env.ref("base.user_root").id)
        lead.action_set_won()
        self.assertTrue(lead.kpi_won_date)
        self.assertFalse(lead.kpi_won_user_id)

    # --- LOST ---

    def test_lost_and_restored(self):
        with self.at("2026-10-01 08:00"):
            lead = self._lead()
        with self.at("2026-10-03 08:00"):
            lead.action_set_lost()
        self.assertEqual(self._stamp(lead, "lost"), (utc("2026-10-03 08:00"), self.ann, self.north))
        with self.at("2026-10-04 08:00"):
            lead.action_restore()
        self.assertNoStamp(lead, "lost")
        with self.at("2026-11-04 08:00"):
            lead.action_set_won()
        self.assertNoStamp(lead, "lost")
        self.assertEqual(lead.kpi_won_date, utc("2026-11-04 08:00"))

    def test_archived_is_not_lost(self):
        # an archived lead is lost only with a probability of 0 %
        lead = self._lead()
        lead.probability = 30
        lead.action_archive()
        self.assertEqual(lead.won_status, "pending")
        self.assertNoStamp(lead, "lost")

    # --- BECOMING AN OPPORTUNITY ---

    def test_conversion_is_stamped_once(self):
        # Odoo sets date_conversion again by every conversion
        with self.at("2026-10-01 08:00"):
            lead = self._lead(type="lead")
        self.assertTrue(lead.kpi_was_lead)
        self.assertFalse(lead.kpi_opportunity_date)
        self.assertIs(lead.kpi_days_to_opportunity, False)
        with self.at("2026-10-04 20:00"):
            lead.convert_opportunity(self.env["res.partner"])
        self.assertEqual(lead.kpi_opportunity_date, utc("2026-10-04 20:00"))
        self.assertEqual(lead.kpi_days_to_opportunity, 3.5)
        with self.at("2026-10-09 08:00"):
            lead.convert_opportunity(self.env["res.partner"])
        self.assertEqual(lead.date_conversion, utc("2026-10-09 08:00"), "Odoo's own date moved")
        self.assertEqual(lead.kpi_opportunity_date, utc("2026-10-04 20:00"))
        self.assertTrue(lead.kpi_was_lead)

    def test_created_as_opportunity(self):
        # an opportunity created directly has no date_conversion
        with self.at("2026-10-01 08:00"):
            lead = self._lead()
        self.assertFalse(lead.kpi_was_lead)
        self.assertEqual(lead.kpi_opportunity_date, utc("2026-10-01 08:00"))
        self.assertIs(lead.kpi_days_to_opportunity, False, "it never was a lead")
        with self.at("2026-10-02 08:00"):
            lead.type = "lead"
            lead.type = "opportunity"
        self.assertFalse(lead.kpi_was_lead)
        self.assertEqual(lead.kpi_opportunity_date, utc("2026-10-01 08:00"))

    def test_copy_has_no_stamps(self):
        with self.at("2026-10-01 08:00"):
            lead = self._lead(type="lead")
            lead.convert_opportunity(self.env["res.partner"])
            lead.action_set_won()
        with self.at("2026-10-08 08:00"):
            copy = lead.copy()
        self.assertFalse(copy.kpi_was_lead)
        self.assertEqual(copy.kpi_opportunity_date, utc("2026-10-08 08:00"))
        self.assertNoStamp(copy, "won")

    def test_contradicting_dates_have_no_duration(self):
        lead = self._lead(
            stage_id=self.stage_won.id,
            kpi_won_date="2025-03-01 10:00:00",
            kpi_opportunity_date="2025-03-02 10:00:00",
        )
        self.assertIs(lead.kpi_sales_cycle_days, False)

    # --- MERGE ---

    def test_merge_counts_and_keeps_the_stamps_of_the_head(self):
        with self.at("2026-10-01 08:00"):
            head = self._lead(stage_id=self.stage_new.id)
            head.action_set_won()
            tails = self._lead(type="lead") + self._lead(type="lead")
            third = self._lead(type="lead")
        with self.at("2026-10-02 08:00"):
            kept = (head + tails).merge_opportunity()
        self.assertEqual(kept, head)
        self.assertEqual(kept.kpi_merged_count, 2)
        self.assertEqual(kept.kpi_won_date, utc("2026-10-01 08:00"))
        self.assertFalse(tails.exists())
        with self.at("2026-10-03 08:00"):
            kept = (head + third).with_user(self.ann).merge_opportunity()
        self.assertEqual(kept.kpi_merged_count, 3)

    # --- AMOUNT ---

    def test_deal_amount(self):
        """Orders of 7 000 and 3 000 (expected 9 000); without an order the expected 2 000."""
        customer = self._customer()
        first = self._lead(expected_revenue=9000, partner_id=customer.id)
        second = self._lead(expected_revenue=2000)
        orders = self.env["sale.order"]
        for amount in (7000, 3000):
            orders += self._order(
                customer, "2026-11-03", amount, state="draft", opportunity_id=first.id
            )
        self._order(customer, "2026-11-03", 500, state="draft", opportunity_id=first.id)
        self.assertEqual(first.kpi_deal_amount, 0, "not won yet")
        orders.action_confirm()
        (first + second).action_set_won()
        self.assertEqual(first.kpi_deal_amount, 10000)
        self.assertEqual(second.kpi_deal_amount, 2000)
        orders[0]._action_cancel()
        self.assertEqual(first.kpi_deal_amount, 3000)

    def test_deal_whose_orders_were_all_cancelled(self):
        """Nothing is left of the orders: 0. Quotations do not replace the expected revenue."""
        customer = self._customer()
        lead = self._lead(expected_revenue=1000, partner_id=customer.id)
        first, second = (
            self._order(customer, "2026-11-03", 600, state="draft", opportunity_id=lead.id)
            for _i in range(2)
        )
        lead.action_set_won()
        self.assertEqual((lead.kpi_deal_amount, lead.kpi_orders_cancelled), (1000, False))
        first._action_cancel()
        second._action_cancel()
        # cancelled quotations: no order was ever confirmed
        self.assertEqual((lead.kpi_deal_amount, lead.kpi_orders_cancelled), (1000, False))
        for order in (first, second):
            order.action_draft()
            order.action_confirm()
        self.assertEqual((lead.kpi_deal_amount, lead.kpi_orders_cancelled), (1200, False))
        first._action_cancel()
        self.assertEqual((lead.kpi_deal_amount, lead.kpi_orders_cancelled), (600, False))
        second._action_cancel()
        self.assertEqual((lead.kpi_deal_amount, lead.kpi_orders_cancelled), (0, True))
        second.action_draft()
        self.assertEqual((lead.kpi_deal_amount, lead.kpi_orders_cancelled), (0, True))
        lead.expected_revenue = 5000
        self.assertEqual(lead.kpi_deal_amount, 0)
        second.action_confirm()
        self.assertEqual((lead.kpi_deal_amount, lead.kpi_orders_cancelled), (600, False))
        # won after the cancellation
        second._action_cancel()
        lead.write({"stage_id": self.stage_new.id, "probability": 10})
        self.assertEqual((lead.kpi_deal_amount, lead.kpi_orders_cancelled), (0, False))
        lead.action_set_won()
        self.assertEqual((lead.kpi_deal_amount, lead.kpi_orders_cancelled), (0, True))
        # the order belongs to another deal now
        second.opportunity_id = self._lead(expected_revenue=1)
        first.opportunity_id = False
        self.assertEqual((lead.kpi_deal_amount, lead.kpi_orders_cancelled), (5000, False))

    def test_deal_amount_in_company_currency(self):
        self.env["res.currency.rate"].create(
            {
                "currency_id": self.env.ref("base.USD").id,
                "company_id": self.company.id,
                "name": "2026-11-01",
                "company_rate": 1.2,
            }
        )
        dollars = self.env["product.pricelist"].create(
            {
                "name": "USD",
                "currency_id": self.env.ref("base.USD").id,
                "company_id": self.company.id,
            }
        )
        customer = self._customer()
        lead = self._lead(expected_revenue=10, stage_id=self.stage_won.id)
        self._order(customer, "2026-11-03", 1200, pricelist_id=dollars.id, opportunity_id=lead.id)
        self.assertEqual(lead.kpi_deal_amount, 1000)

    # --- RIGHTS ---

    def test_users_cannot_write_stamps(self):
        lead = self._lead()
        for name, value in {
            "kpi_won_date": "2026-10-01 08:00:00",
            "kpi_won_user_id": self.ann.id,
            "kpi_lost_team_id": self.north.id,
            "kpi_opportunity_date": "2026-10-01 08:00:00",
            "kpi_was_lead": True,
            "kpi_merged_count": 7,
            "kpi_sales_cycle_days": 1.0,
            "kpi_deal_amount": 1e6,
        }.items():
            for user in (self.ann, self.env.ref("base.user_admin")):
                with self.subTest(name=name, user=user.name):
                    Lead = self.env["crm.lead"].with_user(user)
                    with self.assertRaisesRegex(AccessError, name):
                        Lead.browse(lead.id).write({name: value})
                    with self.assertRaisesRegex(AccessError, name):
                        Lead.create({"name": "Forged", name: value})
                    forged = Lead.with_context(**{f"default_{name}": value}).create(
                        {"name": "Forged"}
                    )
                    field = Lead._fields[name]
                    self.assertNotEqual(
                        field.convert_to_write(forged[name], forged),
                        fields.Datetime.to_datetime(value) if field.type == "datetime" else value,
                    )
        with self.assertRaises(AccessError):
            lead.with_user(self.ann).copy({"kpi_won_date": "2026-10-01 08:00:00"})
        result = (
            self.env["crm.lead"]
            .with_user(self.ann)
            .load(["name", "kpi_won_date"], [["Forged import", "2026-10-01 08:00:00"]])
        )
        self.assertFalse(result["ids"])

    def test_one2many_commands_write_no_stamps(self):
        lead = self._lead()
        customer = self._customer()
        lead.partner_id = customer
        with self.assertRaisesRegex(AccessError, "kpi_won_date"):
            customer.with_user(self.ann).write(
                {"opportunity_ids": [Command.update(lead.id, {"kpi_won_date": "2026-10-01"})]}
            )

    def test_stamps_follow_the_work_of_a_salesperson(self):
        lead = self._lead().with_user(self.ann)
        referrer = self._customer("Referrer")
        lead.write({"kpi_referrer_id": referrer.id})
        self.assertEqual(lead.kpi_referrer_id, referrer)
        lead.action_set_won()
        self.assertEqual(lead.kpi_won_user_id, self.ann)

    def test_form_of_a_rep(self):
        with Form(self.env["crm.lead"].with_user(self.ann), view="crm.crm_lead_view_form") as form:
            form.name = "Typed in"
            self.assertFalse(form.kpi_won_date)
        lead = form.save()
        lead.action_set_won()
        with Form(lead, view="crm.crm_lead_view_form") as form:
            self.assertTrue(form.kpi_won_date)
            form.name = "Renamed"
        self.assertEqual(lead.kpi_won_user_id, self.ann)

    # --- FACTS OF THE WORKED EXAMPLES ---

    def test_example_qualification(self):
        """7: leads converted after 3, 20 and 45 days, two never, a direct opportunity → 2/5."""
        with self.at("2026-10-01 08:00"):
            leads = self.env["crm.lead"].concat(*(self._lead(type="lead") for _ in range(5)))
            direct = self._lead()
        for lead, day in zip(leads, ("2026-10-04", "2026-10-21", "2026-11-15"), strict=False):
            with self.at(f"{day} 08:00"):
                lead.convert_opportunity(self.env["res.partner"])
        cohort = self.env["crm.lead"].search(
            [("id", "in", (leads + direct).ids), ("kpi_was_lead", "=", True)]
        )
        self.assertEqual(cohort, leads)
        within = cohort.filtered_domain([("kpi_days_to_opportunity", "<=", 30)])
        searched = cohort.search([("id", "in", cohort.ids), ("kpi_days_to_opportunity", "<=", 30)])
        self.assertEqual(len(searched), 2, "no value is not within 30 days")
        self.assertEqual(within, searched)
        self.assertEqual(leads.mapped("kpi_days_to_opportunity"), [3, 20, 45, False, False])

    def test_example_conversion(self):
        """8: ten created, won after 5, 30, 89 and 120 days → 3 within 90 days."""
        with self.at("2026-01-01 08:00"):
            leads = self.env["crm.lead"].concat(*(self._lead() for _ in range(10)))
        for lead, day in zip(
            leads, ("2026-01-06", "2026-01-31", "2026-03-31", "2026-05-01"), strict=False
        ):
            with self.at(f"{day} 08:00"):
                lead.action_set_won()
        self.assertEqual(leads[:5].mapped("kpi_days_to_win"), [5, 30, 89, 120, False])
        self.assertEqual(
            leads.search_count([("id", "in", leads.ids), ("kpi_days_to_win", "<=", 90)]), 3
        )

    def test_example_win_rate(self):
        """9: won 10 000 and 2 000, lost 5 000, lost as duplicate, archived pending."""
        duplicate = self.env["crm.lost.reason"].create(
            {"name": "Duplicate", "kpi_disqualified": True}
        )
        with self.at("2026-11-01 08:00"):
            leads = self.env["crm.lead"].concat(
                *(self._lead(expected_revenue=a) for a in (10000, 2000, 5000, 8000, 1000))
            )
            leads[2].user_id = self.bob
            leads[4].probability = 40
        with self.at("2026-11-10 08:00"):
            leads[:2].action_set_won()
            leads[2].action_set_lost()
            leads[3].action_set_lost(lost_reason_id=duplicate.id)
            leads[4].action_archive()
        found = leads.with_context(active_test=False)
        won = found.search([("id", "in", leads.ids), ("kpi_won_date", "!=", False)])
        lost = found.search(
            [
                ("id", "in", leads.ids),
                ("kpi_lost_date", "!=", False),
                "|",
                ("lost_reason_id", "=", False),
                ("lost_reason_id.kpi_disqualified", "=", False),
            ]
        )
        self.assertEqual(sum(won.mapped("kpi_deal_amount")), 12000)
        self.assertEqual(lost, leads[2])
        self.assertEqual(won.kpi_won_user_id, self.ann)
        self.assertEqual(lost.kpi_lost_user_id, self.bob)

    def test_example_sales_cycle(self):
        """12: 10 and 20 days (team A), 90 days (team B)."""
        with self.at("2026-01-01 08:00"):
            leads = self._lead() + self._lead() + self._lead(user_id=self.bob.id)
        for lead, day in zip(leads, ("2026-01-11", "2026-01-21", "2026-04-01"), strict=True):
            with self.at(f"{day} 08:00"):
                lead.action_set_won()
        self.assertEqual(leads.mapped("kpi_sales_cycle_days"), [10, 20, 90])
        self.assertEqual(
            [lead.kpi_won_team_id for lead in leads], [self.north, self.north, self.south]
        )
