# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""A reader who opens the records behind a number, as the web client does."""

from lxml import etree

from odoo.exceptions import AccessError
from odoo.fields import Command
from odoo.tests import new_test_user


class ReaderCase:
    """Mixin for test cases with a ``company``."""

    def _employee(self, login, groups):
        return new_test_user(
            self.env,
            login=login,
            groups=groups,
            company_id=self.company.id,
            company_ids=[Command.set(self.company.ids)],
        )

    def _cell(self, code, month, level="company"):
        return self.env["crm.kpi.value"].search(
            [
                ("kpi_id.code", "=", code),
                ("company_id", "=", self.company.id),
                ("period_id.name", "=", month),
                ("level", "=", level),
            ],
            limit=1,
        )

    def _open_cell(self, cell):
        """All records of a value in one list, those of the components of a rate, too."""
        names = ("team_id", "user_id", "segment_id")
        owners = {name: cell[name].id for name in names}
        return cell.kpi_id._open_cell_records(cell.period_id, {"level": cell.level, **owners})

    def _opened(self, user, code, month, level="company"):
        """The opened records, after reading all fields of list and form as the user."""
        self.env.flush_all()
        self.env.invalidate_all()
        cell = self._cell(code, month, level).with_user(user)
        self.assertTrue(cell, f"no value of {code} in {month}")
        cell.check_access("read")
        action = self._open_cell(cell)
        model = (
            self.env[action["res_model"]].with_user(user).with_context(**action.get("context", {}))
        )
        views = model.get_views(action.get("views", [(False, "list"), (False, "form")]))["views"]
        domain = action["domain"]
        self._rows = model.web_search_read(domain, self._specification(model, views["list"]))
        for record in model.search(domain):
            self.env.invalidate_all()
            record.web_read(self._specification(model, views["form"]))
        self._action = action
        return model.search(domain).sudo()

    def _refused(self, user, code, month, role):
        """Opening the records is refused, and the message names a role that may read them."""
        cell = self._cell(code, month).with_user(user)
        self.assertTrue(cell, f"no value of {code} in {month}")
        with self.assertRaisesRegex(AccessError, f"You may not read the records of.*{role}"):
            self._open_cell(cell)

    def _specification(self, model, view):
        """Specification of the view's fields; of linked records only the name."""
        specification = {}
        for node in etree.fromstring(view["arch"]).xpath("//field[not(ancestor::field)]"):
            name = node.get("name")
            linked = model._fields[name].type in ("many2one", "reference", "many2many", "one2many")
            specification[name] = {"fields": {"display_name": {}}} if linked else {}
        return specification
