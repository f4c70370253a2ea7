"""Limits that only show when several properties or resources are looked at together."""

import json
import re
from typing import Any, Callable, Iterator

from limits import API, HTTP_API_QUOTAS, IAM_QUOTAS, LAMBDA_QUOTAS, MAPPING, METRIC_ALARM

CLOUDFORMATION = f"{API}/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html"
ALARM_LIMITS = f"{API}/AmazonCloudWatch/latest/monitoring/alarm-limits.html"
ALARM_PERIODS = f"{API}/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html"
COMPOSITE = f"{API}/AmazonCloudWatch/latest/APIReference/API_PutCompositeAlarm.html"
LOG_QUOTAS = f"{API}/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html"
VENDED = f"{API}/AmazonCloudWatch/latest/logs/AWS-logs-infrastructure-V2-CloudWatchLogs.html"
STREAM_READERS = f"{API}/amazondynamodb/latest/developerguide/Streams.Lambda.html"
API_THROTTLE = f"{API}/apigateway/latest/developerguide/limits.html"
IMPORTED = f"{API}/apigateway/latest/developerguide/http-api-open-api.html"
SNS_KEY = f"{API}/sns/latest/dg/sns-key-management.html"
SQS_TIMEOUT = f"{API}/lambda/latest/dg/services-sqs-configure.html"
MULTIVALUED = f"{API}/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html"
DIMENSIONS = f"{API}/AmazonCloudWatchLogs/latest/APIReference/API_MetricTransformation.html"


def template_size(deployment) -> Iterator[str]:
    """A template that is uploaded, as `sam deploy` does with `resolve_s3`, may have a megabyte."""
    size = len(json.dumps(deployment.template).encode())
    if size > 1_000_000:
        yield f"the transformed template has {size} bytes, and CloudFormation takes 1 MB ({CLOUDFORMATION})"


def template_counts(deployment) -> Iterator[str]:
    """How much one template may declare, also what this deployment leaves out."""
    for part, most in {"Parameters": 200, "Outputs": 200, "Mappings": 200, "Resources": 500}.items():
        declared = deployment.template.get(part, {})
        if len(declared) > most:
            yield f"{len(declared)} {part}, and CloudFormation takes {most} ({CLOUDFORMATION})"
        for name in declared:
            if len(name) > 255:
                yield f"{name[:40]}...: a name has at most 255 characters ({CLOUDFORMATION})"
            if part == "Resources" and not re.fullmatch("[A-Za-z0-9]+", name):
                yield f"{name}: a resource is named in letters and digits ({CLOUDFORMATION})"
    described = {"the template": deployment.template.get("Description", "")}
    described |= {name: it.get("Description", "") for name, it in deployment.template["Parameters"].items()}
    described |= {name: it.get("Description", "") for name, it in deployment.template.get("Outputs", {}).items()}
    for name, description in described.items():
        # 4,000 characters for a parameter, 1,024 bytes for an output and for the template: the lesser for all.
        if len(description.encode()) > 1024:
            yield f"{name}: a description has at most 1024 bytes ({CLOUDFORMATION})"


def parameter_values(deployment) -> Iterator[str]:
    """How long a value may be that is handed in."""
    for name, value in deployment.parameters.items():
        if len(value.encode()) > 4096:
            yield f"{name} has {len(value.encode())} bytes, and CloudFormation takes 4096 ({CLOUDFORMATION})"


def environment(deployment) -> Iterator[str]:
    """All variables of a function together, as the JSON that they are sent in."""
    for name, function in deployment.of_type("AWS::Lambda::Function").items():
        variables = function.get("Environment", {}).get("Variables", {})
        size = environment_size(variables)
        if size > 4096:
            yield f"{name}: the environment has {size} bytes, and Lambda takes 4096 ({LAMBDA_QUOTAS})"
        for variable in variables:
            if not re.fullmatch("[a-zA-Z][a-zA-Z0-9_]+", variable):
                yield f"{name}: {variable} is no name of a variable ({LAMBDA_QUOTAS})"
            # https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
            if variable.startswith("AWS_LAMBDA_") or variable in ("AWS_REGION", "TZ", "_HANDLER"):
                yield f"{name}: Lambda sets {variable} itself ({LAMBDA_QUOTAS})"


