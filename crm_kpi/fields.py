# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Field types of the KPI addons."""

import math

from odoo import fields
from odoo.exceptions import ValidationError


class NullableFloat(fields.Float):
    """A float for which "no value" and zero differ.

    Odoo's own float reads an empty column as ``0.0``, which turns an unanswered lead into
    one answered within zero hours. Here an empty column reads as ``False`` and is shown
    blank; writing ``False`` or ``None`` empties it. Aggregates in SQL skip empty values.

    Infinity and "not a number" are refused: boards and workbooks cannot show them.
    """

    falsy_value = None

    def convert_to_column(self, value, record, values=None, validate=True):
        if value is None or value is False:
            return None
        return super().convert_to_column(value, record, values, validate)

    def convert_to_cache(self, value, record, validate=True):
        if value is None or value is False:
            return None
        value = super().convert_to_cache(value, record, validate)
        if validate and not math.isfinite(value):
            raise ValidationError(
                record.env._(
                    "%(field)s: %(value)s is not a number that can be shown. Enter a number.",
                    field=self._description_string(record.env),
                    value=value,
                )
            )
        return value

    def convert_to_record(self, value, record):
        return False if value is None else value

    def convert_to_export(self, value, record):
        return "" if value is None or value is False else value
