import { BarList } from "@crm_kpi/board/bar_list/bar_list";
import { BulletBar } from "@crm_kpi/signs/bullet_bar";
import { HeatMap } from "@crm_kpi/board/heat_map/heat_map";
import { KpiCard } from "@crm_kpi/board/kpi_card/kpi_card";
import { RecordsTable } from "@crm_kpi/board/records_table/records_table";
import { Sparkline } from "@crm_kpi/board/sparkline/sparkline";
import { defineMailModels } from "@mail/../tests/mail_test_helpers";
import { describe, expect, test } from "@odoo/hoot";
import { press, queryAll, queryAllTexts, queryFirst } from "@odoo/hoot-dom";
import { animationFrame } from "@odoo/hoot-mock";
import { contains, defineParams, mountWithCleanup, onRpc } from "@web/../tests/web_test_helpers";
import { makeCard, makeGoal } from "./board_data";

describe.current.tags("desktop");
defineMailModels();

const BULLET = { value: 0.5, target: 0.8, target_max: null, forecast: 0.9, pace: 0.4 };

test("a card shows value, status, change and target with the texts of the server", async () => {
    const card = makeCard({
        value: 1234.5,
        value_text: "$ 1.2 k",
        goal: makeGoal({ status: "off_track", status_text: "Off track", shape: "▼" }),
        bullet: BULLET,
        change: {
            text: "8 % vs October ($ 1.3 k)",
            trend: "worse",
            trend_text: "Worse",
            up: false,
            basis_text: "$ 1.3 k in October",
        },
    });
    await mountWithCleanup(KpiCard, { props: { card, onOpen: () => {} } });
    expect(".o_kpi_card_value").toHaveText("$ 1.2 k");
    expect(".o_kpi_status").toHaveText("▼ Off track", { normalizeSpace: true, inline: true });
    expect(".o_kpi_status [aria-hidden]").toHaveText("▼");
    expect(".o_kpi_card_change").toHaveText(/^↘\s*Worse\s*8 % vs October \(\$ 1.3 k\)$/, {
        inline: true,
    });
    expect(".o_kpi_change").toHaveAttribute("title", "Worse");
    expect(".o_kpi_card_goal").toHaveText("Target ≥ 20 60 %", { inline: true });
    expect(".o_kpi_card").toHaveAttribute("data-status", "off_track");
    expect(".o_kpi_bullet").toHaveAttribute(
        "aria-label",
        "$ 1.2 k, target ≥ 20, attainment 60 %, forecast 24"
    );
});

test("the number of records and the question why are links of their own", async () => {
    const props = {
        card: makeCard({ record_count: 6 }),
        onOpen: () => expect.step("open"),
        onRecords: (card) => expect.step(`records ${card.id}`),
        onWhy: (card) => expect.step(`why ${card.id}`),
    };
    await mountWithCleanup(KpiCard, { props });
    expect("button.o_kpi_card_records").toHaveText("6 records");
    expect("button.o_kpi_card_records").toHaveAttribute("aria-label", "Deals won: open 6 records");
    await contains("button.o_kpi_card_records").click();
    await contains(".o_kpi_card_why").click();
    expect.verifySteps(["records 1", "why 1"]);
});

test("a card without records still tells why, and one on a wall has no links", async () => {
    const props = { card: makeCard({ record_count: 0 }), onRecords: () => {}, onWhy: () => {} };
    await mountWithCleanup(KpiCard, { props });
    expect(".o_kpi_card_records").toHaveCount(0);
    expect(".o_kpi_card_why").toHaveCount(1);
    await mountWithCleanup(KpiCard, { props: { card: makeCard() } });
    expect("span.o_kpi_card_records").toHaveText("12 records");
    expect(".o_kpi_card_why").toHaveCount(1);
});

test("each number of records opens its records, as far as they are visible", async () => {
    const row = (reason, count, visible = count) => ({ reason, text: reason, count, visible });
    const part = {
        name: "Deals won",
        total: 11,
        visible: 8,
        included: row("included", 4),
        zero: row("cancelled", 1),
        excluded: [row("filter", 3, 2), row("young", 2, 0)],
        others: row("others", 2),
    };
    const onOpen = (reason) => expect.step(reason);
    await mountWithCleanup(RecordsTable, { props: { part, onOpen } });
    expect(queryAllTexts("th")).toEqual([
        "included",
        "cancelled",
        "Excluded",
        "filter",
        "young",
        "others",
        "Total in this period",
    ]);
    expect("[data-reason=filter] small").toHaveText("2 of them visible to you");
    expect("[data-reason=young] small").toHaveText("not visible to you");
    expect("[data-reason=young] button").toHaveCount(0);
    expect("[data-reason=all] button").toHaveText("11");
    for (const button of queryAll("button")) {
        await contains(button).click();
    }
    expect.verifySteps(["included", "cancelled", "filter", "others", "all"]);
});

