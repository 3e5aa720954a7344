"""The dashboard shows the figures of the reports."""

import re
import unittest

from support import DashboardTest

COUNTS = ["senders", "receivers", "buffered", "leased"]
NONE = "\N{EN DASH}"
CELLS = """
[...document.querySelectorAll('.table.channels .body .row:not([hidden])')].map((row) => Object.fromEntries(
  [...row.children].map((cell) => [cell.className.match(/c-(\\w+)/)[1], cell.textContent])))
"""


class FiguresTest(DashboardTest):
    def test_figures_equal_channels(self):
        """The rows of the table are those of CHANNELS"""
        line = self.line()
        line.ok("open cap=3 jobs/paint", "send jobs/paint a", "send jobs/paint b", "open kind=broadcast news")
        line.ok("open cap=2 overflow=drop-oldest ticks", "join end=send jobs/sweep", "join end=recv jobs/sweep")
        line.ok("poison jobs/dead no broom")
        line.send(*[f"#s{n} send jobs/wait x" for n in range(3)], *[f"#r{n} recv jobs/free" for n in range(2)])
        line.send("#l recv lease=1h jobs/paint")
        line.body()
        page = self.open()
        rows = line.until("channels", lambda rows: len(rows) == 7)
        page.until(f"({CELLS}).length === 7 && ({CELLS}).find((row) => row.name === 'jobs/wait')?.senders === '3'")
        shown = {row["name"]: row for row in page.run(CELLS)}
        self.assertEqual(set(shown), {row["name"] for row in rows})
        for row in rows:
            cells = shown[row["name"]]
            for key in COUNTS:
                self.assertEqual(cells[key], str(row[key]), f"{key} of {row['name']}")
            ends = row["sendingEnds"] + row["receivingEnds"]
            self.assertEqual(cells["ends"], f"{row['sendingEnds']}/{row['receivingEnds']}" if ends else NONE)
            state = f"{row['state']}: {row['reason']}" if row.get("reason") else row["state"]
            self.assertEqual(cells["state"], state)
            self.assertEqual(cells["wait"] != NONE, "longestWaitSeconds" in row)
        self.assertEqual(shown["ticks"]["kind"], "queue 2 drop-oldest")
        self.assertEqual(shown["news"]["kind"], "broadcast")
        self.assertEqual(shown["jobs/wait"]["kind"], "rendezvous")

    def test_changes(self):
        """A change appears in the next rounds, and a channel that no longer exists disappears"""
        line = self.line()
        line.send("#1 send jobs x")
        page = self.open()
        page.until(f"({CELLS}).find((row) => row.name === 'jobs')?.senders === '1'")
        line.ok("open cap=2 other")
        page.until(f"({CELLS}).some((row) => row.name === 'other')")
        self.assertEqual(line.ask("cancel #1"), "OK")
        page.until(f"!({CELLS}).some((row) => row.name === 'jobs' && row.senders !== '0')")

    def test_summary(self):
        """The figures of the summary are those of INFO, and the rate is known after two rounds"""
        line = self.line()
        line.ok("open cap=5 jobs", "send jobs a", "send jobs b")
        page = self.open()
        figure = """
            [...document.querySelectorAll('#counts div')].find((div) =>
                div.querySelector('dt').textContent === '{}').querySelector('dd').textContent === '{}'
        """
        page.until(figure.format("buffered", 2))
        page.until(figure.format("channels", 1))
        line.send("recv jobs")
        line.body()
        page.until(figure.format("taken in all", 1))
        page.until("document.getElementById('rate').textContent !== '\u2013'")
        page.until("[...document.querySelectorAll('[role=meter]')].length === 5")
        self.assertRegex(
            page.run("document.querySelector('[role=meter]').ariaValueText"), r"^[\d.]+ \w+ of [\d.]+ \w+$"
        )

    def test_rates(self):
        """A channel with handoffs shows them, with a line of their history"""
        line, other = self.line(), self.line()
        page = self.open()
        self.rounds(page, 1)
        other.send(*["recv jobs"] * 500)
        line.ok(*["send jobs x"] * 500)
        page.until(f"({CELLS}).some((row) => row.name === 'jobs')")
        path = "document.querySelector('.table.channels .row:not([hidden]) .sparkline.flow .line').getAttribute('d')"
        page.until(f"{path}.startsWith('M0')")

    def test_deadlock(self):
        """A deadlock appears with its cycle within two rounds, and disappears when it is over"""
        a, b = self.line("planner"), self.line("estimator")
        page = self.open()
        self.rounds(page, 1)
        hidden = "document.getElementById('stuck').hidden"
        self.assertTrue(page.run(hidden))
        a.ok("join end=recv quotes", "join end=send plans")
        b.ok("join end=recv plans", "join end=send quotes")
        a.send("recv quotes")
        b.send("recv plans")
        self.line().until("stuck", lambda cycles: [cycle["certainty"] for cycle in cycles] == ["proved"])
        # The round that runs now may have taken the report already.
        self.rounds(page, 2)
        self.assertFalse(page.run(hidden))
        text = page.run("document.getElementById('stuck').innerText")
        self.assertIn("Deadlock: 2 clients wait for each other", text)
        self.assertRegex(
            text, r"planner \(127\.0\.0\.1:\d+\) has waited [\d.]+ m?s to recv quotes, which estimator sends"
        )
        self.assertRegex(
            text, r"estimator \(127\.0\.0\.1:\d+\) has waited [\d.]+ m?s to recv plans, which planner sends"
        )
        self.assertEqual(
            page.run("[...document.querySelectorAll('.ring .edge-label')].map((t) => t.textContent).sort()"),
            ["plans", "quotes"],
        )
        self.assertTrue(page.run("document.title").startswith("Deadlock"))
        a.close()
        page.until(hidden)
        b.close()

    def test_waiters(self):
        """Waiting operations, leases and clients have tables, and the graph shows each waiting client at its channel"""
        worker, sender = self.line("worker"), self.line("foreman")
        worker.send("#1 recv lease=1h jobs")
        sender.send("#s send jobs sweep the yard", "#t select recv replies | send news x")
        worker.body()
        page = self.open()
        page.run("document.getElementById('waiters-tab').click()")
        page.until("document.querySelector('.table.waiting').innerText.includes('select recv replies | send news')")
        page.run("document.getElementById('leases-tab').click()")
        page.until("document.querySelector('.table.leases').innerText.includes('worker')")
        cells = page.run(
            "[...document.querySelector('.table.leases .body .row:not([hidden])').children].map((c) => c.textContent)"
        )
        self.assertRegex(cells[0], r"^\d+(\.\d)? m?s$")
        self.assertEqual(cells[2:4], ["jobs", "1"])
        self.assertRegex(cells[4], r"^59 m \d\d s$")
        page.run("document.getElementById('clients-tab').click()")
        page.until("document.querySelector('.table.clients').innerText.includes('worker')")
        memory = page.run(
            "[...document.querySelectorAll('.table.clients .row:not([hidden])')].find((row) =>"
            " row.innerText.includes('worker')).querySelector('.c-memoryBytes').textContent"
        )
        self.assertTrue(re.fullmatch(r"[\d.]+ (B|KiB)", memory), memory)
        page.until("document.getElementById('graph').innerText.includes('replies')")
        self.assertIn("nobody receives", self.text(page, "#graph"))
        self.assertTrue(page.run("document.querySelector('#graph .leased') !== null"))

    def test_restart(self):
        """The page says that the connection is lost, and continues with the next server"""
        page = self.open()
        self.rounds(page, 1)
        self.restart()
        page.until("document.body.dataset.state === 'live' && document.body.dataset.rounds > 1")
        # The browser itself reports the requests that failed meanwhile.
        self.forgive(page, "ERR_")


if __name__ == "__main__":
    unittest.main()
