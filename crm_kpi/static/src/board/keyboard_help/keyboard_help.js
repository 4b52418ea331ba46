import { Component } from "@odoo/owl";
import { Dialog } from "@web/core/dialog/dialog";
import { _t } from "@web/core/l10n/translation";

/**
 * What the keys of the board do.
 */
export class KeyboardHelp extends Component {
    static template = "crm_kpi.KeyboardHelp";
    static components = { Dialog };
    static props = { close: Function };

    get title() {
        return _t("Keys of the board");
    }

    get keys() {
        return [
            ["← ↑ → ↓", _t("From card to card")],
            ["Enter", _t("What is behind the number")],
            ["d", _t("Definition of the number")],
            ["/", _t("Filters")],
            ["Esc", _t("Close")],
            ["?", _t("These keys")],
        ];
    }
}
