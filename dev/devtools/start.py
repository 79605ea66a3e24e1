"""``dev/start``: a real Odoo with the addon and demo data, and a mail catcher, until Ctrl-C."""

import argparse
import fcntl
import signal
import sys
import time
from contextlib import ExitStack

from . import addon, paths
from .databases import Databases
from .errors import DevError
from .mailcatcher import MailCatcher
from .mailpage import MailPage
from .odoo_server import OdooServer, free_port, run_odoo
from .postgres import Cluster
from .smsgateway import SmsGateway
from .timestamp_authority import TimestampAuthority

CLUSTER = DATABASE = "demo"
FOLDER = paths.CACHE / "run" / CLUSTER
FINGERPRINT = FOLDER / "addon-fingerprint"  # of the addon that the database has

# Demo data leaves some addresses out; without one nobody gets a mail. The consumer reads French.
MISSING_ADDRESSES = """
    UPDATE res_partner SET email = CASE WHEN company.id IS NOT NULL THEN 'office@example.com'
                                        ELSE users.login || '@example.com' END
      FROM res_partner AS partner
           LEFT JOIN res_users AS users ON users.partner_id = partner.id
           LEFT JOIN res_company AS company ON company.partner_id = partner.id
     WHERE partner.id = res_partner.id AND coalesce(res_partner.email, '') = ''
       AND (company.id IS NOT NULL OR users.login IN ('admin', 'demo'));
    UPDATE res_company SET email = partner.email FROM res_partner AS partner
     WHERE partner.id = res_company.partner_id AND coalesce(res_company.email, '') = '';
    UPDATE res_partner SET lang = 'fr_FR' FROM ir_model_data AS data
     WHERE data.module = 'esign_quote' AND data.name = 'demo_partner_consumer' AND data.res_id = res_partner.id;
"""

WELCOME = """
  Odoo     {odoo}/odoo/sales      log in as  admin / admin   or  demo / demo
  Mails    {mails}                   whatever Odoo sends arrives here, text messages too
  Time     {stamps}              a time-stamp authority to try out (Settings, Sales, Electronic signature)

  First steps
   1. Log in and open a quotation: Camille Martin (French) or Atelier Dubois (English) wait for it.
   2. Click "Send for signature", then "Send".
   3. On the page of mails, open the customer's mail and its link IN A PRIVATE WINDOW:
      staff may not sign for a customer, so a window with your log-in only explains that.
   4. Ask for the code, read it on the page of mails, read the quotation, sign or decline.

  Server log: {log}
  Ctrl-C stops everything that was started.
"""


def main() -> None:
    options = _parse_arguments()
    signal.signal(signal.SIGTERM, _interrupt)
    signal.signal(signal.SIGHUP, _interrupt)
    addon.require()
    FOLDER.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        _refuse_second_start(stack)
        cluster = stack.enter_context(Cluster(CLUSTER))
        _prepare_database(cluster, reset=options.reset)

        catcher = stack.enter_context(MailCatcher(_port("SMTP", options.smtp_port)))
        texts = stack.enter_context(SmsGateway(catcher))
        stamps = stack.enter_context(TimestampAuthority())
        page = stack.enter_context(MailPage(catcher, _port("mail page", options.mail_port)))
        server = OdooServer(
            cluster,
            DATABASE,
            folder=FOLDER,
            port=_port("Odoo", options.port),
            workers=options.workers,
            smtp=(catcher.host, catcher.port),
        )
        Databases(cluster).set_address(DATABASE, server.url)
        Databases(cluster).set_sms_endpoint(DATABASE, texts.url)
        server.log_path.unlink(missing_ok=True)
        print("Starting Odoo …", flush=True)
        stack.enter_context(server)
        print(WELCOME.format(odoo=server.url, mails=page.url, stamps=stamps.url, log=server.log_path), flush=True)
        while server.process.poll() is None:
            time.sleep(0.5)
        raise DevError(f"Odoo stopped by itself; see {server.log_path}")


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="dev/start", description="Start Odoo 19 with the addon and a mail catcher.")
    parser.add_argument("--reset", action="store_true", help="begin with a fresh database")
    parser.add_argument("--workers", type=int, default=0, metavar="N", help="processes instead of threads")
    parser.add_argument("--port", type=int, default=8069, help="of Odoo (%(default)s)")
    parser.add_argument("--mail-port", type=int, default=8025, help="of the page of mails (%(default)s)")
    parser.add_argument("--smtp-port", type=int, default=1025, help="of the mail catcher (%(default)s)")
    return parser.parse_args()


def _refuse_second_start(stack: ExitStack) -> None:
    lock = stack.enter_context((FOLDER / "start.lock").open("w"))
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise DevError("dev/start runs already in another terminal") from None


def _port(title: str, wanted: int) -> int:
    port = free_port(wanted)
    if port != wanted:
        print(f"Port {wanted} is taken: {title} uses {port}.")
    return port


def _prepare_database(cluster: Cluster, *, reset: bool) -> None:
    """Create the database at the first start; upgrade it when files of the addon have changed since."""
    fingerprint = addon.fingerprint()
    if reset or not cluster.exists(DATABASE) or not FINGERPRINT.exists():
        print("Preparing the database (a few minutes the very first time) …", flush=True)
        FINGERPRINT.unlink(missing_ok=True)
        Databases(cluster).create(DATABASE)
        cluster.sql(DATABASE, MISSING_ADDRESSES)
    elif FINGERPRINT.read_text() != fingerprint:
        print(f"Files have changed: upgrading {paths.ADDON_NAME} …", flush=True)
        run_odoo(cluster, DATABASE, "--update", paths.ADDON_NAME, log_path=FOLDER / "upgrade.log").check()
    FINGERPRINT.write_text(fingerprint)


def _interrupt(*_args) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        print("\nStopped.")
    except DevError as error:
        sys.exit(f"dev/start: {error}")
