# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import logging
from datetime import timedelta
from urllib.parse import urlencode

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import consteq, hmac
from odoo.tools.misc import format_date

from ...board.filters import Filters, read_id
from ...engine.periods import FISCAL_KINDS, local_day, utc_midnight
from ...engine.schedule import next_instant
from ...follow.news import News
from ...refresh.run_log import complete_since
from ..board.crm_kpi_board_card import BOARD_KINDS, SCOPES

_logger = logging.getLogger(__name__)

#: Hour of the mails, in the time zone of the follower.
HOUR = 7
#: Time after which mails that wait for a refresh are tried again.
RETRY = timedelta(minutes=10)
FREQUENCIES = [("daily", "Every day"), ("weekly", "Every Monday"), ("monthly", "Every month")]
#: Fields of what is followed, by model.
SUBJECTS = {"crm.kpi": "kpi_id", "crm.kpi.board": "board_id"}
#: The filters that a follow keeps, by its fields.
FILTER_OF = {
    "period_kind": "period_kind",
    "scope": "scope",
    "team_id": "team_id",
    "member_id": "user_id",
    "segment_id": "segment_id",
}


class CrmKpiFollow(models.Model):
    """A KPI or a board that a user follows by short mails.

    What a user follows with the same frequency comes in one mail. There is none when nothing
    changed since the last one.
    """

    _name = "crm.kpi.follow"
    _description = "Followed KPI or Board"
    _order = "frequency, id"

    user_id = fields.Many2one(
        "res.users",
        "Follower",
        required=True,
        index=True,
        ondelete="cascade",
        default=lambda self: self.env.user,
    )
    company_id = fields.Many2one(
        "res.company", required=True, ondelete="cascade", default=lambda self: self.env.company
    )
    kpi_id = fields.Many2one("crm.kpi", "KPI", index="btree_not_null", ondelete="cascade")
    board_id = fields.Many2one("crm.kpi.board", index="btree_not_null", ondelete="cascade")
    period_kind = fields.Selection(BOARD_KINDS, "Period")
    scope = fields.Selection(SCOPES, "Values of")
    team_id = fields.Many2one("crm.team", "Sales Team", index="btree_not_null", ondelete="cascade")
    member_id = fields.Many2one(
        "res.users", "Salesperson", index="btree_not_null", ondelete="cascade"
    )
    segment_id = fields.Many2one("crm.kpi.segment", index="btree_not_null", ondelete="cascade")
    frequency = fields.Selection(
        FREQUENCIES,
        "Mail",
        required=True,
        default="weekly",
        help="Sent at 7:00 in your time zone, if something changed.",
    )
    next_date = fields.Datetime("Next mail", compute="_compute_next_date", store=True)
    last_date = fields.Datetime("Last mail", readonly=True, copy=False)
    told = fields.Json(
        readonly=True,
        copy=False,
        help="What the follower knows of each KPI: what has been told once is not told again.",
    )
    told_records = fields.Json(readonly=True, copy=False, help="The records in the last mail.")

    _one_subject = models.Constraint(
        "CHECK ((kpi_id IS NULL) <> (board_id IS NULL))", "Choose a KPI or a board to follow."
    )
    _follow_uniq = models.UniqueIndex(
        """(user_id, company_id, COALESCE(kpi_id, 0), COALESCE(board_id, 0),
            COALESCE(period_kind, ''), COALESCE(scope, ''), COALESCE(team_id, 0),
            COALESCE(member_id, 0), COALESCE(segment_id, 0))""",
        "You follow this already.",
    )
    _next_date_idx = models.Index("(next_date)")

    # --- COMPUTES ---

    @api.depends("frequency", "user_id.tz")
    def _compute_next_date(self):
        now = fields.Datetime.now()
        for follow in self:
            follow.next_date = follow._after(now)

    @api.depends("kpi_id", "board_id", "scope", "team_id", "member_id", "segment_id")
    @api.depends_context("lang")
    def _compute_display_name(self):
        for follow in self:
            what = (follow.kpi_id or follow.board_id)._filtered_access("read")
            whose = follow.member_id or (follow.scope == "mine" and follow.user_id)
            whose = whose or follow.team_id or follow.company_id
            name = what.name or self.env._("No access any more")
            follow.display_name = " · ".join(
                filter(None, (name, whose.name, follow.segment_id.name))
            )

    def _after(self, moment):
        """The next instant to send at, after a moment."""
        tz = self._tz()
        at = next_instant(self.frequency, moment, tz, HOUR)
        behind = local_day(at, self.company_id._kpi_tz()) < local_day(at, tz)
        if behind and self.frequency != "daily":
            # the last week or month of the company ends later than that of the follower
            at = next_instant("daily", at, tz, HOUR)
        return at

    def _tz(self):
        """The time zone of the follower; that of the company if the follower has none."""
        tz = self.user_id.tz
        return tz if tz and self.company_id._kpi_knows_tz(tz) else self.company_id._kpi_tz()

    # --- CRUD ---

    @api.constrains("user_id", "kpi_id", "board_id")
    def _check_readable(self):
        for follow in self:
            subject = follow.kpi_id or follow.board_id
            subject.with_user(follow.user_id).check_access("read")

    @api.model_create_multi
    def create(self, vals_list):
        follows = super().create(vals_list)
        for follow in follows:
            # the follower knows what the screen shows; mails tell what changes from now on
            follow.told = follow._news().told_of(follow)
        return follows

    # --- FOLLOWING ---

    @api.model
    def toggle(self, filters, kpi_id=False, board_id=False):
        """Follow a KPI or a board with the filters of a board, or stop following it.

        :return: dict of ``followed`` and a ``text`` that says what happens next
        """
        subject = self.env["crm.kpi"].browse(read_id(kpi_id) or ())
        if not subject:
            subject = self.env["crm.kpi.board"]._existing_board(board_id)
        chosen = self._cell_of(Filters.parse(filters))
        if found := self._find(subject, chosen):
            found.unlink()
            text = self.env._("You do not follow %s any more.", subject.name)
            return {"followed": False, "text": text}
        if not self.env.user.email:
            raise UserError(
                self.env._(
                    "Email: you have none, so no mail can reach you. Enter it in your preferences, "
                    "then follow again."
                )
            )
        follow = self.create({**chosen, SUBJECTS[subject._name]: subject.id})
        return {
            "followed": True,
            "text": self.env._(
                "You follow %(name)s: on Mondays, a mail says what changed. Next: %(day)s. "
                "“What I follow” changes this.",
                name=subject.name,
                day=format_date(self.env, local_day(follow.next_date, follow._tz())),
            ),
        }

    @api.model
    def _followed(self, subjects, filters):
        """Those of some KPIs or boards that the user follows with some :class:`Filters`."""
        return self._find(subjects, self._cell_of(filters))[SUBJECTS[subjects._name]]

    @api.model
    def _find(self, subjects, chosen):
        """The follows of the user of some KPIs or boards.

        :param chosen: those of :meth:`_cell_of`
        """
        return self.search(
            [
                (SUBJECTS[subjects._name], "in", subjects.ids),
                *((name, "=", value or False) for name, value in chosen.items()),
            ]
        )

    @api.model
    def _move(self, board, other):
        """Let what the user follows be a board that replaces another one for the user."""
        self.search([("user_id", "=", self.env.uid), ("board_id", "=", board.id)]).board_id = other

    @api.model
    def _cell_of(self, filters):
        """The values of a follow of the user with some :class:`Filters`, without its subject."""
        company = self.env.companies.filtered(lambda one: one.id == filters.company_id)
        kind = FISCAL_KINDS.get(filters.period_kind, filters.period_kind)
        is_team = filters.scope == "team"
        return {
            "user_id": self.env.uid,
            "company_id": (company or self.env.company).id,
            "period_kind": kind if kind in dict(BOARD_KINDS) else False,
            "scope": filters.scope if filters.scope in dict(SCOPES) else False,
            # the team of a person follows from the person
            "team_id": filters.team_id if is_team and not filters.user_id else False,
            "member_id": filters.user_id if is_team else False,
            "segment_id": filters.segment_id,
        }

    def _filters(self):
        """The filters of the board, as :class:`Filters`."""
        self.ensure_one()
        values = {}
        for name, filter_name in FILTER_OF.items():
            value = self[name]
            values[filter_name] = (value.id if name.endswith("_id") else value) or None
        return Filters(company_id=self.company_id.id, **values)

    def action_stop(self):
        self.unlink()

    # --- SENDING ---

    @api.model
    def _cron_send(self):
        """Send the mails that are due: one for each user, company and frequency."""
        # superuser: the setting that Odoo makes when it neutralises a copy of a database
        if self.env["ir.config_parameter"].sudo().get_param("database.is_neutralized"):
            return
        now = fields.Datetime.now()
        due = self.search([("next_date", "<=", now), ("user_id.active", "=", True)])
        since = complete_since(self.env)
        if due and not since:
            self.env.ref("crm_kpi.ir_cron_follow")._trigger(now + RETRY)
            return
        # a period that ended at midnight has its last values after the next refresh
        due = due.filtered(lambda follow: since >= follow._midnight(now))
        mails = due.grouped(lambda follow: (follow.user_id, follow.company_id, follow.frequency))
        cron = self.env["ir.cron"]
        cron._commit_progress(remaining=len(mails))
        for follows in mails.values():
            follows._send()
            if not cron._commit_progress(1):
                break

    def _midnight(self, now):
        """When the present day of the company began."""
        tz = self.company_id._kpi_tz()
        return utc_midnight(local_day(now, tz), tz)

    def _send(self):
        """Send one mail about these follows, if there is something to say.

        A failure does not stop the mails of other users: what was not told is told next time.
        """
        now = fields.Datetime.now()
        try:
            with self.env.cr.savepoint():
                if self._may_send() and (news := self._news()).has_news:
                    self._mail(news)
                    self.write({"last_date": now, "told_records": news.record_keys})
                    for follow in self:
                        follow.told = news.told_of(follow)
        except Exception:
            _logger.warning("KPI follows %s: no mail", self.ids, exc_info=True)
        self.write({"next_date": self[0]._after(now)})

    def _may_send(self):
        """Whether the follower can get mails about KPIs of the company."""
        user = self.user_id
        return (
            user.email
            and not user.share
            and self.company_id in user.company_ids
            and user.has_group("crm_kpi.group_kpi_user")
        )

    def _news(self):
        """What there is to tell the follower, as :class:`News`."""
        user = self.user_id
        # rights, language and time zone of the follower, never those of the superuser
        follows = self.with_user(user).with_context(
            lang=user.lang, tz=self[0]._tz(), allowed_company_ids=self.company_id.ids
        )
        return News(follows, follows.env["crm.kpi.board"]._attention_topics())

    def _mail(self, news):
        """Create the mail. Odoo's queue sends it."""
        user, company, env = self.user_id, self.company_id, news.env
        unsubscribe_url = self._unsubscribe_url()
        frequencies = dict(self._fields["frequency"]._description_selection(env))
        values = {
            "news": news,
            "company": company,
            "lang": user.lang,
            "direction": env["res.lang"]._get_data(code=env.lang or "en_US").direction,
            "frequency": frequencies[self[0].frequency],
            "names": ", ".join(news.shown_follows.mapped("display_name")),
            "follows_url": f"{news.base_url}/odoo/kpi-follows",
            "unsubscribe_url": unsubscribe_url,
        }
        # superuser: the layout of the mail; what is in it was read by the follower
        body = env["ir.qweb"].sudo()._render("crm_kpi.follow_mail", values, minimal_qcontext=True)
        root = self.env.ref("base.user_root")
        # superuser: users may not create mails; it goes to the follower only
        self.env["mail.mail"].sudo().create(
            {
                "subject": news.subject,
                "body_html": body,
                "author_id": root.partner_id.id,
                "email_from": company.email_formatted or root.email_formatted,
                "email_to": user.email_formatted,
                "auto_delete": True,
                "state": "outgoing",
                # mail programs offer a button to unsubscribe (RFC 8058)
                "headers": {
                    "List-Unsubscribe": f"<{unsubscribe_url}>",
                    "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
                    "X-Auto-Response-Suppress": "OOF",
                },
            }
        )

    # --- UNSUBSCRIBING ---

    def _unsubscribe_url(self):
        """The address that ends the mails of the same user, company and frequency."""
        user, company, frequency = self.user_id, self.company_id, self[0].frequency
        query = {
            "user_id": user.id,
            "company_id": company.id,
            "frequency": frequency,
            "token": self._unsubscribe_token(user.id, company.id, frequency),
        }
        return f"{self[:1].get_base_url()}/crm_kpi/unsubscribe?{urlencode(query)}"

    @api.model
    def _unsubscribe_token(self, user_id, company_id, frequency):
        # superuser: reads the secret of the database
        return hmac(self.env(su=True), "crm_kpi-unsubscribe", (user_id, company_id, frequency))

    @api.model
    def _of_token(self, user_id, company_id, frequency, token):
        """The follows that an address ends, as superuser; ``None`` for a forged address."""
        ids = read_id(user_id), read_id(company_id)
        if not all(ids) or not frequency or not token or not token.isascii():
            return None
        if not consteq(self._unsubscribe_token(*ids, frequency), token):
            return None
        # superuser: the token proves that the address was in a mail to the user
        return self.sudo().search(
            [
                ("user_id", "=", ids[0]),
                ("company_id", "=", ids[1]),
                ("frequency", "=", frequency),
            ]
        )
