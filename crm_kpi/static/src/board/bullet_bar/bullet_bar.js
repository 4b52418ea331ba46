import { Component } from "@odoo/owl";

/**
 * The value as a bar, the target as a line across it, and a mark where a steady climb would
 * stand by now. All lengths are shares of the bar, decided by the server.
 */
export class BulletBar extends Component {
    static template = "crm_kpi.BulletBar";
    static props = {
        bullet: Object,
        label: String,
        status: { type: [String, Boolean], optional: true },
    };

    width(share) {
        return `width: ${(share || 0) * 100}%`;
    }

    place(share) {
        return `inset-inline-start: ${share * 100}%`;
    }

    get band() {
        const { target, target_max } = this.props.bullet;
        return `inset-inline-start: ${target * 100}%; width: ${(target_max - target) * 100}%`;
    }
}
