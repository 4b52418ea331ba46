# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from datetime import timedelta

from babel.dates import format_date, format_interval, format_skeleton

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Domain
from odoo.tools.misc import babel_locale_parse, clean_context, format_datetime
from odoo.tools.misc import format_date as format_user_date

from ...engine import periods as calendar
from ...periods import bounds, comparison, fiscal, working_time
from ...periods.states import SAME_PART, locks_on, state_at

KINDS = [
    ("day", "Day"),
    ("week", "Week"),
    ("month", "Month"),
    ("quarter", "Quarter"),
    ("year", "Year"),
    ("custom", "Custom"),
]
#: Fields that the calendar, the time zone and the buttons set; users cannot write them.
GUARDED = frozenset((
    "state", "unlocked", "lock_user_id", "lock_date", "name", "utc_from", "utc_to", "looked_at",
    "fiscal_from",
))  # fmt: skip
#: Fields that users may change in a custom period only, and only while it is not locked.
DEFINING = frozenset(("company_id", "kind", "date_from", "date_to"))
#: A period that was made for a board is deleted this long after it was last shown.
BOARD_PERIODS_KEPT = timedelta(weeks=4)
#: Periods that one user can have on boards, and the time in which not more are made.
OWN_PERIODS = 20
OWN_PERIODS_TIME = timedelta(hours=1)


def _with_end(vals):
    """Values of a new period with ``date_to``, where ``date_last`` is given instead."""
    if not vals.get("date_last") or vals.get("date_to"):
        return vals
    values = dict(vals)
    last = fields.Date.to_date(values.pop("date_last"))
    return {**values, "date_to": last + timedelta(days=1)}


