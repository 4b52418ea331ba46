import { defineMailModels } from "@mail/../tests/mail_test_helpers";
import { describe, expect, test } from "@odoo/hoot";
import { queryRect } from "@odoo/hoot-dom";
import { defineModels, fields, models, mountView } from "@web/../tests/web_test_helpers";

describe.current.tags("desktop");

class Value extends models.Model {
    _name = "crm.kpi.value";
    value_text = fields.Char();
    missing_text = fields.Char();
    change_text = fields.Char();
    change_signs = fields.Json();
    _records = [
        {
            id: 1,
            value_text: "5",
            change_text: "↘ 50 % vs October (10)",
            change_signs: {
                text: "50 % vs October (10)",
                trend: "worse",
                trend_text: "Worse",
                up: false,
            },
        },
        { id: 2, value_text: "–", missing_text: "Nothing to divide by: Leads is 0" },
    ];
}

defineMailModels();
defineModels([Value]);

test("a list shows the change as a card does, and why there is no value", async () => {
    await mountView({
        type: "list",
        resModel: "crm.kpi.value",
        arch: `
            <list>
                <field name="value_text" class="text-end" widget="crm_kpi_value"/>
                <field name="change_text" widget="crm_kpi_change"/>
            </list>`,
    });
    expect(".o_data_row:eq(0) td[name=value_text]").toHaveText("5");
    const cell = queryRect(".o_data_row:eq(0) td[name=value_text]");
    const number = queryRect(".o_data_row:eq(0) td[name=value_text] span");
    expect(cell.right - number.right).toBeLessThan(20, { message: "aligned at the end" });
    expect(".o_kpi_change").toHaveText(/↘\s*Worse\s*50 % vs October \(10\)/);
    expect(".o_kpi_change").toHaveClass("o_kpi_change_worse");
    expect(".o_data_row:eq(1) .o_kpi_reason").toHaveText("Nothing to divide by: Leads is 0");
    expect(".o_kpi_reason").toHaveCount(1);
    expect(".o_kpi_change").toHaveCount(1);
});
