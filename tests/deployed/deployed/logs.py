"""Reads the logs of the deployed functions from CloudWatch Logs, and verifies them."""

import json


# Events in a page.
PAGE_EVENTS = 1_000


def messages(client, group):
    """Returns all messages of a log group. The emulator gives no token for the next page, so pages are
    requested by time."""
    found, since = {}, 0
    while True:
        events = client.filter_log_events(logGroupName=group, startTime=since, limit=PAGE_EVENTS)["events"]
        known = len(found)
        for event in events:
            place = event["logStreamName"], event["timestamp"], event["message"]
            found[place] = event["message"]
        if len(found) == known:
            if len(events) == PAGE_EVENTS:
                raise SystemExit(f"{group}: {PAGE_EVENTS} events in one millisecond hide the events after them")
            return list(found.values())
        since = events[-1]["timestamp"]


def collect(emulated):
    """Returns {log group: [message]}."""
    client = emulated.client("logs")
    lines = {}
    for page in client.get_paginator("describe_log_groups").paginate():
        for group in page["logGroups"]:
            name = group["logGroupName"]
            lines[name] = messages(client, name)
    return lines


def merged(collected):
    """Returns the logs of several accounts as one; their groups have the same names."""
    lines = {}
    for groups in collected:
        for group, messages in groups.items():
            lines.setdefault(group, []).extend(messages)
    return lines


def entries(lines):
    """Yields the lines that are JSON objects."""
    for line in lines:
        if line.startswith("{"):
            yield json.loads(line)


def verify(lines, canary):
    """Returns a list of faults in the logs."""
    faults = []
    marks, runs = canary["marks"], canary["runs"]
    if len(marks) < 10:
        faults.append(f"expected at least 10 marks of the canary, found {len(marks)}")
    for group, messages in lines.items():
        text = "\n".join(messages).lower()
        for mark in marks:
            if mark.lower() in text:
                faults.append(f"{group} contains personal data: {mark}")
    # A run is ended by the function of the request, or by one of the background functions.
    synchronous = list(entries(messages_of(lines, "-imports")))
    background = [
        entry
        for ending in ("-processor", "-writer", "-sweeper")
        for entry in entries(messages_of(lines, ending))
    ]
    finished = [entry for entry in synchronous + background if entry.get("message") == "import finished"]
    metrics = [entry for entry in synchronous + background if "_aws" in entry and "Runs" in entry]
    # Without the canary's lines, the absence of marks would prove nothing.
    missing = set(runs) - {entry["import.id"] for entry in finished}
    if missing or not runs:
        faults.append(f"{len(missing)} of {len(runs)} runs of the canary are not in the log")
    real = [entry for entry in finished if not entry["dry_run"]]
    if len(metrics) != len(real):
        faults.append(f"expected metrics of {len(real)} finished imports, found {len(metrics)}")
    for entry in finished:
        spans = {name for span in entry["spans"] for name in span}
        # Messages have no request id of a client.
        required = {"requestId"} if entry in background else {"requestId", "request.id"}
        if "import.id" not in entry or not required <= spans:
            faults.append(f"the line of a finished import has no id: {entry}")
            break
    print(
        f"   {sum(map(len, lines.values()))} lines, {len(finished)} finished imports, "
        f"{len(marks)} marks searched for, {len(runs)} runs of the canary"
    )
    return faults


def messages_of(lines, ending):
    """Returns the log of one function."""
    return next((messages for group, messages in lines.items() if group.endswith(ending)), [])
