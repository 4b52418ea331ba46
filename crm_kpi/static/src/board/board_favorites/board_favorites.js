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
        this.state = useState({ favorites: [], name: "", isDefault: false, shared: false });
    }

    get actionId() {
        return this.env.config.actionId || false;
    }

    async read() {
        this.mayShare = await user.hasGroup("crm_kpi.group_kpi_manager");
        const favorites = await this.orm.silent.call("ir.filters", "get_filters", [
            MODEL,
            this.actionId,
        ]);
        this.state.favorites = favorites
            .map(({ id, name, context, is_default, user_ids }) => ({
                id,
                name,
                saved: readSaved(context),
                isDefault: is_default,
                shared: !user_ids.length,
            }))
            .filter((favorite) => favorite.saved);
        Object.assign(this.state, { name: this.props.name, isDefault: false, shared: false });
    }

    async save() {
        const { boardId, filters } = this.props;
        const { isDefault, shared } = this.state;
        const name = this.state.name.trim();
        if (!name) {
            return;
        }
        const former = this.state.favorites.filter(
            (other) => isDefault && other.isDefault && other.shared === shared
        );
        if (former.length) {
            const ids = former.map(({ id }) => id);
            await this.orm.write("ir.filters", ids, { is_default: false });
        }
        // Odoo reads the context as Python: leave out false, which JSON writes differently
        const set = Object.entries(filters).filter(([, value]) => value);
        const context = { [KEY]: { board_id: boardId, ...Object.fromEntries(set) } };
        await this.orm.call("ir.filters", "create_filter", [
            {
                name,
                model_id: MODEL,
                action_id: this.actionId,
                user_ids: shared ? [] : [user.userId],
                is_default: isDefault,
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
