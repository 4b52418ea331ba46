# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Checks of KPIs: known data with the value that a KPI must give, on 15 April 2026."""

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import HttpCase, tagged

from ..board import given_values
from ..refresh import steps
from ..refresh.refresh import Refresh, run_step
from . import test_rights
from .common import KpiCommon
from .common_board import BoardCase

NBSP = "\N{NO-BREAK SPACE}"


class CheckCase(BoardCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.checks = cls.env["crm.kpi.check"]
        cls.otto = cls.make_user("Otto", "crm_kpi.group_kpi_admin")  # and no other rights

    @classmethod
    def make_check(cls, kpi, **values):
        """A check of the records of March 2026, or of a formula with given values."""
        if "component_values" not in values:
            values = {"basis": "records", "date_from": "2026-03-17", **values}
        return cls.checks.create({"kpi_id": kpi.id, "name": "Known", **values})

    def run_checks(self, kpi, user=None):
        self.env.flush_all()
        kpi.with_user(user or self.otto).with_company(self.company).action_run_checks()
        self.env.invalidate_all()

    def publish(self, kpi, user=None):
        kpi.with_user(user or self.otto).with_company(self.company).action_publish()
        self.env.flush_all()


@tagged("post_install", "-at_install")
class TestRecords(CheckCase):
    def test_cells_periods_and_filter(self):
        """Each expected value is counted in plain SQL. Otto may read none of the records."""
        draft = self.make_kpi("draft", domain="[('expected_revenue', '>', 100)]", state="draft")
        unknown = self.env["crm.kpi.segment.set"].search([], limit=1).unknown_segment_id
        march = ("2026-03-01", "2026-04-01")
        days = {"period_kind": "custom", "date_from": "2026-03-13", "date_last": "2026-04-02"}
        friday = {"period_kind": "day", "date_from": "2026-03-13"}
        big = "expected_revenue > 100"
        cases = (
            ({}, 2, big, march),
            ({"user_id": self.ann.id}, 1, f"{big} AND user_id = {self.ann.id}", march),
            ({"user_id": self.cid.id}, 0, f"{big} AND user_id = {self.cid.id}", march),
            ({"team_id": self.north.id}, 2, f"{big} AND team_id = {self.north.id}", march),
            ({"team_id": self.south.id}, 0, f"{big} AND team_id = {self.south.id}", march),
            ({"domain": "[('name', '=', 'bob')]"}, 1, f"{big} AND name = 'bob'", march),
            ({"segment_id": unknown.id}, 2, big, march),
            ({"segment_id": unknown.id, "user_id": self.bob.id}, 1,
             f"{big} AND user_id = {self.bob.id}", march),
            (friday, 2, big, ("2026-03-13", "2026-03-14")),
            (days, 3, big, ("2026-03-13", "2026-04-03")),
            ({"period_kind": "quarter"}, 2, big, ("2026-01-01", "2026-04-01")),
        )  # fmt: skip
        for values, expected, condition, between in cases:
            self.assertEqual(self.count(condition, *between)[0], expected, values)
            self.make_check(draft, expected=expected, **values)
        wrong = self.make_check(draft, expected=3)
        periods = self.env["crm.kpi.period"].search([]).ids
        self.run_checks(draft)
        found = {check: check.state for check in draft.check_ids}
        self.assertEqual(found.pop(wrong), "failed")
        self.assertEqual(set(found.values()), {"passed"}, draft.check_ids.mapped("message"))
        self.assertEqual(wrong.message, "Got 2 instead of 3.")
        self.assertEqual(draft.check_warning, "1 check fails. The tab Checks says why.")
        # the custom days and the day are no periods of the company, before and after
        self.assertEqual(self.env["crm.kpi.period"].search([]).ids, periods)

    def test_amounts_and_no_value(self):
        self.assertEqual(self.count("TRUE", "2026-03-01", "2026-04-01"), (5, 530))
        mean = self.make_kpi(
            "mean", aggregator="avg", value_field="expected_revenue", unit="money", state="draft"
        )
        total = self.make_check(self.amount, expected=530)
        cases = [
            self.make_check(mean, expected=106),
            self.make_check(mean, no_value=True, date_from="2026-01-01"),
            self.make_check(mean, expected=0, date_from="2026-01-01"),
        ]
        self.run_checks(self.amount)
        self.run_checks(mean)
        self.assertEqual(total.state, "passed")
        self.assertEqual([check.state for check in cases], ["passed", "passed", "failed"])
        self.assertRegex(cases[2].message, r"Got no value instead of .*0")
        self.assertEqual(cases[1].expected_text, "no value")

    def test_words(self):
        check = self.make_check(
            self.leads, expected=1, user_id=self.ann.id, domain="[('expected_revenue', '>', 100)]"
        )
        self.assertEqual(check.data_text, "March 2026 · Ann · Expected Revenue > 100")
        self.assertEqual((check.expected_text, check.state), ("1", "new"))

    def test_a_formula_of_records_reads_no_stored_value(self):
        """2 of 5 leads in March, 0 of 4 in February; for Ann 1 of 2."""
        stored = self.env["crm.kpi.value"].search([("kpi_id", "in", (self.big | self.leads).ids)])
        self.assertTrue(stored)
        self.env.cr.execute("UPDATE crm_kpi_value SET value = 77 WHERE id = ANY(%s)", [stored.ids])
        self.env.invalidate_all()
        growth = self.make_kpi(
            "growth", kind="formula", formula="test_leads - previous(test_leads)", state="draft"
        )
        for kpi, expected, values in (
            (self.share, 0.4, {}),
            (self.share, 0.5, {"user_id": self.ann.id}),
            (growth, 1, {}),
        ):
            check = self.make_check(kpi, expected=expected, **values)
            self.run_checks(kpi)
            self.assertEqual(check.state, "passed", check.message)

    def test_as_exact_as_it_is_shown(self):
        """40 % without decimals: 39.6 % is shown as the same, 40.6 % is not."""
        near, far = (self.make_check(self.share, expected=n) for n in (0.396, 0.406))
        self.run_checks(self.share)
        self.assertEqual((near.state, far.state), ("passed", "failed"))
        self.assertEqual(far.message, f"Got 40{NBSP}% instead of 41{NBSP}%.")
        self.share.digits = 1
        self.assertEqual((near.state, far.state), ("again", "again"))
        self.run_checks(self.share)
        self.assertEqual((near.state, far.state), ("failed", "failed"))
        self.assertEqual(near.message, f"Got 40.0{NBSP}% instead of 39.6{NBSP}%.")

    def test_take_the_current_value(self):
        check = self.make_check(self.share, expected=0)
        check.with_user(self.otto).with_company(self.company).action_take_value()
        self.assertEqual((check.expected, check.state), (0.4, "passed"))
        empty = self.make_check(self.share, expected=0, date_from="2026-01-01")
        empty.with_user(self.otto).with_company(self.company).action_take_value()
        self.assertTrue(empty.no_value)

    def test_what_cannot_be_computed(self):
        stock = self.env.ref("crm_kpi.crm_kpi_opportunities_stalled")
        check = self.make_check(stock, expected=1)
        self.run_checks(stock)
        self.assertEqual(check.state, "error")
        self.assertRegex(check.message, "Could not be computed: Day: values of other periods")
        check = self.make_check(self.leads, expected=0, date_from="1900-01-01")
        self.run_checks(self.leads)
        self.assertRegex(check.message, "choose days from")
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE crm_kpi_source SET needs_approval = TRUE WHERE id = %s", [self.source.id]
        )
        self.env.invalidate_all()
        check = self.make_check(self.share, expected=0.4)
        self.run_checks(self.share)
        self.assertRegex(check.message, "must approve the source “Test leads” first")