def environment_size(variables: dict[str, str]) -> int:
    """Bytes of UTF-8 with the escapes of JSON."""
    return len(json.dumps(variables, ensure_ascii=False, separators=(",", ":")).encode())


def metrics_of_an_alarm(deployment) -> Iterator[str]:
    """Metric math takes ten metrics; it is a hard limit."""
    for name, alarm in deployment.of_type(METRIC_ALARM).items():
        queries = alarm.get("Metrics", [])
        stats = [query for query in queries if "MetricStat" in query]
        expressions = [query for query in queries if "Expression" in query]
        if len(stats) > 10 or len(expressions) > 10:
            yield f"{name}: {len(stats)} metrics and {len(expressions)} expressions, and an alarm takes 10 of each ({ALARM_LIMITS})"
        ids = [query["Id"] for query in queries]
        if len(ids) != len(set(ids)):
            yield f"{name}: two of its queries have one id ({ALARM_PERIODS})"
        returning = [query for query in queries if query.get("ReturnData", True)]
        if queries and len(returning) != 1:
            yield f"{name}: {len(returning)} of its queries return data, and it watches one ({ALARM_PERIODS})"


def periods_of_an_alarm(deployment) -> Iterator[str]:
    """An alarm looks back a day, or a week if its periods have an hour."""
    for name, alarm in deployment.of_type(METRIC_ALARM).items():
        periods = [query["MetricStat"]["Period"] for query in alarm.get("Metrics", []) if "MetricStat" in query]
        for period in [alarm["Period"]] if "Period" in alarm else periods:
            allowed = period in (10, 20, 30) or period % 60 == 0
            longest = 604800 if period >= 3600 else 86400
            if not allowed or period * alarm["EvaluationPeriods"] > longest:
                yield f"{name}: {alarm['EvaluationPeriods']} periods of {period} s ({ALARM_PERIODS})"


def children_of_an_alarm(deployment) -> Iterator[str]:
    """A composite alarm names alarms that exist, a hundred at the most."""
    names = {deployment.physical(name, "")[1] for name in deployment.of_type(METRIC_ALARM)}
    for name, alarm in deployment.of_type("AWS::CloudWatch::CompositeAlarm").items():
        children = re.findall(r'(?:ALARM|OK|INSUFFICIENT_DATA)\("([^"]+)"\)', alarm["AlarmRule"])
        if not 1 <= len(children) <= 100:
            yield f"{name}: {len(children)} alarms below it, and a composite alarm takes 1 to 100 ({COMPOSITE})"
        for child in set(children) - names:
            yield f"{name}: {child} is no alarm of this deployment ({COMPOSITE})"


def metric_filters(deployment) -> Iterator[str]:
    """A log group takes a hundred, and a filter with dimensions has no default value."""
    filters = deployment.of_type("AWS::Logs::MetricFilter").values()
    groups = [one["LogGroupName"] for one in filters]
    for group in sorted(set(groups)):
        if groups.count(group) > 100:
            yield f"{group}: {groups.count(group)} metric filters, and a log group takes 100 ({LOG_QUOTAS})"
    for one in filters:
        for transformation in one["MetricTransformations"]:
            if "Dimensions" in transformation and "DefaultValue" in transformation:
                yield f"{transformation['MetricName']}: a filter with dimensions has no default value ({DIMENSIONS})"


def access_logs(deployment) -> Iterator[str]:
    """Outside this prefix each API writes an entry into one policy of the account that holds 5,120 characters."""
    for name, stage in deployment.of_type("AWS::ApiGatewayV2::Stage").items():
        destination = stage["AccessLogSettings"]["DestinationArn"]
        if ":log-group:/aws/vendedlogs/" not in destination:
            yield f"{name}: the access log is not below /aws/vendedlogs/ ({VENDED})"


