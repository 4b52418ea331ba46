# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Rights of each role, checked over HTTP as the web client and scripts use it."""

import json
from contextlib import suppress
from inspect import Parameter, signature

from odoo import fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tests import HttpCase, tagged

from .common import KpiCommon

DIMENSIONS = ("team_id", "user_id", "segment_id")
ROLES = ("portal", "ann", "all", "manager", "kpi_admin", "foreign")
READERS = ("ann", "all", "manager", "kpi_admin", "foreign")


class RemoteError(Exception):
    """An error answer of the server: name of the exception and its text."""


class RightsCase(KpiCommon, HttpCase):
    """Ann and Bob sell in the team North, Cid in South; one KPI per visibility."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.other_company = cls.env["res.company"].create({"name": "Elsewhere"})
        cls.env.user.company_ids |= cls.other_company
        cls.logins = {"ann": "kpi_ann"}
        for role, *groups in (
            ("all", "sales_team.group_sale_salesman_all_leads"),
            ("manager", "sales_team.group_sale_manager"),
            ("kpi_admin", "crm_kpi.group_kpi_admin", "sales_team.group_sale_manager"),
            ("foreign", "sales_team.group_sale_manager"),
            ("portal", "base.group_portal"),
        ):
            company = cls.other_company if role == "foreign" else cls.company
            user = cls.make_user(role, *groups, company=company)
            setattr(cls, role, user)
            cls.logins[role] = user.login
        cls.by_width = {
            width: cls.make_kpi(f"width_{width}", visibility=width, cross_levels=True)
            for width in ("own", "team", "company")
        }
        cls.amount = cls.make_kpi(
            "amount", aggregator="sum", value_field="expected_revenue", unit="money"
        )
        cls.withdrawn = cls.make_kpi("withdrawn")
        belgian = cls.env["res.partner"].create(
            {"name": "Customer", "country_id": cls.env.ref("base.be").id}
        )
        for user, team, revenue in (
            (cls.ann, cls.north, 100),
            (cls.ann, cls.north, 200),
            (cls.bob, cls.north, 1000),
            (cls.cid, cls.south, 5000),
        ):
            cls.make_lead(
                "2026-03-10 10:00:00",
                user_id=user.id,
                team_id=team.id,
                partner_id=belgian.id,
                expected_revenue=revenue,
            )
        cls.month = cls.period("month", "2026-03-10")
        cls.before = cls.period("month", "2026-02-10")
        kpis = cls.env["crm.kpi"].browse(
            [*(k.id for k in cls.by_width.values()), cls.amount.id, cls.withdrawn.id]
        )
        cls.goals = cls.env["crm.kpi.goal"].create(
            [
                {"kpi_id": kpi.id, "period_id": cls.month.id, "kind": "at_least", **scope}
                for kpi in cls.by_width.values()
                for scope in (
                    {"scope": "user", "user_id": cls.ann.id, "target": 4},
                    {"scope": "user", "user_id": cls.bob.id, "target": 7},
                    {"scope": "team", "team_id": cls.north.id, "target": 9},
                    {"scope": "team", "team_id": cls.south.id, "target": 8},
                    {"scope": "company", "target": 20},
                )
            ]
        )
        cls.env["crm.kpi"]._refresh(periods=cls.before | cls.month, kpis=kpis)
        cls.withdrawn.state = "draft"
        cls.mine = [("kpi_id.code", "=like", "test_%"), ("company_id", "=", cls.company.id)]
        cls.values = cls.env["crm.kpi.value"].search(cls.mine)
        cls.env["crm.kpi.restatement"].create(
            [
                {
                    "kpi_id": cell.kpi_id.id,
                    "period_id": cell.period_id.id,
                    "company_id": cell.company_id.id,
                    "level": cell.level,
                    **{name: cell[name].id for name in DIMENSIONS},
                    "value_locked": cell.value,
                    "value_now": 77,
                    "reason": "late",
                    "date": "2026-11-01 00:00:00",
                }
                for cell in cls.values
            ]
        )
        cls.env.flush_all()

    # --- ASKING FROM OUTSIDE ---

    def rpc(self, role, model, method, *args, **kwargs):
        """Result of a call over HTTP; raises :class:`RemoteError` if the server refuses."""
        if getattr(self, "_role", None) != role:
            self.authenticate(self.logins[role], self.logins[role])
            self._role = role
        response = self.url_open(
            "/web/dataset/call_kw",
            data=json.dumps(
                {
                    "params": {
                        "model": model,
                        "method": method,
                        "args": args,
                        "kwargs": kwargs,
                    }
                }
            ),
            headers={"Content-Type": "application/json"},
        )
        answer = response.json()
        if "error" in answer:
            data = answer["error"]["data"]
            raise RemoteError(data["name"].rpartition(".")[2], data["message"])
        return answer.get("result")

    def assert_refused(self, role, model, method, *args, error="AccessError", **kwargs):
        self.env.flush_all()
        with (
            self.subTest(role=role, model=model, method=method),
            self.assertLogs("odoo.http", "WARNING") as _logs,
            self.assertRaises(RemoteError) as caught,
        ):
            self.rpc(role, model, method, *args, **kwargs)
        self.assertEqual(
            caught.exception.args[0], error, (role, model, method, caught.exception.args)
        )

    def assert_same(self, before, model):
        self.env.invalidate_all()
        self.assertEqual(before, self.content(model))

    def content(self, model):
        """All rows of a table, to see that nothing changed."""
        self.env.flush_all()
        if not self.env[model]._auto:
            return None  # computed from other tables
        self.env.cr.execute(
            f'SELECT count(*), sum(hashtextextended(t::text, 0)) FROM "{self.env[model]._table}" t'
        )
        return self.env.cr.fetchone()

    def may_read(self, role, cell, level="level"):
        """The rule in plain Python."""
        if role in ("portal", "foreign"):
            return False
        if role in ("manager", "kpi_admin"):
            return True
        if cell.kpi_id.state != "published":
            return False
        if role == "all":
            return True
        match cell[level]:
            case "user" | "user_segment":
                return cell.user_id == self.ann
            case "team" | "team_segment":
                return cell.team_id == self.north and cell.kpi_id.visibility != "own"
        return cell.kpi_id.visibility == "company"


@tagged("post_install", "-at_install")
class TestReading(RightsCase):
    def test_cells_exist(self):
        """Without cells the tests below would prove nothing."""
        self.assertEqual(
            set(self.values.mapped("level")),
            {"company", "team", "user", "segment", "team_segment", "user_segment"},
        )
        self.assertEqual(self.withdrawn.state, "draft")
        self.assertTrue(self.values.filtered(lambda v: v.kpi_id == self.withdrawn))
        self.assertEqual(len(self.goals.filtered(lambda g: g.value is not False)), 15)

    def test_readable_cells(self):
        for role in READERS:
            for model, level in (
                ("crm.kpi.value", "level"),
                ("crm.kpi.restatement", "level"),
                ("crm.kpi.goal", "scope"),
            ):
                with self.subTest(role=role, model=model):
                    rows = self.env[model].search(self.mine)
                    expected = rows.filtered(
                        lambda row, r=role, level=level: self.may_read(r, row, level)
                    )
                    got = self.rpc(role, model, "search_read", self.mine, ["id"])
                    self.assertEqual({row["id"] for row in got}, set(expected.ids))
                    refused = (rows - expected)[:1].ids
                    if refused:
                        self.assert_refused(role, model, "read", refused, ["kpi_id"])
                        self.assert_refused(role, model, "web_read", refused, {"kpi_id": {}})

    def test_portal_and_outsiders_read_nothing(self):
        for model in (
            "crm.kpi",
            "crm.kpi.source",
            "crm.kpi.period",
            "crm.kpi.value",
            "crm.kpi.restatement",
            "crm.kpi.computation",
            "crm.kpi.goal",
            "crm.kpi.entry",
            "crm.kpi.segment.set",
            "crm.kpi.segment",
            "crm.kpi.segment.member",
            "crm.kpi.interaction",
            "crm.kpi.customer.period",
            "crm.kpi.dirty",
        ):
            self.assert_refused("portal", model, "search_read", [], ["id"])
        for model in ("crm.kpi.value", "crm.kpi.goal", "crm.kpi.period", "crm.kpi.restatement"):
            ids = self.env[model].search([("company_id", "=", self.company.id)]).ids
            self.assertTrue(ids)
            self.assertEqual(
                self.rpc("foreign", model, "search_count", [("id", "in", ids)]), 0, model
            )
            self.assert_refused("foreign", model, "read", ids[:1], ["display_name"])
            # users cannot choose a company that is not theirs either
            self.assert_refused(
                "foreign",
                model,
                "search_read",
                [("id", "in", ids)],
                ["id"],
                context={"allowed_company_ids": self.company.ids},
            )

    def test_kpi_of_another_company(self):
        kpi = self.make_kpi("elsewhere", company_id=self.other_company.id)
        self.env.flush_all()
        self.assertEqual(self.rpc("manager", "crm.kpi", "search_count", [("id", "=", kpi.id)]), 0)
        self.assertEqual(self.rpc("foreign", "crm.kpi", "search_count", [("id", "=", kpi.id)]), 1)

    def test_drafts(self):
        domain = [("id", "=", self.withdrawn.id)]
        for role, count in (("ann", 0), ("all", 0), ("manager", 1), ("kpi_admin", 1)):
            self.assertEqual(self.rpc(role, "crm.kpi", "search_count", domain), count, role)
        self.assert_refused("ann", "crm.kpi", "read", self.withdrawn.ids, ["formula"])
        self.assert_refused("all", "crm.kpi", "action_definition", self.withdrawn.ids)

    def test_no_other_access_to_cells_of_colleagues(self):
        """Groups, exports, names, related fields and domains on them reveal nothing."""
        own = self.by_width["own"]
        bobs = self.values.filtered(lambda v: v.user_id == self.bob)
        bobs_goals = self.goals.filtered(lambda g: g.user_id == self.bob)
        self.assertTrue(bobs and bobs_goals)
        domain = [("id", "in", bobs.ids)]
        count = self.rpc("ann", "crm.kpi.value", "search_count", domain)
        self.assertEqual(count, 0)
        groups = self.rpc(
            "ann",
            "crm.kpi.value",
            "formatted_read_group",
            [("kpi_id", "=", self.amount.id), ("period_id", "=", self.month.id)],
            ["level", "user_id"],
            ["value:sum", "__count"],
        )
        self.assertEqual(
            {g["user_id"][0]: g["value:sum"] for g in groups if g["level"] == "user"},
            {self.ann.id: 300.0},
        )
        result = self.rpc(
            "ann",
            "crm.kpi.value",
            "web_read_group",
            [("kpi_id", "=", own.id), ("level", "=", "user")],
            ["user_id"],
            ["record_count:sum"],
        )
        self.assertEqual([g["user_id"][0] for g in result["groups"]], [self.ann.id])
        sets = self.rpc(
            "ann",
            "crm.kpi.value",
            "formatted_read_grouping_sets",
            [("kpi_id", "=", own.id), ("level", "=", "user")],
            [["user_id"], []],
            ["value:sum"],
        )
        self.assertEqual([g["value:sum"] for g in sets[1]], [2.0])
        self.ann.group_ids |= self.env.ref("base.group_allow_export")
        self.env.flush_all()
        exported = self.rpc(
            "ann", "crm.kpi.value", "export_data", self.values.filtered(
                lambda v: v.user_id == self.ann and v.kpi_id == self.amount
            )[:1].ids, ["value_text"],
        )  # fmt: skip
        self.assertEqual(len(exported["datas"]), 1)
        self.assert_refused("ann", "crm.kpi.value", "export_data", bobs[:1].ids, ["value"])
        self.assert_refused(
            "ann",
            "crm.kpi.value",
            "web_read",
            bobs[:1].ids,
            {"goal_id": {"fields": {"target": {}, "display_name": {}}}},
        )
        for method in ("action_open_records", "action_definition"):
            self.assert_refused("ann", "crm.kpi.value", method, bobs[:1].ids)
        self.assert_refused("ann", "crm.kpi.goal", "action_open_records", bobs_goals[:1].ids)
        # through records that she may read
        for model, probe in (
            ("crm.kpi.value", [("goal_id", "in", bobs_goals.ids)]),
            ("crm.kpi.value", [("goal_id.target", "=", 7)]),
            ("crm.kpi.value", [("goal_id.user_id", "=", self.bob.id)]),
            ("crm.kpi.goal", [("target", "=", 7)]),
            ("crm.kpi.period", [("restatement_ids.user_id", "=", self.bob.id)]),
            ("crm.kpi.period", [("restatement_ids", "any", [("level", "=", "user"),
                                                            ("user_id", "=", self.cid.id)])]),
            ("crm.kpi", [("source_id.kpi_ids.state", "=", "draft")]),
            ("crm.kpi.source", [("kpi_ids", "any", [("state", "=", "draft")])]),
        ):  # fmt: skip
            with self.subTest(model=model, probe=probe):
                self.assertEqual(self.rpc("ann", model, "search_count", probe), 0)
        names = self.rpc("ann", "crm.kpi.value", "name_search", "Bob", limit=None)
        self.assertFalse({value_id for value_id, _name in names} & set(bobs.ids))
        # only readers of a goal can read its messages
        self.assertEqual(
            self.rpc(
                "ann",
                "mail.message",
                "search_count",
                [("model", "=", "crm.kpi.goal"), ("res_id", "in", bobs_goals.ids)],
            ),
            0,
        )

    def test_number_of_restatements(self):
        """The counter on a period counts what the reader may see."""
        lines = self.env["crm.kpi.restatement"].search([("period_id", "=", self.month.id)])
        expected = lines.filtered(lambda row: self.may_read("ann", row))
        self.assertTrue(0 < len(expected) < len(lines))
        [row] = self.rpc("ann", "crm.kpi.period", "read", self.month.ids, ["restatement_count"])
        self.assertEqual(row["restatement_count"], len(expected))

    def test_a_change_of_team_counts_at_once(self):
        cell = self.values.filtered(
            lambda v: (
                v.kpi_id == self.by_width["team"]
                and v.level == "team"
                and v.team_id == self.south
                and v.period_id == self.month
            )
        )
        self.assertEqual(len(cell), 1)
        domain = [("id", "=", cell.id)]
        self.assertEqual(self.rpc("ann", "crm.kpi.value", "search_count", domain), 0)
        member = self.env["crm.team.member"].search(
            [("user_id", "=", self.ann.id), ("crm_team_id", "=", self.north.id)]
        )
        member.active = False
        joined = self.env["crm.team.member"].create(
            {"user_id": self.ann.id, "crm_team_id": self.south.id}
        )
        self.env.flush_all()
        self.assertEqual(self.rpc("ann", "crm.kpi.value", "search_count", domain), 1)
        joined.active = False
        self.env.flush_all()
        self.assertEqual(self.rpc("ann", "crm.kpi.value", "search_count", domain), 0)
        # the leader of a team need not be a member
        self.south.user_id = self.ann
        self.env.flush_all()
        self.assertEqual(self.rpc("ann", "crm.kpi.value", "search_count", domain), 1)

    def test_drill_down_under_own_rights(self):
        company_cell = self.values.filtered(
            lambda v: (
                v.kpi_id == self.by_width["company"]
                and v.level == "company"
                and v.period_id == self.month
            )
        )
        action = self.rpc("ann", "crm.kpi.value", "action_open_records", company_cell.ids)
        leads = self.env["crm.lead"].search([("company_id", "=", self.company.id)])
        hers = leads.filtered(lambda lead: lead.user_id == self.ann)
        self.assertEqual(set(action["domain"][0][2]), set(hers.ids))
        self.assertIn("2 of 4", action["name"])
        action = self.rpc("manager", "crm.kpi.value", "action_open_records", company_cell.ids)
        self.assertEqual(set(action["domain"][0][2]), set(leads.ids))
        self.assertNotIn(" of 4", action["name"])

    def test_cards(self):
        """Users who read a cell can read the fields of its card."""
        names = [
            "value_text", "change_text", "change_signs", "previous_value", "elapsed_text",
            "as_of_text", "scope_name", "goal_status", "goal_status_text", "goal_target_text",
            "missing_text",
            "goal_attainment", "goal_attainment_text", "period_timing", "display_name",
        ]  # fmt: skip
        for role in ("ann", "all", "manager", "kpi_admin"):
            rows = self.rpc(role, "crm.kpi.value", "search_read", self.mine, names)
            self.assertTrue(rows)
            goal = [row for row in rows if row["goal_target_text"]]
            self.assertTrue(goal)


@tagged("post_install", "-at_install")
class TestWriting(RightsCase):
    def test_users_cannot_write_computed_rows(self):
        entry = {
            "crm.kpi.value": {"value": 99},
            "crm.kpi.computation": {"fingerprint": "x"},
            "crm.kpi.restatement": {"value_now": 1},
            "crm.kpi.segment.member": {"date_to": "2026-01-01"},
            "crm.kpi.dirty": {"res_id": 1},
            "crm.kpi.interaction": {"date": "2026-01-01 00:00:00"},
            "crm.kpi.customer.period": {"user_id": False},
            "crm.kpi.run": {"state": "done"},
        }
        for model, values in entry.items():
            before = self.content(model)
            row = self.env[model].sudo().search([], limit=1).ids or [1]
            for role in ROLES:
                self.assert_refused(role, model, "write", row, values)
                self.assert_refused(role, model, "create", [values])
                self.assert_refused(role, model, "web_save", [], values, specification={})
                self.assert_refused(role, model, "unlink", row)
            self.assert_same(before, model)

    def test_only_administrators_change_definitions(self):
        cases = {
            "crm.kpi": (self.amount, {"visibility": "company"}),
            "crm.kpi.source": (self.source, {"domain": "[]"}),
            "crm.kpi.category": (self.category, {"sequence": 3}),
            "crm.kpi.segment.set": (
                self.env["crm.kpi.segment.set"].search([], limit=1),
                {"name": "X"},
            ),
        }
        for model, (record, values) in cases.items():
            before = self.content(model)
            for role in ("portal", "ann", "all", "manager", "foreign"):
                self.assert_refused(role, model, "write", record.ids, values)
                self.assert_refused(role, model, "create", [values])
                self.assert_refused(role, model, "unlink", record.ids)
                if "active" in record._fields:
                    self.assert_refused(role, model, "action_archive", record.ids)
            self.assert_same(before, model)
            self.assertTrue(self.rpc("kpi_admin", model, "write", record.ids, values))

    def test_buttons_of_a_kpi(self):
        before = self.content("crm.kpi")
        for role in ("ann", "all", "manager", "foreign"):
            self.assert_refused(role, "crm.kpi", "action_draft", self.amount.ids)
            self.assert_refused(role, "crm.kpi", "action_publish", self.amount.ids)
            for method in ("get_preview", "open_preview"):
                self.assert_refused(role, "crm.kpi", method, self.amount.id, {})
            self.assert_refused(role, "crm.kpi", "action_publish_selected", self.amount.ids)
            self.assert_refused(role, "crm.kpi", "action_draft_selected", self.amount.ids)
            self.assert_refused(role, "crm.kpi", "action_original", self.amount.ids)
            self.assert_refused(role, "crm.kpi", "message_post", self.amount.ids, body="x")
        for role in ("portal", "ann", "all"):
            self.assert_refused(role, "crm.kpi", "action_refresh", self.amount.ids)
        self.assert_same(before, "crm.kpi")
        # the engine itself cannot be called at all
        for role in ("ann", "manager", "kpi_admin"):
            for method in ("_refresh", "_cron_refresh", "_open_cell_records"):
                self.assert_refused(role, "crm.kpi", method, [])
        self.rpc("manager", "crm.kpi", "action_refresh", self.amount.ids)
        preview = self.rpc("kpi_admin", "crm.kpi", "get_preview", self.amount.id, {})
        self.assertFalse(preview["error"])

    def test_schedule(self):
        cron = self.env.ref("crm_kpi.ir_cron_refresh")
        for role in ("ann", "all", "manager", "kpi_admin"):
            self.assert_refused(role, "ir.cron", "write", cron.ids, {"code": "1"})
        for role in ("portal", "ann", "all", "manager"):
            self.assert_refused(role, "crm.kpi.schedule", "create", [{}])
        wizard = self.rpc("kpi_admin", "crm.kpi.schedule", "create", [{"interval_number": 3}])
        self.rpc("kpi_admin", "crm.kpi.schedule", "action_save", wizard)
        self.env.invalidate_all()
        self.assertEqual((cron.interval_number, cron.interval_type), (3, "hours"))
        self.assertEqual(cron.code, "model._cron_refresh()")
        self.assertEqual(cron.user_id, self.env.ref("base.user_root"))

    def test_goals(self):
        goal = self.goals.filtered(lambda g: g.user_id == self.ann)[:1]
        values = {
            "kpi_id": self.amount.id,
            "period_id": self.month.id,
            "scope": "user",
            "user_id": self.ann.id,
            "kind": "at_least",
            "target": 1,
        }
        before = self.content("crm.kpi.goal")
        for role in ("portal", "ann", "all", "foreign"):
            self.assert_refused(role, "crm.kpi.goal", "write", goal.ids, {"target": 1})
            self.assert_refused(role, "crm.kpi.goal", "unlink", goal.ids)
            self.assert_refused(role, "crm.kpi.goal", "action_archive", goal.ids)
        for role in ("portal", "ann", "all"):
            self.assert_refused(role, "crm.kpi.goal", "create", [values])
            self.assert_refused(role, "crm.kpi.goal.set", "create", [{}])
        for column, value in (
            ("value", 9), ("status", "achieved"), ("attainment", 2), ("record_count", 4),
            ("projected", 5), ("baseline", 1), ("counter_missed", False),
        ):  # fmt: skip
            for role in ("manager", "kpi_admin"):
                self.assert_refused(role, "crm.kpi.goal", "write", goal.ids, {column: value})
                self.assert_refused(role, "crm.kpi.goal", "create", [{**values, column: value}])
        self.assert_same(before, "crm.kpi.goal")
        # nor through defaults
        [goal_id] = self.rpc(
            "manager",
            "crm.kpi.goal",
            "create",
            [values],
            context={"default_status": "achieved", "default_value": 1e6, "default_n": 9},
        )
        made = self.env["crm.kpi.goal"].browse(goal_id)
        self.assertNotEqual(made.value, 1e6)
        self.assertEqual(made.value, 300.0)

    def test_periods(self):
        period = self.month
        before = self.content("crm.kpi.period")
        self.assert_refused("foreign", "crm.kpi.period", "action_lock", period.ids)
        self.assert_refused("foreign", "crm.kpi.period", "write", period.ids, {"kind": "day"})
        for role in ("portal", "ann", "all"):
            self.assert_refused(role, "crm.kpi.period", "action_lock", period.ids)
            self.assert_refused(role, "crm.kpi.period", "action_unlock", period.ids)
            self.assert_refused(role, "crm.kpi.period", "write", period.ids, {"kind": "day"})
            self.assert_refused(
                role,
                "crm.kpi.period",
                "create",
                [{"date_from": "2026-01-05", "date_to": "2026-02-05"}],
            )
        for role in ("ann", "manager"):
            self.assert_refused(role, "crm.kpi.period", "unlink", period.ids)
        for column, value in (
            ("state", "open"),
            ("unlocked", True),
            ("utc_from", "2020-01-01 00:00:00"),
            ("utc_to", "2030-01-01 00:00:00"),
            ("name", "x"),
        ):
            for role in ("manager", "kpi_admin"):
                self.assert_refused(role, "crm.kpi.period", "write", period.ids, {column: value})
                self.assert_refused(
                    role,
                    "crm.kpi.period",
                    "create",
                    [{"date_from": "2026-01-05", "date_to": "2026-02-05", column: value}],
                )
        for column, value in (("date_to", "2026-05-01"), ("company_id", self.company.id)):
            self.assert_refused(
                "manager", "crm.kpi.period", "write", period.ids, {column: value},
                error="UserError",
            )  # fmt: skip
        self.assert_same(before, "crm.kpi.period")
        created = self.rpc(
            "manager",
            "crm.kpi.period",
            "create",
            [{"date_from": "2026-01-05", "date_to": "2026-02-05"}],
            context={"default_state": "open", "default_utc_from": "2000-01-01 00:00:00"},
        )
        custom = self.env["crm.kpi.period"].browse(created)
        self.assertEqual(custom.kind, "custom")
        self.assertEqual(str(custom.utc_from), "2026-01-04 23:00:00")
        self.assertNotIn(custom.state, ("open", "future"))
        self.rpc("manager", "crm.kpi.period", "action_unlock", custom.ids)
        self.env.invalidate_all()
        self.assertEqual(custom.state, "provisional")
        self.rpc("manager", "crm.kpi.period", "write", custom.ids, {"date_to": "2026-02-10"})
        self.rpc("manager", "crm.kpi.period", "action_lock", custom.ids)
        self.env.invalidate_all()
        self.assertEqual(custom.state, "locked")
        self.assert_refused(
            "manager", "crm.kpi.period", "write", custom.ids, {"date_to": "2026-03-10"},
            error="UserError",
        )  # fmt: skip

    def test_stamps(self):
        """Stamps are protected against write, saving a form, create and import."""
        lead = self.make_lead("2026-03-10 10:00:00", user_id=self.ann.id, team_id=self.north.id)
        order = self.env["sale.order"].create(
            {
                "partner_id": self.env["res.partner"].create({"name": "Buyer"}).id,
                "user_id": self.ann.id,
                "company_id": self.company.id,
                "order_line": [
                    fields.Command.create(
                        {
                            "product_id": self.env["product.product"]
                            .create({"name": "Desk", "list_price": 100})
                            .id
                        }
                    )
                ],
            }
        )
        needed = {
            "crm.lead": {"name": "Lead"},
            "sale.order": {"partner_id": order.partner_id.id},
            "sale.order.line": {"order_id": order.id, "name": "Chair"},
        }
        for record in (lead, order, order.order_line):
            model = record._name
            names = sorted(record._kpi_protected_fields())
            self.assertTrue(names)
            before = self.content(model)
            for name in names:
                for role in ("ann", "manager"):
                    self.assert_refused(role, model, "write", record.ids, {name: False})
            stamp = {names[0]: False}
            for role in ROLES:
                self.assert_refused(role, model, "write", record.ids, stamp)
                self.assert_refused(role, model, "web_save", record.ids, stamp, specification={})
                self.assert_refused(role, model, "create", [{**needed[model], **stamp}])
            self.assert_same(before, model)
        # an import reports its errors line by line
        before = self.content("crm.lead")
        for role in ("ann", "manager", "kpi_admin"):
            result = self.rpc(
                role,
                "crm.lead",
                "load",
                ["name", "kpi_won_date"],
                [["Imported", "2026-03-01 10:00:00"]],
            )
            self.assertFalse(result["ids"])
            self.assertIn("kpi_won_date", result["messages"][0]["message"])
        self.assert_same(before, "crm.lead")


@tagged("post_install", "-at_install")
class TestCardQueries(KpiCommon):
    def test_constant_number_of_queries(self):
        """The number of queries does not depend on the number of cards or their content."""
        month, before = self.period("month", "2026-03-10"), self.period("month", "2026-02-10")
        kpis = [self.make_kpi(f"many_{index}") for index in range(6)]
        for user in (self.ann, self.bob, self.cid):
            for day in ("2026-02-10 10:00:00", "2026-03-10 10:00:00"):
                self.make_lead(day, user_id=user.id, team_id=self.north.id)
        self.env["crm.kpi.goal"].create(
            [
                {
                    "kpi_id": kpi.id,
                    "period_id": month.id,
                    "scope": "user",
                    "user_id": user.id,
                    "kind": "at_least",
                    "target": 4,
                }
                for kpi in kpis
                for user in (self.ann, self.bob, self.cid)
            ]
        )
        chosen = self.env["crm.kpi"].browse([kpi.id for kpi in kpis])
        self.env["crm.kpi"]._refresh(periods=before | month, kpis=chosen)
        domain = [("kpi_id", "in", chosen.ids), ("period_id", "=", month.id)]
        manager = self.make_user("Mia", "sales_team.group_sale_manager")
        self.env.flush_all()
        view = self.env.ref("crm_kpi.crm_kpi_value_view_kanban")
        arch = self.env["crm.kpi.value"].get_view(view.id)
        # the last two are read for the widgets of the view
        names = [*arch["models"]["crm.kpi.value"], "change_signs", "missing_text"]
        specification = {
            name: {"fields": {"display_name": {}}}
            if self.env["crm.kpi.value"]._fields[name].type == "many2one"
            else {}
            for name in names
        }

        def queries(limit):
            self.env.invalidate_all()
            values = self.env["crm.kpi.value"].with_user(manager)
            start = self.env.cr.sql_log_count
            rows = values.web_search_read(domain, specification, limit=limit)["records"]
            self.assertEqual(len(rows), limit)
            self.assertTrue(any(row["change_text"] for row in rows))
            return self.env.cr.sql_log_count - start

        queries(20)  # fills the caches of the registry
        few, many = queries(4), queries(24)
        self.assertLessEqual(many, few + 2)
        self.assertLess(many, 60)


@tagged("post_install", "-at_install")
class TestKpisOfGroups(RightsCase):
    """KPIs for members of a group only, such as financial ones for accountants."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.group = cls.env["res.groups"].create({"name": "Accountants"})
        cls.insiders = cls.env["res.groups"].create(
            {"name": "Auditors", "implied_ids": [fields.Command.link(cls.group.id)]}
        )
        cls.closed = cls.by_width["company"]
        cls.formula = cls.make_kpi("twice", kind="formula", formula=f"{cls.closed.code} * 2")
        cls.closed.group_ids = cls.group
        cls.manual = cls.make_kpi(
            "budget", kind="manual", aggregator="sum", group_ids=[fields.Command.set(cls.group.ids)]
        )
        cls.entry = cls.env["crm.kpi.entry"].create(
            {
                "kpi_id": cls.manual.id,
                "company_id": cls.company.id,
                "user_id": cls.ann.id,
                "date_from": "2026-03-01",
                "date_to": "2026-03-31",
                "value": 5,
            }
        )
        cls.env.flush_all()

    def ids(self, role, model):
        domain = [("kpi_id", "in", (self.closed | self.manual).ids)]
        if model == "crm.kpi":
            domain = [("id", "in", self.closed.ids)]
        return set(self.rpc(role, model, "search", domain))

    def test_only_members_read_the_figures(self):
        models = ("crm.kpi.value", "crm.kpi.goal", "crm.kpi.restatement", "crm.kpi.entry")
        for role in ("ann", "all", "manager", "kpi_admin"):
            for model in models:
                self.assertEqual(self.ids(role, model), set(), (role, model))
                row = self.env[model].search([("kpi_id", "in", (self.closed | self.manual).ids)])
                self.assertTrue(row)
                self.assert_refused(role, model, "read", row[:1].ids, ["kpi_id"])
            groups = self.rpc(
                role, "crm.kpi.value", "formatted_read_group",
                [("period_id", "=", self.month.id)], ["kpi_id"], ["value:sum"],
            )  # fmt: skip
            self.assertNotIn(self.closed.id, [group["kpi_id"][0] for group in groups])
        # the rights of other users on open KPIs stay
        self.assertTrue(self.rpc("ann", "crm.kpi.value", "search_count", self.mine))
        # a member reads what the other rules allow, also through an implied group
        for role, group in (("ann", self.group), ("kpi_admin", self.insiders)):
            getattr(self, role).group_ids |= group
            self.env.flush_all()
            for model, level in (
                ("crm.kpi.value", "level"),
                ("crm.kpi.restatement", "level"),
                ("crm.kpi.goal", "scope"),
            ):
                rows = self.env[model].search([("kpi_id", "=", self.closed.id)])
                expected = rows.filtered(
                    lambda row, r=role, level=level: self.may_read(r, row, level)
                )
                self.assertEqual(self.ids(role, model), set(expected.ids), (role, model))
            self.assertEqual(self.ids(role, "crm.kpi.entry"), set(self.entry.ids))

    def test_definitions(self):
        for role in ("ann", "all", "manager"):
            self.assertEqual(self.ids(role, "crm.kpi"), set(), role)
            self.assert_refused(role, "crm.kpi", "read", self.closed.ids, ["name"])
            self.assert_refused(role, "crm.kpi", "action_definition", self.closed.ids)
        # administrators see the KPI, but cannot give themselves access
        self.assertEqual(self.ids("kpi_admin", "crm.kpi"), set(self.closed.ids))
        for values in ({"group_ids": [(5,)]}, {"domain": "[]"}, {"name": "X"}):
            self.assert_refused("kpi_admin", "crm.kpi", "write", self.closed.ids, values)
        self.assert_refused("kpi_admin", "crm.kpi", "unlink", self.closed.ids)
        self.assert_refused("kpi_admin", "crm.kpi", "action_draft", self.closed.ids)
        self.kpi_admin.group_ids |= self.group
        self.env.flush_all()
        self.assertTrue(
            self.rpc("kpi_admin", "crm.kpi", "write", self.closed.ids, {"group_ids": [(5,)]})
        )
        self.assertTrue(self.ids("ann", "crm.kpi.value"))

    def test_no_access_through_other_records(self):
        """Previews, formulas and goals reveal nothing to an administrator."""
        for kpi, values in (
            (self.closed, {}),
            (self.formula, {}),
            (self.kpis, {"kind": "formula", "formula": f"{self.closed.code} * 1"}),
        ):
            preview = self.rpc("kpi_admin", "crm.kpi", "get_preview", kpi.id, values)
            self.assertTrue(preview["error"], kpi.code)
            self.assertFalse(preview["periods"] + preview["components"])
        self.assert_refused("kpi_admin", "crm.kpi", "open_preview", self.closed.id, {})
        definition = {
            "name": "Peep",
            "code": "test_peep",
            "category_id": self.category.id,
            "kind": "formula",
            "formula": f"{self.closed.code} * 1",
        }
        self.assert_refused(
            "kpi_admin", "crm.kpi", "create", [definition], error="ValidationError"
        )  # fmt: skip
        goal = {
            "kpi_id": self.closed.id,
            "period_id": self.before.id,
            "scope": "company",
            "kind": "at_least",
            "target": 1,
        }
        for role in ("manager", "kpi_admin"):
            self.assert_refused(role, "crm.kpi.goal", "create", [goal])
        self.assert_refused("kpi_admin", "crm.kpi", "copy", self.closed.ids)
        # a member may define KPIs on it and open them to other users
        self.kpi_admin.group_ids |= self.group
        self.env.flush_all()
        self.assertTrue(self.rpc("kpi_admin", "crm.kpi", "create", [definition]))

    def test_name_of_a_closed_kpi_on_a_card(self):
        """Many2one fields show the name of a record that the reader may not open."""
        board = self.env["crm.kpi.board"].create(
            {
                "name": "Shared",
                "user_id": False,
                "card_ids": [(0, 0, {"kpi_id": kpi.id}) for kpi in self.closed | self.amount],
            }
        )
        domain = [("board_id", "=", board.id)]
        card = board.card_ids.filtered(lambda card: card.kpi_id == self.closed)
        for role in ("ann", "manager"):
            rows = self.rpc(role, "crm.kpi.board.card", "search_read", domain, ["kpi_id"])
            self.assertEqual([row["kpi_id"][0] for row in rows], self.amount.ids, role)
            self.assert_refused(role, "crm.kpi.board.card", "read", card.ids, ["display_name"])
            groups = self.rpc(
                role, "crm.kpi.board.card", "formatted_read_group", domain, ["kpi_id"], ["__count"]
            )
            self.assertNotIn(self.closed.name, str(groups))
        # a change by a manager keeps the card, after the others
        self.rpc(
            "manager", "crm.kpi.board", "save_layout", board.ids,
            [{"kpi_id": self.amount.id, "size": "2"}],
        )  # fmt: skip
        self.env.invalidate_all()
        self.assertEqual(board.card_ids.sorted().kpi_id, self.amount | self.closed)
        self.assertEqual(board.card_ids.sorted().kpi_id.ids, [self.amount.id, self.closed.id])


