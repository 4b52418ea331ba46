# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""The board in the browser: components, tours of each role, accessibility."""

import base64
import json
import os
from pathlib import Path
from unittest.mock import patch

from dateutil.relativedelta import relativedelta

from odoo import fields
from odoo.tests import HttpCase, no_retry, tagged
from odoo.tests.common import ChromeBrowser
from odoo.tools import config

from odoo.addons.web.tests import test_js

from .common import KpiCommon

#: Path of the accessibility checker axe-core, which package-lock.json installs.
AXE = os.environ.get("CRM_KPI_AXE", "")
#: Checks the newest dialog or menu, or the whole board, or a view without its control panel and
#: without widgets that Odoo draws in all views; returns a list of texts.
VIOLATIONS = """
async () => {
    const root =
        [...document.querySelectorAll(".modal-content, .o_kpi_column_picker")].pop() ||
        document.querySelector(".o_kpi_board, .o_form_sheet, .o_kanban_renderer, .o_list_renderer");
    const ofOdoo =
        ".o-mail-ActivityButton, .o_select_menu, .o_optional_columns_dropdown, .o_list_record_selector";
    const exclude = [...root.querySelectorAll(ofOdoo)];
    const { violations } = await axe.run({ include: [root], exclude }, {
        runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"],
    });
    return violations.flatMap(({ id, nodes }) =>
        nodes.map((node) => `${id}: ${node.target} ${node.html.slice(0, 200)} ${node.failureSummary}`)
    );
}
"""
#: Waits until a selector matches and animations have ended.
HELPERS = """
window.until = async (selector) => {
    for (let turn = 0; turn < 200 && !document.querySelector(selector); turn++) {
        await new Promise((resolve) => setTimeout(resolve, 50));
    }
    if (!document.querySelector(selector)) {
        throw new Error(`Nothing matches ${selector}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 400));
};
window.press = async (selector, next) => {
    document.querySelector(selector).click();
    await until(next);
};
window.tab = async (name, next) => {
    [...document.querySelectorAll(".o_kpi_detail .nav-link")]
        .find((link) => link.textContent.trim() === name)
        .click();
    await until(next);
};
"""
CARD = ".o_kpi_card[data-code=test_board]"
RECORD = ".o_kanban_record:not(.o_kanban_ghost)"
#: What a page has when it is shown, by its path.
READY = {
    "kpis": CARD,
    "scorecard": ".o_kpi_scorecard .o_kpi_cell",
    "kpi-goals": RECORD,
    "my-kpis": RECORD,
}
#: Goals as cards, the form of a goal, and the list.
GOALS = {
    "goal_cards": f"await until('{RECORD} .o_kpi_reason');",
    "goal": f"await press('{RECORD}', '.o_form_sheet .o_field_widget');",
    "goal_list": f"""
        await press('.breadcrumb-item a, .o_back_button', '{RECORD}');
        await press('.o_switch_view.o_list', '.o_list_renderer');
    """,
}
SCORECARD = {
    "table": f"await until('{READY['scorecard']}');",
    "columns": "await press('.o_kpi_columns_button', '.o_kpi_column_picker');",
}
#: Screens to check, with the steps from the previous screen.
SCREENS = {
    "board": f"await until('{CARD}');",
    "definition": f"await press('{CARD} .o_kpi_card_info', '.o_kpi_card_definition');",
    "detail": f"""
        await press('{CARD} .o_kpi_card_info', '{CARD} .o_kpi_card_value');
        await press('{CARD} .o_kpi_card_open', '.o_kpi_detail canvas');
    """,
    "salespeople": "await tab('Salespeople', '.o_kpi_detail .o_kpi_bars');",
    "leaderboard": "await tab('Ranking', '.o_kpi_leaderboard tbody tr');",
    "records": "await tab('Records', '.o_kpi_explanation');",
    "explanation": "await tab('Definition', '.o_kpi_detail .o_kpi_facts');",
    "editor": """
        document.querySelector('.o_kpi_detail .btn-close, .o_kpi_detail .modal-header button').click();
        await until('body:not(.modal-open)');
        await press('.o_kpi_edit_button', '.o_kpi_editor_bar');
    """,
    "tv": """
        [...document.querySelectorAll('.o_kpi_editor_bar .btn')].pop().click();
        await until('.o_kpi_tv_button');
        await press('.o_kpi_tv_button', '.o_kpi_tv .o_kpi_card');
    """,
}


