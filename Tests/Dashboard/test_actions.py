"""A person sends, receives, and ends channels and connections in the dashboard, with and without permissions."""

import unittest

from daemon import digest
from support import DashboardTest

LOG = "document.querySelector('#exchange-log li')"


def click(page, words, within="document"):
    """Clicks the button with these words."""
    page.run(f"[...{within}.querySelectorAll('button')].find((b) => b.textContent === {words!r}).click()")


class ActionsTest(DashboardTest):
    def fill(self, page, channel, message="", timeout="10m"):
        page.run("document.getElementById('exchange').open || document.getElementById('exchange-open').click()")
        for field, value in (("channel", channel), ("message", message), ("timeout", timeout)):
            page.run(f"document.getElementById('exchange-{field}').value = {value!r}")

    def test_send(self):
        """A message that a person sends arrives, and the page says so"""
        worker = self.line()
        page = self.open()
        self.fill(page, "jobs", "sweep the yard")
        page.run("document.getElementById('exchange-send').click()")
        worker.send("recv jobs")
        self.assertEqual(worker.body(), ("MSG jobs 14", "sweep the yard"))
        page.until(f"{LOG}.className === 'good' && {LOG}.innerText.includes('ok')")
        self.fill(page, "jobs", "x", timeout="0")
        page.run("document.getElementById('exchange-send').click()")
        page.until(f"{LOG}.innerText.includes('the time ran out, and it did not happen')")
        # The browser reports a response such as 408 as an error.
        self.forgive(page, "status of 408")

    def test_withdraw(self):
        """A withdrawn send no longer waits in the hub"""
        line = self.line()
        page = self.open()
        self.fill(page, "jobs", "x")
        page.run("document.getElementById('exchange-send').click()")
        line.until("waiters jobs", lambda rows: len(rows) == 1)
        click(page, "Withdraw")
        line.until("waiters jobs", lambda rows: not rows)
        page.until(f"{LOG}.innerText.includes('withdrawn')")

    def test_websocket(self):
        """A page of this server speaks the line protocol over a WebSocket, and fetches messages"""
        line = self.line()
        page = self.open()
        page.run(
            """(() => {
                window.heard = [];
                window.socket = new WebSocket(`ws://${location.host}/ws`);
                socket.binaryType = 'arraybuffer';
                const text = (data) => typeof data === 'string' ? data : new TextDecoder().decode(data);
                socket.onmessage = (event) => heard.push(text(event.data));
                socket.onopen = () => socket.send('recv jobs');
            })()"""
        )
        line.until("waiters jobs", lambda rows: len(rows) == 1)
        line.ok("send jobs hello")
        page.until("heard.length === 2")
        self.assertEqual(page.run("heard.join('|')"), "MSG jobs 5|hello")
        page.run("socket.send('send jobs from a page')")
        fetched = page.run("fetch('/c/jobs').then((response) => response.text())")
        self.assertEqual(fetched, "from a page")
        page.until("heard.length === 3")
        self.assertEqual(page.run("heard[2]"), "OK")
        page.run("socket.close()")

    def test_call(self):
        """A call shows its answer"""
        worker = self.line()
        page = self.open()
        self.fill(page, "sums", "2 3")
        page.run("document.getElementById('exchange-call').click()")
        worker.send("recv lease=1m sums")
        head, _ = worker.body()
        delivery = next(word.removeprefix("did=") for word in head.split() if word.startswith("did="))
        self.assertEqual(worker.ask(f"ack {delivery} 5"), "OK")
        page.until(f"{LOG}.innerText.includes('answer: 5')")

    def test_receive(self):
        """A received message is shown as text, and is under a lease until a person ends it"""
        line = self.line()
        line.ok("open cap=5 jobs", "send jobs <img src=x onerror=alert(1)>", "send jobs second")
        page = self.open()
        self.fill(page, "jobs")
        page.run("document.getElementById('exchange-receive').click()")
        page.until(f"{LOG}.innerText.includes('<img src=x onerror=alert(1)>')")
        self.assertEqual(line.report("channels")[0]["leased"], 1)
        click(page, "Return")
        page.until(f"{LOG}.innerText.includes('(returned)')")
        self.assertEqual(line.report("channels")[0]["buffered"], 2)
        page.run("document.getElementById('exchange-receive').click()")
        page.until(f"{LOG}.innerText.includes('<img') && {LOG}.querySelector('button')?.textContent === 'Acknowledge'")
        click(page, "Acknowledge")
        page.until(f"{LOG}.innerText.includes('(acknowledged)')")
        self.assertEqual(line.report("channels")[0]["taken"], 1)
        self.fill(page, "nothing", timeout="0")
        page.run("document.getElementById('exchange-receive').click()")
        page.until(f"{LOG}.innerText.includes('nobody sent')")

    def end_channel(self, page, name, button):
        page.until(f"[...document.querySelectorAll('.c-name')].some((n) => n.textContent === {name!r})")
        page.run(f"[...document.querySelectorAll('.body .row')].find((r) => r.innerText.startsWith({name!r})).click()")
        page.until("document.getElementById('detail').open")
        click(page, button, "document.getElementById('detail')")
        page.until("document.getElementById('confirm').open")

    def test_dots(self):
        """A channel whose name contains the segment .. is poisoned, and no other channel"""
        line = self.line()
        line.ok("open cap=5 jobs", "open cap=5 x/../jobs")
        page = self.open()
        self.end_channel(page, "x/../jobs", "Poison…")
        click(page, "Poison the channel")
        page.until("document.querySelector('#detail .result').textContent === 'done'")
        self.assertEqual(line.report("channels jobs")[0]["state"], "open")
        self.assertEqual(line.report("channels x/../jobs")[0]["state"], "poisoned")

    def test_close_and_poison(self):
        """A channel is closed or poisoned only after a confirmation"""
        line = self.line()
        line.ok("open cap=5 a", "open cap=5 b/c")
        page = self.open()
        self.end_channel(page, "a", "Close…")
        self.assertEqual(page.run("document.activeElement.textContent"), "Cancel")
        page.press("Enter")
        page.until("!document.getElementById('confirm').open")
        self.assertEqual(line.report("channels a")[0]["state"], "open")
        click(page, "Close…")
        click(page, "Close the channel")
        page.until("document.querySelector('#detail .result').textContent === 'done'")
        self.assertEqual(line.report("channels a")[0]["state"], "closed")
        page.press("Escape")
        self.end_channel(page, "b/c", "Poison…")
        page.run("document.getElementById('confirm-reason').value = 'no more & <b>'")
        click(page, "Poison the channel")
        page.until("document.querySelector('#detail .result').textContent === 'done'")
        row = line.report("channels b/c")[0]
        self.assertEqual((row["state"], row["reason"]), ("poisoned", "no more & <b>"))
        page.until("document.querySelector('.table.channels').innerText.includes('poisoned: no more & <b>')")


