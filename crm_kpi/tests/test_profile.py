# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Customer profiles and how complete they are: KPIs 2 and 59 of docs/CATALOGUE.md."""

import random

from odoo import Command
from odoo.exceptions import AccessError, ValidationError
from odoo.tests import freeze_time, new_test_user, tagged

from .test_catalogue import CatalogueCase
from .test_customer import CustomerCase

FULL = {"email": "a@b.c", "street": "Road 1", "zip": "1000"}


class ProfileCase(CatalogueCase, CustomerCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.belgium = cls.env.ref("base.be")
        cls.industry = cls.env["res.partner.industry"].create({"name": "Trade"})

    def _profile(self, filled, created="2026-10-05 10:00", by=None, is_company=True, **values):
        """A company with the given number of the five profile items."""
        items = [
            {"email": "a@b.c"},
            {"country_id": self.belgium.id},
            {"user_id": self.ann.id},
            {"industry_id": self.industry.id}
            if is_company
            else {"street": "Road 1", "zip": "1000"},
        ]
        vals = {"name": "Profile", "is_company": is_company, "company_id": self.company.id}
        for item in items[: filled - 1]:
            vals |= item
        partner = self.env["res.partner"].create(vals | values)
        self._created(partner, created, by or self.ann)
        return partner

    def _created(self, partner, moment, user):
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE res_partner SET create_date = %s, create_uid = %s WHERE id = %s",
            (moment, user.id, partner.id),
        )
        partner.invalidate_recordset()

    def _row(self, partner):
        return self.env["crm.kpi.profile"].search(
            [("partner_id", "=", partner.id), ("company_id", "=", self.company.id)]
        )


