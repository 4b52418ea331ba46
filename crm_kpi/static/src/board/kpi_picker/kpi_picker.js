import { Component, onWillStart, useState } from "@odoo/owl";
import { Dialog } from "@web/core/dialog/dialog";
import { useService } from "@web/core/utils/hooks";
import { useAnswer } from "../answer";
import { KpiCard } from "../kpi_card/kpi_card";
import { LoadError } from "../load_error/load_error";

/**
 * The library of KPIs, to put some on a board: by category, with what each means and its present
 * value.
 */
export class KpiPicker extends Component {
    static template = "crm_kpi.KpiPicker";
    static components = { Dialog, KpiCard, LoadError };
    static props = {
        boardId: Number,
        filters: Object,
        present: Array,
        onAdd: Function,
        close: Function,
    };

    setup() {
        this.orm = useService("orm");
        this.library = useAnswer(() => this.orm.silent.call("crm.kpi.board", "get_library", []));
        this.preview = useAnswer((kpi) => this.cards([kpi]));
        this.state = useState({ search: "", shown: null, chosen: [] });
        onWillStart(() => {
            // not awaited, so that the dialog is shown at once
            this.library.load();
        });
    }

    /** The KPIs found, by category: `[category, KPIs]`. */
    get categories() {
        const words = this.state.search.toLowerCase().split(/\s+/);
        const found = new Map();
        for (const kpi of this.library.value || []) {
            const text = `${kpi.name} ${kpi.category} ${kpi.description}`.toLowerCase();
            if (words.every((word) => text.includes(word))) {
                found.set(kpi.category, [...(found.get(kpi.category) || []), kpi]);
            }
        }
        return [...found];
    }

    /** The card of the KPI that is shown; undefined until it arrives. */
    get card() {
        return this.preview.value?.find((card) => card.kpi.id === this.state.shown?.id);
    }

    cards(kpis) {
        return this.orm.silent.call("crm.kpi.board", "preview_cards", [
            this.props.boardId,
            kpis.map((kpi) => ({ kpi_id: kpi.id })),
            this.props.filters,
        ]);
    }

    show(kpi) {
        if (this.state.shown !== kpi) {
            this.state.shown = kpi;
            this.preview.load(kpi);
        }
    }

    toggle(kpi) {
        const { chosen } = this.state;
        this.state.chosen = chosen.includes(kpi)
            ? chosen.filter((other) => other !== kpi)
            : [...chosen, kpi];
        this.show(kpi);
    }

    async add() {
        this.props.onAdd(await this.cards(this.state.chosen));
        this.props.close();
    }
}
