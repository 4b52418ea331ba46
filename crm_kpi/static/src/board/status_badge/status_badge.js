import { Component } from "@odoo/owl";

/**
 * A status as a word and a shape; the colour only repeats what they say.
 */
export class StatusBadge extends Component {
    static template = "crm_kpi.StatusBadge";
    static props = {
        status: { type: [String, Boolean] },
        text: { type: [String, Boolean] },
        shape: { type: [String, Boolean] },
        counterMissed: { type: Boolean, optional: true },
    };
}
