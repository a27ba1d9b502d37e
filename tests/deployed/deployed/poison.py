"""A message that nobody can read, in either queue: it must end as a dead letter, and alone, while the
imports of the contract tests go on beside it."""

import time

# As the canary's marks: none of it may be in a log.
BODY = "kanaria.poison.nobody.reads"
# Seconds that a message is hidden: longer than any of the tests' chunks takes, and so short that five
# receipts are over while the tests run.
HIDDEN = 15
# Seconds for the receipts that are still to come when the tests have ended.
PATIENCE = 6 * HIDDEN
QUEUES = {"ImportsQueueUrl": "ImportsDeadLettersUrl", "ChunksQueueUrl": "ChunksDeadLettersUrl"}


def send(emulated, outputs):
    """Puts one into each queue."""
    sqs = emulated.client("sqs")
    for queue in QUEUES:
        sqs.set_queue_attributes(
            QueueUrl=outputs[queue], Attributes={"VisibilityTimeout": str(HIDDEN)}
        )
        sqs.send_message(QueueUrl=outputs[queue], MessageBody=BODY, MessageGroupId="poison")


def judge(emulated, outputs):
    """What is wrong with the dead letters, in sentences."""
    sqs = emulated.client("sqs")
    deadline = time.monotonic() + PATIENCE
    faults = []
    for dead in QUEUES.values():
        letters = []
        while not letters and time.monotonic() < deadline:
            letters = received(sqs, outputs[dead])
        if letters != [BODY]:
            others = len([letter for letter in letters if letter != BODY])
            faults.append(
                f"{dead}: {len(letters) - others} letters that nobody can read where there must be "
                f"one, and {others} others where there must be none"
            )
    return faults


def received(sqs, queue):
    """The bodies of all messages of a queue, waiting a moment for the first."""
    bodies = []
    while messages := sqs.receive_message(
        QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=0 if bodies else 5
    ).get("Messages"):
        bodies += [message["Body"] for message in messages]
    return bodies
