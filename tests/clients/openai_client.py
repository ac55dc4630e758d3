"""Drives Vouch with OpenAI's own library: list, ask, stream, cite, and a stranger's refusal.

    openai_client.py BASE_URL KEY
"""

import sys

import openai

BASE, KEY = sys.argv[1:]
QUESTION = [
    {"role": "system", "content": "You are a pirate."},
    {"role": "user", "content": "How many weeks is parental leave?"},
]


def marks(content, annotations):
    """What the annotations point at."""
    cited = [one["url_citation"] for one in annotations]
    assert all(BASE in one["url"] and one["title"] == "Leave policy" for one in cited), cited
    return [content[one["start_index"] : one["end_index"]] for one in cited]


client = openai.OpenAI(base_url=f"{BASE}/v1", api_key=KEY, max_retries=0)
assert [model.id for model in client.models.list()] == ["vouch"]
assert client.models.retrieve("vouch").object == "model"

whole = client.chat.completions.create(model="vouch", messages=QUESTION, temperature=0.2)
message = whole.choices[0].message
assert message.content.startswith("Parental leave is 16 weeks. [1]"), message.content
assert whole.choices[0].finish_reason == "stop" and whole.usage.total_tokens == 0, whole
assert marks(message.content, [one.model_dump() for one in message.annotations]) == ["[1]"]

content, annotations, last = "", [], None
stream = client.chat.completions.create(
    model="vouch", messages=QUESTION, stream=True, stream_options={"include_usage": True}
)
for chunk in stream:
    last = chunk
    for choice in chunk.choices:
        content += choice.delta.content or ""
        annotations += getattr(choice.delta, "annotations", None) or []
assert content == message.content, content
assert marks(content, annotations) == ["[1]"] and last.usage.total_tokens == 0, last

parsed = client.chat.completions.with_raw_response.create(
    model="vouch", messages=[{"role": "user", "content": "Who won the cup final?"}]
).parse()
assert parsed.choices[0].message.content.startswith("Nothing that you may read"), parsed
assert not parsed.choices[0].message.annotations

stranger = openai.OpenAI(base_url=f"{BASE}/v1", api_key="vk_nobody", max_retries=0)
for call in (
    lambda: stranger.models.list(),
    lambda: stranger.chat.completions.create(model="vouch", messages=QUESTION),
    lambda: stranger.chat.completions.create(model="vouch", messages=QUESTION, stream=True),
):
    try:
        call()
    except openai.AuthenticationError as error:
        assert error.code == "unauthorized", error
    else:
        sys.exit("a stranger got in")
try:
    client.chat.completions.create(model="gpt-9", messages=QUESTION)
except openai.NotFoundError as error:
    assert error.code == "model_not_found", error
else:
    sys.exit("there is no such model")
print("done")
