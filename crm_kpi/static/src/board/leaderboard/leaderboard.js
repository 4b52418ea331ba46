import { Component, onWillStart, useState } from "@odoo/owl";
import { useService } from "@web/core/utils/hooks";
import { useAnswer } from "../answer";
import { ShareBar } from "../share_bar/share_bar";
import { Trouble } from "../trouble/trouble";

/**
 * Salespeople by value or by how much of their own goal they have attained. The server
 * decides which names the reader sees.
 */
export class Leaderboard extends Component {
    static template = "crm_kpi.Leaderboard";
    static components = { ShareBar, Trouble };
    static props = { kpiId: Number, filters: Object, name: String };

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

    async load(by) {
        await this.ranking.load(by);
        this.state.by = by;
    }
}
