"""What holds for every answer under /esign, even when there is no database: paths, headers, plain pages."""

import re
from http import HTTPStatus

import psycopg2
from markupsafe import Markup
from psycopg2.pool import PoolError
from werkzeug.wrappers import Response

SECURITY_HEADERS = {
    # Everything from this server, no script or style in the page itself, no frame around it.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self' data:; "
        "connect-src 'self'; worker-src 'self' blob:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
        "object-src 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex, nofollow",
    "Cache-Control": "no-store",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), otp-credentials=(self)",
}
RETRY_AFTER = "60"  # seconds; the pages say "in a minute"
# A language may stand before the path: http_routing takes it away and goes on.
_OURS = re.compile(r"/+(?:(?!my/|web/)[a-z]{2,3}(?:[_@-]\w+)*/+)?esign(?:/|$)")
# Class 53 and 57 of PostgreSQL: too many connections, shutting down, starting up.
_UNAVAILABLE = {"53300", "57P01", "57P02", "57P03"}
_TEXTS = {
    400: (
        "This page had been open for too long",
        "Go back and reload the page. Nothing was lost, nothing was signed.",
        "Cette page est restée ouverte trop longtemps",
        "Revenez en arrière et rechargez la page. Rien n'est perdu, rien n'a été signé.",
    ),
    404: (
        "This link no longer opens a document",
        "Ask the company that sent it for a new one.",
        "Ce lien n'ouvre plus de document",
        "Demandez-en un nouveau à l'entreprise qui l'a envoyé.",
    ),
    413: (
        "This is too large",
        "Go back and send less. Nothing was signed.",
        "L'envoi est trop volumineux",
        "Revenez en arrière et envoyez-en moins. Rien n'a été signé.",
    ),
    503: (
        "Too many visitors at this moment",
        "Please try again in a minute. Nothing was lost and no try was used.",
        "Trop de visiteurs en ce moment",
        "Réessayez dans une minute. Rien n'est perdu et aucun essai n'a été décompté.",
    ),
}
_REFUSED = (
    "This page cannot be opened like this",
    "Open the link of our message again. Nothing was signed.",
    "Cette page ne s'ouvre pas ainsi",
    "Ouvrez à nouveau le lien de notre message. Rien n'a été signé.",
)
_FAILED = (
    "Something failed on our side",
    "Please try again in a minute, from the link of our message.",
    "Une erreur est survenue de notre côté",
    "Réessayez dans une minute, depuis le lien de notre message.",
)


def is_ours(path):
    """Tell whether a path belongs to this addon's public pages.

    :param str path: decoded path of the request
    :rtype: bool
    """
    return bool(_OURS.match(path))


def is_busy(error):
    """Tell whether an error means that no connection to the database was to be had.

    The words of PostgreSQL depend on its language, so they are not looked at: a connection that
    was refused, or was dead already, has neither a code nor a cursor.

    :param BaseException error: as raised, or the one it was raised from
    :rtype: bool
    """
    while error is not None:
        if isinstance(error, PoolError):
            return True
        # A connection of the pool that died meanwhile is a plain DatabaseError, at the first thing that is done with it.
        if isinstance(error, psycopg2.OperationalError) or type(error) is psycopg2.DatabaseError:
            return error.pgcode in _UNAVAILABLE or (error.pgcode is None and error.cursor is None)
        error = error.__cause__
    return False


def security_headers(https):
    """Return the headers of every answer.

    :param bool https: whether the visitor came by https
    :rtype: dict[str, str]
    """
    more = {"Strict-Transport-Security": "max-age=31536000"} if https else {}
    return {**SECURITY_HEADERS, **more}


def has_our_policy(headers):
    """Tell whether an answer was made by us, by its headers."""
    return headers.get("Content-Security-Policy") == SECURITY_HEADERS["Content-Security-Policy"]


def plain_page(status, https=False):
    """Return a page in French and English that needs nothing but this process.

    :rtype: werkzeug.wrappers.Response
    """
    title, text, titre, texte = _TEXTS.get(status) or (
        _FAILED if status >= HTTPStatus.INTERNAL_SERVER_ERROR else _REFUSED
    )
    page = Markup(
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"/>'
        '<meta name="viewport" content="width=device-width, initial-scale=1"/><title>{title}</title></head><body><main>'
        '<h1>{title}</h1><p>{text}</p><section lang="fr"><h1>{titre}</h1><p>{texte}</p></section>'
        "</main></body></html>"
    ).format(title=title, text=text, titre=titre, texte=texte)
    response = Response(str(page), status=status, mimetype="text/html", headers=security_headers(https))
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        response.headers["Retry-After"] = RETRY_AFTER
    return response
