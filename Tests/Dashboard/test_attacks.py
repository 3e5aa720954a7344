"""Attacks on the dashboard: hostile names and texts, and pages of other origins."""

import functools
import http.server
import os
import threading
import unittest

from support import HERE, DashboardTest

MARKUP = "<img/src=x/onerror=window.pwned=1><script>window.pwned=1</script>"


class HostileTextTest(DashboardTest):
    def test_hostile_texts(self):
        """Names and reasons that mean something to a browser or to JavaScript stay text"""
        line = self.line("constructor")
        names = ["__proto__", "constructor", "toString", "javascript:alert", "-".join(["x"] * 100), "a/../../b", "...."]
        line.ok(*[f"open cap=2 {name}" for name in names])
        line.ok(f"poison jobs {MARKUP}")
        line.send("#1 recv __proto__", "#2 recv hasOwnProperty", "#toString send valueOf x")
        sender = self.line("__proto__")
        page = self.open()
        page.until("document.querySelector('#channels-tab .count').textContent === '10'")
        images = page.run("document.querySelectorAll('img, script').length")
        sender.send(*[f"send {name} x" for name in names])
        for _ in names:
            sender.reply()
        self.rounds(page, 2)
        shown = page.run(
            "[...document.querySelectorAll('.table.channels .row:not([hidden]) .c-name')].map((n) => n.textContent)"
        )
        self.assertLessEqual(set(names), set(shown))
        self.assertIn(f"poisoned: {MARKUP}", page.run("document.querySelector('.table.channels').innerText"))
        for name in ("waiters", "clients", "channels"):
            page.run(f"document.getElementById('{name}-tab').click()")
            page.run("document.querySelector('[role=tabpanel]:not([hidden]) .row:not([hidden])')?.click()")
            self.rounds(page, 1)
            page.press("Escape")
        for name in [*names, "jobs"]:
            page.run(
                "[...document.querySelectorAll('.body .row')]"
                f".find((row) => row.querySelector('.c-name').textContent === {name!r}).click()"
            )
            self.assertEqual(self.text(page, "#detail-title"), name)
            page.press("Escape")
        self.assertEqual(page.run("document.querySelectorAll('img, script').length"), images)
        self.assertIsNone(page.run("window.pwned ?? null"))
        self.assertTrue(page.run("({}).polluted === undefined && Object.keys(Object.prototype).length === 0"))

    def test_deceptive_characters(self):
        """Characters that are invisible or change the direction of a text are shown as escapes"""
        points = [*range(0x80, 0xA0), 0x061C, *range(0x200B, 0x2010), *range(0x2028, 0x202F), *range(0x2060, 0x2070)]
        points += [0x07, 0x1B, 0x7F, 0xFEFF, 0xFFF9, 0xFFFB, 0xE0001, 0xE0041]
        line = self.line()
        line.ok("open cap=5 jobs", f"send jobs {''.join(map(chr, [0x202E, 0x2066, 0xFEFF]))}body\tcaf\u00e9 \u05d0")
        for point in points:
            line.ok(f"poison c/{point:x} left{chr(point)}right")
        page = self.open()
        page.until(f"document.querySelector('#channels-tab .count').textContent === '{len(points) + 1}'")
        for point in points:
            name = f"c/{point:x}"
            page.run(f"document.getElementById('filter').value = '{name}'")
            page.run("document.getElementById('filter').dispatchEvent(new Event('input'))")
            row = (
                "[...document.querySelectorAll('.table.channels .row:not([hidden])')]"
                f".find((row) => row.querySelector('.c-name')?.textContent === '{name}')"
            )
            page.until(f"{row} !== undefined")
            for property in ("textContent", "title"):
                shown = page.run(f"{row}.querySelector('.c-state').{property}")
                self.assertNotIn(chr(point), shown, name)
                self.assertRegex(shown, r"left.+right", name)
            page.run(f"{row}.click()")
            self.assertNotIn(chr(point), page.run("document.getElementById('detail').innerHTML"), name)
            page.press("Escape")
        page.run("document.querySelector('#exchange-channel').value = 'jobs'")
        page.run("document.getElementById('exchange-receive').click()")
        page.until("document.getElementById('exchange-log').innerText.includes('body')")
        log = page.run("document.querySelector('#exchange-log .text').textContent")
        self.assertEqual(log, "\\u202e\\u2066\\ufeffbody\tcaf\u00e9 \u05d0")

    def test_nothing_from_elsewhere(self):
        """The page makes requests only to its server, and its policy forbids all others"""
        page = self.open()
        self.rounds(page, 1)
        self.assertEqual(
            {url for url in page.requests if not url.startswith(self.daemon.url + "/")} - {"about:blank"}, set()
        )
        refused = page.run(
            """(async () => {
                const results = [];
                try { document.body.innerHTML = '<b>x</b>'; results.push('markup'); } catch { results.push('refused'); }
                try { eval('1'); results.push('eval'); } catch { results.push('refused'); }
                await fetch('http://127.0.0.1:9/').then(() => results.push('fetch'), () => results.push('refused'));
                const script = document.createElement('script');
                try { script.textContent = 'window.pwned = 1'; document.body.append(script); } catch { /* refused */ }
                results.push(window.pwned ? 'script' : 'refused');
                return results;
            })()"""
        )
        # The browser reports each of them.
        self.forgive(page, "Content Security Policy", "Trusted")
        self.assertEqual(refused, ["refused"] * 4)


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


