"""Drives a headless Chromium through its debugging pipe: no driver and no package is needed."""

import contextlib
import json
import os
import select
import shutil
import subprocess
import tempfile
import time

LIMIT = 30.0


class BrowserError(Exception):
    pass


class Browser:
    """A Chromium with a profile of its own."""

    def __init__(self, *flags):
        program = shutil.which("chromium") or shutil.which("chromium-browser")
        if program is None:
            raise BrowserError("chromium is missing; deploy/install-dependencies.sh browser installs it")
        self.profile = tempfile.mkdtemp(prefix="sluice-chromium-")
        to_browser, self._out = os.pipe()
        self._in, from_browser = os.pipe()

        def pass_pipe():
            # Chromium reads commands from descriptor 3 and writes to 4. Both may be in use here.
            commands, replies = os.dup(to_browser), os.dup(from_browser)
            commands, replies = (os.dup(fd) if fd in (3, 4) else fd for fd in (commands, replies))
            os.dup2(commands, 3)
            os.dup2(replies, 4)

        self._errors = tempfile.TemporaryFile()  # noqa: SIM115
        self.process = subprocess.Popen(
            [
                program,
                "--headless=new",
                "--remote-debugging-pipe",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--hide-scrollbars",
                f"--user-data-dir={self.profile}",
                *flags,
                "about:blank",
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=self._errors,
            close_fds=False,
            preexec_fn=pass_pipe,
            start_new_session=True,
        )
        os.close(to_browser)
        os.close(from_browser)
        self._buffer = b""
        self._next = 0
        self._replies = {}
        self._listeners = []

    def close(self):
        # The browser may have ended already.
        with contextlib.suppress(BrowserError, OSError):
            self.call("Browser.close")
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, 9)
            self.process.wait()
        os.close(self._out)
        os.close(self._in)
        shutil.rmtree(self.profile, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def page(self, url="about:blank", width=1440, height=900, theme="light", is_phone=False):
        """Opens a page."""
        target = self.call("Target.createTarget", {"url": "about:blank"})["targetId"]
        session = self.call("Target.attachToTarget", {"targetId": target, "flatten": True})["sessionId"]
        page = Page(self, target, session)
        page.prepare(width, height, theme, is_phone)
        page.go(url)
        return page

    def call(self, method, params=None, session=None):
        """Sends a command, and returns its result."""
        self._next += 1
        number = self._next
        message = {"id": number, "method": method, "params": params or {}}
        if session:
            message["sessionId"] = session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self._out, data) :]
        deadline = time.monotonic() + LIMIT
        while number not in self._replies:
            self._read(deadline, method)
        reply = self._replies.pop(number)
        if "error" in reply:
            raise BrowserError(f"{method}: {reply['error']['message']}")
        return reply["result"]

    def listen(self, listener):
        self._listeners.append(listener)

    def pump(self, seconds):
        """Handles events until the awaited one has arrived, or the time is over."""
        with contextlib.suppress(TimeoutError):
            self._read(time.monotonic() + seconds, "an event")

    def _read(self, deadline, what):
        while b"\0" not in self._buffer:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self._in], [], [], left)[0]:
                raise TimeoutError(f"the browser does not answer: {what}")
            data = os.read(self._in, 1 << 20)
            if not data:
                self._errors.seek(0)
                raise BrowserError(f"the browser has ended: {self._errors.read()[-2000:].decode(errors='replace')}")
            self._buffer += data
        *messages, self._buffer = self._buffer.split(b"\0")
        for message in map(json.loads, messages):
            if "id" in message:
                self._replies[message["id"]] = message
            else:
                for listener in self._listeners:
                    listener(message)


class Page:
    """A page, and the lines that it has written to the console."""

    def __init__(self, browser, target, session):
        self.browser = browser
        self.target = target
        self.session = session
        self.errors = []
        self.requests = []
        browser.listen(self._take)

    def _take(self, message):
        if message.get("sessionId") != self.session:
            return
        method, params = message["method"], message["params"]
        if method == "Runtime.exceptionThrown":
            details = params["exceptionDetails"]
            self.errors.append(details.get("exception", {}).get("description") or details["text"])
        elif method == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning", "assert"):
            self.errors.append(" ".join(str(arg.get("value", arg.get("description"))) for arg in params["args"]))
        elif method == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
            entry = params["entry"]
            self.errors.append(f"{entry['text']} {entry.get('url', '')}")
        elif method == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])

    def call(self, method, **params):
        return self.browser.call(method, params, self.session)

    def prepare(self, width, height, theme, is_phone):
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        self.resize(width, height, is_phone)
        self.set_theme(theme)

    def resize(self, width, height, is_phone=False):
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=2 if is_phone else 1,
            mobile=is_phone,
        )

    def set_theme(self, theme):
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": theme}])

    def go(self, url):
        result = self.call("Page.navigate", url=url)
        if result.get("errorText") and result["errorText"] != "net::ERR_ABORTED":
            raise BrowserError(f"{url}: {result['errorText']}")
        self.until("document.readyState === 'complete'")

    def run(self, expression):
        """Evaluates an expression, and returns its value. Waits for a promise."""
        result = self.call(
            "Runtime.evaluate",
            expression=expression,
            awaitPromise=True,
            returnByValue=True,
            allowUnsafeEvalBlockedByCSP=False,
        )
        if "exceptionDetails" in result:
            details = result["exceptionDetails"]
            raise BrowserError(details.get("exception", {}).get("description") or details["text"])
        return result["result"].get("value")

    def until(self, expression, limit=LIMIT):
        """Waits until the expression is true, and returns its value."""
        deadline = time.monotonic() + limit
        while True:
            try:
                value = self.run(expression)
            except BrowserError:
                # A page that is being replaced has no context.
                value = None
            if value:
                return value
            if time.monotonic() > deadline:
                raise AssertionError(f"did not become true within {limit} s: {expression}")
            self.browser.pump(0.05)

    def press(self, key, code=None, text=None, modifiers=0):
        """Presses a key."""
        codes = {
            "Enter": 13, "Tab": 9, "Escape": 27, "ArrowDown": 40, "ArrowUp": 38, "ArrowLeft": 37, "ArrowRight": 39,
            "End": 35, "Home": 36, "PageDown": 34, "PageUp": 33, " ": 32,
        }  # fmt: skip
        if text is None:
            text = "\r" if key == "Enter" else key if len(key) == 1 else ""
        common = {
            "key": key,
            "code": code or (f"Key{key.upper()}" if len(key) == 1 and key.isalpha() else key),
            "windowsVirtualKeyCode": codes.get(key, ord(key.upper()) if len(key) == 1 else 0),
            "modifiers": modifiers,
        }
        self.call("Input.dispatchKeyEvent", type="keyDown" if text else "rawKeyDown", text=text, **common)
        self.call("Input.dispatchKeyEvent", type="keyUp", **common)

    def type(self, text):
        self.call("Input.insertText", text=text)

    def screenshot(self, path):
        import base64

        data = base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"])
        with open(path, "wb") as file:
            file.write(data)
        return data

    def close(self):
        self.browser.call("Target.closeTarget", {"targetId": self.target})
