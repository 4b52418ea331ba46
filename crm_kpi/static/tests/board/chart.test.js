import { KpiChart } from "@crm_kpi/board/kpi_chart/kpi_chart";
import { defineMailModels } from "@mail/../tests/mail_test_helpers";
import { describe, expect, test } from "@odoo/hoot";
import { queryAll, queryAllTexts } from "@odoo/hoot-dom";
import { animationFrame } from "@odoo/hoot-mock";
import {
    contains,
    makeDialogMockEnv,
    mountWithCleanup,
    onRpc,
    preloadBundle,
} from "@web/../tests/web_test_helpers";
import { KpiDetail } from "@crm_kpi/board/kpi_detail/kpi_detail";
import { makeCard, makeDetail, makeGoal, makePoint, makeTrend } from "./board_data";

describe.current.tags("desktop");
defineMailModels();
preloadBundle("web.chartjs_lib");

const POINTS = [
    makePoint({ label: "September 2026", date: "2026-09-01", value: 20 }),
    makePoint({
        label: "October 2026",
        date: "2026-10-01",
        value: 90,
        signal: "Above the usual range",
    }),
    makePoint({
        label: "November 2026",
        date: "2026-11-01",
        value: 12,
        running: true,
        state: "open",
        target: 30,
        target_text: "≥ 30",
        forecast: 24,
        forecast_text: "24, of which 2 is dated later in the period",
        forecast_value_text: "24",
    }),
];

async function mountChart(trend = {}, props = {}) {
    await mountWithCleanup(KpiChart, {
        props: {
            trend: makeTrend({ points: POINTS, ...trend }),
            annotations: [],
            name: "Deals won",
            unit: "count",
            goal: makeGoal({ pace: 15, pace_text: "15" }),
            ...props,
        },
    });
    return Chart.getChart(queryAll("canvas").at(-1));
}

test("the part of a running period is not joined by a falling line", async () => {
    let chart = await mountChart();
    let { borderColor } = chart.data.datasets[0].segment;
    expect(borderColor({ p1DataIndex: 1 })).toBe(undefined);
    expect(borderColor({ p1DataIndex: 2 })).toBe("transparent");
    // a rate is comparable while its period runs
    chart = await mountChart({ grows: false });
    ({ borderColor } = chart.data.datasets[0].segment);
    expect(borderColor({ p1DataIndex: 2 })).toBe(undefined);
});

test("values outside of the usual range are marked", async () => {
    const chart = await mountChart();
    const marked = chart.data.datasets.find((set) => set.label === "Unusual");
    expect(marked.data).toEqual([null, 90, null]);
    await contains("summary").click();
    expect("tbody tr:eq(1)").toHaveText(/Above the usual range/);
});

test("a click on a period opens it, and so does its name in the table", async () => {
    const chart = await mountChart({}, { onPickPeriod: (date) => expect.step(date) });
    const { x, y } = chart.getDatasetMeta(0).data[1];
    const { left, top } = chart.canvas.getBoundingClientRect();
    await contains("canvas").click({ position: { clientX: left + x, clientY: top + y } });
    expect.verifySteps(["2026-10-01"]);
    await contains("summary").click();
    await contains("tbody tr:eq(0) button").click();
    expect.verifySteps(["2026-09-01"]);
});

test("goal, pace and forecast have names and short numbers at the edge", async () => {
    const chart = await mountChart();
    expect(queryAllTexts(".o_kpi_chart_labels span")).toEqual([
        "Target: ≥ 30",
        "Expected by now: 15",
        "Forecast: 24",
    ]);
    // the names have their own space beside the points
    const space = chart.width - chart.chartArea.right;
    expect(space).toBeGreaterThan(60);
});

