import { Component } from "@odoo/owl";
import { recordsText } from "../records_text";

/**
 * Salespeople by segments. Every cell shows its value; the shade helps to find extremes.
 */
export class HeatMap extends Component {
    static template = "crm_kpi.HeatMap";
    static props = { heat: Object, name: String };

    setup() {
        this.recordsText = recordsText;
    }

    /** The class of one of five shades. */
    shade(cell) {
        return cell.share === null ? "" : `o_kpi_heat_${Math.min(Math.floor(cell.share * 5), 4)}`;
    }
}