@tagged("post_install", "-at_install")
class TestProfileKpis(ProfileCase):
    def test_02_customer_profiles_created(self):
        """2 and 2b: company A (5/5), its contact B, individual C (3/5), address D, employee E."""
        a = self._profile(5)
        c = self._profile(3, is_company=False, by=self.bob)
        for values in ({"type": "contact", "name": "B"}, {"type": "delivery", "name": "D"}):
            self._created(
                self.env["res.partner"].create({"parent_id": a.id, **values}),
                "2026-10-06 10:00",
                self.ann,
            )
        employee = new_test_user(
            self.env, login="profile_e", company_id=self.company.id,
            company_ids=[Command.set(self.company.ids)],
        )  # fmt: skip
        for partner in (employee.partner_id, self.company.partner_id):
            self._created(partner, "2026-10-07 10:00", self.ann)
        with self.at("2026-11-10 12:00"):
            self._refresh("customer_profiles_created", "quality_profile_share")
            self.assertEqual(self._read("customer_profiles_created", "2026-10-01"), 2)
            self.assertEqual(self._read("quality_profile_share", "2026-10-01"), 0.5)
            self.assertIsNone(self._read("quality_profile_share", "2026-11-01"), "none created")
            self.assertEqual(self._read("customer_profiles_created", "2026-11-01"), 0)
            by_rep = {
                user.name: self._read(
                    "customer_profiles_created", "2026-10-01", level="user", user_id=user
                )
                for user in (self.ann, self.bob)
            }
            self.assertEqual(by_rep, {"Ann": 1, "Bob": 1})
            self.assertEqual(
                self._read(
                    "customer_profiles_created", "2026-10-01", level="team", team_id=self.north
                ),
                1,
            )
            # filled in later: the share of the (still provisional) month follows
            c.write({"user_id": self.ann.id, **FULL})
            self._refresh("quality_profile_share")
            self.assertEqual(self._read("quality_profile_share", "2026-10-01"), 1)

    def test_02_local_month(self):
        """31 October 23:30 UTC is November in Brussels."""
        self._profile(5, "2026-10-31 23:30")
        self._profile(5, "2026-10-31 22:30")
        with self.at("2026-12-10 12:00"):
            self._refresh("customer_profiles_created")
            self.assertEqual(self._read("customer_profiles_created", "2026-10-01"), 1)
            self.assertEqual(self._read("customer_profiles_created", "2026-11-01"), 1)

    def test_02_who_gets_the_credit(self):
        """The creator if they are an employee, else the salesperson, else *Unassigned*."""
        portal = new_test_user(self.env, login="profile_p", groups="base.group_portal")
        robot = self.env.ref("base.user_root")
        nobody = self.env["res.users"]
        for creator, owner, expected in (
            (self.bob, self.ann, self.bob),
            (portal, nobody, nobody),
            (portal, self.ann, self.ann),
            (robot, nobody, nobody),
            (robot, robot, nobody),
        ):
            partner = self._profile(1, by=creator, user_id=owner.id)
            self.assertEqual(self._row(partner).creator_id, expected)
        with self.at("2026-11-10 12:00"):
            self._refresh("customer_profiles_created")
            cells = [
                self._read("customer_profiles_created", "2026-10-01", level="user", user_id=user)
                for user in (self.ann, self.bob, nobody)
            ]
        self.assertEqual(cells, [1, 1, 3])

    def test_02_company_of_a_shared_contact(self):
        """The company of the creator, else of the salesperson."""
        other = self.env["res.company"].create({"name": "Other Ltd"})
        clerk = new_test_user(
            self.env, login="profile_o", company_id=other.id, company_ids=[Command.set(other.ids)]
        )
        ours = self._profile(1, company_id=False)
        theirs = self._profile(1, company_id=False, by=clerk)
        sold = self._profile(
            1, company_id=False, by=self.env.ref("base.user_root"), user_id=self.ann.id
        )
        assigned = self._profile(1, by=clerk)
        for partner, expected in ((ours, 1), (theirs, 0), (sold, 1), (assigned, 1)):
            self.assertEqual(len(self._row(partner).filtered("is_own")), expected)
        self._order(theirs, "2026-10-01 10:00")
        self._derive()
        row = self._row(theirs)
        self.assertEqual((row.is_own, row.is_customer), (False, True))

    def test_59_profile_completeness(self):
        """59 and 59b: 5/5, 4/5, 3/5, 5/5 → 85 %, 75 %."""
        for number, filled in enumerate((5, 4, 3, 5)):
            partner = self._profile(filled, is_company=bool(number % 2))
            # several orders are one profile
            for day in range(1, 3):
                self._order(partner, f"2026-10-0{day} 10:00")
        self._profile(1)  # no customer
        archived = self._profile(1)
        self._order(archived, "2026-10-05 10:00")
        archived.active = False
        with self.at("2026-11-10 12:00"):
            self._refresh("profile_completeness", "complete_profile_share")
            self.assertEqual(self._read("profile_completeness", "2026-11-01"), 0.85)
            self.assertEqual(self._read("complete_profile_share", "2026-11-01"), 0.75)
            self.assertIsNone(self._read("profile_completeness", "2026-10-01"), "was not kept")
            self.assertEqual(
                self._read("profile_fields_asked", "2026-11-01", level="user", user_id=self.ann),
                15,
            )
            self.assertEqual(
                self._read(
                    "profile_fields_filled", "2026-11-01", level="user",
                    user_id=self.env["res.users"],
                ),
                3,
            )  # fmt: skip

    def test_59_of_new_profiles(self):
        for filled in (5, 4, 3, 5):
            self._profile(filled)
        with self.at("2026-11-10 12:00"):
            self._refresh("new_profile_completeness")
            self.assertEqual(self._read("new_profile_completeness", "2026-10-01"), 0.85)

    def test_refresh_sees_a_changed_contact(self):
        """The refresh compares the values of the contact, not its write date."""
        partner = self._profile(3)
        self._order(partner, "2026-10-05 10:00")
        with self.at("2026-11-10 12:00"):
            self._refresh("profile_completeness")
            self.assertEqual(self._read("profile_completeness", "2026-11-01"), 0.6)
            partner.user_id = self.bob
            self._refresh("profile_completeness")
            self.assertEqual(self._read("profile_completeness", "2026-11-01"), 0.8)
            self.env["crm.kpi.profile.item"].search([("applies_to", "=", "company")]).active = False
            self._refresh("profile_completeness")
            self.assertEqual(self._read("profile_completeness", "2026-11-01"), 1)

    def test_drill_down(self):
        """The profiles behind a number."""
        partner = self._profile(5)
        self._profile(2)
        with self.at("2026-11-10 12:00"):
            self._refresh("quality_profile_share")
            kpi = self.env["crm.kpi"]._by_code(["quality_profiles_created"])
            cell = self.env["crm.kpi.value"].search(
                [
                    ("kpi_id", "=", kpi.id),
                    ("level", "=", "company"),
                    ("period_id.kind", "=", "month"),
                    ("period_id.date_from", "=", "2026-10-01"),
                    ("company_id", "=", self.company.id),
                ]
            )
            action = cell.action_open_records()
            found = self.env[action["res_model"]].search(action["domain"])
        self.assertEqual(found.partner_id, partner)