test("numbers at the axis have one format, and the unit", async () => {
    const texts = (chart) =>
        chart.scales.y.ticks.map((tick) => tick.label.replace(/[\u2066\u2069]/g, ""));
    const point = (value) => makePoint({ value, date: `2026-0${value % 9}-01` });
    let chart = await mountChart({
        points: [point(0.5), point(1.5)],
        prefix: "$\u00a0",
        suffix: "",
    });
    let labels = texts(chart);
    expect(labels[0]).toBe("$\u00a00.0");
    expect(new Set(labels.map((label) => label.split(".")[1].length)).size).toBe(1);
    chart = await mountChart(
        { points: [point(0.2), point(0.4)], suffix: "\u00a0%" },
        { unit: "percent" }
    );
    labels = texts(chart);
    expect(labels.every((label) => label.endsWith("\u00a0%"))).toBe(true);
    // the steps of small values differ
    chart = await mountChart({ points: [point(0.0002), point(0.0004)], prefix: "", suffix: "" });
    labels = texts(chart);
    expect(new Set(labels).size).toBe(labels.length);
});

test("annotations are made from the chart", async () => {
    await mountChart();
    expect(".o_kpi_annotate").toHaveCount(0);
    await mountChart({}, { onAnnotate: () => expect.step("annotate") });
    await contains(".o_kpi_annotate").click();
    expect.verifySteps(["annotate"]);
});

test("the usual range has its own width in each period", async () => {
    const chart = await mountChart({
        points: [
            { ...POINTS[0], usual_low: 8, usual_high: 32 },
            { ...POINTS[1], usual_low: 10, usual_high: 40 },
        ],
        range_text: "10 – 40",
    });
    const high = chart.data.datasets.findIndex((set) => set.label === "Usual range");
    expect(chart.data.datasets[high].data).toEqual([32, 40]);
    expect(chart.data.datasets[high + 1].data).toEqual([8, 10]);
});

test("a new usual range starts from the chart, and a dismissed signal comes back", async () => {
    const dismissed = [
        {
            id: -4,
            date: "2026-10-01",
            date_text: "October 2026",
            text: "Above the usual range. Dismissed by Mia on Nov 2, 2026: trade fair",
            author: "",
            dismissal_id: 4,
        },
    ];
    await mountChart({ dismissed });
    expect(".o_kpi_chart_notes li").toHaveText(/trade fair/);
    expect(".o_kpi_restore, .o_kpi_start_range").toHaveCount(0);
    await mountChart(
        { dismissed, range_text: "10 – 40" },
        {
            chosen: "2026-10-01",
            onAnnotate: () => {},
            onStartRange: () => expect.step("start"),
            onRestore: (id) => expect.step(id),
        }
    );
    expect(".o_kpi_start_range").toHaveText("New usual range from October 2026");
    await contains(".o_kpi_start_range").click();
    await contains(".o_kpi_restore").click();
    expect.verifySteps(["start", 4]);
});

test("details show the period that was chosen in the chart, which keeps the later ones", async () => {
    onRpc("crm.kpi.board", "get_detail", ({ args: [, { date }] }) => {
        expect.step(date);
        const value_text = date === "now" ? "12" : "90";
        return makeDetail({
            card: makeCard({ value_text }),
            trend: makeTrend({ points: date === "now" ? POINTS : POINTS.slice(0, 2) }),
        });
    });
    await makeDialogMockEnv();
    await mountWithCleanup(KpiDetail, {
        props: {
            kpiId: 5,
            filters: { scope: "company", date: "now" },
            title: "Deals won",
            onPick: (name, value) => expect.step([name, value]),
            close: () => {},
        },
    });
    await animationFrame();
    expect(".o_kpi_detail_head .o_kpi_card_value").toHaveText("12");
    await contains("summary").click();
    await contains("tbody tr:eq(1) button").click();
    await animationFrame();
    expect(".o_kpi_detail_head .o_kpi_card_value").toHaveText("90");
    expect("tbody tr").toHaveCount(3);
    expect.verifySteps(["now", ["date", "2026-10-01"], "2026-10-01"]);
});
