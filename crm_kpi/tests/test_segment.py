# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import random
from collections import defaultdict
from datetime import date, datetime, timedelta
from unittest.mock import patch

from psycopg2 import IntegrityError

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form, TransactionCase, freeze_time, new_test_user, tagged
from odoo.tools import SQL, mute_logger

from .. import bounded
from ..segments.changed_customers import fact_columns

DAY = date(2026, 3, 10)


def at_noon(day):
    return datetime(day.year, day.month, day.day, 12)


class SegmentCase(TransactionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env = cls.env(context=dict(cls.env.context, tracking_disable=True))
        cls.company = cls.env.company
        cls.company.kpi_tz = "UTC"
        cls.Set = cls.env["crm.kpi.segment.set"]
        cls.Segment = cls.env["crm.kpi.segment"]
        cls.Partner = cls.env["res.partner"]
        # the sets of the addon, without the changes made in the database
        cls.env.cr.execute("DELETE FROM crm_kpi_segment_member")
        cls.env.cr.execute(
            "UPDATE crm_kpi_segment_set"
            " SET date_start = NULL, date_updated = NULL, date_changed = NULL"
        )
        cls.env.invalidate_all()
        cls.industries = cls.env["res.partner.industry"].create(
            [{"name": f"Industry {letter}"} for letter in "ABC"]
        )
        cls.by_industry = cls.env.ref("crm_kpi.segment_set_industry")
        cls.by_country = cls.env.ref("crm_kpi.segment_set_country")
        cls.by_type = cls.env.ref("crm_kpi.segment_set_company_type")
        cls.by_size = cls.env.ref("crm_kpi.segment_set_size")
        cls.by_tag = cls.env.ref("crm_kpi.segment_set_tag")

    def update(self, sets, day=DAY):
        with freeze_time(at_noon(day)):
            return sets._update_members()

    def partner(self, name="Customer", created=date(2025, 1, 1), **vals):
        partner = self.Partner.create({"name": name, "is_company": True, **vals})
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE res_partner SET create_date = %s WHERE id = %s", (created, partner.id)
        )
        partner.invalidate_recordset(["create_date"])
        return partner

    def order(self, partner, day, amount, company=None, state="sale"):
        """A confirmed order, inserted by SQL: only these columns matter."""
        company = company or self.company
        order = self.env["sale.order"].create({"partner_id": partner.id, "company_id": company.id})
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE sale_order SET state = %s, date_order = %s, create_date = %s,"
            " amount_untaxed = %s, currency_rate = 1 WHERE id = %s",
            (state, at_noon(day), at_noon(day), amount, order.id),
        )
        self.compute_amount(order)
        return order

    def compute_amount(self, order):
        """Compute the stored fields that depend on the columns inserted by SQL."""
        order.invalidate_recordset()
        order._compute_kpi_amount()
        order._compute_kpi_is_qualifying()
        self.env.flush_all()

    def rows(self, segment_set, partner, company=None):
        """``[(segment name, from, to), …]`` of a customer, oldest first."""
        members = self.env["crm.kpi.segment.member"].search(
            [("set_id", "=", segment_set.id), ("partner_id", "=", partner.id)]
            + ([("company_id", "=", company.id)] if company else [])
        )
        return sorted(
            ((m.segment_id.name, m.date_from or None, m.date_to or None) for m in members),
            key=lambda row: (row[1] or date.min, row[0]),
        )

    def segments_on(self, segment_set, partner, day):
        return sorted(
            name
            for name, since, until in self.rows(segment_set, partner)
            if (not since or since <= day) and (not until or until > day)
        )


