# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo.tools import SQL


def tracked_changes(model, field_name, first, last):
    """Query of the tracked changes of a field, of the records with ids in a range.

    Columns: ``id`` of the record, ``at``, ``nth`` (order within one moment), ``old`` and
    ``new`` (ids of a many2one), ``label`` (the new value of a selection, in the language of
    the user who changed it).
    """
    return SQL(
        """
        SELECT m.res_id AS id, v.create_date AS at, v.id AS nth,
               NULLIF(v.old_value_integer, 0) AS old, NULLIF(v.new_value_integer, 0) AS new,
               v.new_value_char AS label
          FROM mail_message m
          JOIN mail_tracking_value v ON v.mail_message_id = m.id AND v.field_id = %s
         WHERE m.model = %s AND m.res_id BETWEEN %s AND %s
        """,
        model.env["ir.model.fields"]._get(model._name, field_name).id or 0,
        model._name,
        first,
        last,
    )
