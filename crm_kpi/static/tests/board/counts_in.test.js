import { CountsIn } from "@crm_kpi/counts_in/counts_in";
import { defineMailModels } from "@mail/../tests/mail_test_helpers";
import { describe, expect, test } from "@odoo/hoot";
import { queryAllTexts } from "@odoo/hoot-dom";
import { animationFrame } from "@odoo/hoot-mock";
import { contains, mockService, mountWithCleanup, onRpc } from "@web/../tests/web_test_helpers";

describe.current.tags("desktop");
defineMailModels();

const props = (resId) => ({ record: { resModel: "crm.lead", resId } });

test("a form says in which KPIs the record counts, and why not in others", async () => {
    const kpi = (id, name, used_by = "") => ({ id, name, used_by });
    onRpc("crm.kpi", "get_counts_in", ({ args }) => {
        expect.step(args.join(" "));
        return {
            included: [
                { text: "April 2026", kpis: [kpi(1, "New leads", "Win rate"), kpi(2, "Deals")] },
            ],
            excluded: [{ text: "Type is Lead, but must be Opportunity", kpis: [kpi(3, "Won")] }],
        };
    });
    onRpc("crm.kpi", "action_definition", ({ args }) => ({ id: args[0][0] }));
    mockService("action", { doAction: ({ id }) => expect.step(`definition ${id}`) });
    await mountWithCleanup(CountsIn, { props: props(7) });
    await animationFrame();
    expect.verifySteps(["crm.lead 7"]);
    expect(queryAllTexts(".o_kpi_counts_in h3")).toEqual(["Counts in", "Does not count in"]);
    expect(queryAllTexts(".o_kpi_counts_in dt")).toEqual([
        "April 2026",
        "Type is Lead, but must be Opportunity",
    ]);
    expect(".o_kpi_counts_in_included dd").toHaveText("New leads (used by Win rate), Deals", {
        inline: true,
    });
    await contains(".o_kpi_counts_in_excluded button").click();
    await contains(".o_kpi_counts_in_included button:last").click();
    expect.verifySteps(["definition 3", "definition 2"]);
});

test("a new record is not asked for", async () => {
    onRpc("crm.kpi", "get_counts_in", () => expect.step("asked"));
    await mountWithCleanup(CountsIn, { props: props(false) });
    await animationFrame();
    expect.verifySteps([]);
    expect(".o_kpi_counts_in h3").toHaveCount(0);
});
