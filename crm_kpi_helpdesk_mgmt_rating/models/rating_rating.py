# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import api, fields, models
from odoo.tools import SQL

#: Lowest rating that is one; 0 is a request that was not answered.
RATED = 1


class RatingRating(models.Model):
    """Ratings of tickets know whose they are, and whether they are the customer's last word."""

    _name = "rating.rating"
    _inherit = ["rating.rating", "crm.kpi.fact.mixin"]

    kpi_ticket_id = fields.Many2one(
        "helpdesk.ticket", "Ticket", readonly=True, copy=False, index="btree_not_null"
    )
    kpi_user_id = fields.Many2one(
        "res.users",
        "Rated agent",
        readonly=True,
        copy=False,
        help="The user who is rated, else who had the ticket when it was rated.",
    )
    kpi_team_id = fields.Many2one(
        "helpdesk.ticket.team",
        "Rated team",
        readonly=True,
        copy=False,
        help="Team of the ticket when it was rated.",
    )
    kpi_rated_date = fields.Datetime(
        "Counts from",
        readonly=True,
        copy=False,
        help="When the ticket was rated, if the rating counts: the customer's last one of this "
        "ticket, visible to the customer. Empty for requests that were not answered, and for "
        "ratings that were reset or replaced.",
    )

    _kpi_rated_idx = models.Index("(kpi_rated_date) WHERE kpi_rated_date IS NOT NULL")

    # --- STAMPS ---

    @api.model_create_multi
    def create(self, vals_list):
        ratings = super().create(vals_list)
        ratings._kpi_stamp_credit()
        return ratings

    def write(self, vals):
        if {"res_model_id", "res_id", "partner_id"}.isdisjoint(vals):
            result = super().write(vals)
        else:
            self._kpi_mark_siblings()
            result = super().write(vals)
            self._kpi_stamp_credit()
        if vals.get("consumed"):
            self._kpi_stamp_credit()
        return result

    def unlink(self):
        self._kpi_mark_siblings()
        return super().unlink()

    @api.model
    def _kpi_trigger_fields(self):
        return super()._kpi_trigger_fields() | {
            "consumed",
            "feedback",  # it renews the date, too
            "is_internal",
            "message_id",
            "partner_id",
            "rating",
        }

    def _kpi_stamp_credit(self):
        """Note the ticket and whose it is: at the request, and again when it is answered."""
        # superuser: customers rate, who read no tickets
        for rating in self.sudo():
            ticket = self.env["helpdesk.ticket"].sudo()
            if rating.res_model == ticket._name:
                ticket = ticket.browse(rating.res_id).exists()
            if ticket or rating.kpi_ticket_id:
                rating._kpi_stamp(rating._kpi_credit(ticket))

    def _kpi_credit(self, ticket):
        self.ensure_one()
        rated = self.rated_partner_id.with_context(active_test=False).user_ids
        rated = rated.filtered(lambda user: not user.share).sorted("id")[:1]
        closed = ticket.kpi_last_closed_date
        return {
            "kpi_ticket_id": ticket.id,
            "kpi_user_id": (rated or (ticket.kpi_closed_user_id if closed else ticket.user_id)).id,
            "kpi_team_id": (ticket.kpi_closed_team_id if closed else ticket.team_id).id,
        }

    def _kpi_mark_siblings(self):
        """Mark the other ratings of the same tickets: one of them may become the last word."""
        # superuser: only marks ids; a customer who answers reads neither tickets nor ratings
        tickets = self.sudo().kpi_ticket_id
        if tickets:
            ratings = self.sudo().search([("kpi_ticket_id", "in", tickets.ids)])
            self._kpi_mark_dirty(ratings.ids)

    # --- WHICH ONES COUNT ---

    @api.model
    def _kpi_derive_records(self, ids):
        result = super()._kpi_derive_records(ids)
        # write_date stays: Odoo takes the rating written last for the ticket's last one. The
        # refresh sees the change, as what counts no more leaves the source.
        self.env.cr.execute(
            SQL(
                """
                WITH touched AS (
                    SELECT DISTINCT kpi_ticket_id AS id FROM rating_rating
                     WHERE id = ANY(%(ids)s) AND kpi_ticket_id IS NOT NULL
                ),
                given AS (
                    SELECT r.id, r.kpi_ticket_id, r.partner_id,
                           r.consumed IS TRUE AND COALESCE(r.rating, 0) >= %(rated)s
                               AND r.is_internal IS NOT TRUE AS counts,
                           -- some ratings are older than the field for their date
                           COALESCE(r.rated_on, r.write_date) AS date
                      FROM rating_rating r
                      JOIN touched t ON t.id = r.kpi_ticket_id
                ),
                ranked AS (
                    SELECT g.id, CASE WHEN g.counts AND row_number() OVER (
                               PARTITION BY g.kpi_ticket_id, g.partner_id
                               ORDER BY g.counts DESC, g.date DESC, g.id DESC) = 1
                           THEN g.date END AS date
                      FROM given g
                )
                UPDATE rating_rating r SET kpi_rated_date = n.date
                  FROM ranked n
                 WHERE n.id = r.id AND r.kpi_rated_date IS DISTINCT FROM n.date
                """,
                ids=list(ids),
                rated=RATED,
            )
        )
        return result

    # --- BACK-FILL ---

    @api.model
    def _kpi_backfill_stamps(self, first, last):
        """Stamps of ratings that are older than this module, for a range of ids.

        Who had the ticket without a rated user, and its team, are those of the closing, else
        the present ones. What has its stamps is left alone.

        :return: number of ratings that changed
        """
        rows = self.env.execute_query(
            SQL(
                """
                UPDATE rating_rating r
                   SET kpi_ticket_id = t.id,
                       kpi_user_id = COALESCE(
                           (SELECT min(u.id) FROM res_users u
                             WHERE u.partner_id = r.rated_partner_id AND u.share IS NOT TRUE),
                           CASE WHEN t.kpi_last_closed_date IS NULL THEN t.user_id
                                ELSE t.kpi_closed_user_id END),
                       kpi_team_id = CASE WHEN t.kpi_last_closed_date IS NULL THEN t.team_id
                                          ELSE t.kpi_closed_team_id END
                  FROM helpdesk_ticket t
                 WHERE r.res_model = 'helpdesk.ticket' AND t.id = r.res_id
                   AND r.kpi_ticket_id IS NULL AND r.id BETWEEN %s AND %s
             RETURNING r.id
                """,
                first,
                last,
            )
        )
        self._kpi_mark_dirty([id_ for (id_,) in rows])
        return len(rows)