@tagged("post_install", "-at_install")
class TestComponents(CheckCase):
    def test_given_values(self):
        """6 of 10; without a divisor no value; a formula within a formula needs its components."""
        closed = self.make_kpi(
            "closed", kind="formula", formula="test_big + test_leads", state="draft"
        )
        rate = self.make_kpi(
            "rate", kind="formula", formula="test_big / test_closed", unit="percent", state="draft"
        )
        cases = (
            (rate, "test_big = 6\ntest_leads = 4", {"expected": 0.6}),
            (rate, " test_big=6 ; TEST_CLOSED = 12 ", {"expected": 0.5}),
            (rate, "test_big = 0; test_leads = 0", {"no_value": True}),
            (rate, "test_big = none; test_leads = 4", {"no_value": True}),
            (closed, "test_big = −2; test_leads = 2.5", {"expected": 0.5}),
        )
        for kpi, text, values in cases:
            check = self.make_check(kpi, component_values=text, **values)
            self.run_checks(kpi)
            self.assertEqual(check.state, "passed", (text, check.message))
            self.assertFalse(check.company_id)

    def test_other_periods_and_constants(self):
        kpi = self.make_kpi(
            "longer", kind="formula", unit="ratio", digits=3, state="draft",
            formula="(rolling(test_leads, 12) - previous(test_leads)) * margin_rate / months",
        )  # fmt: skip
        check = self.make_check(
            kpi,
            component_values="rolling(test_leads, 12) = 30; previous(test_leads) = 10;"
            "margin_rate = 25 %; months = 1",
            expected=5,
        )
        self.run_checks(kpi)
        self.assertEqual(check.state, "passed", check.message)
        self.assertEqual(
            check.data_text,
            "Leads of the last 12 periods 30 · Leads in the previous period 10 · "
            "margin rate in the settings 0.25 · months of the period 1",
        )

    def test_a_new_check_asks_for_the_numbers_only(self):
        check = self.checks.new({"kpi_id": self.share.id})
        self.assertEqual(check.basis, "components")
        self.assertEqual(check.component_values, "test_big = \ntest_leads = ")
        self.assertEqual(self.checks.new({"kpi_id": self.leads.id}).basis, "records")

    def test_what_cannot_be_read(self):
        for text, said in (
            ("test_big", "Component values: “test_big” cannot be read.*deals_won = 6"),
            ("= 6", "“= 6” cannot be read"),
            ("test_big = 6; test_big = 7; test_leads = 1", "test_big has two values. Remove one"),
            ("test_big = 6", "Component values: a line is missing for test_leads. Add one such as test_leads = 6"),
            ("test_big = 6; test_leads = 1; deals_won = 2",
             "does not use deals_won. It uses test_big, test_leads"),
            ("test_big = 6,000; test_leads = 1", "value of test_big as a number.*or 25 %, without"),
            ("test_big = ; test_leads = 1", "enter the value of test_big"),
            ("test_big = 1e5; test_leads = 1", "enter the value of test_big"),
            (f"test_big = {'9' * 400}; test_leads = 1", "enter the value of test_big"),
            ("test_big = nan; test_leads = 1", "enter the value of test_big"),
            ("", "Component values: a line is missing for test_big, test_leads"),
        ):  # fmt: skip
            with (
                self.subTest(text=text),
                self.assertRaisesRegex(UserError, said),
                self.env.cr.savepoint(),
            ):
                self.make_check(self.share, component_values=text, expected=1)

    def test_a_formula_that_changed(self):
        check = self.make_check(
            self.share, component_values="test_big = 1; test_leads = 2", expected=0.5
        )
        self.run_checks(self.share)
        self.assertEqual(check.state, "passed")
        self.make_kpi("others", name="Others")
        self.share.formula = "test_big / test_others"
        self.assertEqual(check.state, "again")
        self.run_checks(self.share)
        self.assertRegex(check.message, "a line is missing for test_others")

    def test_keys(self):
        self.assertEqual(given_values.read(self.env, "A (b, 2) = 1"), {"a(b,2)": 1})


