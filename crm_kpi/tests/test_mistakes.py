# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Mistakes of an administrator of KPIs: each is refused in words that name field and remedy."""

from psycopg2 import IntegrityError

from odoo.exceptions import UserError
from odoo.tests import freeze_time, tagged
from odoo.tools import mute_logger

from .common import KpiCommon

#: What is tried, how, and the sentence that answers.
KPI_MISTAKES = [
    (
        "a code with a space",
        lambda case: case.new_kpi(code="Deals won!"),
        "Code: Deals won! cannot be used. Start with a lower-case letter, then use lower-case",
    ),
    (
        "a code that is taken",
        lambda case: case.new_kpi(code="test_won"),
        "Code: another KPI has this code already. Choose another.",
    ),
    (
        "a word of formulas as code",
        lambda case: case.new_kpi(code="previous"),
        "Code: previous cannot be used.",
    ),
    (
        "another code while a formula uses the KPI",
        lambda case: case.mine(case.won).write({"code": "test_new"}),
        (
            "Code: the formula of Double uses test_won. Keep the code, or remove it from that formula "
            "first."
        ),
    ),
    (
        "no source",
        lambda case: case.new_kpi(source_id=False),
        "Source: choose where the records of Mistake come from.",
    ),
    (
        "a sum of nothing",
        lambda case: case.new_kpi(aggregator="sum"),
        "Value: choose the field to calculate with, or count records.",
    ),
    (
        "a sum of texts",
        lambda case: case.new_kpi(aggregator="sum", value_field="name"),
        (
            "Value: Opportunity is not a number. Choose a numeric field, or the calculation Distinct "
            "count."
        ),
    ),
    (
        "a field that does not exist",
        lambda case: case.new_kpi(aggregator="sum", value_field="x_margin"),
        "Value: Lead has no field x_margin. Choose an existing field.",
    ),
    (
        "a sum of customers",
        lambda case: case.new_kpi(aggregator="sum", value_field="@customer"),
        "Calculation: customers can only be counted. Choose Distinct count.",
    ),
    (
        "the age of an event",
        lambda case: case.new_kpi(aggregator="avg", value_field="@age_days", unit="days"),
        "Value: only records of a snapshot have an age. Choose a field.",
    ),
    (
        "days from a text to a date",
        lambda case: case.new_kpi(
            aggregator="avg", value_field="@days_between:name:date_closed", unit="days"
        ),
        "Value: Opportunity is not a date. Choose a date.",
    ),
    (
        "a count as an amount",
        lambda case: case.new_kpi(unit="money"),
        "Unit: a count of records is a number. Choose the unit Number, or another calculation.",
    ),
    (
        "an amount as a number",
        lambda case: case.new_kpi(aggregator="sum", value_field="expected_revenue"),
        "Unit: Expected Revenue is an amount of money. Choose the unit Money, or another value.",
    ),
    (
        "a number as an amount",
        lambda case: case.new_kpi(aggregator="sum", value_field="probability", unit="money"),
        "Unit: Probability is not an amount of money. Choose another unit, or another value.",
    ),
    (
        "days before the present",
        lambda case: case.new_kpi(maturity_days=-5),
        "Wait before final: enter 0 or more days, not -5.",
    ),
    (
        "too many decimals",
        lambda case: case.new_kpi(digits=40),
        "Decimals: enter 0 to 6, not 40.",
    ),
    (
        "a negative sample",
        lambda case: case.new_kpi(min_sample=-1),
        "Minimum sample: enter 0 or more records, not -1.",
    ),
    (
        "a KPI that balances itself",
        lambda case: case.mine(case.won).write({"counter_kpi_id": case.won.id}),
        "Counter-metric: Deals won in tests cannot balance itself. Choose another KPI, or none.",
    ),
    (
        "a filter on a field that does not exist",
        lambda case: case.new_kpi(domain="[('x_gone', '=', 1)]"),
        "Build it with the filter editor, with plain values",
    ),
    (
        "a filter on a secret",
        lambda case: case.new_kpi(
            source_id=case.env.ref("crm_kpi.crm_kpi_source_order").id,
            domain="[('access_token', '!=', False)]",
        ),
        (
            "Filter: access_token cannot be used, because access_token can hold a secret. Choose "
            "another field."
        ),
    ),
    (
        "deletion of a KPI that a formula uses",
        lambda case: case.mine(case.won).unlink(),
        (
            "The formula of Double uses Deals won in tests. Change that formula first, or archive the "
            "KPI."
        ),
    ),
    (
        "deletion of a KPI with a goal",
        lambda case: case.mine(case.aimed).unlink(),
        "Aimed has goals that are not over: KPI company · April 2026. Archive these goals first",
    ),
    (
        "back to draft while people have a goal",
        lambda case: case.mine(case.aimed).action_draft(),
        "Aimed has goals that are not over: KPI company · April 2026. Archive these goals first",
    ),
    (
        "deletion of a category with KPIs",
        lambda case: case.mine(case.category).unlink(),
        "Choose another category for them first.",
    ),
]
FORMULA_MISTAKES = [
    (
        "no formula",
        lambda case: case.new_formula(""),
        "Formula: Enter a formula with at least one KPI.",
    ),
    (
        "a code that does not exist",
        lambda case: case.new_formula("test_wonn / 2"),
        (
            "Formula: There is no KPI with the code test_wonn. Did you mean Deals won in tests "
            "(test_won)?"
        ),
    ),
    (
        "a name in place of a code",
        lambda case: case.new_formula("2 * Deals won in tests"),
        (
            "Formula: Write the code of a KPI, not “Deals won in tests”. Did you mean Deals won in "
            "tests (test_won)?"
        ),
    ),
    (
        "half a formula",
        lambda case: case.new_formula("test_won /"),
        "Formula: After “test_won /”, a KPI or a number is missing.",
    ),
    (
        "an open parenthesis",
        lambda case: case.new_formula("(test_won + 2"),
        "Formula: The parenthesis before “test_won” is not closed.",
    ),
    (
        "an unknown function",
        lambda case: case.new_formula("maxx(test_won, 2)"),
        "Formula: There is no function maxx. Did you mean max?",
    ),
    (
        "an amount and a count",
        lambda case: case.new_formula("test_revenue + test_won"),
        "Formula: You cannot add an amount (Revenue in tests) and a count (Deals won in tests).",
    ),
    (
        "a division by zero",
        lambda case: case.new_formula("test_won / 0"),
        "Formula: You cannot divide by 0.",
    ),
    (
        "an amount as a percentage",
        lambda case: case.new_formula("test_revenue / test_won", unit="percent"),
        "Unit: The formula yields an amount, not Percentage. Change the unit or the formula.",
    ),
    (
        "a formula in a circle",
        lambda case: case.mine(case.double).write({"formula": "test_four + 1"}),
        (
            "Circular formula: test_double → test_four → test_double. Remove one of them from its "
            "formula."
        ),
    ),
]
SOURCE_MISTAKES = [
    (
        "private messages",
        lambda case: case.new_source(model="mail.message", date_field="date", company_field=False),
        (
            "Model: Message (mail.message) holds no business documents and cannot be measured. Choose "
            "leads, orders, invoices, tickets or another business document."
        ),
    ),
    (
        "no records",
        lambda case: case.new_source(model=False),
        "Records: choose the kind of records to measure.",
    ),
    (
        "no date",
        lambda case: case.new_source(date_field=False),
        "Date: choose the date field that places a record in time.",
    ),
    (
        "a text as date",
        lambda case: case.new_source(date_field="name"),
        "Date: Opportunity is not a date. Choose a date.",
    ),
    (
        "a customer as salesperson",
        lambda case: case.new_source(user_field="partner_id"),
        "Salesperson: Contact does not lead to a record of the kind User. Choose another field.",
    ),
    (
        "a code that is taken",
        lambda case: case.new_source(code="test_leads"),
        "Code: another source has this code already. Choose another.",
    ),
    (
        "months looked ahead",
        lambda case: case.new_source(trailing_months=-3),
        "Months looked back: enter 0 or more, not -3.",
    ),
    (
        "a snapshot of the last months",
        lambda case: case.new_source(kind="snapshot", trailing_months=3),
        (
            "Months looked back: only events at one date can count in later periods. Enter 0, or "
            "choose the kind Event without an end date."
        ),
    ),
    (
        "a cohort of leads",
        lambda case: case.new_source(kind="cohort"),
        "Kind: a cohort needs records with a period; Lead has none. Choose Event or Snapshot.",
    ),
    (
        "deletion of a source with KPIs",
        lambda case: case.mine(case.source).unlink(),
        (
            "KPIs use the source “Test leads”: Aimed, Deals won in tests, Revenue in tests. Choose "
            "another source for them, or delete them first."
        ),
    ),
]
SEGMENT_MISTAKES = [
    (
        "no filter",
        lambda case: case.new_segment("Empty"),
        "Filter: enter a value for the segment “Empty”.",
    ),
    (
        "a filter on a field that does not exist",
        lambda case: case.new_segment("Broken", domain="[('x_gone', '=', 1)]"),
        (
            "The filter of the segment “Broken” cannot be used: contacts have no field “x_gone” (any "
            "more). Open the segment and correct its field “Filter”."
        ),
    ),
    (
        "a name that is taken",
        lambda case: case.new_segment("Large", domain="[('ref', '=', 'x')]"),
        (
            "Name: the set “Filters” already has a segment “Large” (perhaps an archived one). Choose "
            "another name."
        ),
    ),
    (
        "a negative amount",
        lambda case: case.new_segment("Debtors", of=case.bands, amount_min=-1),
        "From: enter 0 or more.",
    ),
    (
        "two bands from one amount",
        lambda case: case.new_segment("Other", of=case.bands, amount_min=100),
        "From: “Other” and “Band” are the same. Change or archive one of them.",
    ),
    (
        "another set",
        lambda case: case.mine(case.large).write({"set_id": case.bands.id}),
        "A segment cannot move to another set. Create a new segment there.",
    ),
    (
        "no place for the other customers",
        lambda case: case.mine(case.filters.unknown_segment_id).write({"active": False}),
        (
            "holds the customers that match no other segment and cannot be archived. Archive the whole "
            "set instead."
        ),
    ),
]
GOAL_MISTAKES = [
    (
        "no target",
        lambda case: case.new_goal(target=False),
        "Target: enter a value.",
    ),
    (
        "a range that ends before it begins",
        lambda case: case.new_goal(kind="range", target=5, target_max=3),
        "Upper bound: enter a value that is not below the target.",
    ),
    (
        "a team without its name",
        lambda case: case.new_goal(scope="team"),
        "Sales Team: choose one, because the goal is for: Team. Or change For.",
    ),
    (
        "a salesperson for the company",
        lambda case: case.new_goal(user_id=case.ann.id),
        "Salesperson: leave it empty, because the goal is for: Company. Or change For.",
    ),
    (
        "a second goal",
        lambda case: case.new_goal(kpi_id=case.aimed.id),
        "exists already. Change or archive that goal.",
    ),
    (
        "better by nothing",
        lambda case: case.new_goal(kind="improve", improve_by=0),
        "Improve by: enter more than 0 %.",
    ),
    (
        "better than 0",
        lambda case: case.new_goal(
            kind="improve", improve_by=0.1, baseline_kind="fixed", baseline_fixed=0
        ),
        "Fixed baseline: 0 cannot be improved by a percentage. Enter another value, or a target.",
    ),
]
PERIOD_MISTAKES = [
    (
        "an end before the start",
        lambda case: case.new_period(date_from="2026-03-10", date_last="2026-03-01"),
        "Last day: it must not be before the first day.",
    ),
    (
        "a month of ten days",
        lambda case: case.new_period(kind="month", date_from="2026-03-01", date_last="2026-03-10"),
        "Use these dates, or the kind Custom.",
    ),
    (
        "a period that exists",
        lambda case: case.new_period(kind="month", date_from="2026-03-01", date_last="2026-03-31"),
        "First day, Last day: this period exists already. Use it, or choose other days.",
    ),
    (
        "a period of the distant past",
        lambda case: case.new_period(date_from="1026-03-01", date_last="1026-03-10"),
        "First day, last day: choose days from ",
    ),
    (
        "a lock before the end",
        lambda case: case.mine(case.period("month", "2026-04-10")).action_lock(),
        "State: April 2026 is not over yet. Only a closed period can be locked.",
    ),
]
ENTRY_MISTAKES = [
    (
        "no value",
        lambda case: case.new_entry(value=None),
        "Value: enter a number. Create no entry if there is no value.",
    ),
    (
        "a value of a KPI that is computed",
        lambda case: case.new_entry(kpi_id=case.won.id),
        "KPI: “Deals won in tests” is computed. Choose a KPI of the kind Manual entries.",
    ),
    (
        "a second value",
        lambda case: case.new_entry() + case.new_entry(),
        (
            "there is already an entry with these values. Change that entry, or change one of the "
            "fields."
        ),
    ),
    (
        "a month of ten days",
        lambda case: case.new_entry(
            date_from="2026-03-01", date_to="2026-03-11", period_kind="month", date="2026-03-01"
        ),
        (
            "First day, Last day: a month runs from 2026-03-01 to 2026-03-31. Use these days, or the "
            "period Custom."
        ),
    ),
    (
        "a text in the table",
        lambda case: case.mine(case.env["crm.kpi.entry"]).save_grid(
            {}, [{"kpi_id": case.visits.id, "date": "2026-03-01", "value": "many"}]
        ),
        "Visits in tests: enter a number.",
    ),
]
SETTING_MISTAKES = [
    (name, lambda case, values=values: case.settings.create(values), sentence)
    for name, values, sentence in (
        (
            "a percentage as a number",
            {"kpi_margin_rate": 80},
            "Margin rate: enter more than 0 % and at most 100 %.",
        ),
        (
            "customers lost at once",
            {"kpi_inactivity_days": 0},
            "Customer inactivity, Attempts without answer: enter at least 1.",
        ),
        (
            "a negative segment",
            {"kpi_min_cell": -1},
            "Smallest segment shown: enter 0 or more records.",
        ),
        (
            "a history before computers",
            {"kpi_history_start": "1950-01-01"},
            "KPI history starts on: enter a day since 1970.",
        ),
        (
            "a negative interest",
            {"kpi_discount_rate": -0.1},
            "Annual discount rate: enter 0 % or more.",
        ),
        (
            "costs of five years ago",
            {"kpi_cac_lag_months": 60},
            "Months from cost to customer: enter 0 to 36 months.",
        ),
        (
            "an answer before the question",
            {"kpi_lead_response_target_hours": -1},
            "First response target for leads: enter 0 or more hours.",
        ),
        (
            "an upsell for less",
            {"kpi_upsell_margin": -0.1},
            "Upsell margin: enter 0 % or more.",
        ),
    )
]


