# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

from odoo import SUPERUSER_ID, fields, models
from odoo.fields import Domain
from odoo.tools import SQL
from odoo.tools.query import Query


@dataclass(frozen=True)
class Stamp:
    """An event of a record: the fields that keep its date and its owner, and when it happens.

    The event is that the record begins to meet the domain ``when``. Four things are derived
    from the declaration:

    * the live write: :meth:`compute` (stored computed fields) or :meth:`note` (other fields),
      called at the event, so that the owner is the one at that moment;
    * the back-fill: :meth:`date_sql` and :meth:`owner_sql`, put together by
      :func:`.history.stamp_query`;
    * the columns that exist before the fields are loaded: :attr:`columns`;
    * the write protection: :attr:`fields`.

    A model of ``crm.kpi.fact.mixin`` lists its stamps in ``_kpi_stamps``::

        WON = Stamp(
            "won",
            date="kpi_won_date",
            user="kpi_won_user_id",
            team="kpi_won_team_id",
            when=[("won_status", "=", "won")],
            tracked=("entered.won_at",),
            dated=("r.date_closed", "r.create_date"),
        )
    """

    name: str
    #: datetime field
    date: str
    #: many2one fields, or empty: salesperson and team at the event
    user: str = ""
    team: str = ""
    #: domain that the record meets from the event on
    when: tuple | list = ()
    #: the first event counts and its stamp is kept; otherwise the stamp is cleared when the
    #: record does not meet ``when`` any more, and the next event is stamped
    once: bool = False
    #: with ``once``: user and team are those of the latest event (:meth:`note` is called again)
    last_owner: bool = False
    #: fields of the record with its present owner
    user_from: str = "user_id"
    team_from: str = "team_id"
    #: function of the record: date of an event that is stamped now; by default the present
    at: Callable | None = None
    #: back-fill: columns ``relation.column`` with the date that tracking or messages show. The
    #: first that is not empty counts. The record is ``r``.
    tracked: tuple[str, ...] = ()
    #: back-fill: columns with the date where nothing was tracked, for records that meet
    #: ``when``
    dated: tuple[str, ...] = ()
    #: back-fill, with ``once``: the history replaces a stamp, even an earlier one
    history_wins: bool = False

    # ------------------------------------------------------------------
    # fields
    # ------------------------------------------------------------------
    @property
    def fields(self):
        """Names of the fields of the stamp."""
        return tuple(name for name in (self.date, self.user, self.team) if name)

    @property
    def columns(self):
        """``{field: type of its column}``"""
        return {name: "timestamp" if name == self.date else "int4" for name in self.fields}

    @property
    def depends(self):
        """Field paths that decide whether a record meets ``when``, for ``@api.depends``."""
        return tuple(sorted({item.field_expr for item in Domain(self.when).iter_conditions()}))

    # ------------------------------------------------------------------
    # live write
    # ------------------------------------------------------------------
    def compute(self, records):
        """Compute the (stored) fields of the stamp for records that may have had an event."""
        now = fields.Datetime.now()
        met = records.filtered_domain(Domain(self.when))
        for record in records:
            values = self._changes(record, record in met, now)
            for name in self.fields:
                record[name] = values.get(name, record[name])

    def note(self, records, at=None):
        """Write the stamp on records that may have had an event.

        :param datetime at: the date of the event; by default the present
        """
        now = at or fields.Datetime.now()
        met = records.filtered_domain(Domain(self.when))
        by_values = defaultdict(records.browse)
        for record in records:
            values = {
                name: value.id if isinstance(value, models.BaseModel) else value
                for name, value in self._changes(record, record in met, now).items()
            }
            by_values[tuple(values.items())] += record
        for values, stamped in by_values.items():
            if values:
                stamped._kpi_stamp(dict(values))

    def _changes(self, record, is_met, now):
        """Values of the fields that change; nothing when the stamp stays as it is."""
        if is_met and not record[self.date]:
            date = self.at and self.at(record)
            return {self.date: date or now, **self._owner(record)}
        if is_met and self.last_owner:
            return self._owner(record)
        if not is_met and not self.once:
            return dict.fromkeys(self.fields, False)
        return {}

    def _owner(self, record):
        values = {}
        if self.user:
            # records of OdooBot are not credited to anyone
            values[self.user] = record[self.user_from].filtered(lambda u: u.id != SUPERUSER_ID)
        if self.team:
            values[self.team] = record[self.team_from]
        return values

    # ------------------------------------------------------------------
    # back-fill
    # ------------------------------------------------------------------
    def met_sql(self, model):
        """SQL condition that the row ``r`` of the model's table meets ``when``."""
        return domain_sql(model, self.when)

    def date_sql(self, model):
        """SQL of the date of the event, over the row ``r`` and the relations of the history."""
        past = self._coalesce(
            *(_column(name) for name in self.tracked),
            SQL(
                "CASE WHEN %s THEN %s END",
                self.met_sql(model),
                self._coalesce(*(_column(name) for name in self.dated)),
            ),
        )
        present = _column(f"r.{self.date}")
        if not self.once:
            return SQL(
                "CASE WHEN %s THEN %s END", self.met_sql(model), self._coalesce(present, past)
            )
        if self.history_wins:
            return self._coalesce(past, present)
        return SQL("LEAST(%s, %s)", present, past)

    def owner_sql(self, date, user=None, team=None):
        """SQL of the owners at the event: ``{field: expression}``.

        What was stamped at the event is kept; otherwise it is the owner that the history
        knows, by default the present one.

        :param SQL date: the date of the event
        :param SQL user, team: the owner that the history knows
        """
        past = {}
        if self.user:
            past[self.user] = user or SQL(
                "NULLIF(%s, %s)", _column(f"r.{self.user_from}"), SUPERUSER_ID
            )
        if self.team:
            past[self.team] = team or _column(f"r.{self.team_from}")
        return {
            name: SQL(
                "CASE WHEN %(date)s IS NULL THEN NULL"
                # tracking values are written some time after the event
                " WHEN %(present)s <= %(date)s + interval '1 minute' THEN %(stamped)s"
                " ELSE %(past)s END",
                date=date,
                present=_column(f"r.{self.date}"),
                stamped=_column(f"r.{name}"),
                past=value,
            )
            for name, value in past.items()
        }

    @staticmethod
    def _coalesce(*values):
        return SQL("COALESCE(%s)", SQL(", ").join([*values, SQL("NULL::timestamp")]))


def _column(path):
    return SQL.identifier(*path.split("."))


def domain_sql(model, domain):
    """SQL condition that the row ``r`` of the model's table fulfils a domain."""
    # superuser: facts are derived of all records, whoever may read them
    model = model.sudo().with_context(active_test=False)
    query = Query(model.env, "r", SQL("(SELECT r.*)"))
    row = query.from_clause
    condition = Domain(domain).optimize_full(model)._to_sql(model, "r", query)
    if query.from_clause == row:
        return condition
    # a path over many2one fields: the row is joined with the tables of the path
    return SQL("EXISTS (SELECT FROM %s WHERE %s)", query.from_clause, condition)
