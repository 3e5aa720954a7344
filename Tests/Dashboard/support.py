"""The base class of the tests of the dashboard."""

import os
import unittest

from browser import Browser
from daemon import Daemon

HERE = os.path.dirname(os.path.abspath(__file__))


class DashboardTest(unittest.TestCase):
    """A daemon for each test, and a browser for each class."""

    flags = ()
    principals = None

    @classmethod
    def setUpClass(cls):
        cls.browser = Browser(*cls.flags)
        cls.addClassCleanup(cls.browser.close)

    def setUp(self):
        self.daemon = Daemon(self.principals)
        self.addCleanup(lambda: self.daemon.stop())
        self.lines = []
        self.pages = []
        self.addCleanup(self.end)

    def end(self):
        for line in self.lines:
            line.close()
        for page in self.pages:
            self.assertEqual(page.errors, [], "the console has errors")
            page.close()

    def restart(self):
        ports = (self.daemon.port, self.daemon.web_port)
        self.daemon.stop()
        self.daemon = Daemon(self.principals, ports)

    def line(self, label=None):
        line = self.daemon.connect(label)
        self.lines.append(line)
        return line

    def open(self, path="/", **options):
        page = self.browser.page(self.daemon.url + path, **options)
        self.pages.append(page)
        return page

    def rounds(self, page, count):
        """Waits for this many further rounds of reports."""
        now = int(page.run("document.body.dataset.rounds ?? 0"))
        page.until(f"document.body.dataset.rounds >= {now + count}")

    def forgive(self, page, *parts):
        """Drops errors of the console that belong to the test."""
        page.errors = [error for error in page.errors if not any(part in error for part in parts)]

    def text(self, page, selector):
        return page.run(f"document.querySelector({selector!r}).innerText")
