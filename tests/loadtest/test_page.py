#!/usr/bin/python3
"""test_page.py: the HTML reports in a real browser.

At the width of a desktop and of a phone, in light and dark: nothing is asked of anybody, nothing is
in the console, nothing sticks out sideways, texts are large and dark enough to be read, and each
diagram is there once.  Skipped (77) where there is no Chromium.

  TANDEM_PICTURES=DIR   leaves screenshots there, for the eye
"""
import csv
import json
import os
import shutil
import sys
import tempfile

import browser
import measured

HEIGHT = 844
DESKTOP, TABLET, PHONE, SMALL = 1280, 768, 390, 320
FOLD = "document.querySelectorAll('details').forEach((d) => { d.open = %s })"

# Relative luminance and contrast as WCAG 2.2 defines them.
LOOK = r"""
(() => {
  const rgb = (text) => text.match(/[\d.]+/g).slice(0, 3).map(Number);
  const light = (text) => rgb(text)
      .map((v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
      .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const contrast = (a, b) => {
    const [x, y] = [light(a), light(b)].sort((p, q) => q - p);
    return (x + 0.05) / (y + 0.05);
  };
  const paper = getComputedStyle(document.body).backgroundColor;
  const seen = (e) => e.getClientRects().length > 0;
  const texts = [...document.querySelectorAll("p, td, th, li, summary, dt, dd, h1, h2")]
      .filter((e) => seen(e) && !e.classList.contains("zero"));
  const plots = [...document.querySelectorAll("svg.plot")].filter(seen);
  const labels = plots.flatMap((p) => [...p.querySelectorAll("text")]);
  const stick = [...document.querySelectorAll("body *")].filter((e) =>
      seen(e) && !e.closest(".scroll") && !e.closest("svg") &&
      e.getBoundingClientRect().right > innerWidth + 0.5);
  return {
    paper: light(paper),
    overflow: document.documentElement.scrollWidth - innerWidth,
    stick: stick.map((e) => e.outerHTML.slice(0, 120)),
    small: Math.min(...texts.map((e) => parseFloat(getComputedStyle(e).fontSize))),
    faint: texts.filter((e) => contrast(getComputedStyle(e).color, paper) < 4.5)
                .map((e) => e.outerHTML.slice(0, 120)),
    figures: document.querySelectorAll("figure").length,
    plots: plots.length,
    tables: document.querySelectorAll("figure table").length,
    plotSmall: Math.min(...labels.map((e) => e.getBoundingClientRect().height)),
    plotFaint: labels.filter((e) => contrast(getComputedStyle(e).fill, paper) < 3)
                     .map((e) => e.outerHTML.slice(0, 200)),
    plotOut: labels.filter((e) => e.getBoundingClientRect().right > innerWidth + 1)
                   .map((e) => e.textContent),
    ids: document.querySelectorAll("[id]").length,
    scripts: document.querySelectorAll("script, link[rel=stylesheet], img, iframe").length,
  };
})()
"""

failures = []


def expect(holds, what):
    if not holds:
        failures.append(what)
        print("FAILED:", what, flush=True)


def look(page, where, dark, drawn):
    seen = page.ask(LOOK)
    expect(seen["overflow"] <= 0, "%s: %d px stick out sideways" % (where, seen["overflow"]))
    expect(not seen["stick"], "%s: outside the window: %s" % (where, seen["stick"]))
    expect(seen["small"] >= 13, "%s: text of %.1f px" % (where, seen["small"]))
    expect(not seen["faint"], "%s: too faint: %s" % (where, seen["faint"][:3]))
    expect((seen["paper"] < 0.05) == dark, "%s: the paper is %.2f" % (where, seen["paper"]))
    expect(seen["figures"] >= 3, "%s: %d figures" % (where, seen["figures"]))
    expect(seen["tables"] == seen["figures"], "%s: a figure without its table" % where)
    expect(seen["scripts"] == 0, "%s: there is something that loads or runs" % where)
    if not drawn:
        expect(seen["plots"] == 0, "%s: who drew that?" % where)
        return
    expect(seen["plots"] == seen["figures"], "%s: %d diagrams in %d figures" %
           (where, seen["plots"], seen["figures"]))
    smallest = seen["plotSmall"] or 0  # null: there is no label at all
    expect(smallest >= 10, "%s: labels of %.1f px" % (where, smallest))
    expect(not seen["plotFaint"], "%s: labels too faint: %s" % (where, seen["plotFaint"][:3]))
    expect(not seen["plotOut"], "%s: labels cut off: %s" % (where, seen["plotOut"]))


