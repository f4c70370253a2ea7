"""What each function may do, read from its role as a deployment with everything in it has it."""

from deployment import Deployment


def permissions(deployment: Deployment, function: str) -> set[str]:
    """The actions of one function, each with what it is allowed on: "dynamodb:Query table where USER#*".

    A policy that this template does not write itself is listed by its name, because nobody here
    can say what is in it.
    """
    arn = deployment.of_type("AWS::Lambda::Function")[function]["Role"]
    (role,) = [one for name, one in deployment.of_type("AWS::IAM::Role").items() if arn_of(deployment, name) == arn]
    return permissions_of_role(deployment, role)


def permissions_of_role(deployment: Deployment, role: dict) -> set[str]:
    """The actions of a role."""
    own = {arn_of(deployment, name): one for name, one in deployment.of_type("AWS::IAM::ManagedPolicy").items()}
    found = set()
    for arn in role.get("ManagedPolicyArns", []):
        found |= statements(deployment, own[arn]["PolicyDocument"]) if arn in own else {f"policy {arn}"}
    for policy in role.get("Policies", []):
        found |= statements(deployment, policy["PolicyDocument"])
    return found


def statements(deployment: Deployment, document: dict) -> set[str]:
    """The actions of one policy document, each partition key for itself."""
    found = set()
    for statement in document["Statement"]:
        assert statement["Effect"] == "Allow", statement
        for resource in many(statement["Resource"]):
            for limit in limits(statement.get("Condition", {})):
                found |= {f"{action} {named(deployment, resource)}{limit}" for action in many(statement["Action"])}
    return found


def limits(condition: dict) -> list[str]:
    """What the condition asks for, in words; one for each of several values."""
    condition = dict(condition)
    needed = {key for key, absent in condition.pop("Null", {}).items() if str(absent).lower() == "false"}
    found = []
    for operator, keys in condition.items():
        for key, values in keys.items():
            absent = " or absent" if operator.startswith("ForAllValues:") and key not in needed else ""
            key = "" if key == "dynamodb:LeadingKeys" else f"{key} is "
            found += [f" where {key}{value}{absent}" for value in many(values)]
    return found or [""]


def named(deployment: Deployment, arn: str) -> str:
    """A resource in a few letters: the logical name and what follows it."""
    known = {}
    for name, resource in deployment.resources.items():
        if resource["Type"] in ("AWS::DynamoDB::Table", "AWS::SQS::Queue", "AWS::Logs::LogGroup", "AWS::Lambda::Function"):
            known[arn_of(deployment, name)] = name
        if resource["Type"] in ("AWS::SecretsManager::Secret", "AWS::Events::EventBus"):
            known[arn_of(deployment, name)] = name
    known |= {value: name for name, value in deployment.parameters.items() if value.startswith("arn:")}
    for start, name in sorted(known.items(), key=lambda entry: -len(entry[0])):
        if arn == start or arn.startswith(f"{start}/"):
            rest = arn.removeprefix(start)
            return f"{name}/stream" if rest.startswith("/stream/2") else f"{name}{rest}"
    return arn


def arn_of(deployment: Deployment, name: str) -> str:
    """The ARN of a resource."""
    return deployment.arn(*deployment.physical(name, ""))


def many(value) -> list:
    """A list, also of one."""
    return value if isinstance(value, list) else [value]
