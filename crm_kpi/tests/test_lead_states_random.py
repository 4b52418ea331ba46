# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Random lives of leads: states equal what the lead was, and what the tracking tells."""

from datetime import date, timedelta
from itertools import pairwise

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from odoo.tests import tagged

from ..pipeline.states import REMEMBERED
from .common_history import utc
from .test_lead_states import TRACKED, LeadStateCase

STEPS = st.sampled_from(
    [
        *("offer", "new", "grow", "shrink", "push", "hand over", "customer", "chance"),
        *("win", "lose", "restore", "archive", "convert", "rename"),
    ]
)
#: Transactions, each with the steps in it.
LIVES = st.lists(st.lists(STEPS, min_size=1, max_size=3), max_size=6)
BEGIN = utc("2026-03-02 08:00:07")


@tagged("post_install", "-at_install")
class TestRandomLeadStates(LeadStateCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.customers = cls._customer("First") + cls._customer("Second")

    def _step(self, lead, step, number):
        if step in ("offer", "new") and lead.active and lead.won_status != "won":
            lead.stage_id = self.stage_offer if step == "offer" else self.stage_new
        elif step == "grow":
            lead.expected_revenue += 100.5
        elif step == "shrink":
            lead.expected_revenue = 10
        elif step == "push":
            lead.date_deadline = date(2026, 6, 1) + timedelta(days=number)
        elif step == "hand over":
            lead.user_id = self.bob if lead.user_id == self.ann else self.ann
        elif step == "win" and lead.active:
            lead.action_set_won()
        elif step == "lose" and lead.active and lead.won_status == "pending":
            lead.action_set_lost()
        elif step == "restore" and not lead.active:
            lead.action_restore()
        elif step == "archive" and lead.active:
            lead.action_archive()
        elif step == "customer":
            lead.partner_id = self.customers[number % 2]
        elif step == "convert" and lead.type == "lead":
            lead.convert_opportunity(self.customers[0])
        elif step == "chance" and lead.active and lead.won_status == "pending":
            lead.probability = 10 + number
        elif step == "rename":
            lead.name = f"Name {number}"

    def _values(self, record, names):
        """Comparable values."""
        return tuple(
            round(record[name], 2)
            if record._fields[name].type in ("float", "monetary")
            else record[name]
            for name in names
        )

    @settings(
        max_examples=12,
        deadline=None,
        phases=(Phase.explicit, Phase.generate),
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(st.tuples(st.sampled_from(("lead", "opportunity")), LIVES), max_size=4))
    def test_states(self, lives):
        for kind, life in lives:
            with self.at(BEGIN):
                lead = self._lead(type=kind, expected_revenue=100)
            seen = [(BEGIN, self._seen(lead))]
            for number, steps in enumerate(life, 1):
                moment = BEGIN + timedelta(days=number, seconds=number)
                with self.at(moment):
                    for step in steps:
                        self._step(lead, step, number)
                seen.append((moment, self._seen(lead)))
            self._compare(lead, seen, REMEMBERED, life)
            self._fill_again(lead)
            self._compare(lead, seen, TRACKED, life)

    def _seen(self, lead):
        """All that is remembered of a lead, read from the database."""
        lead.invalidate_recordset()
        return dict(zip(REMEMBERED, self._values(lead, REMEMBERED), strict=True))

    def _compare(self, lead, seen, names, life):
        """The states are a replay of what was seen: in order, without gaps, each at its moment."""
        states = self._states(lead)
        self.assertEqual(states[0].date_from, BEGIN, life)
        self.assertFalse(states[-1].date_to)
        for before, after in pairwise(states):
            self.assertEqual(before.date_to, after.date_from)
        for state in states:
            unknown = set((state.unknown or "").split(","))
            self.assertFalse(unknown & set(names), life)
        for moment, values in seen:
            [state] = states.filtered(
                lambda state, at=moment: (
                    state.date_from <= at and (not state.date_to or at < state.date_to)
                )
            )
            self.assertEqual(
                self._values(state, names), tuple(values[name] for name in names), (moment, life)
            )
        if names is REMEMBERED:
            changes = [
                moment for (_earlier, before), (moment, after) in pairwise(seen) if before != after
            ]
            self.assertEqual(states[1:].mapped("date_from"), changes, life)
