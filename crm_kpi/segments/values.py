# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Sets with one segment per value in use: industry, country, contact tag."""

from odoo.tools import SQL

from ..customers import definitions

#: Column of the contact, and of the segment, that holds the value, by kind of set.
VALUE_COLUMNS = {"industry": "industry_id", "country": "country_id", "tag": "category_id"}


def missing_values(segment_set):
    """Query (id) of the values in use by a customer that have no segment yet."""
    return SQL(
        """
        SELECT used.id
          FROM (%(used)s) AS used
         WHERE NOT EXISTS (
                   SELECT 1 FROM crm_kpi_segment segment
                    WHERE segment.set_id = %(set)s AND segment.%(column)s = used.id)
      ORDER BY used.id
        """,
        used=_used_values(segment_set),
        set=segment_set.id,
        column=SQL.identifier(VALUE_COLUMNS[segment_set.kind]),
    )


def _used_values(segment_set):
    customers = definitions.all_customers(segment_set.env, segment_set.company_id)
    if segment_set.kind == "tag":
        return SQL("SELECT DISTINCT category_id AS id FROM (%s) AS tagged", tags(customers))
    column = SQL.identifier(VALUE_COLUMNS[segment_set.kind])
    used = SQL(
        "SELECT DISTINCT %(column)s AS id FROM (%(customers)s) AS customer"
        " WHERE %(column)s IS NOT NULL",
        column=column,
        customers=customers,
    )
    if segment_set.kind == "country":
        # a lead without a customer counts in the country of the lead
        used = SQL(
            "%s UNION SELECT DISTINCT country_id FROM crm_lead"
            " WHERE country_id IS NOT NULL AND partner_id IS NULL",
            used,
        )
    return used


def tags(customers):
    """Query (partner_id, category_id) of the tags of customers, and the tags above them."""
    return SQL(
        """
        SELECT customer.id AS partner_id, above.id AS category_id
          FROM (%s) AS customer
          JOIN res_partner_res_partner_category_rel tagged ON tagged.partner_id = customer.id
          JOIN res_partner_category tag ON tag.id = tagged.category_id AND tag.active
          JOIN res_partner_category above ON starts_with(tag.parent_path, above.parent_path)
        """,
        customers,
    )


def create_segments(segment_set, ids):
    """Create a segment for each value, with its name in all languages.

    :param ids: ids of the values
    """
    column = VALUE_COLUMNS[segment_set.kind]
    Segment = segment_set.env["crm.kpi.segment"].with_context(active_test=False, lang=None)
    values = segment_set.env[Segment._fields[column].comodel_name].browse(ids)
    others = Segment.search([("set_id", "=", segment_set.id)])
    names = _unique_names(values.with_context(lang=None), others)
    segments = Segment.create(
        [
            {"set_id": segment_set.id, column: value.id, "name": name}
            for value, name in names.items()
        ]
    )
    for lang, _name in segment_set.env["res.lang"].get_installed():
        if lang == "en_US":
            continue
        # two values may have the same name in one language only
        names = _unique_names(values.with_context(lang=lang), others.with_context(lang=lang))
        for segment in segments:
            # all names of a language are unique once the last one is written: each alone would
            # be compared with names that are not translated yet
            segment.update_field_translations("name", {lang: names[segment[column]]})


def _unique_names(values, others):
    """Name by value. Values may have the same name, segments of one set may not.

    :param others: the segments that the set has already
    """
    taken = set(others.mapped("name"))
    names = {}
    for value in values.sorted("display_name"):
        name, number = value.display_name, 1
        while name in taken:
            number += 1
            name = f"{value.display_name} ({number})"
        taken.add(name)
        names[value] = name
    return names
