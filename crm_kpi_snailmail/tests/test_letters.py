# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from unittest.mock import patch

from odoo.tests import freeze_time, tagged

from odoo.addons.crm_kpi.tests.common_interaction import InteractionCommon, dt
from odoo.addons.crm_kpi.tests.test_catalogue import CatalogueCase


@tagged("post_install", "-at_install")
class TestLetters(CatalogueCase, InteractionCommon):
    def _letter(self, record, when, author=None):
        author = author or self.ann
        with freeze_time(when), patch.object(self.env.cr, "now", lambda: dt(when)):
            letter = (
                self.env["snailmail.letter"]
                .with_user(author)
                .sudo()
                .create(
                    {
                        "model": record._name,
                        "res_id": record.id,
                        "partner_id": self.contact.id,
                        "user_id": author.id,
                    }
                )
            )
            self._dates(letter.message_id, create_date=dt(when))
        return letter

    def _post(self, letter, when, state="sent"):
        with freeze_time(when):
            letter.write({"state": state})

    def _sent(self, day="2026-11-01", code="letters_sent"):
        return self._read(code, day, level="user", user_id=self.ann) or 0

    def test_03a_letters_sent(self):
        """Two sent, one in error, one waiting: 2, and in outreach once each."""
        lead = self._lead("2026-11-01 08:00", by=self.bob)
        order = self.env["sale.order"].create(
            {"partner_id": self.contact.id, "opportunity_id": lead.id}
        )
        letters = [self._letter(one, "2026-11-02 09:00") for one in (lead, order, lead, lead)]
        for letter, state in zip(letters, ("sent", "sent", "error"), strict=False):
            self._post(letter, "2026-11-03 09:00", state)
        with freeze_time("2026-11-10 08:00:00"):
            self._refresh("letters_sent", "outreach_volume")
            self.assertEqual(self._sent(), 2)
            self.assertEqual(self._sent(code="outreach_volume"), 2)
            self.assertEqual(lead.kpi_attempt_count, 1)
            self.assertEqual(lead.kpi_first_attempt_date, dt("2026-11-03 09:00"))
            # the failed letter is sent again
            self._post(letters[2], "2026-11-09 09:00")
            self._refresh("letters_sent")
            self.assertEqual(self._sent(), 3)
            self._post(letters[0], "2026-11-09 09:00", "canceled")
            self._refresh("letters_sent")
            self.assertEqual(self._sent(), 2)

    def test_03a_in_the_period_of_sending(self):
        lead = self._lead("2026-10-01 08:00", by=self.bob)
        letter = self._letter(lead, "2026-10-31 12:00")
        self._post(letter, "2026-11-02 09:00")
        letter.info_msg = "Delivered"
        with freeze_time("2026-11-10 08:00:00"):
            self._refresh("letters_sent")
            self.assertEqual((self._sent("2026-10-01"), self._sent()), (0, 1))

    def test_letters_from_before_the_installation(self):
        lead = self._lead("2026-10-01 08:00", by=self.bob)
        letter = self._letter(lead, "2026-10-31 12:00")
        self._post(letter, "2026-11-02 09:00")
        self.env["crm.lead"]._kpi_derive()
        self._dates(letter, kpi_sent_date=None, write_date=dt("2026-11-02 09:00"))
        self.env["crm.kpi.backfill"]._run()
        self.assertEqual(letter.kpi_sent_date, dt("2026-11-02 09:00"))
        self.env["crm.lead"]._kpi_derive()
        self.assertEqual(self._rows(lead).date, dt("2026-11-02 09:00"))
        self.assertEqual(self._rows(lead).channel, "letter")
