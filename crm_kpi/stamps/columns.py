# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Columns of stored fields that must not be computed record by record at the installation.

Odoo computes a new stored field for every record, one by one, unless its column exists. The
pre-init hook creates the columns; the back-fill fills them in sets.
"""

from odoo.tools import sql


def stored_columns(*definitions):
    """Columns that Odoo would compute at the installation.

    :param definitions: Python classes that extend models, as imported (not from the registry)
    :return: ``{table: {column: type}}``
    """
    result = {}
    for definition in definitions:
        columns = result.setdefault(definition._name.replace(".", "_"), {})
        for stamp in getattr(definition, "_kpi_stamps", ()):
            columns.update(stamp.columns)
        for field in definition._field_definitions:
            given = field._args__
            if given.get("store") and (given.get("compute") or given.get("related")):
                columns[field.name] = field.column_type[0]
    return result


def create_columns(cr, *definitions):
    """Create the columns of :func:`stored_columns` that do not exist yet."""
    for table, columns in stored_columns(*definitions).items():
        existing = sql.table_columns(cr, table)
        for name, column_type in columns.items():
            if name not in existing:
                sql.create_column(cr, table, name, column_type)
