# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Which values have to be computed: those whose cache key changed."""

import re
from datetime import datetime, timedelta
from typing import NamedTuple

from odoo.tools import SQL

from .cache_key import CacheKey
from .rates import is_converted, rates_stamp

#: A date in a filter that moves with time: 'now', 'today -1m', '-7d', '=monday'.
RELATIVE_DATE = re.compile(r"""\b(now|today)\b|['"]([+-]\d|=(\d|\w+day))""")


class Due(NamedTuple):
    """What has to be computed of a KPI in a period: the new cache key, and how it is stored.

    For ``locked``, ``redefined`` and ``replaced`` see :class:`~.target.Target`. ``only_records``:
    nothing else that the value depends on has changed.
    """

    cache_key: CacheKey
    locked: bool
    redefined: bool
    replaced: bool
    only_records: bool


class Computed(NamedTuple):
    """What was computed of a KPI in a period, and when."""

    cache_key: CacheKey | None
    version: int
    computed_at: datetime
    recompute: bool


class DueValues:
    """Compares what some KPIs were computed from with what they are made of now.

    :param kpis: KPIs of one source, or one formula KPI
    :param crossed: the :class:`~.scope.CrossedLevels` of the company
    :param now: naive UTC
    """

    def __init__(self, kpis, crossed, now):
        self.kpis = kpis
        self.crossed = crossed
        self.now = now
        #: time zone of each company
        self.zones = {}
        #: a stamp of the exchange rates, of each KPI that converts amounts
        self.rates = {}

    def find(self, periods, records):
        """What has to be computed.

        :param records: dict of the id of a period to the ``records`` of the cache key
        :return: dict of ``(kpi, period)`` to :class:`Due`
        """
        computed = self._computed(periods)
        self.zones = {company: company._kpi_tz() for company in periods.company_id}
        if converted := self.kpis.filtered(is_converted):
            self.rates = dict.fromkeys(converted, rates_stamp(self.kpis.env))
        due = {}
        for kpi in self.kpis:
            maturity = timedelta(days=max(kpi._with_components().mapped("maturity_days")))
            is_stock = kpi._is_stock()
            for period in periods:
                if kpi.complete_only and period.state == "open":
                    continue
                if is_stock and not period.utc_from <= self.now < period.utc_to:
                    continue
                before = computed.get((kpi.id, period.id))
                # records that mature after the end of the period still change its value
                final = before is not None and before.computed_at >= period.utc_to + maturity
                locked = period.state == "locked" and final
                key = self._cache_key(kpi, period, records.get(period.id, "0"), locked)
                if self._is_due(key, locked, before, kpi.version):
                    due[kpi, period] = Due(
                        key,
                        locked,
                        redefined=locked and before.version != kpi.version,
                        replaced=locked and bool(before.recompute),
                        only_records=self._is_by_records(key, locked, before, kpi.version),
                    )
        return due

    def _computed(self, periods):
        """Dict of ``(kpi id, period id)`` to :class:`Computed`."""
        rows = self.kpis.env.execute_query(
            SQL(
                """SELECT kpi_id, period_id, fingerprint, version, computed_at, recompute
                     FROM crm_kpi_computation
                    WHERE kpi_id = ANY(%s) AND period_id = ANY(%s)""",
                self.kpis.ids,
                periods.ids,
            )
        )
        return {
            (kpi_id, period_id): Computed(CacheKey.decode(text), *how)
            for kpi_id, period_id, text, *how in rows
        }

    @staticmethod
    def _is_due(key, locked, before, version):
        if before is None or version != before.version:
            return True
        if locked:
            # what counted before the lock does not matter any more
            return not key.same_when_locked(before.cache_key)
        return key != before.cache_key

    @staticmethod
    def _is_by_records(key, locked, before, version):
        if before is None or before.cache_key is None or before.recompute:
            return False
        same = before.cache_key._replace(records=key.records)
        if locked:
            return version == before.version and key.same_when_locked(same)
        return version == before.version and key == same

    def _cache_key(self, kpi, period, records, locked):
        return CacheKey(
            records,
            ":".join(self._settings(kpi, period)),
            "" if locked else ":".join(self._until_lock(kpi, period)),
        )

    def _settings(self, kpi, period):
        """Settings that a value depends on, also in a locked period."""
        if kpi.source_id.kind == "cohort":
            yield f"inactivity={period.company_id.kpi_inactivity_days}"
        if not kpi._is_reliable(period):
            yield "unreliable"
        if self.crossed.has(kpi.id, period.id):
            yield "crossed"

    def _until_lock(self, kpi, period):
        """Settings, and the time, that a value depends on until its period is locked."""
        # days are those of the time zone; the same records can have others now
        yield self.zones[period.company_id]
        if kpi in self.rates:
            yield f"rates={self.rates[kpi]}"
        if smallest_cell := kpi._least_cell(period.company_id):
            yield f"smallest_cell={smallest_cell}"
        is_open = period.state == "open"
        if is_open:
            yield "open"
        mature = period.utc_to + timedelta(days=kpi.maturity_days)
        relative = RELATIVE_DATE.search(f"{kpi.domain} {kpi.source_id.domain}")
        ages = relative or kpi.source_id.kind in ("snapshot", "cohort")
        if (kpi.maturity_days and self.now < mature) or (ages and is_open):
            # it changes with time alone: computed at most once an hour
            yield f"{self.now:%Y%m%d%H}"
        elif relative:
            # what was not due yet when the period ended becomes due afterwards
            yield f"{self.now:%Y%m%d}"
