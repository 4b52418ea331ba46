# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Users who write while the history is read and values are computed: how long they wait."""

import logging
import random
import statistics
import threading
import time
from contextlib import contextmanager

from odoo.fields import Command
from odoo.service.model import retrying

from odoo.addons.crm_kpi.refresh.refresh import ScheduledRefresh

from .second_process import LOOK, second_process, until_told
from .writing import MESSAGE

_logger = logging.getLogger(__name__)

#: Seconds of writing without a refresh.
ALONE = 30


def measure_waits(env, meter):
    """The same writes in a second process: alone, during the back-fill, and during a refresh."""
    with _writer(env, meter, "writes_alone"):
        time.sleep(ALONE)
    scheduled = ScheduledRefresh(env)
    with _writer(env, meter, "writes_backfill"), meter.measure("waits_backfill", commit=True):
        while not scheduled._read_history():
            _logger.warning("the history is left to the next run")
    with _writer(env, meter, "writes_refresh"), meter.measure("waits_refresh", commit=True):
        scheduled.run()


@contextmanager
def _writer(env, meter, name):
    """Write in a second process for the time of the block, and watch what it waits for."""
    stop, waits = threading.Event(), {}
    with second_process(meter, name, "writer") as figures:
        watcher = threading.Thread(target=_watch, args=(env, figures["pid"], stop, waits))
        watcher.start()
        try:
            yield
        finally:
            stop.set()
            watcher.join()
    meter.note(**{f"{name}.{key}": value for key, value in waits.items()})


def _watch(env, pid, stop, waits):
    """Note how often and how long at most a session waited for a lock."""
    since, longest, number = None, 0, 0
    with env.registry.cursor() as cr:
        cr.connection.autocommit = True  # each look sees the state of now
        while not stop.wait(LOOK):
            cr.execute(
                """SELECT TRUE FROM pg_stat_activity
                    WHERE pid = %s AND wait_event_type = 'Lock'""",
                [pid],
            )
            now = time.perf_counter()
            if not cr.rowcount:
                since = None
                continue
            if since is None:
                since, number = now, number + 1
            longest = max(longest, now - since + LOOK)
    waits |= {"locked": longest, "locks": number}


def write_until_told(env, meter):
    """Write leads and orders as users do."""
    meter.note(pid=env.cr.connection.get_backend_pid())
    writes = Writes(env)
    for _number in until_told(meter):
        writes.write_one()
    meter.note(
        number=len(writes.seconds),
        median=statistics.median(writes.seconds),
        longest=max(writes.seconds),
        repeated=writes.repeated,
        failed=writes.failed,
    )


class Writes:
    """Writes of users, one after the other; each of them is committed.

    A write that conflicts with another transaction is repeated as Odoo repeats a request.
    """

    def __init__(self, env):
        self.env = env
        self.random = random.Random(1)  # noqa: S311  (the same writes in each run)
        self.leads = env["crm.lead"].search([]).ids
        self.orders = env["sale.order"].search([("state", "=", "sale")]).ids
        self.partners = env["sale.order"].browse(self.orders[:50]).partner_id.ids
        self.product = env["product.product"].search([("sale_ok", "=", True)], limit=1)
        self.seconds, self.tries, self.failed = [], 0, 0

    @property
    def repeated(self):
        return self.tries - len(self.seconds) - self.failed

    def write_one(self):
        kinds = (self.change_lead, self.change_order, self.add_message, self.add_lead, self.sell)
        work = self.random.choice(kinds)
        chosen = self.random.random()

        def attempt():
            self.tries += 1
            work(chosen)

        start = time.perf_counter()
        try:
            retrying(attempt, self.env)
        except Exception:  # any: it is counted, and the next write goes on
            self.env.cr.rollback()
            self.failed += 1
        else:
            self.seconds.append(time.perf_counter() - start)

    def change_lead(self, chosen):
        lead = self.env["crm.lead"].browse(self.leads[int(chosen * len(self.leads))])
        lead.expected_revenue = round(chosen * 10_000)

    def change_order(self, chosen):
        self._order(chosen).client_order_ref = f"{chosen}"

    def add_message(self, chosen):
        self._order(chosen).message_post(**MESSAGE)

    def add_lead(self, chosen):
        self.env["crm.lead"].create({"name": f"Lead {chosen}", "type": "opportunity"})

    def sell(self, chosen):
        line = Command.create({"product_id": self.product.id, "product_uom_qty": 1})
        partner_id = self.partners[int(chosen * len(self.partners))]
        order = self.env["sale.order"].create({"partner_id": partner_id, "order_line": [line]})
        order.action_confirm()

    def _order(self, chosen):
        return self.env["sale.order"].browse(self.orders[int(chosen * len(self.orders))])
