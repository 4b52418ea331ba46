import { defineMailModels } from "@mail/../tests/mail_test_helpers";
import { beforeEach, describe, expect, test } from "@odoo/hoot";
import { queryAllTexts } from "@odoo/hoot-dom";
import { animationFrame } from "@odoo/hoot-mock";
import {
    contains,
    getService,
    makeServerError,
    mountWithCleanup,
    onRpc,
    patchWithCleanup,
} from "@web/../tests/web_test_helpers";
import { browser } from "@web/core/browser/browser";
import { WebClient } from "@web/webclient/webclient";
import { makeChoices, makeScorecard } from "./board_data";

describe.current.tags("desktop");
defineMailModels();

function answer(method, reply) {
    onRpc("crm.kpi.board", method, ({ args, kwargs }) => reply(...args, kwargs));
}

beforeEach(() => answer("get_filter_choices", () => makeChoices()));

async function mountScorecard(params = {}) {
    await mountWithCleanup(WebClient);
    await getService("action").doAction({
        type: "ir.actions.client",
        tag: "crm_kpi.scorecard",
        params,
    });
    await animationFrame();
}

test("people in rows, KPIs in columns, the total first", async () => {
    answer("get_scorecard", () => makeScorecard());
    await mountScorecard();
    expect(queryAllTexts(".o_kpi_sort")).toEqual(["Salesperson", "Deals won", "Win rate"]);
    expect(queryAllTexts("tbody th")).toEqual(["North\nTotal", "Ann\nYou", "Unassigned"]);
    expect(queryAllTexts("tbody tr:eq(1) .o_kpi_cell_value")).toEqual(["3", "40 %"]);
    // colours come with words and shapes
    expect("tbody tr:eq(1) td:eq(0) .o_kpi_status").toHaveText(/▼\s*Off track/);
    expect("tbody tr:eq(1) td:eq(0) .o_kpi_change").toHaveText(/↘\s*Worse\s*from 5/);
    expect("tbody tr:eq(1) td:eq(0) .o_kpi_sparkline").toHaveAttribute("aria-hidden", "true");
});

test("a cell opens the details of its row", async () => {
    answer("get_scorecard", () => makeScorecard());
    answer("get_detail", (kpiId, filters) => {
        expect.step([kpiId, filters.user_id]);
        throw makeServerError({ message: "No details in this test." });
    });
    await mountScorecard();
    await contains("tbody tr:eq(1) td:eq(1)").click();
    await animationFrame();
    expect(".modal-title").toHaveText("Win rate: Ann");
    expect.verifySteps([[6, 7]]);
    await contains(".modal .btn-close").click();
    // records without a salesperson have no page of their own
    expect("tbody tr:eq(2) button").toHaveCount(0);
});

test("sorting, rows and columns are asked from the server", async () => {
    const asked = [];
    answer("get_scorecard", (boardId, filters, arrangement) => {
        asked.push(JSON.parse(JSON.stringify([boardId, filters, arrangement])));
        const { rows = "user", sort = "urgency", reverse = false } = arrangement;
        return makeScorecard({ arrangement: { rows, sort, reverse: Boolean(reverse) } });
    });
    await mountScorecard();
    await contains("[data-code=deals]").click();
    await contains("[data-code=deals]").click();
    expect("thead th:eq(1)").toHaveAttribute("aria-sort", "ascending");
    await contains(".o_kpi_urgent").click();
    expect("thead th:eq(1)").not.toHaveAttribute("aria-sort");
    await contains("[data-rows=team]").click();
    // salespeople of a team are no teams
    await contains("[data-scope=mine]").click();
    await contains(".o_kpi_columns_button").click();
    await contains(".o_kpi_column_picker label:contains(Deals won) input").click();
    await contains(".o_kpi_column_picker label:contains(Sales cycle) input").click();
    await contains(".o_kpi_column_picker button").click();
    await animationFrame();
    expect(".o_kpi_column_picker").toHaveCount(0);
    const people = { scope: "mine", team_id: false, user_id: false };
    expect(asked).toEqual([
        [false, {}, {}],
        [false, {}, { sort: "5" }],
        [false, {}, { sort: "5", reverse: 1 }],
        [false, {}, {}],
        [false, {}, { rows: "team" }],
        [false, people, { rows: "user" }],
        [false, people, { rows: "user", kpi_ids: "6,8" }],
    ]);
});

test("the choices of the filters are those of the columns", async () => {
    answer("get_scorecard", () => makeScorecard());
    answer("get_filter_choices", (boardId, filters, kpiIds) => {
        expect.step([boardId, filters.user_id, kpiIds]);
        return makeChoices();
    });
    await mountScorecard();
    expect.verifySteps([]);
    await contains("[data-filter=period]").hover();
    await animationFrame();
    expect.verifySteps([[1, 7, [5, 6]]]);
    expect("[data-filter=period] option[value='2026-10-01']").toHaveCount(1);
});

test("the workbook has the rows, columns and filters of the table", async () => {
    answer("get_scorecard", () => makeScorecard());
    patchWithCleanup(browser, {
        open(url) {
            const { pathname, searchParams } = new URL(url, "http://localhost");
            const read = (name) => JSON.parse(searchParams.get(name));
            expect.step([pathname, read("board_id"), read("arrangement")]);
            expect(read("filters")).toEqual(makeScorecard().filters);
            return {};
        },
    });
    await mountScorecard({ board_id: 1 });
    await contains("[data-rows=team]").click();
    await contains("[data-code=deals]").click();
    await contains(".o_kpi_export_button").click();
    expect.verifySteps([["/crm_kpi/export/scorecard", 1, { rows: "team", sort: "5" }]]);
});
