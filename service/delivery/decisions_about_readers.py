"""The rows of the decision table that are about one reader's address or mailbox. None of them is asked before RCPT."""

from service.delivery.verdicts import Rule, Scope, Verdict


def _transient(
    source: str, words: str, detail: str | None = None, codes: str = "[45]..", *, strikes: bool = False
) -> Rule:
    return Rule(source, codes, Scope.RECIPIENT, Verdict.DEFERRED, words, detail, strikes=strikes)


def _dead(source: str, words: str, detail: str | None = None, codes: str = "5[15].") -> Rule:
    return Rule(
        source, codes, Scope.RECIPIENT, Verdict.REFUSED, words, detail, strikes=True, is_permanent=True
    )


def _bad_domain(source: str, words: str, detail: str | None = None, codes: str = "5..") -> Rule:
    return Rule(
        source, codes, Scope.RECIPIENT, Verdict.REFUSED, words, detail, strikes=True, needs_second=True
    )


def _refused(
    source: str, words: str, detail: str | None = None, codes: str = "5..", *, strikes: bool = True
) -> Rule:
    return Rule(source, codes, Scope.RECIPIENT, Verdict.REFUSED, words, detail, strikes=strikes)


TRANSIENT = (
    _transient(
        "Google 4.2.1 and 5.2.1, Yahoo, Rackspace: this reader is receiving too fast",
        r"too (fast|quickly)|rate that prevents|ReceivingRate|too much e?mail in a short",
    ),
    _transient("Exchange Online 5.2.121, 5.2.122: this reader's hourly limit", "", r"2\.12[12]"),
    _transient("RFC 6647: greylisting", r"gr[ea]y-?list", None, "4.."),
    _transient("RFC 3463 section 3.3, X.2.2: mailbox full", "", r"2\.2", strikes=True),
    _transient(
        "Mailbox full, by its words",
        r"(mailbox|inbox|user|recipient|account|disk).{0,40}(is |are )?(\bfull\b|over ?quota|out of storage)"
        r"|over ?quota|quota ?(is )?(exceeded|violation)|exceed(ed|s)? .{0,30}(quota|storage)|mailbox (size )?limit"
        r"|(exhausted|not enough|out of) .{0,20}(storage|space)|user has exceeded|hat zu ?viele mails"
        r"|mailfolder is full|full mailbox|bo[iî]te .{0,30}pleine|mailbox exceeds|exceeding (their |its |receiving )*(quota|limits)"
        r"|too much mail (data|stored)|too many messages (on|in)|space has been used|storage allocation|mail ?box space",
        None,
        "45[02]|522|55[0-4]",
        strikes=True,
    ),
    _transient("RFC 3463 section 3.5, X.4.7: expired on its way", "", r"4\.7"),
    _transient("RFC 3463, X.3.x and X.4.x: a system or route behind the relay", "", r"[34]\.\d+", "4.."),
    _transient(
        "Yahoo, Exchange: a fault inside",
        r"internal (server |system )?error|service (is )?currently unavailable|transaction failed, blame|temporary failure",
        None,
        "[45]..",
    ),
    _transient(
        "Servers' own words: a loop, a route, or something out of order behind the relay",
        r"too many hops|hop count|\b(mail|message|routing|forwarding) (is )?loop|loop (broken|detected)|loops back"
        r"|no route to host|host (is )?unreachable|resolve route|(system|local|server) config\w* error|misconfigur"
        r"|interrupted system call|write error|while being processed|message (has )?expired|expired after"
        r"|(mail )?system (is )?full|temporar\w+ (unavailable|suspended|deferred|out of)|\bbusy\b|load (is )?too high|too much load"
        r"|no space left|(insufficient|not (sufficient|enough)) (disk|system) ",
        None,
        "[45]..",
    ),
)  # fmt: skip