def policies(deployment) -> Iterator[str]:
    """IAM counts what is not white space: 6,144 in a managed policy, 10,240 in all inline ones of a role."""
    for name, policy in deployment.of_type("AWS::IAM::ManagedPolicy").items():
        size = policy_size(policy["PolicyDocument"])
        if size > 6144:
            yield f"{name}: {size} characters, and a managed policy takes 6144 ({IAM_QUOTAS})"
    for name, role in deployment.of_type("AWS::IAM::Role").items():
        size = sum(policy_size(policy["PolicyDocument"]) for policy in role.get("Policies", []))
        if size > 10240:
            yield f"{name}: {size} characters, and the policies in a role take 10240 ({IAM_QUOTAS})"
        trust = policy_size(role["AssumeRolePolicyDocument"])
        if trust > 2048:
            yield f"{name}: {trust} characters, and a trust policy takes 2048 ({IAM_QUOTAS})"


def policy_size(document: dict) -> int:
    """Characters without white space."""
    return len(re.sub(r"\s", "", json.dumps(document, ensure_ascii=False, separators=(",", ":"))))


def policy_characters(deployment) -> Iterator[str]:
    """A policy and what describes it have no characters beyond Latin 1."""
    for kind in ("AWS::IAM::ManagedPolicy", "AWS::IAM::Role"):
        for name, properties in deployment.of_type(kind).items():
            for character in sorted(set(json.dumps(properties, ensure_ascii=False))):
                if not (character in "\t\n\r" or " " <= character <= "\xff"):
                    yield f"{name}: {character!r} is no character of a policy ({IAM_QUOTAS})"


def conditions_on_many_values(deployment) -> Iterator[str]:
    """`ForAllValues` is true of a call that has no such key, so it has to be asked for as well."""
    for name, policy in deployment.of_type("AWS::IAM::ManagedPolicy").items():
        for statement in policy["PolicyDocument"]["Statement"]:
            condition = statement.get("Condition", {})
            for operator, keys in condition.items():
                for key in keys if operator.startswith("ForAllValues:") else ():
                    if str(condition.get("Null", {}).get(key)).lower() != "false":
                        yield f"{name}: ForAllValues of {key} without Null: false ({MULTIVALUED})"


def readers_of_a_stream(deployment) -> Iterator[str]:
    """Two processes at the most read from one shard."""
    readers = [it["EventSourceArn"] for it in deployment.of_type("AWS::Lambda::EventSourceMapping").values()]
    readers += [it["Source"] for it in deployment.of_type("AWS::Pipes::Pipe").values()]
    for stream in sorted(set(readers)):
        if readers.count(stream) > 2:
            yield f"{readers.count(stream)} readers of {stream}, and a shard takes 2 ({STREAM_READERS})"


def order_of_a_stream(deployment) -> Iterator[str]:
    """Batches of one shard run side by side above a factor of 1, and keep the order of one item only."""
    for name, mapping in deployment.of_type("AWS::Lambda::EventSourceMapping").items():
        if mapping.get("ParallelizationFactor", 1) != 1:
            yield f"{name}: at this ParallelizationFactor events of a customer overtake each other ({MAPPING})"
    for name, pipe in deployment.of_type("AWS::Pipes::Pipe").items():
        if pipe["SourceParameters"]["DynamoDBStreamParameters"].get("ParallelizationFactor", 1) != 1:
            yield f"{name}: at this ParallelizationFactor events of a user overtake each other ({MAPPING})"


def routes(deployment) -> Iterator[str]:
    """How many an HTTP API takes, and for how long one may be answered."""
    for name, api in deployment.of_type("AWS::ApiGatewayV2::Api").items():
        keys = route_keys(api)
        if len(keys) > 300:
            yield f"{name}: {len(keys)} routes, and an HTTP API takes 300 ({HTTP_API_QUOTAS})"
        if api.get("FailOnWarnings") is not True:
            yield f"{name}: without FailOnWarnings, what the import does not understand is left out in silence ({IMPORTED})"
    behind = {
        permission["FunctionName"]
        for permission in deployment.of_type("AWS::Lambda::Permission").values()
        if permission["Principal"] == "apigateway.amazonaws.com"
    }
    for name, function in deployment.of_type("AWS::Lambda::Function").items():
        if deployment.physical(name, "")[1] in behind and function["Timeout"] >= 30:
            yield f"{name}: {function['Timeout']} s, and API Gateway gives up after 30 ({HTTP_API_QUOTAS})"


