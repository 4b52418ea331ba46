# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from odoo import api, models
from odoo.exceptions import AccessError
from odoo.tools import SQL
from odoo.tools.misc import split_every

from ...refresh.planner import planned_for
from ...sql import Derived, with_queries
from .crm_kpi_dirty import marked_ids

#: Who may correct when an event happened and who gets the credit. Groups imply each other by
#: default only, so both are named.
CORRECTORS = "sales_team.group_sale_manager,crm_kpi.group_kpi_manager"
# marks taken from the queue, and records derived, per batch
BATCH = 10_000
# messages and lines that are read of a record
ROWS_PER_RECORD = 5


class CrmKpiFactMixin(models.AbstractModel):
    """A model with stamps (written at the event) and derived KPI fields (computed in sets).

    A model that inherits it defines

    * ``_kpi_stamps``: its stamps (:class:`~odoo.addons.crm_kpi.stamps.Stamp`),
    * ``_kpi_protected_fields()``: the fields that users may not write,
    * ``_kpi_trigger_fields()``: the fields whose change makes a record dirty,
    * ``_kpi_derived(ids)``: the queries of the derived fields,
    * ``_kpi_derive_records(ids)``: what else is derived, and further statements,
    * ``_kpi_stale_ids()``: records whose derived fields change as time passes.

    The methods must call ``super()``, because several extensions of one model meet here.
    Stamps are written with :meth:`_kpi_stamp`, never through ``vals`` of ``write()``: the
    check of the protected fields would refuse them for ordinary users.
    """

    _name = "crm.kpi.fact.mixin"
    _description = "KPI: stamped and derived fields"

    # new write date of a row ``r`` whose derived fields change; a model overrides it if its
    # write dates are read for another purpose
    _kpi_touch = SQL("clock_timestamp() AT TIME ZONE 'UTC'")

    #: stamps of the model: what is stamped, back-filled and protected
    _kpi_stamps = ()
    #: of these, the ones whose credit may be corrected; they have a user and a team
    _kpi_correctable = ()

    # ------------------------------------------------------------------
    # to extend
    # ------------------------------------------------------------------
    @api.model
    def _kpi_protected_fields(self):
        """Names of the stamps and derived fields; only superuser code may write them.

        By default the fields of ``_kpi_stamps``, and every read-only field whose name begins
        with ``kpi_``.
        """
        return {name for stamp in self._kpi_stamps for name in stamp.fields} | {
            name
            for name, field in self._fields.items()
            if name.startswith("kpi_") and field.readonly
        }

    @api.model
    def _kpi_trigger_fields(self):
        """Names of the fields whose writing marks the record dirty."""
        return set()

    @api.model
    def _kpi_derived(self, ids):
        """Queries of the derived fields of the records ``ids``.

        They are written by one statement, because each update of a row costs a new version of
        it in all indexes. A query may read those before it by their names. It may also return
        further records, whose fields change with the records ``ids``.

        :return: dict of name to :class:`~odoo.addons.crm_kpi.sql.Derived`
        """
        return {}

    @api.model
    def _kpi_derive_records(self, ids):
        """Derive the records ``ids`` by statements over the whole set.

        ``ids`` may contain deleted records: the rows that were derived from them are deleted.
        Only rows whose values change may be updated, with a new ``write_date`` (see
        :meth:`_kpi_update`), because the refresh finds changed periods by it.
        """
        if ids and (derived := self._kpi_derived(list(ids))):
            self._kpi_update_all(derived)

    @api.model
    def _kpi_stale_ids(self):
        """Ids of the records whose derived values are outdated because time has passed."""
        return []

    @api.model
    def _kpi_concerned(self, ids):
        """The created or written records ``ids`` that have something to derive.

        By default all. A model overrides it if few of its records have facts.
        """
        return ids

    # ------------------------------------------------------------------
    # marking
    # ------------------------------------------------------------------
    @api.model
    def _kpi_mark_dirty(self, ids):
        """Mark ``ids`` to be derived again: nothing is computed or written yet."""
        self.env["crm.kpi.dirty"]._push(self._name, ids)

    @api.model
    def _kpi_marks(self, ids):
        """What is derived again because of the records ``ids``.

        :return: dict of model name to SQL with a column ``id``
        """
        return {self._name: marked_ids(ids)}

    @api.model
    def _kpi_mark_all_dirty(self):
        """Mark every record, archived ones too (back-fill, changed settings)."""
        self.env.flush_all()
        self.env["crm.kpi.dirty"]._push_query(
            self._name, SQL("SELECT id FROM %s ORDER BY id", SQL.identifier(self._table))
        )

    # ------------------------------------------------------------------
    # deriving
    # ------------------------------------------------------------------
    @api.model
    def _kpi_derive(self):
        """Derive the dirty records of this model, and those that are outdated.

        Marks are deleted in the transaction that derives their records: if it fails, the marks
        are still there. Two concurrent transactions take different marks.

        :return: number of derived records
        """
        self.env.flush_all()
        done = 0
        while count := self._kpi_derive_next():
            done += count
        for batch in split_every(BATCH, self._kpi_stale_ids(), list):
            self._kpi_derive_changed(batch)
            done += len(batch)
        if done:
            # SQL does not update the cache
            self.env.invalidate_all()
        return done

    @api.model
    def _kpi_derive_next(self):
        """Derive one batch of dirty records.

        :return: number of derived records, 0 when none is left
        """
        ids = self.env["crm.kpi.dirty"]._pop(self._name, BATCH)
        if ids:
            self._kpi_derive_changed(ids)
        return len(ids)

    @api.model
    def _kpi_derive_changed(self, ids):
        """Derive records that changed, while other models may not be derived yet.

        A model overrides it if it reads derived rows of another model.
        """
        self._kpi_derive_set(ids)

    @api.model
    def _kpi_derive_set(self, ids):
        """Derive the records ``ids``: a few, or tens of thousands."""
        with planned_for(self.env.cr, len(ids) * ROWS_PER_RECORD):
            self._kpi_derive_records(ids)

    @api.model
    def _kpi_to_backfill(self):
        """Query of all records to derive when the addon is installed.

        Records with one key are derived together.

        :return: SQL with the columns ``id`` and ``key``, a positive number
        """
        return SQL("SELECT id, id AS key FROM %s", SQL.identifier(self._table))

    @api.model
    def _kpi_update(self, columns, source):
        """Write derived columns from a query, touching only rows that change.

        :param columns: names of the stored fields
        :param SQL source: query with a column ``id`` and one column per name
        :return: ids of the changed rows
        """
        return self._kpi_update_all({"source": Derived(columns, source)})

    @api.model
    def _kpi_update_all(self, derived):
        """Write derived columns from several queries by one statement.

        A record that one of the queries does not return keeps the values of its columns.

        :param derived: dict of name to :class:`~odoo.addons.crm_kpi.sql.Derived`
        :return: ids of the changed rows
        """
        values = {
            name: SQL(
                "CASE WHEN %(query)s.id IS NULL THEN r.%(name)s ELSE %(query)s.%(name)s END",
                query=SQL.identifier(query),
                name=SQL.identifier(name),
            )
            for query, part in derived.items()
            for name in part.columns
        }
        queries = {name: part.query for name, part in derived.items()}
        names = [SQL.identifier(name) for name in derived]
        found = SQL(" UNION ").join(SQL("SELECT id FROM %s", name) for name in names)
        joined = SQL(" ").join(
            SQL("LEFT JOIN %(name)s ON %(name)s.id = found.id", name=name) for name in names
        )
        rows = self.env.execute_query(
            with_queries(
                queries,
                SQL(
                    """
                    UPDATE %(table)s AS r
                       SET %(sets)s, write_date = %(touch)s
                      FROM %(rows)s
                     WHERE %(id)s = r.id
                       AND (%(old)s) IS DISTINCT FROM (%(new)s)
                 RETURNING r.id
                    """,
                    table=SQL.identifier(self._table),
                    touch=self._kpi_touch,
                    sets=SQL(", ").join(
                        SQL("%s = %s", SQL.identifier(name), value)
                        for name, value in values.items()
                    ),
                    # a single query is not joined with its own ids
                    rows=SQL("(%s) AS found %s", found, joined) if names[1:] else names[0],
                    id=SQL("found.id") if names[1:] else SQL("%s.id", names[0]),
                    old=SQL(", ").join(SQL("r.%s", SQL.identifier(name)) for name in values),
                    new=SQL(", ").join(values.values()),
                ),
                # each row is computed once, not once per use of a column
                materialized=queries,
            )
        )
        return [id_ for (id_,) in rows]

    # ------------------------------------------------------------------
    # stamps
    # ------------------------------------------------------------------
    def _kpi_stamp(self, vals):
        """Write stamps on the records, without the overrides of ``write()``.

        Safe as superuser: only the code that detects the event calls it, with its own values.
        The user who caused the event may not write the stamp.
        """
        base = super(CrmKpiFactMixin, self.sudo())
        result = base.write(vals)
        self._kpi_mark_dirty(self.ids)
        return result

    @api.model
    def _kpi_may_correct(self):
        """Whether the user may say when an event happened and who gets the credit."""
        return self.env.su or self.env.user.has_groups(CORRECTORS)

    def _kpi_stamp_to_correct(self):
        """The stamp of the event that happened; ``None`` if there was none."""
        return next((stamp for stamp in self._kpi_correctable if self[stamp.date]), None)

    def _kpi_correction_fields(self, stamp):
        """Fields that decide when the event counts, and for whom."""
        return {"date": stamp.date, "user": stamp.user, "team": stamp.team}

    def _kpi_correction_values(self, stamp, changes):
        """Values of the fields to write for a correction.

        :param changes: new values: dict with some of the keys ``date``, ``user``, ``team``
        """
        return {
            getattr(stamp, part): value.id if isinstance(value, models.BaseModel) else value
            for part, value in changes.items()
        }

    @api.model
    def _kpi_sales_team(self, team):
        """The sales team that a team of this model counts for."""
        return team

    def _kpi_refuse_protected(self, names):
        """Raise when a user, rather than superuser code, sets a stamp or derived field.

        Only the superuser mode of the environment counts: any client can send a context key.
        """
        if self.env.su:
            return
        refused = sorted(self._kpi_protected_fields().intersection(names))
        if refused:
            raise AccessError(
                self.env._(
                    "%(fields)s: computed from the history of the record, cannot be set manually.",
                    fields=", ".join(
                        f"{self._fields[name]._description_string(self.env)} ({name})"
                        if name in self._fields
                        else name
                        for name in refused
                    ),
                )
            )

    @api.model
    def default_get(self, fields):
        # a user's default, or a default in the context, would write a protected field
        values = super().default_get(fields)
        if not self.env.su:
            for name in self._kpi_protected_fields().intersection(values):
                default = self._fields[name].default
                if default:
                    values[name] = default(self)
                else:
                    del values[name]
        return values

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            self._kpi_refuse_protected(vals)
        records = super().create(vals_list)
        records._kpi_mark_dirty(records._kpi_concerned(records.ids))
        return records

    def write(self, vals):
        self._kpi_refuse_protected(vals)
        result = super().write(vals)
        if self._kpi_trigger_fields().intersection(vals):
            self._kpi_mark_dirty(self._kpi_concerned(self.ids))
        return result

    def unlink(self):
        ids = self.ids
        result = super().unlink()
        # rows derived from them are deleted by the next derivation
        self._kpi_mark_dirty(ids)
        return result
