"""Scheduled actions at the moment when a test wants them, on any server."""

import waiting

from devtools import paths
from devtools.rpc import RpcClient, RpcError

FOUND = "SELECT res_id FROM ir_model_data WHERE module = %s AND name = %s"


def run(where, name: str, client: RpcClient | None = None) -> None:
    """Do now what a scheduled action would do some time later; if its time has just come, wait, and do it once more.

    :param where: a stand or a machine
    :param name: the action's, of the addon unless it begins with another module
    :param client: says on which server
    """
    module, _dot, name = name.rpartition(".")
    ((cron,),) = where.sql(FOUND, [module or paths.ADDON_NAME, name])
    waiting.until(lambda: _has_run(client or where.admin, cron), what=f"{name} runs")


def _has_run(client: RpcClient, cron: int) -> bool:
    try:
        client.call("ir.cron", "method_direct_trigger", [cron])
    except RpcError as error:
        if "already executing" not in str(error):
            raise
        return False
    return True