test("the badge of a goal shows that its counter-metric is missed", async () => {
    const text = "Achieved – but Win rate is off track";
    const goal = makeGoal({ status: "achieved", status_text: text, counter_missed: true });
    await mountWithCleanup(KpiCard, { props: { card: makeCard({ goal }) } });
    expect(".o_kpi_status").toHaveText(/Achieved – but Win rate is off track/, { inline: true });
    expect(".o_kpi_status").toHaveAttribute("title", /counter-metric/);
});

test("a card without a value shows the reason, neither zero nor a status", async () => {
    for (const [state, state_text] of [
        ["no_data", "No records in this period"],
        ["too_early", "Available after 12/31/2026"],
        ["not_available", "The app it needs is not installed"],
    ]) {
        const card = makeCard({ state, state_text, value: null, value_text: "–", record_count: 0 });
        const { __owl__ } = await mountWithCleanup(KpiCard, { props: { card } });
        expect(queryAllTexts(".o_kpi_card_value").at(-1)).toBe("–");
        expect(queryAllTexts(".o_kpi_card_state").at(-1)).toMatch(state_text);
        expect(".o_kpi_status, .o_kpi_card_records").toHaveCount(0);
        __owl__.app.destroy();
    }
});

test("mouse and keys open the card, its name has a description for screen readers", async () => {
    const opened = [];
    const card = makeCard();
    const onOpen = (card) => opened.push(card.id);
    await mountWithCleanup(KpiCard, { props: { card, asOf: "08:00", onOpen } });
    await contains(".o_kpi_card_value").click();
    queryFirst(".o_kpi_card_open").focus();
    await press("Enter");
    expect(opened).toEqual([1, 1]);
    const described = queryFirst(".o_kpi_card_open").getAttribute("aria-describedby").split(" ");
    expect(`#${described[0]}`).toHaveText("12");
    expect(`#${described.at(-1)}`).toHaveText("12 records, as of 08:00");
    expect(".o_kpi_card_records").toHaveAttribute("title", "12 records, as of 08:00");
});

test("d shows the definition, Escape the value", async () => {
    const card = makeCard({
        kpi: { counter: { name: "Win rate", value_text: "40 %", status: "" } },
    });
    onRpc("crm.kpi", "get_definition", ({ args }) => {
        expect.step(`definition of ${args[0]}`);
        return [{ label: "Filter", text: "Untaxed Amount > 10,000" }];
    });
    await mountWithCleanup(KpiCard, { props: { card, asOf: "08:00", onOpen: () => {} } });
    expect.verifySteps([]);
    queryFirst(".o_kpi_card_open").focus();
    await press("d");
    await animationFrame();
    expect(".o_kpi_card_definition").toHaveText(/Deals that were won/);
    expect.verifySteps(["definition of 5"]);
    expect(".o_kpi_card_definition").toHaveText(/Filter\s+Untaxed Amount > 10,000/);
    expect(".o_kpi_card_definition").toHaveText(/Counter-metric: Win rate 40 %/);
    expect(".o_kpi_card_definition").toHaveText(/As of 08:00/);
    expect(".o_kpi_card_info").toHaveAttribute("aria-expanded", "true");
    await press("Escape");
    await animationFrame();
    expect(".o_kpi_card_value").toHaveText("12");
});

test("old values look different", async () => {
    await mountWithCleanup(KpiCard, { props: { card: makeCard(), stale: true } });
    expect(".o_kpi_card").toHaveClass("o_kpi_card_stale");
});

test("the bullet bar uses the positions from the server", async () => {
    await mountWithCleanup(BulletBar, { props: { bullet: BULLET, label: "12 of 20" } });
    expect(".o_kpi_bullet_value").toHaveAttribute("width", "50%");
    expect(".o_kpi_bullet_target").toHaveAttribute("x", "80%");
    expect(".o_kpi_bullet_pace").toHaveAttribute("x", "40%");
    expect(".o_kpi_bullet_forecast").toHaveAttribute("x", "50%");
    expect(".o_kpi_bullet_forecast").toHaveAttribute("width", "40%");
    expect(".o_kpi_bullet_band").toHaveCount(0);
    expect(".o_kpi_mirrored").toHaveCount(0);
});