@tagged("post_install", "-at_install")
class TestPublishing(CheckCase):
    def test_a_failing_check_blocks(self):
        kpi = self.make_kpi("new", name="New", state="draft")
        first = self.make_check(kpi, name="Leads of March", expected=4)
        self.make_check(kpi, name="Leads of Ann", user_id=self.ann.id, expected=2)
        with self.assertRaises(ValidationError) as caught, self.env.cr.savepoint():
            self.publish(kpi)
        self.assertEqual(
            str(caught.exception),
            "New: the check “Leads of March” got 5 instead of 4. Correct the definition, or the "
            "check if it expects a wrong value.",
        )
        self.assertEqual(kpi.state, "draft")
        first.expected = 5
        self.publish(kpi)
        self.assertEqual(kpi.state, "published")

    def test_one_sentence_for_each(self):
        kpi = self.make_kpi("new", name="New", state="draft")
        self.make_check(kpi, name="One", expected=4)
        self.make_check(kpi, name="Two", expected=4, date_from="1900-01-01")
        with self.assertRaises(ValidationError) as caught, self.env.cr.savepoint():
            self.publish(kpi)
        one, two = str(caught.exception).split("\n")
        self.assertIn("“One” got 5 instead of 4", one)
        self.assertRegex(two, "New: the check “Two” could not be computed: .*Correct the check")

    def test_the_definition_that_is_published(self):
        """State and filter are written together: the new filter is checked."""
        kpi = self.make_kpi("new", state="draft")
        self.make_check(kpi, expected=2)
        big = "[('expected_revenue', '>', 100)]"
        kpi.with_user(self.ada).write({"state": "published", "domain": big})
        self.assertEqual(kpi.state, "published")
        kpi.write({"state": "draft"})
        with self.assertRaises(ValidationError), self.env.cr.savepoint():
            kpi.with_user(self.ada).write({"state": "published", "domain": "[]"})

    def test_several_at_once(self):
        good, bad, without = (
            self.make_kpi(code, name=code, state="draft") for code in ("good", "bad", "without")
        )
        self.make_check(good, expected=5)
        self.make_check(bad, expected=6)
        kpis = (good | bad | without).with_user(self.otto).with_company(self.company)
        told = kpis.action_publish_selected()["params"]
        self.assertEqual(
            [kpi.state for kpi in (good, bad, without)], ["published", "draft", "published"]
        )
        self.assertIn("2 KPIs were published.", told["message"])
        self.assertIn("1 KPI was refused:", told["message"])
        self.assertIn("bad: the check “Known” got 5 instead of 6.", told["message"])

    def test_the_change_is_noted_in_the_chatter(self):
        """What a check undoes is nothing of what the user wrote."""
        kpi = self.make_kpi("new", state="draft")
        self.make_check(kpi, expected=5, period_kind="day", date_from="2026-03-13", domain="[]")
        kpi.check_ids.expected = 2
        context = dict.fromkeys(("tracking_disable", "mail_notrack"), False)
        self.env.flush_all()
        self.env.cr.precommit.run()
        kpi.with_user(self.otto).with_company(self.company).with_context(**context).write(
            {"state": "published", "description": "Leads of the day"}
        )
        self.env.flush_all()
        self.env.cr.precommit.run()
        self.env.invalidate_all()
        self.assertEqual((kpi.state, kpi.description), ("published", "Leads of the day"))
        self.assertIn("state", kpi.message_ids.tracking_value_ids.field_id.mapped("name"))

    def test_copy(self):
        check = self.make_check(self.leads, expected=5, user_id=self.ann.id)
        self.run_checks(self.leads)
        self.assertEqual(check.state, "failed")
        copied = self.leads.with_user(self.ada).copy().check_ids
        self.assertEqual(
            (copied.name, copied.expected, copied.user_id, copied.state, copied.date_from),
            ("Known", 5, self.ann, "new", check.date_from),
        )

    def test_to_run_again(self):
        check = self.make_check(self.big, expected=2)
        formula = self.make_check(self.share, expected=0.4)
        for kpi in (self.big, self.share):
            self.run_checks(kpi)
        self.assertEqual((check.state, formula.state), ("passed", "passed"))
        check.name = "Another name"
        self.assertEqual(check.state, "passed")
        self.big.domain = "[('expected_revenue', '>', 250)]"
        self.assertEqual((check.state, formula.state), ("again", "again"))
        self.run_checks(self.big)
        self.assertEqual((check.state, check.message), ("failed", "Got 1 instead of 2."))
        check.with_user(self.otto).expected = 1
        self.assertEqual(check.state, "again")

    def test_bad_checks_name_field_and_remedy(self):
        for kpi, values, said in (
            (self.leads, {"date_from": False}, "Day: choose a day"),
            (self.leads, {"period_kind": "custom"}, "Last day: choose"),
            (self.leads, {"period_kind": "custom", "date_last": "2026-03-16"}, "Last day: choose"),
            (self.leads, {"expected": False}, "Expected value: enter a number, or tick"),
            (self.leads, {"expected": float("inf")}, "Expected value: inf is not a number"),
            (self.leads, {"basis": "components"}, "Data: only a KPI that is calculated from"),
            (self.leads, {"user_id": self.ann.id, "team_id": self.north.id},
             "Sales Team, Salesperson: choose one"),
            (self.leads, {"domain": "[('nothing', '=', 1)]"}, "Extra filter"),
            (self.leads, {"domain": "no list"}, "Extra filter: no list cannot be used on"),
            (self.share, {"domain": "[('name', '=', 'x')]"}, "Extra filter: only the records of"),
        ):  # fmt: skip
            with (
                self.subTest(values),
                self.assertRaisesRegex(UserError, said),
                self.env.cr.savepoint(),
            ):
                self.make_check(kpi, **{"expected": 1, **values})


