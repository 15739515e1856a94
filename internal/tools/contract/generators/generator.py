"""One call by the client that openapi-generator makes for python: generator.py ADDRESS TOKEN."""

import sys

import openapi_client
from openapi_client.models.status_filter import StatusFilter

address, token = sys.argv[1:]
config = openapi_client.Configuration(host=address, access_token=token)
with openapi_client.ApiClient(config) as client:
    api = openapi_client.WechatCustomersApi(client)
    for userid, known in (("GaoFei", False), ("LiuYang", True)):
        page = api.get_list(
            2, search_employee_member=userid, search_status=StatusFilter.StatusFollowing, per_page=5
        ).data
        assert page.data and page.total < 500, f"{userid}: {len(page.data)} rows of {page.total}"
        for row in page.data:
            assert row.userid == userid and row.status == 1, row
            assert (row.has_one_employee is not None) == known, row
print("openapi-generator python: rows")
