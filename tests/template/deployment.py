"""One deployment: the transformed template with its parameters filled in and its conditions decided.

What AWS measures are the values that arrive there, so names and ARNs are as long as they can become.
"""

import re

PSEUDO = {
    "AWS::AccountId": "123456789012",
    "AWS::Partition": "aws-us-gov",
    "AWS::Region": "ap-southeast-1",
    "AWS::URLSuffix": "amazonaws.com",
    "AWS::StackId": "arn:aws:cloudformation:ap-southeast-1:123456789012:stack/s/0",
    "AWS::NotificationARNs": [],
    # https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html: 128 characters.
    "AWS::StackName": "s" * 128,
}

# How long a name becomes that CloudFormation makes up itself: <stack>-<resource>-<12 or 13 letters>, cut
# to what the service takes.
# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-properties-name.html
LONGEST_NAME = {
    "AWS::Lambda::Function": ("lambda", "function:", 64),
    "AWS::IAM::Role": ("iam", "role/", 64),
    "AWS::IAM::ManagedPolicy": ("iam", "policy/", 128),
    "AWS::DynamoDB::Table": ("dynamodb", "table/", 255),
    "AWS::SQS::Queue": ("sqs", "", 80),
    "AWS::SNS::Topic": ("sns", "", 256),
    "AWS::CloudWatch::Alarm": ("cloudwatch", "alarm:", 255),
    "AWS::CloudWatch::CompositeAlarm": ("cloudwatch", "alarm:", 255),
    "AWS::Logs::LogGroup": ("logs", "log-group:", 512),
    "AWS::Pipes::Pipe": ("pipes", "pipe/", 64),
    "AWS::Events::EventBus": ("events", "event-bus/", 256),
    "AWS::Events::Rule": ("events", "rule/", 64),
    "AWS::SecretsManager::Secret": ("secretsmanager", "secret:", 150),
    # Of the ARN, 188 characters are left for name and version
    # (https://docs.aws.amazon.com/lambda/latest/api/API_PublishLayerVersion.html).
    "AWS::Lambda::LayerVersion": ("lambda", "layer:", 140),
    "AWS::SSM::Parameter": ("ssm", "parameter/", 255),
    "AWS::KMS::Key": ("kms", "key/", 36),
    "AWS::ApiGatewayV2::Api": ("execute-api", "", 10),
}
# Those that are known by their ARN and not by their name.
KNOWN_BY_ARN = {
    "AWS::IAM::ManagedPolicy",
    "AWS::Lambda::LayerVersion",
    "AWS::SNS::Topic",
    "AWS::SecretsManager::Secret",
}
NAME_PROPERTY = {
    "AWS::Events::EventBus": "Name",
    "AWS::Lambda::LayerVersion": "LayerName",
    "AWS::Logs::LogGroup": "LogGroupName",
}

PLACEHOLDER = re.compile(r"\$\{([^!${}]+)\}")
NO_VALUE = object()


class Missing(Exception):
    """The template refers to something that this deployment does not have."""


