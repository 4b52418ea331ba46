# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Writing many records by SQL: dates of the past, copies of records, messages."""

import json

from odoo import fields
from odoo.tools import SQL
from odoo.tools.misc import split_every

ACTIVITY_TYPES = {
    "call": "mail.mail_activity_data_call",
    "meeting": "mail.mail_activity_data_meeting",
    "mail": "mail.mail_activity_data_email",
    "letter": "crm_kpi.mail_activity_type_letter",
    "brochure": "crm_kpi.mail_activity_type_brochure",
}
#: Subtype of the message of the mail from which a record was created.
CREATION_SUBTYPES = {
    "crm.lead": "crm.mt_lead_create",
    "helpdesk.ticket": "helpdesk_mgmt.hlp_tck_created",
}


def set_columns(records, columns):
    """Set columns that the ORM does not write, such as ``create_date``.

    :param columns: name to ``(type in PostgreSQL, list of values in the order of records)``
    """
    if not records:
        return
    env, names = records.env, list(columns)
    env.flush_all()
    env.cr.execute(
        SQL(
            "UPDATE %s AS r SET %s FROM unnest(%s, %s) AS v (id, %s) WHERE r.id = v.id",
            SQL.identifier(records._table),
            SQL(", ").join(
                SQL("%s = v.%s", SQL.identifier(name), SQL.identifier(name)) for name in names
            ),
            records.ids,
            SQL(", ").join(
                SQL("%s::%s", list(values), SQL(f"{kind}[]")) for kind, values in columns.values()
            ),
            SQL(", ").join(SQL.identifier(name) for name in names),
        )
    )
    records.invalidate_recordset()


def reserve_ids(env, table, count):
    """Take ids from the sequence of a table."""
    env.cr.execute(SQL("SELECT nextval(%s) FROM generate_series(1, %s)", f"{table}_id_seq", count))
    return [id_ for (id_,) in env.cr.fetchall()]


def copy_rows(env, table, rows):
    """Insert copies of rows of a table.

    :param rows: dicts of column to value; ``model_id`` is the id of the row to copy
    """
    env.flush_all()
    for batch in split_every(1000, rows, list):
        env.cr.execute(
            SQL(
                """
                INSERT INTO %(table)s
                SELECT copy.*
                  FROM jsonb_array_elements(%(rows)s::jsonb) AS v (data)
                  JOIN %(table)s AS model ON model.id = (v.data->>'model_id')::int
            CROSS JOIN LATERAL jsonb_populate_record(model, v.data) AS copy
                """,
                table=SQL.identifier(table),
                rows=json.dumps(batch),
            )
        )


def copy_orders(env, copies):
    """Insert copies of orders with copies of lines.

    :param copies: list of ``(row of the order, rows of its lines)`` as in :func:`copy_rows`,
        without ids
    :return: ids of the orders
    """
    order_ids = reserve_ids(env, "sale_order", len(copies))
    line_ids = iter(
        reserve_ids(env, "sale_order_line", sum(len(lines) for _order, lines in copies))
    )
    orders, rows = [], []
    for (order, lines), order_id in zip(copies, order_ids, strict=True):
        orders.append({**order, "id": order_id})
        rows += [{**line, "id": next(line_ids), "order_id": order_id} for line in lines]
    copy_rows(env, "sale_order", orders)
    copy_rows(env, "sale_order_line", rows)
    env.invalidate_all()
    return order_ids


def insert_messages(env, rows):
    """Insert messages of the past, without notifications.

    :param rows: dicts with model, res_id, date, kind (see :class:`.history.entities.Message`, or
        "log" for tracking), author (id of a contact or None), email_from, body, uid
    :return: ids in the order of the rows
    """
    shapes = _message_shapes(env)
    ids = []
    for batch in split_every(5000, rows, list):
        env.cr.execute(
            SQL(
                """
                INSERT INTO mail_message
                    (model, res_id, date, message_type, subtype_id, mail_activity_type_id,
                     author_id, email_from, body, is_internal, message_id,
                     create_uid, write_uid, create_date, write_date)
                SELECT r.model, r.res_id, r.date, r.message_type, r.subtype_id,
                       r.activity_type_id, r.author_id, r.email_from, r.body,
                       r.message_type = 'notification',
                       format('<%%s.%%s.%%s@demo.example.com>', r.model, r.res_id, r.n),
                       r.uid, r.uid, r.date, r.date
                  FROM jsonb_to_recordset(%s::jsonb) AS r (
                       n int, model text, res_id int, date timestamp, message_type text,
                       subtype_id int, activity_type_id int, author_id int, email_from text,
                       body text, uid int)
              ORDER BY r.n
             RETURNING id
                """,
                json.dumps(
                    [
                        _message(shapes, row, number)
                        for number, row in enumerate(batch, start=len(ids))
                    ]
                ),
            )
        )
        ids += [message_id for (message_id,) in env.cr.fetchall()]
    env["mail.message"].invalidate_model()
    return ids


def _message_shapes(env):
    """Kind of a message to its type, subtype and type of activity; those of missing apps: None."""

    def ref(xmlid):
        return env["ir.model.data"]._xmlid_to_res_id(xmlid)

    comment = ref("mail.mt_comment")
    shapes = {
        "mail": ("comment", comment, None),
        "in": ("email", comment, None),
        "log": ("notification", ref("mail.mt_note"), None),
    }
    for model, subtype in CREATION_SUBTYPES.items():
        shapes["request", model] = ("email", ref(subtype), None)
    for kind in ("call", "meeting", "letter", "brochure"):
        shapes[kind] = ("notification", ref("mail.mt_activities"), ref(ACTIVITY_TYPES[kind]))
    return shapes


def _message(shapes, row, number):
    kind = row["kind"]
    message_type, subtype, activity_type = shapes[
        (kind, row["model"]) if kind == "request" else kind
    ]
    return {
        "n": number,
        "model": row["model"],
        "res_id": row["res_id"],
        "date": fields.Datetime.to_string(row["date"]),
        "message_type": message_type,
        "subtype_id": subtype,
        "activity_type_id": activity_type,
        "author_id": row["author"],
        "email_from": row["email_from"],
        "body": row["body"] and f"<p>{row['body']}</p>",
        "uid": row["uid"],
    }
