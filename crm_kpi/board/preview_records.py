# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The records in a preview: date that counts, amount, customer and salesperson of each."""

from dataclasses import dataclass
from datetime import datetime

from odoo.exceptions import AccessError
from odoo.tools.misc import format_date, formatLang

from ..definitions.filter_words import path_label
from ..engine import periods as calendar

NUMBERS = ("integer", "float", "monetary")
#: Fields that hold the amount of a record, where neither the KPI nor its filter names one.
AMOUNTS = ("amount_untaxed", "expected_revenue", "price_subtotal", "amount_untaxed_signed")


@dataclass
class PreviewRecord:
    """A record; what the user may not read of it is empty."""

    id: int
    name: str
    date: str = ""
    amount: str = ""
    customer: str = ""
    salesperson: str = ""


class PreviewRecords:
    """The columns of the records of a KPI, which can be unsaved.

    The records of a cohort are customers, of whom only the name is shown.

    :param kpi: in the environment of the user
    :param company: in an environment of the superuser, for its settings
    """

    def __init__(self, kpi, company):
        self.env = kpi.env
        self.kpi = kpi
        self.source = kpi.source_id
        self.company = company
        self.is_cohort = self.source.kind == "cohort"
        self.amount_path = "" if self.is_cohort else self._find_amount()

    @property
    def model(self):
        """Name of the model of the records."""
        return self.source._record_model()

    @property
    def date_label(self):
        paths = self.source._paths("date_field")
        return self._label(paths[0]) if paths and not self.is_cohort else ""

    @property
    def amount_label(self):
        return self._label(self.amount_path) if self.amount_path else ""

    def _label(self, path):
        return path_label(self.env[self.source.model], path)

    def row(self, record):
        """A record of the source, or a customer of a cohort, as :class:`PreviewRecord`."""
        result = PreviewRecord(record.id, record.display_name or "")
        if self.is_cohort:
            return result
        result.date = self._date_text(_first_value(record, self.source._paths("date_field"))[1])
        result.customer = _name(_first_value(record, self.source._paths("partner_field"))[1])
        result.salesperson = _name(_first_value(record, self.source._paths("user_field"))[1])
        if self.amount_path:
            result.amount = self._amount_text(*_first_value(record, [self.amount_path]))
        return result

    def _find_amount(self):
        """The path of the amount of a record, empty where there is none.

        What the KPI sums; else what its filter compares; else the amount of such records.
        """
        candidates = []
        if self.kpi.aggregator not in ("count", "count_distinct"):
            candidates.append(self.kpi.value_field or "")
        model = self.env[self.source.model]
        for text in (self.kpi.domain, self.source.domain):
            for condition in self.source._parse_domain(text).iter_conditions():
                field = model._fields.get(condition.field_expr)
                if field is not None and field.type == "monetary":
                    candidates.append(condition.field_expr)
        candidates += [name for name in AMOUNTS if name in model._fields]
        return next((path for path in candidates if path and not path.startswith("@")), "")

    def _date_text(self, value):
        if isinstance(value, datetime):
            value = calendar.local_day(value, self.company._kpi_tz())
        return format_date(self.env, value) if value else ""

    def _amount_text(self, owner, value):
        field = owner._fields.get(self.amount_path.split(".")[-1])
        if value is None or field.type not in NUMBERS:
            return ""
        if field.type != "monetary":
            return formatLang(self.env, value, digits=0 if value == int(value) else 2)
        currency = owner[field.get_currency_field(owner)] or self.company.currency_id
        return formatLang(self.env, value, currency_obj=currency)


def _first_value(record, paths):
    """The record at the end of the first path that has a value, and the value.

    ``(record, None)`` where all are empty, or where the user may not read them.
    """
    for path in paths:
        *links, last = path.split(".")
        owner = record
        try:
            for link in links:
                owner = _read(owner, link)
            value = owner and _read(owner, last)
        except AccessError:
            continue
        if value or (owner and owner._fields[last].type in NUMBERS):
            return owner, value
    return record, None


def _read(record, name):
    """A field of a record, under the rights of the user on both."""
    record.check_access("read")
    record._check_field_access(record._fields[name], "read")
    return record[name]


def _name(record):
    """The name of a record; empty where there is none, or where the user may not read it."""
    return (record and record._filtered_access("read").display_name) or ""
