import { Component } from "@odoo/owl";

/**
 * Names with bars and values, as a table to those who listen to it.
 */
export class BarList extends Component {
    static template = "crm_kpi.BarList";
    static props = {
        rows: Array,
        caption: String,
        onPick: { type: Function, optional: true },
    };
}
