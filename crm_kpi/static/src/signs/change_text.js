import { Component } from "@odoo/owl";

/**
 * A change as an arrow, a text and a colour; screen readers also read whether it is good.
 */
export class ChangeText extends Component {
    static template = "crm_kpi.ChangeText";
    static props = { text: String, trend: String, trendText: String, up: Boolean };

    get shape() {
        return this.props.trend === "same" ? "→" : this.props.up ? "↗" : "↘";
    }
}
