#!/usr/bin/env python3
"""The page of /status in a real browser, while the server is under load and its workers die.

At the width of a desktop and of two phones, light and dark: nothing sticks out, texts are large and dark
enough, nobody else is asked for anything, the console stays empty. It lives with its script and without. What
clients have sent is shown, and does nothing.  Skipped (77) where there is no Chromium.

  TANDEM_PICTURES=DIR   leaves screenshots there, for the eye
"""

import os
import sys
import threading
import time
import unittest

from watched import Watch, talk
import browser
import test_page
from subject import eventually, for_each_subject, patience

HEIGHT, DESKTOP, PHONE, SMALL = 844, 1280, 390, 320
HOSTILE = ["/work?sleep=400&<script>document.title='broken'</script>", "/work?sleep=300&</main><img/src=x>",
           "/work?sleep=200&" + "a-long-one" * 15, "/fault/abort?<b>bold</b>\"'&amp;", "/one.txt", "/nothing"]

chromium = None  # one for all tests: it takes a second to start


class Load:
    """Asks for everything hostile, by several at once, until it is over."""

    def __init__(self, server):
        self.server, self.over = server, threading.Event()
        self.threads = [threading.Thread(target=self.ask, args=(n,)) for n in range(4)]

    def ask(self, n):
        while not self.over.is_set():
            try:
                # a crash of server-thread ends all that we want to see
                n += 1
                target = HOSTILE[n % len(HOSTILE)]
                if "abort" not in target or self.server.subject != "thread" or n % 48 == 3:
                    self.server.get(target)
            except OSError:
                time.sleep(0.01)

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        for thread in self.threads:
            thread.join()


class Viewed(Watch):
    def url(self, server):
        return "http://127.0.0.1:%d/status" % server.admin

    def check_quiet(self, server):
        self.assertEqual(set(chromium.requests), {self.url(server)})
        self.assertEqual(chromium.messages, [])

    def text(self, selector="main"):
        return chromium.ask("document.querySelector(%r).textContent" % selector) or ""


@for_each_subject()
class Page(Viewed):
    def look(self, server, scheme, width):
        where = "%s, %s, %d px" % (self.subject, scheme, width)
        chromium.screen(width, HEIGHT, scheme)
        seen = chromium.ask(test_page.LOOK)
        self.assertLessEqual(seen["overflow"], 0, where)
        self.assertEqual(seen["stick"], [], where)
        self.assertEqual(seen["faint"], [], where)
        self.assertGreaterEqual(seen["small"], 13, where)
        self.assertEqual(seen["paper"] < 0.05, scheme == "dark", where)
        if os.environ.get("TANDEM_PICTURES"):
            chromium.picture(os.path.join(os.environ["TANDEM_PICTURES"],
                                          "status-%s-%s-%d.png" % (self.subject, scheme, width)))

    def test_is_live_and_fits(self):
        server = self.watch(noisy=True)
        with Load(server):
            self.assertTrue(eventually(lambda: self.has_died(server)))
            chromium.screen(DESKTOP, HEIGHT, "light")
            chromium.visit(self.url(server))
            self.look(server, "light", DESKTOP)
            self.assertIn("running", self.text(".wall"))
            self.assertIn("SIGABRT", self.text("table"))
            before = self.text()
            self.assertTrue(eventually(lambda: self.text() != before and self.text("#live") == "live"))
            for scheme, width in (("dark", PHONE), ("light", SMALL)):
                self.look(server, scheme, width)
            self.check_hostile()
            self.check_pause()
        self.check_quiet(server)

    def has_died(self, server):
        try:
            dead = server.status()["obituaries"]
        except OSError:
            return False
        return dead and {"worker", "cause", "phase", "method", "target", "request_id"} <= set(dead[0])

    def check_hostile(self):
        """It is there to be read, and nothing of it is part of the page."""
        self.assertTrue(eventually(lambda: "<script>document.title" in self.text(".wall")))
        self.assertIn("/fault/abort?<b>bold</b>\"'&amp;", self.text("table"))
        self.assertNotEqual(chromium.ask("document.title"), "broken")
        self.assertEqual(chromium.ask("document.querySelectorAll('main script, main img, main b b').length"), 0)
        self.assertEqual(chromium.ask("document.querySelectorAll('main').length"), 1)

    def check_pause(self):
        chromium.ask("document.getElementById('pause').click()")
        before = self.text()
        time.sleep(1.5)
        self.assertEqual(self.text(), before)
        self.assertEqual(self.text("#live"), "paused")
        chromium.ask("document.getElementById('pause').click()")
        self.assertTrue(eventually(lambda: self.text() != before))


@for_each_subject("thread")
class Alone(Viewed):
    """What is the page's own business, whoever sends it."""

    def test_says_when_nobody_answers(self):
        server = self.watch()
        chromium.visit(self.url(server))
        self.assertTrue(eventually(lambda: self.text("#live") == "live"))
        server.stop()
        self.assertTrue(eventually(lambda: self.text("#live").startswith("no answer")))
        self.assertIn("Requests per second", self.text())

    def whole(self):
        """The text of the page, buttons that are not shown left out; "" while it is being loaded again."""
        try:
            return chromium.ask("document.body.innerText")
        except RuntimeError:
            return ""

    def test_works_without_scripts(self):
        server = self.watch()
        chromium.scripts(False)
        try:
            chromium.visit(self.url(server))
            self.assertTrue(eventually(lambda: self.whole() and len(chromium.requests) >= 2))
            page = eventually(self.whole)
            self.assertIn("loads itself again", page)
            self.assertIn("Workers", page)
            self.assertNotIn("Pause", page)
            self.check_quiet(server)
        finally:
            chromium.scripts(True)


@for_each_subject()
class Asked(Watch):
    def test_by_whom(self):
        server = self.watch()
        for path, accept, kind in (("/status", "*/*", "text/html"), ("/status", "application/json", "application/json"),
                                   ("/status?json", "text/html", "application/json")):
            with server.fetch(path, accept) as answer:
                self.assertEqual(answer.headers.get_content_type(), kind)
                self.assertEqual(answer.headers["Cache-Control"], "no-store")
        self.assertEqual(talk(server.admin, "POST /status HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"), 405)
        self.assertEqual(talk(server.plain, "GET /status HTTP/1.1\r\nHost: a\r\n\r\n"), 404)

    def test_what_it_says(self):
        server = self.watch()
        sleeper = threading.Thread(target=server.get, args=("/work?sleep=%d" % (800 * patience(1)),))
        sleeper.start()
        state = eventually(lambda: self.sleeping(server))
        self.assertEqual(state["program"], "server-thread" if self.subject == "thread" else "server-proc")
        self.assertEqual(state["isolation"], "none" if self.subject == "thread" else self.subject)
        self.assertEqual(len(state["workers"]), 4)
        self.assertEqual(state["requests_in_flight"], 2)
        self.assertGreaterEqual(state["connections"], 2)
        self.assertEqual(state["obituaries"], [])
        sleeper.join()

    def sleeping(self, server):
        state = server.status()
        return state if [w for w in state["workers"] if w["state"] == "running" and "/work" in w["target"]] else None


if __name__ == "__main__":
    if not browser.find():
        print("skipped: there is no Chromium (install the package chromium)")
        sys.exit(77)
    with browser.Browser() as chromium:
        unittest.main()
