# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from datetime import timedelta

from babel.dates import format_date, format_interval, format_skeleton

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Domain
from odoo.tools.misc import babel_locale_parse, clean_context

from ...engine import periods as calendar

KINDS = [
    ("day", "Day"),
    ("week", "Week"),
    ("month", "Month"),
    ("quarter", "Quarter"),
    ("year", "Year"),
    ("custom", "Custom"),
]
#: Kept by the refresh for comparisons: the first working days of an earlier period.
SAME_PART = ("to_date", "Same part")
#: Set by the calendar, the time zone and the buttons, never by hand.
GUARDED = frozenset(("state", "unlocked", "name", "utc_from", "utc_to", "looked_at"))
#: What a period is. Only a custom period that is not locked may change it.
DEFINING = frozenset(("company_id", "kind", "date_from", "date_to"))


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
    date_from = fields.Date("From", required=True)
    date_to = fields.Date(
        "Until", required=True, help="First day after the period: it is not part of it."
    )
    utc_from = fields.Datetime("From (instant)", compute="_compute_utc", store=True)
    utc_to = fields.Datetime("Until (instant)", compute="_compute_utc", store=True)
    state = fields.Selection(
        [
            ("future", "Future"),
            ("open", "Running"),
            ("provisional", "Provisional"),
            ("locked", "Locked"),
        ],
        default="future",
        required=True,
        readonly=True,
        copy=False,
        help="Running: not over yet. Provisional: over, still recomputed when records change. "
        "Locked: values stay as they are, later changes are noted as restatements.",
    )
    unlocked = fields.Boolean(
        readonly=True,
        copy=False,
        help="Taken out of the lock by hand: recomputed until it is locked again by hand.",
    )
    timing = fields.Selection(
        [
            ("running", "Running"),
            ("previous", "Previous"),
            ("older", "Older"),
            ("future", "Future"),
        ],
        compute="_compute_timing",
        search="_search_timing",
        help="Where the period stands now. Previous: the last one of its kind that is over.",
    )
    restatement_ids = fields.One2many("crm.kpi.restatement", "period_id", readonly=True)
    restatement_count = fields.Integer(compute="_compute_restatement_count")

    _span_uniq = models.UniqueIndex(
        "(company_id, kind, date_from, date_to)", "This period exists already."
    )
    _span_positive = models.Constraint(
        "CHECK (date_from < date_to)", "The end of a period must lie after its start."
    )
    _instants_idx = models.Index("(company_id, utc_from, utc_to)")

    @api.depends("kind", "date_from", "date_to")
    def _compute_name(self):
        for period in self:
            if period.date_from and period.date_to:
                period.name = calendar.code(period.kind, period.date_from, period.date_to)
            else:
                period.name = False

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

    @api.depends("restatement_ids")
    def _compute_restatement_count(self):
        counts = dict(
            self.env["crm.kpi.restatement"]._read_group(
                [("period_id", "in", self.ids)], ["period_id"], ["__count"]
            )
        )
        for period in self:
            period.restatement_count = counts.get(period, 0)

    @api.depends("name", "kind", "date_from", "date_to")
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
            elif period.kind == "quarter":
                period.display_name = format_skeleton("yQQQ", day, locale=locale)
            elif period.kind == "week":
                iso = day.isocalendar()
                period.display_name = self.env._(
                    "Week %(week)s, %(year)s", week=iso.week, year=iso.year
                )
            elif period.kind != "year" and period.date_to:
                last = period.date_to - timedelta(days=1)
                period.display_name = format_interval(day, last, "yMMMd", locale=locale)
            else:
                period.display_name = period.name or ""

    @api.model
    def _search_display_name(self, operator, value):
        """By the neutral name (2026-Q4), and by what the reader sees (Q4 2026)."""
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
        # superuser: which period was the last one is no secret, and asks no rule per kind
        groups = self.sudo()._read_group(domain, ["company_id", "kind"], ["utc_to:max"])
        return {(company.id, kind): end for company, kind, end in groups}

    @api.constrains("kind", "date_from", "date_to")
    def _check_calendar(self):
        for period in self.filtered(lambda p: p.kind in calendar.CALENDAR_KINDS):
            expected = calendar.bounds(period.kind, period.date_from)
            if (period.date_from, period.date_to) != expected:
                raise ValidationError(
                    self.env._(
                        "From and Until: a period of kind %(kind)s runs from %(start)s until "
                        "%(end)s. Use these dates, or the kind Custom.",
                        kind=dict(self._fields["kind"]._description_selection(self.env))[
                            period.kind
                        ],
                        start=expected[0],
                        end=expected[1],
                    )
                )

    @api.ondelete(at_uninstall=False)
    def _unlink_except_locked(self):
        if any(period.state == "locked" for period in self):
            raise UserError(
                self.env._("State: a locked period cannot be deleted. Unlock it first.")
            )

    # --- CRUD ---

    @api.model_create_multi
    def create(self, vals_list):
        if self.env.su:
            return super().create(vals_list)
        for vals in vals_list:
            self._check_guarded(vals)
        # defaults of the context would get around the check
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
        """Refuse by hand what the calendar and the buttons set."""
        if not self.env.su and (guarded := GUARDED & vals.keys()):
            raise AccessError(
                self.env._(
                    "Periods: %s cannot be set by hand. Use the buttons Lock and Unlock.",
                    ", ".join(
                        self._fields[name]._description_string(self.env) for name in sorted(guarded)
                    ),
                )
            )

    # --- MAKING PERIODS ---

    @api.model
    def _ensure(self, date_from, date_to, kinds=("month", "quarter", "year")):
        """Make sure that the calendar periods of the current company exist.

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
        wanted = {
            (kind, start, end)
            for kind in kinds
            for start, end in calendar.spans(kind, date_from, date_to)
        }
        domain = [
            ("company_id", "=", company.id),
            ("kind", "in", list(kinds)),
            ("date_from", "<", date_to),
            ("date_to", ">", date_from),
        ]
        existing = self.search(domain)
        missing = wanted - {(p.kind, p.date_from, p.date_to) for p in existing}
        if missing:
            created = self.create(
                [
                    {
                        "company_id": company.id,
                        "kind": kind,
                        "date_from": start,
                        "date_to": end,
                    }
                    for kind, start, end in sorted(missing)
                ]
            )
            created._update_states()
            existing = self.search(domain)
        return existing

    @api.model
    def _current(self, kind, company=None, day=None):
        """The running period of a kind (or the one that holds ``day``), made where missing."""
        company = company or self.env.company
        day = day or calendar.local_day(fields.Datetime.now(), company._kpi_tz())
        return self.with_company(company)._ensure(day, day + timedelta(days=1), (kind,))

    # --- STATES ---

    def _formula_constants(self):
        """What formulas may use beside KPIs: the length of the period, the company's settings."""
        self.ensure_one()
        return {
            "days": float((self.date_to - self.date_from).days),
            "months": calendar.months_between(self.date_from, self.date_to),
            # superuser: readers of a KPI need not be readers of the company's settings
            **self.sudo().company_id._kpi_constants(),
        }

    def _update_states(self):
        """Move periods along future, running, provisional and locked as time passes."""
        now = fields.Datetime.now()
        # superuser: time moves the states, not the rights of who happens to look
        for period in self.sudo():
            if period.state == "locked" and not period.unlocked:
                continue
            state = period._state_at(now)
            if state != period.state:
                period.state = state

    def _state_at(self, now):
        self.ensure_one()
        if now < self.utc_from:
            return "future"
        if now < self.utc_to:
            return "open"
        if self.unlocked or self.kind == SAME_PART[0]:
            return "provisional"
        company = self.company_id
        kind = "month" if self.kind == "custom" else self.kind
        today = calendar.local_day(now, company._kpi_tz())
        first_kept = calendar.shift(
            kind, calendar.start_of(kind, today), -company.kpi_provisional_periods
        )
        return "locked" if self.date_to <= first_kept else "provisional"

    # --- ACTIONS ---

    def action_lock(self):
        """Freeze the values: from now on changes in the records are noted, not applied."""
        self._check_may_lock()
        now = fields.Datetime.now()
        if running := self.filtered(lambda p: p.utc_to > now):
            raise UserError(
                self.env._(
                    "State: %s is not over yet. Only a closed period can be locked.",
                    running[0].display_name,
                )
            )
        # superuser: the state is not writable by hand, and who may lock was checked
        self.sudo().write({"state": "locked", "unlocked": False})

    def action_unlock(self):
        """Let the next refresh bring the values in line with the records again."""
        self._check_may_lock()
        # superuser: the state is not writable by hand, and who may unlock was checked
        locked = self.sudo().filtered(lambda p: p.state == "locked")
        locked.write({"state": "provisional", "unlocked": True})
        self.env["crm.kpi.computation"].sudo().search([("period_id", "in", locked.ids)]).write(
            {"fingerprint": False}
        )

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
