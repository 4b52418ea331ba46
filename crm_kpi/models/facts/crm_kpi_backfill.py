# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

from functools import partial

from odoo import api, fields, models

from ...refresh.backfill import BackfillQueue, FillStep, forget


class CrmKpiBackfill(models.Model):
    """Queue of the facts to fill in for records that are older than this module.

    Tracking values say when a stage or state was entered; where there are none (imports,
    changes within one transaction), the dates on the record are used. The rules are those of
    the stamps: a record that lived with the module installed and the same record filled in
    afterwards have the same facts, except for the owner at the event, which is the present one.

    :mod:`~odoo.addons.crm_kpi.refresh.backfill` works the queue.
    """

    _name = "crm.kpi.backfill"
    _description = "KPI: facts of the time before the installation"
    _log_access = False
    _order = "id"

    name = fields.Char(required=True, help="Key of a step, or a model whose facts are derived.")
    position = fields.Integer(
        help="All records up to this id are done. Of a model: up to this key."
    )
    last_id = fields.Integer(help="Records after this id were created with their stamps.")
    done = fields.Integer()
    total = fields.Integer()
    error = fields.Char(help="Why the last try failed; each scheduled refresh tries again.")
    failed_since = fields.Datetime()

    @api.model
    def _steps(self, renew=False):
        """The stamps: dict of key to ``FillStep``, in the order in which they are filled in.

        :param renew: also of records that have stamps: records that are changed while a long
            history waits are stamped without their past
        """
        leads, orders = self.env["crm.lead"], self.env["sale.order"]
        return {
            "orders": FillStep(
                self.env._("orders"),
                "sale_order",
                partial(orders._kpi_backfill_stamps, renew=renew),
            ),
            # after the orders: the amount of a deal is that of its orders
            "leads": FillStep(
                self.env._("leads"), "crm_lead", partial(leads._kpi_backfill_stamps, renew=renew)
            ),
            "invoice_lines": FillStep(
                self.env._("invoice lines"),
                "account_move_line",
                self.env["account.move.line"]._kpi_fill_units,
            ),
        }

    @api.model
    def _run(self):
        """Fill in missing stamps now; existing stamps are kept."""
        BackfillQueue(self).fill_all()

    @api.model
    def _begin(self, names):
        """Fill in facts: a short history now, a long one by the scheduled action.

        :param names: keys of :meth:`_steps`, and models with derived facts
        """
        BackfillQueue(self).begin(names)

    @api.model
    def _continue(self, between=None, contended=False):
        """Do what is left; see ``BackfillQueue.work()``."""
        return BackfillQueue(self).work(between, contended)

    @api.model
    def _is_pending(self):
        """Whether refreshes wait for the history."""
        return BackfillQueue(self).is_pending()

    @api.model
    def _progress_text(self):
        """How much of the history has been read; empty when all of it has."""
        return BackfillQueue(self).progress_text()

    @api.model
    def _forget(self, records):
        """Empty the stamps and derived fields of records whose dates were set by SQL, and delete
        the states of leads."""
        forget(records)
        if records._name == "crm.lead":
            self.env["crm.kpi.lead.state"]._forget(records)
