import { Component } from "@odoo/owl";

/**
 * The reason why something cannot be shown, with a button to try again.
 */
export class LoadError extends Component {
    static template = "crm_kpi.LoadError";
    static props = { text: String, onRetry: Function };
}