class CrmKpiPeriod(models.Model):
    """A span of local days of one company, and the UTC instants that bound it.

    ``date_from`` is the first day, ``date_to`` the first day after. ``utc_from`` and
    ``utc_to`` are the local midnights of these days in the company's KPI time zone.
    """

    _name = "crm.kpi.period"
    _description = "KPI Period"
    _order = "date_from desc, date_to, id"
    _rec_names_search = ["name"]

    company_id = fields.Many2one(
        "res.company",
        required=True,
        index=True,
        ondelete="cascade",
        default=lambda self: self.env.company,
    )
    kind = fields.Selection([*KINDS, SAME_PART], required=True, default="custom")
    name = fields.Char(compute="_compute_name", store=True)
    date_from = fields.Date("First day", required=True)
    date_last = fields.Date("Last day", compute="_compute_date_last", inverse="_inverse_date_last")
    date_to = fields.Date("Day after the last", required=True)
    utc_from = fields.Datetime("Start in UTC", compute="_compute_utc", store=True)
    utc_to = fields.Datetime("End in UTC", compute="_compute_utc", store=True)
    state = fields.Selection(
        [
            ("future", "Upcoming"),
            ("open", "Current"),
            ("provisional", "Provisional"),
            ("locked", "Locked"),
        ],
        default="future",
        required=True,
        readonly=True,
        copy=False,
        help="Current: not over yet. Provisional: over, but recomputed when records change. "
        "Locked: values do not change any more; later changes are listed as restatements.",
    )
    unlocked = fields.Boolean(
        readonly=True,
        copy=False,
        help="A manager unlocked this period: it is recomputed until a manager locks it again.",
    )
    lock_user_id = fields.Many2one(
        "res.users",
        "Locked or unlocked by",
        readonly=True,
        copy=False,
        help="Empty: the period was locked automatically.",
    )
    lock_date = fields.Datetime("Locked or unlocked on", readonly=True, copy=False)
    lock_text = fields.Char(
        "Lock",
        compute="_compute_lock_text",
        help="Who locked or unlocked the period and when, or when it is locked automatically.",
    )
    looked_at = fields.Datetime(
        "Last shown",
        readonly=True,
        copy=False,
        help="When a user last chose these days on a board. The period was made for that board "
        "and is deleted some weeks later, unless it has goals.",
    )
    timing = fields.Selection(
        [
            ("running", "Current"),
            ("previous", "Previous"),
            ("older", "Older"),
            ("future", "Upcoming"),
        ],
        compute="_compute_timing",
        search="_search_timing",
        help="Previous: the latest period of its kind that is over.",
    )
    fiscal_from = fields.Date(
        "Fiscal year from",
        compute="_compute_fiscal_from",
        store=True,
        help="First day of the fiscal year that the period is, or is a quarter of. It stays when "
        "the fiscal year of the company changes.",
    )
    restatement_ids = fields.One2many("crm.kpi.restatement", "period_id", readonly=True)
    restatement_count = fields.Integer(compute="_compute_restatement_count")

    _span_uniq = models.UniqueIndex(
        "(company_id, kind, date_from, date_to)",
        "First day, Last day: this period exists already. Use it, or choose other days.",
    )
    _span_positive = models.Constraint(
        "CHECK (date_from < date_to)", "Last day: it must not be before the first day."
    )
    _instants_idx = models.Index("(company_id, utc_from, utc_to)")

    @api.depends("kind", "date_from", "date_to")
    def _compute_name(self):
        for period in self:
            if period.date_from and period.date_to:
                period.name = calendar.code(period.kind, period.date_from, period.date_to)
            else:
                period.name = False

    @api.depends("date_to")
    def _compute_date_last(self):
        for period in self:
            period.date_last = period.date_to and period.date_to - timedelta(days=1)

    @api.onchange("date_last")
    def _inverse_date_last(self):
        for period in self:
            period.date_to = period.date_last and period.date_last + timedelta(days=1)

    @api.depends(
        "date_from",
        "date_to",
        "company_id.kpi_tz",
        "company_id.resource_calendar_id.tz",
        "company_id.partner_id.tz",
    )
    def _compute_utc(self):
        for period in self:
            tz = period.company_id._kpi_tz() if period.company_id else "UTC"
            for day, instant in (("date_from", "utc_from"), ("date_to", "utc_to")):
                period[instant] = period[day] and calendar.utc_midnight(period[day], tz)

    @api.depends("state", "unlocked", "lock_user_id", "lock_date", "kind", "date_to")
    @api.depends_context("lang", "tz")
    def _compute_lock_text(self):
        # superuser: the name of the manager, and a setting of the company, may be known
        for period, shown in zip(self.sudo(), self, strict=True):
            names = {
                "user": period.lock_user_id.name,
                "date": period.lock_date
                and format_datetime(self.env, period.lock_date, dt_format="short"),
            }
            if period.unlocked and names["user"]:
                text = self.env._(
                    "Unlocked by %(user)s on %(date)s. It is not locked automatically.", **names
                )
            elif period.unlocked:
                text = self.env._("Unlocked. It is not locked automatically.")
            elif period.state == "locked" and names["user"]:
                text = self.env._("Locked by %(user)s on %(date)s", **names)
            elif period.state == "locked" and names["date"]:
                text = self.env._("Locked automatically on %(date)s", **names)
            elif period.state != "locked" and (day := locks_on(period)):
                text = self.env._("Locks automatically on %s", format_user_date(self.env, day))
            else:
                text = False
            shown.lock_text = text

    # It does not depend on the fiscal year of the company: a former fiscal year stays one.
    @api.depends("company_id", "kind", "date_from", "date_to")
    def _compute_fiscal_from(self):
        for period in self:
            is_span = period.kind == "custom" and period.date_from and period.date_to
            period.fiscal_from = is_span and period._fiscal_year_start()

    @api.depends("restatement_ids")
    def _compute_restatement_count(self):
        counts = dict(
            self.env["crm.kpi.restatement"]._read_group(
                [("period_id", "in", self.ids)], ["period_id"], ["__count"]
            )
        )
        for period in self:
            period.restatement_count = counts.get(period, 0)

    @api.depends(
        "name", "kind", "date_from", "date_to", "fiscal_from",
        "company_id.fiscalyear_last_month", "company_id.fiscalyear_last_day",
    )  # fmt: skip
    @api.depends_context("lang")
    def _compute_display_name(self):
        locale = babel_locale_parse(self.env.lang)
        for period in self:
            day = period.date_from
            if not day:
                period.display_name = period.name or ""
            elif period.kind == "month":
                period.display_name = format_skeleton("yMMMM", day, locale=locale)
            elif period.kind == "day":
                period.display_name = format_date(day, "medium", locale=locale)
            elif fiscal_name := period._fiscal_name():
                period.display_name = fiscal_name
            elif period.kind == "quarter":
                period.display_name = format_skeleton("yQQQ", day, locale=locale)
            elif period.kind == "week" and day.isoweekday() != calendar.MONDAY:
                period.display_name = self.env._(
                    "Week from %s", format_date(day, "medium", locale=locale)
                )
            elif period.kind == "week":
                iso = day.isocalendar()
                period.display_name = self.env._(
                    "Week %(week)s, %(year)s", week=iso.week, year=iso.year
                )
            elif period.kind != "year" and period.date_to:
                period.display_name = period._days_text(locale)
            else:
                period.display_name = period.name or ""

    def _days_text(self, locale):
        last = self.date_to - timedelta(days=1)
        return format_interval(self.date_from, last, "yMMMd", locale=locale)

    def _fiscal_name(self):
        """Name of a fiscal year or quarter, ``None`` of other periods.

        The name of a former one, which the fiscal year of the company does not have any more,
        contains its days.
        """
        if self.kind not in ("quarter", "custom") or not self.date_to:
            return None
        days, locale = (self.date_from, self.date_to), babel_locale_parse(self.env.lang)
        if start := self._fiscal_year_start():
            return fiscal.fiscal_name(self.env, locale, start, *days)
        if self.fiscal_from:
            name = fiscal.fiscal_name(self.env, locale, self.fiscal_from, *days)
            return f"{name} ({self._days_text(locale)})"
        return None

    def _fiscal_year_start(self):
        """See :func:`~...periods.fiscal.year_start`."""
        # superuser: every user may know the fiscal year
        company = self.sudo().company_id
        return company and fiscal.year_start(company, self.date_from, self.date_to)

    @api.model
    def _search_display_name(self, operator, value):
        """Search by the neutral name (2026-Q4) and by the name that is shown (Q4 2026)."""
        domain = super()._search_display_name(operator, value)
        if operator != "ilike" or not isinstance(value, str) or not value.strip():
            return domain
        words = value.lower().split()
        shown = self.search([]).filtered(
            lambda period: all(word in period.display_name.lower() for word in words)
        )
        return Domain(domain) | Domain("id", "in", shown.ids)

    @api.depends("utc_from", "utc_to", "kind", "company_id")
    def _compute_timing(self):
        now = fields.Datetime.now()
        last_ends = self._last_ends(now, self.company_id)
        for period in self:
            if not period.utc_from or now < period.utc_from:
                period.timing = "future"
            elif now < period.utc_to:
                period.timing = "running"
            elif period.utc_to == last_ends.get((period.company_id.id, period.kind)):
                period.timing = "previous"
            else:
                period.timing = "older"

    def _search_timing(self, operator, value):
        if operator != "in":
            return NotImplemented
        now = fields.Datetime.now()
        past = Domain("utc_to", "<=", now)
        previous = Domain.OR(
            Domain("company_id", "=", company_id)
            & Domain("kind", "=", kind)
            & Domain("utc_to", "=", end)
            for (company_id, kind), end in self._last_ends(now).items()
        )
        parts = {
            "running": Domain("utc_from", "<=", now) & Domain("utc_to", ">", now),
            "previous": previous,
            "older": past & ~previous,
            "future": Domain("utc_from", ">", now),
        }
        return Domain.OR(parts[timing] for timing in value if timing in parts)

    @api.model
    def _last_ends(self, now, companies=None):
        """The latest end that is past, by id of the company and kind."""
        domain = Domain("utc_to", "<=", now)
        if companies is not None:
            domain &= Domain("company_id", "in", companies.ids)
        # superuser: only ends of periods are read, which every user may know
        groups = self.sudo()._read_group(domain, ["company_id", "kind"], ["utc_to:max"])
        return {(company.id, kind): end for company, kind, end in groups}

    @api.constrains("kind", "date_from", "date_to")
    def _check_calendar(self):
        for period in self.filtered(lambda p: p.kind in calendar.CALENDAR_KINDS):
            # a week may begin on any day: weeks from a former first day stay, with their goals
            week_start = period.date_from.isoweekday()
            expected = calendar.bounds(period.kind, period.date_from, week_start)
            if (period.date_from, period.date_to) != expected:
                raise ValidationError(
                    self.env._(
                        "First day, last day: a period of kind %(kind)s has the days from "
                        "%(first)s to %(last)s. Use these dates, or the kind Custom.",
                        kind=dict(self._fields["kind"]._description_selection(self.env))[
                            period.kind
                        ],
                        first=format_user_date(self.env, expected[0]),
                        last=format_user_date(self.env, expected[1] - timedelta(days=1)),
                    )
                )

    @api.constrains("company_id", "kind", "date_from", "date_to")
    def _check_bounds(self):
        today = fields.Date.today()
        locale = babel_locale_parse(self.env.lang)
        # superuser: every user may know when the history of the KPIs begins
        for period in self.sudo():
            company = period.company_id
            if period.kind == SAME_PART[0]:
                continue  # a part of another period
            if bounds.is_calendar_like(period):
                first, after = bounds.calendar_days(company, today)
                allowed = period.date_to > first and period.date_from < after
            else:
                first, after = bounds.custom_days(company, today)
                allowed = period.date_from >= first and period.date_to <= after
            if not allowed:
                raise ValidationError(
                    self.env._(
                        "First day, last day: choose days from %(first)s to %(last)s.",
                        first=format_date(first, "medium", locale=locale),
                        last=format_date(after - timedelta(days=1), "medium", locale=locale),
                    )
                )

    @api.ondelete(at_uninstall=False)
    def _unlink_except_kept(self):
        if any(period.state == "locked" and not period.looked_at for period in self):
            raise UserError(
                self.env._("State: a locked period cannot be deleted. Unlock it first.")
            )
        # superuser: the goals of other users count, too
        if used := self.filtered("looked_at").sudo()._with_goals():
            raise UserError(self.env._("%s has goals. Delete them first.", used[0].display_name))

    # --- CRUD ---

    @api.model_create_multi
    def create(self, vals_list):
        vals_list = [_with_end(vals) for vals in vals_list]
        if self.env.su:
            return super().create(vals_list)
        for vals in vals_list:
            self._check_guarded(vals)
        # default values in the context would bypass the check
        cleaned = self.with_context(  # pylint: disable=context-overridden
            clean_context(self.env.context)
        )
        periods = super(CrmKpiPeriod, cleaned).create(vals_list).with_env(self.env)
        periods._update_states()
        return periods

    def write(self, vals):
        self.check_access("write")
        self._check_guarded(vals)
        if not self.env.su and DEFINING & vals.keys():
            for period in self:
                if period.kind != "custom" or vals.get("kind", "custom") != "custom":
                    raise UserError(
                        self.env._(
                            "Kind: the calendar sets the dates of %s. Create a custom period "
                            "for other dates.",
                            period.display_name,
                        )
                    )
                if period.state == "locked":
                    raise UserError(
                        self.env._(
                            "State: %s is locked. Unlock it first to change its dates.",
                            period.display_name,
                        )
                    )
        result = super().write(vals)
        if not self.env.su and DEFINING & vals.keys():
            self._update_states()
        return result

    def _check_guarded(self, vals):
        """Refuse values of fields that only the calendar and the buttons set."""
        if not self.env.su and (guarded := GUARDED & vals.keys()):
            raise AccessError(
                self.env._(
                    "Periods: %s cannot be set by hand. Use the buttons Lock and Unlock.",
                    ", ".join(
                        self._fields[name]._description_string(self.env) for name in sorted(guarded)
                    ),
                )
            )

    # --- CREATING PERIODS ---

    @api.model
    def _ensure(self, date_from, date_to, kinds=("month", "quarter", "year")):
        """Make sure that the calendar periods of some days exist for the current company.

        :param date_from: first local day
        :param date_to: first local day after
        :param kinds: kinds out of day, week, month, quarter, year
        :return: the periods of these kinds that overlap the days, made where missing
        """
        company = self.env.company
        date_from = fields.Date.to_date(date_from)
        date_to = fields.Date.to_date(date_to)
        unknown = set(kinds) - set(calendar.CALENDAR_KINDS)
        if unknown:
            raise UserError(
                self.env._("Kind: the calendar has no periods of kind %s.", ", ".join(unknown))
            )
        result = self.browse()
        for kind in kinds:
            spans = calendar.spans(kind, date_from, date_to, company._kpi_week_start())
            found = self._on(kind, spans)
            missing = set(spans) - {(period.date_from, period.date_to) for period in found}
            result |= found | self._create_spans(kind, missing)
        return result.sorted()

    @api.model
    def _current(self, kind, company=None, day=None):
        """The running period of a kind (or the one that holds ``day``), made where missing."""
        company = company or self.env.company
        day = day or calendar.local_day(fields.Datetime.now(), company._kpi_tz())
        return self.with_company(company)._ensure(day, day + timedelta(days=1), (kind,))

    @api.model
    def _kinds(self):
        """Kinds of period of the current company to choose from: ``[(key, name)]``.

        Fiscal kinds are missing where the fiscal year is the calendar year. Quarters are missing
        where the fiscal quarters are the same ones.
        """
        names = {
            **dict(self._fields["kind"]._description_selection(self.env)),
            "fiscal_quarter": self.env._("Fiscal quarter"),
            "fiscal": self.env._("Fiscal year"),
            "week": self.env._("Week (from %s)", self.env.company._kpi_week_start_name()),
        }
        today = fields.Date.today()
        stored_as = {
            kind: self._spans(kind, today, today + timedelta(days=1))[0]
            for kind in calendar.FISCAL_KINDS
            if self._fiscal_spans(kind, today, today + timedelta(days=1))
        }
        kinds = [*calendar.CALENDAR_KINDS, *stored_as, "custom"]
        return [
            (kind, names[kind])
            for kind in kinds
            if kind == "custom" or kind not in stored_as.values()
        ]

    @api.model
    def _fiscal_spans(self, kind, date_from, date_to):
        """See :func:`~...periods.fiscal.fiscal_spans`; of the current company."""
        return fiscal.fiscal_spans(self.env.company, kind, date_from, date_to)

    @api.model
    def _spans(self, kind, date_from, date_to):
        """See :func:`~...periods.fiscal.spans`; of the current company."""
        return fiscal.spans(self.env.company, kind, date_from, date_to)

    @api.model
    def _on(self, kind, spans):
        """The periods of the current company of a kind with exactly these days."""
        found = self.search(
            [
                ("company_id", "=", self.env.company.id),
                ("kind", "=", kind),
                ("date_from", "in", [first for first, _after in spans]),
            ]
        )
        return found.filtered(lambda p: (p.date_from, p.date_to) in spans)

    @api.model
    def _former_fiscal(self, kind, date_from, date_to):
        """Fiscal periods of the current company that its fiscal year does not have any more.

        :param kind: one of :data:`~...engine.periods.FISCAL_KINDS`
        """
        marked = self.search(
            [
                ("company_id", "=", self.env.company.id),
                ("fiscal_from", "!=", False),
                ("date_from", "<", date_to),
                ("date_to", ">", date_from),
            ]
        )
        length = calendar.FISCAL_KINDS[kind]
        return marked.filtered(lambda p: p._length() == length and not p._fiscal_year_start())

    @api.model
    def _ensure_spans(self, kind, spans):
        """Make sure that the periods of the current company with these days exist."""
        found = {(period.date_from, period.date_to) for period in self._on(kind, spans)}
        self._create_spans(kind, set(spans) - found)

    @api.model
    def _create_spans(self, kind, spans):
        """Create periods of the current company with these days, in their present state."""
        created = self.create(
            [
                {
                    "company_id": self.env.company.id,
                    "kind": kind,
                    "date_from": first,
                    "date_to": after,
                }
                for first, after in sorted(spans)
            ]
        )
        created._update_states()
        return created

    @api.model
    def _ensure_fiscal_years(self, date_from, date_to, kinds=tuple(calendar.FISCAL_KINDS)):
        """Make sure that the fiscal years and quarters of some days exist."""
        for kind in kinds:
            stored_as, spans = self._spans(kind, date_from, date_to)
            if stored_as != "custom":
                continue  # calendar periods
            found = self._on("custom", spans)
            # they stay from now on, also where a board made them
            found.filtered("looked_at").looked_at = False
            found.filtered(lambda p: not p.fiscal_from)._compute_fiscal_from()
            self._ensure_spans("custom", spans)

    @api.model
    def _for_board(self, company, date_from, date_to):
        """The custom period of the days that a user chose on a board, made where missing."""
        now = fields.Datetime.now()
        model = self.with_company(company)
        period = model._on("custom", [(date_from, date_to)])
        if not period:
            model._make_room()
            period = model._create_spans("custom", [(date_from, date_to)])
            period.looked_at = now
        elif period.looked_at:
            period.looked_at = now
        return period.with_env(self.env)

    @api.model
    def _make_room(self):
        """Delete the period of the user on a board that was shown longest ago, if need be.

        Each of these periods makes the refresh slower. Not more than :data:`OWN_PERIODS` are made
        in :data:`OWN_PERIODS_TIME`.
        """
        now = fields.Datetime.now()
        own = self.search(
            [("create_uid", "=", self.env.uid), ("looked_at", "!=", False)], order="looked_at, id"
        )
        own -= own._with_goals()
        if len(own) < OWN_PERIODS:
            return
        replaced = own.filtered(lambda p: p.create_date <= now - OWN_PERIODS_TIME)
        if not replaced:
            raise UserError(
                self.env._(
                    "Period: you chose %s new ranges of days within an hour. Choose one of them, "
                    "or try again later.",
                    OWN_PERIODS,
                )
            )
        replaced[: len(own) - OWN_PERIODS + 1]._unlink_unused()

    def _unlink_unused(self):
        """Delete those of which no refresh writes values right now; the others another time.

        To wait would take as long as a step of the refresh. Without the lock, one of both would
        fail, after minutes of work.
        """
        # superuser: only locks; unlink() checks the rights
        free = self.sudo().try_lock_for_update().with_env(self.env)
        free.unlink()
        return free

    def _with_goals(self):
        """Those of these periods that have goals, also archived ones."""
        goals = self.env["crm.kpi.goal"].with_context(active_test=False)
        return goals.search([("period_id", "in", self.ids)]).period_id

    @api.autovacuum
    def _gc_board_periods(self):
        """Delete periods that were made for a board and were not shown for some weeks.

        Those that are longer than a new one may be are deleted at once.
        """
        limit = fields.Datetime.now() - BOARD_PERIODS_KEPT
        old = self.search([("looked_at", "<", limit)], limit=1000)
        today = fields.Date.today()
        for company in self.env["res.company"].search([]):
            first, after = bounds.custom_days(company, today)
            days = Domain("date_from", "<", first) | Domain("date_to", ">", after)
            own = Domain("company_id", "=", company.id) & Domain("looked_at", "!=", False)
            old |= self.search(own & days)
        (old - old._with_goals())._unlink_unused()

    # --- COMPARISON AND PACE ---

    def _elapsed(self, at=None):
        """See :func:`~...periods.working_time.elapsed_parts`; by default now."""
        return working_time.elapsed_parts(self, at or fields.Datetime.now())

    def _working_days(self):
        """See :func:`~...periods.working_time.working_days`."""
        return working_time.working_days(self)

    def _length(self):
        """See :func:`~...periods.comparison.calendar_length`."""
        return comparison.calendar_length(self.kind, self.date_from, self.date_to)

    def _previous(self, years=0):
        """Map each period to the one before it, or to the same one ``years`` earlier.

        :return: dict of record to record, without the periods that have none
        """
        keys = {
            period: (period.company_id, period.kind, *days)
            for period in self
            if (days := comparison.earlier_days(period._length(), period.date_from, years))
        }
        found = {
            (p.company_id, p.kind, p.date_from, p.date_to): p
            for p in self.search_fetch(
                [("date_from", "in", [key[2] for key in keys.values()])],
                ["company_id", "kind", "date_from", "date_to"],
            )
        }
        return {period: found[key] for period, key in keys.items() if key in found}

    def _lookup_periods(self, shift):
        """The periods whose values a lookup function of a formula reads, for each period.

        :param shift: see :class:`~...engine.formula.Component`
        :return: dict of period to one or several periods, without those for which one is missing
        """
        name, _space, count = shift.partition(" ")
        match name:
            case "previous":
                return self._previous()
            case "last_year":
                return self._previous(years=1)
            case "rolling":
                return self._trailing(dict.fromkeys(self, int(count)))
            case "to_date":
                return self._trailing({period: period._number_in_year() for period in self})
        return {period: period for period in self}

    def _number_in_year(self):
        """Number of a month, quarter or year in its fiscal year, from 1; 0 for other periods."""
        self.ensure_one()
        length = self._length()
        if length not in ("month", "quarter", "year"):
            return 0
        # superuser: every user may know the fiscal year of the KPIs
        start = fiscal.year_of(self.sudo().company_id, self.date_from)[0]
        number, day = 1, self.date_from
        while day > start:
            number, day = number + 1, calendar.shift(length, day, -1)
        return number if day == start else 0

    def _trailing(self, counts):
        """The last N periods of the same kind, the period itself included.

        :param counts: dict of each period to N
        :return: dict of period to periods, without those for which one is missing
        """
        wanted = {}
        for period, count in counts.items():
            length = period._length()
            if count and length in calendar.CALENDAR_KINDS:
                starts = [calendar.shift(length, period.date_from, -n) for n in range(count)]
                wanted[period] = [
                    (period.company_id, period.kind, start, calendar.shift(length, start, 1))
                    for start in starts
                ]
        starts = {start for keys in wanted.values() for _company, _kind, start, _end in keys}
        found = {
            (period.company_id, period.kind, period.date_from, period.date_to): period
            for period in self.search([("date_from", "in", list(starts))])
        }
        return {
            period: self.browse().union(*(found[key] for key in keys))
            for period, keys in wanted.items()
            if all(key in found for key in keys)
        }

    def _same_part(self, elapsed):
        """The stored period of :func:`~...periods.comparison.same_part_days`, empty without one.

        Until the next refresh it may be the one of a working day less.
        """
        self.ensure_one()
        count = comparison.days_elapsed(elapsed)
        if not count:
            return self.browse()
        return self.search(
            [
                ("company_id", "=", self.company_id.id),
                ("kind", "=", SAME_PART[0]),
                ("date_from", "=", self.date_from),
                ("date_to", "in", comparison.part_ends(self, [max(count - 1, 1), count])),
            ],
            limit=1,
            order="date_to desc",
        )

    def _custom_comparison(self, elapsed, years=0):
        """What custom days are compared with: as many days before, or the same ones years earlier.

        :param elapsed: the :class:`~...engine.pace.Elapsed` of the period
        :return: the stored periods of the same elapsed part and of all these days, each may be
            empty
        """
        self.ensure_one()
        earlier = self._custom_earlier(years)
        whole = self._on_days(SAME_PART[0], earlier.date_from, earlier.date_to)
        if elapsed.over:
            return whole, whole
        return earlier._same_part(elapsed) if whole else whole, whole

    def _custom_earlier(self, years):
        """The period that custom days are compared with, not stored."""
        first, after = comparison.custom_earlier_days(self.date_from, self.date_to, years)
        return self.new({"company_id": self.company_id.id, "date_from": first, "date_to": after})

    def _on_days(self, kind, date_from, date_to):
        """The period of the same company and a kind with these days, may be empty."""
        return self.search(
            [
                ("company_id", "=", self.company_id.id),
                ("kind", "=", kind),
                ("date_from", "=", date_from),
                ("date_to", "=", date_to),
            ]
        )

    def _ensure_custom_comparison(self, years):
        """Make sure that the periods of :meth:`_custom_comparison` exist.

        There are none where the earlier days begin before the history of the KPIs.

        :return: these periods
        """
        self.ensure_one()
        now = fields.Datetime.now()
        earlier, elapsed = self._custom_earlier(years), self._elapsed(now)[self]
        first, _after = bounds.custom_days(self.company_id, now.date())
        if earlier.date_from < first:
            return self.browse()
        expected = {(earlier.date_from, earlier.date_to)}
        if not elapsed.over:
            expected.add(comparison.same_part_days(earlier, elapsed))
        model = self.with_company(self.company_id)
        model._ensure_spans(SAME_PART[0], expected - {None})
        return model._on(SAME_PART[0], expected - {None})

    @api.model
    def _ensure_same_parts(self, now):
        """Keep the parts that running periods of the current company are compared with, only.

        A month in which nine working days have elapsed is compared with the first nine of the
        month before, and of the same month last year. What custom days are compared with is kept,
        too, where a board has created it.
        """
        own = [("company_id", "=", self.env.company.id)]
        running = self.search(
            [
                *own,
                ("kind", "in", ["week", "month", "quarter", "year", "custom"]),
                ("utc_from", "<=", now),
                ("utc_to", ">", now),
            ]
        )
        elapsed = running._elapsed(now)
        expected = {
            comparison.same_part_days(whole, elapsed[period])
            for earlier in (running._previous(), running._previous(years=1))
            for period, whole in earlier.items()
        } - {None}
        kept = self.search([*own, ("kind", "=", SAME_PART[0])])
        created = {(p.date_from, p.date_to): p for p in kept}
        for period in self.search([*own, ("kind", "=", "custom")]):
            for years in (0, 1):
                whole = comparison.custom_earlier_days(period.date_from, period.date_to, years)
                if whole in created:
                    expected.add(whole)
                    if period in elapsed:
                        part = comparison.same_part_days(created[whole], elapsed[period])
                        expected |= {part} - {None}
        outdated = kept.filtered(lambda p: (p.date_from, p.date_to) not in expected)
        outdated._unlink_unused()
        self._create_spans(SAME_PART[0], expected - created.keys())

    # --- STATES ---

    def _formula_constants(self):
        """Constants of formulas: the length of the period and settings of the company, by name."""
        self.ensure_one()
        return {
            "days": float((self.date_to - self.date_from).days),
            "months": calendar.months_between(self.date_from, self.date_to),
            # superuser: readers of a KPI may lack the right to read the company's settings
            **self.sudo().company_id._kpi_constants(),
        }

    def _update_states(self):
        """Set the state that follows from the time: future, running, provisional or locked."""
        now = fields.Datetime.now()
        # superuser: the state depends on the time, not on the rights of the reader
        for period in self.sudo():
            if period.state == "locked" and not period.unlocked:
                continue
            state = state_at(period, now)
            if state != period.state:
                period.state = state
                if state == "locked":
                    period.write({"lock_user_id": False, "lock_date": now})

    # --- ACTIONS ---

    def action_lock(self):
        """Lock values: later changes of the records are listed, not applied.

        Periods that are not over yet are left out; the answer names one.
        """
        self._check_may_lock()
        now = fields.Datetime.now()
        not_over = self.filtered(lambda p: p.utc_to > now)
        if self and self == not_over:
            raise UserError(
                self.env._(
                    "State: %s is not over yet. Only a closed period can be locked.",
                    not_over[0].display_name,
                )
            )
        changed = (self - not_over).filtered(lambda p: p.state != "locked" or p.unlocked)
        # superuser: users cannot write the state; the right to lock was checked above
        changed.sudo().write({"state": "locked", **self._lock_values(unlocked=False)})
        sentences = [self.env._("Periods locked: %s.", len(changed))]
        if not_over:
            sentences.append(
                self.env._(
                    "Not over yet, so not locked: %s.", ", ".join(not_over.mapped("display_name"))
                )
            )
        return self._lock_answer(sentences)

    def action_unlock(self):
        """Unlock values: the next refresh computes them from the records again."""
        self._check_may_lock()
        # superuser: users cannot write the state; the right to unlock was checked above
        locked = self.sudo().filtered(lambda p: p.state == "locked")
        locked.write({"state": "provisional", **self._lock_values(unlocked=True)})
        # superuser: computations are bookkeeping of the refresh
        self.env["crm.kpi.computation"].sudo().search([("period_id", "in", locked.ids)]).write(
            {"fingerprint": False}
        )
        return self._lock_answer(
            [
                self.env._("Periods unlocked: %s.", len(locked)),
                self.env._("The next refresh brings their values in line with the records."),
            ]
        )

    def _lock_values(self, unlocked):
        return {
            "unlocked": unlocked,
            "lock_user_id": self.env.uid,
            "lock_date": fields.Datetime.now(),
        }

    def _lock_answer(self, sentences):
        """A message about what happened to several periods; the list is read again."""
        if len(self) < 2:
            return None
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "info",
                "message": " ".join(sentences),
                "next": {"type": "ir.actions.act_window_close"},
            },
        }

    def _check_may_lock(self):
        self.check_access("write")
        if not self.env.user.has_group("crm_kpi.group_kpi_manager"):
            raise AccessError(self.env._("Only KPI managers can lock and unlock periods."))

    def action_open_restatements(self):
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Restatements of %s", self.display_name),
            "res_model": "crm.kpi.restatement",
            "view_mode": "list",
            "domain": [("period_id", "=", self.id)],
        }