test("bars are mirrored in right-to-left languages", async () => {
    defineParams({ lang_parameters: { direction: "rtl" } });
    await mountWithCleanup(BulletBar, { props: { bullet: BULLET, label: "12 of 20" } });
    await mountWithCleanup(Sparkline, { props: { points: [], name: "Deals" } });
    expect(".o_kpi_bullet.o_kpi_mirrored").toHaveCount(1);
    expect(".o_kpi_sparkline.o_kpi_mirrored").toHaveCount(1);
});

test("sparkline: no value is a gap, zero is a line, the running period is hatched", async () => {
    const points = [
        { label: "Aug", value: 4, value_text: "4", running: false },
        { label: "Sep", value: null, value_text: "–", running: false },
        { label: "Oct", value: 0, value_text: "0", running: false },
        { label: "Nov", value: -2, value_text: "-2", running: true },
    ];
    await mountWithCleanup(Sparkline, { props: { points, name: "Deals" } });
    expect(".o_kpi_sparkline_past").toHaveCount(2);
    expect(".o_kpi_sparkline_running").toHaveCount(1);
    expect(".o_kpi_sparkline_running").toHaveAttribute("fill", /^url\(#o_kpi_hatch_\d+\)$/);
    expect(".o_kpi_sparkline").toHaveAttribute(
        "aria-label",
        "Deals, last periods: Aug 4, Oct 0, Nov -2"
    );
    const [high, zero] = queryAll(".o_kpi_sparkline_past");
    const base = Number(queryFirst(".o_kpi_sparkline_base").getAttribute("y1"));
    const bottom = (rect) => Number(rect.getAttribute("y")) + Number(rect.getAttribute("height"));
    // positive values are above the base line, negative values below
    expect(bottom(high)).toBe(base);
    expect(bottom(zero)).toBe(base);
    expect(zero).toHaveAttribute("height", "1");
    expect(Number(queryFirst(".o_kpi_sparkline_running").getAttribute("y"))).toBe(base);
    expect(Number(high.getAttribute("height"))).toBe(20);
});

test("a bar list is a table with marks for median and best value", async () => {
    const picked = [];
    const rows = [
        {
            record_id: 11,
            name: "Ann",
            value: 8,
            value_text: "8 won",
            share: 1,
            record_count: 8,
        },
        {
            record_id: null,
            name: "Unassigned",
            value: 2,
            value_text: "2 won",
            share: 0.25,
            record_count: 2,
        },
    ];
    const marks = [
        { key: "median", share: 0.625 },
        { key: "best", share: 1 },
    ];
    await mountWithCleanup(BarList, {
        props: { rows, caption: "Deals", marks, onPick: (row) => picked.push(row.record_id) },
    });
    expect("caption").toHaveText("Deals");
    expect(queryAllTexts("tbody .o_kpi_bars_value")).toEqual(["8 won", "2 won"]);
    expect(queryFirst(".o_kpi_share_median")).toHaveAttribute("x1", "62.5%");
    expect(queryFirst(".o_kpi_share_best")).toHaveAttribute("x1", "100%");
    await contains("tbody button").click();
    expect(picked).toEqual([11]);
    expect("tbody button").toHaveCount(1);
    // a click on a bar does the same; the row *Unassigned* cannot be opened
    await contains("tr:first-child .o_kpi_bars_bar").click();
    await contains("tr:last-child .o_kpi_bars_bar").click();
    expect(picked).toEqual([11, 11]);
});

test("every cell of the heat map shows its value", async () => {
    const heat = {
        columns: [
            { id: 1, name: "Small" },
            { id: 2, name: "Large" },
        ],
        rows: [
            {
                id: 1,
                name: "Ann",
                cells: [
                    { value: 1, value_text: "1", record_count: 1, share: 0 },
                    { value: null, value_text: "–", record_count: 0, share: null },
                ],
            },
            {
                id: 2,
                name: "Bob",
                cells: [
                    { value: 3, value_text: "3", record_count: 3, share: 1 },
                    { value: 2, value_text: "2", record_count: 2, share: 0.5 },
                ],
            },
        ],
    };
    await mountWithCleanup(HeatMap, { props: { heat, name: "Deals" } });
    expect(queryAllTexts("tbody td")).toEqual(["1", "–", "3", "2"]);
    expect(queryAll("tbody td").map((cell) => cell.className)).toEqual([
        "o_kpi_heat_0",
        "",
        "o_kpi_heat_4",
        "o_kpi_heat_2",
    ]);
});