@tagged("post_install", "-at_install")
class TestUpgrade(CheckCase):
    def upgrade(self):
        """What the update of the addon does last with its data."""
        self.env.flush_all()
        module = self.env.ref("base.module_crm_kpi")
        self.env.cr.execute(
            "UPDATE ir_module_module SET state = 'to upgrade' WHERE id = %s", module.ids
        )
        self.env.invalidate_all()
        self.checks._mark_upgraded()
        self.env.cr.execute(
            "UPDATE ir_module_module SET state = 'installed' WHERE id = %s", module.ids
        )
        self.env.invalidate_all()

    def step(self):
        found = [step for step in Refresh(self.env).steps() if step.name == "checks"]
        return found[0] if found else None

    def health(self):
        self.env.flush_all()
        self.env.invalidate_all()
        rows = self.env["crm.kpi.health"].with_user(self.otto).with_company(self.company)
        return rows.search([("kind", "=", "check")])

    def test_checks_run_again(self):
        self.checks.search([]).unlink()
        good, bad = (self.make_check(self.leads, name=str(n), expected=n) for n in (5, 6))
        draft = self.make_kpi("draft", state="draft")
        waiting = self.make_check(draft, expected=1)
        # not while it is installed, nor at any other time
        self.checks._mark_upgraded()
        self.assertIsNone(self.step())
        self.upgrade()
        self.assertEqual(self.checks.search([("due", "=", True)]), good | bad)
        step = self.step()
        step.in_blocks = True
        self.patch(steps, "BLOCK_CHECKS", 1)
        for is_finished in (False, False, True):
            run_step(step)
            self.assertFalse(step.has_failed)
            self.assertEqual(step.is_finished, is_finished)
        self.assertIsNone(self.step())
        self.env.invalidate_all()
        self.assertEqual(
            [check.state for check in good | bad | waiting], ["passed", "failed", "new"]
        )
        # nothing is unpublished
        self.assertEqual(self.leads.state, "published")
        [failure] = self.health()
        self.assertEqual(failure.name, "Leads · 6")
        self.assertEqual(failure.error, "Got 5 instead of 6.")
        self.assertEqual(failure.action_open()["res_id"], self.leads.id)
        page = self.env["crm.kpi.health"].with_user(self.otto).get_health()
        self.assertIn("Leads · 6", [row["name"] for row in page["failures"]])
        # the values of a KPI with groups are for its members
        self.leads.group_ids = self.env["res.groups"].create({"name": "Accountants"})
        self.assertRegex(self.health().error, "Members of the groups of the KPI")
        self.leads.group_ids = False
        bad.expected = 5
        self.run_checks(self.leads)
        self.assertFalse(self.health())

    def test_manual_refreshes_run_none(self):
        self.make_check(self.leads, expected=5)
        self.upgrade()
        names = [step.name for step in Refresh(self.env, kpis=self.leads).steps()]
        self.assertNotIn("checks", names)
        self.assertIsNotNone(self.step())


