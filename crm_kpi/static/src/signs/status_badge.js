import { Component } from "@odoo/owl";
import { _t } from "@web/core/l10n/translation";

/**
 * A status as a shape and a word, so that it does not depend on the colour.
 */
export class StatusBadge extends Component {
    static template = "crm_kpi.StatusBadge";
    static props = {
        status: { type: [String, Boolean] },
        text: { type: [String, Boolean] },
        shape: { type: [String, Boolean] },
        counterMissed: { type: Boolean, optional: true },
    };

    get title() {
        return this.props.counterMissed
            ? _t("This goal is met, but its counter-metric misses its own goal.")
            : undefined;
    }
}
