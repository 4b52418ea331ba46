# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import models
from odoo.fields import Command, Datetime


class SurveySurvey(models.Model):
    _inherit = "survey.survey"

    def _kpi_invite(self, record, partner=None, email=False):
        """Ask a customer about a record by mail.

        Who has not answered the last request for it yet is not asked again.

        :param partner: the participant; default the record's contact
        :param email: address where the contact has none, or there is no contact
        :return: the participation, an empty one where nobody can be asked
        """
        self.ensure_one()
        # superuser: whoever works on the record causes the request, also the customer who
        # closes a ticket in the portal; none of them need to be allowed to read surveys
        survey = self.sudo()
        partner = (record.partner_id if partner is None else partner).sudo()
        nobody = self.env["survey.user_input"]
        if not survey.active or not (partner.email or email):
            return nobody
        waiting = survey.user_input_ids.search(
            [
                ("survey_id", "=", survey.id),
                ("kpi_res_model", "=", record._name),
                ("kpi_res_id", "=", record.id),
                ("state", "!=", "done"),
                ("test_entry", "=", False),
                "|",
                ("deadline", "=", False),
                ("deadline", ">", Datetime.now()),
            ],
            limit=1,
        )
        if waiting:
            return waiting
        email = partner.email or email
        answer = survey._create_answer(
            partner=partner,
            email=email,
            check_attempts=False,
            kpi_res_model=record._name,
            kpi_res_id=record.id,
            kpi_invited=True,
        )
        # superuser: Odoo's own invitation, to one person, about a record the sender has at hand;
        # a portal user who closes a ticket reads neither templates nor the sender
        template = self.env.ref("survey.mail_template_user_input_invite").sudo()
        sender = record.company_id.partner_id if self.env.user.share else self.env.user
        template.with_context(lang=partner.lang or self.env.lang).send_mail(
            answer.id,
            email_layout_xmlid="mail.mail_notification_light",
            email_values={
                "email_from": sender.sudo().email_formatted,
                "email_to": False if partner.email else email,
                "recipient_ids": [Command.set(partner.ids if partner.email else [])],
            },
        )
        if hasattr(record, "_message_log"):
            # superuser: a note of what was just sent, also by who may read the record only
            record.sudo()._message_log(
                body=self.env._(
                    "Survey “%(survey)s” sent to %(participant)s.",
                    survey=survey.title,
                    participant=partner.name or email,
                )
            )
        return answer
