import { Component, useState } from "@odoo/owl";
import { Dropdown } from "@web/core/dropdown/dropdown";
import { useDropdownState } from "@web/core/dropdown/dropdown_hooks";
import { DropdownItem } from "@web/core/dropdown/dropdown_item";
import { user } from "@web/core/user";
import { useService } from "@web/core/utils/hooks";

const MODEL = "crm.kpi.board";
/** Key in the context of a favorite: the board and its filters. */
const KEY = "crm_kpi_board";

/**
 * Named filters of a board. They are Odoo's favorites (`ir.filters`), read when the menu opens.
 */
export class BoardFavorites extends Component {
    static template = "crm_kpi.BoardFavorites";
    static components = { Dropdown, DropdownItem };
    static props = { boardId: Number, name: String, filters: Object, onChoose: Function };

    setup() {
        this.orm = useService("orm");
        this.menu = useDropdownState();
        this.state = useState({ favorites: [], name: "" });
    }

    get actionId() {
        return this.env.config.actionId || false;
    }

    async read() {
        const favorites = await this.orm.silent.call("ir.filters", "get_filters", [
            MODEL,
            this.actionId,
        ]);
        this.state.favorites = favorites
            .map(({ id, name, context }) => ({ id, name, saved: readSaved(context) }))
            .filter((favorite) => favorite.saved);
        this.state.name = this.props.name;
    }

    async save() {
        const { boardId, filters } = this.props;
        const name = this.state.name.trim();
        if (!name) {
            return;
        }
        // Odoo reads the context as Python: leave out false, which JSON writes differently
        const set = Object.entries(filters).filter(([, value]) => value);
        const context = { [KEY]: { board_id: boardId, ...Object.fromEntries(set) } };
        await this.orm.call("ir.filters", "create_filter", [
            {
                name,
                model_id: MODEL,
                action_id: this.actionId,
                user_ids: [user.userId],
                domain: "[]",
                context: JSON.stringify(context),
            },
        ]);
        this.menu.close();
    }

    async remove(favorite) {
        await this.orm.unlink("ir.filters", [favorite.id]);
        this.state.favorites = this.state.favorites.filter((other) => other !== favorite);
    }

    choose({ saved: { board_id: boardId, ...filters } }) {
        this.props.onChoose(boardId, filters);
    }
}

/** The board and the filters of a favorite; undefined for favorites of other screens. */
function readSaved(context) {
    try {
        return JSON.parse(context)[KEY];
    } catch {
        return undefined;
    }
}
