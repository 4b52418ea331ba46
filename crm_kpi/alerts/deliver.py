# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Delivers due messages: one mail per recipient, activities, and notifications on the screen.

A message tells a value. So each recipient hears only of cases that their rights let them read; the
owner of the rule learns who heard nothing.
"""

import logging
from collections import defaultdict

import psycopg2
from markupsafe import Markup

from ..refresh.failures import error_text
from .words import message_text

_logger = logging.getLogger(__name__)

#: Lines of a mail.
LINES_SHOWN = 20


class Delivery:
    """Delivers the messages that are due."""

    def __init__(self, env, now):
        # superuser: messages of all recipients; their own rights decide what they hear
        self.env = env(su=True)
        self.now = now
        self.sends_mail = not self.env["ir.config_parameter"].get_param("database.is_neutralized")

    def run(self):
        due = self.env["crm.kpi.alert.message"].search(
            [("state", "=", "due"), ("due_at", "<=", self.now)], order="user_id, id"
        )
        refused = due.browse()
        for user, own in due.grouped("user_id").items():
            refused |= self._deliver_safely(user, own)
            # what was sent stays sent when a later recipient fails
            self.env["ir.cron"]._commit_progress()
        self._tell_owners(refused)

    def _deliver_safely(self, user, messages):
        """Deliver to one recipient; a failure does not stop the others.

        :return: the messages that the recipient may not read
        """
        try:
            with self.env.cr.savepoint():
                return self._deliver(user, messages)
        except psycopg2.OperationalError:
            raise
        except Exception as error:
            # any exception: a broken address or template must not silence the others
            _logger.warning("KPI alerts to user %s", user.id, exc_info=True)
            messages.write({"state": "failed", "error": error_text(error)})
            return messages.browse()

    def _deliver(self, user, messages):
        readable = self._readable(user, messages.case_id)
        told = messages.filtered(lambda message: message.case_id in readable)
        refused = messages - told
        refused.state = "refused"
        if told:
            told.write({"state": "sent", "sent_at": self.now})
            self._mail(user, told.filtered(lambda message: message.case_id.alert_id.by_mail))
            self._show(user, told.filtered(lambda message: message.case_id.alert_id.on_screen))
            self._plan(user, told.filtered(lambda message: message.case_id.alert_id.by_activity))
        return refused

    def _as_recipient(self, user, records):
        """The records in the language and with the rights of a recipient, for texts."""
        return records.with_user(user).with_context(
            lang=user.lang, tz=user.tz, allowed_company_ids=user.company_ids.ids
        )

    def _readable(self, user, cases):
        """The cases that a user may read in one of their companies."""
        if not user.active or user.share:
            return cases.browse()
        return self._as_recipient(user, cases)._filtered_access("read").with_env(cases.env)

    def _mail(self, user, messages):
        if not messages or not self.sends_mail:
            return
        own = self._as_recipient(user, messages)
        env = own.env
        lines = Markup().join(
            Markup('<li><a href="/odoo/crm.kpi.alert.case/%s">%s</a>: %s</li>')
            % (message.case_id.id, message.case_id.display_name, message_text(message))
            for message in own[:LINES_SHOWN]
        )
        if len(messages) > LINES_SHOWN:
            lines += Markup("<li>%s</li>") % env._("and %s more", len(messages) - LINES_SHOWN)
        if len(messages) == 1:
            subject = env._("KPI alert: %s", own.case_id.display_name)
        else:
            subject = env._("%s KPI alerts", len(messages))
        # a message about one case opens it
        thread = messages.case_id if len(messages) == 1 else self.env["mail.thread"]
        thread.with_context(lang=user.lang).message_notify(
            partner_ids=user.partner_id.ids,
            author_id=self.env.ref("base.partner_root").id,
            subject=subject,
            body=Markup("<ul>%s</ul>") % lines,
            force_send=False,  # the queue of mails sends it
        )

    def _show(self, user, messages):
        """Notify on the screen, where the recipient is online."""
        for message in self._as_recipient(user, messages)[:LINES_SHOWN]:
            user._bus_send(
                "simple_notification",
                {
                    "type": "info" if message.kind == "recovered" else "warning",
                    "title": message.case_id.display_name,
                    "message": message_text(message),
                },
            )

    def _plan(self, user, messages):
        """Plan an activity for each case that still fires, on its goal where there is one."""
        cases = messages.case_id.filtered(lambda case: case.state == "firing")
        activities = self.env["mail.activity"].search(
            [("kpi_alert_case_id", "in", cases.ids), ("user_id", "=", user.id)]
        )
        new = self._as_recipient(user, cases - activities.kpi_alert_case_id)
        vals_list = [case._activity_values(user) for case in new]
        # no mail about the activity: the rule says which mails are sent
        self.env["mail.activity"].with_context(mail_activity_quick_update=True).create(vals_list)

    def _tell_owners(self, refused):
        """Tell the owner of each rule who may not read its values, once."""
        users = defaultdict(self.env["res.users"].browse)
        for message in refused:
            users[message.case_id.alert_id] |= message.user_id
        for alert, own in users.items():
            alert._note_unreadable(own)


def send_to(user, subject, body, record=None):
    """Send a message of the system to one user.

    :param record: the record that the message opens
    """
    # superuser: the text is made for this recipient
    thread = user.env["mail.thread"].sudo()
    thread.message_notify(
        partner_ids=user.partner_id.ids,
        author_id=user.env.ref("base.partner_root").id,
        subject=subject,
        body=body,
        model=record._name if record else False,
        res_id=record.id if record else False,
        force_send=False,
    )
