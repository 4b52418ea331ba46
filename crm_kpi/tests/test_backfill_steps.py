# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A long history is read in sets; after an interruption, it continues where it stopped."""

import logging
from unittest.mock import patch

import psycopg2.errors

from odoo.exceptions import UserError
from odoo.tests import tagged
from odoo.tools import SQL

from .. import hooks
from ..models.derived import crm_kpi_fact_mixin
from ..refresh import backfill, planner
from ..refresh.refresh import NEXT_STEP
from ..sql import Derived
from .common_history import utc
from .test_backfill import LEAD_FACTS, ORDER_FACTS, BackfillCase

LOGGER = "odoo.addons.crm_kpi.refresh.backfill"
SET = 3


class Killed(BaseException):
    """The server was killed."""


@tagged("post_install", "-at_install")
class TestSteps(BackfillCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.work = cls.env["crm.kpi.backfill"]
        for module in (backfill, crm_kpi_fact_mixin):
            cls.startClassPatcher(patch.object(module, "BATCH", SET))
        # the database may already have a history
        cls.before = {
            model: cls.env[model].with_context(active_test=False).search([]).ids
            for model in ("crm.lead", "sale.order")
        }

    def _history(self):
        """Leads and orders with their changes and messages."""
        self.customers = [self._customer(f"C{n}") for n in range(4)]
        with self.at("2026-01-05 08:00:07"):
            leads = self.env["crm.lead"].concat(
                *(
                    self._lead(
                        name=f"Lead {n}",
                        type="lead" if n % 2 else "opportunity",
                        expected_revenue=100 * n,
                        partner_id=self.customers[n % 4].id,
                        user_id=(self.ann if n % 3 else self.bob).id,
                    )
                    for n in range(10)
                )
            )
        with self.at("2026-01-09 10:00"):
            for lead in leads[:6]:
                lead.with_user(self.ann).message_post(
                    body="Hello", message_type="comment", subtype_xmlid="mail.mt_comment"
                )
        with self.at("2026-01-15 09:00"):
            leads[1].convert_opportunity(self.customers[1])
            leads[:3].action_set_won()
            leads[4].action_set_lost()
        orders = self.env["sale.order"].concat(
            *(self._order(self.customers[n % 3], f"2026-0{n + 2}-03", 100 + n) for n in range(7))
        )
        self.env.flush_all()
        return leads, orders

    def _content(self, leads, orders):
        self.env.invalidate_all()
        said = self.env["crm.kpi.interaction"].search(
            [("res_id", "in", leads.ids)], order="message_id"
        )
        known = self.env["crm.kpi.customer"].search(
            [("partner_id", "in", [c.id for c in self.customers])], order="partner_id"
        )
        return [
            self._facts(leads, [*LEAD_FACTS, "kpi_attempt_count", "kpi_first_attempt_date"]),
            self._facts(orders, ORDER_FACTS),
            said.mapped(lambda i: (i.message_id.id, i.date, i.channel, i.user_id.id, i.is_attempt)),
            known.mapped(lambda k: (k.partner_id.id, k.order_count, k.ltv_to_date, k.rfm_class)),
        ]

    def _forget_all(self, leads, orders):
        self.work._forget(leads.with_context(active_test=False))
        self.work._forget(orders)
        self.env.cr.execute("DELETE FROM crm_kpi_interaction WHERE res_id = ANY(%s)", [leads.ids])
        self.env.cr.execute(
            "DELETE FROM crm_kpi_customer WHERE partner_id = ANY(%s)",
            [[customer.id for customer in self.customers]],
        )
        self.env["crm.kpi.dirty"]._write_marks()
        self.env.cr.execute("DELETE FROM crm_kpi_dirty")
        self.env.invalidate_all()

    def _begin(self):
        """Start the back-fill as for a long history."""
        with patch.object(backfill, "AT_ONCE", 0):
            hooks.post_init_hook(self.env)
        self.assertTrue(self.work._is_pending())

    def _work(self, kill_after=None):
        """Continue, with a commit (here, a savepoint) after every set, until done or killed.

        :return: the progress after each set
        """
        seen = []
        kept = self.env.cr.savepoint()

        def between():
            nonlocal kept
            self.env.flush_all()
            kept.close(rollback=False)
            kept = self.env.cr.savepoint()
            seen.append(self.work.search([], limit=1).read(["name", "done", "total"])[0])
            return True

        advance = backfill.BackfillPart.advance

        def killed_midway(part):
            result = advance(part)
            if kill_after is not None and len(seen) >= kill_after:
                raise Killed
            return result

        with patch.object(backfill.BackfillPart, "advance", killed_midway):
            try:
                self.assertTrue(self.work._continue(between))
                kept.close(rollback=False)
            except Killed:
                kept.close(rollback=True)
                self.env.invalidate_all()
        return seen

    def test_interrupted_equals_uninterrupted(self):
        leads, orders = self._history()
        self._forget_all(leads, orders)
        with self.assertLogs(LOGGER, logging.INFO):
            hooks.post_init_hook(self.env)  # a short history is read in one step
        self.assertFalse(self.work._is_pending())
        expected = self._content(leads, orders)
        self.assertTrue(all(expected))
        self.assertTrue(any(value for value in expected[0].values()))
        for kill_after in (0, 1, 4):
            self._forget_all(leads, orders)
            self._begin()
            kills, seen = 0, []
            while self.work._is_pending():
                # each run is killed later than the one before, so that the back-fill completes
                seen += self._work(kill_after=kill_after + kills)
                kills += 1
                self.assertLess(kills, 100)
            self.assertGreater(kills, 3)
            self.assertEqual(self._content(leads, orders), expected)
            # no set was done twice: the progress only grows, up to the total
            for name in ("leads", "orders"):
                done = [part["done"] for part in seen if part["name"] == name]
                [total] = {part["total"] for part in seen if part["name"] == name}
                self.assertEqual(done, sorted(set(done)))
                self.assertEqual(done[-1], total)
                table = "crm_lead" if name == "leads" else "sale_order"
                self.env.cr.execute(f"SELECT count(*) FROM {table}")
                self.assertEqual(total, self.env.cr.fetchone()[0])

    def _updates(self, table):
        """Number of row versions that this transaction has written over others."""
        self.env.cr.execute(
            "SELECT n_tup_upd FROM pg_stat_xact_user_tables WHERE relname = %s", [table]
        )
        [[updates]] = self.env.cr.fetchall()
        return updates

    def test_one_update_for_stamps_and_one_for_facts(self):
        leads, orders = self._history()
        self._forget_all(leads, orders)
        self._begin()
        tables = {"crm_lead": leads, "sale_order": orders}
        before = {table: self._updates(table) for table in tables}
        self._work()
        for table, records in tables.items():
            self.assertEqual(self._updates(table) - before[table], 2 * len(records), table)
        self.assertFalse(self.env["crm.kpi.dirty"].search([]), "all is derived")
        # a second back-fill finds nothing to change
        before = {table: self._updates(table) for table in tables}
        self._begin()
        self._work()
        for table in tables:
            self.assertEqual(self._updates(table), before[table], table)

    def test_history_of_a_customer_is_derived_once(self):
        """A set holds all orders of its customers; each order is in one set."""
        leads, orders = self._history()
        self._forget_all(leads, orders)
        self._begin()
        sets = []
        derive = type(self.env["sale.order"])._kpi_derive_records

        def noted(model, ids):
            sets.append(ids)
            return derive(model, ids)

        with patch.object(self.env.registry["sale.order"], "_kpi_derive_records", noted):
            self._work()
        self.assertGreater(len(sets), 1)
        all_orders = self.env["sale.order"].with_context(active_test=False).search([])
        self.assertEqual(sorted(id_ for ids in sets for id_ in ids), sorted(all_orders.ids))
        for customer in self.customers:
            own = set(orders.filtered(lambda o, c=customer: o.partner_id == c).ids)
            self.assertIn(len([ids for ids in sets if own.intersection(ids)]), (0, 1))

    def test_a_query_without_a_record_keeps_its_values(self):
        _leads, orders = self._history()
        first, second = orders[:2]
        self.env["sale.order"]._kpi_derive()
        (first | second)._kpi_stamp({"kpi_order_no": 5, "kpi_product_count": 6})
        self.env.flush_all()

        def derived(name, record, value):
            return Derived(
                [name], SQL("SELECT %s AS id, %s AS %s", record.id, value, SQL.identifier(name))
            )

        changed = self.env["sale.order"]._kpi_update_all(
            {
                "numbers": derived("kpi_order_no", first, 7),
                "counts": derived("kpi_product_count", second, 8),
            }
        )
        self.env.invalidate_all()
        self.assertEqual(sorted(changed), sorted((first | second).ids))
        self.assertEqual((first.kpi_order_no, first.kpi_product_count), (7, 6))
        self.assertEqual((second.kpi_order_no, second.kpi_product_count), (5, 8))

    def test_large_sets_are_planned_without_statistics(self):
        self._history()
        settings = []
        derive = type(self.env["sale.order"])._kpi_derive_records

        def noted(model, ids):
            self.env.cr.execute("SHOW enable_nestloop")
            settings.extend(self.env.cr.fetchone())
            return derive(model, ids)

        with patch.object(self.env.registry["sale.order"], "_kpi_derive_records", noted):
            with patch.object(planner, "MANY", 1):
                self.env["sale.order"]._kpi_derive()
            self.assertEqual(set(settings), {"off"})
            settings.clear()
            self.env["sale.order"]._kpi_mark_all_dirty()
            self.env["sale.order"]._kpi_derive()
            self.assertEqual(set(settings), {"on"})

    def test_progress_in_words(self):
        self._history()
        self.assertEqual(self.work._progress_text(), "")
        self._begin()
        [part] = self.work.search([("name", "=", "orders")])
        self.assertIn(f"0 of {part.total:,} orders; then leads", self.work._progress_text())
        self.work._continue(lambda: False)
        self.env.cr.execute(
            "SELECT count(*) FROM sale_order WHERE id < (SELECT min(id) FROM sale_order) + %s",
            [SET],
        )
        [[done]] = self.env.cr.fetchall()
        self.assertIn(f"{done} of {part.total:,} orders", self.work._progress_text())
        # shown where values are missing, and in the settings
        values = self.env["crm.kpi.value"].with_user(self.ann)
        self.assertIn(f"{done} of", values.get_empty_list_help("<p>No figures</p>"))
        self.assertIn("leads", self.env["crm.kpi.schedule"].create({}).history_text)
        self.assertIn("leads", self.env["crm.kpi.settings"].create({}).history_text)

    def test_refresh_waits(self):
        self._history()
        self._begin()
        kpis = self.env.ref("crm_kpi.crm_kpi_new_leads")
        with self.assertLogs("odoo.addons.crm_kpi.refresh.refresh", "WARNING"):
            written = self.env["crm.kpi"]._refresh(kpis=kpis)
        self.assertEqual(written, 0)
        self.assertIn("leads", str(written.skipped))
        with self.assertRaises(UserError):
            kpis.action_refresh()
        self.env.flush_all()
        for _turn in range(100):
            # as the scheduler does, because a run ends after ten seconds
            with self.enter_registry_test_mode():
                self.env.ref("crm_kpi.ir_cron_refresh").method_direct_trigger()
            self.env.invalidate_all()
            left = self.env["ir.config_parameter"].get_param(NEXT_STEP)
            if not left and not self.work._is_pending():
                break
        self.assertFalse(self.work._is_pending())
        self.assertTrue(
            self.env["crm.kpi.value"].search_count(
                [("company_id", "=", self.company.id), ("kpi_id", "=", kpis.id)]
            )
        )
        self.assertEqual(
            self.env["crm.kpi.value"].get_empty_list_help("<p>No figures</p>"), "<p>No figures</p>"
        )

    def test_changes_before_the_record_is_filled(self):
        """Records changed before their back-fill get the same stamps as live records."""
        leads, orders = self._history()
        with self.at("2026-08-20 08:00"):
            quotation = self._order(self.customers[3], "2026-08-20", 50, state="draft")
        for model in ("sale.order", "crm.lead"):
            self.env[model]._kpi_derive()
        lived = self._content(leads, orders)
        self._forget_all(leads, orders)
        self.work._forget(quotation)
        self._begin()
        with self.at("2026-09-01 09:00"):
            leads[3].convert_opportunity(self.customers[3])
            leads[5].convert_opportunity(self.customers[1])
            leads[5].action_set_won()
            leads[6].action_set_won()
            leads[7].action_set_lost()
            leads[0].name = "Renamed"
            orders[0].client_order_ref = "X"
            quotation.user_id = self.ann
            quotation.action_confirm()
        owner = leads[6].user_id
        with self.at("2026-09-02 09:00"):
            (leads[6] | leads[7]).user_id = False
            quotation.user_id = self.bob
            new = self._lead(name="New")
        self._work()
        self.assertFalse(self.work._is_pending())
        self.assertTrue(leads[3].kpi_was_lead and leads[5].kpi_was_lead)
        self.assertEqual(leads[3].kpi_opportunity_date, utc("2026-09-01 09:00"))
        self.assertEqual(leads[6].kpi_won_date, utc("2026-09-01 09:00"))
        self.assertEqual(leads[6].kpi_won_user_id, owner)
        self.assertEqual(leads[7].kpi_lost_user_id, self.ann)
        self.assertEqual(quotation.kpi_confirm_user_id, self.ann)
        self.assertEqual(new.kpi_opportunity_date, utc("2026-09-02 09:00"))
        filled = self._content(leads, orders)
        unchanged = (leads[:3] | leads[4], orders)  # in a field that the stamps read
        for facts, before, records in zip(filled[:2], lived[:2], unchanged, strict=True):
            for (record_id, name), value in before.items():
                if record_id in records.ids:
                    self.assertEqual(facts[record_id, name], value, name)

    def test_part_of_a_removed_addon(self):
        self.work.create({"name": "gone.model", "position": 0, "last_id": 1, "total": 5})
        self.assertTrue(self.work._continue())
        self.assertFalse(self.work._is_pending())

    def test_failing_part_does_not_block_values(self):
        """A part that fails is named and tried again; values do not wait for it forever."""
        leads, orders = self._history()
        for model in ("sale.order", "crm.lead"):
            self.env[model]._kpi_derive()
        self.env["crm.kpi.customer"]._kpi_mark_all_dirty()
        self.env["crm.kpi.customer"]._kpi_derive()
        self._forget_all(leads, orders)
        self._begin()

        def broken(work, *args, **kwargs):
            raise ValueError("no such rate")

        with (
            patch.object(self.env.registry["sale.order"], "_kpi_backfill_stamps", broken),
            self.assertLogs(LOGGER, logging.ERROR),
        ):
            self.assertFalse(self.work._continue(lambda: True))
        self.assertFalse(self.work._is_pending())
        self.assertIn("The last try failed: no such rate", self.work._progress_text())
        kpis = self.env.ref("crm_kpi.crm_kpi_orders_count")
        self.env["crm.kpi"]._refresh(kpis=kpis)
        computed = self.env["crm.kpi.computation"].search(
            [("period_id.company_id", "=", self.company.id)]
        )
        self.assertTrue(any(computed.mapped("fingerprint")))
        self.assertTrue(self.work._continue(lambda: True))
        self.env.invalidate_all()
        self.assertEqual(self.work._progress_text(), "")
        self.assertFalse(any(computed.exists().mapped("fingerprint")), "all is checked again")
        self.assertTrue(all(orders.mapped("kpi_amount")))

    def test_locked_row_is_not_a_failure(self):
        """A row locked by another transaction is not a failure: the next run continues."""
        self._history()
        self._begin()

        def locked(work, *args, **kwargs):
            raise psycopg2.errors.LockNotAvailable("could not obtain lock")

        self.env.flush_all()
        with (
            patch.object(self.env.registry["sale.order"], "_kpi_backfill_stamps", locked),
            self.assertLogs("odoo.addons.crm_kpi.refresh", logging.INFO) as logs,
            self.enter_registry_test_mode(),
        ):
            self.env.ref("crm_kpi.ir_cron_refresh").method_direct_trigger()
        self.env.invalidate_all()
        self.assertIn("busy elsewhere", str(logs.output))
        self.assertTrue(self.work._is_pending())
        self.assertEqual(self.work.search([], limit=1).name, "orders")
        self.assertTrue(self.work._continue(lambda: True))

    def test_set_that_users_write_is_tried_again(self):
        """The set is repeated in the same run, and ends with the values of an undisturbed one."""
        leads, orders = self._history()
        self._forget_all(leads, orders)
        self._begin()
        self._work()
        undisturbed = self._content(leads, orders)
        self._forget_all(leads, orders)
        self._begin()
        fill, derive = (
            getattr(self.env.registry["sale.order"], name)
            for name in ("_kpi_backfill_stamps", "_kpi_derive_records")
        )
        conflicts = ["stamps", "derive"]

        def conflict(name, work, *args, **kwargs):
            result = work(*args, **kwargs)
            if name in conflicts:
                conflicts.remove(name)
                raise psycopg2.errors.SerializationFailure("concurrent update")
            return result

        def conflicting_fill(*args, **kwargs):
            return conflict("stamps", fill, *args, **kwargs)

        def conflicting_derive(*args, **kwargs):
            return conflict("derive", derive, *args, **kwargs)

        with (
            patch.object(backfill, "CONTENDED", 1),
            patch.object(self.env.registry["sale.order"], "_kpi_backfill_stamps", conflicting_fill),
            patch.object(
                self.env.registry["sale.order"], "_kpi_derive_records", conflicting_derive
            ),
            self.enter_registry_test_mode(),
        ):
            self.env.ref("crm_kpi.ir_cron_refresh").method_direct_trigger()
        self.env.invalidate_all()
        self.assertFalse(conflicts)
        self.assertFalse(self.work._is_pending())
        self.assertEqual(self._content(leads, orders), undisturbed)
