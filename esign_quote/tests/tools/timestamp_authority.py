"""A time-stamp authority for tests: real HTTP, real answers (RFC 3161), a PKI of its own, and faults on demand.

It needs neither Odoo nor the addon's tools (it would prove nothing to check them against themselves)::

    with TimestampAuthority() as authority:
        authority.url, authority.second_url      # two addresses; only the first one has the faults
        authority.roots_pem                      # to be trusted
        authority.fault = "nonce"                # see FAULTS; None heals it
        authority.offset = 10                    # its clock is wrong by so many seconds
        authority.seal_pkcs12("secret")          # a company's seal under the same root, with CRL and OCSP
        authority.revoke(serial)                 # CRL and OCSP say so from now on
"""

import hashlib
import secrets
import socket
import threading
from base64 import b64encode
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from asn1crypto import algos, cms, core, parser, tsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs12
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

ADDRESS = "127.0.0.1"
POLICY = "1.2.3.4.1"
OTHER_POLICY = "1.2.3.4.99"
FAULTS = {
    "down": "the connection is cut without an answer",
    "slow": "no answer until the fault is healed",
    "drip": "the answer comes in single bytes, five a second, for twenty seconds",
    "500": "HTTP 500",
    "redirect": "HTTP 302 to the second address",
    "garbage": "bytes that are no answer",
    "truncated": "half of an answer",
    "huge": "a megabyte",
    "nonce": "the nonce of another request",
    "no_nonce": "no nonce",
    "imprint": "other bytes are stamped",
    "digest": "another hash algorithm is stamped",
    "broken_digest": "signed with SHA-1",
    "expired": "the certificate ended yesterday",
    "usage": "the certificate is for servers",
    "usage_not_critical": "the extended key usage is not critical",
    "usage_not_only": "the certificate is for mails, too",
    "policy": "another policy than asked for",
    "rejected": "PKIStatus rejection",
    "untrusted": "a certificate of another root",
    "signature": "one bit of the signature is wrong",
    "content": "signed attributes of other content",
    "certificate_missing": "no certificates",
    "certificate_id": "signed attributes name another certificate",
    "no_certificate_id": "signed attributes name no certificate",
}
SEQUENCE, EXPLICIT_0 = (0, 1, 16), (2, 1, 0)  # class, method and tag


class Authority:
    """A key with its certificate, and what it issues."""

    def __init__(self, name, now, *, url="", issuer=None, days=(-2, 3650), extensions=(), ca=False):
        self.key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer.certificate.subject if issuer else subject)
            .public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + timedelta(days=days[0]))
            .not_valid_after(now + timedelta(days=days[1]))
            .add_extension(x509.BasicConstraints(ca, None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self.key.public_key()), critical=False)
        )
        if issuer:
            identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key())
            builder = builder.add_extension(identifier, critical=False)
        for extension, critical in (*extensions, *(_addresses(url) if url and issuer else ())):
            builder = builder.add_extension(extension, critical)
        self.certificate = builder.sign((issuer or self).key, hashes.SHA256())
        self.der = self.certificate.public_bytes(serialization.Encoding.DER)
        self.asn1 = asn1_x509.Certificate.load(self.der)


def _addresses(url):
    """Where revocation can be asked for: extensions AIA and CRLDP."""
    locations = {AuthorityInformationAccessOID.OCSP: "ocsp", AuthorityInformationAccessOID.CA_ISSUERS: "root.der"}
    access = [
        x509.AccessDescription(kind, x509.UniformResourceIdentifier(f"{url}/{path}"))
        for kind, path in locations.items()
    ]
    point = x509.DistributionPoint([x509.UniformResourceIdentifier(f"{url}/root.crl")], None, None, None)
    return (x509.AuthorityInformationAccess(access), False), (x509.CRLDistributionPoints([point]), False)


def _usage(*kinds, critical=True):
    return x509.ExtendedKeyUsage(kinds), critical


_SIGNS = x509.KeyUsage(True, True, False, False, False, False, False, False, False), True
_ISSUES = x509.KeyUsage(True, False, False, False, False, True, True, False, False), True


