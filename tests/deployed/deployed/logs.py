"""What the deployed functions wrote into CloudWatch Logs, and what must not be in it."""

import json


# Events asked for at a time.
PAGE = 1_000


def messages(client, group):
    """All messages of a log group. The emulator ends a page without a token for the next one, so
    what follows is asked for by its time."""
    found, since = {}, 0
    while True:
        events = client.filter_log_events(logGroupName=group, startTime=since, limit=PAGE)["events"]
        known = len(found)
        for event in events:
            place = event["logStreamName"], event["timestamp"], event["message"]
            found[place] = event["message"]
        if len(found) == known:
            if len(events) == PAGE:
                raise SystemExit(f"{group}: {PAGE} events in one millisecond hide what follows")
            return list(found.values())
        since = events[-1]["timestamp"]


def collect(emulated):
    """{log group: [message]}"""
    client = emulated.client("logs")
    lines = {}
    for page in client.get_paginator("describe_log_groups").paginate():
        for group in page["logGroups"]:
            name = group["logGroupName"]
            lines[name] = messages(client, name)
    return lines


def entries(lines):
    """The lines that are JSON objects."""
    for line in lines:
        if line.startswith("{"):
            yield json.loads(line)


def judge(lines, canary):
    """What is wrong with the logs, in sentences."""
    faults = []
    marks, runs = canary["marks"], canary["runs"]
    if len(marks) < 10:
        faults.append(f"the canary named only {len(marks)} marks")
    for group, messages in lines.items():
        text = "\n".join(messages).lower()
        for mark in marks:
            if mark.lower() in text:
                faults.append(f"{group} holds personal data: {mark}")
    # Who ends a run: the function that was asked to import, or one of those behind the queues.
    asked = list(entries(messages_of(lines, "-imports")))
    behind = [
        entry
        for ending in ("-processor", "-writer", "-sweeper")
        for entry in entries(messages_of(lines, ending))
    ]
    finished = [entry for entry in asked + behind if entry.get("message") == "import finished"]
    metrics = [entry for entry in asked + behind if "_aws" in entry and "Runs" in entry]
    # Were the canary's lines not there, no mark could be, either.
    lost = set(runs) - {entry["import.id"] for entry in finished}
    if lost or not runs:
        faults.append(f"of the {len(runs)} runs of the canary {len(lost)} are not in the log")
    real = [entry for entry in finished if not entry["dry_run"]]
    if len(metrics) != len(real):
        faults.append(f"{len(real)} finished imports, but {len(metrics)} lines of metrics")
    for entry in finished:
        spans = {name for span in entry["spans"] for name in span}
        # A message of a queue has no id of a client.
        wanted = {"requestId"} if entry in behind else {"requestId", "request.id"}
        if "import.id" not in entry or not wanted <= spans:
            faults.append(f"a finished import's line lacks an id: {entry}")
            break
    print(
        f"   {sum(map(len, lines.values()))} lines, {len(finished)} finished imports, "
        f"{len(marks)} marks looked for, {len(runs)} runs of theirs found"
    )
    return faults


def messages_of(lines, ending):
    """The log of one function."""
    return next((messages for group, messages in lines.items() if group.endswith(ending)), [])
