"""Compares what each function's role grants with what the function asked of AWS while the contract
tests ran: its log lists each call at level DEBUG (shared/aws/src/calls.rs)."""

from deployed import logs

# Lambda itself writes the log with the function's role, so no call of the function's shows it.
BY_LAMBDA = {"logs:CreateLogStream", "logs:PutLogEvents"}
# Nor do these, with which it fetches a function's messages.
BY_MAPPING = {"sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"}


def resources(outputs, resource):
    """The name by which the log speaks of a policy's resource: a table, an index, a queue, or a
    folder of the bucket."""
    names = {
        "DirectoryTable": outputs["DirectoryTableName"],
        "ControlTable": outputs["ControlTableName"],
        "ImportsBucket": outputs["ImportsBucketName"],
        "ImportsQueue": outputs["ImportsQueueUrl"].rsplit("/", 1)[1],
        "ChunksQueue": outputs["ChunksQueueUrl"].rsplit("/", 1)[1],
    }
    if "Fn::GetAtt" in resource:
        logical, attribute = resource["Fn::GetAtt"]
        if attribute == "Arn":
            return names.get(logical, logical)
    if "Fn::Sub" in resource:
        text = resource["Fn::Sub"]
        folder = text.startswith("${ImportsBucket.Arn}/") and text.endswith("/*")
        for logical, name in names.items():
            text = text.replace("${" + logical + ".Arn}", name)
        if "$" not in text and text.count("*") == (1 if folder else 0):
            return text
    raise SystemExit(f"a role grants something on {resource}: name one resource")


def only(mapping, known, where):
    """Ends the proof if there is a key that it does not know."""
    if unknown := mapping.keys() - known:
        raise SystemExit(f"{where} has {', '.join(unknown)}, at which deployed/grants.py does not look")


def granted(template, outputs, role):
    """{(action, resource)} of a role."""
    found = set()
    properties = template["Resources"][role]["Properties"]
    # Whatever else could grant something would have to be looked at here, too.
    only(properties, {"AssumeRolePolicyDocument", "Policies"}, role)
    for policy in properties["Policies"]:
        for statement in policy["PolicyDocument"]["Statement"]:
            only(statement, {"Sid", "Effect", "Action", "Resource"}, f"a statement of {role}")
            listed = statement["Action"], statement["Resource"]
            actions, over = (value if isinstance(value, list) else [value] for value in listed)
            for action in actions:
                if "*" in action or statement["Effect"] != "Allow":
                    raise SystemExit(f"{role}: {action} is not one action that is allowed")
                if action not in BY_LAMBDA:
                    found |= {(action, resources(outputs, one)) for one in over}
    return found


def fetched(template, outputs, function):
    """{(action, resource)} that Lambda needs to bring the function the messages of its queues."""
    found = set()
    for resource in template["Resources"].values():
        if resource["Type"] != "AWS::Lambda::EventSourceMapping":
            continue
        properties = resource["Properties"]
        if properties["FunctionName"] == {"Ref": f"{function}.Alias"}:
            queue = resources(outputs, properties["EventSourceArn"])
            found |= {(action, queue) for action in BY_MAPPING}
    return found


def made(lines):
    """{(action, resource)} that a function's calls needed."""
    found = set()
    for entry in logs.entries(lines):
        if entry.get("target") == "muster_aws::calls":
            for grant in entry["grants"].split(", "):
                action, resource = grant.split(" ", 1)
                found.add((action, resource))
    return found


# Rights that a function needs where no test of a deployed stack can take it, and why.
RARE = {
    # A request is handed over after 25 s, which takes a directory that is throttled for so long.
    ("ImportsFunction", "sqs:SendMessage", "-chunks"),
    # A claim is given up when two tenants meet at one login between a writer's plan and its write.
    ("WriterFunction", "dynamodb:PartiQLDelete", "-directory"),
}


def is_rare(function, action, over):
    return any(
        (function, action) == rare[:2] and over.endswith(rare[2]) for rare in RARE
    )


def compare(template, outputs, lines):
    """What is wrong with the roles, in sentences."""
    faults = []
    for name, resource in template["Resources"].items():
        if resource["Type"].startswith("AWS::IAM::") and resource["Type"] != "AWS::IAM::Role":
            raise SystemExit(f"{name} may grant rights, and deployed/grants.py does not look at it")
        if resource["Type"] in ("AWS::S3::BucketPolicy", "AWS::SQS::QueuePolicy"):
            statements = resource["Properties"]["PolicyDocument"]["Statement"]
            if any(statement["Effect"] != "Deny" for statement in statements):
                raise SystemExit(f"{name} grants rights: roles are the place for that")
        if resource["Type"] != "AWS::Serverless::Function":
            continue
        properties = resource["Properties"]
        role = properties["Role"]["Fn::GetAtt"][0]
        log = template["Resources"][properties["LoggingConfig"]["LogGroup"]["Ref"]]
        ending = log["Properties"]["LogGroupName"]["Fn::Sub"].rsplit("}", 1)[1]
        asked = made(logs.messages_of(lines, ending)) | fetched(template, outputs, name)
        allowed = granted(template, outputs, role)
        for action, over in sorted(asked - allowed):
            faults.append(f"{name} needs {action} on {over}, which {role} does not grant")
        for action, over in sorted(allowed - asked):
            if is_rare(name, action, over):
                continue
            faults.append(f"{role} grants {action} on {over}, which {name} does not need")
        print(f"   {name}: {len(asked)} rights used, {len(allowed)} granted")
    return faults
