import { Component } from "@odoo/owl";
import { _t } from "@web/core/l10n/translation";

/**
 * The KPIs of a board that have no data, in one line that opens to the reason of each.
 */
export class FoldedCards extends Component {
    static template = "crm_kpi.FoldedCards";
    static props = {
        cards: Array,
        isOpen: { type: Boolean, optional: true },
        onOpen: { type: Function, optional: true },
        onRemedy: { type: Function, optional: true }, // with the action that helps
    };

    get text() {
        const { length } = this.props.cards;
        return length === 1 ? _t("1 KPI has no data") : _t("%s KPIs have no data", length);
    }

    get names() {
        return this.props.cards.map((card) => card.kpi.name).join(", ");
    }
}
