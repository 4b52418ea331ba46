# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Sources and values are chosen by name, by administrators of KPIs without system rights."""

import ast
from datetime import datetime

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form, HttpCase, freeze_time, tagged

from .common import KpiCommon


class ChoiceCase(KpiCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.ada = cls.make_user(
            "Ada", "crm_kpi.group_kpi_admin", "sales_team.group_sale_salesman_all_leads"
        )
        cls.sources = cls.env["crm.kpi.source"].with_user(cls.ada)

    def paths(self, source, part):
        return [path for path, _label in source.choices[part]["choices"]]


@tagged("post_install", "-at_install")
class TestSourceChoice(ChoiceCase):
    def new_source(self, model):
        form = Form(self.sources)
        form.name = form.code = "chosen"
        form.model = model
        return form

    def test_invoices(self):
        """The salesperson of an invoice, not the field that only mirrors it."""
        with self.assertRaises(AccessError):
            self.env["ir.model"].with_user(self.ada).name_search("Journal Entry")
        form = self.new_source("account.move")
        self.assertEqual(
            (
                form.date_field,
                form.date_end_field,
                form.user_field,
                form.team_field,
                form.company_field,
                form.partner_field,
            ),
            ("invoice_date", False, "invoice_user_id", "team_id", "company_id", "partner_id"),
        )
        source = form.save()
        self.assertEqual(source.model_id.sudo().model, "account.move")
        self.assertEqual(self.paths(source, "user_field")[0], "invoice_user_id")
        self.assertNotIn("user_id", self.paths(source, "user_field"))
        self.assertIn("invoice_date_due", self.paths(source, "date_field"))
        source.date_field = "invoice_date_due"
        self.assertEqual(source.date_label, "Due Date")

    def test_lines(self):
        """Fields of the document of a line, but never its amount for each line."""
        form = self.new_source("sale.order.line")
        self.assertEqual(
            (form.date_field, form.user_field, form.company_field, form.partner_field),
            ("order_id.date_order", "salesman_id", "company_id", "order_partner_id"),
        )
        source = form.save()
        self.assertIn("order_id.commitment_date", self.paths(source, "date_field"))
        kpi = self.make_kpi("lines", source_id=source.id).with_user(self.ada)
        values = [path for path, _label in kpi.value_choices["value"]["choices"]]
        self.assertEqual(values[0], "price_subtotal")
        self.assertFalse([path for path in values if "." in path])

    def test_snapshot(self):
        """Only a snapshot has an end date proposed: an event with one would have to span days."""
        form = self.new_source("crm.lead")
        self.assertEqual((form.date_field, form.date_end_field), ("create_date", False))
        self.assertEqual((form.country_field, form.team_field), ("country_id", "team_id"))
        form.kind = "snapshot"
        self.assertEqual(form.date_end_field, "date_closed")
        form.kind = "event"
        self.assertFalse(form.date_end_field)

    def test_custom_date(self):
        """A date field made by hand can be chosen like any other."""
        self.env["ir.model.fields"].create(
            {
                "model_id": self.env["ir.model"]._get_id("crm.lead"),
                "name": "x_kickoff",
                "field_description": "Kick-off",
                "ttype": "date",
            }
        )
        source = self.new_source("crm.lead").save()
        self.assertIn(
            ["x_kickoff", "Kick-off"], [*map(list, source.choices["date_field"]["choices"])]
        )
        source.date_field = "x_kickoff"
        kpi = self.make_kpi("kickoff", source_id=source.id)
        for day in ("2026-03-01", "2026-03-31", "2026-04-01", False):
            self.make_lead("2026-01-01 12:00:00", x_kickoff=day)
        month = self.period("month", "2026-03-10")
        self.kpis._refresh(month, kpi)
        self.assertEqual(self.value(kpi, month), 2)

    def test_every_choice_fits(self):
        """Of all models that may be chosen: stored fields of the right kind, without technical ones."""
        models = [
            model for model, _name in self.source.with_user(self.ada).choices["model"]["choices"]
        ]
        self.assertLess({"crm.lead", "sale.order", "account.move", "res.partner"}, {*models})
        forbidden = [m for m in models if m.startswith(("ir.", "mail.", "res.users", "base."))]
        self.assertFalse(forbidden)
        expected = {
            "date_field": {"date", "datetime"},
            "date_end_field": {"date", "datetime"},
            "user_field": {"res.users"},
            "team_field": {"crm.team"},
            "company_field": {"res.company"},
            "partner_field": {"res.partner"},
            "country_field": {"res.country"},
        }
        source = self.source.with_user(self.ada)
        count = 0
        for name in models:
            draft = source.new(
                {"model_id": self.env["ir.model"]._get_id(name), "company_field": False}
            )
            for part, kinds in expected.items():
                for path, label in draft.choices[part]["choices"]:
                    model = self.env[name]
                    for step in path.split("."):
                        field = model._fields[step]
                        model = self.env[field.comodel_name] if field.comodel_name else None
                    with self.subTest(model=name, part=part, path=path):
                        self.assertIn(field.comodel_name or field.type, kinds)
                        self.assertTrue(field.store or field.inherited)
                        self.assertTrue(label.strip())
                        self.assertNotIn(step, ("write_date", "write_uid"))
                    count += 1
        self.assertGreater(count, 100)

    def test_by_name(self):
        """A name of a model is not written to the model, and has to be one."""
        values = {"name": "x", "code": "test_by_name", "date_field": "date_order"}
        for wrong in ("no.model", "", False, 7, ["sale.order"]):
            with self.subTest(wrong), self.assertRaises(ValidationError):
                self.sources.create({**values, "model": wrong})
        models = self.env["ir.model"].search([]).mapped("model")
        source = self.sources.create({**values, "model": "sale.order"})
        self.assertEqual(source.model, "sale.order")
        source.write({"model": "crm.lead", "date_field": "create_date"})
        self.assertEqual(source.model, "crm.lead")
        source.model = "sale.order"
        self.assertEqual(source.model_id.sudo().model, "sale.order")
        self.assertEqual(self.env["ir.model"].search([]).mapped("model"), models)

    def test_list(self):
        """The list of sources is searched and grouped by records without system rights."""
        specification = {"name": {}, "model_name": {}, "date_label": {}}
        found = self.sources.web_search_read([("model_name", "ilike", "lead")], specification)
        self.assertIn(self.source.id, [record["id"] for record in found["records"]])
        groups = self.sources.formatted_read_group([], ["model_id"], ["__count"])
        self.assertIn(self.source.model_id.id, [group["model_id"][0] for group in groups])
        [read] = self.source.with_user(self.ada).web_read(
            {"model_id": {"fields": {"display_name": {}}}, "model": {}, "choices": {}}
        )
        self.assertEqual(read["model"], "crm.lead")

    def test_other_model_again(self):
        """Another model takes its own fields; going back restores what was there."""
        self.source.domain = "[('type', '=', 'lead')]"
        with Form(self.source.with_user(self.ada)) as form:
            form.model = "sale.order"
            self.assertEqual((form.date_field, form.domain), ("date_order", "[]"))
            form.model = "crm.lead"
            self.assertEqual(form.date_field, "create_date")
            self.assertEqual(form.domain, "[('type', '=', 'lead')]")


@tagged("post_install", "-at_install")
class TestOtherDate(ChoiceCase):
    """A KPI counts the records of its source by another of their dates."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.source.domain = "[('type', '=', 'opportunity')]"
        cls.facts = [
            ("2026-01-10 12:00:00", "2026-03-31", 10),
            ("2026-01-11 12:00:00", "2026-03-01", 20),
            ("2026-03-05 12:00:00", "2026-04-01", 40),
            ("2026-03-06 12:00:00", False, 80),
        ]
        for created, deadline, amount in cls.facts:
            cls.make_lead(created, date_deadline=deadline, expected_revenue=amount)
        cls.make_lead("2026-03-07 12:00:00", date_deadline="2026-03-07", type="lead")
        cls.month = cls.period("month", "2026-03-10")
        cls.created = cls.make_kpi("created")
        cls.due = cls.make_kpi("due", date_field="date_deadline")

    def test_values(self):
        """Both dates in one refresh, the same records behind the value, other periods."""
        both = self.created | self.due
        periods = (
            self.month | self.period("month", "2026-04-10") | self.period("month", "2026-01-10")
        )
        self.kpis._refresh(periods, both)
        self.assertFalse(both.filtered("last_error"))
        for period in periods:
            for kpi, place in ((self.created, 0), (self.due, 1)):
                dates = [str(fact[place])[:7] for fact in self.facts]
                self.assertEqual(self.value(kpi, period), dates.count(period.name), period.name)
        [cell] = self.cells(self.due, self.month, "company")
        found = self.env["crm.lead"].browse(cell.action_open_records()["domain"][0][2])
        self.assertEqual(sorted(found.mapped("expected_revenue")), [10, 20])
        self.assertEqual(self.kpis._refresh(periods, both), 0)

    def test_source(self):
        """No further source is seen; the source that was chosen is followed."""
        source = self.due.source_id
        self.assertEqual((source.dated_as_id, source.model), (self.source, "crm.lead"))
        self.assertEqual(source.name, "Test leads, by Expected Closing")
        self.assertEqual(self.make_kpi("again", date_field="date_deadline").source_id, source)
        action = self.env["ir.actions.act_window"]._for_xml_id("crm_kpi.crm_kpi_source_action")
        shown = self.env["crm.kpi.source"].search(ast.literal_eval(action["domain"]))
        self.assertIn(self.source, shown)
        self.assertNotIn(source, shown)
        version = self.due.version
        self.source.write({"domain": "[('type', '=', 'lead')]", "name": "Leads"})
        self.assertEqual((source.domain, source.date_field), (self.source.domain, "date_deadline"))
        self.assertEqual(source.name, "Leads, by Expected Closing")
        self.assertEqual(self.due.version, version + 1)
        self.kpis._refresh(self.month, self.created | self.due)
        self.assertEqual(
            (self.value(self.created, self.month), self.value(self.due, self.month)), (1, 1)
        )
        copied = self.due.copy()
        self.assertEqual((copied.date_field, copied.source_id), ("date_deadline", source))

    def test_change(self):
        """Another date is a new version; without a date, the KPI counts by that of its source."""
        source = self.due.source_id
        with Form(self.due.with_user(self.ada)) as form:
            self.assertEqual(form.date_field, "date_deadline")
            form.date_field = "date_open"
        self.assertEqual((self.due.date_field, self.due.version), ("date_open", 2))
        self.assertFalse(source.exists())
        self.due.date_field = False
        self.assertEqual((self.due.source_id, self.due.version), (self.source, 3))
        self.due.date_field = "create_date"
        self.assertEqual((self.due.source_id, self.due.version), (self.source, 3))
        self.assertFalse(self.source.other_date_ids)
        self.due.write(
            {
                "date_field": "date_order",
                "source_id": self.env.ref("crm_kpi.crm_kpi_source_order").id,
            }
        )
        self.assertEqual(self.due.source_model, "sale.order")

    def test_dialog(self):
        """A changed date asks from when it applies, for a KPI that has values."""
        january = self.period("month", "2026-01-10")
        self.kpis._refresh(january, self.created)
        self.assertEqual(self.value(self.created, january), 2)
        changes = self.env["crm.kpi.definition.change"]
        self.assertTrue(
            changes.propose("crm.kpi", self.created.id, {"date_field": "date_deadline"})
        )
        self.assertFalse(changes.propose("crm.kpi", self.created.id, {"date_field": False}))
        wizard = changes.search([], order="id desc", limit=1)
        wizard.applies_to = "history"
        wizard.action_apply()
        self.assertEqual(self.created.date_field, "date_deadline")
        self.assertEqual(self.value(self.created, january), 0)

    @freeze_time("2026-04-15 10:00:00")
    def test_preview(self):
        """The preview of a date that is not saved yet counts by it, and stores nothing."""
        sources = self.env["crm.kpi.source"].search_count([])
        values = {"kind": "aggregate", "source_id": self.source.id, "aggregator": "count"}
        kpis = self.kpis.with_user(self.ada)
        for kpi, path, count in (
            (self.created, "date_deadline", 2),
            (self.created, False, 2),
            (self.due, "date_deadline", 2),
            (self.created, "date_open", 0),
        ):
            preview = kpis.get_preview(kpi.id, {**values, "date_field": path}, self.month.id)
            self.assertFalse(preview["error"], path)
            [text] = [period["value_text"] for period in preview["periods"] if period["chosen"]]
            self.assertEqual(text, str(count), path)
        for path in ("name", "x_gone", "user_id.log_ids.create_date", "user_id.password"):
            self.assertTrue(kpis.get_preview(self.created.id, {"date_field": path})["error"], path)
        self.assertEqual(self.env["crm.kpi.source"].search_count([]), sources)

    def test_refused(self):
        """Only dates of the records, only events of one day, only what the author may read."""
        for path in ("name", "x_gone", "user_id", "user_id.log_ids.create_date"):
            with self.subTest(path), self.assertRaises(UserError):
                self.due.with_user(self.ada).date_field = path
        snapshot = self.env.ref("crm_kpi.crm_kpi_source_lead_open")
        with self.assertRaises(ValidationError):
            self.make_kpi("open", source_id=snapshot.id, date_field="date_deadline")
        for values in ({"kind": "snapshot"}, {"date_end_field": "date_closed"}):
            with self.assertRaises(ValidationError):
                self.source.write(values)
        with self.assertRaises(AccessError):
            self.sources.browse(self.source.id).write({"dated_as_id": self.due.source_id.id})
        with self.assertRaises(AccessError):
            self.due.with_user(self.ann).date_field = "date_open"

    def test_delete(self):
        """KPIs are not deleted with their source: also not those with another date of it."""
        dated = self.due.source_id
        self.assertEqual(dated.dated_as_id, self.source)
        with self.assertRaisesRegex(UserError, self.created.name):
            self.source.unlink()
        self.created.unlink()
        with self.assertRaisesRegex(UserError, self.due.name):
            self.source.unlink()
        self.due.unlink()
        self.source.unlink()
        self.assertFalse(dated.exists())


@tagged("post_install", "-at_install")
class TestProposals(ChoiceCase):
    """What the form of a new KPI proposes, so that few clicks are enough."""

    def new_kpi(self, **values):
        form = Form(self.kpis.with_user(self.ada))
        form.name = "New"
        for name, value in values.items():
            form[name] = value
        return form

    def test_category(self):
        """That of most KPIs of the source, of its records, or of the components; never in place
        of a choice."""
        retention = self.env.ref("crm_kpi.crm_kpi_category_retention")
        self.assertEqual(self.new_kpi(source_id=self.source).category_id, self.most_of_leads())
        self.make_kpi("one", category_id=retention.id)
        self.make_kpi("two", category_id=retention.id)
        self.make_kpi("three")
        self.assertEqual(self.new_kpi(source_id=self.source).category_id, retention)
        chosen = self.new_kpi(category_id=self.category, source_id=self.source)
        self.assertEqual(chosen.category_id, self.category)
        ratio = self.new_kpi(kind="formula", formula="test_three * 2")
        self.assertEqual(ratio.category_id, self.category)

    def most_of_leads(self):
        kpis = self.kpis.search([("source_model", "=", "crm.lead")])
        categories = [kpi.category_id for kpi in kpis]
        return max(dict.fromkeys(categories), key=categories.count)

    def test_rules(self):
        """The amount, and country and tags of the customer; saving accepts each of them."""
        source = self.env.ref("crm_kpi.crm_kpi_source_order")
        kpi = self.make_kpi("orders", source_id=source.id).with_user(self.ada)
        rules = kpi.value_choices["rules"]
        self.assertEqual(
            [(rule["label"], ast.literal_eval(rule["domain"])) for rule in rules],
            [
                ("Untaxed Amount", [("amount_untaxed", ">", 0)]),
                ("Country Groups", [("partner_id.country_id.country_group_ids", "in", [])]),
                ("Country", [("partner_id.country_id", "in", [])]),
                ("Tags", [("partner_id.category_id", "in", [])]),
            ],
        )
        for shipped in self.env["crm.kpi.source"].search([]):
            kpi = self.kpis.with_user(self.ada).new({"source_id": shipped.id})
            for rule in (kpi.value_choices or {}).get("rules", ()):
                with self.subTest(rule["title"], source=shipped.name):
                    shipped.with_user(self.ada)._check_domain("Filter", rule["domain"])


@tagged("post_install", "-at_install")
class TestValueChoice(ChoiceCase):
    def test_days_between(self):
        """Parts of days between two times; whole local days where one of them is a date."""
        facts = [
            ("2026-03-01 10:00:00", "2026-03-04 22:00:00", "2026-03-21"),
            # the 11th in Brussels
            ("2026-03-10 23:30:00", "2026-03-12 23:30:00", "2026-03-21"),
            ("2026-03-12 08:00:00", None, None),
        ]
        for created, closed, deadline in facts:
            lead = self.make_lead(created, date_deadline=deadline)
            self.backdate(lead, date_closed=closed)
        times = self.make_kpi(
            "times",
            aggregator="avg",
            unit="days",
            value_field="@days_between:create_date:date_closed",
        )
        dates = self.make_kpi(
            "dates",
            aggregator="max",
            unit="days",
            value_field="@days_between:create_date:date_deadline",
        )
        least = self.make_kpi(
            "least",
            aggregator="min",
            unit="days",
            value_field="@days_between:create_date:date_deadline",
        )
        month = self.period("month", "2026-03-10")
        self.kpis._refresh(month, times | dates | least)
        known = [(datetime.fromisoformat(a), datetime.fromisoformat(b)) for a, b, _d in facts if b]
        expected = sum((b - a).total_seconds() / 86400 for a, b in known) / len(known)
        self.assertAlmostEqual(self.value(times, month), expected)
        self.assertEqual(self.value(dates, month), 20)
        self.assertEqual(self.value(least, month), 10)
        [cell] = self.cells(times, month, "company")
        self.assertEqual(len(cell.action_open_records()["domain"][0][2]), 2)
        self.assertEqual(times.computation_text, "Average: days from Created on to Closed Date")

    def test_refused(self):
        """Values that cannot be computed are refused when they are saved."""
        good = {"aggregator": "avg", "unit": "days"}
        for path in (
            "@days_between:create_date",
            "@days_between:create_date:",
            "@days_between::",
            "@days_between:create_date:name",
            "@days_between:create_date:x_gone",
            "@days_between:create_date:date_closed:date_open",
        ):
            with self.subTest(path), self.assertRaises(ValidationError):
                self.make_kpi("wrong", value_field=path, **good)
        path = "@days_between:create_date:date_closed"
        with self.assertRaises(ValidationError):
            self.make_kpi("wrong", value_field=path, aggregator="avg", unit="money")
        customers = self.env.ref("crm_kpi.crm_kpi_source_customer")
        with self.assertRaises(ValidationError):
            self.make_kpi("wrong", source_id=customers.id, value_field=path, **good)

    def test_form(self):
        """The amount is proposed with its unit; the two dates are chosen one after the other."""
        form = Form(self.kpis.with_user(self.ada))
        form.name = "Chosen"
        form.code = "test_chosen"
        form.category_id = self.category
        form.source_id = self.source
        form.aggregator = "sum"
        self.assertEqual((form.value_field, form.unit), ("expected_revenue", "money"))
        form.aggregator = "avg"
        form.unit = "count"
        form.value_choice = "@days_between"
        self.assertEqual(form.unit, "days")
        form.value_start = "create_date"
        self.assertEqual((form.value_start, form.value_end), ("create_date", False))
        form.value_end = "date_closed"
        kpi = form.save()
        self.assertEqual(kpi.value_field, "@days_between:create_date:date_closed")
        with Form(kpi) as form:
            self.assertEqual((form.value_start, form.value_end), ("create_date", "date_closed"))
            form.value_end = "date_open"
        self.assertEqual(kpi.value_field, "@days_between:create_date:date_open")
        with Form(kpi) as form:
            form.value_choice = "field"
            self.assertEqual(form.value_field, "expected_revenue")
            form.unit = "money"
        self.assertEqual(kpi.value_choice, "field")


@tagged("post_install", "-at_install", "browser")
class TestConfigurationTours(ChoiceCase, HttpCase):
    def test_segment_set(self):
        """The first segment of a set that is not saved yet, its number and its customers."""
        self.env["res.partner"].create({"name": "Tour company", "is_company": True})
        self.start_tour("/odoo/kpi-segment-sets", "crm_kpi_segment_set", login="kpi_ada")
        made = self.env["crm.kpi.segment.set"].search([("name", "=", "Kinds of customers")])
        segment = made.segment_ids - made.unknown_segment_id
        self.assertEqual(segment.name, "Companies")
        self.assertGreater(segment.member_count, 0)

    def test_source_by_name(self):
        """A source on order lines, by another date of the order, from a list of labels."""
        self.start_tour("/odoo/kpi-sources", "crm_kpi_source_by_name", login="kpi_ada")
        source = self.env["crm.kpi.source"].search([("code", "=", "lines_by_delivery")])
        self.assertEqual(
            (source.model, source.date_field, source.user_field, source.country_field),
            (
                "sale.order.line",
                "order_id.commitment_date",
                "salesman_id",
                "order_partner_id.country_id",
            ),
        )
