# Copyright 2026 crm_kpi contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Time and chance for generated histories."""

import random
from datetime import timedelta, timezone


class Timeline:
    """Base of generated histories: the present moment, working hours and random choices."""

    def __init__(self, now, zone, seed):
        """
        :param datetime now: present moment, naive UTC; nothing happens after it
        :param zone: time zone in which people work
        """
        self.now = now.replace(microsecond=0)
        self.zone = zone
        self.random = random.Random(seed)  # noqa: S311

    def _ago(self, days):
        return self.now - timedelta(days=days)

    def _at_work(self, moment):
        """The same day (or Monday after a weekend) at a random minute of the working day."""
        local = moment.replace(tzinfo=timezone.utc).astimezone(self.zone)
        local += timedelta(days={5: 2, 6: 1}.get(local.weekday(), 0))
        minute = self.random.randint(8 * 60 + 20, 17 * 60 + 40)
        local = local.replace(
            hour=minute // 60, minute=minute % 60, second=self.random.randint(0, 59), microsecond=0
        )
        return local.astimezone(timezone.utc).replace(tzinfo=None)

    def _in_working_time(self, moment):
        """The moment itself, or the next morning when it falls outside working hours."""
        local = moment.replace(tzinfo=timezone.utc).astimezone(self.zone)
        if local.hour >= 18:
            local += timedelta(days=1)
        if local.hour < 8 or local.hour >= 18:
            local = local.replace(hour=8, minute=self.random.randint(5, 59))
        local += timedelta(days={5: 2, 6: 1}.get(local.weekday(), 0))
        return local.astimezone(timezone.utc).replace(tzinfo=None)

    def _choose(self, weights):
        """A key of a dict (or first item of pairs) with a probability by its weight."""
        pairs = list(weights.items() if isinstance(weights, dict) else weights)
        return self.random.choices([key for key, _w in pairs], [weight for _k, weight in pairs])[0]

    def _happens(self, share):
        return self.random.random() < share
