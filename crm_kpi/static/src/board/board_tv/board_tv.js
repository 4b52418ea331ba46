import { Component, onMounted, onWillUnmount, useRef, useState } from "@odoo/owl";
import { browser } from "@web/core/browser/browser";
import { useHotkey } from "@web/core/hotkeys/hotkey_hook";
import { FoldedCards } from "../folded_cards/folded_cards";
import { KpiCard } from "../kpi_card/kpi_card";

const { DateTime } = luxon;
/** Seconds until the next board is shown. */
const TURN = 30;
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
        onNext: Function,
        onClose: Function,
    };

    setup() {
        this.root = useRef("root");
        this.state = useState({ now: Date.now(), paused: false });
        useHotkey("escape", () => this.props.onClose());
        onMounted(() => {
            this.root.el.focus();
            // browsers refuse this without a click; the board covers the window in any case
            this.root.el.requestFullscreen?.().catch(() => {});
            this.ticks = 0;
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
        return this.props.data.cards.filter((card) => !card.folded);
    }

    get folded() {
        return this.props.data.cards.filter((card) => card.folded);
    }

    get time() {
        return DateTime.fromMillis(this.state.now).toLocaleString(DateTime.TIME_SIMPLE);
    }

    tick() {
        this.state.now = Date.now();
        this.ticks += 1;
        if (!this.state.paused && this.ticks % TURN === 0) {
            this.props.onNext();
        }
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
