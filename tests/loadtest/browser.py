"""browser.py: a headless Chromium that a test can ask what a page looks like.

It speaks the DevTools protocol over two pipes (--remote-debugging-pipe: JSON, each message ended by
a zero byte), so nothing but Python's own library is needed, and no port is open.
"""
import json
import os
import shutil
import subprocess
import tempfile

# How Chromium is called elsewhere than on Debian.
NAMES = ("chromium", "chromium-browser", "google-chrome")


def find():
    """The path of the browser; None when there is none."""
    return next((path for path in map(shutil.which, NAMES) if path), None)


class Browser:
    """One browser with one page. Everything it was asked for and everything it complained about is
    kept, since the page was opened, in `requests` and `messages`."""

    def __init__(self):
        self.profile = tempfile.mkdtemp(prefix="tandem-browser-")
        theirs_in, self.out = os.pipe()
        self.input, theirs_out = os.pipe()
        # The browser reads commands from descriptor 3 and answers on 4.
        shell = 'exec "$@" 3<&%d 4>&%d' % (theirs_in, theirs_out)
        self.process = subprocess.Popen(
            ["bash", "-c", shell, "sh", find(), "--headless", "--remote-debugging-pipe",
             "--disable-gpu", "--hide-scrollbars", "--no-first-run",
             "--disable-dev-shm-usage", "--user-data-dir=" + self.profile]
            + (["--no-sandbox"] if os.geteuid() == 0 else []) + ["about:blank"],
            pass_fds=(theirs_in, theirs_out), stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        os.close(theirs_in)
        os.close(theirs_out)
        self.buffer, self.number, self.session = b"", 0, None
        self.events, self.requests, self.messages = [], [], []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target,
                                 flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(domain + ".enable")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self.out)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        os.close(self.input)
        shutil.rmtree(self.profile, ignore_errors=True)

    def receive(self):
        while b"\0" not in self.buffer:
            more = os.read(self.input, 1 << 16)
            if not more:
                raise RuntimeError("the browser has gone")
            self.buffer += more
        message, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(message)

    def note(self, event):
        method, about = event["method"], event.get("params", {})
        if method == "Network.requestWillBeSent":
            self.requests.append(about["request"]["url"])
        elif method == "Runtime.consoleAPICalled":
            self.messages.append(str(about["args"]))
        elif method == "Runtime.exceptionThrown":
            self.messages.append(str(about["exceptionDetails"]))
        elif method == "Log.entryAdded":
            self.messages.append(about["entry"]["text"])
        else:
            self.events.append(method)

    def call(self, method, **params):
        """Sends a command and waits for its answer; events that come before it are noted."""
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.out, json.dumps(message).encode() + b"\0")
        while True:
            answer = self.receive()
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise RuntimeError("%s: %s" % (method, answer["error"]))
                return answer["result"]
            if "method" in answer:
                self.note(answer)

    def screen(self, width, height, scheme):
        """The size of the window, and what the reader prefers: "light" or "dark"."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height,
                  deviceScaleFactor=1, mobile=width < 500)
        self.call("Emulation.setEmulatedMedia", media="screen",
                  features=[{"name": "prefers-color-scheme", "value": scheme}])

    def scripts(self, enabled):
        """Whether pages that are opened from now on may run any."""
        self.call("Emulation.setScriptExecutionDisabled", value=not enabled)

    def open(self, path):
        """Opens a file and waits until it is loaded."""
        self.visit("file://" + path)

    def visit(self, url):
        """Likewise."""
        self.events, self.requests, self.messages = [], [], []
        self.call("Page.navigate", url=url)
        while "Page.loadEventFired" not in self.events:
            self.note(self.receive())

    def ask(self, expression):
        """The value of a JavaScript expression in the page."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(str(answer["exceptionDetails"]))
        return answer["result"].get("value")

    def picture(self, path):
        """The whole page as PNG."""
        import base64
        data = self.call("Page.captureScreenshot", captureBeyondViewport=True)["data"]
        with open(path, "wb") as out:
            out.write(base64.b64decode(data))
