# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Small segments: what is withheld, and that readers cannot compute it from what they can read."""

import random
from collections import defaultdict

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import freeze_time, tagged
from odoo.tools import SQL

from ..refresh.steps import CompanyRefresh, WithheldStep
from ..refresh.withheld import withhold
from .common import KpiCommon

NOW = "2026-11-20 10:00:00"
#: KPIs that are no formulas.
PARTS = ("test_won", "test_leads", "test_other")


class WithheldCase(KpiCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.kpi_min_cell = 5
        cls.manager = cls.make_user("Mia", "sales_team.group_sale_manager")
        cls.won = cls.make_kpi("won", domain="[('expected_revenue', '>', 0)]", cross_levels=True)
        cls.leads = cls.make_kpi("leads", cross_levels=True)
        cls.other = cls.make_kpi("other", domain="[('priority', '=', '3')]", cross_levels=True)
        cls.rate = cls.make_kpi(
            "rate", kind="formula", formula="test_won / test_leads", unit="percent",
            cross_levels=True,
        )  # fmt: skip
        cls.twice = cls.make_kpi(
            "twice", kind="formula", formula="test_rate * 2", unit="ratio", cross_levels=True
        )
        cls.ratio = cls.make_kpi(
            "ratio", kind="formula", formula="test_won / test_other", unit="ratio",
            cross_levels=True,
        )  # fmt: skip
        cls.growth = cls.make_kpi(
            "growth", kind="formula", formula="test_leads / previous(test_leads)", unit="ratio"
        )
        cls.kpis_here = (
            cls.won | cls.leads | cls.other | cls.rate | cls.twice | cls.ratio | cls.growth
        )
        cls.segment_set = cls.env.ref("crm_kpi.segment_set_industry")

    @classmethod
    def make_industries(cls, names):
        """Customers, one of each industry."""
        industries = cls.env["res.partner.industry"].create([{"name": name} for name in names])
        return cls.env["res.partner"].create(
            [{"name": row.name, "industry_id": row.id} for row in industries]
        )

    def segment(self, customer):
        return self.segment_set.segment_ids.filtered(
            lambda segment: segment.industry_id == customer.industry_id
        )

    def refresh(self):
        self.segment_set._update_members()
        return self.kpis._refresh(kpis=self.kpis_here)

    def readable(self, *levels):
        """What a sales manager reads: ``(code, period, level, team, user, segment)`` to value."""
        values = (
            self.env["crm.kpi.value"]
            .with_user(self.manager)
            .search([("kpi_id", "in", self.kpis_here.ids), ("level", "in", levels)])
        )
        return {
            (v.kpi_id.code, v.period_id, v.level, v.team_id, v.user_id, v.segment_id): v.value
            for v in values
        }


@tagged("post_install", "-at_install")
class TestWithheld(WithheldCase):
    @freeze_time(NOW)
    def test_example(self):
        """Ore has 4 leads, Zinc 5, Tin 9: Ore is withheld, and Zinc, which would reveal Ore."""
        ore, zinc, _tin = customers = self.make_industries(["Ore", "Zinc", "Tin"])
        for customer, count in zip(customers, (4, 5, 9), strict=True):
            for index in range(count):
                self.make_lead(
                    "2026-11-10 12:00:00", partner_id=customer.id, user_id=self.ann.id,
                    expected_revenue=index % 2,
                )  # fmt: skip
        month = self.period("month", "2026-11-10")
        self.segment_set._update_members()
        goals = self.env["crm.kpi.goal"].create(
            [
                {
                    "kpi_id": self.rate.id,
                    "period_id": month.id,
                    "scope": "segment",
                    "segment_id": self.segment(customer).id,
                    "kind": "at_least",
                    "target": 0.3,
                }
                for customer in customers
            ]
        )
        self.refresh()

        def shown(kpi, customer, level="segment"):
            domain = [
                ("kpi_id", "=", kpi.id), ("period_id", "=", month.id), ("level", "=", level),
                ("segment_id", "=", self.segment(customer).id),
            ]  # fmt: skip
            found = self.env["crm.kpi.value"].with_user(self.manager).search(domain)
            return found.value if found else "withheld"

        for level in ("segment", "user_segment", "team_segment"):
            for kpi, expected in (
                (self.rate, ["withheld", "withheld", 4 / 9]),
                (self.twice, ["withheld", "withheld", 8 / 9]),
                (self.won, ["withheld", "withheld", 4]),
                (self.leads, ["withheld", "withheld", 9]),
                (self.other, [0, 0, 0]),
            ):
                found = [shown(kpi, customer, level) for customer in customers]
                self.assertEqual(found, expected, (kpi.code, level))
        self.assertEqual(goals.mapped("status"), ["too_few", "too_few", "on_track"])
        self.assertEqual(goals.mapped("value"), [False, False, 4 / 9])
        self.assertEqual(goals.mapped("record_count"), [0, 0, 9])
        # people and the company are not segments
        self.assertAlmostEqual(self.value(self.rate, month), 8 / 18)
        self.assertAlmostEqual(self.value(self.rate, month, "user", user_id=self.ann), 8 / 18)
        # the values stay stored
        self.assertEqual(self.value(self.leads, month, "segment", segment_id=self.segment(ore)), 4)
        self.assertEqual(self.refresh(), 0)
        # allowed by a setting of the KPI or of the company
        self.rate.small_segments = True
        self.refresh()
        self.assertEqual([shown(self.rate, customer) for customer in (ore, zinc)], [0.5, 0.4])
        self.rate.small_segments = False
        self.refresh()
        self.assertEqual(shown(self.rate, ore), "withheld")
        self.company.kpi_min_cell = 0
        self.refresh()
        self.assertEqual([shown(self.leads, customer) for customer in customers], [4, 5, 9])
        self.assertEqual(goals.mapped("status"), ["on_track"] * 3)

    def test_decided_by_a_later_run(self):
        """A scheduled refresh that had to stop decides in its next run what is withheld."""
        with freeze_time(NOW):
            customers = self.make_industries(["Ore", "Zinc", "Tin"])
            for customer, count in zip(customers, (3, 6, 9), strict=True):
                for _index in range(count):
                    self.make_lead("2026-11-10 12:00:00", partner_id=customer.id)
            self.segment_set._update_members()
            refresh = CompanyRefresh(self.company, None, self.kpis_here, fields.Datetime.now())
            for step in refresh.steps():
                if isinstance(step, WithheldStep):
                    break
                step.run()
        month = self.period("month", "2026-11-10")
        domain = [
            ("kpi_id", "=", self.leads.id), ("period_id", "=", month.id), ("level", "=", "segment"),
            ("segment_id.industry_id", "in", customers.industry_id.ids),
        ]  # fmt: skip
        values = self.env["crm.kpi.value"].with_user(self.manager)
        self.assertFalse(values.search(domain), "none is shown until it is decided")
        with freeze_time("2026-11-20 11:00:00"):
            later = CompanyRefresh(self.company, None, self.kpis_here, fields.Datetime.now())
            WithheldStep(later).run()
        self.assertEqual(values.search(domain).segment_id, self.segment(customers[2]))

    def run_until_decided(self):
        """The steps of a refresh up to the one that decides what is withheld; that one."""
        self.segment_set._update_members()
        refresh = CompanyRefresh(self.company, None, self.kpis_here, fields.Datetime.now())
        steps = iter(refresh.steps())
        while not isinstance(step := next(steps), WithheldStep):
            step.run()
        return step

    def rows(self):
        """The stored rows of values: dict of id to ``(place of the row, withheld)``."""
        return {
            value_id: (place, marked)
            for value_id, place, marked in self.env.execute_query(
                SQL(
                    """SELECT id, ctid::text, withheld FROM crm_kpi_value
                        WHERE kpi_id = ANY(%s)""",
                    self.kpis_here.ids,
                )
            )
        }

    def shown_industries(self, kpi, month, customers):
        """Names of the industries of which a sales manager sees the value."""
        names = {self.segment(customer): customer.name for customer in customers}
        return {
            names[segment]
            for code, period, *_rest, segment in self.readable("segment")
            if code == kpi.code and period == month and segment in names
        }

    def test_hidden_until_decided(self):
        """No value that will be withheld is shown between two commits of a refresh."""
        names = ["Ore", "Zinc", "Tin", "Lead", "Iron"]
        customers = ore, zinc, tin, lead, iron = self.make_industries(names)
        month = self.period("month", "2026-11-10")

        def make_leads(customer, count):
            return [
                self.make_lead(
                    "2026-11-10 12:00:00",
                    partner_id=customer.id,
                    user_id=self.ann.id,
                    expected_revenue=1,
                )
                for _index in range(count)
            ]

        def shown(kpi):
            return self.shown_industries(kpi, month, customers)

        with freeze_time(NOW):
            make_leads(ore, 3)
            make_leads(zinc, 6)
            make_leads(lead, 8)
            of_tin = make_leads(tin, 9)
            step = self.run_until_decided()
            # nothing was decided yet for these KPIs
            self.assertFalse(self.readable("segment", "team_segment", "user_segment"))
            hidden = self.env["crm.kpi.value"].search(
                [("kpi_id", "=", self.leads.id), ("segment_id", "=", self.segment(tin).id)]
            )
            self.assertTrue(hidden)
            self.assertTrue(all(hidden.mapped("is_hidden")))
            # ... but the rows are as most of them stay
            self.assertFalse(any(hidden.mapped("withheld")))
            with self.assertRaises(AccessError):
                hidden.with_user(self.manager).read(["value"])
            before = self.rows()
            step.run()
        after = self.rows()
        written = {value_id for value_id, row in after.items() if row[0] != before[value_id][0]}
        changed = {value_id for value_id, row in after.items() if row[1] != before[value_id][1]}
        self.assertEqual(written, changed, "only what changes is written")
        self.assertLess(len(changed), sum(bool(marked) for _place, marked in after.values()))
        self.assertEqual(shown(self.leads), {"Tin", "Lead"})
        self.assertEqual(shown(self.rate), {"Tin", "Lead"})
        # a month that was decided before: a new value, and one of too few records now
        with freeze_time("2026-11-20 12:00:00"):
            make_leads(iron, 2)
            self.env["crm.lead"].union(*of_tin[:6]).unlink()
            step = self.run_until_decided()
            self.assertEqual(shown(self.rate), {"Lead"})
            self.assertEqual(shown(self.leads), {"Lead"})
            step.run()
            self.assertEqual(shown(self.rate), {"Zinc", "Lead"})
            self.assertEqual(shown(self.leads), {"Zinc", "Lead"})

    def test_decided_where_it_was_computed(self):
        """Deciding only where something was computed finds the same as deciding all of it."""
        chance = random.Random(11)
        customers = self.make_industries([f"Industry {number}" for number in range(6)])
        people = [self.ann.id, self.bob.id, False]
        leads = self.env["crm.lead"]
        released = marked = 0
        for hour in range(8):
            for month in ("09", "10", "11") if not hour else (chance.choice(("10", "11")),):
                for customer in customers:
                    for _index in range(chance.choice((0, 1, 3, 5, 8))):
                        leads |= self.make_lead(
                            f"2026-{month}-{chance.randint(2, 17):02} 12:00:00",
                            partner_id=customer.id,
                            user_id=chance.choice(people),
                            expected_revenue=chance.choice((0, 100)),
                            priority=chance.choice(("0", "3")),
                        )
            for lead in chance.sample(leads, len(leads) // 10 if hour else 0):
                lead.partner_id = chance.choice(customers)
                lead.expected_revenue = chance.choice((0, 100))
            before = self.rows()
            with self.subTest(hour=hour), freeze_time(f"2026-11-20 {hour + 10}:00:00"):
                self.refresh()
                after = self.rows()
                common = before.keys() & after.keys()
                released += sum(bool(before[one][1]) > bool(after[one][1]) for one in common)
                marked += sum(bool(before[one][1]) < bool(after[one][1]) for one in common)
                self.company.kpi_withheld_at = False
                self.company.flush_recordset()
                self.assertEqual(withhold(self.company, fields.Datetime.now()), 0)
                self.assertEqual(after, self.rows())
        self.assertGreater(min(released, marked), 20)

    def test_looked_up_in_a_period_decided_before(self):
        """Growth stays withheld where last month's leads are, also if only this month is new."""
        ore, zinc, tin = customers = self.make_industries(["Ore", "Zinc", "Tin"])
        for day, counts in (("2026-10-10", (3, 6, 9)), ("2026-11-10", (6, 6, 9))):
            for customer, count in zip(customers, counts, strict=True):
                for _index in range(count):
                    self.make_lead(f"{day} 12:00:00", partner_id=customer.id)
        with freeze_time(NOW):
            self.refresh()
        with freeze_time("2026-11-20 12:00:00"):
            self.make_lead("2026-11-19 12:00:00", partner_id=tin.id)
            self.kpis._refresh(self.period("month", "2026-11-19"), self.kpis_here)
        month = self.period("month", "2026-11-19")
        shown = {
            (code, segment)
            for code, period, *_rest, segment in self.readable("segment")
            if period == month and segment.set_id == self.segment_set
        }
        for customer, growth in ((ore, False), (zinc, False), (tin, True)):
            self.assertIn(("test_leads", self.segment(customer)), shown)
            self.assertEqual(("test_growth", self.segment(customer)) in shown, growth)

    def test_setting_changed(self):
        """A changed setting applies to all periods at the next refresh, also to locked ones."""
        customers = self.make_industries(["Ore", "Zinc", "Tin"])
        for customer, count in zip(customers, (3, 6, 9), strict=True):
            for _index in range(count):
                self.make_lead("2026-03-10 12:00:00", partner_id=customer.id)
        month = self.period("month", "2026-03-10")
        with freeze_time(NOW):
            self.segment_set._update_members()
            self.kpis._refresh(month, self.kpis_here)
        names = {self.segment(customer): customer.name for customer in customers}
        for hour, record, changes, expected in (
            (11, self.company, {"kpi_min_cell": 10}, set()),
            (12, self.company, {"kpi_min_cell": 3}, {"Ore", "Zinc", "Tin"}),
            (13, self.company, {"kpi_min_cell": 4}, {"Tin"}),
            (14, self.rate, {"small_segments": True}, {"Ore", "Zinc", "Tin"}),
            (15, self.rate, {"small_segments": False}, {"Tin"}),
            (16, self.company, {"kpi_min_cell": 0}, {"Ore", "Zinc", "Tin"}),
        ):
            record.write(changes)
            with self.subTest(**changes), freeze_time(f"2026-11-20 {hour}:00:00"):
                self.kpis._refresh(month, self.kpis_here)
                shown = {
                    names.get(segment)
                    for code, _period, *_rest, segment in self.readable("segment")
                    if code == "test_leads" and segment in names
                }
                self.assertEqual(shown, expected)

    def test_other_readers(self):
        """Grouped reads, exports and the goals' suggestions hold no withheld value."""
        with freeze_time(NOW):
            ore, tin = self.make_industries(["Ore", "Tin"])
            for customer, count in ((ore, 3), (tin, 8)):
                for _index in range(count):
                    self.make_lead("2026-10-10 12:00:00", partner_id=customer.id)
            self.refresh()
            month = self.period("month", "2026-10-10")
            model = self.env["crm.kpi.value"].with_user(self.manager)
            domain = [
                ("kpi_id", "in", (self.leads | self.rate).ids), ("period_id", "=", month.id),
                ("segment_id", "!=", False), ("segment_id.set_id", "=", self.segment_set.id),
            ]  # fmt: skip
            self.assertTrue(self.env["crm.kpi.value"].search_count(domain))
            self.assertEqual(model.search_count(domain), 0)
            groups = model.formatted_read_group(domain, ["segment_id"], ["value:avg", "__count"])
            self.assertEqual(groups, [])
            self.assertFalse(model.search([*domain, ("record_count", "=", 3)]))
            hidden = self.env["crm.kpi.value"].search(domain)
            with self.assertRaises(UserError):
                hidden.with_user(self.manager).export_data(["value", "record_count"])
            with self.assertRaises(AccessError):
                hidden.with_user(self.manager).read(["value"])
            wizard = (
                self.env["crm.kpi.goal.set"]
                .with_user(self.manager)
                .create(
                    {
                        "kpi_id": self.leads.id,
                        "scope": "segment",
                        "period_kind": "month",
                        "mode": "last",
                        "period_ids": [(6, 0, self.period("month", "2026-11-10").ids)],
                        "segment_ids": [(6, 0, (self.segment(ore) | self.segment(tin)).ids)],
                    }
                )
            )
            cells = [(wizard.period_ids, owner) for owner in wizard._owners()]
            for base in dict(wizard._fields["base"].selection):
                wizard.base = base
                values = {found.value for found in wizard._bases(cells) if found}
                self.assertLessEqual(values, {0.0}, base)  # the running month has no records

    @freeze_time(NOW)
    def test_attack(self):
        """No withheld value follows from a formula and its parts, or from a total and the others.

        Random leads of eight industries, five salespeople and two months.
        """
        chance = random.Random(7)
        customers = self.make_industries([f"Industry {number}" for number in range(8)])
        people = [self.ann.id, self.bob.id, self.cid.id, False]
        for month in ("10", "11"):
            for customer in customers:
                for _index in range(chance.choice((1, 2, 3, 4, 5, 6, 9, 14))):
                    self.make_lead(
                        f"2026-{month}-{chance.randint(2, 17):02} 12:00:00",
                        partner_id=customer.id,
                        user_id=chance.choice(people),
                        expected_revenue=chance.choice((0, 100)),
                        priority=chance.choice(("0", "3")),
                    )
        self.refresh()
        levels = ("company", "team", "user", "segment", "team_segment", "user_segment")
        known = {**self.readable(*levels), "two": 2.0}
        hidden = {
            (v.kpi_id.code, v.period_id, v.level, v.team_id, v.user_id, v.segment_id): v.value
            for v in self.env["crm.kpi.value"].search(
                [("kpi_id", "in", self.kpis_here.ids), ("withheld", "=", True)]
            )
        }
        rates = [key for key in hidden if key[0] == "test_rate"]
        self.assertGreater(len(rates), 20)
        self.assertFalse(known.keys() & hidden.keys())
        found = self.attack(known)
        recovered = {key for key in hidden if key in found and hidden[key] is not False}
        self.assertFalse(
            {(key, found[key]) for key in recovered if abs(found[key] - hidden[key]) < 1e-9}
        )
        # the same attack succeeds where only the rates are withheld
        careless = {**known, **{key: v for key, v in hidden.items() if key[0] != "test_rate"}}
        found = self.attack(careless)
        self.assertTrue(all(abs(found[key] - hidden[key]) < 1e-9 for key in rates))

    def attack(self, known):
        """All values that follow from known ones, by repeated substitution.

        The total of a level is the sum over the segments of the set, and that of a segment the
        sum over its teams and its salespeople; a formula gives any of its parts. A total whose
        records are all in one segment is left out: it is shown, and is no value of a segment.
        """
        stored = {
            (v.kpi_id.code, v.period_id, v.level, v.team_id, v.user_id, v.segment_id)
            for v in self.env["crm.kpi.value"].search([("kpi_id", "in", self.kpis_here.ids)])
        }
        sums, products = self.sums(stored), self.products(stored)
        known = {key: value for key, value in known.items() if value is not False}
        while True:
            new = {}
            for total, keys in sums.items():
                missing = [key for key in keys if key not in known]
                if total[:6] in known and len(missing) == 1 and len(keys) > 1:
                    rest = sum(known[key] for key in keys if key in known)
                    new[missing[0]] = known[total[:6]] - rest
            for result, factor, other in products:  # result = factor × other
                a, b, c = (known.get(key) for key in (result, factor, other))
                if b is not None and c is not None:
                    new[result] = b * c
                if a is not None and b:
                    new[other] = a / b
                if a is not None and c:
                    new[factor] = a / c
            new = {key: value for key, value in new.items() if key not in known}
            if not new:
                return known
            known.update(new)

    def sums(self, stored):
        """Dict of a total, with a remark that tells totals apart, to the values it adds up."""
        team, user = self.env["crm.team"], self.env["res.users"]
        segment_of_total = self.env["crm.kpi.segment"]
        totals = {"segment": "company", "team_segment": "team", "user_segment": "user"}
        result = defaultdict(list)
        for key in stored:
            code, period, level, *owner, segment = key
            if code in PARTS and segment in self.segment_set.segment_ids:
                result[(code, period, totals[level], *owner, segment_of_total)].append(key)
                if level != "segment":
                    result[(code, period, "segment", team, user, segment, level)].append(key)
        return result

    def products(self, stored):
        """The formulas as products: list of ``(result, factor, other factor)``."""
        periods = self.env["crm.kpi.period"].browse({key[1].id for key in stored})
        earlier = periods._previous()
        result = []
        for key in stored:
            code, period, *cell = key
            same = {name: (name, period, *cell) for name in (*PARTS, "test_rate")}
            if code == "test_rate":
                result.append((same["test_won"], key, same["test_leads"]))
            elif code == "test_ratio":
                result.append((same["test_won"], key, same["test_other"]))
            elif code == "test_twice":
                result.append((key, same["test_rate"], "two"))
            elif code == "test_growth" and period in earlier:
                before = ("test_leads", earlier[period], *cell)
                result.append((same["test_leads"], key, before))
        return result
