import { onWillStart } from "@odoo/owl";
import { registry } from "@web/core/registry";
import { useService } from "@web/core/utils/hooks";
import { formatFloat } from "@web/views/fields/formatters";
import { PivotRenderer } from "@web/views/pivot/pivot_renderer";
import { pivotView } from "@web/views/pivot/pivot_view";

/** Decimals of a number: more than the usual ones where it would be shown as 0. */
function shownDigits(value, digits) {
    const size = Math.abs(value);
    const isShown = size < 1e-9 || Number(size.toFixed(digits));
    return isShown ? digits : -Math.floor(Math.log10(size));
}

/** A pivot of values of several KPIs: each number is shown in the unit of its KPI. */
export class ValuePivotRenderer extends PivotRenderer {
    setup() {
        super.setup();
        const orm = useService("orm");
        onWillStart(async () => {
            this.formats = await orm.call("crm.kpi", "get_number_formats", []);
        });
    }

    getFormattedValue(cell) {
        const format = cell.measure === "value" && this.formats[this.kpiOf(cell)];
        if (!format || cell.value === false) {
            // of several KPIs, or no value
            return super.getFormattedValue(cell);
        }
        const value = cell.value * format.factor;
        const number = formatFloat(value, { digits: [16, shownDigits(value, format.digits)] });
        return { value: `${format.prefix}${number}${format.suffix}` };
    }

    /** Id of the KPI of a cell; undefined where the cell is of several KPIs. */
    kpiOf(cell) {
        const { fullRowGroupBys, fullColGroupBys } = this.model.metaData;
        const [rows, columns] = cell.groupId;
        return (
            rows[fullRowGroupBys.indexOf("kpi_id")] ?? columns[fullColGroupBys.indexOf("kpi_id")]
        );
    }
}

registry.category("views").add("crm_kpi_value_pivot", {
    ...pivotView,
    Renderer: ValuePivotRenderer,
});
