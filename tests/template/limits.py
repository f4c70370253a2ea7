"""What AWS takes of a single property: how long, how many, in which range. Each number is AWS's own.

What no single property shows is in `limits_together.py`.
"""

import json
import re
from dataclasses import dataclass
from typing import Any, Iterator

API = "https://docs.aws.amazon.com"
ALARM = f"{API}/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html"
COMPOSITE = f"{API}/AmazonCloudWatch/latest/APIReference/API_PutCompositeAlarm.html"
METRIC = f"{API}/AmazonCloudWatch/latest/APIReference/API_Metric.html"
QUERY = f"{API}/AmazonCloudWatch/latest/APIReference/API_MetricDataQuery.html"
METRIC_FILTER = f"{API}/AmazonCloudWatchLogs/latest/APIReference/API_PutMetricFilter.html"
TRANSFORMATION = f"{API}/AmazonCloudWatchLogs/latest/APIReference/API_MetricTransformation.html"
LOG_GROUP = f"{API}/AmazonCloudWatchLogs/latest/APIReference/API_CreateLogGroup.html"
FUNCTION = f"{API}/lambda/latest/api/API_CreateFunction.html"
LAMBDA_QUOTAS = f"{API}/lambda/latest/dg/gettingstarted-limits.html"
MAPPING = f"{API}/lambda/latest/api/API_CreateEventSourceMapping.html"
DYNAMODB_SOURCE = f"{API}/lambda/latest/dg/services-ddb-params.html"
FILTER = f"{API}/lambda/latest/dg/invocation-eventfiltering.html"
INVOKE_CONFIG = f"{API}/lambda/latest/api/API_PutFunctionEventInvokeConfig.html"
PIPE = f"{API}/eventbridge/latest/pipes-reference/API_CreatePipe.html"
PIPE_SOURCE = f"{API}/eventbridge/latest/pipes-reference/API_PipeSourceDynamoDBStreamParameters.html"
PIPE_FILTER = f"{API}/eventbridge/latest/pipes-reference/API_FilterCriteria.html"
PIPE_BUS = f"{API}/eventbridge/latest/pipes-reference/API_PipeTargetEventBridgeEventBusParameters.html"
BUS = f"{API}/eventbridge/latest/APIReference/API_CreateEventBus.html"
RULE = f"{API}/eventbridge/latest/APIReference/API_PutRule.html"
TARGET = f"{API}/eventbridge/latest/APIReference/API_Target.html"
RETRY = f"{API}/eventbridge/latest/APIReference/API_RetryPolicy.html"
RULE_QUOTAS = f"{API}/eventbridge/latest/userguide/eb-quota.html"
QUEUE = f"{API}/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html"
TOPIC = f"{API}/sns/latest/dg/sns-create-topic.html"
SECRET = f"{API}/secretsmanager/latest/apireference/API_CreateSecret.html"
PASSWORD = f"{API}/secretsmanager/latest/apireference/API_GetRandomPassword.html"
KEY = f"{API}/kms/latest/APIReference/API_CreateKey.html"
TABLE_QUOTAS = f"{API}/amazondynamodb/latest/developerguide/ServiceQuotas.html"
POLICY = f"{API}/IAM/latest/APIReference/API_CreatePolicy.html"
ROLE = f"{API}/IAM/latest/APIReference/API_CreateRole.html"
IAM_QUOTAS = f"{API}/IAM/latest/UserGuide/reference_iam-quotas.html"
HTTP_API_QUOTAS = f"{API}/apigateway/latest/developerguide/http-api-quotas.html"
HTTP_API_CORS = f"{API}/apigatewayv2/latest/api-reference/apis.html"
RETENTION = f"{API}/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html"


