# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import models
from odoo.fields import Command, Datetime


class SurveySurvey(models.Model):
    _inherit = "survey.survey"

    def _kpi_invite(self, record, partner=None, email=False):
        """Invite a customer by mail to answer the survey about a record.

        While the last request for the record is not answered, no further one is sent.

        :param partner: the participant; by default the contact of the record
        :param email: address to use when the contact has none, or when there is no contact
        :return: the participation; empty when there is no address
        """
        self.ensure_one()
        # superuser: the request is caused by a user who works on the record, or by a customer
        # who closes a ticket in the portal; they may not be allowed to read surveys
        survey = self.sudo()
        partner = (record.partner_id if partner is None else partner).sudo()
        if not survey.active or not (partner.email or email):
            return self.env["survey.user_input"]
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
        # superuser: Odoo's invitation, to one participant, about a record the user works on;
        # portal users may read neither templates nor the sender
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
            # superuser: logs the mail that was just sent; the user may only read the record
            record.sudo()._message_log(
                body=self.env._(
                    "Survey “%(survey)s” sent to %(participant)s.",
                    survey=survey.title,
                    participant=partner.name or email,
                )
            )
        return answer