@tagged("post_install", "-at_install")
class TestProfile(ProfileCase):
    def test_items(self):
        """Each item, for companies and individuals; blank text does not count."""
        for is_company, values, missing in (
            (True, {}, "Email or phone, Country, Salesperson, Industry"),
            (True, {"phone": "+32 2 123", "country_id": self.belgium.id}, "Salesperson, Industry"),
            (False, {"email": "a@b.c", "street": "x"}, "Country, Salesperson, Street and ZIP"),
            (False, {**FULL, "user_id": self.ann.id}, "Country"),
            (False, {"street": "  ", "zip": "1"}, "Email or phone, Country, Salesperson, Street and ZIP"),
        ):  # fmt: skip
            partner = self._profile(1, is_company=is_company, **values)
            self.assertEqual(self._row(partner).missing, missing)
            self.assertEqual(partner.with_company(self.company).kpi_profile_missing, missing)

    def test_sql_equals_python(self):
        """Random contacts: the row of the view, the field of the contact and the search."""
        dice = random.Random(3)
        self.env["crm.kpi.profile.item"].create(
            [
                {
                    "name": "Ours",
                    "field_names": "website,function,vat",
                    "match": "any",
                    "company_id": self.company.id,
                },
                {
                    "name": "Not ours",
                    "field_names": "ref",
                    "company_id": self.env["res.company"].create({"name": "X"}).id,
                },
            ]
        )
        choices = {
            "email": [False, "", " ", "a@b.c"],
            "phone": [False, "", "123"],
            "country_id": [False, self.belgium.id],
            "user_id": [False, self.ann.id],
            "industry_id": [False, self.industry.id],
            "street": [False, " ", "Road"],
            "zip": [False, "1000"],
            "function": [False, "CEO"],
        }
        partners = self.env["res.partner"].concat(
            *(
                self._profile(
                    1,
                    is_company=dice.random() < 0.5,
                    **{name: dice.choice(values) for name, values in choices.items()},
                )
                for _number in range(60)
            )
        )
        rows = {row.partner_id: row for row in self.env["crm.kpi.profile"].search(
            [("partner_id", "in", partners.ids), ("company_id", "=", self.company.id)]
        )}  # fmt: skip
        self.assertEqual(len(rows), 60)
        good = self.env["res.partner"]
        for partner in partners.with_company(self.company):
            self.assertEqual(rows[partner].asked, 6)
            self.assertEqual(rows[partner].completeness, partner.kpi_completeness)
            self.assertEqual(rows[partner].is_complete, partner.kpi_completeness >= 0.8)
            if partner.kpi_completeness >= 0.8:
                good |= partner
        model = self.env["res.partner"].with_company(self.company)
        mine = [("id", "in", partners.ids)]
        self.assertEqual(model.search([*mine, ("kpi_completeness", ">=", 0.8)]), good)
        self.assertEqual(model.search([*mine, ("kpi_completeness", "<", 0.8)]), partners - good)

    def test_who_has_a_profile(self):
        customer = self._profile(2)
        child = self.env["res.partner"].create({"name": "Child", "parent_id": customer.id})
        address = self._profile(2, type="delivery")
        for partner in (child, address, self.ann.partner_id, self.company.partner_id,
                        self.env.ref("base.public_partner")):  # fmt: skip
            self.assertFalse(self._row(partner))
            self.assertIs(partner.kpi_completeness, False)
            self.assertFalse(partner.kpi_profile_missing)
        self.assertEqual(customer.kpi_completeness, 0.4)

    def test_no_required_items(self):
        """Without required items there is no value."""
        self.env["crm.kpi.profile.item"].search([]).active = False
        partner = self._profile(3)
        self.assertIs(partner.kpi_completeness, False)
        row = self._row(partner)
        self.assertIs(row.completeness, False)
        self.assertFalse(row.is_complete)

    def test_item_of_wrong_fields(self):
        item = self.env.ref("crm_kpi.profile_item_country")
        for names in ("nonsense", "child_ids", "comment", "property_payment_term_id", "color"):
            with self.assertRaisesRegex(ValidationError, names):
                item.field_names = names
        item.field_names = "country_id, state_id"

    def test_writing_contacts_stays_cheap(self):
        """Writing a contact adds no marks and no derived columns."""
        partner = self._profile(3)
        self.env.flush_all()
        self.env["crm.kpi.dirty"]._write_marks()
        self.env.cr.execute("DELETE FROM crm_kpi_dirty")
        partner.write({"phone": "1", "country_id": self.belgium.id})
        self.env.flush_all()
        self.env["crm.kpi.dirty"]._write_marks()
        self.env.cr.execute("SELECT count(*) FROM crm_kpi_dirty")
        self.assertEqual(self.env.cr.fetchone(), (0,))

    def test_rights(self):
        rep, manager = (
            new_test_user(
                self.env,
                login=f"profile_{group}",
                groups=f"sales_team.{group}",
                company_id=self.company.id,
                company_ids=[Command.set(self.company.ids)],
            )
            for group in ("group_sale_salesman", "group_sale_manager")
        )
        mine = self._profile(2, user_id=rep.id)
        made = self._profile(2, by=rep, user_id=self.ann.id)
        theirs = self._profile(4)
        nobodys = self._profile(2)
        ours = mine | made | theirs | nobodys
        model = self.env["crm.kpi.profile"]
        for user, expected in ((rep, mine | made | nobodys), (manager, ours)):
            rows = model.with_user(user).search([("partner_id", "in", ours.ids)])
            self.assertEqual(rows.partner_id, expected)
        portal = new_test_user(self.env, login="profile_portal", groups="base.group_portal")
        with self.assertRaises(AccessError):
            model.with_user(portal).search([])
        items = self.env["crm.kpi.profile.item"]
        self.assertTrue(items.with_user(rep).search([]))
        for user in (rep, manager):
            with self.assertRaises(AccessError):
                items.with_user(user).search([]).write({"active": False})

    def test_cost_of_a_list_of_contacts(self):
        few = self._profile(3) | self._profile(2)
        many = few | self.env["res.partner"].create([{"name": f"P{n}"} for n in range(60)])
        counts = []
        for partners in (few, many):
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            partners.mapped("kpi_profile_missing")
            counts.append(self.env.cr.sql_log_count - before)
        self.assertLessEqual(counts[1], counts[0] + 1)

    @freeze_time("2026-11-10 12:00")
    def test_contact_form(self):
        partner = self._profile(3)
        rep = self.ann
        arch = self.env["res.partner"].with_user(rep).get_view(view_type="form")["arch"]
        self.assertIn("kpi_profile_missing", arch)
        self.assertEqual(
            partner.with_user(rep).with_company(self.company).kpi_profile_missing,
            "Salesperson, Industry",
        )
