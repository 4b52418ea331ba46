# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Counts and sums of cells without records: 0, although no value is stored.

The refresh stores the zeros of active salespeople and teams in running periods only, and no zeros of
segments. Those of closed periods follow from who had the role then.
"""

from functools import cached_property
from typing import NamedTuple

from odoo.tools import SQL


class Roles(NamedTuple):
    """Who has a role: ids of salespeople and teams, with the time since when."""

    users: dict
    teams: dict

    def since(self, level, owner_id):
        """Since when a salesperson or a team has the role; ``None`` without it."""
        return (self.users if level == "user" else self.teams).get(owner_id)


def members_by_role(company):
    """The active members of teams and their teams: :class:`Roles` by ``compared_people`` of a KPI.

    A member has the role since they joined the team, a team since it exists.
    """
    # superuser: only who is a member since when; agents and marketing may not read the members
    model = company.env["crm.team.member"].sudo()
    query = model._search(
        [
            ("crm_team_id.company_id", "in", [False, company.id]),
            ("crm_team_id.active", "=", True),
            # an import or a script archives a user without the membership
            ("user_id.active", "=", True),
            ("user_id.company_ids", "in", company.ids),
        ],
        order="create_date desc",  # the earliest last
    )
    names = ("user_id", "crm_team_id", "create_date")
    # hundreds of members, which need no records
    members = company.env.execute_query(
        query.select(*(model._field_to_sql(query.table, name, query) for name in names))
    )
    teams = model.crm_team_id.browse({team_id for _user_id, team_id, _since in members})
    of_teams = {"sales": ("sales", "both"), "service": ("service", "both")}
    result = {}
    for role in ("sales", "service", "all"):
        chosen = {
            team.id: team.create_date
            for team in teams
            if role == "all" or team.kpi_role in of_teams[role]
        }
        users = {user_id: since for user_id, team_id, since in members if team_id in chosen}
        result[role] = Roles(users, chosen)
    return result


def zero_value(kpi, period, cell):
    """A ``crm.kpi.value`` of 0 that is not stored.

    :param cell: :class:`~.context.Cell`
    """
    return kpi.env["crm.kpi.value"].new(
        {
            "kpi_id": kpi.id,
            "period_id": period.id,
            **cell._asdict(),
            "value": 0.0,
            "record_count": 0,
            "version": kpi.version,
        }
    )


class EmptyCells:
    """The zeros of some cells, read once for all of them and only as far as they are asked for.

    In a closed period that was computed, a salesperson or a team has a 0

    - who has the role of the KPI today (``compared_people``) and had it before the period ended, or
    - who had records of the KPI before it and after it: from the calendar year of the first to that
      of the last; of those who still have the role, until today.

    :param context: :class:`~.context.BoardContext`: the company and the present members
    :param periods: the periods of the zeros
    :param cells: list of :class:`~.context.Cell`
    """

    def __init__(self, context, kpis, periods, cells):
        self.context = context
        self.env = context.env
        self.kpis = kpis.filtered(lambda kpi: kpi._zero_when_empty)
        self.kpi_ids = set(self.kpis.ids)
        self.periods = periods
        self.cells = [cell for cell in cells if cell.level != "company"]
        self._readable = {}

    # --- ZEROS ---

    def values(self, context, found=()):
        """Values of the chosen cell of a context by ``(KPI id, period id)``; not stored.

        Values that the reader may not see are missing.

        :param found: keys of the values that are known
        """
        return {
            (kpi.id, period.id): zero_value(kpi, period, context.cell)
            for kpi, period in self.zeros(context, found)
        }

    def zeros(self, context, found=()):
        """KPIs and periods of the values, as list of ``(KPI, period)``."""
        if not self.cells or not self.kpis:
            return []
        cell, set_id = context.cell, context.segment.set_id.id
        return [
            (kpi, period)
            for kpi in self.kpis
            for period in self.periods
            if (kpi.id, period.id) not in found
            and self.is_zero(kpi, period, cell, set_id)
            and self._may_read(context, kpi)
        ]

    def is_zero(self, kpi, period, cell, set_id=False):
        """Whether a cell for which no value was found has the value 0.

        :param set_id: id of the set of the segment
        """
        level, *within = cell.level.split("_")
        if level == "company" or kpi.id not in self.kpi_ids or not kpi._is_reliable(period):
            return False
        if level == "segment" or within:
            # no value was found: it may be withheld, or not be readable
            key = kpi.id, period.id, *(part or None for part in cell)
            if (set_id, kpi.id, period.id) not in self._computed_sets or key in self._stored:
                return False
            if level == "segment":
                return True
            is_closed = period.utc_to <= self.context.now
            owner_id = cell.user_id or cell.team_id
            return kpi.cross_levels and (
                not is_closed or not owner_id or self._had_role(kpi, period, level, owner_id)
            )
        return (
            period.utc_to <= self.context.now
            and (kpi.id, period.id) in self._computed
            and self._had_role(kpi, period, level, cell.user_id or cell.team_id)
        )

    def _may_read(self, context, kpi):
        # readers of all values see those of all people
        key = kpi.id, context.cell.level, None if context.sees_all else context.cell
        if key not in self._readable:
            self._readable[key] = context.may_read_value(kpi)
        return self._readable[key]

    # --- PEOPLE ---

    def _had_role(self, kpi, period, level, owner_id):
        """Whether a salesperson or a team had the role of a KPI in a period."""
        if not owner_id or level not in self._dimensions[kpi.id]:
            return False
        role = kpi.compared_people
        # people with records only: no team says who has the role before the first record
        since = self.context.members_by_role["all" if role == "records" else role].since(
            level, owner_id
        )
        if since and role != "records" and since < period.utc_to:
            return True
        years = self._years.get((kpi.id, level, owner_id))
        return bool(years and years[0] < period.date_to and (since or years[1] > period.date_from))

    @cached_property
    def _dimensions(self):
        """The levels of people at which the refresh stores zeros, by the id of the KPI."""
        # superuser: which fields the sources have
        return {
            kpi.id: {
                level
                for level in ("user", "team")
                if kpi.source_id.user_field and kpi.source_id[f"{level}_field"]
            }
            for kpi in self.kpis.sudo()
        }

    @cached_property
    def _years(self):
        """The calendar years with records: ``(first day, first day after)`` by KPI, level, owner."""
        owners = {
            (cell.level.split("_")[0], cell.team_id or 0, cell.user_id or 0)
            for cell in self.cells
            if cell.level != "segment"
        }
        levels, team_ids, user_ids = zip(*owners, strict=True)
        # the conditions are those of the unique index of values
        rows = self.env.execute_query(
            SQL(
                """SELECT value.kpi_id, owner.level, owner.team_id + owner.user_id,
                          min(period.date_from), max(period.date_to)
                     FROM crm_kpi_period AS period
                    CROSS JOIN unnest(%s::int4[]) AS kpi(id)
                    CROSS JOIN unnest(%s::text[], %s::int4[], %s::int4[])
                            AS owner(level, team_id, user_id)
                     JOIN crm_kpi_value AS value
                       ON value.kpi_id = kpi.id AND value.period_id = period.id
                      AND value.level = owner.level
                      AND COALESCE(value.team_id, 0) = owner.team_id
                      AND COALESCE(value.user_id, 0) = owner.user_id
                      AND COALESCE(value.segment_id, 0) = 0
                    WHERE period.company_id = %s AND period.kind = 'year'
                      AND value.record_count > 0
                    GROUP BY value.kpi_id, owner.level, owner.team_id, owner.user_id""",
                self.kpis.ids,
                list(levels),
                list(team_ids),
                list(user_ids),
                self.context.company.id,
            )
        )
        return {tuple(key): (first, after) for *key, first, after in rows}

    # --- WHAT WAS COMPUTED ---

    @cached_property
    def _computed(self):
        """The KPIs and periods that were computed, as ``(KPI id, period id)``."""
        return set(
            self.env.execute_query(
                SQL(
                    """SELECT kpi_id, period_id FROM crm_kpi_computation
                        WHERE kpi_id = ANY(%s) AND period_id = ANY(%s)
                          AND computed_at IS NOT NULL""",
                    self.kpis.ids,
                    self.periods.ids,
                )
            )
        )

    @cached_property
    def _computed_sets(self):
        """The periods in which the segments of a set were computed.

        As ``(id of the set, KPI id, period id)``.
        """
        segment_ids = {cell.segment_id for cell in self.cells} - {False}
        segments = self.env["crm.kpi.segment"].browse(segment_ids)
        # superuser: only in which periods there are values
        groups = (
            self.env["crm.kpi.value"]
            .sudo()
            ._read_group(
                [
                    *self._of_all,
                    ("level", "=", "segment"),
                    ("segment_id.set_id", "in", segments.set_id.ids),
                ],
                ["segment_id.set_id", "kpi_id", "period_id"],
            )
        )
        return {(found.id, kpi.id, period.id) for found, kpi, period in groups}

    @cached_property
    def _stored(self):
        """The cells with a stored value, as ids of KPI and period and the parts of the cell."""
        # superuser: only which cells have a value, withheld ones included
        model = self.env["crm.kpi.value"].sudo()
        query = model._search(
            [
                *self._of_all,
                ("level", "in", list({cell.level for cell in self.cells})),
                *(
                    (name, "in", list({getattr(cell, name) for cell in self.cells}))
                    for name in ("team_id", "user_id", "segment_id")
                ),
            ]
        )
        columns = ("kpi_id", "period_id", "level", "team_id", "user_id", "segment_id")
        return set(
            self.env.execute_query(
                query.select(*(model._field_to_sql(query.table, name, query) for name in columns))
            )
        )

    @property
    def _of_all(self):
        return [("kpi_id", "in", self.kpis.ids), ("period_id", "in", self.periods.ids)]