@tagged("post_install", "-at_install")
class TestShipped(KpiCommon):
    def test_all_pass(self):
        """Values and results are those of the catalogue."""
        shipped = self.env["ir.model.data"].search(
            [("model", "=", "crm.kpi.check"), ("module", "=like", "crm_kpi%")]
        )
        checks = self.env["crm.kpi.check"].browse(shipped.mapped("res_id"))
        self.assertGreater(len(checks), 60)
        checks._run()
        self.assertEqual(
            {
                f"{check.kpi_id.code}: {check.message}"
                for check in checks
                if check.state != "passed"
            },
            set(),
        )
        self.assertFalse(checks.company_id)

    def test_words(self):
        check = self.env.ref("crm_kpi.crm_kpi_check_win_rate")
        self.assertEqual(check.data_text, "Deals won 2 · Deals lost 1")
        self.assertEqual(check.expected_text, f"66.7{NBSP}%")


@tagged("post_install", "-at_install")
class TestRights(CheckCase):
    def as_otto(self, records):
        return records.with_user(self.otto).with_company(self.company)

    def test_filters_never_reach_secrets(self):
        for domain in (
            "[('message_ids.body', 'ilike', 'x')]",
            "[('activity_ids', 'any', [('note', 'ilike', 'x')])]",
            "[('user_id.password', '=', 'x')]",
            "[('user_id.partner_id.signup_type', '=', 'x')]",
        ):
            with (
                self.subTest(domain),
                self.assertRaises(UserError),
                self.env.cr.savepoint(),
            ):
                self.checks.with_user(self.ada).create(
                    {"kpi_id": self.leads.id, "name": "X", "basis": "records", "expected": 1,
                     "date_from": "2026-03-01", "domain": domain}
                )  # fmt: skip

    def test_a_filter_is_checked_again_when_it_runs(self):
        """It was saved for another source, or written past the checks."""
        check = self.make_check(self.leads, expected=1)
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE crm_kpi_check SET domain = %s WHERE id = %s",
            ["[('message_ids.body', 'ilike', 'x')]", check.id],
        )
        self.env.invalidate_all()
        self.run_checks(self.leads)
        self.assertEqual(check.state, "error")
        self.assertIn("holds no business documents", check.message)

    def test_kpis_of_other_groups(self):
        check = self.make_check(self.leads, expected=1)
        self.leads.group_ids = self.env["res.groups"].create({"name": "Accountants"})
        self.env.flush_all()
        self.assertFalse(self.as_otto(self.checks).search([("kpi_id", "=", self.leads.id)]))
        for call in (
            lambda: self.as_otto(check).action_take_value(),
            lambda: self.as_otto(check).read(["message"]),
            lambda: self.as_otto(self.leads).action_run_checks(),
            lambda: self.as_otto(self.checks).create(
                {"kpi_id": self.leads.id, "name": "X", "basis": "records",
                 "date_from": "2026-03-01", "expected": 1}
            ),
        ):  # fmt: skip
            with self.assertRaises(AccessError), self.env.cr.savepoint():
                call()
        self.assertFalse(check.message)

    def test_other_companies(self):
        other = self.env["res.company"].create({"name": "Elsewhere"})
        values = {"kpi_id": self.leads.id, "name": "X", "basis": "records", "expected": 1,
                  "date_from": "2026-03-01"}  # fmt: skip
        with self.assertRaises(AccessError), self.env.cr.savepoint():
            self.as_otto(self.checks).create({**values, "company_id": other.id})
        mine = self.as_otto(self.checks).create(values)
        self.assertEqual(mine.company_id, self.company)
        with self.assertRaises(AccessError), self.env.cr.savepoint():
            mine.company_id = other
        theirs = self.checks.create({**values, "name": "Theirs", "company_id": other.id})
        self.env.flush_all()
        self.assertFalse(self.as_otto(self.checks).search([("id", "=", theirs.id)]))
        # it counts when the KPI is published, without telling its values
        mine.sudo().unlink()
        self.leads.state = "draft"
        with self.assertRaises(ValidationError) as caught, self.env.cr.savepoint():
            self.publish(self.leads)
        self.assertEqual(
            str(caught.exception),
            "Leads: the check “Theirs” does not pass. Select its company to see it, or ask another "
            "KPI administrator.",
        )


