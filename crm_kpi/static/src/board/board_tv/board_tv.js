import { Component, onMounted, onWillUnmount, useRef, useState } from "@odoo/owl";
import { browser } from "@web/core/browser/browser";
import { useHotkey } from "@web/core/hotkeys/hotkey_hook";
import { FoldedCards } from "../folded_cards/folded_cards";
import { KpiCard } from "../kpi_card/kpi_card";
import { withSections } from "../sections";

const { DateTime } = luxon;
/** Seconds until the next board is shown, if the user does not choose, and at least. */
export const SECONDS_PER_BOARD = 30;
export const SHORTEST_TURN = 5;
/** Minutes without an answer of the server after which the values are called old. */
const OLD_AFTER = 11;

/**
 * Boards on a wall: full screen, one board after the other. A banner says when values are old.
 */
export class BoardTv extends Component {
    static template = "crm_kpi.BoardTv";
    static components = { FoldedCards, KpiCard };
    static props = {
        data: Object,
        error: String,
        loadedAt: Number,
        rotation: Object,
        onNext: Function,
        onRotate: Function,
        onClose: Function,
    };

    setup() {
        this.root = useRef("root");
        this.state = useState({ now: Date.now(), paused: false, settings: false });
        useHotkey("escape", () => this.props.onClose());
        this.shortest = SHORTEST_TURN;
        onMounted(() => {
            this.root.el.focus();
            // browsers refuse this without a click; the board covers the window in any case
            this.root.el.requestFullscreen?.().catch(() => {});
            this.shownAt = Date.now();
            this.timer = browser.setInterval(() => this.tick(), 1000);
        });
        onWillUnmount(() => {
            browser.clearInterval(this.timer);
            if (document.fullscreenElement) {
                document.exitFullscreen().catch(() => {});
            }
        });
    }

    get cards() {
        return withSections(this.props.data.cards.filter((card) => !card.folded));
    }

    get folded() {
        return this.props.data.cards.filter((card) => card.folded);
    }

    get time() {
        return DateTime.fromMillis(this.state.now).toLocaleString(DateTime.TIME_SIMPLE);
    }

    tick() {
        this.state.now = Date.now();
        const seconds = (this.state.now - this.shownAt) / 1000;
        if (this.state.paused || this.state.settings) {
            this.shownAt = this.state.now;
        } else if (Math.round(seconds) >= this.props.rotation.seconds) {
            this.shownAt = this.state.now;
            this.props.onNext();
        }
    }

    isChosen(board) {
        const { boards } = this.props.rotation;
        return !boards.length || boards.includes(board.id);
    }

    toggleBoard(board) {
        const chosen = this.props.data.boards.filter(
            (other) => this.isChosen(other) !== (other.id === board.id)
        );
        this.props.onRotate({ ...this.props.rotation, boards: chosen.map(({ id }) => id) });
    }

    setSeconds(ev) {
        const seconds = Math.max(Number(ev.target.value) || SECONDS_PER_BOARD, SHORTEST_TURN);
        this.props.onRotate({ ...this.props.rotation, seconds });
    }

    /** Whether the last call failed, or the last answer is too old. */
    get disconnected() {
        return Boolean(
            this.props.error || this.state.now - this.props.loadedAt > OLD_AFTER * 60 * 1000
        );
    }

    get old() {
        return this.disconnected || this.props.data.stale;
    }
}
