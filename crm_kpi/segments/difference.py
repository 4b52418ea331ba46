# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Expected members compared with the stored ones; what differs is written.

The difference is put into a temporary table first, because several statements read it while
they change the stored members.
"""

from odoo.tools import SQL

from ..engine.periods import utc_midnight
from . import BACKDATED_KINDS
from .expected import expected

#: Temporary table (member_id, date_from, date_recorded, segment_id, partner_id, slot, is_first).
TABLE = SQL.identifier("crm_kpi_segment_difference")


def difference(segment_set, company, today):
    """Query of present members that should not be, and of expected ones that are missing.

    :return: SQL (member_id, date_from, date_recorded, segment_id, partner_id, slot): stored
        row (empty: none), expected segment (empty: none); one row per partner and slot
    """
    return SQL(
        """
        SELECT present.id AS member_id, present.date_from, present.date_recorded,
               expected.segment_id,
               COALESCE(expected.partner_id, present.partner_id) AS partner_id,
               COALESCE(expected.slot, present.slot) AS slot
          FROM (%(expected)s) AS expected
     FULL JOIN (SELECT id, date_from, date_recorded, segment_id, partner_id, slot
                  FROM crm_kpi_segment_member
                 WHERE set_id = %(set)s AND date_to IS NULL AND company_id %(company)s
               ) AS present
            ON present.partner_id = expected.partner_id AND present.slot = expected.slot
         WHERE present.segment_id IS DISTINCT FROM expected.segment_id
        """,
        expected=expected(segment_set, company, today),
        set=segment_set.id,
        company=_is_company(company),
    )


def write_table(segment_set, company, today):
    """Put the difference into the temporary table, and mark customers that are new to the set.

    A customer is new without a membership that was recorded before today; memberships of today
    are about to be replaced. Writes.
    """
    cr = segment_set.env.cr
    cr.execute(SQL("DROP TABLE IF EXISTS %s", TABLE))
    cr.execute(
        SQL(
            """
            CREATE TEMPORARY TABLE %(table)s ON COMMIT DROP AS
            SELECT different.*, earlier.partner_id IS NULL AND %(backdated)s AS is_first
              FROM (%(difference)s) AS different
         LEFT JOIN (SELECT DISTINCT partner_id
                      FROM crm_kpi_segment_member
                     WHERE set_id = %(set)s AND company_id %(company)s
                       AND date_recorded < %(today)s) AS earlier
                ON earlier.partner_id = different.partner_id
            """,
            table=TABLE,
            backdated=_is_backdated(segment_set),
            difference=difference(segment_set, company, today),
            set=segment_set.id,
            company=_is_company(company),
            today=today,
        )
    )
    cr.execute(SQL("ANALYZE %s", TABLE))


def _is_backdated(segment_set):
    """Condition: the first segment of the customer ``different`` also holds for the past."""
    if segment_set.kind == "rfm":
        # the class of today depends on how it ended; the past is computed, see history
        return SQL("FALSE")
    if segment_set.kind in BACKDATED_KINDS or not segment_set.date_previous:
        return SQL("TRUE")
    # a customer that existed at an earlier update was in no segment then
    return SQL(
        "EXISTS (SELECT 1 FROM res_partner partner WHERE partner.id = different.partner_id"
        " AND partner.create_date >= %s)",
        utc_midnight(segment_set.date_previous, segment_set._reference_company()._kpi_tz()),
    )


def delete_rows_of_today(segment_set, today):
    """Delete the memberships that began today: they would have lasted no day. Writes."""
    segment_set.env.cr.execute(
        SQL(
            """
            DELETE FROM crm_kpi_segment_member member
                  USING %(table)s AS different
                  WHERE member.id = different.member_id
                    AND different.date_recorded >= %(today)s
                    AND (different.date_from IS NULL OR different.date_from >= %(today)s)
            """,
            table=TABLE,
            today=today,
        )
    )


def write_members(segment_set, company, today):
    """Bring the stored members in line with the temporary table, as of today. Writes."""
    delete_rows_of_today(segment_set, today)
    _end_rows(segment_set, today)
    _reopen_rows(segment_set, company, today)
    _insert_rows(segment_set, company, today)


def drop_table(segment_set):
    segment_set.env.cr.execute(SQL("DROP TABLE %s", TABLE))


def _end_rows(segment_set, today):
    """Older memberships end today."""
    segment_set.env.cr.execute(
        SQL(
            """
            UPDATE crm_kpi_segment_member member
               SET date_to = %s
              FROM %s AS different
             WHERE member.id = different.member_id
            """,
            today,
            TABLE,
        )
    )


def _reopen_rows(segment_set, company, today):
    """A customer who is back in the segment of this morning: the row that ended today goes on."""
    segment_set.env.cr.execute(
        SQL(
            """
            WITH reopened AS (
                UPDATE crm_kpi_segment_member member
                   SET date_to = NULL
                  FROM %(table)s AS different
                 WHERE member.set_id = %(set)s
                   AND member.partner_id = different.partner_id
                   AND member.slot = different.slot
                   AND member.segment_id = different.segment_id
                   AND member.company_id %(company)s
                   AND member.date_to = %(today)s
                   AND member.id IS DISTINCT FROM different.member_id
             RETURNING member.partner_id, member.slot)
            DELETE FROM %(table)s AS different
                  USING reopened
                  WHERE different.partner_id = reopened.partner_id
                    AND different.slot = reopened.slot
            """,
            table=TABLE,
            set=segment_set.id,
            company=_is_company(company),
            today=today,
        )
    )


def _insert_rows(segment_set, company, today):
    """The other memberships begin today; those of customers new to the set have no beginning."""
    segment_set.env.cr.execute(
        SQL(
            """
            INSERT INTO crm_kpi_segment_member
                        (set_id, segment_id, partner_id, company_id, slot,
                         date_from, date_recorded)
                 SELECT %(set)s, segment_id, partner_id, %(company)s, slot,
                        CASE WHEN NOT is_first THEN %(today)s::date END, %(today)s
                   FROM %(table)s AS different
                  WHERE segment_id IS NOT NULL
            ON CONFLICT DO NOTHING
            """,
            table=TABLE,
            set=segment_set.id,
            company=company.id or None,
            today=today,
        )
    )


def _is_company(company):
    """Condition on ``company_id``: of this company, or of all companies."""
    return SQL("= %s", company.id) if company else SQL("IS NULL")
