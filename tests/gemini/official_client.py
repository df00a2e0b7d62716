"""Google's own client against the stand-in: python official_client.py BASE_URL KEY

Prints a line for each check and ends with status 0 when all hold.
"""
import json
import sys
import urllib.error
import urllib.request

from google import genai
from google.genai import errors, types

BASE, KEY = sys.argv[1:3]
MODEL = "gemini-3.8-flash"
OFF = types.AutomaticFunctionCallingConfig(disable=True)


def client(key=KEY):
    return genai.Client(api_key=key, http_options=types.HttpOptions(base_url=BASE, api_version="v1beta"))


def check(name, holds, shown=""):
    print(("ok   " if holds else "FAIL ") + name, shown)
    if not holds:
        sys.exit(1)


def refused(name, wanted, ask, code=400):
    try:
        ask()
    except errors.APIError as error:
        check(name, error.code == code and wanted in str(error), f"{error.code}")
        return
    check(name, False, "was not refused")


def raw(body):
    """The status of a body that the client itself would not send."""
    url = f"{BASE}/v1beta/models/{MODEL}:generateContent"
    request = urllib.request.Request(url, json.dumps(body).encode(), {"x-goog-api-key": KEY})
    try:
        return urllib.request.urlopen(request).status
    except urllib.error.HTTPError as error:
        return error.code


def main():
    ours = client()  # it closes its connections when it is dropped
    models = ours.models

    chunks = list(models.generate_content_stream(
        model=MODEL, contents="mountpoint=/srv\n\nplease answer plainly",
        config=types.GenerateContentConfig(
            system_instruction="You help on-call engineers", max_output_tokens=900,
            thinking_config=types.ThinkingConfig(thinking_level="LOW", include_thoughts=True))))
    text = "".join(chunk.text or "" for chunk in chunks)
    check("stream", text == "WAL files grew since 02:14 — see `df`: 97 % 📈 full. Mountpoint /srv.", len(chunks))
    thoughts = [p.text for c in chunks for p in c.candidates[0].content.parts if p.thought]
    check("thoughts", thoughts == ["The question is é simple."])
    last = chunks[-1]
    check("finish reason", last.candidates[0].finish_reason == types.FinishReason.STOP)
    usage = last.usage_metadata
    total = usage.prompt_token_count + usage.candidates_token_count + usage.thoughts_token_count
    check("usage", usage.total_token_count == total and last.model_version == MODEL, total)

    answer = models.generate_content(model=MODEL, contents="please answer plainly")
    check("answer in one", answer.text.endswith("Mountpoint unknown."))
    counted = models.count_tokens(model=MODEL, contents="The quick brown fox jumps over the lazy dog.")
    check("count tokens", counted.total_tokens == 11, counted.total_tokens)
    names = [model.name for model in models.list()]
    check("list of models", f"models/{MODEL}" in names, len(names))

    stranger = client("wrong")
    refused("bad key", "API_KEY_INVALID", lambda: stranger.models.generate_content(model=MODEL, contents="x"))
    refused("unknown model", "not found", lambda: models.generate_content(model="gemini-busy", contents="x"), 404)
    refused("busy", "54s", lambda: models.generate_content(model=MODEL, contents="please be busy for a minute"), 429)
    refused("overloaded", "overloaded", lambda: models.generate_content(model=MODEL, contents="please be overloaded"), 503)

    blocked = models.generate_content(model=MODEL, contents="please block this")
    check("blocked prompt", blocked.prompt_feedback.block_reason == types.BlockedReason.PROHIBITED_CONTENT
          and not blocked.candidates)
    cut = "".join(c.text or "" for c in models.generate_content_stream(model=MODEL, contents="please run out of tokens"))
    check("limit of tokens", cut == "This much I can")
    odd = list(models.generate_content_stream(model=MODEL, contents="please end for a new reason"))
    check("new reason", odd[-1].candidates[0].finish_reason.value == "QUANTUM_DECOHERENCE")
    both = "".join(c.text or "" for c in models.generate_content_stream(model=MODEL, contents="please continue later"))
    check("continuation", both == "The first half, and the second.", both)

    tool = types.Tool(function_declarations=[types.FunctionDeclaration(
        name="query", description="Looks a metric up",
        parameters_json_schema={"type": "object", "properties": {"expr": {"type": "string"}}})])
    config = types.GenerateContentConfig(tools=[tool], automatic_function_calling=OFF)
    ask = types.Content(role="user", parts=[types.Part(text="please look it up")])
    called = models.generate_content(model=MODEL, contents=[ask], config=config)
    turn = called.candidates[0].content
    call = called.function_calls[0]
    check("call", (call.name, call.args) == ("query", {"expr": "up", "minutes": 5}), call.id)
    reply = types.Part(function_response=types.FunctionResponse(id=call.id, name=call.name, response={"value": 1}))
    answers = types.Content(role="user", parts=[reply])
    final = models.generate_content(model=MODEL, contents=[ask, turn, answers], config=config)
    check("call with its signature", final.text == "The metric says that it is up.")
    bare = turn.model_copy(deep=True)
    for part in bare.parts:
        part.thought_signature = None
    refused("call without its signature", "thought_signature",
            lambda: models.generate_content(model=MODEL, contents=[ask, bare, answers], config=config))
    moved = turn.model_copy(deep=True)
    for part in moved.parts:
        if part.function_call:
            part.function_call.args = {"expr": "down"}
    refused("signature of another call", "signature",
            lambda: models.generate_content(model=MODEL, contents=[ask, moved, answers], config=config))
    refused("call without an answer", "function response parts",
            lambda: models.generate_content(model=MODEL, contents=[ask, turn, ask], config=config))

    warm = types.GenerateContentConfig(temperature=0.3)
    refused("temperature", "temperature", lambda: models.generate_content(model=MODEL, contents="x", config=warm))
    deep = types.GenerateContentConfig(thinking_config=types.ThinkingConfig(thinking_level="LOW"))
    refused("level of thinking on 2.5", "hinking level",
            lambda: models.generate_content(model="gemini-2.5-flash", contents="x", config=deep))
    said = types.Content(role="model", parts=[types.Part(text="so")])
    refused("model turn at the end", "model turn", lambda: models.generate_content(model=MODEL, contents=[ask, said]))
    hello = {"contents": [{"parts": [{"text": "x"}]}]}
    check("plain body", raw(hello) == 200)
    for name, body in {
        "unknown field": hello | {"contentz": 1},
        "empty parts": {"contents": [{"parts": []}]},
        "role": {"contents": [{"role": "system", "parts": [{"text": "x"}]}]},
        "closed parameters": hello | {"tools": [{"functionDeclarations": [
            {"name": "f", "description": "d", "parameters": {"type": "OBJECT", "additionalProperties": False}}]}]},
    }.items():
        check(f"refuses {name}", raw(body) == 400)
    print("all checks passed")


main()
