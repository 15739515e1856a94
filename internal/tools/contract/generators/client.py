"""One call by the client that openapi-python-client makes: client.py ADDRESS TOKEN."""

import sys

from we_com_customer_list_client import AuthenticatedClient
from we_com_customer_list_client.api.wechat_customers import get_list
from we_com_customer_list_client.models import ListResult, StatusFilter

address, token = sys.argv[1:]
with AuthenticatedClient(base_url=address, token=token) as client:
    for userid, known in (("GaoFei", False), ("LiuYang", True)):
        answer = get_list.sync(
            2, client=client, searchemployee_member=userid, per_page=5,
            searchstatus=StatusFilter.STATUS_FOLLOWING,
        )
        assert isinstance(answer, ListResult), answer
        page = answer.data
        assert page.data and page.total < 500, f"{userid}: {len(page.data)} rows of {page.total}"
        for row in page.data:
            assert row.userid == userid and row.status == 1, row
            assert (row.has_one_employee is not None) == known, row
print("openapi-python-client: rows")