class BoardCase(KpiCommon, HttpCase):
    """A board of three cards: a value with a goal, salespeople, and a card without a value."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.make_user("Mia", "sales_team.group_sale_manager")
        cls.make_user("Ada", "sales_team.group_sale_manager", "crm_kpi.group_kpi_admin")
        cls.company.kpi_ranking_min = 1
        cls.kpi = cls.make_kpi(
            "board", name="Board leads", sequence=0, description="Leads that were made."
        )
        cls.people = cls.make_kpi("people", name="Leads of people", sequence=1)
        cls.rate = cls.make_kpi(
            "rate", name="Rate of nothing", kind="formula", formula="test_board / (test_board - 5)"
        )
        cls.env["crm.lead"].create(
            [
                {
                    "name": f"Board lead {index}",
                    "type": "opportunity",
                    "company_id": cls.company.id,
                    "user_id": user.id,
                    "team_id": team.id,
                }
                for index, (user, team) in enumerate(
                    [(cls.ann, cls.north)] * 3 + [(cls.bob, cls.north), (cls.cid, cls.south)]
                )
            ]
        )
        cls.month = cls.env["crm.kpi.period"]._current("month", cls.company)
        cls.board = cls.env["crm.kpi.board"].create(
            {
                "name": "Test board",
                "sequence": -10,
                "user_id": False,
                "scope": "company",
                "card_ids": [
                    fields.Command.create({"kpi_id": kpi.id, "sequence": index, "display": display})
                    for index, (kpi, display) in enumerate(
                        [(cls.kpi, "number"), (cls.people, "reps"), (cls.rate, "number")]
                    )
                ],
            }
        )
        cls.env["crm.kpi.goal"].create(
            {
                "kpi_id": cls.kpi.id,
                "period_id": cls.month.id,
                "company_id": cls.company.id,
                "scope": "company",
                "target": 4,
            }
        )
        quarter = cls.env["crm.kpi.period"]._current("quarter", cls.company)
        cls.env["crm.kpi"]._refresh(periods=cls.month | quarter)
        cls.env.flush_all()


@tagged("post_install", "-at_install", "browser")
class TestBoardComponents(HttpCase):
    @no_retry
    def test_units(self):
        """The hoot tests in static/tests of this addon."""
        suite = test_js.HOOTCommon._generate_hash(self, "@crm_kpi")
        self.browser_js(
            f"/web/tests?headless&loglevel=2&preset=desktop&timeout=15000&id={suite}",
            "",
            "",
            login="admin",
            timeout=300,
            success_signal="[HOOT] Test suite succeeded",
            error_checker=test_js.unit_test_error_checker,
        )


@tagged("post_install", "-at_install", "browser")
class TestBoardTours(BoardCase):
    def test_rep(self):
        """From the card to its definition, trend and records, with the keyboard only."""
        self.start_tour("/odoo/kpis", "crm_kpi_board_rep", login="kpi_ann")
        [favorite] = self.env["ir.filters"].search([("model_id", "=", "crm.kpi.board")])
        self.assertEqual(favorite.user_ids, self.ann)
        self.assertEqual(
            json.loads(favorite.context),
            {"crm_kpi_board": {"board_id": self.board.id, "period_kind": "quarter", "date": "now"}},
        )

    def test_manager(self):
        """A manager edits a shared board: cards are moved, widened and removed."""
        self.start_tour("/odoo/kpis", "crm_kpi_board_manager", login="kpi_mia")
        # managers may change shared boards
        self.assertEqual(self.board.card_ids.sorted().kpi_id, self.people | self.kpi)
        self.assertEqual(self.board.card_ids.sorted().mapped("size"), ["2", "1"])
        self.assertEqual(self.board.name, "Board of the team")

    def test_title_of_goals(self):
        """On a small desktop the title is not cut by buttons and filters."""
        self.browser_size = "1024x768"
        title = "document.querySelector('.o_last_breadcrumb_item span')"
        for view in ("kanban", "list"):
            self.browser_js(
                f"/odoo/kpi-goals?view_type={view}",
                f"if ({title}.scrollWidth > {title}.clientWidth) {{ throw new Error('cut'); }}"
                "console.log('test successful');",
                f"Boolean(document.querySelector('.o_{view}_view .o_facet_value') && {title})",
                login="kpi_mia",
            )

    def test_rep_changes_a_copy(self):
        self.board.is_shipped = True
        self.start_tour("/odoo/kpis", "crm_kpi_board_copy", login="kpi_ann")
        self.assertEqual(len(self.board.card_ids), 3)
        self.assertFalse(self.env["crm.kpi.board"].search([("origin_id", "=", self.board.id)]))

    def test_admin(self):
        """Full screen and back."""
        self.start_tour("/odoo/kpis", "crm_kpi_board_admin", login="kpi_ada")

    def test_phone(self):
        self.browser_size = "390x844"
        self.touch_enabled = True
        self.start_tour("/odoo/kpis", "crm_kpi_board_phone", login="kpi_ann")


@tagged("post_install", "-at_install", "browser")
class TestBoardForAll(BoardCase):
    """No violation of WCAG 2.2 AA in any mode; screenshots are kept."""

    def setUp(self):
        super().setUp()
        if not AXE:
            self.skipTest("axe-core is missing: ./run test installs it")

    def evaluate(self, browser, code):
        answer = browser._websocket_request(
            "Runtime.evaluate",
            params={"expression": code, "awaitPromise": True, "returnByValue": True},
            timeout=60,
        )
        self.assertNotIn("exceptionDetails", answer, answer)
        return answer["result"].get("value")

    def keep_picture(self, browser, name):
        folder = Path(config["screenshots"]) / "board"
        folder.mkdir(parents=True, exist_ok=True)
        data = browser._websocket_request("Page.captureScreenshot", timeout=30)["data"]
        (folder / f"{name}.png").write_bytes(base64.b64decode(data))

    def check(
        self,
        name,
        screens=None,
        login="kpi_mia",
        forced_colors="none",
        path="kpis",
    ):
        screens = screens or SCREENS
        found = {}
        wait = ChromeBrowser._wait_code_ok

        def walk(browser, _code, timeout, **kwargs):
            features = [{"name": "forced-colors", "value": forced_colors}]
            browser._websocket_request("Emulation.setEmulatedMedia", params={"features": features})
            self.evaluate(browser, Path(AXE).read_text() + HELPERS)
            for screen, steps in screens.items():
                self.evaluate(browser, f"(async () => {{ {steps} }})()")
                self.keep_picture(browser, f"{name}_{screen}")
                found[screen] = self.evaluate(browser, f"({VIOLATIONS})()")
            return wait(browser, "console.log('test successful')", timeout, **kwargs)

        with patch.object(ChromeBrowser, "_wait_code_ok", walk):
            self.browser_js(
                f"/odoo/{path}",
                "",
                f"Boolean(document.querySelector('{READY[path]}'))",
                login=login,
            )
        self.assertEqual(list(found), list(screens))
        self.assertFalse(
            [f"{screen}: {words}" for screen, all_words in found.items() for words in all_words]
        )

    def test_light(self):
        self.check("light")

    def make_goal_without_value(self):
        """A goal that says why it has no value; it is the first one in lists."""
        self.env["crm.kpi.goal"].create(
            {"kpi_id": self.rate.id, "period_id": self.month.id, "kind": "at_least", "target": 1}
        )
        self.env.flush_all()

    def test_goals(self):
        self.make_goal_without_value()
        self.check("goals", GOALS, path="kpi-goals")

    def test_my_kpis(self):
        """With a change against the same working days of the month before."""
        day = self.month.date_from - relativedelta(months=1)
        self.make_lead(f"{day} 10:00:00", user_id=self.ann.id)
        self.env["crm.kpi"].with_company(self.company)._refresh_periods(fields.Datetime.now())
        periods = self.env["crm.kpi.period"].search([("company_id", "=", self.company.id)])
        self.env["crm.kpi"]._refresh(periods=periods, kpis=self.kpi)
        self.env.flush_all()
        screens = {
            "cards": f"await until('{RECORD}');",
            "list": "await press('.o_switch_view.o_list', '.o_list_renderer .o_data_row');",
        }
        self.check("my_kpis", screens, login="kpi_ann", path="my-kpis")

    def test_dark(self):
        self.env["ir.asset"].create(
            {
                "name": "Dark variables, as an addon brings them",
                "bundle": "web.assets_web_dark",
                "directive": "prepend",
                "path": "crm_kpi/static/tests/dark/dark_variables.scss",
            }
        )
        with patch.object(self.env.registry["ir.http"], "color_scheme", lambda *_: "dark"):
            self.check("dark")
            self.make_goal_without_value()
            self.check("dark", GOALS, path="kpi-goals")
            self.check("dark_scorecard", SCORECARD, path="scorecard")

    def test_phone(self):
        self.browser_size = "390x844"
        self.touch_enabled = True
        self.check("phone")

    def test_forced_colours(self):
        self.check("forced", forced_colors="active")

    def test_rep(self):
        # salespeople see fewer screens, which must be accessible too
        screens = {name: SCREENS[name] for name in ("board", "definition", "detail", "leaderboard")}
        self.check("rep", screens, login="kpi_ann")

    def test_scorecard(self):
        self.check("scorecard", SCORECARD, path="scorecard")
        self.browser_size = "390x844"
        self.touch_enabled = True
        self.check("scorecard_phone", {"table": SCORECARD["table"]}, path="scorecard")
