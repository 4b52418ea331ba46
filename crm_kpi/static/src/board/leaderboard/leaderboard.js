import { Component, onWillStart, useState } from "@odoo/owl";
import { useService } from "@web/core/utils/hooks";
import { useAnswer } from "../answer";
import { LoadError } from "../load_error/load_error";
import { ShareBar } from "../share_bar/share_bar";

/**
 * Salespeople ranked by value or by attainment of their own goal. The server decides which names
 * the reader sees.
 */
export class Leaderboard extends Component {
    static template = "crm_kpi.Leaderboard";
    static components = { LoadError, ShareBar };
    static props = {
        kpiId: Number,
        filters: Object,
        name: String,
        onPick: { type: Function, optional: true },
    };

    setup() {
        this.orm = useService("orm");
        this.state = useState({ by: "value" });
        this.ranking = useAnswer((by) =>
            this.orm.silent.call("crm.kpi.board", "get_leaderboard", [
                this.props.kpiId,
                this.props.filters,
                by,
            ])
        );
        onWillStart(() => this.load("value"));
    }

    /** Colleagues without a name cannot be opened. */
    canPick(row) {
        return Boolean(this.props.onPick && row.user_id);
    }

    pick(row) {
        if (this.canPick(row)) {
            this.props.onPick({ record_id: row.user_id });
        }
    }

    async load(by) {
        await this.ranking.load(by);
        this.state.by = by;
    }
}
