"""What `webhook` does, with Stripe's and AWS's own packages: it checks the signature and puts the event into the table.

A minute of reading Lambda's Runtime API stands in for the managed runtime of Python.
"""

import http.client
import json
import os

import boto3
import stripe

RUNTIME = os.environ["AWS_LAMBDA_RUNTIME_API"]
PATH = "/2018-06-01/runtime/invocation"
SECRET = os.environ["STRIPE_WEBHOOK_SECRETS"]

table = boto3.client(
    "dynamodb",
    endpoint_url=os.environ["AWS_ENDPOINT_URL_DYNAMODB"],
    region_name="local",
    aws_access_key_id="local",
    aws_secret_access_key="local",
)


def handle(event: dict) -> dict:
    """Stores the event once."""
    signature = event["headers"]["stripe-signature"]
    got = stripe.Webhook.construct_event(event["body"], signature, SECRET)
    item = {
        "pk": {"S": f"INBOX#{got['data']['object']['customer']}"},
        "sk": {"S": f"EVENT#{got['id']}"},
        "event": {"S": got["id"]},
        "type": {"S": got["type"]},
        "status": {"S": "received"},
    }
    table.put_item(TableName=os.environ["TABLE_NAME"], Item=item, ConditionExpression="attribute_not_exists(pk)")
    return {"statusCode": 200, "body": "{}"}


def main():
    """Answers one event after another."""
    runtime = http.client.HTTPConnection(RUNTIME)
    while True:
        runtime.request("GET", f"{PATH}/next")
        answer = runtime.getresponse()
        request, event = answer.headers["Lambda-Runtime-Aws-Request-Id"], json.loads(answer.read())
        runtime.request("POST", f"{PATH}/{request}/response", json.dumps(handle(event)))
        runtime.getresponse().read()


main()
