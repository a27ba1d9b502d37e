"""Deploys the template as `sam deploy` does: the code to a bucket, and the template, with references to
the code, to CloudFormation."""

import io
import json
import pathlib
import platform
import subprocess
import sys
import tempfile
import zipfile

import yaml
from botocore.exceptions import WaiterError

STACK = "muster-proof"
BUCKET = "muster-proof-code"
# The parameters of the template for these tests; all others keep their defaults.
MACHINE = "arm64" if platform.machine() in ("aarch64", "arm64") else "x86_64"
PARAMETERS = {"Architecture": MACHINE, "LogLevel": "DEBUG", "DeletionProtection": "false"}
# The parameters that are then changed; the functions that clients reach must follow.
CHANGED = {
    "LogLevel": "WARN",
    "AuthMemory": "1024",
    "ConsoleMemory": "2048",
    "ImportsMemory": "2048",
    "ProcessorMemory": "2048",
    "SweeperMemory": "512",
    "UsersMemory": "2048",
    "WriterMemory": "2048",
}


class Loader(yaml.SafeLoader):
    """Parses CloudFormation's short tags into their long form: `!Ref x` into `{"Ref": x}`."""


def long_form(loader, suffix, node):
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
        if suffix == "GetAtt":
            value = value.split(".", 1)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


Loader.add_multi_constructor("!", long_form)


def read(path):
    """Parses the template, with short tags in their long form."""
    return yaml.load(pathlib.Path(path).read_text(), Loader)


def functions(template):
    """Returns (logical id, binary) of every function."""
    return [
        (name, resource["Metadata"]["BuildProperties"]["Binary"])
        for name, resource in template["Resources"].items()
        if resource["Type"] == "AWS::Serverless::Function"
    ]


def packed(template, binaries):
    """Returns {logical id: (object key, zip archive)} of the code of all functions."""
    code = {}
    for name, binary in functions(template):
        built = binaries / binary
        # `cargo lambda build` creates a folder for each binary.
        code[name] = f"{binary}.zip", zipped(built / "bootstrap" if built.is_dir() else built)
        print(f"   {binary}: {len(code[name][1]) / 1e6:.1f} MB zipped")
    return code


def zipped(binary):
    """Returns the stripped binary in a zip archive for Lambda."""
    with tempfile.NamedTemporaryFile(prefix="muster-stripped-") as stripped:
        subprocess.run(["strip", "-o", stripped.name, binary], check=True)
        content = pathlib.Path(stripped.name).read_bytes()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        entry = zipfile.ZipInfo("bootstrap", (2026, 1, 1, 0, 0, 0))
        entry.external_attr = 0o755 << 16
        entry.compress_type = zipfile.ZIP_DEFLATED
        archive.writestr(entry, content)
    return packed.getvalue()


def fit_emulator(template):
    """Removes what the emulated account does not support, and adds what only it needs."""
    # It has no TLS, and these policies refuse requests without TLS.
    for name in [
        name
        for name, resource in template["Resources"].items()
        if resource["Type"] in ("AWS::S3::BucketPolicy", "AWS::SQS::QueuePolicy")
    ]:
        del template["Resources"][name]
    for resource in template["Resources"].values():
        properties = resource["Properties"]
        # It does not resolve a parameter here, and then receives no messages.
        if resource["Type"] == "AWS::Lambda::EventSourceMapping":
            scaling = properties["ScalingConfig"]
            parameter = template["Parameters"][scaling["MaximumConcurrency"]["Ref"]]
            scaling["MaximumConcurrency"] = parameter["Default"]
        # It has no CodeDeploy, which shifts aliases gradually. The aliases stay.
        if resource["Type"] == "AWS::Serverless::Function":
            del properties["DeploymentPreference"]
        # AWS requires the permissions of the statements in a batch; the emulator requires one for the
        # batch. deployed/grants.py checks the permissions of the statements.
        if resource["Type"] == "AWS::IAM::Role":
            for policy in properties["Policies"]:
                statements = policy["PolicyDocument"]["Statement"]
                if any("PartiQL" in action for one in statements for action in one["Action"]):
                    statements.append(
                        {"Effect": "Allow", "Action": "dynamodb:BatchExecuteStatement", "Resource": "*"}
                    )
                # AWS requires sqs:SendMessage for a batch of messages, the emulator another action.
                for one in statements:
                    if "sqs:SendMessage" in one["Action"]:
                        one["Action"].append("sqs:SendMessageBatch")


def stack_with(parameters):
    """Returns the arguments of every change of the stack."""
    return {
        "StackName": STACK,
        "Parameters": [
            {"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()
        ],
        "Capabilities": ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
    }


def wait_for(cloudformation, state):
    """Waits until the stack is in a state, or exits with the reasons of the failure."""
    try:
        cloudformation.get_waiter(state).wait(
            StackName=STACK, WaiterConfig={"Delay": 1, "MaxAttempts": 60}
        )
    except WaiterError as error:
        for event in cloudformation.describe_stack_events(StackName=STACK)["StackEvents"]:
            if "FAILED" in event["ResourceStatus"]:
                reason = event.get("ResourceStatusReason", "")
                print(f"   {event['LogicalResourceId']}: {reason}", file=sys.stderr)
        sys.exit(f"the stack did not reach {state}: {error}")


def verify_parameter_change(account, outputs):
    """Changes parameters, and returns a list of faults if the functions do not follow."""
    cloudformation = account.client("cloudformation")
    cloudformation.update_stack(
        UsePreviousTemplate=True, **stack_with(PARAMETERS | CHANGED)
    )
    wait_for(cloudformation, "stack_update_complete")
    faults = []
    memories = {
        f"{function}FunctionName": f"{function}Memory"
        for function in ("Auth", "Console", "Imports", "Processor", "Sweeper", "Users", "Writer")
    }
    for output, memory in memories.items():
        called = account.client("lambda").get_function_configuration(
            FunctionName=outputs[output], Qualifier="live"
        )
        level = called["Environment"]["Variables"]["MUSTER_LOG_LEVEL"]
        if level != CHANGED["LogLevel"]:
            faults.append(f"{output}: LogLevel was changed, but MUSTER_LOG_LEVEL of the alias live is still {level}")
        if called["MemorySize"] != int(CHANGED[memory]):
            faults.append(f"{output}: {memory} was changed, but the memory of the alias live was not")
    return faults


def deploy(account, template_path, code):
    """Deploys the stack with this packed code and returns its outputs."""
    template = read(template_path)
    s3 = account.client("s3")
    s3.create_bucket(
        Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": s3.meta.region_name}
    )
    del template["Globals"]["Function"]["CodeUri"]
    for name, (key, archive) in code.items():
        s3.put_object(Bucket=BUCKET, Key=key, Body=archive)
        template["Resources"][name]["Properties"]["CodeUri"] = {"Bucket": BUCKET, "Key": key}
    fit_emulator(template)
    # The template is too large for a request.
    s3.put_object(Bucket=BUCKET, Key="template.json", Body=json.dumps(template, default=str))
    cloudformation = account.client("cloudformation")
    cloudformation.create_stack(
        TemplateURL=f"{account.url}/{BUCKET}/template.json", **stack_with(PARAMETERS)
    )
    wait_for(cloudformation, "stack_create_complete")
    stack = cloudformation.describe_stacks(StackName=STACK)["Stacks"][0]
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
