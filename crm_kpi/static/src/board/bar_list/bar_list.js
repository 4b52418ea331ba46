import { Component } from "@odoo/owl";
import { _t } from "@web/core/l10n/translation";
import { ShareBar } from "../share_bar/share_bar";

/**
 * Names with bars and values, as a table to those who listen to it. Median and best may be
 * marked across the bars.
 */
export class BarList extends Component {
    static template = "crm_kpi.BarList";
    static components = { ShareBar };
    static props = {
        rows: Array,
        caption: String,
        nameTitle: { type: String, optional: true },
        median: { type: [Number, { value: null }], optional: true },
        best: { type: [Number, { value: null }], optional: true },
        onPick: { type: Function, optional: true },
    };

    get nameTitle() {
        return this.props.nameTitle || _t("Name");
    }

    /** Where median and best stand on bars whose longest is the largest value. */
    get marks() {
        const top = Math.max(0, ...this.props.rows.map((row) => Math.abs(row.value)));
        return ["median", "best"]
            .filter((key) => top && this.props[key] !== undefined && this.props[key] !== null)
            .map((key) => ({ key, share: this.props[key] / top }));
    }
}
