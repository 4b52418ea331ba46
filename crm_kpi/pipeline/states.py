# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What is remembered of leads, and the statements that write it at each change."""

from odoo.tools import SQL

from ..sql import select_list, with_queries

#: What is remembered: field of the lead and its SQL over the row ``r`` of the lead.
REMEMBERED = {
    "type": SQL("r.type"),
    "active": SQL("COALESCE(r.active, FALSE)"),
    "won_status": SQL("COALESCE(r.won_status, 'pending')"),
    "stage_id": SQL("r.stage_id"),
    "user_id": SQL("r.user_id"),
    "team_id": SQL("r.team_id"),
    "company_id": SQL("r.company_id"),
    "partner_id": SQL("r.partner_id"),
    "expected_revenue": SQL("COALESCE(r.expected_revenue, 0)"),
    "prorated_revenue": SQL("COALESCE(r.prorated_revenue, 0)"),
    "recurring_revenue_monthly": SQL("COALESCE(r.recurring_revenue_monthly, 0)"),
    "probability": SQL("COALESCE(r.probability, 0)"),
    "date_deadline": SQL("r.date_deadline"),
}
#: The columns of a state that are written.
COLUMNS = ("lead_id", "date_from", "date_to", "changed_by_id", "unknown", *REMEMBERED)


def remembered_of(alias):
    """The columns of what is remembered, of a table."""
    return SQL(", ").join(SQL.identifier(alias, name) for name in REMEMBERED)


def note_states(ids, at, by_user=True):
    """Statement that ends the states that leads have left at a moment, and begins new ones.

    What began at the same moment is replaced, so the changes of one transaction are one change.
    Where a lead is back in the state that it left at this moment, that state goes on.

    :param ids: ids of leads; those without a state get their first one
    :param datetime at: naive UTC
    :param by_user: the user who wrote the lead has made the change
    """
    is_same = SQL(
        "before.id IS NOT NULL AND before.unknown IS NULL AND (%s) IS NOT DISTINCT FROM (%s)",
        remembered_of("before"),
        remembered_of("present"),
    )
    ended = SQL("CASE WHEN compared.is_same THEN NULL ELSE %s::timestamp END", at)
    return with_queries(
        {
            "present": SQL(
                "SELECT r.id AS lead_id, r.write_uid, %s FROM crm_lead AS r WHERE r.id = ANY(%s)",
                select_list(REMEMBERED),
                list(ids),
            ),
            "before": SQL(
                """
                SELECT state.* FROM crm_kpi_lead_state AS state
                 WHERE state.lead_id = ANY(%(ids)s) AND state.date_from < %(at)s
                   AND (state.date_to IS NULL OR state.date_to >= %(at)s)
                """,
                ids=list(ids),
                at=at,
            ),
            "compared": SQL(
                """
                SELECT present.lead_id, before.id AS before_id, %s AS is_same
                  FROM present LEFT JOIN before ON before.lead_id = present.lead_id
                """,
                is_same,
            ),
            "replaced": SQL(
                "DELETE FROM crm_kpi_lead_state WHERE lead_id = ANY(%s) AND date_from >= %s",
                list(ids),
                at,
            ),
            "ended": SQL(
                """
                UPDATE crm_kpi_lead_state AS state SET date_to = %(ended)s
                  FROM compared
                 WHERE state.id = compared.before_id AND state.date_to IS DISTINCT FROM %(ended)s
                """,
                ended=ended,
            ),
        },
        SQL(
            """
            INSERT INTO crm_kpi_lead_state (%(columns)s)
                 SELECT present.lead_id, %(at)s, NULL, %(user)s, NULL, %(remembered)s
                   FROM present JOIN compared ON compared.lead_id = present.lead_id
                  WHERE NOT compared.is_same
            """,
            columns=SQL(", ").join(map(SQL.identifier, COLUMNS)),
            at=at,
            user=SQL("present.write_uid") if by_user else SQL("NULL::int4"),
            remembered=remembered_of("present"),
        ),
        materialized={"compared"},
    )


def missed_changes(limit):
    """Query of the ids of leads that differ from their present states, or have none.

    Other programs have changed them by SQL, so no write was seen.
    """
    return SQL(
        """
        SELECT r.id
          FROM crm_lead AS r
     LEFT JOIN crm_kpi_lead_state AS state ON state.lead_id = r.id AND state.date_to IS NULL
         WHERE state.id IS NULL
            OR (state.unknown IS NULL AND (%s) IS DISTINCT FROM (%s))
      ORDER BY r.id LIMIT %s
        """,
        remembered_of("state"),
        SQL(", ").join(REMEMBERED.values()),
        limit,
    )


def end_states(ids, at):
    """Statement that ends the last states of leads that are deleted now. It keeps their names.

    :param datetime at: naive UTC
    """
    return with_queries(
        {
            "replaced": SQL(
                "DELETE FROM crm_kpi_lead_state WHERE lead_id = ANY(%s) AND date_from >= %s",
                list(ids),
                at,
            )
        },
        SQL(
            """
            UPDATE crm_kpi_lead_state AS state
               SET date_to = %(at)s, ending = 'deleted', lead_name = r.name
              FROM crm_lead AS r
             WHERE r.id = state.lead_id AND state.lead_id = ANY(%(ids)s)
               AND state.date_from < %(at)s AND (state.date_to IS NULL OR state.date_to >= %(at)s)
            """,
            ids=list(ids),
            at=at,
        ),
    )


def note_merge(ids, lead_id, at):
    """Statement that says of leads that were just deleted: they were merged into another one."""
    return SQL(
        """
        UPDATE crm_kpi_lead_state SET ending = 'merged', merged_into_id = %s
         WHERE lead_id = ANY(%s) AND date_to = %s AND ending = 'deleted'
        """,
        lead_id,
        list(ids),
        at,
    )


def follow_probabilities():
    """Statement that takes over the probabilities that Odoo has computed for all open leads.

    Odoo writes them by SQL each night and leaves the weighted revenue as it is. No person has
    changed the leads, so the present states go on with the new probabilities.
    """
    return SQL(
        """
        UPDATE crm_kpi_lead_state AS state SET probability = %(probability)s
          FROM crm_lead AS r
         WHERE r.id = state.lead_id AND state.date_to IS NULL AND state.unknown IS NULL
           AND state.active AND state.won_status = 'pending'
           AND state.probability IS DISTINCT FROM %(probability)s
        """,
        probability=REMEMBERED["probability"],
    )
