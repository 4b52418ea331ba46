# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The stamps of a lead: won, lost, opportunity.

Odoo overwrites these facts later: ``date_closed`` changes when a won lead is archived, the
salesperson of a won deal changes with the next assignment, ``date_conversion`` is set again by
every conversion.
"""

from odoo.tools import SQL

from ..stamps import (
    TOLERANCE,
    Stamp,
    elapsed_days,
    elapsed_days_sql,
    fill_stamps,
    stamp_query,
    tracked_changes,
)
from .deals import deal_amounts, ordered_amounts


def imported_closing(lead):
    """Closing date of a lead that was closed before its creation: only imports set it."""
    closed = lead.date_closed
    return closed if closed and lead.create_date and closed < lead.create_date else False


def opportunity_began(lead):
    """When a lead became an opportunity that is stamped now.

    Of an imported closed lead the creation says nothing: it is its conversion, if it is known
    and lies before its closing, otherwise its closing.
    """
    if lead.kpi_was_lead:
        return lead.date_conversion
    closed = lead.won_status != "pending" and imported_closing(lead)
    if not closed:
        return lead.create_date
    converted = lead.date_conversion
    return converted if converted and converted <= closed else closed


def sales_cycle_days(lead):
    """Days from opportunity to winning.

    False when the dates contradict each other, or when the lead was imported after its winning
    and the beginning is unknown.
    """
    began, won = lead.kpi_opportunity_date, lead.kpi_won_date
    if won and began == won and lead.create_date - won > TOLERANCE:
        return False
    return elapsed_days(began, won)


WON = Stamp(
    "won",
    date="kpi_won_date",
    user="kpi_won_user_id",
    team="kpi_won_team_id",
    when=[("won_status", "=", "won")],
    at=imported_closing,
    tracked=("entered.won_at",),
    dated=("r.date_closed", "r.date_last_stage_update", "r.create_date"),
)
LOST = Stamp(
    "lost",
    date="kpi_lost_date",
    user="kpi_lost_user_id",
    team="kpi_lost_team_id",
    when=[("won_status", "=", "lost")],
    at=imported_closing,
    dated=("r.date_closed", "r.write_date"),
)
OPPORTUNITY = Stamp(
    "opportunity",
    date="kpi_opportunity_date",
    when=[("type", "=", "opportunity")],
    once=True,
    at=opportunity_began,
    dated=("conversion.date", "conversion.imported", "r.create_date"),
    # a lead that is converted before its back-fill was stamped as if it never was a lead
    history_wins=True,
)


def fill_leads(leads, first, last, renew=False):
    """Fill in the stamps of leads, and what depends on them.

    :param leads: empty recordset
    :param first, last: range of ids
    :param renew: also of leads that have stamps
    :return: of each of these leads the id if it is won with orders in a currency other than its
        own, which are not converted; otherwise ``None``
    """
    query = stamp_query(
        leads,
        leads._kpi_stamps,
        {
            "entered": entered_won_stage(leads, first, last),
            "conversion": conversions(first, last),
            "ordered": ordered_amounts(first, last),
        },
        SQL(
            "r.id BETWEEN %s AND %s AND (r.kpi_was_lead IS NULL OR %s)",
            first,
            last,
            renew,
        ),
        known={
            "kpi_was_lead": SQL("r.type = 'lead' OR conversion.date IS NOT NULL"),
            "ordered_id": SQL("ordered.id"),
            "ordered_amount": SQL("ordered.amount"),
            "foreign_id": SQL(
                "CASE WHEN ordered.is_foreign AND event.kpi_won_date IS NOT NULL THEN r.id END"
            ),
        },
    )
    created, opportunity, won = (
        SQL("r.create_date"),
        SQL("s.kpi_opportunity_date"),
        SQL("s.kpi_won_date"),
    )
    return fill_stamps(
        leads,
        leads._kpi_stamps,
        query,
        known=["kpi_was_lead"],
        derived={
            **deal_amounts(),
            "kpi_merged_count": SQL("COALESCE(r.kpi_merged_count, 0)"),
            "kpi_days_to_opportunity": SQL(
                "CASE WHEN s.kpi_was_lead THEN %s END", elapsed_days_sql(created, opportunity)
            ),
            "kpi_days_to_win": elapsed_days_sql(created, won),
            # as in sales_cycle_days()
            "kpi_sales_cycle_days": SQL(
                "CASE WHEN %(opportunity)s <> %(won)s OR r.create_date - %(won)s <= %(tolerance)s"
                " THEN %(days)s END",
                opportunity=opportunity,
                won=won,
                tolerance=TOLERANCE,
                days=elapsed_days_sql(opportunity, won),
            ),
        },
        read="foreign_id",
    )


def entered_won_stage(leads, first, last):
    """Last change from another stage to a won stage: ``id``, ``won_at``."""
    return SQL(
        """
        SELECT change.id, date_trunc('second', max(change.at)) AS won_at
          FROM (%s) AS change
          JOIN crm_stage new ON new.id = change.new AND new.is_won
     LEFT JOIN crm_stage old ON old.id = change.old
         WHERE old.is_won IS NOT TRUE
      GROUP BY change.id
        """,
        tracked_changes(leads, "stage_id", first, last),
    )


def conversions(first, last):
    """Conversion of leads to opportunities: ``id``, ``date``, ``imported``.

    A copied lead keeps the date of its original, which lies before its own creation. Of a lead
    that was closed before its creation, ``imported`` is the date as in
    :func:`opportunity_began`.
    """
    return SQL(
        """
        SELECT id,
               CASE WHEN date_conversion >= date_trunc('second', create_date)
                    THEN date_conversion END AS date,
               CASE WHEN won_status <> 'pending' AND date_closed < create_date
                    THEN CASE WHEN date_conversion <= date_closed THEN date_conversion
                              ELSE date_closed END END AS imported
          FROM crm_lead
         WHERE id BETWEEN %s AND %s
        """,
        first,
        last,
    )
