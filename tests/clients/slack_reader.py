"""Reads with Slack's own library what Vouch posted, and posts it again with that library.

    slack_reader.py SLACK_URL TOKEN FILE

FILE holds one posted message per line: how it was posted, and its body.
"""

import json
import sys

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.models.blocks import Block
from slack_sdk.webhook import WebhookClient

URL, TOKEN, FILE = sys.argv[1:]
CLIENT = WebClient(token=TOKEN, base_url=URL + "/api/")


def understood(blocks):
    """The library knows every block, finds it within its limits, and would write it so itself."""
    read = Block.parse_all(blocks)
    assert len(read) == len(blocks) <= 50
    for block, given in zip(read, blocks):
        block.validate_json()
        assert type(block) is not Block, given
        assert block.to_dict() == given, (block.to_dict(), given)


# The made-up Slack is one that the library can talk to.
assert CLIENT.auth_test()["team_id"] == "T0VOUCH"
assert CLIENT.users_info(user="UBOB")["user"]["id"] == "UBOB"
members = [one for page in CLIENT.conversations_members(channel="C1") for one in page["members"]]
assert "UBOB" in members, members
people = [one["id"] for page in CLIENT.users_list(limit=2) for one in page["members"]]
assert set(members) <= set(people), people
for method in (CLIENT.conversations_replies, CLIENT.conversations_history):
    assert method(channel="C1", ts="1.1").get("messages") is not None
try:
    CLIENT.conversations_members(channel="C0NONE")
    raise AssertionError("a channel that is not there")
except SlackApiError as error:
    assert error.response["error"] == "channel_not_found"

with open(FILE, encoding="utf-8") as lines:
    posted = [json.loads(line) for line in lines]
assert {how for how, _ in posted} == {"message", "ephemeral", "response"}
for how, body in posted:
    understood(body["blocks"])
    if how == "message":
        CLIENT.chat_postMessage(**body)
    elif how == "ephemeral":
        CLIENT.chat_postEphemeral(**body)
    else:
        answer = WebhookClient(URL + "/respond/again").send_dict(body)
        assert answer.status_code == 200, answer.body
print("done")
