# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Signs that go with a status."""

#: A shape for each status of a goal, for readers who cannot tell the colours apart.
STATUS_SHAPES = {
    "no_data": "–",
    "too_early": "◔",
    "too_few": "…",
    "on_track": "●",
    "at_risk": "▲",
    "off_track": "▼",
    "achieved": "✔",
    "missed": "✖",
}