def check(page, name, path, screens, drawn=True):
    """`screens`: for each colour scheme the widths to look at."""
    for scheme, widths in screens.items():
        page.screen(widths[0], HEIGHT, scheme)
        page.open(path)
        for width in widths:
            where = "%s, %s, %d px" % (name, scheme, width)
            page.screen(width, HEIGHT, scheme)
            look(page, where, scheme == "dark", drawn)
            if os.environ.get("TANDEM_PICTURES"):
                page.picture(os.path.join(os.environ["TANDEM_PICTURES"],
                                          "%s-%s-%d.png" % (name, scheme, width)))
            page.ask(FOLD % "true")
            look(page, where + ", unfolded", scheme == "dark", drawn)
            page.ask(FOLD % "false")
        expect(page.requests == ["file://" + path], "%s: it asked for %s" % (name, page.requests))
        expect(not page.messages, "%s: in the console: %s" % (name, page.messages))


def check_text(path):
    with open(path, encoding="utf-8") as page:  # which it must be
        text = page.read()
    for foreign in ("<script", "<b>&c", "url(", "src="):
        expect(foreign not in text, "%s holds %s" % (path, foreign))
    expect("&lt;script&gt;alert(1)" in text, "the command is not there as it was given")
    return text


def check_run(path):
    text = check_text(path)
    expect(">segv<" in text or "segv at" in text or "injected" in text, "no fault is shown")


def check_disturbed(path):
    with open(path, encoding="utf-8") as page:
        text = page.read()
    for word in ("due per second", "<td>kill-worker</td>", "back in band", "Reconciled: yes"):
        expect(word in text, "%s lacks %s" % (path, word))


def check_compare(names):
    text = check_text(names["html"])
    for words in ("other and third beside one", "<strong>Overall</strong>", "How sure that is",
                  "Requests per second, round by round", "a=&lt;b&gt;&amp;c=&#39;d&#39;"):
        expect(words in text, "%s lacks %s" % (names["html"], words))
    with open(names["csv"], encoding="ascii", newline="") as lines:
        rows = list(csv.DictReader(lines))
    expect([(row["round"], row["subject"]) for row in rows] ==
           [(str(number), name) for number in range(1, 9) for name in ("one", "other", "third")],
           "the CSV has not a row for each round and subject")
    with open(names["json"], encoding="utf-8") as document:
        rounds = [r for s in json.load(document)["subjects"] for r in s["rounds"]]
    expect(sorted(float(row["rps"] or 0) for row in rows) ==
           sorted(r["rps"] or 0 for r in rounds), "CSV and JSON have other rates")


def main():
    if not browser.find():
        print("skipped: there is no Chromium (install the package chromium)")
        return 77
    if not shutil.which("gnuplot"):
        print("skipped: there is no gnuplot (install the package gnuplot-nox)")
        return 77
    with tempfile.TemporaryDirectory(prefix="tandem-page-") as folder:
        with measured.Server(folder) as server:
            run = measured.run(folder, server.url)["html"]
            compare = measured.compare(folder, server.url)
            bare = os.path.join(folder, "bare.html")
            bare_compare = os.path.join(folder, "bare-compare.html")
            path, os.environ["PATH"] = os.environ["PATH"], "/nonexistent"
            measured.loadtest("run", server.url, "-d", "1s", "-c", "2", "--quiet", "--html", bare)
            measured.loadtest("compare", "a=" + server.url, "b=" + server.url, "-d", "300ms",
                              "--rounds", "6", "--quiet", "--html", bare_compare, codes=(0, 2))
            os.environ["PATH"] = path
        disturbed = measured.disturbed(folder)["html"]
        demo = measured.demo(folder)["html"]
        scenarios = measured.scenarios(folder)["html"]
        check_run(run)
        check_compare(compare)
        check_disturbed(disturbed)
        with browser.Browser() as page:
            check(page, "run", run, {"light": (DESKTOP, TABLET, PHONE, SMALL),
                                     "dark": (DESKTOP, PHONE)})
            check(page, "disturbed", disturbed, {"light": (DESKTOP, SMALL), "dark": (PHONE,)})
            check(page, "demo", demo, {"light": (DESKTOP, SMALL), "dark": (PHONE,)})
            check(page, "scenarios", scenarios, {"light": (DESKTOP, SMALL), "dark": (PHONE,)})
            check(page, "compare", compare["html"], {"light": (DESKTOP, TABLET, SMALL),
                                                     "dark": (PHONE,)})
            check(page, "bare-compare", bare_compare, {"dark": (PHONE,)}, drawn=False)
            check(page, "bare", bare, {"light": (PHONE,)}, drawn=False)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
