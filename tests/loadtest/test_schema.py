#!/usr/bin/python3
"""test_schema.py: what loadtest really writes is what result.schema.json describes, and all of it."""
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
        for name in ("second", "ok", "failed", "injected"):
            expect(int(row[name]) == same[name], "CSV and JSON differ in %s" % name)
        for name in ("p50_us", "p99_us", "max_us"):
            expect(row[name] == (str(same[name]) if same["ok"] else ""),
                   "CSV and JSON differ in %s" % name)


def main():
    with open(SCHEMA, encoding="utf-8") as source:
        schema = json.load(source)
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    for name in undescribed(schema):
        expect(False, "not described: " + name)
    with tempfile.TemporaryDirectory(prefix="tandem-schema-") as folder:
        with measured.Server(folder) as server:
            run = measured.run(folder, server.url)
        demo = measured.demo(folder)
        documents = {}
        for name, path in (("run", run["json"]), ("demo", demo["json"])):
            with open(path, encoding="utf-8") as source:
                documents[name] = json.load(source)
            for complaint in complaints(validator, documents[name]):
                expect(False, "%s %s" % (name, complaint))
        check_csv(run["csv"], documents["run"])
    # The check itself: each of these must be noticed.
    for spoil in (lambda d: d.update(surprise=1), lambda d: d.pop("victims"),
                  lambda d: d.update(rps="fast"), lambda d: d["requests"]["failed"].pop("reset"),
                  lambda d: d.update(schema="tandem-loadtest/0")):
        spoilt = copy.deepcopy(documents["run"])
        spoil(spoilt)
        expect(list(complaints(validator, spoilt)), "a spoilt document passes")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
