"""What mail servers say in their own words: tables, first match wins. Replies of other servers are judged by `delivery.decisions`.

`ANYHOW` is asked first, code or not: what only a report says, or what a report's own code hides. `WITHOUT_A_CODE` is asked where no
reply is quoted: names that could not be resolved, hosts out of reach, time that ran out, and mailboxes in the words of those who
hold them.
"""

import re
from typing import NamedTuple

from service.bounces.findings import Kind


class Wording(NamedTuple):
    kind: Kind
    rule: str
    source: str
    words: re.Pattern[str]
    needs_second: bool = False
    strikes: bool = False


def _row(kind: Kind, rule: str, source: str, words: str) -> Wording:
    is_domain = kind is Kind.PERMANENT and rule in {"no-such-domain", "null-mx"}
    strikes = kind in {Kind.PERMANENT, Kind.STRIKE} or rule == "mailbox-full"
    return Wording(kind, rule, source, re.compile(words, re.IGNORECASE), is_domain, strikes)


ANYHOW = (
    _row(
        Kind.SENDER,
        "closed-group",
        "Google Groups: not a member, or no such group; it does not say which",
        r"groups\.google\.com/(a/\S+/)?support",
    ),
    _row(
        Kind.SENDER,
        "too-fast",
        "Servers' own words: more from us than they take in a time",
        r"too many (recipients|messages|mails?|e-?mails) (this|per|in|within|an?) .{0,12}(second|minute|hour|day)"
        r"|frequency limit|(sending|message) rate (is )?(exceeded|too high|limit)"
        r"|exceeded .{0,30}(rate|per hour|hourly|per day|daily) ",
    ),
    _row(
        Kind.PERMANENT,
        "no-such-domain",
        "Sendmail and others: the name server knows for certain that there is no such host",
        r"host unknown \(|^host unknown$|authoritative answer from name server|^host does not accept mail"
        r"|(recipient|address) (domain )?has (a )?null MX",
    ),
)