@tagged("post_install", "-at_install")
class TestSegmentKinds(SegmentCase):
    def test_industry_is_made_and_assigned(self):
        customer = self.partner(industry_id=self.industries[0].id)
        other = self.partner(industry_id=self.industries[1].id)
        without_industry = self.partner()
        self.assertEqual(self.by_industry._update_members(), date.min, "the set is new")
        self.assertEqual(self.rows(self.by_industry, customer), [("Industry A", None, None)])
        self.assertEqual(self.rows(self.by_industry, other), [("Industry B", None, None)])
        self.assertEqual(self.rows(self.by_industry, without_industry), [], "counts as Unknown")
        made = self.by_industry.segment_ids.industry_id
        self.assertIn(self.industries[0], made)
        self.assertNotIn(self.industries[2], made, "no customer uses it")

    def test_customers_only(self):
        company = self.partner("Mother", industry_id=self.industries[0].id)
        contact = self.Partner.create(
            {"name": "Contact", "parent_id": company.id, "type": "contact"}
        )
        ours = self.env["res.company"].create({"name": "Our second company"}).partner_id
        staff = new_test_user(self.env, "kpi_staff", groups="base.group_user").partner_id
        portal = new_test_user(self.env, "kpi_portal", groups="base.group_portal").partner_id
        archived = self.partner("Archived", industry_id=self.industries[0].id, active=False)
        public = self.env.ref("base.public_partner")
        (ours | staff | portal | public).industry_id = self.industries[0]
        self.update(self.by_industry)
        self.assertTrue(self.rows(self.by_industry, company))
        self.assertTrue(self.rows(self.by_industry, portal))
        self.assertTrue(self.rows(self.by_industry, archived), "history counts")
        self.assertFalse(self.rows(self.by_industry, contact), "counts by its company")
        self.assertFalse(self.rows(self.by_industry, ours))
        self.assertFalse(self.rows(self.by_industry, staff))
        self.assertFalse(self.rows(self.by_industry, public), "unknown visitors")

    def test_country(self):
        belgium, peru = self.env.ref("base.be"), self.env.ref("base.pe")
        customer = self.partner(country_id=belgium.id)
        self.env["crm.lead"].create({"name": "No customer yet", "country_id": peru.id})
        self.update(self.by_country)
        self.assertEqual(self.rows(self.by_country, customer), [("Belgium", None, None)])
        self.assertIn(peru, self.by_country.segment_ids.country_id, "a lead's own country")

    def test_company_type(self):
        company = self.partner()
        person = self.partner(is_company=False)
        self.update(self.by_type)
        self.assertEqual(self.rows(self.by_type, company), [("Company", None, None)])
        self.assertEqual(self.rows(self.by_type, person), [("Individual", None, None)])

    def test_tags_overlap_and_count_upwards(self):
        tier = self.env["res.partner.category"].create({"name": "Tier"})
        gold = self.env["res.partner.category"].create({"name": "Gold", "parent_id": tier.id})
        press = self.env["res.partner.category"].create({"name": "Press"})
        old = self.env["res.partner.category"].create({"name": "Old", "active": False})
        customer = self.partner(category_id=[(6, 0, (gold | press | old).ids)])
        child = self.Partner.create({"name": "Contact", "parent_id": customer.id})
        other = self.partner()
        self.Partner.create(
            {"name": "C", "parent_id": other.id, "category_id": [(6, 0, press.ids)]}
        )
        self.assertFalse(self.by_tag.exclusive)
        self.update(self.by_tag)
        self.assertEqual(
            self.rows(self.by_tag, customer),
            [("Press", None, None), ("Tier", None, None), ("Tier / Gold", None, None)],
        )
        self.assertFalse(self.rows(self.by_tag, child))
        self.assertFalse(self.rows(self.by_tag, other), "a contact's tag is not the customer's")
        customer.category_id -= gold
        self.update(self.by_tag, DAY + timedelta(1))
        self.assertEqual(
            self.segments_on(self.by_tag, customer, DAY), ["Press", "Tier", "Tier / Gold"]
        )
        self.assertEqual(self.segments_on(self.by_tag, customer, DAY + timedelta(1)), ["Press"])

    def test_new_tag_begins_on_its_day(self):
        customer = self.partner()
        self.update(self.by_tag)
        customer.category_id = self.env["res.partner.category"].create({"name": "VIP"})
        day = DAY + timedelta(3)
        fresh = self.partner(created=day, category_id=customer.category_id.ids)
        self.assertEqual(self.update(self.by_tag, day), day)
        self.assertEqual(self.rows(self.by_tag, customer), [("VIP", day, None)])
        self.assertEqual(self.rows(self.by_tag, fresh), [("VIP", None, None)])

    def test_size_bands(self):
        amounts = {
            "No orders": [0],
            "Below 1,000": [0.01, 999.99],
            "1,000 to 10,000": [1000, 9999.99],
            "10,000 to 100,000": [10000],
            "100,000 and more": [100000, 5000000],
        }
        expected = {}
        for name, values in amounts.items():
            for amount in values:
                partner = self.partner()
                expected[partner] = name
                if amount:
                    self.order(partner, DAY - timedelta(5), amount)
        refused = self.partner()
        self.order(refused, DAY - timedelta(5), 5000, state="draft")
        self.order(refused, DAY - timedelta(5), -200)
        expected[refused] = "No orders"
        self.update(self.by_size)
        for partner, name in expected.items():
            self.assertEqual(self.segments_on(self.by_size, partner, DAY), [name])

    def test_size_takes_twelve_months_before_the_day(self):
        customer = self.partner()
        self.order(customer, date(2025, 3, 10), 700)  # first day of the window
        self.order(customer, date(2025, 3, 9), 700)  # a day too old
        self.order(customer, DAY, 700)  # today does not count yet
        self.update(self.by_size)
        self.assertEqual(self.segments_on(self.by_size, customer, DAY), ["Below 1,000"])
        self.update(self.by_size, DAY + timedelta(1))  # 10 March 2025 leaves, today enters
        self.assertEqual(
            self.segments_on(self.by_size, customer, DAY + timedelta(1)), ["Below 1,000"]
        )
        self.order(customer, DAY, 300)
        self.update(self.by_size, DAY + timedelta(2))
        self.assertEqual(
            self.segments_on(self.by_size, customer, DAY + timedelta(2)), ["1,000 to 10,000"]
        )

    def test_size_of_the_past_is_computed_month_by_month(self):
        customer = self.partner()
        self.order(customer, date(2024, 2, 20), 500)
        self.order(customer, date(2024, 4, 1), 800)  # 1,300 from 1 May on
        self.order(customer, date(2025, 6, 15), 20000)
        self.update(self.by_size)
        self.assertEqual(
            self.rows(self.by_size, customer),
            [
                ("No orders", None, date(2024, 3, 1)),
                ("Below 1,000", date(2024, 3, 1), date(2024, 5, 1)),
                # 500 of February 2024 leave on 1 March 2025, 800 of April on 1 May
                ("1,000 to 10,000", date(2024, 5, 1), date(2025, 3, 1)),
                ("Below 1,000", date(2025, 3, 1), date(2025, 5, 1)),
                ("No orders", date(2025, 5, 1), date(2025, 7, 1)),
                ("10,000 to 100,000", date(2025, 7, 1), None),
            ],
        )
        self.update(self.by_size, date(2026, 6, 15))
        self.assertEqual(self.rows(self.by_size, customer)[-1][2], None)
        self.update(self.by_size, date(2026, 6, 16))
        self.assertEqual(
            self.rows(self.by_size, customer)[-1], ("No orders", date(2026, 6, 16), None)
        )

    def test_size_of_the_past_of_customers_without_a_size_today(self):
        """Who has no band today had one in the past: quiet, or a customer of another company."""
        self.env.ref("crm_kpi.segment_size_none").active = False
        second = self.env["res.company"].create({"name": "Second", "kpi_tz": "UTC"})
        quiet, foreign = self.partner(), self.partner()
        for customer in (quiet, foreign):
            self.order(customer, date(2024, 2, 20), 500)
        self.env.flush_all()
        # moved to the other company after the order
        self.env.cr.execute(
            "UPDATE res_partner SET company_id = %s WHERE id = %s", (second.id, foreign.id)
        )
        self.env.invalidate_all()
        self.assertEqual(self.update(self.by_size), date.min)
        for customer in (quiet, foreign):
            self.assertEqual(
                self.rows(self.by_size, customer, self.company),
                [("Below 1,000", date(2024, 3, 1), date(2025, 3, 1))],
            )
        self.assertIsNone(self.update(self.by_size))

    def test_size_differs_by_company(self):
        second = self.env["res.company"].create({"name": "Second", "kpi_tz": "UTC"})
        customer = self.partner()
        self.order(customer, DAY - timedelta(9), 50)
        self.order(customer, DAY - timedelta(9), 5000, company=second)
        only_ours = self.partner(company_id=self.company.id)
        self.update(self.by_size)
        self.assertEqual(self.rows(self.by_size, customer, self.company)[-1][0], "Below 1,000")
        self.assertEqual(self.rows(self.by_size, customer, second)[-1][0], "1,000 to 10,000")
        self.assertTrue(self.rows(self.by_size, only_ours, self.company))
        self.assertFalse(self.rows(self.by_size, only_ours, second))

    def test_size_in_company_currency(self):
        customer = self.partner()
        order = self.order(customer, DAY - timedelta(9), 2000)
        self.env.cr.execute("UPDATE sale_order SET currency_rate = 2.5 WHERE id = %s", (order.id,))
        self.compute_amount(order)
        self.update(self.by_size)
        self.assertEqual(
            self.segments_on(self.by_size, customer, DAY), ["Below 1,000"], "2000 / 2.5 = 800"
        )

    def test_size_by_the_amount_that_is_shown(self):
        """The rounded amount of the order counts, as in all totals: 2,499.99 / 2.5 = 999.996."""
        customer = self.partner()
        order = self.order(customer, DAY - timedelta(9), 2499.99)
        self.env.cr.execute("UPDATE sale_order SET currency_rate = 2.5 WHERE id = %s", (order.id,))
        self.compute_amount(order)
        self.assertEqual(order.kpi_amount, 1000)
        self.update(self.by_size)
        self.assertEqual(self.segments_on(self.by_size, customer, DAY), ["1,000 to 10,000"])

    def _domain_set(self, *filters, **vals):
        return self.Set.create(
            {
                "name": "By filter",
                "kind": "domain",
                "segment_ids": [
                    (0, 0, {"name": f"Filter {n}", "sequence": n, "domain": domain})
                    for n, domain in enumerate(filters, 1)
                ],
                **vals,
            }
        )

    def test_domain_first_match_wins(self):
        by_filter = self._domain_set("[('ref', '=like', 'A%')]", "[('ref', '!=', False)]")
        both = self.partner(ref="AB")
        second = self.partner(ref="XY")
        none = self.partner()
        self.assertTrue(by_filter.exclusive)
        self.update(by_filter)
        self.assertEqual(self.rows(by_filter, both), [("Filter 1", None, None)])
        self.assertEqual(self.rows(by_filter, second), [("Filter 2", None, None)])
        self.assertFalse(self.rows(by_filter, none))
        # another order of the filters
        by_filter.segment_ids.filtered(lambda s: s.name == "Filter 1").sequence = 9
        self.update(by_filter, DAY + timedelta(1))
        self.assertEqual(
            self.rows(by_filter, both),
            [("Filter 1", None, DAY + timedelta(1)), ("Filter 2", DAY + timedelta(1), None)],
        )

    def test_domain_every_match(self):
        by_filter = self._domain_set(
            "[('ref', '=like', 'A%')]", "[('ref', '!=', False)]", first_match=False
        )
        self.assertFalse(by_filter.exclusive)
        both = self.partner(ref="AB")
        self.update(by_filter)
        self.assertEqual(
            self.rows(by_filter, both), [("Filter 1", None, None), ("Filter 2", None, None)]
        )

    def test_domain_matches_customers_only_and_archived_ones_too(self):
        by_filter = self._domain_set("[('name', 'like', 'Zzz')]")
        company = self.partner("Zzz company", active=False)
        contact = self.Partner.create({"name": "Zzz contact", "parent_id": company.id})
        self.update(by_filter)
        self.assertTrue(self.rows(by_filter, company))
        self.assertFalse(self.rows(by_filter, contact))

    def test_set_of_one_company(self):
        second = self.env["res.company"].create({"name": "Second", "kpi_tz": "UTC"})
        by_filter = self._domain_set("[]", company_id=second.id)
        shared, theirs = self.partner(), self.partner(company_id=second.id)
        ours = self.partner(company_id=self.company.id)
        self.update(by_filter)
        self.assertTrue(self.rows(by_filter, shared))
        self.assertTrue(self.rows(by_filter, theirs))
        self.assertFalse(self.rows(by_filter, ours))


