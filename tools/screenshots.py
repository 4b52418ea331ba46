# Copyright 2026 crm_kpi contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Makes the pictures of the documentation from a running demo: `screenshots.py URL FOLDER CHROMIUM`.

It controls Chromium through its DevTools protocol with websocket-client, which the tests need too,
and writes one PNG per entry of PICTURES.
"""

from __future__ import annotations

import base64
import itertools
import json
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import websocket

#: Largest size of a picture in kilobytes, because pictures are part of the repository.
LIMIT = 200
#: File name, login (also the password), address, size, selector to wait for, and a click with the
#: selector to wait for after it.
PICTURES = [
    ("board", "rep", "/odoo/kpis", (1280, 800), ".o_kpi_card_open", None),
    (
        "board-detail",
        "manager",
        "/odoo/kpis?scope=company",
        (1280, 800),
        ".o_kpi_card_open",
        (".o_kpi_card_open", ".o_kpi_detail canvas"),
    ),
    (
        "board-wall",
        "manager",
        "/odoo/kpis?tv=1&scope=company",
        (1600, 900),
        ".o_kpi_tv article",
        None,
    ),
    (
        "scorecard",
        "manager",
        "/odoo/scorecard?scope=company",
        (1280, 800),
        ".o_kpi_scorecard .o_kpi_cell",
        None,
    ),
    ("board-phone", "rep", "/odoo/kpis", (390, 844), ".o_kpi_card_open", None),
]


class Chromium:
    """One page of a headless browser with its own profile."""

    def __init__(self, program: str, profile: str) -> None:
        self.process = subprocess.Popen(
            [
                program,
                "--headless=new",
                "--no-sandbox",
                "--hide-scrollbars",
                "--lang=en-US",
                "--remote-debugging-port=0",
                "--remote-allow-origins=*",
                f"--user-data-dir={profile}",
                "about:blank",
            ],
            stderr=subprocess.DEVNULL,
        )
        ports = Path(profile, "DevToolsActivePort")
        deadline = time.monotonic() + 60
        while not (ports.exists() and ports.read_text().count("\n")):
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise SystemExit("Chromium does not start")
            time.sleep(0.1)
        port = ports.read_text().split()[0]
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/json") as answer:
            pages = json.load(answer)
        page = next(page for page in pages if page["type"] == "page")
        self.socket = websocket.create_connection(page["webSocketDebuggerUrl"], timeout=120)
        self.numbers = itertools.count(1)

    def ask(self, method: str, **params):
        number = next(self.numbers)
        self.socket.send(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            answer = json.loads(self.socket.recv())
            if answer.get("id") == number:
                if "error" in answer:
                    raise SystemExit(f"{method}: {answer['error']['message']}")
                return answer["result"]

    def run(self, code: str):
        """The value of a JavaScript expression."""
        answer = self.ask("Runtime.evaluate", expression=code, returnByValue=True)
        return answer["result"].get("value")

    def wait(self, selector: str) -> None:
        deadline = time.monotonic() + 120
        while not self.run(f"Boolean(document.querySelector({json.dumps(selector)}))"):
            if time.monotonic() > deadline:
                raise SystemExit(f"{self.run('location.href')}: nothing matches {selector}")
            time.sleep(0.2)
        time.sleep(1.5)  # until animations have ended

    def click(self, selector: str) -> None:
        self.run(f"document.querySelector({json.dumps(selector)}).click()")

    def log_in(self, url: str, login: str) -> None:
        self.ask("Network.clearBrowserCookies")
        self.ask("Page.navigate", url=f"{url}/web/login")
        self.wait("#password")
        self.run(
            f"for (const name of ['login', 'password'])"
            f" document.getElementById(name).value = {json.dumps(login)};"
            "document.querySelector('form.oe_login_form').submit()"
        )
        self.wait(".o_web_client .o_main_navbar")

    def picture(self) -> bytes:
        return base64.b64decode(self.ask("Page.captureScreenshot", format="png")["data"])

    def resize(self, size: tuple[int, int]) -> None:
        width, height = size
        phone = width < 500
        self.ask(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=phone,
        )
        self.ask("Emulation.setTouchEmulationEnabled", enabled=phone)

    def close(self) -> None:
        self.socket.close()
        self.process.terminate()
        self.process.wait(20)


def main(url: str, folder: str, program: str) -> int:
    too_large = []
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        browser = Chromium(program, profile)
        try:
            user = None
            for name, login, path, size, there, click in PICTURES:
                browser.resize(size)
                if login != user:
                    browser.log_in(url, login)
                    user = login
                browser.ask("Page.navigate", url=f"{url}{path}")
                browser.wait(there)
                if click:
                    browser.click(click[0])
                    browser.wait(click[1])
                target = Path(folder, f"{name}.png")
                target.write_bytes(browser.picture())
                kilobytes = target.stat().st_size / 1024
                print(f"{target}: {kilobytes:.0f} kB")
                if kilobytes > LIMIT:
                    too_large.append(name)
        finally:
            browser.close()
    if too_large:
        print(f"more than {LIMIT} kB: {', '.join(too_large)}", file=sys.stderr)
    return bool(too_large)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
