import { defineMailModels } from "@mail/../tests/mail_test_helpers";
import { beforeEach, describe, expect, test } from "@odoo/hoot";
import {
    manuallyDispatchProgrammaticEvent,
    press,
    queryAllValues,
    queryFirst,
    setInputFiles,
    waitFor,
} from "@odoo/hoot-dom";
import { animationFrame } from "@odoo/hoot-mock";
import { contains, getService, mountWithCleanup, onRpc } from "@web/../tests/web_test_helpers";
import { WebClient } from "@web/webclient/webclient";

describe.current.tags("desktop");
defineMailModels();

const COLUMNS = ["2026-02-01", "2026-03-01"].map((date) => ({ date, label: date, running: false }));

function line(kpi_id, kpi, values, more = {}) {
    return {
        kpi_id,
        team_id: false,
        user_id: false,
        kpi,
        owner: "Company",
        prefix: "",
        suffix: "",
        factor: 1,
        cells: values.map((value) => ({ value, count: value === null ? 0 : 1, due: false })),
        ...more,
    };
}

function makeGrid(lines) {
    return {
        period_kind: "month",
        kinds: [
            ["month", "Month"],
            ["quarter", "Quarter"],
        ],
        rows: "company",
        teams: [],
        team_id: false,
        columns: COLUMNS,
        earlier: "2026-01-01",
        later: false,
        lines,
        due: 0,
        can_edit: true,
    };
}

const LINES = () => [
    line(1, "Visits", [3, null]),
    line(2, "Quality", [0.25, null], { factor: 100, suffix: "\u00a0%" }),
];

beforeEach(() => {
    onRpc("crm.kpi.entry", "get_grid", ({ args }) => {
        expect.step(args[0].period_kind || "first");
        return makeGrid(LINES());
    });
});

async function mountGrid() {
    await mountWithCleanup(WebClient);
    await getService("action").doAction({ type: "ir.actions.client", tag: "crm_kpi.entry_grid" });
    await animationFrame();
    expect.verifySteps(["first"]);
}

function paste(target, text) {
    const clipboardData = new DataTransfer();
    clipboardData.setData("text/plain", text);
    return manuallyDispatchProgrammaticEvent(queryFirst(target), "paste", { clipboardData });
}

test("values in their units; changed ones are saved in one call", async () => {
    onRpc("crm.kpi.entry", "save_grid", ({ args }) => {
        expect.step(args[1].map(({ kpi_id, date, value }) => [kpi_id, date, value]));
        return makeGrid([line(1, "Visits", [null, 7]), line(2, "Quality", [0.5, null])]);
    });
    await mountGrid();
    expect(queryAllValues(".o_kpi_entry_table input")).toEqual(["3", "", "25", ""]);
    expect(".o_kpi_entry_save").not.toBeEnabled();
    await contains("[data-cell='0,1']").edit("7", { confirm: false });
    await contains("[data-cell='0,0']").edit("", { confirm: false });
    await contains("[data-cell='1,0']").edit("50 %", { confirm: false });
    await contains(".o_kpi_entry_save").click();
    await animationFrame();
    expect.verifySteps([
        [
            [1, "2026-03-01", 7],
            [1, "2026-02-01", null],
            [2, "2026-02-01", 0.5],
        ],
    ]);
    expect(".o_kpi_entry_save").not.toBeEnabled();
});

test("a text that is no number cannot be saved", async () => {
    await mountGrid();
    await contains("[data-cell='0,1']").edit("abc", { confirm: false });
    expect("[data-cell='0,1']").toHaveClass("o_kpi_entry_wrong");
    expect("[data-cell='0,1']").toHaveAttribute("title", '"abc" is not a number.');
    expect(".o_kpi_entry_save").not.toBeEnabled();
    expect("[role=alert]").toHaveText(/Correct the marked cells/);
    await contains("[data-cell='0,1']").edit("", { confirm: false });
    expect("[role=alert]").toHaveCount(0);
});

test("cells of a spreadsheet are pasted", async () => {
    await mountGrid();
    await paste("[data-cell='0,0']", "10\t20\r\n30\t40\r\n50\t60\r\n");
    await animationFrame();
    expect(queryAllValues(".o_kpi_entry_table input")).toEqual(["10", "20", "30", "40"]);
    expect(".o_notification").toHaveText(/does not fit/);
    await contains("button:contains(Discard)").click();
    expect(queryAllValues(".o_kpi_entry_table input")).toEqual(["3", "", "25", ""]);
});

test("the values of a file are changes that are not saved", async () => {
    const uploaded = [line(1, "Visits", [3, 4]), line(2, "Quality", [0.25, null], { factor: 100 })];
    onRpc("crm.kpi.entry", "read_grid_file", ({ args }) => {
        expect.step(atob(args[0]));
        return {
            table: { ...makeGrid(uploaded), period_kind: "quarter" },
            changes: [
                { line: 0, column: 0, value: 7 },
                { line: 1, column: 1, value: 0.5 },
            ],
        };
    });
    onRpc("crm.kpi.entry", "save_grid", ({ args }) => {
        expect.step([args[0].period_kind, args[0].date, ...args[1].map(({ value }) => value)]);
        return makeGrid(uploaded);
    });
    await mountGrid();
    await contains("button:contains(Upload)").click();
    await setInputFiles([new File(["content"], "Manual_values.csv", { type: "text/csv" })]);
    await waitFor(".o_notification:contains('changes: 2')");
    expect.verifySteps(["content"]);
    expect(queryAllValues(".o_kpi_entry_table input")).toEqual(["7", "4", "25", "50"]);
    expect("[data-cell='0,0']").toHaveClass("o_kpi_entry_changed");
    expect("[data-cell='0,1']").not.toHaveClass("o_kpi_entry_changed");
    await contains(".o_kpi_entry_save").click();
    await animationFrame();
    expect.verifySteps([["quarter", "2026-03-01", 7, 0.5]]);
});

test("enter and arrows move between lines", async () => {
    await mountGrid();
    await contains("[data-cell='0,1']").focus();
    await press("Enter");
    expect("[data-cell='1,1']").toBeFocused();
    await press("ArrowUp");
    expect("[data-cell='0,1']").toBeFocused();
});

test("asks before changes are lost", async () => {
    await mountGrid();
    await contains("[data-cell='0,1']").edit("7", { confirm: false });
    await contains("select:first").select("quarter");
    expect(".modal").toHaveText(/will be lost/);
    await contains(".modal button:contains(Keep editing)").click();
    await animationFrame();
    expect("[data-cell='0,1']").toHaveValue("7");
    await contains("select:first").select("month");
    await contains(".modal button:contains(Discard)").click();
    await animationFrame();
    expect.verifySteps(["month"]);
    expect("[data-cell='0,1']").toHaveValue("");
});

test("without rights, and with several entries, cells are read", async () => {
    const several = line(1, "Visits", [3, 4]);
    several.cells[0].count = 2;
    onRpc("crm.kpi.entry", "get_grid", () => makeGrid([several]));
    await mountWithCleanup(WebClient);
    await getService("action").doAction({ type: "ir.actions.client", tag: "crm_kpi.entry_grid" });
    await animationFrame();
    expect("[data-cell='0,0']").toHaveAttribute("readonly");
    expect("[data-cell='0,1']").not.toHaveAttribute("readonly");
    expect("button:contains(Upload)").toHaveCount(1);
});
