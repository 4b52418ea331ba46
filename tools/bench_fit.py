# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""How a figure grows: the exponent of a power law."""

from __future__ import annotations

import math


def exponent(points: dict[int, float | None]) -> float | None:
    """Exponent of the growth: the slope of a straight line through the logarithms.

    1 is proportional, 0 does not grow. Figures of zero or less have no logarithm and are left out.

    :return: ``None`` with fewer than two points
    """
    logs = [(math.log(x), math.log(y)) for x, y in points.items() if x > 0 and y and y > 0]
    if len({x for x, _y in logs}) < 2:
        return None
    mean_x = sum(x for x, _y in logs) / len(logs)
    mean_y = sum(y for _x, y in logs) / len(logs)
    spread = sum((x - mean_x) ** 2 for x, _y in logs)
    return sum((x - mean_x) * (y - mean_y) for x, y in logs) / spread
