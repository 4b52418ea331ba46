# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import api, fields, models
from odoo.tools import SQL

from odoo.addons.crm_kpi_helpdesk_mgmt.tickets.credit import responsible_team, responsible_user

#: Lowest rating that counts; 0 is a request that was not answered.
RATED = 1


class RatingRating(models.Model):
    """Ratings of tickets: user and team they count for, and whether they count.

    Of the ratings that a customer gave to a ticket, only the last one counts.
    """

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
        help="The rated user, else the user of the ticket when it was rated.",
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
        help="Date of the rating, if it counts: it is the last one of the customer for this "
        "ticket, and visible to the customer. Empty for requests that were not answered, and "
        "for ratings that were reset or replaced.",
    )

    _kpi_rated_idx = models.Index("(kpi_rated_date) WHERE kpi_rated_date IS NOT NULL")

    # --- stamps ---

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
            "feedback",  # changes the date of the rating
            "is_internal",
            "message_id",
            "partner_id",
            "rating",
        }

    def _kpi_stamp_credit(self):
        """Stamp the ticket with its user and team: at the request, and again at the answer."""
        # superuser: customers who rate may not be allowed to read tickets
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
        user, team = ticket._kpi_responsible()
        return {
            "kpi_ticket_id": ticket.id,
            "kpi_user_id": (rated or user).id,
            "kpi_team_id": team.id,
        }

    def _kpi_mark_siblings(self):
        """Mark the other ratings of the same tickets: another one may become the last."""
        # superuser: only ids go to the queue; customers who rate may read neither
        tickets = self.sudo().kpi_ticket_id
        if tickets:
            ratings = self.sudo().search([("kpi_ticket_id", "in", tickets.ids)])
            self._kpi_mark_dirty(ratings.ids)

    # --- which ratings count ---

    @api.model
    def _kpi_derive_records(self, ids):
        result = super()._kpi_derive_records(ids)
        # write_date is kept: Odoo takes the rating with the latest one as the last of a ticket.
        # The refresh sees the change, because a rating that does not count leaves the source.
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
                           -- older versions of Odoo had no rated_on
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

    # --- back-fill ---

    @api.model
    def _kpi_backfill_stamps(self, first, last):
        """Stamps of ratings from before the installation, for a range of ids.

        Without a rated user, user and team are those of the ticket at its closing, else the
        present ones. Ratings with stamps are not changed.

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
                           %(user)s),
                       kpi_team_id = %(team)s
                  FROM helpdesk_ticket t
                 WHERE r.res_model = 'helpdesk.ticket' AND t.id = r.res_id
                   AND r.kpi_ticket_id IS NULL AND r.id BETWEEN %(first)s AND %(last)s
             RETURNING r.id
                """,
                user=responsible_user("t"),
                team=responsible_team("t"),
                first=first,
                last=last,
            )
        )
        self._kpi_mark_dirty([id_ for (id_,) in rows])
        return len(rows)
