"""Sends an unreadable message to both queues: it must become the only dead letter, while the imports of
the contract tests continue."""

import time

# Like the canary's marks, it may not appear in a log.
BODY = "kanaria.poison.nobody.reads"
# Visibility timeout: longer than any chunk of the tests takes, and short enough for five receives
# while the tests run.
VISIBILITY_SECONDS = 15
# Maximum time for the remaining receives after the tests.
MAX_WAIT_SECONDS = 6 * VISIBILITY_SECONDS
QUEUES = {"ImportsQueueUrl": "ImportsDeadLettersUrl", "ChunksQueueUrl": "ChunksDeadLettersUrl"}


def send(emulated, outputs):
    """Sends one to each queue."""
    sqs = emulated.client("sqs")
    for queue in QUEUES:
        sqs.set_queue_attributes(
            QueueUrl=outputs[queue], Attributes={"VisibilityTimeout": str(VISIBILITY_SECONDS)}
        )
        sqs.send_message(QueueUrl=outputs[queue], MessageBody=BODY, MessageGroupId="poison")


def verify(emulated, outputs):
    """Returns a list of faults in the dead-letter queues."""
    sqs = emulated.client("sqs")
    deadline = time.monotonic() + MAX_WAIT_SECONDS
    faults = []
    for dead in QUEUES.values():
        letters = []
        while not letters and time.monotonic() < deadline:
            letters = received(sqs, outputs[dead])
        if letters != [BODY]:
            others = len([letter for letter in letters if letter != BODY])
            faults.append(
                f"{dead}: expected one unreadable message and no others, found "
                f"{len(letters) - others} and {others}"
            )
    return faults


def received(sqs, queue):
    """Returns the bodies of all messages of a queue; waits up to 5 s for the first one."""
    bodies = []
    while messages := sqs.receive_message(
        QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=0 if bodies else 5
    ).get("Messages"):
        bodies += [message["Body"] for message in messages]
    return bodies
