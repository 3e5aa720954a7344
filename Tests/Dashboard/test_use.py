"""A person uses the dashboard: with the keyboard, a screen reader, a phone, and ten thousand channels."""

import os
import struct
import unittest

from support import HERE, DashboardTest

HUGE = 10_000
SIZES = {"wide": (1440, 900, False), "tablet": (820, 1180, False), "phone": (390, 844, True)}
NAMED = {
    "button", "textbox", "searchbox", "combobox", "grid", "columnheader", "dialog", "alertdialog", "tab", "tablist",
    "tabpanel", "meter", "log", "link", "region", "complementary", "heading", "image", "option",
}  # fmt: skip
FILLED = "document.querySelector('.table.channels .body .row:not([hidden])') !== null"
ROWS = "document.querySelectorAll('.table.channels .body .row').length"


def audit(page, check):
    with open(os.path.join(HERE, "audit.js")) as file:
        return page.run(f"{file.read().rstrip().removesuffix(';')}.{check}()")


class UseTest(DashboardTest):
    def busy(self):
        """Makes a hub in which every part of the page has something to show."""
        line, worker = self.line("foreman"), self.line("painter")
        line.ok("open cap=8 jobs/paint", "send jobs/paint x", "send jobs/paint y", "poison jobs/sweep no broom")
        line.send("#1 send orders/eu x", "#2 recv mail/out", "#3 select recv replies | barrier parties=3 lunch")
        worker.send("#1 recv lease=1h jobs/paint", "#2 recv mail/out", "#3 recv lease=1h orders/us")
        worker.body()
        line.send("#4 send orders/us x")
        worker.body()
        a, b = self.line("planner"), self.line("estimator")
        a.ok("join end=recv quotes", "join end=send plans")
        b.ok("join end=recv plans", "join end=send quotes")
        a.send("recv quotes")
        b.send("recv plans")
        line.until("stuck", lambda cycles: len(cycles) == 1)
        return line

    def test_many_channels(self):
        """Ten thousand channels scroll, are filtered and sorted, and only the visible rows are in the document"""
        line = self.line()
        line.ok(*[f"open cap=4 team{n % 50}/queue-{n:05d}" for n in range(HUGE)])
        page = self.open()
        page.until("document.querySelector('#channels-tab .count').textContent.replace(/\\D/g, '') === '10000'")
        self.assertLess(page.run(ROWS), 100)
        grid = "document.querySelector('.table.channels .grid')"
        self.assertEqual(page.run(f"{grid}.ariaRowCount"), str(HUGE + 1))
        page.run(f"{grid}.focus()")
        page.press("End")
        last = "document.querySelector('.table.channels .row[aria-selected=true]')?.innerText ?? ''"
        page.until(f"({last}).includes('team9/queue-09959')")
        self.assertLess(page.run(ROWS), 100)
        # A frame for each of 200 steps, up and down the whole table.
        slowest = page.run(
            f"""(async () => {{
                const grid = {grid};
                let slowest = 0;
                for (let step = 0; step < 200; step += 1) {{
                    const begin = performance.now();
                    grid.scrollTop = ((step * 7919) % 100) / 100 * grid.scrollHeight;
                    await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
                    slowest = Math.max(slowest, performance.now() - begin);
                }}
                return slowest;
            }})()"""
        )
        print(f"(slowest of 200 frames: {slowest:.0f} ms) ", end="")
        self.assertLess(page.run(ROWS), 100)
        page.press("/")
        page.type("QUEUE-0777")
        page.until("document.querySelector('.table.channels .note').textContent === '9990 hidden by the filter'")
        page.until("[...document.querySelectorAll('.table.channels .body .row:not([hidden]) .c-name')].length === 10")
        page.run("document.querySelector('.table.channels .c-name button').click()")
        names = page.run(
            """[...document.querySelectorAll('.table.channels .body .row:not([hidden])')]
                .sort((a, b) => a.ariaRowIndex - b.ariaRowIndex)
                .map((row) => row.querySelector('.c-name').textContent)"""
        )
        self.assertEqual(names, sorted(names))
        heading = "document.querySelector('.table.channels [role=columnheader].c-name')"
        self.assertEqual(page.run(f"{heading}.ariaSort"), "ascending")

    def test_quiet_channels_cost_nothing(self):
        """A row that has not changed is not sent again"""
        line = self.line()
        line.ok(*[f"open cap=4 jobs/{n:04d}" for n in range(1000)])
        page = self.open()
        page.until("document.querySelector('#channels-tab .count').textContent.replace(/\\D/g, '') === '1000'")
        # Counts what one further viewer gets: the rows of a whole round come once.
        sizes = page.run(
            """(async () => {
                const reader = (await fetch('/v1/live')).body.pipeThrough(new TextDecoderStream()).getReader();
                let text = '';
                while (text.split('event: round').length < 4) text += (await reader.read()).value;
                reader.cancel();
                return text.split('event: round').slice(0, 3).map((round) => round.split('"name":"jobs/').length - 1);
            })()"""
        )
        self.assertEqual(sizes, [1000, 0, 0])

    def test_keyboard(self):
        """The tab key reaches every control, and keys do what the mouse does"""
        self.busy()
        page = self.open()
        page.until(f"{FILLED} && document.querySelector('.waits button') !== null")
        count = audit(page, "stops")
        reached = set()
        page.run("document.body.focus()")
        for _ in range(3 * count):
            page.press("Tab")
            stop = page.run("document.activeElement?.dataset?.stop ?? null")
            if stop is not None:
                reached.add(stop)
            if len(reached) >= count:
                break
        missed = page.run(
            f"""[...document.querySelectorAll('[data-stop]')]
                .filter((node) => !{sorted(reached)}.includes(node.dataset.stop))
                .map((node) => node.outerHTML.slice(0, 80))"""
        )
        self.assertEqual(missed, [])
        self.assertGreater(count, 10)

        page.run("document.querySelector('.table.channels .grid').focus()")
        for key in ("Home", "ArrowDown", "ArrowDown", "ArrowUp"):
            page.press(key)
        name = page.run("document.querySelector('.row[aria-selected=true] .c-name').textContent")
        page.press("Enter")
        page.until("document.getElementById('detail').open")
        self.assertEqual(self.text(page, "#detail-title"), name)
        page.press("Escape")
        page.until("!document.getElementById('detail').open")
        self.assertTrue(page.run("document.activeElement.matches('.table.channels .grid')"))
        page.run("document.getElementById('channels-tab').focus()")
        page.press("ArrowRight")
        self.assertTrue(
            page.run("document.activeElement.id === 'waiters-tab' && !document.getElementById('waiters-panel').hidden")
        )
        page.press("p")
        self.assertEqual(page.run("document.body.dataset.state"), "paused")
        page.press("p")
        page.press("/")
        self.assertEqual(page.run("document.activeElement.id"), "filter")

    def test_names(self):
        """Every control, table and dialog has a name for screen readers, and references have targets"""
        self.busy()
        page = self.open()
        page.until(FILLED)

        def check(where):
            for node in page.call("Accessibility.getFullAXTree")["nodes"]:
                role = node.get("role", {}).get("value")
                if node.get("ignored") or role not in NAMED:
                    continue
                self.assertTrue(
                    node.get("name", {}).get("value", "").strip(), f"a {role} without a name {where}: {node}"
                )
            self.assertEqual(audit(page, "references"), [], where)

        check("on the page")
        for name in ("waiters", "leases", "clients", "channels"):
            page.run(f"document.getElementById('{name}-tab').click()")
            check(f"in {name}")
        page.run("document.querySelector('.table.channels .body .row').click()")
        page.until("document.getElementById('detail').open")
        check("in the details of a channel")
        page.run(
            "[...document.querySelectorAll('#detail .buttons button')].find((b) => b.textContent === 'Poison…').click()"
        )
        page.until("document.getElementById('confirm').open")
        check("in the confirmation")
        page.press("Escape")
        page.press("Escape")
        page.until("!document.getElementById('detail').open")
        page.run("document.getElementById('exchange-open').click()")
        check("in the dialog that sends")

    def test_looks(self):
        """In both themes and at three sizes, nothing is cut off, and texts have enough contrast"""
        self.busy()
        page = self.open()
        self.rounds(page, 3)
        os.makedirs(".build/dashboard", exist_ok=True)
        for theme in ("light", "dark"):
            page.set_theme(theme)
            for size, (width, height, is_phone) in SIZES.items():
                page.resize(width, height, is_phone)
                self.rounds(page, 1)
                where = f"{size}, {theme}"
                data = page.screenshot(f".build/dashboard/{size}-{theme}.png")
                scale = 2 if is_phone else 1
                self.assertEqual(struct.unpack(">II", data[16:24]), (scale * width, scale * height), where)
                self.assertLessEqual(page.run("document.documentElement.scrollWidth"), width, where)
                self.assertEqual(audit(page, "contrast"), [], where)
            page.resize(*SIZES["wide"])
            page.run("document.querySelector('.table.channels .body .row').click()")
            self.rounds(page, 1)
            page.screenshot(f".build/dashboard/detail-{theme}.png")
            self.assertEqual(audit(page, "contrast"), [], f"details, {theme}")
            page.press("Escape")
            page.run("document.getElementById('exchange-open').click()")
            page.screenshot(f".build/dashboard/exchange-{theme}.png")
            self.assertEqual(audit(page, "contrast"), [], f"sending, {theme}")
            page.press("Escape")
        theme = "document.getElementById('theme')"
        page.run(f"{theme}.value = 'light'; {theme}.dispatchEvent(new Event('change'))")
        self.assertEqual(page.run("getComputedStyle(document.documentElement).colorScheme"), "light")


if __name__ == "__main__":
    unittest.main()