class PermissionsTest(DashboardTest):
    principals = f"""
principals:
  ops: {{tokens: ["{digest("secret")}"], allow: {{"*": [""], inspect: all, trace: [""], kill: all}}}}
  guest: {{tokens: ["{digest("weak")}"], allow: {{recv: ["news"], inspect: own}}}}
"""

    def sign_in(self, page, principal, token):
        page.until("document.getElementById('credentials').open")
        page.run(f"document.getElementById('principal').value = {principal!r}")
        page.run(f"document.getElementById('token').value = {token!r}")
        click(page, "Continue")
        self.forgive(page, "status of 401")

    def operator(self):
        line = self.line()
        line.ok("auth ops secret", "name victim")
        return line

    def test_token(self):
        """The page asks for a token, asks again if it is wrong, and keeps it nowhere"""
        page = self.open()
        self.sign_in(page, "ops", "wrong")
        page.until("document.getElementById('credentials-text').textContent.includes('refused')")
        self.sign_in(page, "ops", "secret")
        page.until("document.body.dataset.state === 'live'")
        kept = page.run(
            "JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie, location.href,"
            " document.getElementById('token').value])"
        )
        self.assertNotIn("secret", kept)
        self.forgive(page, "status of 401")

    def test_kill(self):
        """A connection is ended after a confirmation"""
        line = self.operator()
        page = self.open()
        self.sign_in(page, "ops", "secret")
        page.until("document.body.dataset.state === 'live'")
        page.run("document.getElementById('clients-tab').click()")
        page.until("[...document.querySelectorAll('.table.clients .row')].some((r) => r.innerText.includes('victim'))")
        page.run(
            "[...document.querySelectorAll('.table.clients .row')].find((r) => r.innerText.includes('victim')).click()"
        )
        click(page, "End the connection…")
        page.until("document.getElementById('confirm').open")
        click(page, "End the connection")
        page.until("document.querySelector('#detail .result').textContent === 'done'")
        self.assertIn("KILL closed the connection", line.reply() + line.file.read().decode())
        page.until("!document.querySelector('#detail .note').hidden")
        self.forgive(page, "status of 401")

    def test_denied(self):
        """A principal sees only what it may see, and learns that an action is not permitted"""
        self.operator().ok("open cap=5 secrets")
        page = self.open()
        self.sign_in(page, "guest", "weak")
        page.until("document.body.dataset.state === 'live' && document.body.dataset.rounds >= 2")
        self.assertNotIn("secrets", page.run("document.body.innerText"))
        page.run("document.getElementById('exchange-open').click()")
        page.run("document.getElementById('exchange-channel').value = 'secrets'")
        page.run("document.getElementById('exchange-send').click()")
        page.until(f"{LOG}.innerText.includes('not permitted')")
        self.forgive(page, "status of 403")


if __name__ == "__main__":
    unittest.main()