@tagged("post_install", "-at_install")
class TestSegmentHistory(SegmentCase):
    def test_change_keeps_yesterday(self):
        customer = self.partner(industry_id=self.industries[0].id)
        self.update(self.by_industry)
        customer.industry_id = self.industries[1]
        day = DAY + timedelta(20)
        self.assertEqual(self.update(self.by_industry, day), day)
        self.assertEqual(
            self.rows(self.by_industry, customer),
            [("Industry A", None, day), ("Industry B", day, None)],
        )
        self.assertEqual(
            self.segments_on(self.by_industry, customer, day - timedelta(1)), ["Industry A"]
        )
        self.assertEqual(self.segments_on(self.by_industry, customer, day), ["Industry B"])

    def test_nothing_changed(self):
        self.partner(industry_id=self.industries[0].id)
        self.update(self.Set.search([]))
        self.assertIsNone(self.update(self.Set.search([]), DAY))
        self.assertIsNone(self.update(self.Set.browse(), DAY + timedelta(1)))

    def test_second_change_of_a_day_replaces_the_first(self):
        customer = self.partner(industry_id=self.industries[0].id)
        self.update(self.by_industry)
        day = DAY + timedelta(1)
        for industry in self.industries[1:]:
            customer.industry_id = industry
            self.update(self.by_industry, day)
        self.assertEqual(
            self.rows(self.by_industry, customer),
            [("Industry A", None, day), ("Industry C", day, None)],
        )
        customer.industry_id = self.industries[0]
        self.update(self.by_industry, day)
        self.assertEqual(self.rows(self.by_industry, customer), [("Industry A", None, None)])
        customer.industry_id = False
        self.update(self.by_industry, day)
        self.assertEqual(self.rows(self.by_industry, customer), [("Industry A", None, day)])
        customer.industry_id = self.industries[0]
        self.update(self.by_industry, day)
        self.assertEqual(self.rows(self.by_industry, customer), [("Industry A", None, None)])

    def test_correction_on_the_first_day(self):
        customer = self.partner(industry_id=self.industries[0].id)
        self.update(self.by_industry)
        customer.industry_id = self.industries[1]
        self.update(self.by_industry)
        self.assertEqual(self.rows(self.by_industry, customer), [("Industry B", None, None)])

    def test_industry_set_later_applies_to_the_past(self):
        customer = self.partner()
        self.update(self.by_industry)
        self.order(customer, date(2024, 5, 4), 10)
        customer.industry_id = self.industries[0]
        day = DAY + timedelta(5)
        # the order was imported and is older than the contact
        self.assertEqual(self.update(self.by_industry, day), date(2024, 5, 4))
        self.assertEqual(self.rows(self.by_industry, customer), [("Industry A", None, None)])
        customer.industry_id = False
        self.update(self.by_industry, day + timedelta(1))
        customer.industry_id = self.industries[0]
        self.update(self.by_industry, day + timedelta(2))
        self.assertEqual(
            self.rows(self.by_industry, customer),
            [
                ("Industry A", None, day + timedelta(1)),
                ("Industry A", day + timedelta(2), None),
            ],
        )

    def test_local_day(self):
        self.company.kpi_tz = "Pacific/Auckland"  # 13 hours ahead in March
        first = self.env["res.company"].search([], order="id", limit=1)
        first.kpi_tz = "Pacific/Auckland"
        customer = self.partner(industry_id=self.industries[0].id)
        self.update(self.by_industry)
        customer.industry_id = self.industries[2]
        with freeze_time(datetime(2026, 3, 15, 20)):
            self.assertEqual(self.by_industry._update_members(), date(2026, 3, 16))

    def test_merge(self):
        keep = self.partner("Same", email="a@b.c", industry_id=self.industries[0].id)
        lose = self.partner("Same", email="a@b.c", industry_id=self.industries[1].id)
        sets = self.by_industry | self.by_type | self.by_size | self.by_tag
        tag = self.env["res.partner.category"].create({"name": "Both"})
        (keep | lose).category_id = tag
        self.order(lose, date(2025, 2, 3), 100)
        self.update(sets)
        # the merged contact has a closed row, which would not conflict with an open row
        lose.industry_id = self.industries[2]
        self.update(sets, DAY + timedelta(1))
        self.env["base.partner.merge.automatic.wizard"]._merge((keep | lose).ids, keep)
        self.assertFalse(lose.exists())
        self.assertEqual(self.rows(self.by_industry, keep), [("Industry A", None, None)])
        self.assertEqual(len(self.rows(self.by_tag, keep)), 1)
        # the orders of the merged contact now belong to the remaining contact
        changed = self.update(self.by_industry, DAY + timedelta(2))
        self.assertEqual(changed, date(2025, 1, 1))
        self.assertIsNone(self.update(self.by_industry, DAY + timedelta(2)))
        self.update(self.by_size, DAY + timedelta(2))

    def test_merge_by_raw_sql_cannot_count_twice(self):
        keep = self.partner(industry_id=self.industries[0].id)
        lose = self.partner(industry_id=self.industries[1].id)
        self.update(self.by_industry)
        with self.assertRaises(IntegrityError), mute_logger("odoo.sql_db"):
            self.cr.execute(
                "UPDATE crm_kpi_segment_member SET partner_id = %s WHERE partner_id = %s",
                (keep.id, lose.id),
            )

    def test_change_of_parent(self):
        mother = self.partner("Mother", industry_id=self.industries[0].id)
        step = self.partner("Step", industry_id=self.industries[1].id)
        contact = self.partner("Contact", is_company=False, parent_id=mother.id)
        person = self.partner("Person", is_company=False, industry_id=self.industries[2].id)
        self.order(contact, date(2024, 7, 1), 100)
        self.order(person, date(2024, 6, 1), 100)
        self.update(self.by_industry)
        self.assertFalse(self.rows(self.by_industry, contact))
        contact.parent_id = step
        self.assertEqual(self.update(self.by_industry, DAY + timedelta(1)), date(2024, 7, 1))
        self.assertFalse(self.rows(self.by_industry, contact))
        person.parent_id = mother
        self.assertEqual(self.update(self.by_industry, DAY + timedelta(2)), date(2024, 6, 1))
        self.assertEqual(
            self.rows(self.by_industry, person), [("Industry C", None, DAY + timedelta(2))]
        )
        self.assertEqual(self.rows(self.by_industry, mother), [("Industry A", None, None)])
        # writing the same parent again changes nothing
        person.write({"parent_id": mother.id})
        self.assertIsNone(self.update(self.by_industry, DAY + timedelta(2)))

    def test_records_of_other_sources_begin_the_history(self):
        self.env["crm.kpi.source"].create(
            {
                "name": "Invitations",
                "code": "test_invitations",
                "model_id": self.env["ir.model"]._get_id("calendar.attendee"),
                "date_field": "create_date",
                "company_field": False,
                "partner_field": "partner_id",
            }
        )
        columns = fact_columns(self.env)
        self.assertIn(("calendar_attendee", "partner_id", ["create_date"]), columns)
        customer = self.partner()
        self.update(self.by_industry)
        event = self.env["calendar.event"].create(
            {
                "name": "Visit",
                "start": "2024-01-01 10:00:00",
                "stop": "2024-01-01 11:00:00",
                "partner_ids": customer.ids,
            }
        )
        self.env.flush_all()
        self.cr.execute(
            "UPDATE calendar_attendee SET create_date = '2023-12-05' WHERE event_id = %s",
            (event.id,),
        )
        customer.industry_id = self.industries[0]
        self.assertEqual(self.update(self.by_industry, DAY + timedelta(1)), date(2023, 12, 5))

    def test_archiving_a_set_changes_the_whole_past(self):
        self.update(self.Set.search([]))
        self.by_tag.active = False
        self.assertEqual(self.update(self.Set.browse()), date.min)
        self.assertIsNone(self.update(self.Set.browse()))

    def test_new_customer_of_today(self):
        self.update(self.by_industry)
        day = DAY + timedelta(3)
        customer = self.partner(created=day, industry_id=self.industries[0].id)
        self.assertEqual(self.update(self.by_industry, day), day)
        self.assertEqual(self.rows(self.by_industry, customer), [("Industry A", None, None)])

    def test_archived_segment_gets_no_members(self):
        customer = self.partner(industry_id=self.industries[0].id)
        self.update(self.by_industry)
        segment = self.by_industry.segment_ids.filtered(
            lambda s: s.industry_id == self.industries[0]
        )
        segment.active = False
        self.update(self.by_industry, DAY + timedelta(1))
        self.assertEqual(
            self.rows(self.by_industry, customer), [("Industry A", None, DAY + timedelta(1))]
        )
        self.assertEqual(
            self.Segment.with_context(active_test=False).search_count(
                [("industry_id", "=", self.industries[0].id)]
            ),
            1,
            "it is not created again",
        )

    def test_deleted_industry_keeps_history(self):
        customer = self.partner(industry_id=self.industries[0].id)
        self.update(self.by_industry)
        self.industries[0].unlink()
        self.update(self.by_industry, DAY + timedelta(1))
        self.assertEqual(
            self.rows(self.by_industry, customer), [("Industry A", None, DAY + timedelta(1))]
        )

    def test_same_name_twice(self):
        twin = self.env["res.partner.industry"].create({"name": "Industry A"})
        self.partner(industry_id=self.industries[0].id)
        self.partner(industry_id=twin.id)
        self.update(self.by_industry)
        names = self.by_industry.segment_ids.mapped("name")
        self.assertIn("Industry A", names)
        self.assertIn("Industry A (2)", names)

    def test_delete_history(self):
        customer = self.partner(industry_id=self.industries[0].id)
        self.update(self.by_industry)
        customer.industry_id = self.industries[1]
        self.update(self.by_industry, DAY + timedelta(1))
        with self.assertRaisesRegex(UserError, "Kind"):
            self.by_industry.kind = "country"
        with self.assertRaises(UserError):
            self.by_industry.unlink()
        self.by_industry.action_delete_history()
        self.assertFalse(self.by_industry.date_start)
        changed = self.update(self.by_industry, DAY + timedelta(2))
        self.assertEqual(changed, date.min)
        self.assertEqual(self.rows(self.by_industry, customer), [("Industry B", None, None)])
        self.assertEqual(self.by_industry.date_start, DAY + timedelta(2))

    def test_refresh_gets_the_date_of_a_manual_update(self):
        customer = self.partner(industry_id=self.industries[0].id)
        self.update(self.by_industry)
        customer.industry_id = self.industries[1]
        with freeze_time(at_noon(DAY + timedelta(1))):
            self.by_industry.action_update_members()
        self.assertEqual(self.update(self.by_industry, DAY + timedelta(4)), DAY + timedelta(1))
        self.assertIsNone(self.update(self.by_industry, DAY + timedelta(4)))

    def test_history_equals_python_loop(self):
        """Random changes over random days: membership by SQL equals a loop over the records."""
        dice = random.Random(7)
        tags = self.env["res.partner.category"].create([{"name": f"Random {n}"} for n in range(3)])
        by_filter = self.Set.create(
            {
                "name": "Random filters",
                "segment_ids": [
                    (0, 0, {"name": "F1", "sequence": 2, "domain": "[('ref', '=', 'x')]"}),
                    (0, 0, {"name": "F2", "sequence": 1, "domain": "[('is_company', '=', True)]"}),
                ],
            }
        )
        sets = self.by_industry | self.by_type | self.by_tag | by_filter
        partners = self.Partner.concat(*(self.partner(f"Random {n}") for n in range(12)))
        late = self.Partner
        # segment of each partner in each set by day of update; None: not seen before
        seen = defaultdict(dict)
        day = DAY
        days = []
        for _round in range(14):
            for partner in partners | late:
                if dice.random() < 0.5:
                    partner.write(
                        {
                            "industry_id": dice.choice([False, *self.industries.ids]),
                            "is_company": dice.random() < 0.5,
                            "ref": dice.choice(["x", "y", False]),
                            "category_id": [(6, 0, [t.id for t in tags if dice.random() < 0.4])],
                        }
                    )
            if dice.random() < 0.3:
                late |= self.partner("Late", created=day, industry_id=self.industries[0].id)
            self.update(sets, day)
            days.append(day)
            for partner in partners | late:
                seen[by_filter, partner][day] = (
                    {"F2"} if partner.is_company else {"F1"} if partner.ref == "x" else set()
                )
                seen[self.by_industry, partner][day] = set(partner.industry_id.mapped("name"))
                seen[self.by_type, partner][day] = {
                    "Company" if partner.is_company else "Individual"
                }
                seen[self.by_tag, partner][day] = set(partner.category_id.mapped("name"))
            day += timedelta(dice.choice([0, 0, 1, 2]))
        for (segment_set, partner), by_day in seen.items():
            dated = sorted(by_day)
            filled = [d for d in dated if by_day[d]]
            estimated = bool(filled)
            if filled and segment_set in self.by_tag | by_filter:
                # a tag or filter begins on its day, except for new customers
                earlier = [d for d in days if d < filled[0]]
                created = partner.create_date.date()
                estimated = not earlier or created >= earlier[-1]
            for probe in [DAY - timedelta(40), *dated, dated[-1] + timedelta(9)]:
                before = [d for d in dated if d <= probe]
                expected = by_day[before[-1]] if before else set()
                if estimated and probe < filled[0]:
                    expected = by_day[filled[0]]
                self.assertEqual(
                    set(self.segments_on(segment_set, partner, probe)),
                    expected,
                    (segment_set.name, partner.id, probe, by_day),
                )
        overlaps = self.env.execute_query(
            SQL(
                """SELECT count(*) FROM crm_kpi_segment_member a
                     JOIN crm_kpi_segment_member b ON a.id < b.id AND a.set_id = b.set_id
                      AND a.partner_id = b.partner_id AND a.slot = b.slot
                      AND a.company_id IS NOT DISTINCT FROM b.company_id
                      AND daterange(a.date_from, a.date_to) && daterange(b.date_from, b.date_to)"""
            )
        )
        self.assertEqual(overlaps, [(0,)])

    def test_cost_of_an_update_without_changes_is_constant(self):
        def queries():
            start = self.cr.sql_log_count
            self.update(sets)
            return self.cr.sql_log_count - start

        sets = self.Set.search([])
        self.partner(industry_id=self.industries[0].id)
        self.update(sets)
        few = queries()
        self.Partner.create(
            [{"name": f"P{n}", "industry_id": self.industries[n % 3].id} for n in range(200)]
        )
        self.update(sets)
        self.env.invalidate_all()
        queries()
        self.assertEqual(queries(), few)
        newest = self.env["crm.kpi.segment.member"].search([], order="id desc", limit=1)
        queries()
        self.assertEqual(
            self.env["crm.kpi.segment.member"].search([], order="id desc", limit=1), newest
        )