@dataclass(frozen=True)
class Limit:
    """A limit of one property. `path` steps into it, `*` into each item of a list or each member of a map."""

    kind: str
    path: str
    source: str
    longest: int | None = None
    """Characters of a text."""
    most: int | None = None
    """Items of a list, members of a map."""
    between: tuple[int, int] | None = None
    """A number, both ends included."""
    pattern: str | None = None
    one_of: tuple | None = None

    def broken_by(self, value: Any) -> str | None:
        """What is wrong with the value."""
        if self.longest is not None and len(text(value)) > self.longest:
            return f"has {len(text(value))} characters, and AWS takes {self.longest}"
        if self.most is not None and len(value) > self.most:
            return f"has {len(value)} items, and AWS takes {self.most}"
        if self.between is not None and not self.between[0] <= int(value) <= self.between[1]:
            return f"is {value}, and AWS takes {self.between[0]} to {self.between[1]}"
        if self.pattern is not None and not re.fullmatch(self.pattern, text(value)):
            return f"is {value!r}, and AWS takes {self.pattern}"
        if self.one_of is not None and value not in self.one_of:
            return f"is {value!r}, and AWS takes {self.one_of}"
        return None

    def __str__(self):
        return f"{self.kind} {self.path}"


def text(value: Any) -> str:
    """What is sent for the value: a document as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def found(value: Any, path: list[str]) -> Iterator[Any]:
    """Every value at the path; nothing where a step is missing."""
    if not path:
        yield value
        return
    step, *rest = path
    if step == "*":
        for item in value.values() if isinstance(value, dict) else value:
            yield from found(item, rest)
    elif isinstance(value, dict) and step in value:
        yield from found(value[step], rest)


def alarm(kind: str, source: str) -> list[Limit]:
    """What metric alarms and composite alarms have in common."""
    return [
        Limit(kind, "AlarmName", source, longest=255),
        Limit(kind, "AlarmDescription", source, longest=1024),
        *(Limit(kind, f"{state}Actions", source, most=5) for state in ("Alarm", "OK", "InsufficientData")),
    ]


METRIC_ALARM = "AWS::CloudWatch::Alarm"
LIMITS = [
    *alarm(METRIC_ALARM, ALARM),
    Limit(METRIC_ALARM, "Namespace", METRIC, longest=255, pattern="[^:].*"),
    Limit(METRIC_ALARM, "MetricName", METRIC, longest=255),
    Limit(METRIC_ALARM, "Dimensions", METRIC, most=30),
    Limit(METRIC_ALARM, "Dimensions.*.Value", METRIC, longest=1024),
    Limit(METRIC_ALARM, "Metrics", ALARM, most=20),
    Limit(METRIC_ALARM, "Metrics.*.Id", QUERY, longest=255, pattern="[a-z][a-zA-Z0-9_]*"),
    Limit(METRIC_ALARM, "Metrics.*.Expression", QUERY, longest=2048),
    Limit(METRIC_ALARM, "Metrics.*.MetricStat.Metric.Namespace", METRIC, longest=255, pattern="[^:].*"),
    Limit(METRIC_ALARM, "Metrics.*.MetricStat.Metric.Dimensions", METRIC, most=30),
    Limit(METRIC_ALARM, "TreatMissingData", ALARM, one_of=("breaching", "notBreaching", "ignore", "missing")),
    *alarm("AWS::CloudWatch::CompositeAlarm", COMPOSITE),
    Limit("AWS::CloudWatch::CompositeAlarm", "AlarmRule", COMPOSITE, longest=10240),
    Limit("AWS::Logs::LogGroup", "LogGroupName", LOG_GROUP, longest=512, pattern=r"[.\-_/#A-Za-z0-9]+"),
    Limit(
        "AWS::Logs::LogGroup",
        "RetentionInDays",
        RETENTION,
        one_of=tuple(
            kind(days)
            for days in (
                *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731),
                *(1096, 1827, 2192, 2557, 2922, 3288, 3653),
            )
            for kind in (int, str)
        ),
    ),
    Limit("AWS::Logs::MetricFilter", "FilterPattern", METRIC_FILTER, longest=1024),
    Limit("AWS::Logs::MetricFilter", "MetricTransformations", METRIC_FILTER, most=1),
    Limit("AWS::Logs::MetricFilter", "MetricTransformations.*.MetricName", TRANSFORMATION, longest=255, pattern="[^:*$]*"),
    Limit("AWS::Logs::MetricFilter", "MetricTransformations.*.MetricNamespace", TRANSFORMATION, longest=255, pattern="[^:*$]*"),
    Limit("AWS::Logs::MetricFilter", "MetricTransformations.*.MetricValue", TRANSFORMATION, longest=100),
    Limit("AWS::Logs::MetricFilter", "MetricTransformations.*.Dimensions", TRANSFORMATION, most=3),
    Limit("AWS::Lambda::Function", "Description", FUNCTION, longest=256),
    Limit("AWS::Lambda::Function", "FunctionName", FUNCTION, longest=64),
    Limit("AWS::Lambda::Function", "Timeout", LAMBDA_QUOTAS, between=(1, 900)),
    Limit("AWS::Lambda::Function", "MemorySize", LAMBDA_QUOTAS, between=(128, 10240)),
    Limit("AWS::Lambda::Function", "Layers", LAMBDA_QUOTAS, most=5),
    Limit("AWS::Lambda::Function", "LoggingConfig.LogGroup", FUNCTION, longest=512, pattern=r"[.\-_/#A-Za-z0-9]+"),
    Limit("AWS::Lambda::EventSourceMapping", "ParallelizationFactor", MAPPING, between=(1, 10)),
    Limit("AWS::Lambda::EventSourceMapping", "BatchSize", DYNAMODB_SOURCE, between=(1, 10000)),
    Limit("AWS::Lambda::EventSourceMapping", "MaximumBatchingWindowInSeconds", MAPPING, between=(0, 300)),
    Limit("AWS::Lambda::EventSourceMapping", "MaximumRecordAgeInSeconds", MAPPING, between=(60, 604800)),
    Limit("AWS::Lambda::EventSourceMapping", "MaximumRetryAttempts", MAPPING, between=(-1, 10000)),
    Limit("AWS::Lambda::EventSourceMapping", "FilterCriteria.Filters", FILTER, most=5),
    Limit("AWS::Lambda::EventSourceMapping", "FilterCriteria.Filters.*.Pattern", MAPPING, longest=4096),
    Limit("AWS::Lambda::EventInvokeConfig", "MaximumRetryAttempts", INVOKE_CONFIG, between=(0, 2)),
    Limit("AWS::Lambda::EventInvokeConfig", "MaximumEventAgeInSeconds", INVOKE_CONFIG, between=(60, 21600)),
    Limit("AWS::Pipes::Pipe", "Name", PIPE, longest=64, pattern=r"[.\-_A-Za-z0-9]+"),
    Limit("AWS::Pipes::Pipe", "Description", PIPE, longest=512),
    Limit("AWS::Pipes::Pipe", "SourceParameters.FilterCriteria.Filters", PIPE_FILTER, most=5),
    Limit("AWS::Pipes::Pipe", "SourceParameters.FilterCriteria.Filters.*.Pattern", PIPE_FILTER, longest=4096),
    *(
        Limit("AWS::Pipes::Pipe", f"SourceParameters.DynamoDBStreamParameters.{name}", PIPE_SOURCE, between=between)
        for name, between in {
            "BatchSize": (1, 10000),
            "ParallelizationFactor": (1, 10),
            "MaximumBatchingWindowInSeconds": (0, 300),
            "MaximumRecordAgeInSeconds": (60, 604800),
            "MaximumRetryAttempts": (-1, 10000),
        }.items()
    ),
    Limit("AWS::Pipes::Pipe", "TargetParameters.EventBridgeEventBusParameters.Source", PIPE_BUS, longest=256, pattern=r"(?!aws\.)[/.\-_A-Za-z0-9]+"),
    Limit("AWS::Pipes::Pipe", "TargetParameters.EventBridgeEventBusParameters.DetailType", PIPE_BUS, longest=128),
    Limit("AWS::Events::EventBus", "Name", BUS, longest=256, pattern=r"(?!default$)[.\-_A-Za-z0-9]+"),
    Limit("AWS::Events::EventBus", "Description", BUS, longest=512),
    Limit("AWS::Events::Rule", "Name", RULE, longest=64, pattern=r"[.\-_A-Za-z0-9]+"),
    Limit("AWS::Events::Rule", "Description", RULE, longest=512),
    Limit("AWS::Events::Rule", "EventPattern", RULE_QUOTAS, longest=2048),
    Limit("AWS::Events::Rule", "ScheduleExpression", RULE, longest=256, pattern=r"(rate|cron)\(.+\)"),
    Limit("AWS::Events::Rule", "Targets", RULE_QUOTAS, most=5),
    Limit("AWS::Events::Rule", "Targets.*.Id", TARGET, longest=64, pattern=r"[.\-_A-Za-z0-9]+"),
    Limit("AWS::Events::Rule", "Targets.*.Input", TARGET, longest=8192),
    Limit("AWS::Events::Rule", "Targets.*.RetryPolicy.MaximumRetryAttempts", RETRY, between=(0, 185)),
    Limit("AWS::Events::Rule", "Targets.*.RetryPolicy.MaximumEventAgeInSeconds", RETRY, between=(60, 86400)),
    Limit("AWS::SQS::Queue", "QueueName", QUEUE, longest=80, pattern=r"[A-Za-z0-9_-]+"),
    Limit("AWS::SQS::Queue", "MessageRetentionPeriod", QUEUE, between=(60, 1209600)),
    Limit("AWS::SQS::Queue", "VisibilityTimeout", QUEUE, between=(0, 43200)),
    Limit("AWS::SNS::Topic", "DisplayName", TOPIC, longest=100),
    Limit("AWS::SecretsManager::Secret", "Description", SECRET, longest=2048),
    Limit("AWS::SecretsManager::Secret", "GenerateSecretString.PasswordLength", PASSWORD, between=(1, 4096)),
    Limit("AWS::KMS::Key", "Description", KEY, longest=8192),
    Limit("AWS::KMS::Key", "KeyPolicy", KEY, longest=32768),
    Limit("AWS::DynamoDB::Table", "TableName", TABLE_QUOTAS, longest=255, pattern=r"[a-zA-Z0-9_.-]{3,}"),
    Limit("AWS::DynamoDB::Table", "GlobalSecondaryIndexes", TABLE_QUOTAS, most=20),
    Limit("AWS::DynamoDB::Table", "GlobalSecondaryIndexes.*.IndexName", TABLE_QUOTAS, longest=255, pattern=r"[a-zA-Z0-9_.-]{3,}"),
    Limit("AWS::IAM::ManagedPolicy", "Description", POLICY, longest=1000),
    Limit("AWS::IAM::Role", "Description", ROLE, longest=1000),
    Limit("AWS::IAM::Role", "ManagedPolicyArns", IAM_QUOTAS, most=10),
    Limit("AWS::IAM::Role", "MaxSessionDuration", ROLE, between=(3600, 43200)),
    Limit("AWS::ApiGatewayV2::Api", "Body.info.title", HTTP_API_CORS, longest=128),
    Limit("AWS::ApiGatewayV2::Api", "Body.paths.*.*.x-amazon-apigateway-integration.timeoutInMillis", HTTP_API_QUOTAS, between=(50, 30000)),
    Limit("AWS::ApiGatewayV2::Api", "Body.components.securitySchemes", HTTP_API_QUOTAS, most=10),
    Limit(
        "AWS::ApiGatewayV2::Api",
        "Body.components.securitySchemes.*.x-amazon-apigateway-authorizer.jwtConfiguration.audience",
        HTTP_API_QUOTAS,
        most=50,
    ),
    Limit("AWS::ApiGatewayV2::Api", "Body.x-amazon-apigateway-cors.maxAge", HTTP_API_CORS, between=(-1, 86400)),
    Limit("AWS::ApiGatewayV2::Stage", "AccessLogSettings.Format", HTTP_API_QUOTAS, longest=3 * 1024),
    Limit("AWS::ApiGatewayV2::Stage", "StageVariables", HTTP_API_QUOTAS, most=100),
]


def single(deployment) -> Iterator[str]:
    """What a property of this deployment has that AWS does not take."""
    for limit in LIMITS:
        for name, properties in deployment.of_type(limit.kind).items():
            for value in found(properties, limit.path.split(".")):
                if problem := limit.broken_by(value):
                    yield f"{name}: {limit} {problem} ({limit.source})"
