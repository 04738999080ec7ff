"""The decision table as data: first match wins, relay-account rows first, each with its source.

Wordings and codes as the relays and providers published them up to November 2026; they change monthly. What no row knows is
decided by `LEFT_OVER` alone, so that an unknown wording is never a dead address.
"""

from datetime import timedelta

from service.delivery.decisions_about_readers import PERMANENT, REFUSING, TRANSIENT
from service.delivery.sayings_about_us import ABOUT_US
from service.delivery.verdicts import BEFORE_A_READER_IS_NAMED, Phase, Rule, Scope, Verdict

_ANY, _LATER, _NO = "[45]..", "4..", "5.."
_FROM_RCPT = frozenset(Phase) - BEFORE_A_READER_IS_NAMED
_AFTER_RCPT = _FROM_RCPT - {Phase.RCPT}
_CONTENT = frozenset(Phase) - {Phase.CONNECT}


def _account(source: str, words: str, detail: str | None = None, codes: str = _ANY) -> Rule:
    return Rule(source, codes, Scope.ACCOUNT, Verdict.DEFERRED, words, detail)


def _host(source: str, words: str, detail: str | None = None, codes: str = _LATER) -> Rule:
    return Rule(source, codes, Scope.HOST, Verdict.DEFERRED, words, detail)


def _connection(source: str, words: str, detail: str | None = None, codes: str = _LATER) -> Rule:
    return Rule(source, codes, Scope.CONNECTION, Verdict.DEFERRED, words, detail)


def _provider(source: str, words: str, rest: timedelta, detail: str | None = None, codes: str = _ANY) -> Rule:
    return Rule(source, codes, Scope.PROVIDER, Verdict.DEFERRED, words, detail, rest=rest)


def _sender(source: str, words: str, detail: str | None = None, codes: str = _ANY) -> Rule:
    return Rule(source, codes, Scope.SENDER, Verdict.DEFERRED, words, detail)


def _message(source: str, words: str, detail: str | None = None, codes: str = _NO) -> Rule:
    return Rule(source, codes, Scope.MESSAGE, Verdict.REFUSED, words, detail, phases=_CONTENT)


_MINUTES_10, _MINUTES_15, _MINUTES_30 = timedelta(minutes=10), timedelta(minutes=15), timedelta(minutes=30)
_HOURS_2, _HOURS_4 = timedelta(hours=2), timedelta(hours=4)

