# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import Command

from odoo.addons.crm_kpi.tests.common_history import HistoryCase, utc
from odoo.addons.crm_kpi.tests.test_catalogue import CatalogueCase


class MailingCase(CatalogueCase, HistoryCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.news, cls.offers = cls.env["mailing.list"].create(
            [{"name": "News"}, {"name": "Offers"}]
        )
        cls.mailing = cls._mailing()
        # the demo data of the app has no company and would be counted
        cls.env["mailing.trace"].search([]).unlink()
        cls.env["crm.kpi.opt.out"].search([]).unlink()

    @classmethod
    def _mailing(cls, user=None, **values):
        return cls.env["mailing.mailing"].create(
            {
                "subject": "News",
                "user_id": (user or cls.ann).id,
                "mailing_model_id": cls.env["ir.model"]._get_id("mailing.contact"),
                "body_html": "<p>News</p>",
                **values,
            }
        )

    @classmethod
    def _reader(cls, email, *lists):
        return cls.env["mailing.contact"].create(
            {"name": email, "email": email, "list_ids": [Command.set([x.id for x in lists])]}
        )

    @classmethod
    def _trace(cls, email, status="sent", sent="2026-10-05 09:00", record=None, **values):
        """A trace of a mailing, as sending and later events leave it."""
        record = record or cls.news
        return cls.env["mailing.trace"].create(
            {
                "mass_mailing_id": cls.mailing.id,
                "email": email,
                "model": record._name,
                "res_id": record.id,
                "trace_status": status,
                "sent_datetime": sent and utc(sent),
                **values,
            }
        )
