# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Composes a workbook: which sheets it has, and what stands around them."""

from babel.dates import format_skeleton

from odoo import release
from odoo.tools.misc import babel_locale_parse, format_datetime

from ..board import header
from . import content as wb
from . import pages
from .measures import build_measures, group_by_sheet
from .request import KPI_LAYOUTS
from .summary import summary_cards

#: Companies in these countries print on letter paper.
LETTER_COUNTRIES = {"US", "CA", "MX", "CL", "CO", "CR", "DO", "GT", "PA", "PH", "PR", "SV", "VE"}


def compose(reader):
    """The :class:`~.content.Content` of a workbook.

    :param reader: :class:`~.reader.WorkbookReader`
    """
    layout = reader.request.layout
    measures = build_measures(reader) if layout in KPI_LAYOUTS else []
    content = _frame(reader)
    if layout == "list":
        content.pages.append(pages.values_page(reader))
    elif layout in ("goals", "targets"):
        content.pages.append(pages.goals_page(reader))
    elif layout == "scorecard":
        content.pages.append(pages.scorecard_page(reader))
    else:
        _add_report(reader, content, measures)
    content.pages += [pages.definitions_page(reader), pages.audit_page(reader)]
    return content


def _add_report(reader, content, measures):
    request = reader.request
    if reader.kpis:
        content.cards = summary_cards(reader)
    content.sheets = group_by_sheet(measures, request.layout)
    if request.goals:
        content.pages.append(pages.goals_page(reader))
    if reader.kpis and request.leaderboard and not reader.context.user:
        content.pages.append(pages.leaderboard_page(reader))
    if reader.kpis and request.records:
        page, refused = pages.records_page(reader)
        if page:
            content.pages.append(page)
        if refused:
            names = ", ".join(refused.mapped("name"))
            content.notes.append(
                reader.env._("Without the records that you may not read: %s", names)
            )


def _frame(reader):
    """The workbook without its sheets: title, periods, notes, paper, properties."""
    env, context = reader.env, reader.context
    now, subtitle = context.now, reader.subtitle
    if reader.request.layout == "targets":
        title = env._("Targets")
    elif reader.request.layout == "scorecard":
        title = reader.words["scorecard"]
    else:
        title = reader.board.name if reader.board else env._("KPI sheet")
    lang = env["res.lang"]._get_data(code=env.lang or "en_US")
    # superuser: the country of the company is not confidential
    country = reader.company.sudo().country_id.code
    return wb.Content(
        title=title,
        subtitle=subtitle,
        words=reader.words,
        periods=[_short_name(env, period) for period in reader.periods],
        running=bool(context.period) and context.period.utc_to > now,
        notes=_notes(context),
        rtl=lang.direction == "rtl",
        letter=country in LETTER_COUNTRIES,
        footer=env._(
            "%(company)s · made on %(time)s for %(user)s",
            company=reader.company.name,
            time=format_datetime(env, now, dt_format="short"),
            user=env.user.name,
        ),
        properties={
            "title": title,
            "subject": subtitle,
            "author": env.user.name,
            "company": reader.company.name,
            "created": now,
            "comments": env._("Made by Odoo, module CRM KPI"),
        },
        facts={
            "Module": "crm_kpi",
            "Release": release.version,
            "Filters": subtitle,
            "KPI versions": ", ".join(f"{kpi.code} {kpi.version}" for kpi in reader.kpis),
        },
    )


def _short_name(env, period):
    if period.kind != "month":
        return period.display_name
    return format_skeleton("yMMM", period.date_from, locale=babel_locale_parse(env.lang))


def _notes(context):
    env, notes = context.env, []
    fresh = header.freshness(context)
    if fresh.stale:
        notes.append(fresh.stale_text)
    elif fresh.as_of:
        notes.append(env._("Values as of %s", fresh.as_of))
    notes += context.notes
    if not context.sees_all:
        notes.append(env._("This workbook holds only the values that you may see."))
    return notes
