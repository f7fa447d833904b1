"""Prometheus' text format, read by someone who forgives nothing.

  https://prometheus.io/docs/instrumenting/exposition_formats/

What `promtool check metrics` asks for beyond that (names, units, help) is asked here, too; where there is a
promtool, it is asked itself.
"""

import math
import re
import shutil
import subprocess

NAME = r"[a-z][a-z0-9_]*"
LABEL = r'%s="(?:[^"\\\n]|\\["\\n])*"' % NAME
SAMPLE = re.compile(r"(%s)(?:\{((?:%s)(?:,(?:%s))*)\})? ([0-9]+(?:\.[0-9]+)?)" % (NAME, LABEL, LABEL))
PARTS = {"histogram": ("_bucket", "_sum", "_count"), "summary": ("_sum", "_count", "")}
BAD_UNITS = re.compile("_(milli|micro|ms|us|minutes|kilobytes|mib|percent)")


class Broken(AssertionError):
    pass


def expect(holds, *words):
    if not holds:
        raise Broken(" ".join(map(str, words)))


def labels_of(text):
    return dict(re.findall(r'(%s)="((?:[^"\\]|\\.)*)"' % NAME, text or ""))


def check_distribution(name, samples):
    """Buckets grow, and the last of them is all of it."""
    groups = {}
    for (sample, labels), value in samples.items():
        own = dict(labels)
        edge = own.pop("le", None)
        group = groups.setdefault(frozenset(own.items()), {"buckets": []})
        if sample.endswith("_bucket"):
            group["buckets"].append((math.inf if edge == "+Inf" else float(edge), value))
        else:
            group[sample[len(name):]] = value
    for group in groups.values():
        buckets = sorted(group["buckets"])
        expect(buckets and buckets[-1][0] == math.inf, name, "has no +Inf")
        expect([v for _, v in buckets] == sorted(v for _, v in buckets), name, "falls")
        expect(buckets[-1][1] == group["_count"], name, "counts otherwise than its buckets")
        expect(group["_sum"] >= 0, name, "has no sum")


class Metrics:
    """`families`: name → (type, {(sample, frozenset of labels): value})."""

    def __init__(self, text):
        self.families, self.name = {}, None
        expect(text.endswith("\n"), "the last line has no end")
        lines = iter(text[:-1].split("\n"))
        for line in lines:
            if line.startswith("# HELP "):
                self.begin(line, next(lines, ""))
            else:
                self.take(line)
        for name, (kind, samples) in self.families.items():
            if kind == "histogram":
                check_distribution(name, samples)

    def begin(self, help_line, type_line):
        found = re.fullmatch(r"# HELP (%s) (\S.*\S)" % NAME, help_line)
        expect(found, "no help:", help_line)
        self.name = found[1]
        kind = re.fullmatch(r"# TYPE %s (counter|gauge|histogram|summary)" % self.name, type_line)
        expect(kind, "no type:", type_line)
        expect(self.name not in self.families, self.name, "comes twice")
        expect((kind[1] == "counter") == self.name.endswith("_total"), self.name, "is a", kind[1])
        expect(not BAD_UNITS.search(self.name), self.name, "is not in base units")
        self.families[self.name] = (kind[1], {})

    def take(self, line):
        found = SAMPLE.fullmatch(line)
        expect(found and self.name, "no sample:", line)
        kind, samples = self.families[self.name]
        expect(found[1] in [self.name + part for part in PARTS.get(kind, ("",))], line, "after", self.name)
        key = (found[1], frozenset(labels_of(found[2]).items()))
        expect(key not in samples, line, "comes twice")
        samples[key] = float(found[3])

    def value(self, sample, **labels):
        """One sample; None: there is none."""
        return self.all().get((sample, frozenset(labels.items())))

    def sum(self, sample, **labels):
        """Of all samples that have these labels among theirs."""
        return sum(value for (name, own), value in self.all().items()
                   if name == sample and labels.items() <= dict(own).items())

    def all(self):
        return {key: value for _, samples in self.families.values() for key, value in samples.items()}

    def counters(self):
        """What must never fall."""
        return {key: value for kind, samples in self.families.values() if kind != "gauge"
                for key, value in samples.items()}


def ask_promtool(text):
    """What it complains about; "" where it does not, or is not there."""
    promtool = shutil.which("promtool")
    if not promtool:
        return ""
    done = subprocess.run([promtool, "check", "metrics"], input=text.encode(), capture_output=True, check=False)
    return (done.stdout + done.stderr).decode() if done.returncode or done.stderr else ""
