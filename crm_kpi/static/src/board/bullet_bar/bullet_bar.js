import { Component } from "@odoo/owl";
import { localization } from "@web/core/l10n/localization";

/**
 * The value as a bar, the target as a line across it, a mark where a steady climb would stand
 * by now, and in dashes where the period is heading. All lengths are shares of the bar, decided
 * by the server.
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

    /** How far the period is from where it is heading. */
    get ahead() {
        return (this.props.bullet.projected || 0) - (this.props.bullet.value || 0);
    }

    percent(share) {
        return `${(share || 0) * 100}%`;
    }
}
