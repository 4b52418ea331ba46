# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""How prospecting goes: replies, meetings and next steps of leads, stalled ones, duplicates."""

from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL, email_normalize

from ...fields import NullableFloat

# an opportunity rests so long in a stage that names no limit of its own
STALL_DAYS = 30
# who asks again after so long is not entered twice by mistake
DUPLICATE_DAYS = 180


class CrmLead(models.Model):
    _inherit = "crm.lead"  # pylint: disable=consider-merging-classes-inherited

    kpi_days_to_action = NullableFloat(
        "Days to first action",
        readonly=True,
        copy=False,
        aggregator="avg",
        help="Days from the first attempt to the first thing the prospect did.",
    )
    kpi_days_to_reply = NullableFloat(
        "Days to reply",
        readonly=True,
        copy=False,
        aggregator="avg",
        help="Days from the first attempt to the next message of the prospect, or the next "
        "meeting.",
    )
    kpi_days_to_meeting = NullableFloat(
        "Days to meeting",
        readonly=True,
        copy=False,
        aggregator="avg",
        help="Days from the first attempt to the first meeting that was held or stands in the "
        "calendar.",
    )
    kpi_stall_date = fields.Datetime(
        "Stalls on",
        readonly=True,
        copy=False,
        help="While open: the opportunity is stalled when it is still in the same stage then. "
        "The stage says after how many days, otherwise it is 30.",
    )
    kpi_next_step_date = fields.Date(
        "Last planned step",
        readonly=True,
        copy=False,
        help="The latest due date of its planned activities. One that lies in the past is no "
        "next step.",
    )
    kpi_duplicate_of_id = fields.Many2one(
        "crm.lead",
        "Duplicate of",
        readonly=True,
        copy=False,
        index="btree_not_null",
        help="The lead before it, by at most 180 days, with the same email address or phone "
        "number. One that was won does not count: its customer came back.",
    )
    kpi_referrer_match_id = fields.Many2one(
        "res.partner",
        "Referrer by name",
        compute="_compute_kpi_referrer_match_id",
        help="The one contact whose name or email is what was entered in Referred By.",
    )

    _kpi_email_idx = models.Index(
        "(email_normalized, create_date, id) WHERE email_normalized IS NOT NULL"
    )
    _kpi_phone_idx = models.Index(
        "(phone_sanitized, create_date, id) WHERE phone_sanitized IS NOT NULL"
    )

    # ------------------------------------------------------------------
    # referrer
    # ------------------------------------------------------------------
    @api.depends("referred", "kpi_referrer_id")
    def _compute_kpi_referrer_match_id(self):
        for lead in self:
            lead.kpi_referrer_match_id = (
                not lead.kpi_referrer_id and lead.referred and lead._kpi_match_referrer()
            )

    def _kpi_match_referrer(self):
        """The contact that Referred By names, if there is no doubt which."""
        text = self.referred.strip()
        email = email_normalize(text)
        matches = self.env["res.partner"].search(
            [("email_normalized", "=", email)] if email else [("name", "=ilike", text)], limit=2
        )
        return matches if len(matches) == 1 else matches.browse()

    def action_kpi_use_referrer_match(self):
        for lead in self:
            lead.kpi_referrer_id = lead.kpi_referrer_match_id

    # ------------------------------------------------------------------
    # marking
    # ------------------------------------------------------------------
    @api.model
    def _kpi_trigger_fields(self):
        return super()._kpi_trigger_fields() | {"date_last_stage_update"}

    def _compute_email_normalized(self):
        result = super()._compute_email_normalized()
        # addresses follow those of the contact, without anybody writing on the lead
        self._kpi_mark_dirty(self._ids)
        return result

    def _compute_phone_sanitized(self):
        result = super()._compute_phone_sanitized()
        self._kpi_mark_dirty(self._ids)
        return result

    def unlink(self):
        # superuser: the duplicates change, whether the user sees them or not
        leads = self.sudo().with_context(active_test=False)
        duplicates = leads.search([("kpi_duplicate_of_id", "in", self.ids)]) - leads
        duplicates._kpi_stamp({"kpi_duplicate_of_id": False})
        return super().unlink()

    # ------------------------------------------------------------------
    # derivation
    # ------------------------------------------------------------------
    @api.model
    def _kpi_derive_records(self, ids):
        result = super()._kpi_derive_records(ids)
        self._kpi_derive_prospecting(ids)
        self._kpi_derive_duplicates(ids)
        return result

    @api.model
    def _kpi_derive_prospecting(self, ids):
        """What followed the first attempt, and what is planned, of the leads ``ids``."""

        def days(column):
            return SQL(
                "EXTRACT(EPOCH FROM %s - r.kpi_first_attempt_date)::float8 / 86400", SQL(column)
            )

        self._kpi_update(
            [
                "kpi_days_to_action",
                "kpi_days_to_reply",
                "kpi_days_to_meeting",
                "kpi_stall_date",
                "kpi_next_step_date",
            ],
            SQL(
                """
                WITH talk AS (
                    SELECT r.id,
                           min(i.date) FILTER (WHERE i.date > r.kpi_first_attempt_date) AS reply,
                           min(i.date) FILTER (WHERE i.channel = 'meeting') AS met
                      FROM crm_lead r
                      JOIN crm_kpi_interaction i
                        ON i.lead_id = r.id AND i.res_model = 'crm.lead'
                       AND i.direction <> 'out' AND i.date >= r.kpi_first_attempt_date
                     WHERE r.id = ANY(%(ids)s)
                  GROUP BY r.id
                ), meeting AS (
                    SELECT r.id, min(e.start) AS start
                      FROM crm_lead r
                      JOIN calendar_event e
                        ON e.opportunity_id = r.id AND e.active
                       AND e.start >= r.kpi_first_attempt_date
                     WHERE r.id = ANY(%(ids)s)
                  GROUP BY r.id
                ), plan AS (
                    SELECT a.res_id AS id, max(a.date_deadline) AS date
                      FROM mail_activity a
                     WHERE a.res_model = 'crm.lead' AND a.res_id = ANY(%(ids)s) AND a.active
                  GROUP BY a.res_id
                )
                SELECT r.id,
                       %(action)s AS kpi_days_to_action,
                       %(reply)s AS kpi_days_to_reply,
                       %(meeting)s AS kpi_days_to_meeting,
                       CASE WHEN %(open)s
                            THEN COALESCE(r.date_last_stage_update, r.create_date)
                                 + COALESCE(NULLIF(s.rotting_threshold_days, 0), %(stall)s)
                                   * interval '1 day' END AS kpi_stall_date,
                       plan.date AS kpi_next_step_date
                  FROM crm_lead r
             LEFT JOIN crm_stage s ON s.id = r.stage_id
             LEFT JOIN talk ON talk.id = r.id
             LEFT JOIN meeting ON meeting.id = r.id
             LEFT JOIN plan ON plan.id = r.id
                 WHERE r.id = ANY(%(ids)s)
                """,
                ids=list(ids),
                open=self._kpi_open_sql(),
                stall=STALL_DAYS,
                action=days("r.kpi_first_action_date"),
                reply=days("talk.reply"),
                meeting=days("LEAST(talk.met, meeting.start)"),
            ),
        )

    @api.model
    def _kpi_derive_duplicates(self, ids):
        """Of which lead the leads ``ids``, and those they may be the original of, are a
        duplicate."""
        keys = ("email_normalized", "phone_sanitized")
        span = timedelta(days=DUPLICATE_DAYS)
        touched = [
            # by key from the first to the last, so that thousands with one address cost no
            # more than as many with different ones
            SQL(
                """
                SELECT r.id
                  FROM (SELECT %(key)s AS key, min(create_date) AS first, max(create_date) AS last
                          FROM crm_lead
                         WHERE id = ANY(%(ids)s) AND %(key)s IS NOT NULL
                      GROUP BY 1) AS k
                  JOIN crm_lead r
                    ON r.%(key)s = k.key AND r.create_date BETWEEN k.first AND k.last + %(span)s
                """,
                key=SQL.identifier(key),
                ids=list(ids),
                span=span,
            )
            for key in keys
        ]
        earlier = [
            SQL(
                """
                (SELECT e.id, e.create_date
                   FROM crm_lead e
                  WHERE e.%(key)s = r.%(key)s
                    AND (e.create_date, e.id) < (r.create_date, r.id)
                    AND e.create_date >= r.create_date - %(span)s
                    AND e.won_status IS DISTINCT FROM 'won'
                    AND COALESCE(e.company_id = r.company_id, TRUE)
               ORDER BY e.create_date DESC, e.id DESC
                  LIMIT 1)
                """,
                key=SQL.identifier(key),
                span=span,
            )
            for key in keys
        ]
        self._kpi_update(
            ["kpi_duplicate_of_id"],
            SQL(
                """
                WITH touched AS (
                    SELECT unnest(%(ids)s) AS id
                     UNION
                    SELECT id FROM crm_lead WHERE kpi_duplicate_of_id = ANY(%(ids)s)
                     UNION
                    %(touched)s
                )
                SELECT r.id, original.id AS kpi_duplicate_of_id
                  FROM touched
                  JOIN crm_lead r ON r.id = touched.id
             LEFT JOIN LATERAL (
                           SELECT earlier.id
                             FROM (%(earlier)s) AS earlier
                         ORDER BY earlier.create_date DESC, earlier.id DESC
                            LIMIT 1
                       ) original ON TRUE
                """,
                ids=list(ids),
                touched=SQL(" UNION ").join(touched),
                earlier=SQL(" UNION ALL ").join(earlier),
            ),
        )