@tagged("post_install", "-at_install")
class TestMistakes(KpiCommon):
    """Wednesday 15 April 2026; the user has the rights of the demo's administrator of KPIs."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        clock = freeze_time("2026-04-15 10:00:00")
        clock.start()
        cls.addClassCleanup(clock.stop)
        cls.ada = cls.make_user(
            "Ada", "crm_kpi.group_kpi_admin", "sales_team.group_sale_salesman_all_leads"
        )
        cls.aimed = cls.make_kpi("aimed", name="Aimed", sequence=1)
        cls.won = cls.make_kpi("won", name="Deals won in tests", sequence=2)
        money = {"aggregator": "sum", "value_field": "expected_revenue", "unit": "money"}
        cls.make_kpi("revenue", name="Revenue in tests", sequence=3, **money)
        formula = {"kind": "formula", "source_id": False}
        cls.double = cls.make_kpi("double", name="Double", formula="test_won * 2", **formula)
        cls.make_kpi("four", name="Four", formula="test_double * 2", **formula)
        cls.visits = cls.make_kpi("visits", name="Visits in tests", kind="manual")
        cls.settings = cls.mine(cls.env["crm.kpi.settings"])
        cls.filters, cls.bands = cls.env["crm.kpi.segment.set"].create(
            [{"name": "Filters", "kind": "domain"}, {"name": "Bands", "kind": "size"}]
        )
        cls.large = cls.new_segment("Large", domain="[('ref', '=', 'large')]")
        cls.new_segment("Band", of=cls.bands, amount_min=100)
        cls.month = cls.period("month", "2026-04-10")
        cls.period("month", "2026-03-10")
        cls.new_goal(kpi_id=cls.aimed.id)

    # --- WHAT THE ADMINISTRATOR DOES ---

    @classmethod
    def mine(cls, records):
        """Records in the environment of the administrator."""
        return records.with_user(cls.ada).with_company(cls.company)

    @classmethod
    def make(cls, model, defaults, values):
        return cls.mine(cls.env[model]).create({**defaults, **values})

    def new_kpi(self, **values):
        defaults = {
            "name": "Mistake",
            "code": "test_mistake",
            "category_id": self.category.id,
            "source_id": self.source.id,
        }
        return self.make("crm.kpi", defaults, values)

    def new_formula(self, formula, **values):
        return self.new_kpi(kind="formula", formula=formula, **values)

    def new_source(self, **values):
        defaults = {
            "name": "Mistake",
            "code": "test_mistake",
            "model": "crm.lead",
            "date_field": "create_date",
        }
        return self.make("crm.kpi.source", defaults, values)

    @classmethod
    def new_segment(cls, name, of=None, **values):
        defaults = {"name": name, "set_id": (of or cls.filters).id}
        return cls.make("crm.kpi.segment", defaults, values)

    @classmethod
    def new_goal(cls, **values):
        defaults = {
            "kpi_id": cls.won.id,
            "period_id": cls.month.id,
            "scope": "company",
            "kind": "at_least",
            "target": 5,
        }
        return cls.make("crm.kpi.goal", defaults, values)

    def new_period(self, **values):
        defaults = {"company_id": self.company.id, "kind": "custom"}
        return self.make("crm.kpi.period", defaults, values)

    def new_entry(self, **values):
        defaults = {
            "kpi_id": self.visits.id,
            "company_id": self.company.id,
            "period_kind": "month",
            "date": "2026-03-01",
            "value": 3,
        }
        return self.make("crm.kpi.entry", defaults, values)

    # --- TESTS ---

    def answer_to(self, mistake):
        """The sentence that a user sees; empty where the mistake is not refused."""
        try:
            with self.env.cr.savepoint(), mute_logger("odoo.sql_db"):
                mistake(self)
                self.env.flush_all()
        except UserError as error:
            return str(error)
        except IntegrityError as error:
            # as the server answers a violated constraint of the database
            [model] = [m for m in self.env.values() if m._table == error.diag.table_name][:1]
            return model._sql_error_to_message(error)
        return ""

    def check(self, mistakes):
        for name, mistake, sentence in mistakes:
            with self.subTest(name):
                answer = self.answer_to(mistake)
                self.assertIn(sentence, answer)

    def test_thirty_mistakes(self):
        """At least thirty, on each thing that an administrator defines."""
        every = (KPI_MISTAKES, FORMULA_MISTAKES, SOURCE_MISTAKES, SEGMENT_MISTAKES,
                 GOAL_MISTAKES, PERIOD_MISTAKES, ENTRY_MISTAKES, SETTING_MISTAKES)  # fmt: skip
        self.assertGreaterEqual(sum(map(len, every)), 30)
        self.assertTrue(all(len(mistakes) >= 5 for mistakes in every))

    def test_kpi(self):
        self.check(KPI_MISTAKES)

    def test_formula(self):
        self.check(FORMULA_MISTAKES)

    def test_source(self):
        self.check(SOURCE_MISTAKES)

    def test_segment(self):
        self.check(SEGMENT_MISTAKES)

    def test_goal(self):
        self.check(GOAL_MISTAKES)

    def test_period(self):
        self.check(PERIOD_MISTAKES)

    def test_manual_values(self):
        self.check(ENTRY_MISTAKES)

    def test_settings(self):
        self.check(SETTING_MISTAKES)

    def test_preview_refuses_the_same(self):
        """What saving would refuse, the preview says before."""
        values = {
            "name": "New",
            "code": "test_new",
            "kind": "aggregate",
            "source_id": self.source.id,
            "aggregator": "count",
            "domain": "[]",
        }
        for changes, sentence in (
            ({"digits": 40}, "Decimals: enter 0 to 6, not 40."),
            ({"digits": -1}, "Decimals: enter 0 to 6, not -1."),
            ({"aggregator": "sum", "value_field": "name"}, "Value: Opportunity is not a number."),
            ({"unit": "money"}, "Unit: a count of records is a number."),
        ):
            preview = self.mine(self.kpis).get_preview(False, {**values, **changes})
            self.assertIn(sentence, preview["error"])
