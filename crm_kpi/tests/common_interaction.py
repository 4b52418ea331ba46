# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Message histories with real dates, for the tests of conversations."""

from datetime import datetime

from odoo.tests import TransactionCase


def dt(text):
    """``"2026-11-02 09:00"`` as a naive datetime (UTC, as the database keeps it)."""
    return datetime.fromisoformat(text)


class InteractionCommon(TransactionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env = cls.env(
            context=dict(cls.env.context, tracking_disable=True, mail_notrack=True, lang="en_US")
        )
        cls.company = cls.env.company
        cls.company.kpi_tz = "Europe/Brussels"
        cls.company.kpi_min_cell = 0  # examples are small
        cls.ann = cls._user("kpi_ann", "base.group_user")
        cls.bob = cls._user("kpi_bob", "base.group_user")
        cls.leaver = cls._user("kpi_leaver", "base.group_user")
        cls.leaver.active = False
        cls.portal = cls._user("kpi_portal", "base.group_portal")
        cls.customer = cls.env["res.partner"].create({"name": "Customer", "is_company": True})
        cls.contact = cls.env["res.partner"].create(
            {"name": "Contact", "parent_id": cls.customer.id}
        )
        cls.comment = cls.env.ref("mail.mt_comment")
        cls.note = cls.env.ref("mail.mt_note")
        cls.created = cls.env.ref("crm.mt_lead_create")
        cls.activities = cls.env.ref("mail.mt_activities")
        cls.call = cls.env.ref("mail.mail_activity_data_call")
        cls.meeting = cls.env.ref("mail.mail_activity_data_meeting")
        cls.todo = cls.env.ref("mail.mail_activity_data_todo")
        cls.stage_open = cls.env["crm.stage"].create({"name": "Open", "sequence": 1})

    @classmethod
    def _user(cls, login, group):
        return (
            cls.env["res.users"]
            .with_context(no_reset_password=True)
            .create(
                {
                    "name": login,
                    "login": login,
                    "email": f"{login}@example.com",
                    "group_ids": [(6, 0, cls.env.ref(group).ids)],
                }
            )
        )

    @classmethod
    def _dates(cls, record, **dates):
        """Write columns by SQL that the ORM does not write, such as ``create_date``."""
        record.flush_recordset()
        for name, value in dates.items():
            cls.env.cr.execute(
                f'UPDATE "{record._table}" SET "{name}" = %s WHERE id = ANY(%s)',
                (value, record.ids),
            )
        record.invalidate_recordset()
        return record

    @classmethod
    def _lead(cls, created="2026-11-01 08:00", by=None, **vals):
        """A lead created at a given time by a user; ``by`` None is the robot (a web form)."""
        lead = cls.env["crm.lead"].create(
            {
                "name": "Lead",
                "type": "opportunity",
                "user_id": cls.ann.id,
                "partner_id": cls.contact.id,
                "stage_id": cls.stage_open.id,
                "probability": 10,
                **vals,
            }
        )
        return cls._dates(lead, create_date=dt(created), create_uid=by.id if by else 1)

    @classmethod
    def _message(cls, record, when, author=None, arrived=None, **vals):
        """A message on a record. ``author``: a user, a partner or None."""
        if author is not None and author._name == "res.users":
            author = author.partner_id
        message = cls.env["mail.message"].create(
            {
                "model": record._name,
                "res_id": record.id,
                "date": dt(when),
                "author_id": author.id if author else False,
                "email_from": "someone@example.com",
                "message_type": "comment",
                "subtype_id": cls.comment.id,
                "body": "text",
                **vals,
            }
        )
        return cls._dates(message, create_date=dt(arrived or when))

    @classmethod
    def _done(cls, record, when, author, activity_type):
        """The message that a done activity leaves."""
        return cls._message(
            record,
            when,
            author,
            message_type="notification",
            subtype_id=cls.activities.id,
            mail_activity_type_id=activity_type.id,
        )

    @classmethod
    def _mail_in(cls, record, when, author=None, **vals):
        return cls._message(record, when, author or cls.contact, message_type="email", **vals)

    def _rows(self, record):
        rows = self.env["crm.kpi.interaction"].search(
            [("res_model", "=", record._name), ("res_id", "=", record.id)]
        )
        # sorted by time, because the default order is latest first
        return rows.sorted(lambda row: (row.date, row.message_id.id))
