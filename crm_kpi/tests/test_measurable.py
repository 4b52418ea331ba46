# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What administrators of KPIs can measure, and what they see of it."""

from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import tagged

from ..definitions.measurable import is_measurable
from .common import KpiCommon


class MeasurableCase(KpiCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.ada, cls.own, cls.system, cls.outside = (
            cls.make_user(name, "crm_kpi.group_kpi_admin", *groups)
            for name, *groups in (
                ("Ada", "sales_team.group_sale_manager"),
                ("Olaf", "sales_team.group_sale_salesman"),
                ("Sys", "sales_team.group_sale_manager", "base.group_system"),
                ("Otto",),
            )
        )
        for user, count in ((cls.ann, 3), (cls.own, 2), (cls.env["res.users"], 1)):
            for _index in range(count):
                cls.make_lead("2026-03-10 10:00:00", user_id=user.id, expected_revenue=10)
        cls.month = cls.period("month", "2026-03-10")

    def source_values(self, code, **values):
        return {
            "name": code,
            "code": f"test_{code}",
            "model_id": self.source.model_id.id,
            "date_field": "create_date",
            "user_field": "user_id",
            "team_field": "team_id",
            **values,
        }


@tagged("post_install", "-at_install")
class TestAllowRule(MeasurableCase):
    def test_models(self):
        """Only business documents: no messages, attachments, settings, users, values of KPIs."""
        never = (
            "mail.message", "mail.mail", "mail.activity", "discuss.channel", "ir.attachment",
            "ir.config_parameter", "ir.logging", "res.users", "res.users.log", "res.users.apikeys",
            "bus.bus", "res.groups", "crm.kpi", "crm.kpi.value", "crm.kpi.goal",
            "crm.kpi.restatement", "crm.kpi.mailing", "crm.kpi.board",
        )  # fmt: skip
        for name in never:
            if name not in self.env:
                continue
            self.assertFalse(is_measurable(self.env[name]), name)
            # not even a system administrator, and not by the name of the model
            for user in (self.ada, self.system):
                for chosen in ({"model_id": self.env["ir.model"]._get_id(name)}, {"model": name}):
                    values = self.source_values(
                        "never", user_field=False, team_field=False, company_field=False
                    )
                    del values["model_id"]
                    with self.subTest(name, user=user.name), self.assertRaises(UserError):
                        self.env["crm.kpi.source"].with_user(user).create({**values, **chosen})
        technical = ("ir.", "base.", "bus.", "mail.", "discuss.", "res.users", "auth", "web")
        for name, model in self.env.items():
            if name.startswith(technical):
                self.assertFalse(is_measurable(model), name)
        for source in self.env["crm.kpi.source"].with_context(active_test=False).search([]):
            if source.model in self.env:
                self.assertTrue(is_measurable(self.env[source.model]), source.code)

    def test_filters(self):
        """No condition reads a secret, a message or an attachment, however it is written."""
        kpi = self.make_kpi("leads")
        good = (
            "[('expected_revenue', '>', 5), '!', ('stage_id.is_won', '=', True)]",
            "[('user_id.active', '=', True), ('partner_id.country_id.code', '=', 'BE')]",
            "[('tag_ids', 'ilike', 'x'), ('tag_ids', 'any', [('name', '=', 'x')])]",
        )
        bad = (
            "[('message_ids.body', 'ilike', '1')]",
            "[('message_ids', 'any', [('body', 'ilike', '1')])]",
            "[('message_ids', 'not any', [('body', 'ilike', '1')])]",
            "[('message_ids', 'ilike', '1')]",
            "['!', '|', ('type', '=', 'lead'), ('message_ids.attachment_ids.datas', '!=', False)]",
            "[('partner_id.user_ids.totp_secret', '=like', 'A%')]",
            "[('user_id', 'any', [('partner_id', 'any', [('access_token', '=like', 'a%')])])]",
            "[('activity_ids.note', 'ilike', '1')]",
            "[('partner_id.signup_type', '=', 'x')]",
            "[('user_id.password', '=like', 'a%')]",
            "[('user_id.api_key_ids', '!=', False)]",
            "[('user_id.log_ids.create_date', '>', '2020-01-01')]",
            "[('user_id.partner_id.user_ids.password', '=like', 'a%')]",
            "[('user_id.group_ids.name', '=', 'x')]",
            "[('company_id.partner_id.user_ids', 'any', [('password', '!=', False)])]",
        )
        for user in (self.ada, self.system):
            for target in (kpi, self.source):
                for domain in good:
                    target.with_user(user).domain = domain
                for domain in bad:
                    with self.subTest(user=user.name, target=target._name, domain=domain):
                        before = target.domain
                        with self.assertRaises(UserError):
                            target.with_user(user).domain = domain
                        self.assertEqual(target.domain, before)

    def test_paths(self):
        """No part of a source and no value leads through a user's secrets, messages or settings."""
        bad = {
            "user_field": (
                "user_id.log_ids.create_uid",
                "user_id.api_key_ids.user_id",
                "message_main_attachment_id.create_uid",
                "message_ids.create_uid",
            ),
            "date_field": (
                "user_id.log_ids.create_date",
                "user_id.password",
                "message_main_attachment_id.create_date",
            ),
            "partner_field": ("message_ids.author_id", "user_id.api_key_ids.user_id.partner_id"),
            "company_field": ("user_id.res_users_settings_id.user_id.company_id",),
        }
        values = (
            "user_id.password",
            "user_id.log_ids",
            "user_id.api_key_ids.id",
            "message_main_attachment_id.file_size",
            "@days_between:create_date:user_id.log_ids.create_date",
            "@days_between:create_date:message_main_attachment_id.create_date",
        )
        kpi = self.make_kpi("paths")
        for user in (self.ada, self.system):
            for part, paths in bad.items():
                for path in paths:
                    before = self.source[part]
                    with self.subTest(user=user.name, part=part, path=path):
                        with self.assertRaises(UserError):
                            self.source.with_user(user)[part] = path
                        self.assertEqual(self.source[part], before)
            for path in values:
                with self.subTest(user=user.name, path=path), self.assertRaises(UserError):
                    kpi.with_user(user).write(
                        {"aggregator": "max", "unit": "days", "value_field": path}
                    )
        self.assertEqual((kpi.aggregator, kpi.value_field), ("count", False))

    def test_values(self):
        orders = self.env["crm.kpi.source"].with_user(self.system).create(
            self.source_values(
                "orders",
                model_id=self.env["ir.model"]._get_id("sale.order"),
                date_field="date_order",
            )
        )  # fmt: skip
        kpi = self.make_kpi("orders", source_id=orders.id)
        for path in ("access_token", "partner_id.signup_type"):
            with self.subTest(path), self.assertRaises(UserError):
                kpi.with_user(self.system).write(
                    {"aggregator": "count_distinct", "value_field": path}
                )
        kpi.with_user(self.system).write(
            {"aggregator": "count_distinct", "value_field": "partner_id"}
        )


@tagged("post_install", "-at_install")
class TestOwnRules(MeasurableCase):
    """Previews, and the approval of sources."""

    def preview(self, user, kpi):
        """Value of March, and the number of records beside the filter."""
        preview = self.env["crm.kpi"].with_user(user).get_preview(kpi.id, {}, self.month.id)
        self.assertFalse(preview["error"])
        values = {point["label"]: point["value"] for point in preview["sparkline"]}
        return values[self.month.display_name], preview["count_text"]

    def test_preview(self):
        """Six leads: Ann has three, Olaf two, one is unassigned."""
        kpi = self.make_kpi("leads")
        amount = self.make_kpi(
            "amount", aggregator="sum", value_field="expected_revenue", unit="money"
        )
        double = self.make_kpi("double", kind="formula", formula="test_leads * 2")
        for user, count in ((self.ada, 6), (self.own, 3)):
            text = f"{count} in March 2026, {count} in all"
            self.assertEqual(self.preview(user, kpi), (count, text))
            self.assertEqual(self.preview(user, amount), (10 * count, text))
            self.assertEqual(self.preview(user, double)[0], 2 * count)
        preview = self.env["crm.kpi"].with_user(self.outside).get_preview(kpi.id, {})
        self.assertIn("not allowed", preview["error"])
        self.assertFalse(preview["sparkline"])

    def test_approval(self):
        """A source on more than its author may read has no values until it is approved."""
        sources = self.env["crm.kpi.source"]
        source = sources.with_user(self.own).create(self.source_values("own"))
        self.assertTrue(source.needs_approval)
        kpi = self.make_kpi("leads", source_id=source.id)
        self.kpis._refresh(self.month, kpi)
        self.assertIn("must approve it", kpi.last_error)
        self.assertFalse(self.cells(kpi, self.month))
        for user in (self.ann, self.own, self.ada):
            with self.assertRaises(AccessError):
                source.with_user(user).action_approve()
        for user in (self.own, self.ada, self.system):
            for values in ({"needs_approval": False}, {"approved_by_id": user.id}):
                with self.assertRaises(AccessError):
                    source.with_user(user).write(values)
                with self.assertRaises(AccessError):
                    sources.with_user(user).create(self.source_values("peep", **values))
        source.with_user(self.system).action_approve()
        self.assertEqual((source.needs_approval, source.approved_by_id), (False, self.system))
        self.kpis._refresh(self.month, kpi)
        self.assertFalse(kpi.last_error)
        self.assertEqual(self.value(kpi, self.month), 6)
        # a change of the definition has to be approved again, a change of the name has not
        source.with_user(self.own).name = "Other"
        self.assertEqual(source.approved_by_id, self.system)
        source.with_user(self.own).domain = "[('expected_revenue', '>', 5)]"
        self.assertEqual((source.needs_approval, source.approved_by_id.ids), (True, []))
        source.with_user(self.ada).domain = "[('expected_revenue', '>', 6)]"
        self.assertFalse(source.needs_approval)

    def test_no_approval_needed(self):
        """Authors who read all records; a system administrator approves by defining."""
        sources = self.env["crm.kpi.source"]
        made = sources.with_user(self.ada).create(self.source_values("ada"))
        self.assertEqual((made.needs_approval, made.approved_by_id.ids), (False, []))
        made = sources.with_user(self.system).create(self.source_values("sys"))
        self.assertEqual((made.needs_approval, made.approved_by_id), (False, self.system))
        copied = made.with_user(self.own).copy({"code": "test_copied"})
        self.assertEqual((copied.needs_approval, copied.approved_by_id.ids), (True, []))
        self.own.group_ids = [
            Command.link(self.env.ref("sales_team.group_sale_salesman_all_leads").id)
        ]
        copied.with_user(self.own).domain = "[('expected_revenue', '>', 5)]"
        self.assertFalse(copied.needs_approval)
