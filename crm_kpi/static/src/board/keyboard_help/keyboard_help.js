import { Component } from "@odoo/owl";
import { Dialog } from "@web/core/dialog/dialog";
import { _t } from "@web/core/l10n/translation";

/**
 * The keyboard shortcuts of the board.
 */
export class KeyboardHelp extends Component {
    static template = "crm_kpi.KeyboardHelp";
    static components = { Dialog };
    static props = { close: Function };

    get title() {
        return _t("Keyboard shortcuts");
    }

    get keys() {
        return [
            ["← ↑ → ↓", _t("Go to another card")],
            ["Enter", _t("Open the details")],
            ["d", _t("Show the definition")],
            ["/", _t("Go to the filters")],
            ["Esc", _t("Close")],
            ["?", _t("Show these shortcuts")],
        ];
    }
}
