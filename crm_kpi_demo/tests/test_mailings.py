# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from odoo.tests import TransactionCase, tagged

from odoo.addons.crm_kpi_demo.history.mailings import Mailings


@tagged("post_install", "-at_install")
class TestMailings(TransactionCase):
    """Generated mailings keep the order of time at any moment of generation."""

    def _generate(self, moment, zone):
        now = datetime.fromisoformat(moment)
        since = [now - timedelta(days=20 * number) for number in range(40)]
        return Mailings(now, ZoneInfo(zone), since), since, now

    def test_consistent(self):
        for moment, zone in (
            ("2026-11-22 02:00", "Europe/Brussels"),
            ("2026-01-01 00:00", "UTC"),
            ("2027-02-28 23:00", "America/New_York"),
        ):
            with self.subTest(moment=moment):
                plan, since, now = self._generate(moment, zone)
                self.assertGreater(len(plan.mailings), 40)
                self.assertTrue(any(bounced for _date, bounced in plan.blocked.values()))
                for mailing in plan.mailings:
                    for piece in mailing.pieces:
                        self._check(plan, mailing, piece, since[piece.customer], now)

    def _check(self, plan, mailing, piece, since, now):
        self.assertTrue(since <= piece.sent < now)
        for moment in filter(None, (piece.opened, piece.clicked, piece.replied)):
            self.assertTrue(piece.sent < moment < now, piece)
        self.assertTrue(piece.status != "reply" or piece.replied, piece)
        blocked = plan.blocked.get(piece.customer)
        if blocked and blocked[0] < mailing.sent:
            self.assertEqual(piece.status, "cancel")

    def test_same_moment_same_mailings(self):
        one, two = (self._generate("2026-11-22 09:00", "UTC")[0] for _n in range(2))
        self.assertEqual(one.mailings, two.mailings)
        self.assertEqual((one.left, one.blocked), (two.left, two.blocked))
