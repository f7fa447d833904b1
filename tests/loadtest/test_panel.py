#!/usr/bin/python3
"""test_panel.py: the live panel on a real terminal, up to every kind of end.

A small terminal is emulated here: what counts is the screen a user is left with, not which escape
sequences led to it.
"""
import os
import pty
import re
import signal
import struct
import sys
import tempfile
import termios
import fcntl

import measured

failures = []


def expect(holds, what):
    if not holds:
        failures.append(what)
        print("FAILED:", what)


class Screen:
    """Lines of text, a cursor, and what else a program can leave behind."""

    def __init__(self):
        self.lines, self.row, self.column = [""], 0, 0
        self.styled = self.hidden = False

    def put(self, char):
        line = self.lines[self.row].ljust(self.column)
        self.lines[self.row] = line[:self.column] + char + line[self.column + 1:]
        self.column += 1

    def sequence(self, arguments, letter):
        if letter == "A":
            self.row = max(0, self.row - int(arguments or 1))
        elif letter == "J":
            del self.lines[self.row + 1:]
            self.lines[self.row] = self.lines[self.row][:self.column]
        elif letter == "m":
            self.styled = arguments not in ("", "0")
        elif arguments == "?25":
            self.hidden = letter == "l"
        else:
            raise SystemExit("unknown sequence: %r" % (arguments + letter))

    def feed(self, text):
        for arguments, letter, char in re.findall(r"\x1b\[([?0-9;]*)([A-Za-z])|([\s\S])", text):
            if letter:
                self.sequence(arguments, letter)
            elif char == "\r":
                self.column = 0
            elif char == "\n":
                self.row += 1
                if self.row == len(self.lines):
                    self.lines.append("")
            else:
                self.put(char)


class Session:
    """loadtest on a terminal of its own; stdout goes to a file, so that the screen is stderr's."""

    def __init__(self, folder, columns, *arguments, **environment):
        self.output = os.path.join(folder, "output")
        self.text, self.screen = "", Screen()
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.environ.update({"TERM": "xterm", "LC_ALL": "C.UTF-8", **environment})
            os.environ.pop("COLUMNS", None)
            os.environ.pop("LINES", None)
            fcntl.ioctl(2, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
            os.dup2(os.open(self.output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 1)
            program = measured.environment("TANDEM_LOADTEST")
            os.execv(program, [program, "run", *arguments])

    def read(self):
        """False at the end."""
        try:
            more = os.read(self.terminal, 1 << 16).decode("utf-8", "replace")
        except OSError:
            return False
        self.text += more
        self.screen.feed(more)
        return bool(more)

    def until(self, words):
        while words not in self.text:
            if not self.read():
                return False
        return True

    def end(self):
        while self.read():
            pass
        _, status = os.waitpid(self.pid, 0)
        os.close(self.terminal)
        return os.waitstatus_to_exitcode(status)


def check_left(session, what, empty):
    screen = session.screen
    expect(not screen.hidden, what + ": the cursor is hidden")
    expect(not screen.styled, what + ": a colour is still on")
    expect(screen.column == 0, what + ": the cursor is at column %d" % screen.column)
    if empty:
        rest = "".join(screen.lines).strip()
        expect(rest == "", what + ": left on the screen: %r" % rest)


def test_whole_run(folder, url):
    session = Session(folder, 80, url, "-c", "4", "-d", "2s", "--inject", "segv@500ms")
    seen = session.until("2 s of 2 s") and session.until("peak")
    expect(seen, "no panel was seen: %r" % session.text)
    session.end()
    expect("injected 1" in session.text and "▲" in session.text, "the fault was not marked")
    expect("\x1b[33m" in session.text, "no colour")
    check_left(session, "whole run", True)
    with open(session.output, encoding="utf-8") as report:
        expect("answered well" in report.read(), "no report on stdout")


def test_process_fault(folder, url):
    port = url.split(":")[-1].split("/")[0]
    start = ("%s --listen 127.0.0.1:{port} --workers 4 --root %s --access-log off --log-level error "
             "--ready-fd 3" % (measured.environment("TANDEM_PROC"), os.path.join(folder, "root")))
    session = Session(folder, 80, url.replace(port, "{port}", 1), "-c", "4", "-d", "2s", "--inject",
                      "kill-worker@500ms", "--start", start)
    expect(session.until("2 s of 2 s") and session.until("▲"), "not marked: %r" % session.text)
    session.end()
    check_left(session, "process fault", True)


def test_interrupted(folder, url):
    session = Session(folder, 80, url, "-c", "4", "-d", "30s", NO_COLOR="1", LC_ALL="C")
    expect(session.until("1 s of 30 s"), "no panel was seen: %r" % session.text)
    os.write(session.terminal, b"\x03")  # echoed as ^C, which must go, too
    expect(session.end() == 0, "the run did not end well")
    expect(session.text.isascii() and not re.search("\x1b\\[[0-9;]*m", session.text),
           "colour or more than ASCII")
    check_left(session, "interrupted", True)


def test_killed(folder, url):
    session = Session(folder, 80, url, "-c", "4", "-d", "30s")
    expect(session.until("1 s of 30 s") and session.until("peak"), "no panel was seen")
    os.kill(session.pid, signal.SIGKILL)
    expect(session.end() == -signal.SIGKILL, "it was not killed")
    check_left(session, "killed", False)


def test_plain(folder, url):
    for environment in ({"TERM": "dumb"}, {"TERM": ""}):
        session = Session(folder, 80, url, "-c", "4", "-d", "1s", **environment)
        session.end()
        expect("\x1b" not in session.text and "   1 s" in session.text,
               "not plain: %r" % session.text)
    session = Session(folder, 80, url, "-c", "4", "-d", "1s", "--quiet")
    session.end()
    expect(session.text == "", "not quiet: %r" % session.text)


def main():
    with tempfile.TemporaryDirectory(prefix="tandem-panel-") as folder:
        with measured.Server(folder) as server:
            for test in (test_whole_run, test_process_fault, test_interrupted, test_killed,
                         test_plain):
                test(folder, server.url)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
