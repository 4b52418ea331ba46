# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Segments that make themselves: one per industry, country or tag that a customer has."""

from odoo import models
from odoo.tools import SQL

#: Column of the partner that decides, by kind of set with one segment per value.
VALUE_COLUMNS = {"industry": "industry_id", "country": "country_id", "tag": "category_id"}


class CrmKpiSegmentSet(models.Model):
    _inherit = "crm.kpi.segment.set"  # pylint: disable=consider-merging-classes-inherited

    def _create_missing_segments(self):
        """One segment per industry, country or tag in use by a customer."""
        self.ensure_one()
        column = VALUE_COLUMNS.get(self.kind)
        if not column:
            return
        if self.kind == "tag":
            # a customer of a tag is one of the tags above it, too
            used = SQL(
                """SELECT DISTINCT up.id
                     FROM (%s) p
                     JOIN res_partner_res_partner_category_rel r ON r.partner_id = p.id
                     JOIN res_partner_category c ON c.id = r.category_id AND c.active
                     JOIN res_partner_category up
                       ON starts_with(c.parent_path, up.parent_path)""",
                self._customers(),
            )
        else:
            used = SQL(
                "SELECT DISTINCT p.%(column)s AS id FROM (%(customers)s) p"
                " WHERE p.%(column)s IS NOT NULL",
                column=SQL.identifier(column),
                customers=self._customers(),
            )
        if self.kind == "country":
            # a lead without customer counts in the country it names itself
            used = SQL(
                "%s UNION SELECT DISTINCT country_id FROM crm_lead"
                " WHERE country_id IS NOT NULL AND partner_id IS NULL",
                used,
            )
        rows = self.env.execute_query(
            SQL(
                """SELECT v.id FROM (%s) v
                    WHERE NOT EXISTS (
                          SELECT 1 FROM crm_kpi_segment s WHERE s.set_id = %s AND s.%s = v.id)
                    ORDER BY v.id""",
                used,
                self.id,
                SQL.identifier(column),
            )
        )
        if rows:
            self._create_value_segments(column, [row[0] for row in rows])

    def _create_value_segments(self, column, ids):
        Segment = self.env["crm.kpi.segment"].with_context(active_test=False, lang=None)
        values = self.env[Segment._fields[column].comodel_name].browse(ids).with_context(lang=None)
        taken = set(Segment.search([("set_id", "=", self.id)]).mapped("name"))
        names = {}
        for value in values.sorted("display_name"):
            # industries and tags may share a name, segments of a set may not
            name, number = value.display_name, 1
            while name in taken:
                number += 1
                name = f"{value.display_name} ({number})"
            taken.add(name)
            names[value] = name
        segments = Segment.create(
            [{"set_id": self.id, column: value.id, "name": name} for value, name in names.items()]
        )
        for lang, _name in self.env["res.lang"].get_installed():
            if lang == "en_US":
                continue
            translated = segments.with_context(lang=lang)
            for segment, (value, name) in zip(translated, names.items(), strict=True):
                segment.name = (
                    value.with_context(lang=lang).display_name + name[len(value.display_name) :]
                )
