# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Satisfaction with tickets, from the ratings to the stored value, on worked examples.

The numbers in the names and the expected values are those of docs/CATALOGUE.md.
"""

from unittest.mock import patch

from odoo import Command
from odoo.tests import tagged

from odoo.addons.crm_kpi.refresh import backfill
from odoo.addons.crm_kpi.tests.common_reader import ReaderCase
from odoo.addons.crm_kpi.tests.test_catalogue import CatalogueCase
from odoo.addons.crm_kpi_helpdesk_mgmt.tests.common import TicketCommon

OCTOBER = "2026-10-01"


class RatingCommon(TicketCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.team, cls.other_team = cls.env["crm.team"].create(
            [{"name": "Service", "company_id": False}, {"name": "Repairs", "company_id": False}]
        )
        cls.desk, cls.other_desk = cls.env["helpdesk.ticket.team"].create(
            [
                {
                    "name": team.name,
                    "kpi_team_id": team.id,
                    "user_ids": [Command.set((cls.ann + cls.bob).ids)],
                }
                for team in (cls.team, cls.other_team)
            ]
        )

    def _ticket(self, created="2026-10-05 08:00", by=None, **vals):
        return super()._ticket(created, by, **{"team_id": self.desk.id, **vals})

    def _request(self, ticket, when="2026-10-06 08:00", partner=None):
        """Request a rating like the mail of the stage; an open request is used again."""
        with self.at(when):
            token = ticket._rating_get_access_token(partner)
        return self.env["rating.rating"].search([("access_token", "=", token)])

    def _rate(self, ticket, rating, when="2026-10-07 08:00", partner=None):
        request = self._request(ticket, when, partner)
        with self.at(when):
            ticket.rating_apply(rating, rating=request)
        return request


@tagged("post_install", "-at_install")
class TestCatalogueRating(CatalogueCase, RatingCommon):
    def _refresh_at(self, when, *codes):
        with self.at(when):
            self._refresh(*codes)

    def _rep(self, code, day=OCTOBER, user=None):
        return self._read(code, day, level="user", user_id=user or self.ann)

    def test_45_csat_score(self):
        """A request is not a rating of 0, and a rating of 3 is not a satisfied customer."""
        first = self._ticket()
        self._rate(first, 1, "2026-10-06 08:00")
        self._rate(first, 5, "2026-10-08 08:00")
        for rating in (5, 4, 3, 1):
            self._rate(self._ticket(), rating)
        self._request(self._ticket())
        self._refresh_at("2026-11-10 12:00", "csat_score", "csat_mean")
        self.assertAlmostEqual(self._rep("csat_score"), 0.6)
        self.assertAlmostEqual(self._rep("csat_mean"), 3.6)
        by_team = self._read("csat_score", OCTOBER, level="team", team_id=self.team)
        self.assertAlmostEqual(by_team, 0.6)
        self.assertIsNone(self._rep("csat_score", "2026-09-01"), "no rating, no value")
        [cell] = self.env["crm.kpi.value"].search(
            [
                ("kpi_id.code", "=", "csat_score"),
                ("company_id", "=", self.company.id),
                ("period_id.name", "=", "2026-10"),
                ("level", "=", "user"),
                ("user_id", "=", self.ann.id),
            ]
        )
        self.assertEqual(cell.record_count, 5)

    def test_45_rated_in_another_month_than_asked(self):
        """The creation date of a rating is the date of the request."""
        ticket = self._ticket("2026-09-20 08:00")
        request = self._request(ticket, "2026-09-29 08:00")
        with self.at("2026-10-03 08:00"):
            ticket.rating_apply(5, rating=request)
        self._refresh_at("2026-11-10 12:00", "csat_score")
        self.assertEqual(self._rep("csat_score"), 1)
        self.assertIsNone(self._rep("csat_score", "2026-09-01"))

    def test_45_last_rating_counts(self):
        """Only the last rating of a person on a ticket counts; two people count twice."""
        ticket = self._ticket("2026-09-01 08:00")
        old = self._rate(ticket, 1, "2026-09-10 08:00")
        self._refresh_at("2026-10-01 12:00", "csat_ratings")
        self.assertEqual(self._rep("csat_ratings", "2026-09-01"), 1)
        new = self._rate(ticket, 5, "2026-10-10 08:00")
        colleague = self.env["res.partner"].create(
            {"name": "Colleague", "parent_id": self.customer.id}
        )
        self._rate(ticket, 5, "2026-10-11 08:00", colleague)
        self._refresh_at("2026-11-10 12:00", "csat_ratings")
        self.assertFalse(old.kpi_rated_date)
        self.assertFalse(self._rep("csat_ratings", "2026-09-01"))
        self.assertEqual(self._rep("csat_ratings"), 2)
        # without the new rating, the old one counts again
        with self.at("2026-11-10 13:00"):
            new.reset()
        self._refresh_at("2026-11-10 14:00", "csat_ratings")
        self.assertEqual(self._rep("csat_ratings", "2026-09-01"), 1)
        self.assertEqual(self._rep("csat_ratings"), 1)
        with self.at("2026-11-10 15:00"):
            old.unlink()
        self._refresh_at("2026-11-10 16:00", "csat_ratings")
        self.assertFalse(self._rep("csat_ratings", "2026-09-01"))

    def test_45_reset_and_internal_are_out(self):
        """A reset rating does not count, although the reset changes its date."""
        rating = self._rate(self._ticket(), 5)
        internal = self._rate(self._ticket(), 5)
        internal.is_internal = True
        self._rate(self._ticket(), 1)
        with self.at("2026-10-09 08:00"):
            rating.reset()
        self._refresh_at("2026-11-10 12:00", "csat_score", "csat_ratings")
        self.assertEqual(self._rep("csat_ratings"), 1)
        self.assertEqual(self._rep("csat_score"), 0)

    def test_45_without_a_date(self):
        """Ratings of older Odoo versions have no date: their last write date is used."""
        rating = self._rate(self._ticket(), 5)
        self._dates(rating, rated_on=None)
        rating._kpi_mark_dirty(rating.ids)
        self._refresh_at("2026-11-10 12:00", "csat_ratings")
        self.assertEqual(rating.kpi_rated_date, rating.write_date)

    def test_45_credit_stays(self):
        """The rated user, else the user of the ticket at that time; it does not change later."""
        ticket = self._ticket()
        request = self._request(ticket)
        self._move(ticket, "2026-10-06 12:00", user_id=self.bob.id)
        with self.at("2026-10-07 08:00"):
            ticket.rating_apply(5, rating=request)
        self.assertEqual(request.kpi_user_id, self.ann, "the user who was rated")
        unassigned = self._ticket(user_id=False)
        request = self._request(unassigned)
        self.assertFalse(request.rated_partner_id)
        self._move(unassigned, "2026-10-06 12:00", user_id=self.bob.id)
        with self.at("2026-10-07 08:00"):
            unassigned.rating_apply(1, rating=request)
        self.assertEqual(request.kpi_user_id, self.bob)
        for each in ticket + unassigned:
            self._move(each, "2026-10-08 08:00", team_id=self.other_desk.id, user_id=self.ann.id)
        self._refresh_at("2026-11-10 12:00", "csat_score")
        self.assertEqual(self._rep("csat_score"), 1)
        self.assertEqual(self._rep("csat_score", user=self.bob), 0)
        teams = {
            team: self._read("csat_score", OCTOBER, level="team", team_id=team)
            for team in (self.team, self.other_team)
        }
        self.assertEqual(list(teams.values()), [0.5, None])

    def test_45_duplicates_and_team_in_kpis(self):
        """Both changes are noticed, although no rating is written."""
        kept, other = self._ticket(), self._ticket()
        self._rate(kept, 5)
        self._rate(other, 1)
        self._refresh_at("2026-11-10 12:00", "csat_score")
        self.assertEqual(self._rep("csat_score"), 0.5)
        other.duplicate_id = kept
        self.desk.kpi_team_id = self.other_team
        self._refresh_at("2026-11-10 13:00", "csat_score")
        self.assertEqual(self._rep("csat_score"), 1)
        by_team = self._read("csat_score", OCTOBER, level="team", team_id=self.other_team)
        self.assertEqual(by_team, 1)

    def test_45_segment(self):
        segments = self.env.ref("crm_kpi.segment_set_industry")
        self.customer.industry_id = self.env["res.partner.industry"].create({"name": "Ore"})
        for rating in (5, 5, 4, 3, 1):
            self._rate(self._ticket(), rating)
        self._refresh_at("2026-11-10 12:00", "csat_score")
        segment = segments.segment_ids.filtered(
            lambda s: s.industry_id == self.customer.industry_id
        )
        rate = self._read("csat_score", OCTOBER, level="segment", segment_id=segment)
        self.assertAlmostEqual(rate, 0.6)

    def test_48_rating_response_rate(self):
        requests = [self._request(self._ticket()) for _i in range(10)]
        for request in requests[:4]:
            with self.at("2026-10-08 08:00"):
                request.kpi_ticket_id.rating_apply(3, rating=request)
        self._refresh_at("2026-10-15 12:00", "rating_response_rate")
        self.assertIsNone(self._rep("rating_response_rate"), "immature")
        self._refresh_at("2026-11-10 12:00", "rating_response_rate")
        self.assertAlmostEqual(self._rep("rating_response_rate"), 0.4)

    def test_last_rating_of_odoo_stays(self):
        """Odoo orders ratings by write date, so deriving facts does not change it."""
        ticket = self._ticket()
        old = self._rate(ticket, 1, "2026-10-06 08:00")
        self._rate(ticket, 5, "2026-10-08 08:00")
        written = old.write_date
        self._refresh_at("2026-11-10 12:00", "csat_score")
        self.assertFalse(old.kpi_rated_date)
        self.assertEqual(old.write_date, written)

    def test_counter_metrics(self):
        codes = ("csat_score", "rating_response_rate", "fcr_rate")
        kpis = {kpi.code: kpi for kpi in self.env["crm.kpi"]._by_code(codes)}
        self.assertEqual(kpis["csat_score"].counter_kpi_id, kpis["rating_response_rate"])
        self.assertEqual(kpis["fcr_rate"].counter_kpi_id, kpis["csat_score"])


@tagged("post_install", "-at_install")
class TestRatingBackfill(RatingCommon):
    def test_same_facts_as_stamped(self):
        """Ratings from before the installation get the same facts as live ratings."""
        closed, again, unassigned = self._ticket(), self._ticket(), self._ticket(user_id=False)
        self._move(closed, "2026-10-06 08:00", stage_id=self.done.id)
        ratings = (
            self._rate(closed, 5)
            + self._rate(again, 1, "2026-10-06 08:00")
            + self._rate(again, 4, "2026-10-07 08:00")
            + self._rate(unassigned, 3)
            + self._request(self._ticket())
        )
        ratings._kpi_derive()
        names = ("kpi_ticket_id", "kpi_user_id", "kpi_team_id", "kpi_rated_date")
        stamped = [{name: rating[name] for name in names} for rating in ratings]
        self.assertEqual(
            [bool(f["kpi_rated_date"]) for f in stamped], [True, False, True, True, False]
        )
        self._forget(ratings)
        self.env["crm.kpi.backfill"]._run()
        ratings._kpi_derive()
        self.assertEqual([{name: rating[name] for name in names} for rating in ratings], stamped)
        # a long history is read in sets, after the history of the tickets
        self._forget(ratings)
        with (
            patch.object(backfill, "AT_ONCE", 0),
            patch.object(backfill, "BATCH", 2),
        ):
            self.env["crm.kpi.backfill"]._begin(["ratings", "rating.rating"])
            self.assertFalse(ratings[0].kpi_ticket_id)
            self.assertTrue(self.env["crm.kpi.backfill"]._continue(lambda: True))
        self.assertEqual([{name: rating[name] for name in names} for rating in ratings], stamped)

    def _forget(self, ratings):
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE rating_rating SET kpi_ticket_id = NULL, kpi_user_id = NULL,"
            " kpi_team_id = NULL, kpi_rated_date = NULL WHERE id = ANY(%s)",
            [ratings.ids],
        )
        self.env["crm.kpi.dirty"]._write_marks()
        self.env.cr.execute("DELETE FROM crm_kpi_dirty")
        self.env.invalidate_all()


@tagged("post_install", "-at_install")
class TestRatingReaders(ReaderCase, CatalogueCase, RatingCommon):
    """Which users can open the ratings behind a number."""

    def test_ratings_behind_a_number(self):
        of_ann, of_bob = self._ticket(), self._ticket(user_id=self.bob.id)
        for ticket in (of_ann, of_bob):
            self._rate(ticket, 5)
        with self.at("2026-11-10 12:00"):
            self._refresh("csat_score", "rating_response_rate")
        own, every = (
            self._employee(login, groups)
            for login, groups in (
                ("rating_own", "helpdesk_mgmt.group_helpdesk_user_own"),
                ("rating_all", "helpdesk_mgmt.group_helpdesk_user"),
            )
        )
        of_ann.user_id = own
        for code in ("csat_score", "rating_response_rate"):
            for user, tickets in ((own, of_ann), (every, of_ann + of_bob)):
                with self.subTest(code=code, user=user.login):
                    seen = self._opened(user, code, "2026-10")
                    self.assertEqual(seen.kpi_ticket_id, tickets)
            self._opened(own, code, "2026-10")
            self.assertIn("1 of 2", self._action["name"])
