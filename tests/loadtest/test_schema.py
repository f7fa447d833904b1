#!/usr/bin/python3
"""test_schema.py: what loadtest really writes is what result.schema.json describes, and all of it: one
document of each kind that it knows, and runs in the open and in the closed loop."""
import copy
import csv
import json
import os
import sys
import tempfile

import jsonschema

import measured

SCHEMA = os.path.join(measured.environment("TANDEM_SOURCE"), "loadtest", "result.schema.json")

failures = []


def expect(holds, what):
    if not holds:
        failures.append(what)
        print("FAILED:", what)


def undescribed(schema, where="$"):
    """Members without a word on what they mean."""
    if isinstance(schema, dict):
        for name, member in schema.get("properties", {}).items():
            if not member.get("description"):
                yield where + "." + name
        for name, inner in schema.items():
            yield from undescribed(inner, where + "." + name)
    elif isinstance(schema, list):
        for inner in schema:
            yield from undescribed(inner, where)


def complaints(validator, document):
    for error in validator.iter_errors(document):
        # Of the alternatives the one that was meant is the one that says most.
        deeper = [e for e in error.context if "const" not in e.schema_path]
        yield "%s: %s" % (error.json_path, [e.message[:200] for e in deeper] or error.message[:200])


def check_csv(path, document):
    with open(path, encoding="ascii", newline="") as rows:
        text = rows.read()
    expect("\r" not in text and text.endswith("\n"), "lines of the CSV end otherwise than by LF")
    rows = list(csv.DictReader(text.splitlines()))
    expect(len(rows) == len(document["timeline"]), "the CSV has another number of rows")
    for row, same in zip(rows, document["timeline"]):
        expect(row["due_per_second"] in ("500", "0"), "due: %s" % row["due_per_second"])
        expect(float(row["due_per_second"]) == same["due_rate"], "CSV and JSON differ in what is due")
        for name in ("second", "ok", "failed", "injected", "tls_full", "tls_resumed"):
            expect(int(row[name]) == same[name], "CSV and JSON differ in %s" % name)
        for name in ("p50_us", "p99_us", "max_us"):
            expect(row[name] == (str(same[name]) if same["ok"] else ""),
                   "CSV and JSON differ in %s" % name)


def make_documents(folder):
    """The paths of one document of each kind at least, and of a CSV beside the run."""
    def name(kind):
        return os.path.join(folder, kind + ".json")

    with measured.Server(folder) as server:
        run = measured.run(folder, server.url)
        measured.loadtest("run", server.url, "-c", "2", "-d", "500ms", "--quiet", "--json",
                          name("closed"), codes=(0, 2))
        measured.loadtest("compare", "a=" + server.url, "b=" + server.url, "-c", "2", "-d", "600ms",
                          "--rounds", "6", "--quiet", "--json", name("compare"), codes=(0, 2))
    measured.loadtest("merge", run["hlog"], "--json", name("merge"))
    measured.loadtest("primitives", "--quick", "--quiet", "--json", name("primitives"))
    paths = {kind: name(kind) for kind in ("closed", "compare", "merge", "primitives")}
    paths.update(run=run["json"], disturbed=measured.disturbed(folder)["json"],
                 demo=measured.demo(folder)["json"],
                 scenarios=measured.scenarios(folder)["json"])
    return paths, run["csv"]


# Each of these must be noticed: the schema is closed, in every kind of document and below it.
SPOILERS = {
    "run": (lambda d: d.update(surprise=1), lambda d: d.pop("victims"),
            lambda d: d.update(rps="fast"), lambda d: d["requests"]["failed"].pop("reset"),
            lambda d: d["recovery"].update(goodput=1), lambda d: d["tls"].pop("agreed"),
            lambda d: d["timeline"][0].update(rate=1), lambda d: d.update(document="demo"),
            lambda d: d.update(schema="tandem-loadtest/0")),
    "disturbed": (lambda d: d["recovery"]["marks"][0].pop("seconds"),
                  lambda d: d["server"].update(requests=1)),
    "demo": (lambda d: d["subjects"][0].update(checked=True),
             lambda d: d["subjects"][1]["steady"].update(surprise=1)),
    "scenarios": (lambda d: d["scenarios"][0].pop("title"),
                  lambda d: d["scenarios"][0]["subjects"][2]["run"].update(surprise=1),
                  lambda d: d["scenarios"][1]["subjects"][0]["expectations"][0].pop("held")),
    "compare": (lambda d: d["subjects"][1]["findings"]["rps"].update(verdict="better"),
                lambda d: d["subjects"][0]["rounds"][0].pop("p99_us"), lambda d: d.pop("machine")),
    "primitives": (lambda d: d["groups"][0]["lines"][0].update(seconds=1),
                   lambda d: d["groups"][0]["claims"][0].update(verdict="maybe")),
    "merge": (lambda d: d["tags"][0].update(values=1), lambda d: d.pop("schema")),
}


def main():
    with open(SCHEMA, encoding="utf-8") as source:
        schema = json.load(source)
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    for name in undescribed(schema):
        expect(False, "not described: " + name)
    documents = {}
    with tempfile.TemporaryDirectory(prefix="tandem-schema-") as folder:
        paths, table = make_documents(folder)
        for name, path in paths.items():
            with open(path, encoding="utf-8") as source:
                documents[name] = json.load(source)
            for complaint in complaints(validator, documents[name]):
                expect(False, "%s %s" % (name, complaint))
        check_csv(table, documents["run"])
    disturbed = documents["disturbed"]
    marks = disturbed["recovery"]["marks"]
    expect(marks and all(m["kind"] == "kill-worker" for m in marks), "other marks: %s" % marks)
    expect(disturbed["server"]["worker_deaths"] == len(marks), "deaths: %s" % disturbed["server"])
    expect([round(row["due_rate"]) for row in disturbed["timeline"][:3]] == [200, 300, 500],
           "not the stages: %s" % disturbed["timeline"])
    for name, spoilers in SPOILERS.items():
        for number, spoil in enumerate(spoilers):
            spoilt = copy.deepcopy(documents[name])
            spoil(spoilt)
            expect(list(complaints(validator, spoilt)), "%s, spoilt (%d), passes" % (name, number))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
