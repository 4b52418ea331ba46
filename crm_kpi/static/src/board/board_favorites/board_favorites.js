import { Component, useState } from "@odoo/owl";
import { Dropdown } from "@web/core/dropdown/dropdown";
import { useDropdownState } from "@web/core/dropdown/dropdown_hooks";
import { DropdownItem } from "@web/core/dropdown/dropdown_item";
import { user } from "@web/core/user";
import { useService } from "@web/core/utils/hooks";

const MODEL = "crm.kpi.board";
/** Of the context of a favorite: the board and what it was filtered by. */
const KEY = "crm_kpi_board";

/**
 * Looks at a board under a name of the user's: Odoo's own favorites (`ir.filters`), read when
 * the menu is opened.
 */
export class BoardFavorites extends Component {
    static template = "crm_kpi.BoardFavorites";
    static components = { Dropdown, DropdownItem };
    static props = { boardId: Number, name: String, wanted: Object, onChoose: Function };

    setup() {
        this.orm = useService("orm");
        this.menu = useDropdownState();
        this.state = useState({ favorites: [], name: "" });
    }

    get actionId() {
        return this.env.config.actionId || false;
    }

    async read() {
        const filters = await this.orm.silent.call("ir.filters", "get_filters", [
            MODEL,
            this.actionId,
        ]);
        this.state.favorites = filters
            .map(({ id, name, context }) => ({ id, name, look: look(context) }))
            .filter((favorite) => favorite.look);
        this.state.name = this.props.name;
    }

    async save() {
        const { boardId, wanted } = this.props;
        const name = this.state.name.trim();
        if (!name) {
            return;
        }
        // only what is set: neither true nor false, so that JSON is a literal of Python, too
        const set = Object.entries(wanted).filter(([, value]) => value);
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

    choose({ look: { board_id: boardId, ...wanted } }) {
        this.props.onChoose(boardId, wanted);
    }
}

/** What a favorite of this screen keeps; nothing of others'. */
function look(context) {
    try {
        return JSON.parse(context)[KEY];
    } catch {
        return undefined;
    }
}
