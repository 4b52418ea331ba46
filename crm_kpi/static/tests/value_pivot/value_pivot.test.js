import { defineMailModels } from "@mail/../tests/mail_test_helpers";
import { describe, expect, test } from "@odoo/hoot";
import { queryAllTexts } from "@odoo/hoot-dom";
import { defineModels, fields, models, mountView, onRpc } from "@web/../tests/web_test_helpers";

describe.current.tags("desktop");

class Kpi extends models.Model {
    _name = "crm.kpi";
    name = fields.Char();
    _records = [
        { id: 1, name: "Deals won" },
        { id: 2, name: "Win rate" },
    ];
}

class Value extends models.Model {
    _name = "crm.kpi.value";
    kpi_id = fields.Many2one({ relation: "crm.kpi" });
    level = fields.Char();
    value = fields.Float({ aggregator: "sum" });
    _records = [
        { id: 1, kpi_id: 1, level: "company", value: 1234 },
        { id: 2, kpi_id: 2, level: "company", value: 0.25 },
    ];
}

defineMailModels();
defineModels([Kpi, Value]);

async function mountPivot(row, column) {
    onRpc("crm.kpi", "get_number_formats", () => ({
        1: { prefix: "$\u00a0", suffix: "", factor: 1, digits: 0 },
        2: { prefix: "", suffix: "\u00a0%", factor: 100, digits: 1 },
    }));
    await mountView({
        type: "pivot",
        resModel: "crm.kpi.value",
        arch: `
            <pivot js_class="crm_kpi_value_pivot">
                <field name="${row}" type="row"/>
                <field name="${column}" type="col"/>
                <field name="value" type="measure"/>
            </pivot>`,
    });
    return queryAllTexts(".o_pivot_cell_value .o_value");
}

test("numbers are shown in the unit of the KPI of their row", async () => {
    const texts = await mountPivot("kpi_id", "level");
    expect(texts.slice(1)).toEqual(["$ 1,234", "25.0 %"]);
});

test("numbers are shown in the unit of the KPI of their column", async () => {
    const texts = await mountPivot("level", "kpi_id");
    expect(texts.filter((text) => text.includes("%"))).toEqual(["25.0 %", "25.0 %"]);
    // the total of several KPIs has no unit
    expect(texts).toInclude("1,234.25");
});

test("a value that is not 0 is not shown as 0", async () => {
    Value._records = [
        { id: 1, kpi_id: 1, level: "company", value: 0.0042 },
        { id: 2, kpi_id: 2, level: "company", value: 0 },
    ];
    const texts = await mountPivot("kpi_id", "level");
    expect(texts.slice(1)).toEqual(["$ 0.004", "0.0 %"]);
});
