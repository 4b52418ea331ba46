import { Component, onMounted, useRef, useState } from "@odoo/owl";
import { localization } from "@web/core/l10n/localization";

/**
 * Tabs as WAI-ARIA describes them (Odoo's notebook differs): the Tab key stops once, arrow keys
 * change the tab. Each tab is a slot with a `title`; only the selected one is rendered.
 */
export class Tabs extends Component {
    static template = "crm_kpi.Tabs";
    static props = {
        slots: Object,
        first: { type: String, optional: true }, // the selected tab; without it, the first one
        onChoose: { type: Function, optional: true },
    };

    setup() {
        this.root = useRef("root");
        this.id = `o_kpi_tabs_${Tabs.count++}`;
        this.state = useState({ chosen: this.props.first || this.names[0] });
        onMounted(() => this.props.onChoose?.(this.state.chosen));
    }

    get names() {
        return Object.keys(this.props.slots);
    }

    choose(name) {
        this.state.chosen = name;
        this.props.onChoose?.(name);
    }

    onKeydown(ev) {
        const rtl = localization.direction === "rtl";
        const step = { ArrowRight: rtl ? -1 : 1, ArrowLeft: rtl ? 1 : -1 }[ev.key];
        if (!step) {
            return;
        }
        ev.preventDefault();
        const { names } = this;
        const index = names.indexOf(this.state.chosen) + step;
        this.choose(names[(index + names.length) % names.length]);
        this.root.el.querySelector(`#${this.id}_${this.state.chosen}`).focus();
    }
}
Tabs.count = 0;
