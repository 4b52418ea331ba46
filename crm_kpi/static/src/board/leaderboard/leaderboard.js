import { Component, onWillStart, useState } from "@odoo/owl";
import { useService } from "@web/core/utils/hooks";

/**
 * Salespeople by value or by how much of their own goal they have attained. The server
 * decides which names the reader sees.
 */
export class Leaderboard extends Component {
    static template = "crm_kpi.Leaderboard";
    static props = { kpiId: Number, filters: Object, name: String };

    setup() {
        this.orm = useService("orm");
        this.state = useState({ by: "value", board: null });
        onWillStart(() => this.load("value"));
    }

    async load(by) {
        const { kpiId, filters } = this.props;
        const board = await this.orm.silent.call("crm.kpi.board", "get_leaderboard", [
            kpiId,
            filters,
            by,
        ]);
        Object.assign(this.state, { by, board });
    }
}
