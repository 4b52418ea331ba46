# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""What to do next: lines on top of a board that lead to records.

Each :class:`Topic` counts records that wait for an action now, whatever period the board shows,
with one query and under the rights of the reader. A topic without records has no line.
``crm.kpi.board._attention_topics`` lists the topics; addons extend it.
"""

from dataclasses import dataclass

from odoo.exceptions import UserError
from odoo.fields import Date, Domain
from odoo.tools.misc import format_date, formatLang

from ..engine.periods import local_day

#: Most lines on a board.
MAX_LINES = 5


@dataclass(frozen=True)
class Line:
    """A sentence with the number of records, and what helps to judge them."""

    key: str
    icon: str
    count: int
    text: str
    detail: str = ""


class Topic:
    """Records of one model that wait for an action."""

    #: Name in calls from the browser.
    key = ""
    model = ""
    #: Class of Font Awesome.
    icon = ""
    #: Aggregates in addition to the count, see ``_read_group``.
    aggregates = ()
    #: Only for members of one of these groups; empty: for all who may read the model.
    groups = ""
    user_field, team_field = "user_id", "team_id"
    #: Order of the records, those to touch first at the top; empty: a mail does not list them.
    next_order = ""

    def domain(self, context):
        """Condition on the records, without the filter of people."""
        raise NotImplementedError

    def people(self, context):
        """Condition on the salesperson or team that the board is filtered by."""
        if context.user:
            return Domain(self.user_field, "=", context.user.id)
        if context.team:
            return Domain(self.team_field, "=", context.team.id)
        return Domain.TRUE

    def text(self, env, count):
        """The sentence, also the name of the list that it opens."""
        raise NotImplementedError

    def detail(self, context, *values):
        """What helps to judge the records; ``values`` are those of ``aggregates``."""
        return ""

    def record_detail(self, context, record):
        """What helps to judge one record."""
        values = (record[name.partition(":")[0]] for name in self.aggregates)
        return self.detail(context, *values)

    def views(self, env):
        return [(False, "list"), (False, "kanban"), (False, "form")]

    # --- what the board calls ---

    def is_for_reader(self, env):
        return env[self.model].has_access("read") and (
            not self.groups or env.user.has_groups(self.groups)
        )

    def all_conditions(self, context):
        company = Domain("company_id", "in", [False, context.company.id])
        return company & self.people(context) & self.domain(context)

    def line(self, context):
        """The :class:`Line`, ``None`` without records."""
        [(count, *values)] = context.env[self.model]._read_group(
            self.all_conditions(context), [], ["__count", *self.aggregates]
        )
        return self.make_line(context, count, self.detail(context, *values)) if count else None

    def make_line(self, context, count, detail):
        return Line(self.key, self.icon, count, self.text(context.env, count), detail)

    def action(self, context):
        """Action that opens the records of the line."""
        domain = self.all_conditions(context)
        return {
            "type": "ir.actions.act_window",
            "name": self.text(context.env, context.env[self.model].search_count(domain)),
            "res_model": self.model,
            "views": self.views(context.env),
            "mobile_view_mode": "kanban",
            "domain": list(domain),
            "context": {"create": False},
        }


class Failures(Topic):
    """What fails at present, for KPI administrators."""

    key = "failures"
    model = "crm.kpi.health"
    icon = "fa-exclamation-triangle"
    aggregates = ("date:min",)
    groups = "crm_kpi.group_kpi_admin"

    def domain(self, context):
        return Domain.TRUE

    def people(self, context):
        return Domain.TRUE

    def text(self, env, count):
        if count == 1:
            return env._("1 KPI or part of the refresh fails")
        return env._("%s KPIs or parts of the refresh fail", count)

    def detail(self, context, since):
        return since_text(context, since)

    def action(self, context):
        return context.env["ir.actions.actions"]._for_xml_id("crm_kpi.crm_kpi_health_page_action")


class ChooseKpis(Topic):
    """Offers *Choose my KPIs* to readers who have not answered it yet."""

    key = "choose_kpis"
    model = "crm.kpi.choose"
    icon = "fa-check-square-o"

    def line(self, context):
        # superuser: the reader's own choice; users may not read users
        user = context.env.user.sudo()
        if user.kpi_choice_answered or user.kpi_ids:
            return None
        detail = context.env._("a small set for your role and objective")
        return self.make_line(context, 0, detail)

    def text(self, env, count):
        return env._("Choose your KPIs")

    def action(self, context):
        return context.env["ir.actions.actions"]._for_xml_id("crm_kpi.crm_kpi_choose_action")


class Goals(Topic):
    """Goals of the KPIs on the board that will be missed at the present pace."""

    key = "goals"
    model = "crm.kpi.goal"
    icon = "fa-bullseye"

    def domain(self, context):
        return (
            Domain("kpi_id", "in", context.kpis.ids)
            & Domain("period_id.state", "=", "open")
            & (
                Domain("status", "in", ["off_track", "at_risk"])
                | Domain("counter_missed", "=", True)
            )
        )

    def people(self, context):
        if context.user:
            return Domain("user_id", "=", context.user.id)
        if context.team:
            members = context.members(context.team)
            return Domain("team_id", "=", context.team.id) | Domain("user_id", "in", members.ids)
        return Domain.TRUE

    def line(self, context):
        counts = dict(
            context.env[self.model]._read_group(
                self.all_conditions(context), ["status"], ["__count"]
            )
        )
        off_track, at_risk = counts.pop("off_track", 0), counts.pop("at_risk", 0)
        others = sum(counts.values())
        env = context.env
        parts = [
            off_track and env._("%s off track", off_track),
            at_risk and env._("%s at risk", at_risk),
            others and env._("%s with a missed counter-metric", others),
        ]
        count = off_track + at_risk + others
        return self.make_line(context, count, ", ".join(filter(None, parts))) if count else None

    def text(self, env, count):
        if count == 1:
            return env._("1 goal needs attention")
        return env._("%s goals need attention", count)

    def views(self, env):
        return [(False, "kanban"), (False, "list"), (False, "form")]


class _Leads(Topic):
    """Open leads or opportunities."""

    model = "crm.lead"
    open_leads = Domain("active", "=", True) & Domain("won_status", "=", "pending")

    def views(self, env):
        # superuser: only the id of a view, which the reader opens
        views = env(su=True).ref("crm.crm_case_tree_view_oppor", raise_if_not_found=False)
        return [(views.id if views else False, "list"), (False, "kanban"), (False, "form")]


class UnansweredLeads(_Leads):
    """Inbound leads without a first response."""

    key = "unanswered_leads"
    icon = "fa-reply"
    aggregates = ("kpi_response_start:min",)
    next_order = "kpi_response_start, id"

    def domain(self, context):
        return self.open_leads & Domain("kpi_response_waiting", "=", True)

    def text(self, env, count):
        if count == 1:
            return env._("1 lead waits for a first response")
        return env._("%s leads wait for a first response", count)

    def detail(self, context, since):
        return since_text(context, since)

    def record_detail(self, context, record):
        return record_since_text(context, record.kpi_response_start)


class _LeadsWithRevenue(_Leads):
    """Leads that are judged by their expected revenue."""

    aggregates = ("expected_revenue:sum",)
    next_order = "expected_revenue desc, date_deadline, id"

    def detail(self, context, revenue):
        return revenue_text(context, revenue)


class OverdueSteps(_LeadsWithRevenue):
    """Leads and opportunities with a planned activity that is overdue."""

    key = "overdue_steps"
    icon = "fa-clock-o"

    def domain(self, context):
        return self.open_leads & Domain(
            "activity_ids", "any", [("date_deadline", "<", today(context))]
        )

    def text(self, env, count):
        if count == 1:
            return env._("1 lead has an overdue activity")
        return env._("%s leads have an overdue activity", count)


class LateDeals(_LeadsWithRevenue):
    """Open opportunities whose expected closing is over."""

    key = "late_deals"
    icon = "fa-hourglass-end"

    def domain(self, context):
        return (
            self.open_leads
            & Domain("type", "=", "opportunity")
            & Domain("date_deadline", "<", today(context))
        )

    def text(self, env, count):
        if count == 1:
            return env._("1 deal is past its expected closing")
        return env._("%s deals are past their expected closing", count)


class CustomersAtRisk(Topic):
    """Customers who are silent for longer than usual."""

    key = "customers_at_risk"
    model = "crm.kpi.customer"
    icon = "fa-user-times"
    aggregates = ("revenue_12m:sum",)
    groups = "sales_team.group_sale_salesman"
    next_order = "revenue_12m desc, id"

    def domain(self, context):
        return Domain("status", "=", "at_risk")

    def text(self, env, count):
        if count == 1:
            return env._("1 customer is at risk")
        return env._("%s customers are at risk", count)

    def detail(self, context, revenue):
        if not revenue:
            return ""
        return context.env._("%s revenue in 12 months", money(context, revenue))


#: The topics of this addon, most urgent first.
TOPICS = (
    Failures(),
    ChooseKpis(),
    Goals(),
    UnansweredLeads(),
    OverdueSteps(),
    LateDeals(),
    CustomersAtRisk(),
)


def attention(context, topics):
    """The lines of a board, at most :data:`MAX_LINES`.

    :param topics: list of :class:`Topic`, most urgent first
    """
    readable = topics_for_reader(context.env, context.kpis, topics)
    lines = (topic.line(context) for topic in readable)
    return [line for line in lines if line][:MAX_LINES]


def topics_for_reader(env, kpis, topics):
    """The topics whose records the reader may read.

    What concerns all KPIs comes first, then goals, and then the topics of the records that the
    KPIs count, such as tickets.

    :param topics: list of :class:`Topic`, most urgent first
    """
    # superuser: only which models the KPIs count
    kpis = kpis.sudo()
    shown = {
        Failures.model,
        ChooseKpis.model,
        Goals.model,
        *(kpis | kpis.component_ids).source_id.model_id.mapped("model"),
    }
    readable = [topic for topic in topics if topic.is_for_reader(env)]
    return sorted(readable, key=lambda topic: topic.model not in shown)


def attention_action(context, topics, key):
    """Action that opens the records of the line ``key``."""
    for topic in topics:
        if topic.key == key and topic.is_for_reader(context.env):
            return topic.action(context)
    raise UserError(context.env._("These records do not exist any more. Reload the board."))


# --- texts and dates of topics ---


def today(context):
    """The day in the time zone of the company, as text."""
    return Date.to_string(local_day(context.now, context.company._kpi_tz()))


def since_text(context, since):
    """Since when the oldest record waits; ``since`` is an instant or empty."""
    day = _day_text(context, since)
    return day and context.env._("the oldest since %s", day)


def record_since_text(context, since):
    """Since when one record waits; ``since`` is an instant or empty."""
    day = _day_text(context, since)
    return day and context.env._("since %s", day)


def _day_text(context, instant):
    if not instant:
        return ""
    day = local_day(instant, context.company._kpi_tz())
    return format_date(context.env, day, date_format="medium")


def revenue_text(context, revenue):
    if not revenue:
        return ""
    return context.env._("%s expected revenue", money(context, revenue))


def money(context, amount):
    """An amount in whole units of the currency of the company."""
    return formatLang(
        context.env, amount, currency_obj=context.company.currency_id, rounding_unit="units"
    )
