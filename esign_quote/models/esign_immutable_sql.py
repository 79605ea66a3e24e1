"""The rules of evidence in the database's own language: the same for whoever speaks SQL.

``esign_refuse_change`` refuses; the others say when it need not. They are checked by triggers, hence for
Odoo's superuser as for a console. What remains is the owner of the tables and the superuser of PostgreSQL: they
can switch triggers off or replace these functions, and the clock of the machine is whoever's is root. Against
them stand the copies that are elsewhere: customer and company hold signed file and proof, and each night the
heads of all journals are put under one hash that is mailed, and time-stamped when there is an authority
(`esign.anchor`).

Each function names its schemas, for a temporary table of the same name would come first otherwise.
"""

YEARS = 10
DAYS_WITH_COPIES = 30

# Name and arguments, kind of result, body. Later ones use earlier ones. In PL/pgSQL, whose bodies are not
# looked into before they run: the tables come later.
FUNCTIONS = {
    "esign_refuse_change()": (
        "trigger",
        """
        BEGIN
            RAISE EXCEPTION USING
                MESSAGE = 'esign_quote: evidence is append-only: ' || TG_TABLE_NAME,
                ERRCODE = 'restrict_violation';
        END""",
    ),
    # The day itself is kept. `purged_on` is set under `esign_guard_request`, which asks for the same and more.
    "esign_term_is_over(request integer)": (
        "boolean",
        """
        BEGIN
            RETURN EXISTS (
                SELECT FROM esign_request r
                 WHERE r.id = request AND r.purged_on IS NOT NULL AND r.legal_hold IS NOT TRUE
                   AND r.retention_until < (clock_timestamp() AT TIME ZONE 'UTC')::date);
        END""",
    ),
    "esign_private_may_go(request integer, keep_until timestamp)": (
        "boolean",
        """
        BEGIN
            RETURN esign_term_is_over(request) OR (
                keep_until < clock_timestamp() AT TIME ZONE 'UTC'
                AND NOT EXISTS (SELECT FROM esign_request r WHERE r.id = request AND r.legal_hold));
        END""",
    ),
    "esign_only_payload_goes(request integer, before jsonb, after jsonb)": (
        "boolean",
        """
        BEGIN
            RETURN after - 'payload' = before - 'payload' AND after -> 'payload' = 'null'
                   AND esign_term_is_over(request);
        END""",
    ),
    # The signed file need not be archived if the request said so from the start and both sides have had it.
    "esign_copies_are_out(request integer)": (
        "boolean",
        f"""
        BEGIN
            RETURN EXISTS (
                SELECT FROM esign_request r
                 WHERE r.id = request AND r.state = 'signed' AND r.archive_signed IS FALSE
                   AND r.signed_removed_on IS NOT NULL AND r.legal_hold IS NOT TRUE
                   AND 2 = (
                       SELECT count(DISTINCT d.kind) FROM esign_delivery d
                        WHERE d.request_id = r.id AND d.kind IN ('signed_copy', 'company_copy')
                          AND d.state = 'handed_over' AND d.queued_on >= r.answered_on
                          AND d.handed_over_on
                              < clock_timestamp() AT TIME ZONE 'UTC' - interval '{DAYS_WITH_COPIES} days'));
        END""",  # noqa: S608  constants of this file
    ),
    "esign_file_may_go(model text, document integer)": (
        "boolean",
        """
        BEGIN
            RETURN model = 'esign.document' AND EXISTS (
                SELECT FROM esign_document d
                 WHERE d.id = document
                   AND (esign_term_is_over(d.request_id)
                        OR d.kind = 'signed' AND esign_copies_are_out(d.request_id)));
        END""",
    ),
    "esign_guard_request()": (
        "trigger",
        f"""
        DECLARE
            now timestamp := clock_timestamp() AT TIME ZONE 'UTC';
            last_entry varchar := (SELECT e.type FROM esign_event e
                                    WHERE e.request_id = NEW.id ORDER BY e.seq DESC LIMIT 1);
            problem text;
        BEGIN
            problem := CASE
                WHEN NEW.id <> OLD.id OR NEW.reference <> OLD.reference
                    THEN 'the signature identifier is given once'
                WHEN OLD.purged_on IS NOT NULL AND (NEW.purged_on IS DISTINCT FROM OLD.purged_on)
                    THEN 'what was purged stays so'
                WHEN OLD.answered_on IS NOT NULL AND NEW.answered_on IS DISTINCT FROM OLD.answered_on
                    THEN 'the moment of the answer is written once'
                WHEN NEW.answered_on IS DISTINCT FROM OLD.answered_on AND NEW.answered_on < now - interval '1 day'
                    THEN 'the moment of the answer is the present'
                WHEN OLD.retention_until IS NOT NULL
                     AND (NEW.retention_until IS NULL OR NEW.retention_until < OLD.retention_until)
                    THEN 'the term only grows'
                WHEN NEW.retention_until IS NOT NULL
                     AND (NEW.answered_on IS NULL
                          OR NEW.retention_until < (NEW.answered_on + interval '{YEARS} years')::date)
                    THEN 'the term is too short'
                WHEN OLD.delivered_on IS NOT NULL
                     AND (NEW.delivered_on IS NULL OR NEW.delivered_on < OLD.delivered_on)
                    THEN 'the day of the delivery only moves forward'
                WHEN NEW.delivered_on > now::date + 1
                    THEN 'the delivery is in the future'
                WHEN NEW.delivered_on IS NOT NULL
                     AND (NEW.retention_until IS NULL
                          OR NEW.retention_until < (NEW.delivered_on + interval '{YEARS} years')::date)
                    THEN 'the term is too short'
                WHEN OLD.archive_signed AND NEW.archive_signed IS NOT TRUE
                    THEN 'whether the signed file is archived was said at sending'
                WHEN NEW.legal_hold IS TRUE AND OLD.legal_hold IS NOT TRUE AND last_entry IS DISTINCT FROM 'hold.set'
                    THEN 'a hold is set with an entry in the journal'
                WHEN OLD.legal_hold IS TRUE AND NEW.legal_hold IS NOT TRUE
                     AND last_entry IS DISTINCT FROM 'hold.lifted'
                    THEN 'a hold is lifted with an entry in the journal'
                WHEN NEW.signed_removed_on IS DISTINCT FROM OLD.signed_removed_on
                     AND (OLD.signed_removed_on IS NOT NULL OR last_entry IS DISTINCT FROM 'document.removed')
                    THEN 'a file is removed once, with an entry in the journal'
                WHEN NEW.purged_on IS NULL OR OLD.purged_on IS NOT NULL
                    THEN NULL
                WHEN NEW.legal_hold IS TRUE OR OLD.legal_hold IS TRUE
                    THEN 'it is on hold'
                WHEN OLD.state NOT IN ('signed', 'declined', 'expired', 'void')
                     OR OLD.retention_until IS NULL OR OLD.retention_until >= now::date
                    THEN 'the term is not over'
                WHEN OLD.state = 'signed' AND OLD.delivered_on IS NULL
                     AND EXISTS (SELECT FROM sale_order o WHERE o.id = OLD.order_id AND o.state = 'sale')
                    THEN 'the term has not begun: the order is not delivered'
                WHEN last_entry IS DISTINCT FROM 'retention.purged'
                    THEN 'a purge leaves an entry in the journal'
            END;
            IF problem IS NOT NULL THEN
                RAISE EXCEPTION USING
                    MESSAGE = 'esign_quote: refused for ' || OLD.reference || ': ' || problem,
                    ERRCODE = 'restrict_violation';
            END IF;
            RETURN NEW;
        END""",  # noqa: S608  constants of this file
    ),
}
# What `esign_guard_request` looks at; other updates do not even call it.
GUARDED = (
    "id",
    "reference",
    "answered_on",
    "retention_until",
    "delivered_on",
    "legal_hold",
    "purged_on",
    "archive_signed",
    "signed_removed_on",
)
