import { Component } from "@odoo/owl";

/**
 * Salespeople by segments. Every cell says its number; the shade only helps to find it.
 */
export class HeatMap extends Component {
    static template = "crm_kpi.HeatMap";
    static props = { heat: Object, name: String };

    /** One of five shades, the style sheet knows them. */
    shade(cell) {
        return cell.share === null ? "" : `o_kpi_heat_${Math.min(Math.floor(cell.share * 5), 4)}`;
    }
}
