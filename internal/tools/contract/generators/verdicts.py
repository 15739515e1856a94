"""Puts the table of the server's own test to openapi-core: verdicts.py DOCUMENT TABLE.

Fails where openapi-core passes what the document is to refuse, or refuses what it is to pass, and where
it no longer takes another view in a case that the table says it does.
"""

import json
import sys
import warnings
from urllib.parse import parse_qsl

import yaml
from openapi_core import OpenAPI
from openapi_core.exceptions import OpenAPIError
from openapi_core.testing import MockRequest
from werkzeug.datastructures import MultiDict

warnings.simplefilter("ignore")  # of allowEmptyValue and deprecated parameters
with open(sys.argv[1], encoding="utf-8") as file:
    document = yaml.safe_load(file)
document["servers"] = [{"url": "/"}]
document["security"] = []
api = OpenAPI.from_dict(document)
with open(sys.argv[2], encoding="utf-8") as file:
    table = json.load(file)
wrong = 0
for case in table:
    request = MockRequest(
        "http://localhost",
        "post" if case.get("type") else "get",
        "/business/2/plugin/WechatCustomers/getList",
        args=MultiDict(parse_qsl(case.get("query", ""), keep_blank_values=True)),
        data=case.get("body", "").encode(),
        content_type=case.get("type", ""),
    )
    try:
        api.validate_request(request)
        refusal = None
    except OpenAPIError as error:
        refusal = f"{error!r} {error.__cause__}"
    passes = (case["ok"] or "prose" in case) != ("core" in case)
    if (refusal is None) != passes:
        wrong += 1
        print(f"{case['rule']}: ?{case.get('query', '')} {case.get('body', '')}"[:300], f"passes: {not passes}", refusal)
print(f"openapi-core: {len(table)} cases, {wrong} verdicts are not the document's")
sys.exit(wrong > 0)
