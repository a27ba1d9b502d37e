"""Compares the grants of each function's role with the requests of the function to AWS during the
contract tests: its log lists each request at level DEBUG (shared/aws/src/client/call_log.rs)."""

import re

from deployed import logs

# Lambda writes the log with the function's role: no request of the function needs these.
BY_LAMBDA = {"logs:CreateLogStream", "logs:PutLogEvents"}
# Lambda receives a function's messages with these.
BY_MAPPING = {"sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"}


def logical_ids(stacks):
    """Returns {name in the log: logical id} of the resources of all stacks, given by their outputs."""
    ids = {}
    for outputs in stacks:
        ids |= {
            outputs["DirectoryTableName"]: "DirectoryTable",
            outputs["ControlTableName"]: "ControlTable",
            outputs["ImportsBucketName"]: "ImportsBucket",
            outputs["ImportsQueueUrl"].rsplit("/", 1)[1]: "ImportsQueue",
            outputs["ChunksQueueUrl"].rsplit("/", 1)[1]: "ChunksQueue",
        }
    return ids


def covered(resource):
    """Returns what a policy's resource covers, as `requested` names it: a table, an index, a queue, or a
    folder of the bucket."""
    if "Fn::GetAtt" in resource:
        logical, attribute = resource["Fn::GetAtt"]
        if attribute == "Arn":
            return logical
    if "Fn::Sub" in resource:
        text = resource["Fn::Sub"]
        folder = text.startswith("${ImportsBucket.Arn}/") and text.endswith("/*")
        text = re.sub(r"\$\{(\w+)\.Arn\}", r"\1", text)
        if "$" not in text and text.count("*") == (1 if folder else 0):
            return text
    raise SystemExit(f"a role has a grant on {resource}; expected one table, index, queue or folder")


def only(mapping, known, where):
    """Exits if a mapping has unknown keys."""
    if unknown := mapping.keys() - known:
        raise SystemExit(f"{where} has {', '.join(unknown)}, which deployed/grants.py does not check")


def granted(template, role):
    """Returns {(action, resource)} that a role grants."""
    found = set()
    properties = template["Resources"][role]["Properties"]
    # Other properties could grant permissions as well, and would have to be checked here.
    only(properties, {"AssumeRolePolicyDocument", "Policies"}, role)
    for policy in properties["Policies"]:
        for statement in policy["PolicyDocument"]["Statement"]:
            only(statement, {"Sid", "Effect", "Action", "Resource"}, f"a statement of {role}")
            listed = statement["Action"], statement["Resource"]
            actions, over = (value if isinstance(value, list) else [value] for value in listed)
            for action in actions:
                if "*" in action or statement["Effect"] != "Allow":
                    raise SystemExit(f"{role}: expected one allowed action, found {statement['Effect']} {action}")
                if action not in BY_LAMBDA:
                    found |= {(action, covered(one)) for one in over}
    return found


def received(template, function):
    """Returns {(action, resource)} that Lambda needs to receive the messages of a function's queues."""
    found = set()
    for resource in template["Resources"].values():
        if resource["Type"] != "AWS::Lambda::EventSourceMapping":
            continue
        properties = resource["Properties"]
        if properties["FunctionName"] == {"Ref": f"{function}.Alias"}:
            queue = covered(properties["EventSourceArn"])
            found |= {(action, queue) for action in BY_MAPPING}
    return found


def requested(lines, ids):
    """Returns {(action, resource)} that a function's requests needed; resources begin with a logical
    id."""
    found = set()
    for entry in logs.entries(lines):
        if entry.get("target") == "muster_aws::call_log":
            for grant in entry["grants"].split(", "):
                action, resource = grant.split(" ", 1)
                name, slash, rest = resource.partition("/")
                found.add((action, ids.get(name, name) + slash + rest))
    return found


# Permissions that a function needs only in situations that no test of a deployed stack can create.
RARE = {
    # A request is handed over after 25 s: the directory would have to be throttled for that time.
    ("ImportsFunction", "sqs:SendMessage", "ChunksQueue"),
    # A chunk is continued after the death or the last second of its writer.
    ("WriterFunction", "s3:ListBucket", "ImportsBucket"),
    # A request replaces more than 8 KB of values, packed.
    ("ImportsFunction", "s3:PutObject", "ImportsBucket/kept/*"),
    ("ImportsFunction", "s3:PutObjectTagging", "ImportsBucket/kept/*"),
    # A claim is released if another tenant takes the login between a writer's plan and its write.
    ("WriterFunction", "dynamodb:PartiQLDelete", "DirectoryTable"),
}


def compare(template, stacks, lines):
    """Returns a list of faults in the roles, given the outputs of all stacks and their log lines."""
    ids = logical_ids(stacks)
    faults = []
    for name, resource in template["Resources"].items():
        if resource["Type"].startswith("AWS::IAM::") and resource["Type"] != "AWS::IAM::Role":
            raise SystemExit(f"{name} may grant permissions, and deployed/grants.py does not check it")
        if resource["Type"] in ("AWS::S3::BucketPolicy", "AWS::SQS::QueuePolicy"):
            statements = resource["Properties"]["PolicyDocument"]["Statement"]
            if any(statement["Effect"] != "Deny" for statement in statements):
                raise SystemExit(f"{name} grants permissions: only roles may do that")
        if resource["Type"] != "AWS::Serverless::Function":
            continue
        properties = resource["Properties"]
        role = properties["Role"]["Fn::GetAtt"][0]
        log = template["Resources"][properties["LoggingConfig"]["LogGroup"]["Ref"]]
        ending = log["Properties"]["LogGroupName"]["Fn::Sub"].rsplit("}", 1)[1]
        needed = requested(logs.messages_of(lines, ending), ids) | received(template, name)
        allowed = granted(template, role)
        for action, over in sorted(needed - allowed):
            faults.append(f"{name} needs {action} on {over}, which {role} does not grant")
        for action, over in sorted(allowed - needed):
            if (name, action, over) in RARE:
                continue
            faults.append(f"{role} grants {action} on {over}, which {name} does not need")
        print(f"   {name}: {len(needed)} permissions used, {len(allowed)} granted")
    return faults