# Who, and what is said of them: in the languages that servers speak beside English.
_WHO = (
    r"(user(id)?|mail ?box|recipient|account|alias|person|mail ?drop|local[ -]?part|destination|destin(ataire|atario|\.)"
    r"|ad+res(s|se|ses|see|sees|sat)?|benutzer|empf[aä]nger|kont[oa]|utilisateur|usuario|indirizzo|utente|пользовател\w*)"
)
_NOT_US = "".join(
    f"(?<!{word} )"
    for word in ("ip", "sender", "sender's", "from", "client", "your", "host", "server", "helo")
)
_KIND_OF = r"(virtual|local|e-?mail|mail|delivery|destination|final|recipient)"
_IS_GONE = (
    r"((is|are|was|were|does|do|has been|could|can)( |(?=n't)))?"
    r"(unknown|un?recogni[sz]ed|invalid|in?correct|non-?existent|(currently )?unavailable"
    r"|(not|n't|no longer) (be )?(known|recogni[sz]ed|found|exists?|present|listed|registered|valid|local|used|in use|on (this )?server)\b"
    r"|unbekannt|inconnue?|sconosciut[oa]|desconocid[oa]|onbekend|inesistente|errat[oa]|nie istnieje|n'existe pas|existiert nicht)"
)
_NO_SUCH = r"(unknown|invalid|illegal|no such|non-?existent|bad|nie ma takiego)"
_GONE = (
    r"user (is )?(unknown|not known|does(n't| not) exist|not found)|unknown (user|recipient|mailbox|address|local)"
    r"|no such (user|recipient|mailbox|mail-?box|address|person|id|account)|no mail-?box (here )?by that name"
    r"|(mailbox|recipient|account|address)( \S+){0,3} (not found|does(n't| not) exist|unallocated|unknown|is no longer valid)"
    r"|doesn't have an? \S+ account|(is )?no longer valid|not a valid (user|mailbox|e-?mail|recipient)"
    r"|invalid (mailbox|recipient)|recipient (unrecognized|not found|unknown)|addressee unknown|blank mailhost"
    r"|not our customer|utilisateur inconnu|destinataire .{0,20}invalide|unbekannt|mailbox unavailable"
    r"|not in recipient list"
    r"|sorry, no mailbox|not listed in (the |public )?(name|domino|directory)|address rejected\.? *\[code"
    r"|account closed|address does not exist|cannot deliver mail for"
    rf"|{_NOT_US}{_WHO}\S*( \S+){{0,3}} {_IS_GONE}|\b{_NO_SUCH}[ -]({_KIND_OF}[ -]?)*{_WHO}|userunknown|address_not_found"
    r"|not an? (valid|known|local|active|existing|registered) (e-?mail )?(user|address|mailbox|recipient|account)"
    r"|no (mail ?box|account|user|recipient|one|person)( \S+){0,4} (found|here|available|by that name|at this address)"
    r"|in (the |my )?(bad ?rcpt ?to|bad ?recipient ?to)|badrcptto|not in (the |my )?valid ?rcpt ?to|missing home directory"
    r"|can(no|')t accept user|no \S+ in (the )?name directory|wrong or no longer valid|has been replaced by"
    r"|(unable to|cannot|can't|could not) find .{0,20}(user|alias|mailbox|recipient)|(handle|accept) mail for (that|this) user"
    rf"|(?<!sender )(?<!from )…[>)\"]* {_IS_GONE}"
    r"|nessun utente|no existe (dicha|ese|el|la|tal)|n'existe pas|existiert nicht|non esiste|не существует|не найден"
)
_DISABLED = (
    r"(account|mailbox|user|recipient)( \S+){0,4} (is )?(disabled|inactive|deactivated|not active|not activated"
    r"|archived?e?\b)"
    r"|disableduser|inactiveuser|full and inactive|overquotaperm"
)

PERMANENT = (
    _refused(
        "Recipients' own filters, by their words, whatever the code",
        r"recipient('s)? (own )?(preferences|filter)|domain filter|blocked by the (recipient|user|addressee)"
        r"|user (rules|reject)|refuses? to receive",
        None,
        "55.",
    ),
    _bad_domain("RFC 7504: 556, the domain takes no mail", "", None, "556"),
    _bad_domain("RFC 7505 section 4: null MX", r"null ?mx|does not accept mails?\b(?! (from|with))"),
    _bad_domain(
        "RFC 3463 section 3.2, X.1.2, and section 3.5, X.4.4: no such domain",
        "",
        r"1\.2|4\.4|4\.310",
    ),
    _bad_domain(
        "Exim, Postfix and others: no such domain",
        r"unrout(e)?able address|(host|domain)( name)?( \S+){0,3} (not found|does(n't| not) exist)|no-domain|no MX for"
r"|domain is not reachable|host ?name is unknown|(no such|unknown) (host|domain)|(host|domain) unknown|domain must exist"
r"|account or domain may not exist",
        None,
        "5..",
    ),
    _dead("RFC 3463 section 3.2, X.1.1, X.1.3, X.1.6: no such mailbox, bad syntax, moved", "", r"1\.[136]", "5[15].|501"),
    _dead("Exchange Online 5.1.10: recipient not found", "", r"1\.10"),
    _dead("Cisco Secure Email 5.1.0: no such recipient", r"^#5\.1\.0 address rejected", r"1\.0"),
    _dead("RFC 3463 section 3.3, X.2.1: mailbox disabled", "", r"2\.1"),
    _dead("IANA registry 5.7.13, 5.7.17, 5.7.18: disabled, or another owner", "", r"7\.1[378]", "5[125]."),
    _dead("RFC 5321 section 4.2.2: 551, not here", r"not (local|here)|try|forward|moved|exist", None, "551"),
)  # fmt: skip

REFUSING = (
    _refused("5.7.x with words about the address: counted, never believed at once",
        f"{_GONE}|{_DISABLED}|temporar\\w+ (locked|suspended|disabled)",
        r"7\.\d+",
    ),
    _refused(
        "Mailboxes that are closed, in other languages, or for a reason that may pass",
        r"due to inactivity|de[sz]?a[ck]tiv|disatt+ivat|bloccat|blokowan|ina[ck]tiv[oa]\b|nieaktywn|expirad|not currently being accepted",
    ),
    _dead("Wordings of addresses that do not exist", _GONE, codes="5[015]."),
    _dead("Wordings of mailboxes that are closed", _DISABLED, codes="5[015]."),
    _refused(
        "Exchange Online 5.4.1, and bounce parsers' suspend, filtered, notaccept",
        r"recipient address rejected: access denied|suspended|recipient account is blocked|(recipient|address) rejected",
        r"(?!2\.3|3\.4|6\.)[0-6]\.\d+",
    ),
    _refused("RFC 6531 section 3.5: this address needs SMTPUTF8", "", r"6\.7", strikes=False),
)  # fmt: skip
