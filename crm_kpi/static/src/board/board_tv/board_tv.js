import { Component, onMounted, onWillUnmount, useRef, useState } from "@odoo/owl";
import { browser } from "@web/core/browser/browser";
import { useHotkey } from "@web/core/hotkeys/hotkey_hook";
import { KpiCard } from "../kpi_card/kpi_card";

/** Seconds that a board stays on the wall. */
const TURN = 30;

/**
 * A board on the wall: the whole screen, large, one board after the other. What is old says
 * so in large letters, whatever the reason.
 */
export class BoardTv extends Component {
    static template = "crm_kpi.BoardTv";
    static components = { KpiCard };
    static props = { data: Object, failed: Boolean, onNext: Function, onClose: Function };

    setup() {
        this.root = useRef("root");
        this.state = useState({ time: this.now(), paused: false });
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

    now() {
        return new Intl.DateTimeFormat(undefined, { timeStyle: "short" }).format(new Date());
    }

    tick() {
        this.state.time = this.now();
        this.ticks += 1;
        if (!this.state.paused && this.ticks % TURN === 0) {
            this.props.onNext();
        }
    }

    get old() {
        return this.props.failed || this.props.data.stale;
    }
}
