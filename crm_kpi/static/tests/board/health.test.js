import { Health } from "@crm_kpi/board/health/health";
import { defineMailModels } from "@mail/../tests/mail_test_helpers";
import { beforeEach, describe, expect, test } from "@odoo/hoot";
import { queryAllTexts } from "@odoo/hoot-dom";
import { animationFrame } from "@odoo/hoot-mock";
import {
    contains,
    getService,
    mountWithCleanup,
    onRpc,
    patchWithCleanup,
} from "@web/../tests/web_test_helpers";
import { WebClient } from "@web/webclient/webclient";

describe.current.tags("desktop");
defineMailModels();

function makePart(values = {}) {
    return {
        title: "Orders",
        part_of: "",
        company: "",
        seconds: "2.0 s",
        computed: 12,
        written: 340,
        failed: false,
        busy: false,
        ...values,
    };
}

function makeRun(values = {}) {
    return {
        id: 1,
        kind: "refresh",
        kind_text: "Refresh",
        state: "done",
        state_text: "Finished",
        start: "07:01",
        seconds: "12.5 s",
        steps: "9 of 9",
        computed: 120,
        written: 3400,
        failed: 0,
        parts: [makePart()],
        ...values,
    };
}

function makeHealth(values = {}) {
    return {
        is_active: true,
        is_running: false,
        next_run: "08:01",
        as_of: "07:01",
        progress: 0,
        history: "",
        published: 300,
        waiting: 0,
        failure_count: 0,
        failures: [],
        queues: [],
        runs: [makeRun()],
        ...values,
    };
}

let health, page;

beforeEach(() => {
    health = makeHealth();
    onRpc("crm.kpi.health", "get_health", () => health);
    onRpc("crm.kpi.health", "get_warnings", () => ["No rate."]);
    patchWithCleanup(Health.prototype, {
        setup() {
            super.setup();
            page = this;
        },
    });
});

async function mountHealth() {
    await mountWithCleanup(WebClient);
    await getService("action").doAction({ type: "ir.actions.client", tag: "crm_kpi.health" });
    await animationFrame();
}

test("runs, their slowest parts, and warnings", async () => {
    health.runs = [
        makeRun({ id: 3, kind: "second", kind_text: "Second worker", start: "07:20" }),
        makeRun({
            id: 2,
            parts: [
                makePart({ title: "Win rate", part_of: "Formulas", seconds: "0.4 s" }),
                makePart({ title: "Leads", failed: true }),
            ],
        }),
        makeRun({ id: 1, start: "06:01" }),
    ];
    health.queues = [{ name: "Lead/Opportunity", count: 1200 }];
    await mountHealth();
    expect(".o_kpi_health_state").toHaveText(/Next refresh: 08:01/);
    expect(".o_kpi_health_failures").toHaveText(/Nothing fails/);
    expect(".o_kpi_health_runs tbody tr").toHaveCount(3);
    expect(queryAllTexts(".o_kpi_health_parts td:first-child")).toEqual([
        "Formulas: Win rate",
        "Leads",
    ]);
    expect(".o_kpi_health_parts tr:contains(Leads)").toHaveText(/Failed/);
    expect(".o_kpi_health_queues").toHaveText(/Lead\/Opportunity: 1,200/);
    expect(".o_kpi_health_warnings li").toHaveText("No rate.");
    await contains(".o_kpi_health_runs button:contains(06:01)").click();
    expect(queryAllTexts(".o_kpi_health_parts td:first-child")).toEqual(["Orders"]);
});

test("a failure opens what failed", async () => {
    health.failures = [
        {
            kind: "KPI",
            name: "Revenue",
            company: "",
            error: "No such field.",
            since: "yesterday",
            next_try: "",
            model: "crm.kpi",
            res_id: 7,
        },
    ];
    health.failure_count = 60;
    await mountHealth();
    expect(".o_kpi_health_failures tbody tr").toHaveText(/No such field.*after the correction/s);
    patchWithCleanup(page.action, {
        doAction: (action) => expect.step(action.res_id || action),
    });
    await contains(".o_kpi_health_failures tbody button").click();
    await contains(".o_kpi_health_failures button:contains(All 60 failures)").click();
    expect.verifySteps([7, "crm_kpi.crm_kpi_health_action"]);
});

test("a run is followed until its end", async () => {
    onRpc("crm.kpi.health", "refresh_now", () => {
        expect.step("refresh_now");
        return false;
    });
    await mountHealth();
    await contains(".o_kpi_refresh_now").click();
    expect.verifySteps(["refresh_now"]);
    expect(".o_kpi_health_state").toHaveText(/starts within a minute/);
    expect(".o_kpi_refresh_now").not.toBeEnabled();
    const message = { kind: "refresh", state: "running", done: 3, due: 9, title: "Orders" };
    page.follow(message);
    await animationFrame();
    expect(".o_kpi_health_state").toHaveText(/The refresh is running\s*3 of 9 steps\s*· Orders/);
    page.follow({ ...message, kind: "second", state: "done" }); // the other worker
    await animationFrame();
    expect(".o_kpi_health_state").toHaveText(/is running/);
    health = makeHealth({ as_of: "07:30" });
    page.follow({ ...message, state: "done", done: 9, written: 1234, seconds: 8.5, failed: 0 });
    await animationFrame();
    await animationFrame();
    expect(".o_notification").toHaveText(/Refresh finished in 8.5 s: 1,234 values written/);
    expect(".o_kpi_health_state").toHaveText(/Values are of 07:30/);
    expect(".o_kpi_refresh_now").toBeEnabled();
});

test("what did not go well is said", async () => {
    await mountHealth();
    const end = { due: 9, done: 4, written: 5, seconds: 2 };
    expect(page.endText({ ...end, state: "done", failed: 2 })).toMatch(/2 steps failed/);
    expect(page.endText({ ...end, state: "stopped" })).toMatch(/after 4 of 9 steps/);
    expect(page.endText({ ...end, state: "history" })).toMatch(/history is being read/);
});
