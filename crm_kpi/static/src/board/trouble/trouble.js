import { Component } from "@odoo/owl";

/**
 * Why something cannot be shown, and the button to try again.
 */
export class Trouble extends Component {
    static template = "crm_kpi.Trouble";
    static props = { text: String, onRetry: Function };
}