@tagged("post_install", "-at_install")
class TestSegmentDefinition(SegmentCase):
    def test_unknown_bucket(self):
        for segment_set in self.Set.search([]):
            unknown = segment_set.unknown_segment_id
            self.assertTrue(unknown.is_unknown)
            self.assertEqual(segment_set.segment_ids.filtered("is_unknown"), unknown)
        self.assertEqual(self.by_industry.unknown_segment_id.display_name, "Industry: Unknown")
        with self.assertRaisesRegex(ValidationError, "archive"):
            self.by_industry.unknown_segment_id.active = False
        with self.assertRaisesRegex(UserError, "cannot be deleted"):
            self.by_industry.unknown_segment_id.unlink()

    def test_set_without_history_can_be_deleted(self):
        empty = self.Set.create({"name": "Empty", "kind": "domain"})
        segments = empty.segment_ids
        empty.unlink()
        self.assertFalse(segments.exists())

    def test_bad_filter_is_refused(self):
        by_filter = self.Set.create({"name": "By filter", "kind": "domain"})
        for domain, word in [
            ("[('no_such_field', '=', 1)]", "no_such_field"),
            ("[('name', 'foo', 1)]", "foo"),
            ("[('create_date', '>', 'abc')]", "Filter"),
            ("[('create_date', '>', context_today())]", "plain values"),
            ("not a list", "plain values"),
            ("[('industry_id.nothing', '=', 1)]", "nothing"),
        ]:
            with self.assertRaises(ValidationError) as caught, self.cr.savepoint():
                self.Segment.create({"set_id": by_filter.id, "name": "X", "domain": domain})
            self.assertIn(word, str(caught.exception), domain)
            self.assertIn("“Filter”", str(caught.exception), domain)
        with self.assertRaisesRegex(ValidationError, "Filter"):
            self.Segment.create({"set_id": by_filter.id, "name": "X"})

    def test_filter_with_relative_date(self):
        by_filter = self.Set.create(
            {
                "name": "New customers",
                "segment_ids": [
                    (0, 0, {"name": "New", "domain": "[('create_date', '>=', 'today -1m')]"})
                ],
            }
        )
        old = self.partner(created=DAY - timedelta(60))
        new = self.partner(created=DAY - timedelta(10))
        self.update(by_filter)
        self.assertFalse(self.rows(by_filter, old))
        self.assertTrue(self.rows(by_filter, new))
        self.update(by_filter, DAY + timedelta(30))
        self.assertEqual(self.rows(by_filter, new), [("New", None, DAY + timedelta(30))])

    def test_broken_filter_stops_its_own_segment_only(self):
        by_filter = self.Set.create(
            {
                "name": "By filter",
                "segment_ids": [
                    (0, 0, {"name": "Breaks", "sequence": 1, "domain": "[('ref', '=', 'x')]"}),
                    (0, 0, {"name": "Lasts", "sequence": 2, "domain": "[('ref', '!=', 'q')]"}),
                ],
            }
        )
        customer = self.partner(ref="x")
        self.update(by_filter)
        breaks = by_filter.segment_ids.filtered(lambda s: s.name == "Breaks")
        for day, domain in [
            (DAY + timedelta(1), "[('x_gone', '=', 'x')]"),  # the field was removed
            (DAY + timedelta(2), "[('create_date', '>', 'abc')]"),
        ]:
            self.env.flush_all()
            self.cr.execute(
                "UPDATE crm_kpi_segment SET domain = %s WHERE id = %s", (domain, breaks.id)
            )
            breaks.invalidate_recordset()
            other = self.partner(ref="y")
            self.update(by_filter | self.by_type, day)
            self.assertIn("Breaks", breaks.last_error)
            self.assertIn("Filter", breaks.last_error)
            self.assertEqual(by_filter.error_count, 1)
            self.assertEqual(
                self.rows(by_filter, customer), [("Breaks", None, None)], "kept as it was"
            )
            self.assertEqual(self.segments_on(by_filter, other, day), ["Lasts"])
            self.assertTrue(self.rows(self.by_type, other), "other sets go on")
            self.assertIsNone(self.update(by_filter, day))
        breaks.domain = "[('ref', '=', 'y')]"
        self.assertFalse(breaks.last_error)
        self.update(by_filter, DAY + timedelta(3))
        self.assertEqual(self.segments_on(by_filter, customer, DAY + timedelta(3)), ["Lasts"])

    def test_filter_that_only_the_database_refuses(self):
        by_filter = self.Set.create(
            {
                "name": "By filter",
                "segment_ids": [
                    (0, 0, {"name": "Breaks", "sequence": 1, "domain": "[('ref', '=', 'x')]"}),
                    (0, 0, {"name": "Lasts", "sequence": 2, "domain": "[('ref', '!=', 'q')]"}),
                ],
            }
        )
        customer, other = self.partner(ref="x"), self.partner(ref="y")
        self.update(by_filter)
        breaks = by_filter.segment_ids.filtered(lambda s: s.name == "Breaks")
        query = type(breaks)._query

        def failing(segment, partner):
            if segment == breaks:
                return SQL("SELECT id FROM res_partner WHERE 1 / (id - id) = 1")
            return query(segment, partner)

        self.patch(type(breaks), "_query", failing)
        other.ref = "q"
        with mute_logger("odoo.sql_db"):
            self.update(by_filter, DAY + timedelta(1))
            self.update(by_filter, DAY + timedelta(1))
        self.assertIn("division by zero", breaks.last_error)
        self.assertEqual(self.rows(by_filter, customer), [("Breaks", None, None)])
        self.assertEqual(self.rows(by_filter, other), [("Lasts", None, DAY + timedelta(1))])

    def test_names_and_references_are_unique(self):
        by_filter = self.Set.create({"name": "By filter", "kind": "domain"})
        self.Segment.create({"set_id": by_filter.id, "name": "One", "domain": "[]"})
        with self.assertRaisesRegex(ValidationError, "Choose another name"):
            self.Segment.create({"set_id": by_filter.id, "name": "One", "domain": "[]"})
        with self.assertRaisesRegex(ValidationError, "the same"):
            self.Segment.create({"set_id": self.by_size.id, "name": "Another", "amount_min": 1000})
        with self.assertRaisesRegex(ValidationError, "Industry"):
            self.Segment.create({"set_id": self.by_industry.id, "name": "Nothing"})

    def test_band_ends_where_the_next_begins(self):
        self.assertEqual(self.env.ref("crm_kpi.segment_size_none").amount_max, 0.01)
        self.assertEqual(self.env.ref("crm_kpi.segment_size_10k").amount_max, 10000)
        self.assertEqual(self.env.ref("crm_kpi.segment_size_more").amount_max, 0)
        middle = self.env.ref("crm_kpi.segment_size_10k")
        self.assertIn("10,000", middle.name)

    def test_member_count(self):
        self.partner(industry_id=self.industries[0].id)
        self.partner(industry_id=self.industries[0].id)
        self.update(self.by_industry)
        segment = self.by_industry.segment_ids.filtered(
            lambda s: s.industry_id == self.industries[0]
        )
        self.assertEqual(segment.member_count, 2)

    def test_first_segment_of_a_new_set(self):
        """It is entered on the form of the set, which is not saved yet, as KPI administrator."""
        admin = new_test_user(
            self.env, "seg_admin", groups="crm_kpi.group_kpi_admin,base.group_partner_manager"
        )
        customers = self.partner("Big", ref="big"), self.partner("Small", ref="small")
        form = Form(self.Set.with_user(admin))
        form.name = "By reference"
        with form.segment_ids.new() as line:
            self.assertEqual(line.kind, "domain")
            line.name = "Big ones"
            line.domain = "[('ref', '=', 'big')]"
            self.assertEqual(line.matching_text, "1")
        with form.segment_ids.new() as line:
            line.name = "Small ones"
            line.domain = "[('ref', '=', 'small')]"
        made = form.save()
        segments = made.segment_ids - made.unknown_segment_id
        self.assertEqual(segments.mapped("name"), ["Big ones", "Small ones"])
        made.action_update_members()
        for segment, customer in zip(segments, customers, strict=True):
            self.assertEqual(segment.member_count, 1)
            action = segment.action_open_members()
            members = self.env[action["res_model"]].search(action["domain"])
            self.assertEqual(members.partner_id, customer)
        by_tag = Form(self.Set.with_user(admin))
        by_tag.name, by_tag.kind = "Chosen tags", "tag"
        tag = self.env["res.partner.category"].create({"name": "Chosen"})
        with by_tag.segment_ids.new() as line:
            line.name, line.category_id = "Chosen", tag
        self.assertEqual((by_tag.save().segment_ids.category_id), tag)

    def test_counts_are_customers(self):
        """Contacts of a company are one customer; sets of orders count the reader's companies."""
        company = self.partner("Company", ref="counted")
        for name in ("One", "Two"):
            self.Partner.create({"name": name, "parent_id": company.id, "ref": "counted"})
        person = self.partner("Person", ref="counted", is_company=False)
        by_filter = self.Set.create({"name": "Counted"})
        segment = self.Segment.create(
            {"set_id": by_filter.id, "name": "A", "domain": "[('ref', '=', 'counted')]"}
        )
        self.assertEqual(self.Partner.search_count([("ref", "=", "counted")]), 4)
        self.assertEqual(segment.matching_text, "2")
        with patch.object(bounded, "MOST", 1):
            segment.invalidate_recordset(["matching_text"])
            self.assertEqual(segment.matching_text, "1+")
        self.update(by_filter)
        self.assertEqual((segment.member_count, by_filter.customer_count), (2, 2))
        members = self.env["crm.kpi.segment.member"].search([("segment_id", "=", segment.id)])
        self.assertEqual(members.partner_id, company | person)
        second = self.env["res.company"].create({"name": "Second"})
        self.order(company, date(2026, 3, 1), 500)
        self.order(person, date(2026, 3, 1), 500, second)
        self.env.user.company_ids |= second
        self.update(self.by_size)
        band = self.env.ref("crm_kpi.segment_size_1k")
        for companies, count in ((self.company, 1), (second, 1), (self.company | second, 2)):
            seen = band.with_context(allowed_company_ids=companies.ids)
            self.assertEqual(seen.member_count, count, companies.mapped("name"))

    def test_filter_without_matches(self):
        """A filter that nothing can match leaves its segment empty, and the others as they are."""
        customer = self.partner(ref="matched")
        by_filter = self.Set.create({"name": "Filters"})
        never, matched = self.Segment.create(
            [
                {"set_id": by_filter.id, "name": "Never", "domain": "[('id', 'in', [])]"},
                {"set_id": by_filter.id, "name": "X", "domain": "[('ref', '=', 'matched')]"},
            ]
        )
        self.assertEqual((never.matching_text, matched.matching_text), ("0", "1"))
        self.assertEqual(matched.filter_text, "Reference = matched")
        matched.domain = "[]"
        self.assertEqual(matched.filter_text, "All customers")
        matched.domain = "[('ref', '=', 'matched')]"
        self.update(by_filter)
        self.assertEqual(self.rows(by_filter, customer), [("X", None, None)])
        self.assertFalse((never | matched).filtered("last_error"))
        self.assertEqual((never.member_count, matched.member_count), (0, 1))

    def test_overlap(self):
        """Customers in several segments, and the pairs that most of them are in."""
        refs = ["ab", "ab", "abc", "a", "c", "none"]
        for ref in refs:
            self.partner(f"Customer {ref}", ref=ref)
        overlapping = self.Set.create({"name": "Letters", "first_match": False})
        a, b, c = self.Segment.create(
            [
                {"set_id": overlapping.id, "name": name, "domain": f"[('ref', 'in', {matching})]"}
                for name, matching in (
                    ("A", ["a", "ab", "abc"]),
                    ("B", ["ab", "abc"]),
                    ("C", ["c", "abc"]),
                )
            ]
        )
        self.assertFalse(overlapping.overlap_text)
        self.update(overlapping)
        self.assertEqual([s.member_count for s in (a, b, c)], [4, 3, 2])
        self.assertEqual(overlapping.customer_count, 5)
        self.assertEqual(
            overlapping.overlap_text,
            "Customers in several segments: 3 (A and B: 3, A and C: 1, B and C: 1)",
        )
        self.update(self.by_type)
        self.assertFalse(self.by_type.overlap_text)
        rep = new_test_user(self.env, "seg_rep", groups="sales_team.group_sale_salesman")
        with self.assertRaises(AccessError):
            overlapping.with_user(rep).read(["overlap_text"])

    def test_since_and_until(self):
        """Each membership says since when and until when, also where one of them is not known."""
        partner = self.partner(industry_id=self.industries[0].id)
        self.update(self.by_industry)
        partner.industry_id = self.industries[1]
        self.update(self.by_industry, DAY + timedelta(days=5))
        members = self.env["crm.kpi.segment.member"].search(
            [("set_id", "=", self.by_industry.id), ("partner_id", "=", partner.id)],
            order="date_to",
        )
        self.assertEqual(
            members.mapped(lambda member: (member.since_text, member.until_text)),
            [("Before 03/10/2026", "03/14/2026"), ("03/15/2026", "Today")],
        )

    def test_rights(self):
        self.partner(industry_id=self.industries[0].id)
        self.update(self.by_industry)
        segment = self.by_industry.segment_ids.filtered("industry_id")[0]
        member = self.env["crm.kpi.segment.member"].search([], limit=1)
        portal = new_test_user(self.env, "seg_portal", groups="base.group_portal")
        rep = new_test_user(self.env, "seg_rep", groups="sales_team.group_sale_salesman")
        manager = new_test_user(self.env, "seg_manager", groups="sales_team.group_sale_manager")
        admin = new_test_user(
            self.env, "seg_admin", groups="crm_kpi.group_kpi_admin,base.group_partner_manager"
        )
        with self.assertRaises(AccessError):
            self.by_industry.with_user(portal).read(["name"])
        for user in (rep, manager):
            self.assertEqual(self.by_industry.with_user(user).read(["name"])[0]["name"], "Industry")
            self.assertTrue(segment.with_user(user).read(["name", "member_count"]))
            for call in (
                lambda u=user: self.by_industry.with_user(u).write({"name": "Mine"}),
                lambda u=user: self.by_industry.with_user(u).action_update_members(),
                lambda u=user: self.by_industry.with_user(u).action_delete_history(),
                lambda u=user: segment.with_user(u).write({"name": "Mine"}),
                lambda u=user: segment.with_user(u).unlink(),
                lambda u=user: self.Set.with_user(u).create({"name": "Mine"}),
            ):
                with self.assertRaises(AccessError):
                    call()
        with self.assertRaises(AccessError):
            member.with_user(rep).read(["segment_id"])
        for user in (rep, manager, admin):
            for call in (
                lambda u=user: member.with_user(u).write({"date_from": "2020-01-01"}),
                lambda u=user: member.with_user(u).unlink(),
                lambda u=user: member.with_user(u).create({}),
            ):
                with self.assertRaises(AccessError):
                    call()
        self.by_industry.with_user(admin).write({"name": "Sector"})
        made = self.Set.with_user(admin).create(
            {"name": "Mine", "segment_ids": [(0, 0, {"name": "A", "domain": "[]"})]}
        )
        made.action_update_members()
        self.assertTrue(self.env["crm.kpi.segment.member"].search([("set_id", "=", made.id)]))

    def test_other_company_is_not_read(self):
        second = self.env["res.company"].create({"name": "Second"})
        theirs = self.Set.create({"name": "Theirs", "company_id": second.id})
        rep = new_test_user(self.env, "seg_rep", groups="sales_team.group_sale_salesman")
        self.assertNotIn(theirs, self.Set.with_user(rep).search([]))
        with self.assertRaises(AccessError):
            theirs.unknown_segment_id.with_user(rep).read(["name"])

    def test_filter_is_checked_with_the_rights_of_its_author(self):
        admin = new_test_user(
            self.env, "seg_admin", groups="crm_kpi.group_kpi_admin,base.group_partner_manager"
        )
        by_filter = self.Set.with_user(admin).create({"name": "Probe", "kind": "domain"})
        self.patch(self.Partner._fields["barcode"], "groups", "base.group_system")
        with self.assertRaisesRegex(ValidationError, "Filter"):
            self.Segment.with_user(admin).create(
                {"set_id": by_filter.id, "name": "X", "domain": "[('barcode', '!=', False)]"}
            )