def route_keys(api: dict) -> list[str]:
    """Every route of an API's definition, as its events name it."""
    methods = ("get", "put", "post", "delete", "options", "head", "patch", "x-amazon-apigateway-any-method")
    return [
        f"{method.upper()} {path}"
        for path, operations in api["Body"]["paths"].items()
        for method in operations
        if method.lower() in methods
    ]


# What API Gateway understands of OpenAPI when it imports an HTTP API; it warns of everything else.
IMPORTABLE = {
    "definition": {"openapi", "info", "paths", "tags", "components", "x-amazon-apigateway-cors"},
    "component": {"securitySchemes"},
    "operation": {"x-amazon-apigateway-integration", "security", "responses", "parameters"},
    "integration": {"httpMethod", "type", "uri", "payloadFormatVersion", "timeoutInMillis", "connectionType"},
    "scheme": {"type", "in", "name", "x-amazon-apigateway-authorizer", "x-amazon-apigateway-authtype"},
}


def importable(deployment) -> Iterator[str]:
    """FailOnWarnings turns what the import would ignore into a failed deployment."""
    for name, api in deployment.of_type("AWS::ApiGatewayV2::Api").items():
        body = api["Body"]
        parts: list[tuple[str, Any]] = [("definition", body), ("component", body.get("components", {}))]
        schemes = body.get("components", {}).get("securitySchemes", {})
        parts += [("scheme", scheme) for scheme in schemes.values()]
        for path in body["paths"].values():
            for operation in path.values():
                parts.append(("operation", operation))
                parts.append(("integration", operation["x-amazon-apigateway-integration"]))
                for needed in operation.get("security", []):
                    for unknown in set(needed) - set(schemes):
                        yield f"{name}: no security scheme {unknown} ({IMPORTED})"
        for what, part in parts:
            for unknown in sorted(set(part) - IMPORTABLE[what]):
                yield f"{name}: an HTTP API does not import {unknown} of a {what} ({IMPORTED})"


def throttles(deployment) -> Iterator[str]:
    """An account takes 10,000 requests a second, 5,000 at once; a route's own limit names a route."""
    keys = {key for api in deployment.of_type("AWS::ApiGatewayV2::Api").values() for key in route_keys(api)}
    for name, stage in deployment.of_type("AWS::ApiGatewayV2::Stage").items():
        of_routes = stage.get("RouteSettings", {})
        for key in set(of_routes) - keys:
            yield f"{name}: a limit for {key}, which is no route ({API_THROTTLE})"
        for key, limit in {"default": stage.get("DefaultRouteSettings", {}), **of_routes}.items():
            if not 0 < limit.get("ThrottlingRateLimit", 0) <= 10000:
                yield f"{name}: {key} has no limit of requests a second, or one above the account's ({API_THROTTLE})"
            if not 0 < limit.get("ThrottlingBurstLimit", 0) <= 5000:
                yield f"{name}: {key} has no limit of requests at once, or one above the account's ({API_THROTTLE})"


def topic_key(deployment) -> Iterator[str]:
    """CloudWatch publishes to an encrypted topic only where the key's policy lets it, which AWS's own key does not."""
    keys = {
        deployment.arn("AWS::KMS::Key", deployment.physical(name, "")[1]): key
        for name, key in deployment.of_type("AWS::KMS::Key").items()
    }
    for name, topic in deployment.of_type("AWS::SNS::Topic").items():
        key = keys.get(topic.get("KmsMasterKeyId"))
        allowed = [
            statement
            for statement in (key or {}).get("KeyPolicy", {}).get("Statement", [])
            if statement["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
            and {"kms:Decrypt", "kms:GenerateDataKey*"} <= set(statement["Action"])
        ]
        if not allowed:
            yield f"{name}: CloudWatch cannot use the topic's key, so no alarm arrives ({SNS_KEY})"


TOGETHER: list[Callable[[Any], Iterator[str]]] = [
    template_size,
    template_counts,
    parameter_values,
    environment,
    metrics_of_an_alarm,
    periods_of_an_alarm,
    children_of_an_alarm,
    metric_filters,
    access_logs,
    policies,
    policy_characters,
    conditions_on_many_values,
    readers_of_a_stream,
    order_of_a_stream,
    routes,
    importable,
    throttles,
    topic_key,
]
