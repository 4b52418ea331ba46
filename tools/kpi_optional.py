# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The KPIs that the glue addons define: crm_kpi/data/crm.kpi.optional.csv.

The KPI library shows them as not available while their app is not installed and their own data
files are not loaded. ``./run kpi-table`` writes the file.
"""

import csv
import io

from kpi_table import REPO, manifests, shipped

FILE = REPO / "crm_kpi" / "data" / "crm.kpi.optional.csv"
COLUMNS = (
    "id", "module", "apps", "code", "name", "sequence", "category_id/id", "metric_class",
    "description",
)  # fmt: skip


def _apps(addon):
    """The apps that a glue addon needs: its own, or those of the glue addons it combines."""
    depends = manifests()[addon]["depends"]
    own = [name for name in depends if not name.startswith("crm_kpi")]
    if own:
        return own
    joined = [app for name in depends if name != "crm_kpi" for app in _apps(name)]
    return list(dict.fromkeys(joined))


def render():
    """The text of the file, from the data files of the addons."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for code, kpi in shipped().kpis.items():
        if kpi.addon == "crm_kpi" or kpi.is_component:
            continue
        writer.writerow(
            (
                f"crm_kpi_optional_{code}",
                kpi.addon,
                ",".join(_apps(kpi.addon)),
                code,
                kpi.name,
                kpi.sequence or "100",
                kpi.category_id.removeprefix("crm_kpi."),
                kpi.metric_class,
                kpi.description,
            )
        )
    return text.getvalue()


if __name__ == "__main__":
    FILE.write_text(render())
