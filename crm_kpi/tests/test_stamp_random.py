# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Random histories of leads and orders: live stamps equal back-filled stamps.

Odoo does not keep everything, so the histories leave out: later assignments to another user,
repeated conversions, and what happens to the dates of records that were created as won or
confirmed.
"""

from datetime import timedelta

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from odoo.tests import tagged

from ..facts import orders
from .common_history import utc
from .test_backfill import LEAD_FACTS, BackfillCase

LEAD_LIVES = st.lists(
    st.sampled_from(("win", "win", "lose", "restore", "paid", "back", "archive", "rename")),
    max_size=6,
)
ORDER_LIVES = st.lists(
    st.sampled_from(("send", "confirm", "confirm", "cancel", "draft", "rename")), max_size=6
)
LEADS = st.fixed_dictionaries(
    {
        "type": st.sampled_from(("lead", "opportunity")),
        "owner": st.sampled_from(("ann", "bob", "nobody", "root")),
        "stage": st.sampled_from(("new", "new", "won")),
        "life": LEAD_LIVES,
    }
)
ORDERS = st.fixed_dictionaries(
    {
        "owner": st.sampled_from(("ann", "bob", "nobody", "root")),
        "state": st.sampled_from(("draft", "draft", "sale")),
        "life": ORDER_LIVES,
    }
)
BEGIN = utc("2026-03-02 08:00:07")


@tagged("post_install", "-at_install")
class TestRandomStamps(BackfillCase):
    def _owner(self, name):
        users = self.env["res.users"]
        return {
            "ann": self.ann,
            "bob": self.bob,
            "nobody": users,
            "root": self.env.ref("base.user_root"),
        }[name]

    def _live(self, record, steps, act):
        """Run the steps, a day and some seconds apart."""
        for number, step in enumerate(steps, 1):
            with self.at(BEGIN + timedelta(days=number, seconds=number)):
                act(record, step)

    def _lead_step(self, lead, step):
        if step == "win":
            if lead.type == "lead":
                lead.convert_opportunity(self.env["res.partner"])
            lead.action_set_won()
        elif step == "lose" and lead.won_status == "pending" and lead.active:
            lead.action_set_lost()
        elif step == "restore" and not lead.active:
            lead.action_restore()
        elif step == "paid" and lead.won_status == "won":
            lead.stage_id = self.stage_paid
        elif step == "back" and lead.active:
            lead.write({"stage_id": self.stage_new.id, "probability": 30})
        elif step == "archive" and lead.active and lead.won_status == "won":
            lead.action_archive()
        elif step == "rename":
            lead.name = "Renamed"

    def _order_step(self, order, step):
        if step == "send" and order.state == "draft":
            order.action_quotation_sent()
        elif step == "confirm" and order.state in ("draft", "sent"):
            order.action_confirm()
        elif step == "cancel" and order.state != "cancel":
            order._action_cancel()
        elif step == "draft" and order.state == "cancel":
            order.action_draft()
        elif step == "rename":
            order.client_order_ref = "X"

    def assertBackfilled(self, records, names, lives):
        lived = self._facts(records, names)
        self._wipe(records, names)
        self.env["crm.kpi.backfill"]._run()
        filled = self._facts(records, names)
        for record, life in zip(records, lives, strict=True):
            for name in names:
                self.assertEqual(filled[record.id, name], lived[record.id, name], (name, life))

    @settings(
        max_examples=10,
        deadline=None,
        phases=(Phase.explicit, Phase.generate),
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(LEADS, min_size=3, max_size=8))
    def test_leads(self, lives):
        records = self.env["crm.lead"]
        for life in lives:
            with self.at(BEGIN):
                lead = self._lead(
                    type=life["type"],
                    user_id=self._owner(life["owner"]).id,
                    team_id=self.south.id,
                    stage_id=(self.stage_won if life["stage"] == "won" else self.stage_new).id,
                    probability=100 if life["stage"] == "won" else 20,
                )
            lost_track = ("win", "archive") if life["stage"] == "won" else ()
            steps = [step for step in life["life"] if step not in lost_track]
            self._live(lead, steps, self._lead_step)
            records += lead
        self.assertBackfilled(records, LEAD_FACTS, lives)

    @settings(
        max_examples=10,
        deadline=None,
        phases=(Phase.explicit, Phase.generate),
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(ORDERS, min_size=3, max_size=8))
    def test_orders(self, lives):
        records = self.env["sale.order"]
        names = [
            *orders.SENT.fields,
            *orders.CONFIRMED.fields,
            "kpi_amount",
            "kpi_is_qualifying",
        ]
        customer = self._customer()
        for life in lives:
            with self.at(BEGIN):
                order = self._order(
                    customer,
                    BEGIN,
                    state=life["state"],
                    user=self._owner(life["owner"]),
                    team_id=self.south.id,
                )
            lost_track = ("cancel",) if life["state"] == "sale" else ()
            steps = [step for step in life["life"] if step not in lost_track]
            self._live(order, steps, self._order_step)
            records += order
        self.assertBackfilled(records, names, lives)
