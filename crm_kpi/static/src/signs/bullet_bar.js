import { Component } from "@odoo/owl";
import { localization } from "@web/core/l10n/localization";
import { _t } from "@web/core/l10n/translation";

/**
 * What a bullet bar shows, in words.
 */
export function bulletLabel(goal, value, forecast) {
    const label = _t("%(value)s, target %(target)s, attainment %(attainment)s", {
        value,
        target: goal.target_text,
        attainment: goal.attainment_text,
    });
    return forecast ? _t("%(label)s, forecast %(forecast)s", { label, forecast }) : label;
}

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
