# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Web assets made in advance: a browser test would make them in a transaction that is rolled back.

Only the bundles that our screens or tests load: all bundles of Odoo take three times as long.
"""

from __future__ import annotations

import json
import os

from .databases import Databases

# Bundles of our screens, of the login page, and of browser tests.
SCREENS = {
    "js": {
        "bus.websocket_worker_assets",
        "crm_kpi.board_assets",
        "web.assets_web",
        "web.chartjs_lib",
    },
    "css": {"web.assets_web", "web.assets_web_print"},
}
PAGES = {
    "js": {"web.assets_frontend_lazy", "web.assets_frontend_minimal"},
    "css": {"web.assets_frontend"},
}
TESTS = {
    "js": {"web.assets_tests", "web.assets_unit_tests", "web.assets_unit_tests_setup"},
    "css": {"web.assets_unit_tests", "web.assets_unit_tests_setup"},
}
ASSETS = "url LIKE '/web/assets/%'"
INSERT = """
INSERT INTO ir_attachment
SELECT attachment.*
  FROM jsonb_array_elements(%s::jsonb) AS item
 CROSS JOIN LATERAL jsonb_populate_record(
       NULL::ir_attachment, item || jsonb_build_object('id', nextval('ir_attachment_id_seq'))
       ) AS attachment
"""


def script(demo: bool) -> str:
    """Code for Odoo's shell that makes the bundles of a demo, or those of browser tests."""
    more = PAGES if demo else TESTS
    bundles = {kind: sorted(names | more[kind]) for kind, names in SCREENS.items()}
    return f"""
for kind, names in {bundles!r}.items():
    for name in names:
        bundle = env["ir.qweb"]._get_asset_bundle(name, js=kind == "js", css=kind == "css")
        getattr(bundle, kind)()
env.cr.commit()
"""


def transfer(databases: Databases, source: str, target: str) -> None:
    """Copy the assets of one database into another one with the same modules."""
    ((rows,),) = databases.sql(
        f"SELECT json_agg(a) FROM ir_attachment a WHERE {ASSETS}",  # noqa: S608  (a constant)
        database=source,
    )
    databases.sql(
        f"DELETE FROM ir_attachment WHERE {ASSETS}",  # noqa: S608  (a constant)
        (INSERT, [json.dumps(rows or [])]),
        database=target,
    )
    for name in {row["store_fname"] for row in rows or [] if row["store_fname"]}:
        file = databases.filestore(target) / name
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            os.link(databases.filestore(source) / name, file)
