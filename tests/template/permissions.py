"""What each function may do, read from its role after SAM's transform."""


def permissions(source: dict, function: str) -> set[str]:
    """The actions of one function, each with what it is allowed on: "dynamodb:Query Table.Arn".

    A policy that this template does not write itself is listed by its name, because nobody here
    can say what is in it.
    """
    resources = source["Resources"]
    role_name, attribute = resources[function]["Properties"]["Role"]["Fn::GetAtt"]
    assert attribute == "Arn", role_name
    role = resources[role_name]["Properties"]
    found = set()
    for policy in role.get("ManagedPolicyArns", []):
        own = resources.get(policy.get("Ref")) if isinstance(policy, dict) else None
        if own is None:
            found.add(f"policy {policy}")
        else:
            found |= statements(own["Properties"]["PolicyDocument"])
    for policy in role.get("Policies", []):
        found |= statements(policy["PolicyDocument"])
    return found


def statements(document: dict) -> set[str]:
    """The actions of one policy document."""
    found = set()
    for statement in document["Statement"]:
        assert statement["Effect"] == "Allow", statement
        where = " ".join(map(target, many(statement["Resource"])))
        limit = "".join(
            f" where {keys}"
            for condition in statement.get("Condition", {}).values()
            for keys in (f"{key} is {' or '.join(many(value))}" for key, value in condition.items())
        )
        found |= {f"{action} {where}{limit}" for action in many(statement["Action"])}
    return found


def target(resource) -> str:
    """A resource in a few letters: Table.Arn, StripeSecretKeyArn, *."""
    if isinstance(resource, str):
        return resource
    ((kind, value),) = resource.items()
    return ".".join(value) if kind == "Fn::GetAtt" else value


def many(value) -> list:
    """A list, also of one."""
    return value if isinstance(value, list) else [value]
