"""The values of parameters that matter: the least that is needed, the longest that is allowed, and both
branches of every condition."""

import re

from deployment import Deployment

STREAM = "arn:aws:dynamodb:ap-southeast-1:123456789012:table/{}/stream/2026-11-28T12:00:00.000"
SECRET = "arn:aws-us-gov:secretsmanager:ap-southeast-1:123456789012:secret:{}-AbCdEf"

# What a shop has to say.
LEAST = {
    "StripePublishableKey": "pk_test_a",
    "StripeSecretKeyArn": SECRET.format("key"),
    "StripeWebhookSecretsArn": SECRET.format("webhook"),
    "ShopUrl": "https://shop.example/account",
    "ShopOrigin": "https://shop.example",
    "JwtIssuer": "https://issuer.example/",
    "JwtAudience": "shop",
}

# Each as a beginning, what may be repeated, and an end. The repeated part is the one that takes most bytes in
# JSON among those that the pattern allows.
LONGEST = {
    "StripePublishableKey": ("pk_test_", "a", ""),
    "StripeSecretKeyArn": (SECRET.split("{}")[0], "k", "-AbCdEf"),
    "StripeWebhookSecretsArn": (SECRET.split("{}")[0], "k", "-AbCdEf"),
    "Consent": ("{", "定", "}"),
    "ShopUrl": ("https://shop.example/", "a", ""),
    "ShopOrigin": ("https://", "a", ".example"),
    "JwtIssuer": ("https://issuer.example/", "a", ""),
    "JwtAudience": ("", "a", ""),
    "ApiBaseUrl": ("https://api.example/", "a", ""),
    "StripeEventBusName": ("aws.partner/stripe.com/", "e", ""),
    "AlarmEmail": ("a@", "a", ".example"),
    "EmailClaim": ("https://shop.example/", "a", ""),
    "ExistingTableStreamArn": (STREAM.split("{}")[0], "t", STREAM.split("{}")[1]),
    "ExistingLinkSecretArn": (SECRET.split("{}")[0], "k", "-AbCdEf"),
    "SecretsKeyArn": ("arn:aws-us-gov:kms:ap-southeast-1:123456789012:key/", "a", ""),
}


def longest(name: str, parameter: dict) -> str:
    """The longest value that the template lets through."""
    if "AllowedValues" in parameter:
        return max(map(str, reversed(parameter["AllowedValues"])), key=len)
    if parameter["Type"] == "Number":
        return str(parameter["MaxValue"])
    assert name in LONGEST, f"say in LONGEST what a long value of {name} looks like"
    before, part, after = LONGEST[name]
    room = parameter.get("MaxLength")
    if room is None:
        room = next(size for size in range(300, 0, -1) if allows(parameter, fill(before, part, after, size)))
    value = fill(before, part, after, room)
    while not allows(parameter, value):  # A part of the value has a limit of its own.
        room -= 1
        value = fill(before, part, after, room)
    return value


def fill(before: str, part: str, after: str, size: int) -> str:
    """A text of this many characters."""
    return before + part * (size - len(before) - len(after)) + after


def allows(parameter: dict, value: str) -> bool:
    """Whether CloudFormation takes the value. A list is judged item by item, anything else as a whole.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/parameters-section-structure.html
    """
    if "AllowedValues" in parameter and value not in map(str, parameter["AllowedValues"]):
        return False
    if not parameter.get("MinLength", 0) <= len(value) <= parameter.get("MaxLength", 4096):
        return False
    if parameter["Type"] == "Number":
        low, high = parameter.get("MinValue", 0), parameter.get("MaxValue", float("inf"))
        return bool(re.fullmatch(r"-?[0-9]+", value)) and low <= int(value) <= high
    if "AllowedPattern" not in parameter:
        return True
    items = value.split(",") if parameter["Type"] == "CommaDelimitedList" else [value]
    return all(re.fullmatch(parameter["AllowedPattern"], item.strip()) for item in items)


def cases(transformed: dict) -> dict[str, dict[str, str]]:
    """Parameter values by what they are for: the least, the most, and each that is optional for itself."""
    parameters = transformed["Parameters"]
    most = {name: longest(name, parameter) for name, parameter in parameters.items()}
    optional = [name for name, parameter in parameters.items() if "Default" in parameter]
    least = {name: value for name, value in LEAST.items() if name in parameters}
    # What another part of the template needs is as short as it can be.
    least |= {name: most[name] for name in parameters if name not in least and name not in optional}
    found = {"the least": least, "the most": most}
    for name in optional:
        found[f"the least with {name}"] = {**least, name: most[name]}
        found[f"the most without {name}"] = {key: value for key, value in most.items() if key != name}
    return found


def deployments(transformed: dict) -> dict[str, Deployment]:
    """A deployment for each case."""
    return {what: Deployment(transformed, values) for what, values in cases(transformed).items()}
