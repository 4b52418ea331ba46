import { Component } from "@odoo/owl";

/**
 * Salespeople by segments. Every cell says its number; the shade only helps to find it.
 */
export class HeatMap extends Component {
    static template = "crm_kpi.HeatMap";
    static props = { heat: Object, name: String };

    shade(cell) {
        return cell.share === null ? "" : `--kpi-heat: ${10 + Math.round(cell.share * 50)}%`;
    }
}
