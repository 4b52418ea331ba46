import { Component } from "@odoo/owl";
import { _t } from "@web/core/l10n/translation";
import { recordsText } from "../records_text";
import { ShareBar } from "../share_bar/share_bar";

/**
 * Names with bars and values, a table for screen readers. Marks across the bars show median and
 * best value.
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

    setup() {
        this.recordsText = recordsText;
    }

    get nameTitle() {
        return this.props.nameTitle || _t("Name");
    }

    /** Positions of median and best value; the largest value has the longest bar. */
    get marks() {
        const top = Math.max(0, ...this.props.rows.map((row) => Math.abs(row.value)));
        return ["median", "best"]
            .filter((key) => top && this.props[key] !== undefined && this.props[key] !== null)
            .map((key) => ({ key, share: this.props[key] / top }));
    }
}
