import { complete } from "@crm_kpi/formula_field/completion";
import { defineMailModels } from "@mail/../tests/mail_test_helpers";
import { describe, expect, test } from "@odoo/hoot";
import { press, queryAllTexts, queryOne } from "@odoo/hoot-dom";
import { advanceTime, animationFrame, Deferred } from "@odoo/hoot-mock";
import {
    contains,
    defineModels,
    fields,
    models,
    mountView,
    onRpc,
} from "@web/../tests/web_test_helpers";

describe.current.tags("desktop");

class Kpi extends models.Model {
    _name = "crm.kpi";
    name = fields.Char();
    code = fields.Char();
    unit = fields.Char();
    formula = fields.Char();
    _records = [
        { id: 1, name: "Deals won", code: "deals_won" },
        { id: 2, name: "Revenue", code: "revenue_ordered" },
        { id: 3, name: "Win rate", code: "win_rate", unit: "percent", formula: "deals_won / 2" },
    ];
    _views = {
        list: `<list><field name="name"/></list>`,
        search: `<search/>`,
    };
}

defineMailModels();
defineModels([Kpi]);

const PARTS = [
    { code: "deals_won", words: "Deals won", insert: "deals_won" },
    { code: "deals_won_amount", words: "Won amount", insert: "deals_won_amount" },
    { code: "revenue_ordered", words: "Revenue", insert: "revenue_ordered" },
    { code: "min(a, b)", words: "the smaller of a and b", insert: "min(" },
    { code: "months", words: "months of the period", insert: "months" },
];
const INPUT = ".o_field_widget[name=formula] input";
const ANSWER = ".o_kpi_formula_answer";

async function mountFormula(
    answer = () => ({ words: "in words" }),
    resId = 3,
    parts = Promise.resolve(PARTS)
) {
    onRpc("crm.kpi", "get_formula_parts", () => parts);
    onRpc("crm.kpi", "check_typed_formula", ({ args }) => answer(...args));
    await mountView({
        type: "form",
        resModel: "crm.kpi",
        resId,
        arch: `
            <form>
                <field name="code"/>
                <field name="unit"/>
                <field name="formula" widget="crm_kpi_formula"/>
            </form>`,
    });
    await animationFrame();
}

/** Type at the end of the formula. */
async function type(text) {
    await contains(INPUT).edit(text, { confirm: false });
    await animationFrame();
}

test("the words before the cursor are completed by code and by name", () => {
    const found = (text, cursor = text.length) => {
        const { parts, start, end } = complete(PARTS, text, cursor);
        return [parts.map((part) => part.insert).join(" "), text.slice(start, end)];
    };
    expect(found("deals")).toEqual(["deals_won deals_won_amount", "deals"]);
    // words in the middle of a name, several words, after other words
    expect(found("2 * won")).toEqual(["deals_won_amount deals_won", "won"]);
    expect(found("months / won am")).toEqual(["deals_won_amount", "won am"]);
    expect(found("smaller")).toEqual(["min(", "smaller"]);
    // the whole word is replaced, wherever the cursor is in it
    expect(found("reve_ord / 2", 4)).toEqual(["revenue_ordered", "reve_ord"]);
    // nothing after a complete code, a number or an operator
    expect(found("deals_won ")).toEqual(["", ""]);
    expect(found("12")).toEqual(["", ""]);
    expect(found("deals_won / ")).toEqual(["", ""]);
    expect(found("xyz")).toEqual(["", ""]);
});

test("a proposal is chosen with the keyboard", async () => {
    await mountFormula();
    await type("revenue_ordered / deals");
    expect(queryAllTexts(".o_kpi_formula_list li code")).toEqual(["deals_won", "deals_won_amount"]);
    expect(INPUT).toHaveAttribute("aria-expanded", "true");
    expect(".o_kpi_formula_list").toHaveAttribute("role", "listbox");
    await press("ArrowDown");
    await animationFrame();
    const active = queryOne(".o_kpi_formula_list li[aria-selected=true]");
    expect(active).toHaveText(/Won amount/);
    expect(INPUT).toHaveAttribute("aria-activedescendant", active.id);
    await press("Enter");
    await animationFrame();
    expect(INPUT).toHaveValue("revenue_ordered / deals_won_amount");
    expect(INPUT).toBeFocused();
    expect(".o_kpi_formula_list").toHaveCount(0);
    expect(INPUT).toHaveAttribute("aria-expanded", "false");
});

test("what was typed before the proposals arrived is completed", async () => {
    const parts = new Deferred();
    await mountFormula(undefined, 3, parts);
    await type("reve");
    expect(".o_kpi_formula_list").toHaveCount(0);
    parts.resolve(PARTS);
    await animationFrame();
    expect(queryAllTexts(".o_kpi_formula_list li code")).toEqual(["revenue_ordered"]);
});

test("Escape closes the proposals, a click chooses one", async () => {
    await mountFormula();
    await type("2 *reve");
    await press("Escape");
    await animationFrame();
    expect(".o_kpi_formula_list").toHaveCount(0);
    await press("ArrowDown");
    await animationFrame();
    await contains(".o_kpi_formula_list li").click();
    expect(INPUT).toHaveValue("2 * revenue_ordered");
});

test("errors and words stand below the field while it is typed", async () => {
    const answers = {
        "deals_won / 2": { words: "Deals won ÷ 2" },
        "deals_won /": { error: "After “deals_won /”, a KPI or a number is missing." },
    };
    await mountFormula((formula, code, unit) => {
        expect.step(`${formula} ${code} ${unit}`);
        return answers[formula];
    });
    expect.verifySteps(["deals_won / 2 win_rate percent"]);
    expect(ANSWER).toHaveText("= Deals won ÷ 2");
    expect(ANSWER).toHaveAttribute("aria-live", "polite");
    await type("deals_won /");
    expect(ANSWER).toHaveText("= Deals won ÷ 2");
    await advanceTime(400);
    await animationFrame();
    // the unit is checked when the formula is complete
    expect.verifySteps(["deals_won / win_rate false"]);
    expect(ANSWER).toHaveText("After “deals_won /”, a KPI or a number is missing.");
    expect(INPUT).toHaveAttribute("aria-invalid", "true");
});

test("the code that was meant is written with one click", async () => {
    await mountFormula((formula) =>
        formula.includes("Revenue")
            ? { error: "Did you mean Revenue?", typed: "Revenue", code: "revenue_ordered" }
            : { words: "in words" }
    );
    await type("my_Revenue + Revenue / 2");
    await advanceTime(400);
    await animationFrame();
    await contains(`${ANSWER} button`).click();
    expect(INPUT).toHaveValue("my_Revenue + revenue_ordered / 2");
});

test("a KPI is inserted from the list of all", async () => {
    await mountFormula();
    await type("deals_won /");
    await contains(".o_kpi_formula_pick").click();
    // the KPI itself is not in the list
    expect(queryAllTexts(".modal .o_data_row")).toEqual(["Deals won", "Revenue"]);
    await contains(".modal .o_data_row:last .o_data_cell").click();
    expect(".modal").toHaveCount(0);
    expect(INPUT).toHaveValue("deals_won / revenue_ordered");
});

test("a new KPI asks nothing", async () => {
    await mountFormula(() => expect.step("asked"), false);
    expect.verifySteps([]);
    expect(ANSWER).toHaveText("");
});