WITHOUT_A_CODE = (
    _row(
        Kind.SENDER,
        "closed-group",
        "List managers: only members may write",
        r"(you are |is )?not (a )?member(s)? of (this|the) (mailing )?list|not member \(",
    ),
    _row(
        Kind.SENDER,
        "blocked",
        "Relays: we, or the address, are on a list of theirs",
        r"black ?list|block ?list|has been blocked|suppression list|spam|virus|policy|content filter"
        r"|sender (address )?rejected|not authori[sz]ed to send|not accept(ing)? (any )?mail from",
    ),
    _row(
        Kind.SENDER,
        "malformed",
        "Exim: an address we wrote could not be read",
        r"malformed address|may not follow",
    ),
    _row(
        Kind.SENDER,
        "message-refused",
        "Servers' own words: too large",
        r"message size (\d+ )?exceed|maximum (incoming |inbound )?message size|(message|mail) (is )?too (big|large)|too large to",
    ),
    _row(
        Kind.SENDER,
        "tls",
        "Servers' own words: our relay and theirs do not agree on TLS",
        r"tls is required|must issue a starttls|cannot start tls|certificate (not trusted|verification|expired)",
    ),
    _row(
        Kind.TRANSIENT,
        "name-server",
        "Postfix, Exim, Sendmail: a name server did not answer, or made no sense",
        r"not found, ?\s*try again|malformed name server|name server[: ](timeout|failure)|(name|host) .{0,20}lookup (timed out|deferred)"
        r"|lookup did not complete|servfail|unexpected name server reply"
        r"|temporar\w+ (name|dns|resolution|lookup)|(transient|temporary) (dns|name)|dns .{0,30}(timed? ?out|temporar)"
        r"|host name lookup failure|unable to look up|not known, try again",
    ),
    _row(Kind.PERMANENT, "null-mx", "RFC 7505: null MX", r"null ?mx"),
    _row(
        Kind.PERMANENT,
        "no-such-domain",
        "Postfix, Exim, qmail, Sendmail and others: no such domain, or none that takes mail",
        r"(host|domain)( name)?( or domain name)?( \S+){0,3} (was )?(not found|does(n't| not) (exist|accept)|unknown|non-?existent)"
        r"|(host|domain|mx) unknown|unknown (host|domain)"
        r"|no such (host|domain)|unrout(e)?able|couldn't find any host|(couldn't|could not) find a (mail exchanger|host)"
        r"|no (mx|mail exchanger|a or mx|valid mx)( host)?( record)?s?( was| were)?( found)? (for|found)"
        r"|address lookups failed permanently|^\W*invalid domain name|name or service not known"
        r"|non-?existent hosts?|nxdomain|illegal host/domain|bad domain|domain .{0,60}(not found|non-existent)",
    ),
    _row(
        Kind.TRANSIENT,
        "name-server",
        "Servers' own words: a look-up failed, it is not said how",
        r"name service error|lookup (failure|failed|error)|dns (error|failure)|bad dns",
    ),
    _row(
        Kind.TRANSIENT,
        "loop",
        "Postfix, Exim, Sendmail: goes round in circles there",
        r"loops? back|is looping|lowest numbered mx|too many hops|(mail|forwarding) .{0,12}loop|routing loop"
        r"|too many \"?received|hop count exceeded"
        r"|duplicated message-id|loop (alert|detected)",
    ),
    _row(
        Kind.TRANSIENT,
        "mailbox-full",
        "Mailbox full, in words and in translation",
        r"(mailbox|mailfolder|mail ?box|inbox|account|user|recipient|mail ?dir)\W{0,3}"
        r".{0,50}\b(full\b|over ?quota|exceeded|out of space|too large)"
        r"|mailbox size limit|quota (exceeded|exhausted)|over quota"
        r"|exceed(ed|s|ing) .{0,30}(quota|local limit|storage)|full mailbox|mail ?box space"
        r"|disk (is )?full|disk quota|メールボックスが(一杯|いっぱい)",
    ),
    _row(
        Kind.PERMANENT,
        "no-such-mailbox",
        "Exchange, Notes, IMail, Google and others: not in the directory that they keep themselves",
        r"recipient name is not recognized|000C05A6|not listed in|^\W*unknown user: |address not found"
        r"|couldn't be found|was(n't| not) found at|invalid final delivery userid"
        r"|wrong or no longer valid"
        r"|no valid recipients|送信先メールアドレスが見つかりません|RESOLVER\.ADR\.\w*NotFound",
    ),
    _row(
        Kind.STRIKE,
        "no-such-mailbox",
        "No such user in words alone: counted, not believed",
        r"(recipient|user|account|address|mailbox)( name)?( \S+){0,2} (is )?(not recognized|unknown|not known|not found"
        r"|invalid|does(n't| not) exist)"
        r"|(unknown|invalid|no such|bad) (user|recipient|mailbox|local|address|person|account|destination)"
        r"|does(n't| not) have an? \S+ account|no mailbox here|not a valid (user|mailbox|recipient|address)"
        r"|n'existe pas|existiert nicht|no existe|non esiste|не существует|не найден|存在しません|不存在",
    ),
    _row(
        Kind.STRIKE,
        "mailbox-closed",
        "Mailbox not in use, in words alone",
        r"(account|mailbox|user|recipient|address)( \S+){0,4} (is )?(suspended|disabled|inactive|deactivated|on hold"
        r"|locked|closed|limited|expired)",
    ),
    _row(
        Kind.STRIKE,
        "filtered",
        "The recipient's own filter",
        r"domain filter|rejected by (the )?(recipient|user|user's|addressee)|recipients was rejected",
    ),
    _row(
        Kind.TRANSIENT,
        "expired",
        "RFC 3463 X.4.7 in words: kept trying until the time was up",
        r"expired|retry time|timeout exceeded|in (the )?queue too long|cannot send message (for|within)"
        r"|could not (be )?deliver(ed)? (for|within|in)\b|not delivered within|queue lifetime"
        r"|after (\d+|multiple|several|many) (retries|attempts|tries)|failing for a long time|not been collected"
        r"|delivery failed \d+ attempts|(?<!i've )giv(en|ing) up|aborted after"
        r"|too old|for the last \d+ (second|hour|day)|undelivered for",
    ),
    _row(
        Kind.TRANSIENT,
        "unreachable",
        "Servers' own words: no connection came about, or it broke",
        r"connect|timed? ?out|unreachable|not reachable|not respond|no (valid )?route|routes to|address family mismatch"
        r"|refused|reset by peer|socket error"
        r"|broken pipe|lost connection|network|\btls\b|handshake|server (is )?down",
    ),
    _row(
        Kind.TRANSIENT,
        "system",
        "Servers' own words: something is out of order there",
        r"system (error|failure|problem)|internal error|configuration|local error|command (died|failed|output|time)"
        r"|pipe (to|failed)|permission|cannot (create|open|write|append|update|lock)"
        r"|can't create|couldn't create|local delivery failed|temporary (failure|problem|error)"
        r"|ldap|no space left|i/o error|failed to (read|open|write)|mailer (error|failure)|unknown mailer|deferred"
        r"|service unavailable|not available|insufficient|exec ",
    ),
)


def anyhow(text: str) -> Wording | None:
    return next((row for row in ANYHOW if row.words.search(text)), None)


def without_a_code(text: str) -> Wording | None:
    return next((row for row in WITHOUT_A_CODE if row.words.search(text)), None)