class Pki:
    """A root, an authority's certificates good and bad, a responder for OCSP, and seals of companies."""

    def __init__(self, url, now, days=3650):
        self.url, self.now = url, now
        self.days = days  # life of the good time-stamping certificate
        self.root = Authority("Test Root", now, extensions=[_ISSUES], ca=True)
        self.revoked = {}

    def _leaf(self, name, *extensions, issuer=None, days=None):
        return Authority(
            name,
            self.now,
            url=self.url,
            issuer=issuer or self.root,
            days=days or (-2, self.days),
            extensions=(_SIGNS, *extensions),
        )

    @cached_property
    def stamping(self):
        return self._leaf("Test Time-Stamp Authority", _usage(ExtendedKeyUsageOID.TIME_STAMPING))

    @cached_property
    def responder(self):
        return self._leaf("Test Responder", _usage(ExtendedKeyUsageOID.OCSP_SIGNING), (x509.OCSPNoCheck(), False))

    @cached_property
    def other_root(self):
        return Authority("Other Root", self.now, extensions=[_ISSUES], ca=True)

    @cached_property
    def bad(self):
        """Stamping certificates with faults, by the fault's name."""
        stamping = ExtendedKeyUsageOID.TIME_STAMPING
        return {
            "expired": self._leaf("Expired", _usage(stamping), days=(-800, -1)),
            "usage": self._leaf("Server", _usage(ExtendedKeyUsageOID.SERVER_AUTH)),
            "usage_not_critical": self._leaf("Not critical", _usage(stamping, critical=False)),
            "usage_not_only": self._leaf("Mails too", _usage(stamping, ExtendedKeyUsageOID.EMAIL_PROTECTION)),
            "untrusted": self._leaf("Untrusted", _usage(stamping), issuer=self.other_root),
        }

    def seal(self, name="Example Company", days=(-2, 900)):
        """A new sealing key with a certificate of the root."""
        return self._leaf(name, days=days)

    # === REVOCATION === #

    def crl(self, now, life):
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.root.certificate.subject)
            .last_update(now)
            .next_update(now + life)
            .add_extension(x509.CRLNumber(secrets.randbits(40)), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self.root.key.public_key()), critical=False
            )
        )
        for serial, moment in self.revoked.items():
            entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(moment)
            builder = builder.add_revoked_certificate(entry.build())
        return builder.sign(self.root.key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)

    def ocsp(self, query, now, life):
        asked = ocsp.load_der_ocsp_request(query)
        revoked_on = self.revoked.get(asked.serial_number)
        algorithm = asked.hash_algorithm
        answer = (
            ocsp.OCSPResponseBuilder()
            .add_response_by_hash(
                asked.issuer_name_hash,
                asked.issuer_key_hash,
                asked.serial_number,
                algorithm=algorithm,
                cert_status=ocsp.OCSPCertStatus.REVOKED if revoked_on else ocsp.OCSPCertStatus.GOOD,
                this_update=now,
                next_update=now + life,
                revocation_time=revoked_on,
                revocation_reason=None,
            )
            .responder_id(ocsp.OCSPResponderEncoding.HASH, self.responder.certificate)
            .certificates([self.responder.certificate])
        )
        return answer.sign(self.responder.key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


class TimestampAuthority:
    """The server, running in threads of its own. Usable as a context manager."""

    def __init__(self, port=0, *, now=None, certificate_days=3650, credentials=None):
        """
        :param datetime now: aware; its clock stands still there. None: the real time
        :param int certificate_days: until the time-stamping certificate ends
        :param tuple credentials: (user, password) that it asks for
        """
        self.fault = None
        self.revocation_fault = None  # None, "down", "garbage", "stale", "stranger"; of CRL and OCSP
        self.offset = 0
        self.credentials = credentials
        self.asked = []  # paths, in order
        self._now = now
        self._healed = threading.Event()
        authority = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                authority._serve(self, b"")

            def do_POST(self):
                authority._serve(self, self.rfile.read(int(self.headers["Content-Length"])))

            def log_message(self, *_args):
                """Say nothing."""

        self._server = ThreadingHTTPServer((ADDRESS, port), Handler)
        self._server.daemon_threads = True
        self.base_url = f"http://{ADDRESS}:{self._server.server_address[1]}"
        self.url, self.second_url = f"{self.base_url}/tsa", f"{self.base_url}/second"
        self.pki = Pki(self.base_url, self.now, certificate_days)
        self._thread = threading.Thread(target=self._server.serve_forever, name="timestamp-authority", daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *exc_info):
        self._healed.set()
        self._server.shutdown()
        self._server.server_close()

    @property
    def now(self):
        return (self._now or datetime.now(UTC)) + timedelta(seconds=self.offset)

    @property
    def roots_pem(self):
        return self.pki.root.certificate.public_bytes(serialization.Encoding.PEM)

    def heal(self):
        """Answer as one should, whoever is waiting too."""
        self.fault = self.revocation_fault = None
        self.offset = 0
        self.pki.revoked.clear()
        self._healed.set()
        self._healed = threading.Event()

    def revoke(self, serial):
        """Revoke a certificate of the root, as of now."""
        self.pki.revoked[serial] = self.now

    def seal_pkcs12(self, password, name="Example Company", days=(-2, 900)):
        """Return a PKCS#12 file with a new sealing key and its chain."""
        seal = self.pki.seal(name, days)
        secret = BestAvailableEncryption(password.encode())
        return pkcs12.serialize_key_and_certificates(
            b"seal", seal.key, seal.certificate, [self.pki.root.certificate], secret
        )

    # === HTTP === #

    def _serve(self, handler, body):
        self.asked.append(handler.path)
        if handler.path in ("/tsa", "/second"):
            fault = self.fault if handler.path == "/tsa" else None
            self._serve_stamp(handler, body, fault)
        else:
            self._serve_revocation(handler, body)

    def _serve_stamp(self, handler, body, fault):
        if self.credentials and handler.headers["Authorization"] != _basic(*self.credentials):
            self._send(handler, 401)
        elif fault == "down":
            _cut(handler)
        elif fault == "slow":
            self._healed.wait(60)
            _cut(handler)
        elif fault == "500":
            self._send(handler, 500, b"Internal Server Error")
        elif fault == "redirect":
            self._send(handler, 302, location=self.second_url)
        elif fault == "drip":
            self._drip(handler)
        else:
            self._send(handler, 200, self.answer(body, fault), "application/timestamp-reply")

    def _serve_revocation(self, handler, body):
        life, now = timedelta(days=7), self.now - timedelta(minutes=1)
        if self.revocation_fault == "stale":
            now -= 2 * life
        if self.revocation_fault == "down":
            _cut(handler)
        elif self.revocation_fault == "garbage":
            self._send(handler, 200, b"<html>")
        elif handler.path == "/root.crl":
            self._send(handler, 200, self._pki_of_answers().crl(now, life), "application/pkix-crl")
        elif handler.path == "/ocsp":
            self._send(handler, 200, self._pki_of_answers().ocsp(body, now, life), "application/ocsp-response")
        elif handler.path == "/root.der":
            self._send(handler, 200, self.pki.root.der, "application/pkix-cert")
        else:
            self._send(handler, 404)

    def _pki_of_answers(self):
        return self._stranger if self.revocation_fault == "stranger" else self.pki

    @cached_property
    def _stranger(self):
        """Of the same names, with other keys."""
        return Pki(self.base_url, self.now)

    def _drip(self, handler):
        handler.send_response(200)
        handler.end_headers()
        try:
            for _number in range(100):
                if self._healed.wait(0.2):
                    break
                handler.wfile.write(b"0")
        except OSError:
            pass  # the other side has had enough

    def _send(self, handler, status, content=b"", content_type="text/plain", location=None):
        try:
            handler.send_response(status)
            handler.send_header("Content-Type", content_type)
            handler.send_header("Content-Length", str(len(content)))
            if location:
                handler.send_header("Location", location)
            handler.end_headers()
            handler.wfile.write(content)
        except OSError:
            pass

    # === ANSWERS === #

    def answer(self, query, fault=None):
        """Return a TimeStampResp to a TimeStampReq, with a fault of :data:`FAULTS`."""
        if fault == "garbage":
            return b"<html>Welcome to this hotel's network</html>"
        if fault == "huge":
            return bytes(1 << 20)
        if fault == "rejected":
            status = {"status": "rejection", "status_string": ["busy"], "fail_info": {"system_failure"}}
            return core.SequenceOf([tsp.PKIStatusInfo(status)], spec=tsp.PKIStatusInfo).dump()
        token = self._token(tsp.TimeStampReq.load(query), fault)
        answer = parser.emit(*SEQUENCE, tsp.PKIStatusInfo({"status": "granted"}).dump() + token)
        return answer[: len(answer) // 2] if fault == "truncated" else answer

    def _token(self, query, fault):
        signer = self.pki.bad.get(fault) or self.pki.stamping
        info = self._info(query, fault)
        attributes = self._attributes(signer, info, fault)
        digest = "sha1" if fault == "broken_digest" else "sha256"
        signature = signer.key.sign(
            attributes.dump(),
            ec.ECDSA(hashes.SHA1() if digest == "sha1" else hashes.SHA256()),  # noqa: S303
        )
        if fault == "signature":
            signature = signature[:-1] + bytes([signature[-1] ^ 1])
        identifier = {"issuer": signer.asn1.issuer, "serial_number": signer.asn1.serial_number}
        signer_info = cms.SignerInfo(
            {
                "version": "v1",
                "sid": cms.SignerIdentifier({"issuer_and_serial_number": cms.IssuerAndSerialNumber(identifier)}),
                "digest_algorithm": algos.DigestAlgorithm({"algorithm": digest}),
                "signature_algorithm": algos.SignedDigestAlgorithm({"algorithm": f"{digest}_ecdsa"}),
                "signed_attrs": attributes,
                "signature": signature,
            }
        )
        root = self.pki.other_root if fault == "untrusted" else self.pki.root
        certificates = [] if fault == "certificate_missing" else [signer.asn1, root.asn1]
        signed = cms.SignedData(
            {
                "version": "v3",
                "digest_algorithms": [algos.DigestAlgorithm({"algorithm": digest})],
                "encap_content_info": {"content_type": "tst_info", "content": core.ParsableOctetString(info)},
                "certificates": certificates,
                "signer_infos": [signer_info],
            }
        )
        # Not by asn1crypto, which writes some lengths anew: see tools/der.py.
        return parser.emit(*SEQUENCE, cms.ContentType("signed_data").dump() + parser.emit(*EXPLICIT_0, signed.dump()))

    def _info(self, query, fault):
        imprint = query["message_imprint"]
        if fault in ("imprint", "digest"):
            imprint = tsp.MessageImprint(
                {
                    "hash_algorithm": {"algorithm": "sha512" if fault == "digest" else "sha256"},
                    "hashed_message": bytes(64 if fault == "digest" else 32),
                }
            )
        wanted = query["req_policy"].native and query["req_policy"].dotted
        info = {
            "version": "v1",
            "policy": OTHER_POLICY if fault == "policy" else wanted or POLICY,
            "message_imprint": imprint,
            "serial_number": secrets.randbits(159),
            "gen_time": self.now,
            "accuracy": {"seconds": 1},
            "nonce": query["nonce"].native + (fault == "nonce"),
        }
        if fault == "no_nonce":
            del info["nonce"]
        return tsp.TSTInfo(info).dump()

    def _attributes(self, signer, info, fault):
        named = self.pki.responder if fault == "certificate_id" else signer
        content = b"other" if fault == "content" else info
        digest = (hashlib.sha1 if fault == "broken_digest" else hashlib.sha256)(content).digest()
        attributes = [("content_type", "tst_info"), ("message_digest", digest)]
        if fault != "no_certificate_id":
            identifier = {
                "hash_algorithm": {"algorithm": "sha256"},
                "cert_hash": hashlib.sha256(named.der).digest(),
            }
            attributes.append(("signing_certificate_v2", tsp.SigningCertificateV2({"certs": [identifier]})))
        return cms.CMSAttributes([cms.CMSAttribute({"type": kind, "values": [value]}) for kind, value in attributes])


def _basic(user, password):
    return "Basic " + b64encode(f"{user}:{password}".encode()).decode()


def _cut(handler):
    """Close the connection without a word."""
    handler.close_connection = True
    with suppress(OSError):
        handler.connection.shutdown(socket.SHUT_RDWR)
