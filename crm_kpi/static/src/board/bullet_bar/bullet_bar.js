import { Component } from "@odoo/owl";
import { localization } from "@web/core/l10n/localization";

/**
 * The value as a bar, the target as a line, the value expected by now as a mark, and the forecast
 * in dashes. The server computes all positions as shares of the bar.
 */
export class BulletBar extends Component {
    static template = "crm_kpi.BulletBar";
    static props = {
        bullet: Object,
        label: String,
        status: { type: [String, Boolean], optional: true },
    };

    get mirrored() {
        return localization.direction === "rtl";
    }

    /** The distance from the value to the forecast. */
    get ahead() {
        return (this.props.bullet.forecast || 0) - (this.props.bullet.value || 0);
    }

    percent(share) {
        return `${(share || 0) * 100}%`;
    }
}
