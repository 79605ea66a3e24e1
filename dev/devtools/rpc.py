"""Talk to a running Odoo as its web client does: for tests that prepare or check records from outside."""

import itertools

import httpx


class RpcError(RuntimeError):
    """What Odoo answered instead of a result; ``name`` is the class of the exception in Odoo."""

    def __init__(self, error: dict):
        data = error.get("data") or {}
        self.name = data.get("name", "")
        self.debug = data.get("debug", "")
        super().__init__(f"{self.name}: {data.get('message') or error.get('message')}")


class RpcClient:
    """One logged-in user.

    ``client.call("sale.order", "action_confirm", [order_id])`` calls any public method, ``create``, ``read``,
    ``search_read`` and ``write`` are short for the usual ones, ``http`` is the session for all other requests.
    """

    def __init__(self, url: str, database: str, login: str = "admin", password: str | None = None):
        self.http = httpx.Client(base_url=url, timeout=120)
        self._numbers = itertools.count(1)
        credentials = {"db": database, "login": login, "password": password or login}
        self.uid = self.json("/web/session/authenticate", **credentials)["uid"]

    def json(self, path: str, **params):
        """Call a route of type "jsonrpc"."""
        body = {"jsonrpc": "2.0", "method": "call", "id": next(self._numbers), "params": params}
        answer = self.http.post(path, json=body)
        answer.raise_for_status()
        content = answer.json()
        if "error" in content:
            raise RpcError(content["error"])
        return content.get("result")

    def call(self, model: str, method: str, *args, **kwargs):
        path = f"/web/dataset/call_kw/{model}/{method}"
        return self.json(path, model=model, method=method, args=list(args), kwargs=kwargs)

    def create(self, model: str, values: dict) -> int:
        return self.call(model, "create", [values])[0]

    def write(self, model: str, ids: int | list[int], values: dict) -> bool:
        return self.call(model, "write", _as_list(ids), values)

    def read(self, model: str, record_id: int, fields: list[str]) -> dict:
        return self.call(model, "read", [record_id], fields)[0]

    def search_read(self, model: str, domain: list, fields: list[str], **kwargs) -> list[dict]:
        return self.call(model, "search_read", domain, fields, **kwargs)

    def close(self) -> None:
        self.http.close()


def _as_list(ids: int | list[int]) -> list[int]:
    return [ids] if isinstance(ids, int) else list(ids)
