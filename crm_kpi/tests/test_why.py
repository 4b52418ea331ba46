# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Each number of *Why this number* opens its records, under the rights of the reader."""

from odoo.exceptions import AccessError
from odoo.tests import Form, freeze_time, tagged

from .common_board import BoardCase


@tagged("post_install", "-at_install")
class TestWhy(BoardCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # both groups: the rows of one KPI with all reasons that leads can have
        cls.hot = cls.source.copy(
            {"code": "test_hot", "name": "Hot", "domain": "[('priority', '!=', '0')]"}
        )
        cls.kpi = cls.make_kpi(
            "why",
            name="Why",
            source_id=cls.hot.id,
            domain="[('expected_revenue', '<', 500)]",
            aggregator="avg",
            value_field="expected_revenue",
            unit="money",
            maturity_days=6,
        )
        cls.company_leads = cls.env["crm.lead"].search([("company_id", "=", cls.company.id)])
        april = cls.company_leads.filtered(lambda lead: lead.create_date.isoformat() >= "2026-04")
        (april - april[:1]).priority = "2"
        empty = cls.make_lead(
            "2026-04-03 10:00:00", user_id=cls.ann.id, team_id=cls.north.id, priority="2"
        )
        cls.backdate(empty, expected_revenue=None)
        lost = cls.make_lead(
            "2026-04-03 10:00:00", user_id=cls.ann.id, team_id=cls.north.id, priority="2",
            expected_revenue=70,
        )  # fmt: skip
        lost.action_set_lost()
        stray = cls.make_lead("2026-04-03 10:00:00", priority="2", expected_revenue=80)
        stray.write({"company_id": False, "team_id": False, "user_id": False})
        cls.refresh()

    def open(self, part, row, kpi=None, user=None, **filters):
        """The records that a row opens."""
        user = user or self.mia
        ids = part["kpi_id"], part["period_id"]
        action = self.boards.with_user(user).with_company(self.company).open_part(
            (kpi or self.kpi).id, filters, *ids, row["reason"]
        )  # fmt: skip
        model = self.env[action["res_model"]].with_user(user).with_context(**action["context"])
        return model.search(action["domain"])

    @staticmethod
    def rows(part):
        """The rows of the table by reason; *zero* is a part of the included ones."""
        rows = [part["included"], *part["excluded"], part["others"]]
        return {row["reason"]: row for row in rows if row}

    def expected(self, condition, owner="TRUE"):
        """Ids of the leads of April by a condition in plain SQL, without the stray one."""
        self.env.cr.execute(
            f"""SELECT id FROM crm_lead WHERE company_id = %s AND ({condition}) AND ({owner})
                   AND create_date >= '2026-03-31 22:00' AND create_date < '2026-04-30 22:00'""",
            [self.company.id],
        )
        return {lead_id for (lead_id,) in self.env.cr.fetchall()}

    def test_each_row_opens_its_records(self):
        """By company, team and salesperson, against plain SQL; the sum is the list of the model."""
        hot, small = "priority <> '0'", "COALESCE(expected_revenue, 0) < 500"
        old = "create_date <= '2026-04-09 06:00'"
        conditions = {
            "source": f"NOT ({hot})",
            "filter": f"{hot} AND NOT ({small})",
            "young": f"{hot} AND {small} AND NOT ({old})",
            "empty": f"{hot} AND {small} AND {old} AND expected_revenue IS NULL",
            "included": f"{hot} AND {small} AND {old} AND expected_revenue IS NOT NULL",
        }
        scopes = (
            ({"scope": "company"}, "TRUE"),
            ({"scope": "team", "team_id": self.north.id}, f"team_id = {self.north.id}"),
            ({"scope": "team", "user_id": self.ann.id}, f"user_id = {self.ann.id}"),
        )
        found = set()
        for filters, owner in scopes:
            with self.subTest(**filters):
                [part] = self.ask("get_explanation", self.kpi, filters=filters)
                rows = self.rows(part)
                found |= rows.keys()
                for reason, condition in conditions.items():
                    ids = self.expected(condition, owner)
                    if not ids:
                        self.assertNotIn(reason, rows)
                        continue
                    self.assertEqual(rows[reason]["count"], len(ids), reason)
                    self.assertEqual(rows[reason]["visible"], len(ids), reason)
                    self.assertEqual(set(self.open(part, rows[reason], **filters).ids), ids)
                others = self.expected("TRUE", f"({owner}) IS NOT TRUE")
                if others:
                    opened = self.open(part, rows["others"], **filters)
                    self.assertEqual(set(opened.ids), others)
                [stray] = self.open(part, rows["no_company"], **filters)
                self.assertFalse(stray.company_id)
                # the list of the model, archived records too
                everything = self.expected("TRUE") | {stray.id}
                self.assertEqual(sum(row["count"] for row in rows.values()), len(everything))
                self.assertEqual(part["total"], len(everything))
                opened = self.open(part, {"reason": "all"}, **filters)
                self.assertEqual(set(opened.ids), everything)
        self.assertEqual(found, {*conditions, "others", "no_company"})

    def test_rights_of_the_reader(self):
        """A salesperson opens only own leads, and learns how many there are before opening."""
        [part] = self.ask("get_explanation", self.kpi, self.ann)
        for reason, row in self.rows(part).items():
            opened = self.open(part, row, user=self.ann)
            mine = opened.with_user(self.mia)
            self.assertEqual(len(opened), row["visible"], reason)
            self.assertLessEqual(set(mine.user_id.ids), {self.ann.id}, reason)
        self.assertLess(part["visible"], part["total"])

    def test_no_records_of_others(self):
        """Of a KPI of which salespeople see only own values, no row of others opens."""
        self.kpi.visibility = "own"
        filters = {"scope": "mine"}
        [part] = self.ask("get_explanation", self.kpi, self.ann, filters)
        self.assertLessEqual(
            self.rows(part).keys(), {"included", "source", "filter", "young", "empty"}
        )
        self.open(part, part["included"], user=self.ann, **filters)
        mine = self.expected("TRUE", f"user_id = {self.ann.id}")
        opened = self.open(part, {"reason": "all"}, user=self.ann, **filters)
        self.assertEqual(set(opened.ids), mine)
        for reason in ("others", "no_company", "unknown"):
            with self.assertRaises(AccessError):
                self.open(part, {"reason": reason}, user=self.ann, **filters)
        with self.assertRaises(AccessError):
            self.open(part, part["included"], user=self.ann, scope="company")

    def test_no_other_kpi(self):
        """A part that does not belong to the KPI does not open."""
        [part] = self.ask("get_explanation", self.kpi)
        for wrong in ({"kpi_id": self.leads.id}, {"period_id": 0}, {"kpi_id": "x"}):
            with self.assertRaises(AccessError):
                self.open({**part, **wrong}, part["included"])

    def test_withheld_segment(self):
        """A value that is withheld opens nothing."""
        industry = self.env["res.partner.industry"].create({"name": "Ballooning"})
        customer = self.env["res.partner"].create({"name": "Sky", "industry_id": industry.id})
        self.company_leads.filtered(lambda lead: lead.user_id == self.cid).partner_id = customer
        self.company.sudo().kpi_min_cell = 5
        self.refresh()
        segment = self.env["crm.kpi.segment"].search([("industry_id", "=", industry.id)])
        filters = {"scope": "company", "segment_id": segment.id}
        parts = self.ask("get_explanation", self.share, filters=filters)
        self.assertTrue(parts)
        for part in parts:
            if part["included"] is None:
                with self.assertRaises(AccessError):
                    self.open(part, {"reason": "included"}, self.share, **filters)

    # --- RATES ---

    def test_numerator_and_denominator(self):
        """A rate tells them apart, with their values, and opens both."""
        big, leads = self.ask("get_explanation", self.share)
        self.assertEqual((big["role"], leads["role"]), ("Numerator", "Denominator"))
        self.assertEqual((big["name"], leads["name"]), ("big", "Leads"))
        self.assertEqual(
            (big["value_text"], leads["value_text"]), ("2", str(len(self.expected("TRUE"))))
        )
        self.assertEqual(
            set(self.open(big, big["included"], self.share).ids),
            self.expected("expected_revenue > 100"),
        )
        self.assertEqual(
            set(self.open(leads, leads["included"], self.share).ids), self.expected("TRUE")
        )

    def test_rate_in_a_list(self):
        """*Records* of a value or goal opens the details of its cell: both components apart."""
        april = self.period("month", "2026-04-15")
        goal = self.env["crm.kpi.goal"].create(
            {
                "kpi_id": self.share.id,
                "period_id": april.id,
                "scope": "user",
                "user_id": self.ann.id,
                "kind": "at_least",
                "target": 0.5,
            }
        )
        values = self.cells(self.share, april, "user")
        value = values.filtered(lambda row: row.user_id == self.ann)
        for row in (value, goal):
            action = row.with_user(self.mia).action_open_records()
            self.assertEqual(
                (action["tag"], action["params"]["tab"]), ("crm_kpi.detail", "records")
            )
            self.assertEqual(action["name"], row.display_name)
            self.assertEqual(action["params"]["kpi_id"], self.share.id)
            filters = action["params"]["filters"]
            big, leads = self.ask("get_explanation", self.share, filters=filters)
            self.assertEqual((big["role"], leads["role"]), ("Numerator", "Denominator"))
            of_ann = f"user_id = {self.ann.id}"
            for part, condition in ((big, f"expected_revenue > 100 AND {of_ann}"), (leads, of_ann)):
                self.assertEqual(
                    set(self.open(part, part["included"], self.share, **filters).ids),
                    self.expected(condition),
                )
        # aggregates open their records, and the rate of no salesperson both in one list
        unassigned = values.filtered(lambda row: not row.user_id)
        lead = self.cells(self.leads, april, "company")
        for row, condition in ((unassigned, "user_id IS NULL"), (lead, "TRUE")):
            action = row.with_user(self.mia).action_open_records()
            self.assertEqual(set(action["domain"][0][2]), self.expected(condition))

    def test_roles(self):
        """Of a number beside a rate, of a rate in a rate, and of a component on both sides."""
        for formula, roles in (
            ("100 * test_big / require(test_leads, 1) - 1", ["Numerator", "Denominator"]),
            ("test_big / (test_big + test_leads)", ["Numerator and denominator", "Denominator"]),
            ("test_share / test_big", ["Numerator and denominator", "Numerator"]),
            ("test_big + test_leads", ["", ""]),
            ("test_big / months", [""]),
        ):
            kpi = self.make_kpi("role", kind="formula", formula=formula, unit="ratio")
            parts = self.ask("get_explanation", kpi)
            self.assertEqual([part["role"] for part in parts], roles, formula)
            kpi.unlink()

    def test_component_of_another_period(self):
        """Records of the previous month are those of that month."""
        kpi = self.make_kpi(
            "growth", kind="formula", formula="test_leads / previous(test_leads)", unit="ratio"
        )
        self.refresh()
        now, before = self.ask("get_explanation", kpi)
        self.assertEqual((now["period"], before["period"]), ("", "March 2026"))
        self.assertEqual((now["role"], before["role"]), ("Numerator", "Denominator"))
        march = self.open(before, before["included"], kpi)
        self.assertEqual(len(march), self.count(first="2026-03-01", after="2026-04-01")[0])
        self.assertEqual({lead.create_date.month for lead in march}, {3})


@tagged("post_install", "-at_install")
class TestReasons(BoardCase):
    """Each “–” says the true reason, and what helps."""

    def state(self, kpi, user=None, **filters):
        card = self.card_of(kpi, user, **filters)
        return card["value_text"], card["state_text"]

    def card_of(self, kpi, user=None, **filters):
        return self.ask("get_detail", kpi, user, filters)["card"]

    def test_pipeline_of_an_old_period(self):
        """A snapshot is known from its first refresh on."""
        source = self.source.copy({"code": "test_open", "kind": "snapshot"})
        stock = self.make_kpi("stock", source_id=source.id)
        rate = self.make_kpi("stock_rate", kind="formula", formula="test_big / test_stock")
        self.refresh()  # on 15 April
        text = "Not recorded before April 2026: Odoo keeps no earlier state"
        self.assertEqual(self.state(stock, date="2026-02-01"), ("–", text))
        self.assertEqual(self.state(rate, date="2026-02-01"), ("–", f"stock: {text}"))
        self.assertTrue(self.card_of(stock, date="2026-02-01")["structural"])
        [part] = self.ask("get_explanation", stock, filters={"date": "2026-02-01"})
        self.assertIn("does not keep", part["note"])
        with freeze_time("2026-06-10 06:00:00"):
            self.refresh()
            text = "Not recorded, because no refresh ran in this period"
            self.assertEqual(self.state(stock, date="2026-05-01"), ("–", text))

    def test_a_missing_goal(self):
        """A formula with a target leads to the goal that is missing, by rights."""
        coverage = self.make_kpi(
            "coverage",
            kind="formula",
            formula="test_big / max(target(test_leads) - test_leads, 0)",
            unit="ratio",
        )
        self.refresh()
        for filters, scope in (
            ({}, {"default_scope": "company"}),
            (
                {"scope": "team", "team_id": self.north.id},
                {"default_scope": "team", "default_team_id": self.north.id},
            ),
        ):
            card = self.card_of(coverage, **filters)
            self.assertEqual(
                (card["value_text"], card["state_text"]), ("–", "Needs a goal on Leads")
            )
            self.assertTrue(card["structural"])
            action = card["remedy"]["action"]
            self.assertEqual(card["remedy"]["text"], "Set a goal")
            self.assertEqual(
                action["context"],
                {
                    "default_kpi_id": self.leads.id,
                    "default_period_id": self.period("month", "2026-04-15").id,
                    **scope,
                },
            )
        goal = self.env["crm.kpi.goal"].with_user(self.mia).with_context(**action["context"])
        form = Form(goal)
        form.target = 10
        goal = form.save()
        self.assertEqual((goal.scope, goal.team_id), ("team", self.north))
        card = self.card_of(coverage, self.ann)
        self.assertIsNone(card["remedy"])
        self.assertEqual(
            card["state_text"], "Needs a goal on Leads: ask a sales manager to set one"
        )

    def test_a_target_that_is_reached(self):
        coverage = self.make_kpi(
            "coverage",
            kind="formula",
            formula="test_big / max(target(test_leads) - test_leads, 0)",
            unit="ratio",
        )
        self.env["crm.kpi.goal"].create(
            {
                "kpi_id": self.leads.id,
                "period_id": self.period("month", "2026-04-15").id,
                "target": 2,
            }
        )
        self.refresh()
        text = "Nothing to divide by: the larger of (target of Leads − Leads) and 0 is 0"
        self.assertEqual(self.state(coverage), ("–", text))

    def test_components_that_a_formula_can_do_without(self):
        """They are named only where nothing else is the reason."""
        formulas = {
            # the target is 0 where there is none
            "coalesce(target(test_leads), 0) / (test_leads - test_leads)": "Nothing to divide by: "
            "Leads − Leads is 0",
            "coalesce(target(test_leads), rolling(test_leads, 60)) * 2": "Needs a goal on Leads",
            "coalesce(test_share / 0.5, 1) / max(test_leads - 1000, 0)": "Nothing to divide by: "
            "the larger of (Leads − 1000) and 0 is 0",
            "rolling(test_leads, 60) / test_leads": "Leads of the last 60 periods has no value",
        }
        for number, (formula, text) in enumerate(formulas.items()):
            kpi = self.make_kpi(f"no_{number}", kind="formula", formula=formula, unit="ratio")
            self.refresh()
            with self.subTest(formula):
                self.assertEqual(self.state(kpi), ("–", text))

    def test_a_segment_without_records(self):
        """A count is 0, before and now; a rate has no value."""
        industry = self.env["res.partner.industry"].create({"name": "Ballooning"})
        other = self.env["res.partner.industry"].create({"name": "Diving"})
        customers = self.env["res.partner"].create(
            [
                {"name": "Sky", "industry_id": industry.id},
                {"name": "Sea", "industry_id": other.id},
            ]
        )
        march = [("company_id", "=", self.company.id), ("create_date", ">=", "2026-03-01")]
        self.env["crm.lead"].search(
            [*march, ("create_date", "<", "2026-04-01")], limit=5
        ).partner_id = customers[1]
        self.refresh()
        segment = self.env["crm.kpi.segment"].search([("industry_id", "=", industry.id)])
        filters = {"segment_id": segment.id}
        for kpi, text in ((self.leads, "0"), (self.amount, "0")):
            card = self.card_of(kpi, **filters)
            self.assertEqual((card["value"], card["state"], card["value_id"]), (0, "ok", None))
            self.assertIn(text, card["value_text"])
            self.assertEqual([p["value"] for p in card["sparkline"]][-3:], [0, 0, 0])
        card = self.card_of(self.share, **filters)
        self.assertEqual(
            (card["value"], card["state_text"]), (None, "Nothing to divide by: Leads is 0")
        )
        # of the segment with all leads of March: 5, and 0 in April
        segment = self.env["crm.kpi.segment"].search([("industry_id", "=", other.id)])
        card = self.card_of(self.leads, segment_id=segment.id)
        self.assertEqual([p["value"] for p in card["sparkline"]][-2:], [5, 0])
        self.assertTrue(card["change"]["text"].startswith("from 3 "), "of the first ten days")

    def test_a_withheld_segment_is_not_zero(self):
        industry = self.env["res.partner.industry"].create({"name": "Ballooning"})
        customer = self.env["res.partner"].create({"name": "Sky", "industry_id": industry.id})
        leads = [("company_id", "=", self.company.id), ("user_id", "=", self.ann.id)]
        self.env["crm.lead"].search(leads).partner_id = customer
        self.company.sudo().kpi_min_cell = 5
        self.refresh()
        segment = self.env["crm.kpi.segment"].search([("industry_id", "=", industry.id)])
        text = "Too little data in this segment to show a value"
        for kpi in (self.leads, self.share):
            self.assertEqual(self.state(kpi, segment_id=segment.id), ("–", text))

    def test_no_values_of_this_level(self):
        """A source without salespeople, and a KPI that is not crossed with segments."""
        source = self.source.copy(
            {"code": "test_bare", "user_field": False, "partner_field": False}
        )
        bare = self.make_kpi("bare", source_id=source.id)
        self.refresh()
        self.assertEqual(
            self.state(bare, scope="mine"),
            ("–", "Has no values by salesperson: choose the company"),
        )
        segment = self.env["crm.kpi.segment"].search([], limit=1)
        self.assertEqual(
            self.state(bare, segment_id=segment.id),
            ("–", "Has no values by segment: choose all customers"),
        )
        long_ago = {"scope": "mine", "segment_id": segment.id, "date": "2024-01-01"}
        self.period("month", "2024-01-10")
        self.leads.cross_levels = True
        self.company.sudo().kpi_crossed_months = 7
        self.assertIn("begin 7 months ago", self.state(self.leads, **long_ago)[1])
        self.leads.cross_levels = False
        for filters in ({**long_ago, "date": False}, long_ago):
            text = self.state(self.leads, **filters)[1]
            self.assertIn("Has no values by salesperson or team within a segment", text)

    def test_values_that_the_reader_may_not_see(self):
        self.leads.visibility = "own"
        text = "Salespeople see only their own values: choose “My values”"
        self.assertEqual(self.state(self.leads, self.ann), ("–", text))
        self.leads.visibility = "team"
        text = "You see this value of your own team only"
        self.assertEqual(self.state(self.leads, self.ann), ("–", text))

    def test_not_computed_yet(self):
        kpi = self.make_kpi("new")
        value, text = self.state(kpi)
        self.assertEqual(value, "–")
        self.assertRegex(text, r"^No values yet\. First values after the next refresh")
        [part] = self.ask("get_explanation", kpi)
        self.assertEqual(part["note"], text)
        self.refresh()
        self.assertEqual(self.state(kpi)[1], "")

    def test_component_without_value(self):
        """The name of the component that has none, and why."""
        mean = self.make_kpi(
            "mean", name="Mean", aggregator="avg", value_field="expected_revenue",
            unit="money", complete_only=True,
        )  # fmt: skip
        rate = self.make_kpi(
            "rate", kind="formula", formula="test_amount / test_mean", unit="ratio"
        )
        self.refresh()
        text = "Available after Apr 30, 2026"
        self.assertEqual(self.state(mean), ("–", text))
        self.assertEqual(self.state(rate), ("–", text))
        self.assertEqual(self.state(rate, date="2026-01-01"), ("–", "Mean has no value"))
        self.assertEqual(self.state(mean, date="2026-01-01"), ("–", "No records in this period"))

    # --- LISTS ---

    def make_nothing(self):
        """A rate whose divisor is always 0."""
        return self.make_kpi(
            "nothing", kind="formula", formula="test_big / (test_leads - test_leads)"
        )

    def test_lists_of_values(self):
        nothing = self.make_nothing()
        coverage = self.make_kpi(
            "coverage", kind="formula", formula="test_big / target(test_leads)", unit="ratio"
        )
        self.refresh()
        texts = {
            nothing: "Nothing to divide by: Leads − Leads is 0",
            coverage: "Needs a goal on Leads",
        }
        domain = [
            ("kpi_id", "in", (nothing | coverage).ids),
            ("period_id", "=", self.period("month", "2026-04-15").id),
        ]
        rows = self.env["crm.kpi.value"].with_user(self.mia).search(domain)
        self.assertEqual(set(rows.mapped("level")), {"company", "team", "user", "segment"})
        for row in rows:
            self.assertEqual((row.value_text, row.missing_text), ("–", texts[row.kpi_id]))
        own = rows.with_user(self.ann).search(
            [*domain, ("kpi_id", "=", coverage.id), ("level", "=", "user")]
        )
        self.assertEqual(own.user_id, self.ann)
        text = "Needs a goal on Leads: ask a sales manager to set one"
        self.assertEqual(own.missing_text, text)
        known = self.cells(self.leads, self.period("month", "2026-04-15"))
        self.assertEqual(set(known.mapped("missing_text")), {False})

    def test_lists_of_goals(self):
        nothing = self.make_nothing()
        late = self.make_kpi("late", complete_only=True)
        draft = self.make_kpi("draft")
        self.refresh()
        draft.state = "draft"
        april, may = (self.period("month", day) for day in ("2026-04-15", "2026-05-15"))
        for kpi, month, text in (
            (nothing, april, "Nothing to divide by: Leads − Leads is 0"),
            (late, april, "Available after Apr 30, 2026"),
            (self.leads, may, "The period begins on May 1, 2026"),
            (draft, may, "The KPI is not published"),
            (self.leads, april, False),
        ):
            goal = self.env["crm.kpi.goal"].create(
                {"kpi_id": kpi.id, "period_id": month.id, "kind": "at_least", "target": 3}
            )
            with self.subTest(kpi=kpi.name, month=month.name):
                self.assertEqual(goal.value is False, bool(text))
                self.assertEqual(goal.missing_text, text)

    def test_lists_of_withheld_values(self):
        industry = self.env["res.partner.industry"].create({"name": "Ballooning"})
        customer = self.env["res.partner"].create({"name": "Sky", "industry_id": industry.id})
        leads = [("company_id", "=", self.company.id), ("user_id", "=", self.ann.id)]
        self.env["crm.lead"].search(leads).partner_id = customer
        self.company.sudo().kpi_min_cell = 5
        self.refresh()
        goal = self.env["crm.kpi.goal"].create(
            {
                "kpi_id": self.share.id,
                "period_id": self.period("month", "2026-04-15").id,
                "scope": "segment",
                "segment_id": self.env["crm.kpi.segment"]
                .search([("industry_id", "=", industry.id)])
                .id,
                "kind": "at_least",
                "target": 0.5,
            }
        )
        self.assertIs(goal.value, False)
        self.assertEqual(goal.missing_text, "Too little data in this segment to show a value")

    def test_reasons_cost_no_query_per_row(self):
        nothing = self.make_nothing()
        self.refresh()
        rows = self.env["crm.kpi.value"].search([("kpi_id", "=", nothing.id)])
        few = rows.filtered(
            lambda row: row.level == "company" and row.period_id.name in ("2026-03", "2026-04")
        )
        self.assertEqual((len(few), set(rows.mapped("value"))), (2, {False}))
        self.assertGreater(len(rows.period_id), 6)
        self.assertEqual(set(rows.mapped("level")), {"company", "team", "user", "segment"})

        def queries(rows):
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            texts = rows.with_user(self.mia).mapped("missing_text")
            self.assertTrue(all(texts))
            return self.env.cr.sql_log_count - before

        queries(rows)  # fills the caches of rights and translations
        self.assertLessEqual(queries(rows), queries(few) + 2)
