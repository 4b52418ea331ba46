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
        marks: { type: Array, optional: true }, // {key, share}
        onPick: { type: Function, optional: true },
    };

    setup() {
        this.recordsText = recordsText;
    }

    canPick(row) {
        return Boolean(this.props.onPick && row.record_id);
    }

    pick(ev, row) {
        if (this.canPick(row)) {
            ev.stopPropagation();
            this.props.onPick(row);
        }
    }

    get nameTitle() {
        return this.props.nameTitle || _t("Name");
    }
}