ACCOUNT = (
    _account("Amazon SES, sending quotas: daily quota", r"daily message quota"),
    _account("Amazon SES, sending quotas: maximum rate", r"throttling failure|maximum sending rate"),
    _account(
        "Amazon SES, error messages: identity not verified",
        r"address(es)? (is|are) not verified|identit(y|ies) failed the check",
    ),
    _account(
        "Amazon SES, error messages: sending paused",
        r"sending (is )?(paused|suspended|disabled)|not authorized to perform .?ses:",
    ),
    _account("Google 5.4.5: daily limit of our account", "", r"4\.5", "5.."),
    _account(
        "Google, SMTP relay service",
        r"smtp relay (sending )?limit exceeded|invalid credentials for relay|mail relay denied",
    ),
    _account("Exchange Online 5.1.90: daily limit of our account", "", r"1\.90", "5.."),
    _account(
        "Exchange Online: outbound sender blocked, tenant over its threshold",
        r"bad outbound sender|tenant has exceeded|traffic not accepted from this ip",
        r"1\.8|7\.(705|708|750)",
    ),
    _account("Exchange Online 5.2.251-255: SMTP submission throttled", "", r"2\.25[1-5]", "5.."),
    _account(
        "Exchange Online: no right to send as this sender",
        r"sendasdenied|permissions? to send as|not allowed to send as",
    ),
    _account(
        "Exchange, submission limits of our own client",
        r"sender thread limit|concurrent connections? limit exceeded|submission rate for this client",
    ),
    _account("Twilio SendGrid: credits used up", r"maximum credits exceeded"),
    _account(
        "Twilio SendGrid: sender identity",
        r"does not match a verified sender|not authori[sz]ed to send from|unauthenticated senders",
    ),
    _account("Brevo: IP address not authorised", r"unauthori[sz]ed ip address"),
    _account("Brevo: account not activated", r"smtp account is not yet activated"),
    _account("Mailgun: domain not allowed to send", r"domain \S+ is not allowed to send|sandbox subdomains"),
    _account(
        "Postmark, API and SMTP errors: sender signature, credits, inactive server",
        r"sender signature|not allowed to send: |run out of credits",
    ),
    _account(
        "SparkPost: sending domain, sending limit", r"unconfigured sending domain|exceeds? sending limit"
    ),
    _account(
        "Mailjet and others: account blocked",
        r"your account (has been|is) (temporarily )?(blocked|suspended|disabled)",
    ),
    _account(
        "Postal and others: sender not confirmed",
        r"sender (address |e?mail )?(has )?not (been )?(yet )?(validated|verified|confirmed)|from/sender name is not valid",
    ),
    _account(
        "Relays in general: quota of the account, not of a mailbox",
        r"(relay|sending|daily|hourly|monthly|outgoing|outbound|per second)[ -]"
        r"(smtp |relay |sending |user |e?mail |message |recipient )*(quota|limit|allowance|credits)\b"
        r"|recipient limit exceeded|(exceeded|reached) (its|your|the) ((e?mail|hour(ly)?|daily|24-hour|sending) )+"
        r"(quota|limit)|exceeded hour limit",
    ),
    _account(
        "RFC 4954 section 6: sign in first, or again",
        r"authenticat|auth|credentials|log ?in|password|username",
        codes="530|534|535|538",
    ),
    _account(
        "Yandex, Brevo and others: a command before the sign-in",
        r"auth\S* (command )?(first|required|is required)|please (log ?in|authenticate)|requires auth",
        codes="50[0-4]|55[0-4]|45.",
    ),
    _account(
        "RFC 4954 section 6: signing in does not work now",
        r"authenticat|log ?in",
        codes="454",
    ),
    _account(
        "Postfix, Exim, Sendmail, qmail: the relay does not relay for us",
        r"relay(ing)? (access )?(is )?(denied|not (permitted|allowed))|not (permitted|allowed) to relay|unable to relay"
        r"|allowed rcpthosts|open relay not allowed|address is not allowed( to send)?\b",
    ),
)

CONNECTION = (
    _connection(
        "Yahoo, Amazon SES, Orange: enough messages over this connection",
        r"max(imum)? (number of )?messages?( count)? per (connection|session)"
        r"|(too many|enough) messages (in|on|for|per) (one|this|a|the)? ?(connection|session)|OFR\w*_109",
    ),
    _connection("RFC 3463 section 3.5, X.4.2: this connection has failed", "", r"4\.2", "421"),
    _connection("Postfix smtpd_hard_error_limit", r"too many (errors|nonmail|unrecognized)", None, "421"),
    Rule(
        "RFC 5321 section 4.5.3.1.10: 452, and 552 at RCPT, mean too many recipients",
        "452|552",
        Scope.CONNECTION,
        Verdict.DEFERRED,
        detail=r"5\.3",
        phases=_FROM_RCPT,
    ),
    _connection("RFC 5321 section 4.5.3.1.10, by its words", r"too many recipients", None, "45.|55[02]"),
)

HOST = (
    _host(
        "Amazon SES, Postfix, Exim, Rackspace, Exchange: too many connections",
        r"too many (concurrent )?(smtp )?(connections|sessions)|number of (concurrent )?(connections|sessions)"
        r"|too frequent connects|trop de connexions",
    ),
    _host("RFC 3463 section 3.4, X.3.1 and X.3.2: system full, or taking no mail", "", r"3\.[12]"),
    _host("RFC 3463 section 3.4: a mail system that closes the channel", "", r"3\.\d+", "421"),
    _host("RFC 7504: the host takes no mail at all", "", codes="521"),
)

