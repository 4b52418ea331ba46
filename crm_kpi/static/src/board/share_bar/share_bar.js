import { Component } from "@odoo/owl";
import { localization } from "@web/core/l10n/localization";

/**
 * A share as a bar, with marks across it. Hidden from screen readers, because the value is
 * always shown as text next to it.
 */
export class ShareBar extends Component {
    static template = "crm_kpi.ShareBar";
    static props = {
        share: Number,
        marks: { type: Array, optional: true },
    };
    static defaultProps = { marks: [] };

    get mirrored() {
        return localization.direction === "rtl";
    }

    percent(share) {
        return `${Math.min(Math.max(share, 0), 1) * 100}%`;
    }
}
