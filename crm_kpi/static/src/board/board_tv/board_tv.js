import { Component, onMounted, onWillUnmount, useRef, useState } from "@odoo/owl";
import { browser } from "@web/core/browser/browser";
import { useHotkey } from "@web/core/hotkeys/hotkey_hook";
import { KpiCard } from "../kpi_card/kpi_card";

const { DateTime } = luxon;
/** Seconds that a board stays on the wall. */
const TURN = 30;
/** Minutes without an answer of the server after which the numbers are called old. */
const OLD_AFTER = 11;

/**
 * A board on the wall: the whole screen, large, one board after the other. What is old says
 * so in large letters, whatever the reason.
 */
export class BoardTv extends Component {
    static template = "crm_kpi.BoardTv";
    static components = { KpiCard };
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
            // refused without a click of the user's: the screen is filled either way
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

    /** The server does not answer, or has not for long: a machine that slept shows it at once. */
    get silent() {
        return Boolean(
            this.props.error || this.state.now - this.props.loadedAt > OLD_AFTER * 60 * 1000
        );
    }

    get old() {
        return this.silent || this.props.data.stale;
    }
}
