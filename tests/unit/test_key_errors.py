"""Which failures are a provider's refusal of a key: the texts are those that providers, SDKs and OpenClaw really send."""

from __future__ import annotations

import json

import pytest

from functions.domain.failure_text import kind
from functions.domain.failures import Failure
from functions.domain.key_errors import authentication_failures, is_authentication_error

_HELP = "You can find your API key at https://platform.openai.com/account/api-keys."

REFUSED = {
    "anthropic, as sent": (
        "",
        '401 {"type":"error","error":{"type":"authentication_error","message":"invalid x-api-key"},"request_id":"req_01"}',
    ),
    "anthropic, SDK for Python": (
        "AuthenticationError",
        "Error code: 401 - {'type': 'error', 'error': {'type': 'authentication_error', 'message': 'invalid x-api-key'}}",
    ),
    "anthropic, type alone": ("anthropic.AuthenticationError", ""),
    "anthropic, no key": ("", "authentication_error: x-api-key header is required"),
    "anthropic, bearer": ("", "HTTP 401 authentication_error: Invalid bearer token"),
    "anthropic, credentials": ("", 'Error: 401 {"error":{"type":"authentication_error","message":"Invalid authentication credentials"}}'),
    "anthropic, forbidden": ("", "permission_error: Your API key does not have permission to use the specified resource."),
    "anthropic, forbidden, SDK": ("PermissionDeniedError", "Error code: 403 - {'error': {'type': 'permission_error', 'message': 'no'}}"),
    "openai, SDK for Python": (
        "openai.AuthenticationError",
        "Error code: 401 - {'error': {'message': 'Incorrect API key provided: sk-proj-****SJh4. You can find your API key at …', "
        "'type': 'invalid_request_error', 'param': None, 'code': 'invalid_api_key'}}",
    ),
    "openai, SDK for Node": ("", f"401 Incorrect API key provided: sk-proj-{'*' * 150}MxYA. {_HELP}"),
    "openai, no key": (
        "",
        "401 You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth",
    ),
    "openai, deactivated": (
        "",
        "Error code: 401 - The OpenAI account associated with this API key has been deactivated. If you are the developer",
    ),
    "openai, scopes": (
        "",
        "You have insufficient permissions for this operation. Missing scopes: model.request. Check that you have the role",
    ),
    "openai, organization": ("", "You must be a member of an organization to use the API"),
    "openai, body": ("", json.dumps({"error": {"message": f"Incorrect API key provided: kk. {_HELP}", "code": "invalid_api_key"}})),
    "azure": ("", "Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid key"),
    "google": ("", "[400 Bad Request] API key not valid. Please pass a valid API key."),
    "google, expired": ("", "API key expired. Please renew the API key."),
    "google, reason": ("API_KEY_INVALID", "Bad Request"),
    "openrouter": ("", "401 No auth credentials found"),
    "openrouter, user": ("", "401 User not found."),
    "minimax through OpenClaw": ("", "HTTP 401 authentication_error: invalid api key (request_id: sha256:ea8e6562e280)"),
    "dashscope through OpenClaw": ("", "HTTP 401: Incorrect API key provided"),
    "OpenClaw without a key": ("", 'No API key found for provider "anthropic". Auth store: /home/a/auth-profiles.json'),
    "the OpenClaw plugin": ("auth", "the provider did not answer"),
    "axios": ("AxiosError", "Request failed with status code 401"),
    "litellm": ("litellm.AuthenticationError", "AnthropicException - x"),
    "a status line": ("", "HTTP/1.1 401 Unauthorized"),
}

OTHERS = {
    "not found": ("NotFoundError", "Error code: 404 - {'error': {'type': 'not_found_error', 'message': 'model: claude-2'}}"),
    "bad request": ("BadRequestError", "Error code: 400 - {'error': {'type': 'invalid_request_error', 'message': 'messages: required'}}"),
    "organization disabled": ("", '400 {"error":{"type":"invalid_request_error","message":"This organization has been disabled."}}'),
    "rate limit": ("RateLimitError", "Error code: 429 - {'error': {'message': 'Rate limit reached', 'code': 'rate_limit_exceeded'}}"),
    "quota": ("", "429 You exceeded your current quota, please check your plan and billing details."),
    "overloaded": ("", '529 {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}'),
    "unauthorized tool": ("ToolError", "unauthorized tool: shell"),
    "tool not allowed": ("", "Unauthorized tool call `browser.open`"),
    "a page": ("", "web_fetch: 401 Unauthorized for url https://intranet.example.com/a"),
    "a page, httpx": ("HTTPStatusError", "Client error '401 Unauthorized' for url 'https://example.com/a'"),
    "a forbidden page": ("HTTPError", "HTTP 403: Forbidden"),
    "a forbidden page, axios": ("AxiosError", "Request failed with status code 403"),
    "github": ("", "github: 401 Bad credentials"),
    "an MCP server": ("McpError", "HTTP 401 from mcp server linear"),
    "a file": ("PermissionError", "[Errno 13] Permission denied: '/etc/shadow'"),
    "redis": ("redis.exceptions.AuthenticationError", "WRONGPASS invalid username-password pair"),
    "mail": ("SMTPAuthenticationError", "(535, b'5.7.8 Error: authentication failed')"),
    "401 as a number": ("ValueError", "row 401 is not valid"),
    "a count": ("", "stopped after 401 tokens"),
    "keys of a map": ("KeyError", "'api_key'"),
    "a question about keys": ("", "the user asked how to rotate an api key"),
    "timeout": ("APITimeoutError", "Request timed out."),
    "connection": ("APIConnectionError", "Connection error."),
    "nothing": ("", ""),
}


@pytest.mark.parametrize(("type", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_a_refused_key(type: str, message: str) -> None:
    assert is_authentication_error(type, message)


@pytest.mark.parametrize(("type", "message"), OTHERS.values(), ids=OTHERS.keys())
def test_another_failure(type: str, message: str) -> None:
    assert not is_authentication_error(type, message)
    assert not is_authentication_error(*kind(type, message))


def failure(type: str, message: str, count: int) -> Failure:
    """As a batch's item has it, made of what an agent sent."""
    sample = json.dumps({"message": message, "type": type} if type else {"message": message})
    return Failure(*kind(type, message), "", count, 1, 2, sample)


@pytest.mark.parametrize(("type", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_a_refused_key_in_a_batch(type: str, message: str) -> None:
    assert authentication_failures([failure(type, message, 3), failure(*OTHERS["not found"], 5)]) == 3


def test_others_in_a_batch() -> None:
    assert authentication_failures([failure(*other, 2) for other in OTHERS.values()]) == 0


def test_a_sample_that_was_cut_does_no_harm() -> None:
    assert authentication_failures([Failure("Error", "…", "", 1, 1, 2, '{"message": "401 Unau…')]) == 0