class Deployment:
    """`resources`, `outputs` and `parameters` as AWS gets them, and which conditions hold."""

    def __init__(self, transformed: dict, given: dict[str, str], pseudo: dict | None = None):
        self.pseudo = {**PSEUDO, **(pseudo or {})}
        self.template = transformed
        self.parameters = {
            name: str(given.get(name, parameter.get("Default")))
            for name, parameter in transformed.get("Parameters", {}).items()
        }
        unset = [name for name, value in self.parameters.items() if value == "None"]
        assert not unset, f"these parameters have no value: {unset}"
        self.conditions: dict[str, bool] = {}
        for name in transformed.get("Conditions", {}):
            self._holds(name)
        self._all = transformed["Resources"]
        self.resources = {
            name: self._resource(name, resource)
            for name, resource in self._all.items()
            if self._is_there(resource)
        }
        self.outputs = {
            name: self._value({k: v for k, v in output.items() if k != "Condition"}, f"Outputs.{name}")
            for name, output in transformed.get("Outputs", {}).items()
            if self._is_there(output)
        }

    def of_type(self, kind: str) -> dict[str, dict]:
        """The properties of all resources of one type."""
        return {
            name: resource.get("Properties", {})
            for name, resource in self.resources.items()
            if resource["Type"] == kind
        }

    def _is_there(self, part: dict) -> bool:
        return "Condition" not in part or self._holds(part["Condition"])

    def _resource(self, name: str, resource: dict) -> dict:
        needed = resource.get("DependsOn", [])
        for other in [needed] if isinstance(needed, str) else needed:
            self.physical(other, f"{name}.DependsOn")
        resource = {key: value for key, value in resource.items() if key not in ("Condition", "DependsOn")}
        return self._value(resource, name)

    def _holds(self, name: str) -> bool:
        if name not in self.conditions:
            self.conditions[name] = self._truth(self.template["Conditions"][name])
        return self.conditions[name]

    def _truth(self, condition) -> bool:
        ((kind, inner),) = condition.items()
        match kind:
            case "Condition":
                return self._holds(inner)
            case "Fn::Not":
                return not self._truth(inner[0])
            case "Fn::And":
                return all(map(self._truth, inner))
            case "Fn::Or":
                return any(map(self._truth, inner))
            case "Fn::Equals":
                one, other = (self._value(side, "Conditions") for side in inner)
                return str(one) == str(other)
        raise NotImplementedError(kind)

    def _value(self, value, path: str):
        """The value with every function in it carried out. Only the branch that is taken is looked at."""
        if isinstance(value, list):
            found = [self._value(item, f"{path}[{index}]") for index, item in enumerate(value)]
            return [item for item in found if item is not NO_VALUE]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            ((key, inner),) = value.items()
            if key == "Ref" or key.startswith("Fn::"):
                return self._function(key, inner, path)
        found = {key: self._value(inner, f"{path}.{key}") for key, inner in value.items()}
        return {key: inner for key, inner in found.items() if inner is not NO_VALUE}

    def _function(self, key: str, inner, path: str):
        match key:
            case "Ref":
                return self._ref(inner, path)
            case "Fn::GetAtt":
                name, attribute = inner.split(".", 1) if isinstance(inner, str) else inner
                return self._attribute(name, attribute, path)
            case "Fn::If":
                condition, yes, no = inner
                return self._value(yes if self._holds(condition) else no, path)
            case "Fn::Sub":
                return self._sub(inner, path)
            case "Fn::Join":
                glue, parts = inner
                return glue.join(str(part) for part in self._value(parts, path))
            case "Fn::Split":
                glue, text = inner
                return self._value(text, path).split(glue)
            case "Fn::Select":
                index, parts = inner
                return self._value(parts, path)[int(index)]
        raise NotImplementedError(f"{path}: {key}")

    def _sub(self, inner, path: str) -> str:
        text, known = (inner, {}) if isinstance(inner, str) else inner
        known = {name: self._value(value, path) for name, value in known.items()}

        def filled(match: re.Match) -> str:
            name = match[1].strip()
            if name in known:
                return str(known[name])
            if "." in name:
                return str(self._attribute(*name.split(".", 1), path))
            return str(self._ref(name, path))

        return PLACEHOLDER.sub(filled, text).replace("${!", "${")

    def _ref(self, name: str, path: str):
        if name == "AWS::NoValue":
            return NO_VALUE
        if name in self.pseudo:
            return self.pseudo[name]
        if name in self.parameters:
            value = self.parameters[name]
            kind = self.template["Parameters"][name]["Type"]
            return [item.strip() for item in value.split(",")] if kind == "CommaDelimitedList" else value
        kind, physical = self.physical(name, path)
        known = self.arn(kind, physical) if kind in KNOWN_BY_ARN else physical
        return f"{known}:1000" if kind == "AWS::Lambda::LayerVersion" else known

    def _attribute(self, name: str, attribute: str, path: str) -> str:
        kind, physical = self.physical(name, path)
        if kind == "AWS::CloudFormation::CustomResource" or kind.startswith("Custom::"):
            return "x" * 255  # Whatever its function answers.
        if attribute == "StreamArn":
            return f"{self.arn(kind, physical)}/stream/2026-11-28T12:00:00.000"
        if attribute in ("QueueName", "TopicName", "Name"):
            return physical
        assert attribute in ("Arn", "Id", "TopicArn"), f"{path}: {name}.{attribute}"
        return self.arn(kind, physical)

    def physical(self, name: str, path: str) -> tuple[str, str]:
        """The type and the name of a resource that has to be there."""
        resource = self._all.get(name)
        if resource is None:
            raise Missing(f"{path} refers to {name}, which is nothing in the template")
        if not self._is_there(resource):
            raise Missing(f"{path} refers to {name}, which is not there unless {resource['Condition']}")
        kind = resource["Type"]
        own = resource.get("Properties", {}).get(NAME_PROPERTY.get(kind))
        if own is not None:
            return kind, self._value(own, f"{name}.Name")
        longest = LONGEST_NAME[kind][2] if kind in LONGEST_NAME else 64
        end = f"-{name}-{'x' * 13}"
        return kind, f"{self.pseudo['AWS::StackName'][: max(0, longest - len(end))]}{end}"

    def arn(self, kind: str, physical: str) -> str:
        service, before, _ = LONGEST_NAME[kind]
        home = "" if service == "iam" else self.pseudo["AWS::Region"]
        return f"arn:{self.pseudo['AWS::Partition']}:{service}:{home}:{self.pseudo['AWS::AccountId']}:{before}{physical}"