PROVIDER = (
    _provider("Google 4.7.28: rate of this address, domain, link or Message-ID", "", _MINUTES_10, r"7\.28"),
    _provider("Google 4.7.0: unusual rate, low reputation", r"unusual rate|suspicious|rate limited", _MINUTES_10,
              r"7\.[01]", _LATER),
    _provider("Outlook RP-001 to RP-003: rate of this address", r"\bRP-00[1-3]\b", _MINUTES_30),
    _provider("Exchange Online 4.7.5xx-8xx: address throttled", "", _MINUTES_30, r"7\.[5-8]\d\d", _LATER),
    _provider(
        "Outlook SC-, DY-, OU-: address or domain blocked",
        r"\b(SC|DY|OU)-00\d\b|\((AS|S)\d{4}\)|part of their network is on our block",
        _HOURS_2,
    ),
    _provider("Exchange Online 5.7.606-649, 5.7.511: banned address", "", _HOURS_2, r"7\.(6[0-4]\d|511)", _NO),
    _provider("Yahoo BL: address on a block list", r"\[BL\d+\]", _HOURS_2),
    _provider("Yahoo TSS05, IPTS: volume or complaints", r"\[(TSS05|IPTS\d+)\]", _HOURS_4),
    _provider("Yahoo TSS04: volume or complaints", r"\[TSS04\]", _HOURS_2),
    _provider("Yahoo TS01 to TS03: unusual traffic", r"\[TSS?\d+\]|4\.16\.5\d", _MINUTES_30),
    _provider("Apple HCM1, BS02, excessive volume", r"\[(HCM\d|BS\d\d)\]|due to excessive volume", _MINUTES_15),
    _provider("Comcast RL: throttled", r"#RL0+|\bthrottled\b", _MINUTES_15, codes=_LATER),
    _provider("Orange and La Poste: slow down", r"\b(OFR|LPN)\w*_?(103|105|109|424|505|98[89]|990)\b", _MINUTES_30,
              codes=_LATER),
    _provider("Rackspace, Mimecast and others: address not known well enough", r"new or untrusted ip|reputation",
              _MINUTES_30, codes=_LATER),
)  # fmt: skip

SENDER = (
    _sender(
        "Google 4.7.23-40 and 5.7.25-40: PTR, SPF, DKIM, DMARC, TLS", "", r"7\.(2[3-7]|29|3[0-2]|40)"
    ),
    _sender("RFC 7372: DKIM and SPF; RFC 7489: DMARC", "", r"7\.(2[0-2]|509|515)"),
    _sender("RFC 3463 section 3.2, X.1.7 and X.1.8: the sender's address", "", r"1\.[789]"),
    _sender(
        "Postfix, Exim, AT&T: no name for our address",
        r"\bPTR\b|reverse (dns|hostname|lookup)|cannot find your (reverse )?hostname|\brDNS\b|helo command rejected"
r"|invalid ip for sending|host (network )?not allowed|unrout(e)?able sender",
    ),
    _sender(
        "Postfix, Exim, qmail: the sender's domain cannot be found",
        r"sender (domain|verify)|domain of sender|envelope sender|provide a valid from|sender rejected|badmailfrom"
r"|sender address rejected: domain|not accept(ing)? (any )?(e-?)?mails? from"
r"|(sender('s)?|from|client) (e-?mail )?address (is |was )?(unknown|invalid"
r"|not|does|has)|(invalid|unknown|bad) sender|emetteur|address of (the |this |your )?sender|\bhelo\b",
    ),
    _sender(
        "GMX and others: policy behind the words of RFC 5321 section 4.2.2",
        r"mailbox unavailable.*(\bpolic|spam|block|black|reputation|DNSBL)",
    ),
    _sender("Authentication in words: SPF, DKIM, DMARC", r"\b(DMARC|DKIM|SPF)\b|DmarcRejection|spoof"),
    _sender("RFC 3207 section 4: STARTTLS first", r"starttls (command )?first|tls (is )?required|encryption (needed|required)"),
)  # fmt: skip

