# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

import logging

import psycopg2

from odoo import api, models

_logger = logging.getLogger(__name__)


class CrmKpi(models.Model):
    _inherit = "crm.kpi"  # pylint: disable=consider-merging-classes-inherited

    @api.model
    def _refresh_derived(self):
        """Customers last: their rows rest on what orders and conversations have become."""
        result = super()._refresh_derived()
        try:
            with self.env.cr.savepoint():
                # superuser: rows are derived for everybody and read under record rules
                self.env["crm.kpi.customer"].sudo()._kpi_derive()
        except psycopg2.OperationalError:
            raise
        except (psycopg2.Error, ValueError, KeyError, AttributeError):
            # the marks are back in the queue; no KPI is computed from these rows alone
            _logger.exception("KPI refresh: customers could not be derived")
        return result