class OtherOriginTest(DashboardTest):
    # All names lead to this machine, as after DNS rebinding.
    flags = ("--host-resolver-rules=MAP *.example 127.0.0.1",)

    def attack(self, host):
        """Lets a page of another origin try everything, and returns the results."""
        handler = functools.partial(QuietHandler, directory=HERE)
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            page = self.browser.page()
            statuses = {}

            def note(message):
                if message.get("method") == "Network.responseReceived":
                    response = message["params"]["response"]
                    statuses.setdefault(response["status"], []).append(response["url"])

            self.browser.listen(note)
            page.go(
                f"http://attacker.example:{server.server_port}/attacker.html#{host}:{self.daemon.web_port},{self.daemon.port}"
            )
            results = page.until("window.results", 60)
            page.close()
            ours = f":{self.daemon.web_port}/"
            return results, {status: urls for status, urls in statuses.items() if any(ours in url for url in urls)}
        finally:
            server.shutdown()
            thread.join()
            server.server_close()

    def check(self, host, refusal):
        line = self.line()
        line.ok("open cap=5 jobs", "send jobs mine")
        before = line.report("channels")
        results, statuses = self.attack(host)
        self.assertEqual(set(statuses) - {200}, {refusal}, statuses)
        # 200 is the attacker's own page.
        self.assertFalse([url for url in statuses.get(200, []) if f":{self.daemon.web_port}/" in url])
        for name, result in results.items():
            self.assertFalse(
                str(result).startswith(("read", "opened", "message", "loaded")) and name != "frame", f"{name}: {result}"
            )
        self.assertEqual(line.report("channels"), before)
        line.send("info format=json")
        self.assertIn('"handoffs":0', line.body()[1])

    def test_other_origin(self):
        """A page of another origin can do nothing by fetch, form, image, frame, EventSource or WebSocket"""
        self.check("127.0.0.1", 403)

    def test_rebinding(self):
        """A page whose own host name points to this server reaches nothing"""
        self.check("rebound.example", 421)
        page = self.browser.page()
        page.call("Page.navigate", url=f"http://rebound.example:{self.daemon.web_port}/")
        page.until("document.body?.innerText.includes('this server does not have that name')")
        # A page that the name led to before has another policy than this response.
        page.call("Page.setBypassCSP", enabled=True)
        page.call("Page.reload")
        page.until("document.readyState === 'complete' && document.body.innerText.includes('this server')")
        self.assertEqual(
            page.run("fetch('/v1/channels').then(async (r) => [r.status, await r.text()].join(' '))").split(" ")[0],
            "421",
        )
        page.close()

    def test_link(self):
        """A link on another page opens the dashboard, but no page can show it in a frame"""
        page = self.open()
        self.rounds(page, 1)
        handler = functools.partial(QuietHandler, directory=os.path.join(HERE))
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            page.go(f"http://attacker.example:{server.server_port}/browser.py")
            page.run(f"location.href = '{self.daemon.url}/'")
            page.until("document.body.dataset.state === 'live'")
        finally:
            server.shutdown()
            thread.join()
            server.server_close()
        self.forgive(page, "")


if __name__ == "__main__":
    unittest.main()