@tagged("post_install", "-at_install")
class TestCalls(RightsCase):
    """Calls that no screen makes."""

    def our_models(self):
        return [
            model
            for model in self.env.registry.values()
            if model._name.startswith("crm.kpi") and not model._abstract
        ]

    def test_wizards_of_others(self):
        """Each wizard belongs to the user who opened it, also for administrators."""
        wizards = [model for model in self.our_models() if model._transient]
        self.assertGreaterEqual(len(wizards), 8)
        for model in wizards:
            rules = self.env["ir.rule"].search([("model_id.model", "=", model._name)])
            domains = [rule.domain_force for rule in rules if rule["global"]]
            self.assertIn("[('create_uid', '=', user.id)]", domains, model._name)
        goal_set = self.rpc("manager", "crm.kpi.goal.set", "create", [{"kpi_id": self.amount.id}])
        choice = self.rpc("ann", "crm.kpi.choose", "create", [{}])
        for role, name, wizard in (
            ("kpi_admin", "crm.kpi.goal.set", goal_set),
            ("kpi_admin", "crm.kpi.choose", choice),
            ("all", "crm.kpi.choose", choice),
        ):
            self.assertEqual(self.rpc(role, name, "search", [("id", "in", wizard)]), [])
            self.assert_refused(role, name, "read", wizard, ["display_name"])
            self.assert_refused(role, name, "write", wizard, {})
            self.assert_refused(role, name, "unlink", wizard)
        self.assertTrue(self.rpc("manager", "crm.kpi.goal.set", "read", goal_set, ["kpi_id"]))

    def test_portal_calls_nothing(self):
        """No method of our models does anything for a user of the portal, with a record or not."""
        triggers = self.env["ir.cron.trigger"].search_count([])
        called, accepted = 0, set()
        for model in self.our_models():
            names = {
                name
                for base in model.mro()
                if base.__module__.startswith("odoo.addons.crm_kpi")
                for name, value in vars(base).items()
                if callable(value) and not name.startswith("_") and not hasattr(models.Model, name)
            }
            for name in sorted(names):
                method = getattr(model, name)
                needed = [
                    parameter
                    for parameter in list(signature(method).parameters.values())[1:]
                    if parameter.default is Parameter.empty
                    and parameter.kind is Parameter.POSITIONAL_OR_KEYWORD
                ]
                for ids in ([], [1]):
                    records = self.env[model._name].with_user(self.portal).browse(ids)
                    try:
                        with self.env.cr.savepoint():
                            getattr(records, name)(*(1 for _parameter in needed))
                    except (AccessError, UserError):
                        continue
                    except ValueError as error:
                        # a button of one record, pressed without a record
                        self.assertIn("singleton", str(error), (model._name, name))
                    else:
                        if ids:
                            accepted.add((model._name, name))
                    finally:
                        called += 1
        self.assertGreater(called, 50)
        # how far the history is: all users may know it
        self.assertEqual(accepted, {("crm.kpi.value", "get_empty_list_help")})
        self.assertEqual(self.env["ir.cron.trigger"].search_count([]), triggers)
        self.assert_refused("portal", "crm.kpi.mailing", "action_send", [])

    def test_crafted_filters(self):
        """Whatever is sent instead of filters and ids: an answer or a refusal, never an error."""
        board = self.env["crm.kpi.board"].create({"name": "Mine", "user_id": self.ann.id})
        huge = 2**31, 2**63, 10**30, -1, 0, "9" * 5000, "\u0661", "x", True, 1.5, [1], {"a": 1}
        filters = [
            *({name: value} for name in ("team_id", "user_id", "segment_id", "segment_set_id",
                                         "company_id") for value in huge),
            *({"date": day, "period_kind": kind}
              for day in ("0001-01-01", "9999-12-31", "9998-12-31", "2026-02-30", "\x00", "last")
              for kind in ("day", "week", "month", "quarter", "year", "fiscal_year", "custom")),
            *({"date": one, "date_to": two, "period_kind": "custom"}
              for one, two in (("0001-01-01", "0001-01-02"), ("9999-12-30", "9999-12-31"),
                               ("2026-03-02", "2026-03-01"), ("\x00", "\ud800"))),
            *({name: "\x00"} for name in ("period_kind", "comparison", "scope", "date_to")),
            None, [], "x", 5, {"scope": {"a": []}}, {"scope": "team", "team_id": 2**40},
        ]  # fmt: skip
        boards = self.env["crm.kpi.board"].with_user(self.ann)
        calls = [
            *(("get_board", (board.id, chosen)) for chosen in filters),
            *(("get_detail", (self.amount.id, chosen)) for chosen in filters),
            *((name, (self.amount.id, chosen))
              for name in ("get_explanation", "get_leaderboard", "open_records")
              for chosen in filters[::7]),
            *((name, (value, {})) for value in (*huge, None)
              for name in ("get_detail", "get_explanation", "get_leaderboard", "open_records",
                           "get_board", "prepare_period")),
            *(("open_part", (self.amount.id, {}, *part)) for value in (*huge, None)
              for part in ((value, 1, "all"), (self.amount.id, value, "all"),
                           (self.amount.id, 1, value))),
            *(("prepare_period", (board.id, chosen)) for chosen in (None, [], "x", {},
              {"date": "9999-12-31", "date_to": "9999-12-31"},
              {"date": "2026-03-02", "date_to": "2026-03-01"})),
        ]  # fmt: skip
        for name, args in calls:
            with (
                self.subTest(call=name, args=str(args)[:200]),
                self.env.cr.savepoint(),
                suppress(AccessError, UserError),
            ):
                getattr(boards, name)(*args)
