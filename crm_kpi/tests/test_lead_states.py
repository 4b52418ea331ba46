# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The memory of the pipeline: what is written at each change, and what is filled in."""

from datetime import date, datetime
from unittest.mock import patch

from odoo import sql_db
from odoo.tests import tagged
from odoo.tools import SQL

from ..pipeline.life import Life, Step, life_of
from .common_history import utc
from .test_backfill import BackfillCase
from .test_rights import RightsCase

#: What Odoo tracks of the fields that are remembered.
TRACKED = (
    "type",
    "active",
    "won_status",
    "stage_id",
    "user_id",
    "team_id",
    "partner_id",
    "expected_revenue",
)


class LeadStateCase(BackfillCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.states = cls.env["crm.kpi.lead.state"].with_context(active_test=False)
        cls.stage_offer = cls.env["crm.stage"].create({"name": "History offer", "sequence": 2})

    def _states(self, lead):
        self.states.invalidate_model()
        return self.states.search([("lead_id", "=", lead.id)], order="date_from, id")

    def _rows(self, lead, *names):
        """The states as a list of tuples: since, until, values."""
        return [
            (state.date_from, state.date_to, *(state[name] for name in names))
            for state in self._states(lead)
        ]

    def _fill_again(self, leads):
        """Forget the states, and fill them in from the tracking."""
        self.states._forget(leads)
        self.env["crm.kpi.backfill"]._run()

    def _statements(self, work):
        """The statements on the table of the states while something is done and committed."""
        statements = []
        execute = sql_db.Cursor.execute

        def noted(cr, query, *args, **kwargs):
            text = query.code if isinstance(query, SQL) else str(query)
            if "crm_kpi_lead_state" in text:
                statements.append(text)
            return execute(cr, query, *args, **kwargs)

        self.env.cr.flush()
        with patch.object(sql_db.Cursor, "execute", noted):
            work()
            self.env.cr.flush()
        return statements


@tagged("post_install", "-at_install")
class TestLeadStates(LeadStateCase):
    def _life(self):
        """A deal that is moved, grows, is pushed, lost, re-opened and won."""
        with self.at("2026-01-05 08:00:07"):
            lead = self._lead(expected_revenue=1000, date_deadline="2026-02-01", probability=10)
        with self.at("2026-01-15 09:00"):
            lead.with_user(self.ann).write(
                {"stage_id": self.stage_offer.id, "expected_revenue": 1500}
            )
        with self.at("2026-01-20 09:00"):
            lead.date_deadline = date(2026, 2, 15)
        with self.at("2026-01-25 09:00"):
            lead.name = "Renamed"
        with self.at("2026-02-01 09:00"):
            lead.action_set_lost()
        with self.at("2026-02-03 09:00"):
            lead.action_restore()
        with self.at("2026-02-10 09:00"):
            lead.with_user(self.bob).action_set_won()
        return lead

    # --- WRITING ---

    def test_life_of_a_deal(self):
        lead = self._life()
        new, offer, won = self.stage_new, self.stage_offer, lead.stage_id
        amounts = [
            (
                "2026-01-05 08:00:07",
                "2026-01-15 09:00",
                new,
                1000,
                date(2026, 2, 1),
                "pending",
                True,
            ),
            (
                "2026-01-15 09:00",
                "2026-01-20 09:00",
                offer,
                1500,
                date(2026, 2, 1),
                "pending",
                True,
            ),
            (
                "2026-01-20 09:00",
                "2026-02-01 09:00",
                offer,
                1500,
                date(2026, 2, 15),
                "pending",
                True,
            ),
            ("2026-02-01 09:00", "2026-02-03 09:00", offer, 1500, date(2026, 2, 15), "lost", False),
            (
                "2026-02-03 09:00",
                "2026-02-10 09:00",
                offer,
                1500,
                date(2026, 2, 15),
                "pending",
                True,
            ),
            ("2026-02-10 09:00", None, won, 1500, date(2026, 2, 15), "won", True),
        ]
        self.assertEqual(
            self._rows(
                lead, "stage_id", "expected_revenue", "date_deadline", "won_status", "active"
            ),
            [(utc(start), utc(end) if end else False, *rest) for start, end, *rest in amounts],
        )
        states = self._states(lead)
        self.assertEqual(states[1].changed_by_id, self.ann)
        self.assertEqual(states[-1].changed_by_id, self.bob)
        self.assertEqual((states[-1].probability, states[-1].prorated_revenue), (100, 1500))
        self.assertFalse(any(states.mapped("unknown")))

    def test_statements_of_a_write(self):
        """One more statement for any number of leads; none if nothing is remembered of it."""
        with self.at("2026-01-05 08:00"):
            leads = self.env["crm.lead"].concat(*(self._lead(name=f"D{n}") for n in range(30)))
        with self.at("2026-01-06 08:00"):

            def change_twice():
                leads.write({"stage_id": self.stage_offer.id})
                leads.write({"expected_revenue": 70})

            self.assertEqual(len(self._statements(change_twice)), 1)
            self.assertEqual(self._statements(lambda: leads.write({"referred": "Ann"})), [])
            self.assertEqual(self._statements(lambda: leads.write({"color": 3})), [])
        for lead in leads:
            self.assertEqual(len(self._states(lead)), 2)

    def test_changes_of_one_transaction_are_one_change(self):
        with self.at("2026-01-05 08:00"):
            lead = self._lead(expected_revenue=10)
            self.env.cr.flush()
            lead.expected_revenue = 20
            self.env.cr.flush()
        self.assertEqual(
            self._rows(lead, "expected_revenue"), [(utc("2026-01-05 08:00"), False, 20)]
        )
        with self.at("2026-01-06 08:00"):
            for amount in (30, 40, 20):
                lead.expected_revenue = amount
                self.env.cr.flush()
        self.assertEqual(
            self._rows(lead, "expected_revenue"),
            [(utc("2026-01-05 08:00"), False, 20)],
            "back in the same state",
        )

    def test_computed_fields_are_remembered(self):
        """The team follows the salesperson, and the monthly revenue the plan."""
        plan = self.env["crm.recurring.plan"].create({"name": "Year", "number_of_months": 12})
        with self.at("2026-01-05 08:00"):
            lead = self._lead(recurring_revenue=1200, recurring_plan=plan.id)
        with self.at("2026-01-06 08:00"):
            lead.user_id = self.bob
        with self.at("2026-01-07 08:00"):
            plan.number_of_months = 6
        states = self._states(lead)
        self.assertEqual(states.mapped("recurring_revenue_monthly"), [100, 100, 200])
        self.assertEqual(states[1:].team_id, self.south)

    def test_conversion(self):
        with self.at("2026-01-05 08:00"):
            lead = self._lead(type="lead")
        with self.at("2026-01-06 08:00"):
            lead.convert_opportunity(self._customer())
        self.assertEqual(self._states(lead).mapped("type"), ["lead", "opportunity"])

    def test_deletion(self):
        with self.at("2026-01-05 08:00"):
            lead = self._lead(name="Gone")
        lead_id = lead.id
        with self.at("2026-01-06 08:00"):
            lead.expected_revenue = 5
            lead.unlink()
        [state] = self._states(self.env["crm.lead"].browse(lead_id))
        self.assertEqual(state.date_to, utc("2026-01-06 08:00"))
        self.assertEqual((state.ending, state.lead_name), ("deleted", "Gone"))
        self.assertIn("Deleted on", state.change)

    def test_merge(self):
        with self.at("2026-01-05 08:00"):
            leads = self._lead(name="Head", probability=50) + self._lead(name="Tail")
        with self.at("2026-01-06 08:00"):
            head = leads.merge_opportunity()
        tail_id = (leads - head).id
        [state] = self._states(self.env["crm.lead"].browse(tail_id))
        self.assertEqual((state.ending, state.merged_into_id), ("merged", head))
        self.assertIn(f"Merged into {head.name}", state.change)
        shown = self.states.search(head.action_kpi_life()["domain"])
        self.assertEqual(shown, self._states(head) | state)
        self.assertFalse(self._states(head)[-1].date_to)

    def test_nightly_probabilities(self):
        """The present state goes on with the probability that Odoo computes by SQL."""
        with self.at("2026-01-05 08:00"):
            lead = self._lead(expected_revenue=100)
        self.env["ir.config_parameter"].set_param("crm.pls_start_date", "2025-01-01")
        with (
            self.at("2026-01-06 08:00"),
            patch.object(
                type(lead),
                "_pls_get_naive_bayes_probabilities",
                lambda self, batch_mode=False, is_tooltip=False: (
                    dict.fromkeys(self.ids, 33.0),
                    {},
                ),
            ),
        ):
            self.env.cr.execute(
                "UPDATE crm_lead SET automated_probability = probability WHERE id = %s", [lead.id]
            )
            self.env["crm.lead"]._update_automated_probabilities()
        [state] = self._states(lead)
        lead.invalidate_recordset()
        self.assertEqual((state.probability, lead.probability), (33, 33))
        self.assertEqual(state.date_from, utc("2026-01-05 08:00"))

    def test_changes_by_sql(self):
        """The daily clean-up follows what other programs have written."""
        with self.at("2026-01-05 08:00"):
            lead = self._lead(expected_revenue=100)
            other = self._lead(expected_revenue=100)
        self.env.cr.execute("UPDATE crm_lead SET expected_revenue = 70 WHERE id = %s", [lead.id])
        with self.at("2026-01-06 08:00"):
            self.states._gc_missed()
        self.assertEqual(
            self._rows(lead, "expected_revenue", "changed_by_id")[1:],
            [(utc("2026-01-06 08:00"), False, 70, self.env["res.users"])],
        )
        self.assertEqual(len(self._states(other)), 1)

    # --- BACK-FILL ---

    def test_live_equals_filled(self):
        lead = self._life()
        with self.at("2026-02-12 09:00"):
            other = self._lead(type="lead", user_id=False)
        with self.at("2026-02-13 09:00"):
            other.convert_opportunity(self._customer(), user_ids=self.bob.ids)
        for record in (lead, other):
            lived = self._projected(record)
            self._fill_again(record)
            self.assertEqual(self._projected(record), lived)

    def _projected(self, lead):
        """The states as far as Odoo tracks them; equal ones in a row are one."""
        rows = []
        for state in self._states(lead):
            self.assertFalse(set((state.unknown or "").split(",")) & set(TRACKED))
            values = [state[name] for name in TRACKED]
            if not rows or rows[-1][1] != values:
                rows.append((state.date_from, values))
        return rows

    def test_what_is_not_tracked_is_unknown(self):
        with self.at("2026-01-05 08:00"):
            lead = self._lead(expected_revenue=1000, date_deadline="2026-02-01")
        with self.at("2026-01-15 09:00"):
            lead.stage_id = self.stage_offer
        with self.at("2026-03-01 09:00"):
            self._fill_again(lead)
        first, second, present = self._states(lead)
        unknown = "probability,prorated_revenue,date_deadline"
        self.assertEqual((first.unknown, second.unknown), (unknown, unknown))
        self.assertEqual((first.probability, first.date_deadline), (False, False))
        self.assertEqual(first.expected_revenue, 1000)
        self.assertEqual(second.date_to, utc("2026-03-01 09:00"))
        self.assertFalse(present.unknown)
        self.assertEqual(present.date_deadline, date(2026, 2, 1))
        self.assertFalse(present.changed_by_id)
        self.assertEqual(present.change, "All fields known from here on")

    def test_a_gap_in_the_tracking(self):
        """An amount changed without tracking: unknown before the next tracked change."""
        with self.at("2026-01-05 08:00"):
            lead = self._lead(expected_revenue=1000)
        with self.at("2026-01-10 08:00"):
            lead.expected_revenue = 2000
        self.env.cr.execute("UPDATE crm_lead SET expected_revenue = 2500 WHERE id = %s", [lead.id])
        lead.invalidate_recordset()
        with self.at("2026-01-20 08:00"):
            lead.expected_revenue = 3000
        with self.at("2026-03-01 09:00"):
            self._fill_again(lead)
        known = [
            (state.date_from, state.expected_revenue, "expected_revenue" in (state.unknown or ""))
            for state in self._states(lead)
        ]
        self.assertEqual(
            known,
            [
                (utc("2026-01-05 08:00"), 0, True),
                (utc("2026-01-20 08:00"), 3000, False),
                (utc("2026-03-01 09:00"), 3000, False),
            ],
        )

    def test_untracked_winning(self):
        """An import dates the winning on the lead: open before it, in an unknown stage."""
        with self.at("2026-01-05 08:00"):
            lead = self._lead(expected_revenue=1000).with_context(tracking_disable=True)
        with self.at("2026-01-15 09:00"):
            lead.action_set_won()
        self._fill_again(lead)
        first, last = self._states(lead)
        self.assertEqual((first.won_status, last.won_status), ("pending", "won"))
        self.assertEqual(last.date_from, utc("2026-01-15 09:00"))
        self.assertIn("stage_id", first.unknown)
        self.assertFalse(first.stage_id)
        self.assertEqual((last.probability, last.prorated_revenue), (100, 1000))

    def test_untracked_stage(self):
        """Odoo dates the last change of the stage: before it, the stage is unknown."""
        with self.at("2026-01-05 08:00"):
            lead = self._lead().with_context(tracking_disable=True)
        with self.at("2026-01-15 09:00"):
            lead.stage_id = self.stage_offer
        with self.at("2026-03-01 09:00"):
            self._fill_again(lead)
        first, second, _present = self._states(lead)
        self.assertEqual(
            (first.stage_id, second.stage_id), (self.env["crm.stage"], self.stage_offer)
        )
        self.assertEqual(second.date_from, utc("2026-01-15 09:00"))
        self.assertIn("stage_id", first.unknown)
        self.assertNotIn("stage_id", second.unknown)

    def test_changed_before_it_was_filled(self):
        """A lead that is changed while a long history waits: the past is put before it."""
        with self.at("2026-01-05 08:00"):
            lead = self._lead(expected_revenue=1000)
        with self.at("2026-01-10 08:00"):
            lead.expected_revenue = 2000
        self.states._forget(lead)
        with self.at("2026-01-20 08:00"):
            lead.expected_revenue = 3000
        self.env["crm.kpi.backfill"]._run()
        self.env["crm.kpi.backfill"]._run()
        self.assertEqual(
            self._rows(lead, "expected_revenue"),
            [
                (utc("2026-01-05 08:00"), utc("2026-01-10 08:00"), 1000),
                (utc("2026-01-10 08:00"), utc("2026-01-20 08:00"), 2000),
                (utc("2026-01-20 08:00"), False, 3000),
            ],
        )

    # --- WHAT IS SHOWN ---

    def test_changes_in_words(self):
        lead = self._life()
        euro = "\N{NO-BREAK SPACE}"
        self.assertEqual(
            [change.replace(euro, " ") for change in self._states(lead).mapped("change")],
            [
                "Created",
                "Stage: History new → History offer, € 1,000.00 → € 1,500.00"
                if self.company.currency_id.position == "before"
                else "Stage: History new → History offer, 1,000.00 € → 1,500.00 €",
                "Pushed by 14 days to 02/15/2026",
                "Lost",
                "Re-opened",
                f"Won, Stage: History offer → {lead.stage_id.name}",
            ],
        )

    def test_line_of_the_life(self):
        lead = self._life()
        with self.at("2026-03-01 09:00"):
            text = lead.with_user(self.ann).kpi_life
        self.assertIn("History new 10", text)
        # 17 days until it was lost, 7 after it was re-opened
        self.assertIn("History offer 24 d", text)
        self.assertIn("1 push (14 days later)", text)
        self.assertIn("1,000", text)

    def test_life_as_numbers(self):
        """Worked example: two pushes, one pull, and time in a stage that was left and entered."""
        day = [datetime(2026, 1, number) for number in range(1, 9)]
        steps = [
            Step(day[0], day[2], True, 1, 100.0, date(2026, 2, 1)),
            Step(day[2], day[3], True, 2, 100.0, date(2026, 2, 11)),
            Step(day[3], day[4], False, 2, 100.0, date(2026, 3, 1)),
            Step(day[4], day[5], True, 1, None, None),
            Step(day[5], day[6], True, 1, 80.0, date(2026, 1, 20)),
            Step(day[6], None, True, 3, 80.0, date(2026, 1, 21)),
        ]
        self.assertEqual(
            life_of(steps, day[7]),
            Life({1: 4.0, 2: 1.0, 3: 1.0}, 2, 11, first_amount=100.0, last_amount=80.0),
        )
        self.assertEqual(life_of([], day[0]), Life())


@tagged("post_install", "-at_install")
class TestLeadStateRights(RightsCase):
    def test_readers_of_a_lead_read_its_states(self):
        """By RPC: own leads, also archived ones and what they were under a colleague."""
        leads = self.env["crm.lead"].search([("user_id", "in", (self.ann + self.bob).ids)])
        handed = leads.filtered(lambda lead: lead.user_id == self.bob)[0]
        handed.user_id = self.ann
        lost = self.make_lead("2026-03-11 10:00:00", user_id=self.ann.id)
        lost.action_set_lost()
        self.env.cr.flush()

        def read(role):
            rows = self.rpc(
                role,
                "crm.kpi.lead.state",
                "search_read",
                [("company_id", "=", self.company.id)],
                ["lead_id"],
                context={"active_test": False},
            )
            return {row["lead_id"][0] for row in rows}

        every_lead = self.env["crm.lead"].with_context(active_test=False)
        mine = every_lead.search([("user_id", "in", [self.ann.id, False])])
        everything = every_lead.search([("company_id", "=", self.company.id)])
        self.assertIn(handed.id, read("ann"))
        self.assertIn(lost.id, read("ann"))
        self.assertLessEqual(read("ann"), set(mine.ids))
        self.assertEqual(read("all"), set(everything.ids))
        self.assertEqual(read("foreign"), set())
        self.assert_refused("portal", "crm.kpi.lead.state", "search_read", [], ["lead_id"])
        for role in ("ann", "manager", "kpi_admin"):
            values = {"lead_id": handed.id, "date_from": "2026-01-01 00:00:00"}
            self.assert_refused(role, "crm.kpi.lead.state", "create", [values])
