import { Component } from "@odoo/owl";

/**
 * What to do next: a line for each kind of records that wait for an action. A click opens them.
 */
export class AttentionLines extends Component {
    static template = "crm_kpi.AttentionLines";
    static props = { lines: Array, onOpen: Function };
}
