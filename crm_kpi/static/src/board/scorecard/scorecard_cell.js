import { Component } from "@odoo/owl";
import { _t } from "@web/core/l10n/translation";
import { ChangeText } from "../../signs/change_text";
import { recordsText } from "../records_text";
import { Sparkline } from "../sparkline/sparkline";
import { StatusBadge } from "../../signs/status_badge";

/**
 * The value of a KPI in a row: value, status, change and sparkline. The value is the button that
 * opens the details; a mouse can click anywhere.
 */
export class ScorecardCell extends Component {
    static template = "crm_kpi.ScorecardCell";
    static components = { ChangeText, Sparkline, StatusBadge };
    static props = {
        cell: Object,
        row: String,
        column: String,
        running: Boolean,
        onOpen: { type: Function, optional: true },
    };

    get points() {
        const { sparkline } = this.props.cell;
        const last = sparkline.length - 1;
        return sparkline.map((value, index) => ({
            value,
            running: this.props.running && index === last,
        }));
    }

    get hasPoints() {
        return this.props.cell.sparkline.some((value) => value !== null);
    }

    get label() {
        return _t("%(row)s, %(kpi)s: %(value)s", {
            row: this.props.row,
            kpi: this.props.column,
            value: this.props.cell.value_text,
        });
    }

    get title() {
        const { cell } = this.props;
        const parts = [recordsText(cell.record_count)];
        if (cell.target_text) {
            parts.push(_t("Target %s", cell.target_text), cell.attainment_text);
        }
        if (cell.state_text) {
            parts.push(cell.state_text);
        }
        return parts.join(" · ");
    }
}
