import { KpiPreview } from "@crm_kpi/board/kpi_preview/kpi_preview";
import { defineMailModels } from "@mail/../tests/mail_test_helpers";
import { reactive } from "@odoo/owl";
import { beforeEach, describe, expect, test } from "@odoo/hoot";
import { queryAllTexts } from "@odoo/hoot-dom";
import { advanceTime, animationFrame, Deferred } from "@odoo/hoot-mock";
import { contains, mockService, mountWithCleanup, onRpc } from "@web/../tests/web_test_helpers";

describe.current.tags("desktop");
defineMailModels();

const row = (reason, text, count) => ({ reason, text, count, visible: count });
const period = (id, label, value_text, values = {}) => ({
    id,
    label,
    value_text,
    running: false,
    chosen: false,
    ...values,
});

/** An answer of the server. */
function makePreview(values = {}) {
    return {
        error: "",
        hint: "",
        periods: [
            period(1, "September", "1"),
            period(2, "October", "3", { chosen: true }),
            period(3, "November", "2", { running: true }),
        ],
        sparkline: [{ label: "October", value: 3, value_text: "3", running: false }],
        components: [],
        salespeople: [
            {
                record_id: 4,
                name: "Ann",
                value: 3,
                value_text: "3",
                record_count: 3,
                share: 1,
                mine: false,
            },
        ],
        segments: [],
        segment_set: "Industry",
        explanation: {
            name: "Quotations",
            period: "October",
            included: row("included", "Included", 3),
            zero: null,
            excluded: [row("filter", "Outside the filter of the KPI", 5)],
            others: null,
            total: 8,
            visible: 8,
        },
        reason: "included",
        record_model: "sale.order",
        records: [
            {
                id: 9,
                name: "S00009",
                date: "10/02/2026",
                amount: "$ 12,000.00",
                customer: "Brewery",
                salesperson: "Ann",
            },
        ],
        date_label: "Order Date",
        amount_label: "Untaxed Amount",
        count_text: "3 in October, 1,204 in all",
        notes: [],
        ...values,
    };
}

let replies;

beforeEach(() => {
    replies = [];
    onRpc("crm.kpi", "get_preview", ({ args }) => {
        const [kpiId, values, periodId, reason] = args;
        expect.step(`${kpiId} ${values.domain} ${values.source_id} ${periodId} ${reason}`);
        return replies.shift() || makePreview();
    });
});

async function mountPreview(data = {}) {
    const record = reactive({
        resId: false,
        data: {
            kind: "aggregate",
            source_id: { id: 7, display_name: "Quotations" },
            domain: "[]",
            description: "",
            ...data,
        },
    });
    const env = { kpiPreview: reactive({ countText: "" }) };
    await mountWithCleanup(KpiPreview, { props: { record }, componentEnv: env });
    await animationFrame();
    return { record, env };
}

/** Wait until the change of a record is seen, and a number of milliseconds after that. */
async function wait(milliseconds) {
    await animationFrame();
    await advanceTime(milliseconds);
    await animationFrame();
}

test("an unsaved KPI shows its values, its split and its records", async () => {
    await mountPreview();
    expect.verifySteps(["false [] 7 false included"]);
    expect(queryAllTexts(".o_kpi_preview_period b")).toEqual(["1", "3", "2"]);
    expect(".o_kpi_preview_chosen").toHaveAttribute("aria-pressed", "true");
    expect(".o_kpi_preview_chosen b").toHaveText("3");
    expect(".o_kpi_sparkline").toHaveCount(1);
    expect(".o_kpi_bars tbody th").toHaveText("Ann");
    expect(".o_kpi_explanation tr[data-reason=filter] td").toHaveText("5");
    expect(".o_kpi_preview_records tbody a").toHaveAttribute("href", "/odoo/sale.order/9");
    expect(".o_kpi_preview_records tbody").toHaveText(/S00009.*10\/02\/2026.*Brewery.*Ann/s);
});

test("it follows the fields that define the KPI, half a second later", async () => {
    const { record } = await mountPreview();
    expect.verifySteps(["false [] 7 false included"]);
    record.data.description = "Not a part of the definition";
    await wait(1000);
    expect.verifySteps([]);
    record.data.domain = "[1]";
    await wait(300);
    record.data.domain = "[2]";
    await wait(300);
    expect.verifySteps([]);
    await wait(300);
    expect.verifySteps(["false [2] 7 false included"]);
});

test("the last answer wins, and the count beside the filter follows it", async () => {
    const slow = new Deferred();
    replies = [slow, makePreview({ count_text: "1 in October, 2 in all" })];
    const { record, env } = await mountPreview();
    record.data.domain = "[1]";
    await wait(600);
    expect(env.kpiPreview.countText).toBe("1 in October, 2 in all");
    slow.resolve(makePreview({ count_text: "late" }));
    await animationFrame();
    expect(env.kpiPreview.countText).toBe("1 in October, 2 in all");
    expect.verifySteps(["false [] 7 false included", "false [1] 7 false included"]);
});

test("what saving would refuse is a sentence, and a hint asks for what is missing", async () => {
    replies = [
        makePreview({ hint: "Choose a source to see a preview." }),
        makePreview({ error: "Filter: it cannot be used." }),
    ];
    const { record } = await mountPreview({ source_id: false });
    expect(".o_kpi_preview").toHaveText(/Choose a source/);
    expect(".o_kpi_preview_period").toHaveCount(0);
    record.data.domain = "[1]";
    await wait(600);
    expect(".o_kpi_preview [role=status]").toHaveText("Filter: it cannot be used.");
    expect.verifySteps(["false [] false false included", "false [1] false false included"]);
});

test("another month, another reason, and all records in a list", async () => {
    onRpc("crm.kpi", "open_preview", ({ args }) => ({ of: args.slice(2).join(" ") }));
    mockService("action", {
        doAction: (action, { newWindow }) => expect.step(`${action.of} ${newWindow}`),
    });
    replies = [undefined, undefined, makePreview({ reason: "filter" })];
    await mountPreview();
    await contains(".o_kpi_preview_period:last").click();
    await animationFrame();
    await contains("tr[data-reason=filter] button").click();
    await animationFrame();
    expect(".o_kpi_preview section:last h3").toHaveText(
        "First records: Outside the filter of the KPI"
    );
    await contains("button:contains(All of these in a list)").click();
    expect.verifySteps([
        "false [] 7 false included",
        "false [] 7 3 included",
        "false [] 7 3 filter",
        "3 filter true",
    ]);
});
