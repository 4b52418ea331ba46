# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Field types of the KPI addons."""

import math

from odoo import fields
from odoo.exceptions import ValidationError
from odoo.tools import SQL, sql


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


class UncheckedMany2one(fields.Many2one):
    """A many2one without a foreign key: PostgreSQL does not check each row that is inserted.

    For tables that are filled by SQL with ids that were just read: checking eight foreign keys
    takes three times as long as inserting the row. A trigger of the other table does the rest of
    what a foreign key does: when records are deleted, by Odoo, by a cascade or by SQL, the rows
    are deleted or the column is emptied, as ``ondelete`` says.

    A row that another transaction inserts in the same moment is not seen by the trigger: see
    :func:`~.refresh.values.keep` and :func:`~.refresh.values.delete_orphans`.
    """

    def update_db_foreign_key(self, model, column):
        comodel = model.env[self.comodel_name]
        self._drop_foreign_key(model, comodel)
        _create_follower(model.env.cr, comodel._table, model._table, self.name, self.ondelete)

    def _drop_foreign_key(self, model, comodel):
        """Drop the foreign key that the column has from an earlier version."""
        names = sql.get_foreign_keys(
            model.env.cr, model._table, self.name, comodel._table, "id", self.ondelete
        )
        for name in names:
            sql.drop_constraint(model.env.cr, model._table, name)
        model.env["ir.model.constraint"].search([("name", "in", names)]).unlink()


class KeptMany2one(fields.Many2one):
    """A many2one that keeps the id of a record that was deleted: there is no foreign key.

    Who reads it must expect that the record does not exist.
    """

    def update_db_foreign_key(self, model, column):
        pass


#: Function of the triggers; arguments: table, column and ``ondelete`` of the field.
_FOLLOW_DELETION = SQL(
    """CREATE OR REPLACE FUNCTION crm_kpi_follow_deletion() RETURNS trigger LANGUAGE plpgsql AS $$
       BEGIN
           IF NOT EXISTS (SELECT 1 FROM gone) THEN
               RETURN NULL;
           END IF;
           IF TG_ARGV[2] = 'cascade' THEN
               EXECUTE 'DELETE FROM ' || quote_ident(TG_ARGV[0])
                    || ' WHERE ' || quote_ident(TG_ARGV[1]) || ' IN (SELECT id FROM gone)';
           ELSE
               EXECUTE 'UPDATE ' || quote_ident(TG_ARGV[0])
                    || ' SET ' || quote_ident(TG_ARGV[1]) || ' = NULL'
                    || ' WHERE ' || quote_ident(TG_ARGV[1]) || ' IN (SELECT id FROM gone)';
           END IF;
           RETURN NULL;
       END $$"""
)


def _create_follower(cr, other_table, table, column, ondelete):
    """Create the trigger that lets rows follow when records of the other table are deleted."""
    name = f"{table}_{column}_follow"
    cr.execute(
        SQL(
            "SELECT 1 FROM pg_trigger WHERE tgname = %s AND tgrelid = %s::regclass",
            name,
            other_table,
        )
    )
    if cr.rowcount:
        return
    cr.execute(_FOLLOW_DELETION)
    cr.execute(
        SQL(
            """CREATE TRIGGER %s AFTER DELETE ON %s REFERENCING OLD TABLE AS gone
                   FOR EACH STATEMENT EXECUTE FUNCTION crm_kpi_follow_deletion(%s, %s, %s)""",
            SQL.identifier(name),
            SQL.identifier(other_table),
            table,
            column,
            ondelete,
        )
    )


def drop_followers(cr):
    """Drop the triggers of all :class:`UncheckedMany2one`, before their tables are dropped."""
    cr.execute("DROP FUNCTION IF EXISTS crm_kpi_follow_deletion() CASCADE")
