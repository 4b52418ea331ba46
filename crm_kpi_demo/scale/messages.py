# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Messages and tracked changes on the records of a plan."""

import logging
import time
from typing import NamedTuple

from odoo.tools import SQL

_logger = logging.getLogger(__name__)

#: Kind of a message: type, subtype, kind of activity, whether the salesperson wrote it.
KINDS = {
    "sent": ("comment", "mail.mt_comment", None, True),
    "received": ("email", "mail.mt_comment", None, False),
    "call": ("notification", "mail.mt_activities", "mail.mail_activity_data_call", True),
    "log": ("notification", "mail.mt_note", None, True),
}


class Message(NamedTuple):
    """A message on each record whose moment is not empty.

    :param at: column of the plan with the moment
    :param kind: key of :data:`KINDS`
    """

    at: str
    kind: str


class Change(NamedTuple):
    """A tracked change of a field, on each record whose moment is not empty.

    :param old, new: ids, or labels of a selection
    """

    at: str
    field: str
    old: object
    new: object


def insert_messages(plan, *messages):
    """Insert messages and tracked changes; the plan has ``user_id``, ``author_id`` and ``email``."""
    env, model = plan.env, plan.model._name
    start = time.monotonic()
    for message in messages:
        change = message if isinstance(message, Change) else None
        inserted = _insert(plan, message.at, "log" if change else message.kind)
        env.cr.execute(_with_change(env, model, inserted, change) if change else inserted)
    _logger.info("messages of %s in %.0f s", plan.model._table, time.monotonic() - start)


def _insert(plan, at, kind):
    env = plan.env
    message_type, subtype, activity, own = KINDS[kind]
    return SQL(
        """
        INSERT INTO mail_message
               (model, res_id, date, message_type, subtype_id, mail_activity_type_id, author_id,
                email_from, body, is_internal, message_id, create_uid, write_uid, create_date,
                write_date)
        SELECT %(model)s, id, %(at)s, %(type)s, %(subtype)s, %(activity)s, %(author)s, %(email)s,
               %(body)s, %(internal)s, '<' || %(kind)s || '.' || id || '@scale.example.com>',
               user_id, user_id, %(at)s, %(at)s
          FROM %(plan)s
         WHERE %(at)s < now() AT TIME ZONE 'UTC'
        """,
        model=plan.model._name,
        at=SQL.identifier(at),
        type=message_type,
        subtype=env.ref(subtype).id,
        activity=env.ref(activity).id if activity else None,
        author=SQL("author_id" if own else "NULL::int"),
        email=SQL("'sales@example.com'" if own else "email"),
        body="<p>A message with a sentence or two about the matter.</p>" if kind != "log" else "",
        internal=kind == "log",
        kind=f"{plan.model._table}.{at}",
        plan=SQL.identifier(plan.table),
    )


def _with_change(env, model, inserted, change):
    kind = "char" if isinstance(change.new, str) else "integer"
    return SQL(
        """
        WITH message AS (%(inserted)s RETURNING id, date, create_uid)
        INSERT INTO mail_tracking_value
               (field_id, mail_message_id, %(old_column)s, %(new_column)s, create_uid, write_uid,
                create_date, write_date)
        SELECT %(field)s, id, %(old)s, %(new)s, create_uid, create_uid, date, date FROM message
        """,
        inserted=inserted,
        old_column=SQL.identifier(f"old_value_{kind}"),
        new_column=SQL.identifier(f"new_value_{kind}"),
        field=env["ir.model.fields"]._get(model, change.field).id,
        old=change.old,
        new=change.new,
    )