@tagged("post_install", "-at_install")
class TestRemote(test_rights.RightsCase):
    def test_roles(self):
        values = {
            "kpi_id": self.amount.id, "name": "Mine", "basis": "records",
            "date_from": "2026-03-10", "expected": 6300,
        }  # fmt: skip
        check = self.env["crm.kpi.check"].create(values)
        self.env.flush_all()
        before = self.content("crm.kpi.check")
        for role in ("portal", "ann", "all", "manager", "foreign"):
            self.assert_refused(role, "crm.kpi.check", "search_read", [])
            self.assert_refused(role, "crm.kpi.check", "create", [values])
            self.assert_refused(role, "crm.kpi.check", "write", check.ids, {"expected": 1})
            self.assert_refused(role, "crm.kpi.check", "action_take_value", check.ids)
            self.assert_refused(role, "crm.kpi.check", "unlink", check.ids)
            self.assert_refused(role, "crm.kpi", "action_run_checks", self.amount.ids)
            self.assert_refused(role, "crm.kpi", "read", self.amount.ids, ["check_ids"])
        for method in ("_run", "_run_due", "_mark_upgraded", "_check_passing"):
            self.assert_refused("kpi_admin", "crm.kpi.check", method, check.ids)
        for name, value in (("result", "passed"), ("message", "x"), ("due", True)):
            self.assert_refused("kpi_admin", "crm.kpi.check", "write", check.ids, {name: value})
            self.assert_refused("kpi_admin", "crm.kpi.check", "create", [{**values, name: value}])
        self.assert_same(before, "crm.kpi.check")
        self.rpc("kpi_admin", "crm.kpi", "action_run_checks", self.amount.ids)
        [found] = self.rpc("kpi_admin", "crm.kpi.check", "read", check.ids, ["state", "message"])
        self.assertEqual(found["state"], "passed", found["message"])


@tagged("post_install", "-at_install", "browser")
class TestTour(KpiCommon, HttpCase):
    def test_checks(self):
        """An administrator of KPIs without other rights adds, runs and corrects a check."""
        self.make_user("Ada", "crm_kpi.group_kpi_admin")
        self.make_kpi("won", name="Tour won")
        self.make_kpi("closed", name="Tour closed")
        rate = self.make_kpi(
            "rate", name="Tour rate", kind="formula", formula="test_won / test_closed",
            unit="percent", state="draft",
        )  # fmt: skip
        self.start_tour(f"/odoo/kpi-definitions/{rate.id}", "crm_kpi_checks", login="kpi_ada")
        self.assertEqual(rate.state, "published")
        self.assertEqual((rate.check_ids.expected, rate.check_ids.state), (0.6, "passed"))