MESSAGE = (
    _message("RFC 1870 section 6: larger than the server takes", "", r"3\.4|2\.3", "55[024]"),
    _message(
        "RFC 1870 section 6, by its words",
        r"(message|mail|size|data).{0,30}(too (big|large)|exceeds|limit exceeded)|message (size|length) ",
        codes="55[0-4]|523",
    ),
    _message("RFC 3463 section 3.7, X.6.x: content", "", r"6\.(?!7$)\d+", "55."),
    _message(
        "Google 5.7.1, Yahoo: not as RFC 5322 has it",
        r"RFC ?[25][38]22|multiple from addresses|RFC compliant|(multiple|duplicate|missing|invalid) .{0,40}header|valid message-id"
        r"|encoded-word"
        r"|headers? (are|is) not",
    ),
    _message("Google 552 5.7.0: content that may do harm", "", r"7\.0", "552"),
    _message(
        "Filters, by their words: attachment, virus, banned content",
        r"security issue|virus|malware|infected|(banned|prohibited|illegal) (content|attachment)|attachment",
    ),
)

LEFT_OVER = (
    _sender("RFC 3463 section 3.8, X.7.x: about us, not the address", "", r"7\.\d+", _NO),
    _sender(
        "Filters, by their words: spam, block lists, reputation, policy",
        r"spam|(?<!not )\blisted (at|in|on|by)\b|content denied|block.?list|black.?list|\bblocked|reputation|\bpolic|RBL|DNSBL"
        r"|senderbase|spamhaus|cloudmark"
        r"|prohibit|suspicio|phish|junk|OFR\w*_|LPN\w*_|IP=[\d.]+ - a problem|message denied"
        r"|delivery not authori[sz]ed|AUP#|connection denied|failed to authenticate|\bPBL\b|protocol violation"
r"|(sending|client|your) (ip|host|server) .{0,30}not (allowed|permitted|authori[sz]ed)",
        codes=_NO,
    ),
    _sender("Servers' own words: about who sends, or about the content", ABOUT_US, codes=_NO),
    Rule(
        "RFC 5321 section 4.2.4: a command or parameter the relay does not know",
        "50[0-5]|555",
        Scope.OURS,
        Verdict.REFUSED,
        phases=_CONTENT,
    ),
    Rule("RFC 3463 section 3.6, X.5.x: protocol", "5..", Scope.OURS, Verdict.REFUSED, detail=r"5\.\d+", phases=_CONTENT),
    _host("RFC 5321 section 3.8: 421 closes the channel", "", codes="421"),
    Rule(
        "RFC 5321 section 3.1: no service, or not now, before a message has begun",
        _ANY,
        Scope.HOST,
        Verdict.DEFERRED,
        phases=frozenset({Phase.CONNECT}),
    ),
    Rule("RFC 5321 section 4.2.1: MAIL put off", _LATER, Scope.HOST, Verdict.DEFERRED, phases=frozenset({Phase.MAIL})),
    Rule("RFC 5321 section 4.2.1: MAIL refused", _NO, Scope.SENDER, Verdict.DEFERRED, phases=frozenset({Phase.MAIL})),
    Rule(
        "RFC 5321 section 4.5.3.1.10: 552 at RCPT without a code means too many recipients",
        "552",
        Scope.CONNECTION,
        Verdict.DEFERRED,
        is_bare=True,
        phases=frozenset({Phase.RCPT}),
    ),
    Rule("RFC 5321 section 4.2.1: try again later", _LATER, Scope.RECIPIENT, Verdict.DEFERRED),
    Rule(
        "No enhanced code and no known word: in doubt, for the reader, but counted",
        _NO,
        Scope.RECIPIENT,
        Verdict.DEFERRED,
        is_bare=True,
        phases=frozenset({Phase.RCPT}),
        strikes=True,
    ),
    Rule("No enhanced code and no known word, after DATA", _NO, Scope.RECIPIENT, Verdict.DEFERRED, is_bare=True, phases=_AFTER_RCPT),
    Rule("RFC 5321 section 4.2.1: do not try again", _NO, Scope.RECIPIENT, Verdict.REFUSED, strikes=True),
)  # fmt: skip

RULES: tuple[Rule, ...] = (
    *ACCOUNT,
    *CONNECTION,
    *HOST,
    *PROVIDER,
    *SENDER,
    *TRANSIENT,
    *PERMANENT,
    *REFUSING,
    *MESSAGE,
    *LEFT_OVER,
)
