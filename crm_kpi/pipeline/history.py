# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The states of leads from before the installation, from what Odoo has tracked.

The tracked changes of a field are a chain: each new value is the old value of the next change, and
the last one is the present value. Where the chain has a gap, the field was changed without
tracking: before the gap its value is unknown. Fields that Odoo does not track are unknown before
the installation. Nothing is guessed: the column ``unknown`` of a state names the fields.
"""

from typing import NamedTuple

from odoo.tools import SQL

from ..sql import select_list, unnest, with_queries
from .states import COLUMNS, REMEMBERED

#: The tracked fields, and how the tracking keeps their values.
TRACKED = {
    "type": "label",
    "active": "flag",
    "won_status": "label",
    "stage_id": "record",
    "user_id": "record",
    "team_id": "record",
    "partner_id": "record",
    "expected_revenue": "amount",
    "recurring_revenue": "amount",
}
#: A date on the lead and a tracked change are the same event if they are this close: tracking values
#: are dated by their transaction, which began some time before the change.
TOLERANCE = SQL("interval '1 minute'")


class TrackedField(NamedTuple):
    field_id: int
    name: str
    kind: str


class Event(NamedTuple):
    """A change of a field whose date is on the lead, if no change of the field was tracked.

    :param date: field with the date
    :param old, new: values before and after; ``None``: unknown
    :param where: the leads ``r`` with the event
    """

    field: str
    date: str
    old: str | None
    new: str | SQL
    where: SQL


WON, LOST = SQL("r.won_status = 'won'"), SQL("r.won_status = 'lost'")
EVENTS = (
    Event("won_status", "kpi_won_date", "pending", "won", WON),
    Event("stage_id", "kpi_won_date", None, SQL("r.stage_id"), WON),
    Event(
        "stage_id",
        "date_last_stage_update",
        None,
        SQL("r.stage_id"),
        SQL("r.won_status IS DISTINCT FROM 'won'"),
    ),
    Event("won_status", "kpi_lost_date", "pending", "lost", LOST),
    Event("active", "kpi_lost_date", "true", "false", SQL("%s AND r.active IS NOT TRUE", LOST)),
    Event(
        "type",
        "date_conversion",
        "lead",
        "opportunity",
        SQL("r.type = 'opportunity' AND r.date_conversion >= r.create_date"),
    ),
)


def fill_states(leads, first, last):
    """Statement that writes the states before the first known one, of leads in a range of ids.

    It returns the ids of the open leads whose last state has unknown fields.

    :param leads: empty recordset
    """
    columns = SQL(", ").join(map(SQL.identifier, COLUMNS))
    return with_queries(
        {
            "filled_lead": leads_to_fill(first, last),
            "label": labels(leads),
            "tracked": tracked(leads, first, last),
            "change": changes(),
            "piece": pieces(),
            "moment": moments(),
            "known": known_values(),
            "state": states(),
            "inserted": SQL(
                """
                INSERT INTO crm_kpi_lead_state (%(columns)s)
                     SELECT %(columns)s
                       FROM (SELECT state.*, COALESCE(
                                        lead(date_from) OVER (PARTITION BY lead_id ORDER BY date_from),
                                        until) AS date_to
                               FROM state WHERE is_new) AS dated
                  RETURNING lead_id, date_to, unknown, active, won_status
                """,
                columns=columns,
            ),
        },
        SQL(
            """
            SELECT lead_id FROM inserted
             WHERE date_to IS NULL AND unknown IS NOT NULL
               AND active AND won_status = 'pending'
            """
        ),
        materialized={"filled_lead", "label", "tracked", "change", "piece", "known", "state"},
    )


def unknown_fields(first, last):
    """Until when fields of open leads are unknown, of leads in a range of ids.

    Columns: ``company_id``, ``name``, ``until``.
    """
    return SQL(
        """
        SELECT company_id, name, max(date_to) AS until
          FROM crm_kpi_lead_state
    CROSS JOIN LATERAL unnest(string_to_array(unknown, ',')) AS name
         WHERE lead_id BETWEEN %s AND %s AND unknown IS NOT NULL AND date_to IS NOT NULL
           AND active IS NOT FALSE AND COALESCE(won_status, 'pending') = 'pending'
      GROUP BY company_id, name
        """,
        first,
        last,
    )


def leads_to_fill(first, last):
    """The leads without a state since their creation.

    Columns: ``id``, ``since``, ``until`` (the first known state; empty: none), ``user_id`` (who
    created it), ``present`` (the present values as texts, by field).
    """
    pairs = SQL(", ").join(
        SQL("%s::text, %s", name, _present_text(name, kind)) for name, kind in TRACKED.items()
    )
    return SQL(
        """
        SELECT r.id, r.create_date AS since, lived.since AS until, r.create_uid AS user_id,
               jsonb_build_object(%(pairs)s) AS present
          FROM crm_lead r
     LEFT JOIN (SELECT lead_id, min(date_from) AS since FROM crm_kpi_lead_state
                 WHERE lead_id BETWEEN %(first)s AND %(last)s GROUP BY lead_id) lived
            ON lived.lead_id = r.id
         WHERE r.id BETWEEN %(first)s AND %(last)s
           AND r.create_date < COALESCE(lived.since, 'infinity')
        """,
        pairs=pairs,
        first=first,
        last=last,
    )


def labels(leads):
    """Labels of tracked selections in all languages: ``field_id``, ``label``, ``value``.

    Tracking keeps the label, in the language of the user who made the change.
    """
    return SQL(
        """
        SELECT DISTINCT ON (selection.field_id, label.value)
               selection.field_id, label.value AS label, selection.value
          FROM ir_model_fields_selection selection, jsonb_each_text(selection.name) label
         WHERE selection.field_id = ANY(%s)
      ORDER BY selection.field_id, label.value, selection.value
        """,
        [field.field_id for field in _tracked_fields(leads) if field.kind == "label"],
    )


def tracked(leads, first, last):
    """The tracked changes: ``id``, ``field``, ``at``, ``nth``, ``user_id``, ``old``, ``new``.

    Values are texts. A label that no language has is a value of its own, so the chain has a gap.
    Messages that a merge has moved here tell the past of another lead. Odoo gives them a subject;
    tracking values have none.
    """

    def value(which):
        return SQL(
            """
            CASE field.kind
                 WHEN 'record' THEN NULLIF(v.%(which)s_value_integer, 0)::text
                 WHEN 'flag' THEN (COALESCE(v.%(which)s_value_integer, 0) <> 0)::text
                 WHEN 'amount' THEN round(COALESCE(v.%(which)s_value_float, 0)::numeric, 6)::text
                 ELSE COALESCE(%(which)s_label.value, '?' || v.id) END
            """,
            which=SQL(which),
        )

    return SQL(
        """
        SELECT m.res_id AS id, field.name AS field, v.create_date AS at, v.id AS nth,
               v.create_uid AS user_id, %(old)s AS old, %(new)s AS new
          FROM mail_message m
          JOIN mail_tracking_value v ON v.mail_message_id = m.id
          JOIN %(fields)s ON field.field_id = v.field_id
     LEFT JOIN label old_label
            ON old_label.field_id = v.field_id AND old_label.label = v.old_value_char
     LEFT JOIN label new_label
            ON new_label.field_id = v.field_id AND new_label.label = v.new_value_char
         WHERE m.model = 'crm.lead' AND m.res_id BETWEEN %(first)s AND %(last)s
           AND m.subject IS NULL
        """,
        old=value("old"),
        new=value("new"),
        fields=unnest(TrackedField, _tracked_fields(leads), "field"),
        first=first,
        last=last,
    )


def changes():
    """The changes: tracked ones, and events whose date is on the lead but that were not tracked.

    Columns: those of :func:`tracked`, and ``is_known``: whether the value before is known. The stage
    before an untracked winning is not.
    """
    return SQL(
        """
        SELECT tracked.*, TRUE AS is_known FROM tracked JOIN filled_lead ON filled_lead.id = tracked.id
     UNION ALL
        SELECT event.id, event.field,
               COALESCE(max(tracked.at) FILTER (
                            WHERE tracked.at BETWEEN event.at - %(tolerance)s
                                                 AND event.at + %(tolerance)s), event.at),
               0, NULL, event.old, event.new, event.old IS NOT NULL
          FROM (%(events)s) AS event
     LEFT JOIN tracked ON tracked.id = event.id
         WHERE event.at IS NOT NULL
      GROUP BY event.id, event.field, event.at, event.old, event.new
        HAVING bool_or(tracked.field = event.field) IS NOT TRUE
        """,
        tolerance=TOLERANCE,
        events=SQL(" UNION ALL ").join(
            SQL(
                """SELECT r.id, %(field)s AS field,
                          CASE WHEN %(at)s >= r.create_date + %(tolerance)s THEN %(at)s
                               WHEN %(at)s IS NOT NULL THEN r.create_date END AS at,
                          %(old)s::text AS old, %(new)s::text AS new
                     FROM filled_lead JOIN crm_lead r ON r.id = filled_lead.id
                    WHERE %(where)s""",
                field=event.field,
                at=SQL.identifier("r", event.date),
                tolerance=TOLERANCE,
                old=event.old,
                new=event.new,
                where=event.where,
            )
            for event in EVENTS
        ),
    )


def pieces():
    """The value of each changed field over time.

    Columns: ``id``, ``field``, ``value``, ``since``, ``until`` (empty: now), ``is_known``.
    """
    return SQL(
        """
        WITH chained AS (
            SELECT change.*, lead(change.at) OVER chain AS until,
                   row_number() OVER chain = 1 AS is_first,
                   change.new IS DISTINCT FROM
                   CASE WHEN lead(change.nth) OVER chain IS NULL
                        THEN filled_lead.present ->> change.field
                        ELSE lead(change.old) OVER chain END AS has_gap
              FROM change JOIN filled_lead ON filled_lead.id = change.id
            WINDOW chain AS (PARTITION BY change.id, change.field ORDER BY change.at, change.nth)
        ), judged AS (
            SELECT chained.*,
                   bool_or(has_gap) OVER (PARTITION BY id, field ORDER BY at, nth
                       ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS gap_follows
              FROM chained
        )
        SELECT id, field, new AS value, at AS since, until, NOT gap_follows AS is_known FROM judged
     UNION ALL
        SELECT id, field, old, '-infinity', at, is_known AND NOT gap_follows
          FROM judged WHERE is_first
        """
    )


def moments():
    """The creation of each lead, and each moment with changes: ``id``, ``at``, ``user_id``."""
    return SQL(
        """
        SELECT id, since AS at, user_id FROM filled_lead
     UNION ALL
        SELECT change.id, change.at, max(change.user_id)
          FROM change JOIN filled_lead ON filled_lead.id = change.id
         WHERE change.at > filled_lead.since
           AND change.at < COALESCE(filled_lead.until, 'infinity')
      GROUP BY change.id, change.at
        """
    )


def known_values():
    """The values after each moment: ``id``, ``at``, ``until`` and ``user_id`` of the moment,
    ``value`` (texts by field, without the unknown ones), ``unknown`` (names of fields)."""
    return SQL(
        """
        SELECT id, at, until, user_id, value - unknown AS value, unknown
          FROM (SELECT moment.id, moment.at, filled_lead.until, moment.user_id,
                       filled_lead.present || COALESCE(
                           jsonb_object_agg(piece.field, piece.value)
                               FILTER (WHERE piece.field IS NOT NULL), '{}') AS value,
                       COALESCE(array_agg(piece.field ORDER BY piece.field)
                               FILTER (WHERE NOT piece.is_known), '{}') AS unknown
                  FROM moment
                  JOIN filled_lead ON filled_lead.id = moment.id
             LEFT JOIN piece ON piece.id = moment.id AND piece.since <= moment.at
                   AND (piece.until IS NULL OR piece.until > moment.at)
              GROUP BY moment.id, moment.at, moment.user_id, filled_lead.until,
                       filled_lead.present) AS gathered
        """
    )


def states():
    """The states: the columns of the table, ``until`` (the first state that was known before), and
    ``is_new``: whether something differs from the state before.

    A lead is won only in a won stage, and lost only while it is archived. Won means a probability of
    100, and lost one of 0; otherwise the probability is unknown. The company is the present one. A
    recurring revenue of 0 is known; of another one, the plan is not.
    """
    values = {
        "type": SQL("value ->> 'type'"),
        "active": SQL("(value ->> 'active')::bool"),
        "won_status": SQL("status.won_status"),
        "stage_id": SQL("stage.id"),
        "user_id": SQL("owner.id"),
        "team_id": SQL("team.id"),
        "company_id": SQL("r.company_id"),
        "partner_id": SQL("partner.id"),
        "expected_revenue": SQL("(value ->> 'expected_revenue')::numeric"),
        "prorated_revenue": SQL(
            "CASE status.won_status WHEN 'won' THEN (value ->> 'expected_revenue')::numeric"
            " WHEN 'lost' THEN 0 END"
        ),
        "recurring_revenue_monthly": SQL(
            "CASE WHEN (value ->> 'recurring_revenue')::numeric = 0 THEN 0 END"
        ),
        "probability": SQL("status.probability"),
        "date_deadline": SQL("NULL::date"),
    }
    unknown = SQL(
        """
        array_to_string(array_remove(known.unknown, 'recurring_revenue') || array_remove(ARRAY[
            CASE WHEN (value ->> 'recurring_revenue')::numeric = 0 THEN NULL
                 ELSE 'recurring_revenue_monthly' END,
            CASE WHEN status.probability IS NULL THEN 'probability' END,
            CASE WHEN status.won_status = 'lost' THEN NULL
                 WHEN status.probability IS NULL OR NOT value ? 'expected_revenue'
                 THEN 'prorated_revenue' END,
            'date_deadline'], NULL), ',')
        """
    )
    names = SQL(", ").join(map(SQL.identifier, [*REMEMBERED, "unknown"]))
    return SQL(
        """
        SELECT typed.*,
               ROW(%(names)s)::text IS DISTINCT FROM lag(ROW(%(names)s)::text) OVER in_order
                   AS is_new
          FROM (SELECT known.id AS lead_id, known.at AS date_from, known.until,
                       known.user_id AS changed_by_id, %(unknown)s AS unknown, %(values)s
                  FROM known
                  JOIN crm_lead r ON r.id = known.id
             LEFT JOIN crm_stage stage ON stage.id = (value ->> 'stage_id')::int
             LEFT JOIN res_users owner ON owner.id = (value ->> 'user_id')::int
             LEFT JOIN crm_team team ON team.id = (value ->> 'team_id')::int
             LEFT JOIN res_partner partner ON partner.id = (value ->> 'partner_id')::int
            CROSS JOIN LATERAL (
                  SELECT won_status, CASE won_status WHEN 'won' THEN 100.0 WHEN 'lost' THEN 0.0 END
                             ::float8 AS probability
                    FROM (SELECT CASE
                              WHEN value ->> 'won_status' = 'won' AND stage.id IS NOT NULL
                                   AND stage.is_won IS NOT TRUE THEN 'pending'
                              WHEN value ->> 'won_status' = 'lost'
                                   AND value ->> 'active' = 'true' THEN 'pending'
                              ELSE value ->> 'won_status' END AS won_status) AS said
                  ) AS status) AS typed
        WINDOW in_order AS (PARTITION BY lead_id ORDER BY date_from)
        """,
        names=names,
        unknown=unknown,
        values=select_list(values),
    )


def _present_text(name, kind):
    """The present value of a field of the lead ``r``, as :func:`tracked` writes values."""
    column = SQL.identifier("r", name)
    if kind == "amount":
        return SQL("round(COALESCE(%s, 0)::numeric, 6)::text", column)
    if name in REMEMBERED and kind != "record":
        return SQL("%s::text", REMEMBERED[name])
    return SQL("%s::text", column)


def _tracked_fields(leads):
    fields = leads.env["ir.model.fields"]
    return [
        TrackedField(fields._get("crm.lead", name).id, name, kind) for name, kind in TRACKED.items()
    ]
